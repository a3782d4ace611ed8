//! Two goroutines on one place of memory, at least one of them writing, with no lock in common and
//! no order.

use diag::{Finding, RuleMeta, Severity, Stability};
use flow::Realm;

use crate::RuleContext;
use crate::memory_race::findings;
use crate::race::RaceText;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "RACE001",
    name: "data-race",
    severity: Severity::Warning,
    summary: "Two goroutines use one variable, field or element at the same time and at least one writes",
    stability: Stability::Preview,
    page: include_str!("data_race.md"),
};

/// The conflicts over plain memory.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Realm::Memory, |_| true, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, meanwhile, .. } = race;
    let message = format!("`{variable}` is written while another goroutine {meanwhile}");
    let help = "guard every access with one mutex, use sync/atomic for all of them, or hand the value over a channel".to_owned();
    (message, help)
}
