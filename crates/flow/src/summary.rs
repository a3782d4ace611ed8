//! What a function does to memory that others can see, in terms of its parameters, captured
//! variables and the package-level variables: the unit that travels from callee to caller.

use std::sync::Arc;

use go_ir::{FuncId, ValueId};
use go_types::{ObjId, TypeId};
use knowledge::{AccessKind, OriginKind};
use smallvec::SmallVec;
use source::FileSpan;

use crate::path::{Path, Root, Vals};
use crate::tokens::TokenList;

/// Most accesses that a summary keeps. A function beyond it (a generated giant) loses some.
pub const MAX_EVENTS: usize = 4_096;
/// Most goroutines that a summary keeps apart.
pub const MAX_THREADS: usize = 512;

/// A set of goroutine numbers of one summary.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ThreadSet(SmallVec<[u64; 1]>);

impl ThreadSet {
    /// Adds a number.
    pub fn insert(&mut self, n: u32) {
        let word = n as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (n % 64);
    }
    /// Whether the number is there.
    pub fn contains(&self, n: u32) -> bool {
        self.0.get(n as usize / 64).is_some_and(|w| w & (1 << (n % 64)) != 0)
    }
    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().enumerate().flat_map(|(i, &w)| {
            (0..64).filter(move |b| w & (1 << b) != 0).map(move |b| i as u32 * 64 + b)
        })
    }
    /// The same set with every number raised by `by`.
    #[must_use]
    pub fn shifted(&self, by: u32) -> Self {
        if self.0.is_empty() {
            return Self::default();
        }
        let (words, bits) = (by as usize / 64, by % 64);
        let mut out: SmallVec<[u64; 1]> = SmallVec::from_elem(0, words + self.0.len() + 1);
        for (i, &word) in self.0.iter().enumerate() {
            out[words + i] |= word << bits;
            if bits > 0 {
                out[words + i + 1] = word >> (64 - bits);
            }
        }
        Self(out).trimmed()
    }
    /// Adds all numbers of another set.
    pub fn add_all(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }
    /// The same set without a number.
    #[must_use]
    pub fn without(&self, n: u32) -> Self {
        let mut out = self.0.clone();
        if let Some(word) = out.get_mut(n as usize / 64) {
            *word &= !(1 << (n % 64));
        }
        Self(out).trimmed()
    }
    /// Equal sets have equally many words.
    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }
}

/// How a lock is held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LockMode {
    /// `RLock`: others may read at the same time.
    Read,
    /// `Lock`: nobody else holds it.
    Write,
    /// A channel's only place is taken (or its only value): others wait until it is given back.
    Place,
}

/// A lock that is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Held {
    /// Which lock.
    pub path: Path,
    /// How.
    pub mode: LockMode,
}

/// The locks held at some point.
pub type Locks = SmallVec<[Held; 2]>;

/// How a signal is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Via {
    /// A send: one receiver gets it.
    Send,
    /// A receive: what a sender on an unbuffered channel waits for.
    Receive,
    /// A close, the end of a group, a store: everybody who waits sees it.
    Broadcast,
    /// An unlock that hands a mutex over to somebody who has locked it twice.
    Handover,
}

/// Something that orders goroutines: a signal given, or one waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Token {
    /// The channel, wait group, once, atomic variable.
    pub path: Path,
    /// How the signal is given.
    pub via: Via,
    /// How often it is given or waited for; [`MANY`] in a loop, for every partner.
    pub count: u32,
}

/// The count of a [`Token`] in a loop.
pub const MANY: u32 = u32::MAX;

/// A signal that a function or goroutine gives, with what it has waited for by then: whoever sees
/// the signal comes after that too.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signal {
    /// The signal.
    pub token: Token,
    /// What was waited for before it is given.
    pub after: Tokens,
}

/// Most signals that are kept of one goroutine.
const MAX_SIGNALS: usize = 96;

/// Adds a signal; one that is there already is given on one way or the other, so only what both
/// have waited for is certain.
pub fn add_signal(signals: &mut Vec<Signal>, signal: Signal) {
    let same = |s: &Signal| s.token.path == signal.token.path && s.token.via == signal.token.via;
    if let Some(known) = signals.iter_mut().find(|s| same(s)) {
        if known.after != signal.after {
            known.after.retain(|t| signal.after.contains(t));
        }
        known.token.count = known.token.count.max(signal.token.count);
    } else if signals.len() < MAX_SIGNALS {
        signals.push(signal);
    }
}

/// Things that order goroutines.
pub type Tokens = SmallVec<[Token; 1]>;

