//! Who waits for which lock, and who probably holds it, as far as a dump shows. A goroutine in
//! `sync.(*Mutex).lockSlow(0xc000…)` waits for the lock at that address. Go does not record holders;
//! but a method that takes a lock of its receiver has the receiver's address as an argument, and so
//! has whoever is inside another method of it. Arguments are a hint: registers may be stale (Go marks
//! those with `?`). Without a common address, whoever is inside a method of the same type is named.

use memchr::memchr;
use rustc_hash::FxHashMap;

use crate::goroutine::{Goroutine, Section};

/// So many locks and so many objects are looked at.
const MAX_KEYS: usize = 1 << 16;
/// So many goroutines are named of each.
const MAX_NAMED: usize = 16;

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

    /// Names a goroutine once, as long as there is room.
    fn add(&mut self, visit: Visit) {
        let room = self.others.len() + 1 < MAX_NAMED;
        if room && self.all().all(|v| v.goroutine != visit.goroutine) {
            self.others.push(visit);
        }
    }
}

#[derive(Clone, Default)]
struct Lock {
    shown: Contended,
    /// Addresses that the callers have as first arguments: the objects that the lock may lie in.
    objects: Vec<u64>,
    /// The receiver types of the callers.
    types: Vec<String>,
}

impl Locks {
    pub(crate) fn add(&mut self, stack: &Goroutine) {
        if stack.section != Section::Goroutine {
            return;
        }
        let waits = self.waiter(stack);
        for frame in stack.frames().filter(|f| f.ancestor == 0) {
            if frame.function.starts_with("sync.") || crate::fingerprint::is_runtime(frame.function)
            {
                continue;
            }
            let object = heap_address(frame.arguments)
                .filter(|&object| waits.is_none_or(|w| w.1 != object))
                .filter(|o| self.objects.len() < MAX_KEYS || self.objects.contains_key(o));
            let receiver = receiver(frame.function).filter(|_| waits.is_none());
            if object.is_none() && receiver.is_none() {
                continue;
            }
            let visit = Visit {
                goroutine: stack.id,
                function: self.names.number(frame.function),
                file: self.names.number(frame.file),
                line: frame.line,
                state: self.names.number(stack.state()),
            };
            let new = || Visits { first: visit, others: Vec::new() };
            // Who waits for this very object's lock holds it only by mistake.
            if let Some(object) = object {
                self.objects.entry(object).and_modify(|v| v.add(visit)).or_insert_with(new);
            }
            if let Some(receiver) = receiver {
                let number = self.names.number(receiver);
                self.types.entry(number).and_modify(|v| v.add(visit)).or_insert_with(new);
            }
        }
    }

    /// Notes what a goroutine waits for: the lock's address and the object of its caller.
    fn waiter(&mut self, stack: &Goroutine) -> Option<(u64, u64)> {
        let state = stack.state();
        if !(state.starts_with("sync.") || state.starts_with("semacquire")) {
            return None;
        }
        let frames: Vec<_> = stack.frames().filter(|f| f.ancestor == 0).take(12).collect();
        let is_lock = |f: &str| {
            let method = f.strip_prefix("internal/sync.").or_else(|| f.strip_prefix("sync."));
            method.is_some_and(|m| m.starts_with("(*Mutex).") || m.starts_with("(*RWMutex)."))
        };
        let first = frames.iter().position(|f| is_lock(f.function))?;
        let last = first + frames[first..].iter().take_while(|f| is_lock(f.function)).count();
        // The outermost address: a RWMutex is what matters, not the Mutex in it. Stale ones come last.
        let fresh = |arguments: &str| !arguments.split(',').next().unwrap_or("").ends_with('?');
        let mut addresses: Vec<(bool, u64)> = frames[first..last]
            .iter()
            .rev()
            .filter_map(|f| Some((!fresh(f.arguments), heap_address(f.arguments)?)))
            .collect();
        addresses.sort_by_key(|(stale, _)| *stale);
        let address = addresses.first()?.1;
        let caller = frames.get(last);
        let object = caller.and_then(|f| heap_address(f.arguments)).unwrap_or(0);
        if self.waited.len() >= MAX_KEYS && !self.waited.contains_key(&address) {
            return None;
        }
        let lock = self.waited.entry(address).or_default();
        lock.shown.waiting += 1;
        if lock.shown.waiting == 1 {
            lock.shown.address = format!("{address:#x}");
            lock.shown.operation = frames[last - 1].function.replace("internal/sync.", "sync.");
        }
        if lock.shown.waiters.len() < MAX_NAMED {
            lock.shown.waiters.push(stack.id);
        }
        if let Some(caller) = caller {
            let text = format!("{} ({}:{})", caller.function, caller.file, caller.line);
            if lock.shown.callers.len() < MAX_NAMED && !lock.shown.callers.contains(&text) {
                lock.shown.callers.push(text);
            }
        }
        if object != 0 && lock.objects.len() < MAX_NAMED && !lock.objects.contains(&object) {
            lock.objects.push(object);
        }
        if let Some(receiver) = caller.and_then(|f| receiver(f.function))
            && lock.types.len() < MAX_NAMED
            && lock.types.iter().all(|t| t != receiver)
        {
            lock.types.push(receiver.to_owned());
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
                let number = |name: &String| self.names.numbers.get(name.as_str());
                let types = lock.types.iter().filter_map(number).filter_map(|n| self.types.get(n));
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
    let end = memchr(b',', arguments.as_bytes()).unwrap_or(arguments.len());
    let first = &arguments[..end];
    let digits = first.trim_end_matches('?').strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

/// The first argument, if it can be the address of an object. Small numbers are values.
fn heap_address(arguments: &str) -> Option<u64> {
    address(arguments).filter(|a| *a >= 1 << 20)
}
