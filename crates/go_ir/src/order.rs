//! Order of the instructions of one function: what may run after what, and what always has.

use std::cell::RefCell;

use base::{FxHashMap, IndexVec};

use go_syntax::ast::UnaryOp;

use crate::cfg::{BlockSet, Cfg};
use crate::ir::{BlockId, Func, Op, Terminator, ValueId};

/// A point that control passes: an instruction, or the entry of a block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Gate {
    /// The instruction has run.
    After(ValueId),
    /// The block has been entered.
    Entering(BlockId),
}

/// Gates of which one has to be passed, with what was found out about them; made by [`Order::gates`].
/// What can be reached without passing any is the same for all places of a function that are asked
/// about, but for the loops that they are in.
#[derive(Debug, Default)]
pub struct Gates {
    list: Vec<Gate>,
    /// Places of the instructions among them, by block.
    behind: FxHashMap<BlockId, Vec<u32>>,
    /// Blocks whose entry is a gate.
    entries: Vec<BlockId>,
    /// Blocks of gates that are in loops.
    looped: Vec<BlockId>,
    /// Blocks reached without passing a gate, by where from and which blocks are closed.
    reached: RefCell<FxHashMap<(Option<BlockId>, Vec<BlockId>), BlockSet>>,
}

impl Gates {
    /// The gates, in the order in which they were given.
    pub fn list(&self) -> &[Gate] {
        &self.list
    }

    /// The first instruction of a block, behind a place in it, that is a gate.
    fn first_behind(&self, block: BlockId, behind: Option<u32>) -> Option<u32> {
        let places = self.behind.get(&block)?;
        places.iter().copied().filter(|&i| behind.is_none_or(|b| i > b)).min()
    }
}

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
        let to = self.func.instr(v).block;
        self.loop_of_wait(self.func.instr(wait).block, to, None)
            .is_some_and(|header| self.cfg.dominates(header, to))
    }

    /// The header of the outermost loop around a wait that neither `to` nor `from` is in, when the
    /// wait is passed in each round.
    fn loop_of_wait(&self, at: BlockId, to: BlockId, from: Option<ValueId>) -> Option<BlockId> {
        let mut outermost = None;
        let mut next = self.cfg.in_loop(at);
        let outside = |l, block: BlockId| !self.cfg.loop_contains(l, block);
        let from = from.map(|f| self.func.instr(f).block);
        while let Some(l) = next.filter(|&l| outside(l, to) && from.is_none_or(|f| outside(l, f))) {
            outermost = Some(l);
            next = self.cfg.loops[l].parent;
        }
        let l = &self.cfg.loops[outermost?];
        let each_round = |from: BlockId| {
            self.cfg.succs(from).contains(&l.header) && self.cfg.dominates(at, from)
        };
        l.blocks.iter().any(each_round).then_some(l.header)
    }

    /// Whether every way from behind `from` (or from the start) to `to` passes one of the gates. A
    /// gate in a loop of its own that is passed in each round counts for the loop.
    pub fn passes(&self, from: Option<ValueId>, to: ValueId, gates: &Gates) -> bool {
        self.passes_until(from, (self.func.instr(to).block, self.index[to]), gates)
    }

    /// Whether every way from behind `from` to the entry of a block passes one of the gates.
    pub fn passes_before(&self, from: ValueId, block: BlockId, gates: &Gates) -> bool {
        self.passes_until(Some(from), (block, 0), gates)
    }

    /// The list of gates, ready to be asked about.
    pub fn gates(&self, list: Vec<Gate>) -> Gates {
        let mut gates = Gates { list, ..Gates::default() };
        for gate in &gates.list {
            let at = match *gate {
                Gate::After(v) => {
                    let at = self.func.instr(v).block;
                    gates.behind.entry(at).or_default().push(self.index[v]);
                    at
                }
                Gate::Entering(block) => {
                    gates.entries.push(block);
                    block
                }
            };
            if self.cfg.in_loop(at).is_some() {
                gates.looped.push(at);
            }
        }
        gates
    }

    /// As [`Self::passes`], to an instruction's block and place in it.
    fn passes_until(&self, from: Option<ValueId>, to: (BlockId, u32), gates: &Gates) -> bool {
        let (to_block, to_index) = to;
        let start = match from {
            None => None,
            Some(from) => {
                let (start, behind) = (self.func.instr(from).block, self.index[from]);
                let next = gates.first_behind(start, Some(behind));
                if start == to_block && to_index > behind && next.is_none_or(|g| to_index <= g) {
                    return false;
                }
                if next.is_some() {
                    return true;
                }
                Some(start)
            }
        };
        let loops = gates.looped.iter().filter_map(|&at| self.loop_of_wait(at, to_block, from));
        let mut closed: Vec<BlockId> = gates.entries.iter().copied().chain(loops).collect();
        closed.sort_unstable();
        closed.dedup();
        let mut reached = gates.reached.borrow_mut();
        let reached = reached
            .entry((start, closed))
            .or_insert_with_key(|(start, closed)| self.blocks_reached(*start, closed, gates));
        let is_met =
            |first: Option<u32>| reached.contains(to_block) && first.is_none_or(|g| to_index <= g);
        !is_met(gates.first_behind(to_block, None))
    }

    /// The blocks that control may enter from the end of `start`, or from the function's start,
    /// without entering a closed one and without passing an instruction that is a gate.
    fn blocks_reached(
        &self,
        start: Option<BlockId>,
        closed: &[BlockId],
        gates: &Gates,
    ) -> BlockSet {
        let mut todo: Vec<BlockId> = match start {
            None => vec![self.func.entry()],
            Some(start) => self.cfg.succs(start).to_vec(),
        };
        let mut seen = BlockSet::new(self.func.blocks.len());
        while let Some(block) = todo.pop() {
            if closed.binary_search(&block).is_err()
                && seen.insert(block)
                && gates.first_behind(block, None).is_none()
            {
                todo.extend_from_slice(self.cfg.succs(block));
            }
        }
        seen
    }

    /// Whether control always comes through a gate on the way to `v`.
    pub fn passed(&self, gate: Gate, v: ValueId) -> bool {
        match gate {
            Gate::After(w) => self.dominates(w, v) || self.looped_before(w, v),
            Gate::Entering(block) => {
                self.block_dominates(block, v)
                    || self.first_of(block).is_some_and(|w| self.looped_before(w, v))
            }
        }
    }

    /// Whether control can get from the entry of a block to `v`.
    pub fn leads_to(&self, block: BlockId, v: ValueId) -> bool {
        let to = self.func.instr(v).block;
        block == to || self.blocks_entered(block, None).contains(to)
    }

    /// Whether control can get from the end of a block to another one without entering a third.
    pub fn leads_past(&self, from: BlockId, to: BlockId, avoid: BlockId) -> bool {
        to != avoid && self.blocks_entered(from, Some(avoid)).contains(to)
    }

    /// Whether every way to a block leads through another one, or is that one.
    pub fn block_is_behind(&self, first: BlockId, block: BlockId) -> bool {
        self.cfg.dominates(first, block)
    }

    /// Where the function returns: behind the last instruction before, or on entering a block without
    /// any.
    pub fn returns(&self) -> impl Iterator<Item = Gate> + '_ {
        let blocks = self.cfg.rpo.iter().map(|&b| (b, &self.func.blocks[b]));
        let returning = blocks.filter(|(_, b)| matches!(b.term, Terminator::Return(_)));
        returning.map(|(id, b)| b.instrs.last().map_or(Gate::Entering(id), |&v| Gate::After(v)))
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
