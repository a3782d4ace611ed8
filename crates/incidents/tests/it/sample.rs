//! Incidents to try things with, made of dumps as Go prints them.

use std::time::Duration;

use go_crash::{Collector, Parser};
use incidents::{
    BuildInfo, Confidence, Correlated, Crash, Exit, Fate, LogLine, NewIncident, Outcome, Request,
    Service,
};
use jiff::{SignedDuration, Timestamp};

/// A fatal error with two other goroutines.
pub const DUMP: &str = "fatal error: concurrent map writes

goroutine 34 [running]:
internal/runtime/maps.fatal({0x1, 0x2})
\t/usr/local/go/src/runtime/panic.go:1195 +0x20
example.com/orders/store.(*Index).Put(0xc000012345, {0x1, 0x2})
\t/src/orders/store/index.go:42 +0x7c
main.(*Server).create(0xc000010000)
\t/src/orders/main.go:88 +0x55
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3454 +0x485

goroutine 1 [IO wait, 3 minutes]:
main.main()
\t/src/orders/main.go:20 +0x1

goroutine 35 [chan receive]:
main.worker(0xc000010000)
\t/src/orders/main.go:99 +0x1

goroutine 36 [chan receive]:
main.worker(0xc000010000)
\t/src/orders/main.go:99 +0x1
exit status 2
";

/// The first crash of a text.
pub fn crash(text: &str) -> Crash {
    let (mut parser, mut collector) = (Parser::new(), Collector::new());
    let mut reports = Vec::new();
    parser.push(text.as_bytes(), |event| reports.extend(collector.event(event)));
    parser.finish(|event| reports.extend(collector.event(event)));
    Crash::new(reports.first().expect("the text has a crash"))
}

/// The crash of a function of that name: names make fingerprints.
pub fn named(function: &str) -> Crash {
    crash(&DUMP.replace("(*Index).Put", &format!("(*Index).{function}")))
}

/// A time, so many milliseconds behind a fixed one.
pub fn at(millis: i64) -> Timestamp {
    let start: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
    start + SignedDuration::from_millis(millis)
}

/// A request.
pub fn request(id: u64, started: i64, ended: Option<i64>) -> Request {
    Request {
        id,
        method: "POST".to_owned(),
        path: format!("/orders/{id}"),
        route: Some("/orders/{id}".to_owned()),
        trace: Some(format!("{id:032x}")),
        started: at(started),
        ended: ended.map(at),
        status: ended.map(|_| 503),
        fate: if ended.is_some() { Fate::Refused } else { Fate::Served },
        headers: [("user-id".to_owned(), "u1".to_owned())].into(),
    }
}

/// A death at a time.
pub fn death(crash: Crash, millis: i64) -> NewIncident {
    NewIncident {
        time: at(millis),
        class: Outcome::Died,
        crash: Some(crash),
        exit: Some(Exit { code: Some(2), ..Exit::default() }),
        service: Service {
            name: "orders".to_owned(),
            version: Some("v1.4.2".to_owned()),
            build: Some(BuildInfo {
                go: "go1.26.1".to_owned(),
                path: "example.com/orders".to_owned(),
                settings: [("vcs.revision".to_owned(), "3f2a9c1".to_owned())].into(),
                ..BuildInfo::default()
            }),
            host: "web-1".to_owned(),
            instance: "0".to_owned(),
            pid: 4711,
        },
        request: Some(Correlated {
            confidence: Confidence::Exact,
            reason: "the goroutine's pprof label trace_id names it".to_owned(),
            request: request(7, millis - 12, None),
        }),
        traces: vec![format!("{:032x}", 7)],
        in_flight: vec![request(7, millis - 12, None), request(8, millis - 90, Some(millis + 3))],
        around: vec![request(6, millis - 300, Some(millis - 250))],
        log: vec![LogLine {
            time: at(millis - 5),
            stderr: true,
            text: "creating order 7".to_owned(),
        }],
        finding: None,
        recovery: Some(Duration::from_millis(87)),
    }
}

/// The same with a finding that explains it.
pub fn explained(millis: i64) -> NewIncident {
    let finding = serde_json::json!({
        "rule": "MAP001", "name": "concurrent-map-access", "severity": "error", "confidence": "high",
        "message": "two goroutines write `s.entries` at the same time", "variable": "s.entries",
        "primary": { "file": "store/index.go", "line": 42, "column": 2, "end_line": 42, "end_column": 19 },
        "accesses": [
            { "kind": "map-write", "file": "store/index.go", "line": 42, "column": 2,
              "function": "example.com/orders/store.(*Index).Put",
              "goroutine": { "kind": "http-handler", "file": "main.go", "line": 31, "many": true },
              "locks": [], "path": [{ "function": "main.(*Server).create", "file": "main.go", "line": 88 }] },
            { "kind": "map-delete", "file": "store/expire.go", "line": 17, "column": 3,
              "function": "example.com/orders/store.(*Index).expire",
              "goroutine": { "kind": "go-statement", "file": "store/index.go", "line": 20, "many": false },
              "locks": ["s.mu"], "path": [] },
        ],
        "notes": [
            { "kind": "why", "message": "nothing orders the two", "place": null },
            { "kind": "help", "message": "take `s.mu` around the write in Put", "place": null },
        ],
        "fix": null, "status": "suspected", "fingerprint": "u1-0123", "package": "example.com/orders/store",
    });
    NewIncident {
        finding: Some(incidents::Joined {
            finding: serde_json::from_value(finding).unwrap(),
            crashed_access: Some(0),
            reason: "the crashed frame is at store/index.go:42".to_owned(),
        }),
        ..death(crash(DUMP), millis)
    }
}
