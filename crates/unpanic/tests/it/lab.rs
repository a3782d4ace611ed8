//! `unpanic lab`: what it prints, what it exits with, and that it leaves nothing behind.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::command::Place;

fn place() -> (Place, tempfile::TempDir) {
    let temporary = tempfile::tempdir().unwrap();
    let mut place = Place::new(&[]).env("TMPDIR", temporary.path().to_str().unwrap());
    if let Some(go) = std::env::var_os("UNPANIC_GO") {
        place = place.env("UNPANIC_GO", go.to_str().unwrap());
    }
    (place, temporary)
}

fn left_over(temporary: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(temporary).unwrap().map(|e| e.unwrap().path()).collect()
}

#[test]
fn experiments_are_listed_and_shown() {
    let (place, _temporary) = place();
    let list = place.run("lab list");
    assert_eq!(list.code, 0, "{}", list.err);
    assert!(list.out.starts_with("hazards\n  value-receiver "), "{}", list.out);
    let json = place.run("lab list --format json");
    let names: Vec<String> = json
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.iter().any(|name| name == "map-guards"), "{names:?}");
    for name in names {
        let shown = place.run(&format!("lab show {name}"));
        assert!(shown.out.contains("\npackage main\n"), "{name}: {}", shown.out);
    }
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let (place, temporary) = place();
    let unknown = place.run("lab run sync-pol");
    assert_eq!(unknown.code, 2, "{}", unknown.err);
    assert!(unknown.err.contains("did you mean `sync-pool`?"), "{}", unknown.err);
    assert_eq!(place.run("lab show none").code, 2);
    assert_eq!(place.run("lab --budget 0s").code, 2);
    let none = place.run("lab run layout --go /no/such/go");
    assert_eq!(none.code, 3, "{}", none.err);
    assert!(none.err.contains("needs the go command: cannot run /no/such/go"), "{}", none.err);
    let empty = temporary.path().to_str().unwrap();
    let folder = place.run(&format!("lab run layout --go {empty}"));
    assert_eq!(folder.code, 3, "{}", folder.err);
    assert!(folder.err.contains("has neither bin/go nor go/bin/go in it"), "{}", folder.err);
}

#[test]
fn experiments_are_run_and_the_programs_kept() {
    let (place, temporary) = place();
    let run = place.run("lab run layout loop-variables --quick --keep programs");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("\nlayout: Layout of structs\n"), "{}", run.out);
    assert!(run.out.contains("10 agree, 0 disagree, 0 undecided"), "{}", run.out);
    assert!(place.read("programs/layout/go1.21/main.go").contains("package main"));
    assert!(place.read("programs/loop-variables/go1.22/go.mod").contains("go 1.22"));
    assert_eq!(run.err, "");
    assert_eq!(left_over(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_report_is_written_as_json_and_as_a_page() {
    let (place, temporary) = place();
    let json = place.run("lab run nil-map-write --quick --format json");
    assert_eq!(json.code, 0, "{}{}", json.out, json.err);
    let lines: Vec<serde_json::Value> =
        json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let write = lines.iter().find(|l| l["variant"] == "write").unwrap();
    assert_eq!(write["verdict"], "agrees");
    assert_eq!(write["measured"]["kind"], "share");
    assert_eq!(write["measured"]["hits"], write["measured"]["runs"]);
    let html = place.run("lab run nil-map-write --quick --format html --out lab.html");
    assert_eq!((html.code, html.out.as_str()), (0, ""), "{}", html.err);
    let page = place.read("lab.html");
    assert!(page.contains("Content-Security-Policy") && page.contains("<svg"), "{page}");
    assert!(page.contains("m[&quot;a&quot;] = 1") && !page.contains("<script"), "{page}");
    assert_eq!(left_over(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn killed_it_leaves_no_process_and_no_folder() {
    let (place, temporary) = place();
    let mut command = place.command("lab run traceadvanceperiod --budget 10m");
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_mins(4), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Processes that were started from the folder for the run: program and guard name it.
    let folder = temporary.path().to_owned();
    let running = |what: &str| {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
        lines.filter(|line| line.contains(folder.to_str().unwrap()) && line.contains(what)).count()
    };
    wait("the program starts", &|| running("traceadvanceperiod/go1.21/program") > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    wait("the programs end", &|| running("") == 0);
    wait("the folder goes", &|| left_over(temporary.path()).is_empty());
}

/// All of it, on each Go that `UNPANIC_LAB_GO` names (separated by colons), or on the one in the path.
#[test]
fn no_claim_is_refuted() {
    if std::env::var_os("UNPANIC_EXHAUSTIVE").is_none() {
        return;
    }
    let (place, _temporary) = place();
    let versions = std::env::var("UNPANIC_LAB_GO").unwrap_or_default();
    let versions: String =
        versions.split(':').filter(|v| !v.is_empty()).map(|v| format!(" --go {v}")).collect();
    let run = place.run(&format!("lab --quick{versions}"));
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains(" 0 disagree, "), "{}", run.out);
}
