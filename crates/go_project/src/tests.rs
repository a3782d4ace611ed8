//! Whole loads on trees in memory. A tree is written as one text: `-- path --` lines and the files
//! below them, as in Go's txtar archives.

use std::path::PathBuf;

use source::MemorySystem;

use crate::{
    ErrorClass, ImportTarget, LoadOptions, ModMode, Package, PackageKind, ParseLevel, Program,
    TestVariant, load,
};

/// A tree with a small GOROOT and an empty home; files of `archive` are below `/w` unless absolute.
fn tree(archive: &str) -> MemorySystem {
    let mut system = MemorySystem::new();
    system.set_env("HOME", "/home/u").set_env("GOROOT", "/go");
    for (path, text) in [
        ("/go/VERSION", "go1.27.3\n"),
        ("/go/src/runtime/r.go", "package runtime\n"),
        ("/go/src/runtime/cgo/c.go", "package cgo\nimport \"C\"\n"),
        ("/go/src/syscall/s.go", "package syscall\n"),
        ("/go/src/fmt/f.go", "package fmt\nimport _ \"internal/x\"\n"),
        ("/go/src/internal/x/x.go", "package x\nimport _ \"runtime\"\n"),
        ("/go/src/net/n.go", "package net\nimport _ \"golang.org/x/dns\"\n"),
        ("/go/src/vendor/golang.org/x/dns/d.go", "package dns\n"),
        ("/go/src/embed/e.go", "package embed\n"),
        ("/go/src/testing/t.go", "package testing\n"),
    ] {
        system.add(path, text);
    }
    let mut name: Option<PathBuf> = None;
    let mut text = String::new();
    for line in archive.lines().chain(["-- end --"]) {
        if let Some(next) = line.strip_prefix("-- ").and_then(|l| l.strip_suffix(" --")) {
            if let Some(path) = name.replace(PathBuf::from("/w").join(next)) {
                system.add(path, std::mem::take(&mut text));
            }
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    system
}

fn options(patterns: &[&str]) -> LoadOptions {
    LoadOptions {
        dir: "/w".into(),
        patterns: patterns.iter().map(ToString::to_string).collect(),
        goos: Some("linux".into()),
        goarch: Some("amd64".into()),
        cgo: Some(true),
        ..LoadOptions::default()
    }
}

fn run(archive: &str, patterns: &[&str]) -> Program {
    load(&tree(archive), &options(patterns))
}

fn package<'a>(program: &'a Program, path: &str) -> &'a Package {
    let found = program.packages.iter().find(|p| p.display_path() == path);
    found.unwrap_or_else(|| panic!("no package {path} in {:?}", paths(program)))
}

fn paths(program: &Program) -> Vec<String> {
    program.packages.iter().map(Package::display_path).collect()
}

