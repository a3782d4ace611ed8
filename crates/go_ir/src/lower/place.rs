//! Places: what has an address, and the parts of values. Selectors through embedding, indices,
//! the targets of assignments.

use go_syntax::ast::{ExprId, ExprKind};
use go_types::{Mode, ObjId, ObjKind, Selection, SelectionKind, Type, TypeId, VarKind};
use source::FileSpan;

use super::Lowerer;
use super::func::Slot;
use super::prepass::has_pointer_receiver;
use super::types::is_local_var;
use crate::ir::{Op, ValueId};

/// Something of type `ty`, by address if it has one.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub kind: PlaceKind,
    pub ty: TypeId,
}

#[derive(Clone, Copy)]
pub(super) enum PlaceKind {
    Addr(ValueId),
    Value(ValueId),
}

/// The left side of an assignment, its operands evaluated.
pub(super) enum Target {
    Blank,
    Var(ObjId),
    Addr(ValueId, TypeId),
    MapElem { map: ValueId, key: ValueId, elem: TypeId },
}

/// What a method is called on.
pub(super) struct Receiver {
    pub value: ValueId,
    /// The declared method.
    pub method: ObjId,
    /// Whether the method is one of an interface (or of a type parameter's constraint).
    pub is_interface: bool,
}

impl Lowerer<'_> {
    /// Evaluates an expression as far as its address, or its value if it has none.
    pub(super) fn place(&mut self, e: ExprId) -> Place {
        let e = self.ast.unparen(e);
        match self.deeper(|l| l.place_inner(e)) {
            Some(place) => place,
            None => {
                let ty = self.type_of(e);
                Place { kind: PlaceKind::Value(self.unknown(ty, self.span(e))), ty }
            }
        }
    }

    fn place_inner(&mut self, e: ExprId) -> Place {
        let (ty, span) = (self.type_of(e), self.span(e));
        let kind = match self.ast.expr(e).kind {
            ExprKind::Ident(_) => self.var_place(e, ty, span),
            ExprKind::Selector { x, .. } => match self.selection(e) {
                Some(s) if s.kind == SelectionKind::FieldVal => {
                    return self.walk_fields(x, &s.index, span);
                }
                Some(_) => PlaceKind::Value(self.expr(e)),
                None => self.var_place(e, ty, span),
            },
            ExprKind::Index { x, indices } => {
                let index = self.ast.expr_list(indices).first().copied();
                match (self.core_type(self.type_of(x)), index) {
                    (Type::Slice(_), Some(index)) => {
                        let base = self.expr(x);
                        self.index_addr(base, index, ty, span)
                    }
                    (Type::Pointer(elem), Some(index))
                        if matches!(self.core_type(*elem), Type::Array { .. }) =>
                    {
                        let base = self.expr(x);
                        self.index_addr(base, index, ty, span)
                    }
                    (Type::Array { .. }, Some(index)) => match self.place(x).kind {
                        PlaceKind::Addr(base) => self.index_addr(base, index, ty, span),
                        PlaceKind::Value(base) => {
                            let index = self.expr(index);
                            PlaceKind::Value(self.emit(Op::Index { base, index }, ty, span))
                        }
                    },
                    _ => PlaceKind::Value(self.expr(e)),
                }
            }
            ExprKind::Star(x) => PlaceKind::Addr(self.expr(x)),
            _ => PlaceKind::Value(self.expr(e)),
        };
        Place { kind, ty }
    }

    fn var_place(&mut self, e: ExprId, ty: TypeId, span: FileSpan) -> PlaceKind {
        let Some(obj) = self.obj_of(e) else {
            return PlaceKind::Value(self.unknown(ty, span));
        };
        if let ObjKind::Var { kind: VarKind::Package, .. } = self.store.obj(obj).kind {
            let pointer = self.pointer_to(self.obj_type(obj));
            return PlaceKind::Addr(self.emit(Op::Global(obj), pointer, span));
        }
        if is_local_var(self.store, obj)
            && let Some(Slot::Addr(addr)) = self.slot(obj)
        {
            return PlaceKind::Addr(addr);
        }
        PlaceKind::Value(self.object_value(e, obj))
    }

    fn index_addr(
        &mut self,
        base: ValueId,
        index: ExprId,
        ty: TypeId,
        span: FileSpan,
    ) -> PlaceKind {
        let index = self.expr(index);
        let pointer = self.pointer_to(ty);
        PlaceKind::Addr(self.emit(Op::IndexAddr { base, index }, pointer, span))
    }

    /// The value in a place.
    pub(super) fn load(&mut self, place: Place, span: FileSpan) -> ValueId {
        match place.kind {
            PlaceKind::Addr(addr) => self.emit(Op::Load(addr), place.ty, span),
            PlaceKind::Value(v) => v,
        }
    }

    /// `&x`, of type `ty`. A value without an address (a composite literal, `new(v)`'s operand, an
    /// erroneous one) is put into new memory.
    pub(super) fn address_of(&mut self, x: ExprId, ty: TypeId, span: FileSpan) -> ValueId {
        let x = self.ast.unparen(x);
        if let ExprKind::CompositeLit { .. } = self.ast.expr(x).kind {
            let elem = self.pointee(ty).unwrap_or_else(|| self.type_of(x));
            let addr = self.emit(Op::Alloc { var: None }, ty, span);
            self.init_memory(addr, elem, x, span);
            return addr;
        }
        let place = self.place(x);
        self.place_address(place, span)
    }

    fn place_address(&mut self, place: Place, span: FileSpan) -> ValueId {
        match place.kind {
            PlaceKind::Addr(addr) => addr,
            PlaceKind::Value(value) => {
                let pointer = self.pointer_to(place.ty);
                let addr = self.emit(Op::Alloc { var: None }, pointer, span);
                self.effect(Op::Store { addr, value }, span);
                addr
            }
        }
    }

    pub(super) fn selection(&self, e: ExprId) -> Option<Selection> {
        self.file.selections.get(&e).cloned()
    }

    /// The value of `x.sel`.
    pub(super) fn selector(&mut self, e: ExprId) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        let ExprKind::Selector { x, .. } = self.ast.expr(e).kind else {
            return self.unknown(ty, span);
        };
        match self.selection(e) {
            Some(s) => match s.kind {
                SelectionKind::FieldVal => {
                    let place = self.walk_fields(x, &s.index, span);
                    self.load(place, span)
                }
                SelectionKind::MethodVal => {
                    let recv = self.receiver(x, &s, span);
                    let op = Op::BoundMethod { recv: recv.value, method: recv.method };
                    self.emit(op, ty, span)
                }
                SelectionKind::MethodExpr => self.method_expr(e, x, &s),
            },
            None => match self.obj_of(e) {
                Some(obj) => self.object_value(e, obj),
                None => {
                    if self.mode_of(x) != Mode::TypeExpr {
                        // The operand may have effects, and may be all that is known.
                        let known = self.file.type_of(x).is_some();
                        if known {
                            self.expr(x);
                        }
                    }
                    self.unknown(ty, span)
                }
            },
        }
    }

    /// The field of `x` that `index` leads to, through embedded fields.
    fn walk_fields(&mut self, x: ExprId, index: &[u32], span: FileSpan) -> Place {
        let ty = self.type_of(x);
        let start = if self.pointee(ty).is_some() {
            Place { kind: PlaceKind::Value(self.expr(x)), ty }
        } else {
            self.place(x)
        };
        self.walk_path(start, index, span)
    }

    pub(super) fn walk_path(&mut self, start: Place, index: &[u32], span: FileSpan) -> Place {
        let mut at = start;
        for &index in index {
            let (base, is_addr, struct_type) = match (self.pointee(at.ty), at.kind) {
                (Some(elem), _) => (self.load(at, span), true, elem),
                (None, PlaceKind::Addr(addr)) => (addr, true, at.ty),
                (None, PlaceKind::Value(v)) => (v, false, at.ty),
            };
            let field = self.fields(struct_type).and_then(|f| f.get(index as usize).copied());
            let Some(field) = field else {
                let ty = self.store.invalid();
                return Place { kind: PlaceKind::Value(self.unknown(ty, span)), ty };
            };
            let ty = self.obj_type(field);
            let field = self.origin(field);
            let kind = if is_addr {
                let pointer = self.pointer_to(ty);
                PlaceKind::Addr(self.emit(Op::FieldAddr { base, index, field }, pointer, span))
            } else {
                PlaceKind::Value(self.emit(Op::Field { base, index, field }, ty, span))
            };
            at = Place { kind, ty };
        }
        at
    }

    /// What the method of `x.m` receives.
    pub(super) fn receiver(&mut self, x: ExprId, s: &Selection, span: FileSpan) -> Receiver {
        let path = &s.index[..s.index.len().saturating_sub(1)];
        // Embedded fields belong to the operand in what is reported.
        let at = self.walk_fields(x, path, self.span(x));
        self.receiver_at(at, s.obj, span)
    }

    pub(super) fn receiver_at(&mut self, at: Place, method: ObjId, span: FileSpan) -> Receiver {
        let method = self.origin(method);
        if self.is_interface(at.ty) || self.is_type_param(at.ty) {
            return Receiver { value: self.load(at, span), method, is_interface: true };
        }
        let pointee = self.pointee_of_pointer(at.ty);
        if pointee.is_some_and(|t| self.is_type_param(t)) {
            return Receiver { value: self.load(at, span), method, is_interface: true };
        }
        let value = match (has_pointer_receiver(self.store, method), pointee) {
            (true, Some(_)) | (false, None) => self.load(at, span),
            (true, None) => self.place_address(at, span),
            (false, Some(elem)) => {
                let pointer = self.load(at, span);
                self.emit(Op::Load(pointer), elem, span)
            }
        };
        Receiver { value, method, is_interface: false }
    }

    /// What a type that is a pointer as written points to. (A defined type whose underlying type
    /// is a pointer has no methods.)
    fn pointee_of_pointer(&self, t: TypeId) -> Option<TypeId> {
        match *self.store.ty(go_types::under::unalias(self.store, t)) {
            Type::Pointer(elem) => Some(elem),
            _ => None,
        }
    }

    /// `x[i]` as a value; `x[T]` as a function.
    pub(super) fn index(&mut self, e: ExprId, x: ExprId, indices: &[ExprId]) -> ValueId {
        let (ty, span) = (self.type_of(e), self.span(e));
        if let Some(func) = self.generic_func(e) {
            return match self.selection(func) {
                Some(_) => self.selector(func),
                None => match self.obj_of(func) {
                    Some(obj) => self.emit(Op::Func(self.origin(obj)), ty, span),
                    None => self.unknown(ty, span),
                },
            };
        }
        let Some(&index) = indices.first() else { return self.unknown(ty, span) };
        match self.core_type(self.type_of(x)) {
            Type::Map { .. } => {
                let map = self.expr(x);
                let key = self.map_key(x, index);
                self.emit(Op::MapLookup { map, key, comma_ok: false }, ty, span)
            }
            Type::Slice(_) | Type::Array { .. } | Type::Pointer(_) => {
                let place = self.place_inner(e);
                self.load(place, span)
            }
            // A string, or a type parameter of several such types.
            _ => {
                let base = self.expr(x);
                let index = self.expr(index);
                self.emit(Op::Index { base, index }, ty, span)
            }
        }
    }

    /// The identifier or selector of a generic function, when `e` is an instance of it.
    pub(super) fn generic_func(&self, e: ExprId) -> Option<ExprId> {
        let mut e = self.ast.unparen(e);
        if let ExprKind::Index { x, .. } = self.ast.expr(e).kind {
            e = self.ast.unparen(x);
            if !self.file.instances.contains_key(&e) {
                return None;
            }
        }
        let obj = self.obj_of(e)?;
        matches!(self.store.obj(obj).kind, ObjKind::Func { .. }).then_some(e)
    }

    pub(super) fn map_key(&mut self, map: ExprId, key: ExprId) -> ValueId {
        match *self.core_type(self.type_of(map)) {
            Type::Map { key: ty, .. } => self.expr_to(key, ty),
            _ => self.expr(key),
        }
    }

    /// Evaluates the operands of the left side of an assignment.
    pub(super) fn target(&mut self, e: ExprId) -> Target {
        let e = self.ast.unparen(e);
        if let ExprKind::Ident(name) = self.ast.expr(e).kind {
            if name.is_blank() {
                return Target::Blank;
            }
            if let Some(obj) = self.obj_of(e)
                && is_local_var(self.store, obj)
            {
                return Target::Var(obj);
            }
        }
        if let ExprKind::Index { x, indices } = self.ast.expr(e).kind
            && let Type::Map { elem, .. } = *self.core_type(self.type_of(x))
            && let [index] = *self.ast.expr_list(indices)
        {
            let map = self.expr(x);
            let key = self.map_key(x, index);
            return Target::MapElem { map, key, elem };
        }
        let place = self.place(e);
        match place.kind {
            PlaceKind::Addr(addr) => Target::Addr(addr, place.ty),
            PlaceKind::Value(_) => Target::Blank,
        }
    }

    /// The type of what is assigned to; `None` for `_`.
    pub(super) fn target_type(&self, target: &Target) -> Option<TypeId> {
        match *target {
            Target::Blank => None,
            Target::Var(obj) => Some(self.obj_type(obj)),
            Target::Addr(_, ty) | Target::MapElem { elem: ty, .. } => Some(ty),
        }
    }

    /// Assigns a value that has the target's type already.
    pub(super) fn assign(&mut self, target: &Target, value: ValueId, span: FileSpan) {
        match *target {
            Target::Blank => {}
            Target::Var(obj) => self.write_var(obj, value, span),
            Target::Addr(addr, _) => self.effect(Op::Store { addr, value }, span),
            Target::MapElem { map, key, .. } => {
                self.effect(Op::MapUpdate { map, key, value, literal: false }, span);
            }
        }
    }

    /// What a target holds, for `target op= x`.
    pub(super) fn read_target(&mut self, target: &Target, ty: TypeId, span: FileSpan) -> ValueId {
        match *target {
            Target::Blank => self.unknown(ty, span),
            Target::Var(obj) => self.read_var(obj, span),
            Target::Addr(addr, ty) => self.emit(Op::Load(addr), ty, span),
            Target::MapElem { map, key, elem } => {
                self.emit(Op::MapLookup { map, key, comma_ok: false }, elem, span)
            }
        }
    }
}
