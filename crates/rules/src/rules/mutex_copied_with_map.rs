//! A struct passed by value with its mutex and its map: the mutex is copied, the map is shared, so
//! the lock that is taken guards nothing.

use diag::{Finding, RuleMeta, Severity, Stability};
use flow::Side;

use crate::RuleContext;
use crate::race::access;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP014",
    name: "mutex-copied-with-map",
    severity: Severity::Error,
    summary: "A mutex is copied with the struct while the map beside it stays shared: the lock guards nothing",
    stability: Stability::Preview,
    page: include_str!("mutex_copied_with_map.md"),
};

/// Accesses to a shared map under a mutex that is a parameter's own copy.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = base::FxHashSet::default();
    for (id, func, _) in cx.functions() {
        let Some(summary) = cx.analysis.context.summary(id) else { continue };
        for event in summary.events.iter().filter(|e| e.copied_mutex && e.is_map()) {
            let span = event.site.span;
            let line = cx.sources.file(span.file).line_col(span.span.start).line;
            if !seen.insert((span.file, line)) {
                continue;
            }
            let step = summary.step(event.step).clone();
            let side = Side { event: event.clone(), step, thread: None };
            let variable = cx.written_name(span).unwrap_or_else(|| cx.path_name(id, &event.path));
            let message = format!(
                "map `{variable}` is shared, but the mutex that is held is a copy: it guards nothing"
            );
            findings.push(
                Finding::new(&META, cx.package(event.site.func), span, variable, message)
                    .access(access(cx, id, &side))
                    .context("the struct is passed by value here, mutex and all", head(func.span))
                    .why("each call locks a mutex of its own; the map in the copy is the same map")
                    .help("pass a pointer to the struct"),
            );
        }
    }
    findings
}

/// The start of a function, for a note that points at it.
fn head(span: source::FileSpan) -> source::FileSpan {
    source::FileSpan { span: source::Span::new(span.span.start, span.span.start + 4), ..span }
}
