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
