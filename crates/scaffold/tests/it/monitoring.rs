//! The monitoring files by the tools that read them, at several objectives; values that are refused.

use std::path::Path;
use std::time::Duration;

use scaffold::monitoring::{Group, Values, plan};
use source::{MemorySystem, OsSystem};

use crate::command::{exhaustive, has, run, try_run};

const ALL: &[Group] =
    &[Group::Rules, Group::Alertmanager, Group::Grafana, Group::Kubernetes, Group::Docker];

fn values() -> Values {
    Values {
        service: "orders".to_owned(),
        objective: 99.9,
        latency: Duration::from_millis(250),
        latency_objective: 99.0,
        goroutines: 5000,
        image: None,
        health_path: "/healthz".to_owned(),
    }
}

fn write(values: &Values, out: &Path) {
    for file in plan(&OsSystem, out, ALL, values, None).unwrap() {
        std::fs::create_dir_all(file.path.parent().unwrap()).unwrap();
        std::fs::write(file.path, file.text).unwrap();
    }
}

/// Whether the tool is there; with slow tests, it has to be: `cargo xtask test` installs it.
fn tool(name: &str) -> bool {
    let there = has(name);
    assert!(there || !crate::command::slow(), "{name} is not installed");
    there
}

#[test]
fn rules_pass_promtool_at_every_objective() {
    if !tool("promtool") {
        return;
    }
    let (one, odd): (&[&str], &[&str]) = (&["orders"], &["orders", "true", "a-b-1"]);
    for (objective, latency, latency_objective, names) in [
        // A name that YAML would take for a boolean if it were not quoted.
        (99.9, 250, 99.0, odd),
        (93.1, 30_000, 93.1, one),
        (99.999, 1, 99.999, one),
        (99.5, 1000, 95.0, one),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let latency = Duration::from_millis(latency);
        for service in names {
            let values = Values {
                service: (*service).to_owned(),
                objective,
                latency,
                latency_objective,
                ..values()
            };
            write(&values, folder.path());
            let rules = folder.path().join("prometheus");
            run(&rules, "promtool", &["check", "rules", "rules.yml"]);
            run(&rules, "promtool", &["test", "rules", "rules_test.yml"]);
        }
    }
}

