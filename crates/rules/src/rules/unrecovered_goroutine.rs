//! A goroutine that a request starts and that can panic: net/http and gRPC interceptors recover the panics of
//! handlers, not of what handlers start.

use diag::{Confidence, Finding, GoroutineKind, RuleMeta, Severity, Stability};
use go_ir::{CallInfo, Callee, Func, FuncId, Instr, Op, ValueId};
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
            let Some((way, place)) = panics(cx, started) else { continue };
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
                .confidence(Confidence::Medium)
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

/// How and where a function panics on what it is given. A `panic` of its own stands for what cannot happen, in all that
/// were read (docs/triage/missing-recovery.md).
fn panics(cx: &RuleContext<'_>, id: FuncId) -> Option<(&'static str, FileSpan)> {
    let func = cx.func(id);
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
        Some((way, instr.span))
    })
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
