//! From findings to what is built and run: which files are rewritten, and which tests and commands
//! get to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::{FxHashMap, FxHashSet};
use diag::{FindingRecord, Problem};
use engine::{Target, TestFiles, load, load_with_deps, with_types};
use go_project::{PackageId, PackageKind, Program, TestVariant};
use go_types::{FileInfo, Store};
use source::{SourceFile, System};

use crate::facts::Facts;
use crate::instrument::{Companions, Instrumenter, wanted_types};
use crate::sites::{Site, Skip, Want};
use crate::testgen::{self, GeneratedTest, Home, Source, Sources};

/// What is to be proven.
pub struct Request<'a> {
    /// The machine.
    pub system: &'a dyn System,
    /// Where findings' paths start; absolute.
    pub dir: PathBuf,
    /// The module's folder: what is in it is searched for tests and commands.
    pub module: PathBuf,
    /// For which platform and tags.
    pub target: Target,
    /// The findings.
    pub findings: &'a [FindingRecord],
    /// Watch every map operation of the program's own packages.
    pub all: bool,
    /// Set traps in the code of required modules too.
    pub deps: bool,
}

/// The tests that may show a finding, the best first; if there is none, why.
pub type TestsOf = Result<Vec<GeneratedTest>, String>;

/// The program with traps in it, not yet on disk.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Where traps are; the index is the site's number.
    pub sites: Vec<Site>,
    /// Where none could be set.
    pub skips: Vec<Skip>,
    /// The new text of files, by their path.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// What gets to the sites: tests first.
    pub jobs: Vec<Job>,
    /// Tests that can be made, by the place of the finding in the list that was given.
    pub tests: Vec<TestsOf>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Something to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// How.
    pub kind: JobKind,
    /// The import path, or what is shown for it.
    pub name: String,
    /// The package's folder.
    pub dir: PathBuf,
}

/// How a job is run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum JobKind {
    /// `go test`
    Test,
    /// Built and started, without arguments.
    Program,
}

/// Loads the program and writes the traps into its text.
pub fn prepare(request: &Request<'_>) -> Prepared {
    let target = Target { tests: TestFiles::Include, ..request.target.clone() };
    let patterns = ["./...".to_owned()];
    let load = if request.deps { load_with_deps } else { load };
    let loaded = load(request.system, &request.module, &patterns, &target);
    let program = &loaded.program;
    let wants = wants(request, program);
    let mut prepared = Prepared { problems: loaded.problems, ..Prepared::default() };
    let watched = instrument(request, program, &wants, &mut prepared);
    prepared.jobs = jobs(program, &watched);
    // Commands that no finding speaks of are not started unasked where there are tests.
    if request.all && prepared.jobs.iter().any(|job| job.kind == JobKind::Test) {
        prepared.jobs.retain(|job| job.kind == JobKind::Test);
    }
    prepared
}

/// The accesses of the findings, by file.
fn wants(request: &Request<'_>, program: &Program) -> FxHashMap<PathBuf, Vec<Want>> {
    let mut files: FxHashMap<PathBuf, &SourceFile> = FxHashMap::default();
    for package in program.packages.iter() {
        for file in &package.files {
            let file = program.sources.file(file.file);
            files.insert(file.path.clone(), file);
        }
    }
    let mut wants: FxHashMap<PathBuf, Vec<Want>> = FxHashMap::default();
    for (finding, record) in request.findings.iter().enumerate() {
        for access in &record.accesses {
            let path = clean(&request.dir.join(&access.file));
            let Some(file) = files.get(&path) else { continue };
            let Some(start) = offset(file, access.line, access.column) else { continue };
            let primary = &record.primary;
            let is_primary = (&access.file, access.line, access.column)
                == (&primary.file, primary.line, primary.column);
            let end = offset(file, primary.end_line, primary.end_column).filter(|_| is_primary);
            wants.entry(path).or_default().push(Want { start, end, kind: access.kind, finding });
        }
    }
    wants
}

/// A path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

fn offset(file: &SourceFile, line: u32, column: u32) -> Option<u32> {
    let start = *file.line_starts().get(line.checked_sub(1)? as usize)?;
    let offset = start.checked_add(column.checked_sub(1)?)?;
    (offset as usize <= file.text.len()).then_some(offset)
}

