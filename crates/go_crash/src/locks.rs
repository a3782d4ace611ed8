//! Who waits for which lock, and who probably holds it, as far as a dump shows. A goroutine in
//! `sync.(*Mutex).lockSlow(0xc000…)` waits for the lock at that address. Go does not record holders;
//! but a method that takes a lock of its receiver has the receiver's address as an argument, and so
//! has whoever is inside another method of it. Arguments are a hint: registers may be stale (Go marks
//! those with `?`). Without a common address, whoever is inside a method of the same type is named.

use std::hash::Hash;
use std::ops::Range;

use memchr::memchr;
use rustc_hash::FxHashMap;

use crate::goroutine::{Goroutine, Section};

/// So many locks and so many objects are looked at.
const MAX_KEYS: usize = 1 << 16;
/// So many goroutines are named of each.
const MAX_NAMED: usize = 16;
/// A waiter is in the lock's methods among so many innermost frames.
const WAITER_FRAMES: usize = 12;

/// A lock for which goroutines wait.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contended {
    /// Its address, as printed.
    pub address: String,
    /// What waits: `sync.(*Mutex).Lock`.
    pub operation: String,
    /// How many goroutines wait.
    pub waiting: u64,
    /// The first of them, at most 16.
    pub waiters: Vec<u64>,
    /// Functions that called the lock, with the place: `main.(*S).Put (s.go:12)`; at most 16.
    pub callers: Vec<String>,
    /// Who may hold it: goroutines that work on the same object and do not wait for this lock.
    pub holders: Vec<Holder>,
}

/// A goroutine that works on the object that a lock belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Its number.
    pub goroutine: u64,
    /// The function with the object among its arguments.
    pub function: String,
    /// Where it is in that function.
    pub place: String,
    /// What it is doing.
    pub state: String,
    /// Whether it has the object's address among its arguments; else it only is in a method of the
    /// object's type.
    pub same_object: bool,
}

/// Collects over the goroutines of one report.
#[derive(Clone, Default)]
pub(crate) struct Locks {
    waited: FxHashMap<u64, Lock>,
    objects: FxHashMap<u64, Visits>,
    types: FxHashMap<u32, Visits>,
    names: Names,
}

/// Names as numbers: a dump of a hundred thousand goroutines has few distinct ones.
#[derive(Clone, Default)]
struct Names {
    numbers: FxHashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// A name's number; 0, which is no name, when there are too many.
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        if self.texts.len() >= MAX_KEYS {
            return 0;
        }
        self.texts.push(name.into());
        self.numbers.insert(name.into(), self.texts.len() as u32);
        self.texts.len() as u32
    }

    fn text(&self, number: u32) -> &str {
        number.checked_sub(1).and_then(|n| self.texts.get(n as usize)).map_or("", |text| text)
    }
}

/// A goroutine in a function: a [`Holder`], perhaps.
#[derive(Clone, Copy, Default)]
struct Visit {
    goroutine: u64,
    function: u32,
    file: u32,
    line: u32,
    state: u32,
}

/// Who visits an object. Most have one visitor.
#[derive(Clone, Default)]
struct Visits {
    first: Visit,
    others: Vec<Visit>,
}

impl Visits {
    fn all(&self) -> impl Iterator<Item = &Visit> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn has_room(&self) -> bool {
        self.others.len() + 1 < MAX_NAMED
    }

    /// Names a goroutine once, as long as there is room.
    fn add(&mut self, visit: Visit) {
        if self.has_room() && self.all().all(|v| v.goroutine != visit.goroutine) {
            self.others.push(visit);
        }
    }
}

fn visited<K: Hash + Eq>(visits: &mut FxHashMap<K, Visits>, key: K, visit: Visit) {
    let new = || Visits { first: visit, others: Vec::new() };
    visits.entry(key).and_modify(|visits| visits.add(visit)).or_insert_with(new);
}

#[derive(Clone, Default)]
struct Lock {
    shown: Contended,
    /// The callers that `shown` names: function, file and line.
    places: Vec<(u32, u32, u32)>,
    /// Addresses that the callers have as first arguments: the objects that the lock may lie in.
    objects: Vec<u64>,
    /// The receiver types of the callers.
    types: Vec<u32>,
}

/// What the functions and the state of a stack say, whatever its addresses are. All stacks of a group
/// have one shape, and a dump has few groups.
#[derive(Clone, Default)]
pub(crate) struct Shape {
    state: u32,
    /// Frames that may hold a lock: neither the runtime's nor package sync's.
    frames: Vec<ShapeFrame>,
    /// The calls of a lock's methods in which the goroutine waits.
    lock: Option<Range<usize>>,
}

