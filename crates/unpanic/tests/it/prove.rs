//! `unpanic prove`: what it prints, what it remembers, and that it leaves nothing behind.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::command::Place;

const MODULE: &str = "module example.com/hub\n\ngo 1.22\n";

const RACY: &str = r#"package main

import (
	"os"
	"strconv"
	"sync"
	"time"
)

var clients = map[string]int{}

func add(name string) {
	clients[name] = len(name)
}

func main() {
	os.WriteFile("pid", []byte(strconv.Itoa(os.Getpid())), 0o644)
	var done sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		done.Add(1)
		go func() {
			defer done.Done()
			add(name)
		}()
	}
	done.Wait()
	if len(os.Args) > 1 {
		time.Sleep(time.Hour)
	}
}
"#;

const TEST: &str = r#"package main

import "testing"

func TestAdd(t *testing.T) {
	done := make(chan bool)
	go func() { add("x"); done <- true }()
	add("y")
	<-done
}
"#;

/// A module whose temporary files go into a folder of the test's.
fn place(files: &[(&str, &str)]) -> (Place, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().to_str().unwrap();
    let mut place = Place::new(&[("go.mod", MODULE)]).env("TMPDIR", temporary);
    if let Some(go) = std::env::var_os("UNPANIC_GO") {
        place = place.env("UNPANIC_GO", go.to_str().unwrap());
    }
    for (path, text) in files {
        place.write(path, text.as_bytes());
    }
    (place, folder)
}

fn left_over(temporary: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(temporary).unwrap().map(|e| e.unwrap().path()).collect()
}

