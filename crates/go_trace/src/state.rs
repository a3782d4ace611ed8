//! What ordering remembers of the traced program: its goroutines, processors and threads. Separate
//! from the rules of order, since how a goroutine is found decides the reader's speed.
//!
//! A trace can name things without end in few bytes each. [`Budget`] bounds what is open at once.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::wire::EventType as E;

pub const RUNNABLE: u8 = 1;
pub const RUNNING: u8 = 2;
pub const SYSCALL: u8 = 3;
pub const WAITING: u8 = 4;
/// Of a place in [`Gos`] that is free.
const GONE: u8 = 255;

pub const P_RUNNING: u8 = 1;
pub const P_IDLE: u8 = 2;
pub const P_SYSCALL: u8 = 3;
/// A processor that was taken from a thread of which nothing is known any more.
pub const P_ABANDONED: u8 = 4;

/// Goroutines, tasks, regions, threads and processors at one time, together: beyond any program, and
/// less than a gigabyte.
const MAX_OPEN: usize = 1 << 23;
/// Ranges of one goroutine or processor at one time. Programs have three kinds, each once.
const MAX_RANGES: usize = 64;

/// Counts what is open.
#[derive(Default)]
pub struct Budget(usize);

impl Budget {
    /// One thing more.
    pub fn open(&mut self) -> Result<(), &'static str> {
        if self.0 == MAX_OPEN {
            return Err("more goroutines, tasks and regions than a program can have");
        }
        self.0 += 1;
        Ok(())
    }

    /// So many less.
    pub fn close(&mut self, n: usize) {
        self.0 = self.0.saturating_sub(n);
    }
}

/// Generation and sequence number: only the very next one may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seq(pub u64, pub u64);

impl Seq {
    #[inline]
    pub fn follows(self, before: Self) -> bool {
        self.0 == before.0 && self.1 == before.1.wrapping_add(1)
    }
}

impl Seq {
    /// Whether it is later than `before`.
    pub fn is_newer(self, before: Self) -> bool {
        (self.0, self.1) > (before.0, before.1)
    }
}

/// A goroutine.
pub struct Go {
    pub id: i64,
    pub seq: Seq,
    /// Most have neither regions nor ranges.
    open: Option<Box<Open>>,
    pub status: u8,
}

const _: () = assert!(size_of::<Go>() == 40, "a cache line holds one and a half");

/// What has begun on a goroutine and not ended.
#[derive(Default)]
pub struct Open {
    /// Task and name.
    pub regions: Vec<(u64, Arc<[u8]>)>,
    pub ranges: Ranges,
}

impl Go {
    pub fn open(&mut self) -> &mut Open {
        self.open.get_or_insert_default()
    }
}

/// Places to guess at, a power of two.
const NEAR: usize = 1 << 12;

/// The goroutines by id. Ids go up one by one and those alive are mostly close to each other, so the
/// low bits of an id nearly always say where it is.
pub struct Gos {
    all: Vec<Go>,
    free: Vec<u32>,
    /// Where the last goroutine with these low bits was found.
    near: Box<[u32; NEAR]>,
    index: HashMap<i64, u32>,
}

impl Gos {
    pub fn new() -> Self {
        let (all, free) = (Vec::new(), Vec::new());
        Self { all, free, near: Box::new([0; NEAR]), index: HashMap::new() }
    }

    #[inline]
    pub fn find(&mut self, id: i64) -> Option<usize> {
        let guess = self.near[id as usize % NEAR] as usize;
        if self.is_at(guess, id) { Some(guess) } else { self.look_up(id) }
    }

    /// Whether the goroutine is in this place.
    #[inline]
    pub fn is_at(&self, at: usize, id: i64) -> bool {
        self.all.get(at).is_some_and(|go| go.id == id && go.status != GONE)
    }

    #[inline(never)]
    fn look_up(&mut self, id: i64) -> Option<usize> {
        let at = *self.index.get(&id)?;
        self.near[id as usize % NEAR] = at;
        Some(at as usize)
    }

    #[inline]
    pub fn at(&mut self, at: usize) -> &mut Go {
        &mut self.all[at]
    }

