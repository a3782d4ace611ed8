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

/// A program with a finding: what else is wrong beside it must not hide it.
const RACE: (&str, &str) = (
    "a.go",
    "package main\n\nfunc main() {\n\tm := map[int]int{}\n\tgo func() { m[1] = 1 }()\n\tm[2] = 2\n}\n",
);

/// Asserts the exit code, a part of standard error, and that the rest was analysed.
#[track_caller]
fn and_the_rest_is_analysed(place: &Place, code: i32, part: &str) {
    let outcome = place.run("check ./...");
    outcome.fails(code, part);
    assert!(outcome.out.contains("MAP001"), "{}\n{}", outcome.out, outcome.err);
}

#[test]
fn import_cycles() {
    let place = Place::new(&[
        MOD,
        RACE,
        ("b/b.go", "package b\n\nimport _ \"example.com/x/c\"\n"),
        ("c/c.go", "package c\n\nimport _ \"example.com/x/b\"\n"),
    ]);
    and_the_rest_is_analysed(&place, 3, "example.com/x/c imports example.com/x/b");
    assert!(place.run("check ./...").err.contains("c/c.go:3"));
    place.write("b/b.go", b"package b\n\nimport _ \"example.com/x/b\"\n");
    and_the_rest_is_analysed(&place, 3, "example.com/x/b imports example.com/x/b");
}

#[test]
fn what_is_not_on_the_machine_is_named_where_it_is_imported() {
    let user = "package b\n\nimport \"example.org/gone\"\n\nvar X = gone.Y\n";
    let place = Place::new(&[MOD, RACE, ("b/b.go", user)]);
    and_the_rest_is_analysed(&place, 1, "no required module provides example.org/gone");
    assert!(place.run("check ./...").err.contains("b/b.go:3"));
    place.write("go.mod", b"module example.com/x\n\ngo 1.24\n\nrequire example.org/gone v1.2.3\n");
    and_the_rest_is_analysed(&place, 1, "run `go mod download`");
    place.write(
        "go.mod",
        b"module example.com/x\n\ngo 1.24\n\nrequire example.org/gone v1.2.3\n\n\
        replace example.org/gone => ../nowhere\n",
    );
    and_the_rest_is_analysed(&place, 1, "replaced by ../nowhere, which is not there");
}

#[test]
fn a_module_that_is_not_there_is_missed_once() {
    let module = "module example.com/x\n\ngo 1.24\n\nrequire absent.test/m v1.2.3\n";
    let file = "package x\n\nimport (\n\t\"absent.test/m/a\"\n\t\"absent.test/m/b\"\n)\n\nvar _, _ = a.A, b.B\n";
    let place = Place::new(&[("go.mod", module), ("a/x.go", file), ("b/x.go", file)]);
    let outcome = place.run("check ./...");
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert_eq!(outcome.err.matches("is not in the module cache").count(), 1, "{}", outcome.err);
    assert!(outcome.err.contains("3 more imports cannot be found"), "{}", outcome.err);
}

#[test]
fn a_go_work_that_points_nowhere() {
    let place = Place::new(&[MOD, RACE, ("go.work", "go 1.24\n\nuse ./nowhere\nuse .\n")]);
    and_the_rest_is_analysed(&place, 3, "`use ./nowhere`: there is no go.mod in");
    assert!(place.run("check ./...").err.contains("go.work:3"));
    place.write("go.work", b"go 1.24\n\nuze .\n");
    and_the_rest_is_analysed(&place, 2, "unknown directive `uze`");
}

#[test]
fn a_broken_go_mod_does_not_end_the_run() {
    let place = Place::new(&[RACE]);
    for (text, part) in [
        (&b"module example.com/x\n\nrequir y v1\n"[..], "unknown directive `requir`"),
        (b"", "expected `module PATH`"),
        (b"module example.com/x\n\ngo banana\n", "invalid Go version `banana`"),
        (b"\x00\xff\"\n", "go.mod:1"),
    ] {
        place.write("go.mod", text);
        and_the_rest_is_analysed(&place, 2, part);
    }
}

#[cfg(unix)]
#[test]
fn files_that_cannot_be_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new(&[MOD, RACE, ("x.go/inner.go", "package inner\n")]);
    // A folder that is called like a file is a folder.
    let outcome = place.run("check ./...");
    assert_eq!((outcome.code, outcome.err.as_str()), (1, ""));

    let made = std::process::Command::new("mkfifo").arg(place.path().join("pipe.go")).status();
    assert!(made.unwrap().success());
    and_the_rest_is_analysed(&place, 3, "it is a named pipe, not a file\n--> pipe.go");
    place.run("check pipe.go").fails(3, "it is a named pipe");
    std::fs::remove_file(place.path().join("pipe.go")).unwrap();

    symlink("e.go", place.path().join("d.go")).unwrap();
    symlink("d.go", place.path().join("e.go")).unwrap();
    symlink("nowhere.go", place.path().join("f.go")).unwrap();
    symlink(".", place.path().join("here")).unwrap();
    symlink("..", place.path().join("above")).unwrap();
    and_the_rest_is_analysed(&place, 3, "--> d.go");
    and_the_rest_is_analysed(&place, 3, "--> f.go");
    for link in ["d.go", "e.go", "f.go"] {
        std::fs::remove_file(place.path().join(link)).unwrap();
    }

    place.write("g.go", b"package main\n");
    let secret = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(place.path().join("g.go"), secret).unwrap();
    // The superuser may read it all the same.
    if std::fs::read(place.path().join("g.go")).is_err() {
        and_the_rest_is_analysed(&place, 3, "--> g.go");
    } else {
        assert_eq!(place.run("check ./...").code, 1);
    }
}

