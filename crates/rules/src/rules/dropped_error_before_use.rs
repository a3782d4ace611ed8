//! `x, _ := f()` and then a use of `x`: the error that would have told that `x` is nothing is gone.

use base::Symbol;
use diag::{Confidence, Finding, RuleMeta, Severity, Stability};
use go_ir::{Callee, Func, Instr, Op, Terminator, ValueId};
use go_syntax::ast::BinaryOp;
use go_types::{ObjId, Type, TypeId};

use crate::RuleContext;
use crate::deferral::uses_of;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "ERR001",
    name: "dropped-error-before-use",
    severity: Severity::Warning,
    summary: "The error of a call is dropped and its other result is used as if there had been none",
    stability: Stability::Preview,
    page: include_str!("dropped_error_before_use.md"),
};

/// How the result of a failed call goes wrong.
enum Harm {
    /// It is nil and is dereferenced.
    Nil,
    /// It is a zero value that looks like a value.
    Zero,
}

/// Calls whose error nobody sees and whose value matters.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, func, _) in cx.functions() {
        if func.is_test {
            continue;
        }
        for (call, instr) in func.values.iter_enumerated() {
            let Some(harm) = harm(cx, func, call, instr) else { continue };
            let text = cx.sources.file(instr.span.file).slice(instr.span.span).into_owned();
            let name = text.split('(').next().unwrap_or_default().trim().to_owned();
            let (message, why) = match harm {
                Harm::Nil => (
                    format!("the error of {name} is dropped and its result dereferenced"),
                    "where the call fails the result is nil, and using it panics",
                ),
                Harm::Zero => (
                    format!("the error of {name} is dropped and its result used"),
                    "where the input does not parse the result is a zero value that looks like a real one",
                ),
            };
            findings.push(
                Finding::new(&META, cx.package(id), instr.span, name, message)
                    .confidence(Confidence::Medium)
                    .why(why)
                    .help("check the error before the result is used"),
            );
        }
    }
    findings
}

fn harm(cx: &RuleContext<'_>, func: &Func, call: ValueId, instr: &Instr) -> Option<Harm> {
    let Op::Call(info) = &instr.op else { return None };
    let store = cx.store();
    let Type::Tuple(results) = store.ty(instr.ty?) else { return None };
    let (&error, values) = results.split_last()?;
    if values.is_empty() || store.obj(error).typ.get()? != store.universe().error_type {
        return None;
    }
    let mut value = None;
    for (part, user) in func.values.iter_enumerated() {
        match user.op {
            Op::Extract { tuple, index } if tuple == call => {
                if index as usize == values.len() && is_used(func, part) {
                    return None;
                }
                if index == 0 {
                    value = Some(part);
                }
            }
            // Whoever takes all results takes the error too: return f().
            ref op => {
                let mut whole = false;
                op.for_each_operand(|v| whole |= v == call);
                if whole {
                    return None;
                }
            }
        }
    }
    let value = value.filter(|&v| is_used(func, v))?;
    let ty = func.instr(value).ty?;
    let constant = info.args.iter().all(|&a| matches!(func.instr(a).op, Op::Const(_)));
    let callee = match info.callee {
        Callee::Static { obj, .. } => Some(obj),
        _ => None,
    };
    // The text is there to read: whoever wrote it has seen that it parses.
    if constant && callee.is_some_and(|obj| parses(cx, obj)) {
        return None;
    }
    match store.ty(go_types::under(store, ty)) {
        Type::Pointer(_) | Type::Interface(_) => {
            let nil = callee.is_none_or(|obj| fails_with_nil(cx, obj, 3));
            (nil && is_dereferenced_unchecked(func, value)).then_some(Harm::Nil)
        }
        Type::Struct(_) => {
            let looks_real = !has_method(cx, ty, "IsValid") && !is_asked(cx, func, value);
            let parses = callee.is_some_and(|obj| parses(cx, obj) && is_elsewhere(cx, func, obj));
            (parses && looks_real).then_some(Harm::Zero)
        }
        _ => None,
    }
}

