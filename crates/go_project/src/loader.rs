//! The traversal: from the packages asked for along their imports, on all cores. Each folder is read
//! and parsed once; a package's imports are followed as soon as its own files are parsed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base::{FxHashMap, FxHashSet};
use go_syntax::ParseMode;
use rayon::Scope;
use source::System;

use crate::folder::{Folder, RawFile, Reading, read_folder};
use crate::paths::below;
use crate::pattern::{Root, Roots};
use crate::resolve::{Origin, Place, Resolution, Resolver};
use crate::{BuildContext, LoadOptions, ParseLevel};

/// A folder that was read, with its imports resolved.
#[derive(Debug)]
pub(crate) struct Unit {
    pub place: Arc<Place>,
    pub folder: Folder,
    pub is_root: bool,
    /// Whether a pattern named it, rather than matched it.
    pub is_named: bool,
    /// The meaning of each path that one of its files imports, tests included.
    pub imports: FxHashMap<String, Resolution>,
    /// What cgo needs besides.
    pub implicit: Vec<Arc<Place>>,
}

/// Loads the roots and, unless the options say otherwise, everything below. The units come sorted by
/// key, whatever the order in which threads finished.
pub(crate) fn traverse(
    system: &dyn System,
    context: &BuildContext,
    options: &LoadOptions,
    resolver: &Resolver<'_>,
    roots: &Roots,
) -> Vec<Unit> {
    let loader = Loader {
        system,
        context,
        options,
        resolver,
        all: roots.all,
        started: Mutex::default(),
        units: Mutex::default(),
    };
    let mut first: FxHashMap<String, Root> = FxHashMap::default();
    for root in &roots.found {
        let known = first.entry(root.place.key()).or_insert_with(|| root.clone());
        known.is_named |= root.is_named;
    }
    loader.started().extend(first.keys().cloned());
    rayon::scope(|scope| {
        let loader = &loader;
        for root in first.into_values() {
            scope.spawn(move |scope| loader.load(scope, root.place, Some(root.is_named)));
        }
    });
    let mut units = loader.units.into_inner().unwrap_or_else(PoisonError::into_inner);
    units.sort_by_cached_key(|unit| unit.place.key());
    units
}

struct Loader<'a> {
    system: &'a dyn System,
    context: &'a BuildContext,
    options: &'a LoadOptions,
    resolver: &'a Resolver<'a>,
    /// Whether everything that is imported counts as asked for.
    all: bool,
    /// Keys of the packages that some thread has taken on.
    started: Mutex<FxHashSet<String>>,
    units: Mutex<Vec<Unit>>,
}

impl<'a> Loader<'a> {
    fn started(&self) -> std::sync::MutexGuard<'_, FxHashSet<String>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `root`: for a package asked for, whether by name.
    fn load<'s>(&'s self, scope: &Scope<'s>, place: Arc<Place>, root: Option<bool>) {
        let reading = Reading {
            system: self.system,
            context: self.context,
            parse: self.parse_mode(&place, root.is_some()),
            tests: self.options.tests && root.is_some(),
        };
        let folder = read_folder(reading, &place);
        let mut imports: FxHashMap<String, Resolution> = FxHashMap::default();
        for file in folder.all_files() {
            for (path, _) in &file.imports {
                if !imports.contains_key(path) {
                    imports.insert(path.clone(), self.resolver.resolve(&place, path));
                }
            }
        }
        let implicit = self.implicit(&place, &folder);
        if !self.options.no_deps {
            let written = imports.values().filter_map(|r| match r {
                Resolution::Package(target) => Some(target),
                _ => None,
            });
            for target in written.chain(&implicit) {
                if self.started().insert(target.key()) {
                    let target = Arc::clone(target);
                    scope.spawn(move |scope| self.load(scope, target, None));
                }
            }
        }
        let unit = Unit {
            place,
            folder,
            is_root: root.is_some(),
            is_named: root == Some(true),
            imports,
            implicit,
        };
        self.units.lock().unwrap_or_else(PoisonError::into_inner).push(unit);
    }

    /// How much of a package's files is parsed.
    fn parse_mode(&self, place: &Place, is_root: bool) -> ParseMode {
        let is_own =
            || is_root || self.all || matches!(place.origin, Origin::Main(_) | Origin::Loose);
        match self.options.parse {
            ParseLevel::OwnBodies if !is_own() => ParseMode::Declarations,
            ParseLevel::Full | ParseLevel::OwnBodies => ParseMode::Full,
            ParseLevel::ImportsOnly => ParseMode::ImportsOnly,
        }
    }

    /// A package with cgo files needs the runtime's cgo support, and a command the runtime, written
    /// or not. The packages that cgo itself rests on are excepted.
    fn implicit(&self, place: &Place, folder: &Folder) -> Vec<Arc<Place>> {
        let mut paths = Vec::new();
        let std = |names: &[&str]| {
            place.origin == Origin::Std && names.contains(&place.import_path.as_str())
        };
        if folder.files.iter().any(|f| f.cgo.is_some()) {
            if !std(&["runtime/cgo"]) {
                paths.push("runtime/cgo");
            }
            if !std(&["runtime/cgo", "runtime/race", "runtime/msan", "runtime/asan"]) {
                paths.push("syscall");
            }
        }
        if folder.name == Some(base::sym::MAIN) {
            paths.push("runtime");
        }
        paths
            .into_iter()
            .filter_map(|path| match self.resolver.resolve_pattern(path) {
                Resolution::Package(target) if target.origin == Origin::Std => Some(target),
                _ => None,
            })
            .collect()
    }
}

impl Folder {
    /// The package's files, its tests and its external tests.
    pub fn all_files(&self) -> impl Iterator<Item = &RawFile> {
        self.files.iter().chain(&self.tests).chain(&self.xtests)
    }
}

/// Whether an import breaks the rule of `internal` folders: only code below the folder that holds
/// `internal` may import what is in it.
pub(crate) fn breaks_internal(importer: &Place, target: &Place) -> bool {
    let path = target.import_path.as_str();
    let Some(at) = path
        .match_indices("internal")
        .filter(|&(i, word)| {
            (i == 0 || path[..i].ends_with('/'))
                && matches!(path[i + word.len()..].chars().next(), None | Some('/'))
        })
        .map(|(i, _)| i)
        .last()
    else {
        return false;
    };
    let parent = path[..at].trim_end_matches('/');
    match (&importer.origin, &target.origin) {
        // GOROOT keeps its own rules; there is nothing to tell the user about them.
        (Origin::Std, Origin::Std) => false,
        (_, Origin::Std) => true,
        // Without import paths of their own, folders decide.
        _ if importer.origin == Origin::Loose || importer.only.is_some() => {
            let holds = |d: &&Path| d.file_name().is_some_and(|n| n == "internal");
            let root = target.dir.ancestors().find(holds).and_then(Path::parent);
            !root.is_some_and(|root| importer.dir.starts_with(root))
        }
        _ => below(&importer.import_path, parent).is_none(),
    }
}
