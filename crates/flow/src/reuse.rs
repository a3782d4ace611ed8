//! Whether an object that was put into a container may be put there again. Apart from where objects
//! are stored, because this follows one value through the rounds of a loop: after
//! `jobs <- job; job = pool.Get()` the variable holds another one.

use std::cell::{OnceCell, RefCell};

use base::{FxHashMap, FxHashSet};
use go_ir::{BlockId, Op, ValueId};
use smallvec::{SmallVec, smallvec};

use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root, Val, Vals};

/// Most values that are followed at once; with more of them the answer is yes.
const MAX_HOLDING: usize = 32;

/// Values and variables that hold an object, sorted.
type Holding = Vec<ValueId>;

/// What has been found out about objects that are put away, for they are asked about again with
/// every path that is resolved.
#[derive(Default)]
pub(crate) struct Reuse {
    /// The stores that have an object somewhere in what they put into a field or container, by the
    /// instruction that made the object.
    pub holders: FxHashMap<ValueId, Vec<u32>>,
    stored: RefCell<FxHashMap<ValueId, Stored>>,
    put_again: RefCell<FxHashMap<(ValueId, ValueId), bool>>,
    names: RefCell<FxHashMap<(ValueId, ValueId), Option<Holding>>>,
    copies: OnceCell<FxHashMap<ValueId, SmallVec<[ValueId; 2]>>>,
}

/// The stores of one object that have been looked at.
#[derive(Default)]
struct Stored {
    /// How many of them.
    looked: usize,
    /// Where it was put, the container or (`None`) a field, and by which instruction.
    seen: FxHashMap<Option<Path>, Vec<ValueId>>,
    known: FxHashSet<(Option<Path>, ValueId)>,
    /// Whether it may stand in several places. More stores do not change that.
    often: bool,
}

impl FuncAnalysis<'_, '_> {
    /// Whether one object may stand in several places: it is put into one container twice or into
    /// fields of two objects, or in a loop that does not make another one each time.
    pub fn is_stored_often(&self, root: Root) -> bool {
        let Root::Fresh(made) = root else { return true };
        let Some(holders) = self.reuse.holders.get(&made) else { return false };
        let mut all = self.reuse.stored.borrow_mut();
        let stored = all.entry(made).or_default();
        let again = |from: ValueId, to: ValueId| {
            self.order.after(from, to, Some(made)) && self.may_put_again(from, to)
        };
        while !stored.often && stored.looked < holders.len() {
            let fact = &self.facts[holders[stored.looked] as usize];
            stored.looked += 1;
            let container = (fact.dest.elems.last() == Some(Elem::Item)).then_some(fact.dest);
            if !stored.known.insert((container, fact.at)) {
                continue;
            }
            let seen = stored.seen.entry(container).or_default();
            let twice = |&at: &ValueId| again(at, fact.at) || again(fact.at, at);
            stored.often = seen.iter().any(twice) || again(fact.at, fact.at);
            seen.push(fact.at);
        }
        stored.often
    }

    /// Notes the objects that a store puts away.
    pub fn note_holders(&mut self, fact: u32) {
        let stored = &self.facts[fact as usize];
        // What `append` moves was stored before.
        let moved = matches!(self.func.instr(stored.at).op, Op::BuiltinCall { .. });
        if moved || stored.dest.elems.is_empty() {
            return;
        }
        // What was picked out of a container is another object each time.
        for path in stored.vals.iter().filter(|v| !v.picked).filter_map(|v| v.as_path()) {
            // What the call that makes an object puts away of it is new each time, too.
            if let Root::Fresh(made) = path.root
                && made != stored.at
            {
                let list = self.reuse.holders.entry(made).or_default();
                if list.last() != Some(&fact) {
                    list.push(fact);
                }
            }
        }
    }

    /// Whether what the instruction `first` puts away may be what `second` puts away when it runs
    /// after that, which may be the same instruction in a later round. Yes when that is not known.
    fn may_put_again(&self, first: ValueId, second: ValueId) -> bool {
        if let Some(&known) = self.reuse.put_again.borrow().get(&(first, second)) {
            return known;
        }
        let found = self.find_put_again(first, second);
        self.reuse.put_again.borrow_mut().insert((first, second), found);
        found
    }

    fn find_put_again(&self, first: ValueId, second: ValueId) -> bool {
        let (Some(held), Some(again)) = (self.put_value(first), self.put_value(second)) else {
            return true;
        };
        let Some(holding) = self.names_of(held, first) else { return true };
        self.may_hold_at(first, holding, second, again)
    }

