//! Which module is written into, and where in it: the module of a folder, where its internal
//! packages lie, and whether a path can be a package there.

use std::path::{Component, Path, PathBuf};

use go_project::{LoadOptions, ParseLevel, Program, TestVariant, load, main_modules};
use source::{FileKind, System};

use crate::Error;

/// The module that is written into.
#[derive(Debug)]
pub struct Module {
    /// What its `go.mod` says.
    pub file: go_project::MainModule,
    /// Its own packages, parsed; imports are not followed.
    pub program: Program,
}

/// Where the package goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The folder, absolute.
    pub dir: PathBuf,
    /// The import path.
    pub import_path: String,
    /// The package's name.
    pub name: String,
}

impl Module {
    /// The module that `dir` lies in; in the root of a workspace, its only one.
    pub fn find(system: &dyn System, dir: &Path) -> Result<Self, Error> {
        let found = main_modules(system, dir);
        let file = match (found.own, found.all.as_slice()) {
            (Some(own), _) => own,
            (None, [only]) => only.clone(),
            (None, []) => {
                if let Some(error) = found.errors.first() {
                    return Err(Error::BrokenModule(error.to_string()));
                }
                return Err(Error::NoModule { dir: system.current_dir().join(dir) });
            }
            (None, several) => {
                let base = system.current_dir();
                let name = |m: &go_project::MainModule| {
                    diag::relative_path(&m.dir, &base).display().to_string()
                };
                return Err(Error::WhichModule {
                    dir: base.join(dir),
                    modules: several.iter().map(name).collect(),
                });
            }
        };
        if file.path.is_empty() {
            let first = found.errors.first().map(ToString::to_string);
            let path = file.dir.join("go.mod");
            let text = first.unwrap_or_else(|| format!("{}: no module line", path.display()));
            return Err(Error::BrokenModule(text));
        }
        if file.go_version < (1, 21) {
            let found = if file.has_go_line {
                format!("go {}.{}", file.go_version.0, file.go_version.1)
            } else {
                "no go version".to_owned()
            };
            return Err(Error::OldGo { file: file.dir.join("go.mod"), found });
        }
        let program = load(
            system,
            &LoadOptions {
                dir: file.dir.clone(),
                patterns: vec!["./...".to_owned()],
                no_deps: true,
                parse: ParseLevel::OwnBodies,
                ..LoadOptions::default()
            },
        );
        Ok(Self { file, program })
    }

    /// Whether some package of the module imports this path.
    pub fn imports(&self, path: &str) -> bool {
        self.packages().any(|p| p.imports.contains_key(path))
    }

    /// Whether the module names this one as a direct requirement.
    pub fn requires(&self, path: &str) -> bool {
        self.file.requires.iter().any(|r| r == path)
    }

    /// The module's own packages, without test variants.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &go_project::Package> {
        self.program
            .packages
            .iter()
            .filter(|p| p.test_variant == TestVariant::None && p.dir.starts_with(&self.file.dir))
    }

    /// Where the package goes: at the given path from the module's root, or as `recovery` in the
    /// `internal` folder that all commands of the module may import from.
    pub fn place(&self, system: &dyn System, path: Option<&str>) -> Result<Place, Error> {
        let path = match path {
            Some(path) => path.trim_end_matches('/').to_owned(),
            None => self.internal_folder() + "/recovery",
        };
        let wrong = |why: String| Error::Package { path: diag::clean_line(&path).into(), why };
        let name = package_name(&path).map_err(wrong)?;
        let mut dir = self.file.dir.clone();
        for part in path.split('/') {
            dir.push(part);
            if system.kind(&dir.join("go.mod")).is_some() {
                let why = format!("{} is a module of its own", dir.display());
                return Err(wrong(why));
            }
            if system.kind(&dir).is_some_and(|kind| kind != FileKind::Dir) {
                return Err(wrong(format!("{} is not a folder", dir.display())));
            }
        }
        let there = self.packages().find(|p| p.dir == dir && !p.files.is_empty());
        if let Some(package) = there
            && package.name.as_str() != name
        {
            let found = package.name.as_str().to_owned();
            return Err(Error::OtherPackage { dir, found, wanted: name.to_owned() });
        }
        let import_path = format!("{}/{path}", self.file.path);
        Ok(Place { dir, import_path, name: name.to_owned() })
    }

    /// The `internal` folder highest up that every command may import from; there may be none yet.
    fn internal_folder(&self) -> String {
        let relative = |p: &go_project::Package| {
            p.dir.strip_prefix(&self.file.dir).unwrap_or(&p.dir).to_owned()
        };
        let commands: Vec<PathBuf> =
            self.packages().filter(|p| p.is_main()).map(relative).collect();
        let mut folders: Vec<PathBuf> = self
            .packages()
            .flat_map(|p| {
                let dir = relative(p);
                let folders = dir.ancestors().filter(|a| a.ends_with("internal"));
                folders.map(Path::to_owned).collect::<Vec<_>>()
            })
            .filter(|folder| {
                // The packages below the parent of `internal` may import from it.
                let parent = folder.parent().unwrap_or(Path::new(""));
                commands.iter().all(|command| command.starts_with(parent))
            })
            .collect();
        folders.sort_by_key(|folder| (folder.components().count(), folder.clone()));
        let found = folders.first().and_then(|folder| slashed(folder));
        found.unwrap_or_else(|| "internal".to_owned())
    }
}

/// The path with `/` between its parts; `None` if a part is not UTF-8.
fn slashed(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    Some(parts?.join("/"))
}

/// The name of the package at a path from the module's root, or what is wrong with the path.
/// (<https://go.dev/ref/mod#go-mod-file-ident> has the characters of import paths.)
fn package_name(path: &str) -> Result<&str, String> {
    let mut last = "";
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return Err("expected a path from the module's root, such as internal/recovery".into());
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if let Some(c) = part.chars().find(|&c| !allowed(c)) {
            return Err(format!(
                "`{}` cannot be in an import path",
                diag::clean_line(&c.to_string())
            ));
        }
        if part.starts_with(['.', '_']) || part == "testdata" || part == "vendor" {
            return Err(format!("the go command ignores folders named `{part}`"));
        }
        last = part;
    }
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = last.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !last.chars().all(letters) || last.ends_with("_test") {
        return Err(format!(
            "`{last}` cannot name a package; expected lower-case letters and digits, such as recovery"
        ));
    }
    if last == "main" || last == "internal" || KEYWORDS.contains(&last) {
        return Err(format!("`{last}` cannot name a package that others import"));
    }
    Ok(last)
}

/// <https://go.dev/ref/spec#Keywords>
const KEYWORDS: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];
