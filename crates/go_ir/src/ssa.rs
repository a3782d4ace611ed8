//! Builds SSA form while the source is walked: "Simple and Efficient Construction of Static Single
//! Assignment Form" (Braun et al., CC 2013). Knows nothing of Go; the lowering drives it.
//!
//! Reading a variable never recurses: a join gets its `Phi` first and its operands from a work
//! list, so that functions of many thousand blocks need no stack. Trivial `Phi`s are forwarded to
//! what they stand for, and swept when the function is finished.

use base::{FxHashMap, Id, IndexVec, define_id};
use go_types::TypeId;
use smallvec::SmallVec;
use source::FileSpan;

use crate::ir::{Block, BlockId, Instr, Op, Terminator, ValueId};

define_id! {
    /// A variable that is kept in values rather than in memory.
    pub struct VarId;
}

/// A function body under construction.
pub struct Ssa {
    values: IndexVec<ValueId, Instr>,
    /// What a forwarded `Phi` stands for, by value; shorter than `values`.
    forward: Vec<Option<ValueId>>,
    blocks: IndexVec<BlockId, Draft>,
    /// Definitions that reach the end of a block.
    defs: FxHashMap<(BlockId, VarId), ValueId>,
    vars: IndexVec<VarId, Variable>,
    /// Leaves of the entry block (free variables, zero values), placed before its instructions.
    leaves: Vec<ValueId>,
    cur: BlockId,
}

/// A finished body.
pub struct Body {
    /// Reachable blocks in reverse postorder, the entry first.
    pub blocks: IndexVec<BlockId, Block>,
    /// The values that they hold, in order.
    pub values: IndexVec<ValueId, Instr>,
    /// New numbers of values by old ones; `None` for what was dropped.
    pub value_map: Vec<Option<ValueId>>,
    /// New number of the block that was given as a second root.
    pub recover_block: Option<BlockId>,
}

#[derive(Clone, Copy)]
struct Variable {
    ty: TypeId,
    span: FileSpan,
}

#[derive(Default)]
struct Draft {
    phis: Vec<ValueId>,
    instrs: Vec<ValueId>,
    term: Option<Terminator>,
    preds: SmallVec<[BlockId; 2]>,
    /// Whether all predecessors are known.
    sealed: bool,
    /// Variables read before the block was sealed.
    incomplete: Vec<(VarId, ValueId)>,
}

impl Ssa {
    /// A body with an empty entry block, which is current.
    pub fn new() -> Self {
        let mut blocks = IndexVec::new();
        let entry = blocks.push(Draft { sealed: true, ..Draft::default() });
        Self {
            values: IndexVec::new(),
            forward: Vec::new(),
            blocks,
            defs: FxHashMap::default(),
            vars: IndexVec::new(),
            leaves: Vec::new(),
            cur: entry,
        }
    }

    /// A block that may still get predecessors.
    pub fn new_block(&mut self) -> BlockId {
        self.blocks.push(Draft::default())
    }
    /// Says that all predecessors of a block are known.
    pub fn seal(&mut self, b: BlockId) {
        if std::mem::replace(&mut self.blocks[b].sealed, true) {
            return;
        }
        let incomplete = std::mem::take(&mut self.blocks[b].incomplete);
        self.fill_phis(incomplete);
    }
    /// Goes on in a block.
    pub fn switch_to(&mut self, b: BlockId) {
        self.cur = b;
    }
    /// Goes on in a block that gets no further predecessors.
    pub fn switch_to_sealed(&mut self, b: BlockId) {
        self.seal(b);
        self.cur = b;
    }
    /// The block that instructions go to, which is a fresh dead one after a terminator.
    pub fn current(&mut self) -> BlockId {
        if self.blocks[self.cur].term.is_some() {
            self.cur = self.blocks.push(Draft { sealed: true, ..Draft::default() });
        }
        self.cur
    }
    /// Whether the current block has been ended.
    pub fn is_done(&self) -> bool {
        self.blocks[self.cur].term.is_some()
    }

