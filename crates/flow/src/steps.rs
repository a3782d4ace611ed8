//! The steps of a function that others can see (accesses, calls, goroutines), their order, and
//! the summary that callers get: what is left when the function's own memory is taken out.

use base::FxHashMap;
use go_ir::{Op, Terminator, ValueId};
use knowledge::{AccessKind, Operand};
use smallvec::{SmallVec, smallvec};

use crate::function::FuncAnalysis;
use crate::pairs::{Pair, find_pairs};
use crate::path::{Elem, Path, Root, Val, Vals, What, add_val};
use crate::summary::{Event, Held, Locks, Step, StoreFact, Summary, ThreadSet, Tokens};
use crate::targets::Target;

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
}

/// An object that goes back to its pool with its map still filled.
#[derive(Clone, Debug)]
pub struct PoolLeak {
    /// The call that took it from the pool.
    pub get: ValueId,
    /// A write to a map of the object.
    pub write: Event,
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

/// Most stores that a summary passes on.
const MAX_STORES: usize = 512;

/// The names by which callers know memory that the function made: a path, and the instruction
/// from which on it has that name (`None`: only once the function has returned).
type Names = FxHashMap<ValueId, Vec<(Path, Option<ValueId>)>>;

impl<'a> FuncAnalysis<'a, '_> {
    /// Finds accesses and takes over what callees do.
    pub fn find_steps(&mut self) {
        for v in self.instructions() {
            let func = self.func;
            match &func.instr(v).op {
                Op::MapLookup { map, .. } => self.map_event(v, *map, AccessKind::MapRead),
                Op::MapUpdate { map, literal: false, .. } => {
                    self.map_event(v, *map, AccessKind::MapWrite);
                }
                Op::MapDelete { map, .. } => self.map_event(v, *map, AccessKind::MapDelete),
                Op::MapClear(map) => self.map_event(v, *map, AccessKind::MapClear),
                Op::MapLen(map) => self.map_event(v, *map, AccessKind::MapLen),
                Op::RangeNext(iter) => {
                    if let Op::MapRange(map) = func.instr(*iter).op {
                        self.map_event(v, map, AccessKind::MapIterate);
                    }
                }
                Op::Call(_) | Op::Go(_) | Op::Defer(_) => {
                    self.model_accesses(v);
                    self.pool_put(v);
                    let targets = self.targets.get(&v).cloned();
                    for target in
                        targets.iter().flat_map(|t: &std::sync::Arc<[Target<'a>]>| t.iter())
                    {
                        self.lift_target(v, target);
                    }
                }
                _ => {}
            }
        }
    }

    pub fn own_step(&self, v: ValueId) -> Step {
        let state = self.locks.at(v);
        Step {
            thread: None,
            pos: v,
            parallel: ThreadSet::default(),
            locks: state.locks,
            unknown_lock: state.unknown,
            acquired: Tokens::new(),
            released: Tokens::new(),
            frames: None,
            span: self.func.instr(v).span,
            func: self.id,
            request: false,
            group: None,
        }
    }

    fn map_event(&mut self, v: ValueId, map: ValueId, kind: AccessKind) {
        let ty = self.func.instr(map).ty;
        for path in self.paths(map) {
            self.access_event(v, path, kind, ty);
        }
    }

    fn access_event(
        &mut self,
        v: ValueId,
        path: Path,
        kind: AccessKind,
        ty: Option<go_types::TypeId>,
    ) {
        let through_copy =
            path.root == Root::Param(0) && !path.elems.is_empty() && self.has_value_receiver();
        let context_key = match path.root {
            Root::Context(key) => Some(key),
            _ => None,
        };
        self.push_event(Event {
            path,
            kind,
            ty,
            value_receiver: through_copy.then_some(self.id),
            copied_mutex: false,
            put: false,
            context_key,
            step: self.own_step(v),
        });
    }

    /// Accesses that a library function makes to its arguments.
    fn model_accesses(&mut self, v: ValueId) {
        let Some(model) = self.model_of(v) else { return };
        let func = self.func;
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &func.instr(v).op else { return };
        let first = usize::from(self.is_method_call(v));
        for access in &model.accesses {
            let args: SmallVec<[ValueId; 4]> = match access.on {
                Operand::Recv => info.args.first().copied().into_iter().collect(),
                Operand::Arg(n) => info.args.get(first + n as usize).copied().into_iter().collect(),
                Operand::Args(n) => info.args.iter().skip(first + n as usize).copied().collect(),
                Operand::Result(_) | Operand::Callback => continue,
            };
            for arg in args {
                for (map, ty) in self.maps_passed(arg, info.packed) {
                    for path in self.paths(map) {
                        self.access_event(v, path, access.kind, Some(ty));
                    }
                }
            }
        }
    }

    /// The map values that are passed as, boxed in, or packed into an argument.
    fn maps_passed(
        &self,
        arg: ValueId,
        packed: bool,
    ) -> SmallVec<[(ValueId, go_types::TypeId); 2]> {
        let store = self.cx.store;
        let map_type = |v: ValueId| {
            let t = self.func.instr(v).ty?;
            let under = go_types::under::under(store, t);
            matches!(store.ty(under), go_types::Type::Map { .. }).then_some(t)
        };
        let unbox = |mut v: ValueId| {
            while let Op::MakeInterface(x) | Op::Convert(x) = self.func.instr(v).op {
                if map_type(v).is_some() {
                    break;
                }
                v = x;
            }
            v
        };
        let mut out = SmallVec::new();
        let direct = unbox(arg);
        if let Some(t) = map_type(direct) {
            out.push((direct, t));
        } else if packed
            && let Op::SliceExpr { x: array, .. } | Op::Load(array) = self.func.instr(arg).op
        {
            // f(a, b): stores into the elements of an array made for the call.
            for instr in self.func.values.iter() {
                if let Op::Store { addr, value } = instr.op
                    && let Op::IndexAddr { base, .. } = self.func.instr(addr).op
                    && base == array
                {
                    let value = unbox(value);
                    if let Some(t) = map_type(value) {
                        out.push((value, t));
                    }
                }
            }
        }
        out
    }

    /// Orders the steps, finds conflicts over the function's own memory, and makes the summary.
    pub fn finish(mut self) -> (Summary, FuncFacts) {
        let inherent: Vec<bool> = self.threads.iter().map(|t| t.many).collect();
        self.order_steps();
        let local = |path: &Path| matches!(path.root, Root::Fresh(_) | Root::Context(_));
        let mut pairs = Vec::new();
        if !self.threads.is_empty() {
            let order = &self.order;
            let events: Vec<&Event> =
                self.events.iter().filter(|e| local(&e.path) && !e.put).collect();
            let apart = |path: &Path| !matches!(path.root, Root::Context(_));
            find_pairs(self.id, &events, &self.threads, &mut pairs, apart, |a, b| {
                let Root::Fresh(made) = a.path.root else {
                    // A context value: the same object only within one request.
                    return (!a.step.request && !b.step.request) || a.step.group == b.step.group;
                };
                // The same execution of the instruction that made the object?
                let after = |x: ValueId, y: ValueId| x == y || order.after(x, y, Some(made));
                let (x, y) = (a.step.pos, b.step.pos);
                let spawned = |s: &Step| s.thread.map(|t| self.threads[t as usize].pos);
                match (spawned(&a.step), spawned(&b.step)) {
                    (None, Some(t)) => t == x || order.after(t, x, Some(made)),
                    (Some(t), None) => t == y || order.after(t, y, Some(made)),
                    (Some(t), Some(u)) if a.step.thread == b.step.thread => {
                        // A goroutine started in the loop that made the object has one of its own.
                        a.step.thread.is_some_and(|t| inherent[t as usize])
                            || (a.step.group.is_some() && a.step.group == b.step.group)
                            || order.after(t, u, Some(made))
                    }
                    (Some(t), Some(u)) => after(t, u) || after(u, t),
                    (None, None) => false,
                }
            });
        }
        let returns = self.returns();
        let names = self.names(&returns);
        let summary = self.summarise(&returns, &names);
        let facts = FuncFacts {
            accesses: self.local_accesses(),
            returns,
            pairs,
            after_put: self.find_after_put(),
            pool_leaks: self.find_pool_leaks(),
        };
        (summary, facts)
    }

    /// Fills in what runs in parallel, what was waited for and what is signalled.
    fn order_steps(&mut self) {
        let order = &self.order;
        let spawns: Vec<ValueId> = self.threads.iter().map(|t| t.pos).collect();
        let looped: Vec<bool> = spawns.iter().map(|&p| order.in_loop(p)).collect();
        let mut between: Vec<ThreadSet> = vec![ThreadSet::default(); spawns.len()];
        for (i, &p) in spawns.iter().enumerate() {
            for (j, &q) in spawns.iter().enumerate() {
                let parallel = if p == q {
                    looped[i]
                } else {
                    order.after(p, q, None) || order.after(q, p, None)
                };
                if i != j && parallel {
                    between[i].insert(j as u32);
                }
            }
        }
        for (i, thread) in self.threads.iter_mut().enumerate() {
            for t in between[i].iter() {
                thread.parallel.insert(t);
            }
            thread.many |= looped[i];
        }
        let after_spawn = |pos: ValueId| -> ThreadSet {
            let mut set = ThreadSet::default();
            for (t, &spawn) in spawns.iter().enumerate() {
                if order.after(spawn, pos, None) {
                    set.insert(t as u32);
                }
            }
            set
        };
        let waited = |pos: ValueId| -> Vec<&Path> {
            let before = self.waits.iter().filter(|w| order.dominates(w.0, pos));
            before.map(|w| &w.1).collect()
        };
        let signalled = |pos: ValueId| -> Vec<&Path> {
            let later = self.signals.iter().filter(|s| {
                s.0 != pos && order.after(pos, s.0, None) && !order.after(s.0, pos, None)
            });
            later.map(|s| &s.1).collect()
        };
        type Times<'t> = (ThreadSet, Vec<&'t Path>, Vec<&'t Path>);
        let mut cache: FxHashMap<ValueId, Times<'_>> = FxHashMap::default();
        let steps = self.events.iter_mut().map(|e| &mut e.step);
        for step in steps.chain(self.calls.iter_mut().map(|c| &mut c.step)) {
            let (parallel, acquired, released) = cache
                .entry(step.pos)
                .or_insert_with(|| (after_spawn(step.pos), waited(step.pos), signalled(step.pos)));
            match step.thread {
                None => {
                    for t in parallel.iter() {
                        step.parallel.insert(t);
                    }
                    extend(&mut step.released, released);
                }
                Some(own) => {
                    for t in between[own as usize].iter() {
                        step.parallel.insert(t);
                    }
                }
            }
            extend(&mut step.acquired, acquired);
        }
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
        let made = self.vals[v].iter().filter_map(own_object).next();
        let Some(made) = made.map(|m| Path::root(Root::Fresh(m))) else { return Vec::new() };
        s.fields
            .iter()
            .map(|&f| store.obj(f).origin().unwrap_or(f))
            .filter_map(|f| made.then(Elem::Field(f)))
            .map(|place| self.resolve(&place, Some(v)))
            .collect()
    }

    /// Names that callers have for the function's own memory.
    fn names(&self, returns: &[LocalReturn]) -> Names {
        let mut names = Names::default();
        for ret in returns {
            for (i, vals) in ret.vals.iter().enumerate() {
                self.name_result(i as u32, vals, &mut names);
            }
        }
        let has_results = returns.iter().any(|r| !r.vals.is_empty());
        for _ in 0..3 {
            let mut changed = false;
            for fact in &self.facts {
                for made in fact.vals.iter().filter_map(own_object) {
                    for (dest, since) in outside(&fact.dest, &names) {
                        // What a returned context carries is new with every call.
                        let part = Path::root(Root::Ret(0)).then(Elem::Part(part_of(made)));
                        let dest = match (dest.root, part) {
                            (Root::Context(_), Some(part)) if has_results => part,
                            _ => dest,
                        };
                        let entry = names.entry(made).or_default();
                        if entry.len() < 4 && !entry.iter().any(|n| n.0 == dest) {
                            let since = match since {
                                _ if matches!(dest.root, Root::Ret(_)) => None,
                                // Stored in something that is published only later.
                                Some(later) if self.order.after(fact.at, later, None) => {
                                    Some(later)
                                }
                                _ => Some(fact.at),
                            };
                            entry.push((dest, since));
                            changed = true;
                        }
                    }
                }
            }
            if !changed {
                break;
            }
        }
        // What is also kept elsewhere is known by that place: a result that is both would look
        // fresh to the caller.
        for list in names.values_mut() {
            if list.iter().any(|n| !matches!(n.0.root, Root::Ret(_))) {
                list.retain(|n| !matches!(n.0.root, Root::Ret(_)));
            }
        }
        // What was waited for inside is over for callers too: it needs a name in their terms.
        for (_, path) in &self.waits {
            if let Root::Fresh(group) = path.root {
                let entry = names.entry(group).or_default();
                if entry.is_empty() {
                    entry.push((Path::root(Root::Ret(part_of(group))), None));
                }
            }
        }
        names
    }

    fn name_result(&self, index: u32, vals: &Vals, names: &mut Names) {
        let ret = Path::root(Root::Ret(index));
        for val in vals {
            match &val.what {
                What::Path(_) => {
                    if let Some(made) = own_object(val) {
                        let entry = names.entry(made).or_default();
                        if !entry.iter().any(|n| n.0 == ret) {
                            entry.push((ret.clone(), None));
                        }
                    }
                }
                What::Closure(_, free) => {
                    for vals in free.iter() {
                        let content = self.resolve_all(vals, None);
                        self.name_parts(&ret, &content, names);
                    }
                }
                What::Bound(_, recv) => self.name_parts(&ret, recv, names),
                What::Func(_) => {}
            }
        }
    }

    fn name_parts(&self, ret: &Path, vals: &Vals, names: &mut Names) {
        for val in vals {
            if let Some(made) = own_object(val)
                && let Some(part) = ret.then(Elem::Part(part_of(made)))
            {
                names.entry(made).or_default().push((part, None));
            }
            if let What::Closure(_, free) = &val.what {
                for inner in free.iter() {
                    let content = self.resolve_all(inner, None);
                    if content != *vals {
                        self.name_parts(ret, &content, names);
                    }
                }
            }
        }
    }

    fn summarise(&self, returns: &[LocalReturn], names: &Names) -> Summary {
        let mut out = Summary { threads: self.threads.clone(), ..Summary::default() };
        for event in &self.events {
            let copied_mutex = event.copied_mutex
                || event.step.locks.iter().any(|h| self.is_parameter_copy(&h.path));
            let Root::Fresh(made) = event.path.root else {
                let step = self.outside_step(&event.step, names);
                out.events.push(Event { step, copied_mutex, ..event.clone() });
                continue;
            };
            for (path, since) in outside(&event.path, names) {
                let seen = match since {
                    // Before the return, only other goroutines can meet anyone.
                    None => event.step.thread.is_some(),
                    Some(since) => {
                        event.step.thread.is_some()
                            || self.order.after(since, event.step.pos, Some(made))
                    }
                };
                if seen {
                    let step = self.outside_step(&event.step, names);
                    out.events.push(Event { path, step, copied_mutex, ..event.clone() });
                }
            }
        }
        for call in &self.calls {
            for (callee, _) in outside(&call.callee, names) {
                let args = call.args.iter().map(|a| self.outside_vals(a, names, 0)).collect();
                let step = self.outside_step(&call.step, names);
                let (method, starts) = (call.method, call.starts);
                out.calls.push(crate::summary::OpenCall { callee, args, step, method, starts });
            }
        }
        for fact in &self.facts {
            if out.stores.len() >= MAX_STORES {
                break;
            }
            for (dest, _) in outside(&fact.dest, names) {
                let mut vals = self.outside_vals(&fact.vals, names, 0);
                vals.retain(|v| v.as_path() != Some(&dest));
                if !vals.is_empty() && !out.stores.iter().any(|s| s.dest == dest && s.vals == vals)
                {
                    out.stores.push(StoreFact { dest, vals });
                }
            }
        }
        for ret in returns {
            for (i, vals) in ret.vals.iter().enumerate() {
                if out.results.len() <= i {
                    out.results.resize(i + 1, Vals::new());
                }
                for val in self.outside_vals(vals, names, 0) {
                    add_val(&mut out.results[i], val);
                }
            }
        }
        out.pooled = self.returns_pooled(returns);
        out.acquires = outside_locks(&self.locks.exit, names);
        let paths = |list: &mut dyn Iterator<Item = &Path>| -> SmallVec<[Path; 1]> {
            let mut all = SmallVec::new();
            for path in list {
                for (path, _) in outside(path, names) {
                    if !all.contains(&path) {
                        all.push(path);
                    }
                }
            }
            all
        };
        out.releases = paths(&mut self.locks.releases.iter());
        out.signals = paths(&mut self.signals.iter().map(|s| &s.1));
        out.waits = paths(&mut self.waits.iter().map(|w| &w.1));
        out
    }

    /// Whether a lock is part of a struct that was passed by value: a mutex of this call alone.
    fn is_parameter_copy(&self, lock: &Path) -> bool {
        let Root::Fresh(var) = lock.root else { return false };
        !lock.elems.is_empty()
            && self.is_struct_variable(var)
            && self.facts.iter().any(|f| {
                f.dest.root == lock.root
                    && f.dest.elems.is_empty()
                    && f.vals
                        .iter()
                        .filter_map(Val::as_path)
                        .any(|p| matches!(p.root, Root::Param(_)) && p.elems.is_empty())
            })
    }

    fn outside_step(&self, step: &Step, names: &Names) -> Step {
        let tokens = |list: &Tokens| -> Tokens {
            list.iter().flat_map(|t| outside(t, names)).map(|n| n.0).collect()
        };
        Step {
            locks: outside_locks(&step.locks, names),
            acquired: tokens(&step.acquired),
            released: tokens(&step.released),
            ..step.clone()
        }
    }

    /// Values as callers know them. Captured variables are replaced by what they hold.
    fn outside_vals(&self, vals: &Vals, names: &Names, depth: u32) -> Vals {
        let mut out = Vals::new();
        if depth > 4 {
            return out;
        }
        for val in vals {
            let what = match &val.what {
                What::Path(path) => {
                    for (path, _) in outside(path, names) {
                        add_val(&mut out, Val { what: What::Path(path), dynamic: val.dynamic });
                    }
                    continue;
                }
                What::Closure(f, free) => {
                    let free: Vec<Vals> = free
                        .iter()
                        .map(|v| self.outside_vals(&self.resolve_all(v, None), names, depth + 1))
                        .collect();
                    What::Closure(*f, free.into())
                }
                What::Bound(m, recv) => {
                    What::Bound(*m, std::sync::Arc::new(self.outside_vals(recv, names, depth + 1)))
                }
                What::Func(f) => What::Func(*f),
            };
            add_val(&mut out, Val { what, dynamic: val.dynamic });
        }
        out
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

/// The number of an object as part of a result: apart from those of further results.
fn part_of(made: ValueId) -> u32 {
    made.to_raw() + 1_000
}

/// The object that a value is, when the function itself made it.
pub(crate) fn own_object(val: &Val) -> Option<ValueId> {
    match val.as_path() {
        Some(Path { root: Root::Fresh(made), elems }) if elems.is_empty() => Some(*made),
        _ => None,
    }
}

/// The names of a path outside the function.
fn outside(path: &Path, names: &Names) -> SmallVec<[(Path, Option<ValueId>); 1]> {
    match path.root {
        Root::Fresh(made) => names
            .get(&made)
            .into_iter()
            .flatten()
            .filter_map(|(name, since)| Some((path.behind(name)?, *since)))
            .collect(),
        _ => smallvec![(path.clone(), None)],
    }
}

fn outside_locks(locks: &Locks, names: &Names) -> Locks {
    let named = |h: &Held| -> SmallVec<[Held; 1]> {
        let names = outside(&h.path, names).into_iter();
        names.map(|(path, _)| Held { path, mode: h.mode }).collect()
    };
    locks.iter().flat_map(named).collect()
}

fn extend(tokens: &mut Tokens, more: &[&Path]) {
    for &path in more {
        if !tokens.contains(path) {
            tokens.push(path.clone());
        }
    }
}