    pub fn add(
        &mut self,
        id: i64,
        status: u8,
        seq: Seq,
        budget: &mut Budget,
    ) -> Result<usize, &'static str> {
        budget.open()?;
        let go = Go { id, seq, open: None, status };
        let at = if let Some(at) = self.free.pop() {
            self.all[at as usize] = go;
            at
        } else {
            self.all.push(go);
            self.all.len() as u32 - 1
        };
        self.index.insert(id, at);
        self.near[id as usize % NEAR] = at;
        Ok(at as usize)
    }

    pub fn remove(&mut self, at: usize, budget: &mut Budget) {
        let go = &mut self.all[at];
        let regions = go.open.take().map_or(0, |open| open.regions.len());
        go.status = GONE;
        self.index.remove(&go.id);
        self.free.push(at as u32);
        budget.close(1 + regions);
    }
}

/// A processor.
pub struct Proc {
    pub id: i64,
    pub status: u8,
    pub seq: Seq,
    pub ranges: Ranges,
}

/// The processors by id.
#[derive(Default)]
pub struct Procs {
    all: Vec<Proc>,
    index: HashMap<i64, usize>,
}

impl Procs {
    /// Nearly always the first ones that the trace names are 0, 1, 2 ….
    #[inline]
    pub fn find(&self, id: i64) -> Option<usize> {
        match self.all.get(usize::try_from(id).unwrap_or(usize::MAX)) {
            Some(proc) if proc.id == id => Some(id as usize),
            _ => self.index.get(&id).copied(),
        }
    }

    #[inline]
    pub fn at(&mut self, at: usize) -> &mut Proc {
        &mut self.all[at]
    }

    pub fn add(
        &mut self,
        id: i64,
        status: u8,
        seq: Seq,
        budget: &mut Budget,
    ) -> Result<(), &'static str> {
        budget.open()?;
        self.index.insert(id, self.all.len());
        self.all.push(Proc { id, status, seq, ranges: Ranges::default() });
        Ok(())
    }
}

/// A thread: which goroutine and processor it has, with where the goroutine's state is.
pub struct Thread {
    pub id: i64,
    pub goroutine: i64,
    pub go: usize,
    pub proc: i64,
}

/// The threads by id. Place 0 stands for none.
pub struct Threads {
    all: Vec<Thread>,
    index: HashMap<i64, usize>,
}

impl Threads {
    pub fn new() -> Self {
        let nobody = Thread { id: -1, goroutine: -1, go: usize::MAX, proc: -1 };
        Self { all: vec![nobody], index: HashMap::new() }
    }

    pub fn find(&self, id: i64) -> Option<usize> {
        self.index.get(&id).copied()
    }

    #[inline]
    pub fn at(&mut self, at: usize) -> &mut Thread {
        &mut self.all[at]
    }

    pub fn add(&mut self, id: i64, budget: &mut Budget) -> Result<usize, &'static str> {
        budget.open()?;
        let at = self.all.len();
        self.all.push(Thread { id, goroutine: -1, go: usize::MAX, proc: -1 });
        self.index.insert(id, at);
        Ok(at)
    }

    /// Changes all threads; how many there are.
    pub fn release(&mut self, change: impl FnMut(&mut Thread)) -> u64 {
        self.all[1..].iter_mut().for_each(change);
        self.all.len() as u64
    }

    /// The first thread that has the processor, and how many were looked at.
    pub fn owner(&self, proc: i64) -> (Option<&Thread>, u64) {
        (self.all[1..].iter().find(|thread| thread.proc == proc), self.all.len() as u64)
    }
}

/// Ranges that have begun, by the type of the event that begins them, with the reason.
#[derive(Default)]
pub struct Ranges(Vec<(E, u64)>);

impl Ranges {
    pub fn begin(&mut self, kind: E, reason: u64) -> Result<(), &'static str> {
        if self.0.contains(&(kind, reason)) {
            return Err("the range has begun already");
        }
        if self.0.len() == MAX_RANGES {
            return Err("more ranges than can be open");
        }
        self.0.push((kind, reason));
        Ok(())
    }

    /// The range is told to be open; in the first generation that is news.
    pub fn active(&mut self, kind: E, first: bool) -> Result<(), &'static str> {
        match (first, self.0.contains(&(kind, 0))) {
            (true, true) => Err("the range was known already"),
            (false, false) => Err("the range has not begun"),
            (true, false) => self.begin(kind, 0),
            (false, true) => Ok(()),
        }
    }

    /// The reason with which it began.
    pub fn end(&mut self, kind: E) -> Result<u64, &'static str> {
        let at = self.0.iter().position(|r| r.0 == kind).ok_or("the range has not begun")?;
        Ok(self.0.swap_remove(at).1)
    }
}
