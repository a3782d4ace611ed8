//! Whether the goroutines that a loop starts got an element each of what the loop goes over. Apart from
//! [`crate::confidence`], which asks it, because this follows values through the code on both sides of the
//! start.

use flow::{Pair, Side};
use go_ir::{CallInfo, Callee, Func, FuncId, Op, Order, ValueId};
use go_types::Type;

use crate::RuleContext;

/// Whether both sides are goroutines of one loop that work on what each was given: an element of a list, map or
/// channel. That one object is in there twice is possible and rare.
///
/// ```go
/// for _, d := range disks {
///     go func() { d.load() }()
/// }
/// ```
pub(crate) fn has_own_element(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let (Some(a), Some(b)) = (&pair.a.thread, &pair.b.thread) else { return false };
    if a.start != b.start {
        return false;
    }
    let loop_ = Loop { cx, func: cx.func(a.starter), order: Order::new(cx.func(a.starter)) };
    let starts = loop_.func.values.iter_enumerated().filter(|(_, i)| i.span == a.start);
    starts.filter(|&(v, _)| loop_.order.in_loop(v)).any(|(_, instr)| match &instr.op {
        Op::Go(call) | Op::Call(call) => {
            let sides = [&pair.a, &pair.b];
            loop_.started(call).iter().any(|given| sides.iter().all(|s| given.is_used_by(cx, s)))
        }
        _ => false,
    })
}

/// A function that starts goroutines in a loop.
struct Loop<'a, 'c> {
    cx: &'a RuleContext<'c>,
    func: &'a Func,
    order: Order<'a>,
}

/// The first function of a goroutine, with what of it is an element.
struct Given {
    func: FuncId,
    params: Vec<bool>,
    free: Vec<bool>,
}

impl Loop<'_, '_> {
    /// The functions that a call may start.
    fn started(&self, call: &CallInfo) -> Vec<Given> {
        let params: Vec<bool> = call.args.iter().map(|&v| self.is_element(v)).collect();
        let by_obj = |obj| self.cx.analysis.context.program.by_obj.get(&obj).copied();
        let closure = |v: ValueId, params: &[bool]| match &self.func.instr(v).op {
            Op::MakeClosure { func, bindings } => Some(Given {
                func: *func,
                params: params.to_vec(),
                free: bindings.iter().map(|&v| self.is_variable_of_elements(v)).collect(),
            }),
            Op::BoundMethod { recv, method } => Some(Given {
                func: by_obj(*method)?,
                params: vec![self.is_element(*recv)],
                free: Vec::new(),
            }),
            _ => None,
        };
        match call.callee {
            Callee::Value(v) => closure(v, &params).into_iter().collect(),
            Callee::Static { obj, .. } => {
                let own = by_obj(obj).map(|func| Given { func, params, free: Vec::new() });
                let given = call.args.iter().filter_map(|&v| closure(v, &[]));
                own.into_iter().chain(given).collect()
            }
            Callee::Interface { .. } => call.args.iter().filter_map(|&v| closure(v, &[])).collect(),
        }
    }

    /// Whether a value is an element of something, or in one.
    fn is_element(&self, v: ValueId) -> bool {
        let is_const = |v: ValueId| matches!(self.func.instr(v).op, Op::Const(_));
        let mut at = v;
        loop {
            at = match &self.func.instr(at).op {
                Op::IndexAddr { index, .. } | Op::Index { index, .. } => return !is_const(*index),
                Op::MapLookup { .. } | Op::RangeNext(_) | Op::Recv { .. } => return true,
                Op::Alloc { .. } => return self.is_variable_of_elements(at),
                op => match inner(op) {
                    Some(next) => next,
                    None => return false,
                },
            }
        }
    }

    /// Whether a variable gets elements, another one in each round.
    fn is_variable_of_elements(&self, var: ValueId) -> bool {
        let mut stores = self.func.values.iter_enumerated().filter_map(|(at, i)| match i.op {
            Op::Store { addr, value } if addr == var => Some((at, value)),
            _ => None,
        });
        match (stores.next(), stores.next()) {
            (Some((at, value)), None) => {
                self.order.in_loop(at)
                    && !matches!(self.func.instr(value).op, Op::Alloc { .. })
                    && self.is_element(value)
            }
            _ => false,
        }
    }
}

impl Given {
    /// Whether a side reaches what it accesses through an element.
    fn is_used_by(&self, cx: &RuleContext<'_>, side: &Side) -> bool {
        let func = cx.func(self.func);
        let site = &side.event.site;
        let (own, span) = match &site.frames {
            Some(first) => (first.func, first.call),
            None => (site.func, site.span),
        };
        own == self.func
            && func.values.iter().filter(|i| i.span == span).any(|instr| match &instr.op {
                Op::Call(call) | Op::Defer(call) | Op::Go(call) => {
                    let args = &call.args[..];
                    let through =
                        if has_receiver(cx, call) { &args[..args.len().min(1)] } else { args };
                    // A method of the element that is given away: db.View(part.restore).
                    let given = args
                        .iter()
                        .filter(|&&v| matches!(func.instr(v).op, Op::BoundMethod { .. }));
                    through.iter().chain(given).any(|&v| self.leads_from_element(func, v))
                }
                Op::Load(v) | Op::Store { addr: v, .. } => self.leads_from_element(func, *v),
                Op::MapLookup { map, .. }
                | Op::MapUpdate { map, .. }
                | Op::MapDelete { map, .. } => self.leads_from_element(func, *map),
                _ => false,
            })
    }

    fn leads_from_element(&self, func: &Func, v: ValueId) -> bool {
        let is = |list: &[bool], n: u32| list.get(n as usize).copied().unwrap_or(false);
        let mut at = v;
        loop {
            at = match &func.instr(at).op {
                Op::Param(n) => return is(&self.params, *n),
                Op::FreeVar(n) => return is(&self.free, *n),
                op => match inner(op) {
                    Some(next) => next,
                    None => return false,
                },
            }
        }
    }
}

/// What a place or value is in, or was made from.
fn inner(op: &Op) -> Option<ValueId> {
    match op {
        Op::Load(x) | Op::Convert(x) | Op::MakeInterface(x) | Op::TypeAssert { x, .. } => Some(*x),
        Op::FieldAddr { base, .. } | Op::Field { base, .. } | Op::IndexAddr { base, .. } => {
            Some(*base)
        }
        Op::Extract { tuple, .. } => Some(*tuple),
        Op::BoundMethod { recv, .. } => Some(*recv),
        _ => None,
    }
}

/// Whether the first argument of a call is the receiver of a method.
fn has_receiver(cx: &RuleContext<'_>, call: &CallInfo) -> bool {
    match call.callee {
        Callee::Static { obj, .. } => cx.store().obj(obj).typ.get().is_some_and(
            |t| matches!(cx.store().ty(t), Type::Signature(sig) if sig.recv.is_some()),
        ),
        Callee::Interface { .. } => true,
        Callee::Value(_) => false,
    }
}
