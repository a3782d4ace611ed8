//! Basic and function literals.

use go_syntax::ast::{ExprId, ExprKind, FieldRange, LitKind, StmtId};

use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::operand::{Mode, Operand};
use crate::types::Basic;

/// Numeric literals longer than this are refused: they mean nothing and cost much.
const MAX_LITERAL: usize = 10_000;

impl Checker<'_> {
    /// Checks `1`, `'a'`, `"s"` and so on.
    pub(crate) fn basic_lit(&mut self, x: &mut Operand, e: ExprId, kind: LitKind) {
        let span = self.expr_at(e).span;
        let text = self.texts[self.env.file as usize].get(span.range()).unwrap_or_default();
        if matches!(kind, LitKind::Int | LitKind::Float | LitKind::Imag) {
            if !self.allow_version(13) {
                self.check_old_literal(span.start, kind, text);
            }
            if text.len() > MAX_LITERAL {
                let head = String::from_utf8_lossy(&text[..10]);
                let message =
                    format!("excessively long constant: {head}... ({} chars)", text.len());
                self.error(span.start, message);
                x.invalidate();
                return;
            }
        }
        let val = ConstValue::from_literal(kind, text);
        if val.is_unknown() {
            let message = format!("malformed constant: {}", String::from_utf8_lossy(text));
            self.error(span.start, message);
            x.invalidate();
            return;
        }
        x.mode = Mode::Constant;
        x.typ = self.store.basic(match kind {
            LitKind::Int => Basic::UntypedInt,
            LitKind::Float => Basic::UntypedFloat,
            LitKind::Imag => Basic::UntypedComplex,
            LitKind::Char => Basic::UntypedRune,
            LitKind::String => Basic::UntypedString,
        });
        x.val = val;
        if !matches!(x.val, ConstValue::Int(_)) {
            x.expr = Some(self.expr_ref(e));
            self.overflow(x, span.start);
        }
    }

    /// Reports forms of numeric literals that are younger than the language version.
    fn check_old_literal(&mut self, pos: u32, kind: LitKind, text: &[u8]) {
        let what = if text.contains(&b'_') {
            "underscore in numeric literal"
        } else {
            match text {
                [b'0', b'b' | b'B', _, ..] => "binary literal",
                [b'0', b'o' | b'O', _, ..] => "0o/0O-style octal literal",
                [b'0', b'x' | b'X', _, ..] if kind != LitKind::Int => {
                    "hexadecimal floating-point literal"
                }
                _ => return,
            }
        };
        self.verify_version(pos, 13, |_| what.to_owned());
    }

    /// Checks `func(…) { … }`. The body waits until the end of the statement: it may refer to what
    /// is being declared, and belongs to the scope before that.
    pub(crate) fn func_lit(&mut self, x: &mut Operand, ty: ExprId, body: StmtId) {
        let ExprKind::FuncType(func) = self.expr_at(ty).kind else {
            x.invalidate();
            return;
        };
        let (sig, scope) = self.func_type(func, FieldRange::default());
        self.record_type_expr(ty, sig);
        let (decl, iota, file) = (self.env.decl, self.env.iota.clone(), self.env.file);
        self.later_body(move |c| c.func_body(file, decl, sig, scope, body, iota));
        x.mode = Mode::Value;
        x.typ = sig;
        x.val = ConstValue::Unknown;
    }
}