/// Each mistake in a rule is noticed by the tests of the rules.
#[test]
fn the_tests_of_the_rules_have_teeth() {
    if !exhaustive() || !tool("promtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(&values(), folder.path());
    let dir = folder.path().join("prometheus");
    let good = std::fs::read_to_string(dir.join("rules.yml")).unwrap();
    for (old, new) in [
        ("ratio_rate1h{service=\"orders\"} > 14.4", "ratio_rate1h{service=\"orders\"} > 1440"),
        ("> 14.4 * 0.001", "> 6 * 0.001"),
        ("> 6 * 0.001", "> 3 * 0.001"),
        ("> 3 * 0.001", "> 1 * 0.001"),
        ("> 1 * 0.001", "> 0.4 * 0.001"),
        (
            "and service:guard_request_errors:ratio_rate5m",
            "or service:guard_request_errors:ratio_rate1h",
        ),
        ("code=\"5xx\"", "code=\"2xx\""),
        ("0\\\\.25", "0\\\\.5"),
        (" or vector(0)", ""),
        ("unless go_panic_total", "and go_panic_total"),
        ("increase(go_panic_total{job=\"orders\"}[5m])", "increase(go_panic_total{job=\"x\"}[5m])"),
        ("> 5000\n", "> 4999\n"),
        (" or guard_child_goroutines{job=\"orders\"}", ""),
        ("[15m])) > 3", "[15m])) > 30"),
        ("guard_children_ready{job=\"orders\"} == 0", "guard_children_ready{job=\"orders\"} == 1"),
        ("up{job=\"orders\"} == 0", "up{job=\"orders\"} == 1"),
    ] {
        assert!(good.contains(old), "{old}");
        std::fs::write(dir.join("rules.yml"), good.replace(old, new)).unwrap();
        let (passed, _) = try_run(&dir, "promtool", &["test", "rules", "rules_test.yml"]);
        // Nothing is reported as missing data by `or vector(0)` where nothing fails: the alert is silent
        // either way, only the dashboard would be empty.
        assert!(!passed || old == " or vector(0)", "{old} → {new} goes unnoticed");
    }
}

#[test]
fn routes_pass_amtool() {
    if !tool("amtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(&values(), folder.path());
    let dir = folder.path().join("alertmanager");
    run(&dir, "amtool", &["check-config", "alertmanager.yml"]);
    let route = |labels: &[&str]| {
        let config = ["config", "routes", "test", "--config.file=alertmanager.yml"];
        let text = run(&dir, "amtool", &[&config, labels].concat());
        let receiver = text.lines().find(|line| !line.starts_with("Warning"));
        receiver.unwrap_or_default().to_owned()
    };
    assert_eq!(route(&["service=orders", "severity=page"]), "orders-page");
    assert_eq!(route(&["service=orders", "severity=ticket"]), "orders-ticket");
    assert_eq!(route(&["service=other", "severity=page"]), "orders-ticket");
}

#[test]
fn no_placeholder_is_left() {
    for file in plan(&MemorySystem::new(), Path::new("/out"), ALL, &values(), None).unwrap() {
        let mut parts = file.text.split("__").skip(1);
        let left = parts.find(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
        assert_eq!(left, None, "{}", file.path.display());
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_can_lay_out() {
    let files = plan(&MemorySystem::new(), Path::new("/out"), &[Group::Grafana], &values(), None);
    let text = files.unwrap().remove(0).text;
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(dashboard["title"], "orders: stability");
    assert!(dashboard["uid"].as_str().unwrap().len() <= 40);
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<i64> = panels.iter().map(|p| p["id"].as_i64().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len());
    let mut cells = std::collections::HashSet::new();
    for panel in panels {
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(cells.insert((x, y)), "{} overlaps another panel", panel["title"]);
            }
        }
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        assert_eq!(targets.is_empty(), panel["type"] == "row", "{panel}");
        assert!(targets.iter().all(|t| t["datasource"]["uid"] == "${datasource}"));
    }
}

/// Every query of the dashboard is `PromQL`: promtool reads them as rules.
#[test]
fn the_queries_of_the_dashboard_parse() {
    if !tool("promtool") {
        return;
    }
    let files = plan(&MemorySystem::new(), Path::new("/out"), &[Group::Grafana], &values(), None);
    let dashboard: serde_json::Value =
        serde_json::from_str(&files.unwrap().remove(0).text).unwrap();
    let mut rules = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m");
            rules.push(serde_json::json!({"record": format!("q{}", rules.len()), "expr": expr}));
        }
    }
    assert!(rules.len() >= 15);
    let folder = tempfile::tempdir().unwrap();
    // JSON is YAML.
    let text = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string();
    std::fs::write(folder.path().join("queries.yml"), text).unwrap();
    run(folder.path(), "promtool", &["check", "rules", "queries.yml"]);
}

#[test]
fn values_that_would_break_a_file_are_refused() {
    let refused = |values: Values| {
        let planned = plan(&MemorySystem::new(), Path::new("/out"), ALL, &values, None);
        planned.unwrap_err().to_string()
    };
    let long = "a".repeat(47);
    for service in
        ["", "Orders", "9orders", "-a", "a-", "a b", "a\"b", "a\nb", "a: b", "{{ x }}", "ä", &long]
    {
        let error = refused(Values { service: service.to_owned(), ..values() });
        assert!(error.starts_with("--service") && error.contains("such as"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    for objective in [0.0, 93.0, 99.9999, 100.0, 101.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = refused(Values { objective, ..values() });
        assert!(error.starts_with("--objective"), "{error}");
        let error = refused(Values { latency_objective: objective, ..values() });
        assert!(error.starts_with("--latency-objective"), "{error}");
    }
    let error = refused(Values { latency: Duration::from_millis(300), ..values() });
    assert!(error.contains("`0.3s` is no bucket") && error.contains("nearest is 0.25s"), "{error}");
    for image in ["", "a b", "a\"", "a\n", "$(x)"] {
        let error = refused(Values { image: Some(image.to_owned()), ..values() });
        assert!(error.starts_with("--image"), "{error}");
    }
    for path in ["healthz", "", "/a b", "/\"", "/a\nb"] {
        let error = refused(Values { health_path: path.to_owned(), ..values() });
        assert!(error.starts_with("--health-path"), "{error}");
    }
}