#[test]
fn bytes_that_are_no_go_at_all() {
    let place = Place::new(&[MOD, RACE]);
    place.write("b.go", b"package main\n\nvar s = \"\xff\xfe\"\n\x00\x1b[31m");
    and_the_rest_is_analysed(&place, 3, "b.go:3:10");
    let outcome = place.run("check");
    assert!(!outcome.err.contains('\x1b') && !outcome.err.contains('\0'), "{}", outcome.err);
    place.write("b.go", b"\xff\xfep\0a\0");
    and_the_rest_is_analysed(&place, 3, "this looks like UTF-16");
}

#[test]
fn a_file_of_50_megabytes() {
    let place = Place::new(&[MOD]);
    let mut text = String::with_capacity(51 << 20);
    text.push_str("package main\n\nvar table = []string{\n");
    while text.len() < 50 << 20 {
        text.push_str("\t// A comment.\n\t\"");
        text.extend(std::iter::repeat_n('x', 4000));
        text.push_str("\",\n");
    }
    text.push_str("}\n");
    text.push_str(RACE.1.strip_prefix("package main").unwrap());
    place.write("a.go", text.as_bytes());
    let outcome = place.run("check");
    assert_eq!((outcome.code, outcome.err.as_str()), (1, ""));
    assert!(outcome.out.contains("MAP001"));
}

#[test]
fn a_line_of_20_megabytes() {
    let place = Place::new(&[MOD]);
    let long = "x".repeat(20 << 20);
    let text = format!("package main; var s int = \"{long}\"; {}", &RACE.1["package main".len()..]);
    place.write("a.go", text.replace('\n', " ").replace('\t', ";").as_bytes());
    let outcome = place.run("check");
    // What is shown of it fits on a screen.
    assert_eq!(outcome.code, 1, "{:.2000}", outcome.err);
    assert!(outcome.err.contains("as int value"), "{:.2000}", outcome.err);
    assert!(outcome.out.contains("MAP001"));
    assert!(outcome.out.len() + outcome.err.len() < 20_000);
}

#[test]
fn whatever_nests_ten_thousand_deep() {
    let nested = |head: &str, open: &str, middle: &str, close: &str| {
        format!("package main\n\n{head}{}{middle}{}\n", open.repeat(10_000), close.repeat(10_000))
    };
    let place = Place::new(&[MOD, RACE]);
    for text in [
        nested("var v = ", "(", "1", ")"),
        nested("var v = ", "f(", "1", ")"),
        nested("var v = ", "!", "true", ""),
        nested("var v = 1", "+1", "", ""),
        nested("var v = x", ".y", "", ""),
        nested("var v = x", "[0]", "", ""),
        nested("var v = ", "[]int{", "", "}"),
        nested("var v = ", "func() { _ = ", "1", "}"),
        nested("var v ", "[]", "int", ""),
        nested("var v ", "struct{ a ", "int", "}"),
        nested("var v ", "func(", "", ")"),
        nested("func f() ", "{", "", "}"),
        nested("func f() { ", "if true {} else ", "{} }", ""),
        nested("func f() { ", "for { ", "", "}") + "}",
        nested("func f() { ", "go func() { ", "", "}()") + "}",
        nested("type t ", "interface{ m(", "", ") }"),
    ] {
        place.write("b.go", text.as_bytes());
        let outcome = place.run("check");
        assert!(matches!(outcome.code, 1 | 3), "exit {}: {:.2000}", outcome.code, outcome.err);
        assert!(outcome.out.contains("MAP001"), "{:.200}: {:.2000}", text, outcome.err);
        assert!(outcome.err.len() < 20_000, "{:.200}", text);
    }
}

#[test]
fn test_files_of_a_third_package_are_analysed() {
    let race = "package race_test\n\nfunc TestX() {\n\tm := map[int]int{}\n\tgo func() { m[1] = 1 }()\n\
        \tm[2] = 2\n}\n";
    let place = Place::new(&[
        MOD,
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("a_test.go", race),
        ("b_test.go", "package race_test\n"),
    ]);
    for arguments in ["check . --tests", "check --tests main.go a_test.go b_test.go"] {
        let outcome = place.run(arguments);
        outcome.fails(1, "package race_test fits neither package main");
        assert_eq!(outcome.err.matches("race_test fits").count(), 1, "{}", outcome.err);
        assert!(outcome.out.contains("a_test.go:5"), "{}", outcome.out);
    }
}

#[test]
fn dependencies_are_analysed_when_asked_for() {
    let place = Place::new(&[
        ("go.mod", "module example.com/x\n\ngo 1.24\n\nrequire example.org/dep v1.0.0\n"),
        ("vendor/modules.txt", "# example.org/dep v1.0.0\n## explicit; go 1.24\nexample.org/dep\n"),
        ("a.go", "package main\n\nimport \"example.org/dep\"\n\nfunc main() { dep.F() }\n"),
        (
            "vendor/example.org/dep/d.go",
            "package dep\n\nfunc F() {\n\tm := map[int]int{}\n\tgo func() { m[1] = 1 }()\n\
            \tm[2] = 2\n}\n",
        ),
    ]);
    let outcome = place.run("check");
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    let outcome = place.run("check --deps");
    assert_eq!((outcome.code, outcome.err.as_str()), (1, ""));
    assert!(outcome.out.contains("vendor/example.org/dep/d.go"), "{}", outcome.out);
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
