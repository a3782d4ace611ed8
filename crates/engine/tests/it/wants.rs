//! Findings against marks. A mark stands at the end of a line; every finding's place must be
//! marked with its code, and every mark must be the place of one of the accesses of a finding.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use engine::{CheckReport, CheckRequest, NoProgress, RuleSelection, Target, TestFiles, check};
use source::OsSystem;

/// A place that is marked or reported: file (relative), line, code.
type Mark = (String, u32, String);

/// Runs all rules over the module at `dir`, with its test files or without.
pub fn run(dir: &Path, tests: TestFiles) -> CheckReport {
    let request = CheckRequest {
        system: &OsSystem,
        dir: dir.to_owned(),
        patterns: Vec::new(),
        target: Target { tests, ..Target::default() },
        rules: RuleSelection::everything(),
        min_confidence: diag::Confidence::Medium,
        knowledge: Vec::new(),
        deps: false,
        exclude: Vec::new(),
        baseline: None,
    };
    go_types::with_large_stacks(2, || check(&request, &NoProgress))
}

/// What differs between the findings and the marks at `dir`; empty when nothing does. With
/// `only`, findings of other codes are passed over (a page shows one rule).
pub fn differences(dir: &Path, only: Option<&str>) -> String {
    compare(&run(dir, TestFiles::Skip), dir, only)
}

/// As [`differences`] of all codes, with the test files of `dir`.
pub fn differences_with_tests(dir: &Path) -> String {
    compare(&run(dir, TestFiles::Include), dir, None)
}

fn compare(report: &CheckReport, dir: &Path, only: Option<&str>) -> String {
    let wanted = marks(dir);
    let mut seen: BTreeSet<Mark> = BTreeSet::new();
    let mut out = String::new();
    for problem in &report.problems {
        let bad = matches!(
            problem.kind,
            diag::ProblemKind::Bug | diag::ProblemKind::Syntax | diag::ProblemKind::Type
        );
        if bad {
            writeln!(out, "problem: {}", problem.message).expect("a String takes any write");
        }
    }
    for finding in &report.findings {
        let code = finding.rule.code;
        // Recovery and errors have their pages; everything else here is about goroutines that meet.
        let other_family = code.starts_with("ERR") || code.starts_with("REC");
        if only.map_or(other_family, |o| o != code) {
            continue;
        }
        let at = |place: source::FileSpan| -> Mark {
            let file = report.sources.file(place.file);
            let path = diag::relative_path(&file.path, dir).display().to_string();
            (path, file.line_col(place.span.start).line, code.to_owned())
        };
        let primary = at(finding.primary);
        if !wanted.contains(&primary) {
            writeln!(out, "unexpected {code} at {}:{}: {}", primary.0, primary.1, finding.message)
                .expect("a String takes any write");
        }
        seen.insert(primary);
        seen.extend(finding.accesses.iter().map(|a| at(a.place)));
        let others = finding.notes.iter().filter(|n| n.kind == diag::NoteKind::Context);
        seen.extend(others.filter_map(|n| n.place).map(at));
    }
    for (file, line, code) in wanted.difference(&seen) {
        writeln!(out, "missing {code} at {file}:{line}").expect("a String takes any write");
    }
    out
}

fn marks(dir: &Path) -> BTreeSet<Mark> {
    let mut out = BTreeSet::new();
    for path in go_files(dir) {
        let text = std::fs::read_to_string(&path).expect("a test file can be read");
        let relative = path.strip_prefix(dir).expect("inside").display().to_string();
        for (i, line) in text.lines().enumerate() {
            let Some((_, mark)) = line.split_once("// want ") else { continue };
            for code in mark.split('"').skip(1).step_by(2) {
                out.insert((relative.clone(), i as u32 + 1, code.to_owned()));
            }
        }
    }
    out
}

fn go_files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a test folder can be read") {
        let path = entry.expect("a test folder can be read").path();
        if path.is_dir() {
            out.extend(go_files(&path));
        } else if path.extension().is_some_and(|e| e == "go") {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// Writes the files of a txtar archive below `dir`; text before the first file is a comment.
pub fn unpack(archive: &str, dir: &Path) {
    let mut current: Option<(PathBuf, String)> = None;
    let flush = |file: Option<(PathBuf, String)>| {
        if let Some((path, text)) = file {
            std::fs::create_dir_all(path.parent().expect("below dir")).expect("a temporary folder");
            std::fs::write(path, text).expect("a temporary file");
        }
    };
    for line in archive.lines() {
        if let Some(name) = line.strip_prefix("-- ").and_then(|l| l.strip_suffix(" --")) {
            flush(current.take());
            current = Some((dir.join(name), String::new()));
        } else if let Some((_, text)) = &mut current {
            text.push_str(line);
            text.push('\n');
        }
    }
    flush(current);
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("it is there")
}
