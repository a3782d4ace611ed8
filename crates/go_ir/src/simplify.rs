//! Branches that always go one way. Conditions are evaluated over constants and over variables
//! that hold one constant wherever they are read, captured ones included; what cannot run is then
//! unreachable, and whoever follows control does not come there.
//!
//! ```go
//! verbose := false
//! go func() { if verbose { total++ } }() // never runs
//! ```

use base::{FxHashMap, IndexVec};
use go_syntax::ast::{BinaryOp, UnaryOp};
use go_types::{Basic, ConstValue, Store, Type, TypeId};

use crate::ir::{BlockId, Func, FuncId, Op, Terminator, ValueId};
use crate::order::Order;

/// Turns branches on constant conditions into jumps, in all functions of a package.
pub(crate) fn fold_branches(store: &Store, funcs: &mut IndexVec<FuncId, Func>) {
    let mut folds: Vec<(FuncId, BlockId, bool)> = Vec::new();
    let evaluator = Evaluator::new(store, funcs);
    for (f, func) in funcs.iter_enumerated() {
        for (b, block) in func.blocks.iter_enumerated() {
            if let Terminator::If { cond, .. } = block.term
                && let Some(ConstValue::Bool(way)) = evaluator.value(f, cond, 0)
            {
                folds.push((f, b, way));
            }
        }
    }
    for (f, b, way) in folds {
        fold(&mut funcs[f], b, way);
    }
}

/// Replaces a branch by a jump; the edge that is not taken disappears, with its part of each phi.
fn fold(func: &mut Func, b: BlockId, way: bool) {
    let Terminator::If { then, els, .. } = func.blocks[b].term else { return };
    let (taken, dead) = if way { (then, els) } else { (els, then) };
    func.blocks[b].term = Terminator::Jump(taken);
    let Some(at) = func.blocks[dead].preds.iter().position(|&p| p == b) else { return };
    func.blocks[dead].preds.remove(at);
    for &v in &func.blocks[dead].instrs {
        match &mut func.values[v].op {
            Op::Phi(operands) if at < operands.len() => {
                operands.remove(at);
            }
            Op::Phi(_) => {}
            _ => break,
        }
    }
}

/// How deep conditions are evaluated.
const MAX_DEPTH: u32 = 8;

struct Evaluator<'f> {
    store: &'f Store,
    funcs: &'f IndexVec<FuncId, Func>,
    /// Where each closure is made; none for functions that are closures of several places.
    made: FxHashMap<FuncId, (FuncId, ValueId)>,
}

impl<'f> Evaluator<'f> {
    fn new(store: &'f Store, funcs: &'f IndexVec<FuncId, Func>) -> Self {
        let mut made = FxHashMap::default();
        for (f, func) in funcs.iter_enumerated() {
            for (v, instr) in func.values.iter_enumerated() {
                if let Op::MakeClosure { func: closure, .. } = instr.op {
                    made.insert(closure, (f, v));
                }
            }
        }
        Self { store, funcs, made }
    }

    /// The constant that a value always is.
    fn value(&self, f: FuncId, v: ValueId, depth: u32) -> Option<ConstValue> {
        if depth > MAX_DEPTH {
            return None;
        }
        let instr = self.funcs[f].instr(v);
        match &instr.op {
            Op::Const(c) if !c.is_unknown() => Some(c.clone()),
            Op::Zero => self.zero(instr.ty?),
            Op::Unary { op: UnaryOp::Not, x } => match self.value(f, *x, depth + 1)? {
                ConstValue::Bool(b) => Some(ConstValue::Bool(!b)),
                _ => None,
            },
            Op::Binary { op, x, y } if is_comparison(*op) => {
                let (x, y) = (self.value(f, *x, depth + 1)?, self.value(f, *y, depth + 1)?);
                (x.kind() == y.kind())
                    .then(|| ConstValue::Bool(go_types::constant::compare(&x, *op, &y)))
            }
            Op::Load(addr) => self.memory(f, v, *addr, depth + 1),
            _ => None,
        }
    }

