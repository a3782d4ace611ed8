//! Patterns to packages (`go help packages`): `./...`, folders, `.go` files, import paths with and
//! without wildcards, `std`, `cmd`, `all`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use source::{FileKind, System};

use crate::paths::{Wildcard, below, clean, slashed};
use crate::resolve::{Origin, Place, Resolution, Resolver};
use crate::{ErrorClass, LoadError};

/// A package that a pattern named.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub place: Arc<Place>,
    /// Whether it was named itself, rather than matched by a wildcard: then it must have Go files.
    pub is_named: bool,
}

/// What the patterns came to.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    pub found: Vec<Root>,
    /// Whether everything that is imported counts as asked for (`all`).
    pub all: bool,
    pub errors: Vec<LoadError>,
}

/// The folder that a pattern starts from, when it names a path; with whether it has a wildcard.
pub(crate) fn start_of(system: &dyn System, base: &Path, pattern: &str) -> Option<(PathBuf, bool)> {
    if matches!(pattern, "std" | "cmd" | "all") {
        return None;
    }
    let (fixed, wild) = match Wildcard::new(pattern) {
        // The folder above a wildcard that is not an element of its own.
        Some(w) if !w.fixed().ends_with('/') && !pattern[w.fixed().len()..].starts_with('/') => {
            (w.fixed().rsplit_once('/').map_or("", |(dir, _)| dir).to_owned(), true)
        }
        Some(w) => (w.fixed().to_owned(), true),
        None => (pattern.to_owned(), false),
    };
    let path = clean(&base.join(&fixed));
    if is_go_file(system, &path) && !wild {
        return path.parent().map(|dir| (dir.to_owned(), false));
    }
    let is_path = is_relative(pattern) || Path::new(pattern).is_absolute();
    let is_dir = system.kind(&path) == Some(FileKind::Dir);
    (is_path || !fixed.is_empty() && is_dir).then_some((path, wild))
}

/// Expands the patterns. `cgo` is whether cgo files are built.
pub(crate) fn expand(
    resolver: &Resolver<'_>,
    base: &Path,
    patterns: &[String],
    cgo: bool,
) -> Roots {
    let mut expansion = Expansion { resolver, base, cgo, roots: Roots::default() };
    let mut files: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        let path = clean(&base.join(pattern));
        let names_file =
            pattern.ends_with(".go") && resolver.system.kind(&path) != Some(FileKind::Dir);
        if names_file && (is_go_file(resolver.system, &path) || !pattern.contains("...")) {
            files.push(path);
        } else {
            expansion.pattern(pattern);
        }
    }
    expansion.files(files);
    expansion.roots
}

struct Expansion<'a> {
    resolver: &'a Resolver<'a>,
    base: &'a Path,
    cgo: bool,
    roots: Roots,
}

