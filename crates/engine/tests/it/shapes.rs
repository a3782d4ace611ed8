//! What orders goroutines, or keeps them apart, in the forms that real programs give it: one small
//! Go file a shape, each with a racy twin. Kept apart from the rules' pages because a shape is about
//! the analysis, not about one rule. A shape that the analysis gets wrong today stands in
//! `not-yet.txt` with what is wrong, and leaves the list when that is mended: the test asks for both.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::wants::{differences_with_tests, run};
use engine::TestFiles;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes")
}

/// The shapes by file name.
fn shapes() -> BTreeMap<String, PathBuf> {
    std::fs::read_dir(folder())
        .expect("the shapes are there")
        .map(|e| e.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == "go"))
        .map(|p| (p.file_name().expect("a file").to_string_lossy().into_owned(), p))
        .collect()
}

/// `not-yet.txt`: a file name and, after a colon, what is wrong today. `#` opens a comment.
fn not_yet() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("not-yet.txt")).expect("readable");
    let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let (file, why) = line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}"));
            (file.to_owned(), why.to_owned())
        })
        .collect()
}

/// What differs between the findings in `shape`, as a module of its own, and its marks.
fn disagreement(shape: &Path) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let module = "module shape.test/shape\n\ngo 1.25.0\n";
    std::fs::write(dir.path().join("go.mod"), module).expect("writable");
    let name = shape.file_name().expect("a file");
    std::fs::copy(shape, dir.path().join(name)).expect("a copy");
    differences_with_tests(dir.path())
}

#[test]
fn shapes_are_told_apart() {
    let shapes = shapes();
    let waiting = not_yet();
    assert!(shapes.len() >= 50, "only {} shapes", shapes.len());
    let mut failures = String::new();
    for file in waiting.keys().filter(|f| !shapes.contains_key(*f)) {
        writeln!(failures, "{file}: is in not-yet.txt, but not in the folder\n").expect("a String");
    }
    for (file, path) in &shapes {
        let wrong = disagreement(path);
        match (waiting.get(file), wrong.is_empty()) {
            (None, false) => {
                writeln!(failures, "{file}: does not agree with its marks:\n{wrong}")
            }
            (Some(why), true) => {
                writeln!(failures, "{file}: agrees now; take it out of not-yet.txt ({why})\n")
            }
            _ => Ok(()),
        }
        .expect("a String takes any write");
    }
    let total = shapes.len();
    assert!(failures.is_empty(), "{total} shapes, {} not right yet:\n{failures}", waiting.len());
}

#[test]
fn every_shape_says_what_it_is() {
    for (file, path) in shapes() {
        let text = std::fs::read_to_string(path).expect("readable");
        let racy = text.contains("// want \"");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("// ") && first.ends_with('.'), "{file}: no opening sentence");
        assert_eq!(racy, file.contains(".racy"), "{file}: `.racy` in the name means marks inside");
    }
}

#[test]
fn a_librarys_wait_group_waits() {
    const LIBRARY: &str = "package ext

type KIND struct{ n int }

func (*KIND) Add()  {}
func (*KIND) Done() {}
func (*KIND) Wait() {}
";
    const PROGRAM: &str = "package main

import \"example.com/ext\"

func main() {
\tvar err error
\tg := &ext.KIND{}
\tg.Add()
\tgo func() {
\t\tdefer g.Done()
\t\terr = nil
\t}()
\tg.Wait()
\tprintln(err == nil)
}
";
    const GO_MOD: &str = "module example.com/app\n\ngo 1.21\n\nrequire example.com/ext v0.0.0\n\n\
                          replace example.com/ext => ../ext\n";
    for (kind, races) in [("SizedWaitGroup", false), ("Counter", true)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in [
            ("ext/go.mod", "module example.com/ext\n\ngo 1.21\n"),
            ("ext/ext.go", LIBRARY),
            ("app/go.mod", GO_MOD),
            ("app/main.go", PROGRAM),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            std::fs::write(path, text.replace("KIND", kind)).expect("writable");
        }
        let found = run(&folder.path().join("app"), TestFiles::Skip).findings;
        let codes: Vec<&str> = found.iter().map(|f| f.rule.code).collect();
        assert_eq!(codes.contains(&"RACE001"), races, "{kind}: {codes:?}");
    }
}
