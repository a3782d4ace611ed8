//! The operands of instructions and terminators, listed once for every pass that walks values
//! without caring what an operation means.

use crate::ir::{CallInfo, Callee, Op, Terminator, ValueId};

impl Op {
    /// Calls `f` with each value that the operation uses, in evaluation order.
    pub fn for_each_operand(&self, mut f: impl FnMut(ValueId)) {
        match self {
            Op::Param(_)
            | Op::FreeVar(_)
            | Op::Const(_)
            | Op::Zero
            | Op::Global(_)
            | Op::Func(_)
            | Op::Alloc { .. }
            | Op::MakeMap
            | Op::RunDefers
            | Op::Recover
            | Op::Unknown => {}
            Op::Load(v)
            | Op::Convert(v)
            | Op::MakeInterface(v)
            | Op::MapClear(v)
            | Op::MapLen(v)
            | Op::MapRange(v)
            | Op::RangeNext(v)
            | Op::StringRange(v)
            | Op::Close(v)
            | Op::Field { base: v, .. }
            | Op::FieldAddr { base: v, .. }
            | Op::Extract { tuple: v, .. }
            | Op::Unary { x: v, .. }
            | Op::TypeAssert { x: v, .. }
            | Op::BoundMethod { recv: v, .. }
            | Op::Recv { chan: v, .. }
            | Op::Lock { addr: v, .. } => f(*v),
            Op::Store { addr: a, value: b }
            | Op::IndexAddr { base: a, index: b }
            | Op::Index { base: a, index: b }
            | Op::Binary { x: a, y: b, .. }
            | Op::MapLookup { map: a, key: b, .. }
            | Op::MapDelete { map: a, key: b }
            | Op::Send { chan: a, value: b } => {
                f(*a);
                f(*b);
            }
            Op::MapUpdate { map, key, value, .. } => {
                f(*map);
                f(*key);
                f(*value);
            }
            Op::Phi(vs) => vs.iter().copied().for_each(f),
            Op::MakeClosure { bindings, .. } => bindings.iter().copied().for_each(f),
            Op::MakeSlice { len, cap } => {
                f(*len);
                cap.iter().copied().for_each(f);
            }
            Op::SliceExpr { x, bounds } => {
                f(*x);
                bounds.iter().copied().flatten().for_each(f);
            }
            Op::MakeChan(size) => size.iter().copied().for_each(f),
            Op::Select { cases, .. } => {
                for case in cases {
                    f(case.chan);
                    case.send.iter().copied().for_each(&mut f);
                }
            }
            Op::Call(call) | Op::Go(call) | Op::Defer(call) => call.for_each_operand(f),
            Op::BuiltinCall { args, .. } => args.iter().copied().for_each(f),
        }
    }

    /// Calls `f` with each operand, to replace it.
    pub fn for_each_operand_mut(&mut self, mut f: impl FnMut(&mut ValueId)) {
        match self {
            Op::Param(_)
            | Op::FreeVar(_)
            | Op::Const(_)
            | Op::Zero
            | Op::Global(_)
            | Op::Func(_)
            | Op::Alloc { .. }
            | Op::MakeMap
            | Op::RunDefers
            | Op::Recover
            | Op::Unknown => {}
            Op::Load(v)
            | Op::Convert(v)
            | Op::MakeInterface(v)
            | Op::MapClear(v)
            | Op::MapLen(v)
            | Op::MapRange(v)
            | Op::RangeNext(v)
            | Op::StringRange(v)
            | Op::Close(v)
            | Op::Field { base: v, .. }
            | Op::FieldAddr { base: v, .. }
            | Op::Extract { tuple: v, .. }
            | Op::Unary { x: v, .. }
            | Op::TypeAssert { x: v, .. }
            | Op::BoundMethod { recv: v, .. }
            | Op::Recv { chan: v, .. }
            | Op::Lock { addr: v, .. } => f(v),
            Op::Store { addr: a, value: b }
            | Op::IndexAddr { base: a, index: b }
            | Op::Index { base: a, index: b }
            | Op::Binary { x: a, y: b, .. }
            | Op::MapLookup { map: a, key: b, .. }
            | Op::MapDelete { map: a, key: b }
            | Op::Send { chan: a, value: b } => {
                f(a);
                f(b);
            }
            Op::MapUpdate { map, key, value, .. } => {
                f(map);
                f(key);
                f(value);
            }
            Op::Phi(vs) => vs.iter_mut().for_each(f),
            Op::MakeClosure { bindings, .. } => bindings.iter_mut().for_each(f),
            Op::MakeSlice { len, cap } => {
                f(len);
                cap.iter_mut().for_each(f);
            }
            Op::SliceExpr { x, bounds } => {
                f(x);
                bounds.iter_mut().flatten().for_each(f);
            }
            Op::MakeChan(size) => size.iter_mut().for_each(f),
            Op::Select { cases, .. } => {
                for case in cases {
                    f(&mut case.chan);
                    case.send.iter_mut().for_each(&mut f);
                }
            }
            Op::Call(call) | Op::Go(call) | Op::Defer(call) => {
                if let Callee::Value(v) = &mut call.callee {
                    f(v);
                }
                call.args.iter_mut().for_each(f);
            }
            Op::BuiltinCall { args, .. } => args.iter_mut().for_each(f),
        }
    }

    /// Whether the operation does nothing but yield a value, so that it can be left out when
    /// no one uses it. Loads and lookups are kept: they are accesses.
    pub fn is_pure(&self) -> bool {
        matches!(
            self,
            Op::FreeVar(_)
                | Op::Const(_)
                | Op::Zero
                | Op::Global(_)
                | Op::Func(_)
                | Op::FieldAddr { .. }
                | Op::Field { .. }
                | Op::Phi(_)
                | Op::Extract { .. }
                | Op::Alloc { .. }
                | Op::MakeInterface(_)
        )
    }
}

impl CallInfo {
    /// Calls `f` with the function value, if that is what is called, and each argument.
    pub fn for_each_operand(&self, mut f: impl FnMut(ValueId)) {
        if let Callee::Value(v) = self.callee {
            f(v);
        }
        self.args.iter().copied().for_each(f);
    }
}

impl Terminator {
    /// Calls `f` with each value that the terminator uses.
    pub fn for_each_operand(&self, mut f: impl FnMut(ValueId)) {
        match self {
            Terminator::If { cond: v, .. } | Terminator::Panic(v) => f(*v),
            Terminator::Return(vs) => vs.iter().copied().for_each(f),
            Terminator::Jump(_) | Terminator::Unreachable => {}
        }
    }

    /// Calls `f` with each operand, to replace it.
    pub fn for_each_operand_mut(&mut self, mut f: impl FnMut(&mut ValueId)) {
        match self {
            Terminator::If { cond: v, .. } | Terminator::Panic(v) => f(v),
            Terminator::Return(vs) => vs.iter_mut().for_each(f),
            Terminator::Jump(_) | Terminator::Unreachable => {}
        }
    }

    /// Calls `f` with each block that control may go to, to replace it.
    pub fn for_each_target_mut(&mut self, mut f: impl FnMut(&mut crate::ir::BlockId)) {
        match self {
            Terminator::Jump(to) => f(to),
            Terminator::If { then, els, .. } => {
                f(then);
                f(els);
            }
            Terminator::Return(_) | Terminator::Panic(_) | Terminator::Unreachable => {}
        }
    }
}
