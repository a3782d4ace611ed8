//! A map that is locked at most of its uses and not at this one: the convention is broken here,
//! or it was never needed there.

use base::FxHashMap;
use diag::{Confidence, Finding, RuleMeta, Severity, Stability};
use flow::is_write;

use crate::RuleContext;
use crate::fields::{Map, Site, maps};
use crate::race::access;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP011",
    name: "inconsistent-map-lock",
    severity: Severity::Warning,
    summary: "A map is guarded by a mutex at most of its uses, but not at this one",
    stability: Stability::Preview,
    page: include_str!("inconsistent_map_lock.md"),
};

/// Fewest locked uses that make a convention.
const MIN_LOCKED: usize = 3;
/// Locked uses for each unlocked one.
const MIN_RATIO: usize = 3;

/// Uses that break their map's locking convention.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let reported: base::FxHashSet<_> =
        cx.analysis.pairs.iter().flat_map(|p| [p.a.event.site.span, p.b.event.site.span]).collect();
    let mut findings = Vec::new();
    for map in maps(cx) {
        let Some((lock, locked)) = convention(cx, &map) else { continue };
        let written = locked.iter().any(|s| is_write(s.side.event.kind));
        // The same mutex under another name is most often the same mutex.
        let holds_it =
            |s: &Site| s.side.step.locks.iter().any(|h| h.path.last_field() == Some(lock));
        let bare = |s: &&Site| s.guard.is_none() && !s.unknown_lock && !holds_it(s);
        for site in map.sites.iter().filter(bare) {
            let event = &site.side.event;
            let span = event.site.span;
            if reported.contains(&span) || (!written && !is_write(event.kind)) {
                continue;
            }
            let store = cx.store();
            let lock_name = store.obj(lock).name;
            let variable = cx
                .written_name(span)
                .unwrap_or_else(|| store.obj(map.obj).name.as_str().to_owned());
            let message = format!(
                "`{variable}` is used without `{lock_name}`, which {} of its {} uses hold",
                locked.len(),
                map.sites.len(),
            );
            let mut finding =
                Finding::new(&META, cx.package(event.site.func), span, variable, message)
                    .confidence(Confidence::Medium)
                    .access(access(cx, site.scope, &site.side));
            let example =
                locked.iter().find(|s| is_write(s.side.event.kind)).or_else(|| locked.first());
            if let Some(example) = example {
                finding = finding
                    .access(access(cx, example.scope, &example.side))
                    .context(format!("here `{lock_name}` is held"), example.side.event.site.span);
            }
            findings.push(
                finding
                    .why("if the other uses need the lock, so does this one")
                    .help(format!("take `{lock_name}` around this use")),
            );
        }
    }
    findings
}

/// The lock that most uses of a map hold, and those uses.
fn convention<'m>(cx: &RuleContext<'_>, map: &'m Map) -> Option<(go_types::ObjId, Vec<&'m Site>)> {
    let mut counts: FxHashMap<go_types::ObjId, Vec<&Site>> = FxHashMap::default();
    for site in &map.sites {
        if let Some(lock) = site.guard {
            counts.entry(lock).or_default().push(site);
        }
    }
    let name = |lock: go_types::ObjId| cx.store().obj(lock).name.as_str();
    let (lock, locked) =
        counts.into_iter().max_by_key(|(lock, sites)| (sites.len(), name(*lock)))?;
    let unlocked = map.sites.iter().filter(|s| s.guard.is_none()).count();
    (locked.len() >= MIN_LOCKED && unlocked > 0 && locked.len() >= MIN_RATIO * unlocked)
        .then_some((lock, locked))
}
