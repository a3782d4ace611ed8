//! A map put into a context is the same map for everyone who gets it out.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP003",
    name: "context-value-map",
    severity: Severity::Error,
    summary: "A map stored in a context is shared by every holder of the context",
    stability: Stability::Stable,
    page: include_str!("context_value_map.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::ContextValue, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message = format!(
        "map `{variable}` from a context is {does} while another goroutine {meanwhile}: every holder of the context has the same map"
    );
    let help = "store a value that is not changed afterwards, hand each goroutine a clone (maps.Clone), or put a mutex beside the map".to_owned();
    (message, help)
}
