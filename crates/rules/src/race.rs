//! Conflicts between goroutines as findings: which of the rules a conflict belongs to, and the
//! words for it. The rules of the race family differ in the mistake that they name, not in how a
//! conflict is found.

use base::{FxHashMap, FxHashSet};
use diag::{Access, AccessKind, Finding, Frame, Goroutine, GoroutineKind, RuleMeta};
use flow::{Pair, Realm, Root, Side, Thread};
use go_ir::FuncId;
use go_types::{Type, TypeId};
use knowledge::TypeKind;
use source::FileSpan;

use crate::RuleContext;
use crate::confidence::{confidence, is_in_plain_sight};
use crate::deferral::recovered_in;
use crate::origin::kind_of;

/// The mistake behind a conflict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mistake {
    /// None of the others.
    General,
    /// A value receiver was taken for a copy of the map.
    ValueReceiver,
    /// The map came out of a context.
    ContextValue,
    /// The map came out of a request's context.
    Middleware,
    /// The map is request metadata.
    Metadata,
    /// The map caches metrics.
    MetricCache,
    /// The map is a package's registry of functions.
    Registry,
    /// No map at all but plain memory.
    Memory,
}

/// A conflict to report.
#[derive(Clone, Debug)]
pub(crate) struct Race {
    pub mistake: Mistake,
    pub pair: Pair,
    /// Other places that conflict with the same write.
    pub others: Vec<FileSpan>,
}

/// One conflict for each racing write, with the rule that it belongs to.
pub(crate) fn classify(cx: &RuleContext<'_>) -> Vec<Race> {
    let mut by_write: Vec<(FileSpan, Vec<&Pair>)> = Vec::new();
    // Use after Put and a copied mutex have rules of their own; what meets such a use is the same
    // mistake.
    let pooled: FxHashSet<FileSpan> =
        cx.analysis.facts.iter().flat_map(|f| &f.after_put).map(|p| place_of(&p.a)).collect();
    let mut number: FxHashMap<FileSpan, usize> = FxHashMap::default();
    for pair in cx.analysis.pairs.iter().filter(|p| p.a.event.is_map()) {
        let copied = pair.a.event.copied_mutex || pair.b.event.copied_mutex;
        let (at, other) = (place_of(&pair.a), place_of(&pair.b));
        if copied || pooled.contains(&at) || pooled.contains(&other) {
            continue;
        }
        let n = *number.entry(at).or_insert(by_write.len());
        match by_write.get_mut(n) {
            Some((_, list)) => list.push(pair),
            None => by_write.push((at, vec![pair])),
        }
    }
    let place = |s: FileSpan| (cx.sources.path(s.file).to_owned(), s.span.start, s.span.end);
    by_write.sort_by_cached_key(|(at, _)| place(*at));
    let mut covered: FxHashSet<FileSpan> = FxHashSet::default();
    let mut races = Vec::new();
    for (at, mut list) in by_write {
        if covered.contains(&at) {
            continue;
        }
        list.sort_by_cached_key(|p| {
            (
                !p.same_object,
                !is_in_plain_sight(cx, p),
                place_of(&p.b) == at,
                p.a.thread.is_none() && p.b.thread.is_none(),
                rank(p.b.event.kind),
                place(place_of(&p.b)),
            )
        });
        let Some((&best, rest)) = list.split_first() else { continue };
        covered.insert(at);
        covered.insert(place_of(&best.b));
        let mut others: Vec<FileSpan> = Vec::new();
        for p in rest {
            let other = place_of(&p.b);
            if other != at && other != place_of(&best.b) && !others.contains(&other) {
                others.push(other);
            }
        }
        races.push(Race { mistake: mistake(cx, best), pair: best.clone(), others });
    }
    races
}

fn place_of(side: &Side) -> FileSpan {
    side.event.site.span
}

/// Writes and iterations say more than lookups, those more than `len`.
fn rank(kind: knowledge::AccessKind) -> u32 {
    match kind {
        knowledge::AccessKind::MapWrite => 0,
        knowledge::AccessKind::MapIterate => 1,
        knowledge::AccessKind::MapDelete | knowledge::AccessKind::MapClear => 2,
        knowledge::AccessKind::MapLen => 4,
        _ => 3,
    }
}