    /// Appends an instruction to the current block.
    pub fn emit(&mut self, op: Op, ty: Option<TypeId>, span: FileSpan) -> ValueId {
        let block = self.current();
        let v = self.values.push(Instr { op, ty, span, block });
        self.blocks[block].instrs.push(v);
        v
    }
    /// Adds an operand-less instruction to the start of the function.
    pub fn emit_leaf(&mut self, op: Op, ty: TypeId, span: FileSpan) -> ValueId {
        let block = BlockId::from_index(0);
        let v = self.values.push(Instr { op, ty: Some(ty), span, block });
        self.leaves.push(v);
        v
    }
    /// Joins values in a sealed block without instructions, one for each of its predecessors.
    pub fn emit_phi(
        &mut self,
        block: BlockId,
        operands: SmallVec<[ValueId; 2]>,
        ty: TypeId,
        span: FileSpan,
    ) -> ValueId {
        debug_assert_eq!(operands.len(), self.blocks[block].preds.len());
        let v = self.values.push(Instr { op: Op::Phi(operands), ty: Some(ty), span, block });
        self.blocks[block].phis.push(v);
        v
    }
    /// The type of a value.
    pub fn ty(&self, v: ValueId) -> Option<TypeId> {
        self.values[v].ty
    }

    /// Ends the current block with a jump.
    pub fn jump(&mut self, to: BlockId) {
        self.terminate(Terminator::Jump(to));
    }
    /// Ends the current block with a jump, unless it has been ended.
    pub fn jump_on(&mut self, to: BlockId) {
        if !self.is_done() {
            self.jump(to);
        }
    }
    /// Ends the current block with a choice.
    pub fn branch(&mut self, cond: ValueId, then: BlockId, els: BlockId) {
        self.terminate(Terminator::If { cond, then, els });
    }
    /// Ends the current block.
    pub fn terminate(&mut self, term: Terminator) {
        let from = self.current();
        for to in targets(&term) {
            debug_assert!(!self.blocks[to].sealed, "a sealed block gets no new predecessor");
            self.blocks[to].preds.push(from);
        }
        self.blocks[from].term = Some(term);
    }

    /// A new variable, without a value yet.
    pub fn new_var(&mut self, ty: TypeId, span: FileSpan) -> VarId {
        self.vars.push(Variable { ty, span })
    }
    /// Gives a variable a value.
    pub fn write(&mut self, var: VarId, value: ValueId) {
        let block = self.current();
        self.defs.insert((block, var), value);
    }
    /// The value that a variable has here; its zero value when it has none.
    pub fn read(&mut self, var: VarId) -> ValueId {
        let block = self.current();
        let mut todo = Vec::new();
        let v = self.read_at(block, var, &mut todo);
        self.fill_phis(todo);
        self.resolve(v)
    }

    /// Removes what cannot be reached or is not used, and numbers the rest. `recover` is a block
    /// to keep although nothing leads there.
    pub fn finish(mut self, recover: Option<BlockId>) -> Body {
        let unsealed: Vec<BlockId> =
            self.blocks.ids().filter(|&b| !self.blocks[b].sealed).collect();
        for b in unsealed {
            self.seal(b);
        }
        let entry = BlockId::from_index(0);
        let leaves = std::mem::take(&mut self.leaves);
        let at = self.blocks[entry]
            .instrs
            .iter()
            .take_while(|&&v| matches!(self.values[v].op, Op::Param(_)))
            .count();
        self.blocks[entry].instrs.splice(at..at, leaves);

        let reached = self.postorder(entry, recover);
        self.drop_dead_edges(&reached);
        self.sweep_phis(&reached);
        self.merge_chains(&reached, recover);
        let mut order = self.postorder(entry, recover);
        order.reverse();
        self.renumber(&order, recover)
    }

    /// The definition that reaches the end of `block`, or a `Phi` that `todo` says to fill.
    fn read_at(&mut self, block: BlockId, var: VarId, todo: &mut Vec<(VarId, ValueId)>) -> ValueId {
        let mut chain: SmallVec<[BlockId; 8]> = SmallVec::new();
        let mut at = block;
        let found = loop {
            if let Some(&v) = self.defs.get(&(at, var)) {
                break self.resolve(v);
            }
            chain.push(at);
            let draft = &self.blocks[at];
            match draft.preds[..] {
                _ if !draft.sealed => {
                    let phi = self.empty_phi(at, var);
                    self.blocks[at].incomplete.push((var, phi));
                    break phi;
                }
                [] => {
                    let Variable { ty, span } = self.vars[var];
                    break self.emit_leaf(Op::Zero, ty, span);
                }
                [only] => at = only,
                _ => {
                    let phi = self.empty_phi(at, var);
                    todo.push((var, phi));
                    break phi;
                }
            }
            // A cycle of blocks with one predecessor each is cut off from the entry.
            if chain.len() > self.blocks.len() {
                let Variable { ty, span } = self.vars[var];
                break self.emit_leaf(Op::Zero, ty, span);
            }
        };
        for b in chain {
            self.defs.insert((b, var), found);
        }
        found
    }

