//! A map that is written while only the read lock is held: other readers are in at the same time.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::convention::{is_map, shown, variable, writes_under_rlock};

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
    let mut findings = Vec::new();
    for field in cx.analysis.fields.iter().filter(|f| is_map(cx, f.obj)) {
        for u in writes_under_rlock(field) {
            let lock = cx.store().obj(u.guard.lock()).name;
            let variable = variable(cx, u.access);
            let message = format!("map `{variable}` is written while `{lock}` is only read-locked");
            let span = u.access.access.span;
            findings.push(
                Finding::new(&META, cx.package(u.access.func), span, variable, message)
                    .confidence(diag::Confidence::Medium)
                    .access(shown(cx, u.access))
                    .why("RLock lets any number of goroutines in; two of them in this write, or one reading beside it, kill the process")
                    .help(format!("take `{lock}.Lock()` instead of `{lock}.RLock()` around the write")),
            );
        }
    }
    findings
}
