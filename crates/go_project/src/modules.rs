//! The modules of a run: the main module or workspace, and one version of each module that it needs,
//! chosen by minimal version selection (<https://go.dev/ref/mod#minimal-version-selection>) over
//! the `go.mod` files in the module cache.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use base::{FxHashMap, FxHashSet};
use source::{FileKind, System};

use crate::environment::Environment;
use crate::modfile::{ModFile, ModKind, Replacement, parse};
use crate::paths::{clean, find_up};
use crate::vendoring::{Vendor, replacement_text};
use crate::{ErrorClass, LanguageVersion, LoadError, ModMode, version};

/// The modules that imports may come from.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    /// The main module, or those of the workspace.
    pub mains: Vec<MainModule>,
    /// The others by path; unused with a vendor folder.
    pub selected: FxHashMap<String, Selected>,
    /// The vendor folder, when that is where imports come from.
    pub vendor: Option<Vendor>,
    pub errors: Vec<LoadError>,
    /// The highest Go version that a `go` or `toolchain` line asks for, as text (`1.27.3`).
    pub wanted_go: Option<String>,
}

#[derive(Debug)]
pub(crate) struct MainModule {
    pub dir: PathBuf,
    pub file: ModFile,
}

/// A module that was selected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Selected {
    pub version: String,
    /// Where its files are, if they are anywhere; unknown without a module cache.
    pub dir: Option<PathBuf>,
    /// Where its `go.mod` is.
    pub mod_file: Option<PathBuf>,
    pub replaced_by: Option<String>,
    /// Whether it is a folder of the user's, where nested modules may stand.
    pub is_local: bool,
}

/// What [`Modules::find`] needs to know.
pub(crate) struct Search<'a> {
    pub system: &'a dyn System,
    pub env: &'a Environment<'a>,
    /// Folders that patterns start from; with whether modules below them count as well.
    pub starts: &'a [(PathBuf, bool)],
    pub mod_mode: Option<ModMode>,
    pub modcache: Option<&'a Path>,
    /// `GOROOT/src`: what lies in there is no module of its own.
    pub goroot_src: Option<&'a Path>,
}

impl Modules {
    /// Finds the main modules of the start folders and selects the versions of what they require.
    pub fn find(search: &Search<'_>) -> Self {
        let mut modules = Self::default();
        let mut workspace = None;
        for (start, nested) in search.starts {
            modules.add_start(search, start, *nested, &mut workspace);
        }
        modules.wanted_go = modules
            .mains
            .iter()
            .map(|m| &m.file)
            .chain(&workspace)
            .flat_map(|f| {
                [f.go.as_deref(), f.toolchain.as_deref().and_then(|t| t.strip_prefix("go"))]
            })
            .flatten()
            .max_by(|a, b| version::compare(&format!("v{a}"), &format!("v{b}")))
            .map(str::to_owned);
        if modules.mains.is_empty() {
            return modules;
        }
        modules.use_vendor(search, workspace.as_ref());
        if modules.vendor.is_none() {
            let graph = Graph::new(search, &modules.mains, workspace.as_ref());
            modules.selected = graph.select(&modules.mains);
        }
        modules
    }

    /// The main module that a folder belongs to.
    pub fn main_of(&self, dir: &Path) -> Option<usize> {
        (0..self.mains.len())
            .filter(|&i| dir.starts_with(&self.mains[i].dir))
            .max_by_key(|&i| self.mains[i].dir.as_os_str().len())
    }

    fn add_start(
        &mut self,
        search: &Search<'_>,
        start: &Path,
        nested: bool,
        workspace: &mut Option<ModFile>,
    ) {
        let system = search.system;
        if search.goroot_src.is_some_and(|src| start.starts_with(src)) {
            return;
        }
        let own = find_module(system, start);
        if let Some(path) = find_workspace(search, start) {
            if workspace.as_ref().is_some_and(|w| w.path == path) {
                return;
            }
            let file = read(system, &path, ModKind::GoWork, &mut self.errors);
            let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
            let mut members = Vec::new();
            for (folder, line) in &file.uses {
                let member = clean(&dir.join(folder));
                if system.kind(&member.join("go.mod")) == Some(FileKind::File) {
                    members.push(member);
                } else {
                    let message =
                        format!("`use {folder}`: there is no go.mod in {}", member.display());
                    self.errors
                        .push(LoadError::new(&path, ErrorClass::Source, message).at(*line, 0));
                }
            }
            // A module beside the workspace is loaded by itself, where go refuses.
            if own.as_ref().is_none_or(|(d, _)| members.contains(d)) {
                for member in members {
                    let mod_file = member.join("go.mod");
                    self.add_main(system, member, &mod_file);
                }
                *workspace = Some(file);
                return;
            }
        }
        if let Some((dir, mod_file)) = own {
            self.add_main(system, dir, &mod_file);
        } else if nested {
            let mut found = Vec::new();
            find_nested(system, start, &mut found, 0);
            for dir in found {
                let mod_file = dir.join("go.mod");
                self.add_main(system, dir, &mod_file);
            }
        }
    }

