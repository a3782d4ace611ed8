//! A struct passed by value with its mutex and its map: the mutex is copied, the map is shared, so
//! the lock that is taken guards nothing.

use diag::{Access, Finding, RuleMeta, Severity, Stability};
use flow::Root;
use go_types::Type;

use crate::RuleContext;
use crate::race::kind;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP014",
    name: "mutex-copied-with-map",
    severity: Severity::Error,
    summary: "A mutex is copied with the struct while the map beside it stays shared: the lock guards nothing",
    stability: Stability::Stable,
    page: include_str!("mutex_copied_with_map.md"),
};

/// Accesses to a map under a lock that is a parameter's own copy.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let store = cx.store();
    for (id, func, facts) in cx.functions() {
        let Type::Signature(sig) = store.ty(func.sig) else { continue };
        let params: Vec<_> = sig.recv.iter().chain(&sig.params).copied().collect();
        let copied = |n: u32| {
            params.get(n as usize).and_then(|&p| store.obj(p).typ.get()).filter(|&t| {
                matches!(store.ty(go_types::under::under(store, t)), Type::Struct(_)) && cx.holds_mutex(t)
            })
        };
        for access in &facts.accesses {
            let Some((path, n)) = access.paths.iter().find_map(|p| match p.root {
                Root::Param(n) if !p.elems.is_empty() && copied(n).is_some() => Some((p, n)),
                _ => None,
            }) else {
                continue;
            };
            let Some(held) = access.locks.iter().find(|h| h.path.root == Root::Param(n)) else { continue };
            if crate::names::through_pointer(store, &params, &held.path) {
                continue;
            }
            let span = func.instr(access.at).span;
            let variable = cx.written_name(span).unwrap_or_else(|| cx.path_name(id, path));
            let lock = cx.path_name(id, &held.path);
            let what = if n == 0 && sig.recv.is_some() { "receiver" } else { "parameter" };
            let message = format!(
                "`{lock}` is a copy of the mutex, `{variable}` is the shared map: the lock guards nothing"
            );
            let event = Access {
                kind: kind(access.kind),
                place: span,
                function: func.name.clone(),
                goroutine: cx.origins().of(cx, id),
                locks: cx.lock_names(id, &access.locks),
                path: Vec::new(),
            };
            findings.push(
                Finding::new(&META, cx.package(id), span, variable, message)
                    .access(event)
                    .why(format!("the {what} is passed by value, so each call locks a mutex of its own"))
                    .help(format!("make the {what} a pointer")),
            );
        }
    }
    findings
}
