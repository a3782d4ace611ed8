//! Operations on constant values (Go spec, "Constant expressions"). Operands that do not fit the
//! operation give `Unknown`: the checker has reported them.

use std::cmp::Ordering;
use std::sync::Arc;

use go_syntax::ast::{BinaryOp, UnaryOp};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::Zero;

use super::ConstValue;

/// `op y`. For `^` on an unsigned type, `unsigned_bits` gives its size; 0 otherwise.
pub fn unary_op(op: UnaryOp, y: &ConstValue, unsigned_bits: u32) -> ConstValue {
    match (op, y) {
        (UnaryOp::Plus, ConstValue::Bool(_) | ConstValue::Str(_)) => ConstValue::Unknown,
        (UnaryOp::Plus, _) => y.clone(),
        (UnaryOp::Minus, ConstValue::Int(v)) => v
            .checked_neg()
            .map_or_else(|| ConstValue::from_big_int(-BigInt::from(*v)), ConstValue::Int),
        (UnaryOp::Minus, ConstValue::BigInt(v)) => ConstValue::from_big_int(-(**v).clone()),
        (UnaryOp::Minus, ConstValue::Rat(v)) => ConstValue::Rat(Arc::new(-(**v).clone())),
        (UnaryOp::Minus, ConstValue::Float(v)) => ConstValue::Float(Arc::new(v.negated())),
        (UnaryOp::Minus, ConstValue::Complex(c)) => ConstValue::complex(
            unary_op(UnaryOp::Minus, &c.0, 0),
            unary_op(UnaryOp::Minus, &c.1, 0),
        ),
        (UnaryOp::BitNot, ConstValue::Int(v)) if unsigned_bits == 0 => ConstValue::Int(!v),
        (UnaryOp::BitNot, _) => {
            let Some(v) = y.big() else { return ConstValue::Unknown };
            let mut z: BigInt = -v - 1;
            if unsigned_bits > 0 {
                z &= (BigInt::from(1) << unsigned_bits) - 1;
            }
            ConstValue::from_big_int(z)
        }
        (UnaryOp::Not, ConstValue::Bool(b)) => ConstValue::Bool(!b),
        _ => ConstValue::Unknown,
    }
}

/// `x op y` for arithmetic, bit and logical operators. With `int_div`, `/` of integers truncates;
/// without, it gives a fraction. The caller has excluded division by zero (which gives
/// `Unknown`). Shifts are [`shift`], comparisons [`compare`].
pub fn binary_op(x: &ConstValue, op: BinaryOp, y: &ConstValue, int_div: bool) -> ConstValue {
    use ConstValue as V;
    match (x, y) {
        (V::Bool(a), V::Bool(b)) => match op {
            BinaryOp::LogicalAnd => V::Bool(*a && *b),
            BinaryOp::LogicalOr => V::Bool(*a || *b),
            _ => V::Unknown,
        },
        (V::Str(a), V::Str(b)) if op == BinaryOp::Add => V::Str(a.concat(b)),
        (V::Int(a), V::Int(b)) => small(*a, op, *b, int_div)
            .unwrap_or_else(|| big(&(*a).into(), op, &(*b).into(), int_div)),
        (V::Complex(_), _) | (_, V::Complex(_)) => {
            if matches!(x.to_complex(), V::Unknown) || matches!(y.to_complex(), V::Unknown) {
                return V::Unknown;
            }
            complex((&x.real(), &x.imag()), op, (&y.real(), &y.imag()))
        }
        (V::Float(_), _) | (_, V::Float(_)) => {
            let (Some(a), Some(b)) = (x.big_float(), y.big_float()) else { return V::Unknown };
            V::from_big_float(match op {
                BinaryOp::Add => a.add(&b),
                BinaryOp::Sub => a.sub(&b),
                BinaryOp::Mul => a.mul(&b),
                BinaryOp::Div => a.quo(&b),
                _ => None,
            })
        }
        (V::Rat(_), _) | (_, V::Rat(_)) => {
            let (Some(a), Some(b)) = (x.rational(), y.rational()) else { return V::Unknown };
            match op {
                BinaryOp::Add => V::from_rational(a + b),
                BinaryOp::Sub => V::from_rational(a - b),
                BinaryOp::Mul => V::from_rational(a * b),
                BinaryOp::Div if !b.is_zero() => V::from_rational(a / b),
                _ => V::Unknown,
            }
        }
        _ => {
            let (Some(a), Some(b)) = (x.big(), y.big()) else { return V::Unknown };
            big(&a, op, &b, int_div)
        }
    }
}

