//! Constant values of any size, exact as far as go/constant is: the representation, its
//! constructors, accessors and conversions. Operations, literals and printing are in the files
//! below this one.

mod bigfloat;
mod format;
mod literal;
mod ops;
mod represent;
mod round;
mod text;

use std::sync::Arc;

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

pub use bigfloat::BigFloat;
pub use format::quote;
pub use literal::unquote_string;
pub use ops::{binary_op, compare, shift, unary_op};
pub use represent::representable_const;
pub use text::ConstStr;

/// Components of fractions may have this many bits before a value goes over to floating point
/// (go/constant's `maxExp`).
const MAX_FRACTION_BITS: u64 = 4 << 10;

/// The value of a constant expression. Integers that fit are `Int`; a float or complex value that
/// is integral may be held as `Int` or `BigInt` too, as go/constant's normal form has it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub enum ConstValue {
    /// After an error.
    #[default]
    Unknown,
    Bool(bool),
    /// Bytes: a Go string constant need not be UTF-8.
    Str(ConstStr),
    Int(i64),
    /// Never a value that fits `Int`.
    BigInt(Arc<BigInt>),
    Rat(Arc<BigRational>),
    /// Too large or too precise for a fraction; 512 bits of mantissa.
    Float(Arc<BigFloat>),
    /// Real and imaginary part, neither itself complex.
    Complex(Arc<(ConstValue, ConstValue)>),
}

const _: () = assert!(size_of::<ConstValue>() == 16);

/// The kinds of constant values, as go/constant tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum ConstKind {
    Unknown,
    Bool,
    String,
    Int,
    Float,
    Complex,
}

impl ConstValue {
    /// A string constant.
    pub fn string(bytes: impl Into<Box<[u8]>>) -> Self {
        Self::Str(ConstStr::new(bytes))
    }

    /// An integer constant in normal form.
    pub fn from_big_int(x: BigInt) -> Self {
        x.to_i64().map_or_else(|| Self::BigInt(Arc::new(x)), Self::Int)
    }

    /// An unsigned integer constant.
    pub fn from_u64(x: u64) -> Self {
        i64::try_from(x).map_or_else(|_| Self::BigInt(Arc::new(x.into())), Self::Int)
    }

    /// A float constant; `Unknown` for infinities and NaN. Negative zero becomes zero.
    pub fn from_f64(x: f64) -> Self {
        BigRational::from_float(x).map_or(Self::Unknown, |r| Self::Rat(Arc::new(r)))
    }

    /// A fraction, or a floating-point value when its parts are too large.
    fn from_rational(x: BigRational) -> Self {
        if x.numer().bits() < MAX_FRACTION_BITS && x.denom().bits() < MAX_FRACTION_BITS {
            Self::Rat(Arc::new(x))
        } else {
            Self::from_big_float(Some(BigFloat::from_rational(&x)))
        }
    }

    /// A floating-point value; `None` stands for an infinity.
    fn from_big_float(x: Option<BigFloat>) -> Self {
        x.map_or(Self::Unknown, |x| Self::Float(Arc::new(x)))
    }

    /// A complex constant; unknown when a part is.
    pub fn complex(re: Self, im: Self) -> Self {
        if re.is_unknown() || im.is_unknown() {
            return Self::Unknown;
        }
        Self::Complex(Arc::new((re, im)))
    }

    /// The value times i.
    #[must_use]
    pub fn make_imag(self) -> Self {
        Self::complex(Self::Int(0), self)
    }

    /// The kind of the value.
    pub fn kind(&self) -> ConstKind {
        match self {
            Self::Unknown => ConstKind::Unknown,
            Self::Bool(_) => ConstKind::Bool,
            Self::Str(_) => ConstKind::String,
            Self::Int(_) | Self::BigInt(_) => ConstKind::Int,
            Self::Rat(_) | Self::Float(_) => ConstKind::Float,
            Self::Complex(_) => ConstKind::Complex,
        }
    }

