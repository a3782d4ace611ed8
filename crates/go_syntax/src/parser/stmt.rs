//! Statements (Go spec, "Statements", "Blocks").

use source::Span;

use super::{Parser, STMT_START};
use crate::ast::{
    AssignOp, BranchKind, ExprId, ExprKind, ExprRange, Ident, RangeClause, StmtId, StmtKind,
    StmtRange,
};
use crate::token::Tok;

/// Where a simple statement stands, which says what else it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// A header: nothing else.
    Header,
    /// A statement list: a label too.
    List,
    /// The header of `for`: a range clause too.
    For,
}

/// A simple statement. Expressions are not made statements until it is known that they are some.
#[derive(Clone, Copy)]
enum Simple {
    Expr(ExprId),
    Stmt(StmtId),
    Labeled(StmtId),
    Range(RangeClause),
    BadRange,
}

impl Parser<'_, '_> {
    /// `{ … }`; `what` names it in messages.
    pub(super) fn block(&mut self, what: &str) -> StmtId {
        let height = self.start_height();
        let start = self.pos();
        if self.at(Tok::LBrace) {
            self.next();
        } else {
            self.expected(&format!("'{{' to open the {what}"));
            self.next();
        }
        let mark = self.b.stmts.len();
        self.stmt_list();
        let end = if self.at(Tok::RBrace) {
            self.lex.end
        } else {
            self.expected(&format!("'}}' to close the {what}"));
            self.last_end(mark).unwrap_or(start + 1)
        };
        self.next();
        let list = self.stmt_range(mark);
        self.grow();
        self.end_height(height);
        self.push_stmt(StmtKind::Block(list), start, end.min(self.lex.text().len() as u32))
    }

    /// Statements up to the end of a block or clause, onto the statement stack.
    fn stmt_list(&mut self) {
        while !matches!(self.tok(), Tok::Case | Tok::Default | Tok::RBrace | Tok::Eof) {
            let stmt = self.stmt();
            self.b.stmts.push(stmt);
        }
    }

    /// The end of the last statement gathered since `mark`.
    fn last_end(&self, mark: usize) -> Option<u32> {
        self.b.stmts[mark..].last().map(|&s| self.b.file.stmts[s].span.end)
    }

    fn stmt(&mut self) -> StmtId {
        let start = self.pos();
        match self.tok() {
            Tok::Ident
            | Tok::Int
            | Tok::Float
            | Tok::Imag
            | Tok::Char
            | Tok::String
            | Tok::Func
            | Tok::LParen
            | Tok::LBrack
            | Tok::Struct
            | Tok::Map
            | Tok::Chan
            | Tok::Interface
            | Tok::Add
            | Tok::Sub
            | Tok::Mul
            | Tok::And
            | Tok::Xor
            | Tok::Arrow
            | Tok::Not => {
                let simple = self.simple_stmt(Context::List);
                if let Simple::Labeled(stmt) = simple {
                    return stmt;
                }
                self.expect_semi("statement");
                self.simple_as_stmt(simple)
            }
            Tok::Return => {
                let mut end = self.lex.end;
                self.next();
                let mut results = ExprRange::default();
                if !matches!(self.tok(), Tok::Semicolon | Tok::RBrace) {
                    results = self.expr_list();
                    end = self.list_end(results);
                }
                self.expect_semi("return statement");
                self.push_stmt(StmtKind::Return(results), start, end)
            }
            Tok::Go | Tok::Defer => self.go_or_defer(),
            Tok::Break => self.branch(BranchKind::Break),
            Tok::Continue => self.branch(BranchKind::Continue),
            Tok::Goto => self.branch(BranchKind::Goto),
            Tok::Fallthrough => self.branch(BranchKind::Fallthrough),
            Tok::Semicolon => {
                let end = if self.lex.semi_implicit { start } else { self.lex.end };
                self.next();
                self.push_stmt(StmtKind::Empty, start, end)
            }
            Tok::RBrace => self.push_stmt(StmtKind::Empty, start, start),
            Tok::Const | Tok::Type | Tok::Var => {
                let decl = self.decl(STMT_START);
                let span = self.b.file.all_decls[decl].span;
                self.push_stmt(StmtKind::Decl(decl), span.start, span.end)
            }
            Tok::LBrace | Tok::If | Tok::For | Tok::Switch | Tok::Select => self.nesting_stmt(),
            _ => {
                self.expected("a statement");
                self.advance(STMT_START);
                let end = self.pos();
                self.push_stmt(StmtKind::Bad, start, end)
            }
        }
    }

