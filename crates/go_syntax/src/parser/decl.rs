//! Files, declarations and their specs (Go spec, "Source file organization", "Declarations and
//! scope").

use base::sym;
use source::Span;

use super::{DECL_START, EXPR_END, ParseMode, Parser};
use crate::ast::{
    BinaryOp, Decl, DeclId, DeclKind, Expr, ExprId, ExprKind, ExprRange, FieldRange, FuncDecl,
    FuncType, Ident, LitKind, Spec, SpecKind, StmtKind, StmtRange, UnaryOp,
};
use crate::token::{Tok, TokSet};

impl Parser<'_, '_> {
    pub(super) fn file(&mut self) {
        self.b.file.package_pos = self.pos();
        if !self.at(Tok::Package) {
            // Without a package clause this is hardly Go: one error, not hundreds.
            self.expected("'package' at the start of the file");
            self.lex.stop();
            return;
        }
        self.next();
        self.b.file.package = self.ident("a package name");
        self.expect_semi("package clause");
        // Said once for each run of imports that stands too late.
        let mut after_import = true;
        while !self.at(Tok::Eof) {
            if self.at(Tok::Import) {
                if !after_import {
                    self.error(self.pos(), "imports must appear before other declarations");
                }
                after_import = true;
            } else if self.mode == ParseMode::ImportsOnly {
                break;
            } else {
                after_import = false;
            }
            let decl = self.decl(DECL_START);
            self.b.file.decls.push(decl);
        }
    }

    /// Any declaration, top-level or (without `import` and `func`) in a function.
    pub(super) fn decl(&mut self, sync: TokSet) -> DeclId {
        let start = self.pos();
        let keyword = self.tok();
        match keyword {
            Tok::Import | Tok::Const | Tok::Var | Tok::Type => self.gen_decl(keyword),
            Tok::Func => self.func_decl(),
            _ => {
                self.expected("a declaration");
                self.advance(sync);
                let end = self.pos();
                self.b
                    .file
                    .all_decls
                    .push(Decl { kind: DeclKind::Bad, span: Span::new(start, end) })
            }
        }
    }

    fn gen_decl(&mut self, keyword: Tok) -> DeclId {
        let start = self.pos();
        self.next();
        let mark = self.b.specs.len();
        let end;
        if self.eat(Tok::LParen) {
            let mut iota = 0;
            while !matches!(self.tok(), Tok::RParen | Tok::Eof) {
                self.spec(keyword, iota);
                iota += 1;
            }
            end = self.expect_end(Tok::RParen, "to close the declaration group");
            self.expect_semi("declaration");
        } else {
            end = self.spec(keyword, 0);
        }
        let end = end.max(start);
        let specs = self.spec_range(mark);
        let kind = match keyword {
            Tok::Import => DeclKind::Import(specs),
            Tok::Const => DeclKind::Const(specs),
            Tok::Type => DeclKind::Type(specs),
            _ => DeclKind::Var(specs),
        };
        self.b.file.all_decls.push(Decl { kind, span: Span::new(start, end) })
    }

    /// Parses one spec onto the spec stack; the result is its end.
    fn spec(&mut self, keyword: Tok, iota: u32) -> u32 {
        let spec = match keyword {
            Tok::Import => self.import_spec(),
            Tok::Type => self.type_spec(),
            _ => self.value_spec(keyword, iota),
        };
        self.b.specs.push(spec);
        spec.span.end
    }

    fn import_spec(&mut self) -> Spec {
        let start = self.pos();
        let name = match self.tok() {
            Tok::Ident => Some(self.ident("a name")),
            Tok::Period => {
                self.next();
                Some(Ident { name: sym::DOT, pos: start })
            }
            _ => None,
        };
        let pos = self.pos();
        let mut end = pos;
        if self.at(Tok::String) {
            end = self.lex.end;
            self.next();
        } else if self.tok().is_literal() {
            self.expected("an import path in quotes");
            self.next();
        } else {
            self.expected("an import path");
            self.advance(EXPR_END);
        }
        let path = self.push_expr(ExprKind::BasicLit(LitKind::String), pos, end);
        self.expect_semi("import path");
        Spec { kind: SpecKind::Import { name, path }, span: Span::new(start, end) }
    }