/// Whether some return of a function gives nil itself together with an error, or may do so; known for the
/// program's own functions.
fn fails_with_nil(cx: &RuleContext<'_>, obj: ObjId, depth: u32) -> bool {
    let known = cx.analysis.context.program.by_obj.get(&obj).map(|&id| cx.func(id));
    let Some(func) = known.filter(|func| !func.external && depth > 0) else { return true };
    let is_nil = |v: ValueId| matches!(func.instr(v).op, Op::Zero | Op::Const(_));
    func.blocks.iter().any(|block| {
        let Terminator::Return(values) = &block.term else { return false };
        let (Some(&first), Some(&error)) = (values.first(), values.last()) else { return false };
        match &func.instr(first).op {
            Op::Extract { tuple, .. } => match &func.instr(*tuple).op {
                Op::Call(info) => match info.callee {
                    Callee::Static { obj, .. } => fails_with_nil(cx, obj, depth - 1),
                    _ => true,
                },
                _ => false,
            },
            _ => is_nil(first) && !is_nil(error),
        }
    })
}

fn has_method(cx: &RuleContext<'_>, ty: TypeId, name: &str) -> bool {
    cx.analysis.context.method(ty, Symbol::intern(name)).is_some()
}

/// Whether the code asks the value what it is: compares it, or calls `IsZero`, maybe after it went through a
/// variable.
fn is_asked(cx: &RuleContext<'_>, func: &Func, value: ValueId) -> bool {
    let mut seen = vec![value];
    let mut next = 0;
    while let Some(&v) = seen.get(next) {
        next += 1;
        for user in uses_of(func, v).0 {
            match &func.instr(user).op {
                Op::Binary { op: BinaryOp::Eq | BinaryOp::Ne, .. } => return true,
                Op::Call(info) => {
                    if let Callee::Static { obj, .. } = info.callee
                        && info.args.first() == Some(&v)
                        && cx.store().obj(obj).name.as_str() == "IsZero"
                    {
                        return true;
                    }
                }
                Op::Phi(_) if !seen.contains(&user) => seen.push(user),
                // A struct whose method is called has an address: what is loaded from it is the value again.
                Op::Store { addr, value } if *value == v => {
                    for user in uses_of(func, *addr).0 {
                        if matches!(func.instr(user).op, Op::Load(_)) && !seen.contains(&user) {
                            seen.push(user);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    false
}

/// Whether a function's name says that it reads something out of a text.
fn parses(cx: &RuleContext<'_>, obj: ObjId) -> bool {
    let name = cx.store().obj(obj).name.as_str();
    name.starts_with("Parse")
}

/// Whether the function is another package's: of one's own, one knows when it fails.
fn is_elsewhere(cx: &RuleContext<'_>, func: &Func, obj: ObjId) -> bool {
    cx.store().obj(obj).pkg.is_some_and(|pkg| pkg != func.pkg)
}

fn is_used(func: &Func, v: ValueId) -> bool {
    let (users, ends) = uses_of(func, v);
    ends || !users.is_empty()
}

/// Whether the value is followed as a pointer, or called as an interface, and never compared.
fn is_dereferenced_unchecked(func: &Func, v: ValueId) -> bool {
    let (users, _) = uses_of(func, v);
    let mut dereferenced = false;
    for user in users {
        match &func.instr(user).op {
            Op::Binary { op: BinaryOp::Eq | BinaryOp::Ne, .. } | Op::TypeAssert { .. } => {
                return false;
            }
            Op::FieldAddr { base, .. } => dereferenced |= *base == v,
            Op::Load(addr) => dereferenced |= *addr == v,
            Op::Call(info) => {
                dereferenced |= matches!(info.callee, Callee::Interface { .. })
                    && info.args.first() == Some(&v);
            }
            _ => {}
        }
    }
    dereferenced
}