#[derive(Clone, Copy)]
struct ShapeFrame {
    index: usize,
    function: u32,
    /// That of the first stack of this shape; others have the same, unless two functions have one name.
    file: u32,
    receiver: Option<u32>,
}

impl Locks {
    /// The shape of a stack.
    pub(crate) fn shape(&mut self, stack: &Goroutine) -> Shape {
        let state = stack.state();
        let mut shape = Shape { state: self.names.number(state), ..Shape::default() };
        for (index, frame) in stack.frames().enumerate() {
            let function = frame.function;
            if function.starts_with("sync.") || crate::fingerprint::is_runtime(function) {
                continue;
            }
            let receiver =
                receiver(function).map(|name| self.names.number(name)).filter(|n| *n != 0);
            let function = self.names.number(function);
            let file = self.names.number(frame.file);
            shape.frames.push(ShapeFrame { index, function, file, receiver });
        }
        if state.starts_with("sync.") || state.starts_with("semacquire") {
            let is_lock = |f: &str| {
                let method = f.strip_prefix("internal/sync.").or_else(|| f.strip_prefix("sync."));
                method.is_some_and(|m| m.starts_with("(*Mutex).") || m.starts_with("(*RWMutex)."))
            };
            let mut calls = stack.frames().take(WAITER_FRAMES).map(|f| is_lock(f.function));
            shape.lock = calls.position(|is| is).map(|first| {
                let more = calls.take_while(|is| *is).count();
                first..first + 1 + more
            });
        }
        shape
    }

    /// Takes a stack; `shape` is its.
    pub(crate) fn add(&mut self, stack: &Goroutine, shape: &Shape) {
        if stack.section != Section::Goroutine {
            return;
        }
        let waits = shape.lock.clone().and_then(|calls| self.waiter(stack, shape, calls));
        for of in &shape.frames {
            let Some(frame) = stack.frame(of.index).filter(|f| f.ancestor == 0) else { break };
            let object = heap_address(frame.arguments)
                .filter(|&object| waits.is_none_or(|w| w.1 != object))
                .filter(|o| self.objects.len() < MAX_KEYS || self.objects.contains_key(o));
            let receiver = of.receiver.filter(|_| waits.is_none());
            let names = &mut self.names;
            let mut visit = || Visit {
                goroutine: stack.id,
                function: of.function,
                file: if names.text(of.file) == frame.file {
                    of.file
                } else {
                    names.number(frame.file)
                },
                line: frame.line,
                state: shape.state,
            };
            // Who waits for this very object's lock holds it only by mistake.
            match (object, receiver) {
                (Some(object), receiver) => {
                    let visit = visit();
                    visited(&mut self.objects, object, visit);
                    if let Some(receiver) = receiver {
                        visited(&mut self.types, receiver, visit);
                    }
                }
                // Most types have all the visitors that are named.
                (None, Some(receiver))
                    if self.types.get(&receiver).is_none_or(Visits::has_room) =>
                {
                    visited(&mut self.types, receiver, visit());
                }
                _ => {}
            }
        }
    }

    /// Notes what a goroutine waits for: the lock's address and the object of its caller.
    fn waiter(
        &mut self,
        stack: &Goroutine,
        shape: &Shape,
        calls: Range<usize>,
    ) -> Option<(u64, u64)> {
        let own = |at: usize| stack.frame(at).filter(|f| f.ancestor == 0);
        // The outermost address: a RWMutex is what matters, not the Mutex in it. Stale ones come last.
        let fresh = |arguments: &str| !arguments.split(',').next().unwrap_or("").ends_with('?');
        let (mut address, mut stale) = (None, None);
        for frame in calls.clone().rev().filter_map(own) {
            let found = heap_address(frame.arguments);
            if found.is_some() && fresh(frame.arguments) {
                address = found;
                break;
            }
            stale = stale.or(found);
        }
        let address = address.or(stale)?;
        let caller = own(calls.end).filter(|_| calls.end < WAITER_FRAMES);
        let object = caller.and_then(|f| heap_address(f.arguments)).unwrap_or(0);
        if self.waited.len() >= MAX_KEYS && !self.waited.contains_key(&address) {
            return None;
        }
        let lock = self.waited.entry(address).or_default();
        lock.shown.waiting += 1;
        if lock.shown.waiting == 1 {
            lock.shown.address = format!("{address:#x}");
            let operation = own(calls.end - 1).map_or("", |f| f.function);
            lock.shown.operation = operation.replace("internal/sync.", "sync.");
        }
        if lock.shown.waiters.len() < MAX_NAMED {
            lock.shown.waiters.push(stack.id);
        }
        let caller_shape = shape.frames.iter().find(|f| f.index == calls.end);
        if let Some(caller) = caller
            && lock.shown.callers.len() < MAX_NAMED
        {
            let function = match caller_shape {
                Some(shape) => shape.function,
                None => self.names.number(caller.function),
            };
            let place = (function, self.names.number(caller.file), caller.line);
            if !lock.places.contains(&place) {
                lock.places.push(place);
                let text = format!("{} ({}:{})", caller.function, caller.file, caller.line);
                if !lock.shown.callers.contains(&text) {
                    lock.shown.callers.push(text);
                }
            }
        }
        if object != 0 && lock.objects.len() < MAX_NAMED && !lock.objects.contains(&object) {
            lock.objects.push(object);
        }
        if let Some(receiver) = caller_shape.and_then(|f| f.receiver).filter(|_| caller.is_some())
            && lock.types.len() < MAX_NAMED
            && !lock.types.contains(&receiver)
        {
            lock.types.push(receiver);
        }
        Some((address, object))
    }