    fn value_spec(&mut self, keyword: Tok, iota: u32) -> Spec {
        let mark = self.b.idents.len();
        loop {
            let ident = self.ident("a name to declare");
            self.b.idents.push(ident);
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        let start = self.b.idents[mark].pos;
        let mut end = self.b.idents.last().expect("at least one name was pushed").span().end;
        let names = self.ident_range(mark);
        let mut ty = None;
        let mut values = ExprRange::default();
        if keyword == Tok::Const {
            if !matches!(self.tok(), Tok::Eof | Tok::Semicolon | Tok::RParen) {
                ty = self.try_type();
            }
        } else if !self.at(Tok::Assign) {
            ty = Some(self.ty("a type or '=' after the variable name"));
        }
        if let Some(ty) = ty {
            end = self.span(ty).end;
        }
        if self.eat(Tok::Assign) {
            let list = self.expr_list();
            values = list;
            end = self.span(self.b.file.expr_lists[list.range().end - 1]).end;
        }
        self.expect_semi(if keyword == Tok::Const {
            "constant declaration"
        } else {
            "variable declaration"
        });
        let kind = SpecKind::Value { names, ty, values, iota };
        Spec { kind, span: Span::new(start, end.max(start)) }
    }

    fn type_spec(&mut self) -> Spec {
        let name = self.ident("a type name");
        let mut tparams = FieldRange::default();
        let mut is_alias = false;
        let ty;
        if self.at(Tok::LBrack) {
            let lbrack = self.pos();
            self.next();
            let first = if self.at(Tok::Ident) { Some(self.array_len_or_tparam()) } else { None };
            match first.map(|x| (x, self.split_tparam(x))) {
                Some((_, Some((param, constraint)))) => {
                    tparams = self.parameter_list(Some(param), constraint, Tok::RBrack, false);
                    self.expect(Tok::RBrack, "to close the type parameter list");
                    is_alias = self.eat(Tok::Assign);
                    ty = self.ty("a type");
                }
                other => ty = self.array_type(lbrack, other.map(|(x, _)| x)),
            }
        } else {
            is_alias = self.eat(Tok::Assign);
            ty = self.ty("a type");
        }
        let end = self.span(ty).end;
        self.expect_semi("type declaration");
        let kind = SpecKind::Type { name, tparams, is_alias, ty };
        Spec { kind, span: Span::new(name.pos, end.max(name.pos)) }
    }

    /// After `type T [` and before a name: what may be an array length or start type parameters.
    ///
    /// A name followed by `[` can only be a parameter with a slice or array constraint, as
    /// `type T[P []E]`: an index expression is never a constant.
    fn array_len_or_tparam(&mut self) -> ExprId {
        let ident = self.ident("a name");
        let x = self.ident_expr(ident);
        if self.at(Tok::LBrack) {
            return x;
        }
        self.expr_lev += 1;
        let height = self.start_height();
        let lhs = self.primary_suffixes(x);
        let x = self.binary_suffixes(lhs, 1);
        self.end_height(height);
        self.expr_lev -= 1;
        x
    }

    /// Splits an expression into a type parameter's name and the start of its constraint, if it can
    /// be read so: `P *C`, `P (C)`, `P *C|D` parse as products and calls. What could also be an array
    /// length is a type parameter only with a comma behind it or a type in it.
    fn split_tparam(&mut self, x: ExprId) -> Option<(Ident, Option<ExprId>)> {
        if let ExprKind::Ident(name) = self.kind(x) {
            let ident = Ident { name, pos: self.span(x).start };
            return (!self.at(Tok::RBrack)).then_some((ident, None));
        }
        let mut force = self.at(Tok::Comma);
        let mut bottom = x;
        while let ExprKind::Binary { op: BinaryOp::Or, x: left, y, .. } = self.kind(bottom) {
            force |= self.is_type_elem(y);
            bottom = left;
        }
        let (name_expr, kind, start) = match self.kind(bottom) {
            ExprKind::Binary { op: BinaryOp::Mul, x, y, op_pos }
                if force || self.is_type_elem(y) =>
            {
                (x, ExprKind::Star(y), op_pos)
            }
            ExprKind::Call { fun, args, ellipsis: false } if args.len() == 1 => {
                let arg = self.b.file.expr_lists[args.range().start];
                if !force && !self.is_type_elem(arg) {
                    return None;
                }
                (fun, ExprKind::Paren(arg), self.find_from(self.span(fun).end, b'('))
            }
            _ => return None,
        };
        let ExprKind::Ident(name) = self.kind(name_expr) else {
            return None;
        };
        let ident = Ident { name, pos: self.span(name_expr).start };
        let end = self.span(bottom).end;
        self.b.file.exprs[bottom] = Expr { kind, span: Span::new(start, end) };
        let mut outer = x;
        while outer != bottom {
            self.b.file.exprs[outer].span.start = start;
            let ExprKind::Binary { x: left, .. } = self.kind(outer) else {
                break;
            };
            outer = left;
        }
        Some((ident, Some(x)))
    }

    /// Whether an expression can only be a type element, never a value.
    fn is_type_elem(&self, x: ExprId) -> bool {
        match self.kind(x) {
            ExprKind::ArrayType { .. }
            | ExprKind::StructType(_)
            | ExprKind::FuncType(_)
            | ExprKind::InterfaceType(_)
            | ExprKind::MapType { .. }
            | ExprKind::ChanType { .. }
            | ExprKind::Unary { op: UnaryOp::Tilde, .. } => true,
            ExprKind::Paren(x) => self.is_type_elem(x),
            ExprKind::Binary { .. } => {
                let mut left = x;
                while let ExprKind::Binary { x, y, .. } = self.kind(left) {
                    if self.is_type_elem(y) {
                        return true;
                    }
                    left = x;
                }
                self.is_type_elem(left)
            }
            _ => false,
        }
    }

    fn func_decl(&mut self) -> DeclId {
        let start = self.pos();
        self.next();
        let recv = if self.at(Tok::LParen) { self.parameters().0 } else { FieldRange::default() };
        let name = self.ident("a function name");
        let tparams =
            if self.at(Tok::LBrack) { self.type_parameters() } else { FieldRange::default() };
        let (params, results, mut end) = self.signature();
        let span = Span::new(start, end);
        let ty = self.b.file.func_types.push(FuncType { tparams, params, results, span });
        let mut body = None;
        let mut has_body = self.at(Tok::LBrace);
        if self.at(Tok::Semicolon) {
            self.next();
            if self.at(Tok::LBrace) {
                self.error(
                    self.pos(),
                    "unexpected semicolon or newline before the '{' of the function body",
                );
                has_body = true;
            }
        } else if !has_body {
            self.expect_semi("function signature");
        }
        if has_body {
            let block = if self.mode == ParseMode::Full {
                self.block("function body")
            } else {
                let lbrace = self.pos();
                self.lex.skip_block();
                let end = self.lex.end;
                self.expect(Tok::RBrace, "to close the function body");
                self.push_stmt(StmtKind::Block(StmtRange::default()), lbrace, end)
            };
            end = self.b.file.stmts[block].span.end;
            self.expect_semi("function declaration");
            body = Some(block);
        }
        let func = self.b.file.func_decls.push(FuncDecl { recv, name, ty, body });
        self.b
            .file
            .all_decls
            .push(Decl { kind: DeclKind::Func(func), span: Span::new(start, end.max(start)) })
    }
}