/// Rewrites the files and gives the packages that have sites.
fn instrument(
    request: &Request<'_>,
    program: &Program,
    wants: &FxHashMap<PathBuf, Vec<Want>>,
    prepared: &mut Prepared,
) -> FxHashSet<PackageId> {
    let own = |id: &PackageId| {
        let package = &program.packages[*id];
        let is_there = match package.kind {
            PackageKind::Workspace => true,
            PackageKind::Dependency => request.deps,
            PackageKind::Std => false,
        };
        is_there && package.superseded_by.is_none()
    };
    let packages: Vec<PackageId> = program.order.iter().copied().filter(own).collect();
    let mut watched = FxHashSet::default();
    with_types(program, |checked| {
        checked.types.check_all_bodies(&packages);
        let mut files: BTreeMap<&Path, (&FileInfo, PackageId)> = BTreeMap::new();
        for &id in &packages {
            for info in checked.types.info(id).iter().flat_map(|info| &info.files) {
                files.entry(program.sources.path(info.file)).or_insert((info, id));
            }
        }
        let none = Vec::new();
        let facts = |info| facts_of(program, checked.store, info);
        let mut types = FxHashSet::default();
        for (path, (info, _)) in &files {
            if let Some(wants) = wants.get(*path) {
                wanted_types(&facts(info).0, wants, &mut types);
            }
        }
        let companions = if request.all { Companions::All } else { Companions::Types(types) };
        let mut instrumenter = Instrumenter { companions, ..Instrumenter::default() };
        for (path, (info, id)) in &files {
            let wants = wants.get(*path).unwrap_or(&none);
            // What does not parse is not touched; the compiler will say so.
            if !info.ast.errors.is_empty() {
                continue;
            }
            let (facts, file) = facts(info);
            if let Some(text) = instrumenter.file(&facts, file, wants) {
                prepared.files.push((path.to_path_buf(), text));
                watched.insert(*id);
            }
        }
        // No test of ours can stand in somebody else's package.
        let is_own = |id: PackageId| program.packages[id].kind == PackageKind::Workspace;
        let sources = files.values().filter(|s| is_own(s.1)).map(|&(info, package)| Source {
            info,
            file: program.sources.file(info.file),
            package,
            pkg: checked.types.pkg(package),
        });
        let sources = Sources::new(checked.store, sources.collect());
        prepared.tests = tests(request, program, &sources);
        prepared.sites = instrumenter.sites;
        prepared.skips = instrumenter.skips;
    });
    // Who imports a package that only has companions need not be run.
    let wanted = |id: &PackageId| {
        let files = &program.packages[*id].files;
        request.all || files.iter().any(|f| wants.contains_key(program.sources.path(f.file)))
    };
    watched.retain(wanted);
    watched
}

/// The tests that can be made for the findings.
fn tests(request: &Request<'_>, program: &Program, sources: &Sources<'_>) -> Vec<TestsOf> {
    let locate = |file: &str| {
        let path = clean(&request.dir.join(file));
        sources.files.iter().find(|s| s.file.path == path).copied()
    };
    let home = |id: PackageId| {
        let package = &program.packages[id];
        // What stands in the external tests of a package cannot be called from within it.
        let own = package.test_variant != TestVariant::External;
        let path = package.for_test.as_deref().unwrap_or(&package.import_path);
        own.then_some(Home { dir: &package.dir, path })
    };
    let findings = request.findings.iter().enumerate();
    findings.map(|(n, record)| testgen::tests(sources, n, record, &locate, &home)).collect()
}

fn facts_of<'a>(
    program: &'a Program,
    store: &'a Store,
    info: &'a FileInfo,
) -> (Facts<'a>, &'a SourceFile) {
    let file = program.sources.file(info.file);
    (Facts::new(info, store, &file.text), file)
}

/// Tests of the packages that have sites or import such, and the commands among them without tests.
fn jobs(program: &Program, watched: &FxHashSet<PackageId>) -> Vec<Job> {
    let mut reaching: FxHashSet<&str> =
        watched.iter().map(|id| program.packages[*id].import_path.as_str()).collect();
    for &id in &program.order {
        let package = &program.packages[id];
        let uses = |d: &PackageId| reaching.contains(program.packages[*d].import_path.as_str());
        if package.dependencies().iter().any(uses) {
            reaching.insert(&package.import_path);
        }
    }
    let mut folders: BTreeMap<&Path, (bool, bool, &str)> = BTreeMap::new();
    for package in program.packages.iter().filter(|p| p.kind == PackageKind::Workspace) {
        // An external test counts for the package in its folder.
        let path = package.for_test.as_deref().unwrap_or(&package.import_path);
        let entry = folders.entry(&package.dir).or_insert((false, false, path));
        let reaches = reaching.contains(package.import_path.as_str());
        entry.0 |= reaches && package.files.iter().any(|f| f.is_test);
        entry.1 |= reaches && package.is_main() && package.test_variant == TestVariant::None;
    }
    let mut jobs = Vec::new();
    for (dir, (tests, main, path)) in folders {
        let kind = match (tests, main) {
            (true, _) => JobKind::Test,
            (false, true) => JobKind::Program,
            (false, false) => continue,
        };
        jobs.push(Job {
            kind,
            name: path.trim_end_matches("_test").to_owned(),
            dir: dir.to_owned(),
        });
    }
    jobs.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    jobs
}
