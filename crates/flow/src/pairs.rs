//! Pairs of accesses to one object by two goroutines that nothing keeps apart.

use base::{FxHashMap, Id};
use go_ir::{Func, FuncId, Op};
use go_types::{ObjId, Store, Type};
use knowledge::AccessKind;

use crate::mutable::Mutable;
use crate::path::{Elem, Path, Root};
use crate::summary::{Event, LockMode, MANY, Part, Realm, Step, Thread, Via};
use crate::timing::{capacity, goes_with, is_sent_on, senders};

/// Two accesses that may happen at the same time, at least one of them a write.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The function in whose terms the paths are.
    pub scope: FuncId,
    /// A write.
    pub a: Side,
    /// The other access.
    pub b: Side,
    /// Whether the program shows that both mean the same object.
    pub same_object: bool,
}

/// One access of a [`Pair`].
#[derive(Clone, Debug)]
pub struct Side {
    /// What and where.
    pub event: Event,
    /// When.
    pub step: Step,
    /// The goroutine; `None` for the one that runs the scope.
    pub thread: Option<Thread>,
}

/// Most pairs that are looked for on one object in one scope.
const MAX_PAIRS_PER_PATH: usize = 4_096;

/// The accesses and goroutines of one scope.
pub(crate) struct Scope<'e> {
    pub mutable: &'e Mutable,
    pub store: &'e Store,
    pub func: FuncId,
    pub code: &'e Func,
    pub steps: &'e [Step],
    pub threads: &'e [Thread],
}

impl<'e> Scope<'e> {
    fn step(&self, e: &Event) -> &'e Step {
        &self.steps[e.step as usize]
    }

    fn side(&self, e: &Event) -> Side {
        let step = self.step(e).clone();
        let thread = step.thread.map(|t| self.threads[t as usize].clone());
        Side { event: e.clone(), step, thread }
    }

    /// Finds the pairs among `events`. `apart` says whether a path means one object for all of
    /// many goroutines of one origin; `possible` may rule a pair out.
    pub fn find_pairs(
        &self,
        events: &[&'e Event],
        out: &mut Vec<Pair>,
        apart: impl Fn(&Path) -> bool,
        possible: impl Fn(&At<'e>, &At<'e>) -> bool,
    ) {
        // Steps are shared by many accesses.
        let mut unprotected: FxHashMap<(u32, u32), bool> = FxHashMap::default();
        let mut by_path: FxHashMap<(Path, Realm), Vec<&Event>> = FxHashMap::default();
        let mut order: Vec<(Path, Realm)> = Vec::new();
        for event in events {
            let key = (event.path, event.realm());
            let list = by_path.entry(key).or_default();
            if list.is_empty() {
                order.push(key);
            }
            list.push(event);
        }
        let mut add = |path: &Path, a: &'e Event, b: &'e Event, own_element: bool| {
            if !is_write(a.kind) && !is_write(b.kind) {
                return;
            }
            if a.made.zip(b.made).is_some_and(|(x, y)| x.is_alike(&y)) {
                return;
            }
            let itself = std::ptr::eq(a, b);
            let (x, y) = (self.step(a), self.step(b));
            let one_origin = x.thread.is_some() && x.thread == y.thread;
            // Goroutines of one origin have each another of the objects in a container.
            if one_origin && ((own_element && !a.is_plain()) || (a.picked && b.picked)) {
                return;
            }
            // Called again, it does not do again what was done for want of it.
            let again = |e: &Event, own: &Step, other: &Step| {
                e.once
                    && own.thread.is_none()
                    && other.thread.is_some_and(|t| self.threads[t as usize].pos == own.pos)
            };
            if again(a, x, y) || again(b, y, x) {
                return;
            }
            if !parallel(x, y, self.threads, itself, apart(path))
                || !*unprotected.entry((a.step, b.step)).or_insert_with(|| self.unprotected(x, y))
                || !possible(&(a, x), &(b, y))
            {
                return;
            }
            let (a, b) = if is_write(a.kind) { (a, b) } else { (b, a) };
            out.push(Pair {
                scope: self.func,
                a: self.side(a),
                b: self.side(b),
                same_object: is_one_object(path, a, b, self.made_by(path))
                    && !a.picked
                    && !b.picked,
            });
        };
        for key in order {
            let list = &by_path[&key];
            let path = key.0;
            let own_element =
                path.has_item() && crate::shape::has_indexed_item(self.store, self.code, &path);
            let mut looked = 0;
            if list.iter().any(|e| is_write(e.kind)) {
                for (i, a) in list.iter().enumerate() {
                    for b in &list[i..] {
                        looked += 1;
                        if looked <= MAX_PAIRS_PER_PATH && meet(self.store, a, b) {
                            add(&path, a, b, own_element);
                        }
                    }
                }
            }
            if key.1 != Realm::Memory {
                continue;
            }
            // A copy of a struct or array touches all that lies in it.
            let mut around = path.parent();
            while let Some(outer) = around {
                for a in by_path.get(&(outer, Realm::Memory)).into_iter().flatten() {
                    for b in list {
                        looked += 1;
                        if looked <= MAX_PAIRS_PER_PATH && contains(self.store, a, b) {
                            add(&outer, a, b, own_element);
                        }
                    }
                }
                around = outer.parent();
            }
        }
    }

    /// The instruction of the scope that made an object.
    fn made_by(&self, path: &Path) -> Option<&'e Op> {
        match path.root {
            Root::Fresh(v) if v.index() < self.code.values.len() => Some(&self.code.instr(v).op),
            _ => None,
        }
    }

    /// Whether neither a common lock nor a signal keeps two steps apart.
    fn unprotected(&self, a: &Step, b: &Step) -> bool {
        let many = |s: &Step| s.thread.is_some_and(|t| self.threads[t as usize].many);
        let channels =
            Channels { mutable: self.mutable, code: Some(self.code), threads: self.threads };
        unlocked(a, b, &channels) && unordered(a, b, many(a), many(b), &channels)
    }
}

