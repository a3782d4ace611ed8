//! What an import path means: a folder of GOROOT, of a main module, of a selected module or of the
//! vendor folder, or a reason why it is not to be had.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::{FxHashMap, FxHashSet};
use source::{DirEntry, FileKind, System};

use crate::modules::Modules;
use crate::paths::{below, clean, join, slashed};

/// Where a package's folder belongs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Origin {
    /// GOROOT/src.
    Std,
    /// A main module, by index.
    Main(usize),
    /// A selected module, by path.
    Selected(String),
    /// A vendored module, by index.
    Vendored(usize),
    /// No module: a folder or files by themselves.
    Loose,
}

/// A folder that is a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub import_path: String,
    pub dir: PathBuf,
    pub origin: Origin,
    /// What is in the folder.
    pub entries: Arc<Vec<DirEntry>>,
    /// Set when the package is made of these files only, by name.
    pub only: Option<Vec<String>>,
}

/// What an import path means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Resolution {
    Unsafe,
    C,
    Package(Arc<Place>),
    Missing(String),
}

/// Finds packages. Answers are kept, since most paths are imported many times.
pub(crate) struct Resolver<'a> {
    pub system: &'a dyn System,
    pub modules: &'a Modules,
    /// `GOROOT/src`.
    pub std: Option<PathBuf>,
    pub gopath: Vec<PathBuf>,
    known: Mutex<FxHashMap<(Realm, String), Resolution>>,
    absent: Mutex<FxHashSet<String>>,
}

/// Importers for which the same path means the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Realm {
    Std,
    Cmd,
    User,
}

impl Place {
    /// What tells packages apart: the import path, or the folder when there is no module.
    pub fn key(&self) -> String {
        match (&self.origin, &self.only) {
            (_, Some(files)) => format!("{}:{}", self.dir.display(), files.join(":")),
            (Origin::Loose, None) => self.dir.display().to_string(),
            _ => self.import_path.clone(),
        }
    }
}

impl<'a> Resolver<'a> {
    pub fn new(
        system: &'a dyn System,
        modules: &'a Modules,
        std: Option<PathBuf>,
        gopath: Vec<PathBuf>,
    ) -> Self {
        let (known, absent) = (Mutex::default(), Mutex::default());
        Self { system, modules, std, gopath, known, absent }
    }

    /// The meaning of `path` in a package of `from`.
    pub fn resolve(&self, from: &Place, path: &str) -> Resolution {
        match path {
            "unsafe" => return Resolution::Unsafe,
            "C" => return Resolution::C,
            _ => {}
        }
        if let Some(problem) = malformed(path) {
            return Resolution::Missing(problem);
        }
        if path.starts_with("./") || path.starts_with("../") || path == "." || path == ".." {
            if from.origin != Origin::Loose {
                return Resolution::Missing(format!("relative import {path:?} in a module"));
            }
            let dir = clean(&from.dir.join(path));
            return match self.place_of_dir(&dir, &dir) {
                Some(place) => Resolution::Package(Arc::new(place)),
                None => Resolution::Missing(format!("no Go files in {}", dir.display())),
            };
        }
        let realm = match from.origin {
            Origin::Std if below(&from.import_path, "cmd").is_some() => Realm::Cmd,
            Origin::Std => Realm::Std,
            _ => Realm::User,
        };
        let key = (realm, path.to_owned());
        if let Some(found) = lock(&self.known).get(&key) {
            return found.clone();
        }
        let found = self.look_up(realm, path);
        lock(&self.known).insert(key, found.clone());
        found
    }

    /// The package of an import path given as a pattern.
    pub fn resolve_pattern(&self, path: &str) -> Resolution {
        if let Some(place) = self.in_std(path) {
            return Resolution::Package(Arc::new(place));
        }
        self.look_up(Realm::User, path)
    }

    /// The package that a folder is, if it has Go files. `base` is what the name of a folder without
    /// module is relative to.
    pub fn place_of_dir(&self, dir: &Path, base: &Path) -> Option<Place> {
        let entries = self.go_dir(dir)?;
        let (import_path, origin) = self.name_of_dir(dir, base);
        Some(Place { import_path, dir: dir.to_owned(), origin, entries, only: None })
    }

