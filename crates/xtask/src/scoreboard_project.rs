//! Compares what `go_project` loads with what `go list -deps -json` lists: packages, files, ignored
//! files, test files and resolved imports. The figures go to `project.md` of the output folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use go_project::{
    ImportTarget, LoadOptions, PackageId, PackageListing, ParseLevel, Program, TestVariant,
};
use serde::Deserialize;
use source::OsSystem;

/// Compares `std`, `cmd` and each module folder (`./...` in it) and writes `out_dir/project.md`.
/// Fails when `go list` cannot be run; differences are figures, not failures.
pub fn run(
    goroot: &Path,
    go_binary: &Path,
    modules: &[PathBuf],
    out_dir: &Path,
) -> anyhow::Result<()> {
    let mut subjects = vec![
        Subject { name: "std".to_owned(), dir: std::env::temp_dir(), pattern: "std" },
        Subject { name: "cmd".to_owned(), dir: std::env::temp_dir(), pattern: "cmd" },
    ];
    for dir in modules {
        let name = dir.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        subjects.push(Subject { name, dir: dir.clone(), pattern: "./..." });
    }
    let mut page = String::from(HEAD);
    let mut details = String::new();
    for subject in &subjects {
        let listed = go_list(goroot, go_binary, subject)?;
        let started = Instant::now();
        let program = load(goroot, subject, false);
        let full = started.elapsed();
        let parsed = program.sources.len();
        drop(program);
        let comparison = compare(&listed, &load(goroot, subject, true));
        writeln!(page, "{}", comparison.row(&subject.name, full, parsed))?;
        if !comparison.differences.is_empty() {
            writeln!(details, "\n## {}\n", subject.name)?;
            for line in comparison.differences.iter().take(SHOWN) {
                writeln!(details, "- {line}")?;
            }
            if comparison.differences.len() > SHOWN {
                writeln!(details, "- … and {} more", comparison.differences.len() - SHOWN)?;
            }
        }
    }
    std::fs::create_dir_all(out_dir)?;
    let path = out_dir.join("project.md");
    std::fs::write(&path, page + &details).with_context(|| path.display().to_string())
}

const HEAD: &str = "# Package loading against `go list`\n\n\
    `go list -e -deps -json` and `go_project::load` on the same folders: `packages` are all those needed, \
    dependencies included; `equal` are the packages whose Go files, cgo files, ignored files, test files \
    (of the packages asked for) and resolved imports are all the same. `load` is the time to find, read \
    and parse every file.\n\n\
    | program | packages (go list) | found | not found | too many | equal | files parsed | load |\n\
    |---|---|---|---|---|---|---|---|\n";

/// How many differences of a program are listed.
const SHOWN: usize = 25;

struct Subject {
    name: String,
    dir: PathBuf,
    pattern: &'static str,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    import_path: String,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    test_go_files: Vec<String>,
    #[serde(rename = "XTestGoFiles")]
    x_test_go_files: Vec<String>,
    ignored_go_files: Vec<String>,
    imports: Vec<String>,
    dep_only: bool,
    dir: String,
}

#[derive(Default)]
struct Comparison {
    packages: usize,
    found: usize,
    equal: usize,
    missing: usize,
    extra: usize,
    differences: Vec<String>,
}

impl Comparison {
    fn row(&self, name: &str, time: Duration, files: usize) -> String {
        format!(
            "| {name} | {} | {} | {} | {} | {} | {files} | {:.2} s |",
            self.packages,
            self.found,
            self.missing,
            self.extra,
            self.equal,
            time.as_secs_f64()
        )
    }
}

fn load(goroot: &Path, subject: &Subject, listing: bool) -> Program {
    let options = LoadOptions {
        dir: subject.dir.clone(),
        patterns: vec![subject.pattern.to_owned()],
        goroot: Some(goroot.to_owned()),
        tests: listing,
        parse: if listing { ParseLevel::ImportsOnly } else { ParseLevel::Full },
        ..LoadOptions::default()
    };
    go_project::load(&OsSystem, &options)
}

