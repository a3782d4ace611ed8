//! `switch`, type switches and `select`.

use base::Symbol;
use go_syntax::ast::{
    AssignOp, BinaryOp, BranchKind, ExprId, ExprKind, ExprRange, StmtId, StmtKind, StmtRange,
    UnaryOp,
};
use go_types::{Type, TypeId};
use smallvec::SmallVec;
use source::FileSpan;

use super::Lowerer;
use super::jump::{Exit, Target};
use crate::ir::{BlockId, Op, SelectCase, Terminator, ValueId};

/// A clause of a switch.
#[derive(Clone, Copy)]
struct Clause {
    stmt: StmtId,
    list: ExprRange,
    body: StmtRange,
    is_default: bool,
    block: BlockId,
}

/// A clause of a select, its operands evaluated.
struct Comm<'a> {
    body: StmtRange,
    block: BlockId,
    /// The `i`th received value goes to these places.
    received: Option<Received<'a>>,
}

struct Received<'a> {
    number: u32,
    elem: TypeId,
    left: &'a [ExprId],
    define: bool,
}

impl<'a> Lowerer<'a> {
    pub(super) fn switch_stmt(
        &mut self,
        init: Option<StmtId>,
        tag: Option<ExprId>,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        if let Some(init) = init {
            self.stmt(init);
        }
        let tag_value = tag.map(|e| (e, self.expr(e)));
        let clauses = self.clauses(body);
        let done = self.f.ssa.new_block();
        for clause in clauses.iter().filter(|c| !c.is_default) {
            for &e in self.ast.expr_list(clause.list) {
                let next = self.f.ssa.new_block();
                match tag_value {
                    Some(tag) => self.case_test(tag, e, clause.block, next),
                    None => self.cond(e, clause.block, next),
                }
                self.f.ssa.switch_to_sealed(next);
            }
        }
        let otherwise = clauses.iter().find(|c| c.is_default).map_or(done, |c| c.block);
        self.f.ssa.jump(otherwise);
        self.f.targets.push(Target { label, brk: Exit::Block(done), cont: None });
        for (i, clause) in clauses.iter().enumerate() {
            self.f.ssa.switch_to_sealed(clause.block);
            self.clause_body(clause.body);
            let to = match clauses.get(i + 1) {
                Some(next) if self.falls_through(clause.body) => next.block,
                _ => done,
            };
            self.f.ssa.jump_on(to);
        }
        self.f.targets.pop();
        self.f.ssa.switch_to_sealed(done);
    }

    fn clauses(&mut self, body: StmtId) -> Vec<Clause> {
        let StmtKind::Block(list) = self.ast.stmt(body).kind else { return Vec::new() };
        let mut clauses = Vec::new();
        for &stmt in self.ast.stmt_list(list) {
            if let StmtKind::Case { list, body, is_default } = self.ast.stmt(stmt).kind {
                let block = self.f.ssa.new_block();
                clauses.push(Clause { stmt, list, body, is_default, block });
            }
        }
        clauses
    }

    fn clause_body(&mut self, body: StmtRange) {
        for &s in self.ast.stmt_list(body) {
            self.stmt(s);
        }
    }

    fn falls_through(&self, body: StmtRange) -> bool {
        self.ast.stmt_list(body).last().is_some_and(|&s| {
            matches!(self.ast.stmt(s).kind, StmtKind::Branch { kind: BranchKind::Fallthrough, .. })
        })
    }

    /// Goes to `then` if the tag equals `e`, else to `els`.
    fn case_test(&mut self, tag: (ExprId, ValueId), e: ExprId, then: BlockId, els: BlockId) {
        if let (Some(a), Some(b)) = (self.const_value(tag.0), self.const_value(e)) {
            // `switch runtime.GOOS`: the other systems' code is not part of this program.
            let to = if a == b { then } else { els };
            return self.f.ssa.jump(to);
        }
        let span = self.span(e);
        let (mut x, tag_type) = (tag.1, self.value_type(tag.1));
        let case_type = self.type_of(e);
        if self.is_interface(case_type) && !self.is_interface(tag_type) {
            x = self.coerce(x, case_type, span);
        }
        let wanted =
            if self.is_interface(tag_type) || self.is_nil(e) { tag_type } else { case_type };
        let y = self.expr_to(e, wanted);
        let cond = self.emit(Op::Binary { op: BinaryOp::Eq, x, y }, self.bool_type(), span);
        self.f.ssa.branch(cond, then, els);
    }

