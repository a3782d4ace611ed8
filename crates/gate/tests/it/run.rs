//! Whole runs against servers in this process, and what is refused before one.

use std::time::Duration;

use gate::config::{self, Config};
use gate::{Given, Options, Outcome, Plan, Status, report};

use crate::server;

fn given(url: &str) -> Given {
    Given { url: Some(url.to_owned()), ..Given::default() }
}

fn run(config: Config, url: &str) -> gate::Verdict {
    let plan = Plan::new(config, &given(url)).unwrap();
    gate::run(&plan, Options::default()).unwrap()
}

#[test]
fn a_good_service_passes_and_a_slow_one_fails_for_the_slo() {
    let good = server::start(Duration::from_secs(1), Duration::ZERO);
    let text = "load = { rate = 100.0, time = '1s', warmup = '0s', connections = 4 }\nslo = { p95 = '900ms' }";
    let verdict = run(config::parse(text).unwrap(), &good.url());
    assert_eq!(verdict.exit_code, 0, "{}", report::text(&verdict));
    let slow = server::start(Duration::from_millis(400), Duration::from_millis(400));
    let text = "load = { rate = 100.0, time = '2s', warmup = '0s', connections = 100 }\nslo = { p50 = '20ms' }\n";
    let verdict = run(config::parse(text).unwrap(), &slow.url());
    assert_eq!(verdict.outcome, Outcome::Failed, "{}", report::text(&verdict));
    assert!(verdict.checks.iter().any(|c| c.name == "p50 latency" && c.status == Status::Fail));
}

#[test]
fn a_baseline_of_another_rate_decides_nothing() {
    let server = server::start(Duration::from_secs(1), Duration::ZERO);
    let text = |rate: u32| {
        format!("load = {{ rate = {rate}.0, time = '500ms', warmup = '0s', connections = 4 }}")
    };
    let first = run(config::parse(&text(50)).unwrap(), &server.url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json");
    std::fs::write(&file, gate::Baseline::of(first.load.as_ref().unwrap()).text()).unwrap();
    let baseline = gate::Baseline::read(&file).unwrap();
    let plan = Plan::new(config::parse(&text(80)).unwrap(), &given(&server.url())).unwrap();
    let options = Options { baseline: Some(baseline), ..Options::default() };
    let verdict = gate::run(&plan, options).unwrap();
    assert_eq!(verdict.exit_code, 14, "{}", report::text(&verdict));
    std::fs::write(&file, "{}").unwrap();
    assert!(gate::Baseline::read(&file).unwrap_err().to_string().contains("--save-baseline"));
}

#[test]
fn a_candidate_that_ends_at_once_is_told_with_its_last_lines() {
    let text = "url = 'http://127.0.0.1:{{port}}'\n[candidate]\ncommand = ['sh', '-c', 'echo no database >&2; exit 3']";
    let given = Given { port: 9, dir: ".".into(), cwd: ".".into(), ..Given::default() };
    let plan = Plan::new(config::parse(text).unwrap(), &given).unwrap();
    let error = gate::run(&plan, Options::default()).unwrap_err().to_string();
    assert!(
        error.contains("ended before it was healthy") && error.contains("no database"),
        "{error}"
    );
}

/// Answers, and dies of the first request for /work, as Go would of a concurrent map write.
const DIES: &str = r#"
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/work":
            os.write(2, b"fatal error: concurrent map writes\n\ngoroutine 7 [running]:\nmain.f()\n\t/m.go:3 +0x1\n")
            os._exit(2)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

#[test]
fn a_candidate_that_dies_under_load_fails_for_that_whether_it_comes_back_or_not() {
    for restart in [false, true] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let text = format!(
            "url = 'http://127.0.0.1:{{{{port}}}}'\ncandidate = {{ restart = {restart}, start_timeout = '10s' }}\n\
             load = {{ rate = 50.0, time = '500ms', warmup = '0s', connections = 2 }}\n\
             endpoint = [{{ path = '/work' }}]\n\
             drill = [{{ kind = 'sigterm' }}]"
        );
        let command = ["python3", "-c", DIES, &port.to_string()].map(str::to_owned).to_vec();
        let given = Given { port, dir: ".".into(), cwd: ".".into(), command, ..Given::default() };
        let plan = Plan::new(config::parse(&text).unwrap(), &given).unwrap();
        let verdict = gate::run(&plan, Options::default()).unwrap();
        assert_eq!(verdict.exit_code, 11, "{}", report::text(&verdict));
        let check = |subject: &str, name: &str| {
            verdict.checks.iter().find(|c| c.subject == subject && c.name == name)
        };
        let process = check("load", "process").unwrap();
        assert_eq!(process.status, Status::Fail);
        assert!(process.found.contains("exit code 2"), "{}", process.found);
        assert!(process.found.contains("concurrent map writes"), "{}", process.found);
        assert_eq!(check("load", "error rate").unwrap().status, Status::Skipped);
        let before = check("sigterm", "health before");
        assert_eq!(before.is_some_and(|c| c.status == Status::Skipped), !restart);
    }
}

#[test]
fn reports_run_no_code_of_the_candidate() {
    let server = server::start(Duration::from_secs(1), Duration::ZERO);
    let text = "load = { rate = 50.0, time = '500ms', warmup = '0s', connections = 2 }";
    let mut verdict = run(config::parse(text).unwrap(), &server.url());
    let evil = "<script>alert(1)</script>|`x`\u{202e}";
    verdict.candidate = evil.to_owned();
    verdict.checks[0].found = evil.to_owned();
    verdict.tail = vec![evil.to_owned()];
    let page = report::html(&verdict);
    assert!(!page.contains("<script") && page.contains("Content-Security-Policy"));
    assert!(!report::markdown(&verdict).contains("<script"));
    assert!(!report::junit(&verdict).contains("<script"));
    assert!(!report::text(&verdict).contains('\u{202e}'));
    let json: serde_json::Value = serde_json::from_str(&report::json(&verdict)).unwrap();
    assert_eq!(json["candidate"], evil);
}

#[test]
fn configurations_are_refused_with_what_is_expected() {
    let refused = |text: &str| match config::parse(text) {
        Err(error) => error,
        Ok(config) => Plan::new(config, &given("http://127.0.0.1:1")).unwrap_err().to_string(),
    };
    assert!(refused("[lod]\nrate = 1").contains("load"));
    assert!(refused("[load]\ntime = '5'").contains("30s"));
    assert!(refused("[load]\nrate = -5.0").contains("between 0"));
    assert!(refused("[[drill]]\nkind = 'handler-panic'").contains("what triggers it"));
    assert!(refused("[[drill]]\nkind = 'sigterm'").contains("needs the process"));
    assert!(
        refused("[[drill]]\nkind = 'map-write'\npath = '/x'\nsignal = 'TERM'")
            .contains("not several")
    );
    assert!(refused("[[endpoint]]\npath = '/{{nothing}}'").contains("{{counter}}"));
    assert!(refused("[[endpoint]]\npath = 'x'").contains("slash"));
    assert!(refused("[[endpoint]]\npath = '/'\nheaders = { 'a b' = '1' }").contains("header"));
    assert!(refused("[slo]\np99 = 5").contains("string"));
}
