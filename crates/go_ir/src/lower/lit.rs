//! Composite literals. A struct or array is built in the memory that it is for: that of the
//! variable declared with it, of the field that it is nested in, or new memory.

use go_syntax::ast::{ExprId, ExprKind, ExprRange};
use go_types::{ConstValue, Type, TypeId};
use smallvec::SmallVec;
use source::FileSpan;

use super::Lowerer;
use crate::ir::{Op, ValueId};

impl Lowerer<'_> {
    /// The value of a composite literal.
    pub(super) fn composite_lit(&mut self, e: ExprId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        let ExprKind::CompositeLit { elts, .. } = self.ast.expr(e).kind else {
            return self.unknown(ty, span);
        };
        match *self.core_type(ty) {
            // `{…}` inside a `[]*T{…}` is `&T{…}`.
            Type::Pointer(elem) => {
                let addr = self.emit(Op::Alloc { var: None }, ty, span);
                self.fill(addr, elem, elts, span);
                addr
            }
            Type::Struct(_) | Type::Array { .. } => {
                let pointer = self.pointer_to(ty);
                let addr = self.emit(Op::Alloc { var: None }, pointer, span);
                self.fill(addr, ty, elts, span);
                self.emit(Op::Load(addr), ty, span)
            }
            Type::Slice(elem) => {
                let array = self.array_of(elem, self.literal_len(elts));
                let pointer = self.pointer_to(array);
                let addr = self.emit(Op::Alloc { var: None }, pointer, span);
                self.fill(addr, array, elts, span);
                self.emit(Op::SliceExpr { x: addr, bounds: [None; 3] }, ty, span)
            }
            Type::Map { key, elem } => {
                let map = self.emit(Op::MakeMap, ty, span);
                self.fill_map(map, key, elem, elts);
                map
            }
            _ => {
                self.run_elements(elts);
                self.unknown(ty, span)
            }
        }
    }

    /// Stores the value of `e` in new memory of type `ty`. A literal is built in place: nothing
    /// in it can refer to memory that has no name yet.
    pub(super) fn init_memory(&mut self, addr: ValueId, ty: TypeId, e: ExprId, span: FileSpan) {
        let inner = self.ast.unparen(e);
        if let ExprKind::CompositeLit { elts, .. } = self.ast.expr(inner).kind
            && !self.is_interface(ty)
            && matches!(self.core_type(self.type_of(inner)), Type::Struct(_) | Type::Array { .. })
        {
            let at = self.span(inner);
            let done = self.deeper(|l| l.fill(addr, ty, elts, at));
            if done.is_some() {
                return;
            }
        }
        let value = self.expr_to(e, ty);
        self.effect(Op::Store { addr, value }, span);
    }

    fn fill(&mut self, addr: ValueId, ty: TypeId, elts: ExprRange, span: FileSpan) {
        match *self.core_type(ty) {
            Type::Struct(_) => self.fill_struct(addr, ty, elts),
            Type::Array { elem, .. } => self.fill_array(addr, elem, elts),
            // `&[]T{…}` and `&map[K]V{…}` of elided pointers.
            Type::Slice(elem) => {
                let array = self.array_of(elem, self.literal_len(elts));
                let pointer = self.pointer_to(array);
                let memory = self.emit(Op::Alloc { var: None }, pointer, span);
                self.fill_array(memory, elem, elts);
                let value = self.emit(Op::SliceExpr { x: memory, bounds: [None; 3] }, ty, span);
                self.effect(Op::Store { addr, value }, span);
            }
            Type::Map { key, elem } => {
                let value = self.emit(Op::MakeMap, ty, span);
                self.fill_map(value, key, elem, elts);
                self.effect(Op::Store { addr, value }, span);
            }
            _ => self.run_elements(elts),
        }
    }

    fn fill_struct(&mut self, addr: ValueId, ty: TypeId, elts: ExprRange) {
        for (i, &elt) in self.ast.expr_list(elts).iter().enumerate() {
            let (index, value) = match self.ast.expr(elt).kind {
                ExprKind::KeyValue { key, value } => (self.field_number(ty, key), value),
                _ => (Some(i), elt),
            };
            let field = index.and_then(|i| self.fields(ty)?.get(i).copied());
            let (Some(index), Some(field)) = (index, field) else {
                self.expr(value);
                continue;
            };
            let field_type = self.obj_type(field);
            let pointer = self.pointer_to(field_type);
            let op = Op::FieldAddr { base: addr, index: index as u32, field: self.origin(field) };
            let span = self.span(elt);
            let at = self.emit(op, pointer, span);
            self.init_memory(at, field_type, value, span);
        }
    }

    fn field_number(&self, ty: TypeId, key: ExprId) -> Option<usize> {
        let ExprKind::Ident(name) = self.ast.expr(key).kind else { return None };
        self.fields(ty)?.iter().position(|&f| self.store.obj(f).name == name)
    }

    fn fill_array(&mut self, addr: ValueId, elem: TypeId, elts: ExprRange) {
        let pointer = self.pointer_to(elem);
        let mut index = 0;
        for &elt in self.ast.expr_list(elts) {
            let value = self.element(elt, &mut index);
            // Tables of numbers and strings would be most of the code, and say nothing.
            if !self.is_constant_data(value) {
                let span = self.span(elt);
                let number = self.int_const(index, span);
                let op = Op::IndexAddr { base: addr, index: number };
                let at = self.emit(op, pointer, span);
                self.init_memory(at, elem, value, span);
            }
            index = index.saturating_add(1);
        }
    }

    /// The value of an array element; sets `index` when it has a key.
    fn element(&self, elt: ExprId, index: &mut i64) -> ExprId {
        match self.ast.expr(elt).kind {
            ExprKind::KeyValue { key, value } => {
                if let Some(&ConstValue::Int(n)) = self.const_value(key) {
                    *index = n;
                }
                value
            }
            _ => elt,
        }
    }

    fn literal_len(&self, elts: ExprRange) -> i64 {
        let (mut index, mut len) = (0i64, 0);
        for &elt in self.ast.expr_list(elts) {
            self.element(elt, &mut index);
            index = index.saturating_add(1);
            len = len.max(index);
        }
        len
    }

    /// Whether an element is a constant, or a struct or array of nothing else.
    fn is_constant_data(&self, e: ExprId) -> bool {
        let mut todo: SmallVec<[ExprId; 8]> = SmallVec::from_slice(&[e]);
        while let Some(e) = todo.pop() {
            if self.const_value(e).is_some() {
                continue;
            }
            match self.ast.expr(e).kind {
                ExprKind::Paren(x) => todo.push(x),
                ExprKind::CompositeLit { elts, .. }
                    if matches!(
                        self.core_type(self.type_of(e)),
                        Type::Struct(_) | Type::Array { .. }
                    ) =>
                {
                    for &elt in self.ast.expr_list(elts) {
                        todo.push(match self.ast.expr(elt).kind {
                            ExprKind::KeyValue { value, .. } => value,
                            _ => elt,
                        });
                    }
                }
                _ => return false,
            }
        }
        true
    }

    fn fill_map(&mut self, map: ValueId, key_type: TypeId, elem: TypeId, elts: ExprRange) {
        for &elt in self.ast.expr_list(elts) {
            let ExprKind::KeyValue { key, value } = self.ast.expr(elt).kind else {
                self.expr(elt);
                continue;
            };
            let key = self.expr_to(key, key_type);
            let value = self.expr_to(value, elem);
            self.effect(Op::MapUpdate { map, key, value, literal: true }, self.span(elt));
        }
    }

    /// Elements of a literal whose type is not known: closures in them still run somewhere.
    fn run_elements(&mut self, elts: ExprRange) {
        for &elt in self.ast.expr_list(elts) {
            match self.ast.expr(elt).kind {
                ExprKind::KeyValue { value, .. } => self.expr(value),
                _ => self.expr(elt),
            };
        }
    }
}
