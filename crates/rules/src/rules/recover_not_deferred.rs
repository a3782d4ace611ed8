//! `recover` that is not called directly by a deferred function: it returns nil and stops nothing.

use diag::{Finding, RuleMeta, Severity, Stability};
use go_ir::Op;

use crate::RuleContext;
use crate::deferral::frame;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "REC001",
    name: "recover-not-deferred",
    severity: Severity::Error,
    summary: "recover is called where no deferred function calls it directly: it never stops a panic",
    stability: Stability::Preview,
    page: include_str!("recover_not_deferred.md"),
};

/// Calls of `recover` in functions that are called and never deferred.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let uses = cx.deferral();
    for (id, func, _) in cx.functions() {
        let frame = frame(cx, id);
        if uses.deferred.contains(&frame)
            || uses.valued.contains(&frame)
            || !uses.called.contains(&frame)
            || is_for_others(cx, frame)
        {
            continue;
        }
        for instr in func.values.iter().filter(|i| matches!(i.op, Op::Recover)) {
            let message = "recover is not called directly by a deferred function: it returns nil";
            findings.push(
                Finding::new(&META, cx.package(id), instr.span, "recover", message)
                    .why("the function around it is called, and deferred nowhere; a panic goes on")
                    .help("defer that function itself: defer func() { if r := recover(); r != nil { … } }()"),
            );
        }
    }
    findings
}

/// Whether other packages can see the function, and defer it. A method may be deferred through an
/// interface.
fn is_for_others(cx: &RuleContext<'_>, id: go_ir::FuncId) -> bool {
    let Some(obj) = cx.func(id).obj else { return false };
    let object = cx.store().obj(obj);
    let is_method = object.typ.get().is_some_and(|t| match cx.store().ty(t) {
        go_types::Type::Signature(sig) => sig.recv.is_some(),
        _ => false,
    });
    is_method || object.name.is_exported()
}