    fn name<'v>(
        &self,
        visits: impl Iterator<Item = &'v Visits>,
        same_object: bool,
        holders: &mut Vec<Holder>,
    ) {
        for visit in visits.flat_map(Visits::all) {
            let known = holders.iter().any(|h| h.goroutine == visit.goroutine);
            if holders.len() < MAX_NAMED && !known {
                holders.push(Holder {
                    goroutine: visit.goroutine,
                    function: self.names.text(visit.function).to_owned(),
                    place: format!("{}:{}", self.names.text(visit.file), visit.line),
                    state: self.names.text(visit.state).to_owned(),
                    same_object,
                });
            }
        }
    }

    /// The locks with most waiters first.
    pub(crate) fn finish(&self) -> Vec<Contended> {
        let mut all: Vec<Contended> = Vec::new();
        for lock in self.waited.values() {
            let mut shown = lock.shown.clone();
            let objects = lock.objects.iter().filter_map(|object| self.objects.get(object));
            self.name(objects, true, &mut shown.holders);
            if shown.holders.is_empty() {
                let types = lock.types.iter().filter_map(|number| self.types.get(number));
                self.name(types, false, &mut shown.holders);
            }
            all.push(shown);
        }
        all.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.address.cmp(&b.address)));
        all
    }
}

/// The receiver type of a method with a pointer receiver: `main.(*Store[...])`.
fn receiver(function: &str) -> Option<&str> {
    let bytes = function.as_bytes();
    let open = memchr(b'(', bytes)?;
    let close = open + memchr(b')', &bytes[open..])?;
    let method =
        open > 0 && bytes.get(open + 1) == Some(&b'*') && bytes.get(close + 1) == Some(&b'.');
    method.then(|| &function[..=close])
}

/// The first argument, if it is a number.
fn address(arguments: &str) -> Option<u64> {
    let digits = arguments.as_bytes().strip_prefix(b"0x")?;
    let (mut value, mut len) = (0, 0);
    for (i, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => (value, len) = (value << 4 | u64::from(byte - b'0'), i + 1),
            b'a'..=b'f' => (value, len) = (value << 4 | u64::from(byte - b'a' + 10), i + 1),
            b',' => break,
            // What follows is the mark of a stale one.
            b'?' => {
                let rest = digits[i..].iter().position(|b| *b != b'?').map(|at| digits[i + at]);
                rest.is_none_or(|byte| byte == b',').then_some(())?;
                break;
            }
            _ => return None,
        }
    }
    (1..=16).contains(&len).then_some(value)
}

/// The first argument, if it can be the address of an object. Small numbers are values.
fn heap_address(arguments: &str) -> Option<u64> {
    address(arguments).filter(|a| *a >= 1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_arguments_that_are_numbers() {
        for (arguments, want) in [
            ("0xc000012330", Some(0xc0_0001_2330)),
            ("0xc000012330?, 0x1", Some(0xc0_0001_2330)),
            ("0x7, {0x1, 0x2}", Some(7)),
            ("0xffffffffffffffff", Some(u64::MAX)),
            ("0x10000000000000000", None),
            ("0x, 0x1", None),
            ("0x12?3", None),
            ("{0xc000012330, 0x5}", None),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(address(arguments), want, "{arguments}");
        }
    }
}