/// `x << s` (`left`) or `x >> s` of an integer constant. The caller bounds `s`.
pub fn shift(x: &ConstValue, left: bool, s: u32) -> ConstValue {
    match x {
        _ if s == 0 => x.clone(),
        ConstValue::Int(v) if !left => ConstValue::Int(v >> s.min(63)),
        ConstValue::Int(v) if s < 62 && v.unsigned_abs().leading_zeros() > s + 1 => {
            ConstValue::Int(v << s)
        }
        _ => match x.big() {
            Some(v) if left => ConstValue::from_big_int(v << s),
            Some(v) => ConstValue::from_big_int(v >> s),
            None => ConstValue::Unknown,
        },
    }
}

/// `x op y` for a comparison operator; false when an operand is unknown.
pub fn compare(x: &ConstValue, op: BinaryOp, y: &ConstValue) -> bool {
    use ConstValue as V;
    let order = match (x, y) {
        (V::Unknown, _) | (_, V::Unknown) => return false,
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Str(a), V::Str(b)) => a.bytes().cmp(b.bytes()),
        (V::Int(a), V::Int(b)) => a.cmp(b),
        (V::Complex(_), _) | (_, V::Complex(_)) => {
            let same = compare(&x.real(), BinaryOp::Eq, &y.real())
                && compare(&x.imag(), BinaryOp::Eq, &y.imag());
            return same == (op == BinaryOp::Eq);
        }
        (V::Float(_), _) | (_, V::Float(_)) => match (x.big_float(), y.big_float()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => return false,
        },
        _ => match (x.rational(), y.rational()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => return false,
        },
    };
    match op {
        BinaryOp::Eq => order == Ordering::Equal,
        BinaryOp::Ne => order != Ordering::Equal,
        BinaryOp::Lt => order == Ordering::Less,
        BinaryOp::Le => order != Ordering::Greater,
        BinaryOp::Gt => order == Ordering::Greater,
        BinaryOp::Ge => order != Ordering::Less,
        _ => false,
    }
}

/// Integers whose result fits; `None` when it does not, or the operator needs more care.
fn small(a: i64, op: BinaryOp, b: i64, int_div: bool) -> Option<ConstValue> {
    Some(ConstValue::Int(match op {
        BinaryOp::Add => a.checked_add(b)?,
        BinaryOp::Sub => a.checked_sub(b)?,
        BinaryOp::Mul => a.checked_mul(b)?,
        BinaryOp::Div if int_div => a.checked_div(b)?,
        BinaryOp::Rem => a.checked_rem(b)?,
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::AndNot => a & !b,
        _ => return None,
    }))
}

fn big(a: &BigInt, op: BinaryOp, b: &BigInt, int_div: bool) -> ConstValue {
    let zero = b.is_zero();
    ConstValue::from_big_int(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div | BinaryOp::Rem if zero => return ConstValue::Unknown,
        BinaryOp::Div if int_div => a / b,
        BinaryOp::Div => {
            return ConstValue::from_rational(BigRational::new(a.clone(), b.clone()));
        }
        BinaryOp::Rem => a.div_rem(b).1,
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::AndNot => {
            let not_b: BigInt = -b - 1;
            a & not_b
        }
        _ => return ConstValue::Unknown,
    })
}

