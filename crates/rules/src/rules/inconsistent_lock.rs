//! A field or package-level variable that is locked at most of its uses and not at this one. What
//! [`super::inconsistent_map_lock`] says of maps, of all other memory.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::convention::findings;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "RACE002",
    name: "inconsistent-lock",
    severity: Severity::Warning,
    summary: "A field or variable is guarded by a mutex at most of its uses, but not at this one",
    stability: Stability::Preview,
    page: include_str!("inconsistent_lock.md"),
};

/// Uses that break their field's locking convention.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, false)
}
