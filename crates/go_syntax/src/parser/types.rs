//! Types and their fields and methods (Go spec, "Types"). Parameters are in `params.rs`.

use source::Span;

use super::{EXPR_END, LINE_END, Parser};
use crate::ast::{
    BinaryOp, ChanDir, ExprId, ExprKind, Field, FieldRange, FuncType, Ident, IdentRange, LitKind,
    UnaryOp,
};
use crate::token::Tok;

impl Parser<'_, '_> {
    /// A type; `what` says what the reader would have expected if there is none.
    pub(super) fn ty(&mut self, what: &str) -> ExprId {
        if let Some(ty) = self.try_type() {
            return ty;
        }
        let start = self.pos();
        self.expected(what);
        self.advance(EXPR_END);
        self.bad_expr(start)
    }

    /// A type, if the current token starts one.
    pub(super) fn try_type(&mut self) -> Option<ExprId> {
        if self.at(Tok::Ident) {
            let ident = self.ident("a type name");
            return Some(self.type_name(ident));
        }
        self.enter();
        let height = self.start_height();
        let ty = self.try_unnamed_type();
        self.grow();
        self.end_height(height);
        self.leave();
        ty
    }

    /// The type that starts with a name: `T`, `p.T`, `T[int]`.
    pub(super) fn type_name(&mut self, ident: Ident) -> ExprId {
        let ty = self.qualified(ident);
        if self.at(Tok::LBrack) { self.type_instance(ty) } else { ty }
    }

    /// `T` or `p.T`.
    fn qualified(&mut self, ident: Ident) -> ExprId {
        let x = self.ident_expr(ident);
        if !self.eat(Tok::Period) {
            return x;
        }
        let sel = self.ident("a name after the package name");
        self.push_expr(ExprKind::Selector { x, sel: sel.name }, ident.pos, sel.span().end)
    }

    fn try_unnamed_type(&mut self) -> Option<ExprId> {
        let start = self.pos();
        Some(match self.tok() {
            Tok::LBrack => {
                self.next();
                self.array_type(start, None)
            }
            Tok::Struct => self.struct_type(),
            Tok::Mul => {
                self.next();
                let base = self.ty("a type after '*'");
                let end = self.span(base).end;
                self.push_expr(ExprKind::Star(base), start, end)
            }
            Tok::Func => self.func_type(),
            Tok::Interface => self.interface_type(),
            Tok::Map => {
                self.next();
                self.expect(Tok::LBrack, "before the key type");
                let key = self.ty("a key type");
                self.expect(Tok::RBrack, "after the key type");
                let value = self.ty("an element type");
                let end = self.span(value).end;
                self.push_expr(ExprKind::MapType { key, value }, start, end)
            }
            Tok::Chan | Tok::Arrow => self.chan_type(),
            Tok::LParen => {
                self.next();
                let x = self.ty("a type");
                let end = self.expect_end(Tok::RParen, "after the type");
                self.push_expr(ExprKind::Paren(x), start, end)
            }
            _ => return None,
        })
    }

    /// `[n]T` after the bracket at `lbrack`, and after the length if that was read already.
    pub(super) fn array_type(&mut self, lbrack: u32, len: Option<ExprId>) -> ExprId {
        let mut len = len;
        if len.is_none() {
            self.expr_lev += 1;
            if self.at(Tok::Ellipsis) {
                let (start, end) = (self.pos(), self.lex.end);
                self.next();
                len = Some(self.push_expr(ExprKind::Ellipsis(None), start, end));
            } else if !self.at(Tok::RBrack) {
                len = Some(self.expr());
            }
            self.expr_lev -= 1;
        }
        if self.at(Tok::Comma) {
            self.error(self.pos(), "expected ']' after the array length, found ','");
            self.next();
        }
        self.expect(Tok::RBrack, "after the array length");
        let elem = self.ty("an element type");
        let end = self.span(elem).end;
        self.push_expr(ExprKind::ArrayType { len, elem }, lbrack, end)
    }

    fn chan_type(&mut self) -> ExprId {
        let start = self.pos();
        let mut dir = ChanDir::Both;
        if self.eat(Tok::Chan) {
            if self.eat(Tok::Arrow) {
                dir = ChanDir::Send;
            }
        } else {
            self.next();
            self.expect(Tok::Chan, "after '<-' in a type");
            dir = ChanDir::Recv;
        }
        let elem = self.ty("an element type");
        let end = self.span(elem).end;
        self.push_expr(ExprKind::ChanType { dir, elem }, start, end)
    }

