//! Locking conventions: which lock most accesses to a field hold, and which accesses do not. The
//! unit is the field, over all objects of its type. What most of the code does is taken for the rule
//! and the rest for deviations, after Engler et al., Bugs as Deviant Behavior, SOSP 2001; the lock is
//! found relative to the object, as the `guarded_by` annotations of Flanagan and Freund, Detecting
//! race conditions in large programs, PASTE 2001.
//!
//! A function's own code says which locks it takes ([`crate::uses`]). What all its callers hold is
//! held in it too; an object that a caller has just made is nobody else's there.

use std::cell::RefCell;
use std::sync::Arc;

use base::{FxHashMap, FxHashSet, Id, IndexVec};
use go_ir::{FuncId, FuncKind, Program};
use go_types::ObjId;
use source::FileSpan;

use crate::context::Context;
use crate::mutable::is_init;
use crate::path::{Elem, Path, Root};
use crate::steps::FuncFacts;
use crate::summary::{Held, LockMode, Locks};
use crate::uses::{Passed, Use, UseCall};

/// Most functions that hand a parameter on before one calls it.
const MAX_HANDED: u32 = 4;

/// A lock, as seen from the accessed place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Guard {
    /// In the object that has the field, or behind it: the lock's field and how many fields away.
    Beside(ObjId, u32),
    /// In an object around that one: the lock's field.
    Around(ObjId),
    /// A package-level lock: the variable, and the lock's field in it.
    Global(ObjId, Option<ObjId>),
}

impl Guard {
    /// The field or variable that is the lock.
    pub fn lock(self) -> ObjId {
        match self {
            Self::Beside(lock, _) | Self::Around(lock) => lock,
            Self::Global(var, field) => field.unwrap_or(var),
        }
    }
}

/// An access with all that is known to be held there.
#[derive(Clone, Debug)]
pub struct GuardedUse {
    /// The function.
    pub func: FuncId,
    /// The access; its locks include those that all callers hold.
    pub access: Use,
    /// The locks as seen from the place.
    pub guards: Vec<(Guard, LockMode)>,
    /// The fields and variables that are locks of objects whose names are lost on the way here, and
    /// that all callers hold.
    pub elsewhere: Arc<[ObjId]>,
    /// Whether some function in the program calls this one.
    pub is_called: bool,
    /// Calls, outermost first, through which the function is reached with nothing held.
    pub way: Vec<(FuncId, FileSpan)>,
}

impl GuardedUse {
    /// How a lock is held here.
    pub fn holds(&self, guard: Guard) -> Option<LockMode> {
        self.guards.iter().find(|g| g.0 == guard).map(|g| g.1)
    }
}

/// The accesses to one field or package-level variable that others may see.
#[derive(Clone, Debug)]
pub struct FieldUses {
    /// The field or variable.
    pub obj: ObjId,
    /// Its accesses, by place.
    pub uses: Vec<GuardedUse>,
}

/// What is known when a function starts, whoever calls it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Entry {
    /// Locks held, in terms of the function's parameters and captured variables.
    locks: Locks,
    /// Parameters and captured variables that are objects which the callers have just made.
    fresh: FxHashSet<Root>,
    /// The fields and variables that are locks which all callers hold, of whatever objects.
    fields: FxHashSet<ObjId>,
}

