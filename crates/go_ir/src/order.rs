//! Order of the instructions of one function: what may run after what, and what always has.

use std::cell::RefCell;

use base::{FxHashMap, IndexVec};

use go_syntax::ast::UnaryOp;

use crate::cfg::{BlockSet, Cfg};
use crate::ir::{BlockId, Func, Op, Terminator, ValueId};

/// Positions and reachability in one function.
#[derive(Debug)]
pub struct Order<'a> {
    func: &'a Func,
    /// Index of each instruction in its block.
    index: IndexVec<ValueId, u32>,
    /// Dominators and block order.
    cfg: Cfg,
    /// Blocks entered after leaving a block, by that block and the avoided instruction's block.
    entered: RefCell<FxHashMap<(BlockId, Option<BlockId>), BlockSet>>,
}

impl<'a> Order<'a> {
    /// Numbers the function.
    pub fn new(func: &'a Func) -> Self {
        let mut index = IndexVec::from_vec(vec![0; func.values.len()]);
        for block in func.blocks.iter() {
            for (i, &v) in block.instrs.iter().enumerate() {
                index[v] = i as u32;
            }
        }
        Self { func, index, cfg: Cfg::new(func), entered: RefCell::default() }
    }

    /// Reachable blocks, each after its predecessors but for loops.
    pub fn rpo(&self) -> &[BlockId] {
        &self.cfg.rpo
    }

    /// Whether `to` may run after `from` has, without `avoid` running in between.
    pub fn after(&self, from: ValueId, to: ValueId, avoid: Option<ValueId>) -> bool {
        let (from_block, to_block) = (self.func.instr(from).block, self.func.instr(to).block);
        let avoid_at = avoid.map(|a| (self.func.instr(a).block, self.index[a]));
        let hidden = |block: BlockId, lo: u32, hi: u32| {
            avoid_at.is_some_and(|(b, i)| b == block && lo < i && i < hi)
        };
        if from_block == to_block
            && self.index[from] < self.index[to]
            && !hidden(from_block, self.index[from], self.index[to])
        {
            return true;
        }
        if avoid_at.is_some_and(|(b, i)| b == from_block && i > self.index[from]) {
            return false;
        }
        let key = (from_block, avoid_at.map(|a| a.0));
        let mut cache = self.entered.borrow_mut();
        let set = cache.entry(key).or_insert_with(|| self.blocks_entered(key.0, key.1));
        set.contains(to_block)
            && !avoid_at.is_some_and(|(b, i)| b == to_block && i < self.index[to])
    }

    /// Whether `a` always runs before `b` does.
    pub fn dominates(&self, a: ValueId, b: ValueId) -> bool {
        let (block_a, block_b) = (self.func.instr(a).block, self.func.instr(b).block);
        if block_a == block_b {
            return self.index[a] < self.index[b];
        }
        self.cfg.dominates(block_a, block_b)
    }

    /// Whether the instruction can run more than once in one execution of the function.
    pub fn in_loop(&self, v: ValueId) -> bool {
        self.after(v, v, None)
    }

    /// Whether `v` lies behind a loop that `wait` is passed in each round of. Such a loop waits for
    /// every one of many; that it may have no round at all is not held against it.
    pub fn looped_before(&self, wait: ValueId, v: ValueId) -> bool {
        let (at, to) = (self.func.instr(wait).block, self.func.instr(v).block);
        let mut outermost = None;
        let mut next = self.cfg.in_loop(at);
        while let Some(l) = next.filter(|&l| !self.cfg.loop_contains(l, to)) {
            outermost = Some(l);
            next = self.cfg.loops[l].parent;
        }
        let Some(l) = outermost else { return false };
        let header = self.cfg.loops[l].header;
        let each_round =
            |from: BlockId| self.cfg.succs(from).contains(&header) && self.cfg.dominates(at, from);
        self.cfg.dominates(header, to) && self.cfg.loops[l].blocks.iter().any(each_round)
    }

    /// Whether the way to a block depends on a flag that the function was given.
    pub fn is_chosen_by_caller(&self, block: BlockId) -> bool {
        let Some(before) = self.cfg.idom[block] else { return false };
        let Terminator::If { mut cond, .. } = self.func.blocks[before].term else { return false };
        if let Op::Unary { op: UnaryOp::Not, x } = self.func.instr(cond).op {
            cond = x;
        }
        matches!(self.func.instr(cond).op, Op::Param(_))
    }

    /// The first instruction of a block.
    pub fn first_of(&self, block: BlockId) -> Option<ValueId> {
        self.func.blocks[block].instrs.first().copied()
    }

    /// Whether every way to the block of `v` leads through `block`.
    pub fn block_dominates(&self, block: BlockId, v: ValueId) -> bool {
        self.cfg.dominates(block, self.func.instr(v).block)
    }

    fn blocks_entered(&self, from: BlockId, avoid: Option<BlockId>) -> BlockSet {
        let mut set = BlockSet::new(self.func.blocks.len());
        let mut todo: Vec<BlockId> = self.cfg.succs(from).to_vec();
        while let Some(block) = todo.pop() {
            if set.insert(block) && avoid != Some(block) {
                todo.extend_from_slice(self.cfg.succs(block));
            }
        }
        set
    }
}