    fn empty_phi(&mut self, block: BlockId, var: VarId) -> ValueId {
        let Variable { ty, span } = self.vars[var];
        let op = Op::Phi(SmallVec::new());
        let v = self.values.push(Instr { op, ty: Some(ty), span, block });
        self.blocks[block].phis.push(v);
        v
    }

    fn fill_phis(&mut self, mut todo: Vec<(VarId, ValueId)>) {
        let mut filled: SmallVec<[ValueId; 8]> = SmallVec::new();
        while let Some((var, phi)) = todo.pop() {
            let block = self.values[phi].block;
            let preds = self.blocks[block].preds.clone();
            let operands: SmallVec<[ValueId; 2]> =
                preds.into_iter().map(|p| self.read_at(p, var, &mut todo)).collect();
            self.values[phi].op = Op::Phi(operands);
            filled.push(phi);
        }
        for &phi in filled.iter().rev() {
            self.try_forward(phi);
        }
    }

    /// Forwards a `Phi` all of whose operands are one value or itself.
    fn try_forward(&mut self, phi: ValueId) -> bool {
        let Op::Phi(operands) = &self.values[phi].op else { return false };
        let mut same = None;
        for &operand in operands {
            let operand = self.resolve(operand);
            if operand == phi || Some(operand) == same {
                continue;
            }
            if same.is_some() {
                return false;
            }
            same = Some(operand);
        }
        let Some(same) = same else { return false };
        if self.forward.len() <= phi.index() {
            self.forward.resize(phi.index() + 1, None);
        }
        self.forward[phi.index()] = Some(same);
        true
    }

    fn resolve(&self, mut v: ValueId) -> ValueId {
        while let Some(&Some(next)) = self.forward.get(v.index()) {
            v = next;
        }
        v
    }

    fn is_forwarded(&self, v: ValueId) -> bool {
        self.forward.get(v.index()).is_some_and(Option::is_some)
    }

    fn postorder(&self, entry: BlockId, recover: Option<BlockId>) -> Vec<BlockId> {
        let mut seen = vec![false; self.blocks.len()];
        let mut order = Vec::new();
        // The second root first: it ends up last in reverse postorder.
        for root in recover.into_iter().chain([entry]) {
            if std::mem::replace(&mut seen[root.index()], true) {
                continue;
            }
            let succs = |b: BlockId| self.blocks[b].term.as_ref().map(targets).unwrap_or_default();
            let mut stack = vec![(root, succs(root))];
            while let Some((b, rest)) = stack.last_mut() {
                match rest.pop() {
                    Some(next) if !std::mem::replace(&mut seen[next.index()], true) => {
                        stack.push((next, succs(next)));
                    }
                    Some(_) => {}
                    None => {
                        order.push(*b);
                        stack.pop();
                    }
                }
            }
        }
        order
    }

    fn drop_dead_edges(&mut self, reached: &[BlockId]) {
        let mut live = vec![false; self.blocks.len()];
        for b in reached {
            live[b.index()] = true;
        }
        for &b in reached {
            let draft = &mut self.blocks[b];
            if draft.preds.iter().all(|p| live[p.index()]) {
                continue;
            }
            let keep: SmallVec<[bool; 8]> = draft.preds.iter().map(|p| live[p.index()]).collect();
            let mut it = keep.iter();
            draft.preds.retain(|_| *it.next().expect("one flag a predecessor"));
            for &phi in &draft.phis {
                if let Op::Phi(operands) = &mut self.values[phi].op {
                    let mut it = keep.iter();
                    operands.retain(|_| it.next().copied().unwrap_or(false));
                }
            }
        }
    }

