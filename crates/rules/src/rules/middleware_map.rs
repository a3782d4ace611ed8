//! A map from a request context, written by one middleware or handler while other code of the request, or another request, uses it.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP004",
    name: "middleware-map",
    severity: Severity::Error,
    summary: "A map from the request context is written in place while another handler or goroutine uses it",
    stability: Stability::Stable,
    page: include_str!("middleware_map.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::Middleware, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message = format!(
        "map `{variable}` from the request context is {does} while another goroutine {meanwhile}"
    );
    let help = "clone the map before changing it and pass the clone on with r.WithContext, or guard it with a mutex kept beside it".to_owned();
    (message, help)
}