impl Expansion<'_> {
    fn pattern(&mut self, pattern: &str) {
        match pattern {
            "std" | "cmd" => return self.goroot(pattern),
            "all" => {
                self.roots.all = true;
                let mains: Vec<PathBuf> =
                    self.resolver.modules.mains.iter().map(|m| m.dir.clone()).collect();
                if mains.is_empty() {
                    self.fail(
                        self.base,
                        "`all` needs a go.mod: it means the main module and what it imports",
                    );
                }
                for dir in mains {
                    self.walk(&dir, &dir, &|_| true);
                }
                return;
            }
            _ => {}
        }
        let like_std = !is_relative(pattern) && !Path::new(pattern).is_absolute();
        let start = start_of(self.resolver.system, self.base, pattern);
        if like_std && (start.is_none() || self.matches_std(pattern)) {
            return self.import_pattern(pattern);
        }
        let Some((start, wild)) = start else { return self.import_pattern(pattern) };
        if wild { self.folder_wildcard(pattern, &start) } else { self.folder(&start) }
    }

    /// Whether an unrooted pattern names a package of GOROOT (which goes before a folder here).
    fn matches_std(&self, pattern: &str) -> bool {
        let fixed = pattern.split("...").next().unwrap_or("").trim_end_matches('/');
        let Some(std) = &self.resolver.std else { return false };
        !fixed.is_empty()
            && !self.base.starts_with(std)
            && self.resolver.go_dir(&std.join(fixed)).is_some()
    }

    fn fail(&mut self, path: &Path, message: impl Into<String>) {
        self.roots.errors.push(LoadError::new(path, ErrorClass::Usage, message));
    }

    fn add(&mut self, place: Place, is_named: bool) {
        self.roots.found.push(Root { place: Arc::new(place), is_named });
    }

    fn folder(&mut self, dir: &Path) {
        if let Some(place) = self.resolver.place_of_dir(dir, dir) {
            return self.add(place, true);
        }
        match self.resolver.system.kind(dir) {
            None => self.fail(dir, "no such file or folder"),
            Some(FileKind::Dir) => match self.resolver.system.read_dir(dir) {
                Ok(_) => {
                    self.fail(dir, "no Go files in this folder; `./...` takes the folders below it")
                }
                Err(error) => {
                    self.roots.errors.push(LoadError::unreadable(dir, &error));
                }
            },
            Some(_) => self.fail(dir, "expected a folder or a .go file"),
        }
    }

    fn folder_wildcard(&mut self, pattern: &str, start: &Path) {
        let full = if Path::new(pattern).is_absolute() {
            PathBuf::from(pattern)
        } else {
            // `clean` takes `...` for a name like any other.
            clean(&self.base.join(pattern))
        };
        let full = full.to_string_lossy().replace('\\', "/");
        let Some(wildcard) = Wildcard::new(&full) else { return self.folder(start) };
        if self.resolver.system.kind(start) != Some(FileKind::Dir) {
            return self.fail(start, format!("no such folder (of the pattern {pattern})"));
        }
        let before = self.roots.found.len();
        self.walk(start, start, &|place| {
            wildcard.matches(&place.dir.to_string_lossy().replace('\\', "/"))
        });
        if self.roots.found.len() == before {
            self.fail(start, format!("{pattern} matches no folder with Go files"));
        }
    }

    fn import_pattern(&mut self, pattern: &str) {
        let Some(wildcard) = Wildcard::new(pattern) else {
            match self.resolver.resolve_pattern(pattern) {
                Resolution::Package(place) => self.roots.found.push(Root { place, is_named: true }),
                Resolution::Missing(reason) => {
                    self.fail(self.base, format!("{reason} (and there is no folder of that name)"));
                }
                Resolution::Unsafe | Resolution::C => {
                    self.fail(self.base, format!("{pattern} has no source"));
                }
            }
            return;
        };
        let before = self.roots.found.len();
        let modules = self.resolver.modules;
        let mains = modules.mains.iter().map(|m| (m.file.module.clone(), Some(m.dir.clone())));
        let mut trees: Vec<(String, Option<PathBuf>)> = match &modules.vendor {
            Some(vendor) => {
                let vendored =
                    vendor.packages.keys().map(|p| (p.clone(), Some(vendor.dir.join(p))));
                mains.chain(vendored).collect()
            }
            None => mains
                .chain(modules.selected.iter().map(|(p, s)| (p.clone(), s.dir.clone())))
                .collect(),
        };
        trees.push((String::new(), self.resolver.std.clone()));
        trees.sort();
        for (path, dir) in trees {
            let Some(dir) = dir.filter(|_| path.is_empty() || wildcard.can_match_below(&path))
            else {
                continue;
            };
            self.walk(&dir, &dir, &|place| wildcard.matches(&place.import_path));
        }
        if self.roots.found.len() == before {
            self.fail(self.base, format!("{pattern} matches no packages"));
        }
    }

    /// `std` and `cmd`.
    fn goroot(&mut self, which: &str) {
        let Some(std) = self.resolver.std.clone() else {
            return self.fail(self.base, format!("`{which}` needs GOROOT, which was not found"));
        };
        // As go has it, `std` includes what is vendored for it, and `cmd` does not.
        if which == "cmd" {
            let own = |place: &Place| below(&place.import_path, "cmd/vendor").is_none();
            return self.walk(&std.join("cmd"), &std, &own);
        }
        self.walk(&std, &std, &|place| below(&place.import_path, "cmd").is_none());
    }

    /// Adds the packages below a folder: not in folders that start with `_` or `.`, in `testdata`, in
    /// `vendor` (of user modules), in nested modules, or that `go.mod` says to ignore. Linked folders
    /// are not entered.
    fn walk(&mut self, start: &Path, base: &Path, wanted: &dyn Fn(&Place) -> bool) {
        let mut stack = vec![start.to_owned()];
        // As with go, `./...` in a module leaves out the modules below it, also those of the
        // workspace; above all modules it takes them all.
        let enters_mains = self.resolver.modules.main_of(start).is_none();
        while let Some(dir) = stack.pop() {
            let entries = match self.resolver.system.read_dir(&dir) {
                Ok(entries) => Arc::new(entries),
                Err(error) => {
                    self.roots.errors.push(LoadError::unreadable(&dir, &error));
                    continue;
                }
            };
            let (import_path, origin) = self.resolver.name_of_dir(&dir, base);
            let is_std = origin == Origin::Std;
            for entry in entries.iter().rev() {
                let name = entry.name.as_str();
                let skipped = name.starts_with(['_', '.'])
                    || name == "testdata"
                    || name == "vendor" && !is_std;
                if entry.kind != FileKind::Dir || entry.is_symlink || skipped {
                    continue;
                }
                let inner = dir.join(name);
                if !self.is_other_module(&inner, is_std, enters_mains) && !self.is_ignored(&inner) {
                    stack.push(inner);
                }
            }
            if entries.iter().any(|e| e.kind != FileKind::Dir && e.name.ends_with(".go")) {
                // These two document what the compiler knows by itself.
                let is_prose = is_std && matches!(import_path.as_str(), "builtin" | "unsafe");
                // The go command leaves it out of wildcards when there is no cgo.
                let is_idle = is_std && !self.cgo && import_path == "runtime/cgo";
                let place = Place { import_path, dir, origin, entries, only: None };
                if !is_prose && !is_idle && wanted(&place) {
                    self.add(place, false);
                }
            }
        }
    }

    /// Whether a module other than the ones at hand starts in the folder.
    fn is_other_module(&self, dir: &Path, in_std: bool, enters_mains: bool) -> bool {
        if self.resolver.system.kind(&dir.join("go.mod")) != Some(FileKind::File) {
            return false;
        }
        let is_main = || self.resolver.modules.mains.iter().any(|m| m.dir == *dir);
        // GOROOT/src/cmd is a module of its own and belongs to GOROOT nevertheless.
        !(in_std || enters_mains && is_main())
    }

    fn is_ignored(&self, dir: &Path) -> bool {
        let Some(index) = self.resolver.modules.main_of(dir) else { return false };
        let main = &self.resolver.modules.mains[index];
        let Some(path) = slashed(dir, &main.dir) else { return false };
        main.file.ignores.iter().any(|rule| match rule.strip_prefix("./") {
            Some(from_root) => path == from_root.trim_end_matches('/'),
            None => {
                let rule = rule.trim_matches('/');
                path == rule || path.ends_with(&format!("/{rule}"))
            }
        })
    }

    /// Files given by name: one package for each folder, made of exactly these files.
    fn files(&mut self, mut files: Vec<PathBuf>) {
        files.sort();
        files.dedup();
        for group in files.chunk_by(|a, b| a.parent() == b.parent()) {
            let Some(dir) = group[0].parent() else { continue };
            let mut only = Vec::new();
            for file in group {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                match self.resolver.system.kind(file) {
                    Some(FileKind::Dir) => self.fail(file, "expected a .go file, found a folder"),
                    Some(_) => only.push(name),
                    None => self.fail(file, "no such file"),
                }
            }
            if only.is_empty() {
                continue;
            }
            let entries = match self.resolver.system.read_dir(dir) {
                Ok(entries) => Arc::new(entries),
                Err(error) => {
                    self.roots.errors.push(LoadError::unreadable(dir, &error));
                    continue;
                }
            };
            let (_, origin) = self.resolver.name_of_dir(dir, dir);
            let import_path = "command-line-arguments".to_owned();
            let place =
                Place { import_path, dir: dir.to_owned(), origin, entries, only: Some(only) };
            self.add(place, true);
        }
    }
}

/// Whether a pattern is a path by its form.
fn is_relative(pattern: &str) -> bool {
    pattern == "." || pattern == ".." || pattern.starts_with("./") || pattern.starts_with("../")
}

fn is_go_file(system: &dyn System, path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "go") && system.kind(path) == Some(FileKind::File)
}
