//! `unpanic trace`: tables, windows, the join with a crash, what cannot be read. The traces are made
//! by hand; real ones are in `trace_record`.

#![expect(clippy::disallowed_methods, reason = "tests work on the disk and run programs")]

use serde_json::Value;
use timeline::testing::conflict;

use crate::command::Place;

const DUMP: &str = "fatal error: concurrent map writes

goroutine 3 [running]:
internal/runtime/maps.fatal({0x6e0e57?, 0x47d800?})
\t/usr/local/go/src/runtime/panic.go:1195 +0x18
main.(*Hub).Add(...)
\t/src/hub.go:3
main.handle(0x1)
\t/src/main.go:20 +0x65
created by main.main in goroutine 1
\t/src/main.go:2 +0x485
";

fn place() -> Place {
    let place = Place::new(&[
        ("crash.log", DUMP),
        ("quiet.log", "all is well\n"),
        ("hub.go", "package main\n\nfunc (h *Hub) Add() { h.seen[1]++ }\n"),
    ]);
    place.write("whole.trace", &conflict().finish());
    place.write("torn.trace", &conflict().torn());
    place
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_summary_for_people() {
    let outcome = place().run("trace whole.trace");
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    for part in [
        "format of Go 1.23, 29.0 ms, ",
        "in 3 generations",
        "5 goroutines, at most 5 at once",
        "main.handle",
        "chan receive",
        "waits for a processor: 7, ",
        "stop the world (GC sweep termination)",
        "parse",
    ] {
        assert!(outcome.out.contains(part), "no {part:?} in:\n{}", outcome.out);
    }
    assert!(!outcome.out.contains('\x1b'));
}

#[test]
fn a_summary_as_json() {
    let outcome = place().run("trace whole.trace --format json");
    let value = json(&outcome.out);
    assert_eq!((&value["version"], &value["format"]), (&Value::from(1), &Value::from("1.23")));
    assert_eq!((&value["torn"], &value["window"]), (&Value::Null, &Value::Null));
    let duration = value["duration_ns"].as_i64().unwrap();
    assert!((29_001_000..29_001_100).contains(&duration), "{duration}");
    let functions = value["summary"]["functions"].as_array().unwrap();
    let handle = functions.iter().find(|f| f["function"] == "main.handle").unwrap();
    assert_eq!((&handle["count"], &handle["alive_at_end"]), (&Value::from(2), &Value::from(2)));
    let blocks = value["summary"]["blocks"].as_array().unwrap();
    let receive = blocks.iter().find(|b| b["name"] == "chan receive").unwrap();
    assert_eq!(receive["longest"][0]["goroutine"], 5);
    assert_eq!(receive["longest"][0]["stack"][0]["line"], 40);
    assert_eq!(value["summary"]["latency"]["count"], 7);
}

#[test]
fn a_window_around_a_time() {
    let place = place();
    let outcome = place.run("trace whole.trace --around 16ms --window 4ms --format json");
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let value = json(&outcome.out);
    let window = &value["window"];
    assert_eq!((&window["from_ns"], &window["to_ns"]), (&14_000_000.into(), &18_000_000.into()));
    assert_eq!(value["summary"], Value::Null);
    for goroutine in window["goroutines"].as_array().unwrap() {
        for slice in goroutine["slices"].as_array().unwrap() {
            let start = slice["start_ns"].as_i64().unwrap();
            let end = start + slice["duration_ns"].as_i64().unwrap();
            assert!(start >= 14_000_000 && end <= 18_000_000, "{slice}");
        }
    }
    let marks = window["marks"].as_array().unwrap();
    assert!(marks.iter().any(|m| m["kind"] == "region" && m["name"] == "decode"), "{marks:?}");
    let text = place.run("trace whole.trace --around 16ms --window 4ms").out;
    assert!(text.contains("4.00 ms from 0.014000 s to 0.018000 s: 5 goroutines"), "{text}");
    assert!(text.contains("█ running") && text.contains("main.handle"), "{text}");
}

#[test]
fn the_crash_and_the_trace_name_both_goroutines() {
    let outcome = place().run("trace torn.trace --crash crash.log --around crash --window 10ms");
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    for part in [
        "the trace ends inside generation 3",
        "fatal-error: concurrent map writes",
        "in goroutine 3: main.(*Hub).Add",
        ">     3 | func (h *Hub) Add() { h.seen[1]++ }",
        "goroutine 3 died, started in main.handle",
        "goroutine 4 ran when the trace ended, and was seen in the same function",
        "10.0 ms from 0.019001 s to 0.029001 s",
        "g3✗",
        "g4!",
    ] {
        assert!(outcome.out.contains(part), "no {part:?} in:\n{}", outcome.out);
    }
    let value = json(&place().run("trace torn.trace --crash crash.log --format json").out);
    let conflict: Vec<_> = value["conflict"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["goroutine"].as_i64().unwrap(), p["role"].as_str().unwrap()))
        .collect();
    assert_eq!(conflict, [(3, "crashed"), (4, "ran-in-the-same-function")]);
    assert_eq!(value["crash"]["message"], "concurrent map writes");
    assert_eq!(value["torn"]["generation"], 3);
}

