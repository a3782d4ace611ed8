//! What an OpenTelemetry collector is told: a server that keeps what it gets stands in for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;

use crate::guarded::{Guarded, PATIENCE, no_go};

/// Takes posts for ever; gives the path and the body of each.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let send = send.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                loop {
                    let (mut head, mut length) = (Vec::new(), 0);
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).unwrap_or(0) == 0 {
                            return;
                        }
                        let line = line.trim().to_ascii_lowercase();
                        if let Some(text) = line.strip_prefix("content-length: ") {
                            length = text.parse().unwrap();
                        }
                        if line.is_empty() {
                            break;
                        }
                        head.push(line);
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).unwrap();
                    let path = head[0].split(' ').nth(1).unwrap().to_owned();
                    let _ = send.send((path, body));
                    let _ =
                        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                }
            });
        }
    });
    (address, receive)
}

fn text(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()).and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn a_crash_is_a_record_and_its_requests_are_spans() {
    if no_go() {
        return;
    }
    let (address, received) = collector();
    let guarded = Guarded::start(json!({"otlp": address}));
    let send = |path: &str, method: &str, trace: char, flags: &str| {
        let trace: String = std::iter::repeat_n(trace, 32).collect();
        guarded.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\
             traceparent: 00-{trace}-00f067aa0ba902b7-{flags}\r\n\r\n"
        ))
    };
    let seen = send("/headers", "GET", 'a', "01");
    let seen = seen.body;
    assert_eq!(send("/slow", "GET", 'b', "00").status, 200);
    assert_eq!(send("/crash?mode=nil", "POST", 'c', "00").status, 503);

    let (mut spans, mut records) = (Vec::new(), Vec::new());
    while spans.len() < 2 || records.is_empty() {
        let (path, body) = received.recv_timeout(PATIENCE).expect("a post");
        if path == "/v1/traces" {
            let request = ExportTraceServiceRequest::decode(&*body).unwrap();
            let scopes = request.resource_spans.into_iter().flat_map(|r| r.scope_spans);
            // Those that asked whether it is up were refused at first, and are told.
            let ours = |span: &Span| span.trace_id.iter().all(|&byte| byte == span.trace_id[0]);
            spans.extend(scopes.flat_map(|scope| scope.spans).filter(ours));
        } else {
            assert_eq!(path, "/v1/logs");
            let request = ExportLogsServiceRequest::decode(&*body).unwrap();
            let scopes = request.resource_logs.into_iter().flat_map(|r| r.scope_logs);
            records.extend(scopes.flat_map(|scope| scope.log_records));
        }
    }
    // What its client did not sample and what went well is not told.
    let traces: Vec<u8> = spans.iter().map(|span| span.trace_id[0]).collect();
    assert_eq!(traces, [0xaa, 0xcc]);
    let (good, bad) = (&spans[0], &spans[1]);
    assert_eq!(good.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    let own: String = good.span_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(seen.contains(&own), "the service's parent is the guard's span {own}: {seen}");
    assert_eq!(
        (good.name.as_str(), text(good, "http.response.status_code")),
        ("GET /headers", "200".into())
    );
    assert!(good.status.is_none() && good.end_time_unix_nano > good.start_time_unix_nano);
    assert_eq!(
        (bad.name.as_str(), text(bad, "http.response.status_code")),
        ("POST /crash", "503".into())
    );
    assert_eq!(bad.status.as_ref().unwrap().code, 2, "an error");
    let record = &records[0];
    assert_eq!((record.event_name.as_str(), &record.trace_id), ("exception", &bad.trace_id));
}
