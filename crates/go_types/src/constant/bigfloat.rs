//! Floating-point numbers with 512 bits of mantissa, for the few constants whose fraction would
//! grow beyond bounds. Rounds to nearest even, as Go's `big.Float` does; exponents are 32 bits.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::MAX_FRACTION_BITS;
use super::round;

/// Mantissa bits of a constant.
const PREC: u64 = 512;

/// ±mant · 2^exp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BigFloat {
    neg: bool,
    /// Odd, or zero.
    mant: BigUint,
    exp: i64,
}

impl BigFloat {
    /// Zero.
    pub fn zero() -> Self {
        Self { neg: false, mant: BigUint::zero(), exp: 0 }
    }

    /// The nearest value to an integer.
    pub fn from_big_int(x: &BigInt) -> Self {
        Self::rounded(x.is_negative(), x.magnitude(), 0, false, PREC)
            .expect("an integer that fits in memory is no infinity")
    }

    /// The nearest value to a fraction.
    pub fn from_rational(x: &BigRational) -> Self {
        let den = Self::exact(false, x.denom().magnitude().clone(), 0);
        Self::exact(x.is_negative(), x.numer().magnitude().clone(), 0)
            .quo(&den)
            .expect("a fraction that fits in memory is no infinity")
    }

    /// Parses mant · 2^exp2 · 10^exp10; `None` when the exponent is out of range (Go reports an
    /// error then), `Some(None)` for an infinity.
    #[expect(clippy::option_option, reason = "out of range is an error, infinity a value")]
    pub(super) fn from_parts(mant: BigUint, exp2: i64, exp10: i64) -> Option<Option<Self>> {
        if mant.is_zero() {
            return Some(Some(Self::zero()));
        }
        let total = i64::try_from(mant.bits()).ok()?.checked_add(exp2)?.checked_add(exp10)?;
        i32::try_from(total).ok()?;
        let z = Self { neg: false, mant, exp: exp2.checked_add(exp10)? };
        if exp10 == 0 {
            return Some(z.round(PREC));
        }
        let pow = pow5(exp10.unsigned_abs(), PREC + 64);
        Some(match (pow, exp10 < 0) {
            (Some(p), true) => z.quo(&p),
            (Some(p), false) => z.mul(&p),
            (None, true) => Some(Self::zero()),
            (None, false) => None,
        })
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match (self.mant.is_zero(), self.neg) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The exponent e with 0.5 ≤ |mantissa| < 1; 0 for zero.
    pub fn mant_exp(&self) -> i64 {
        if self.mant.is_zero() { 0 } else { self.exp + self.mant.bits() as i64 }
    }

    /// Whether a fraction of reasonable size can hold the value.
    pub(super) fn is_small(&self) -> bool {
        self.mant_exp().unsigned_abs() < MAX_FRACTION_BITS
    }

    /// -x
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { neg: !self.neg && !self.mant.is_zero(), ..self.clone() }
    }

    /// x + y; `None` for an infinity.
    pub fn add(&self, y: &Self) -> Option<Self> {
        if self.mant.is_zero() {
            return Some(y.clone());
        }
        if y.mant.is_zero() {
            return Some(self.clone());
        }
        // A summand this much smaller cannot change the rounded sum.
        let gap = self.mant_exp() - y.mant_exp();
        if gap.unsigned_abs() > 2 * PREC + 64 {
            return Some(if gap > 0 { self.clone() } else { y.clone() });
        }
        let exp = self.exp.min(y.exp);
        let part = |x: &Self| {
            let sign = if x.neg { Sign::Minus } else { Sign::Plus };
            BigInt::from_biguint(sign, &x.mant << (x.exp - exp) as u64)
        };
        let sum = part(self) + part(y);
        Self::rounded(sum.is_negative(), sum.magnitude(), exp, false, PREC)
    }

    /// x - y; `None` for an infinity.
    pub fn sub(&self, y: &Self) -> Option<Self> {
        self.add(&y.negated())
    }

    /// x · y; `None` for an infinity.
    pub fn mul(&self, y: &Self) -> Option<Self> {
        self.mul_to(y, PREC)
    }

    /// x / y; `None` for an infinity or a division by zero.
    pub fn quo(&self, y: &Self) -> Option<Self> {
        if y.mant.is_zero() {
            return None;
        }
        let want = PREC + 2 + y.mant.bits();
        let shift = want.saturating_sub(self.mant.bits());
        let num = &self.mant << shift;
        let (quotient, rest) = num_integer::Integer::div_rem(&num, &y.mant);
        let exp = self.exp - y.exp - shift as i64;
        Self::rounded(self.neg != y.neg, &quotient, exp, !rest.is_zero(), PREC)
    }

