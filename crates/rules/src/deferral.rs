//! Which functions are deferred, which are called, and who uses a value: what the rules on `recover`
//! and on dropped errors ask. Calls are resolved as far as the function's own code says.

use base::FxHashSet;
use flow::Side;
use go_ir::{CallInfo, Callee, Func, FuncId, FuncKind, Op, ValueId};

use crate::RuleContext;

/// How the functions of the program are used.
#[derive(Debug, Default)]
pub(crate) struct Deferral {
    /// By `defer`.
    pub deferred: FxHashSet<FuncId>,
    /// By a call or a `go` statement.
    pub called: FxHashSet<FuncId>,
    /// As a value: whoever gets it may defer it.
    pub valued: FxHashSet<FuncId>,
}

impl Deferral {
    /// Goes over all functions.
    pub fn new(cx: &RuleContext<'_>) -> Self {
        let mut uses = Self::default();
        for (_, func, _) in cx.functions() {
            for instr in func.values.iter() {
                match &instr.op {
                    Op::Defer(info) => uses.deferred.extend(target(cx, func, info)),
                    Op::Call(info) | Op::Go(info) => uses.called.extend(target(cx, func, info)),
                    _ => {}
                }
                let mut value = |v| uses.valued.extend(function(cx, func, v));
                match &instr.op {
                    Op::Defer(info) | Op::Call(info) | Op::Go(info) => {
                        info.args.iter().copied().for_each(value);
                    }
                    op => op.for_each_operand(&mut value),
                }
            }
            for block in func.blocks.iter() {
                block.term.for_each_operand(|v| uses.valued.extend(function(cx, func, v)));
            }
        }
        uses
    }
}

/// The function that a call runs, when its own code says which.
pub(crate) fn target(cx: &RuleContext<'_>, func: &Func, info: &CallInfo) -> Option<FuncId> {
    match info.callee {
        Callee::Static { obj, .. } => cx.analysis.context.program.by_obj.get(&obj).copied(),
        Callee::Value(v) => function(cx, func, v),
        Callee::Interface { .. } => None,
    }
}

/// The function on the way to an access, in its goroutine, whose deferred function recovers from a panic there.
pub(crate) fn recovered_in(cx: &RuleContext<'_>, side: &Side) -> Option<FuncId> {
    let frames = std::iter::successors(side.event.site.frames.as_ref(), |f| f.next.as_ref());
    let recovers = |f: &FuncId| {
        let func = cx.func(*f);
        func.values.iter().any(|instr| match &instr.op {
            Op::Defer(info) => target(cx, func, info)
                .is_some_and(|d| cx.func(d).values.iter().any(|i| matches!(i.op, Op::Recover))),
            _ => false,
        })
    };
    frames.map(|f| f.func).chain([side.event.site.func]).find(recovers)
}

/// The function that a value is.
fn function(cx: &RuleContext<'_>, func: &Func, v: ValueId) -> Option<FuncId> {
    match func.instr(v).op {
        Op::MakeClosure { func, .. } => Some(func),
        Op::Func(obj) | Op::BoundMethod { method: obj, .. } => {
            cx.analysis.context.program.by_obj.get(&obj).copied()
        }
        _ => None,
    }
}

/// The function in whose frame a body runs: that of a range-over-func loop belongs to the function
/// around it.
pub(crate) fn frame(cx: &RuleContext<'_>, mut id: FuncId) -> FuncId {
    while cx.func(id).kind == FuncKind::RangeBody
        && let Some(parent) = cx.func(id).parent
    {
        id = parent;
    }
    id
}

/// The instructions that use a value, and whether a terminator does.
pub(crate) fn uses_of(func: &Func, v: ValueId) -> (Vec<ValueId>, bool) {
    let mut users = Vec::new();
    for (id, instr) in func.values.iter_enumerated() {
        let mut used = false;
        instr.op.for_each_operand(|o| used |= o == v);
        if used {
            users.push(id);
        }
    }
    let mut ends = false;
    for block in func.blocks.iter() {
        block.term.for_each_operand(|o| ends |= o == v);
    }
    (users, ends)
}
