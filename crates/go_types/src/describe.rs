//! Operands, expressions and types as error messages show them, and errors placed at operands.
//! Nothing here runs unless an error is reported.

use std::fmt::Write as _;

use go_syntax::ast::{
    BinaryOp, ChanDir, ExprId, ExprKind, ExprRange, Field, FieldRange, FuncTypeId, UnaryOp,
};

use crate::checker::Checker;

use crate::info::ExprRef;
use crate::operand::{Mode, Operand};
use crate::predicates::{is_generic, is_untyped, is_valid};
use crate::store::TypeId;
use crate::types::Type;
use crate::typestring::type_string_in;
use crate::under::{unalias, under};

/// Expressions longer than this are cut in messages.
const MAX_EXPR: usize = 4_000;

impl Checker<'_> {
    /// Reports an error at an expression of any file.
    pub(crate) fn error_in(&mut self, at: ExprRef, message: impl Into<String>) {
        let pos = self.asts[at.file as usize].expr(at.id).span.start;
        self.report_in(at.file, pos, message.into(), false);
    }

    /// Reports an error at an expression of the current file.
    pub(crate) fn error_at(&mut self, e: ExprId, message: impl Into<String>) {
        let pos = self.pos_of(e);
        self.error(pos, message);
    }

    /// Reports an error at the operand's expression.
    pub(crate) fn error_at_operand(&mut self, x: &Operand, message: impl Into<String>) {
        match x.expr {
            Some(at) => self.error_in(at, message),
            None => self.error(0, message),
        }
    }

    /// Reports an error that leaves types known at the operand's expression.
    pub(crate) fn soft_error_at_operand(&mut self, x: &Operand, message: impl Into<String>) {
        let (file, pos) = x.expr.map_or((self.env.file, 0), |at| {
            (at.file, self.asts[at.file as usize].expr(at.id).span.start)
        });
        self.report_in(file, pos, message.into(), true);
    }

    /// A type as messages of this package show it: names of this package without qualifier.
    pub(crate) fn type_str(&self, t: TypeId) -> String {
        type_string_in(self.store, t, self.pkg)
    }

    /// An operand as messages show it: `s + 1 (value of type string)`.
    pub(crate) fn operand_string(&self, x: &Operand) -> String {
        if self.is_nil_operand(x) {
            return "nil".to_owned();
        }
        let expr = match (x.expr, x.mode) {
            (Some(at), _) => self.expr_string(at),
            (None, Mode::TypeExpr) => self.type_str(x.typ),
            (None, Mode::Constant) => x.val.to_string(),
            _ => String::new(),
        };
        let mut text = String::new();
        let mut has_type = false;
        if !matches!(x.mode, Mode::Invalid | Mode::NoValue | Mode::Builtin(_) | Mode::TypeExpr) {
            if is_untyped(self.store, x.typ) {
                text.push_str(&self.type_str(x.typ));
                text.push(' ');
            } else {
                has_type = true;
            }
        }
        text.push_str(match x.mode {
            Mode::Invalid => "invalid operand",
            Mode::NoValue => "no value",
            Mode::Builtin(_) => "built-in",
            Mode::TypeExpr => "type",
            Mode::Constant => "constant",
            Mode::Variable => "variable",
            Mode::MapIndex => "map index expression",
            Mode::Value => "value",
            Mode::NilValue => "nil",
            Mode::CommaOk => "comma, ok expression",
            Mode::CommaErr => "comma, error expression",
            Mode::CgoFunc => "cgo function",
        });
        if x.mode == Mode::Constant {
            let val = x.val.to_string();
            if val != expr {
                text.push(' ');
                text.push_str(&val);
            }
        }
        if has_type {
            self.push_operand_type(&mut text, x.typ);
        }
        if expr.is_empty() { text } else { format!("{expr} ({text})") }
    }

    fn push_operand_type(&self, text: &mut String, t: TypeId) {
        let s = self.store;
        if !is_valid(s, t) {
            text.push_str(" with invalid type");
            return;
        }
        text.push_str(" of ");
        if is_generic(s, t) {
            text.push_str("generic ");
        }
        let bound = match s.ty(unalias(s, t)) {
            Type::TypeParam(p) => p.bound.get(),
            _ => None,
        };
        if bound.is_none() && matches!(s.ty(t), Type::Alias(_) | Type::Named(_)) {
            match self.composite_kind(t) {
                "" => text.push_str(&self.type_str(under(s, t))),
                kind => text.push_str(kind),
            }
            text.push(' ');
        }
        text.push_str("type ");
        text.push_str(&self.type_str(t));
        if let Some(bound) = bound {
            text.push_str(" constrained by ");
            text.push_str(&self.type_str(bound));
        }
    }

    /// `struct`, `map` and so on; empty for a basic type.
    pub(crate) fn composite_kind(&self, t: TypeId) -> &'static str {
        match self.store.ty(under(self.store, t)) {
            Type::Array { .. } => "array",
            Type::Slice(_) => "slice",
            Type::Struct(_) => "struct",
            Type::Pointer(_) => "pointer",
            Type::Signature(_) => "func",
            Type::Interface(_) => "interface",
            Type::Map { .. } => "map",
            Type::Chan { .. } => "chan",
            Type::Tuple(_) => "tuple",
            Type::Union(_) => "union",
            _ => "",
        }
    }

    /// The types of a list, as an arity error shows them: `(int, number, string)`.
    pub(crate) fn types_summary(&self, list: &[TypeId], variadic: bool, dots: bool) -> String {
        let s = self.store;
        let mut text = String::from("(");
        for (i, &t) in list.iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            let last = i + 1 == list.len();
            if !is_valid(s, t) {
                text.push_str("unknown type");
            } else if is_untyped(s, t) {
                if crate::predicates::is_numeric(s, t) {
                    text.push_str("number");
                } else {
                    text.push_str(&self.type_str(t).replace("untyped ", ""));
                }
            } else if last && variadic {
                let elem = match s.ty(t) {
                    Type::Slice(elem) => *elem,
                    _ => t,
                };
                let _ = write!(text, "...{}", self.type_str(elem));
            } else {
                text.push_str(&self.type_str(t));
            }
            if last && dots {
                text.push_str("...");
            }
        }
        text.push(')');
        text
    }

    /// An expression of the current file, shortened as go/types' `ExprString` does it: function
    /// bodies and literal elements are left out.
    pub(crate) fn expr_str(&self, e: ExprId) -> String {
        self.expr_string(self.expr_ref(e))
    }

    /// An expression of any file; see [`Self::expr_str`].
    pub(crate) fn expr_string(&self, at: ExprRef) -> String {
        let mut writer = ExprWriter { checker: self, file: at.file, text: String::new() };
        writer.expr(at.id, 0);
        writer.text
    }
}