/// What is known of channels where two accesses are compared.
pub(crate) struct Channels<'c> {
    pub mutable: &'c Mutable,
    /// The function in whose terms the paths are, when it is one.
    pub code: Option<&'c Func>,
    pub threads: &'c [Thread],
}

impl Channels<'_> {
    fn capacity(&self, chan: &Path) -> Option<u32> {
        match (chan.elems.last(), chan.root) {
            (Some(Elem::Field(place)), _) | (None, Root::Global(place)) => {
                self.mutable.capacity(place)
            }
            _ => self.code.and_then(|code| capacity(code, chan)),
        }
    }
}

/// An access with its time.
pub(crate) type At<'e> = (&'e Event, &'e Step);

/// Whether two accesses of one path concern the same memory.
pub(crate) fn meet(store: &Store, a: &Event, b: &Event) -> bool {
    if a.realm() != Realm::Memory {
        return true;
    }
    if a.atomic && b.atomic {
        return false;
    }
    // A pointer and its target have one path: the type tells them apart.
    meet_parts(a, b)
        && match (a.ty, b.ty) {
            (Some(s), Some(t)) => s == t || go_types::predicates::identical(store, s, t),
            _ => true,
        }
}

/// Whether the elements that two accesses are to may be the same ones.
fn meet_parts(a: &Event, b: &Event) -> bool {
    let part = |e: &Event| match e.part {
        Part::Whole if e.path.has_item() => Part::Some,
        // A loop over a part of a slice.
        Part::All if e.path.parent().is_some_and(|p| p.has_item()) => Part::Some,
        part => part,
    };
    match (part(a), part(b)) {
        (Part::Range(i, j), Part::Range(k, l)) => i < l && k < j,
        (Part::End, other) | (other, Part::End) => other == Part::End,
        // Which element is not known: most programs give each goroutine its own.
        (Part::Some, Part::Some | Part::Range(..)) | (Part::Range(..), Part::Some) => false,
        _ => true,
    }
}

/// Whether an access to a whole struct or array touches the part of it that another access is to.
pub(crate) fn contains(store: &Store, whole: &Event, part: &Event) -> bool {
    if whole.atomic && part.atomic {
        return false;
    }
    let Some(mut at) = whole.ty else { return false };
    let steps = part.path.elems.to_vec();
    let mut in_array = false;
    for step in steps.get(whole.path.elems.len()..).unwrap_or_default() {
        at = match (store.ty(go_types::under::under(store, at)), step) {
            (Type::Struct(s), Elem::Field(field)) => {
                let is_it = |&&f: &&ObjId| f == *field || store.obj(f).origin() == Some(*field);
                match s.fields.iter().find(is_it).and_then(|&f| store.obj(f).typ.get()) {
                    Some(t) => t,
                    None => return false,
                }
            }
            (Type::Array { elem, .. }, Elem::Item) => {
                in_array = true;
                *elem
            }
            _ => return false,
        };
    }
    // Beside an element of unknown number, a part of an element is of the same one or not.
    let same_element = !whole.path.has_item()
        || matches!(whole.part, Part::All)
        || (!in_array && meet_parts(whole, part));
    same_element && part.ty.is_none_or(|t| t == at || go_types::predicates::identical(store, t, at))
}