    /// `[A, B]` after a type name.
    fn type_instance(&mut self, x: ExprId) -> ExprId {
        self.enter();
        let height = self.start_height();
        let start = self.span(x).start;
        self.next();
        let mark = self.b.exprs.len();
        self.type_arguments();
        let rbrack = self.pos();
        let end = self.expect_closing(Tok::RBrack, "type argument list");
        if self.b.exprs.len() == mark {
            self.error(rbrack, "expected a type argument, found ']'");
            let bad = self.push_expr(ExprKind::Bad, rbrack, rbrack);
            self.b.exprs.push(bad);
        }
        let indices = self.expr_range(mark);
        self.grow();
        self.end_height(height);
        self.leave();
        self.push_expr(ExprKind::Index { x, indices }, start, end)
    }

    /// Types up to `]`, onto the expression stack.
    fn type_arguments(&mut self) {
        self.expr_lev += 1;
        while !matches!(self.tok(), Tok::RBrack | Tok::Eof) {
            let ty = self.ty("a type argument");
            self.b.exprs.push(ty);
            if !self.at_comma("type argument list", Tok::RBrack) {
                break;
            }
            self.next();
        }
        self.expr_lev -= 1;
    }

    pub(super) fn func_type(&mut self) -> ExprId {
        let start = self.pos();
        self.next();
        if self.at(Tok::LBrack) {
            let lbrack = self.pos();
            if !self.type_parameters().is_empty() {
                self.error(lbrack, "a function type or literal must have no type parameters");
            }
        }
        let (params, results, end) = self.signature();
        self.push_func_type(params, results, start, end)
    }

    fn push_func_type(
        &mut self,
        params: FieldRange,
        results: FieldRange,
        start: u32,
        end: u32,
    ) -> ExprId {
        let span = Span { start, end: end.max(start) };
        let tparams = FieldRange::default();
        let id = self.b.file.func_types.push(FuncType { tparams, params, results, span });
        self.push_expr(ExprKind::FuncType(id), span.start, span.end)
    }

    fn struct_type(&mut self) -> ExprId {
        let start = self.pos();
        self.next();
        self.expect(Tok::LBrace, "after 'struct'");
        let mark = self.b.fields.len();
        loop {
            match self.tok() {
                Tok::Ident | Tok::Mul | Tok::LParen => {
                    let field = self.field_decl();
                    self.b.fields.push(field);
                }
                Tok::RBrace | Tok::Eof => break,
                _ => {
                    self.expected("a field name or embedded type");
                    self.advance(LINE_END);
                    if !self.eat(Tok::Semicolon) {
                        break;
                    }
                }
            }
        }
        let end = self.expect_end(Tok::RBrace, "to close the struct type");
        let fields = self.field_range(mark);
        self.push_expr(ExprKind::StructType(fields), start, end)
    }

    fn field_decl(&mut self) -> Field {
        let start = self.pos();
        let mark = self.b.idents.len();
        let ty = match self.tok() {
            Tok::Ident => {
                let name = self.ident("a field name");
                match self.tok() {
                    Tok::Period | Tok::String | Tok::Semicolon | Tok::RBrace => {
                        self.type_name(name)
                    }
                    Tok::LBrack => {
                        let (name, ty) = self.array_or_instance(name);
                        self.b.idents.extend(name);
                        ty
                    }
                    _ => {
                        self.b.idents.push(name);
                        while self.eat(Tok::Comma) {
                            let name = self.ident("a field name");
                            self.b.idents.push(name);
                        }
                        self.ty("a field type")
                    }
                }
            }
            Tok::Mul => {
                self.next();
                let parens = self.at(Tok::LParen);
                if parens {
                    self.error(self.pos(), "an embedded type cannot be in parentheses");
                    self.next();
                }
                let ty = self.embedded_name();
                if parens {
                    self.eat(Tok::RParen);
                }
                let end = self.span(ty).end;
                self.push_expr(ExprKind::Star(ty), start, end)
            }
            _ => {
                self.error(start, "an embedded type cannot be in parentheses");
                self.next();
                let star = self.pos();
                let is_pointer = self.eat(Tok::Mul);
                let mut ty = self.embedded_name();
                if is_pointer {
                    let end = self.span(ty).end;
                    ty = self.push_expr(ExprKind::Star(ty), star, end);
                }
                self.eat(Tok::RParen);
                ty
            }
        };
        let names = self.ident_range(mark);
        let mut end = self.span(ty).end;
        let mut tag = None;
        if self.at(Tok::String) {
            end = self.lex.end;
            tag = Some(self.push_expr(ExprKind::BasicLit(LitKind::String), self.lex.start, end));
            self.next();
        }
        self.expect_semi("struct field");
        let start = if names.is_empty() { self.span(ty).start } else { start };
        Field { names, ty, tag, span: Span { start, end: end.max(start) } }
    }

