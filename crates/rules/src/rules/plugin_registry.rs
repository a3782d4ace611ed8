//! A package-level map of functions that is filled by several goroutines, or read while plugins still load.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP007",
    name: "plugin-registry",
    severity: Severity::Error,
    summary: "A registry of functions is filled while other goroutines register or look up",
    stability: Stability::Stable,
    page: include_str!("plugin_registry.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::Registry, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message = format!("registry `{variable}` is {does} while another goroutine {meanwhile}");
    let help = "guard the registry with a mutex, or fill it completely before the first goroutine starts and never write it again".to_owned();
    (message, help)
}
