//! Operands: an expression with what is known of it while it is being checked.

use crate::constant::ConstValue;
use crate::info::ExprRef;
use crate::object::BuiltinId;
use crate::store::TypeId;

/// What an expression denotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Mode {
    /// An error was found, or nothing was recorded.
    Invalid,
    /// A call without a result.
    NoValue,
    /// A built-in function.
    Builtin(BuiltinId),
    /// A type.
    TypeExpr,
    Constant,
    /// An addressable variable.
    Variable,
    /// `m[k]`: not addressable, but assignable, with a comma-ok form.
    MapIndex,
    /// A computed value.
    Value,
    /// `nil`
    NilValue,
    /// Like `Value`, with a comma-ok form.
    CommaOk,
    /// Like `CommaOk`, for a call of a C function: value and errno.
    CommaErr,
    /// A function of the pseudo-package C.
    CgoFunc,
}

/// An expression being checked.
#[derive(Clone, Debug)]
pub struct Operand {
    /// What it denotes.
    pub mode: Mode,
    /// The expression, for positions and recording.
    pub expr: Option<ExprRef>,
    /// Its type; meaningless when the mode is `Invalid`.
    pub typ: TypeId,
    /// Its value, when the mode is `Constant`.
    pub val: ConstValue,
}

impl Operand {
    /// An operand about which nothing is known: what a check fills in.
    #[inline]
    pub fn invalid(error_type: TypeId) -> Self {
        Self { mode: Mode::Invalid, expr: None, typ: error_type, val: ConstValue::Unknown }
    }

    /// A computed value of a type.
    #[inline]
    pub fn value(expr: Option<ExprRef>, typ: TypeId) -> Self {
        Self { mode: Mode::Value, expr, typ, val: ConstValue::Unknown }
    }

    /// Whether no error was found.
    #[inline]
    pub fn is_valid(&self) -> bool {
        self.mode != Mode::Invalid
    }

    /// Marks that an error was found (and reported).
    #[inline]
    pub fn invalidate(&mut self) {
        self.mode = Mode::Invalid;
    }
}
