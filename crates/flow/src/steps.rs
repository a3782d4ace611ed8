//! The steps of a function that others can see (accesses, calls, goroutines): their order, and the
//! conflicts over memory that the function made itself.

use go_ir::{Op, Terminator, ValueId};
use knowledge::AccessKind;
use smallvec::SmallVec;

use crate::function::FuncAnalysis;
use crate::outside::own_object;
use crate::pairs::{Pair, Scope, Side};
use crate::path::{Elem, Path, Root, Vals};
use crate::summary::{Event, Locks, Step, Summary, ThreadSet};
use crate::uses::Uses;

/// What rules see of one function beyond the conflicts between goroutines.
#[derive(Debug, Default)]
pub struct FuncFacts {
    /// Map accesses in the function's own code.
    pub accesses: Vec<LocalAccess>,
    /// Values returned, by return.
    pub returns: Vec<LocalReturn>,
    /// Conflicts between goroutines over memory that this function made.
    pub pairs: Vec<Pair>,
    /// Accesses to an object that has gone back to its pool: `a` is the access, `b` the `Put`.
    pub after_put: Vec<Pair>,
    /// Objects taken from a pool, filled, and put back as they are.
    pub pool_leaks: Vec<PoolLeak>,
    /// Accesses and calls in the function's own code, for [`crate::conventions`].
    pub(crate) uses: Uses,
}

/// An object that goes back to its pool with its map still filled.
#[derive(Clone, Debug)]
pub struct PoolLeak {
    /// The call that took it from the pool.
    pub get: ValueId,
    /// A write to a map of the object.
    pub write: Side,
    /// The return to the pool.
    pub put: Event,
}

/// A map access in a function's own code.
#[derive(Clone, Debug)]
pub struct LocalAccess {
    /// The instruction.
    pub at: ValueId,
    /// What is done.
    pub kind: AccessKind,
    /// The map value.
    pub map: ValueId,
    /// What the map may be.
    pub paths: SmallVec<[Path; 2]>,
    /// Locks held there by the function itself.
    pub locks: Locks,
    /// Whether a lock without a path is held too.
    pub unknown_lock: bool,
}

/// A `return` with what it gives back.
#[derive(Clone, Debug)]
pub struct LocalReturn {
    /// The returned values.
    pub values: SmallVec<[ValueId; 2]>,
    /// What each may be, in terms of the function's parameters and own memory.
    pub vals: Vec<Vals>,
    /// Locks held where each was read from memory.
    pub read_under: Vec<Locks>,
    /// For each that is a struct made here, what its fields may be.
    pub fields: Vec<Vec<Vals>>,
}

impl FuncAnalysis<'_, '_> {
    /// Orders the steps, finds conflicts over the function's own memory, and makes the summary.
    pub fn finish(mut self) -> (Summary, FuncFacts) {
        let inherent: Vec<bool> = self.threads.iter().map(|t| t.many).collect();
        // Asked of goroutines only: most functions start none.
        let asked = if self.threads.is_empty() { &[] } else { &self.steps[..] };
        let within: Vec<ThreadSet> = asked.iter().map(|s| s.parallel.clone()).collect();
        self.order_steps();
        let pairs = self.own_pairs(&inherent, &within);
        let returns = self.returns();
        let summary = self.summarise(&returns);
        let facts = FuncFacts {
            accesses: self.local_accesses(),
            returns,
            pairs,
            after_put: self.find_after_put(),
            pool_leaks: self.find_pool_leaks(),
            uses: self.find_uses(),
        };
        (summary, facts)
    }

