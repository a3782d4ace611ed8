//! Conversions `T(x)` and which of them are allowed (Go spec, "Conversions").

use crate::checker::Checker;
use crate::constant::{self, ConstValue};
use crate::operand::{Mode, Operand};
use crate::predicates::{
    all_string, default_type, identical, identical_ignore_tags, is_complex, is_const_type,
    is_integer, is_integer_or_float, is_non_type_param_interface, is_pointer, is_string,
    is_type_param, is_untyped,
};
use crate::store::TypeId;
use crate::types::{Basic, Type};
use crate::typeset::type_set;
use crate::under::{constraint_interface, unalias, under, under_is};

impl Checker<'_> {
    /// Converts the operand to `t`; invalid after an error.
    pub(crate) fn conversion(&mut self, x: &mut Operand, t: TypeId) {
        let s = self.store;
        let constant = x.mode == Mode::Constant;
        let mut cause = String::new();
        let ok = if constant && is_const_type(s, t) {
            let converted = self.basic_under(t).and_then(|b| self.convert_constant(x, b));
            if converted.is_none() && is_integer(s, x.typ) && is_integer(s, t) {
                let message = format!("constant {} overflows {}", x.val, self.type_str(t));
                self.error_at_operand(x, message);
                x.invalidate();
                return;
            }
            let ok = converted.is_some();
            if let Some(val) = converted {
                x.val = val;
            }
            ok
        } else if constant && is_type_param(s, t) {
            let ok = self.constant_converts_to_all(x, t, &mut cause);
            x.mode = Mode::Value;
            ok
        } else {
            let ok = self.convertible_to(x, t, None);
            if ok {
                x.mode = Mode::Value;
            } else {
                self.convertible_to(x, t, Some(&mut cause));
            }
            ok
        };
        if !ok {
            let mut message =
                format!("cannot convert {} to type {}", self.operand_string(x), self.type_str(t));
            if !cause.is_empty() {
                message.push_str(": ");
                message.push_str(&cause);
            }
            self.error_at_operand(x, message);
            x.invalidate();
            return;
        }
        // The argument has its final type now. The conversion gives it, except where the result
        // is no constant type: `[]byte("a")` has a string in it, `any(1)` an int.
        if is_untyped(s, x.typ) {
            let is_nil = x.typ == s.basic(Basic::UntypedNil);
            let last = if is_non_type_param_interface(s, t)
                || (constant && !is_const_type(s, t))
                || is_nil
            {
                default_type(s, x.typ)
            } else if x.mode == Mode::Constant && is_integer(s, x.typ) && all_string(s, t) {
                x.typ
            } else {
                t
            };
            if let Some(at) = x.expr {
                self.update_expr_type(at, last, true);
            }
        }
        x.typ = t;
        if x.mode != Mode::Constant {
            x.val = ConstValue::Unknown;
        }
    }

    /// The constant in a basic type, if it can be converted to that.
    fn convert_constant(&self, x: &Operand, to: Basic) -> Option<ConstValue> {
        let s = self.store;
        if let Some(val) = constant::representable_const(&x.val, to, self.sizes()) {
            return Some(val);
        }
        if is_integer(s, x.typ) && is_string(s, s.basic(to)) {
            let code = x.val.uint64_val().and_then(|n| u32::try_from(n).ok());
            let code = code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some(ConstValue::string(code.to_string().into_bytes()));
        }
        None
    }

    fn constant_converts_to_all(&self, x: &Operand, t: TypeId, cause: &mut String) -> bool {
        let s = self.store;
        under_is(s, t, |u| {
            let Some(u) = u else {
                *cause = format!("{} does not contain specific types", self.type_str(t));
                return false;
            };
            if is_string(s, x.typ) && self.is_bytes_or_runes(u) {
                return true;
            }
            // A type that is not basic imposes nothing here; the rest must take the value.
            let ok = self.basic_under(u).is_some_and(|b| self.convert_constant(x, b).is_some());
            if !ok {
                *cause = if is_integer(s, x.typ) && is_integer(s, u) {
                    format!(
                        "constant {} overflows {} (in {})",
                        x.val,
                        self.type_str(u),
                        self.type_str(t)
                    )
                } else {
                    format!(
                        "cannot convert {} to type {} (in {})",
                        self.operand_string(x),
                        self.type_str(u),
                        self.type_str(t)
                    )
                };
            }
            ok
        })
    }

    /// Whether a value that is not converted as a constant can be converted to `t`. The cause, if
    /// asked for, says why not.
    pub(crate) fn convertible_to(
        &mut self,
        x: &Operand,
        t: TypeId,
        mut cause: Option<&mut String>,
    ) -> bool {
        if self.assignable_to(x, t, cause.as_deref_mut()) {
            return true;
        }
        let s = self.store;
        let (v, t0) = (unalias(s, x.typ), t);
        let t = unalias(s, t);
        let (vu, tu) = (under(s, v), under(s, t));
        let (v_param, t_param) = (is_type_param(s, v), is_type_param(s, t));
        if !v_param && !t_param && identical_ignore_tags(s, vu, tu) {
            return true;
        }
        if let (&Type::Pointer(a), &Type::Pointer(b)) = (s.ty(v), s.ty(t))
            && identical_ignore_tags(s, under(s, a), under(s, b))
            && !is_type_param(s, a)
            && !is_type_param(s, b)
        {
            return true;
        }
        if (is_integer_or_float(s, vu) && is_integer_or_float(s, tu))
            || (is_complex(s, vu) && is_complex(s, tu))
            || ((is_integer(s, vu) || self.is_bytes_or_runes(vu)) && is_string(s, tu))
            || (is_string(s, vu) && self.is_bytes_or_runes(tu))
        {
            return true;
        }
        let is = |t: TypeId, b: Basic| matches!(s.ty(t), Type::Basic(k) if *k == b);
        let (ptr, word) = (Basic::UnsafePointer, Basic::Uintptr);
        if ((is_pointer(s, vu) || is(vu, word)) && is(tu, ptr))
            || (is(vu, ptr) && (is_pointer(s, tu) || is(tu, word)))
        {
            return true;
        }
        if let &Type::Slice(elem) = s.ty(vu) {
            let (array, minor, what) = match *s.ty(tu) {
                Type::Array { elem, .. } => (Some(elem), 20, "array"),
                Type::Pointer(base) => match *s.ty(under(s, base)) {
                    Type::Array { elem, .. } => (Some(elem), 17, "array pointer"),
                    _ => (None, 0, ""),
                },
                _ => (None, 0, ""),
            };
            if array.is_some_and(|a| identical(s, elem, a)) {
                if self.allow_version(minor) {
                    return true;
                }
                if let Some(cause) = cause {
                    *cause = format!("conversion of slice to {what} requires go1.{minor} or later");
                }
                return false;
            }
        }
        if !v_param && !t_param {
            return false;
        }
        self.generic_convertible_to(x, v, t, t0, cause)
    }

    /// The cases with type parameters: the conversion must work for each type in the type sets.
    fn generic_convertible_to(
        &mut self,
        x: &Operand,
        v: TypeId,
        t: TypeId,
        t0: TypeId,
        mut cause: Option<&mut String>,
    ) -> bool {
        let s = self.store;
        let terms_of = |p: TypeId| {
            is_type_param(s, p).then(|| type_set(s, constraint_interface(s, p)).terms.as_deref())
        };
        let from = match terms_of(v) {
            None => vec![v],
            Some(Some(terms)) => terms.iter().map(|t| t.ty).collect(),
            Some(None) => return false,
        };
        let to = match terms_of(t) {
            None => vec![t],
            Some(Some(terms)) => terms.iter().map(|t| t.ty).collect(),
            Some(None) => return false,
        };
        for &a in &from {
            let mut x = x.clone();
            x.typ = a;
            for &b in &to {
                if self.convertible_to(&x, b, cause.as_deref_mut()) {
                    continue;
                }
                if let Some(cause) = cause {
                    let name = |one: TypeId, whole: TypeId| {
                        let (one_s, whole_s) = (self.type_str(one), self.type_str(whole));
                        if is_type_param(s, whole) {
                            format!("{one_s} (in {whole_s})")
                        } else {
                            whole_s
                        }
                    };
                    let detail = std::mem::take(cause);
                    *cause = if is_type_param(s, v) {
                        let to = if is_type_param(s, t) { name(b, t) } else { self.type_str(t0) };
                        format!("cannot convert {} to type {to}", name(a, v))
                    } else {
                        format!("cannot convert {} to type {}", self.type_str(v), name(b, t))
                    };
                    if !detail.is_empty() {
                        cause.push_str("\n\t");
                        cause.push_str(&detail);
                    }
                }
                return false;
            }
        }
        true
    }

    fn is_bytes_or_runes(&self, t: TypeId) -> bool {
        let s = self.store;
        match s.ty(under(s, t)) {
            Type::Slice(elem) => matches!(
                self.basic_under(*elem).map(Basic::canonical),
                Some(Basic::Uint8 | Basic::Int32)
            ),
            _ => false,
        }
    }
}
