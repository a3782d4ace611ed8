//! A map in front of `WithLabelValues`. Keeping the returned metric is fine; the unguarded map is the mistake.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP006",
    name: "metric-label-cache",
    severity: Severity::Error,
    summary: "A hand-written cache of metrics by label is filled by request goroutines without a lock",
    stability: Stability::Stable,
    page: include_str!("metric_label_cache.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::MetricCache, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message =
        format!("metric cache `{variable}` is {does} while another goroutine {meanwhile}");
    let help = "call WithLabelValues each time (it is safe and cheap), or keep the metrics in a sync.Map or behind a mutex".to_owned();
    (message, help)
}
