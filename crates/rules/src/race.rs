//! Conflicts between goroutines as findings: which of the rules a conflict belongs to, and the
//! words for it. The rules of the race family differ in the mistake that they name, not in how a
//! conflict is found.

use base::{FxHashMap, FxHashSet};
use diag::{Access, AccessKind, Confidence, Finding, Frame, Goroutine, GoroutineKind, RuleMeta};
use flow::{Pair, Root, Side, Thread};
use go_ir::{FuncId, Op, Order};
use go_types::{Type, TypeId};
use knowledge::TypeKind;
use source::FileSpan;

use crate::RuleContext;
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
    let written = if a.is_map() { cx.written_name(a.site.span) } else { None };
    let variable = written.unwrap_or_else(|| cx.path_name(pair.scope, &a.path));
    let text = RaceText { variable: &variable, does: past(a.kind), meanwhile: present(b.kind) };
    let (message, help) = words(&text);
    let confidence = confidence(cx, race);
    let mut finding = Finding::new(meta, cx.package(a.site.func), a.site.span, variable, message)
        .confidence(confidence)
        .access(access(cx, pair.scope, &pair.a))
        .access(access(cx, pair.scope, &pair.b))
        .why(why(cx, pair));
    if a.site.span == b.site.span {
        finding = finding.why("two goroutines of the same origin meet at the same line".to_owned());
    }
    for other in race.others.iter().take(3) {
        finding = finding.context("this access conflicts with it too".to_owned(), *other);
    }
    if race.others.len() > 3 {
        finding = finding.why(format!("{} more accesses conflict with it", race.others.len() - 3));
    }
    finding.help(help)
}

/// How sure a conflict is. Reading the findings of fourteen repositories showed what the false ones
/// have in common: the object is reached through several fields, or the accesses lie many calls
/// away from where the goroutines start, so that something on the way keeps them apart.
fn confidence(cx: &RuleContext<'_>, race: &Race) -> Confidence {
    let pair = &race.pair;
    let named = !matches!(race.mistake, Mistake::General | Mistake::Memory);
    match (pair.same_object, named || is_in_plain_sight(cx, pair)) {
        (true, true) if meets_own_handler(cx, pair) => Confidence::Low,
        (true, true) if needs_another_call(cx, pair) || is_answered_to_test(cx, pair) => {
            Confidence::Medium
        }
        (true, true) => Confidence::High,
        (false, true) => Confidence::Medium,
        (_, false) => Confidence::Low,
    }
}

/// Whether one side registers the other as a handler where nothing serves requests yet: setting up
/// is over, as a rule, before the first of them is.
fn meets_own_handler(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    use knowledge::OriginKind::{GrpcHandler, HttpHandler};
    let handler = |side: &Side| {
        let kind = side.thread.as_ref().map(|t| t.kind);
        matches!(kind, Some(HttpHandler | GrpcHandler))
    };
    let (a, b) = (&pair.a, &pair.b);
    ((a.thread.is_none() && handler(b)) || (b.thread.is_none() && handler(a)))
        && !cx.origins().serves(pair.scope)
}

/// Whether the two meet only when a function is called again while a goroutine of its last call runs:
/// it makes the access before it starts the goroutine, or starts one goroutine and both are in it. Some
/// state of the object often says that one is running.
fn needs_another_call(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let meets = |t: &Thread, own: &Side| {
        let func = cx.func(t.starter);
        let same = own.thread.as_ref().is_some_and(|o| o.start == t.start);
        if t.kind != knowledge::OriginKind::GoStatement
            || (!same && own.event.site.func != t.starter)
        {
            return false;
        }
        let at = |span: FileSpan| {
            let found = func.values.iter_enumerated().filter(move |(_, v)| v.span == span);
            found.map(|(v, _)| v)
        };
        let order = Order::new(func);
        let start = at(t.start).find(|&v| matches!(func.instr(v).op, Op::Go(_) | Op::Call(_)));
        start.is_some_and(|start| match same {
            true => !order.in_loop(start),
            false => !at(own.event.site.span).any(|v| order.after(start, v, None)),
        })
    };
    let (a, b) = (&pair.a, &pair.b);
    b.thread.as_ref().is_some_and(|t| meets(t, a)) || a.thread.as_ref().is_some_and(|t| meets(t, b))
}

/// Whether a test meets a callback that it gave to other code. A test waits for what its callbacks do,
/// mostly for an answer over the network.
fn is_answered_to_test(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let is_own = |f: FuncId| {
        let mut around = std::iter::successors(Some(f), |&f| cx.func(f).parent);
        around.any(|f| f == pair.scope)
    };
    let tests = |side: &Side| match &side.thread {
        Some(t) => t.kind == knowledge::OriginKind::Test,
        None => cx.origins().of(cx, pair.scope).kind == GoroutineKind::Test,
    };
    let given = |own: &Side, other: &Side| {
        other.thread.as_ref().is_some_and(|t| !is_own(t.starter)) && tests(own)
    };
    given(&pair.a, &pair.b) || given(&pair.b, &pair.a)
}

/// Whether both accesses are near the start of their goroutines and to an object near at hand.
pub(crate) fn is_in_plain_sight(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    [&pair.a, &pair.b].into_iter().all(|side| {
        flow::depth(&side.event.site.frames) <= MAX_CALLS
            && !leads_through_pointer(cx, &side.event.path)
    })
}

/// Calls from the start of a goroutine to an access that is in plain sight.
const MAX_CALLS: u32 = 2;

/// Whether a path goes on behind a field that is a pointer or an interface.
fn leads_through_pointer(cx: &RuleContext<'_>, path: &flow::Path) -> bool {
    let steps = path.elems.to_vec();
    steps.iter().take(steps.len().saturating_sub(1)).any(|step| match step {
        flow::Elem::Field(field) => cx.store().obj(*field).typ.get().is_some_and(|t| {
            let under = go_types::under::under(cx.store(), t);
            matches!(cx.store().ty(under), Type::Pointer(_) | Type::Interface(_))
        }),
        // Which element it is has been asked for already.
        flow::Elem::Item => false,
        flow::Elem::Part(_) => true,
    })
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

fn goroutine(cx: &RuleContext<'_>, scope: FuncId, thread: Option<&Thread>) -> Goroutine {
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
    }
}

fn past(kind: knowledge::AccessKind) -> &'static str {
    match kind {
        knowledge::AccessKind::MapDelete => "deleted from",
        knowledge::AccessKind::MapClear => "cleared",
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
        knowledge::AccessKind::MapRead | knowledge::AccessKind::Read => "reads it",
    }
}
