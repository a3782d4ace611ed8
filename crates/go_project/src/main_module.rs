//! What a main module's `go.mod` says, for those who write into a module rather than analyse it:
//! no package is looked for and nothing is parsed but the module files.

use std::path::{Path, PathBuf};

use source::System;

use crate::environment::Environment;
use crate::modules::{Modules, Search};
use crate::{LanguageVersion, LoadError, paths};

/// A main module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MainModule {
    /// The module path.
    pub path: String,
    /// The folder of its `go.mod`.
    pub dir: PathBuf,
    /// The language version of its `go` line.
    pub go_version: LanguageVersion,
    /// Whether it has a `go` line. Without one the language is that of Go 1.16.
    pub has_go_line: bool,
    /// The paths of the modules that it requires, `// indirect` ones aside.
    pub requires: Vec<String>,
    /// Whether its imports come from a vendor folder.
    pub vendored: bool,
}

/// The main modules of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MainModules {
    /// The module that the folder lies in, if any.
    pub own: Option<MainModule>,
    /// All of the workspace, or the own one.
    pub all: Vec<MainModule>,
    /// What is wrong with the module files.
    pub errors: Vec<LoadError>,
}

/// Reads the module files that rule in `dir`, which is made absolute.
pub fn main_modules(system: &dyn System, dir: &Path) -> MainModules {
    let dir = paths::clean(&system.current_dir().join(dir));
    let env = Environment::new(system);
    let starts = [(dir.clone(), false)];
    let search = Search {
        system,
        env: &env,
        starts: &starts,
        mod_mode: None,
        modcache: None,
        goroot_src: None,
    };
    let modules = Modules::find(&search);
    let vendored = modules.vendor.is_some();
    let all: Vec<MainModule> = modules
        .mains
        .iter()
        .map(|main| MainModule {
            path: main.file.module.clone(),
            dir: main.dir.clone(),
            go_version: main.file.language(),
            has_go_line: main.file.go.is_some(),
            requires: main
                .file
                .requires
                .iter()
                .filter(|r| !r.indirect)
                .map(|r| r.path.clone())
                .collect(),
            vendored,
        })
        .collect();
    let own = modules.main_of(&dir).map(|index| all[index].clone());
    MainModules { own, all, errors: modules.errors }
}