    fn zero(&self, t: TypeId) -> Option<ConstValue> {
        let Type::Basic(basic) = self.store.ty(go_types::under::under(self.store, t)) else {
            return None;
        };
        match basic {
            Basic::Bool => Some(ConstValue::Bool(false)),
            Basic::Int
            | Basic::Int8
            | Basic::Int16
            | Basic::Int32
            | Basic::Int64
            | Basic::Uint
            | Basic::Uint8
            | Basic::Uint16
            | Basic::Uint32
            | Basic::Uint64
            | Basic::Uintptr
            | Basic::Byte
            | Basic::Rune => Some(ConstValue::Int(0)),
            Basic::String => Some(ConstValue::string(Vec::new())),
            _ => None,
        }
    }

    /// What the variable at an address holds when `at` loads it.
    fn memory(&self, f: FuncId, at: ValueId, addr: ValueId, depth: u32) -> Option<ConstValue> {
        let func = &self.funcs[f];
        match func.instr(addr).op {
            Op::Alloc { .. } => self.variable(f, addr, at, depth),
            // Nothing that a closure sees changes after the closure was made.
            Op::FreeVar(n) => {
                let &(outer, closure) = self.made.get(&f)?;
                let Op::MakeClosure { bindings, .. } = &self.funcs[outer].instr(closure).op else {
                    return None;
                };
                if self.is_written(f, addr) {
                    return None;
                }
                let var = *bindings.get(n as usize)?;
                match self.funcs[outer].instr(var).op {
                    Op::Alloc { .. } => {
                        let order = Order::new(&self.funcs[outer]);
                        let (stores, goes) = self.uses(outer, var);
                        let later = |&s: &ValueId| order.after(closure, s, Some(var));
                        let changes = stores.iter().any(later)
                            || goes.iter().any(|&g| self.changes(outer, g, var));
                        if changes { None } else { self.variable(outer, var, closure, depth) }
                    }
                    Op::FreeVar(_) => self.memory(outer, closure, var, depth + 1),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What a function's own variable holds when `at` runs.
    fn variable(&self, f: FuncId, var: ValueId, at: ValueId, depth: u32) -> Option<ConstValue> {
        if depth > MAX_DEPTH {
            return None;
        }
        let func = &self.funcs[f];
        let elem = match self.store.ty(go_types::under::unalias(self.store, func.instr(var).ty?)) {
            Type::Pointer(elem) => *elem,
            _ => return None,
        };
        let zero = self.zero(elem)?;
        let (stores, goes) = self.uses(f, var);
        let order = Order::new(func);
        let before = |&s: &ValueId| order.after(s, at, Some(var));
        if goes.iter().any(|&g| g != at && before(&g) && self.changes(f, g, var)) {
            return None;
        }
        let seen: Vec<ValueId> = stores.into_iter().filter(before).collect();
        match seen[..] {
            [] => Some(zero),
            [store] if order.dominates(store, at) => match func.instr(store).op {
                Op::Store { value, .. } => self.value(f, value, depth + 1),
                _ => None,
            },
            _ => None,
        }
    }

    /// The stores to a variable or captured variable, and the other uses of its address.
    fn uses(&self, f: FuncId, addr: ValueId) -> (Vec<ValueId>, Vec<ValueId>) {
        let (mut stores, mut goes) = (Vec::new(), Vec::new());
        for (v, instr) in self.funcs[f].values.iter_enumerated() {
            match &instr.op {
                Op::Load(_) => {}
                Op::Store { addr: to, value } if *to == addr && *value != addr => stores.push(v),
                op => {
                    let mut used = false;
                    op.for_each_operand(|x| used |= x == addr);
                    if used {
                        goes.push(v);
                    }
                }
            }
        }
        (stores, goes)
    }

    /// Whether a use of an address lets somebody change what is there: all but a closure that only
    /// reads it.
    fn changes(&self, f: FuncId, used: ValueId, addr: ValueId) -> bool {
        let Op::MakeClosure { func, bindings } = &self.funcs[f].instr(used).op else {
            return true;
        };
        bindings.iter().enumerate().filter(|(_, b)| **b == addr).any(|(n, _)| {
            let closure = &self.funcs[*func];
            closure.values.iter_enumerated().any(|(v, instr)| {
                matches!(instr.op, Op::FreeVar(m) if m as usize == n) && self.is_written(*func, v)
            })
        })
    }

    fn is_written(&self, f: FuncId, free: ValueId) -> bool {
        let (stores, goes) = self.uses(f, free);
        !stores.is_empty() || goes.iter().any(|&g| self.changes(f, g, free))
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp as B;
    matches!(op, B::Eq | B::Ne | B::Lt | B::Le | B::Gt | B::Ge)
}
