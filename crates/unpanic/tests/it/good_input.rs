//! Findings in every format, and what flags, configuration and comments do with them.

use crate::command::Place;

pub const MAIN: &str = "package main

import \"sync\"

type hub struct {
	mu      sync.Mutex
	clients map[string]int
}

func (h *hub) add(id string) {
	h.clients[id]++
}

func main() {
	h := &hub{clients: map[string]int{}}
	for {
		go h.add(\"a\")
	}
}
";

pub fn race() -> Place {
    Place::new(&[("go.mod", "module example.com/hub\n\ngo 1.24\n"), ("main.go", MAIN)])
}

#[test]
fn text_names_both_goroutines() {
    let outcome = race().run("check");
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    for part in ["MAP001", "main.go:11:2", "h.clients[id]++", "main.go:17", "holds no lock"] {
        assert!(outcome.out.contains(part), "no {part:?} in:\n{}", outcome.out);
    }
    assert!(!outcome.out.contains('\x1b'), "colours without a terminal");
    assert!(race().run("check --color always").out.contains("\x1b["));
}

#[test]
fn json_lines_are_complete() {
    let outcome = race().run("check --format json");
    assert_eq!(outcome.code, 1);
    let line = outcome.out.lines().next().unwrap();
    let finding: diag::FindingRecord = serde_json::from_str(line).unwrap();
    assert_eq!((&*finding.rule, &*finding.primary.file), ("MAP001", "main.go"));
    assert_eq!(finding.accesses.len(), 2);
    assert!(finding.fingerprint.starts_with("u1-"));
    assert_eq!(finding.package, "example.com/hub");
}

#[test]
fn every_format_prints_the_finding() {
    for format in ["json", "sarif", "github", "junit"] {
        let place = race();
        let outcome = place.run(&format!("check --format {format}"));
        assert_eq!(outcome.code, 1, "{format}");
        assert!(outcome.out.contains("MAP001") && outcome.out.contains("main.go"), "{format}");
        place.run(&format!("check --quiet --format {format} --output out.txt --exit-zero"));
        assert_eq!(place.read("out.txt"), outcome.out, "{format}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let place = race();
    let one = place.run("check --format json --threads 1");
    for _ in 0..3 {
        assert_eq!(place.run("check --format json --threads 4").out, one.out);
    }
}

#[test]
fn a_comment_with_a_reason_silences_the_rule() {
    let place = race();
    let silenced =
        MAIN.replace("h.clients[id]++", "h.clients[id]++ //unpanic:ignore MAP single user");
    place.write("main.go", silenced.as_bytes());
    let outcome = place.run("check");
    assert_eq!(outcome.code, 0, "{}{}", outcome.out, outcome.err);
    assert!(outcome.out.contains("1 suppressed by comments"), "{}", outcome.out);

    let unused = MAIN.replace("type hub", "//unpanic:ignore MAP001 no map here\ntype hub");
    place.write("main.go", unused.as_bytes());
    place.run("check").fails(1, "nothing here for MAP001 to ignore");
    place.write("main.go", MAIN.replace("++", "++ //unpanic:ignore MAP001").as_bytes());
    place.run("check").fails(1, "gives no reason");
}

#[test]
fn a_baseline_keeps_known_findings_silent() {
    let place = race();
    assert_eq!(place.run("check --write-baseline known.txt").code, 0);
    let moved = format!("// A comment that moves all lines.\n{MAIN}");
    place.write("main.go", moved.as_bytes());
    let outcome = place.run("check --baseline known.txt");
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.out.contains("known to the baseline"));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let place = race();
    place.write("unpanic.toml", b"[check]\nformat = \"junit\"\nexit-zero = true\n");
    let outcome = place.run("check");
    assert!(outcome.code == 0 && outcome.out.starts_with("<?xml"), "{}", outcome.out);
    let place = place.env("UNPANIC_FORMAT", "github");
    assert!(place.run("check").out.starts_with("::error"));
    assert!(place.run("check --format json").out.starts_with('{'));
    assert_eq!(place.run("check --exit-zero=false").code, 1);
}

#[test]
fn rules_can_be_chosen() {
    let place = race();
    assert_eq!(place.run("check --disable MAP001").code, 0);
    assert_eq!(place.run("check --rules nil-map-write").code, 0);
    assert_eq!(place.run("check --rules map").code, 1);
    assert_eq!(place.run("check --exclude *.go").code, 0);
}

#[test]
fn rules_and_their_pages() {
    let place = Place::new(&[]);
    let list = place.run("rules --format json");
    for line in list.out.lines() {
        let rule: serde_json::Value = serde_json::from_str(line).unwrap();
        let code = rule["code"].as_str().unwrap();
        let page = place.run(&format!("explain {code}"));
        assert!(page.code == 0 && page.out.starts_with(&format!("# {code}")), "{code}");
    }
    assert!(list.out.lines().count() >= 10);
    assert_eq!(list.out.lines().count(), place.run("rules").out.lines().count());
}

#[test]
fn developer_views() {
    let place = race();
    let packages = place.run("debug packages .");
    assert!(packages.out.contains("\"import_path\":\"example.com/hub\""), "{}", packages.err);
    assert!(place.run("debug parse .").out.contains("\"names\":[\"add\"]"));
    assert!(place.run("debug types .").out.contains("\"type\":\"map[string]int\""));
    assert!(place.run("debug ir .").out.contains("add"));
    assert!(place.run("debug callgraph .").out.contains("\"spawns\":true"));
}

#[test]
fn statistics_count() {
    let outcome = race().run("check --statistics");
    assert!(outcome.out.contains("packages named"), "{}", outcome.out);
    assert!(outcome.out.lines().any(|l| l.starts_with("MAP001")), "{}", outcome.out);
}
