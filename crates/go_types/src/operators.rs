//! Unary and binary operators: which operand types they accept, constant folding, the delayed
//! typing of non-constant shifts, comparison.

use go_syntax::ast::{BinaryOp, ExprId, ExprKind, UnaryOp};

use crate::checker::Checker;
use crate::constant::{self, ConstKind, ConstValue};
use crate::describe::{binary_token, unary_token};
use crate::operand::{Mode, Operand};
use crate::predicates::{
    all_boolean, all_integer, all_numeric, all_numeric_or_string, all_ordered, all_string,
    all_unsigned, comparable_type, default_type, has_nil, identical, incomparable_cause,
    is_complex, is_integer, is_non_type_param_interface, is_pointer, is_type_param, is_typed,
    is_unsigned, is_untyped, is_valid,
};
use crate::store::TypeId;
use crate::types::{Basic, Type};
use crate::under::{Cause, common_under, under};
use crate::untyped::{is_comparison, is_shift};
use go_syntax::ast::ChanDir;

/// The largest constant shift count: enough for the smallest float64.
const MAX_SHIFT: u64 = 1023 - 1 + 52;

impl Checker<'_> {
    /// Checks `op x`.
    pub(crate) fn unary(&mut self, x: &mut Operand, e: ExprId, op: UnaryOp, operand: ExprId) {
        self.expr(None, x, operand);
        if !x.is_valid() {
            return;
        }
        let s = self.store;
        match op {
            UnaryOp::Addr => {
                let inner = self.ast().unparen(operand);
                let is_lit = matches!(self.expr_at(inner).kind, ExprKind::CompositeLit { .. });
                if !is_lit && x.mode != Mode::Variable {
                    let message = format!(
                        "invalid operation: cannot take address of {}",
                        self.operand_string(x)
                    );
                    self.error_at_operand(x, message);
                    x.invalidate();
                    return;
                }
                x.mode = Mode::Value;
                x.typ = self.memo.pointer(s, x.typ);
                return;
            }
            UnaryOp::Recv => {
                let pos = x.expr.map_or(0, |at| self.pos_of(at.id));
                match self.chan_elem(pos, x, true) {
                    Some(elem) if self.is_complete(elem) => {
                        x.mode = Mode::CommaOk;
                        x.typ = elem;
                        self.env.has_call_or_recv = true;
                    }
                    _ => x.invalidate(),
                }
                return;
            }
            _ => {}
        }
        let mut op = op;
        if op == UnaryOp::Tilde {
            if !all_integer(s, x.typ) {
                self.error_at(e, "cannot use ~ outside of interface or type constraint");
                x.invalidate();
                return;
            }
            self.error_at(
                e,
                "cannot use ~ outside of interface or type constraint (use ^ for bitwise complement)",
            );
            op = UnaryOp::BitNot;
        }
        let defined = match op {
            UnaryOp::Plus | UnaryOp::Minus => all_numeric(s, x.typ),
            UnaryOp::BitNot => all_integer(s, x.typ),
            _ => all_boolean(s, x.typ),
        };
        if !defined {
            self.operator_undefined(unary_token(op), x);
            return;
        }
        if x.mode != Mode::Constant {
            x.mode = Mode::Value;
            return;
        }
        if x.val.is_unknown() {
            return;
        }
        let bits = if is_unsigned(s, x.typ) { self.sizes().sizeof(s, x.typ) * 8 } else { 0 };
        x.val = constant::unary_op(op, &x.val, bits as u32);
        x.expr = Some(self.expr_ref(e));
        let pos = self.pos_of(e);
        self.overflow(x, pos);
    }

    fn operator_undefined(&mut self, op: &str, x: &mut Operand) {
        let message =
            format!("invalid operation: operator {op} not defined on {}", self.operand_string(x));
        self.error_at_operand(x, message);
        x.invalidate();
    }

    /// The element type of a channel that is received from or sent to; an error and `None` when
    /// that is not possible.
    pub(crate) fn chan_elem(&mut self, pos: u32, x: &Operand, recv: bool) -> Option<TypeId> {
        let s = self.store;
        let found = common_under(s, x.typ, |t, u| {
            let pair = t.zip(u);
            let what = match pair.map(|p| s.ty(p.1)) {
                Some(Type::Chan { dir: ChanDir::Send, .. }) if recv => "send-only channel",
                Some(Type::Chan { dir: ChanDir::Recv, .. }) if !recv => "receive-only channel",
                Some(Type::Chan { .. }) => return None,
                Some(_) => "non-channel",
                None => "no specific channel type",
            };
            let t = pair.map(|p| format!(" {}", self.type_str(p.0))).unwrap_or_default();
            Some(Cause::Words(format!("{what}{t}")))
        });
        let cause = match found {
            Ok(u) => match s.ty(u) {
                Type::Chan { elem, .. } => return Some(*elem),
                _ => return None,
            },
            Err(cause) => cause.message(|t| self.type_str(t)),
        };
        let what = self.operand_string(x);
        let verb = if recv { "receive from" } else { "send to" };
        let message = if is_type_param(s, x.typ) {
            format!("invalid operation: cannot {verb} {what}: {cause}")
        } else {
            format!("invalid operation: cannot {verb} {cause} {what}")
        };
        self.error(pos, message);
        None
    }

    /// Checks the binary expression `e`.
    pub(crate) fn binary_expr(&mut self, x: &mut Operand, e: ExprId) {
        let ExprKind::Binary { op, x: lhs, y: rhs, op_pos } = self.expr_at(e).kind else {
            return;
        };
        self.expr(None, x, lhs);
        let mut y = self.no_operand();
        self.expr(None, &mut y, rhs);
        self.binary(x, &mut y, Some(e), op, op_pos);
    }

    /// Checks `x op y`, both evaluated. `e` is the expression; it is absent for `x op= y`.
    pub(crate) fn binary(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        e: Option<ExprId>,
        op: BinaryOp,
        op_pos: u32,
    ) {
        if !x.is_valid() {
            return;
        }
        if !y.is_valid() {
            x.invalidate();
            x.expr = y.expr;
            return;
        }
        if is_shift(op) {
            self.shift(x, y, e, op, op_pos);
            return;
        }
        self.match_operands(x, y);
        if !x.is_valid() {
            return;
        }
        if is_comparison(op) {
            self.comparison(x, y, op, false);
            return;
        }
        let s = self.store;
        if !identical(s, x.typ, y.typ) {
            if is_valid(s, x.typ) && is_valid(s, y.typ) {
                self.mismatched_types(x, y, e, op);
            }
            x.invalidate();
            return;
        }
        let defined = match op {
            BinaryOp::Add => all_numeric_or_string(s, x.typ),
            BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => all_numeric(s, x.typ),
            BinaryOp::LogicalAnd | BinaryOp::LogicalOr => all_boolean(s, x.typ),
            _ => all_integer(s, x.typ),
        };
        if !defined {
            self.operator_undefined(binary_token(op), x);
            return;
        }
        let both_constant = x.mode == Mode::Constant && y.mode == Mode::Constant;
        if matches!(op, BinaryOp::Div | BinaryOp::Rem) && y.mode == Mode::Constant {
            let zero = if y.val.sign() == 0 {
                x.mode == Mode::Constant || all_integer(s, x.typ)
            } else {
                both_constant && is_complex(s, x.typ) && square_is_zero(&y.val)
            };
            if zero {
                self.error_at_operand(y, "invalid operation: division by zero");
                x.invalidate();
                return;
            }
        }
        if !both_constant {
            x.mode = Mode::Value;
            return;
        }
        if x.val.is_unknown() || y.val.is_unknown() {
            x.val = ConstValue::Unknown;
            return;
        }
        let int_div = op == BinaryOp::Div && is_integer(s, x.typ);
        x.val = constant::binary_op(&x.val, op, &y.val, int_div);
        x.expr = e.map(|e| self.expr_ref(e)).or(x.expr);
        self.overflow(x, op_pos);
    }

    fn mismatched_types(&mut self, x: &Operand, y: &Operand, e: Option<ExprId>, op: BinaryOp) {
        let (tx, ty) = (self.type_str(x.typ), self.type_str(y.typ));
        if let Some(e) = e {
            let text = self.expr_str(e);
            self.error_at(e, format!("invalid operation: {text} (mismatched types {tx} and {ty})"));
        } else {
            let (lhs, rhs) = (self.operand_expr(x), self.operand_expr(y));
            let token = binary_token(op);
            let message =
                format!("invalid operation: {lhs} {token}= {rhs} (mismatched types {tx} and {ty})");
            self.error_at_operand(x, message);
        }
    }

    fn operand_expr(&self, x: &Operand) -> String {
        x.expr.map_or_else(|| x.val.to_string(), |at| self.expr_string(at))
    }

    /// Converts untyped operands so that both have one type, where that may be.
    pub(crate) fn match_operands(&mut self, x: &mut Operand, y: &mut Operand) {
        if !self.may_convert(x, y) {
            return;
        }
        self.convert_untyped(x, y.typ);
        if !x.is_valid() {
            return;
        }
        self.convert_untyped(y, x.typ);
        if !y.is_valid() {
            x.invalidate();
        }
    }

    /// Whether converting one operand to the other's type is worth trying; if not, a mismatch is
    /// reported rather than a failed conversion.
    fn may_convert(&self, x: &Operand, y: &Operand) -> bool {
        let s = self.store;
        if x.typ == y.typ || (is_typed(s, x.typ) && is_typed(s, y.typ)) {
            return false;
        }
        if all_numeric(s, x.typ) != all_numeric(s, y.typ) {
            return false;
        }
        if is_non_type_param_interface(s, x.typ) || is_non_type_param_interface(s, y.typ) {
            return true;
        }
        if all_boolean(s, x.typ) != all_boolean(s, y.typ)
            || all_string(s, x.typ) != all_string(s, y.typ)
        {
            return false;
        }
        if self.is_nil_operand(x) {
            return has_nil(s, y.typ);
        }
        if self.is_nil_operand(y) {
            return has_nil(s, x.typ);
        }
        !is_pointer(s, x.typ) && !is_pointer(s, y.typ)
    }

    /// Checks `x op y` for a comparison operator. In a `case` the operator is `==` and the errors
    /// are worded for it.
    pub(crate) fn comparison(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        op: BinaryOp,
        in_case: bool,
    ) {
        let s = self.store;
        if !is_valid(s, x.typ) || !is_valid(s, y.typ) {
            x.invalidate();
            return;
        }
        let assignable = x.typ == y.typ
            || self.assignable_to(x, y.typ, None)
            || self.assignable_to(y, x.typ, None);
        if !assignable {
            let cause =
                format!("mismatched types {} and {}", self.type_str(x.typ), self.type_str(y.typ));
            self.comparison_error(x, y, op, in_case, false, Some(cause));
            return;
        }
        let (x_nil, y_nil) = (self.is_nil_operand(x), self.is_nil_operand(y));
        // Whether the error, if any, is about x; and its cause.
        let offending = match op {
            BinaryOp::Eq | BinaryOp::Ne => {
                if x_nil || y_nil {
                    let other = if x_nil { y.typ } else { x.typ };
                    (!has_nil(s, other) || (x_nil && y_nil)).then_some((false, None))
                } else if !comparable_type(s, x.typ, true) {
                    Some((true, self.incomparable(x.typ)))
                } else if x.typ != y.typ && !comparable_type(s, y.typ, true) {
                    Some((false, self.incomparable(y.typ)))
                } else {
                    None
                }
            }
            _ if !all_ordered(s, x.typ) => Some((true, None)),
            _ if !all_ordered(s, y.typ) => Some((false, None)),
            _ => None,
        };
        if let Some((at_x, cause)) = offending {
            self.comparison_error(x, y, op, in_case, at_x, cause);
            return;
        }
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            // The operands never materialise: their types stay as they are.
            x.val = if x.val.is_unknown() || y.val.is_unknown() {
                ConstValue::Unknown
            } else {
                ConstValue::Bool(constant::compare(&x.val, op, &y.val))
            };
        } else {
            x.mode = Mode::Value;
            x.val = ConstValue::Unknown;
            for side in [&*x, &*y] {
                if let Some(at) = side.expr
                    && is_untyped(s, side.typ)
                {
                    self.update_expr_type(at, default_type(s, side.typ), true);
                }
            }
        }
        x.typ = s.basic(Basic::UntypedBool);
    }

    fn incomparable(&self, t: TypeId) -> Option<String> {
        let s = self.store;
        if matches!(s.ty(under(s, t)), Type::Slice(_) | Type::Signature(_) | Type::Map { .. }) {
            return Some(format!("{} can only be compared to nil", self.composite_kind(t)));
        }
        incomparable_cause(s, t, true).filter(|cause| !cause.is_empty())
    }

    fn comparison_error(
        &mut self,
        x: &mut Operand,
        y: &Operand,
        op: BinaryOp,
        in_case: bool,
        at_x: bool,
        cause: Option<String>,
    ) {
        let s = self.store;
        let mut at_x = at_x;
        let token = binary_token(op);
        let cause = cause.unwrap_or_else(|| {
            if is_type_param(s, x.typ) || is_type_param(s, y.typ) {
                at_x = at_x && is_type_param(s, x.typ);
                let t = self.type_str(if at_x { x.typ } else { y.typ });
                format!("type parameter {t} cannot use operator {token}")
            } else {
                let t = if at_x { x.typ } else { y.typ };
                match self.composite_kind(t) {
                    "" => format!("operator {token} not defined on {}", self.type_str(t)),
                    kind => format!("operator {token} not defined on {kind}"),
                }
            }
        });
        let (lhs, rhs) = (self.operand_expr(x), self.operand_expr(y));
        if in_case {
            let message = format!("invalid case {lhs} in switch on {rhs} ({cause})");
            self.error_at_operand(x, message);
        } else {
            let message = format!("invalid operation: {lhs} {token} {rhs} ({cause})");
            self.error_at_operand(if at_x { &*x } else { y }, message);
        }
        x.invalidate();
    }

    fn shift(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        e: Option<ExprId>,
        op: BinaryOp,
        op_pos: u32,
    ) {
        let s = self.store;
        let x_int = (x.mode == Mode::Constant).then(|| x.val.to_int());
        let shiftable =
            all_integer(s, x.typ) || (is_untyped(s, x.typ) && x_int.as_ref().is_some_and(is_int));
        if !shiftable {
            self.shifted_must_be_integer(x);
            return;
        }
        let mut y_int = None;
        if y.mode == Mode::Constant {
            let count = y.val.to_int();
            if is_int(&count) && count.sign() < 0 {
                let message =
                    format!("invalid operation: negative shift count {}", self.operand_string(y));
                self.error_at_operand(y, message);
                x.invalidate();
                return;
            }
            if is_untyped(s, y.typ) {
                // Representability only: an untyped count keeps its type in a constant shift.
                self.representable(y, Basic::Uint);
                if !y.is_valid() {
                    x.invalidate();
                    return;
                }
            }
            y_int = Some(count);
        } else if all_integer(s, y.typ) {
            if !all_unsigned(s, y.typ) && !self.allow_version(13) {
                let pos = y.expr.map_or(0, |at| self.pos_of(at.id));
                self.verify_version(pos, 13, |c| {
                    format!("invalid operation: signed shift count {}", c.operand_string(y))
                });
                x.invalidate();
                return;
            }
        } else if is_untyped(s, y.typ) {
            self.convert_untyped(y, s.basic(Basic::Uint));
            if !y.is_valid() {
                x.invalidate();
                return;
            }
        } else {
            let message = format!(
                "invalid operation: shift count {} must be integer",
                self.operand_string(y)
            );
            self.error_at_operand(y, message);
            x.invalidate();
            return;
        }
        if let Some(x_int) = x_int {
            if let Some(count) = y_int {
                if x.val.is_unknown() || y.val.is_unknown() {
                    x.val = ConstValue::Unknown;
                    if !is_integer(s, x.typ) {
                        x.typ = s.basic(Basic::UntypedInt);
                    }
                    return;
                }
                let Some(bits) = count.uint64_val().filter(|&n| n <= MAX_SHIFT) else {
                    let message = format!(
                        "invalid operation: invalid shift count {}",
                        self.operand_string(y)
                    );
                    self.error_at_operand(y, message);
                    x.invalidate();
                    return;
                };
                // `2.0 << 1`: an untyped float that is integral shifts as an integer.
                if !is_integer(s, x.typ) {
                    x.typ = s.basic(Basic::UntypedInt);
                }
                x.val = constant::shift(&x_int, op == BinaryOp::Shl, bits as u32);
                x.expr = e.map(|e| self.expr_ref(e)).or(x.expr);
                self.overflow(x, op_pos);
                return;
            }
            // A non-constant shift of an untyped constant: the constant gets the type that it
            // would have without the shift (Go spec, "Operators"), which is not known yet.
            if is_untyped(s, x.typ) {
                if let Some(at) = x.expr
                    && self.open_untyped(at).is_some()
                {
                    self.shift_operands.insert(at);
                }
                x.mode = Mode::Value;
                x.val = ConstValue::Unknown;
                return;
            }
        }
        if !all_integer(s, x.typ) {
            self.shifted_must_be_integer(x);
            return;
        }
        x.mode = Mode::Value;
        x.val = ConstValue::Unknown;
    }

    fn shifted_must_be_integer(&mut self, x: &mut Operand) {
        let message = format!(
            "invalid operation: shifted operand {} must be integer",
            self.operand_string(x)
        );
        self.error_at_operand(x, message);
        x.invalidate();
    }
}

/// Whether a complex divisor is so small that its square vanishes.
fn square_is_zero(val: &ConstValue) -> bool {
    let square = |v: ConstValue| constant::binary_op(&v, BinaryOp::Mul, &v, false);
    square(val.real()).sign() == 0 && square(val.imag()).sign() == 0
}

fn is_int(val: &ConstValue) -> bool {
    val.kind() == ConstKind::Int
}
