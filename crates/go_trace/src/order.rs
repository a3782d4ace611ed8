//! The order of events of different threads. Each event says by its type, and by a sequence number
//! of the goroutine or processor that it is about, what must have happened before it; [`Order`]
//! keeps the state of all goroutines, processors and threads and lets an event pass, holds it back,
//! or finds a contradiction. Here are the five types of which traces consist nearly alone; all
//! others are in `rare`.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::event::Event;
use crate::state::{
    Budget, Gos, P_RUNNING, P_SYSCALL, Procs, RUNNABLE, RUNNING, SYSCALL, Seq, Threads, WAITING,
};
use crate::tables::Tables;
use crate::wire::EventType as E;

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is next, as it is.
    Plain,
    /// It is next; what it stands for is in `Order::out`.
    Passed,
    /// Something else has to come first.
    Held,
}

pub type Verdict = Result<Step, &'static str>;

/// An event as a thread has it.
#[derive(Clone, Copy)]
pub struct Raw {
    pub kind: E,
    pub time: i64,
    pub args: [u64; 4],
}

/// Who has an event: the place of the thread in `Order::threads`, and what it had just before.
#[derive(Clone, Copy)]
pub struct Context {
    pub thread: usize,
    pub proc: i64,
    pub goroutine: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gc {
    Unknown,
    Off,
    On,
}

/// Whether an event needs something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    No,
    May,
    Must,
}

/// The state of the program that the trace is of, at the point reached.
pub struct Order {
    /// The events that the last one of [`Step::Passed`] stands for, in order.
    pub out: [Event; 3],
    /// How many of them there are.
    pub len: usize,
    /// Things looked at one by one, which costs time: the reader keeps count.
    pub work: u64,
    pub(crate) gos: Gos,
    pub(crate) procs: Procs,
    pub(crate) threads: Threads,
    pub(crate) tasks: HashMap<u64, (u64, Arc<[u8]>)>,
    /// Names of regions and tasks of this generation by id: one may be in use a million times.
    pub(crate) names: HashMap<u64, Arc<[u8]>>,
    pub(crate) budget: Budget,
    pub(crate) gc: Gc,
    pub(crate) gc_seq: u64,
    /// Number of this generation.
    pub(crate) generation: u64,
    /// Whether it is the first one with events.
    pub(crate) first: bool,
    /// Number of that one, or 0.
    start: u64,
}

const NOTHING: Event =
    Event { kind: E(0), time: 0, thread: -1, proc: -1, goroutine: -1, args: [0; 4] };

impl Order {
    pub fn new() -> Self {
        Self {
            out: [NOTHING; 3],
            len: 0,
            work: 0,
            gos: Gos::new(),
            procs: Procs::default(),
            threads: Threads::new(),
            tasks: HashMap::new(),
            names: HashMap::new(),
            budget: Budget::default(),
            gc: Gc::Unknown,
            gc_seq: 0,
            generation: 0,
            first: true,
            start: 0,
        }
    }

    /// Goes on to a generation that has events.
    pub fn begin(&mut self, generation: u64) {
        if self.start == 0 {
            self.start = generation;
        }
        self.first = generation == self.start;
        self.generation = generation;
        self.names.clear();
    }

