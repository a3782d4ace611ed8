//! Wrong arguments, wrong configuration, broken Go: a message that says where and what, the right
//! exit code, never a crash.

use crate::command::Place;

const MOD: (&str, &str) = ("go.mod", "module example.com/x\n\ngo 1.24\n");

#[test]
fn bad_usage_exits_with_2() {
    let place = Place::new(&[]);
    place.run("check --formt json").fails(2, "--format");
    place.run("chekc").fails(2, "check");
    place.run("check --rules MPA001").fails(2, "did you mean `MAP001`?");
    place.run("check --dry-run").fails(2, "--fix");
    place.run("check --baseline nowhere.txt").fails(2, "nowhere.txt");
    place.run("explain concurrent-map-acess").fails(2, "did you mean `concurrent-map-access`?");
    let place = place.env("UNPANIC_FORMAT", "xml");
    place.run("check").fails(2, "invalid value 'xml'");
}

#[test]
fn a_wrong_key_is_named_with_the_nearest_one() {
    let place = Place::new(&[("unpanic.toml", "threads = 2\n[check]\nformt = \"json\"\n")]);
    let outcome = place.run("check");
    outcome.fails(2, "unknown key `check.formt`");
    outcome.fails(2, "unpanic.toml:3");
    outcome.fails(2, "did you mean `check.format`?");

    place.write("unpanic.toml", b"[check]\nformat = \"xml\"\n");
    place.run("check").fails(2, "`check.format` is one of text, json, sarif, github, junit");
    place.write("unpanic.toml", b"[build]\ntests = 1\n");
    place.run("check").fails(2, "`build.tests`");
    place.write("unpanic.toml", b"\xff");
    place.run("check").fails(2, "not UTF-8");
}

#[test]
fn a_folder_that_is_not_there_or_has_no_go() {
    let place = Place::new(&[("empty/readme.txt", "no Go here")]);
    place.run("check ./nowhere").fails(2, "nowhere");
    place.run("check ./empty").fails(2, "no Go files");
}

#[test]
fn a_broken_go_mod_is_named_with_its_line() {
    let place = Place::new(&[("go.mod", "module x\n\nrequir y v1\n"), ("a.go", "package x\n")]);
    let outcome = place.run("check");
    assert!(matches!(outcome.code, 2 | 3), "{}", outcome.err);
    assert!(outcome.err.contains("go.mod:3"), "{}", outcome.err);
}

#[test]
fn what_does_not_parse_is_shown_and_the_rest_is_analysed() {
    let race = "package main\n\nfunc main() {\n\tm := map[int]int{}\n\tgo func() { m[1] = 1 }()\n\
        \tm[2] = 2\n}\n";
    let place = Place::new(&[MOD, ("broken/b.go", "package broken\nfunc f( {\n"), ("a.go", race)]);
    let outcome = place.run("check ./...");
    outcome.fails(3, "broken/b.go:2:9");
    assert!(outcome.out.contains("MAP001"), "{}", outcome.out);
}

#[test]
fn an_import_cycle_and_a_missing_import() {
    let place = Place::new(&[
        MOD,
        ("a/a.go", "package a\n\nimport _ \"example.com/x/b\"\n"),
        ("b/b.go", "package b\n\nimport _ \"example.com/x/a\"\n"),
        ("c/c.go", "package c\n\nimport \"example.org/gone\"\n\nvar X = gone.Y\n"),
    ]);
    let outcome = place.run("check ./...");
    assert!(matches!(outcome.code, 2 | 3), "{}", outcome.err);
    assert!(outcome.err.contains("cycle"), "{}", outcome.err);
    assert!(outcome.err.contains("example.org/gone"), "{}", outcome.err);
}

#[test]
fn bytes_that_are_no_go_at_all() {
    let place = Place::new(&[MOD]);
    place.write("a.go", b"package x\n\nvar s = \"\xff\xfe\"\n\x00\x1b[31m");
    let outcome = place.run("check");
    assert_eq!(outcome.code, 3);
    assert!(!outcome.err.contains('\x1b') && !outcome.err.contains('\0'), "{}", outcome.err);
}

#[test]
fn ten_thousand_parentheses() {
    let deep = format!("package x\n\nvar v = {}1{}\n", "(".repeat(10_000), ")".repeat(10_000));
    let calls = format!("package x\n\nvar w = {}1{}\n", "f(".repeat(10_000), ")".repeat(10_000));
    let place = Place::new(&[MOD, ("a.go", &deep), ("b.go", &calls)]);
    let outcome = place.run("check");
    assert!(matches!(outcome.code, 0 | 3), "exit {}: {}", outcome.code, outcome.err);
    assert!(outcome.err.len() < 20_000);
}

#[test]
fn reading_our_output_halfway_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_unpanic"))
        .arg("rules")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
