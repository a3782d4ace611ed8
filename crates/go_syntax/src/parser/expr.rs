//! Expressions (Go spec, "Expressions"): precedence climbing over operands with suffixes.

use super::{OPERAND_END, Parser, STMT_START};
use crate::ast::{ChanDir, ExprId, ExprKind, ExprRange, LitKind, SliceBounds, UnaryOp};
use crate::token::Tok;

impl Parser<'_, '_> {
    /// An expression or a type.
    #[inline]
    pub(super) fn expr(&mut self) -> ExprId {
        self.binary(1)
    }

    /// One or more expressions with commas between them.
    pub(super) fn expr_list(&mut self) -> ExprRange {
        let first = self.expr();
        if !self.at(Tok::Comma) {
            return self.single(first);
        }
        let mark = self.b.exprs.len();
        self.b.exprs.push(first);
        while self.eat(Tok::Comma) {
            let x = self.expr();
            self.b.exprs.push(x);
        }
        self.expr_range(mark)
    }

    /// A list of one.
    #[inline]
    pub(super) fn single(&mut self, x: ExprId) -> ExprRange {
        let start = self.b.file.expr_lists.len() as u32;
        self.b.file.expr_lists.push(x);
        ExprRange { start, len: 1 }
    }

    fn binary(&mut self, min_precedence: u8) -> ExprId {
        let height = self.start_height();
        let x = self.unary();
        let x = if self.tok().precedence() >= min_precedence {
            self.binary_suffixes(x, min_precedence)
        } else {
            x
        };
        self.end_height(height);
        x
    }

    /// The operators and right operands that follow `x` and bind at least as tightly as asked for.
    pub(super) fn binary_suffixes(&mut self, x: ExprId, min_precedence: u8) -> ExprId {
        let mut x = x;
        let start = self.span(x).start;
        loop {
            let tok = self.tok();
            let precedence = tok.precedence();
            if precedence < min_precedence {
                break;
            }
            let op_pos = self.pos();
            self.next();
            let y = self.binary(precedence + 1);
            let end = self.span(y).end;
            x = self.push_expr(ExprKind::Binary { op: tok.binary_op(), x, y, op_pos }, start, end);
        }
        self.grow();
        x
    }

    fn unary(&mut self) -> ExprId {
        if self.at(Tok::Ident) {
            let (start, end) = (self.lex.start, self.lex.end);
            let name = self.name();
            self.next();
            let x = self.push_expr(ExprKind::Ident(name), start, end);
            return self.primary_suffixes(x);
        }
        let op = match self.tok() {
            Tok::Add => UnaryOp::Plus,
            Tok::Sub => UnaryOp::Minus,
            Tok::Not => UnaryOp::Not,
            Tok::Xor => UnaryOp::BitNot,
            Tok::And => UnaryOp::Addr,
            Tok::Tilde => UnaryOp::Tilde,
            Tok::Arrow => UnaryOp::Recv,
            Tok::Mul => {
                let start = self.pos();
                self.next();
                self.enter();
                let x = self.unary();
                self.leave();
                self.grow();
                let end = self.span(x).end;
                return self.push_expr(ExprKind::Star(x), start, end);
            }
            _ => {
                let x = self.operand();
                return self.primary_suffixes(x);
            }
        };
        let start = self.pos();
        self.next();
        self.enter();
        let x = self.unary();
        self.leave();
        self.grow();
        if op == UnaryOp::Recv && matches!(self.kind(x), ExprKind::ChanType { .. }) {
            self.receive_only(x, start);
            return x;
        }
        let end = self.span(x).end;
        self.push_expr(ExprKind::Unary { op, x }, start, end)
    }

    /// `<-` before a channel type belongs to the type: `<- (chan T)` is `(<-chan) T`, and
    /// `<- (chan<- (chan T))` is `(<-chan) ((<-chan) T)`.
    fn receive_only(&mut self, ty: ExprId, arrow: u32) {
        let (mut ty, mut arrow) = (ty, arrow);
        let mut before = ChanDir::Send;
        while let ExprKind::ChanType { dir, elem } = self.kind(ty)
            && before == ChanDir::Send
        {
            let start = self.span(ty).start;
            let next_arrow = match dir {
                ChanDir::Send => self.find_from(start, b'<'),
                ChanDir::Recv => {
                    self.error(start, "expected 'chan' after '<-', found '<-'");
                    start
                }
                ChanDir::Both => start,
            };
            let e = &mut self.b.file.exprs[ty];
            e.kind = ExprKind::ChanType { dir: ChanDir::Recv, elem };
            e.span.start = arrow;
            (arrow, before, ty) = (next_arrow, dir, elem);
        }
        if before == ChanDir::Send {
            self.error(arrow, "expected a channel type after '<-'");
        }
    }

