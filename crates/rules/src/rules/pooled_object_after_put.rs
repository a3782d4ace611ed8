//! An object that is used after it went back to its `sync.Pool`: whoever gets it next has it too.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::access;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "POOL001",
    name: "pooled-object-after-put",
    severity: Severity::Error,
    summary: "An object is used after Put: the next Get may have handed it to another goroutine",
    stability: Stability::Stable,
    page: include_str!("pooled_object_after_put.md"),
};

/// Uses of a pooled object that can come after its `Put`.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut seen = base::FxHashSet::default();
    let mut findings = Vec::new();
    for (_, _, facts) in cx.functions() {
        for pair in &facts.after_put {
            let at = pair.a.event.site.span;
            if !seen.insert((pair.b.event.site.span, pair.a.event.path)) {
                continue;
            }
            let variable =
                cx.written_name(at).unwrap_or_else(|| cx.path_name(pair.scope, &pair.a.event.path));
            let message = format!("`{variable}` is used after its object went back to the pool");
            let finding = Finding::new(
                &META,
                cx.package(pair.a.event.site.func),
                at,
                variable,
                message,
            )
            .access(access(cx, pair.scope, &pair.a))
            .context(
                "the object is given back here, and another goroutine may get it at once",
                pair.b.event.site.span,
            )
            .why("nothing makes this use happen before the Put")
            .help("call Put after the last use by any goroutine, or give the goroutine a copy");
            findings.push(finding);
        }
    }
    findings
}
