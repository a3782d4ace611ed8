//! What a load is asked for ([`LoadOptions`]) and the build context that it ends up with
//! ([`BuildContext`]): target, tags and versions, which decide what files belong to a package.

use std::path::PathBuf;

use serde::Serialize;

/// A language version: `(1, 22)` for Go 1.22. Patch levels do not change the language.
pub type LanguageVersion = (u32, u32);

/// The build context that files were chosen for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildContext {
    /// Target operating system, as `GOOS` names it.
    pub goos: String,
    /// Target architecture, as `GOARCH` names it.
    pub goarch: String,
    /// Whether cgo files are part of packages (`CGO_ENABLED`).
    pub cgo: bool,
    /// The tags asked for with `-tags`, sorted.
    pub tags: Vec<String>,
    /// Tags that the toolchain sets by itself: `amd64.v1`, `goexperiment.…`; sorted.
    pub tool_tags: Vec<String>,
    /// Version of the toolchain whose GOROOT was found; the newest that unpanic knows without one.
    pub go_version: LanguageVersion,
    /// The full version text of that toolchain, `go1.27.3`; empty without GOROOT.
    pub go_version_text: String,
    /// The compiler tag: `gc`.
    pub compiler: String,
    /// Where the standard library was found.
    pub goroot: Option<PathBuf>,
    /// Where downloaded modules are.
    pub modcache: Option<PathBuf>,
}

/// The newest Go language version that the front end knows.
pub(crate) const NEWEST_GO: LanguageVersion = (1, 27);

impl Default for BuildContext {
    fn default() -> Self {
        Self {
            goos: "linux".to_owned(),
            goarch: "amd64".to_owned(),
            cgo: true,
            tags: Vec::new(),
            tool_tags: Vec::new(),
            go_version: NEWEST_GO,
            go_version_text: String::new(),
            compiler: "gc".to_owned(),
            goroot: None,
            modcache: None,
        }
    }
}

/// How imports find their modules (`-mod`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum ModMode {
    /// From the module cache; `go.mod` may be incomplete.
    Mod,
    /// From the module cache, with `go.mod` taken as complete.
    ReadOnly,
    /// From the `vendor` folder.
    Vendor,
}

/// How much of each file is parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ParseLevel {
    /// Everything.
    #[default]
    Full,
    /// Everything of the packages asked for and of the program's own ([`crate::PackageKind::Workspace`]);
    /// of the others all but the bodies of function declarations, which are then empty blocks.
    OwnBodies,
    /// The package clause and the imports: for listings.
    ImportsOnly,
}

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The folder that patterns are relative to; the working directory when empty.
    pub dir: PathBuf,
    /// Patterns as `go list` takes them: `./...`, folders, `.go` files, import paths, `std`, `cmd`,
    /// `all`. None means `./...`.
    pub patterns: Vec<String>,
    /// Whether to load the test files of the packages asked for, as variants.
    pub tests: bool,
    /// Overrides `-mod` of `GOFLAGS` and the default rule.
    pub mod_mode: Option<ModMode>,
    /// Overrides `GOOS`.
    pub goos: Option<String>,
    /// Overrides `GOARCH`.
    pub goarch: Option<String>,
    /// Overrides `CGO_ENABLED`.
    pub cgo: Option<bool>,
    /// Build tags, in addition to those of `GOFLAGS`.
    pub tags: Vec<String>,
    /// Overrides where the standard library is looked for.
    pub goroot: Option<PathBuf>,
    /// Leaves out everything but the packages asked for: their imports become
    /// [`crate::ImportTarget::Missing`].
    pub no_deps: bool,
    /// How much of each file is parsed.
    pub parse: ParseLevel,
}
