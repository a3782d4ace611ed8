//! A map that is locked at most of its uses and not at this one: the convention is broken here,
//! or it was never needed there.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::convention::findings;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP011",
    name: "inconsistent-map-lock",
    severity: Severity::Warning,
    summary: "A map is guarded by a mutex at most of its uses, but not at this one",
    stability: Stability::Preview,
    page: include_str!("inconsistent_map_lock.md"),
};

/// Uses that break their map's locking convention.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, true)
}