    fn add_main(&mut self, system: &dyn System, dir: PathBuf, mod_file: &Path) {
        if self.mains.iter().any(|m| m.dir == dir) {
            return;
        }
        let file = read(system, mod_file, ModKind::GoMod, &mut self.errors);
        self.mains.push(MainModule { dir, file });
    }

    /// Turns vendoring on by the rule of the go command: asked for, or a vendor folder beside a
    /// `go.mod` of Go 1.14 and later (a `go.work` of Go 1.22).
    fn use_vendor(&mut self, search: &Search<'_>, workspace: Option<&ModFile>) {
        let flag = search.env.goflags().into_iter().find_map(|f| match f.as_str() {
            "mod=vendor" => Some(ModMode::Vendor),
            "mod=mod" => Some(ModMode::Mod),
            "mod=readonly" => Some(ModMode::ReadOnly),
            _ => None,
        });
        let mode = search.mod_mode.or(flag);
        let (root, file, since) = match workspace {
            Some(work) => (work.path.parent().unwrap_or(Path::new("/")), work, (1, 22)),
            None if self.mains.len() == 1 => {
                (self.mains[0].dir.as_path(), &self.mains[0].file, (1, 14))
            }
            None => return,
        };
        let dir = root.join("vendor");
        let list = dir.join("modules.txt");
        let by_default = file.go.is_some() && file.language() >= since;
        if !(mode == Some(ModMode::Vendor) || mode.is_none() && by_default) {
            return;
        }
        match search.system.read(&list) {
            Ok(text) => {
                let vendor = Vendor::parse(&dir, &text);
                if workspace.is_none() {
                    self.errors.extend(vendor.disagreements(file));
                }
                self.vendor = Some(vendor);
            }
            Err(error) if mode == Some(ModMode::Vendor) => {
                let message = format!("-mod=vendor, but the vendor list cannot be read: {error}");
                self.errors.push(LoadError::new(&list, ErrorClass::Usage, message));
                self.vendor = Some(Vendor { dir, ..Vendor::default() });
            }
            Err(_) => {}
        }
    }
}

/// The module folder of `dir` and its file: `go.mod`, or the `vendor.mod` that docker's repositories
/// have in its place.
fn find_module(system: &dyn System, dir: &Path) -> Option<(PathBuf, PathBuf)> {
    if let Some(root) = find_up(system, dir, "go.mod") {
        let file = root.join("go.mod");
        return Some((root, file));
    }
    let root = find_up(system, dir, "vendor.mod")?;
    let file = root.join("vendor.mod");
    Some((root, file))
}

fn find_workspace(search: &Search<'_>, start: &Path) -> Option<PathBuf> {
    match search.env.get("GOWORK").as_deref() {
        Some("off") => None,
        None | Some("auto") => Some(find_up(search.system, start, "go.work")?.join("go.work")),
        Some(path) => Some(clean(&start.join(path))),
    }
}

/// The module folders below a folder that is in no module itself.
fn find_nested(system: &dyn System, dir: &Path, found: &mut Vec<PathBuf>, depth: u32) {
    const DEEPEST: u32 = 64;
    for entry in system.read_dir(dir).unwrap_or_default() {
        if entry.kind == FileKind::File && entry.name == "go.mod" {
            found.push(dir.to_owned());
        }
        let skipped = entry.name.starts_with(['.', '_'])
            || matches!(entry.name.as_str(), "testdata" | "vendor" | "node_modules");
        if entry.kind == FileKind::Dir && !entry.is_symlink && !skipped && depth < DEEPEST {
            find_nested(system, &dir.join(&entry.name), found, depth + 1);
        }
    }
}

fn read(system: &dyn System, path: &Path, kind: ModKind, errors: &mut Vec<LoadError>) -> ModFile {
    match system.read(path) {
        Ok(text) => {
            let mut file = parse(path, &text, kind);
            errors.append(&mut file.errors);
            file
        }
        Err(error) => {
            errors.push(LoadError::unreadable(path, &error));
            ModFile { path: path.to_owned(), ..ModFile::default() }
        }
    }
}

/// Requirements, as far as they are needed to select versions.
struct Graph<'a> {
    search: &'a Search<'a>,
    /// The files whose `replace` and `exclude` lines count, `go.work` first.
    rules: Vec<&'a ModFile>,
    /// Whether requirements of requirements matter.
    deep: bool,
}

impl<'a> Graph<'a> {
    fn new(
        search: &'a Search<'a>,
        mains: &'a [MainModule],
        workspace: Option<&'a ModFile>,
    ) -> Self {
        let rules = workspace.into_iter().chain(mains.iter().map(|m| &m.file)).collect();
        // From Go 1.17 a tidy go.mod names every module that its packages need, in the right version.
        let deep = mains.len() > 1 || mains.iter().any(|m| m.file.language() < (1, 17));
        Self { search, rules, deep }
    }

