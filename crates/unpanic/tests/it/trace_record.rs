//! `unpanic trace record`: a program of examples/hazards dies under it, and the report names both
//! goroutines, the map's line and the last 10 ms; and what cannot be recorded.

#![expect(clippy::disallowed_methods, reason = "tests work on the disk and run programs")]

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::Place;

/// A race dies sooner or later: under load, with few processors, later.
const RUNS: u32 = 400;

/// Whether there is a Go to build with; `cargo xtask test` sees to it.
fn no_go() -> bool {
    let missing = std::process::Command::new("go").arg("version").output().is_err();
    if missing {
        eprintln!("skipped: there is no go command");
    }
    missing
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hazards").join(name)
}

#[test]
fn a_map_conflict_is_recorded() {
    if no_go() {
        return;
    }
    let place = Place::new(&[]);
    let source = example("04-http-middleware/bad");
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            place.write(&name, &std::fs::read(&path).unwrap());
        }
    }
    let written = place.read("main.go");
    let outcome = place.run(&format!(
        "trace record --runs {RUNS} --window 10ms --out kept --html page.html --perfetto out.pf -- go run ."
    ));
    assert_eq!(outcome.code, 1, "{}\n{}", outcome.out, outcome.err);
    assert!(outcome.err.contains("fatal error: concurrent map"), "what it printed is passed on");
    assert!(outcome.out.contains("fatal-error: concurrent map"), "{}", outcome.out);
    // The map's line: either two wrote it, or one wrote and the one that died read it.
    let line = ["main.go:52", "main.go:60"].into_iter().find(|line| outcome.out.contains(line));
    let marked = outcome.out.lines().find(|line| line.starts_with("  >"));
    assert!(
        line.is_some() && marked.is_some_and(|m| m.contains("data[\"last_seen\"]")),
        "{}",
        outcome.out
    );
    assert_eq!(place.read("main.go"), written, "its source is not edited");

    // The same again from what was kept: both goroutines, by number.
    let kept = "trace kept/trace.out --crash kept/stderr.log --around crash --window 10ms";
    let value: Value =
        serde_json::from_str(&place.run(&format!("{kept} --format json")).out).unwrap();
    let conflict = value["conflict"].as_array().unwrap();
    assert_eq!(conflict[0]["role"], "crashed", "{conflict:?}");
    assert!(conflict.len() >= 2, "the other side is named: {conflict:?}\n{}", outcome.out);
    for party in conflict.iter().take(2) {
        let name = format!("goroutine {} ", party["goroutine"]);
        assert!(outcome.out.contains(&name), "no {name:?} in:\n{}", outcome.out);
    }
    // Nothing is lost: the trace has the conflict itself, on the goroutine that the dump says died.
    assert_eq!(value["crash_gap_ns"], 0, "{}", outcome.out);
    assert!(outcome.out.contains("the trace reaches to the conflict itself"), "{}", outcome.out);
    assert_eq!(conflict[0]["in_trace"], true, "{conflict:?}");
    let window = &value["window"];
    let long = window["to_ns"].as_i64().unwrap() - window["from_ns"].as_i64().unwrap();
    // A program that dies within its first 10 ms has no more than that.
    let whole = window["from_ns"] == 0 && long < 10_000_000;
    assert!(long == 10_000_000 || whole, "{window}");
    assert!(whole || outcome.out.contains("10.0 ms from "), "{}", outcome.out);
    assert!(!window["goroutines"].as_array().unwrap().is_empty());
    assert!(place.read("page.html").contains("Content-Security-Policy"));
    assert!(std::fs::metadata(place.path().join("out.pf")).unwrap().len() > 1000);
}

const CALM: &str = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"time\"\n)\n\n\
    func main() {\n\ttime.Sleep(30 * time.Millisecond)\n\tfmt.Println(os.Args[1:])\n}\n";
const MODULE: &str = "module example.com/calm\n\ngo 1.22\n";

#[test]
fn a_program_that_ends_and_a_test() {
    if no_go() {
        return;
    }
    let place = Place::new(&[
        ("go.mod", MODULE),
        ("main.go", CALM),
        ("lib/lib.go", "package lib\n\nfunc F() int { return 1 }\n"),
        (
            "lib/lib_test.go",
            "package lib\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\n\
             func TestF(t *testing.T) {\n\ttime.Sleep(30 * time.Millisecond)\n\tif F() != 1 {\n\t\tt.Fatal()\n\t}\n}\n",
        ),
    ]);
    for command in ["go run . -x y", "go run main.go -x y", "./ -x y"] {
        let outcome = place.run(&format!("trace record -- {command}"));
        assert_eq!(outcome.code, 0, "{command}: {}\n{}", outcome.out, outcome.err);
        assert!(
            outcome.out.starts_with("[-x y]\nrecorded trace: format of Go 1."),
            "{}",
            outcome.out
        );
        assert!(outcome.out.contains("main.main"), "{}", outcome.out);
        assert!(outcome.err.contains("the program ended (exit status: 0)"), "{}", outcome.err);
    }
    let outcome = place.run("trace record -- go test -count=1 ./lib");
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.out, outcome.err);
    assert!(outcome.out.contains("testing.tRunner"), "{}", outcome.out);
}

#[test]
fn what_cannot_be_recorded() {
    if no_go() {
        return;
    }
    let place = Place::new(&[
        ("go.mod", MODULE),
        ("main.go", CALM),
        ("lib/lib.go", "package lib\n"),
        ("broken/main.go", "package main\n\nfunc main() { undefined() }\n"),
        (
            "traced/inner/inner.go",
            "package inner\n\nimport (\n\t\"io\"\n\t\"runtime/trace\"\n)\n\nfunc init() { trace.Start(io.Discard) }\n",
        ),
        (
            "traced/main.go",
            "package main\n\nimport _ \"example.com/calm/traced/inner\"\n\nfunc main() {}\n",
        ),
    ]);
    place.run("trace record -- go run ./lib").fails(2, "not main");
    place.run("trace record -- go run ./nowhere").fails(2, "nowhere");
    place.run("trace record -- go run ./broken").fails(2, "does not build");
    place.run("trace record -- go run ./traced").fails(2, "tracing could not be switched on");
    place.run("trace record -- make it").fails(2, "a command is");
    place.run("trace record").fails(2, "CMD");
    let mut command = place.command("trace record -- go run .");
    let outcome =
        crate::command::Outcome::of(command.env("PATH", "/nonexistent").output().unwrap());
    outcome.fails(2, "cannot run go");
}

/// Ctrl-C: the program and what it started are gone, and the report is there.
#[cfg(target_os = "linux")]
#[test]
fn children_do_not_outlive_it() {
    if no_go() {
        return;
    }
    let place = Place::new(&[
        ("go.mod", MODULE),
        (
            "main.go",
            "package main\n\nimport (\n\t\"fmt\"\n\t\"os/exec\"\n\t\"time\"\n)\n\n\
             func main() {\n\tc := exec.Command(\"sleep\", \"600\")\n\tc.Start()\n\
             \tfmt.Println(\"pid\", c.Process.Pid)\n\ttime.Sleep(time.Hour)\n}\n",
        ),
    ]);
    let mut command = place.command("trace record -- go run .");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let pid: u32 = line.trim().strip_prefix("pid ").unwrap().parse().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    assert_eq!(status.code(), Some(0), "{rest}");
    assert!(rest.contains("recorded trace: "), "{rest}");
    // A killed process may still wait to be collected, but it does nothing any more.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}
