//! Calls of functions, methods, interfaces and function values; `go` and `defer`.

use go_syntax::ast::{ExprId, ExprKind};
use go_types::{Mode, ObjId, Selection, SelectionKind, Type, TypeId};
use smallvec::SmallVec;
use source::FileSpan;

use super::Lowerer;
use super::library::{lock_op, never_returns};
use super::place::{Place, PlaceKind};
use crate::ir::{CallInfo, Callee, FuncKind, LockOp, Op, Terminator, ValueId};

/// A call taken apart: the parts of the syntax.
#[derive(Clone, Copy)]
pub(super) struct CallExpr<'a> {
    pub fun: ExprId,
    pub args: &'a [ExprId],
    pub ellipsis: bool,
}

impl<'a> Lowerer<'a> {
    pub(super) fn call_expr(&self, e: ExprId) -> Option<CallExpr<'a>> {
        match self.ast.expr(e).kind {
            ExprKind::Call { fun, args, ellipsis } => {
                let fun = self.ast.unparen(fun);
                Some(CallExpr { fun, args: self.ast.expr_list(args), ellipsis })
            }
            _ => None,
        }
    }

    /// A call that runs here; no value when it yields none.
    pub(super) fn call(&mut self, e: ExprId) -> Option<ValueId> {
        let call = self.call_expr(e)?;
        let (ty, span) = (self.type_of(e), self.span(e));
        match self.mode_of(call.fun) {
            Mode::TypeExpr => {
                let &x = call.args.first()?;
                return Some(self.conversion(x, ty, span));
            }
            Mode::Builtin(id) => return self.builtin(id, e, call),
            _ => {}
        }
        let has_value = self.mode_of(e) != Mode::NoValue;
        let info = self.call_info(call);
        if let Some((op, addr)) = self.lock(&info) {
            let ty = has_value.then_some(ty);
            let v = self.f.ssa.emit(Op::Lock { op, addr, deferred: false }, ty, span);
            return has_value.then_some(v);
        }
        let ends = match info.callee {
            Callee::Static { obj, .. } => never_returns(self.store, obj),
            Callee::Interface { method } => never_returns(self.store, method),
            Callee::Value(_) => false,
        };
        let v = self.f.ssa.emit(Op::Call(info), has_value.then_some(ty), span);
        if ends {
            self.f.ssa.terminate(Terminator::Unreachable);
        }
        has_value.then_some(v)
    }

    /// `go f(x)` or `defer f(x)`.
    pub(super) fn go_or_defer(&mut self, e: ExprId, deferred: bool, span: FileSpan) {
        let e = self.ast.unparen(e);
        let Some(call) = self.call_expr(e) else {
            self.expr(e);
            return;
        };
        let info = match self.mode_of(call.fun) {
            Mode::Builtin(go_types::BuiltinId::Recover) => return,
            Mode::Builtin(id) => self.builtin_closure(id, e, call),
            Mode::TypeExpr => {
                self.expr(e);
                return;
            }
            _ => self.call_info(call),
        };
        if !deferred {
            return self.effect(Op::Go(info), span);
        }
        let op = match self.lock(&info) {
            Some((op, addr)) => Op::Lock { op, addr, deferred: true },
            None => Op::Defer(info),
        };
        self.effect(op, span);
    }

    fn lock(&self, info: &CallInfo) -> Option<(LockOp, ValueId)> {
        let method = match info.callee {
            Callee::Static { obj, .. } => obj,
            Callee::Interface { method } => method,
            Callee::Value(_) => return None,
        };
        Some((lock_op(self.store, method)?, *info.args.first()?))
    }

    /// Evaluates what is called and with what.
    fn call_info(&mut self, call: CallExpr<'_>) -> CallInfo {
        let mut args = SmallVec::new();
        let callee = self.callee(call.fun, &mut args);
        let sig = self.signature_params(call.fun);
        let packed = self.args(sig, call.args, call.ellipsis, &mut args);
        CallInfo { callee, args, packed }
    }

    fn signature_params(&self, fun: ExprId) -> Option<Params> {
        let sig = self.signature(self.type_of(fun))?;
        let types = sig.params.iter().map(|&p| self.obj_type(p)).collect();
        Some(Params { types, variadic: sig.variadic && !sig.params.is_empty() })
    }

    /// What an expression calls; its receiver is put into `args`.
    pub(super) fn callee(&mut self, fun: ExprId, args: &mut SmallVec<[ValueId; 4]>) -> Callee {
        let Some(func) = self.generic_func(fun) else {
            return Callee::Value(self.expr(fun));
        };
        let instance = self.file.instances.get(&func);
        let targs = instance.map(|i| SmallVec::from_slice(&i.targs)).unwrap_or_default();
        let Some(selection) = self.selection(func) else {
            return match self.obj_of(func) {
                Some(obj) => Callee::Static { obj: self.origin(obj), targs },
                None => Callee::Value(self.expr(fun)),
            };
        };
        match (self.ast.expr(func).kind, selection.kind) {
            (ExprKind::Selector { x, .. }, SelectionKind::MethodVal) => {
                let recv = self.receiver(x, &selection, self.span(func));
                args.push(recv.value);
                if recv.is_interface {
                    Callee::Interface { method: recv.method }
                } else {
                    Callee::Static { obj: recv.method, targs }
                }
            }
            (_, SelectionKind::MethodExpr) => match self.direct_method(&selection) {
                Some((method, true)) => Callee::Interface { method },
                Some((obj, false)) => Callee::Static { obj, targs },
                None => Callee::Value(self.expr(fun)),
            },
            _ => Callee::Value(self.expr(fun)),
        }
    }

    /// Evaluates arguments for parameters; whether the variadic ones were packed.
    fn args(
        &mut self,
        sig: Option<Params>,
        exprs: &[ExprId],
        ellipsis: bool,
        out: &mut SmallVec<[ValueId; 4]>,
    ) -> bool {
        let Some(sig) = sig else {
            out.extend(exprs.iter().map(|&e| self.expr(e)));
            return false;
        };
        if let [only] = *exprs
            && self.is_tuple(self.type_of(only))
        {
            let span = self.span(only);
            let values = self.multi(only);
            return self.spread(&sig, values, span, out);
        }
        let fixed = if sig.variadic && !ellipsis { sig.types.len() - 1 } else { sig.types.len() };
        for (i, &e) in exprs.iter().enumerate().take(fixed) {
            let value = self.expr_to(e, sig.types[i]);
            out.push(value);
        }
        let rest = exprs.get(fixed..).unwrap_or_default();
        if !sig.variadic || ellipsis {
            // More arguments than parameters: an error in the source.
            for &e in rest {
                self.expr(e);
            }
            return false;
        }
        let slice = sig.types[fixed];
        let elem = self.slice_elem(slice);
        let values: Vec<ValueId> = rest.iter().map(|&e| self.expr_to(e, elem)).collect();
        let span = match (rest.first(), rest.last()) {
            (Some(&a), Some(&b)) => self.file_span(self.ast.expr(a).span.to(self.ast.expr(b).span)),
            _ => exprs.last().map_or(self.f.span, |&e| self.span(e)),
        };
        let packed = self.pack(&values, elem, slice, span);
        out.push(packed);
        true
    }

    /// The values of a call `f(g())`, with `g` yielding several.
    fn spread(
        &mut self,
        sig: &Params,
        values: Vec<ValueId>,
        span: FileSpan,
        out: &mut SmallVec<[ValueId; 4]>,
    ) -> bool {
        let fixed = if sig.variadic { sig.types.len() - 1 } else { sig.types.len() };
        let mut rest = Vec::new();
        for (i, value) in values.into_iter().enumerate() {
            if i < fixed {
                let value = self.coerce(value, sig.types[i], span);
                out.push(value);
            } else if sig.variadic {
                let elem = self.slice_elem(sig.types[fixed]);
                rest.push(self.coerce(value, elem, span));
            }
        }
        if sig.variadic {
            let slice = sig.types[fixed];
            let elem = self.slice_elem(slice);
            let packed = self.pack(&rest, elem, slice, span);
            out.push(packed);
        }
        sig.variadic
    }

    pub(super) fn slice_elem(&self, slice: TypeId) -> TypeId {
        match *self.core_type(slice) {
            Type::Slice(elem) => elem,
            _ => self.store.invalid(),
        }
    }

    /// A new slice of these values.
    pub(super) fn pack(
        &mut self,
        values: &[ValueId],
        elem: TypeId,
        slice: TypeId,
        span: FileSpan,
    ) -> ValueId {
        if values.is_empty() {
            return self.emit(Op::Zero, slice, span);
        }
        let array = self.array_of(elem, values.len() as i64);
        let pointer = self.pointer_to(array);
        let addr = self.emit(Op::Alloc { var: None }, pointer, span);
        let elem_pointer = self.pointer_to(elem);
        for (i, &value) in values.iter().enumerate() {
            let index = self.int_const(i as i64, span);
            let at = self.emit(Op::IndexAddr { base: addr, index }, elem_pointer, span);
            self.effect(Op::Store { addr: at, value }, span);
        }
        self.emit(Op::SliceExpr { x: addr, bounds: [None; 3] }, slice, span)
    }

    /// The method that `T.m` is, if the receiver needs no change before it is called; and whether
    /// it is an interface's.
    fn direct_method(&self, s: &Selection) -> Option<(ObjId, bool)> {
        let method = self.origin(s.obj);
        if s.index.len() != 1 {
            return None;
        }
        if self.is_interface(s.recv) || self.is_type_param(s.recv) {
            return Some((method, true));
        }
        let recv = go_types::under::unalias(self.store, s.recv);
        let is_pointer = matches!(self.store.ty(recv), Type::Pointer(_));
        let wants_pointer = super::prepass::has_pointer_receiver(self.store, method);
        (is_pointer == wants_pointer).then_some((method, false))
    }

    /// The function value `T.m`: the method itself, or a closure that adjusts the receiver.
    pub(super) fn method_expr(&mut self, e: ExprId, x: ExprId, s: &Selection) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        if let Some((method, false)) = self.direct_method(s) {
            return self.emit(Op::Func(method), ty, span);
        }
        let Some(sig) = self.signature(ty) else { return self.unknown(ty, span) };
        let (params, results) = (sig.params.to_vec(), sig.results.to_vec());
        let recv_type = self.file.type_of(x).unwrap_or(s.recv);
        let name = self.literal_name();
        self.enter_func(FuncKind::Literal, name, ty, span);
        self.params(&params);
        let mut args: SmallVec<[ValueId; 4]> = SmallVec::from_slice(&self.f.params);
        if let Some(&first) = args.first() {
            let path = &s.index[..s.index.len().saturating_sub(1)];
            let start = Place { kind: PlaceKind::Value(first), ty: recv_type };
            let at = self.walk_path(start, path, span);
            let recv = self.receiver_at(at, s.obj, span);
            args[0] = recv.value;
            let callee = if recv.is_interface {
                Callee::Interface { method: recv.method }
            } else {
                Callee::Static { obj: recv.method, targs: SmallVec::new() }
            };
            self.forward_call(CallInfo { callee, args, packed: false }, &results, span);
        }
        self.leave_func(ty, span)
    }

    /// Calls, and returns what the call yields.
    fn forward_call(&mut self, info: CallInfo, results: &[ObjId], span: FileSpan) {
        let types: Vec<TypeId> = results.iter().map(|&r| self.obj_type(r)).collect();
        if let Some((op, addr)) = self.lock(&info) {
            let ty = types.first().copied();
            let v = self.f.ssa.emit(Op::Lock { op, addr, deferred: false }, ty, span);
            let values = types.iter().map(|_| v).collect();
            return self.f.ssa.terminate(Terminator::Return(values));
        }
        let values: SmallVec<[ValueId; 2]> = match types[..] {
            [] => {
                self.effect(Op::Call(info), span);
                SmallVec::new()
            }
            [only] => SmallVec::from_slice(&[self.emit(Op::Call(info), only, span)]),
            _ => {
                let tuple_type = self.tuple_of(&types);
                let tuple = self.emit(Op::Call(info), tuple_type, span);
                (0u32..).zip(types).map(|(i, t)| self.extract(tuple, i, t, span)).collect()
            }
        };
        self.f.ssa.terminate(Terminator::Return(values));
    }
}

/// What a call needs of a signature, by value.
struct Params {
    types: SmallVec<[TypeId; 6]>,
    variadic: bool,
}
