//! Conflicts over plain memory, channels and wait groups as findings: one for each variable, field or element
//! that two goroutines meet at. Apart from [`crate::race`], which does the same for maps, because a map conflict
//! is one for each racing write (each can kill the process), and these are one for each place.

use base::{FxHashMap, FxHashSet};
use diag::{Finding, RuleMeta};
use flow::{Pair, Path, Realm};
use go_ir::FuncId;
use source::FileSpan;

use crate::RuleContext;
use crate::confidence::is_in_plain_sight;
use crate::race::{Mistake, Race, RaceText, finding};

/// One conflict for each place of a sort that goroutines meet at; `counts` says of which kind.
fn races(cx: &RuleContext<'_>, realm: Realm, counts: impl Fn(&Pair) -> bool) -> Vec<Race> {
    let mut groups: FxHashMap<(FuncId, Path), Vec<&Pair>> = FxHashMap::default();
    let is_it = |p: &Pair| [&p.a, &p.b].iter().all(|s| s.event.realm() == realm && !s.event.put);
    for pair in cx.analysis.pairs.iter().filter(|p| is_it(p) && counts(p)) {
        groups.entry((pair.scope, pair.a.event.path)).or_default().push(pair);
    }
    let place = |s: FileSpan| (cx.sources.path(s.file).to_owned(), s.span.start, s.span.end);
    let at = |p: &Pair| (p.a.event.site.span, p.b.event.site.span);
    let mut groups: Vec<Vec<&Pair>> = groups.into_values().collect();
    for list in &mut groups {
        list.sort_by_cached_key(|p| {
            let (a, b) = at(p);
            let unnamed = p.a.thread.is_none() && p.b.thread.is_none();
            (!p.same_object, !is_in_plain_sight(cx, p), a == b, unnamed, place(a), place(b))
        });
    }
    groups.sort_by_cached_key(|list| list.first().map(|p| (place(at(p).0), place(at(p).1))));
    let mut covered: FxHashSet<FileSpan> = FxHashSet::default();
    let mut races = Vec::new();
    for list in groups {
        let Some((&best, rest)) = list.split_first() else { continue };
        // The same statement may be seen from several scopes, and under several names.
        if !covered.insert(at(best).0) {
            continue;
        }
        let mut others: Vec<FileSpan> = Vec::new();
        for p in rest {
            for other in [at(p).0, at(p).1] {
                if other != at(best).0 && other != at(best).1 && !others.contains(&other) {
                    others.push(other);
                }
            }
        }
        races.push(Race { mistake: Mistake::Memory, pair: best.clone(), others });
    }
    races
}

/// The findings of one rule of the family: conflicts over one sort of thing that `counts` accepts.
pub(crate) fn findings(
    cx: &RuleContext<'_>,
    meta: &'static RuleMeta,
    realm: Realm,
    counts: impl Fn(&Pair) -> bool,
    words: impl Fn(&RaceText<'_>) -> (String, String),
) -> Vec<Finding> {
    races(cx, realm, counts).iter().map(|race| finding(cx, meta, race, &words)).collect()
}
