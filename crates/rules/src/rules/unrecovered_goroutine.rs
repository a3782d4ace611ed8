//! A goroutine that a request starts and that can panic: net/http and gRPC interceptors recover the panics of
//! handlers, not of what handlers start.

use base::FxHashSet;
use diag::{Confidence, Finding, GoroutineKind, RuleMeta, Severity, Stability};
use go_ir::{CallInfo, Callee, Func, FuncId, Instr, Op, Terminator, ValueId};
use go_types::ConstValue;
use source::FileSpan;

use crate::RuleContext;
use crate::deferral::{target, uses_of};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "REC003",
    name: "unrecovered-goroutine",
    severity: Severity::Warning,
    summary: "A goroutine that a request starts can panic, and nothing recovers it: the process ends",
    stability: Stability::Preview,
    page: include_str!("unrecovered_goroutine.md"),
};

/// So many calls below the goroutine's function are looked into.
const MAX_DEPTH: usize = 2;

/// `go` statements on the way of a request, whose function can panic and defers nothing that recovers.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, func, _) in cx.functions().filter(|f| !f.1.is_test) {
        for instr in func.values.iter() {
            let Op::Go(info) = &instr.op else { continue };
            let Some(started) = target(cx, func, info) else { continue };
            let origin = cx.origins().of(cx, id).kind;
            if !matches!(origin, GoroutineKind::HttpHandler | GoroutineKind::GrpcHandler)
                || may_recover(cx, started)
            {
                continue;
            }
            let Some(Panic { way, place, below }) =
                panics(cx, started, MAX_DEPTH, &mut FxHashSet::default())
            else {
                continue;
            };
            let recovered = if origin == GoroutineKind::HttpHandler {
                "net/http recovers a panic of the handler"
            } else {
                "an interceptor can recover a panic of the handler"
            };
            findings.push(
                Finding::new(
                    &META,
                    cx.package(id),
                    instr.span,
                    "go statement",
                    format!("a request starts a goroutine that nothing recovers: {way} there ends the process"),
                )
                // What is called may have been asked before whether it can do that.
                .confidence(if below { Confidence::Low } else { Confidence::Medium })
                .context(format!("{way} in the new goroutine"), place)
                .why(format!(
                    "{recovered}, not of goroutines that it starts; this one defers nothing that calls recover"
                ))
                .help(
                    "defer a function that recovers, logs and counts first in the goroutine; `unpanic scaffold \
                     recovery` writes a Go(func) that does",
                ),
            );
        }
    }
    findings
}

/// Whether a function defers something that recovers, as far as can be told: what is not seen may.
fn may_recover(cx: &RuleContext<'_>, id: FuncId) -> bool {
    let func = cx.func(id);
    func.values.iter().any(|instr| match &instr.op {
        Op::Defer(info) => match target(cx, func, info) {
            Some(deferred) => {
                let deferred = cx.func(deferred);
                deferred.external || deferred.values.iter().any(|i| matches!(i.op, Op::Recover))
            }
            None => is_unknown_recovery(cx, info),
        },
        _ => false,
    })
}

/// Whether a deferred call of a function that is not seen may be there for recovering.
fn is_unknown_recovery(cx: &RuleContext<'_>, info: &CallInfo) -> bool {
    let (Callee::Static { obj, .. } | Callee::Interface { method: obj }) = info.callee else {
        // A function value: `cancel` and its like.
        return false;
    };
    let name = cx.store().obj(obj).name.as_str().to_ascii_lowercase();
    ["recover", "panic", "crash", "catch", "handle", "guard"].iter().any(|word| name.contains(word))
}

/// A place where a goroutine panics by itself.
struct Panic {
    way: &'static str,
    place: FileSpan,
    /// Whether it is in a function that the goroutine's own calls.
    below: bool,
}

/// How and where a function, or what it calls, panics by itself.
fn panics(
    cx: &RuleContext<'_>,
    id: FuncId,
    depth: usize,
    seen: &mut FxHashSet<FuncId>,
) -> Option<Panic> {
    if !seen.insert(id) {
        return None;
    }
    let func = cx.func(id);
    let explicit = func.blocks.iter().find_map(|block| match block.term {
        Terminator::Panic(v) if !is_impossible(cx, func, v) => {
            Some(Panic { way: "a panic", place: func.instr(v).span, below: false })
        }
        _ => None,
    });
    let own = || {
        func.values.iter().find_map(|instr| {
            let way = match instr.op {
                Op::TypeAssert { x, comma_ok: false } if comes_from_outside(func, x) => {
                    "a failed type assertion"
                }
                Op::IndexAddr { base, index } | Op::Index { base, index }
                    if is_part_of_split(cx, func, base, index) =>
                {
                    "a missing part of the split text"
                }
                _ => return None,
            };
            Some(Panic { way, place: instr.span, below: false })
        })
    };
    let mut below = || {
        let calls = func.values.iter().filter_map(|instr| match &instr.op {
            Op::Call(info) => target(cx, func, info),
            _ => None,
        });
        calls
            .filter(|&callee| !may_recover(cx, callee))
            .find_map(|callee| panics(cx, callee, depth - 1, seen))
            .map(|found| Panic { below: true, ..found })
    };
    explicit.or_else(own).or_else(|| if depth > 0 { below() } else { None })
}

/// Whether a panic says of itself that it cannot happen.
fn is_impossible(cx: &RuleContext<'_>, func: &Func, v: ValueId) -> bool {
    let instr = func.instr(v);
    let text = cx.sources.file(instr.span.file).slice(instr.span.span).to_ascii_lowercase();
    ["unreachable", "impossible", "not reached", "cannot happen", "can't happen", "bug"]
        .iter()
        .any(|word| text.contains(word))
}

/// Whether a value was decoded or looked up by a key: what is in it is not up to this code. Containers of the
/// standard library hold what this code put there.
fn comes_from_outside(func: &Func, x: ValueId) -> bool {
    match &func.instr(x).op {
        Op::MapLookup { .. } => true,
        Op::Extract { tuple, .. } => matches!(func.instr(*tuple).op, Op::MapLookup { .. }),
        _ => false,
    }
}

/// Whether an element other than the first of what a split gave is taken without asking how many there are.
fn is_part_of_split(cx: &RuleContext<'_>, func: &Func, base: ValueId, index: ValueId) -> bool {
    let splits = |instr: &Instr| match &instr.op {
        Op::Call(CallInfo { callee: Callee::Static { obj, .. }, .. }) => matches!(
            flow::full_name(cx.store(), *obj).as_str(),
            "strings.Split" | "strings.SplitN" | "strings.Fields" | "bytes.Split" | "bytes.Fields"
        ),
        _ => false,
    };
    let later = matches!(func.instr(index).op, Op::Const(ConstValue::Int(n)) if n > 0);
    let asked = || {
        let (users, _) = uses_of(func, base);
        users
            .iter()
            .any(|&user| !matches!(func.instr(user).op, Op::IndexAddr { .. } | Op::Index { .. }))
    };
    later && splits(func.instr(base)) && !asked()
}
