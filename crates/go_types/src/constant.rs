//! Constant values of any size, exact as far as go/constant is.

use std::sync::Arc;

use num_bigint::BigInt;
use num_rational::BigRational;

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
    Str(Arc<[u8]>),
    Int(i64),
    BigInt(Arc<BigInt>),
    Rat(Arc<BigRational>),
    /// Real and imaginary part, neither itself complex.
    Complex(Arc<(ConstValue, ConstValue)>),
}