fn files(program: &Program, path: &str) -> Vec<String> {
    let name = |f: &crate::ParsedFile| {
        let path = program.sources.path(f.file);
        path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    package(program, path).files.iter().map(name).collect()
}

/// All errors, of the program and of its packages.
fn errors(program: &Program) -> Vec<String> {
    let own = program.packages.iter().flat_map(|p| &p.errors);
    program.errors.iter().chain(own).map(ToString::to_string).collect()
}

fn target(program: &Program, from: &str, path: &str) -> String {
    match &package(program, from).imports[path] {
        ImportTarget::Package(id) => program.packages[*id].display_path(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_module_with_its_dependencies_in_order() {
    let program = run(
        "-- go.mod --\nmodule example.com/m\ngo 1.22\n-- main.go --\npackage main\n\
         import (\"fmt\"; \"net\"; \"unsafe\"; \"example.com/m/hub\")\n\
         -- hub/hub.go --\npackage hub\nimport \"fmt\"\n-- hub/testdata/x.go --\npackage x\n\
         -- hub/_old/x.go --\npackage x\n-- other/go.mod --\nmodule other\n-- other/o.go --\npackage o\n",
        &["./..."],
    );
    assert_eq!(errors(&program), [""; 0]);
    assert_eq!(
        paths(&program),
        [
            "example.com/m",
            "example.com/m/hub",
            "fmt",
            "internal/x",
            "net",
            "runtime",
            "vendor/golang.org/x/dns",
        ]
    );
    assert_eq!(program.roots.len(), 2);
    assert_eq!(target(&program, "example.com/m", "unsafe"), "Unsafe");
    assert_eq!(target(&program, "net", "golang.org/x/dns"), "vendor/golang.org/x/dns");
    let main = package(&program, "example.com/m");
    assert_eq!((main.go_version, main.kind), ((1, 22), PackageKind::Workspace));
    assert_eq!(package(&program, "fmt").go_version, (1, 27));
    let mut seen = Vec::new();
    for &id in &program.order {
        assert!(program.packages[id].dependencies().iter().all(|d| seen.contains(d)));
        seen.push(id);
    }
    assert_eq!(program.levels.iter().flatten().count(), program.packages.len());
}

#[test]
fn the_module_cache_serves_selected_versions() {
    let system = |requires: &str, go: &str| {
        let mut system = tree(&format!(
            "-- go.mod --\nmodule m\ngo {go}\n{requires}\n-- m.go --\npackage m\nimport \"Ex.com/A/sub\"\n\
             -- local/go.mod --\nmodule ex.com/l\ngo 1.19\n-- local/l.go --\npackage l\n"
        ));
        let cache = "/home/u/go/pkg/mod";
        system.add(
            format!("{cache}/!ex.com/!a@v1.2.0/sub/s.go"),
            "package sub\nimport \"ex.com/b\"\n",
        );
        system.add(
            format!("{cache}/cache/download/!ex.com/!a/@v/v1.2.0.mod"),
            "module Ex.com/A\ngo 1.16\nrequire ex.com/b v1.5.0\n",
        );
        system.add(format!("{cache}/ex.com/b@v1.5.0/b.go"), "package b\n");
        system.add(format!("{cache}/ex.com/b@v1.1.0/b.go"), "package b\n");
        system.add(
            format!("{cache}/cache/download/ex.com/b/@v/v1.5.0.mod"),
            "module ex.com/b\ngo 1.20\n",
        );
        system
    };
    // Go 1.16: b's version follows from the requirements of A.
    let program = load(&system("require Ex.com/A v1.2.0", "1.16"), &options(&[]));
    assert_eq!(errors(&program), [""; 0]);
    assert!(package(&program, "ex.com/b").dir.ends_with("b@v1.5.0"));
    assert_eq!(package(&program, "ex.com/b").go_version, (1, 20));
    assert_eq!(package(&program, "Ex.com/A/sub").kind, PackageKind::Dependency);
    // Go 1.17: go.mod is complete.
    let program =
        load(&system("require (\nEx.com/A v1.2.0\nex.com/b v1.1.0\n)", "1.17"), &options(&[]));
    assert!(package(&program, "ex.com/b").dir.ends_with("b@v1.1.0"));
    // A replacement by a folder.
    let requires = "require (\nEx.com/A v1.2.0\nex.com/b v1.1.0\n)\nreplace ex.com/b => ./local";
    let program = load(&system(requires, "1.17"), &options(&["."]));
    assert_eq!(package(&program, "ex.com/b").dir, PathBuf::from("/w/local"));
    assert_eq!(package(&program, "ex.com/b").go_version, (1, 19));
}

#[test]
fn what_is_not_there_is_named_and_the_rest_is_loaded() {
    let program = run(
        "-- go.mod --\nmodule m\ngo 1.22\nrequire a.b/c v1.0.0\n-- m.go --\npackage m\n\nimport (\n\t\"a.b/c/d\"\n\
         \t\"fmt\"\n\t\"x.y/z\"\n\t\"nostd\"\n\t\"m/none\"\n)\n",
        &[],
    );
    let shown = errors(&program);
    assert_eq!(
        shown,
        [
            "/w/m.go:4: import \"a.b/c/d\": module a.b/c v1.0.0 is not in the module cache; run `go mod download`",
            "/w/m.go:6: import \"x.y/z\": no required module provides x.y/z; run `go get x.y/z`",
            "/w/m.go:7: import \"nostd\": package nostd is not in the standard library",
            "/w/m.go:8: import \"m/none\": module m has no package m/none",
        ]
    );
    assert_eq!(package(&program, "m").errors[0].class, ErrorClass::Missing);
    assert!(program.by_path.contains_key("fmt"));
    assert_eq!(program.missing.len(), 1);
    assert!(program.missing[0].contains("a.b/c v1.0.0"), "{:?}", program.missing);
}

#[test]
fn without_goroot_one_line_says_what_it_costs() {
    let mut system = MemorySystem::new();
    system.add("/w/m.go", "package m\nimport \"fmt\"\n");
    let program = load(&system, &options(&["m.go"]));
    assert_eq!(program.missing.len(), 1);
    assert!(program.missing[0].starts_with("GOROOT was not found"), "{:?}", program.missing);
    assert_eq!(paths(&program), ["command-line-arguments"]);
}

#[test]
fn vendor_folders_are_used_by_the_rule_of_go() {
    let archive = |go: &str| {
        format!(
            "-- go.mod --\nmodule m\ngo {go}\nrequire a.b/c v1.0.0\n-- m.go --\npackage m\nimport \"a.b/c\"\n\
             -- vendor/a.b/c/c.go --\npackage c\n-- vendor/modules.txt --\n# a.b/c v1.0.0\n## explicit; go 1.18\na.b/c\n"
        )
    };
    let program = run(&archive("1.14"), &["./..."]);
    assert_eq!(errors(&program), [""; 0]);
    assert_eq!(package(&program, "a.b/c").go_version, (1, 18));
    assert_eq!(program.roots.len(), 1);
    assert_eq!(errors(&run(&archive("1.13"), &[])).len(), 1);
    let mut by_hand = options(&[]);
    by_hand.mod_mode = Some(ModMode::Mod);
    assert_eq!(errors(&load(&tree(&archive("1.14")), &by_hand)).len(), 1);
    let mut system = tree(&archive("1.13"));
    system.set_env("GOFLAGS", "-mod=vendor");
    assert_eq!(errors(&load(&system, &options(&[]))), [""; 0]);
    let stale = archive("1.14").replace("require a.b/c v1.0.0", "require a.b/c v1.1.0");
    assert!(
        errors(&run(&stale, &[]))[0].starts_with("/w/go.mod:3: a.b/c v1.1.0 is v1.0.0 in vendor")
    );
}

#[test]
fn workspaces_join_modules() {
    let archive = "-- go.work --\ngo 1.22\nuse (\n\t./a\n\t./b\n\t./gone\n)\n-- a/go.mod --\nmodule ex.com/a\ngo 1.20\n\
        -- a/a.go --\npackage a\nimport \"ex.com/b\"\n-- b/go.mod --\nmodule ex.com/b\ngo 1.21\n-- b/b.go --\npackage b\n";
    let program = run(archive, &["./..."]);
    assert_eq!(errors(&program), ["/w/go.work:5: `use ./gone`: there is no go.mod in /w/gone"]);
    assert_eq!(paths(&program), ["ex.com/a", "ex.com/b"]);
    assert_eq!(program.roots.len(), 2);
    let mut system = tree(archive);
    system.set_env("GOWORK", "off");
    let program = load(&system, &LoadOptions { dir: "/w/a".into(), ..options(&["."]) });
    assert!(errors(&program)[0].contains("no required module provides ex.com/b"));
}

#[test]
fn constraints_choose_files_and_say_why_not() {
    let program = run(
        "-- go.mod --\nmodule m\ngo 1.20\n-- a.go --\npackage m\n-- a_windows.go --\npackage m\n-- b.go --\n\
         //go:build ignore\n\npackage main\n-- c.go --\n//go:build go1.22\n\npackage m\n-- _d.go --\npackage m\n\
         -- e.go --\n//go:build (linux\n\npackage m\n-- a_test.go --\npackage m\n-- asm_amd64.s --\n-- asm_arm64.s --\n",
        &[],
    );
    assert_eq!(files(&program, "m"), ["a.go", "c.go"]);
    let m = package(&program, "m");
    assert_eq!((m.files[0].go_version, m.files[1].go_version), ((1, 20), (1, 22)));
    let ignored: Vec<&str> = m.ignored_files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(ignored, ["_d.go", "a_windows.go", "b.go"]);
    assert_eq!(m.ignored_files[2].reason, "//go:build ignore");
    assert!(errors(&program)[0].starts_with("/w/e.go:1:18: "), "{:?}", errors(&program));
    assert_eq!(m.other_files, ["asm_amd64.s"]);
    assert!(m.has_assembly());
}

#[test]
fn test_variants_are_made_as_go_makes_them() {
    let archive = "-- go.mod --\nmodule m\ngo 1.22\n-- p/p.go --\npackage p\n-- p/in_test.go --\npackage p\n\
        import \"testing\"\n-- p/x_test.go --\npackage p_test\nimport (\"m/p\"; \"m/q\"; \"fmt\")\n\
        -- q/q.go --\npackage q\nimport \"m/p\"\n";
    let mut with_tests = options(&["./..."]);
    with_tests.tests = true;
    let program = load(&tree(archive), &with_tests);
    assert_eq!(errors(&program), [""; 0]);
    let all = paths(&program);
    let own: Vec<&String> = all.iter().filter(|p| p.starts_with('m')).collect();
    assert_eq!(own, ["m/p", "m/p [m/p.test]", "m/p_test [m/p.test]", "m/q", "m/q [m/p.test]"]);
    assert_eq!(target(&program, "m/p_test [m/p.test]", "m/p"), "m/p [m/p.test]");
    assert_eq!(target(&program, "m/p_test [m/p.test]", "m/q"), "m/q [m/p.test]");
    assert_eq!(target(&program, "m/q [m/p.test]", "m/p"), "m/p [m/p.test]");
    assert_eq!(target(&program, "m/q", "m/p"), "m/p");
    assert_eq!(files(&program, "m/p [m/p.test]"), ["p.go", "in_test.go"]);
    let plain = package(&program, "m/p");
    assert_eq!(plain.superseded_by, Some(package(&program, "m/p [m/p.test]").id));
    assert_eq!(package(&program, "m/q [m/p.test]").test_variant, TestVariant::Recompiled);
    assert_eq!(package(&program, "m/p_test [m/p.test]").name.as_str(), "p_test");
    assert!(!paths(&run(archive, &["./..."])).iter().any(|p| p.contains("test")));
}

#[test]
fn import_cycles_are_shown_and_cut() {
    let program = run(
        "-- go.mod --\nmodule m\ngo 1.22\n-- a/a.go --\npackage a\nimport \"m/b\"\n-- b/b.go --\npackage b\n\n\
         import \"m/c\"\n-- c/c.go --\npackage c\nimport (\n\t\"fmt\"\n\t\"m/a\"\n)\n-- d/d.go --\npackage d\nimport \"m/d\"\n",
        &[],
    );
    assert_eq!(
        errors(&program),
        [
            "/w/c/c.go:4: import cycle not allowed: m/a imports m/b imports m/c imports m/a",
            "/w/d/d.go:2: import cycle not allowed: m/d imports m/d",
        ]
    );
    assert_eq!(program.order.len(), program.packages.len());
}

#[test]
fn single_files_and_plain_folders_need_no_module() {
    let archive = "-- one.go --\n//go:build ignore\n\npackage main\nimport \"fmt\"\n-- two.go --\npackage other\n\
        -- lib/l.go --\npackage l\n-- lib/sub/s.go --\npackage s\n";
    let program = run(archive, &["one.go"]);
    assert_eq!(files(&program, "command-line-arguments"), ["one.go"]);
    assert_eq!(errors(&program), [""; 0]);
    let program = run(archive, &["./lib/..."]);
    assert_eq!(paths(&program), ["lib", "lib/sub"]);
    assert_eq!(package(&program, "lib").go_version, (1, 27));
}

#[test]
fn folders_above_several_modules_take_them_all() {
    let program = run(
        "-- 01/bad/go.mod --\nmodule bad\ngo 1.22\n-- 01/bad/main.go --\npackage main\n-- 02/go.mod --\nmodule ok\n\
         go 1.20\n-- 02/x.go --\npackage x\n",
        &["./..."],
    );
    assert_eq!(program.roots.len(), 2);
    assert_eq!(package(&program, "ok").go_version, (1, 20));
}

#[test]
fn bad_requests_are_usage_errors() {
    let archive = "-- go.mod --\nmodule m\ngo 1.22\n-- empty/README --\n-- win/a_windows.go --\npackage win\n\
        -- mixed/a.go --\npackage a\n-- mixed/b.go --\npackage b\n-- mixed/c.go --\npackage b\n";
    for (pattern, message) in [
        ("./nowhere", "/w/nowhere: no such file or folder"),
        ("./empty", "/w/empty: no Go files in this folder; `./...` takes the folders below it"),
        ("./nowhere/...", "/w/nowhere: no such folder (of the pattern ./nowhere/...)"),
        ("./empty/...", "/w/empty: ./empty/... matches no folder with Go files"),
        ("gone.go", "/w/gone.go: no such file"),
        (
            "./win",
            "/w/win: build constraints exclude all Go files in /w/win (a_windows.go: file name suffix _windows \
             (target is linux/amd64))",
        ),
    ] {
        let program = run(archive, &[pattern]);
        assert_eq!(errors(&program), [message], "{pattern}");
        assert_eq!(program.errors[0].class, ErrorClass::Usage);
    }
    let program = run(archive, &["./..."]);
    assert_eq!(
        errors(&program),
        ["/w/mixed/a.go:1: package a in a folder of package b: the file is left out"]
    );
    assert_eq!(files(&program, "m/mixed"), ["b.go", "c.go"]);
}

#[test]
fn test_files_of_a_third_package_are_an_external_test() {
    let archive = "-- go.mod --\nmodule m\n-- a.go --\npackage main\n-- b_test.go --\npackage race_test\n\
        import \"fmt\"\n-- c_test.go --\npackage race_test\n-- d_test.go --\npackage other\n";
    let wanted = [
        "/w/b_test.go:1: package race_test fits neither package main of this folder nor its external \
         test main_test: 2 files (b_test.go, c_test.go) are read as the external test all the same",
        "/w/d_test.go:1: package other in a folder of package main: the file is left out",
    ];
    for patterns in [&["."][..], &["a.go", "b_test.go", "c_test.go", "d_test.go"]] {
        let options = LoadOptions { tests: true, ..options(patterns) };
        let program = load(&tree(archive), &options);
        assert_eq!(errors(&program), wanted);
        let external =
            program.packages.iter().find(|p| p.test_variant == TestVariant::External).unwrap();
        assert_eq!((external.name.as_str(), external.files.len()), ("race_test", 2));
        assert!(external.is_root);
        assert_eq!(target(&program, &external.display_path(), "fmt"), "fmt");
    }
    // Where there is an external test, others do not belong to it.
    let archive = format!("{archive}-- e_test.go --\npackage main_test\n");
    let options = LoadOptions { tests: true, ..options(&["."]) };
    let program = load(&tree(&archive), &options);
    let errors = errors(&program);
    assert!(errors[0].ends_with("2 files (b_test.go, c_test.go) are left out"), "{errors:?}");
    assert_eq!(errors.len(), 2);
}

#[test]
fn a_broken_go_mod_is_an_error_with_its_line_and_no_end() {
    let program =
        run("-- go.mod --\nmodule m\ngo 1.22\nrequire (\n\ta.b/c\n)\n-- m.go --\npackage m\n", &[]);
    assert_eq!(
        errors(&program),
        ["/w/go.mod:4: expected `require PATH VERSION`, found `a.b/c` after `require`"]
    );
    assert_eq!(paths(&program), ["m"]);
}

#[test]
fn embeds_cgo_and_generated_files_are_marked() {
    let program = run(
        "-- go.mod --\nmodule m\ngo 1.22\n-- c.go --\npackage m\n\n// #include <x.h>\n// int f();\nimport \"C\"\n\
         -- e.go --\npackage m\n\nimport _ \"embed\"\n\n//go:embed a.txt \"b c\"\nvar s string\n\
         -- g.go --\n// Code generated by x. DO NOT EDIT.\n\npackage m\n",
        &[],
    );
    let m = package(&program, "m");
    assert!(m.uses_cgo() && m.files[2].is_generated && !m.files[1].is_generated);
    let preamble = m.files[0].cgo_preamble.expect("there is one");
    let text = program.sources.file(m.files[0].file).slice(preamble).into_owned();
    assert_eq!(text, "// #include <x.h>\n// int f();");
    assert_eq!(m.embeds[0].patterns, ["a.txt", "b c"]);
    assert_eq!(m.implicit_deps.len(), 2);
    let mut off = options(&[]);
    off.cgo = Some(false);
    let archive =
        "-- go.mod --\nmodule m\n-- c.go --\npackage m\nimport \"C\"\n-- d.go --\npackage m\n";
    assert_eq!(files(&load(&tree(archive), &off), "m"), ["d.go"]);
}

#[test]
fn internal_packages_stay_internal() {
    let program = run(
        "-- go.mod --\nmodule m\ngo 1.22\n-- a/internal/i/i.go --\npackage i\n-- a/a.go --\npackage a\n\
         import \"m/a/internal/i\"\n-- b/b.go --\npackage b\nimport (\n\"m/a/internal/i\"\n\"internal/x\"\n)\n",
        &[],
    );
    assert_eq!(
        errors(&program),
        [
            "/w/b/b.go:3: use of internal package m/a/internal/i not allowed",
            "/w/b/b.go:4: use of internal package internal/x not allowed",
        ]
    );
}

#[test]
fn import_patterns_std_and_all() {
    let archive = "-- go.mod --\nmodule ex.com/m\ngo 1.25\nignore ./node\n-- a/a.go --\npackage a\nimport \"fmt\"\n\
        -- ab/c/c.go --\npackage c\n-- node/n.go --\npackage n\n";
    let roots = |patterns: &[&str]| -> Vec<String> {
        let program = run(archive, patterns);
        assert_eq!(errors(&program), [""; 0], "{patterns:?}");
        program.roots.iter().map(|&id| program.packages[id].import_path.clone()).collect()
    };
    assert_eq!(roots(&["ex.com/m/..."]), ["ex.com/m/a", "ex.com/m/ab/c"]);
    assert_eq!(roots(&["ex.com/m/a"]), ["ex.com/m/a"]);
    assert_eq!(roots(&["a"]), ["ex.com/m/a"]);
    assert_eq!(roots(&["./a..."]), ["ex.com/m/a", "ex.com/m/ab/c"]);
    assert_eq!(roots(&["fmt", "internal/..."]), ["fmt", "internal/x"]);
    assert_eq!(roots(&["all"]), ["ex.com/m/a", "ex.com/m/ab/c", "fmt", "internal/x", "runtime"]);
    assert!(roots(&["std"]).contains(&"net".to_owned()));
    assert!(roots(&["std"]).contains(&"vendor/golang.org/x/dns".to_owned()));
}

#[test]
fn runtime_cgo_is_part_of_std_only_with_cgo() {
    let has = |cgo: bool| {
        let options = LoadOptions { cgo: Some(cgo), ..options(&["std"]) };
        paths(&load(&tree(""), &options)).contains(&"runtime/cgo".to_owned())
    };
    assert_eq!((has(true), has(false)), (true, false));
}

#[test]
fn bodies_of_dependencies_can_be_left_out() {
    let archive = "-- go.mod --\nmodule ex.com/m\ngo 1.25\nrequire dep.org/d v1.0.0\n\
        -- vendor/modules.txt --\n# dep.org/d v1.0.0\n## explicit; go 1.25\ndep.org/d\n\
        -- vendor/dep.org/d/d.go --\npackage d\nfunc D() { _ = 1; _ = '}' }\nvar V = 1\n\
        -- a/a.go --\npackage a\nimport _ \"ex.com/m/b\"\nimport _ \"dep.org/d\"\nfunc A() { _ = 1 }\n\
        -- b/b.go --\npackage b\nfunc B() { _ = 1 }\n";
    let statements = |patterns: &[&str], parse: ParseLevel, path: &str| -> usize {
        let program = load(&tree(archive), &LoadOptions { parse, ..options(patterns) });
        assert_eq!(errors(&program), [""; 0]);
        let file = &package(&program, path).files[0];
        assert!(!file.ast.decls.is_empty() && file.ast.errors.is_empty());
        // The block of the body is one of them.
        file.ast.stmts.len()
    };
    for path in ["ex.com/m/a", "ex.com/m/b"] {
        assert_eq!(statements(&["./a"], ParseLevel::OwnBodies, path), 2, "{path}");
    }
    assert_eq!(statements(&["./a"], ParseLevel::OwnBodies, "dep.org/d"), 1);
    assert_eq!(statements(&["./a"], ParseLevel::Full, "dep.org/d"), 3);
    assert_eq!(statements(&["dep.org/d"], ParseLevel::OwnBodies, "dep.org/d"), 3);
    assert_eq!(statements(&["all"], ParseLevel::OwnBodies, "dep.org/d"), 3);
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let mut archive = String::from("-- go.mod --\nmodule m\ngo 1.22\n");
    for i in 0..60 {
        archive += &format!(
            "-- p{i}/a.go --\npackage p{i}\nimport (\"fmt\"; \"m/p{}\")\n",
            (i * 7 + 1) % 60
        );
    }
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let program = run(&archive, &[]);
            let listing = serde_json::to_string(&program.describe()).expect("serialises");
            let files: Vec<PathBuf> = program
                .packages
                .iter()
                .flat_map(|p| p.files.iter().map(|f| program.sources.path(f.file).to_owned()))
                .collect();
            (listing, files, errors(&program))
        })
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn own_bodies_are_parsed_and_those_of_dependencies_are_not() {
    let text = "func F() int { return 1 }\n";
    let archive = format!(
        "-- go.mod --\nmodule m\ngo 1.22\nrequire d v1.0.0\nreplace d => ../d\n\
         -- a/a.go --\npackage a\nimport (\n_ \"m/b\"\n_ \"d\"\n)\n{text}-- b/b.go --\npackage b\n{text}\
         -- /d/go.mod --\nmodule d\n-- /d/d.go --\npackage d\n{text}"
    );
    let statements = |patterns: &[&str], path: &str| {
        let options = LoadOptions { parse: ParseLevel::OwnBodies, ..options(patterns) };
        let program = load(&tree(&archive), &options);
        let ast = &package(&program, path).files[0].ast;
        assert_eq!(ast.func_decls.len(), 1);
        ast.stmts.len()
    };
    // A body and the statement in it.
    assert_eq!(statements(&["./a"], "m/a"), 2);
    assert_eq!(statements(&["./a"], "m/b"), 2);
    assert_eq!(statements(&["./a"], "d"), 1);
    assert_eq!(statements(&["d"], "d"), 2);
    assert_eq!(statements(&["all"], "d"), 2);
}