    /// What a thread has now. `place` is where its state is: `usize::MAX` at first, filled in here.
    #[inline]
    pub fn context(&mut self, id: i64, place: &mut usize) -> Result<Context, &'static str> {
        if *place == usize::MAX {
            *place = self.enter(id)?;
        }
        let thread = self.threads.at(*place);
        Ok(Context { thread: *place, proc: thread.proc, goroutine: thread.goroutine })
    }

    #[inline(never)]
    fn enter(&mut self, id: i64) -> Result<usize, &'static str> {
        match self.threads.find(id) {
            _ if id == -1 => Ok(0),
            Some(place) => Ok(place),
            None => self.threads.add(id, &mut self.budget),
        }
    }

    /// Tries to let an event pass. After an error or when it is held nothing has changed, unless the
    /// error is a contradiction within the event itself.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called from two places, of which one is the hot loop"
    )]
    pub fn advance(&mut self, raw: &Raw, cx: Context, id: i64, tables: &mut Tables) -> Verdict {
        let [a, b, ..] = raw.args;
        match raw.kind {
            E::GO_START => {
                let seq = Seq(self.generation, b);
                let Some(at) = self.gos.find(a as i64) else { return Ok(Step::Held) };
                let go = self.gos.at(at);
                if go.status != RUNNABLE || !seq.follows(go.seq) {
                    return Ok(Step::Held);
                }
                check(cx, Need::Must, Need::No)?;
                go.status = RUNNING;
                go.seq = seq;
                self.bind(cx, a as i64, at);
                Ok(Step::Plain)
            }
            E::GO_BLOCK | E::GO_STOP => {
                let at = self.running(cx, RUNNING)?;
                self.gos.at(at).status = if raw.kind == E::GO_BLOCK { WAITING } else { RUNNABLE };
                self.bind(cx, -1, usize::MAX);
                Ok(Step::Plain)
            }
            E::GO_UNBLOCK => {
                let seq = Seq(self.generation, b);
                let Some(at) = self.gos.find(a as i64) else { return Ok(Step::Held) };
                let go = self.gos.at(at);
                if go.status != WAITING || !seq.follows(go.seq) {
                    return Ok(Step::Held);
                }
                go.status = RUNNABLE;
                go.seq = seq;
                Ok(Step::Plain)
            }
            E::GO_SYSCALL_BEGIN => {
                let at = self.running(cx, RUNNING)?;
                let proc = self.procs.find(cx.proc).ok_or("its processor does not exist")?;
                let (proc, seq) = (self.procs.at(proc), Seq(self.generation, a));
                if !seq.follows(proc.seq) {
                    return Err("the processor's sequence number does not follow");
                }
                proc.status = P_SYSCALL;
                proc.seq = seq;
                self.gos.at(at).status = SYSCALL;
                Ok(Step::Plain)
            }
            E::GO_SYSCALL_END => {
                let at = self.running(cx, SYSCALL)?;
                let proc = self.procs.find(cx.proc).ok_or("its processor does not exist")?;
                let proc = self.procs.at(proc);
                if proc.status != P_SYSCALL {
                    return Err("its processor is not in a system call");
                }
                proc.status = P_RUNNING;
                self.gos.at(at).status = RUNNING;
                Ok(Step::Plain)
            }
            _ => self.rare(raw, cx, id, tables),
        }
    }

    /// The state of the goroutine that the thread runs.
    #[inline]
    pub(crate) fn current(&mut self, cx: Context) -> Option<usize> {
        let at = self.threads.at(cx.thread).go;
        if self.gos.is_at(at, cx.goroutine) { Some(at) } else { self.gos.find(cx.goroutine) }
    }

    /// The running goroutine, for events that need one with thread and processor.
    #[inline]
    pub(crate) fn running(&mut self, cx: Context, status: u8) -> Result<usize, &'static str> {
        check(cx, Need::Must, Need::Must)?;
        let at = self.current(cx).ok_or("its goroutine does not exist")?;
        if self.gos.at(at).status != status {
            return Err("its goroutine is in another state");
        }
        Ok(at)
    }

    #[inline]
    pub(crate) fn bind(&mut self, cx: Context, goroutine: i64, go: usize) {
        if cx.thread != 0 {
            let thread = self.threads.at(cx.thread);
            (thread.goroutine, thread.go) = (goroutine, go);
        }
    }

    pub(crate) fn bind_proc(&mut self, cx: Context, proc: i64) {
        if cx.thread != 0 {
            self.threads.at(cx.thread).proc = proc;
        }
    }
}

/// Whether the thread has what the event needs. All events but those of no thread need a thread.
#[inline]
pub(crate) fn check(cx: Context, proc: Need, goroutine: Need) -> Result<(), &'static str> {
    if cx.thread == 0 {
        return Err("it has no thread");
    }
    match proc {
        Need::Must if cx.proc == -1 => return Err("its thread has no processor"),
        Need::No if cx.proc != -1 => return Err("its thread has a processor already"),
        _ => {}
    }
    match goroutine {
        Need::Must if cx.goroutine == -1 => Err("its thread runs no goroutine"),
        Need::No if cx.goroutine != -1 => Err("its thread runs a goroutine already"),
        _ => Ok(()),
    }
}
