//! `ctx.Value(key).(T)` where nothing puts the value in: a panic far away from the mistake. Where the program sets
//! the key, it does so on the way here in all that were read (docs/triage/recovery.md).

use diag::{Confidence, Finding, GoroutineKind, RuleMeta, Severity, Stability};
use go_ir::{Callee, Op};
use go_types::ObjId;

use crate::RuleContext;
use crate::deferral::uses_of;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "ERR002",
    name: "unchecked-context-value",
    severity: Severity::Warning,
    summary: "A value that nothing puts into a context is asserted to a type without a check: it panics",
    stability: Stability::Preview,
    page: include_str!("unchecked_context_value.md"),
};

/// One-valued type assertions on what `Value` of a context returned.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, func, _) in cx.functions() {
        if func.is_test {
            continue;
        }
        for instr in func.values.iter() {
            let Op::TypeAssert { x, comma_ok: false } = instr.op else { continue };
            let Op::Call(call) = &func.instr(x).op else { continue };
            let Callee::Interface { method } = call.callee else { continue };
            let [_, key] = call.args[..] else { continue };
            if !is_context_value(cx, method) || !cx.context_keys().is_never_set(cx, func, key) {
                continue;
            }
            // Compared with nil, it is checked.
            let (users, _) = uses_of(func, x);
            if users.iter().any(|&u| matches!(func.instr(u).op, Op::Binary { .. })) {
                continue;
            }
            let serves = matches!(
                cx.origins().of(cx, id).kind,
                GoroutineKind::HttpHandler | GoroutineKind::GrpcHandler
            );
            let why = if serves {
                "requests come here, nothing sets the key, and the handler panics"
            } else {
                "nothing here sets the key; a context without the value gives nil, and the assertion panics"
            };
            findings.push(
                Finding::new(
                    &META,
                    cx.package(id),
                    instr.span,
                    "context value",
                    "a context value that nothing sets is asserted without a check: it panics",
                )
                .confidence(if serves { Confidence::High } else { Confidence::Medium })
                .why(why)
                .help("use the two-valued form: v, ok := ctx.Value(key).(T)"),
            );
        }
    }
    findings
}

fn is_context_value(cx: &RuleContext<'_>, method: ObjId) -> bool {
    let method = cx.store().obj(method);
    let package = method.pkg.map(|pkg| cx.store().package(pkg).path.as_str());
    method.name.as_str() == "Value" && package == Some("context")
}