/// The uses of every field and package-level variable that is accessed under some lock.
pub(crate) fn conventions(cx: &Context<'_>, facts: &IndexVec<FuncId, FuncFacts>) -> Vec<FieldUses> {
    let callers = Callers::new(cx.program, facts);
    let entries = callers.entries();
    let mut by_obj: FxHashMap<ObjId, Vec<GuardedUse>> = FxHashMap::default();
    for (f, func) in cx.program.funcs.iter_enumerated() {
        if func.is_test || func.kind == FuncKind::PackageInit || is_init(cx.store, func) {
            continue;
        }
        let entry = &entries[f];
        let elsewhere: Arc<[ObjId]> = entry.fields.iter().copied().collect();
        for access in &facts[f].uses.accesses {
            if access.fresh || entry.fresh.contains(&access.place.root) {
                continue;
            }
            let mut access = access.clone();
            add_locks(&mut access.locks, &entry.locks, &facts[f].uses.releases);
            let guards = guards(&access.place, &access.locks);
            by_obj.entry(access.obj).or_default().push(GuardedUse {
                func: f,
                access,
                guards,
                elsewhere: elsewhere.clone(),
                is_called: callers.of.contains_key(&f),
                way: Vec::new(),
            });
        }
    }
    let mut out: Vec<FieldUses> = by_obj
        .into_iter()
        .filter(|(_, uses)| uses.iter().any(|u| !u.guards.is_empty()))
        .map(|(obj, uses)| FieldUses { obj, uses })
        .collect();
    for field in &mut out {
        for u in field.uses.iter_mut().filter(|u| u.guards.is_empty()) {
            u.way = callers.way_without(u.func, &u.access.place, &entries);
        }
    }
    out
}

fn add_locks(locks: &mut Locks, more: &Locks, released: &[Path]) {
    for held in more {
        if !released.contains(&held.path) && !locks.iter().any(|h| h.path == held.path) {
            locks.push(*held);
        }
    }
}

/// Locks that are held at an access, as seen from its place.
pub fn guards(place: &Path, locks: &[Held]) -> Vec<(Guard, LockMode)> {
    let base = place.parent().unwrap_or(*place);
    let mut out: Vec<(Guard, LockMode)> = Vec::new();
    // The lock of one of many objects is nobody's in particular.
    for held in locks.iter().filter(|h| !h.path.has_item()) {
        let last = match held.path.elems.last() {
            Some(Elem::Field(field)) => Some(field),
            _ => None,
        };
        let same_root = held.path.root == base.root;
        let guard = match (last, held.path.root) {
            (Some(lock), _) if same_root && held.path.starts_with(&base) => {
                Guard::Beside(lock, (held.path.elems.len() - base.elems.len()) as u32)
            }
            (Some(lock), _) if same_root => Guard::Around(lock),
            (_, Root::Global(var)) => Guard::Global(var, last),
            _ => continue,
        };
        match out.iter_mut().find(|g| g.0 == guard) {
            Some(known) => known.1 = known.1.max(held.mode),
            None => out.push((guard, held.mode)),
        }
    }
    out
}

/// Who calls whom.
struct Callers<'f> {
    facts: &'f IndexVec<FuncId, FuncFacts>,
    /// Calls, by what is called: the caller, and the number of the call there.
    of: FxHashMap<FuncId, Vec<(FuncId, u32)>>,
    /// The calls that count.
    counted: FxHashSet<(FuncId, u32)>,
    /// What has been found out about calls of parameters: function, parameter, depth.
    inside: RefCell<FxHashMap<(FuncId, u32, u32), Option<(Locks, bool)>>>,
}

impl<'f> Callers<'f> {
    fn new(program: &Program, facts: &'f IndexVec<FuncId, FuncFacts>) -> Self {
        let mut callers = Self {
            facts,
            of: FxHashMap::default(),
            counted: FxHashSet::default(),
            inside: RefCell::default(),
        };
        for (f, func) in program.funcs.iter_enumerated() {
            if func.is_test {
                continue;
            }
            for (n, call) in facts[f].uses.calls.iter().enumerate() {
                // What is passed and never called there is called by who knows whom.
                let happens =
                    call.inside.is_none_or(|(g, p)| callers.held_inside(g, p, 0).is_some());
                if happens {
                    callers.of.entry(call.callee).or_default().push((f, n as u32));
                }
            }
        }
        // A call through an interface that many types implement says little of each of them.
        for calls in callers.of.values_mut() {
            let choices = |&(f, n): &(FuncId, u32)| facts[f].uses.calls[n as usize].choices;
            let least = calls.iter().map(choices).min();
            calls.retain(|c| Some(choices(c)) == least);
            callers.counted.extend(calls.iter().copied());
        }
        callers
    }

