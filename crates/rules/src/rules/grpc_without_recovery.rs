//! A gRPC server without an interceptor that recovers: unlike net/http, gRPC for Go recovers nothing.

use diag::{Confidence, Finding, RuleMeta, Severity, Stability};
use go_ir::{CallInfo, Callee, Func, FuncId, Op, ValueId};
use go_types::Type;

use crate::RuleContext;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "REC004",
    name: "grpc-without-recovery",
    severity: Severity::Warning,
    summary: "A gRPC server has no interceptor that recovers: a panic in any handler ends the process",
    stability: Stability::Preview,
    page: include_str!("grpc_without_recovery.md"),
};

const NEW_SERVER: &str = "google.golang.org/grpc.NewServer";

/// Calls of `grpc.NewServer` in programs where no interceptor recovers.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut recovers = None;
    for (id, func, _) in cx.functions().filter(|f| !f.1.is_test && !is_for_tests(cx.package(f.0))) {
        for instr in func.values.iter() {
            let Op::Call(info) = &instr.op else { continue };
            let Callee::Static { obj, .. } = info.callee else { continue };
            if flow::full_name(cx.store(), obj) != NEW_SERVER
                || options_are_given(func, info)
                || *recovers.get_or_insert_with(|| something_recovers(cx))
            {
                continue;
            }
            findings.push(
                Finding::new(
                    &META,
                    cx.package(id),
                    instr.span,
                    "grpc.NewServer",
                    "no interceptor of this gRPC server recovers: a panic in any handler ends the process",
                )
                .confidence(Confidence::Medium)
                .why(
                    "gRPC for Go calls each handler on a goroutine of its own and recovers nothing there, and no \
                     interceptor in this program calls recover",
                )
                .help(
                    "chain an interceptor that recovers, for unary calls and for streams: grpc.ChainUnaryInterceptor(…), \
                     grpc.ChainStreamInterceptor(…); `unpanic scaffold recovery` writes both",
                ),
            );
        }
    }
    findings
}

/// Whether a package is there for tests, by its path: `internal/mocks`, `historytest`. Host names do not count.
fn is_for_tests(path: &str) -> bool {
    let is_word = |part: &str| ["test", "mock", "fake"].iter().any(|word| part.contains(word));
    path.split('/').any(|part| !part.contains('.') && is_word(part))
}

/// Whether the options come from a caller: what is in them is decided elsewhere.
fn options_are_given(func: &Func, info: &CallInfo) -> bool {
    let Some(&options) = info.args.first() else { return false };
    !info.packed && derives_from_parameter(func, options)
}

/// Whether a slice is, or was grown from, a parameter.
fn derives_from_parameter(func: &Func, v: ValueId) -> bool {
    let mut seen = vec![v];
    let mut next = 0;
    while let Some(&v) = seen.get(next) {
        next += 1;
        let op = &func.instr(v).op;
        if matches!(op, Op::Param(_) | Op::FreeVar(_)) {
            return true;
        }
        op.for_each_operand(|from| {
            if !seen.contains(&from) {
                seen.push(from);
            }
        });
    }
    false
}

/// Whether the program has an interceptor that recovers, of its own or of a package that says so by its path.
fn something_recovers(cx: &RuleContext<'_>) -> bool {
    let named = cx.store().packages().any(|package| {
        let path = package.path.as_str();
        path.contains("recover") && (path.contains("grpc") || path.contains("middleware"))
    });
    named
        || cx.functions().any(|(id, func, _)| {
            func.values.iter().any(|i| matches!(i.op, Op::Recover)) && serves_calls(cx, id)
        })
}

/// Whether a function, or one around it, is an interceptor or a handler of streams: what it takes says so.
fn serves_calls(cx: &RuleContext<'_>, id: FuncId) -> bool {
    let store = cx.store();
    std::iter::successors(Some(id), |&id| cx.func(id).parent).any(|id| {
        let Type::Signature(sig) = store.ty(cx.func(id).sig) else { return false };
        sig.params.iter().filter_map(|&p| store.obj(p).typ.get()).any(|t| {
            let text = go_types::type_string(store, t);
            text.starts_with("*google.golang.org/grpc.")
                || text.starts_with("google.golang.org/grpc.")
        })
    })
}
