//! A field that is written while only the read lock is held. What [`super::map_write_under_rlock`]
//! says of maps, of all other memory.

use diag::{Confidence, Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::convention::{convention, is_map, shown, variable, writes_under_rlock};

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
    let mut findings = Vec::new();
    for field in cx.analysis.fields.iter().filter(|f| !is_map(cx, f.obj)) {
        let Some(convention) = convention(field) else { continue };
        for u in writes_under_rlock(field) {
            let guard = u.guard;
            // A convention with this lock alone; who else holds it?
            let others = convention.locked.iter().filter(|o| o.func != u.access.func);
            if guard != convention.guard || others.count() == 0 {
                continue;
            }
            let lock = cx.store().obj(guard.lock()).name;
            let variable = variable(cx, u.access);
            let message = format!("`{variable}` is written while `{lock}` is only read-locked");
            let span = u.access.access.span;
            findings.push(
                Finding::new(&META, cx.package(u.access.func), span, variable, message)
                    .confidence(Confidence::Medium)
                    .access(shown(cx, u.access))
                    .why("RLock lets any number of goroutines in: two may be in this write, or one may read beside it")
                    .help(format!("take `{lock}.Lock()` instead of `{lock}.RLock()` around the write, or make the field atomic")),
            );
        }
    }
    findings
}
