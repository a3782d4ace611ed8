//! `for` loops with a condition, and what all loops share.
//!
//! From Go 1.22 a variable of such a loop is a new one each round. When it lives in memory:
//! ```text
//! for i := 0; i < n; i++ { go f(&i) }
//!
//!   i0 = 0
//! head:
//!   i1 = phi(i0, i3)
//!   v = alloc; *v = i1        (the variable of this round)
//!   … *v < n …  body …
//!   i2 = *v                   (its last value goes on to the next round)
//!   i3 = i2 + 1
//! ```

use base::Symbol;
use go_syntax::ast::{AssignOp, ExprId, ExprKind, StmtId, StmtKind};
use go_types::ObjId;
use source::FileSpan;

use super::Lowerer;
use super::func::Slot;
use super::jump::{Exit, Target};
use crate::ir::{BlockId, Op};
use crate::ssa::VarId;

/// A variable of a loop that is new each round.
struct Carried {
    obj: ObjId,
    /// Its value between two rounds.
    value: VarId,
    span: FileSpan,
}

impl Lowerer<'_> {
    pub(super) fn for_stmt(
        &mut self,
        init: Option<StmtId>,
        cond: Option<ExprId>,
        post: Option<StmtId>,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        let carried = self.loop_init(init);
        let [head, inside, cont, done] = [(); 4].map(|()| self.f.ssa.new_block());
        self.f.ssa.jump(head);
        self.f.ssa.switch_to(head);
        for c in &carried {
            let value = self.f.ssa.read(c.value);
            let addr = self.declare_in_memory(c.obj, c.span);
            self.effect(Op::Store { addr, value }, c.span);
        }
        match cond {
            Some(cond) => self.cond(cond, inside, done),
            None => self.f.ssa.jump(inside),
        }
        self.loop_body(inside, cont, done, body, label);
        self.f.ssa.switch_to_sealed(cont);
        for c in &carried {
            let value = self.read_var(c.obj, c.span);
            self.f.ssa.write(c.value, value);
        }
        self.loop_post(post, &carried);
        self.f.ssa.jump_on(head);
        self.f.ssa.seal(head);
        self.f.ssa.switch_to_sealed(done);
    }

    /// Whether loops of this file declare their variables anew each round.
    pub(super) fn is_per_round(&self) -> bool {
        let version = self.file.go_version;
        version == 0 || version >= 22
    }

    /// Lowers the body of a loop from the block `inside` on, and goes on to `cont`.
    pub(super) fn loop_body(
        &mut self,
        inside: BlockId,
        cont: BlockId,
        done: BlockId,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        self.f.ssa.switch_to_sealed(inside);
        self.loop_rounds(cont, done, body, label);
    }

    /// As [`Self::loop_body`], from the current block on.
    pub(super) fn loop_rounds(
        &mut self,
        cont: BlockId,
        done: BlockId,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        let target = Target { label, brk: Exit::Block(done), cont: Some(Exit::Block(cont)) };
        self.f.targets.push(target);
        self.stmt(body);
        self.f.targets.pop();
        self.f.ssa.jump_on(cont);
    }

    /// Lowers what stands before the first `;`.
    fn loop_init(&mut self, init: Option<StmtId>) -> Vec<Carried> {
        let Some(init) = init else { return Vec::new() };
        let mut carried: Vec<(ObjId, FileSpan)> = Vec::new();
        if let StmtKind::Assign { lhs, op: AssignOp::Define, .. } = self.ast.stmt(init).kind
            && self.is_per_round()
        {
            for &e in self.ast.expr_list(lhs) {
                if let Some(obj) = self.defined_by(e)
                    && self.facts.in_memory.remove(&obj)
                {
                    carried.push((obj, self.span(e)));
                }
            }
        }
        self.stmt(init);
        self.facts.in_memory.extend(carried.iter().map(|c| c.0));
        let value = |&(obj, span): &(ObjId, FileSpan)| match self.f.slots.get(&obj) {
            Some(&Slot::Var(value)) => Some(Carried { obj, value, span }),
            _ => None,
        };
        carried.iter().filter_map(value).collect()
    }

    /// Lowers what stands after the second `;`, which works on the variables of the next round.
    fn loop_post(&mut self, post: Option<StmtId>, carried: &[Carried]) {
        let Some(post) = post else { return };
        if self.is_simple(post) {
            for c in carried {
                self.f.slots.insert(c.obj, Slot::Var(c.value));
            }
            return self.stmt(post);
        }
        for c in carried {
            let value = self.f.ssa.read(c.value);
            let addr = self.declare_in_memory(c.obj, c.span);
            self.effect(Op::Store { addr, value }, c.span);
        }
        self.stmt(post);
        for c in carried {
            let value = self.read_var(c.obj, c.span);
            self.f.ssa.write(c.value, value);
        }
    }

    /// Whether a statement is `i++` or `i op= j`, which takes no address.
    fn is_simple(&self, s: StmtId) -> bool {
        let is_name = |e: &ExprId| {
            self.const_value(*e).is_some()
                || matches!(self.ast.expr(*e).kind, ExprKind::Ident(_) | ExprKind::BasicLit(_))
        };
        match self.ast.stmt(s).kind {
            StmtKind::IncDec { x, .. } => is_name(&x),
            StmtKind::Assign { lhs, rhs, .. } => {
                self.ast.expr_list(lhs).iter().all(is_name)
                    && self.ast.expr_list(rhs).iter().all(is_name)
            }
            _ => false,
        }
    }
}