#[test]
fn filters() {
    let place = place();
    let goroutines = |arguments: &str| {
        let command =
            format!("trace whole.trace --around end --window 20ms --format json {arguments}");
        let value = json(&place.run(&command).out);
        let all = value["window"]["goroutines"].as_array().unwrap().clone();
        all.iter().map(|g| g["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(goroutines("--function main.handle"), [3, 4]);
    assert_eq!(goroutines("--function (*Hub)*Add"), [3, 4]);
    assert_eq!(goroutines("--user-region decode"), [4]);
    assert!(goroutines("--function nowhere").is_empty());
}

#[test]
fn perfetto_of_the_whole_and_of_a_window() {
    use prost::Message as _;
    let place = place();
    let names = |arguments: &str| {
        let outcome = place.run(&format!("trace {arguments} --perfetto out.pf"));
        assert!(outcome.code < 2, "{}", outcome.err);
        let bytes = std::fs::read(place.path().join("out.pf")).unwrap();
        let trace = timeline::perfetto::Trace::decode(&bytes[..]).unwrap();
        let tracks = trace.packet.into_iter().filter_map(|p| p.track_descriptor?.name);
        tracks.collect::<Vec<_>>()
    };
    let whole = names("whole.trace");
    assert!(whole.contains(&"goroutine 5 main.idle".to_owned()), "{whole:?}");
    assert!(whole.contains(&"processor 1".to_owned()) && whole.contains(&"regions".to_owned()));
    let window = names("torn.trace --crash crash.log --around crash --window 5ms");
    assert!(window.contains(&"goroutine 3 main.handle (crashed)".to_owned()), "{window:?}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 6, "nothing else is left behind");
}

#[test]
fn what_cannot_be_read() {
    let place = place();
    place.run("trace missing.trace").fails(3, "missing.trace");
    place.run("trace crash.log").fails(3, "not a Go execution trace");
    place.run("trace .").fails(3, "it is not a file");
    place.run("trace whole.trace --crash missing.log").fails(3, "missing.log");
    place.run("trace whole.trace --crash quiet.log").fails(3, "no crash");
    place.run("trace whole.trace --around yesterday").fails(2, "a number with a unit");
    place.run("trace whole.trace --around 5s").fails(2, "the trace is 29.0 ms long");
    place.run("trace").fails(2, "FILE");
    place.write("old.trace", b"go 1.21 trace\0\0\0rest");
    place.run("trace old.trace").fails(3, "broken trace");
    let mut broken = conflict().finish();
    broken.extend_from_slice(&[0xff; 64]);
    place.write("broken.trace", &broken);
    let outcome = place.run("trace broken.trace");
    outcome.fails(3, "no batch begins here");
    assert!(outcome.out.contains("only up to where the trace is broken"), "{}", outcome.out);
    assert!(outcome.out.contains("main.handle"), "what came before is shown: {}", outcome.out);
}
