//! Which constants a basic type can hold, and what they become when rounded to it (Go spec,
//! "Representability").

use super::{ConstKind, ConstValue, binary_op};
use crate::sizes::Sizes;
use crate::types::Basic;
use go_syntax::ast::BinaryOp;

/// The value `x` as the type holds it: an integer for integer types, rounded for sized float and
/// complex types. `None` when the type cannot represent it. An unknown value fits everywhere.
pub fn representable_const(x: &ConstValue, typ: Basic, sizes: &Sizes) -> Option<ConstValue> {
    if x.is_unknown() {
        return Some(ConstValue::Unknown);
    }
    let width = sizes.word as u32 * 8;
    match typ.canonical() {
        Basic::UntypedInt | Basic::UntypedRune => integer(x, None),
        Basic::Int => integer(x, Some((true, width))),
        Basic::Int8 => integer(x, Some((true, 8))),
        Basic::Int16 => integer(x, Some((true, 16))),
        Basic::Int32 => integer(x, Some((true, 32))),
        Basic::Int64 => integer(x, Some((true, 64))),
        Basic::Uint | Basic::Uintptr => integer(x, Some((false, width))),
        Basic::Uint8 => integer(x, Some((false, 8))),
        Basic::Uint16 => integer(x, Some((false, 16))),
        Basic::Uint32 => integer(x, Some((false, 32))),
        Basic::Uint64 => integer(x, Some((false, 64))),
        Basic::Float32 => round32(&x.to_float()),
        Basic::Float64 => round64(&x.to_float()),
        Basic::UntypedFloat => (!x.to_float().is_unknown()).then(|| x.clone()),
        Basic::Complex64 => complex(&x.to_complex(), round32),
        Basic::Complex128 => complex(&x.to_complex(), round64),
        Basic::UntypedComplex => (!x.to_complex().is_unknown()).then(|| x.clone()),
        Basic::String | Basic::UntypedString => (x.kind() == ConstKind::String).then(|| x.clone()),
        Basic::Bool | Basic::UntypedBool => (x.kind() == ConstKind::Bool).then(|| x.clone()),
        _ => None,
    }
}

/// `range` is signedness and bits.
fn integer(x: &ConstValue, range: Option<(bool, u32)>) -> Option<ConstValue> {
    let x = x.to_int();
    let fits = match (&x, range) {
        (ConstValue::Int(_) | ConstValue::BigInt(_), None) => true,
        (&ConstValue::Int(v), Some((true, bits))) => matches!(v >> (bits - 1), 0 | -1),
        (&ConstValue::Int(v), Some((false, bits))) => v >= 0 && (bits == 64 || v >> bits == 0),
        (ConstValue::BigInt(_), Some((false, bits))) => {
            x.sign() >= 0 && x.bit_len() <= u64::from(bits)
        }
        _ => false,
    };
    fits.then_some(x)
}

fn round32(x: &ConstValue) -> Option<ConstValue> {
    let f = f64::from(x.to_f32()?);
    f.is_finite().then(|| ConstValue::from_f64(f))
}

fn round64(x: &ConstValue) -> Option<ConstValue> {
    let f = x.to_f64()?;
    f.is_finite().then(|| ConstValue::from_f64(f))
}

fn complex(x: &ConstValue, round: fn(&ConstValue) -> Option<ConstValue>) -> Option<ConstValue> {
    if x.is_unknown() {
        return None;
    }
    let (re, im) = (round(&x.real())?, round(&x.imag())?);
    Some(binary_op(&re, BinaryOp::Add, &im.make_imag(), false))
}