struct ExprWriter<'c, 'a> {
    checker: &'c Checker<'a>,
    file: u32,
    text: String,
}

impl ExprWriter<'_, '_> {
    fn expr(&mut self, e: ExprId, depth: u32) {
        // Depth and length are bounded: the expression may be huge.
        if depth > 100 || self.text.len() > MAX_EXPR {
            self.text.push('…');
            return;
        }
        let file = self.checker.asts[self.file as usize];
        let node = file.expr(e);
        let d = depth + 1;
        match node.kind {
            ExprKind::Bad => self.text.push_str("BadExpr"),
            ExprKind::Ident(name) => self.text.push_str(name.as_str()),
            ExprKind::BasicLit(_) => {
                let text = self.checker.texts[self.file as usize];
                let bytes = text.get(node.span.range()).unwrap_or_default();
                self.text.push_str(&String::from_utf8_lossy(bytes));
            }
            ExprKind::CompositeLit { ty, .. } => {
                if let Some(ty) = ty {
                    self.expr(ty, d);
                }
                self.text.push_str("{…}");
            }
            ExprKind::FuncLit { ty, .. } => {
                self.text.push('(');
                self.expr(ty, d);
                self.text.push_str(" literal)");
            }
            ExprKind::Paren(x) => {
                self.text.push('(');
                self.expr(x, d);
                self.text.push(')');
            }
            ExprKind::Selector { x, sel } => {
                self.expr(x, d);
                self.text.push('.');
                self.text.push_str(sel.as_str());
            }
            ExprKind::Index { x, indices } => {
                self.expr(x, d);
                self.text.push('[');
                self.list(indices, d);
                self.text.push(']');
            }
            ExprKind::Slice { x, bounds } => {
                let b = file.slice_bounds[bounds as usize];
                self.expr(x, d);
                self.text.push('[');
                if let Some(lo) = b.lo {
                    self.expr(lo, d);
                }
                self.text.push(':');
                if let Some(hi) = b.hi {
                    self.expr(hi, d);
                }
                if b.three {
                    self.text.push(':');
                    if let Some(max) = b.max {
                        self.expr(max, d);
                    }
                }
                self.text.push(']');
            }
            ExprKind::TypeAssert { x, ty } => {
                self.expr(x, d);
                self.text.push_str(".(");
                match ty {
                    Some(ty) => self.expr(ty, d),
                    None => self.text.push_str("type"),
                }
                self.text.push(')');
            }
            ExprKind::Call { fun, args, ellipsis } => {
                self.expr(fun, d);
                self.text.push('(');
                self.list(args, d);
                if ellipsis {
                    self.text.push_str("...");
                }
                self.text.push(')');
            }
            ExprKind::Star(x) => {
                self.text.push('*');
                self.expr(x, d);
            }
            ExprKind::Unary { op, x } => {
                self.text.push_str(unary_token(op));
                self.expr(x, d);
            }
            ExprKind::Binary { op, x, y, .. } => {
                self.expr(x, d);
                let _ = write!(self.text, " {} ", binary_token(op));
                self.expr(y, d);
            }
            ExprKind::KeyValue { key, value } => {
                self.expr(key, d);
                self.text.push_str(": ");
                self.expr(value, d);
            }
            ExprKind::ArrayType { len, elem } => {
                self.text.push('[');
                if let Some(len) = len {
                    self.expr(len, d);
                }
                self.text.push(']');
                self.expr(elem, d);
            }
            ExprKind::Ellipsis(elem) => {
                self.text.push_str("...");
                if let Some(elem) = elem {
                    self.expr(elem, d);
                }
            }
            ExprKind::StructType(fields) => {
                self.text.push_str("struct{");
                self.fields(fields, "; ", d);
                self.text.push('}');
            }
            ExprKind::FuncType(ty) => {
                self.text.push_str("func");
                self.signature(ty, d);
            }
            ExprKind::InterfaceType(fields) => {
                self.text.push_str("interface{");
                self.methods(fields, d);
                self.text.push('}');
            }
            ExprKind::MapType { key, value } => {
                self.text.push_str("map[");
                self.expr(key, d);
                self.text.push(']');
                self.expr(value, d);
            }
            ExprKind::ChanType { dir, elem } => {
                self.text.push_str(match dir {
                    ChanDir::Both => "chan ",
                    ChanDir::Send => "chan<- ",
                    ChanDir::Recv => "<-chan ",
                });
                self.expr(elem, d);
            }
        }
    }

