//! Whether an object that was put into a container may be put there again. Apart from where objects
//! are stored, because this follows one value through the rounds of a loop: after
//! `jobs <- job; job = pool.Get()` the variable holds another one.

use base::FxHashMap;
use go_ir::{BlockId, Op, ValueId};
use smallvec::{SmallVec, smallvec};

use crate::function::FuncAnalysis;
use crate::path::{Root, Val};

/// Most values that are followed at once; with more of them the answer is yes.
const MAX_HOLDING: usize = 32;

/// What each value is copied to.
pub(crate) type Copies = FxHashMap<ValueId, SmallVec<[ValueId; 2]>>;

/// Values and variables that hold an object, sorted.
type Holding = Vec<ValueId>;

impl FuncAnalysis<'_, '_> {
    /// Whether what the instruction `first` puts away may be what `second` puts away when it runs
    /// after that, which may be the same instruction in a later round. Yes when that is not known.
    pub fn may_put_again(&self, first: ValueId, second: ValueId) -> bool {
        let (Some(held), Some(again)) = (self.put_value(first), self.put_value(second)) else {
            return true;
        };
        let Some(holding) = self.names_of(held, first) else { return true };
        self.may_hold_at(first, holding, second, again)
    }

    /// Whether a map that was made at `made` and given to a goroutine may still be the one that this
    /// function uses at `access`. Yes when that is not known.
    ///
    /// ```go
    /// go flush(events)
    /// events = make(map[string]int)
    /// events[k]++
    /// ```
    pub fn may_keep_what_it_gave(&self, go: ValueId, made: ValueId, access: ValueId) -> bool {
        let map = match self.func.instr(access).op {
            Op::MapLookup { map, .. } | Op::MapUpdate { map, .. } | Op::MapDelete { map, .. } => {
                map
            }
            Op::MapClear(map) | Op::MapLen(map) | Op::MapRange(map) => map,
            _ => return true,
        };
        let Op::Go(call) = &self.func.instr(go).op else { return true };
        let is_it = |v: ValueId| {
            let root = Root::Fresh(made);
            self.vals[v].iter().any(|val| val.as_path().is_some_and(|p| p.root == root))
        };
        let stored = self.facts.iter().any(|fact| {
            let into = !fact.dest.elems.is_empty();
            into && fact.vals.iter().filter_map(Val::as_path).any(|p| p.root == Root::Fresh(made))
        });
        if stored {
            return true;
        }
        let mut holding = Holding::new();
        for &arg in call.args.iter().filter(|&&arg| is_it(arg)) {
            let Some(names) = self.names_of(arg, go) else { return true };
            holding.extend(names);
        }
        holding.sort_unstable();
        holding.dedup();
        let shared = |v: ValueId| {
            let mut values = self.func.values.iter();
            values
                .any(|i| matches!(&i.op, Op::MakeClosure { bindings, .. } if bindings.contains(&v)))
        };
        if holding.is_empty() || holding.iter().any(|&v| shared(v)) || !self.is_followed(map, made)
        {
            return true;
        }
        self.may_hold_at(go, holding, access, map)
    }

    /// Whether all that a value may be copied from is known, back to where the object was made.
    fn is_followed(&self, value: ValueId, made: ValueId) -> bool {
        let mut seen: Holding = vec![value];
        let mut next = 0;
        while next < seen.len() && next < MAX_HOLDING {
            let v = seen[next];
            next += 1;
            let op = &self.func.instr(v).op;
            if v == made || matches!(op, Op::MakeMap { .. } | Op::Const(_)) {
                continue;
            }
            let mut sources = self.copied_from(v);
            if matches!(op, Op::Alloc { .. }) {
                let stores = self.func.values.iter().filter_map(|i| match i.op {
                    Op::Store { addr, value } if addr == v => Some(value),
                    _ => None,
                });
                sources.extend(stores);
            } else if sources.is_empty() {
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
        let mut names: Holding = vec![value];
        let mut next = 0;
        while next < names.len() {
            let name = names[next];
            next += 1;
            let copies = self.copies().get(&name).into_iter().flatten().copied();
            let sources = self.copied_from(name).into_iter();
            for v in sources.chain(copies) {
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

    /// What each value is copied to, and the other way round for what is stored in variables.
    fn copies(&self) -> &Copies {
        self.copies.get_or_init(|| {
            let mut copies = Copies::default();
            for (v, instr) in self.func.values.iter_enumerated() {
                for from in self.copied_from(v) {
                    copies.entry(from).or_default().push(v);
                }
                if let Op::Store { addr, value } = instr.op {
                    copies.entry(addr).or_default().push(value);
                    copies.entry(value).or_default().push(addr);
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