fn mistake(cx: &RuleContext<'_>, pair: &Pair) -> Mistake {
    let (a, b) = (&pair.a.event, &pair.b.event);
    let ty = a.ty.or(b.ty);
    if [a.ty, b.ty].into_iter().flatten().any(|t| is_kind(cx, t, TypeKind::Metadata)) {
        return Mistake::Metadata;
    }
    let elem = ty.and_then(|t| map_elem(cx, t));
    if elem.is_some_and(|e| is_kind(cx, e, TypeKind::Metric)) {
        return Mistake::MetricCache;
    }
    if a.context_key.is_some() || b.context_key.is_some() {
        let http = [a, b].into_iter().any(|e| serves_http(cx, e.site.func))
            || [&pair.a.thread, &pair.b.thread].into_iter().flatten().any(|t| {
                t.kind == knowledge::OriginKind::HttpHandler || serves_http(cx, t.starter)
            });
        return if http { Mistake::Middleware } else { Mistake::ContextValue };
    }
    if matches!(a.path.root, Root::Global(_)) && elem.is_some_and(|e| is_func(cx, e)) {
        return Mistake::Registry;
    }
    if a.value_receiver.is_some() || b.value_receiver.is_some() {
        return Mistake::ValueReceiver;
    }
    Mistake::General
}

fn is_kind(cx: &RuleContext<'_>, t: TypeId, kind: TypeKind) -> bool {
    flow::named_obj(cx.store(), t).is_some_and(|obj| {
        let fact = cx.analysis.context.knowledge.type_fact(&flow::type_name(cx.store(), obj));
        fact.and_then(|f| f.kind) == Some(kind)
    })
}

fn map_elem(cx: &RuleContext<'_>, t: TypeId) -> Option<TypeId> {
    match cx.store().ty(go_types::under::under(cx.store(), t)) {
        Type::Map { elem, .. } => Some(*elem),
        _ => None,
    }
}

fn is_func(cx: &RuleContext<'_>, t: TypeId) -> bool {
    matches!(cx.store().ty(go_types::under::under(cx.store(), t)), Type::Signature(_))
}

/// Whether a function, or one around it, takes a `*http.Request`.
fn serves_http(cx: &RuleContext<'_>, f: FuncId) -> bool {
    let mut at = Some(f);
    while let Some(f) = at {
        let func = cx.func(f);
        if let Type::Signature(sig) = cx.store().ty(func.sig)
            && sig.params.iter().any(|&p| {
                let t = cx.store().obj(p).typ.get();
                t.is_some_and(|t| go_types::type_string(cx.store(), t) == "*net/http.Request")
            })
        {
            return true;
        }
        at = func.parent;
    }
    false
}

/// The findings of one rule of the family.
pub(crate) fn findings(
    cx: &RuleContext<'_>,
    meta: &'static RuleMeta,
    mistake: Mistake,
    words: impl Fn(&RaceText<'_>) -> (String, String),
) -> Vec<Finding> {
    cx.races()
        .iter()
        .filter(|r| r.mistake == mistake)
        .map(|race| finding(cx, meta, race, &words))
        .collect()
}

/// What the words of a finding are made from.
pub(crate) struct RaceText<'a> {
    /// The map, as the code writes it.
    pub variable: &'a str,
    /// `written`, `deleted from`, …
    pub does: &'static str,
    /// `reads it`, `iterates over it`, …
    pub meanwhile: &'static str,
}