    fn list(&mut self, list: ExprRange, depth: u32) {
        let file = self.checker.asts[self.file as usize];
        for (i, &e) in file.expr_list(list).iter().enumerate() {
            if i > 0 {
                self.text.push_str(", ");
            }
            self.expr(e, depth);
        }
    }

    fn field(&mut self, field: &Field, depth: u32) {
        let file = self.checker.asts[self.file as usize];
        for (i, name) in file.ident_list(field.names).iter().enumerate() {
            self.text.push_str(if i > 0 { ", " } else { "" });
            self.text.push_str(name.name.as_str());
        }
        if !field.names.is_empty() {
            self.text.push(' ');
        }
        self.expr(field.ty, depth);
    }

    fn fields(&mut self, fields: FieldRange, separator: &str, depth: u32) {
        let file = self.checker.asts[self.file as usize];
        for (i, field) in file.field_list(fields).iter().enumerate() {
            if i > 0 {
                self.text.push_str(separator);
            }
            self.field(field, depth);
        }
    }

    fn methods(&mut self, fields: FieldRange, depth: u32) {
        let file = self.checker.asts[self.file as usize];
        for (i, field) in file.field_list(fields).iter().enumerate() {
            if i > 0 {
                self.text.push_str("; ");
            }
            match (file.ident_list(field.names), file.expr(field.ty).kind) {
                ([name], ExprKind::FuncType(ty)) => {
                    self.text.push_str(name.name.as_str());
                    self.signature(ty, depth);
                }
                _ => self.expr(field.ty, depth),
            }
        }
    }

    fn signature(&mut self, ty: FuncTypeId, depth: u32) {
        let file = self.checker.asts[self.file as usize];
        let ty = file.func_types[ty];
        self.text.push('(');
        self.fields(ty.params, ", ", depth);
        self.text.push(')');
        match file.field_list(ty.results) {
            [] => {}
            [only] if only.names.is_empty() => {
                self.text.push(' ');
                self.expr(only.ty, depth);
            }
            _ => {
                self.text.push_str(" (");
                self.fields(ty.results, ", ", depth);
                self.text.push(')');
            }
        }
    }
}

/// The token of an operator.
pub(crate) fn unary_token(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Plus => "+",
        UnaryOp::Minus => "-",
        UnaryOp::Not => "!",
        UnaryOp::BitNot => "^",
        UnaryOp::Addr => "&",
        UnaryOp::Recv => "<-",
        UnaryOp::Tilde => "~",
    }
}

/// The token of an operator.
pub(crate) fn binary_token(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::LogicalOr => "||",
        BinaryOp::LogicalAnd => "&&",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::And => "&",
        BinaryOp::AndNot => "&^",
    }
}