    /// The import path and origin of a folder.
    pub fn name_of_dir(&self, dir: &Path, base: &Path) -> (String, Origin) {
        if let Some(path) = self.std.as_deref().and_then(|std| slashed(dir, std)) {
            return (path, Origin::Std);
        }
        if let Some(index) = self.modules.main_of(dir) {
            let main = &self.modules.mains[index];
            if let Some(vendor) = &self.modules.vendor
                && let Some(path) = slashed(dir, &vendor.dir)
                && let Some(&module) = vendor.packages.get(&path)
            {
                return (path, Origin::Vendored(module));
            }
            if !self.has_own_module(dir, &main.dir) {
                let rest = slashed(dir, &main.dir).unwrap_or_default();
                return (join(&main.file.module, &rest), Origin::Main(index));
            }
        }
        for gopath in &self.gopath {
            if let Some(path) = slashed(dir, &gopath.join("src")).filter(|p| !p.is_empty()) {
                return (path, Origin::Loose);
            }
        }
        let name = |p: &Path| {
            p.file_name().map_or("main".to_owned(), |n| n.to_string_lossy().into_owned())
        };
        let path = match slashed(dir, base) {
            Some(rest) => join(&name(base), &rest),
            None => name(dir),
        };
        (path, Origin::Loose)
    }

    /// The entries of a folder that has Go files.
    pub fn go_dir(&self, dir: &Path) -> Option<Arc<Vec<DirEntry>>> {
        let entries = self.system.read_dir(dir).ok()?;
        let has_go = entries.iter().any(|e| e.kind != FileKind::Dir && e.name.ends_with(".go"));
        has_go.then(|| Arc::new(entries))
    }

    /// The modules that are required and not on this machine, sorted.
    pub fn absent_modules(&self) -> Vec<String> {
        let mut all: Vec<String> = lock(&self.absent).iter().cloned().collect();
        all.sort();
        all
    }

    fn look_up(&self, realm: Realm, path: &str) -> Resolution {
        if realm != Realm::User {
            let vendored = match realm {
                Realm::Cmd => self.in_std(&format!("cmd/vendor/{path}")),
                _ => None,
            };
            let place = vendored
                .or_else(|| self.in_std(&format!("vendor/{path}")))
                .or_else(|| self.in_std(path));
            return match place {
                Some(place) => Resolution::Package(Arc::new(place)),
                None => Resolution::Missing(format!("package {path} is not in GOROOT")),
            };
        }
        let like_std = !path.split('/').next().unwrap_or("").contains('.');
        if like_std && let Some(place) = self.in_std(path) {
            return Resolution::Package(Arc::new(place));
        }
        let found = self.in_mains(path).or_else(|| match &self.modules.vendor {
            Some(_) => self.in_vendor(path),
            None => self.in_selected(path),
        });
        if let Some(place) = found.or_else(|| self.in_gopath(path)) {
            return Resolution::Package(Arc::new(place));
        }
        Resolution::Missing(self.why_missing(path, like_std))
    }

    fn in_std(&self, path: &str) -> Option<Place> {
        let dir = self.std.as_ref()?.join(path);
        let entries = self.go_dir(&dir)?;
        Some(Place { import_path: path.to_owned(), dir, origin: Origin::Std, entries, only: None })
    }

    fn in_mains(&self, path: &str) -> Option<Place> {
        let mut candidates: Vec<usize> = (0..self.modules.mains.len())
            .filter(|&i| below(path, &self.modules.mains[i].file.module).is_some())
            .collect();
        candidates.sort_by_key(|&i| std::cmp::Reverse(self.modules.mains[i].file.module.len()));
        candidates.into_iter().find_map(|index| {
            let main = &self.modules.mains[index];
            let dir = main.dir.join(below(path, &main.file.module)?);
            let entries = self.go_dir(&dir).filter(|_| !self.has_own_module(&dir, &main.dir))?;
            let origin = Origin::Main(index);
            Some(Place { import_path: path.to_owned(), dir, origin, entries, only: None })
        })
    }