    pub(super) fn type_switch(
        &mut self,
        init: Option<StmtId>,
        assign: StmtId,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        if let Some(init) = init {
            self.stmt(init);
        }
        let operand = match self.ast.stmt(assign).kind {
            StmtKind::Assign { rhs, .. } => self.ast.expr_list(rhs).first().copied(),
            StmtKind::Expr(e) => Some(e),
            _ => None,
        };
        let operand = operand.map(|e| self.ast.unparen(e));
        let operand = match operand.map(|e| self.ast.expr(e).kind) {
            Some(ExprKind::TypeAssert { x, .. }) => x,
            _ => return,
        };
        let x = self.expr(operand);
        let clauses = self.clauses(body);
        let done = self.f.ssa.new_block();
        // The value that the clause's variable has, when that is not `x`.
        let mut narrowed = vec![None; clauses.len()];
        for (i, clause) in clauses.iter().enumerate().filter(|c| !c.1.is_default) {
            let list = self.ast.expr_list(clause.list);
            for &e in list {
                let next = self.f.ssa.new_block();
                let tuple = self.type_test(x, e, clause.block, next);
                if list.len() == 1 {
                    narrowed[i] = tuple.map(|tuple| (tuple, self.type_of(e)));
                }
                self.f.ssa.switch_to_sealed(next);
            }
        }
        let otherwise = clauses.iter().find(|c| c.is_default).map_or(done, |c| c.block);
        self.f.ssa.jump(otherwise);
        self.f.targets.push(Target { label, brk: Exit::Block(done), cont: None });
        for (clause, narrowed) in clauses.iter().zip(narrowed) {
            self.f.ssa.switch_to_sealed(clause.block);
            if let Some(&obj) = self.file.case_objs.get(&clause.stmt) {
                let span = self.stmt_span(assign);
                let value = match narrowed {
                    Some((tuple, ty)) => self.extract(tuple, 0, ty, span),
                    None => x,
                };
                self.declare(obj, value, span);
            }
            self.clause_body(clause.body);
            self.f.ssa.jump_on(done);
        }
        self.f.targets.pop();
        self.f.ssa.switch_to_sealed(done);
    }

    /// Goes to `then` if `x` has the type `e` (or is nil, if `e` is); the tuple of the assertion.
    fn type_test(&mut self, x: ValueId, e: ExprId, then: BlockId, els: BlockId) -> Option<ValueId> {
        let span = self.span(e);
        let bool_type = self.bool_type();
        if self.is_nil(e) {
            let nil = self.emit(Op::Zero, self.value_type(x), span);
            let cond = self.emit(Op::Binary { op: BinaryOp::Eq, x, y: nil }, bool_type, span);
            self.f.ssa.branch(cond, then, els);
            return None;
        }
        let ty = self.type_of(e);
        let tuple_type = self.tuple_of(&[ty, bool_type]);
        let tuple = self.emit(Op::TypeAssert { x, comma_ok: true }, tuple_type, span);
        let ok = self.extract(tuple, 1, bool_type, span);
        self.f.ssa.branch(ok, then, els);
        Some(tuple)
    }

