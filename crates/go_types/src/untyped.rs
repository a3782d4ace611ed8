//! Untyped operands: giving them a type from their context, and the checks that a constant fits.
//!
//! `var f float64 = 1 << s`: the `1` is recorded untyped; the assignment converts the shift to
//! `float64`, and `update_expr_type` carries that down to the `1`, where it is found to be wrong.

use base::Id;
use go_syntax::ast::{BinaryOp, ExprKind, UnaryOp};

use crate::checker::Checker;
use crate::constant::{self, ConstKind, ConstValue};
use crate::info::ExprRef;
use crate::operand::{Mode, Operand};
use crate::predicates::{
    all_integer, default_type, has_nil, is_boolean, is_integer, is_non_type_param_interface,
    is_numeric, is_string, is_type_param, is_typed, is_untyped, is_valid, max_type,
};
use crate::store::TypeId;
use crate::types::{Basic, Type};
use crate::typeset::type_set_is_empty_interface;
use crate::under::{under, under_is};

/// Why an untyped operand cannot have a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Misfit {
    /// A fraction would be lost: `var i int = 1.5`.
    Truncated,
    /// The value is too large for the type.
    Overflows,
    /// The kinds do not go together.
    Mismatch,
}

/// Bits that an untyped integer constant may have.
const PRECISION: u64 = 512;
/// Bytes that a string constant may have.
const MAX_STRING: u64 = 2_000_000_000;