    /// A statement with a block in it.
    fn nesting_stmt(&mut self) -> StmtId {
        self.enter();
        let height = self.start_height();
        let stmt = match self.tok() {
            Tok::If => self.if_stmt(),
            Tok::For => self.for_stmt(),
            Tok::Switch => self.switch_stmt(),
            Tok::Select => self.select_stmt(),
            _ => {
                let block = self.block("block");
                self.expect_semi("block");
                block
            }
        };
        self.grow();
        self.end_height(height);
        self.leave();
        stmt
    }

    fn list_end(&self, list: ExprRange) -> u32 {
        self.b.file.expr_list(list).last().map_or(0, |&x| self.span(x).end)
    }

    fn simple_as_stmt(&mut self, simple: Simple) -> StmtId {
        match simple {
            Simple::Expr(x) => {
                let span = self.span(x);
                self.push_stmt(StmtKind::Expr(x), span.start, span.end)
            }
            Simple::Stmt(s) | Simple::Labeled(s) => s,
            Simple::Range(_) | Simple::BadRange => {
                let at = self.pos();
                self.push_stmt(StmtKind::Bad, at, at)
            }
        }
    }

    fn simple_stmt(&mut self, context: Context) -> Simple {
        let first = self.expr();
        let start = self.span(first).start;
        if self.at(Tok::Comma) {
            let mark = self.b.exprs.len();
            self.b.exprs.push(first);
            while self.eat(Tok::Comma) {
                let x = self.expr();
                self.b.exprs.push(x);
            }
            if let Some(op) = self.tok().assign_op() {
                let lhs = self.expr_range(mark);
                return self.assignment(lhs, op, context, start);
            }
            self.b.exprs.truncate(mark);
            self.error(
                start,
                format!(
                    "expected one expression or an assignment, found a list and {}",
                    self.found()
                ),
            );
        } else if let Some(op) = self.tok().assign_op() {
            let lhs = self.single(first);
            return self.assignment(lhs, op, context, start);
        }
        match self.tok() {
            Tok::Colon => {
                let colon = self.pos();
                self.next();
                if context == Context::List
                    && let ExprKind::Ident(name) = self.kind(first)
                {
                    return self.labeled(Ident { name, pos: start });
                }
                self.error(colon, "expected a label before ':'");
                Simple::Stmt(self.push_stmt(StmtKind::Bad, start, colon + 1))
            }
            Tok::Arrow => {
                self.next();
                let value = self.expr();
                let end = self.span(value).end;
                Simple::Stmt(self.push_stmt(StmtKind::Send { chan: first, value }, start, end))
            }
            Tok::Inc | Tok::Dec => {
                let inc = self.at(Tok::Inc);
                let end = self.lex.end;
                self.next();
                Simple::Stmt(self.push_stmt(StmtKind::IncDec { x: first, inc }, start, end))
            }
            _ => Simple::Expr(first),
        }
    }

    /// The rest of an assignment from its operator on.
    fn assignment(&mut self, lhs: ExprRange, op: AssignOp, context: Context, start: u32) -> Simple {
        self.next();
        if context == Context::For && self.at(Tok::Range) && !matches!(op, AssignOp::Op(_)) {
            self.next();
            let x = self.expr();
            let list = self.b.file.expr_list(lhs);
            if let Some(&third) = list.get(2) {
                let at = self.span(third).start;
                self.error(at, "expected at most two iteration variables");
                return Simple::BadRange;
            }
            let (key, value) = (list.first().copied(), list.get(1).copied());
            return Simple::Range(RangeClause { key, value, define: op == AssignOp::Define, x });
        }
        let rhs = self.expr_list();
        let end = self.list_end(rhs);
        Simple::Stmt(self.push_stmt(StmtKind::Assign { lhs, rhs, op }, start, end))
    }

    fn labeled(&mut self, label: Ident) -> Simple {
        self.enter();
        let height = self.start_height();
        let stmt = self.stmt();
        self.grow();
        self.end_height(height);
        self.leave();
        let end = self.b.file.stmts[stmt].span.end;
        Simple::Labeled(self.push_stmt(StmtKind::Labeled { label, stmt }, label.pos, end))
    }

