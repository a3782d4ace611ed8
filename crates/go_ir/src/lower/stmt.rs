//! Statements without control flow of their own, blocks, `if`.

use go_syntax::ast::{
    AssignOp, BinaryOp, DeclId, DeclKind, ExprId, ExprKind, ExprRange, IdentRange, SpecKind,
    StmtId, StmtKind,
};
use go_types::{ConstValue, ObjId, Type, TypeId};
use source::FileSpan;

use super::Lowerer;
use super::place::Target;
use crate::ir::{Op, ValueId};

impl Lowerer<'_> {
    pub(super) fn stmt(&mut self, s: StmtId) {
        // What is nested too deep is left out, as if it did nothing.
        self.deeper(|l| l.stmt_inner(s));
    }

    fn stmt_inner(&mut self, s: StmtId) {
        let span = self.stmt_span(s);
        let label = self.f.label.take();
        match self.ast.stmt(s).kind {
            StmtKind::Bad | StmtKind::Empty => {}
            // Clauses belong to their switch or select.
            StmtKind::Case { .. } | StmtKind::Comm { .. } => {}
            StmtKind::Expr(e) => self.run(e),
            StmtKind::Send { chan, value } => {
                let elem = match *self.core_type(self.type_of(chan)) {
                    Type::Chan { elem, .. } => elem,
                    _ => self.type_of(value),
                };
                let chan = self.expr(chan);
                let value = self.expr_to(value, elem);
                self.effect(Op::Send { chan, value }, span);
            }
            StmtKind::IncDec { x, inc } => {
                let op = if inc { BinaryOp::Add } else { BinaryOp::Sub };
                self.op_assign(x, op, None, span);
            }
            StmtKind::Assign { lhs, rhs, op } => self.assign_stmt(lhs, rhs, op, span),
            StmtKind::Go(e) => self.go_or_defer(e, false, span),
            StmtKind::Defer(e) => self.go_or_defer(e, true, span),
            StmtKind::Return(list) => self.return_stmt(list, span),
            StmtKind::Branch { kind, label } => self.branch(kind, label, span),
            StmtKind::Block(list) => {
                for &s in self.ast.stmt_list(list) {
                    self.stmt(s);
                }
            }
            StmtKind::If { .. } => self.if_stmt(s),
            StmtKind::Switch { init, tag, body } => self.switch_stmt(init, tag, body, label),
            StmtKind::TypeSwitch { init, assign, body } => {
                self.type_switch(init, assign, body, label);
            }
            StmtKind::Select { body } => self.select_stmt(body, label, span),
            StmtKind::For { init, cond, post, body } => {
                self.for_stmt(init, cond, post, body, label);
            }
            StmtKind::Range { clause, body } => {
                let clause = self.ast.ranges[clause as usize];
                self.range_stmt(clause, body, label);
            }
            StmtKind::Labeled { label, stmt } => {
                let is_target =
                    self.f.body.is_some_and(|b| self.facts.goto_labels.contains(&(b, label.name)));
                if is_target {
                    let block = self.label_block(label.name);
                    self.f.ssa.jump(block);
                    self.f.ssa.switch_to(block);
                }
                self.f.label = Some(label.name);
                self.stmt(stmt);
                self.f.label = None;
            }
            StmtKind::Decl(decl) => self.local_decl(decl),
        }
    }

    fn local_decl(&mut self, decl: DeclId) {
        let DeclKind::Var(specs) = self.ast.all_decls[decl].kind else { return };
        for spec in self.ast.spec_ids(specs) {
            if let SpecKind::Value { names, values, .. } = self.ast.specs[spec].kind {
                self.var_spec(names, values);
            }
        }
    }

    fn var_spec(&mut self, names: IdentRange, values: ExprRange) {
        let exprs = self.ast.expr_list(values);
        let mut vars = Vec::new();
        for ident in self.ast.ident_list(names) {
            let obj = self.file.defs.get(&ident.pos).copied();
            vars.push((obj, self.file_span(ident.span())));
        }
        if exprs.is_empty() {
            for (obj, span) in vars {
                if let Some(obj) = obj.filter(|&o| !self.store.obj(o).name.is_blank()) {
                    self.declare_zero(obj, span);
                }
            }
            return;
        }
        if let ([(Some(obj), span)], [value]) = (&vars[..], exprs) {
            return self.declare_init(*obj, *value, *span);
        }
        let types: Vec<Option<TypeId>> =
            vars.iter().map(|v| v.0.map(|o| self.obj_type(o))).collect();
        let values = self.values_for(exprs, &types);
        for ((obj, span), value) in vars.into_iter().zip(values) {
            if let Some(obj) = obj.filter(|&o| !self.store.obj(o).name.is_blank()) {
                self.declare(obj, value, span);
            }
        }
    }

    /// Declares one variable with its initialiser.
    fn declare_init(&mut self, obj: ObjId, value: ExprId, span: FileSpan) {
        let ty = self.obj_type(obj);
        let is_lit =
            matches!(self.ast.expr(self.ast.unparen(value)).kind, ExprKind::CompositeLit { .. });
        let blank = self.store.obj(obj).name.is_blank();
        if is_lit && !blank && self.facts.in_memory.contains(&obj) {
            let addr = self.declare_in_memory(obj, span);
            return self.init_memory(addr, ty, value, span);
        }
        let value = self.expr_to(value, ty);
        if !blank {
            self.declare(obj, value, span);
        }
    }

    fn assign_stmt(&mut self, lhs: ExprRange, rhs: ExprRange, op: AssignOp, span: FileSpan) {
        let (left, right) = (self.ast.expr_list(lhs), self.ast.expr_list(rhs));
        match op {
            AssignOp::Op(op) => {
                if let (&[x], &[y]) = (left, right) {
                    self.op_assign(x, op, Some(y), span);
                }
            }
            AssignOp::Define => {
                if let (&[x], &[value]) = (left, right)
                    && let Some(obj) = self.defined_by(x)
                {
                    return self.declare_init(obj, value, self.span(x));
                }
                let types: Vec<Option<TypeId>> =
                    left.iter().map(|&e| self.obj_of(e).map(|o| self.obj_type(o))).collect();
                let values = self.values_for(right, &types);
                self.define(left, &values);
            }
            AssignOp::Assign => {
                let targets: Vec<Target> = left.iter().map(|&e| self.target(e)).collect();
                let types: Vec<Option<TypeId>> =
                    targets.iter().map(|t| self.target_type(t)).collect();
                let values = self.values_for(right, &types);
                for ((target, value), &e) in targets.iter().zip(values).zip(left) {
                    self.assign(target, value, self.span(e));
                }
            }
        }
    }

    /// The right sides of an assignment, converted to the types of the left ones.
    fn values_for(&mut self, exprs: &[ExprId], types: &[Option<TypeId>]) -> Vec<ValueId> {
        if exprs.len() == types.len() {
            let pairs = exprs.iter().zip(types);
            return pairs
                .map(|(&e, &ty)| match ty {
                    Some(ty) => self.expr_to(e, ty),
                    None => self.expr(e),
                })
                .collect();
        }
        let span = exprs.first().map_or(self.f.span, |&e| self.span(e));
        let values = self.expr_list(exprs, types.len());
        let pairs = values.into_iter().zip(types);
        pairs
            .map(|(value, ty)| match *ty {
                Some(ty) => self.coerce(value, ty, span),
                None => value,
            })
            .collect()
    }

    /// Declares the new ones of the variables of a `:=`, and assigns to the others.
    pub(super) fn define(&mut self, left: &[ExprId], values: &[ValueId]) {
        for (&e, &value) in left.iter().zip(values) {
            let span = self.span(e);
            if let Some(obj) = self.defined_by(e) {
                self.declare(obj, value, span);
            } else if let Some(obj) = self.obj_of(e) {
                self.write_var(obj, value, span);
            }
        }
    }

    /// The variable that an identifier on the left of `:=` declares, if it is a new one with a
    /// name.
    pub(super) fn defined_by(&self, e: ExprId) -> Option<ObjId> {
        let obj = self.obj_of(e)?;
        let object = self.store.obj(obj);
        let here = self.span(e);
        let is_new = object.file == Some(here.file) && object.pos == here.span.start;
        (is_new && !object.name.is_blank()).then_some(obj)
    }

    /// `x op= y`; `y` is 1 when there is none.
    fn op_assign(&mut self, x: ExprId, op: BinaryOp, y: Option<ExprId>, span: FileSpan) {
        let (ty, at) = (self.type_of(x), self.span(x));
        let target = self.target(x);
        let old = self.read_target(&target, ty, at);
        let y = match y {
            Some(y) => self.expr(y),
            None => self.emit(Op::Const(ConstValue::Int(1)), ty, span),
        };
        let new = self.emit(Op::Binary { op, x: old, y }, ty, span);
        self.assign(&target, new, at);
    }

    fn if_stmt(&mut self, s: StmtId) {
        let done = self.f.ssa.new_block();
        let mut next = Some(s);
        // `else if` may go on for thousands of lines in generated code.
        while let Some(s) = next.take() {
            let StmtKind::If { init, cond, then, els } = self.ast.stmt(s).kind else {
                self.stmt(s);
                break;
            };
            if let Some(init) = init {
                self.stmt(init);
            }
            let (then_block, else_block) = (self.f.ssa.new_block(), self.f.ssa.new_block());
            self.cond(cond, then_block, else_block);
            self.f.ssa.switch_to_sealed(then_block);
            self.stmt(then);
            self.f.ssa.jump_on(done);
            self.f.ssa.switch_to_sealed(else_block);
            next = els;
        }
        self.f.ssa.jump_on(done);
        self.f.ssa.switch_to_sealed(done);
    }
}
