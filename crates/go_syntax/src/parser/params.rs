//! Parameters, results and type parameters (Go spec, "Function types", "Type parameter
//! declarations"). Whether `a` in `(a, b)` is a name or a type is known at the end of the list only.

use source::Span;

use super::{EXPR_END, Parser};
use crate::ast::{ExprId, ExprKind, Field, FieldRange, Ident, IdentRange};
use crate::token::Tok;

/// A parameter as written: in `a, b int` the first has no type yet, in `int, string` both look like
/// names.
#[derive(Clone, Copy)]
pub(super) struct Param {
    name: Option<Ident>,
    ty: Option<ExprId>,
}

impl Parser<'_, '_> {
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
    pub(super) fn try_type_or_nothing(&mut self) -> Option<ExprId> {
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
                        self.b.params[i].name = Some(self.missing_name(pos));
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
                _ => {
                    param.ty = self.try_type();
                    if param.ty.is_none() {
                        self.expected(&format!("a parameter or {}", closing.quoted()));
                        self.advance(EXPR_END);
                    }
                }
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
    pub(super) fn array_or_instance(&mut self, x: Ident) -> (Option<Ident>, ExprId) {
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
}
