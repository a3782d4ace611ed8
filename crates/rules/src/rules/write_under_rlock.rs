//! A field that is written while only the read lock is held. What [`super::map_write_under_rlock`]
//! says of maps, of all other memory.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::convention::read_locked;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "RACE003",
    name: "write-under-rlock",
    severity: Severity::Warning,
    summary: "A field is written under RLock: others that hold the same RLock run at the same time",
    stability: Stability::Preview,
    page: include_str!("write_under_rlock.md"),
};

/// Writes under the read lock that guards the field.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let why = "RLock lets any number of goroutines in: two may be in this write, or one may read beside it";
    read_locked(cx, &META, false, why)
}