    fn select(&self, mains: &[MainModule]) -> FxHashMap<String, Selected> {
        let own: FxHashSet<&str> = mains.iter().map(|m| m.file.module.as_str()).collect();
        let mut chosen: FxHashMap<String, String> = FxHashMap::default();
        let mut queue: VecDeque<(String, String, bool)> = VecDeque::new();
        let mut seen: FxHashSet<(String, String, bool)> = FxHashSet::default();
        let mut require = |file: &ModFile, expand: Option<bool>, queue: &mut VecDeque<_>| {
            for r in &file.requires {
                let is_excluded =
                    |f: &&ModFile| f.excludes.iter().any(|(p, v)| *p == r.path && *v == r.version);
                if own.contains(r.path.as_str()) || self.rules.iter().any(is_excluded) {
                    continue;
                }
                match chosen.get_mut(&r.path) {
                    Some(have) if version::compare(have, &r.version).is_ge() => {}
                    Some(have) => have.clone_from(&r.version),
                    None => drop(chosen.insert(r.path.clone(), r.version.clone())),
                }
                if let Some(unpruned) = expand {
                    queue.push_back((r.path.clone(), r.version.clone(), unpruned));
                }
            }
        };
        for main in mains {
            let unpruned = main.file.language() < (1, 17);
            require(&main.file, self.deep.then_some(unpruned), &mut queue);
        }
        // Module graph pruning: below a module of Go 1.17 and later only its own lines count.
        while let Some(item) = queue.pop_front() {
            if !seen.insert(item.clone()) {
                continue;
            }
            let (path, version, unpruned) = item;
            let Some(file) = self.mod_file(&path, &version).and_then(|p| self.read_dependency(&p))
            else {
                continue;
            };
            let own_unpruned = file.language() < (1, 17);
            let expand = (unpruned || own_unpruned).then_some(unpruned || own_unpruned);
            require(&file, expand, &mut queue);
        }
        chosen
            .into_iter()
            .map(|(path, version)| {
                let selected = self.locate(&path, version);
                (path, selected)
            })
            .collect()
    }

    fn read_dependency(&self, path: &Path) -> Option<ModFile> {
        let text = self.search.system.read(path).ok()?;
        Some(parse(path, &text, ModKind::Dependency))
    }

    /// The replacement of a module, folders as absolute paths.
    fn replacement(&self, path: &str, version: &str) -> Option<(Replacement, String)> {
        let rule = self.rules.iter().find(|f| f.replacement(path, version).is_some())?;
        let with = rule.replacement(path, version)?;
        let shown = replacement_text(with);
        let resolved = match with {
            Replacement::Dir(dir) => {
                let base = rule.path.parent().unwrap_or(Path::new("/"));
                Replacement::Dir(clean(&base.join(dir)).to_string_lossy().into_owned())
            }
            module @ Replacement::Module { .. } => module.clone(),
        };
        Some((resolved, shown))
    }

    fn mod_file(&self, path: &str, version: &str) -> Option<PathBuf> {
        let (path, version) = match self.replacement(path, version) {
            Some((Replacement::Dir(dir), _)) => return Some(Path::new(&dir).join("go.mod")),
            Some((Replacement::Module { path, version }, _)) => (path, version),
            None => (path.to_owned(), version.to_owned()),
        };
        self.cached_mod_file(&path, &version)
    }

    fn cached_mod_file(&self, path: &str, version: &str) -> Option<PathBuf> {
        let list = self.search.modcache?.join("cache").join("download").join(version::escape(path));
        Some(list.join("@v").join(format!("{}.mod", version::escape(version))))
    }

    fn locate(&self, path: &str, version: String) -> Selected {
        let replacement = self.replacement(path, &version);
        let replaced_by = replacement.as_ref().map(|(_, shown)| shown.clone());
        if let Some((Replacement::Dir(dir), _)) = replacement {
            let dir = PathBuf::from(dir);
            let mod_file = Some(dir.join("go.mod"));
            return Selected { version, dir: Some(dir), mod_file, replaced_by, is_local: true };
        }
        let (from, at) = match &replacement {
            Some((Replacement::Module { path, version }, _)) => (path.as_str(), version.as_str()),
            _ => (path, version.as_str()),
        };
        let folder = format!("{}@{}", version::escape(from), version::escape(at));
        let dir = self.search.modcache.map(|cache| cache.join(folder));
        let mod_file = self.cached_mod_file(from, at);
        Selected { version, dir, mod_file, replaced_by, is_local: false }
    }
}

impl Selected {
    /// The language version of the module's `go` line.
    pub fn language(&self, system: &dyn System) -> LanguageVersion {
        let in_dir = self.dir.as_ref().map(|d| d.join("go.mod"));
        [self.mod_file.as_ref(), in_dir.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|path| Some(parse(path, &system.read(path).ok()?, ModKind::Dependency)))
            .map_or((1, 16), |file| file.language())
    }
}