    /// Conflicts over memory that this function made, and over what its contexts carry. `inherent`
    /// says of which goroutines there are many whatever this function does, `within` what runs beside each
    /// step in one execution of the instruction that starts its goroutine.
    fn own_pairs(&self, inherent: &[bool], within: &[ThreadSet]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        if self.threads.is_empty() {
            return pairs;
        }
        let local = |p: &Path| matches!(p.root, Root::Fresh(_) | Root::Context(_));
        let events: Vec<&Event> = self.events.iter().filter(|e| local(&e.path) && !e.put).collect();
        let apart = |path: &Path| !matches!(path.root, Root::Context(_));
        let order = &self.order;
        let scope = Scope {
            mutable: &self.cx.mutable,
            store: self.cx.store,
            func: self.id,
            code: self.func,
            steps: &self.steps,
            threads: &self.threads,
        };
        scope.find_pairs(&events, &mut pairs, apart, |&(a, x), &(b, y)| {
            if self.waits_for_the_end(x, y) || self.waits_for_the_end(y, x) {
                return false;
            }
            let Root::Fresh(made) = a.path.root else {
                // A context value: the same object only within one request.
                return (!x.request && !y.request) || x.group == y.group;
            };
            // The same execution of the instruction that made the object?
            let spawned = |s: &Step| s.thread.map(|t| self.threads[t as usize].pos);
            let meets = |t: ValueId, event: &Event, step: &Step| {
                let own = event.site.frames.is_none() && event.site.func == self.id;
                t == step.pos
                    || (order.after(t, step.pos, Some(made))
                        && !(own
                            && event.path.elems.is_empty()
                            && !self.may_keep_what_it_gave(t, made, step.pos)))
            };
            match (spawned(x), spawned(y)) {
                (None, Some(t)) => meets(t, a, x),
                (Some(t), None) => meets(t, b, y),
                (Some(t), Some(u)) if x.thread == y.thread => {
                    // A goroutine started in the loop that made the object has one of its own.
                    x.thread.is_some_and(|t| inherent[t as usize])
                        || (x.group.is_some() && x.group == y.group)
                        || (order.after(t, u, Some(made)) && self.may_keep_what_it_gave(t, made, u))
                }
                // A goroutine and one that it starts in turn.
                (Some(t), Some(u)) if t == u => {
                    let beside = |e: &Event, other: &Step| {
                        other.thread.is_some_and(|t| within[e.step as usize].contains(t))
                    };
                    beside(a, y)
                        || beside(b, x)
                        || (order.after(t, u, Some(made)) && self.may_keep_what_it_gave(t, made, u))
                }
                (Some(t), Some(u)) => {
                    order.after(t, u, Some(made)) || order.after(u, t, Some(made))
                }
                (None, None) => false,
            }
        });
        crate::analysis::first_of_places(self.cx, &mut pairs);
        pairs
    }

    fn returns(&self) -> Vec<LocalReturn> {
        let mut out = Vec::new();
        for &block in self.order.rpo() {
            if let Terminator::Return(values) = &self.func.blocks[block].term {
                let vals = values.iter().map(|&v| self.vals[v].clone()).collect();
                let read_under = values.iter().map(|&v| self.locks.at(v).locks).collect();
                let fields = values.iter().map(|&v| self.field_vals(v)).collect();
                out.push(LocalReturn { values: values.clone(), vals, read_under, fields });
            }
        }
        out
    }

    /// What the fields of a struct value that was made here may be.
    fn field_vals(&self, v: ValueId) -> Vec<Vals> {
        let store = self.cx.store;
        let Some(t) = self.func.instr(v).ty else { return Vec::new() };
        let go_types::Type::Struct(s) = store.ty(go_types::under::under(store, t)) else {
            return Vec::new();
        };
        let made = self.vals[v].iter().find_map(own_object);
        let Some(made) = made.map(|m| Path::root(Root::Fresh(m))) else { return Vec::new() };
        s.fields
            .iter()
            .map(|&f| store.obj(f).origin().unwrap_or(f))
            .filter_map(|f| made.then(Elem::Field(f)))
            .map(|place| self.resolve(&place, Some(v)))
            .collect()
    }

    fn local_accesses(&self) -> Vec<LocalAccess> {
        let mut out = Vec::new();
        for v in self.instructions() {
            let (map, kind) = match self.func.instr(v).op {
                Op::MapLookup { map, .. } => (map, AccessKind::MapRead),
                Op::MapUpdate { map, literal: false, .. } => (map, AccessKind::MapWrite),
                Op::MapDelete { map, .. } => (map, AccessKind::MapDelete),
                Op::MapClear(map) => (map, AccessKind::MapClear),
                Op::MapLen(map) => (map, AccessKind::MapLen),
                Op::MapRange(map) => (map, AccessKind::MapIterate),
                _ => continue,
            };
            let state = self.locks.at(v);
            out.push(LocalAccess {
                at: v,
                kind,
                map,
                paths: self.paths(map),
                locks: state.locks,
                unknown_lock: state.unknown,
            });
        }
        out
    }
}