    fn operand(&mut self) -> ExprId {
        let (start, end) = (self.lex.start, self.lex.end);
        let literal = match self.tok() {
            Tok::Ident => {
                let ident = self.ident("a name");
                return self.push_expr(ExprKind::Ident(ident.name), start, end);
            }
            Tok::Int => LitKind::Int,
            Tok::String => LitKind::String,
            Tok::Float => LitKind::Float,
            Tok::Imag => LitKind::Imag,
            Tok::Char => LitKind::Char,
            Tok::LParen => {
                self.next();
                self.enter();
                self.expr_lev += 1;
                let x = self.expr();
                self.expr_lev -= 1;
                self.leave();
                self.grow();
                let end = self.expect_end(Tok::RParen, "to close the parenthesis");
                return self.push_expr(ExprKind::Paren(x), start, end);
            }
            Tok::Func => return self.func_type_or_literal(),
            _ => {
                if let Some(ty) = self.try_type() {
                    return ty;
                }
                self.expected("an operand");
                self.advance(OPERAND_END);
                return self.bad_expr(start);
            }
        };
        self.next();
        self.push_expr(ExprKind::BasicLit(literal), start, end)
    }

    fn func_type_or_literal(&mut self) -> ExprId {
        self.enter();
        let start = self.pos();
        let mut x = self.func_type();
        if self.at(Tok::LBrace) {
            // Inside a body the header of an enclosing statement no longer matters.
            let outer = std::mem::replace(&mut self.expr_lev, 0);
            let body = self.block("function body");
            self.expr_lev = outer;
            let end = self.b.file.stmts[body].span.end;
            x = self.push_expr(ExprKind::FuncLit { ty: x, body }, start, end);
        }
        self.grow();
        self.leave();
        x
    }

    /// Selectors, indices, calls, assertions and composite literal values after an operand.
    pub(super) fn primary_suffixes(&mut self, x: ExprId) -> ExprId {
        let mut x = x;
        loop {
            match self.tok() {
                Tok::Period => x = self.selector_or_assertion(x),
                Tok::LParen => x = self.call(x),
                Tok::LBrack => x = self.index_or_slice(x),
                Tok::LBrace => {
                    if !self.is_literal_type(x) {
                        return x;
                    }
                    x = self.literal_value(Some(x));
                }
                _ => return x,
            }
            self.grow();
        }
    }

    /// Whether `{` after `x` opens a composite literal rather than a block.
    fn is_literal_type(&mut self, x: ExprId) -> bool {
        let bare = self.b.file.unparen(x);
        match self.kind(bare) {
            ExprKind::Bad
            | ExprKind::Ident(_)
            | ExprKind::Selector { .. }
            | ExprKind::Index { .. } => {
                if self.expr_lev < 0 {
                    return false;
                }
            }
            ExprKind::ArrayType { .. } | ExprKind::StructType(_) | ExprKind::MapType { .. } => {}
            _ => return false,
        }
        if bare != x {
            let at = self.span(bare).start;
            self.error(at, "the type of a composite literal cannot be in parentheses");
        }
        true
    }

    fn selector_or_assertion(&mut self, x: ExprId) -> ExprId {
        let start = self.span(x).start;
        self.next();
        match self.tok() {
            Tok::Ident => {
                let sel = self.ident("a name");
                let end = sel.span().end;
                self.push_expr(ExprKind::Selector { x, sel: sel.name }, start, end)
            }
            Tok::LParen => {
                self.next();
                self.enter();
                let ty = if self.eat(Tok::Type) { None } else { Some(self.ty("a type or 'type'")) };
                self.leave();
                let end = self.expect_end(Tok::RParen, "to close the type assertion");
                self.push_expr(ExprKind::TypeAssert { x, ty }, start, end)
            }
            _ => {
                self.expected("a name or '(' after '.'");
                let end = (self.pos() + 1).min(self.lex.text().len() as u32);
                // A dot at the end of a line is what an unfinished program has: keep the next line.
                if !self.at(Tok::RBrace) && !STMT_START.has(self.tok()) {
                    self.next();
                }
                self.push_expr(ExprKind::Selector { x, sel: base::sym::BLANK }, start, end)
            }
        }
    }

