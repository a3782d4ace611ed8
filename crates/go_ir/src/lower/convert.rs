//! Conversions, those that the source writes and those that assignability implies.

use go_syntax::ast::{self, ExprId};
use go_types::predicates::identical;
use go_types::{Basic, ObjId, Type, TypeId};
use source::FileSpan;

use super::Lowerer;
use crate::ir::{Op, ValueId};

impl Lowerer<'_> {
    /// An expression as a value of type `target`: what an assignment to it stores.
    pub(super) fn expr_to(&mut self, e: ExprId, target: TypeId) -> ValueId {
        if self.is_nil(e) {
            return self.emit(Op::Zero, target, self.span(e));
        }
        let value = self.expr(e);
        self.coerce(value, target, self.span(e))
    }

    /// A value where one of type `target` is wanted: a concrete value becomes an interface
    /// value. Other differences of type (of named and unnamed types, of directions of channels)
    /// are left alone.
    pub(super) fn coerce(&mut self, value: ValueId, target: TypeId, span: FileSpan) -> ValueId {
        let from = self.value_type(value);
        if from == target || !self.is_interface(target) || !self.is_known(from) {
            return value;
        }
        if !self.is_interface(from) {
            return self.emit(Op::MakeInterface(value), target, span);
        }
        if identical(self.store, from, target) {
            return value;
        }
        self.emit(Op::Convert(value), target, span)
    }

    /// `T(x)`
    pub(super) fn conversion(&mut self, x: ExprId, target: TypeId, span: FileSpan) -> ValueId {
        if self.is_nil(x) {
            return self.emit(Op::Zero, target, span);
        }
        let value = self.expr(x);
        let from = self.value_type(value);
        if self.is_interface(target) {
            return self.coerce(value, target, span);
        }
        if from == target || !self.is_known(from) && !self.is_known(target) {
            return value;
        }
        self.emit(Op::Convert(value), target, span)
    }

    /// Values for variables of a function type or tuple.
    pub(super) fn expr_list_to(&mut self, exprs: &[ExprId], vars: &[ObjId]) -> Vec<ValueId> {
        if exprs.len() == vars.len() {
            // The specification leaves open when a variable is read beside a call ("Order of
            // evaluation"): gc reads it after the call, as `return found, group.Wait()` counts on.
            let is_variable = |e: ExprId| {
                matches!(self.ast.expr(self.ast.unparen(e)).kind, ast::ExprKind::Ident(_))
            };
            let (late, early): (Vec<usize>, Vec<usize>) =
                (0..exprs.len()).partition(|&i| is_variable(exprs[i]));
            let mut values: Vec<Option<ValueId>> = vec![None; exprs.len()];
            for i in early.into_iter().chain(late) {
                values[i] = Some(self.expr_to(exprs[i], self.obj_type(vars[i])));
            }
            return values.into_iter().flatten().collect();
        }
        let span = exprs.first().map_or(self.f.span, |&e| self.span(e));
        let values = self.expr_list(exprs, vars.len());
        let pairs = values.into_iter().zip(vars);
        pairs.map(|(value, &v)| self.coerce(value, self.obj_type(v), span)).collect()
    }

    /// `wanted` values: of one expression each, or of one call or comma-ok form with that many.
    pub(super) fn expr_list(&mut self, exprs: &[ExprId], wanted: usize) -> Vec<ValueId> {
        let mut values = match *exprs {
            [only] if wanted > 1 => self.multi(only),
            _ => exprs.iter().map(|&e| self.expr(e)).collect(),
        };
        let invalid = self.store.invalid();
        while values.len() < wanted {
            let span = exprs.first().map_or(self.f.span, |&e| self.span(e));
            values.push(self.unknown(invalid, span));
        }
        values.truncate(wanted);
        values
    }

    pub(super) fn is_nil(&self, e: ExprId) -> bool {
        self.mode_of(self.ast.unparen(e)) == go_types::Mode::NilValue
    }

    /// Whether anything is known of a type.
    pub(super) fn is_known(&self, t: TypeId) -> bool {
        !matches!(self.store.ty(t), Type::Basic(Basic::Invalid))
    }
}