    fn call(&self, (caller, n): (FuncId, u32)) -> &'f UseCall {
        &self.facts[caller].uses.calls[n as usize]
    }

    /// What holds on entry of each function: the meet over its callers, and nothing for functions
    /// that nobody calls.
    fn entries(&self) -> IndexVec<FuncId, Entry> {
        let n = self.facts.len();
        let mut entries: Vec<Option<Entry>> = vec![None; n];
        let mut todo: Vec<FuncId> = Vec::new();
        for f in (0..n).map(FuncId::from_index) {
            if !self.of.contains_key(&f) {
                entries[f.index()] = Some(Entry::default());
                todo.push(f);
            }
        }
        let mut next = 0;
        loop {
            while let Some(caller) = todo.pop() {
                let Some(entry) = entries[caller.index()].clone() else { continue };
                for (n, call) in self.facts[caller].uses.calls.iter().enumerate() {
                    if !self.counted.contains(&(caller, n as u32)) {
                        continue;
                    }
                    let Some(at_call) = self.at_call(caller, &entry, call) else { continue };
                    let known = &mut entries[call.callee.index()];
                    let new = match known {
                        Some(old) => old.meet(&at_call),
                        None => at_call,
                    };
                    if known.as_ref() != Some(&new) {
                        *known = Some(new);
                        todo.push(call.callee);
                    }
                }
            }
            // Functions that only call each other.
            while next < n && entries[next].is_some() {
                next += 1;
            }
            if next == n {
                break;
            }
            entries[next] = Some(Entry::default());
            todo.push(FuncId::from_index(next));
        }
        IndexVec::from_vec(entries.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// What the callee of a call finds. `None` when the call is not known to happen.
    fn at_call(&self, caller: FuncId, entry: &Entry, call: &UseCall) -> Option<Entry> {
        let mut locks = call.locks.clone();
        add_locks(&mut locks, &entry.locks, &self.facts[caller].uses.releases);
        let mut spawned = call.spawned;
        if let Some((inside, param)) = call.inside {
            let (held, on_another) = self.held_inside(inside, param, 0)?;
            spawned |= on_another;
            let outer = |held: &Held| {
                let path = self.outer_name(caller, call, inside, &held.path)?;
                Some(Held { path, ..*held })
            };
            add_locks(&mut locks, &held.iter().filter_map(outer).collect(), &[]);
        }
        if spawned {
            return Some(Entry::default());
        }
        let mut out = Entry { fields: entry.fields.clone(), ..Entry::default() };
        out.fields.extend(locks.iter().filter_map(|h| h.path.last_field()));
        for held in &locks {
            if matches!(held.path.root, Root::Global(_)) {
                out.locks.push(*held);
            }
            for (root, passed) in operands(call) {
                if held.path.starts_with(&passed.path)
                    && let Some(path) =
                        held.path.suffix_behind(passed.path.elems.len(), &Path::root(root))
                {
                    out.locks.push(Held { path, mode: held.mode });
                }
            }
        }
        for (root, passed) in operands(call) {
            if passed.fresh || entry.fresh.contains(&passed.path.root) {
                out.fresh.insert(root);
            }
        }
        Some(out)
    }

    /// The locks that `f` holds whenever it calls its parameter, and whether it does so on another
    /// goroutine. `None` when it is not seen to call it.
    fn held_inside(&self, f: FuncId, param: u32, depth: u32) -> Option<(Locks, bool)> {
        let key = (f, param, depth);
        if let Some(known) = self.inside.borrow().get(&key) {
            return known.clone();
        }
        let found = self.find_held_inside(f, param, depth);
        self.inside.borrow_mut().insert(key, found.clone());
        found
    }

    fn find_held_inside(&self, f: FuncId, param: u32, depth: u32) -> Option<(Locks, bool)> {
        let uses = &self.facts[f].uses;
        let mut out: Option<(Locks, bool)> = None;
        let mut add = |locks: Locks, spawned: bool| {
            out = Some(match out.take() {
                Some((known, s)) => (meet_locks(&known, &locks), s || spawned),
                None => (locks, spawned),
            });
        };
        for call in uses.param_calls.iter().filter(|c| c.param == param) {
            add(call.locks.clone(), call.spawned);
        }
        for call in uses.calls.iter().filter(|_| depth < MAX_HANDED) {
            let handed = call
                .args
                .iter()
                .position(|a| a.is_some_and(|a| a.path == Path::root(Root::Param(param))));
            let Some(n) = handed else { continue };
            if let Some((_, spawned)) = self.held_inside(call.callee, n as u32, depth + 1) {
                add(call.locks.clone(), spawned || call.spawned);
            }
        }
        out
    }

    /// What the caller of `inside` calls one of its locks.
    fn outer_name(
        &self,
        caller: FuncId,
        passing: &UseCall,
        inside: FuncId,
        path: &Path,
    ) -> Option<Path> {
        if matches!(path.root, Root::Global(_)) {
            return Some(*path);
        }
        let calls = &self.facts[caller].uses.calls;
        let outer = calls
            .iter()
            .find(|c| c.callee == inside && c.place == passing.place && c.inside.is_none())?;
        operands(outer)
            .find(|(root, _)| *root == path.root)
            .and_then(|(_, passed)| path.behind(&passed.path))
    }

    /// Calls, outermost first, through which a function is reached with nothing held that lies
    /// beside or around the place.
    fn way_without(
        &self,
        f: FuncId,
        place: &Path,
        entries: &IndexVec<FuncId, Entry>,
    ) -> Vec<(FuncId, FileSpan)> {
        let mut way = Vec::new();
        let mut at = f;
        let mut root = place.root;
        let mut seen = FxHashSet::default();
        while seen.insert(at) {
            let bare = self.of.get(&at).into_iter().flatten().find_map(|&(caller, n)| {
                let call = self.call((caller, n));
                let found = self.at_call(caller, &entries[caller], call)?;
                let guarded = found.locks.iter().any(|h| h.path.root == root);
                (!guarded && !found.fresh.contains(&root)).then_some((caller, call))
            });
            let Some((caller, call)) = bare else { break };
            way.push((caller, call.place));
            let passed = operands(call).find(|(r, _)| *r == root);
            match passed {
                Some((_, passed)) if !call.spawned && passed.path.elems.is_empty() => {
                    root = passed.path.root;
                }
                _ => break,
            }
            at = caller;
        }
        way.reverse();
        way
    }
}

/// The operands of a call with what the callee calls them.
fn operands(call: &UseCall) -> impl Iterator<Item = (Root, Passed)> + '_ {
    let args = call.args.iter().enumerate().map(|(n, p)| (Root::Param(n as u32), *p));
    let free = call.free.iter().enumerate().map(|(n, p)| (Root::Free(n as u32), *p));
    args.chain(free).filter_map(|(root, p)| Some((root, p?)))
}

fn meet_locks(a: &Locks, b: &Locks) -> Locks {
    let both = |h: &Held| {
        let o = b.iter().find(|o| o.path == h.path)?;
        Some(Held { path: h.path, mode: h.mode.min(o.mode) })
    };
    a.iter().filter_map(both).collect()
}

impl Entry {
    /// What holds whether one or the other is the caller. A lock of an object that one of them has
    /// just made need not be held by that one.
    fn meet(&self, other: &Self) -> Self {
        let both = |h: &Held| match other.locks.iter().find(|o| o.path == h.path) {
            Some(o) => Some(Held { path: h.path, mode: h.mode.min(o.mode) }),
            None => other.fresh.contains(&h.path.root).then_some(*h),
        };
        let mut locks: Locks = self.locks.iter().filter_map(both).collect();
        let spared = other.locks.iter().filter(|h| self.fresh.contains(&h.path.root));
        add_locks(&mut locks, &spared.copied().collect(), &[]);
        let fresh = self.fresh.intersection(&other.fresh).copied().collect();
        let fields = self.fields.intersection(&other.fields).copied().collect();
        Self { locks, fresh, fields }
    }
}
