//! How sure a conflict is. Apart from finding conflicts and from their words, because what is asked here
//! comes from reading findings on real repositories (docs/triage): each question is a reason why false
//! ones were false.

use diag::{Confidence, Goroutine, GoroutineKind};
use flow::{Pair, Side, Thread};
use go_ir::{FuncId, Op, Order, Terminator, ValueId};
use go_syntax::ast::BinaryOp;
use go_types::{Type, TypeId};
use source::FileSpan;

use crate::RuleContext;
use crate::elements::has_own_element;
use crate::race::{Mistake, Race, goroutine};

/// How sure a conflict is. Reading the findings of fourteen repositories showed what the false ones
/// have in common: the object is reached through several fields, or the accesses lie many calls
/// away from where the goroutines start, so that something on the way keeps them apart.
pub(crate) fn confidence(cx: &RuleContext<'_>, race: &Race) -> Confidence {
    let pair = &race.pair;
    let named = !matches!(race.mistake, Mistake::General | Mistake::Memory);
    let plain = is_in_plain_sight(cx, pair);
    if !named && !plain {
        return Confidence::Low;
    }
    if !pair.same_object {
        return Confidence::Medium;
    }
    if meets_own_handler(cx, pair) {
        return Confidence::Low;
    }
    let open = [
        needs_another_call,
        is_support_for_tests,
        is_answered_to_test,
        is_given_away,
        has_it_alone,
        has_own_element,
        fills_filled,
        is_about_close,
    ];
    let far = !named && is_far_apart(cx, pair);
    match plain && !far && !open.iter().any(|question| question(cx, pair)) {
        true => Confidence::High,
        false => Confidence::Medium,
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

/// Whether the two are far apart in the source: the accesses, or the start of a goroutine and what it does,
/// stand in different files, or more calls lie between them than are seen at a glance. The more there is
/// in between, the more of it keeps the two apart in ways that nobody sees from here: of the findings on
/// repositories that the analysis had not seen 65 of 70 were true where they were near, 121 of 184 where they
/// were not (docs/triage/unseen.md, the sixth round). Handlers are registered far from what they do, and run at once all the same.
fn is_far_apart(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let sides = [&pair.a, &pair.b];
    let of = |side: &Side| goroutine(cx, pair.scope, side.thread.as_ref());
    let [a, b] = sides.map(of);
    let handles =
        |g: &Goroutine| matches!(g.kind, GoroutineKind::HttpHandler | GoroutineKind::GrpcHandler);
    if handles(&a) && handles(&b) {
        return false;
    }
    let file = pair.a.event.site.span.file;
    let here = |side: &Side, g: &Goroutine| {
        side.event.site.span.file == file && g.start.is_some_and(|start| start.file == file)
    };
    let calls: u32 = sides.iter().map(|side| flow::depth(&side.event.site.frames)).sum();
    !here(&pair.a, &a) || !here(&pair.b, &b) || calls > MAX_CALLS
}

/// Whether a side is code that tests use, such as a mock or a package `storagetest`: who calls it and
/// when is decided by tests, which are elsewhere.
fn is_support_for_tests(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    [&pair.a, &pair.b].into_iter().any(|side| {
        let site = &side.event.site;
        let file = cx.sources.path(site.span.file).file_name().and_then(|n| n.to_str());
        !cx.func(site.func).is_test
            && file.into_iter().chain(inside_module(cx.package(site.func))).any(is_about_tests)
    })
}

/// The names of an import path behind those that are, as a rule, the module's.
fn inside_module(path: &str) -> impl Iterator<Item = &str> {
    let host = path.split('/').next().unwrap_or(path);
    let of_module = match host {
        "github.com" | "gitlab.com" | "bitbucket.org" | "codeberg.org" => 3,
        _ if host.contains('.') => 2,
        _ => 1,
    };
    path.split('/').skip(of_module)
}

/// Whether the name of a file or package says that it is for tests.
fn is_about_tests(name: &str) -> bool {
    /// Words that end in `test` and are about something else.
    const OTHERS: [&str; 5] = ["latest", "contest", "protest", "attest", "fastest"];
    const WHAT: [&str; 4] = ["test", "mock", "fake", "stub"];
    let name = name.strip_suffix(".go").unwrap_or(name).to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        word == "e2e"
            || WHAT.iter().any(|what| word.starts_with(what) || one.ends_with(what))
                && !OTHERS.contains(&one)
    })
}

/// Whether a test meets a callback that it gave to other code. A test waits for what its callbacks do,
/// mostly for an answer over the network.
fn is_answered_to_test(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let is_own = |f: FuncId| around(cx, f).any(|f| f == pair.scope);
    let tests = |side: &Side| match &side.thread {
        Some(t) => t.kind == knowledge::OriginKind::Test,
        None => cx.origins().of(cx, pair.scope).kind == GoroutineKind::Test,
    };
    let given = |own: &Side, other: &Side| {
        use knowledge::OriginKind::{GrpcHandler, HttpHandler};
        let serves = |t: &Thread| matches!(t.kind, HttpHandler | GrpcHandler);
        other.thread.as_ref().is_some_and(|t| serves(t) || !is_own(t.starter)) && tests(own)
    };
    given(&pair.a, &pair.b) || given(&pair.b, &pair.a)
}