impl Checker<'_> {
    /// Converts an untyped operand to `target`, reporting an error when that cannot be.
    /// Typed operands are left alone.
    pub(crate) fn convert_untyped(&mut self, x: &mut Operand, target: TypeId) {
        match self.implicit_type_and_value(x, target) {
            Ok((typ, val)) => self.set_implicit(x, typ, val),
            Err(misfit) => {
                let target = if is_type_param(self.store, target) {
                    target
                } else {
                    under(self.store, target)
                };
                self.invalid_conversion(misfit, x, target);
                x.invalidate();
            }
        }
    }

    /// Applies a result of [`Self::implicit_type_and_value`] to the operand and its expression.
    pub(crate) fn set_implicit(&mut self, x: &mut Operand, typ: TypeId, val: Option<ConstValue>) {
        if let Some(val) = val {
            if let Some(at) = x.expr {
                self.update_expr_val(at, &val);
            }
            x.val = val;
        }
        if typ != x.typ {
            x.typ = typ;
            if let Some(at) = x.expr {
                self.update_expr_type(at, typ, false);
            }
        }
    }

    /// The type that `x` takes where `target` is expected, and its value in that type when it is
    /// a constant. A typed operand keeps its type.
    pub(crate) fn implicit_type_and_value(
        &mut self,
        x: &Operand,
        target: TypeId,
    ) -> Result<(TypeId, Option<ConstValue>), Misfit> {
        let s = self.store;
        if !x.is_valid() || is_typed(s, x.typ) || !is_valid(s, target) {
            return Ok((x.typ, None));
        }
        if is_untyped(s, target) {
            return match max_type(s, x.typ, target) {
                Some(t) => Ok((t, None)),
                None => Err(Misfit::Mismatch),
            };
        }
        let nil = s.basic(Basic::UntypedNil);
        let u = under(s, target);
        match s.ty(u) {
            Type::Basic(basic) => {
                if x.mode == Mode::Constant {
                    let val = self.representation(x, *basic)?;
                    return Ok((target, Some(val)));
                }
                // Untyped but not constant: a comparison, a shift whose type is open, nil.
                let fits = match s.ty(x.typ) {
                    Type::Basic(Basic::UntypedBool) => is_boolean(s, target),
                    Type::Basic(
                        Basic::UntypedInt
                        | Basic::UntypedRune
                        | Basic::UntypedFloat
                        | Basic::UntypedComplex,
                    ) => is_numeric(s, target),
                    Type::Basic(Basic::UntypedString) => is_string(s, target),
                    Type::Basic(Basic::UntypedNil) => {
                        // unsafe.Pointer is a basic type that has nil; nil itself stays untyped.
                        return if has_nil(s, target) {
                            Ok((nil, None))
                        } else {
                            Err(Misfit::Mismatch)
                        };
                    }
                    _ => false,
                };
                if fits { Ok((target, None)) } else { Err(Misfit::Mismatch) }
            }
            Type::Interface(_) => {
                if is_type_param(s, target) {
                    let all = under_is(s, target, |u| {
                        u.is_some_and(|u| self.implicit_type_and_value(x, u).is_ok())
                    });
                    return if !all {
                        Err(Misfit::Mismatch)
                    } else if self.is_nil_operand(x) {
                        Ok((nil, None))
                    } else {
                        Ok((target, None))
                    };
                }
                if self.is_nil_operand(x) {
                    Ok((nil, None))
                } else if type_set_is_empty_interface(s, u) {
                    Ok((default_type(s, x.typ), None))
                } else {
                    Err(Misfit::Mismatch)
                }
            }
            Type::Pointer(_)
            | Type::Signature(_)
            | Type::Slice(_)
            | Type::Map { .. }
            | Type::Chan { .. }
                if self.is_nil_operand(x) =>
            {
                Ok((nil, None))
            }
            _ => Err(Misfit::Mismatch),
        }
    }

    /// Carries a type down to an expression that was untyped. If the type is `is_final` or typed,
    /// the expression has got its type for good, and a constant must be representable in it.
    pub(crate) fn update_expr_type(&mut self, at: ExprRef, typ: TypeId, is_final: bool) {
        let Some(old) = self.open_untyped(at) else { return };
        let index = at.id.index();
        let is_constant = self.files[at.file as usize].modes[index] == Mode::Constant;
        let below = |id| ExprRef { file: at.file, id };
        // The operands of a constant never materialise: they stay untyped.
        match self.asts[at.file as usize].expr(at.id).kind {
            ExprKind::Paren(x) => self.update_expr_type(below(x), typ, is_final),
            ExprKind::Unary { x, .. } if !is_constant => {
                self.update_expr_type(below(x), typ, is_final);
            }
            ExprKind::Binary { op, x, y, .. } if !is_constant && !is_comparison(op) => {
                stacker::maybe_grow(crate::RED_ZONE, crate::STACK_STEP, || {
                    self.update_expr_type(below(x), typ, is_final);
                    if !is_shift(op) {
                        self.update_expr_type(below(y), typ, is_final);
                    }
                });
            }
            _ => {}
        }
        let s = self.store;
        if !is_final && is_untyped(s, typ) {
            self.files[at.file as usize].types[index] = Some(under(s, typ));
            return;
        }
        self.files[at.file as usize].types[index] = None;
        if !self.shift_operands.is_empty()
            && self.shift_operands.remove(&at)
            && !all_integer(s, typ)
        {
            let message = format!(
                "invalid operation: shifted operand {} (type {}) must be integer",
                self.expr_string(at),
                self.type_str(typ)
            );
            self.error_in(at, message);
            return;
        }
        if is_constant {
            let val = self.files[at.file as usize].consts.get(&at.id).cloned();
            let mut c = Operand {
                mode: Mode::Constant,
                expr: Some(at),
                typ: old,
                val: val.unwrap_or_default(),
            };
            self.convert_untyped(&mut c, typ);
            if !c.is_valid() {
                return;
            }
        }
        self.files[at.file as usize].types[index] = Some(typ);
    }

    /// Replaces the recorded value of an expression that is untyped still.
    pub(crate) fn update_expr_val(&mut self, at: ExprRef, val: &ConstValue) {
        if self.open_untyped(at).is_some() {
            self.files[at.file as usize].consts.insert(at.id, val.clone());
        }
    }

    /// Checks that a constant fits its type, or, if untyped, has not grown beyond all bounds.
    pub(crate) fn overflow(&mut self, x: &mut Operand, op_pos: u32) {
        if x.val.is_unknown() {
            self.error(op_pos, "constant result is not representable");
            return;
        }
        let s = self.store;
        if is_typed(s, x.typ) {
            if let Type::Basic(basic) = s.ty(under(s, x.typ)) {
                self.representable(x, *basic);
            }
            return;
        }
        if x.val.kind() == ConstKind::Int && x.val.bit_len() > PRECISION {
            let name = x.expr.map_or("", |at| self.overflowing_operation(at));
            self.error(op_pos, format!("constant {name}overflow"));
            x.val = ConstValue::Unknown;
        } else if let ConstValue::Str(text) = &x.val
            && text.len() as u64 > MAX_STRING
        {
            let len = text.len();
            self.error(
                op_pos,
                format!("constant string too long ({len} bytes > {MAX_STRING} bytes)"),
            );
            x.val = ConstValue::Unknown;
        }
    }

    fn overflowing_operation(&self, at: ExprRef) -> &'static str {
        match self.asts[at.file as usize].expr(at.id).kind {
            ExprKind::Binary { op: BinaryOp::Add, .. } => "addition ",
            ExprKind::Binary { op: BinaryOp::Sub, .. } => "subtraction ",
            ExprKind::Binary { op: BinaryOp::Xor, .. } => "bitwise XOR ",
            ExprKind::Binary { op: BinaryOp::Mul, .. } => "multiplication ",
            ExprKind::Binary { op: BinaryOp::Shl, .. } => "shift ",
            ExprKind::Unary { op: UnaryOp::BitNot, .. } => "bitwise complement ",
            _ => "",
        }
    }

    /// Checks that a constant operand can be represented in a basic type, and rounds it to it.
    pub(crate) fn representable(&mut self, x: &mut Operand, basic: Basic) {
        match self.representation(x, basic) {
            Ok(val) => x.val = val,
            Err(misfit) => {
                let target = self.store.basic(basic);
                self.invalid_conversion(misfit, x, target);
                x.invalidate();
            }
        }
    }

    /// The value of a constant operand in a basic type.
    pub(crate) fn representation(&self, x: &Operand, basic: Basic) -> Result<ConstValue, Misfit> {
        if let Some(val) = constant::representable_const(&x.val, basic, self.sizes()) {
            return Ok(val);
        }
        let s = self.store;
        let target = s.basic(basic);
        if is_numeric(s, x.typ) && is_numeric(s, target) {
            if !is_integer(s, x.typ) && is_integer(s, target) {
                return Err(Misfit::Truncated);
            }
            return Err(Misfit::Overflows);
        }
        Err(Misfit::Mismatch)
    }

    fn invalid_conversion(&mut self, misfit: Misfit, x: &Operand, target: TypeId) {
        let (what, target) = (self.operand_string(x), self.type_str(target));
        let message = match misfit {
            Misfit::Truncated => format!("{what} truncated to {target}"),
            Misfit::Overflows => format!("{what} overflows {target}"),
            Misfit::Mismatch => format!("cannot convert {what} to type {target}"),
        };
        self.error_at_operand(x, message);
    }

    /// Whether `x` is the predeclared nil.
    #[inline]
    pub(crate) fn is_nil_operand(&self, x: &Operand) -> bool {
        x.mode == Mode::Value && x.typ == self.store.basic(Basic::UntypedNil)
    }

    /// Whether an untyped operand is converted to its default type when assigned to `target`.
    pub(crate) fn defaults_in(&self, target: Option<TypeId>) -> bool {
        target.is_none_or(|t| is_non_type_param_interface(self.store, t))
    }
}

/// `<<`, `>>`
pub(crate) fn is_shift(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Shl | BinaryOp::Shr)
}

/// `==`, `!=`, `<`, `<=`, `>`, `>=`
pub(crate) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge)
}