    /// Whether an object that was made at `made` and given to a goroutine may still be the one that this
    /// function uses as a map at `access`, or gives to another goroutine there. Yes when that is not known.
    ///
    /// ```go
    /// go flush(events)
    /// events = make(map[string]int)
    /// events[k]++
    /// ```
    pub fn may_keep_what_it_gave(&self, go: ValueId, made: ValueId, access: ValueId) -> bool {
        let it = Path::root(Root::Fresh(made));
        let is_it = |vals: &Vals| vals.iter().any(|val| val.as_path() == Some(&it));
        let used: SmallVec<[ValueId; 2]> = match &self.func.instr(access).op {
            Op::MapLookup { map, .. } | Op::MapUpdate { map, .. } | Op::MapDelete { map, .. } => {
                smallvec![*map]
            }
            Op::MapClear(map) | Op::MapLen(map) | Op::MapRange(map) => smallvec![*map],
            Op::Go(call) => call.args.iter().copied().filter(|&v| is_it(&self.vals[v])).collect(),
            _ => return true,
        };
        let Op::Go(call) = &self.func.instr(go).op else { return true };
        if used.is_empty() {
            return true;
        }
        let mut holding = Holding::new();
        for &arg in call.args.iter().filter(|&&arg| is_it(&self.vals[arg])) {
            let Some(names) = self.names_of(arg, go) else { return true };
            holding.extend(names);
        }
        // What the value of the next round is called is no name of this one.
        let is_var = |v: ValueId| matches!(self.func.instr(v).op, Op::Alloc { .. });
        holding.retain(|&v| is_var(v) || is_it(&self.vals[v]));
        holding.sort_unstable();
        holding.dedup();
        let shared = |v: ValueId| {
            let mut values = self.func.values.iter();
            values
                .any(|i| matches!(&i.op, Op::MakeClosure { bindings, .. } if bindings.contains(&v)))
        };
        holding.is_empty()
            || holding.iter().any(|&v| shared(v))
            || used.iter().any(|&map| {
                !self.is_followed(map, made) || self.may_hold_at(go, holding.clone(), access, map)
            })
    }

    /// Whether all that a value may be copied from is known, back to where the object was made.
    fn is_followed(&self, value: ValueId, made: ValueId) -> bool {
        let it = Path::root(Root::Fresh(made));
        let is_it = |val: &Val| val.as_path() == Some(&it);
        let mut seen: Holding = vec![value];
        let mut next = 0;
        while next < seen.len() && next < MAX_HOLDING {
            let v = seen[next];
            next += 1;
            let op = &self.func.instr(v).op;
            if v == made {
                continue;
            }
            let mut sources = self.copied_from(v);
            if matches!(op, Op::Alloc { .. }) {
                let stores = self.func.values.iter().filter_map(|i| match i.op {
                    Op::Store { addr, value } if addr == v => Some(value),
                    _ => None,
                });
                sources.extend(stores);
            } else if sources.is_empty() && self.vals[v].iter().any(is_it) {
                return false;
            }
            for from in sources {
                if !seen.contains(&from) {
                    seen.push(from);
                }
            }
        }
        next == seen.len()
    }

    /// Whether `value` may be held at `until` by what is in `holding` behind `first`.
    fn may_hold_at(
        &self,
        first: ValueId,
        holding: Holding,
        until: ValueId,
        value: ValueId,
    ) -> bool {
        let start = self.func.instr(first).block;
        let behind = self.func.blocks[start].instrs.iter().position(|&v| v == first);
        let Some(behind) = behind else { return true };
        let mut entered: FxHashMap<BlockId, Holding> = FxHashMap::default();
        let mut todo = vec![(start, behind + 1, holding)];
        while let Some((block, from, mut holding)) = todo.pop() {
            for &v in &self.func.blocks[block].instrs[from..] {
                if v == until && holding.contains(&value) {
                    return true;
                }
                self.pass(v, &mut holding);
            }
            for next in self.func.succs(block) {
                let mut coming = holding.clone();
                self.enter(block, next, &mut coming);
                if coming.is_empty() {
                    continue;
                }
                let known = entered.entry(next).or_default();
                let before = known.len();
                known.extend(coming);
                known.sort_unstable();
                known.dedup();
                if known.len() > MAX_HOLDING {
                    return true;
                }
                if known.len() > before {
                    todo.push((next, self.phis(next), known.clone()));
                }
            }
        }
        false
    }