#[test]
fn a_proof_is_printed_and_check_knows_it_then() {
    let (place, temporary) = place(&[("main.go", RACY)]);
    let before = place.run("check --format json");
    assert!(before.out.contains(r#""status":"suspected""#), "{}", before.out);
    let proven = place.run("prove");
    assert_eq!(proven.code, 1, "{}{}", proven.out, proven.err);
    assert!(
        proven.out.contains("came to the map write of `clients` at main.go:13:2"),
        "{}",
        proven.out
    );
    assert!(proven.out.ends_with("1 proven\n"), "{}", proven.out);
    let after = place.run("check --format json");
    assert_eq!(after.out, before.out.replace("suspected", "proven"));
    assert_eq!(place.read("main.go"), RACY);
    assert_eq!(left_over(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn tests_are_run_where_there_are_some_and_the_findings_file_learns() {
    let (place, _temporary) = place(&[("main.go", RACY), ("main_test.go", TEST)]);
    let found = place.run("check --format json --no-cache");
    place.write("found.json", found.out.as_bytes());
    let proven = place.run("prove --findings found.json --format json");
    assert_eq!(proven.code, 1, "{}{}", proven.out, proven.err);
    let verdict: serde_json::Value = serde_json::from_str(proven.out.trim()).unwrap();
    assert_eq!(verdict["verdict"], "proven");
    let program = verdict["proof"]["meeting"]["program"].as_str().unwrap();
    assert!(program.ends_with(".test"), "{program}");
    assert_eq!(place.read("found.json"), found.out.replace("suspected", "proven"));
}

#[test]
fn traps_are_set_in_required_modules_when_asked_for() {
    let module = "module example.com/app\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n";
    let list = "# example.com/dep v1.0.0\n## explicit; go 1.24\nexample.com/dep\n";
    let dep = "package dep\n\nvar seen = map[int]int{}\n\nfunc Count(n int) {\n\tseen[n]++\n}\n";
    let app = "package app\n\nimport (\n\t\"sync\"\n\n\t\"example.com/dep\"\n)\n\nfunc Count() {\n\tvar wg sync.WaitGroup\n\
        \tfor n := range 2 {\n\t\twg.Add(1)\n\t\tgo func() {\n\t\t\tdefer wg.Done()\n\t\t\tdep.Count(n)\n\t\t}()\n\t}\n\
        \twg.Wait()\n}\n";
    let test =
        "package app\n\nimport \"testing\"\n\nfunc TestCount(t *testing.T) {\n\tCount()\n}\n";
    let (place, _temporary) = place(&[
        ("go.mod", module),
        ("vendor/modules.txt", list),
        ("vendor/example.com/dep/dep.go", dep),
        ("app.go", app),
        ("app_test.go", test),
    ]);
    let without = place.run("prove");
    assert_eq!((without.code, &*without.out), (0, ""), "{}", without.err);
    let proven = place.run("prove --deps");
    assert_eq!(proven.code, 1, "{}{}", proven.out, proven.err);
    assert!(proven.out.contains("vendor/example.com/dep/dep.go:6:2"), "{}", proven.out);
    assert!(proven.out.ends_with("1 proven\n"), "{}", proven.out);
    assert_eq!(place.read("vendor/example.com/dep/dep.go"), dep);
}

#[test]
fn what_was_learnt_is_there_the_next_time() {
    let (place, _temporary) = place(&[("main.go", RACY)]);
    // Each goroutine comes once: the first run can only see that they came close. On a busy machine the next ones may
    // miss each other.
    let mut runs = (0..10).map(|_| place.run("prove --all --runs 1 --format json"));
    assert!(runs.any(|run| run.out.contains("meeting")), "no run of ten showed the two together");
}

#[test]
fn what_cannot_be_built_or_run_is_said() {
    let (place, temporary) = place(&[("main.go", RACY)]);
    let none = place.run("prove --go /no/such/go");
    assert_eq!(none.code, 3);
    assert!(none.err.contains("needs the go command"), "{}", none.err);
    assert_eq!(place.run("prove --budget lots").code, 2);

    place.write("other.go", b"package main\n\nvar x int = missing\n");
    let broken = place.run("prove");
    assert_eq!(broken.code, 3, "{}{}", broken.out, broken.err);
    assert!(broken.err.contains("undefined: missing"), "{}", broken.err);
    assert_eq!(left_over(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn killed_it_leaves_no_process_and_no_folder() {
    let (place, temporary) = place(&[("main.go", RACY)]);
    let mut command = place.command("prove --all -- . wait");
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_mins(2), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let pid = || std::fs::read_to_string(place.path().join("pid")).ok().filter(|p| !p.is_empty());
    wait("the program starts", &|| pid().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let process = PathBuf::from("/proc").join(pid().unwrap());
    wait("the program ends", &|| !process.exists());
    wait("the folder goes", &|| left_over(temporary.path()).is_empty());
}

/// A library that nothing calls.
const LIBRARY: &str = r#"package hub

import "sync"

type Hub struct {
	mu      sync.Mutex
	clients map[string]int
}

func New() *Hub { return &Hub{clients: map[string]int{}} }

func (h *Hub) Add(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[name]++
}

func (h *Hub) Count(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clients[name]
}

func (h *Hub) Drop(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, name)
}

func (h *Hub) Reset(name string) {
	h.clients[name] = 0
}
"#;

#[test]
fn what_nothing_reaches_is_called_and_stays_a_suspicion() {
    let (place, temporary) = place(&[("hub.go", LIBRARY)]);
    let before = place.run("check --preview --format json");
    let proven = place.run("prove --preview");
    assert_eq!(proven.code, 1, "{}{}", proven.out, proven.err);
    for part in
        ["proven if called at once[", "= nothing of yours reaches it", "= taken for granted: "]
    {
        assert!(proven.out.contains(part), "{}", proven.out);
    }
    assert_eq!(place.run("check --preview --format json").out, before.out);
    let without = place.run("prove --preview --generate=false");
    assert_eq!(without.code, 3, "{}{}", without.out, without.err);
    assert_eq!(left_over(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_test_is_written_that_fails_until_the_race_is_gone() {
    let (place, _temporary) = place(&[("main.go", RACY)]);
    let printed = place.run("prove --emit-test=-");
    assert!(printed.out.contains("func TestConcurrentAdd_"), "{}{}", printed.out, printed.err);
    let written = place.run("prove --emit-test --format json");
    let record: serde_json::Value = serde_json::from_str(written.out.trim()).unwrap();
    let (test, name) = (&record["test"], record["test"]["file"].as_str().unwrap());
    assert_eq!(
        (&test["written"], &test["failed"], &test["of"]),
        (&true.into(), &3.into(), &3.into())
    );
    assert!(printed.out.contains(place.read(name).trim_end()));

    let go = std::env::var_os("UNPANIC_GO").unwrap_or_else(|| "go".into());
    let run = || {
        let mut go = std::process::Command::new(&go);
        let output = go.args(["test", "."]).current_dir(place.path()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (passed, text) = run();
    assert!(!passed && text.contains("use one object without order"), "{text}");
    let fixed = RACY
        .replace("func add(", "var mu sync.Mutex\n\nfunc add(")
        .replace("\tclients[name]", "\tmu.Lock()\n\tdefer mu.Unlock()\n\tclients[name]");
    place.write("main.go", fixed.as_bytes());
    let (passed, text) = run();
    assert!(passed, "{text}");

    place.write("main.go", RACY.as_bytes());
    place.write(name, b"package main\n");
    let other = place.run("prove --emit-test");
    assert!(other.out.contains("was not written by unpanic"), "{}", other.out);
    assert_eq!(place.read(name), "package main\n");
}