    /// Whether an error was found on the way to the value.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The boolean, false for an unknown value.
    pub fn bool_val(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The bytes of a string constant.
    pub fn str_val(&self) -> Option<&[u8]> {
        match self {
            Self::Str(s) => Some(s.bytes()),
            _ => None,
        }
    }

    /// Length in bytes of a string constant; 0 for anything else.
    pub fn str_len(&self) -> usize {
        match self {
            Self::Str(s) => s.len(),
            _ => 0,
        }
    }

    /// The value of an integer constant that fits.
    pub fn int64_val(&self) -> Option<i64> {
        match self {
            Self::Int(x) => Some(*x),
            _ => None,
        }
    }

    /// The value of an integer constant that fits.
    pub fn uint64_val(&self) -> Option<u64> {
        match self {
            Self::Int(x) => u64::try_from(*x).ok(),
            Self::BigInt(x) => x.to_u64(),
            _ => None,
        }
    }

    /// The nearest `f64`, infinite when there is none; `None` unless the value is real.
    pub fn to_f64(&self) -> Option<f64> {
        Some(match self {
            Self::Int(x) => *x as f64,
            Self::BigInt(x) => round::to_f64(x, &BigInt::from(1)),
            Self::Rat(x) => round::to_f64(x.numer(), x.denom()),
            Self::Float(x) => x.to_f64(),
            _ => return None,
        })
    }

    /// The nearest `f32`, infinite when there is none; `None` unless the value is real.
    pub fn to_f32(&self) -> Option<f32> {
        Some(match self {
            Self::Int(x) => *x as f32,
            Self::BigInt(x) => round::to_f32(x, &BigInt::from(1)),
            Self::Rat(x) => round::to_f32(x.numer(), x.denom()),
            Self::Float(x) => x.to_f32(),
            _ => return None,
        })
    }

    /// Bits of the absolute value of an integer constant; 0 for anything else.
    pub fn bit_len(&self) -> u64 {
        match self {
            Self::Int(x) => u64::from(64 - x.unsigned_abs().leading_zeros()),
            Self::BigInt(x) => x.bits(),
            _ => 0,
        }
    }

    /// -1, 0 or 1; 1 for an unknown value (so that no division by zero is reported), and for a
    /// complex value 0 exactly when it is zero.
    pub fn sign(&self) -> i32 {
        let of = |s: Sign| match s {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        };
        match self {
            Self::Int(x) => x.signum() as i32,
            Self::BigInt(x) => of(x.sign()),
            Self::Rat(x) => of(x.numer().sign()),
            Self::Float(x) => x.sign(),
            Self::Complex(c) => c.0.sign() | c.1.sign(),
            _ => 1,
        }
    }

    /// The real part of a numeric value.
    #[must_use]
    pub fn real(&self) -> Self {
        match self {
            Self::Complex(c) => c.0.clone(),
            other => other.clone(),
        }
    }

    /// The imaginary part of a numeric value.
    #[must_use]
    pub fn imag(&self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Complex(c) => c.1.clone(),
            _ => Self::Int(0),
        }
    }

    /// The value as an integer, or `Unknown` when it is not integral.
    #[must_use]
    pub fn to_int(&self) -> Self {
        match self {
            Self::Int(_) | Self::BigInt(_) => self.clone(),
            Self::Rat(r) if r.is_integer() => Self::from_big_int(r.numer().clone()),
            Self::Float(f) => f.to_int().map_or(Self::Unknown, Self::from_big_int),
            Self::Complex(_) => match self.to_float() {
                Self::Unknown => Self::Unknown,
                re => re.to_int(),
            },
            _ => Self::Unknown,
        }
    }

    /// The value as a float, or `Unknown` when it is not real.
    #[must_use]
    pub fn to_float(&self) -> Self {
        match self {
            Self::Int(x) => Self::Rat(Arc::new(BigRational::from_integer((*x).into()))),
            Self::BigInt(x) if x.bits() < MAX_FRACTION_BITS => {
                Self::Rat(Arc::new(BigRational::from_integer((**x).clone())))
            }
            Self::BigInt(x) => Self::Float(Arc::new(BigFloat::from_big_int(x))),
            Self::Rat(_) | Self::Float(_) => self.clone(),
            Self::Complex(c) if c.1.sign() == 0 => c.0.to_float(),
            _ => Self::Unknown,
        }
    }

    /// The value as a complex number, or `Unknown` when it is not numeric.
    #[must_use]
    pub fn to_complex(&self) -> Self {
        match self {
            Self::Int(_) | Self::BigInt(_) | Self::Rat(_) | Self::Float(_) => {
                Self::complex(self.clone(), Self::Int(0))
            }
            Self::Complex(_) => self.clone(),
            _ => Self::Unknown,
        }
    }

    /// The value as a big integer, for integer constants.
    fn big(&self) -> Option<BigInt> {
        match self {
            Self::Int(x) => Some((*x).into()),
            Self::BigInt(x) => Some((**x).clone()),
            _ => None,
        }
    }

    /// The value as a fraction, for integers and fractions.
    fn rational(&self) -> Option<BigRational> {
        match self {
            Self::Rat(r) => Some((**r).clone()),
            _ => self.big().map(BigRational::from_integer),
        }
    }

    /// The value as a floating-point number, for real constants.
    fn big_float(&self) -> Option<BigFloat> {
        match self {
            Self::Float(f) => Some((**f).clone()),
            Self::Rat(r) => Some(BigFloat::from_rational(r)),
            _ => self.big().map(|x| BigFloat::from_big_int(&x)),
        }
    }

    /// Whether a complex or real value is zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Int(x) => *x == 0,
            Self::Rat(r) => r.is_zero(),
            Self::BigInt(x) => x.abs().is_zero(),
            _ => self.sign() == 0,
        }
    }
}