    /// The value that an instruction puts into a container or a field.
    fn put_value(&self, v: ValueId) -> Option<ValueId> {
        match self.func.instr(v).op {
            Op::Send { value, .. } | Op::MapUpdate { value, .. } | Op::Store { value, .. } => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The values and variables that may hold at `at` what `value` is. Those that are set again
    /// before they are next used are none of them.
    fn names_of(&self, value: ValueId, at: ValueId) -> Option<Holding> {
        let mut known = self.reuse.names.borrow_mut();
        known.entry((value, at)).or_insert_with(|| self.find_names(value, at)).clone()
    }

    fn find_names(&self, value: ValueId, at: ValueId) -> Option<Holding> {
        let mut names: Holding = vec![value];
        let mut next = 0;
        while next < names.len() {
            let name = names[next];
            next += 1;
            let sources = self.copied_from(name).into_iter();
            let copies = self.copies().get(&name).into_iter().flatten().copied();
            for v in sources.chain(copies).collect::<Vec<_>>() {
                if !names.contains(&v) {
                    names.push(v);
                }
            }
            if names.len() > MAX_HOLDING {
                return None;
            }
        }
        names.retain(|&v| v == value || self.order.dominates(v, at));
        names.sort_unstable();
        Some(names)
    }

    /// The values and variables that hold copies of a value or variable, or that it is stored to or
    /// from.
    fn copies(&self) -> &FxHashMap<ValueId, SmallVec<[ValueId; 2]>> {
        self.reuse.copies.get_or_init(|| {
            let mut copies: FxHashMap<ValueId, SmallVec<[ValueId; 2]>> = FxHashMap::default();
            for (v, instr) in self.func.values.iter_enumerated() {
                for from in self.copied_from(v) {
                    copies.entry(from).or_default().push(v);
                }
                if let Op::Store { addr, value } = instr.op {
                    copies.entry(value).or_default().push(addr);
                    copies.entry(addr).or_default().push(value);
                }
            }
            copies
        })
    }

    /// What an instruction's value is a copy of.
    fn copied_from(&self, v: ValueId) -> SmallVec<[ValueId; 2]> {
        let op = |v: ValueId| &self.func.instr(v).op;
        match op(v) {
            Op::Phi(from) => from.clone(),
            Op::Convert(x) | Op::MakeInterface(x) | Op::TypeAssert { x, .. } => {
                smallvec![*x]
            }
            Op::Extract { tuple, index: 0 } if matches!(op(*tuple), Op::TypeAssert { .. }) => {
                smallvec![*tuple]
            }
            Op::Load(addr) if matches!(op(*addr), Op::Alloc { .. }) => smallvec![*addr],
            _ => SmallVec::new(),
        }
    }

    /// What holds the object after an instruction.
    fn pass(&self, v: ValueId, holding: &mut Holding) {
        let (to, holds) = match self.func.instr(v).op {
            Op::Store { addr, value } => {
                if !matches!(self.func.instr(addr).op, Op::Alloc { .. }) {
                    return;
                }
                (addr, holding.contains(&value))
            }
            _ => (v, self.copied_from(v).iter().any(|x| holding.contains(x))),
        };
        set(holding, to, holds);
    }

    /// What holds the object after the step from one block to the next.
    fn enter(&self, from: BlockId, to: BlockId, holding: &mut Holding) {
        let block = &self.func.blocks[to];
        let Some(way) = block.preds.iter().position(|&p| p == from) else { return };
        let old = holding.clone();
        for &v in &block.instrs[..self.phis(to)] {
            let Op::Phi(values) = &self.func.instr(v).op else { continue };
            set(holding, v, values.get(way).is_some_and(|x| old.contains(x)));
        }
    }

    /// How many instructions at the start of a block join values.
    fn phis(&self, block: BlockId) -> usize {
        let instrs = &self.func.blocks[block].instrs;
        instrs.iter().take_while(|&&v| matches!(self.func.instr(v).op, Op::Phi(_))).count()
    }
}

fn set(holding: &mut Holding, v: ValueId, holds: bool) {
    match (holding.binary_search(&v), holds) {
        (Err(at), true) => holding.insert(at, v),
        (Ok(at), false) => {
            holding.remove(at);
        }
        _ => {}
    }
}
