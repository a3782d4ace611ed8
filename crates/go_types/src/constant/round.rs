//! Exact fractions to the nearest `f64` or `f32`, ties to even, in one rounding.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

/// The nearest `f64` to num/den (den > 0), infinite when out of range.
pub(super) fn to_f64(num: &BigInt, den: &BigInt) -> f64 {
    let value = nearest(num.magnitude(), den.magnitude(), 53, -1074, 1024);
    if num.is_negative() { -value } else { value }
}

/// The nearest `f32` to num/den (den > 0), infinite when out of range.
pub(super) fn to_f32(num: &BigInt, den: &BigInt) -> f32 {
    let value = nearest(num.magnitude(), den.magnitude(), 24, -149, 128) as f32;
    if num.is_negative() { -value } else { value }
}

/// Rounds to `bits` of mantissa with lowest place value at least 2^`min_exp`; infinite from
/// 2^`max_exp` on. The result is exact in `f64`.
fn nearest(num: &BigUint, den: &BigUint, bits: i64, min_exp: i64, max_exp: i64) -> f64 {
    if num.is_zero() {
        return 0.0;
    }
    // 2^(top-1) < num/den < 2^(top+1)
    let top = num.bits() as i64 - den.bits() as i64;
    let mut exp = (top - bits).max(min_exp);
    loop {
        let (scaled_num, scaled_den) = if exp >= 0 {
            (num.clone(), den << exp as u64)
        } else {
            (num << (-exp) as u64, den.clone())
        };
        let (mut quotient, rest) = scaled_num.div_rem(&scaled_den);
        if quotient.bits() as i64 > bits {
            exp += 1;
            continue;
        }
        let twice = rest << 1u32;
        if twice > scaled_den || twice == scaled_den && quotient.bit(0) {
            quotient += 1u32;
        }
        if quotient.bits() as i64 + exp > max_exp {
            return f64::INFINITY;
        }
        let mantissa = quotient.to_u64().expect("at most 54 bits") as f64;
        return scale(mantissa, exp);
    }
}

/// x · 2^exp, where the result is exact; in two steps, as 2^exp itself may underflow.
fn scale(x: f64, exp: i64) -> f64 {
    let half = exp / 2;
    x * 2f64.powi(half as i32) * 2f64.powi((exp - half) as i32)
}
