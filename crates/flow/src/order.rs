//! Order of the instructions of one function: what may run after what, and what always has.

use std::cell::RefCell;

use base::{FxHashMap, Id, IndexVec};
use go_ir::{BlockId, Func, ValueId};

/// A set of blocks.
type Blocks = Vec<u64>;

/// Positions and reachability in one function.
pub struct Order<'a> {
    func: &'a Func,
    /// Index of each instruction in its block.
    index: IndexVec<ValueId, u32>,
    /// Blocks from which control can come back or not, in reverse postorder.
    rpo: Vec<BlockId>,
    /// Immediate dominators; the entry's is itself, an unreachable block has none.
    idom: IndexVec<BlockId, Option<BlockId>>,
    /// Blocks entered after leaving a block, by that block and the avoided instruction's block.
    entered: RefCell<FxHashMap<(BlockId, Option<BlockId>), Blocks>>,
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
        let rpo = reverse_postorder(func);
        let idom = dominators(func, &rpo);
        Self { func, index, rpo, idom, entered: RefCell::default() }
    }

    /// Reachable blocks, each after its predecessors but for loops.
    pub fn rpo(&self) -> &[BlockId] {
        &self.rpo
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
        has(set, to_block)
            && !avoid_at.is_some_and(|(b, i)| b == to_block && i < self.index[to])
    }

    /// Whether `a` always runs before `b` does.
    pub fn dominates(&self, a: ValueId, b: ValueId) -> bool {
        let (block_a, block_b) = (self.func.instr(a).block, self.func.instr(b).block);
        if block_a == block_b {
            return self.index[a] < self.index[b];
        }
        self.block_dominates(block_a, block_b)
    }

    /// Whether every way to `b` leads through `a`.
    pub fn block_dominates(&self, a: BlockId, b: BlockId) -> bool {
        let mut at = b;
        loop {
            if at == a {
                return true;
            }
            match self.idom[at] {
                Some(up) if up != at => at = up,
                _ => return false,
            }
        }
    }

    /// Whether the instruction can run more than once in one execution of the function.
    pub fn in_loop(&self, v: ValueId) -> bool {
        self.after(v, v, None)
    }

    fn blocks_entered(&self, from: BlockId, avoid: Option<BlockId>) -> Blocks {
        let mut set = vec![0; self.func.blocks.len().div_ceil(64)];
        let mut todo: Vec<BlockId> = self.func.succs(from).to_vec();
        while let Some(block) = todo.pop() {
            if has(&set, block) {
                continue;
            }
            set[block.index() / 64] |= 1 << (block.index() % 64);
            if avoid != Some(block) {
                todo.extend(self.func.succs(block));
            }
        }
        set
    }
}

fn has(set: &Blocks, block: BlockId) -> bool {
    set[block.index() / 64] & (1 << (block.index() % 64)) != 0
}

fn reverse_postorder(func: &Func) -> Vec<BlockId> {
    let mut state = vec![false; func.blocks.len()];
    let mut order = Vec::with_capacity(func.blocks.len());
    let mut stack: Vec<(BlockId, usize)> = Vec::new();
    let starts = func.recover_block.into_iter().chain((!func.blocks.is_empty()).then(|| func.entry()));
    for start in starts {
        if state[start.index()] {
            continue;
        }
        state[start.index()] = true;
        stack.push((start, 0));
        while let Some(top) = stack.last_mut() {
            let succs = func.succs(top.0);
            if let Some(&next) = succs.get(top.1) {
                top.1 += 1;
                if !state[next.index()] {
                    state[next.index()] = true;
                    stack.push((next, 0));
                }
            } else {
                order.push(top.0);
                stack.pop();
            }
        }
    }
    order.reverse();
    order
}

/// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
fn dominators(func: &Func, rpo: &[BlockId]) -> IndexVec<BlockId, Option<BlockId>> {
    let mut idom = IndexVec::from_vec(vec![None; func.blocks.len()]);
    let mut number = vec![usize::MAX; func.blocks.len()];
    for (i, b) in rpo.iter().enumerate() {
        number[b.index()] = i;
    }
    if rpo.is_empty() {
        return idom;
    }
    let entry = func.entry();
    idom[entry] = Some(entry);
    if let Some(recover) = func.recover_block {
        idom[recover] = Some(entry);
    }
    loop {
        let mut changed = false;
        for &b in rpo.iter().filter(|&&b| b != entry && Some(b) != func.recover_block) {
            let mut new: Option<BlockId> = None;
            for &p in &func.blocks[b].preds {
                if idom[p].is_none() {
                    continue;
                }
                new = Some(match new {
                    None => p,
                    Some(mut a) => {
                        let mut c = p;
                        while a != c {
                            while number[a.index()] > number[c.index()] {
                                a = idom[a].unwrap_or(entry);
                            }
                            while number[c.index()] > number[a.index()] {
                                c = idom[c].unwrap_or(entry);
                            }
                        }
                        a
                    }
                });
            }
            if new.is_some() && idom[b] != new {
                idom[b] = new;
                changed = true;
            }
        }
        if !changed {
            return idom;
        }
    }
}