    /// The integer that the value is, or is but for rounding errors in its last four bits.
    pub fn to_int(&self) -> Option<BigInt> {
        if !self.is_small() {
            return None;
        }
        let exact = |x: &Self| {
            (x.exp >= 0).then(|| {
                let sign = if x.neg { Sign::Minus } else { Sign::Plus };
                BigInt::from_biguint(sign, &x.mant << x.exp as u64)
            })
        };
        if self.mant.is_zero() {
            return Some(BigInt::zero());
        }
        if let Some(i) = exact(self) {
            return Some(i);
        }
        let drop = self.mant.bits().checked_sub(PREC - 4)?;
        let down = &self.mant >> drop;
        let exp = self.exp + drop as i64;
        let up = if (&down << drop) == self.mant { down.clone() } else { &down + 1u32 };
        exact(&Self::exact(self.neg, down, exp)).or_else(|| exact(&Self::exact(self.neg, up, exp)))
    }

    /// The nearest `f64`.
    pub fn to_f64(&self) -> f64 {
        let (num, den) = match self.clamped() {
            Ok(parts) => parts,
            Err(limit) => return limit,
        };
        round::to_f64(&num, &den)
    }

    /// The nearest `f32`.
    pub fn to_f32(&self) -> f32 {
        let (num, den) = match self.clamped() {
            Ok(parts) => parts,
            Err(limit) => return limit as f32,
        };
        round::to_f32(&num, &den)
    }

    /// `0.mant · 2^exp` as Go's `%p` verb prints it: hexadecimal digits without trailing zeros,
    /// the first one at least 8.
    pub fn hex(&self) -> String {
        if self.mant.is_zero() {
            return "0".to_owned();
        }
        let pad = (4 - self.mant.bits() % 4) % 4;
        let digits = (&self.mant << pad).to_str_radix(16);
        let sign = if self.neg { "-" } else { "" };
        format!("{sign}0x.{}p{:+}", digits.trim_end_matches('0'), self.mant_exp())
    }

    fn mul_to(&self, y: &Self, prec: u64) -> Option<Self> {
        Self::rounded(self.neg != y.neg, &(&self.mant * &y.mant), self.exp + y.exp, false, prec)
    }

    fn round(self, prec: u64) -> Option<Self> {
        Self::rounded(self.neg, &self.mant, self.exp, false, prec)
    }

    /// Rounds mant · 2^exp (plus a little, if `sticky`) to `prec` bits; `None` for an infinity.
    fn rounded(neg: bool, mant: &BigUint, exp: i64, sticky: bool, prec: u64) -> Option<Self> {
        let drop = mant.bits().saturating_sub(prec);
        let mut kept = mant >> drop;
        if drop > 0 {
            let half = mant.bit(drop - 1);
            let below = sticky || mant.trailing_zeros().is_some_and(|z| z < drop - 1);
            if half && (below || kept.bit(0)) {
                kept += 1u32;
            }
        }
        let z = Self::exact(neg, kept, exp + drop as i64);
        match i32::try_from(z.mant_exp()) {
            Ok(_) => Some(z),
            Err(_) if z.exp < 0 => Some(Self::zero()),
            Err(_) => None,
        }
    }

    fn exact(neg: bool, mant: BigUint, exp: i64) -> Self {
        match mant.trailing_zeros() {
            None => Self::zero(),
            Some(0) => Self { neg, mant, exp },
            Some(z) => Self { neg, mant: mant >> z, exp: exp + z as i64 },
        }
    }

    /// Numerator and denominator, or the limit that a value far out of range of `f64` has.
    fn clamped(&self) -> Result<(BigInt, BigInt), f64> {
        let sign = if self.neg { -1.0 } else { 1.0 };
        match self.mant_exp() {
            _ if self.mant.is_zero() => return Err(0.0),
            e if e > 2_000 => return Err(sign * f64::INFINITY),
            e if e < -2_000 => return Err(sign * 0.0),
            _ => {}
        }
        let sign = if self.neg { Sign::Minus } else { Sign::Plus };
        let up = self.exp.max(0) as u64;
        let down = (-self.exp).max(0) as u64;
        Ok((BigInt::from_biguint(sign, &self.mant << up), BigInt::one() << down))
    }
}

impl PartialOrd for BigFloat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BigFloat {
    fn cmp(&self, y: &Self) -> Ordering {
        let by_sign = self.sign().cmp(&y.sign());
        if by_sign.is_ne() || self.sign() == 0 {
            return by_sign;
        }
        let magnitude = self.mant_exp().cmp(&y.mant_exp()).then_with(|| {
            let exp = self.exp.min(y.exp);
            (&self.mant << (self.exp - exp) as u64).cmp(&(&y.mant << (y.exp - exp) as u64))
        });
        if self.neg { magnitude.reverse() } else { magnitude }
    }
}

/// 5^n to `prec` bits by repeated squaring, from 5^27 on (the largest power in 64 bits), so that
/// the rounding is the same as Go's.
fn pow5(n: u64, prec: u64) -> Option<BigFloat> {
    let small = BigFloat::exact(false, BigUint::from(5u32).pow(n.min(27) as u32), 0);
    let mut rest = n - n.min(27);
    let mut z = small;
    let mut f = BigFloat::exact(false, BigUint::from(5u32), 0);
    while rest > 0 {
        if rest & 1 != 0 {
            z = z.mul_to(&f, prec)?;
        }
        rest >>= 1;
        if rest > 0 {
            f = f.mul_to(&f, prec + 64)?;
        }
    }
    Some(z)
}