fn complex(
    (a, b): (&ConstValue, &ConstValue),
    op: BinaryOp,
    (c, d): (&ConstValue, &ConstValue),
) -> ConstValue {
    let add = |x: &ConstValue, y: &ConstValue| binary_op(x, BinaryOp::Add, y, false);
    let sub = |x: &ConstValue, y: &ConstValue| binary_op(x, BinaryOp::Sub, y, false);
    let mul = |x: &ConstValue, y: &ConstValue| binary_op(x, BinaryOp::Mul, y, false);
    let quo = |x: &ConstValue, y: &ConstValue| binary_op(x, BinaryOp::Div, y, false);
    match op {
        BinaryOp::Add => ConstValue::complex(add(a, c), add(b, d)),
        BinaryOp::Sub => ConstValue::complex(sub(a, c), sub(b, d)),
        BinaryOp::Mul => {
            ConstValue::complex(sub(&mul(a, c), &mul(b, d)), add(&mul(b, c), &mul(a, d)))
        }
        BinaryOp::Div => {
            let s = add(&mul(c, c), &mul(d, d));
            ConstValue::complex(
                quo(&add(&mul(a, c), &mul(b, d)), &s),
                quo(&sub(&mul(b, c), &mul(a, d)), &s),
            )
        }
        _ => ConstValue::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constant::representable_const;
    use crate::sizes::Sizes;
    use crate::types::Basic;
    use go_syntax::ast::LitKind;

    fn float(s: &str) -> ConstValue {
        ConstValue::from_literal(LitKind::Float, s.as_bytes())
    }
    fn int(s: &str) -> ConstValue {
        ConstValue::from_literal(LitKind::Int, s.as_bytes())
    }

    /// Expected strings are what Go 1.27's go/constant prints.
    #[test]
    fn values_print_as_go_constant_prints_them() {
        let exact = |v: ConstValue| v.exact_string();
        assert_eq!(exact(int("0x_ff")), "255");
        assert_eq!(exact(int("0777")), "511");
        assert_eq!(exact(int("18446744073709551616")), "18446744073709551616");
        assert_eq!(exact(float("0.1")), "1/10");
        assert_eq!(exact(float("1e3")), "1000");
        assert_eq!(exact(float("0x1p-2")), "1/4");
        assert_eq!(exact(float("0x1p5000")), "0x.8p+5001");
        assert_eq!(exact(float("1e-2000000000")), "0");
        assert_eq!(exact(float("1e2000000000")), "unknown");
        let third = binary_op(&int("1"), BinaryOp::Div, &int("3"), false);
        assert_eq!(exact(third), "1/3");
        assert_eq!(exact(binary_op(&int("-7"), BinaryOp::Div, &int("2"), true)), "unknown");
        let seven = unary_op(UnaryOp::Minus, &int("7"), 0);
        assert_eq!(exact(binary_op(&seven, BinaryOp::Div, &int("2"), true)), "-3");
        assert_eq!(exact(binary_op(&seven, BinaryOp::Rem, &int("2"), true)), "-1");
        assert_eq!(exact(unary_op(UnaryOp::BitNot, &int("1"), 8)), "254");
        assert_eq!(exact(shift(&int("1"), true, 70)), "1180591620717411303424");
        let i = ConstValue::from_literal(LitKind::Imag, b"2i");
        assert_eq!(exact(binary_op(&i, BinaryOp::Mul, &i, false)), "(-4 + 0i)");
    }

    #[test]
    fn rounding_to_sized_types() {
        let tenth = float("0.1");
        let rounded = representable_const(&tenth, Basic::Float32, &Sizes::default()).expect("fits");
        assert_eq!(rounded.exact_string(), "13421773/134217728");
        assert!(representable_const(&float("1e39"), Basic::Float32, &Sizes::default()).is_none());
        assert!(
            representable_const(&float("5e-324"), Basic::Float64, &Sizes::default())
                .is_some_and(|v| !v.is_zero())
        );
        assert!(representable_const(&int("256"), Basic::Uint8, &Sizes::default()).is_none());
        assert!(representable_const(&int("128"), Basic::Int8, &Sizes::default()).is_none());
        assert!(
            representable_const(
                &int("2147483648"),
                Basic::Int,
                &Sizes::for_arch("386").expect("known")
            )
            .is_none()
        );
        assert!(
            representable_const(&int("0xffffffffffffffff"), Basic::Uint64, &Sizes::default())
                .is_some()
        );
        assert!(representable_const(&float("1.5"), Basic::Int, &Sizes::default()).is_none());
        assert!(
            representable_const(&float("2.0"), Basic::Int, &Sizes::default())
                == Some(ConstValue::Int(2))
        );
    }
}
