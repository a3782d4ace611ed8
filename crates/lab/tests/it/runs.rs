//! Runs of a few experiments: those whose outcome does not depend on the machine are decided.

use std::time::Duration;

use lab::{Measured, Options, Report, Verdict};

use crate::toolchain;

fn run(names: &[&str]) -> Report {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let options = Options {
        experiments: lab::choose(&names).unwrap(),
        toolchains: vec![toolchain()],
        budget: Duration::from_mins(2),
        quick: true,
        race: false,
        keep: None,
        guard: None,
    };
    lab::run(&options, &mut |_, _| {}).unwrap()
}

#[test]
fn what_go_does_by_design_agrees() {
    let report =
        run(&["nil-map-write", "value-semantics", "loop-variables", "recover-panic", "layout"]);
    for outcome in &report.outcomes {
        for claim in &outcome.claims {
            assert_eq!(claim.judgements[0].verdict, Verdict::Agrees, "{claim:?}");
        }
        assert_eq!(outcome.unbuilt, Vec::<String>::new());
    }
    assert_eq!(report.count(Verdict::Disagrees), 0);
}

#[test]
fn a_fixed_hazard_never_dies_and_the_broken_one_is_counted() {
    let report = run(&["value-receiver"]);
    let claims = &report.outcomes[0].claims;
    for claim in claims.iter().filter(|c| matches!(c.variant, "one" | "fixed")) {
        // Undecided on a machine that is too slow for enough runs.
        assert_ne!(claim.judgements[0].verdict, Verdict::Disagrees, "{claim:?}");
    }
    let two = claims.iter().find(|c| c.variant == "two").unwrap();
    assert!(
        matches!(two.judgements[0].measured, Measured::Share { runs, .. } if runs >= 10),
        "{two:?}"
    );
}

#[test]
fn collections_are_read_and_drawn() {
    let report = run(&["gctrace"]);
    let outcome = &report.outcomes[0];
    let cycles = &outcome.collections[0].cycles;
    assert!(cycles.len() > 2 && cycles.windows(2).all(|c| c[0].at <= c[1].at), "{cycles:?}");
    assert_eq!(outcome.claims[0].judgements[0].verdict, Verdict::Agrees, "{:?}", outcome.claims[0]);
    let page = lab::page(&report);
    assert!(page.contains("<polyline") && !page.contains("<script"));
    let mut json = Vec::new();
    lab::write_json(&report, &mut json).unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(json)
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(lines.iter().any(|l| l["type"] == "collections" && l["cycles"][0]["number"] == 1));
    assert!(lines.iter().any(|l| l["type"] == "claim" && l["verdict"] == "agrees"));
}
