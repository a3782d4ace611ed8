//! Types, parameters, type parameters and fields (Go spec, "Types", "Type parameter declarations").

use source::Span;

use super::{EXPR_END, Parser};
use crate::ast::{
    BinaryOp, ChanDir, ExprId, ExprKind, Field, FieldRange, FuncType, Ident, IdentRange, LitKind,
    UnaryOp,
};
use crate::token::Tok;

/// A parameter as written: in `a, b int` the first has no type yet, in `int, string` both look like
/// names.
#[derive(Clone, Copy)]
pub(super) struct Param {
    name: Option<Ident>,
    ty: Option<ExprId>,
}

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
    fn type_name(&mut self, ident: Ident) -> ExprId {
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
        let lbrack = self.pos();
        self.next();
        let mark = self.b.exprs.len();
        self.type_arguments();
        let rbrack = self.pos();
        let end = self.expect_closing(Tok::RBrack, "type argument list");
        if self.b.exprs.len() == mark {
            self.error(rbrack, "expected a type argument, found ']'");
            let bad = self.push_expr(ExprKind::Bad, lbrack + 1, rbrack.max(lbrack + 1));
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

    /// Parameters and results with the offset where they end.
    pub(super) fn signature(&mut self) -> (FieldRange, FieldRange, u32) {
        let (params, end) = self.parameters();
        if self.at(Tok::LParen) {
            self.next();
            let results = if self.at(Tok::RParen) {
                FieldRange::default()
            } else {
                self.parameter_list(None, None, Tok::RParen, false)
            };
            let end = self.expect_end(Tok::RParen, "to close the result list");
            return (params, results, end);
        }
        let Some(ty) = self.try_type_or_nothing() else {
            return (params, FieldRange::default(), end);
        };
        let span = self.span(ty);
        let start = self.b.file.fields.len() as u32;
        self.b.file.fields.push(Field { names: IdentRange::default(), ty, tag: None, span });
        (params, FieldRange { start, len: 1 }, span.end)
    }

    /// [`Self::try_type`] without its bookkeeping where there is usually no type: after parameters.
    #[inline]
    fn try_type_or_nothing(&mut self) -> Option<ExprId> {
        if matches!(self.tok(), Tok::LBrace | Tok::Semicolon | Tok::RParen | Tok::Comma) {
            return None;
        }
        self.try_type()
    }

    /// `(a, b int, …)` with the offset where it ends.
    pub(super) fn parameters(&mut self) -> (FieldRange, u32) {
        self.expect(Tok::LParen, "to open the parameter list");
        let list = if self.at(Tok::RParen) {
            FieldRange::default()
        } else {
            self.parameter_list(None, None, Tok::RParen, true)
        };
        (list, self.expect_end(Tok::RParen, "to close the parameter list"))
    }

    /// `[P any, …]`
    pub(super) fn type_parameters(&mut self) -> FieldRange {
        self.next();
        let list = if self.at(Tok::RBrack) {
            FieldRange::default()
        } else {
            self.parameter_list(None, None, Tok::RBrack, false)
        };
        let rbrack = self.expect(Tok::RBrack, "to close the type parameter list");
        if list.is_empty() {
            self.error(rbrack, "empty type parameter list");
        }
        list
    }

    /// The inside of a parameter, result or type parameter list, of which the first name and the
    /// start of its type may have been read. Type parameter lists are those closed by `]`.
    pub(super) fn parameter_list(
        &mut self,
        name0: Option<Ident>,
        ty0: Option<ExprId>,
        closing: Tok,
        variadic_ok: bool,
    ) -> FieldRange {
        let tparams = closing == Tok::RBrack;
        let start = name0.map_or(self.pos(), |n| n.pos);
        let mark = self.b.params.len();
        let (mut named, mut typed) = (0, 0);
        let (mut name0, mut ty0) = (name0, ty0);
        while name0.is_some() || !matches!(self.tok(), Tok::Eof) && !self.at(closing) {
            let param = match ty0.take() {
                Some(ty) => {
                    let ty = if tparams { self.embedded_elem(Some(ty)) } else { ty };
                    Param { name: name0.take(), ty: Some(ty) }
                }
                None => self.param_decl(name0.take(), tparams, closing),
            };
            if param.name.is_some() || param.ty.is_some() {
                named += usize::from(param.name.is_some() && param.ty.is_some());
                typed += usize::from(param.ty.is_some());
                self.b.params.push(param);
            }
            if !self
                .at_comma(if tparams { "type parameter list" } else { "parameter list" }, closing)
            {
                break;
            }
            self.next();
        }
        let count = self.b.params.len() - mark;
        if count == 0 {
            return FieldRange::default();
        }
        if named == 0 {
            self.names_are_types(mark);
            if tparams {
                let (at, message) = if typed == 0 {
                    (self.pos(), "missing type constraint")
                } else if count == 1 {
                    (start, "missing type parameter name or invalid array length")
                } else {
                    (start, "missing type parameter name")
                };
                self.error(at, message);
            }
        } else if named != count {
            self.distribute_types(mark, tparams, named == typed);
        }
        self.check_variadic(mark, variadic_ok);
        self.param_fields(mark, named > 0)
    }

    /// In a list without a named parameter, what looks like names are types.
    fn names_are_types(&mut self, mark: usize) {
        for i in mark..self.b.params.len() {
            if let Some(name) = self.b.params[i].name.take() {
                self.b.params[i].ty = Some(self.ident_expr(name));
            }
        }
    }

    /// Gives each name without a type the next type to its right: `a, b int`.
    fn distribute_types(&mut self, mark: usize, tparams: bool, all_types_named: bool) {
        let mut error = None;
        let mut ty = None;
        for i in (mark..self.b.params.len()).rev() {
            let param = self.b.params[i];
            match (param.name, param.ty) {
                (name, Some(own)) => {
                    ty = Some(own);
                    if name.is_none() {
                        let pos = self.span(own).start;
                        error = Some(pos);
                        self.b.params[i].name = Some(Ident { name: base::sym::BLANK, pos });
                    }
                }
                (Some(name), None) if ty.is_none() => {
                    error = Some(name.pos);
                    self.b.params[i].ty = Some(self.bad_expr(name.pos));
                }
                _ => self.b.params[i].ty = ty,
            }
        }
        let Some(at) = error else { return };
        let (at, message) = match (all_types_named, tparams) {
            (true, true) => (self.pos(), "missing type constraint"),
            (true, false) => (self.pos(), "missing parameter type"),
            (false, true) => (at, "missing type parameter name"),
            (false, false) => {
                (at, "missing parameter name: either all parameters have names or none")
            }
        };
        self.error(at, message);
    }

    /// `...T` is for the last parameter only.
    fn check_variadic(&mut self, mark: usize, variadic_ok: bool) {
        let last = self.b.params.len() - 1;
        for i in mark..=last {
            let Some(ty) = self.b.params[i].ty else {
                continue;
            };
            if !matches!(self.kind(ty), ExprKind::Ellipsis(_)) || variadic_ok && i == last {
                continue;
            }
            let span = self.span(ty);
            let message = if variadic_ok {
                "only the last parameter can be '...'"
            } else {
                "'...' is for parameters only"
            };
            self.error(span.start, message);
            self.b.params[i].ty = Some(self.push_expr(ExprKind::Bad, span.start, span.end));
        }
    }

    /// Turns the gathered parameters into fields: neighbours with one type make one field.
    fn param_fields(&mut self, mark: usize, named: bool) -> FieldRange {
        let first = self.b.file.fields.len() as u32;
        let mut i = mark;
        while i < self.b.params.len() {
            let Param { name, ty } = self.b.params[i];
            let ty = match ty {
                Some(ty) => ty,
                None => self.bad_expr(name.map_or(self.pos(), |n| n.pos)),
            };
            let mut next = i + 1;
            let mut span = self.span(ty);
            let start = self.b.file.idents.len() as u32;
            if named {
                while next < self.b.params.len() && self.b.params[next].ty == Some(ty) {
                    next += 1;
                }
                self.b.file.idents.extend(self.b.params[i..next].iter().filter_map(|p| p.name));
                span = Span::new(name.map_or(span.start, |n| n.pos), span.end);
            }
            let names = IdentRange { start, len: self.b.file.idents.len() as u32 - start };
            self.b.file.fields.push(Field { names, ty, tag: None, span });
            i = next;
        }
        self.b.params.truncate(mark);
        FieldRange { start: first, len: self.b.file.fields.len() as u32 - first }
    }

    /// One parameter; with `type_sets` its type may be a constraint element.
    fn param_decl(&mut self, name: Option<Ident>, type_sets: bool, closing: Tok) -> Param {
        let mut param = Param { name, ty: None };
        if name.is_none() {
            match self.tok() {
                Tok::Ident => param.name = Some(self.ident("a parameter")),
                Tok::Tilde if type_sets => {
                    param.ty = Some(self.embedded_elem(None));
                    return param;
                }
                Tok::Ellipsis => {
                    param.ty = Some(self.dots_type());
                    return param;
                }
                _ => match self.try_type() {
                    Some(ty) => param.ty = Some(ty),
                    None => {
                        self.expected(&format!("a parameter or {}", closing.quoted()));
                        self.advance(EXPR_END);
                    }
                },
            }
        }
        if let Some(name) = param.name {
            match self.tok() {
                Tok::Ident
                | Tok::Mul
                | Tok::Arrow
                | Tok::Func
                | Tok::Chan
                | Tok::Map
                | Tok::Struct
                | Tok::Interface
                | Tok::LParen => param.ty = Some(self.ty("a parameter type")),
                Tok::LBrack => {
                    let (name, ty) = self.array_or_instance(name);
                    param = Param { name, ty: Some(ty) };
                }
                Tok::Ellipsis => {
                    param.ty = Some(self.dots_type());
                    return param;
                }
                Tok::Period => {
                    let ty = self.type_name(name);
                    param = Param { name: None, ty: Some(ty) };
                }
                Tok::Tilde if type_sets => {
                    param.ty = Some(self.embedded_elem(None));
                    return param;
                }
                Tok::Or if type_sets => {
                    let ty = self.ident_expr(name);
                    let ty = self.embedded_elem(Some(ty));
                    return Param { name: None, ty: Some(ty) };
                }
                _ => {}
            }
        }
        if type_sets
            && self.at(Tok::Or)
            && let Some(ty) = param.ty
        {
            param.ty = Some(self.embedded_elem(Some(ty)));
        }
        param
    }

    fn dots_type(&mut self) -> ExprId {
        let start = self.pos();
        self.next();
        let elem = self.ty("a type after '...'");
        let end = self.span(elem).end;
        self.push_expr(ExprKind::Ellipsis(Some(elem)), start, end)
    }

    /// After `x` and before `[`: the field or parameter `x []E`, `x [n]E`, or the type `x[A, B]`.
    fn array_or_instance(&mut self, x: Ident) -> (Option<Ident>, ExprId) {
        self.enter();
        let height = self.start_height();
        let lbrack = self.pos();
        self.next();
        let mark = self.b.exprs.len();
        let mut trailing_comma = None;
        if !self.at(Tok::RBrack) {
            self.expr_lev += 1;
            loop {
                let arg = self.expr();
                self.b.exprs.push(arg);
                if !self.at(Tok::Comma) {
                    break;
                }
                let comma = self.pos();
                self.next();
                if self.at(Tok::RBrack) {
                    trailing_comma = Some(comma);
                    break;
                }
            }
            self.expr_lev -= 1;
        }
        let end = self.expect_end(Tok::RBrack, "to close the array length or type argument list");
        let count = self.b.exprs.len() - mark;
        let len = self.b.exprs.get(mark).copied();
        let elem = match count {
            0 => Some(self.ty("an element type")),
            1 => self.try_type_or_nothing(),
            _ => None,
        };
        let result = if let Some(elem) = elem {
            if let Some(comma) = trailing_comma {
                self.error(comma, "expected ']' after the array length, found ','");
            }
            self.b.exprs.truncate(mark);
            let end = self.span(elem).end;
            (Some(x), self.push_expr(ExprKind::ArrayType { len, elem }, lbrack, end))
        } else {
            let indices = self.expr_range(mark);
            let x = self.ident_expr(x);
            let start = self.span(x).start;
            (None, self.push_expr(ExprKind::Index { x, indices }, start, end))
        };
        self.grow();
        self.end_height(height);
        self.leave();
        result
    }

    fn struct_type(&mut self) -> ExprId {
        let start = self.pos();
        self.next();
        self.expect(Tok::LBrace, "after 'struct'");
        let mark = self.b.fields.len();
        while matches!(self.tok(), Tok::Ident | Tok::Mul | Tok::LParen) {
            let field = self.field_decl();
            self.b.fields.push(field);
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
    fn embedded_elem(&mut self, first: Option<ExprId>) -> ExprId {
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