/// The calls from a goroutine's start to some place, outermost first.
#[derive(Debug)]
pub struct Frame {
    /// The caller.
    pub func: FuncId,
    /// The call.
    pub call: FileSpan,
    /// How many frames there are from here on.
    depth: u32,
    /// The calls inside.
    pub next: Frames,
}

/// A chain of [`Frame`]s; `None` is the empty one.
pub type Frames = Option<Arc<Frame>>;

/// How many calls a chain has.
pub fn depth(frames: &Frames) -> u32 {
    frames.as_ref().map_or(0, |f| f.depth)
}

/// The longest chain of calls that is kept for display.
const MAX_FRAMES: u32 = 24;

/// `func` calls at `call`, and `inner` happens inside.
pub fn push_frame(func: FuncId, call: FileSpan, inner: &Frames) -> Frames {
    let depth = inner.as_ref().map_or(0, |f| f.depth);
    if depth >= MAX_FRAMES {
        return inner.clone();
    }
    Some(Arc::new(Frame { func, call, depth: depth + 1, next: inner.clone() }))
}

/// A place in the source and the way to it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The place.
    pub span: FileSpan,
    /// The function that it lies in.
    pub func: FuncId,
    /// The calls that lead there from the start of the goroutine.
    pub frames: Frames,
}

/// When something happens, as far as others can tell. Many accesses share one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Step {
    /// The goroutine of the summary that does it; `None` for the function's own.
    pub thread: Option<u32>,
    /// Where in the summarised function: the instruction, or the call that leads there, or the
    /// spawn of the goroutine. The same everywhere in a finished summary: callers do not need it.
    pub pos: ValueId,
    /// Goroutines that may run at the same time.
    pub parallel: ThreadSet,
    /// Locks held.
    pub locks: Locks,
    /// Whether a lock is held that has no path: then nothing is said about protection.
    pub unknown_lock: bool,
    /// What was waited for before.
    pub acquired: TokenList,
    /// What is signalled after.
    pub released: TokenList,
    /// Whether it happens in a goroutine that serves a request, or in one started by such.
    pub request: bool,
    /// The outermost goroutine around it of which many run at once, itself included.
    pub group: Option<u32>,
}

/// The number of a [`Step`] in its summary.
pub type StepId = u32;

/// Which elements of a slice, array or map an access concerns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// The place itself, not an element.
    Whole,
    /// The elements from the first number up to before the second; `x[i]` is one of them.
    Range(i64, i64),
    /// All elements: a loop, `copy`, a library function.
    All,
    /// Some element.
    Some,
    /// The free place behind the last element, which `append` fills.
    End,
}

/// Where an object was made: the innermost and the outermost function on the way out, with the
/// instruction that made it or called for it. Two accesses to what one instruction made, seen from
/// outside of its function, are of one activation (and judged there) or to two objects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Made {
    /// The function that made it.
    pub inner: (FuncId, ValueId),
    /// The last function that it came out of.
    pub outer: (FuncId, ValueId),
}

impl Made {
    /// Whether two accesses are to objects that one instruction made.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.inner == other.inner || self.outer == other.outer
    }
}

/// A read or write of an object.
#[derive(Clone, Debug)]
pub struct Event {
    /// What is accessed.
    pub path: Path,
    /// How.
    pub kind: AccessKind,
    /// The type of the map, or of the value that is read or written.
    pub ty: Option<TypeId>,
    /// Which elements, when the path ends in an element.
    pub part: Part,
    /// Whether the access is atomic.
    pub atomic: bool,
    /// Whether the path names a pointer and what it points to is accessed, not the place that
    /// holds the pointer.
    pub indirect: bool,
    /// Whether the object was taken out of a container: another goroutine of the same origin has
    /// another one.
    pub picked: bool,
    /// Whether it is a write that happens while something is nil which it sets: not a second time.
    pub once: bool,
    /// The method through whose value receiver the path leads.
    pub value_receiver: Option<FuncId>,
    /// Whether a mutex is held that is a copy made by passing its struct by value.
    pub copied_mutex: bool,
    /// Not an access but the return of the object to a pool: from here on others may have it.
    pub put: bool,
    /// Where the object was made, when that was inside what the summary speaks of.
    pub made: Option<Made>,
    /// The context key that the object was looked up by, when it was.
    pub context_key: Option<crate::path::CtxKey>,
    /// Where.
    pub site: Site,
    /// When: a number in [`Summary::steps`].
    pub step: StepId,
}

impl Event {
    /// Whether plain memory is accessed: the path is the place, not what is in it.
    pub fn is_plain(&self) -> bool {
        self.realm() == Realm::Memory && !self.put
    }

