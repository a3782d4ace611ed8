//! Values: operators, comparisons, assertions, and the control flow of `&&` and `||`.

use go_syntax::ast::{BinaryOp, ExprId, ExprKind, UnaryOp};
use go_types::{ConstValue, Mode, ObjKind, Type, TypeId, VarKind};
use smallvec::SmallVec;
use source::FileSpan;

use super::Lowerer;
use super::types::is_local_var;
use crate::ir::{BlockId, Op, ValueId};

impl Lowerer<'_> {
    /// The value of an expression, converted to nothing. Never fails: what has none is `Unknown`.
    pub(super) fn expr(&mut self, e: ExprId) -> ValueId {
        if let Some(v) = self.constant(e) {
            return v;
        }
        let e = self.ast.unparen(e);
        match self.deeper(|l| l.expr_inner(e)) {
            Some(v) => v,
            None => self.unknown(self.type_of(e), self.span(e)),
        }
    }

    /// Runs an expression for its effects.
    pub(super) fn run(&mut self, e: ExprId) {
        let e = self.ast.unparen(e);
        if let ExprKind::Call { .. } = self.ast.expr(e).kind {
            self.deeper(|l| l.call(e));
        } else {
            self.expr(e);
        }
    }

    /// The parts of a tuple: of a call with several results, or of a comma-ok form.
    pub(super) fn multi(&mut self, e: ExprId) -> Vec<ValueId> {
        let e = self.ast.unparen(e);
        let ty = self.type_of(e);
        if !self.is_tuple(ty) {
            return vec![self.expr(e)];
        }
        let tuple = match self.deeper(|l| l.comma_ok_or_call(e, ty)) {
            Some(v) => v,
            None => self.unknown(ty, self.span(e)),
        };
        let span = self.span(e);
        let parts = self.tuple_types(ty);
        (0u32..).zip(parts).map(|(i, t)| self.extract(tuple, i, t, span)).collect()
    }

    pub(super) fn extract(
        &mut self,
        tuple: ValueId,
        index: u32,
        ty: TypeId,
        span: FileSpan,
    ) -> ValueId {
        self.emit(Op::Extract { tuple, index }, ty, span)
    }

    fn comma_ok_or_call(&mut self, e: ExprId, ty: TypeId) -> ValueId {
        let span = self.span(e);
        match self.ast.expr(e).kind {
            ExprKind::Call { .. } => {
                let value = self.call(e);
                value.unwrap_or_else(|| self.unknown(ty, span))
            }
            ExprKind::Index { x, indices } => match *self.ast.expr_list(indices) {
                [index] if self.is_map(self.type_of(x)) => {
                    let map = self.expr(x);
                    let key = self.map_key(x, index);
                    self.emit(Op::MapLookup { map, key, comma_ok: true }, ty, span)
                }
                _ => self.unknown(ty, span),
            },
            ExprKind::TypeAssert { x, ty: Some(_) } => {
                let x = self.expr(x);
                self.emit(Op::TypeAssert { x, comma_ok: true }, ty, span)
            }
            ExprKind::Unary { op: UnaryOp::Recv, x } => {
                let chan = self.expr(x);
                self.emit(Op::Recv { chan, comma_ok: true }, ty, span)
            }
            _ => self.unknown(ty, span),
        }
    }

    /// The `Const` of a constant expression.
    fn constant(&mut self, e: ExprId) -> Option<ValueId> {
        let value = self.const_value(e)?.clone();
        Some(self.emit(Op::Const(value), self.type_of(e), self.span(e)))
    }

    pub(super) fn const_value(&self, e: ExprId) -> Option<&ConstValue> {
        if self.mode_of(e) != Mode::Constant {
            return None;
        }
        self.file.consts.get(&e).filter(|c| !matches!(c, ConstValue::Unknown))
    }

    fn expr_inner(&mut self, e: ExprId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        if let Some(v) = self.constant(e) {
            return v;
        }
        match self.ast.expr(e).kind {
            ExprKind::Ident(_) => self.ident(e),
            ExprKind::FuncLit { .. } => self.func_lit(e),
            ExprKind::CompositeLit { .. } => self.composite_lit(e),
            ExprKind::Selector { .. } => self.selector(e),
            ExprKind::Index { x, indices } => self.index(e, x, self.ast.expr_list(indices)),
            ExprKind::Slice { x, bounds } => self.slice_expr(e, x, bounds),
            ExprKind::TypeAssert { x, ty: Some(_) } => {
                let x = self.expr(x);
                self.emit(Op::TypeAssert { x, comma_ok: false }, ty, span)
            }
            ExprKind::Call { .. } => {
                let value = self.call(e);
                value.unwrap_or_else(|| self.unknown(ty, span))
            }
            ExprKind::Star(_) => {
                let place = self.place(e);
                self.load(place, span)
            }
            ExprKind::Unary { op, x } => self.unary(e, op, x),
            ExprKind::Binary { op: BinaryOp::LogicalAnd | BinaryOp::LogicalOr, .. } => {
                self.logical(e)
            }
            ExprKind::Binary { .. } => self.binary_spine(e),
            _ => self.unknown(ty, span),
        }
    }

    fn ident(&mut self, e: ExprId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        match self.obj_of(e) {
            Some(obj) => self.object_value(e, obj),
            None => self.unknown(ty, span),
        }
    }

    /// The value of a variable, function or `nil`, named by `e` with or without a package.
    pub(super) fn object_value(&mut self, e: ExprId, obj: go_types::ObjId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        match self.store.obj(obj).kind {
            ObjKind::Var { kind: VarKind::Package, .. } => {
                let place = self.place(e);
                self.load(place, span)
            }
            ObjKind::Var { .. } if is_local_var(self.store, obj) => self.read_var(obj, span),
            ObjKind::Func { .. } => self.emit(Op::Func(self.origin(obj)), ty, span),
            ObjKind::Nil => self.emit(Op::Zero, ty, span),
            _ => self.unknown(ty, span),
        }
    }

    fn unary(&mut self, e: ExprId, op: UnaryOp, x: ExprId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        match op {
            UnaryOp::Addr => self.address_of(x, ty, span),
            UnaryOp::Recv => {
                let chan = self.expr(x);
                self.emit(Op::Recv { chan, comma_ok: false }, ty, span)
            }
            UnaryOp::Plus => self.expr(x),
            _ => {
                let x = self.expr(x);
                self.emit(Op::Unary { op, x }, ty, span)
            }
        }
    }

    /// `a + b + c + …`, which may have thousands of operands, without a recursion each.
    fn binary_spine(&mut self, e: ExprId) -> ValueId {
        let mut spine = Vec::new();
        let mut left = e;
        while let ExprKind::Binary { op, x, y, .. } = self.ast.expr(left).kind {
            let logical = matches!(op, BinaryOp::LogicalAnd | BinaryOp::LogicalOr);
            if logical || !spine.is_empty() && self.const_value(left).is_some() {
                break;
            }
            spine.push((left, op, x, y));
            left = self.ast.unparen(x);
        }
        let mut value = None;
        while let Some((e, op, x, y)) = spine.pop() {
            value = Some(self.binary(e, op, x, value, y));
        }
        value.unwrap_or_else(|| self.unknown(self.type_of(e), self.span(e)))
    }

    /// `x op y`; `left` is the value of `x` when it has been computed.
    fn binary(
        &mut self,
        e: ExprId,
        op: BinaryOp,
        x: ExprId,
        left: Option<ValueId>,
        y: ExprId,
    ) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        let (mut tx, mut ty_y) = (self.type_of(x), self.type_of(y));
        if matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
            // A concrete operand is compared as an interface value; `nil` has the other's type.
            if self.is_nil(x) || self.is_interface(ty_y) && !self.is_interface(tx) {
                tx = ty_y;
            } else if self.is_nil(y) || self.is_interface(tx) && !self.is_interface(ty_y) {
                ty_y = tx;
            }
            let x = match left {
                Some(v) => self.coerce(v, tx, span),
                None => self.expr_to(x, tx),
            };
            let y = self.expr_to(y, ty_y);
            return self.emit(Op::Binary { op, x, y }, ty, span);
        }
        let x = left.unwrap_or_else(|| self.expr(x));
        let y = self.expr(y);
        self.emit(Op::Binary { op, x, y }, ty, span)
    }

    /// The value of `x && y` or `x || y`.
    fn logical(&mut self, e: ExprId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        let [then, els, done] = [(); 3].map(|()| self.f.ssa.new_block());
        self.cond(e, then, els);
        let mut values: SmallVec<[ValueId; 2]> = SmallVec::new();
        for (block, value) in [(then, true), (els, false)] {
            self.f.ssa.switch_to_sealed(block);
            values.push(self.emit(Op::Const(ConstValue::Bool(value)), ty, span));
            self.f.ssa.jump(done);
        }
        self.f.ssa.switch_to_sealed(done);
        self.f.ssa.emit_phi(done, values, ty, span)
    }

    /// Ends the current block by going to `then` or `els`.
    pub(super) fn cond(&mut self, e: ExprId, then: BlockId, els: BlockId) {
        if let Some(ConstValue::Bool(b)) = self.const_value(e) {
            let to = if *b { then } else { els };
            return self.f.ssa.jump(to);
        }
        let e = self.ast.unparen(e);
        let done = self.deeper(|l| l.cond_inner(e, then, els));
        if done.is_none() {
            let cond = self.unknown(self.type_of(e), self.span(e));
            self.f.ssa.branch(cond, then, els);
        }
    }

    fn cond_inner(&mut self, e: ExprId, then: BlockId, els: BlockId) {
        match self.ast.expr(e).kind {
            ExprKind::Unary { op: UnaryOp::Not, x } => self.cond(x, els, then),
            ExprKind::Binary { op: BinaryOp::LogicalAnd, x, y, .. } => {
                let right = self.f.ssa.new_block();
                self.cond(x, right, els);
                self.f.ssa.switch_to_sealed(right);
                self.cond(y, then, els);
            }
            ExprKind::Binary { op: BinaryOp::LogicalOr, x, y, .. } => {
                let right = self.f.ssa.new_block();
                self.cond(x, then, right);
                self.f.ssa.switch_to_sealed(right);
                self.cond(y, then, els);
            }
            _ => {
                let cond = self.expr(e);
                self.f.ssa.branch(cond, then, els);
            }
        }
    }

    fn slice_expr(&mut self, e: ExprId, x: ExprId, bounds: u32) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        let operand = if matches!(self.core_type(self.type_of(x)), Type::Array { .. }) {
            let pointer = self.pointer_to(self.type_of(x));
            self.address_of(x, pointer, self.span(x))
        } else {
            self.expr(x)
        };
        let b = self.ast.slice_bounds[bounds as usize];
        let bounds = [b.lo, b.hi, b.max].map(|b| b.map(|b| self.expr(b)));
        self.emit(Op::SliceExpr { x: operand, bounds }, ty, span)
    }
}
