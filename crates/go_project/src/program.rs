//! What loading gives: packages with parsed files and resolved imports, in dependency order.

use std::path::PathBuf;
use std::sync::Arc;

use base::{FxHashMap, IndexVec, Symbol, define_id, sym};
use go_syntax::ast;
use source::{FileId, SourceMap, Span};

use crate::{BuildContext, LanguageVersion, LoadError};

define_id! {
    /// A package of a [`Program`]. Numbered by import path, so the order is the same on each run.
    pub struct PackageId;
}
define_id! {
    /// A module of a [`Program`].
    pub struct ModuleId;
}

/// A loaded program. The same input gives the same program, whatever the number of threads.
#[derive(Debug, Default)]
pub struct Program {
    /// All packages.
    pub packages: IndexVec<PackageId, Package>,
    /// Every package once, dependencies before dependents.
    pub order: Vec<PackageId>,
    /// The same in layers: a package depends only on packages of earlier layers.
    pub levels: Vec<Vec<PackageId>>,
    /// The text of every file.
    pub sources: Arc<SourceMap>,
    /// The modules that packages came from.
    pub modules: IndexVec<ModuleId, Module>,
    /// The packages asked for, with their test variants, by import path.
    pub roots: Vec<PackageId>,
    /// What files were chosen for.
    pub context: BuildContext,
    /// What is not on this machine and what that costs, one line each; empty when all is there.
    pub missing: Vec<String>,
    /// Everything that went wrong outside of a single package (packages have their own list).
    pub errors: Vec<LoadError>,
    /// Packages by import path, without test variants.
    pub by_path: FxHashMap<String, PackageId>,
}

/// Where a package stands with regard to the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackageKind {
    /// Of GOROOT.
    Std,
    /// Of a main module, of the workspace, or a folder or files given by name.
    Workspace,
    /// Of a module that the main module requires.
    Dependency,
}

/// How a package relates to test files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TestVariant {
    /// The package as others import it.
    None,
    /// The package with its in-package `_test.go` files.
    InPackage,
    /// The external test package, `x_test`.
    External,
    /// A package between the two: it imports the package under test, and the external test imports
    /// it, so that it has to see the variant with test files.
    Recompiled,
}

/// What an import path means in one package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImportTarget {
    /// A package of the program.
    Package(PackageId),
    /// `unsafe`
    Unsafe,
    /// `C`: cgo.
    C,
    /// Not to be had; the reason. Everything taken from it is opaque.
    Missing(String),
}

/// One package in one variant.
#[derive(Debug)]
pub struct Package {
    /// Its own id.
    pub id: PackageId,
    /// The import path, without variant (`x_test` for an external test of `x`; a package of GOROOT's
    /// vendor folder has `vendor/` in front, as Go writes it).
    pub import_path: String,
    /// The import path of the package under test, for variants.
    pub for_test: Option<String>,
    /// Which variant this is.
    pub test_variant: TestVariant,
    /// The name in the package clauses; `_` when no file says one.
    pub name: Symbol,
    /// The folder.
    pub dir: PathBuf,
    /// The module, if any (GOROOT counts as none).
    pub module: Option<ModuleId>,
    /// The language version of the package: the module's `go` line.
    pub go_version: LanguageVersion,
    /// The files in this build context, by name.
    pub files: Vec<ParsedFile>,
    /// Imports by the path as written.
    pub imports: FxHashMap<String, ImportTarget>,
    /// Packages needed without being written as imports (cgo needs `runtime/cgo`).
    pub implicit_deps: Vec<PackageId>,
    /// Where the package stands.
    pub kind: PackageKind,
    /// Whether it was asked for.
    pub is_root: bool,
    /// The variant that has all files of this package and more: analysing that one suffices.
    pub superseded_by: Option<PackageId>,
    /// What went wrong in it, without syntax errors (they are in the trees).
    pub errors: Vec<LoadError>,
    /// `//go:embed` patterns.
    pub embeds: Vec<EmbedPattern>,
    /// Go files of the folder that are not part of the package, with the reason.
    pub ignored_files: Vec<IgnoredFile>,
    /// Names of the other source files (`.s`, `.c`, `.h`, …): functions without a body live there.
    pub other_files: Vec<String>,
    /// Names of `_test.go` files of the folder that match the build context (in-package ones), for
    /// listings; known only when tests were asked for.
    pub test_go_files: Vec<String>,
    /// The same for the external test package.
    pub xtest_go_files: Vec<String>,
}

impl Package {
    /// The import path with the variant, as `go list -test` writes it: `x [x.test]`.
    pub fn display_path(&self) -> String {
        match &self.for_test {
            Some(tested) => format!("{} [{tested}.test]", self.import_path),
            None => self.import_path.clone(),
        }
    }
    /// Whether some file says `import "C"`.
    pub fn uses_cgo(&self) -> bool {
        self.files.iter().any(|f| f.is_cgo)
    }
    /// Whether functions without a body may be written in assembly.
    pub fn has_assembly(&self) -> bool {
        self.other_files.iter().any(|f| f.ends_with(".s") || f.ends_with(".S"))
    }
    /// Whether it is a command.
    pub fn is_main(&self) -> bool {
        self.name == sym::MAIN
    }
    /// The packages that it depends on directly, each once, in id order.
    pub fn dependencies(&self) -> Vec<PackageId> {
        let mut ids: Vec<PackageId> = self
            .imports
            .values()
            .filter_map(|t| match t {
                ImportTarget::Package(id) => Some(*id),
                _ => None,
            })
            .chain(self.implicit_deps.iter().copied())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// A file of a package.
#[derive(Clone, Debug)]
pub struct ParsedFile {
    /// Its text.
    pub file: FileId,
    /// Its tree; syntax errors are in there. Variants of a package share it.
    pub ast: Arc<ast::File>,
    /// The language version of the file: the package's, unless a `//go:build go1.N` line raises or
    /// lowers it (never below Go 1.21).
    pub go_version: LanguageVersion,
    /// Whether it is a `_test.go` file.
    pub is_test: bool,
    /// Whether it says `import "C"`.
    pub is_cgo: bool,
    /// Whether it says that it is generated (`// Code generated … DO NOT EDIT.`).
    pub is_generated: bool,
    /// The comment above `import "C"`.
    pub cgo_preamble: Option<Span>,
}

/// One `//go:embed` directive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmbedPattern {
    /// The file.
    pub file: FileId,
    /// The directive's bytes.
    pub span: Span,
    /// The patterns, unquoted.
    pub patterns: Vec<String>,
}

/// A Go file that is in the folder and not in the package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IgnoredFile {
    /// Its name.
    pub name: String,
    /// Why: which suffix, constraint or name excluded it.
    pub reason: String,
    /// Whether the build context excluded it (rather than its name or its package clause).
    pub by_constraint: bool,
}

/// A module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// The module path.
    pub path: String,
    /// The version; empty for main modules.
    pub version: String,
    /// The folder (in vendor mode: the vendor folder's part of it).
    pub dir: PathBuf,
    /// The language version of its `go` line.
    pub go_version: LanguageVersion,
    /// Whether it is a main module (of the workspace).
    pub is_main: bool,
    /// What replaces it, as written: a folder, or `path version`.
    pub replaced_by: Option<String>,
}
