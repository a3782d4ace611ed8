//! Which goroutines are over where: those whose end is waited for on every way from their start.
//! Apart from [`crate::timing`] because a function that registers handlers starts hundreds of
//! goroutines by a few calls: those that nothing tells apart are asked about once.

use std::cell::RefCell;

use base::FxHashMap;
use go_ir::{Gate, Gates, ValueId};

use crate::function::FuncAnalysis;
use crate::path::{Path, Root};
use crate::summary::{MANY, ThreadSet, Token, Tokens, Via};
use crate::timing::{capacity, goes_with};
use crate::tokens::TokenList;

/// A place where the end of a goroutine is waited for.
#[derive(Clone)]
pub(crate) struct Join {
    /// The signal that it gives when it is done.
    end: Token,
    /// Where it is waited for.
    gate: Gate,
    /// As what: a receive sees the close.
    waited: Via,
    /// How often.
    count: u32,
    /// How often it must be.
    need: u32,
}

/// What tells a [`Join`] from others.
type JoinKey = (Token, (bool, u32), Via, u32, u32);

/// Goroutines that start at one place and whose ends are waited for at the same.
pub(crate) struct Class {
    pos: ValueId,
    joined: bool,
    joins: Vec<Join>,
    /// Where one wait is enough.
    enough: Gates,
    /// Waits for one signal in several places: each one's number and place.
    several: Vec<Vec<(u32, Gates)>>,
}

/// The goroutines of a function by [`Class`].
pub(crate) struct Ends {
    classes: Vec<Class>,
    members: Vec<ThreadSet>,
    /// The class of each goroutine.
    pub class_of: Vec<u32>,
    beside: RefCell<FxHashMap<(u32, ValueId), bool>>,
}

