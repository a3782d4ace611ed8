//! The predeclared functions.

use go_syntax::ast::ExprId;
use go_types::{BuiltinId, Mode, Type, TypeId};
use smallvec::SmallVec;
use source::FileSpan;

use super::Lowerer;
use super::call::CallExpr;
use crate::ir::{CallInfo, Callee, FuncKind, Op, Terminator, ValueId};

type Operands = SmallVec<[ValueId; 3]>;

impl Lowerer<'_> {
    pub(super) fn builtin(
        &mut self,
        id: BuiltinId,
        e: ExprId,
        call: CallExpr<'_>,
    ) -> Option<ValueId> {
        let operands = self.builtin_operands(id, e, call);
        let ty = (self.mode_of(e) != Mode::NoValue).then(|| self.type_of(e));
        self.apply_builtin(id, operands, ty, self.span(e))
    }

    /// `defer close(c)` and the like: the operands are evaluated now, the rest runs in a closure
    /// that takes them as parameters.
    pub(super) fn builtin_closure(
        &mut self,
        id: BuiltinId,
        e: ExprId,
        call: CallExpr<'_>,
    ) -> CallInfo {
        let args = self.builtin_operands(id, e, call);
        let ty = (self.mode_of(e) != Mode::NoValue).then(|| self.type_of(e));
        let span = self.span(e);
        let types: Vec<TypeId> = args.iter().map(|&v| self.value_type(v)).collect();
        let name = self.literal_name();
        let sig = self.store.universe().empty_signature;
        self.enter_func(FuncKind::Literal, name, sig, span);
        let params: Operands =
            (0u32..).zip(types).map(|(i, t)| self.emit(Op::Param(i), t, span)).collect();
        self.f.params = params.to_vec();
        self.apply_builtin(id, params, ty, span);
        if !self.f.ssa.is_done() {
            self.f.ssa.terminate(Terminator::Return(SmallVec::new()));
        }
        let closure = self.leave_func(sig, span);
        let args = args.into_iter().collect();
        CallInfo { callee: Callee::Value(closure), args, packed: false }
    }

    fn builtin_operands(&mut self, id: BuiltinId, e: ExprId, call: CallExpr<'_>) -> Operands {
        let exprs = call.args;
        if let [only] = *exprs
            && self.is_tuple(self.type_of(only))
        {
            let values = self.multi(only);
            return match (id, &values[..]) {
                (BuiltinId::Append, [slice, rest @ ..]) => {
                    self.append_operands(*slice, rest, self.type_of(e), self.span(e))
                }
                _ => values.into_iter().collect(),
            };
        }
        match (id, exprs) {
            // The operand is not evaluated.
            (BuiltinId::UnsafeSizeof | BuiltinId::UnsafeAlignof | BuiltinId::UnsafeOffsetof, _) => {
                SmallVec::new()
            }
            (BuiltinId::Append, [slice, rest @ ..]) => {
                let ty = self.type_of(e);
                let slice = self.expr_to(*slice, ty);
                if call.ellipsis {
                    let rest = rest.iter().map(|&e| self.expr(e));
                    return std::iter::once(slice).chain(rest).collect();
                }
                let elem = self.slice_elem(ty);
                let values: Vec<ValueId> = rest.iter().map(|&e| self.expr_to(e, elem)).collect();
                self.append_operands(slice, &values, ty, self.span(e))
            }
            (BuiltinId::Delete, &[map, key]) => {
                let value = self.expr(map);
                let key = self.map_key(map, key);
                SmallVec::from_slice(&[value, key])
            }
            (BuiltinId::Panic, &[x]) => {
                let any = self.any_type();
                SmallVec::from_slice(&[self.expr_to(x, any)])
            }
            _ => {
                let values = exprs.iter().filter(|&&x| self.mode_of(x) != Mode::TypeExpr);
                let values: SmallVec<[ExprId; 4]> = values.copied().collect();
                values.into_iter().map(|x| self.expr(x)).collect()
            }
        }
    }

    fn append_operands(
        &mut self,
        slice: ValueId,
        rest: &[ValueId],
        ty: TypeId,
        span: FileSpan,
    ) -> Operands {
        if rest.is_empty() {
            return SmallVec::from_slice(&[slice]);
        }
        let elem = self.slice_elem(ty);
        let rest: Vec<ValueId> = rest.iter().map(|&v| self.coerce(v, elem, span)).collect();
        let packed = self.pack(&rest, elem, ty, span);
        SmallVec::from_slice(&[slice, packed])
    }

    fn apply_builtin(
        &mut self,
        id: BuiltinId,
        args: Operands,
        ty: Option<TypeId>,
        span: FileSpan,
    ) -> Option<ValueId> {
        let first_is_map = args.first().is_some_and(|&v| self.is_map(self.value_type(v)));
        let op = match (id, &args[..]) {
            (BuiltinId::Delete, &[map, key]) => {
                self.effect(Op::MapDelete { map, key }, span);
                return None;
            }
            (BuiltinId::Clear, &[map]) if first_is_map => {
                self.effect(Op::MapClear(map), span);
                return None;
            }
            (BuiltinId::Close, &[chan]) => {
                self.effect(Op::Close(chan), span);
                return None;
            }
            (BuiltinId::Panic, &[value]) => {
                self.run_defers(span);
                self.f.ssa.terminate(Terminator::Panic(value));
                return None;
            }
            (BuiltinId::New, args) => return self.new_builtin(args, ty?, span),
            (BuiltinId::Len, &[map]) if first_is_map => Op::MapLen(map),
            (BuiltinId::Recover, _) => Op::Recover,
            (BuiltinId::Make, sizes) => match self.core_type(ty?) {
                Type::Map { .. } => Op::MakeMap,
                Type::Chan { .. } => Op::MakeChan(sizes.first().copied()),
                Type::Slice(_) if !sizes.is_empty() => {
                    Op::MakeSlice { len: sizes[0], cap: sizes.get(1).copied() }
                }
                _ => Op::Unknown,
            },
            _ => Op::BuiltinCall { id, args },
        };
        let v = self.f.ssa.emit(op, ty, span);
        ty.map(|_| v)
    }

    fn new_builtin(&mut self, args: &[ValueId], ty: TypeId, span: FileSpan) -> Option<ValueId> {
        let addr = self.emit(Op::Alloc { var: None }, ty, span);
        // `new(v)` of Go 1.26
        if let Some(&value) = args.first() {
            let elem = self.pointee(ty).unwrap_or_else(|| self.store.invalid());
            let value = self.coerce(value, elem, span);
            self.effect(Op::Store { addr, value }, span);
        }
        Some(addr)
    }
}