    pub(super) fn select_stmt(&mut self, body: StmtId, label: Option<Symbol>, span: FileSpan) {
        let StmtKind::Block(list) = self.ast.stmt(body).kind else { return };
        let mut cases = Vec::new();
        let mut comms: Vec<Comm<'a>> = Vec::new();
        let mut default = None;
        let mut elems = Vec::new();
        for &s in self.ast.stmt_list(list) {
            let StmtKind::Comm { comm, body } = self.ast.stmt(s).kind else { continue };
            let block = self.f.ssa.new_block();
            let Some(comm) = comm else {
                default = Some((body, block));
                continue;
            };
            let received = self.select_case(comm, &mut cases, &mut elems);
            comms.push(Comm { body, block, received });
        }
        let done = self.f.ssa.new_block();
        let blocking = default.is_none();
        let mut types = vec![self.int_type(), self.bool_type()];
        types.extend(elems);
        let tuple_type = self.tuple_of(&types);
        let select = self.emit(Op::Select { cases, blocking }, tuple_type, span);
        let chosen = self.extract(select, 0, self.int_type(), span);
        for (i, comm) in comms.iter().enumerate() {
            if blocking && i + 1 == comms.len() {
                self.f.ssa.jump(comm.block);
                break;
            }
            let number = self.int_const(i as i64, span);
            let compare = Op::Binary { op: BinaryOp::Eq, x: chosen, y: number };
            let cond = self.emit(compare, self.bool_type(), span);
            let next = self.f.ssa.new_block();
            self.f.ssa.branch(cond, comm.block, next);
            self.f.ssa.switch_to_sealed(next);
        }
        match default {
            Some((_, block)) => self.f.ssa.jump(block),
            None if comms.is_empty() => self.f.ssa.terminate(Terminator::Unreachable),
            None => {}
        }
        self.f.targets.push(Target { label, brk: Exit::Block(done), cont: None });
        for comm in comms {
            self.f.ssa.switch_to_sealed(comm.block);
            if let Some(received) = comm.received {
                self.receive_into(select, &received);
            }
            self.clause_body(comm.body);
            self.f.ssa.jump_on(done);
        }
        if let Some((body, block)) = default {
            self.f.ssa.switch_to_sealed(block);
            self.clause_body(body);
            self.f.ssa.jump_on(done);
        }
        self.f.targets.pop();
        self.f.ssa.switch_to_sealed(done);
    }

    /// Evaluates the channel of a case and the value that it sends.
    fn select_case(
        &mut self,
        comm: StmtId,
        cases: &mut Vec<SelectCase>,
        elems: &mut Vec<TypeId>,
    ) -> Option<Received<'a>> {
        let span = self.stmt_span(comm);
        let (left, right, define) = match self.ast.stmt(comm).kind {
            StmtKind::Send { chan, value } => {
                let elem = self.chan_elem(chan);
                let chan = self.expr(chan);
                let value = self.expr_to(value, elem);
                cases.push(SelectCase { chan, send: Some(value), span });
                return None;
            }
            StmtKind::Assign { lhs, rhs, op } => {
                let right = self.ast.expr_list(rhs).first().copied();
                (self.ast.expr_list(lhs), right, op == AssignOp::Define)
            }
            StmtKind::Expr(e) => (&[][..], Some(e), false),
            _ => (&[][..], None, false),
        };
        let right = right.map(|e| self.ast.unparen(e));
        let (chan, elem) = match right.map(|e| self.ast.expr(e).kind) {
            Some(ExprKind::Unary { op: UnaryOp::Recv, x }) => (self.expr(x), self.chan_elem(x)),
            _ => {
                let invalid = self.store.invalid();
                (self.unknown(invalid, span), invalid)
            }
        };
        cases.push(SelectCase { chan, send: None, span });
        elems.push(elem);
        Some(Received { number: elems.len() as u32 - 1, elem, left, define })
    }

    fn chan_elem(&self, chan: ExprId) -> TypeId {
        match *self.core_type(self.type_of(chan)) {
            Type::Chan { elem, .. } => elem,
            _ => self.store.invalid(),
        }
    }

    /// Puts what a chosen case received where it belongs.
    fn receive_into(&mut self, select: ValueId, received: &Received<'_>) {
        let parts = [(received.number + 2, received.elem), (1, self.bool_type())];
        let mut values: SmallVec<[ValueId; 2]> = SmallVec::new();
        for (&e, (index, ty)) in received.left.iter().zip(parts) {
            values.push(self.extract(select, index, ty, self.span(e)));
        }
        if received.define {
            return self.define(received.left, &values);
        }
        for (&e, value) in received.left.iter().zip(values) {
            let target = self.target(e);
            let span = self.span(e);
            let value = match self.target_type(&target) {
                Some(ty) => self.coerce(value, ty, span),
                None => value,
            };
            self.assign(&target, value, span);
        }
    }
}