    fn sweep_phis(&mut self, reached: &[BlockId]) {
        let phis: Vec<ValueId> =
            reached.iter().rev().flat_map(|&b| self.blocks[b].phis.iter().copied()).collect();
        loop {
            let mut changed = false;
            for &phi in &phis {
                if !self.is_forwarded(phi) && self.try_forward(phi) {
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        // Forward straight to the end, so that resolving is one step from here on.
        for i in 0..self.forward.len() {
            if let Some(next) = self.forward[i] {
                self.forward[i] = Some(self.resolve(next));
            }
        }
    }

    /// Appends each block that only its predecessor leads to, and that it only leads to, to it.
    fn merge_chains(&mut self, reached: &[BlockId], recover: Option<BlockId>) {
        let mut gone = vec![false; self.blocks.len()];
        for &b in reached.iter().rev() {
            if gone[b.index()] {
                continue;
            }
            while let Some(Terminator::Jump(next)) = self.blocks[b].term {
                let single = self.blocks[next].preds[..] == [b];
                if !single || next == b || Some(next) == recover {
                    break;
                }
                gone[next.index()] = true;
                let tail = std::mem::take(&mut self.blocks[next]);
                for s in tail.term.as_ref().map(targets).unwrap_or_default() {
                    for p in &mut self.blocks[s].preds {
                        if *p == next {
                            *p = b;
                        }
                    }
                }
                let head = &mut self.blocks[b];
                head.instrs.extend(tail.instrs);
                head.term = tail.term;
            }
        }
    }

    fn renumber(mut self, order: &[BlockId], recover: Option<BlockId>) -> Body {
        let live = self.live_values(order);
        let mut block_map = vec![None; self.blocks.len()];
        for (i, &b) in order.iter().enumerate() {
            block_map[b.index()] = Some(BlockId::from_index(i));
        }
        let new_block = |b: BlockId| block_map[b.index()].expect("an edge leads to a kept block");
        let mut value_map: Vec<Option<ValueId>> = vec![None; self.values.len()];
        let mut count = 0;
        for &b in order {
            let draft = &mut self.blocks[b];
            let forward = &self.forward;
            draft
                .phis
                .retain(|v| live[v.index()] && forward.get(v.index()).is_none_or(Option::is_none));
            draft.instrs.retain(|v| live[v.index()]);
            for v in draft.phis.iter().chain(&draft.instrs) {
                value_map[v.index()] = Some(ValueId::from_index(count));
                count += 1;
            }
        }
        for i in 0..self.forward.len() {
            if let Some(to) = self.forward[i] {
                value_map[i] = value_map[to.index()];
            }
        }
        let new_value = |v: &mut ValueId| {
            *v = value_map[v.index()].expect("an operand of a kept instruction is kept");
        };

        let mut values: IndexVec<ValueId, Instr> = IndexVec::with_capacity(count);
        let mut blocks: IndexVec<BlockId, Block> = IndexVec::with_capacity(order.len());
        for &b in order {
            let draft = std::mem::take(&mut self.blocks[b]);
            let block = new_block(b);
            let mut instrs = Vec::with_capacity(draft.phis.len() + draft.instrs.len());
            for v in draft.phis.into_iter().chain(draft.instrs) {
                let old = &mut self.values[v];
                let mut op = std::mem::replace(&mut old.op, Op::Unknown);
                op.for_each_operand_mut(new_value);
                instrs.push(values.push(Instr { op, ty: old.ty, span: old.span, block }));
            }
            let mut term = draft.term.unwrap_or(Terminator::Unreachable);
            term.for_each_operand_mut(new_value);
            term.for_each_target_mut(|to| *to = new_block(*to));
            let preds = draft.preds.iter().map(|&p| new_block(p)).collect();
            blocks.push(Block { instrs, term, preds });
        }
        let recover_block = recover.map(new_block);
        Body { blocks, values, value_map, recover_block }
    }

    /// Marks what has an effect, and all that it needs.
    fn live_values(&self, order: &[BlockId]) -> Vec<bool> {
        let mut live = vec![false; self.values.len()];
        let mut todo = Vec::new();
        let mark = |v: ValueId, live: &mut Vec<bool>, todo: &mut Vec<ValueId>| {
            let v = self.resolve(v);
            if !std::mem::replace(&mut live[v.index()], true) {
                todo.push(v);
            }
        };
        for &b in order {
            let draft = &self.blocks[b];
            for &v in &draft.instrs {
                if !self.values[v].op.is_pure() {
                    mark(v, &mut live, &mut todo);
                }
            }
            if let Some(term) = &draft.term {
                term.for_each_operand(|v| mark(v, &mut live, &mut todo));
            }
        }
        while let Some(v) = todo.pop() {
            self.values[v].op.for_each_operand(|v| mark(v, &mut live, &mut todo));
        }
        live
    }
}

fn targets(term: &Terminator) -> SmallVec<[BlockId; 2]> {
    match *term {
        Terminator::Jump(to) => SmallVec::from_slice(&[to]),
        Terminator::If { then, els, .. } => SmallVec::from_slice(&[then, els]),
        Terminator::Return(_) | Terminator::Panic(_) | Terminator::Unreachable => SmallVec::new(),
    }
}