    fn go_or_defer(&mut self) -> StmtId {
        let is_go = self.at(Tok::Go);
        let (start, end) = (self.lex.start, self.lex.end);
        let word = if is_go { "go" } else { "defer" };
        self.next();
        let x = self.expr();
        let call = self.b.file.unparen(x);
        let span = self.span(x);
        let is_call = matches!(self.kind(call), ExprKind::Call { .. });
        if call != x {
            self.error(
                span.start,
                format!("the call in a {word} statement must not be in parentheses"),
            );
        } else if !is_call && self.kind(call) != ExprKind::Bad {
            self.error(span.end, format!("expected a function call in the {word} statement"));
        }
        self.expect_semi(if is_go { "go statement" } else { "defer statement" });
        if !is_call {
            return self.push_stmt(StmtKind::Bad, start, end);
        }
        let end = self.span(call).end;
        self.push_stmt(if is_go { StmtKind::Go(call) } else { StmtKind::Defer(call) }, start, end)
    }

    fn branch(&mut self, kind: BranchKind) -> StmtId {
        let (start, mut end) = (self.lex.start, self.lex.end);
        self.next();
        let mut label = None;
        let may_have_label =
            matches!(kind, BranchKind::Break | BranchKind::Continue) && self.at(Tok::Ident);
        if kind == BranchKind::Goto || may_have_label {
            let ident = self.ident("a label");
            label = Some(ident.name);
            end = ident.span().end;
        }
        self.expect_semi("statement");
        self.push_stmt(StmtKind::Branch { kind, label }, start, end)
    }

    /// Takes a header's statement for the expression that it has to be.
    fn header_expr(&mut self, simple: Simple, what: &str) -> ExprId {
        let (found, span) = match simple {
            Simple::Expr(x) => return x,
            Simple::Stmt(s) | Simple::Labeled(s) => {
                let stmt = self.b.file.stmts[s];
                let is_assignment = matches!(stmt.kind, StmtKind::Assign { .. });
                (if is_assignment { "an assignment" } else { "a statement" }, stmt.span)
            }
            Simple::Range(_) | Simple::BadRange => ("a range clause", Span::at(self.pos())),
        };
        self.error(
            span.start,
            format!(
                "expected {what}, found {found} (parentheses missing around a composite literal?)"
            ),
        );
        self.push_expr(ExprKind::Bad, span.start, span.end)
    }

    fn if_stmt(&mut self) -> StmtId {
        let start = self.pos();
        self.next();
        let (init, cond) = self.if_header();
        let then = self.block("if block");
        let mut end = self.b.file.stmts[then].span.end;
        let mut els = None;
        if self.eat(Tok::Else) {
            let stmt = match self.tok() {
                Tok::If => self.nesting_stmt(),
                Tok::LBrace => {
                    let block = self.block("else block");
                    self.expect_semi("if statement");
                    block
                }
                _ => {
                    self.expected("'if' or '{' after 'else'");
                    let at = self.pos();
                    self.push_stmt(StmtKind::Bad, at, at)
                }
            };
            end = self.b.file.stmts[stmt].span.end;
            els = Some(stmt);
        } else {
            self.expect_semi("if statement");
        }
        self.push_stmt(StmtKind::If { init, cond, then, els }, start, end)
    }

    fn if_header(&mut self) -> (Option<StmtId>, ExprId) {
        if self.at(Tok::LBrace) {
            let at = self.pos();
            self.error(at, "expected a condition after 'if', found '{'");
            return (None, self.bad_expr(at));
        }
        let outer = std::mem::replace(&mut self.expr_lev, -1);
        let mut init = None;
        let mut cond = None;
        if !self.at(Tok::Semicolon) {
            if self.at(Tok::Var) {
                self.next();
                self.error(
                    self.pos(),
                    "a var declaration cannot be the statement before a condition: use ':='",
                );
            }
            let simple = self.simple_stmt(Context::Header);
            if self.at(Tok::LBrace) {
                cond = Some(simple);
            } else {
                init = Some(self.simple_as_stmt(simple));
            }
        }
        if cond.is_none() {
            let (semi, newline) = (self.pos(), self.at_newline());
            let has_semi = self.at(Tok::Semicolon);
            self.expect(Tok::Semicolon, "or '{' after the statement before the condition");
            if !self.at(Tok::LBrace) {
                cond = Some(self.simple_stmt(Context::Header));
            } else if has_semi && newline {
                self.error(semi, "expected '{' after the condition, found newline");
            } else if has_semi {
                self.error(semi, "expected a condition after ';', found '{'");
            }
        }
        let cond = match cond {
            Some(simple) => self.header_expr(simple, "a condition"),
            None => self.bad_expr(self.pos()),
        };
        self.expr_lev = outer;
        (init, cond)
    }

