//! Where control leaves a statement: `break`, `continue`, `goto`, `return`, and all of them out of
//! the body of a range-over-func loop, which is a function of its own.
//!
//! ```text
//! for x := range seq {      seq(func(x T) bool {
//!     if x == y {               if x == y { *result = x; *exit = 1; return false }
//!         return x      =>      return true
//!     }                     })
//! }                         if *exit == 1 { return *result }
//! ```

use base::Symbol;
use go_syntax::ast::{BinaryOp, BranchKind, ExprId, ExprRange};
use go_types::{ConstValue, ObjId};
use smallvec::SmallVec;
use source::FileSpan;

use super::Lowerer;
use super::func::FnState;
use crate::ir::{BlockId, FuncKind, Op, Terminator, ValueId};

/// A statement that `break` or `continue` may mean.
pub(super) struct Target {
    pub label: Option<Symbol>,
    pub brk: Exit,
    /// Loops only.
    pub cont: Option<Exit>,
}

/// How a target is left.
#[derive(Clone, Copy)]
pub(super) enum Exit {
    /// Go to that block.
    Block(BlockId),
    /// Return this from the body of a range-over-func loop: whether to go on.
    Yield(bool),
}

/// A way out of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Jump {
    Break(Option<Symbol>),
    Continue(Option<Symbol>),
    Goto(Symbol),
    Return,
}

impl Lowerer<'_> {
    pub(super) fn branch(&mut self, kind: BranchKind, label: Option<Symbol>, span: FileSpan) {
        match (kind, label) {
            (BranchKind::Break, label) => self.leave_by(Jump::Break(label), span),
            (BranchKind::Continue, label) => self.leave_by(Jump::Continue(label), span),
            (BranchKind::Goto, Some(label)) => self.leave_by(Jump::Goto(label), span),
            // A `fallthrough` is handled by its switch; elsewhere it is an error.
            (BranchKind::Fallthrough, _) | (BranchKind::Goto, None) => {}
        }
    }

    pub(super) fn leave_by(&mut self, jump: Jump, span: FileSpan) {
        let exit = match jump {
            Jump::Break(label) => self.f.target(label, |t| Some(t.brk)),
            Jump::Continue(label) => self.f.target(label, |t| t.cont),
            Jump::Goto(label) => self.goto_block(label).map(Exit::Block),
            Jump::Return if self.f.kind == FuncKind::RangeBody => None,
            Jump::Return => return self.return_named(span),
        };
        match exit {
            Some(Exit::Block(to)) => self.f.ssa.jump(to),
            Some(Exit::Yield(go_on)) => self.yield_result(go_on, span),
            None if self.f.kind == FuncKind::RangeBody => self.leave_range_body(jump, span),
            // An error in the source: there is nothing to leave.
            None => self.f.ssa.terminate(Terminator::Unreachable),
        }
    }

    /// Returns from the body of a range-over-func loop.
    pub(super) fn yield_result(&mut self, go_on: bool, span: FileSpan) {
        let value = self.emit(Op::Const(ConstValue::Bool(go_on)), self.bool_type(), span);
        self.f.ssa.terminate(Terminator::Return(SmallVec::from_slice(&[value])));
    }

    fn leave_range_body(&mut self, jump: Jump, span: FileSpan) {
        let known = self.f.exits.iter().position(|&e| e == jump);
        let number = known.unwrap_or_else(|| {
            self.f.exits.push(jump);
            self.f.exits.len() - 1
        });
        if let Some(flag) = self.f.exit_flag {
            let value = self.int_const(number as i64 + 1, span);
            self.write_var(flag, value, span);
        }
        self.yield_result(false, span);
    }

    /// After the call that ran a range-over-func loop: takes the way out that its body chose.
    pub(super) fn take_exits(&mut self, flag: ObjId, exits: &[Jump], span: FileSpan) {
        if exits.is_empty() {
            return;
        }
        let chosen = self.read_var(flag, span);
        for (i, &jump) in exits.iter().enumerate() {
            let number = self.int_const(i as i64 + 1, span);
            let compare = Op::Binary { op: BinaryOp::Eq, x: chosen, y: number };
            let cond = self.emit(compare, self.bool_type(), span);
            let (then, els) = (self.f.ssa.new_block(), self.f.ssa.new_block());
            self.f.ssa.branch(cond, then, els);
            self.f.ssa.switch_to_sealed(then);
            self.leave_by(jump, span);
            self.f.ssa.switch_to_sealed(els);
        }
    }

    /// The block of a label, if the label belongs to the current function.
    fn goto_block(&mut self, label: Symbol) -> Option<BlockId> {
        if !self.facts.goto_labels.contains(&(self.f.body?, label)) {
            return None;
        }
        Some(self.label_block(label))
    }

    pub(super) fn label_block(&mut self, label: Symbol) -> BlockId {
        if let Some(&b) = self.f.labels.get(&label) {
            return b;
        }
        let block = self.f.ssa.new_block();
        self.f.labels.insert(label, block);
        block
    }

    /// `return …`
    pub(super) fn return_stmt(&mut self, list: ExprRange, span: FileSpan) {
        let exprs = self.ast.expr_list(list);
        let results = self.function_results();
        let named = results.iter().any(|&r| self.store.obj(r).name != base::sym::EMPTY);
        if exprs.is_empty() {
            return self.leave_by(Jump::Return, span);
        }
        let values = self.expr_list_to(exprs, &results);
        if self.f.kind == FuncKind::RangeBody || named {
            let itself = |e: ExprId, result: ObjId| self.obj_of(e) == Some(result);
            let stays: Vec<bool> = if exprs.len() == results.len() {
                exprs.iter().zip(&results).map(|(&e, &r)| itself(e, r)).collect()
            } else {
                vec![false; results.len()]
            };
            // `return err` of the result `err` stores nothing (as gc has it).
            for ((&result, &value), stays) in results.iter().zip(&values).zip(stays) {
                if !stays {
                    self.write_var(result, value, span);
                }
            }
            return self.leave_by(Jump::Return, span);
        }
        self.run_defers(span);
        self.f.ssa.terminate(Terminator::Return(values.into_iter().collect()));
    }

    /// The results of the function around a range-over-func body, or of the current one.
    fn function_results(&self) -> Vec<ObjId> {
        let state = std::iter::once(&self.f)
            .chain(self.outer.iter().rev())
            .find(|f| f.kind != FuncKind::RangeBody);
        state.map(|f| f.results.clone()).unwrap_or_default()
    }

    /// Returns what the result variables hold.
    pub(super) fn return_named(&mut self, span: FileSpan) {
        self.run_defers(span);
        let values: SmallVec<[ValueId; 2]> =
            self.f.results.clone().into_iter().map(|r| self.read_var(r, span)).collect();
        self.f.ssa.terminate(Terminator::Return(values));
    }

    pub(super) fn run_defers(&mut self, span: FileSpan) {
        if self.f.has_defer {
            self.effect(Op::RunDefers, span);
        }
    }

    pub(super) fn int_const(&mut self, n: i64, span: FileSpan) -> ValueId {
        self.emit(Op::Const(ConstValue::Int(n)), self.int_type(), span)
    }
}

impl FnState {
    fn target(
        &self,
        label: Option<Symbol>,
        exit: impl Fn(&Target) -> Option<Exit>,
    ) -> Option<Exit> {
        self.targets.iter().rev().filter(|t| label.is_none() || t.label == label).find_map(exit)
    }
}
