//! Two goroutines on one map, at least one of them writing, with no lock in common and no order.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP001",
    name: "concurrent-map-access",
    severity: Severity::Error,
    summary: "Two goroutines use one map at the same time and at least one writes: the process dies",
    stability: Stability::Stable,
    page: include_str!("concurrent_map_access.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::General, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message = format!("map `{variable}` is {does} while another goroutine {meanwhile}");
    let help = "guard every access with one sync.Mutex or sync.RWMutex, or let one goroutine own the map and send it requests over a channel".to_owned();
    (message, help)
}
