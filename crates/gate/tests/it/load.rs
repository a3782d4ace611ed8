//! The load generator: rates, corrected latencies, protocols, failures.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gate::config::{Config, EndpointConfig};
use gate::load::{self, LoadReport, Protocol};
use gate::units::Span;
use gate::{Given, Plan};

use crate::server;

const NEVER: Duration = Duration::ZERO;

fn plan(url: &str, change: impl FnOnce(&mut Config)) -> Plan {
    let mut config = Config::default();
    config.load.time = Span::millis(1000);
    config.load.warmup = Span::millis(0);
    config.load.connections = 8;
    change(&mut config);
    Plan::new(config, &Given { url: Some(url.to_owned()), ..Given::default() }).unwrap()
}

fn measure(url: &str, change: impl FnOnce(&mut Config)) -> LoadReport {
    load::start(plan(url, change).load).unwrap().join().unwrap()
}

fn endpoint(path: &str, weight: u32) -> EndpointConfig {
    EndpointConfig { path: path.into(), weight: Some(weight), ..EndpointConfig::default() }
}

#[test]
fn an_open_load_sends_what_is_due_and_counts_it() {
    let server = server::start(Duration::from_secs(1), NEVER);
    let report = measure(&server.url(), |config| {
        config.load.rate = 300.0;
        config.load.warmup = Span::millis(200);
        config.endpoint = vec![endpoint("/a/{{counter}}", 3), endpoint("/status/404", 1)];
    });
    assert_eq!(report.requests, 300);
    assert_eq!(report.dropped, 0);
    assert_eq!(report.bad, 75, "{:?}", report.outcomes);
    assert_eq!(report.outcomes[0].outcome, "status 404");
    assert_eq!(report.endpoints[0].count + report.endpoints[1].count, 300);
    // A machine that is late at the end of the warm-up leaves a few of its 60 unsent.
    let came = server.requests.load(Ordering::Relaxed);
    assert!((331..=360).contains(&came), "the warm-up is sent and not counted: {came}");
    let corrected = report.corrected.unwrap();
    assert_eq!(corrected.count, 300);
    assert!(corrected.p50 >= report.service.p50 && corrected.p50 <= corrected.p99);
}

#[test]
fn a_stall_shows_in_corrected_latencies_and_hides_in_the_closed_model() {
    let period = Duration::from_secs(1);
    let stall = Duration::from_millis(400);
    let server = server::start(period, stall);
    let open = measure(&server.url(), |config| {
        config.load.rate = 400.0;
        config.load.time = Span::millis(3000);
        config.load.connections = 2;
    });
    // 40% of the requests are due within a stall, evenly: a tenth of all waits more than 300 ms.
    let p90 = open.corrected.as_ref().unwrap().p90;
    assert!(p90 > 280_000_000, "{p90}");
    assert!(open.service.p90 < p90 / 2, "two requests a stall cannot reach the 90th percentile");
    let closed = measure(&server.url(), |config| {
        config.load.closed = true;
        config.load.time = Span::millis(3000);
        config.load.connections = 2;
    });
    assert!(closed.corrected.is_none() && closed.asked.is_none());
    assert!(closed.service.p90 < p90 / 2, "{:?}", closed.service.p90);
}

#[test]
fn a_rate_out_of_reach_is_told_with_its_reason() {
    let server = server::start(Duration::from_millis(20), Duration::from_millis(20));
    let report = measure(&server.url(), |config| {
        config.load.rate = 500.0;
        config.load.connections = 1;
        config.load.timeout = Span::millis(300);
        config.slo.p99 = Some(Span::millis(100));
    });
    assert_eq!(report.reached(), Some(false));
    assert!(report.dropped > 0, "waiting longer than the timeout for a connection");
    let text = report.limit_text().unwrap();
    assert!(text.contains("the limit was"), "{text}");
    assert!(report.latency().p99 >= 290_000_000, "what was dropped has waited");
    assert_eq!(report.requests, 500, "nothing that was due is forgotten");
}

#[test]
fn nobody_there_is_a_figure_and_not_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = measure(&url, |config| config.load.rate = 50.0);
    assert_eq!((report.good, report.bad), (0, 50));
    assert_eq!(report.outcomes[0].outcome, "connection refused");
}

#[test]
fn http2_shares_connections_and_grpc_reads_trailers() {
    let server = server::start(Duration::from_secs(1), NEVER);
    let report = measure(&server.url(), |config| {
        config.load.rate = 200.0;
        config.load.protocol = Protocol::Http2;
        config.load.connections = 1;
        config.load.streams = 10;
    });
    assert_eq!((report.good, report.bad), (200, 0), "{:?}", report.outcomes);
    let report = measure(&server.url(), |config| {
        config.load.rate = 100.0;
        config.load.protocol = Protocol::Grpc;
        config.endpoint = vec![
            EndpointConfig { body_hex: Some("0a 01 61".into()), ..endpoint("/pkg.Service/0", 1) },
            endpoint("/pkg.Service/14", 1),
        ];
    });
    assert_eq!(report.good, 50);
    assert_eq!(report.outcomes[0].outcome, "gRPC 14 UNAVAILABLE");
    assert_eq!(report.bytes, 600, "five bytes of frame and one of message");
}

#[test]
fn a_load_can_be_ended_and_says_how_it_stands() {
    let server = server::start(Duration::from_secs(1), NEVER);
    let handle =
        load::start(plan(&server.url(), |config| config.load.time = Span::millis(600_000)).load)
            .unwrap();
    while handle.progress().good < 20 {
        std::thread::sleep(Duration::from_millis(10));
    }
    handle.mark();
    let before = handle.progress().good;
    while handle.progress().good < before + 20 {
        std::thread::sleep(Duration::from_millis(10));
    }
    handle.stop();
    let report = handle.join().unwrap();
    let marked = report.marked.unwrap();
    assert!(marked.good >= 19 && marked.bad == 0 && marked.first_good.is_some());
    assert!(report.seconds < 500.0);
}
