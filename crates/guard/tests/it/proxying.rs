//! What a careful proxy does with requests, good ones and others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::guarded::{Guarded, PATIENCE, no_go};

#[test]
fn headers_and_bodies_pass_through() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({}));
    let answer = guarded.send(
        "GET /headers HTTP/1.1\r\nHost: shop.example\r\nConnection: close, x-drop\r\nX-Drop: 1\r\n\
         X-Forwarded-For: 6.6.6.6\r\nX-Keep: yes\r\n\r\n",
    );
    assert_eq!(answer.status, 200);
    for part in [
        "host: shop.example",
        "X-Keep: yes",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: shop.example",
        "Via: 1.1 unpanic",
        "Traceparent: 00-",
    ] {
        assert!(answer.body.contains(part), "no {part:?} in {}", answer.body);
    }
    assert!(!answer.body.contains("X-Drop") && !answer.body.contains("6.6.6.6"), "{}", answer.body);
    assert_eq!(answer.header("via"), Some("1.1 unpanic"));
    let chunked = guarded.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n\
         5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    );
    assert_eq!(chunked.body, "hello world");
    let absolute = guarded
        .send("GET http://b.example/headers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(absolute.body.contains("host: b.example"), "{}", absolute.body);
    assert_eq!(guarded.ask("GET", "/not-modified").status, 304);
    assert_eq!(guarded.ask("HEAD", "/headers").body, "");
}

#[test]
fn ambiguous_and_broken_requests_are_refused() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"body-limit": 1000, "header-limit": 16384}));
    let long = "x".repeat(20_000);
    let many: String = (0..300).map(|i| format!("x-{i}: 1\r\n")).collect();
    let cases: &[(&str, u16)] = &[
        (
            "POST /effect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "POST /effect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "POST /effect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            400,
        ),
        ("POST /effect HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400),
        ("POST /effect HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400),
        (
            "POST /effect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST /effect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("POST /effect HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
    ];
    for (request, status) in cases {
        let answer = guarded.try_send(request).unwrap_or_else(|e| panic!("{request:?}: {e}"));
        assert_eq!(answer.status, *status, "{request:?}: {answer:?}");
    }
    let large = guarded.send(&format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n"));
    assert_eq!(large.status, 431);
    let crowd = guarded.send(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"));
    assert_eq!(crowd.status, 431);
    let chunks: String = (0..200).map(|_| "a\r\n0123456789\r\n").collect();
    let endless = guarded.send(&format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    ));
    assert_eq!(endless.status, 413, "{endless:?}");
    // Behind a good request, on the same connection; none of it reaches the service.
    let smuggled = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok\
        POST /effect?key=smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
        POST /effect?key=smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    guarded.send(smuggled);
    let ledger = guarded.folder.path().join("ledger");
    assert!(!ledger.exists(), "{:?}", std::fs::read_to_string(ledger));
    assert_eq!(guarded.ask("GET", "/slow").status, 200, "it serves on");
}

#[test]
fn slow_clients_are_let_go() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"header-timeout": 300, "idle-timeout": 300}));
    for start in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX-"] {
        let mut stream = TcpStream::connect(guarded.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        let mut rest = Vec::new();
        // Closed, with or without an answer, and not by us.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{start:?}");
    }
    let body = guarded.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    // The service's answer to what came may be on its way already.
    assert!(body.status == 408 || body.status == 200, "{body:?}");
}

#[test]
fn streams_and_upgrades_pass_through() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({}));
    let mut stream = TcpStream::connect(guarded.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(
            b"GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n",
        )
        .unwrap();
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.contains("\r\n\r\n") {
        let n = stream.read(&mut buffer).unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    assert!(
        text.starts_with("HTTP/1.1 101") && text.to_lowercase().contains("upgrade: shout"),
        "{text}"
    );
    stream.write_all(b"hello\n").unwrap();
    let n = stream.read(&mut buffer).unwrap();
    assert_eq!(&buffer[..n], b"hello!\n");
    drop(stream);
    let events = guarded.ask("GET", "/events");
    assert_eq!(events.body, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
    // Several on one connection.
    let two = "GET /pid HTTP/1.1\r\nHost: a\r\n\r\nGET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = guarded.send(two);
    assert_eq!(
        format!("{}{}", answer.head, answer.body).matches("200 OK").count(),
        2,
        "{answer:?}"
    );
    std::thread::sleep(Duration::from_millis(1));
}