    fn embedded_name(&mut self) -> ExprId {
        let name = self.ident("an embedded type");
        self.type_name(name)
    }

    fn interface_type(&mut self) -> ExprId {
        let start = self.pos();
        self.next();
        self.expect(Tok::LBrace, "after 'interface'");
        let mark = self.b.fields.len();
        loop {
            let field = if self.at(Tok::Ident) {
                self.method_or_embedded()
            } else {
                let elem = if self.at(Tok::Tilde) { None } else { self.try_type_or_nothing() };
                if elem.is_none() && !self.at(Tok::Tilde) {
                    break;
                }
                let ty = self.embedded_elem(elem);
                self.embedded_field(ty)
            };
            self.expect_semi("interface element");
            self.b.fields.push(field);
        }
        let end = self.expect_end(Tok::RBrace, "to close the interface type");
        let fields = self.field_range(mark);
        self.push_expr(ExprKind::InterfaceType(fields), start, end)
    }

    fn embedded_field(&self, ty: ExprId) -> Field {
        Field { names: IdentRange::default(), ty, tag: None, span: self.span(ty) }
    }

    /// An interface element that starts with a name: `m()`, `T`, `p.T`, `T[A] | U`.
    fn method_or_embedded(&mut self) -> Field {
        let name = self.ident("a method name");
        let ty = match self.tok() {
            Tok::LParen => return self.method(name),
            Tok::LBrack => {
                let lbrack = self.pos();
                self.next();
                self.expr_lev += 1;
                let arg = self.expr();
                self.expr_lev -= 1;
                if let ExprKind::Ident(tparam) = self.kind(arg)
                    && !matches!(self.tok(), Tok::Comma | Tok::RBrack)
                {
                    let tparam = Ident { name: tparam, pos: self.span(arg).start };
                    self.parameter_list(Some(tparam), None, Tok::RBrack, false);
                    self.expect(Tok::RBrack, "to close the type parameter list");
                    self.error(lbrack, "an interface method must have no type parameters");
                    return self.method(name);
                }
                let mark = self.b.exprs.len();
                self.b.exprs.push(arg);
                if self.at_comma("type argument list", Tok::RBrack) {
                    self.next();
                    self.type_arguments();
                }
                let end = self.expect_closing(Tok::RBrack, "type argument list");
                let indices = self.expr_range(mark);
                let x = self.ident_expr(name);
                self.push_expr(ExprKind::Index { x, indices }, name.pos, end)
            }
            _ => self.type_name(name),
        };
        let ty = self.embedded_elem(Some(ty));
        self.embedded_field(ty)
    }

    /// The signature of an interface method.
    fn method(&mut self, name: Ident) -> Field {
        let start = self.pos();
        let (params, results, end) = self.signature();
        let ty = self.push_func_type(params, results, start, end);
        let names = IdentRange { start: self.b.file.idents.len() as u32, len: 1 };
        self.b.file.idents.push(name);
        Field { names, ty, tag: None, span: Span { start: name.pos, end: self.span(ty).end } }
    }

    /// A union `A | ~B | …`, of which the first term may have been read.
    pub(super) fn embedded_elem(&mut self, first: Option<ExprId>) -> ExprId {
        let mut x = match first {
            Some(x) => x,
            None => self.embedded_term(),
        };
        if !self.at(Tok::Or) {
            return x;
        }
        let height = self.start_height();
        while self.at(Tok::Or) {
            let op_pos = self.pos();
            self.next();
            let y = self.embedded_term();
            let (start, end) = (self.span(x).start, self.span(y).end);
            x = self.push_expr(ExprKind::Binary { op: BinaryOp::Or, x, y, op_pos }, start, end);
        }
        self.grow();
        self.end_height(height);
        x
    }

    fn embedded_term(&mut self) -> ExprId {
        if !self.at(Tok::Tilde) {
            return self.ty("a type or '~' and a type");
        }
        let start = self.pos();
        self.next();
        let x = self.ty("a type after '~'");
        let end = self.span(x).end;
        self.push_expr(ExprKind::Unary { op: UnaryOp::Tilde, x }, start, end)
    }
}