/// A conflict as a finding.
pub(crate) fn finding(
    cx: &RuleContext<'_>,
    meta: &'static RuleMeta,
    race: &Race,
    words: &impl Fn(&RaceText<'_>) -> (String, String),
) -> Finding {
    let pair = &race.pair;
    let (a, b) = (&pair.a.event, &pair.b.event);
    let written = match a.realm() {
        Realm::Map | Realm::Channel => cx.written_name(a.site.span),
        Realm::Memory | Realm::Group => None,
    };
    let variable = written.unwrap_or_else(|| cx.path_name(pair.scope, &a.path));
    let text = RaceText { variable: &variable, does: past(a.kind), meanwhile: present(b.kind) };
    let (message, help) = words(&text);
    let mut finding = Finding::new(meta, cx.package(a.site.func), a.site.span, variable, message)
        .confidence(confidence(cx, race))
        .access(access(cx, pair.scope, &pair.a))
        .access(access(cx, pair.scope, &pair.b))
        .why(why(cx, pair));
    if a.site.span == b.site.span {
        finding = finding.why("two goroutines of the same origin meet at the same line".to_owned());
    }
    let trusted = || [&pair.a, &pair.b].into_iter().find_map(|side| recovered_in(cx, side));
    if a.is_map()
        && let Some(f) = trusted()
    {
        let name = &cx.func(f).name;
        finding = finding.why(format!(
            "the recover in {name} does not stop it: the runtime ends the process and asks no deferred function"
        ));
    }
    for other in race.others.iter().take(3) {
        finding = finding.context("this access conflicts with it too".to_owned(), *other);
    }
    if race.others.len() > 3 {
        finding = finding.why(format!("{} more accesses conflict with it", race.others.len() - 3));
    }
    finding.help(help)
}

/// Why nothing keeps the two apart.
fn why(cx: &RuleContext<'_>, pair: &Pair) -> String {
    let a = cx.lock_names(pair.scope, &pair.a.step.locks);
    let b = cx.lock_names(pair.scope, &pair.b.step.locks);
    let order = "nothing that one goroutine waits for is signalled by the other";
    match (&a[..], &b[..]) {
        ([], []) => format!("neither side holds a lock, and {order}"),
        (held, []) => {
            format!("the first holds {}, the second holds no lock, and {order}", held.join(", "))
        }
        ([], held) => {
            format!("the second holds {}, the first holds no lock, and {order}", held.join(", "))
        }
        (x, y) if x == y => {
            format!("both hold {}, which does not keep readers apart, and {order}", x.join(", "))
        }
        (x, y) => format!(
            "the first holds {}, the second {}: no lock in common that excludes the other; {order}",
            x.join(", "),
            y.join(", ")
        ),
    }
}

/// One side of a conflict.
pub(crate) fn access(cx: &RuleContext<'_>, scope: FuncId, side: &Side) -> Access {
    let site = &side.event.site;
    let mut path = Vec::new();
    let mut at = &site.frames;
    while let Some(frame) = at {
        path.push(Frame { function: cx.func(frame.func).name.clone(), place: frame.call });
        at = &frame.next;
    }
    Access {
        kind: kind(side.event.kind),
        place: site.span,
        function: cx.func(site.func).name.clone(),
        goroutine: goroutine(cx, scope, side.thread.as_ref()),
        locks: cx.lock_names(scope, &side.step.locks),
        path,
    }
}

pub(crate) fn goroutine(cx: &RuleContext<'_>, scope: FuncId, thread: Option<&Thread>) -> Goroutine {
    match thread {
        Some(t) => Goroutine { kind: kind_of(t.kind), start: Some(t.start), many: t.many },
        None => {
            let mut own = cx.origins().of(cx, scope);
            if own.kind == GoroutineKind::ExportedApi {
                own.many = false;
            }
            own
        }
    }
}

/// The word of the JSON output for a kind of access.
pub(crate) fn kind(kind: knowledge::AccessKind) -> AccessKind {
    match kind {
        knowledge::AccessKind::MapRead => AccessKind::MapRead,
        knowledge::AccessKind::MapWrite => AccessKind::MapWrite,
        knowledge::AccessKind::MapIterate => AccessKind::MapIterate,
        knowledge::AccessKind::MapDelete => AccessKind::MapDelete,
        knowledge::AccessKind::MapClear => AccessKind::MapClear,
        knowledge::AccessKind::MapLen => AccessKind::MapLen,
        knowledge::AccessKind::Read => AccessKind::Read,
        knowledge::AccessKind::Write => AccessKind::Write,
        knowledge::AccessKind::ChanSend => AccessKind::ChanSend,
        knowledge::AccessKind::ChanClose => AccessKind::ChanClose,
        knowledge::AccessKind::GroupAdd => AccessKind::GroupAdd,
        knowledge::AccessKind::GroupWait => AccessKind::GroupWait,
    }
}

fn past(kind: knowledge::AccessKind) -> &'static str {
    match kind {
        knowledge::AccessKind::MapDelete => "deleted from",
        knowledge::AccessKind::MapClear => "cleared",
        knowledge::AccessKind::ChanClose => "closed",
        knowledge::AccessKind::GroupWait => "waited for",
        _ => "written",
    }
}

fn present(kind: knowledge::AccessKind) -> &'static str {
    match kind {
        knowledge::AccessKind::MapWrite | knowledge::AccessKind::Write => "writes it",
        knowledge::AccessKind::MapDelete => "deletes from it",
        knowledge::AccessKind::MapClear => "clears it",
        knowledge::AccessKind::MapIterate => "iterates over it",
        knowledge::AccessKind::MapLen => "takes its length",
        knowledge::AccessKind::ChanSend => "sends on it",
        knowledge::AccessKind::ChanClose => "closes it",
        knowledge::AccessKind::GroupAdd => "adds to it",
        knowledge::AccessKind::GroupWait => "waits for it",
        knowledge::AccessKind::MapRead | knowledge::AccessKind::Read => "reads it",
    }
}