/// Whether one side is in a function that the scope gives to other code, which starts the goroutine: what
/// that code waits for and whether it starts one at all is its own affair. Where both sides are in that
/// function the code has to be one that may run it itself.
///
/// ```go
/// func parallel(n int, f func()) func() {
///     if n <= 1 {
///         return f
///     }
///     return func() { go f() }
/// }
/// ```
fn is_given_away(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let is_own = |f: FuncId| around(cx, f).any(|f| f == pair.scope);
    let given = |side: &Side| {
        let thread = side.thread.as_ref()?;
        let frames = std::iter::successors(side.event.site.frames.as_ref(), |f| f.next.as_ref());
        let runs_own = is_own(side.event.site.func) || frames.map(|f| f.func).any(is_own);
        let given = thread.kind == knowledge::OriginKind::GoStatement
            && runs_own
            && !is_own(thread.starter);
        given.then_some((thread.start, thread.starter))
    };
    match (given(&pair.a), given(&pair.b)) {
        (Some(a), Some(b)) if a.0 == b.0 => may_run_itself(cx, a.1),
        (None, None) => false,
        _ => true,
    }
}

/// Whether a function, or one around it, gives back a function that it got.
fn may_run_itself(cx: &RuleContext<'_>, starter: FuncId) -> bool {
    let Some(func) = around(cx, starter).last().map(|f| cx.func(f)) else { return false };
    let is_given = |v: ValueId| {
        let is_param = |v: ValueId| matches!(func.instr(v).op, Op::Param(_));
        let is_func = |t: TypeId| {
            let under = go_types::under::under(cx.store(), t);
            matches!(cx.store().ty(under), Type::Signature(_))
        };
        let instr = func.instr(v);
        instr.ty.is_some_and(is_func)
            && match instr.op {
                Op::Load(var) => func.values.iter().any(
                    |i| matches!(i.op, Op::Store { addr, value } if addr == var && is_param(value)),
                ),
                _ => is_param(v),
            }
    };
    func.blocks.iter().any(|block| match &block.term {
        Terminator::Return(values) => values.iter().any(|&v| is_given(v)),
        _ => false,
    })
}

/// Whether both sides are one piece of code of many goroutines, which only those run that found what they
/// were given to be one certain constant: mostly one of them.
///
/// ```go
/// for i := range 4 {
///     go func() { if i == 0 { first = time.Now() } }()
/// }
/// ```
fn has_it_alone(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let (Some(a), Some(b)) = (&pair.a.thread, &pair.b.thread) else { return false };
    let (at, other) = (&pair.a.event.site, &pair.b.event.site);
    if a.start != b.start || at.func != other.func {
        return false;
    }
    let func = cx.func(at.func);
    let order = Order::new(func);
    let is_given = |v: ValueId| match func.instr(v).op {
        Op::Param(_) => true,
        Op::Load(var) => matches!(func.instr(var).op, Op::FreeVar(_)),
        _ => false,
    };
    let is_const = |v: ValueId| matches!(func.instr(v).op, Op::Const(_));
    func.blocks.iter().any(|block| {
        let Terminator::If { cond, then, els } = block.term else { return false };
        let (x, y, region) = match func.instr(cond).op {
            Op::Binary { op: BinaryOp::Eq, x, y } => (x, y, then),
            Op::Binary { op: BinaryOp::Ne, x, y } => (x, y, els),
            _ => return false,
        };
        let lies_there = |span: FileSpan| {
            let mut found = func.values.iter_enumerated().filter(|(_, i)| i.span == span);
            found.any(|(v, _)| order.block_dominates(region, v))
        };
        func.blocks[region].preds.len() == 1
            && ((is_given(x) && is_const(y)) || (is_given(y) && is_const(x)))
            && lies_there(at.span)
            && lies_there(other.span)
    })
}

/// Whether a side fills, for want of it, a field that is filled where such objects are made.
fn fills_filled(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    [&pair.a.event, &pair.b.event].into_iter().filter(|e| e.once).any(|e| {
        match e.path.elems.last() {
            Some(flow::Elem::Field(field)) => cx.analysis.context.is_filled_when_made(field),
            _ => false,
        }
    })
}

/// Whether one side closes a channel: that all sends are over by then is, as a rule, counted by the program
/// in its own way. Of 14 such findings on unseen repositories 4 were true (docs/triage/unseen.md).
fn is_about_close(_: &RuleContext<'_>, pair: &Pair) -> bool {
    [&pair.a, &pair.b].iter().any(|side| side.event.kind == knowledge::AccessKind::ChanClose)
}

/// A function and those that it stands in.
fn around<'a>(cx: &'a RuleContext<'_>, f: FuncId) -> impl Iterator<Item = FuncId> + 'a {
    std::iter::successors(Some(f), |&f| cx.func(f).parent)
}

/// Whether both accesses are near the start of their goroutines and to an object near at hand.
pub(crate) fn is_in_plain_sight(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    [&pair.a, &pair.b].into_iter().all(|side| {
        flow::depth(&side.event.site.frames) <= MAX_CALLS
            && !leads_through_pointer(cx, &side.event.path)
    })
}

/// Calls from the start of a goroutine to an access that is in plain sight, and of both sides together
/// when the two are near.
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

#[cfg(test)]
mod tests {
    use super::is_about_tests;

    #[test]
    fn names_that_are_about_tests() {
        for name in ["testing.go", "mock_broker.go", "storagetest", "e2e", "fakes", "sql_tests"] {
            assert!(is_about_tests(name), "{name}");
        }
        for name in ["latest.go", "attestation", "request.go", "protest", "restore.go"] {
            assert!(!is_about_tests(name), "{name}");
        }
    }
}
