//! A map that is written while only the read lock is held: other readers are in at the same time.

use diag::{Finding, RuleMeta, Severity, Stability};
use flow::{LockMode, is_write};

use crate::RuleContext;
use crate::fields::{guard, maps};
use crate::race::access;

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
    for map in maps(cx) {
        for site in &map.sites {
            let (event, locks) = (&site.side.event, &site.side.step.locks);
            let Some((lock, held)) = guard(&event.path, locks) else { continue };
            let exclusive = locks.iter().any(|h| h.mode != LockMode::Read);
            if !is_write(event.kind) || held.mode != LockMode::Read || exclusive {
                continue;
            }
            let span = event.site.span;
            let lock = cx.store().obj(lock).name;
            let variable =
                cx.written_name(span).unwrap_or_else(|| cx.path_name(site.scope, &event.path));
            let message = format!("map `{variable}` is written while `{lock}` is only read-locked");
            findings.push(
                Finding::new(&META, cx.package(event.site.func), span, variable, message)
                    .confidence(diag::Confidence::Medium)
                    .access(access(cx, site.scope, &site.side))
                    .why("RLock lets any number of goroutines in; two of them in this write, or one reading beside it, kill the process")
                    .help(format!("take `{lock}.Lock()` instead of `{lock}.RLock()` around the write")),
            );
        }
    }
    findings
}
