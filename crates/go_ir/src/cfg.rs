//! The shape of a function's control flow: reverse postorder, dominators, loops, reachability.
//! Computed from a finished [`Func`] on demand and thrown away after use, so it is not part of it.
//!
//! A recovered panic can come from anywhere, so `recover_block` counts as a successor of the entry.

use base::{Id, IndexVec, define_id};
use smallvec::SmallVec;

use crate::ir::{BlockId, Func, Terminator};

define_id! {
    /// A loop of a function.
    pub struct LoopId;
}

/// A set of blocks of one function, one bit each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockSet {
    words: Vec<u64>,
}

impl BlockSet {
    /// The empty set, with room for the blocks of a function of `blocks` blocks.
    pub fn new(blocks: usize) -> Self {
        Self { words: vec![0; blocks.div_ceil(64)] }
    }
    /// Adds a block; whether it was not there before.
    pub fn insert(&mut self, b: BlockId) -> bool {
        let (word, bit) = (b.index() / 64, 1 << (b.index() % 64));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }
    /// Whether the block is in the set.
    pub fn contains(&self, b: BlockId) -> bool {
        self.words.get(b.index() / 64).is_some_and(|w| w >> (b.index() % 64) & 1 == 1)
    }
    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }
    /// The blocks in id order.
    pub fn iter(&self) -> impl Iterator<Item = BlockId> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(BlockId::from_index(i * 64 + bit))
            })
        })
    }
}

/// A loop: a header and the blocks from which it is reached again.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Where the loop is entered. A cycle with several entries (made with `goto`) has the one
    /// that comes first in reverse postorder.
    pub header: BlockId,
    /// The loop around it.
    pub parent: Option<LoopId>,
    /// 1 for an outermost loop.
    pub depth: u32,
    /// Its blocks, those of inner loops included.
    pub blocks: BlockSet,
}

/// Control-flow facts of one function.
#[derive(Debug)]
pub struct Cfg {
    /// The reachable blocks, each before its successors but for the back edges of loops.
    pub rpo: Vec<BlockId>,
    /// The immediate dominator; `None` for the entry and for unreachable blocks.
    pub idom: IndexVec<BlockId, Option<BlockId>>,
    /// The innermost loop of each block.
    pub loop_of: IndexVec<BlockId, Option<LoopId>>,
    /// All loops, outer ones before the loops inside them.
    pub loops: IndexVec<LoopId, Loop>,
    succs: IndexVec<BlockId, SmallVec<[BlockId; 2]>>,
    /// Place in `rpo`; `u32::MAX` when unreachable.
    order: IndexVec<BlockId, u32>,
    /// Entry and exit times of a walk of the dominator tree: ancestors enclose descendants.
    times: IndexVec<BlockId, (u32, u32)>,
}

const UNREACHED: u32 = u32::MAX;

impl Cfg {
    /// Computes everything for a function.
    pub fn new(func: &Func) -> Self {
        let succs = successors(func);
        let rpo = reverse_postorder(func.entry(), &succs);
        let mut order = filled(func, UNREACHED);
        for (i, &b) in rpo.iter().enumerate() {
            order[b] = i as u32;
        }
        let mut preds: IndexVec<BlockId, SmallVec<[BlockId; 2]>> = filled(func, SmallVec::new());
        for &b in &rpo {
            for &s in &succs[b] {
                preds[s].push(b);
            }
        }
        let idom = dominators(&rpo, &order, &preds);
        let times = tree_times(&rpo, &idom);
        let mut cfg = Self {
            rpo,
            idom,
            loop_of: filled(func, None),
            loops: IndexVec::new(),
            succs,
            order,
            times,
        };
        cfg.find_loops(&preds);
        cfg
    }

    /// Whether every way from the entry to `b` goes through `a`. A block dominates itself; an
    /// unreachable block neither dominates nor is dominated.
    #[inline]
    pub fn dominates(&self, a: BlockId, b: BlockId) -> bool {
        let ((enter_a, exit_a), (enter_b, exit_b)) = (self.times[a], self.times[b]);
        enter_a != UNREACHED && enter_b != UNREACHED && enter_a <= enter_b && exit_b <= exit_a
    }
    /// Whether control can get to the block at all.
    #[inline]
    pub fn is_reachable(&self, b: BlockId) -> bool {
        self.order[b] != UNREACHED
    }
    /// The place of a reachable block in [`Self::rpo`].
    pub fn rpo_index(&self, b: BlockId) -> Option<usize> {
        self.is_reachable(b).then(|| self.order[b] as usize)
    }
    /// The innermost loop that a block is in.
    #[inline]
    pub fn in_loop(&self, b: BlockId) -> Option<LoopId> {
        self.loop_of[b]
    }
    /// Whether a block belongs to a loop or to one inside it.
    pub fn loop_contains(&self, l: LoopId, b: BlockId) -> bool {
        self.loops[l].blocks.contains(b)
    }
    /// The blocks that control can get to after `from` was left: `from` itself only if it lies
    /// on a cycle.
    pub fn reachable_from(&self, from: BlockId) -> BlockSet {
        let mut seen = BlockSet::new(self.order.len());
        let mut todo = vec![from];
        while let Some(b) = todo.pop() {
            for &s in &self.succs[b] {
                if seen.insert(s) {
                    todo.push(s);
                }
            }
        }
        seen
    }
    /// Where control can go from a block, the virtual edge from the entry to `recover_block`
    /// included.
    pub fn succs(&self, b: BlockId) -> &[BlockId] {
        &self.succs[b]
    }