fn go_list(goroot: &Path, go: &Path, subject: &Subject) -> anyhow::Result<Vec<Listed>> {
    const FIELDS: &str = "-json=ImportPath,Dir,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,\
        IgnoredGoFiles,DepOnly";
    let output = Command::new(go)
        .args(["list", "-e", "-deps", "-pgo=off", FIELDS, subject.pattern])
        .current_dir(&subject.dir)
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .output()
        .with_context(|| format!("running {}", go.display()))?;
    if output.stdout.is_empty() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("go list {} in {}: {message}", subject.pattern, subject.dir.display());
    }
    let stream = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    stream.collect::<Result<_, _>>().context("reading the output of go list")
}

fn compare(listed: &[Listed], program: &Program) -> Comparison {
    let mut result = Comparison::default();
    let all = program.describe();
    // Without test variants and what only they need, as `go list -deps` has it.
    let needed = needed(program);
    let ours: BTreeMap<String, &PackageListing> = program
        .order
        .iter()
        .zip(&all)
        .filter(|(id, _)| needed.contains(id))
        .map(|(_, p)| (p.import_path.clone(), p))
        .collect();
    let mut theirs: BTreeSet<&str> = BTreeSet::new();
    for package in listed.iter().filter(|p| p.import_path != "unsafe" && !p.dir.is_empty()) {
        let has_files = !package.go_files.is_empty() || !package.cgo_files.is_empty();
        let has_tests = !package.test_go_files.is_empty() || !package.x_test_go_files.is_empty();
        if !has_files && (package.dep_only || !has_tests) {
            continue;
        }
        result.packages += 1;
        theirs.insert(&package.import_path);
        let Some(own) = ours.get(&package.import_path) else {
            result.missing += 1;
            result.differences.push(format!("{}: not found", package.import_path));
            continue;
        };
        result.found += 1;
        let differences = differences(package, own);
        if differences.is_empty() {
            result.equal += 1;
        }
        result.differences.extend(differences);
    }
    for path in ours.keys().filter(|path| !theirs.contains(path.as_str())) {
        result.extra += 1;
        result.differences.push(format!("{path}: too many"));
    }
    result
}

/// The packages asked for without their tests, and everything that they need.
fn needed(program: &Program) -> BTreeSet<PackageId> {
    let plain = |id: &PackageId| program.packages[*id].test_variant == TestVariant::None;
    let mut found: BTreeSet<PackageId> = program.roots.iter().copied().filter(plain).collect();
    let mut stack: Vec<PackageId> = found.iter().copied().collect();
    while let Some(id) = stack.pop() {
        let package = &program.packages[id];
        let imported = package.imports.values().filter_map(|target| match target {
            ImportTarget::Package(id) => Some(*id),
            _ => None,
        });
        stack.extend(
            imported.chain(package.implicit_deps.iter().copied()).filter(|&d| found.insert(d)),
        );
    }
    found
}

fn differences(theirs: &Listed, ours: &PackageListing) -> Vec<String> {
    let mut found = Vec::new();
    let path = &theirs.import_path;
    let mut check = |what: &str, theirs: &[String], ours: &[String]| {
        let (a, b): (BTreeSet<&String>, BTreeSet<&String>) =
            (theirs.iter().collect(), ours.iter().collect());
        if a != b {
            let only = |x: &BTreeSet<&String>, y: &BTreeSet<&String>| -> Vec<String> {
                x.difference(y).map(|s| (*s).clone()).collect()
            };
            found.push(format!(
                "{path}: {what}: only go list {:?}, only unpanic {:?}",
                only(&a, &b),
                only(&b, &a)
            ));
        }
    };
    check("Go files", &theirs.go_files, &ours.go_files);
    check("cgo files", &theirs.cgo_files, &ours.cgo_files);
    check("imports", &theirs.imports, &ours.imports);
    if theirs.dep_only {
        // Test files of dependencies are not even looked at.
        let plain: Vec<String> =
            theirs.ignored_go_files.iter().filter(|f| !f.ends_with("_test.go")).cloned().collect();
        check("ignored files", &plain, &ours.ignored_go_files);
    } else {
        check("ignored files", &theirs.ignored_go_files, &ours.ignored_go_files);
        check("test files", &theirs.test_go_files, &ours.test_go_files);
        check("external test files", &theirs.x_test_go_files, &ours.x_test_go_files);
    }
    found
}
