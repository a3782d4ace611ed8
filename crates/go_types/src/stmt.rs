//! Statements. Switches are in `switch.rs`, range loops in `range.rs`.

use base::Symbol;
use go_syntax::ast::{AssignOp, BinaryOp, BranchKind, ExprId, ExprKind, StmtId, StmtKind, UnaryOp};

use crate::assignments::Context;
use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::expr::ExprClass;
use crate::operand::Mode;
use crate::predicates::{all_boolean, all_numeric};
use crate::types::Basic;

/// Which statements are allowed at a place.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of permissions, asked one by one")]
pub(crate) struct Ctx {
    pub break_ok: bool,
    pub continue_ok: bool,
    pub fallthrough_ok: bool,
    /// In the last clause of a switch, which has nothing to fall into.
    pub final_case: bool,
    pub in_type_switch: bool,
}

impl Ctx {
    /// What holds in a block inside.
    fn inner(self) -> Self {
        Self { break_ok: self.break_ok, continue_ok: self.continue_ok, ..Self::default() }
    }
}

impl Checker<'_> {
    /// Checks the statements of a block.
    pub(crate) fn stmt_list(&mut self, ctx: Ctx, list: &[StmtId]) {
        // Empty statements at the end do not come between a fallthrough and the end.
        let is_empty = |&&s: &&StmtId| matches!(self.ast().stmt(s).kind, StmtKind::Empty);
        let len = list.len() - list.iter().rev().take_while(is_empty).count();
        for (i, &s) in list[..len].iter().enumerate() {
            let fallthrough_ok = ctx.fallthrough_ok && i + 1 == len;
            self.stmt(Ctx { fallthrough_ok, ..ctx }, s);
        }
    }

    /// Checks a statement. Function literals in it are checked before the scope changes.
    pub(crate) fn stmt(&mut self, ctx: Ctx, s: StmtId) {
        let top = self.delayed.len();
        stacker::maybe_grow(crate::RED_ZONE, crate::STACK_STEP, || self.stmt_kind(ctx, s));
        self.process_delayed(top);
    }

    fn stmt_kind(&mut self, ctx: Ctx, s: StmtId) {
        let ast = self.ast();
        let inner = ctx.inner();
        match ast.stmt(s).kind {
            StmtKind::Bad | StmtKind::Empty => {}
            StmtKind::Decl(decl) => self.decl_stmt(decl),
            StmtKind::Labeled { stmt, .. } => {
                self.env.has_label = true;
                self.stmt(ctx, stmt);
            }
            StmtKind::Expr(e) => self.expr_stmt(e),
            StmtKind::Send { chan, value } => self.send_stmt(chan, value),
            StmtKind::IncDec { x, inc } => self.inc_dec(x, inc),
            StmtKind::Assign { lhs, rhs, op } => {
                let (lhs, rhs) = (ast.expr_list(lhs), ast.expr_list(rhs));
                match op {
                    AssignOp::Define => {
                        let pos = self.operator_pos(s, lhs);
                        self.short_var_decl(pos, lhs, rhs);
                    }
                    AssignOp::Assign => self.assign_vars(lhs, rhs),
                    AssignOp::Op(op) => self.assign_op(s, lhs, rhs, op),
                }
            }
            StmtKind::Go(call) => self.suspended_call("go", call),
            StmtKind::Defer(call) => self.suspended_call("defer", call),
            StmtKind::Return(results) => self.return_stmt(s, ast.expr_list(results)),
            StmtKind::Branch { kind, label } => self.branch(ctx, s, kind, label),
            StmtKind::Block(list) => {
                self.open_scope();
                self.stmt_list(inner, ast.stmt_list(list));
                self.close_scope();
            }
            StmtKind::If { init, cond, then, els } => {
                self.open_scope();
                self.simple_stmt(init);
                self.condition(cond, "if");
                self.stmt(inner, then);
                if let Some(els) = els {
                    self.stmt(inner, els);
                }
                self.close_scope();
            }
            StmtKind::Switch { init, tag, body } => {
                let inner = Ctx { break_ok: true, ..inner };
                self.open_scope();
                self.simple_stmt(init);
                self.expr_switch(inner, tag, body);
                self.close_scope();
            }
            StmtKind::TypeSwitch { init, assign, body } => {
                let inner = Ctx { break_ok: true, in_type_switch: true, ..inner };
                self.open_scope();
                self.simple_stmt(init);
                self.type_switch(inner, s, assign, body);
                self.close_scope();
            }
            StmtKind::Case { .. } | StmtKind::Comm { .. } => {
                self.error_at_stmt(s, "case clause outside a switch or select");
            }
            StmtKind::Select { body } => self.select(Ctx { break_ok: true, ..inner }, body),
            StmtKind::For { init, cond, post, body } => {
                let inner = Ctx { break_ok: true, continue_ok: true, ..inner };
                self.open_scope();
                self.simple_stmt(init);
                if let Some(cond) = cond {
                    self.condition(cond, "for");
                }
                self.simple_stmt(post);
                if let Some(post) = post
                    && let StmtKind::Assign { lhs, op: AssignOp::Define, .. } = ast.stmt(post).kind
                {
                    let pos = ast.stmt(post).span.start;
                    self.soft_error(pos, "cannot declare in post statement");
                    self.use_exprs(ast.expr_list(lhs));
                }
                self.stmt(inner, body);
                self.close_scope();
            }
            StmtKind::Range { clause, body } => {
                let inner = Ctx { break_ok: true, continue_ok: true, ..inner };
                self.range_stmt(inner, s, ast.ranges[clause as usize], body);
            }
        }
    }

    fn simple_stmt(&mut self, s: Option<StmtId>) {
        if let Some(s) = s {
            self.stmt(Ctx::default(), s);
        }
    }

    fn condition(&mut self, cond: ExprId, what: &str) {
        let mut x = self.no_operand();
        self.expr(None, &mut x, cond);
        if x.is_valid() && !all_boolean(self.store, x.typ) {
            self.error_at(cond, format!("non-boolean condition in {what} statement"));
        }
    }

    /// About where the operator of an assignment stands: after its left side.
    pub(crate) fn operator_pos(&self, s: StmtId, lhs: &[ExprId]) -> u32 {
        lhs.last().map_or(self.ast().stmt(s).span.start, |&e| self.expr_at(e).span.end)
    }

    fn expr_stmt(&mut self, e: ExprId) {
        let mut x = self.no_operand();
        let class = self.raw_expr(None, &mut x, e, None, false);
        let problem = match x.mode {
            Mode::Builtin(_) => "must be called",
            Mode::TypeExpr => "is not an expression",
            _ if class == ExprClass::Statement => return,
            _ => "is not used",
        };
        let what = self.operand_string(&x);
        self.error_at_operand(&x, format!("{what} {problem}"));
    }

    fn send_stmt(&mut self, chan: ExprId, value: ExprId) {
        let mut ch = self.no_operand();
        let mut val = self.no_operand();
        self.expr(None, &mut ch, chan);
        self.generic_expr(&mut val, value, None);
        if !ch.is_valid() || !val.is_valid() {
            return;
        }
        let pos = self.expr_at(chan).span.end;
        if let Some(elem) = self.chan_elem(pos, &ch, false) {
            self.assignment(&mut val, Some(elem), Context::Text("send"));
        }
    }

    fn inc_dec(&mut self, e: ExprId, inc: bool) {
        let mut x = self.no_operand();
        self.expr(None, &mut x, e);
        if !x.is_valid() {
            return;
        }
        if !all_numeric(self.store, x.typ) {
            let (text, t) = (self.expr_str(e), self.type_str(x.typ));
            let token = if inc { "++" } else { "--" };
            self.error_at(e, format!("invalid operation: {text}{token} (non-numeric type {t})"));
            return;
        }
        let lhs = x.clone();
        let mut one = self.constant_operand(Basic::UntypedInt, ConstValue::Int(1));
        let op = if inc { BinaryOp::Add } else { BinaryOp::Sub };
        let pos = self.expr_at(e).span.end;
        self.binary(&mut x, &mut one, None, op, pos);
        if x.is_valid()
            && let Ok(t) = self.assignable_operand(&lhs)
        {
            self.assignment(&mut x, Some(t), Context::Text("assignment"));
        }
    }

    /// `x op= y`
    fn assign_op(&mut self, s: StmtId, lhs: &[ExprId], rhs: &[ExprId], op: BinaryOp) {
        let pos = self.operator_pos(s, lhs);
        let (&[l], &[r]) = (lhs, rhs) else {
            let token = crate::describe::binary_token(op);
            self.error(
                pos,
                format!("assignment operation {token}= requires single-valued expressions"),
            );
            return;
        };
        let mut x = self.no_operand();
        let mut y = self.no_operand();
        self.expr(None, &mut x, l);
        self.expr(None, &mut y, r);
        let lhs = x.clone();
        self.binary(&mut x, &mut y, None, op, pos);
        if x.is_valid()
            && let Ok(t) = self.assignable_operand(&lhs)
        {
            self.assignment(&mut x, Some(t), Context::Text("assignment"));
        }
    }

    fn suspended_call(&mut self, keyword: &str, call: ExprId) {
        let mut x = self.no_operand();
        let what = match self.raw_expr(None, &mut x, call, None, false) {
            ExprClass::Statement => return,
            ExprClass::Conversion => "requires function call, not conversion",
            ExprClass::Expression => "discards result of",
        };
        let text = self.operand_string(&x);
        self.error_at_operand(&x, format!("{keyword} {what} {text}"));
    }

    fn return_stmt(&mut self, s: StmtId, results: &[ExprId]) {
        let pos = self.ast().stmt(s).span.start;
        let Some(sig) = self.env.sig.and_then(|sig| self.signature_of(sig)) else {
            self.use_exprs(results);
            return;
        };
        let named =
            sig.results.first().is_some_and(|&r| !self.store.obj(r).name.as_str().is_empty());
        if results.is_empty() && named {
            // A bare return must see its results.
            for &r in &sig.results {
                let name = self.store.obj(r).name;
                if !name.is_blank()
                    && let Some(other) = self.lookup(name)
                    && other != r
                {
                    self.error(pos, format!("result parameter {name} not in scope at return"));
                    self.error_at_obj(other, format!("\tinner declaration of {name}"));
                }
            }
        } else if sig.results.is_empty() && results.is_empty() {
            // Nothing is returned.
        } else if sig.results.is_empty() {
            self.use_exprs(results);
            self.error_at(results[0], "too many return values");
        } else {
            let lhs = sig.results.clone();
            self.init_vars(&lhs, results, Some(pos));
        }
    }

    fn branch(&mut self, ctx: Ctx, s: StmtId, kind: BranchKind, label: Option<Symbol>) {
        if label.is_some() {
            // Checked with all labels of the function, in `labels`.
            self.env.has_label = true;
            return;
        }
        let message = match kind {
            BranchKind::Break if !ctx.break_ok => "break not in for, switch, or select statement",
            BranchKind::Continue if !ctx.continue_ok => "continue not in for statement",
            BranchKind::Fallthrough if !ctx.fallthrough_ok => {
                if ctx.final_case {
                    "cannot fallthrough final case in switch"
                } else if ctx.in_type_switch {
                    "cannot fallthrough in type switch"
                } else {
                    "fallthrough statement out of place"
                }
            }
            _ => return,
        };
        self.error_at_stmt(s, message);
    }

    fn select(&mut self, inner: Ctx, body: StmtId) {
        let ast = self.ast();
        let StmtKind::Block(clauses) = ast.stmt(body).kind else { return };
        let clauses = ast.stmt_list(clauses);
        self.multiple_defaults(clauses);
        for &clause in clauses {
            let StmtKind::Comm { comm, body } = ast.stmt(clause).kind else { continue };
            if let Some(comm) = comm
                && !self.is_communication(comm)
            {
                self.error_at_stmt(
                    comm,
                    "select case must be send or receive (possibly with assignment)",
                );
                continue;
            }
            self.open_scope();
            if let Some(comm) = comm {
                self.stmt(inner, comm);
            }
            self.stmt_list(inner, ast.stmt_list(body));
            self.close_scope();
        }
    }

    fn is_communication(&self, s: StmtId) -> bool {
        let ast = self.ast();
        let e = match ast.stmt(s).kind {
            StmtKind::Send { .. } => return true,
            StmtKind::Expr(e) => e,
            StmtKind::Assign { rhs, .. } => match ast.expr_list(rhs) {
                &[e] => e,
                _ => return false,
            },
            _ => return false,
        };
        matches!(ast.expr(ast.unparen(e)).kind, ExprKind::Unary { op: UnaryOp::Recv, .. })
    }

    /// Reports clauses that say `default` again.
    pub(crate) fn multiple_defaults(&mut self, clauses: &[StmtId]) {
        let ast = self.ast();
        let mut seen = false;
        for &clause in clauses {
            let is_default = match ast.stmt(clause).kind {
                StmtKind::Case { is_default, .. } => is_default,
                StmtKind::Comm { comm, .. } => comm.is_none(),
                _ => {
                    self.error_at_stmt(clause, "case/communication clause expected");
                    false
                }
            };
            if is_default && seen {
                self.error_at_stmt(clause, "multiple defaults");
            }
            seen |= is_default;
        }
    }

    pub(crate) fn error_at_stmt(&mut self, s: StmtId, message: &str) {
        let pos = self.ast().stmt(s).span.start;
        self.error(pos, message);
    }
}
