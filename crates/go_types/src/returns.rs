//! Whether a function can run off its end (Go spec, "Terminating statements").

use base::Symbol;
use go_syntax::ast::{BranchKind, ExprKind, StmtId, StmtKind, StmtRange};

use crate::checker::Checker;

impl Checker<'_> {
    /// Whether nothing runs after a statement that has this label.
    pub(crate) fn is_terminating(&self, s: StmtId, label: Option<Symbol>) -> bool {
        let ast = self.ast();
        match ast.stmt(s).kind {
            StmtKind::Labeled { label, stmt } => self.is_terminating(stmt, Some(label.name)),
            StmtKind::Expr(e) => {
                let call = ast.unparen(e);
                matches!(ast.expr(call).kind, ExprKind::Call { .. })
                    && self.panics.contains(&self.expr_ref(call))
            }
            StmtKind::Return(_) => true,
            StmtKind::Branch { kind, .. } => {
                matches!(kind, BranchKind::Goto | BranchKind::Fallthrough)
            }
            StmtKind::Block(list) => self.is_terminating_list(list),
            StmtKind::If { then, els, .. } => els.is_some_and(|els| {
                self.is_terminating(then, None) && self.is_terminating(els, None)
            }),
            StmtKind::Switch { body, .. } | StmtKind::TypeSwitch { body, .. } => {
                self.is_terminating_switch(body, label)
            }
            StmtKind::Select { body } => {
                self.clauses(body).iter().all(|&clause| match ast.stmt(clause).kind {
                    StmtKind::Comm { body, .. } => {
                        self.is_terminating_list(body) && !self.has_break_list(body, label, true)
                    }
                    _ => true,
                })
            }
            StmtKind::For { cond, body, .. } => {
                cond.is_none() && !self.has_break(body, label, true)
            }
            _ => false,
        }
    }

    fn clauses(&self, body: StmtId) -> &'_ [StmtId] {
        match self.ast().stmt(body).kind {
            StmtKind::Block(list) => self.ast().stmt_list(list),
            _ => &[],
        }
    }

    fn is_terminating_list(&self, list: StmtRange) -> bool {
        let ast = self.ast();
        let last = ast
            .stmt_list(list)
            .iter()
            .rev()
            .find(|&&s| !matches!(ast.stmt(s).kind, StmtKind::Empty));
        last.is_some_and(|&s| self.is_terminating(s, None))
    }

    fn is_terminating_switch(&self, body: StmtId, label: Option<Symbol>) -> bool {
        let mut has_default = false;
        for &clause in self.clauses(body) {
            let StmtKind::Case { body, is_default, .. } = self.ast().stmt(clause).kind else {
                continue;
            };
            has_default |= is_default;
            if !self.is_terminating_list(body) || self.has_break_list(body, label, true) {
                return false;
            }
        }
        has_default
    }

    /// Whether `s` has a break out of the statement with that label; without a label too, as long
    /// as `implicit`.
    fn has_break(&self, s: StmtId, label: Option<Symbol>, implicit: bool) -> bool {
        match self.ast().stmt(s).kind {
            StmtKind::Labeled { stmt, .. } => self.has_break(stmt, label, implicit),
            StmtKind::Branch { kind: BranchKind::Break, label: target } => match target {
                None => implicit,
                Some(_) => target == label,
            },
            StmtKind::Block(list)
            | StmtKind::Case { body: list, .. }
            | StmtKind::Comm { body: list, .. } => self.has_break_list(list, label, implicit),
            StmtKind::If { then, els, .. } => {
                self.has_break(then, label, implicit)
                    || els.is_some_and(|els| self.has_break(els, label, implicit))
            }
            StmtKind::Switch { body, .. }
            | StmtKind::TypeSwitch { body, .. }
            | StmtKind::Select { body }
            | StmtKind::For { body, .. }
            | StmtKind::Range { body, .. } => label.is_some() && self.has_break(body, label, false),
            _ => false,
        }
    }

    fn has_break_list(&self, list: StmtRange, label: Option<Symbol>, implicit: bool) -> bool {
        self.ast().stmt_list(list).iter().any(|&s| self.has_break(s, label, implicit))
    }
}
