//! Expression switches and type switches.

use std::sync::atomic::Ordering;

use base::FxHashMap;
use go_syntax::ast::{AssignOp, ExprId, ExprKind, StmtId, StmtKind};
use smallvec::SmallVec;

use crate::assignments::Context;
use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::object::ObjKind;
use crate::operand::{Mode, Operand};
use crate::predicates::{
    comparable_type, has_nil, identical, is_interface, is_type_param, is_untyped, is_valid,
};
use crate::stmt::Ctx;
use crate::store::{ObjId, TypeId};
use crate::types::Basic;
use go_syntax::ast::BinaryOp;

/// Constants that a switch has had, with the types that they had there.
type SeenValues = FxHashMap<CaseValue, SmallVec<[TypeId; 1]>>;

/// A case constant of a kind whose duplicates are errors.
#[derive(PartialEq, Eq, Hash)]
enum CaseValue {
    Int(i64),
    Uint(u64),
    /// Bits of a float.
    Float(u64),
    Str(Box<[u8]>),
}

impl Checker<'_> {
    /// Checks a switch, its init statement aside; the switch's scope is open.
    pub(crate) fn expr_switch(&mut self, inner: Ctx, tag: Option<ExprId>, body: StmtId) {
        let ast = self.ast();
        let s = self.store;
        let mut x;
        if let Some(tag) = tag {
            x = self.no_operand();
            self.expr(None, &mut x, tag);
            // As if assigned to a nameless variable: untyped constants get their default types.
            self.assignment(&mut x, None, Context::Text("switch expression"));
            if x.is_valid() && !comparable_type(s, x.typ, true) && !has_nil(s, x.typ) {
                let (what, t) = (self.operand_string(&x), self.type_str(x.typ));
                self.error_at_operand(
                    &x,
                    format!("cannot switch on {what} ({t} is not comparable)"),
                );
                x.invalidate();
            }
        } else {
            x = self.constant_operand(Basic::Bool, ConstValue::Bool(true));
        }
        let StmtKind::Block(clauses) = ast.stmt(body).kind else { return };
        let clauses = ast.stmt_list(clauses);
        self.multiple_defaults(clauses);
        let mut seen = SeenValues::default();
        for (i, &clause) in clauses.iter().enumerate() {
            let StmtKind::Case { list, body, .. } = ast.stmt(clause).kind else { continue };
            self.case_values(&x, ast.expr_list(list), &mut seen);
            self.open_scope();
            let last = i + 1 == clauses.len();
            let inner = Ctx { fallthrough_ok: !last, final_case: last, ..inner };
            self.stmt_list(inner, ast.stmt_list(body));
            self.close_scope();
        }
    }

    fn case_values(&mut self, x: &Operand, values: &[ExprId], seen: &mut SeenValues) {
        let s = self.store;
        for &e in values {
            let mut v = self.no_operand();
            self.expr(None, &mut v, e);
            if !x.is_valid() || !v.is_valid() {
                continue;
            }
            if is_untyped(s, v.typ) {
                self.convert_untyped(&mut v, x.typ);
                if !v.is_valid() {
                    continue;
                }
            }
            // Errors belong at the case value: it is the left operand.
            let mut result = v.clone();
            let mut tag = x.clone();
            self.comparison(&mut result, &mut tag, BinaryOp::Eq, true);
            if !result.is_valid() || v.mode != Mode::Constant {
                continue;
            }
            let Some(value) = case_value(&v.val) else { continue };
            let types = seen.entry(value).or_default();
            if types.iter().any(|&t| identical(s, t, v.typ)) {
                let what = self.operand_string(&v);
                self.error_at_operand(&v, format!("duplicate case {what} in expression switch"));
            } else {
                types.push(v.typ);
            }
        }
    }

    /// Checks a type switch, its init statement aside; the switch's scope is open.
    pub(crate) fn type_switch(&mut self, inner: Ctx, s: StmtId, guard: StmtId, body: StmtId) {
        let ast = self.ast();
        let (lhs, rhs) = match ast.stmt(guard).kind {
            StmtKind::Expr(e) => (None, e),
            StmtKind::Assign { lhs, rhs, op: AssignOp::Define } => {
                match (ast.expr_list(lhs), ast.expr_list(rhs)) {
                    (&[l], &[r]) if self.ident_name(l).is_some() => (Some(l), r),
                    _ => return self.error_at_stmt(s, "incorrect form of type switch guard"),
                }
            }
            _ => return self.error_at_stmt(s, "incorrect form of type switch guard"),
        };
        let ExprKind::TypeAssert { x: operand, ty: None } = self.expr_at(rhs).kind else {
            return self.error_at_stmt(s, "incorrect form of type switch guard");
        };
        let mut lhs = lhs.and_then(|l| self.ident_name(l).map(|name| (l, name)));
        if let Some((l, name)) = lhs {
            if name.is_blank() {
                let pos = self.pos_of(l);
                self.soft_error(pos, "no new variable on left side of :=");
                lhs = None;
            } else {
                self.record_def(l, None);
            }
        }
        let x = self.type_switch_operand(operand);
        let StmtKind::Block(clauses) = ast.stmt(body).kind else { return };
        let clauses = ast.stmt_list(clauses);
        self.multiple_defaults(clauses);
        let mut vars: SmallVec<[ObjId; 8]> = SmallVec::new();
        let mut seen: Vec<Option<TypeId>> = Vec::new();
        for &clause in clauses {
            let StmtKind::Case { list, body, .. } = ast.stmt(clause).kind else { continue };
            let t = self.case_types(x.as_ref(), ast.expr_list(list), &mut seen);
            let scope = self.open_scope();
            if let Some((l, name)) = lhs {
                let v = self.new_local_var(self.pos_of(l), name, Some(t));
                let visible_from = ast
                    .stmt_list(body)
                    .first()
                    .map_or(ast.stmt(clause).span.end, |&first| ast.stmt(first).span.start);
                self.declare(scope, None, v, visible_from);
                self.record_case_obj(clause, v);
                vars.push(v);
            }
            self.stmt_list(inner, ast.stmt_list(body));
            self.close_scope();
        }
        // The variables of all clauses count as one.
        if let Some((l, name)) = lhs {
            let mut used = false;
            for v in vars {
                used |= self.store.obj(v).used.swap(true, Ordering::Relaxed);
            }
            if !used {
                let pos = self.pos_of(l);
                self.soft_error(pos, format!("{name} declared and not used"));
            }
        }
    }

    fn type_switch_operand(&mut self, e: ExprId) -> Option<Operand> {
        let mut x = self.no_operand();
        self.expr(None, &mut x, e);
        if !x.is_valid() {
            return None;
        }
        let what = if is_type_param(self.store, x.typ) {
            let what = self.operand_string(&x);
            format!("cannot use type switch on type parameter value {what}")
        } else if is_interface(self.store, x.typ) {
            return Some(x);
        } else {
            format!("{} is not an interface", self.operand_string(&x))
        };
        self.error_at_operand(&x, what);
        None
    }

    /// Checks the types of a clause. The result is the type of the variable in it.
    fn case_types(
        &mut self,
        x: Option<&Operand>,
        types: &[ExprId],
        seen: &mut Vec<Option<TypeId>>,
    ) -> TypeId {
        let s = self.store;
        let mut last = None;
        for &e in types {
            let t = if self.is_nil_expr(e) {
                let mut dummy = self.no_operand();
                self.expr(None, &mut dummy, e);
                None
            } else {
                Some(self.var_type(e))
            };
            last = t;
            if t.is_some_and(|t| !is_valid(s, t)) {
                continue;
            }
            let same = |&other: &Option<TypeId>| match (t, other) {
                (None, None) => true,
                (Some(a), Some(b)) => identical(s, a, b),
                _ => false,
            };
            if seen.iter().any(same) {
                let text = t.map_or_else(|| "nil".to_owned(), |t| self.type_str(t));
                self.error_at(e, format!("duplicate case {text} in type switch"));
                continue;
            }
            seen.push(t);
            if let (Some(x), Some(t)) = (x, t) {
                self.type_assertion(e, x, t, true);
            }
        }
        match (types, last) {
            ([_], Some(t)) => t,
            _ => x.map_or(s.invalid(), |x| x.typ),
        }
    }

    fn is_nil_expr(&self, e: ExprId) -> bool {
        self.ident_name(self.ast().unparen(e))
            .and_then(|name| self.lookup(name))
            .is_some_and(|obj| matches!(self.store.obj(obj).kind, ObjKind::Nil))
    }
}

fn case_value(val: &ConstValue) -> Option<CaseValue> {
    Some(match val {
        ConstValue::Int(i) => CaseValue::Int(*i),
        ConstValue::BigInt(_) => CaseValue::Uint(val.uint64_val()?),
        ConstValue::Rat(_) | ConstValue::Float(_) => CaseValue::Float(val.to_f64()?.to_bits()),
        ConstValue::Str(_) => CaseValue::Str(val.str_val()?.into()),
        _ => return None,
    })
}
