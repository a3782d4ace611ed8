//! What becomes of requests when the service dies under them.

use std::time::Duration;

use serde_json::json;

use crate::guarded::{Guarded, no_go};

/// Each way of dying, and what the guard says of it.
const WAYS: &[(&str, &str)] = &[
    ("map", "died: fatal error: concurrent map"),
    ("nil", "died: panic: runtime error: invalid memory address"),
    ("panic", "died: panic: in a goroutine"),
    ("unlock", "died: fatal error: sync: unlock of unlocked mutex"),
    ("overflow", "died: fatal error: "),
    ("exit", "died: exit status 7"),
    ("kill", "died: killed by SIGKILL"),
];

fn deaths(order: serde_json::Value) {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(order);
    for (mode, said) in WAYS {
        let before = guarded.pid();
        let (reads, posts) = std::thread::scope(|scope| {
            let ask = |method: &'static str, path: String| {
                let guarded = &guarded;
                scope.spawn(move || guarded.ask(method, &path))
            };
            let reads: Vec<_> = (0..4).map(|_| ask("GET", "/slow?ms=500".to_owned())).collect();
            let posts: Vec<_> =
                (0..2).map(|i| ask("POST", format!("/effect?ms=1500&key={mode}{i}"))).collect();
            let ledger = guarded.folder.path().join("ledger");
            guarded.wait_for("both effects", || {
                std::fs::read_to_string(&ledger).unwrap_or_default().matches(mode).count() == 2
            });
            let fatal = ask("POST", format!("/crash?mode={mode}"));
            let fatal = fatal.join().unwrap();
            assert_eq!(fatal.status, 503, "{mode}: {fatal:?}\n{}", guarded.said());
            assert_eq!(fatal.header("content-type"), Some("application/problem+json"));
            assert!(fatal.header("retry-after").is_some());
            (
                reads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>(),
                posts.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>(),
            )
        });
        for read in reads {
            assert_eq!(read.status, 200, "{mode}: {read:?}\n{}", guarded.said());
        }
        for post in posts {
            // It may have ended well before the crash came.
            assert!(post.status == 503 || post.status == 200, "{mode}: {post:?}");
        }
        assert_ne!(guarded.pid(), before, "{mode}: another child serves");
        guarded.says(said);
    }
    let ledger = std::fs::read_to_string(guarded.folder.path().join("ledger")).unwrap();
    let mut keys: Vec<&str> = ledger.lines().collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((keys.len(), all), (WAYS.len() * 2, WAYS.len() * 2), "each effect once: {ledger}");
}

#[test]
fn each_with_a_port_of_its_own() {
    deaths(json!({"health": "/health"}));
}

#[test]
fn all_on_one_port() {
    let port = crate::guarded::free_port();
    deaths(json!({"upstream": format!("127.0.0.1:{port}"), "dump-time": 300}));
}

#[test]
fn the_request_that_crashed_is_named() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({}));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| guarded.ask("GET", "/slow?ms=300"));
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let answer = guarded.send(&format!(
            "POST /crash?mode=trace HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\
             traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n\r\n"
        ));
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains(trace), "{answer:?}");
        guarded.says("request POST /crash (exact: its trace id stands in the text of the crash)");
        assert_eq!(other.join().unwrap().status, 200);
    });
    // A panic that net/http recovers: the process lives, the request is known by its connection.
    let pid = guarded.pid();
    let answer = guarded.ask("GET", "/handler-panic");
    assert_eq!(answer.status, 502, "{answer:?}");
    guarded.says("lived: panic in an HTTP handler: boom in handler");
    guarded.says("request GET /handler-panic (exact");
    assert_eq!(guarded.pid(), pid, "it lives");
}

#[test]
fn a_request_with_a_body_is_replayed_and_one_too_large_is_not() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({}));
    let put = |size: usize| {
        let body = "x".repeat(size);
        format!(
            "PUT /slow?ms=1500 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n{body}"
        )
    };
    std::thread::scope(|scope| {
        let small = scope.spawn(|| guarded.send(&put(60_000)));
        let large = scope.spawn(|| guarded.send(&put(70_000)));
        std::thread::sleep(Duration::from_millis(400));
        guarded.ask("POST", "/crash?mode=panic");
        assert_eq!(small.join().unwrap().status, 200, "{}", guarded.said());
        let large = large.join().unwrap();
        // On a slow machine it may not have been sent at all when the child died.
        assert!(large.status == 503 || large.status == 200, "{large:?}");
    });
}

#[test]
fn text_that_looks_like_a_crash_costs_no_request() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"health": "/health", "dump-time": 500}));
    let answer = guarded.ask("POST", "/crash?mode=lie");
    assert_eq!((answer.status, answer.body.as_str()), (200, "survived"), "{}", guarded.said());
    guarded.says("printed what looks like a crash but lives");
    assert!(!guarded.said().contains("died:"), "{}", guarded.said());
}

#[test]
fn memory_is_limited() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"limits": ["memory=256M"]}));
    let answer = guarded.ask("POST", "/crash?mode=memory");
    assert_eq!(answer.status, 503, "{answer:?}");
    guarded.says("died: fatal error: ");
    assert_eq!(guarded.ask("GET", "/slow").status, 200);
}

#[test]
fn a_large_dump_is_not_waited_for() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"arguments": ["-goroutines", "20000"], "dump-time": 300}));
    let before = guarded.pid();
    guarded.ask("POST", "/crash?mode=panic");
    assert_ne!(guarded.pid(), before);
    guarded.says("died: panic: in a goroutine");
    guarded.wait_for("the end of the old child", || !crate::guarded::is_alive(before));
}