    fn switch_stmt(&mut self) -> StmtId {
        let start = self.pos();
        self.next();
        let mut init = None;
        let mut guard = None;
        if !self.at(Tok::LBrace) {
            let outer = std::mem::replace(&mut self.expr_lev, -1);
            if !self.at(Tok::Semicolon) {
                guard = Some(self.simple_stmt(Context::Header));
            }
            if self.eat(Tok::Semicolon) {
                init = guard.take().map(|simple| self.simple_as_stmt(simple));
                if !self.at(Tok::LBrace) {
                    guard = Some(self.simple_stmt(Context::Header));
                }
            }
            self.expr_lev = outer;
        }
        let is_type_switch = guard.as_ref().is_some_and(|simple| self.is_type_switch_guard(simple));
        let body = self.clauses("switch", Self::case_clause);
        let end = self.b.file.stmts[body].span.end;
        let kind = match guard {
            Some(simple) if is_type_switch => {
                StmtKind::TypeSwitch { init, assign: self.simple_as_stmt(simple), body }
            }
            Some(simple) => StmtKind::Switch {
                init,
                tag: Some(self.header_expr(simple, "a switch expression")),
                body,
            },
            None => StmtKind::Switch { init, tag: None, body },
        };
        self.push_stmt(kind, start, end)
    }

    /// Whether a switch header is `x.(type)` or `v := x.(type)`; `v = x.(type)` is one with an error.
    fn is_type_switch_guard(&mut self, simple: &Simple) -> bool {
        let is_type_assert =
            |parser: &Self, x| matches!(parser.kind(x), ExprKind::TypeAssert { ty: None, .. });
        match *simple {
            Simple::Expr(x) => is_type_assert(self, x),
            Simple::Stmt(s) => {
                let stmt = self.b.file.stmts[s];
                let StmtKind::Assign { lhs, rhs, op } = stmt.kind else {
                    return false;
                };
                if lhs.len() != 1
                    || rhs.len() != 1
                    || !is_type_assert(self, self.b.file.expr_list(rhs)[0])
                {
                    return false;
                }
                if op == AssignOp::Assign {
                    self.error(stmt.span.start, "expected ':=' in a type switch, found '='");
                }
                !matches!(op, AssignOp::Op(_))
            }
            _ => false,
        }
    }

    /// The braces of a switch or select with its clauses.
    fn clauses(&mut self, what: &str, clause: fn(&mut Self) -> StmtId) -> StmtId {
        let start = self.pos();
        self.expect(Tok::LBrace, &format!("after the {what} header"));
        let mark = self.b.stmts.len();
        loop {
            match self.tok() {
                Tok::Case | Tok::Default => {
                    let stmt = clause(self);
                    self.b.stmts.push(stmt);
                }
                Tok::RBrace => break,
                found => {
                    self.expected(&format!("'case', 'default' or '}}' in the {what} statement"));
                    if found == Tok::Eof {
                        break;
                    }
                    // Statements outside a clause are read, and dropped.
                    let clauses = self.b.stmts.len();
                    self.stmt_list();
                    self.b.stmts.truncate(clauses);
                }
            }
        }
        let end = if self.at(Tok::RBrace) { self.lex.end } else { self.pos() };
        self.next();
        self.expect_semi(&format!("{what} statement"));
        let list = self.stmt_range(mark);
        self.push_stmt(StmtKind::Block(list), start, end)
    }

    fn case_clause(&mut self) -> StmtId {
        let start = self.pos();
        let is_default = self.at(Tok::Default);
        self.next();
        let list = if is_default { ExprRange::default() } else { self.expr_list() };
        let (body, end) = self.clause_body();
        self.push_stmt(StmtKind::Case { list, body, is_default }, start, end)
    }

