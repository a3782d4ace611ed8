//! A write to a map that was never made: an ordinary panic, on every run that gets there.

use base::Symbol;
use diag::{Access, AccessKind, Finding, RuleMeta, Severity, Stability};
use flow::Root;
use go_ir::{Func, Op, ValueId};
use go_syntax::ast::BinaryOp;
use go_types::ObjId;

use crate::RuleContext;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP010",
    name: "nil-map-write",
    severity: Severity::Error,
    summary: "An entry is assigned in a map that is always nil: the write panics",
    stability: Stability::Stable,
    page: include_str!("nil_map_write.md"),
};

/// Writes to variables that no way gives a map to.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let assigned = assigned_places(cx);
    let mut findings = Vec::new();
    for (id, func, _) in cx.functions() {
        for instr in func.values.iter() {
            let Op::MapUpdate { map, literal: false, .. } = instr.op else { continue };
            let never_made = match func.instr(map).op {
                Op::Zero => true,
                Op::Load(addr) => match func.instr(addr).op {
                    Op::Alloc { .. } => is_never_stored(func, addr),
                    _ => place(cx, func, addr).is_some_and(|place| {
                        !assigned.contains(&place) && !place.name(cx).is_exported()
                    }),
                },
                _ => false,
            };
            if !never_made || is_asked(cx, func, map) {
                continue;
            }
            let at = instr.span;
            let variable = cx.written_name(at).unwrap_or_else(|| "map".into());
            let access = Access {
                kind: AccessKind::MapWrite,
                place: at,
                function: func.name.clone(),
                goroutine: cx.origins().of(cx, id),
                locks: Vec::new(),
                path: Vec::new(),
            };
            let message = format!("`{variable}` is nil here: assigning an entry panics");
            findings.push(
                Finding::new(&META, cx.package(id), at, variable, message)
                    .access(access)
                    .why("the variable is declared without a value and nothing assigns a map to it")
                    .help("make the map first: m = make(map[K]V)"),
            );
        }
    }
    findings
}

/// Whether the function compares the variable or field with nil: what is written then was given from elsewhere.
fn is_asked(cx: &RuleContext<'_>, func: &Func, map: ValueId) -> bool {
    let address = |v: ValueId| match func.instr(v).op {
        Op::Load(addr) => Some(addr),
        _ => None,
    };
    let Some(addr) = address(map) else { return false };
    let same = |v: ValueId| {
        address(v).is_some_and(|other| {
            other == addr
                || place(cx, func, addr).is_some_and(|p| place(cx, func, other) == Some(p))
        })
    };
    func.values.iter().any(|instr| match instr.op {
        Op::Binary { op: BinaryOp::Eq | BinaryOp::Ne, x, y } => same(x) || same(y),
        _ => false,
    })
}

/// Whether a variable keeps its zero value: its address goes nowhere but into loads.
fn is_never_stored(func: &Func, var: ValueId) -> bool {
    let mut kept = true;
    for instr in func.values.iter() {
        match &instr.op {
            Op::Load(_) => {}
            Op::Store { addr, value } if *addr == var => {
                kept &= matches!(func.instr(*value).op, Op::Zero);
            }
            op => op.for_each_operand(|v| kept &= v != var),
        }
    }
    kept
}

/// A package-level variable or a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Object(ObjId),
    /// A field of a struct type without a name. Such a type may be written in several places, each with fields of its
    /// own that are the same ones.
    Unnamed(Symbol),
}

impl Place {
    fn name(self, cx: &RuleContext<'_>) -> Symbol {
        match self {
            Self::Object(obj) => cx.store().obj(obj).name,
            Self::Unnamed(name) => name,
        }
    }
}

/// The variable or field that an address is of.
fn place(cx: &RuleContext<'_>, func: &Func, addr: ValueId) -> Option<Place> {
    match func.instr(addr).op {
        Op::Global(obj) => Some(Place::Object(obj)),
        Op::FieldAddr { base, field, .. } => {
            let named = func.instr(base).ty.and_then(|t| flow::named_obj(cx.store(), t));
            Some(match named {
                Some(_) => Place::Object(field),
                None => Place::Unnamed(cx.store().obj(field).name),
            })
        }
        _ => None,
    }
}

/// Package-level variables and fields that something is stored to, or whose address is used
/// otherwise.
fn assigned_places(cx: &RuleContext<'_>) -> base::FxHashSet<Place> {
    let mut out = base::FxHashSet::default();
    for (_, func, facts) in cx.functions() {
        for instr in func.values.iter() {
            match &instr.op {
                Op::Load(_) => {}
                op => op.for_each_operand(|v| out.extend(place(cx, func, v))),
            }
        }
        // A stand-in for its address that flows elsewhere.
        for ret in &facts.returns {
            for path in ret.vals.iter().flatten().filter_map(|v| v.as_path()) {
                if let (Root::Global(obj), true) = (path.root, path.elems.is_empty()) {
                    out.insert(Place::Object(obj));
                }
            }
        }
    }
    out
}