    fn find_loops(&mut self, preds: &IndexVec<BlockId, SmallVec<[BlockId; 2]>>) {
        // Headers in reverse postorder: an outer loop's header comes before its inner loops'.
        for at in 0..self.rpo.len() {
            let header = self.rpo[at];
            let latches: SmallVec<[BlockId; 4]> = preds[header]
                .iter()
                .copied()
                .filter(|&p| self.order[p] >= self.order[header])
                .collect();
            if latches.is_empty() {
                continue;
            }
            let reducible = latches.iter().all(|&l| self.dominates(header, l));
            let after = (!reducible).then(|| self.reachable_from(header));
            let mut blocks = BlockSet::new(self.order.len());
            blocks.insert(header);
            let mut todo = Vec::new();
            for &latch in &latches {
                if blocks.insert(latch) {
                    todo.push(latch);
                }
            }
            while let Some(b) = todo.pop() {
                for &p in &preds[b] {
                    // In a cycle with several entries, the way back leads out of the cycle too.
                    let inside = after.as_ref().is_none_or(|a| a.contains(p));
                    if inside && blocks.insert(p) {
                        todo.push(p);
                    }
                }
            }
            let parent = self.loop_of[header];
            let depth = parent.map_or(1, |p| self.loops[p].depth + 1);
            let id = self.loops.push(Loop { header, parent, depth, blocks });
            for b in self.loops[id].blocks.iter() {
                self.loop_of[b] = Some(id);
            }
        }
    }
}

fn filled<T: Clone>(func: &Func, value: T) -> IndexVec<BlockId, T> {
    IndexVec::from_vec(vec![value; func.blocks.len()])
}

fn successors(func: &Func) -> IndexVec<BlockId, SmallVec<[BlockId; 2]>> {
    let mut succs: IndexVec<BlockId, SmallVec<[BlockId; 2]>> =
        IndexVec::with_capacity(func.blocks.len());
    for block in func.blocks.iter() {
        succs.push(match block.term {
            Terminator::If { then, els, .. } if then == els => SmallVec::from_slice(&[then]),
            Terminator::If { then, els, .. } => SmallVec::from_slice(&[then, els]),
            Terminator::Jump(to) => SmallVec::from_slice(&[to]),
            _ => SmallVec::new(),
        });
    }
    if let Some(recover) = func.recover_block {
        let entry = func.entry();
        if recover != entry && !succs[entry].contains(&recover) {
            succs[entry].push(recover);
        }
    }
    succs
}

fn reverse_postorder(
    entry: BlockId,
    succs: &IndexVec<BlockId, SmallVec<[BlockId; 2]>>,
) -> Vec<BlockId> {
    let mut seen = BlockSet::new(succs.len());
    let mut order = Vec::with_capacity(succs.len());
    if succs.is_empty() {
        return order;
    }
    seen.insert(entry);
    // A block with the number of its successors that remain, visited last to first, so that
    // the first successor comes first in the result.
    let mut stack = vec![(entry, succs[entry].len())];
    while let Some((b, rest)) = stack.last_mut() {
        if *rest == 0 {
            order.push(*b);
            stack.pop();
            continue;
        }
        *rest -= 1;
        let next = succs[*b][*rest];
        if seen.insert(next) {
            stack.push((next, succs[next].len()));
        }
    }
    order.reverse();
    order
}

/// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm" (2001).
fn dominators(
    rpo: &[BlockId],
    order: &IndexVec<BlockId, u32>,
    preds: &IndexVec<BlockId, SmallVec<[BlockId; 2]>>,
) -> IndexVec<BlockId, Option<BlockId>> {
    // By place in `rpo`; the entry is its own dominator while the algorithm runs.
    let mut idom = vec![UNREACHED; rpo.len()];
    if let Some(first) = idom.first_mut() {
        *first = 0;
    }
    let mut changed = true;
    while changed {
        changed = false;
        for (at, &b) in rpo.iter().enumerate().skip(1) {
            let mut new = UNREACHED;
            for &p in &preds[b] {
                let p = order[p];
                if idom[p as usize] == UNREACHED {
                    continue;
                }
                new = if new == UNREACHED { p } else { intersect(&idom, new, p) };
            }
            if idom[at] != new {
                idom[at] = new;
                changed = true;
            }
        }
    }
    let mut result = IndexVec::from_vec(vec![None; order.len()]);
    for (at, &b) in rpo.iter().enumerate().skip(1) {
        result[b] = Some(rpo[idom[at] as usize]);
    }
    result
}

fn intersect(idom: &[u32], mut a: u32, mut b: u32) -> u32 {
    while a != b {
        while a > b {
            a = idom[a as usize];
        }
        while b > a {
            b = idom[b as usize];
        }
    }
    a
}

fn tree_times(
    rpo: &[BlockId],
    idom: &IndexVec<BlockId, Option<BlockId>>,
) -> IndexVec<BlockId, (u32, u32)> {
    let mut times = IndexVec::from_vec(vec![(UNREACHED, UNREACHED); idom.len()]);
    let mut children: IndexVec<BlockId, SmallVec<[BlockId; 2]>> =
        IndexVec::from_vec(vec![SmallVec::new(); idom.len()]);
    for &b in rpo {
        if let Some(parent) = idom[b] {
            children[parent].push(b);
        }
    }
    let Some(&root) = rpo.first() else { return times };
    let mut clock = 0;
    times[root].0 = clock;
    let mut stack = vec![(root, 0)];
    while let Some((b, next)) = stack.last_mut() {
        clock += 1;
        if let Some(&child) = children[*b].get(*next) {
            *next += 1;
            times[child].0 = clock;
            stack.push((child, 0));
        } else {
            times[*b].1 = clock;
            stack.pop();
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::func_of_edges;

    fn b(i: usize) -> BlockId {
        BlockId::from_index(i)
    }

    #[test]
    fn a_diamond_is_dominated_by_its_top() {
        let f = func_of_edges(&[&[1, 2], &[3], &[3], &[]]);
        let cfg = Cfg::new(&f);
        assert_eq!(cfg.rpo[0], b(0));
        assert_eq!(cfg.rpo[3], b(3));
        assert_eq!(cfg.idom[b(3)], Some(b(0)));
        assert!(cfg.dominates(b(0), b(3)) && !cfg.dominates(b(1), b(3)));
        assert!(cfg.dominates(b(2), b(2)));
        assert!(cfg.loops.is_empty());
        assert!(cfg.reachable_from(b(1)).iter().eq([b(3)]));
    }

    #[test]
    fn loops_nest() {
        // 0 → 1 (outer header) → 2 (inner header) → 3 → 2; 2 → 4 → 1; 1 → 5
        let f = func_of_edges(&[&[1], &[2, 5], &[3, 4], &[2], &[1], &[]]);
        let cfg = Cfg::new(&f);
        assert_eq!(cfg.loops.len(), 2);
        let inner = cfg.in_loop(b(3)).expect("3 is in a loop");
        let outer = cfg.in_loop(b(4)).expect("4 is in a loop");
        assert_eq!((cfg.loops[inner].header, cfg.loops[outer].header), (b(2), b(1)));
        assert_eq!((cfg.loops[inner].parent, cfg.loops[inner].depth), (Some(outer), 2));
        assert!(cfg.loop_contains(outer, b(3)) && !cfg.loop_contains(inner, b(4)));
        assert_eq!(cfg.in_loop(b(5)), None);
        assert!(cfg.reachable_from(b(3)).contains(b(3)));
    }

    #[test]
    fn a_cycle_with_two_entries_is_a_loop() {
        let f = func_of_edges(&[&[1, 2], &[2], &[1, 3], &[]]);
        let cfg = Cfg::new(&f);
        assert!(cfg.in_loop(b(1)).is_some() && cfg.in_loop(b(2)).is_some());
        assert!(cfg.in_loop(b(0)).is_none() && cfg.in_loop(b(3)).is_none());
    }

    #[test]
    fn unreachable_blocks_dominate_nothing() {
        let f = func_of_edges(&[&[2], &[2], &[]]);
        let cfg = Cfg::new(&f);
        assert!(!cfg.is_reachable(b(1)) && !cfg.dominates(b(1), b(2)));
        assert_eq!(cfg.rpo_index(b(1)), None);
    }
}
