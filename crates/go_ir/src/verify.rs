//! What holds for every function, checked after lowering in debug builds: a pass that breaks it
//! is found where it does, and not in the analysis that trips over the result.

use base::Id;

use crate::cfg::Cfg;
use crate::ir::{BlockId, Func, Op, Terminator, ValueId};

/// What is wrong with a function; nothing, if all is well.
pub fn verify(func: &Func) -> Vec<String> {
    if func.blocks.is_empty() {
        return vec!["there is no entry block".to_owned()];
    }
    let mut v = Verifier { func, cfg: Cfg::new(func), place: Vec::new(), problems: Vec::new() };
    v.edges();
    v.places();
    for b in func.blocks.ids() {
        v.block(b);
    }
    v.leaves();
    v.problems
}

struct Verifier<'a> {
    func: &'a Func,
    cfg: Cfg,
    /// The place of each value in its block; `None` while it has not been found in any.
    place: Vec<Option<usize>>,
    problems: Vec<String>,
}

impl Verifier<'_> {
    fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// Each edge is known at both its ends, as often as it is there.
    fn edges(&mut self) {
        let count = |list: &[BlockId], b: BlockId| list.iter().filter(|&&x| x == b).count();
        for b in self.func.blocks.ids() {
            let mut targets = Vec::new();
            let mut term = self.func.blocks[b].term.clone();
            term.for_each_target_mut(|to| targets.push(*to));
            for &to in &targets {
                if to.index() >= self.func.blocks.len() {
                    self.problem(format!("{b:?} leads to {to:?}, which does not exist"));
                    continue;
                }
                let preds = &self.func.blocks[to].preds;
                if count(preds, b) != count(&targets, to) {
                    self.problem(format!("{to:?} does not know that {b:?} leads to it"));
                }
            }
            for &p in &self.func.blocks[b].preds {
                let known =
                    self.func.blocks.get(p).is_some_and(|_| self.func.succs(p).contains(&b));
                if !known {
                    self.problem(format!("{p:?} does not lead to {b:?}"));
                }
            }
        }
    }

    /// Each value stands in one block, and knows which.
    fn places(&mut self) {
        self.place = vec![None; self.func.values.len()];
        for (b, block) in self.func.blocks.iter_enumerated() {
            for (i, &v) in block.instrs.iter().enumerate() {
                if v.index() >= self.place.len() {
                    self.problem(format!("{v:?} does not exist"));
                } else if self.place[v.index()].replace(i).is_some() {
                    self.problem(format!("{v:?} stands in two places"));
                } else if self.func.values[v].block != b {
                    self.problem(format!("{v:?} stands in {b:?} and says otherwise"));
                }
            }
        }
        for v in self.func.values.ids() {
            if self.place[v.index()].is_none() {
                self.problem(format!("{v:?} stands in no block"));
            }
        }
    }

    fn block(&mut self, b: BlockId) {
        let block = &self.func.blocks[b];
        let mut phis_done = false;
        for (i, &v) in block.instrs.iter().enumerate() {
            let Some(instr) = self.func.values.get(v) else { continue };
            if let Op::Phi(operands) = &instr.op {
                if phis_done {
                    self.problem(format!("the phi {v:?} does not stand first in {b:?}"));
                }
                if operands.len() != block.preds.len() {
                    self.problem(format!("the phi {v:?} has not one operand a predecessor"));
                }
                for (&operand, &p) in operands.iter().zip(&block.preds) {
                    let end = self.func.blocks[p].instrs.len();
                    self.operand(v, operand, p, end);
                }
            } else {
                phis_done = true;
                instr.op.for_each_operand(|operand| self.operand(v, operand, b, i));
            }
            if yields(&instr.op) && instr.ty.is_none() {
                self.problem(format!("{v:?} has no type"));
            }
        }
        let end = block.instrs.len();
        block.term.for_each_operand(|operand| {
            if !self.reaches(operand, b, end) {
                self.problems.push(format!("{operand:?} does not reach the end of {b:?}"));
            }
        });
        if let Terminator::If { then, els, .. } = block.term
            && then == els
        {
            self.problem(format!("{b:?} chooses between {then:?} and itself"));
        }
    }

    fn operand(&mut self, user: ValueId, operand: ValueId, block: BlockId, place: usize) {
        if !self.reaches(operand, block, place) {
            self.problem(format!("{operand:?} does not reach its use in {user:?}"));
        } else if self.func.values[operand].ty.is_none() {
            self.problem(format!("{user:?} uses {operand:?}, which yields nothing"));
        }
    }

    /// Whether a value is known before the `place`th instruction of a block.
    fn reaches(&self, v: ValueId, block: BlockId, place: usize) -> bool {
        let Some(&Some(at)) = self.place.get(v.index()) else { return false };
        let home = self.func.values[v].block;
        if home == block {
            return at < place;
        }
        self.cfg.dominates(home, block) || !self.cfg.is_reachable(block)
    }

    /// Parameters and free variables are numbered as the function says.
    fn leaves(&mut self) {
        for (i, &p) in self.func.params.iter().enumerate() {
            let ok = self
                .func
                .values
                .get(p)
                .is_some_and(|instr| matches!(instr.op, Op::Param(n) if n as usize == i));
            if !ok {
                self.problem(format!("parameter {i} is not {p:?}"));
            }
        }
        for (v, instr) in self.func.values.iter_enumerated() {
            let free = self.func.free_vars.len();
            if matches!(instr.op, Op::FreeVar(n) if n as usize >= free) {
                self.problems.push(format!("{v:?} is a free variable that is not captured"));
            }
        }
    }
}

/// Whether an operation always yields a value.
fn yields(op: &Op) -> bool {
    !matches!(
        op,
        Op::Store { .. }
            | Op::MapUpdate { .. }
            | Op::MapDelete { .. }
            | Op::MapClear(_)
            | Op::Send { .. }
            | Op::Close(_)
            | Op::Lock { .. }
            | Op::Call(_)
            | Op::Go(_)
            | Op::Defer(_)
            | Op::RunDefers
            | Op::Recover
            | Op::BuiltinCall { .. }
            | Op::Unknown
    )
}
