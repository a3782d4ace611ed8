//! A program as data: what `unpanic debug packages` prints, a subset of `go list -deps -json` with
//! the same names, so that the two can be compared.

use std::path::PathBuf;

use serde::Serialize;

use crate::{ImportTarget, Package, Program, TestVariant};

/// One package, with the field names of `go list -json`.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct PackageListing {
    /// The import path, with the variant in brackets.
    pub import_path: String,
    /// The package name.
    pub name: String,
    /// The folder.
    pub dir: PathBuf,
    /// Files without cgo.
    pub go_files: Vec<String>,
    /// Files with `import "C"`.
    pub cgo_files: Vec<String>,
    /// In-package test files, known for packages asked for with tests.
    pub test_go_files: Vec<String>,
    /// External test files, likewise.
    #[serde(rename = "XTestGoFiles")]
    pub x_test_go_files: Vec<String>,
    /// Go files that the build context excludes.
    pub ignored_go_files: Vec<String>,
    /// Import paths that the files name, resolved (a vendored package of GOROOT by its full path).
    pub imports: Vec<String>,
    /// The reason for each import that could not be had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// `//go:embed` patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub embed_patterns: Vec<String>,
    /// `path version` of the module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The language version, `1.22`.
    pub go_version: String,
    /// Whether it is of GOROOT.
    pub standard: bool,
    /// Whether it was not asked for itself.
    pub dep_only: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl Program {
    /// All packages, dependencies first.
    pub fn describe(&self) -> Vec<PackageListing> {
        self.order.iter().map(|&id| self.describe_package(&self.packages[id])).collect()
    }

    fn describe_package(&self, package: &Package) -> PackageListing {
        let name_of = |file: source::FileId| {
            let path = self.sources.path(file);
            path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        };
        let files = |cgo: bool| -> Vec<String> {
            package.files.iter().filter(|f| f.is_cgo == cgo).map(|f| name_of(f.file)).collect()
        };
        let mut imports: Vec<String> = Vec::new();
        let mut missing: Vec<String> = Vec::new();
        for (written, target) in &package.imports {
            imports.push(match target {
                ImportTarget::Package(id) => self.packages[*id].display_path(),
                ImportTarget::Unsafe | ImportTarget::C => written.clone(),
                ImportTarget::Missing(reason) => {
                    missing.push(format!("{written}: {reason}"));
                    written.clone()
                }
            });
        }
        imports.sort();
        missing.sort();
        let ignored = package.ignored_files.iter().filter(|f| f.by_constraint);
        PackageListing {
            import_path: package.display_path(),
            name: package.name.to_string(),
            dir: package.dir.clone(),
            go_files: files(false),
            cgo_files: files(true),
            test_go_files: package.test_go_files.clone(),
            x_test_go_files: package.xtest_go_files.clone(),
            ignored_go_files: ignored.map(|f| f.name.clone()).collect(),
            imports,
            missing,
            embed_patterns: package.embeds.iter().flat_map(|e| e.patterns.clone()).collect(),
            module: package.module.map(|id| {
                let module = &self.modules[id];
                format!("{} {}", module.path, module.version).trim_end().to_owned()
            }),
            go_version: format!("{}.{}", package.go_version.0, package.go_version.1),
            standard: package.kind == crate::PackageKind::Std,
            dep_only: !(package.is_root && package.test_variant == TestVariant::None),
            errors: package.errors.iter().map(ToString::to_string).collect(),
        }
    }
}
