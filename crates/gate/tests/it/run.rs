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
