//! `for … range`: what can be ranged over and what the variables get.

use std::sync::atomic::Ordering;

use go_syntax::ast::{ChanDir, ExprId, RangeClause, StmtId};
use smallvec::SmallVec;

use crate::assignments::Context;
use crate::checker::Checker;
use crate::operand::Operand;
use crate::predicates::{identical, is_boolean, is_integer, is_string};
use crate::stmt::Ctx;
use crate::store::{ObjId, TypeId};
use crate::types::{Basic, Type};
use crate::under::{Cause, common_under, under};

/// Types of the iteration values; absent ones do not exist.
type KeyValue = (Option<TypeId>, Option<TypeId>);

impl Checker<'_> {
    /// Checks a range loop.
    pub(crate) fn range_stmt(&mut self, inner: Ctx, s: StmtId, clause: RangeClause, body: StmtId) {
        self.env.has_call_or_recv = false;
        let mut x = self.no_operand();
        self.expr(None, &mut x, clause.x);
        let (key, value) = self.range_types(&x, &clause);

        // The variables belong to the loop's scope, the range expression does not.
        self.open_scope();
        let lhs = [clause.key, clause.value];
        let types = [key, value];
        let over_int = x.is_valid() && is_integer(self.store, x.typ);
        if clause.define {
            self.declare_range_vars(s, lhs, types, &mut x, over_int, body);
        } else if clause.key.is_some() {
            self.assign_range_vars(lhs, types, &mut x, over_int);
        } else if over_int {
            // `for range 10`: an untyped operand gets its default type.
            self.assignment(&mut x, None, Context::Text("range clause"));
        }
        self.stmt(inner, body);
        self.close_scope();
    }

    fn range_types(&mut self, x: &Operand, clause: &RangeClause) -> KeyValue {
        if !x.is_valid() {
            return (None, None);
        }
        let found = self.range_key_value(x.typ);
        let (at, what) = match &found {
            Err(cause) => {
                let what = self.operand_string(x);
                let why = if cause.is_empty() { String::new() } else { format!(": {cause}") };
                self.soft_error_at_operand(x, format!("cannot range over {what}{why}"));
                let invalid = Some(self.store.invalid());
                return (invalid, invalid);
            }
            Ok((None, _)) if clause.key.is_some() => (clause.key, "no iteration variables"),
            Ok((_, None)) if clause.value.is_some() => {
                (clause.value, "only one iteration variable")
            }
            Ok(types) => return *types,
        };
        let message = format!("range over {} permits {what}", self.operand_string(x));
        let pos = at.map_or(0, |e| self.pos_of(e));
        self.soft_error(pos, message);
        found.unwrap_or_default()
    }

    fn declare_range_vars(
        &mut self,
        s: StmtId,
        lhs: [Option<ExprId>; 2],
        types: [Option<TypeId>; 2],
        x: &mut Operand,
        over_int: bool,
        body: StmtId,
    ) {
        let store = self.store;
        let scope = self.scope();
        let mut vars: SmallVec<[ObjId; 2]> = SmallVec::new();
        for (l, typ) in lhs.into_iter().zip(types) {
            let Some(l) = l else { continue };
            let pos = self.pos_of(l);
            let v;
            if let Some(name) = self.ident_name(l) {
                v = self.new_local_var(pos, name, None);
                self.record_def(l, Some(v));
                if !name.is_blank() {
                    vars.push(v);
                }
            } else {
                let text = self.expr_str(l);
                self.error_at(l, format!("cannot declare {text}"));
                v = self.new_local_var(pos, base::sym::BLANK, None);
            }
            let Some(typ) = typ.filter(|&t| t != store.invalid()) else {
                store.obj(v).typ.set(store.invalid());
                store.obj(v).used.store(true, Ordering::Relaxed);
                continue;
            };
            if over_int {
                self.init_var(v, x, "range clause");
            } else {
                let mut y = Operand::value(Some(self.expr_ref(l)), typ);
                self.init_var(v, &mut y, "assignment");
            }
        }
        if vars.is_empty() {
            let pos = lhs[0].map_or(self.ast().stmt(s).span.start, |l| self.pos_of(l));
            self.error(pos, "no new variables on left side of :=");
        }
        let visible_from = self.ast().stmt(body).span.start;
        for v in vars {
            self.declare(scope, None, v, visible_from);
        }
    }

    fn assign_range_vars(
        &mut self,
        lhs: [Option<ExprId>; 2],
        types: [Option<TypeId>; 2],
        x: &mut Operand,
        over_int: bool,
    ) {
        let store = self.store;
        for (l, typ) in lhs.into_iter().zip(types) {
            let (Some(l), Some(typ)) = (l, typ.filter(|&t| t != store.invalid())) else {
                continue;
            };
            if over_int {
                self.assign_operand(l, x, Context::Text("range clause"));
                // An untyped operand has got the variable's type: it must be an integer type.
                if x.is_valid() && !is_integer(store, x.typ) {
                    let (pos, t) = (self.pos_of(l), self.type_str(x.typ));
                    self.soft_error(pos, format!("cannot use iteration variable of type {t}"));
                }
            } else {
                let mut y = Operand::value(Some(self.expr_ref(l)), typ);
                self.assign_operand(l, &mut y, Context::Text("assignment"));
            }
        }
    }

    /// The types of the iteration values of a range over `t`; an error, possibly empty, says why
    /// there is no such range.
    pub(crate) fn range_key_value(&self, t: TypeId) -> Result<KeyValue, String> {
        let s = self.store;
        let common = common_under(s, t, |t, u| match t.zip(u) {
            Some((t, u)) if matches!(s.ty(u), Type::Chan { dir: ChanDir::Send, .. }) => {
                let t = self.type_str(t);
                Some(Cause::Words(format!("receive from send-only channel {t}")))
            }
            _ => None,
        });
        let u = common.map_err(|cause| cause.message(|t| self.type_str(t)))?;
        let int = s.basic(Basic::Int);
        let u = match *s.ty(u) {
            Type::Pointer(base) if matches!(s.ty(under(s, base)), Type::Array { .. }) => {
                under(s, base)
            }
            _ => u,
        };
        match *s.ty(u) {
            Type::Basic(_) if is_string(s, u) => Ok((Some(int), Some(s.basic(Basic::Rune)))),
            Type::Basic(_) if is_integer(s, u) => {
                if self.allow_version(22) {
                    Ok((Some(t), None))
                } else {
                    Err("requires go1.22 or later".to_owned())
                }
            }
            Type::Array { elem, .. } | Type::Slice(elem) => Ok((Some(int), Some(elem))),
            Type::Map { key, elem } => Ok((Some(key), Some(elem))),
            Type::Chan { elem, .. } => Ok((Some(elem), None)),
            Type::Signature(_) => self.range_over_func(u),
            _ => Err(String::new()),
        }
    }

    /// `func(yield func(K, V) bool)`
    fn range_over_func(&self, func: TypeId) -> Result<KeyValue, String> {
        let s = self.store;
        if !self.allow_version(23) {
            return Err("requires go1.23 or later".to_owned());
        }
        let bad = |why: &str| Err(format!("func must be func(yield func(...) bool): {why}"));
        let Type::Signature(sig) = s.ty(func) else { return bad("argument is not func") };
        let &[param] = &*sig.params else { return bad("wrong argument count") };
        if !sig.results.is_empty() {
            return bad("unexpected results");
        }
        let param = self.type_of_obj(param);
        let yielded = match common_under(s, param, |_, _| None) {
            Ok(u) => u,
            Err(cause) => {
                return bad(&format!("in yield type, {}", cause.message(|t| self.type_str(t))));
            }
        };
        let Type::Signature(cb) = s.ty(yielded) else { return bad("argument is not func") };
        if cb.params.len() > 2 {
            return bad("yield func has too many parameters");
        }
        match *cb.results {
            [r] if identical(s, self.type_of_obj(r), s.basic(Basic::Bool)) => {}
            [r] if is_boolean(s, self.type_of_obj(r)) => {
                return bad("yield func returns user-defined boolean, not bool");
            }
            _ => return bad("yield func does not return bool"),
        }
        if cb.variadic {
            let t = self.type_str(yielded);
            return Err(format!("yield func of type {t} cannot be variadic"));
        }
        let at = |i: usize| cb.params.get(i).map(|&p| self.type_of_obj(p));
        Ok((at(0), at(1)))
    }
}
