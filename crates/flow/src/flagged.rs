//! What a flag of the function lets run once only. Apart from [`crate::timing`] because this is about one
//! variable's values, and about no goroutine.

use base::FxHashSet;
use go_ir::{BlockId, Op, Terminator, ValueId};
use go_syntax::ast::UnaryOp;
use go_types::ConstValue;

use crate::function::FuncAnalysis;

impl FuncAnalysis<'_, '_> {
    /// Whether an instruction in a loop runs at most once, because it stands behind a flag that is set from
    /// then on:
    ///
    /// ```go
    /// for ev := range events {
    ///     if !started {
    ///         started = true
    ///         go watch(ev)
    ///     }
    /// }
    /// ```
    pub fn is_flagged_once(&self, v: ValueId) -> bool {
        let func = self.func;
        func.blocks.iter().any(|block| {
            let Terminator::If { cond, then, els } = block.term else { return false };
            let (flag, unset) = match func.instr(cond).op {
                Op::Unary { op: UnaryOp::Not, x } => (x, then),
                _ => (cond, els),
            };
            func.blocks[unset].preds.len() == 1
                && self.order.block_dominates(unset, v)
                && self.stays_set(flag, unset, v)
        })
    }

    /// Whether a flag is true wherever it is looked at once `v`, in the region behind `unset`, has run.
    fn stays_set(&self, flag: ValueId, unset: BlockId, v: ValueId) -> bool {
        let func = self.func;
        if !matches!(func.instr(flag).op, Op::Phi(_)) {
            return false;
        }
        let mut seen = FxHashSet::default();
        let mut todo = vec![flag];
        while let Some(phi) = todo.pop() {
            if !seen.insert(phi) {
                continue;
            }
            let Op::Phi(from) = &func.instr(phi).op else { continue };
            for (&value, &pred) in from.iter().zip(&func.blocks[func.instr(phi).block].preds) {
                let comes_after = self.leads_to_end(v, pred, unset);
                match &func.instr(value).op {
                    Op::Const(ConstValue::Bool(true)) => {}
                    Op::Const(ConstValue::Bool(false)) | Op::Zero if !comes_after => {}
                    // On a way out of the region the flag has to be set by a constant.
                    Op::Phi(_) => {
                        let inside = |block| self.order.block_is_behind(unset, block);
                        if comes_after && inside(pred) && !inside(func.instr(value).block) {
                            return false;
                        }
                        todo.push(value);
                    }
                    _ => return false,
                }
            }
        }
        true
    }

    /// Whether control can get from behind `v` to the end of a block without entering another one.
    fn leads_to_end(&self, v: ValueId, block: BlockId, avoid: BlockId) -> bool {
        let own = self.func.instr(v).block;
        own == block || self.order.leads_past(own, block, avoid)
    }
}
