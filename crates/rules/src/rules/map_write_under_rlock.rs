//! A map that is written while only the read lock is held: other readers are in at the same time.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::convention::read_locked;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP013",
    name: "map-write-under-rlock",
    severity: Severity::Error,
    summary: "A map is written under RLock: readers that hold the same RLock run at the same time",
    stability: Stability::Preview,
    page: include_str!("map_write_under_rlock.md"),
};

/// Writes under the map's own read lock.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let why = "RLock lets any number of goroutines in; two of them in this write, or one reading beside it, kill the process";
    read_locked(cx, &META, true, why)
}