/// Whether a slice that an instruction makes may be longer than it is filled.
fn has_room(op: &Op) -> bool {
    !matches!(op, Op::Alloc { var: None } | Op::Call(_))
}

/// Whether both accesses of a path are to one object for sure.
pub(crate) fn is_one_object(path: &Path, a: &Event, b: &Event, made: Option<&Op>) -> bool {
    if !path.has_item() {
        return true;
    }
    // `append` writes behind the end only where there is room, which a literal has not.
    if a.part == Part::End && b.part == Part::End && made.is_none_or(|op| !has_room(op)) {
        return false;
    }
    let last_only = path.parent().is_some_and(|p| !p.has_item());
    last_only && [a.part, b.part].iter().all(|part| !matches!(part, Part::Some | Part::Whole))
}

/// Whether a kind excludes every other access to the same object.
pub fn is_write(kind: AccessKind) -> bool {
    matches!(
        kind,
        AccessKind::MapWrite
            | AccessKind::MapDelete
            | AccessKind::MapClear
            | AccessKind::Write
            | AccessKind::ChanClose
            | AccessKind::GroupWait
    )
}

/// Whether two steps of one summary may run at the same time. With `apart`, two goroutines of one
/// origin count, which know nothing of each other's order.
fn parallel(a: &Step, b: &Step, threads: &[Thread], itself: bool, apart: bool) -> bool {
    if apart && a.group.is_some() && a.group == b.group {
        return true;
    }
    match (a.thread, b.thread) {
        (None, None) => false,
        (Some(t), Some(u)) if t == u => apart && threads[t as usize].many,
        _ if itself => false,
        (t, u) => {
            t.is_some_and(|t| b.parallel.contains(t)) || u.is_some_and(|u| a.parallel.contains(u))
        }
    }
}

/// Whether no lock keeps two steps apart.
pub(crate) fn unlocked(a: &Step, b: &Step, channels: &Channels<'_>) -> bool {
    if a.unknown_lock || b.unknown_lock {
        return false;
    }
    let excludes = |x: LockMode, y: LockMode, path: &Path| match (x, y) {
        (LockMode::Place, LockMode::Place) => channels.capacity(path) == Some(1),
        (LockMode::Write, _) | (_, LockMode::Write) => true,
        _ => false,
    };
    !a.locks
        .iter()
        .any(|x| b.locks.iter().any(|y| x.path == y.path && excludes(x.mode, y.mode, &x.path)))
}

/// Whether no signal of one is waited for by the other. A goroutine of which there are many sends
/// many times: one receive waits for one of them. That a receive comes before the end of a send
/// holds for a channel without buffer only.
pub(crate) fn unordered(
    a: &Step,
    b: &Step,
    a_many: bool,
    b_many: bool,
    channels: &Channels<'_>,
) -> bool {
    let ordered = |from: &Step, to: &Step, many: bool| {
        from.released.iter().any(|t| {
            to.acquired.iter().any(|u| {
                let enough = || match t.via {
                    Via::Send if many => u.count == MANY,
                    Via::Send => {
                        u.via == Via::Broadcast
                            || u.count >= senders(channels.threads.iter(), &t.path)
                    }
                    Via::Receive => channels.capacity(&t.path) == Some(0),
                    // A receive may take a value that was sent before the close.
                    Via::Broadcast if u.via == Via::Send => {
                        let threads = channels.threads.iter().enumerate();
                        let others = threads.filter(|(i, _)| Some(*i as u32) != from.thread);
                        u.count == MANY
                            || (u.count > t.count && !is_sent_on(others.map(|t| t.1), &t.path))
                    }
                    Via::Broadcast | Via::Handover => true,
                };
                t.path == u.path && goes_with(t.via, u.via) && enough()
            })
        })
    };
    !ordered(a, b, a_many) && !ordered(b, a, b_many)
}
