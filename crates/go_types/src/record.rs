//! Writing what was found out into the side tables of a file.
//!
//! An expression of untyped type is recorded at once, under that type: that the entry is untyped
//! is what marks it as still open. `untyped.rs` overwrites it when the context gives it a type.

use base::{Id, Symbol};
use go_syntax::ast::{ExprId, ExprKind, StmtId};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::info::{ExprRef, Instance, Selection, SelectionKind};
use crate::operand::{Mode, Operand};
use crate::predicates::default_type;
use crate::store::{ObjId, TypeId};
use crate::types::{Signature, Type};

impl<'a> Checker<'a> {
    /// Records the mode, type and value of an operand for its expression.
    #[inline]
    pub(crate) fn record(&mut self, x: &Operand) {
        let Some(at) = x.expr else { return };
        match x.mode {
            Mode::Invalid => {}
            Mode::NoValue => {
                let none = self.memo.tuple(self.store, &[]);
                self.record_type_and_value(at, Mode::NoValue, none, &ConstValue::Unknown);
            }
            mode => self.record_type_and_value(at, mode, x.typ, &x.val),
        }
    }

    /// Records an expression; the value counts for constants only.
    #[inline]
    pub(crate) fn record_type_and_value(
        &mut self,
        at: ExprRef,
        mode: Mode,
        typ: TypeId,
        val: &ConstValue,
    ) {
        if mode == Mode::Invalid {
            return;
        }
        let info = &mut self.files[at.file as usize];
        info.types[at.id.index()] = Some(typ);
        info.modes[at.id.index()] = mode;
        if mode == Mode::Constant {
            info.consts.insert(at.id, val.clone());
        }
    }

    /// Records an expression of the current file that denotes a type.
    pub(crate) fn record_type_expr(&mut self, e: ExprId, typ: TypeId) {
        let at = self.expr_ref(e);
        self.record_type_and_value(at, Mode::TypeExpr, typ, &ConstValue::Unknown);
    }

    /// Records the signature that a predeclared function has in this call, for the name that
    /// denotes it and the parentheses around it.
    pub(crate) fn record_builtin_type(
        &mut self,
        mut fun: ExprId,
        params: &[TypeId],
        result: Option<TypeId>,
        variadic: bool,
    ) {
        let params: SmallVec<[TypeId; 4]> =
            params.iter().map(|&t| default_type(self.store, t)).collect();
        let sig = self.memo.signature(self.store, &params, result, variadic);
        loop {
            let at = self.expr_ref(fun);
            let mode = match self.files[at.file as usize].modes[fun.index()] {
                Mode::Builtin(id) => Mode::Builtin(id),
                _ => Mode::Value,
            };
            self.record_type_and_value(at, mode, sig, &ConstValue::Unknown);
            match self.expr_at(fun).kind {
                ExprKind::Paren(inner) => fun = inner,
                _ => return,
            }
        }
    }

    /// Notes that `e` is used in a comma-ok form: its type becomes the pair.
    pub(crate) fn record_comma_ok_types(&mut self, mut e: ExprId, first: TypeId, second: TypeId) {
        let pair = self.memo.pair(self.store, first, second);
        loop {
            let at = self.expr_ref(e);
            self.files[at.file as usize].types[e.index()] = Some(pair);
            match self.expr_at(e).kind {
                ExprKind::Paren(inner) => e = inner,
                _ => return,
            }
        }
    }

    /// Records what a generic function or type is instantiated with. `e` is the name, the
    /// qualified name, or an index expression of one.
    pub(crate) fn record_instance(&mut self, e: ExprId, targs: &[TypeId], ty: TypeId) {
        let file = self.ast();
        let mut e = file.unparen(e);
        if let ExprKind::Index { x, .. } = file.expr(e).kind {
            e = file.unparen(x);
        }
        if !matches!(file.expr(e).kind, ExprKind::Ident(_) | ExprKind::Selector { .. }) {
            return;
        }
        let info = &mut self.files[self.env.file as usize];
        info.instances.insert(e, Instance { targs: targs.into(), ty });
    }

    /// Records what a name in use denotes.
    #[inline]
    pub(crate) fn record_use(&mut self, e: ExprId, obj: ObjId) {
        self.files[self.env.file as usize].objs[e.index()] = Some(obj);
    }

    /// Records what a name that `:=` declares denotes.
    #[inline]
    pub(crate) fn record_def(&mut self, e: ExprId, obj: Option<ObjId>) {
        self.files[self.env.file as usize].objs[e.index()] = obj;
    }

    /// Records the variable of a clause of a type switch.
    pub(crate) fn record_case_obj(&mut self, clause: StmtId, obj: ObjId) {
        self.files[self.env.file as usize].case_objs.insert(clause, obj);
    }

    /// Records what a selector selects.
    pub(crate) fn record_selection(
        &mut self,
        e: ExprId,
        kind: SelectionKind,
        recv: TypeId,
        obj: ObjId,
        index: &[u32],
        indirect: bool,
    ) {
        self.record_use(e, obj);
        let selection = Selection { kind, recv, obj, index: index.into(), indirect };
        self.files[self.env.file as usize].selections.insert(e, selection);
    }

    /// The recorded type of an expression if that is untyped still.
    #[inline]
    pub(crate) fn open_untyped(&self, at: ExprRef) -> Option<TypeId> {
        let t = self.files[at.file as usize].types[at.id.index()]?;
        match self.store.ty(t) {
            Type::Basic(b) if b.is_untyped() => Some(t),
            _ => None,
        }
    }

    /// The signature of a type that is one (not: whose underlying type is one).
    pub(crate) fn signature_of(&self, t: TypeId) -> Option<&'a Signature> {
        match self.store.ty(t) {
            Type::Signature(sig) => Some(sig),
            _ => None,
        }
    }

    /// The name behind an identifier expression of the current file.
    pub(crate) fn ident_name(&self, e: ExprId) -> Option<Symbol> {
        match self.expr_at(e).kind {
            ExprKind::Ident(name) => Some(name),
            _ => None,
        }
    }
}
