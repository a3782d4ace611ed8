//! A method with a value receiver works on a copy of the struct; the map in the copy is the same map.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP002",
    name: "value-receiver-map",
    severity: Severity::Error,
    summary: "A value receiver copies the struct but not the map in it: all copies write one map",
    stability: Stability::Stable,
    page: include_str!("value_receiver_map.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::ValueReceiver, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message = format!(
        "map `{variable}` is {does} through a value receiver while another goroutine {meanwhile}: the copy of the struct holds the same map"
    );
    let help = "use a pointer receiver and guard the map with a mutex in the struct; a copy of the struct does not copy the map".to_owned();
    (message, help)
}
