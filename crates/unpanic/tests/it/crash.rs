//! `unpanic crash`: text and JSON, from a file and from standard input, with the source and without.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::command::{Outcome, Place};

const MODULE: &str = "module example.com/hub\n\ngo 1.24\n";
const MAIN: &str = "package main

import \"net/http\"

var clients = map[string]int{}

func add(w http.ResponseWriter, r *http.Request) {
\tclients[r.URL.Path]++
}

func count(w http.ResponseWriter, r *http.Request) {
\t_ = clients[r.URL.Path]
}

func main() {
\thttp.HandleFunc(\"/add\", add)
\thttp.HandleFunc(\"/count\", count)
\thttp.ListenAndServe(\":8080\", nil)
}
";

/// As Go 1.26 and later print it on another machine: one goroutine.
const DUMP: &str = "2026/11/26 09:51:29 listening
fatal error: concurrent map read and map write

goroutine 34 [running]:
internal/runtime/maps.fatal({0x6e0e57?, 0x47d800?})
\t/usr/local/go/src/runtime/panic.go:1195 +0x18
main.count({0x7412b0?, 0xc000132000?}, 0xc000118300?)
\t/build/hub/main.go:12 +0x65
net/http.HandlerFunc.ServeHTTP(0x442440?, {0x7412b0?, 0xc000132000?}, 0x61c49a?)
\t/usr/local/go/src/net/http/server.go:2322 +0x29
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3493 +0x485
exit status 2
";

fn place() -> Place {
    Place::new(&[("go.mod", MODULE), ("main.go", MAIN), ("crash.log", DUMP)])
}

#[test]
fn a_map_crash_with_one_goroutine_names_both_sides() {
    let outcome = place().run("crash crash.log --source . --color never");
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    for part in [
        "fatal error: concurrent map read and map write",
        "recover could not have stopped it",
        "> main.count  /build/hub/main.go:12",
        "_ = clients[r.URL.Path]",
        "collided with the map write at main.go:8 in main.add",
        "error[MAP001]",
        "help: guard every access",
    ] {
        assert!(outcome.out.contains(part), "no {part:?} in:\n{}", outcome.out);
    }
}

/// A dump of all goroutines says more than the source: who was where.
#[test]
fn goroutines_that_may_be_the_other_side_are_named_surest_first() {
    let beside = |state: &str, function: &str, line: u32| {
        let other = format!(
            "\ngoroutine 77 [{state}]:\nmain.{function}(0x1)\n\t/build/hub/main.go:{line} +0x65\n\
             created by net/http.(*Server).Serve in goroutine 1\n\t/usr/local/go/src/net/http/server.go:3493 +0x485\n"
        );
        DUMP.replace("exit status 2\n", &format!("{other}exit status 2\n"))
    };
    let place = place();
    for (state, function, line, source, told) in [
        ("runnable", "count", 12, "", "in the same function at that time: goroutine 77"),
        (
            "runnable",
            "add",
            8,
            " --source .",
            "in a function of the other side at that time: goroutine 77",
        ),
        ("runnable", "other", 30, "", "ran in the program's own code at that time: goroutine 77"),
    ] {
        place.write("all.log", beside(state, function, line).as_bytes());
        let outcome = place.run(&format!("crash all.log --color never{source}"));
        assert!(outcome.out.contains(told), "no {told:?} in:\n{}", outcome.out);
    }
    place.write("all.log", beside("chan receive", "add", 8).as_bytes());
    let waiting = place.run("crash all.log --color never --source .");
    assert!(!waiting.out.contains("at that time"), "{}", waiting.out);
}

#[test]
fn json_has_what_the_contract_says() {
    let outcome = place().run("crash --format json --source . crash.log");
    let value: Value = serde_json::from_str(outcome.out.trim()).unwrap();
    assert_eq!(value["kind"], "fatal-error");
    assert_eq!(value["message"], "concurrent map read and map write");
    assert_eq!((&value["recoverable"], &value["version"]), (&Value::Bool(false), &Value::from(1)));
    assert!(value["fingerprint"].as_str().unwrap().starts_with("c1-"));
    let goroutine = &value["goroutines"][0];
    assert_eq!(
        (&goroutine["id"], &goroutine["state"]),
        (&Value::from(34), &Value::from("running"))
    );
    assert_eq!(goroutine["crashed"], true);
    assert_eq!(goroutine["frames"][1]["function"], "main.count");
    assert_eq!(goroutine["frames"][1]["line"], 12);
    assert_eq!(goroutine["created_by"]["function"], "net/http.(*Server).Serve");
    assert_eq!(value["collisions"][0]["rule"], "MAP001");
}

#[test]
fn standard_input_and_nothing_in_it() {
    let place = place();
    let feed = |text: &[u8]| {
        let mut command = place.command("crash -");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        Outcome::of(child.wait_with_output().unwrap())
    };
    let crash = feed(DUMP.as_bytes());
    assert_eq!(crash.code, 1);
    assert!(crash.err.starts_with("fatal-error: concurrent map read and map write\n"));
    let nothing = feed(b"all is well\n");
    assert_eq!((nothing.code, nothing.out.starts_with("no crash")), (0, true), "{}", nothing.out);
}

#[test]
fn what_cannot_be_read() {
    place().run("crash missing.log").fails(3, "missing.log");
    place().run("crash crash.log --source nowhere").fails(2, "nowhere");
}

#[test]
fn hostile_text_does_not_reach_the_terminal_or_the_page() {
    let dump = "panic: <script>\x1b[31m\u{202e}x\n\ngoroutine 1 [running]:\nmain.\x1b]0;f(0x1)\n\t/<i>.go:3 +0x1\n";
    let place = Place::new(&[("crash.log", dump)]);
    let outcome = place.run("crash crash.log --html page.html");
    assert!(outcome.out.contains("panic: <script>\\x1b[31m") && !outcome.out.contains('\x1b'));
    let page = place.read("page.html");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script") && !page.contains('\x1b'));
}
