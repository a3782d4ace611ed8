//! An object that goes back to its `sync.Pool` with its map still filled: the next user finds the
//! last one's entries. Contamination, not a race.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::access;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "POOL002",
    name: "pooled-map-not-cleared",
    severity: Severity::Warning,
    summary: "A pooled object is put back with its map still filled: its data leaks to the next user",
    stability: Stability::Preview,
    page: include_str!("pooled_map_not_cleared.md"),
};

/// Objects that are taken, filled and put back as they are.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, _, facts) in cx.functions() {
        for leak in &facts.pool_leaks {
            let (at, write) = (leak.put.site.span, leak.write.event.site.span);
            let variable =
                cx.written_name(write).unwrap_or_else(|| cx.path_name(id, &leak.write.event.path));
            let message =
                format!("an object goes back to its pool with map `{variable}` still filled");
            let finding =
                Finding::new(&META, cx.package(leak.put.site.func), at, variable, message)
                    // Most of those that were read keep the map on purpose or clear it after Get.
                    .confidence(diag::Confidence::Medium)
                    .access(access(cx, id, &leak.write))
                    .why("a sync.Pool keeps whatever the object holds; the next Get returns it")
                    .help("call clear on the map before Put, or right after Get");
            findings.push(finding);
        }
    }
    findings
}
