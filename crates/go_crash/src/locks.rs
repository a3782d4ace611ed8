//! Who waits for which lock, and who probably holds it, as far as a dump shows. A goroutine in
//! `sync.(*Mutex).lockSlow(0xc000…)` waits for the lock at that address. Go does not record holders;
//! but a method that takes a lock of its receiver has the receiver's address as an argument, and so
//! has whoever is inside another method of it. Arguments are a hint: registers may be stale (Go marks
//! those with `?`). Without a common address, whoever is inside a method of the same type is named.

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
    objects: FxHashMap<u64, Vec<Holder>>,
    types: FxHashMap<String, Vec<Holder>>,
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
            let holder = || Holder {
                goroutine: stack.id,
                function: frame.function.to_owned(),
                place: format!("{}:{}", frame.file, frame.line),
                state: stack.state().to_owned(),
                same_object: false,
            };
            // Who waits for this very object's lock holds it only by mistake.
            if let Some(object) = heap_address(frame.arguments)
                && waits.is_none_or(|w| w.1 != object)
                && (self.objects.len() < MAX_KEYS || self.objects.contains_key(&object))
            {
                let holders = self.objects.entry(object).or_default();
                add(holders, stack.id, || Holder { same_object: true, ..holder() });
            }
            if let Some(receiver) = receiver(frame.function)
                && waits.is_none()
            {
                if let Some(holders) = self.types.get_mut(receiver) {
                    add(holders, stack.id, holder);
                } else if self.types.len() < MAX_KEYS {
                    self.types.insert(receiver.to_owned(), vec![holder()]);
                }
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
        // The outermost address: a RWMutex is what matters, not the Mutex in it.
        let address = frames[first..last].iter().rev().find_map(|f| address(f.arguments))?;
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

    /// The locks with most waiters first.
    pub(crate) fn finish(&self) -> Vec<Contended> {
        let mut all: Vec<Contended> = Vec::new();
        for lock in self.waited.values() {
            let mut shown = lock.shown.clone();
            for holder in
                lock.objects.iter().filter_map(|object| self.objects.get(object)).flatten()
            {
                add(&mut shown.holders, holder.goroutine, || holder.clone());
            }
            if shown.holders.is_empty() {
                for holder in lock.types.iter().filter_map(|t| self.types.get(t)).flatten() {
                    add(&mut shown.holders, holder.goroutine, || holder.clone());
                }
            }
            all.push(shown);
        }
        all.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.address.cmp(&b.address)));
        all
    }
}

/// Names a goroutine once, as long as there is room.
fn add(holders: &mut Vec<Holder>, goroutine: u64, holder: impl FnOnce() -> Holder) {
    if holders.len() < MAX_NAMED && holders.iter().all(|h| h.goroutine != goroutine) {
        holders.push(holder());
    }
}

/// The receiver type of a method with a pointer receiver: `main.(*Store[...])`.
fn receiver(function: &str) -> Option<&str> {
    let open = function.find(".(*")?;
    let close = function[open..].find(").")?;
    Some(&function[..=open + close])
}

/// The first argument, if it is a number.
fn address(arguments: &str) -> Option<u64> {
    let first = arguments.split(", ").next()?;
    let digits = first.trim_end_matches('?').strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

/// The first argument, if it can be the address of an object. Small numbers are values.
fn heap_address(arguments: &str) -> Option<u64> {
    address(arguments).filter(|a| *a >= 1 << 20)
}