    /// Whether the path names the place that is accessed, rather than a pointer or map that leads
    /// there. An address that was passed is that of the place.
    pub fn is_slot(&self) -> bool {
        let is_address = self.path.elems.is_empty() && matches!(self.path.root, Root::Param(_));
        self.is_plain() && (!self.indirect || is_address)
    }

    /// Whether a map is accessed, rather than plain memory.
    pub fn is_map(&self) -> bool {
        self.realm() == Realm::Map
    }

    /// Whether a map or plain memory is accessed, rather than a channel or group.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.realm(), Realm::Map | Realm::Memory)
    }

    /// What sort of thing is accessed.
    pub fn realm(&self) -> Realm {
        match self.kind {
            AccessKind::Read | AccessKind::Write => Realm::Memory,
            AccessKind::ChanSend | AccessKind::ChanClose => Realm::Channel,
            AccessKind::GroupAdd | AccessKind::GroupWait => Realm::Group,
            _ => Realm::Map,
        }
    }
}

/// Sorts of things that are accessed: accesses of two sorts never conflict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Realm {
    /// A variable, field or element.
    Memory,
    /// What is in a map.
    Map,
    /// A channel: a send panics once it is closed, and so does another close.
    Channel,
    /// A `sync.WaitGroup`: adding to one at zero has to come before the wait.
    Group,
}

/// A call of a value that the function was given: resolved where the value is known.
#[derive(Clone, Debug)]
pub struct OpenCall {
    /// The function value, or the interface value whose method is called.
    pub callee: Path,
    /// The interface method, for a method call.
    pub method: Option<ObjId>,
    /// The arguments (with the receiver, for a method).
    pub args: Vec<Vals>,
    /// The number that stands for the goroutines which the call will turn out to start.
    pub starts: u32,
    /// Where.
    pub site: Site,
    /// When: a number in [`Summary::steps`].
    pub step: StepId,
}

/// How a goroutine is started.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Spawn {
    /// What it is.
    pub kind: OriginKind,
    /// Whether several run at once.
    pub many: bool,
}

/// A goroutine that the function starts, directly or in what it calls.
#[derive(Clone, Debug)]
pub struct Thread {
    /// What it is.
    pub kind: OriginKind,
    /// Where it is started: the `go` statement, the registration.
    pub start: FileSpan,
    /// The function that starts it.
    pub starter: FuncId,
    /// Whether several of it may run at once with the same surroundings.
    pub many: bool,
    /// The instruction of the summarised function that starts it or leads to its start.
    pub pos: ValueId,
    /// Others of the same summary that may run at the same time.
    pub parallel: ThreadSet,
    /// The calls that lead from the summarised function to the start.
    pub frames: Frames,
    /// The signals that it gives.
    pub signals: Arc<Vec<Signal>>,
    /// Whether it is over when the function that starts it returns.
    pub joined: bool,
    /// Whether it is over before the goroutine that started it is.
    pub nested: bool,
}

/// A value put where others can find it.
#[derive(Clone, Debug)]
pub struct StoreFact {
    /// The place.
    pub dest: Path,
    /// What may be there.
    pub vals: Vals,
}

/// The summary of a function.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// When things happen.
    pub steps: Vec<Step>,
    /// Accesses, the function's own and those of its goroutines.
    pub events: Vec<Event>,
    /// Calls that only callers can resolve.
    pub calls: Vec<OpenCall>,
    /// Goroutines started.
    pub threads: Vec<Thread>,
    /// Values stored into what the caller can see.
    pub stores: Vec<StoreFact>,
    /// What each result may be.
    pub results: Vec<Vals>,
    /// Locks taken and still held on return.
    pub acquires: Locks,
    /// Locks given back that the caller had taken.
    pub releases: Locks,
    /// What is signalled before the return.
    pub signals: Vec<Signal>,
    /// What was waited for before the return.
    pub waits: Tokens,
    /// Whether the first result comes out of a pool, as the last user left it.
    pub pooled: bool,
}

impl Summary {
    /// When an access happens.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id as usize]
    }

    /// Gives back the memory that it was made in and does not need.
    pub(crate) fn shrink(&mut self) {
        self.steps.shrink_to_fit();
        self.events.shrink_to_fit();
        self.calls.shrink_to_fit();
        self.threads.shrink_to_fit();
        self.stores.shrink_to_fit();
        self.signals.shrink_to_fit();
    }

    /// Whether calling the function tells the caller nothing.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.calls.is_empty()
            && self.threads.is_empty()
            && self.stores.is_empty()
            && self.results.iter().all(SmallVec::is_empty)
            && self.acquires.is_empty()
            && self.releases.is_empty()
            && self.signals.is_empty()
            && self.waits.is_empty()
    }
}