    fn index_or_slice(&mut self, x: ExprId) -> ExprId {
        let start = self.span(x).start;
        self.next();
        if self.at(Tok::RBrack) {
            self.expected("an index");
            let (pos, end) = (self.lex.start, self.lex.end);
            self.next();
            let bad = self.push_expr(ExprKind::Bad, pos, pos);
            let indices = self.single(bad);
            return self.push_expr(ExprKind::Index { x, indices }, start, end);
        }
        self.enter();
        self.expr_lev += 1;
        let first = if self.at(Tok::Colon) { None } else { Some(self.expr()) };
        let kind = match (self.tok(), first) {
            (Tok::Colon, lo) => self.slice_bounds(x, lo),
            (Tok::Comma, Some(first)) => {
                let mark = self.b.exprs.len();
                self.b.exprs.push(first);
                while self.eat(Tok::Comma) {
                    if !matches!(self.tok(), Tok::RBrack | Tok::Eof) {
                        let ty = self.ty("a type argument");
                        self.b.exprs.push(ty);
                    }
                }
                ExprKind::Index { x, indices: self.expr_range(mark) }
            }
            (_, Some(first)) => ExprKind::Index { x, indices: self.single(first) },
            (_, None) => ExprKind::Bad,
        };
        self.expr_lev -= 1;
        self.leave();
        let end = self.expect_end(Tok::RBrack, "to close the index");
        self.push_expr(kind, start, end)
    }

    /// `:hi` or `:hi:max` of a slice expression.
    fn slice_bounds(&mut self, x: ExprId, lo: Option<ExprId>) -> ExprKind {
        let mut bounds = SliceBounds { lo, hi: None, max: None, three: false };
        let first_colon = self.pos();
        self.next();
        if !matches!(self.tok(), Tok::Colon | Tok::RBrack | Tok::Eof) {
            bounds.hi = Some(self.expr());
        }
        if self.at(Tok::Colon) {
            let second_colon = self.pos();
            self.next();
            bounds.three = true;
            if !matches!(self.tok(), Tok::Colon | Tok::RBrack | Tok::Eof) {
                bounds.max = Some(self.expr());
            }
            if bounds.hi.is_none() {
                self.error(first_colon, "a slice with three indices needs the middle one");
                bounds.hi = Some(self.push_expr(ExprKind::Bad, first_colon + 1, second_colon));
            }
            if bounds.max.is_none() {
                self.error(second_colon, "a slice with three indices needs the last one");
                bounds.max = Some(self.bad_expr(second_colon + 1));
            }
        }
        let index = self.b.file.slice_bounds.len() as u32;
        self.b.file.slice_bounds.push(bounds);
        ExprKind::Slice { x, bounds: index }
    }

    fn call(&mut self, fun: ExprId) -> ExprId {
        let start = self.span(fun).start;
        self.next();
        self.enter();
        self.expr_lev += 1;
        let mark = self.b.exprs.len();
        let mut ellipsis = false;
        while !matches!(self.tok(), Tok::RParen | Tok::Eof) && !ellipsis {
            let arg = self.expr();
            self.b.exprs.push(arg);
            ellipsis = self.eat(Tok::Ellipsis);
            if !self.at_comma("argument list", Tok::RParen) {
                break;
            }
            self.next();
        }
        self.expr_lev -= 1;
        self.leave();
        let end = self.expect_closing(Tok::RParen, "argument list");
        let args = self.expr_range(mark);
        self.push_expr(ExprKind::Call { fun, args, ellipsis }, start, end)
    }

    /// `{ … }` of a composite literal.
    fn literal_value(&mut self, ty: Option<ExprId>) -> ExprId {
        self.enter();
        let start = ty.map_or(self.pos(), |ty| self.span(ty).start);
        self.next();
        self.expr_lev += 1;
        let mark = self.b.exprs.len();
        while !matches!(self.tok(), Tok::RBrace | Tok::Eof) {
            let element = self.element();
            self.b.exprs.push(element);
            if !self.at_comma("composite literal", Tok::RBrace) {
                break;
            }
            self.next();
        }
        self.expr_lev -= 1;
        let end = self.expect_closing(Tok::RBrace, "composite literal");
        let elts = self.expr_range(mark);
        self.leave();
        self.push_expr(ExprKind::CompositeLit { ty, elts }, start, end)
    }

    fn element(&mut self) -> ExprId {
        let key = self.element_value();
        if !self.eat(Tok::Colon) {
            return key;
        }
        let value = self.element_value();
        let (start, end) = (self.span(key).start, self.span(value).end);
        self.push_expr(ExprKind::KeyValue { key, value }, start, end)
    }

    fn element_value(&mut self) -> ExprId {
        if !self.at(Tok::LBrace) {
            return self.expr();
        }
        let height = self.start_height();
        let x = self.literal_value(None);
        self.grow();
        self.end_height(height);
        x
    }
}
