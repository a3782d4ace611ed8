//! What is stored of a crash.

use std::path::Path;

use go_crash::Kind;
use incidents::{Confidence, Config, Occurrence, Outcome, Query, Store};
use serde_json::json;

use crate::guarded::{Guarded, no_go};

/// The occurrences of all incidents, once there are so many incidents.
async fn stored(place: &Path, wanted: usize) -> Vec<Occurrence> {
    let store = Store::open(&place.to_string_lossy(), &Config::default()).await.unwrap();
    let end = std::time::Instant::now() + crate::guarded::PATIENCE;
    loop {
        let page = store.list(&Query::default()).await.unwrap();
        let mut found = Vec::new();
        for incident in &page.items {
            found.extend(store.latest(&incident.id).await.unwrap());
        }
        let complete = |o: &Occurrence| o.what.class == Outcome::Lived || o.what.recovery.is_some();
        if found.len() >= wanted && found.iter().all(complete) {
            return found;
        }
        assert!(std::time::Instant::now() < end, "{} of {wanted} incidents", found.len());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn finding(line: u32, other: u32) -> String {
    let access = |line: u32, function: &str| {
        json!({
            "kind": "map-write", "file": "main.go", "line": line, "column": 5,
            "function": function,
            "goroutine": {"kind": "go-statement", "file": "main.go", "line": line, "many": true},
            "locks": [], "path": []
        })
    };
    json!({
        "rule": "MAP001", "name": "concurrent-map-access", "severity": "error", "confidence": "high",
        "message": "clients is written by two goroutines", "variable": "clients",
        "primary": {"file": "main.go", "line": line, "column": 5, "end_line": line, "end_column": 9},
        "accesses": [access(line, "main.mapConflict.func1"), access(other, "main.crash")],
        "notes": [{"kind": "help", "message": "guard it with a mutex", "place": null}],
        "fix": null, "status": "suspected", "fingerprint": "u1-x",
        "package": "unpanic.dev/guard/testdata/service"
    })
    .to_string()
}

#[test]
fn an_incident_has_request_cause_and_surroundings() {
    if no_go() {
        return;
    }
    let source = include_str!("../../testdata/service/main.go");
    let line = |part: &str| source.lines().position(|l| l.contains(part)).unwrap() as u32 + 1;
    let (racing, other) = (line("clients[\"a\"]++"), line("clients[fmt.Sprint"));
    let folder = tempfile::tempdir().unwrap();
    let (store, findings) = (folder.path().join("i.db"), folder.path().join("findings.json"));
    std::fs::write(&findings, format!("{}\n\n", finding(racing, other))).unwrap();
    let guarded = Guarded::start(json!({"store": store, "findings": findings}));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let answer = guarded.send(&format!(
        "POST /crash?mode=map&secret=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\
         X-User-Id: alice\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n\r\n"
    ));
    assert_eq!(answer.status, 503);
    guarded.ask("GET", "/slow");
    guarded.ask("GET", "/handler-panic");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let all = runtime.block_on(stored(&store, 2));
    let died = &all.iter().find(|o| o.what.class == Outcome::Died).expect("a death").what;
    let crash = died.crash.as_ref().unwrap();
    assert_eq!(crash.report.kind, Kind::FatalError);
    assert!(crash.report.message.starts_with("concurrent map"), "{}", crash.report.message);
    assert!(crash.total > 3, "all goroutines: {}", crash.total);
    assert_eq!(died.exit.as_ref().unwrap().code, Some(2));
    let request = died.request.as_ref().expect("the request");
    assert_eq!(
        (request.request.method.as_str(), request.request.path.as_str()),
        ("POST", "/crash")
    );
    assert!(request.confidence >= Confidence::Likely, "{}", request.reason);
    assert_eq!(request.request.trace.as_deref(), Some(trace));
    assert_eq!(request.request.headers["x-user-id"], "sha256:2bd806c97f0e00af");
    assert!(died.traces.contains(&trace.to_owned()));
    assert!(died.log.iter().any(|l| l.text.contains("mode map") && l.stderr), "{:?}", died.log);
    assert!(!died.log.iter().any(|l| l.text.contains("fatal error")), "{:?}", died.log);
    let build = died.service.build.as_ref().expect("build information");
    assert_eq!(build.path, "unpanic.dev/guard/testdata/service");
    assert!(build.go.starts_with("go1."));
    let joined = died.finding.as_ref().expect("the finding");
    assert_eq!(joined.other().unwrap().line, other, "{}", joined.reason);
    assert_eq!(joined.fix(), ["guard it with a mutex"]);
    let lived = &all.iter().find(|o| o.what.class == Outcome::Lived).expect("a panic").what;
    assert_eq!(lived.crash.as_ref().unwrap().report.kind, Kind::HttpPanic);
    assert_eq!(lived.request.as_ref().unwrap().confidence, Confidence::Exact);
    assert_eq!(lived.request.as_ref().unwrap().request.path, "/handler-panic");
    assert!(lived.exit.is_none());
}
