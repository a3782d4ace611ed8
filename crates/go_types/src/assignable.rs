//! Which values can be assigned to which types (Go spec, "Assignability").

use go_syntax::ast::ChanDir;

use crate::checker::Checker;
use crate::operand::Operand;
use crate::predicates::{has_name, identical, is_untyped, is_valid};
use crate::store::TypeId;
use crate::types::{Term, Type};
use crate::typeset::type_set;
use crate::under::{constraint_interface, unalias, under};

impl<'a> Checker<'a> {
    /// Whether `x` can be assigned to a variable of type `t`. The cause, if asked for, may be set
    /// to why not. Anything goes with invalid operands and types.
    pub(crate) fn assignable_to(
        &mut self,
        x: &Operand,
        t: TypeId,
        mut cause: Option<&mut String>,
    ) -> bool {
        let s = self.store;
        if !x.is_valid() || !is_valid(s, t) {
            return true;
        }
        let t0 = t;
        let (v, t) = (unalias(s, x.typ), unalias(s, t));
        if identical(s, v, t) {
            return true;
        }
        let (vu, tu) = (under(s, v), under(s, t));
        let v_param = matches!(s.ty(v), Type::TypeParam(_));
        let t_param = matches!(s.ty(t), Type::TypeParam(_));
        if is_untyped(s, vu) {
            if t_param {
                return self.specific_types(t).is_some_and(|ts| {
                    ts.iter().all(|t| self.implicit_type_and_value(x, t.ty).is_ok())
                });
            }
            return self.implicit_type_and_value(x, t).is_ok();
        }
        if !v_param && !t_param && (!has_name(s, v) || !has_name(s, t)) && identical(s, vu, tu) {
            return true;
        }
        let to_interface = matches!(s.ty(tu), Type::Interface(_)) && !t_param;
        // A pointer to an interface is never implemented; asking gives the cause.
        let to_pointer = match s.ty(tu) {
            Type::Pointer(base) if cause.is_some() => {
                matches!(s.ty(under(s, *base)), Type::Interface(_))
            }
            _ => false,
        };
        if to_interface || to_pointer {
            if self.implements(v, t, false, cause.as_deref_mut()) {
                return true;
            }
            if !v_param {
                return false;
            }
            if let Some(cause) = cause.as_deref_mut() {
                cause.clear();
            }
        }
        // v, an interface, may lack a type assertion: worth a hint.
        if matches!(s.ty(vu), Type::Interface(_)) && !v_param {
            if (t_param || cause.is_some()) && self.implements(t, v, false, None) {
                if let Some(cause) = cause {
                    "need type assertion".clone_into(cause);
                }
                return false;
            }
            if !t_param {
                return false;
            }
        }
        if let (&Type::Chan { dir: ChanDir::Both, elem: a }, &Type::Chan { elem: b, .. }) =
            (s.ty(vu), s.ty(tu))
            && identical(s, a, b)
        {
            return !has_name(s, v) || !has_name(s, t);
        }
        if !v_param && !t_param {
            return false;
        }
        if t_param && !has_name(s, v) {
            let Some(terms) = self.specific_types(t) else { return false };
            return terms.iter().all(|term| {
                let ok = self.assignable_to(x, term.ty, cause.as_deref_mut());
                if !ok && let Some(cause) = cause.as_deref_mut() {
                    let what = format!(
                        "cannot assign {} to {} (in {})",
                        self.type_str(x.typ),
                        self.type_str(term.ty),
                        self.type_str(t)
                    );
                    wrap(cause, what);
                }
                ok
            });
        }
        if v_param && !has_name(s, t) {
            let Some(terms) = self.specific_types(v) else { return false };
            return terms.iter().all(|term| {
                let mut x = x.clone();
                x.typ = term.ty;
                let ok = self.assignable_to(&x, t, cause.as_deref_mut());
                if !ok && let Some(cause) = cause.as_deref_mut() {
                    let what = format!(
                        "cannot assign {} (in {}) to {}",
                        self.type_str(term.ty),
                        self.type_str(v),
                        self.type_str(t0)
                    );
                    wrap(cause, what);
                }
                ok
            });
        }
        false
    }

    /// The terms of a type parameter's type set, when there are specific types.
    fn specific_types(&self, p: TypeId) -> Option<&'a [Term]> {
        let s = self.store;
        type_set(s, constraint_interface(s, p)).terms.as_deref().filter(|t| !t.is_empty())
    }
}

/// Puts a cause before the one that it follows from.
fn wrap(cause: &mut String, what: String) {
    let detail = std::mem::replace(cause, what);
    if !detail.is_empty() {
        cause.push_str("\n\t");
        cause.push_str(&detail);
    }
}