impl FuncAnalysis<'_, '_> {
    /// What each goroutine signals after all that it does to memory.
    fn thread_ends(&self) -> Vec<Tokens> {
        let mut ends: Vec<Option<Tokens>> = vec![None; self.threads.len()];
        let mut last: Vec<Option<&TokenList>> = vec![None; self.threads.len()];
        // A send or close is no memory that anybody waits for.
        let mut signals_only = vec![false; self.steps.len()];
        for event in self.events.iter().filter(|e| !e.is_in_memory()) {
            signals_only[event.step as usize] = true;
        }
        for event in self.events.iter().filter(|e| e.is_in_memory()) {
            signals_only[event.step as usize] = false;
        }
        for (step, _) in self.steps.iter().zip(signals_only).filter(|(_, only)| !only) {
            let Some(t) = step.thread else { continue };
            let known = last[t as usize].replace(&step.released);
            match &mut ends[t as usize] {
                Some(_) if known == Some(&step.released) => {}
                Some(common) => common
                    .retain(|c| step.released.iter().any(|r| r.path == c.path && r.via == c.via)),
                none => *none = Some(step.released.iter().copied().collect()),
            }
        }
        ends.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// For each goroutine, where this function waits for a signal that it gives when it is done.
    pub fn joins(&self) -> Vec<Vec<Join>> {
        let arms = self.arms.iter().map(|(select, _, t)| (Gate::After(*select), t));
        let mut waits: FxHashMap<Path, Vec<(Gate, &Token)>> = FxHashMap::default();
        for wait in self.waits.iter().map(|w| (w.0, &w.1)).chain(arms) {
            waits.entry(wait.1.path).or_default().push(wait);
        }
        let mut out = Vec::with_capacity(self.threads.len());
        for ends in self.thread_ends() {
            let mut joins = Vec::new();
            for &end in &ends {
                let seen = waits.get(&end.path).into_iter().flatten();
                let seen = seen.filter(|w| goes_with(end.via, w.1.via));
                joins.extend(seen.map(|&(gate, w)| Join {
                    end,
                    gate,
                    waited: w.via,
                    count: w.count,
                    need: 0,
                }));
            }
            out.push(joins);
        }
        out
    }

    /// How often a goroutine's end must be waited for.
    fn need(&self, i: usize, join: &Join) -> u32 {
        match join.end.via {
            // A receive may take a value that was sent before the close.
            Via::Broadcast if join.waited == Via::Send => {
                let mut sends = self.index.thread_sends(&join.end.path);
                if sends.any(|(t, _)| t as usize != i) {
                    MANY
                } else {
                    join.end.count.saturating_add(1)
                }
            }
            Via::Broadcast => 1,
            Via::Handover => MANY,
            // A receive takes one value: as many are needed as there may be senders by then.
            Via::Send if self.threads[i].many => MANY,
            Via::Send if !matches!(join.end.path.root, Root::Fresh(_)) => 1,
            Via::Send => {
                let until = self.at(join.gate);
                let mut sent = 0u32;
                for (t, count) in self.index.thread_sends(&join.end.path) {
                    let thread = &self.threads[t as usize];
                    if until.is_none_or(|w| self.order.after(thread.pos, w, None)) {
                        let many = thread.many && count > 0;
                        sent = sent.saturating_add(if many { MANY } else { count });
                    }
                }
                sent.max(1)
            }
            // As many sends as there are places wait for the first receive.
            Via::Receive => capacity(self.func, &join.end.path).map_or(MANY, |n| n.max(1)),
        }
    }

    /// The class of the `i`th goroutine, whose ends are waited for at `joins`.
    pub fn class(&self, i: usize, joins: &[Join]) -> Class {
        let thread = &self.threads[i];
        let mut class = Class {
            pos: thread.pos,
            joined: thread.joined,
            joins: Vec::new(),
            enough: Gates::default(),
            several: Vec::new(),
        };
        if thread.joined {
            return class;
        }
        class.joins = joins.iter().map(|j| Join { need: self.need(i, j), ..j.clone() }).collect();
        let mut enough = Vec::new();
        let mut by_end: FxHashMap<Token, Vec<u32>> = FxHashMap::default();
        for (n, join) in class.joins.iter().enumerate() {
            if join.count >= join.need && !enough.contains(&join.gate) {
                enough.push(join.gate);
            }
            by_end.entry(join.end).or_default().push(n as u32);
        }
        class.enough = self.order.gates(enough);
        let several = by_end.into_values().filter(|list| list.len() > 1);
        let at = |n: u32| self.order.gates(vec![class.joins[n as usize].gate]);
        class.several =
            several.map(|list| list.into_iter().map(|n| (n, at(n))).collect()).collect();
        class
    }

    /// Whether the goroutines of a class are over on every way from their start to `pos`.
    pub fn is_over(&self, class: &Class, pos: ValueId) -> bool {
        self.is_joined(class, &|gates| self.order.passes(Some(class.pos), pos, gates))
    }

    /// Whether the goroutines of a class are over on every way from their start to a return.
    fn is_over_at(&self, class: &Class, at: Gate) -> bool {
        self.is_joined(class, &|gates| {
            gates.list().contains(&at)
                || match at {
                    Gate::After(last) => self.order.passes(Some(class.pos), last, gates),
                    Gate::Entering(block) => self.order.passes_before(class.pos, block, gates),
                }
        })
    }

    /// Whether the goroutines of a class are over on ways that pass some of the gates, as `passes`
    /// says.
    fn is_joined(&self, class: &Class, passes: &dyn Fn(&Gates) -> bool) -> bool {
        if class.joined {
            return true;
        }
        if !class.enough.list().is_empty() && passes(&class.enough) {
            return true;
        }
        class.several.iter().any(|list| {
            let passed = list.iter().filter(|(_, gates)| passes(gates));
            let passed: Vec<&Join> = passed.map(|&(n, _)| &class.joins[n as usize]).collect();
            let count = passed.iter().fold(0u32, |n, j| n.saturating_add(j.count));
            passed.len() > 1 && passed.iter().all(|j| count >= j.need && j.need != MANY)
        })
    }

    /// The goroutines by class.
    pub fn ends(&self, joins: &[Vec<Join>]) -> Ends {
        let mut numbers: FxHashMap<(ValueId, bool, Vec<JoinKey>), u32> = FxHashMap::default();
        let mut ends = Ends {
            classes: Vec::new(),
            members: Vec::new(),
            class_of: Vec::with_capacity(joins.len()),
            beside: RefCell::default(),
        };
        for (i, joins) in joins.iter().enumerate() {
            let class = self.class(i, joins);
            let keys = class.joins.iter().map(Join::key).collect();
            let n = *numbers.entry((class.pos, class.joined, keys)).or_insert_with(|| {
                ends.classes.push(class);
                ends.members.push(ThreadSet::default());
                ends.classes.len() as u32 - 1
            });
            ends.members[n as usize].insert(i as u32);
            ends.class_of.push(n);
        }
        ends
    }

    /// Whether the goroutines of a class have been started before `pos` and may not be over.
    fn is_beside(&self, ends: &Ends, class: u32, pos: ValueId) -> bool {
        if let Some(&known) = ends.beside.borrow().get(&(class, pos)) {
            return known;
        }
        let it = &ends.classes[class as usize];
        let found = self.order.after(it.pos, pos, None) && !self.is_over(it, pos);
        ends.beside.borrow_mut().insert((class, pos), found);
        found
    }

    /// The goroutines that may run beside what this function does at `pos`.
    pub fn beside(&self, ends: &Ends, pos: ValueId) -> ThreadSet {
        let mut out = ThreadSet::default();
        for (class, members) in ends.members.iter().enumerate() {
            if self.is_beside(ends, class as u32, pos) {
                out.add_all(members);
            }
        }
        out
    }

    /// For each class, the goroutines that may run beside one of it; itself may be among them.
    pub fn beside_classes(&self, ends: &Ends) -> Vec<ThreadSet> {
        let mut out = vec![ThreadSet::default(); ends.classes.len()];
        for i in 0..ends.classes.len() {
            for j in i..ends.classes.len() {
                if self.is_beside(ends, i as u32, ends.classes[j].pos)
                    || self.is_beside(ends, j as u32, ends.classes[i].pos)
                {
                    out[i].add_all(&ends.members[j]);
                    out[j].add_all(&ends.members[i]);
                }
            }
        }
        out
    }

    /// Which goroutines are over whenever the function returns.
    pub fn ended_threads(&self) -> Vec<bool> {
        if self.threads.is_empty() {
            return Vec::new();
        }
        let returns: Vec<Gate> = self.order.returns().collect();
        let ends = self.ends(&self.joins());
        let is_over = |class: &Class| returns.iter().all(|&r| self.is_over_at(class, r));
        let over: Vec<bool> = ends.classes.iter().map(is_over).collect();
        ends.class_of.iter().map(|&c| over[c as usize]).collect()
    }
}

impl Join {
    /// Whether the signal is the last thing that the goroutine does: one that sends or receives in a loop
    /// goes on behind it.
    pub fn is_last(&self) -> bool {
        self.end.count != MANY || matches!(self.end.via, Via::Broadcast | Via::Handover)
    }

    fn key(&self) -> JoinKey {
        let gate = match self.gate {
            Gate::After(v) => (true, v.to_raw()),
            Gate::Entering(block) => (false, block.to_raw()),
        };
        (self.end, gate, self.waited, self.count, self.need)
    }
}
