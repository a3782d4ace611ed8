//! A panic that is recovered without a trace: nobody will know that it happened.

use diag::{Confidence, Finding, RuleMeta, Severity, Stability};
use go_ir::{Func, Op, Terminator, ValueId};
use go_syntax::ast::BinaryOp;

use crate::RuleContext;
use crate::deferral::uses_of;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "REC002",
    name: "recovered-value-dropped",
    severity: Severity::Warning,
    summary: "A panic is recovered and what it said is thrown away: no log, no error, no metric",
    stability: Stability::Preview,
    page: include_str!("recovered_value_dropped.md"),
};

/// Calls of `recover` whose value nobody looks at, but for whether it is nil.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, func, _) in cx.functions() {
        // Tests recover to see that something panics.
        if func.is_test {
            continue;
        }
        if func.parent.is_some_and(|parent| only_sends(cx.func(parent))) {
            continue;
        }
        for (value, instr) in func.values.iter_enumerated() {
            if !matches!(instr.op, Op::Recover) || !is_dropped(func, value) {
                continue;
            }
            let message = "a panic is recovered here and dropped: nobody will know of it";
            findings.push(
                Finding::new(&META, cx.package(id), instr.span, "recover", message)
                    .confidence(Confidence::Medium)
                    .why("the value that recover returns is not logged, returned or passed on")
                    .help("log the value with debug.Stack(), or return it as an error"),
            );
        }
    }
    findings
}

/// Whether all that can panic in a function is a send on a closed channel, or closing it again: the recovery is
/// for that, and nothing else is lost.
fn only_sends(func: &Func) -> bool {
    let mut sends = false;
    func.values.iter().all(|instr| {
        sends |= matches!(instr.op, Op::Send { .. } | Op::Select { .. } | Op::Close(_));
        !matches!(
            instr.op,
            Op::Call(_)
                | Op::Go(_)
                | Op::IndexAddr { .. }
                | Op::Index { .. }
                | Op::Binary { op: BinaryOp::Div | BinaryOp::Rem, .. }
                | Op::TypeAssert { comma_ok: false, .. }
                | Op::MapUpdate { .. }
                | Op::SliceExpr { .. }
                | Op::Lock { .. }
                | Op::BuiltinCall { .. }
                | Op::Unknown
        )
    }) && sends
        && func.blocks.iter().all(|block| !matches!(block.term, Terminator::Panic(_)))
}

/// Whether nothing is done with the value, nor in the branch where it is not nil.
fn is_dropped(func: &Func, value: ValueId) -> bool {
    let (users, ends) = uses_of(func, value);
    if ends {
        return false;
    }
    users.iter().all(|&user| {
        let Op::Binary { op, .. } = func.instr(user).op else { return false };
        let panicked = |then, els| match op {
            BinaryOp::Ne => Some(then),
            BinaryOp::Eq => Some(els),
            _ => None,
        };
        let (others, _) = uses_of(func, user);
        others.is_empty()
            && func.blocks.iter().all(|block| match block.term {
                Terminator::If { cond, then, els } if cond == user => {
                    panicked(then, els).is_some_and(|b| func.blocks[b].instrs.is_empty())
                }
                _ => true,
            })
    })
}