    /// `:` and the statements after it, with the offset where they end.
    fn clause_body(&mut self) -> (StmtRange, u32) {
        let colon = self.expect_end(Tok::Colon, "after the case");
        let mark = self.b.stmts.len();
        self.stmt_list();
        let end = self.last_end(mark).unwrap_or(colon);
        (self.stmt_range(mark), end)
    }

    fn select_stmt(&mut self) -> StmtId {
        let start = self.pos();
        self.next();
        let body = self.clauses("select", Self::comm_clause);
        let end = self.b.file.stmts[body].span.end;
        self.push_stmt(StmtKind::Select { body }, start, end)
    }

    fn comm_clause(&mut self) -> StmtId {
        let start = self.pos();
        let is_default = self.at(Tok::Default);
        self.next();
        let comm = if is_default { None } else { Some(self.comm()) };
        let (body, end) = self.clause_body();
        self.push_stmt(StmtKind::Comm { comm, body }, start, end)
    }

    /// The send or receive of a select case.
    fn comm(&mut self) -> StmtId {
        let lhs = self.expr_list();
        let first = self.b.file.expr_list(lhs)[0];
        let start = self.span(first).start;
        match self.tok() {
            Tok::Arrow => {
                self.one_expr(lhs, start);
                self.next();
                let value = self.expr();
                let end = self.span(value).end;
                self.push_stmt(StmtKind::Send { chan: first, value }, start, end)
            }
            tok @ (Tok::Assign | Tok::Define) => {
                let mut lhs = lhs;
                if lhs.len() > 2 {
                    self.error(start, "expected one or two variables for the value received");
                    lhs.len = 2;
                }
                self.next();
                let value = self.expr();
                let end = self.span(value).end;
                let rhs = self.single(value);
                let op = if tok == Tok::Define { AssignOp::Define } else { AssignOp::Assign };
                self.push_stmt(StmtKind::Assign { lhs, rhs, op }, start, end)
            }
            _ => {
                self.one_expr(lhs, start);
                let end = self.span(first).end;
                self.push_stmt(StmtKind::Expr(first), start, end)
            }
        }
    }

    fn one_expr(&mut self, list: ExprRange, at: u32) {
        if list.len() > 1 {
            self.error(at, "expected one expression, found a list");
        }
    }

    fn for_stmt(&mut self) -> StmtId {
        let start = self.pos();
        self.next();
        let (mut init, mut cond, mut post) = (None, None, None);
        if !self.at(Tok::LBrace) {
            let outer = std::mem::replace(&mut self.expr_lev, -1);
            if self.at(Tok::Range) {
                self.next();
                let x = self.expr();
                cond =
                    Some(Simple::Range(RangeClause { key: None, value: None, define: false, x }));
            } else if !self.at(Tok::Semicolon) {
                cond = Some(self.simple_stmt(Context::For));
            }
            let is_range = matches!(cond, Some(Simple::Range(_) | Simple::BadRange));
            if !is_range && self.at(Tok::Semicolon) {
                self.next();
                init = cond.take().map(|simple| self.simple_as_stmt(simple));
                if !self.at(Tok::Semicolon) {
                    if self.at(Tok::LBrace) {
                        self.expected("a condition or ';' in the for header");
                    }
                    cond = Some(self.simple_stmt(Context::Header));
                }
                if self.at(Tok::LBrace) {
                    self.expected("';' after the loop condition");
                } else {
                    self.expect_semi("loop condition");
                }
                if !self.at(Tok::LBrace) {
                    let simple = self.simple_stmt(Context::Header);
                    post = Some(self.simple_as_stmt(simple));
                }
            }
            self.expr_lev = outer;
        }
        let body = self.block("for block");
        let end = self.b.file.stmts[body].span.end;
        self.expect_semi("for statement");
        let kind = match cond {
            Some(Simple::Range(clause)) => {
                let index = self.b.file.ranges.len() as u32;
                self.b.file.ranges.push(clause);
                StmtKind::Range { clause: index, body }
            }
            Some(Simple::BadRange) => StmtKind::Bad,
            cond => {
                let cond =
                    cond.map(|simple| self.header_expr(simple, "a condition or range clause"));
                StmtKind::For { init, cond, post, body }
            }
        };
        self.push_stmt(kind, start, end)
    }
}