    fn in_vendor(&self, path: &str) -> Option<Place> {
        let vendor = self.modules.vendor.as_ref()?;
        let &module = vendor.packages.get(path)?;
        let dir = vendor.dir.join(path);
        let entries = self.go_dir(&dir)?;
        let origin = Origin::Vendored(module);
        Some(Place { import_path: path.to_owned(), dir, origin, entries, only: None })
    }

    /// The longest module path that has the package wins.
    fn in_selected(&self, path: &str) -> Option<Place> {
        prefixes(path).find_map(|prefix| {
            let module = self.modules.selected.get(prefix)?;
            let root = module.dir.as_ref()?;
            let dir = root.join(below(path, prefix)?);
            let entries = self.go_dir(&dir)?;
            if module.is_local && self.has_own_module(&dir, root) {
                return None;
            }
            let origin = Origin::Selected(prefix.to_owned());
            Some(Place { import_path: path.to_owned(), dir, origin, entries, only: None })
        })
    }

    /// Without any module, packages may stand in `GOPATH/src`, as before there were modules.
    fn in_gopath(&self, path: &str) -> Option<Place> {
        if !self.modules.mains.is_empty() {
            return None;
        }
        self.gopath.iter().find_map(|gopath| {
            let dir = gopath.join("src").join(path);
            let entries = self.go_dir(&dir)?;
            let origin = Origin::Loose;
            Some(Place { import_path: path.to_owned(), dir, origin, entries, only: None })
        })
    }

    fn why_missing(&self, path: &str, like_std: bool) -> String {
        let owner = prefixes(path).find(|p| self.modules.selected.contains_key(*p));
        if let Some(module) = owner {
            let selected = &self.modules.selected[module];
            let is_there = |d: &PathBuf| self.system.kind(d) == Some(FileKind::Dir);
            if selected.dir.as_ref().is_some_and(is_there) {
                return format!("module {module} {} has no package {path}", selected.version);
            }
            let name = format!("{module} {}", selected.version);
            lock(&self.absent).insert(name.clone());
            return match &selected.replaced_by {
                Some(with) if selected.is_local => {
                    format!("module {module} is replaced by {with}, which is not there")
                }
                _ => format!("module {name} is not in the module cache; run `go mod download`"),
            };
        }
        if like_std && self.std.is_none() {
            return format!("package {path} is of the standard library, and GOROOT was not found");
        }
        if let Some(main) =
            self.modules.mains.iter().find(|m| below(path, &m.file.module).is_some())
        {
            return format!("module {} has no package {path}", main.file.module);
        }
        if like_std {
            return format!("package {path} is not in the standard library");
        }
        if self.modules.mains.is_empty() {
            return format!(
                "package {path} is outside the standard library, and there is no go.mod"
            );
        }
        match self.modules.vendor {
            Some(_) => format!("package {path} is not in the vendor folder; run `go mod vendor`"),
            None => format!("no required module provides {path}; run `go get {path}`"),
        }
    }

    /// Whether a folder of a user's module belongs to a nested one.
    fn has_own_module(&self, dir: &Path, root: &Path) -> bool {
        dir.ancestors()
            .take_while(|d| *d != root && d.starts_with(root))
            .any(|d| self.system.kind(&d.join("go.mod")) == Some(FileKind::File))
    }
}

/// The path and its prefixes at slashes, longest first.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |p| p.rsplit_once('/').map(|(front, _)| front))
}

/// What keeps a text from being an import path (Go spec, "Import declarations").
fn malformed(path: &str) -> Option<String> {
    if path.is_empty() {
        return Some("empty import path".to_owned());
    }
    if path.starts_with('/') {
        return Some(format!("import path {path:?} is absolute"));
    }
    let bad = |c: char| {
        c.is_control() || c.is_whitespace() || "!\"#$%&'()*,:;<=>?[\\]^`{|}\u{fffd}".contains(c)
    };
    if let Some(c) = path.chars().find(|&c| bad(c)) {
        return Some(format!("import path {path:?} has the invalid character {c:?}"));
    }
    let dotted = |part: &str| part == ".." || part == ".";
    let relative = path.starts_with('.');
    if !relative && path.split('/').any(|part| part.is_empty() || dotted(part)) {
        return Some(format!("import path {path:?} has an empty or dotted element"));
    }
    None
}

/// The data of a mutex whose holders do not panic halfway.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
