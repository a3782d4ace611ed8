//! The order of events of different threads. Each event says by its type, and by a sequence number
//! of the goroutine or processor that it is about, what must have happened before it; [`Order`]
//! keeps the state of all goroutines, processors and threads and lets an event pass, holds it back,
//! or finds a contradiction.

use rustc_hash::FxHashMap;

use crate::event::{Event, GoState, NO_TASK, ProcState};
use crate::tables::Tables;
use crate::wire::EventType as E;

const RUNNABLE: u8 = 1;
const RUNNING: u8 = 2;
const SYSCALL: u8 = 3;
const WAITING: u8 = 4;

const P_RUNNING: u8 = 1;
const P_IDLE: u8 = 2;
const P_SYSCALL: u8 = 3;
/// A processor that was taken from a thread of which nothing is known any more.
const P_ABANDONED: u8 = 4;

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is next; it and what it implies are in `Order::out`.
    Passed,
    /// Something else has to come first.
    Held,
}

type Verdict = Result<Step, &'static str>;

/// Generation and sequence number: only the very next one may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seq(u64, u64);

impl Seq {
    #[inline]
    fn follows(self, before: Self) -> bool {
        self.0 == before.0 && self.1 == before.1.wrapping_add(1)
    }
}

struct Go {
    id: i64,
    status: u8,
    alive: bool,
    seq: Seq,
    regions: Vec<(u64, Box<[u8]>)>,
    ranges: Vec<(E, u64)>,
}

struct Proc {
    id: i64,
    status: u8,
    seq: Seq,
    ranges: Vec<(E, u64)>,
}

/// A thread: which goroutine and processor it has, with where their states are.
struct Thread {
    goroutine: i64,
    go: usize,
    proc: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gc {
    Unknown,
    Off,
    On,
}

/// Whether an event needs something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    No,
    May,
    Must,
}

/// The state of the program that the trace is of, at the point reached.
pub struct Order {
    /// The events that the last passed one stands for, in order.
    pub out: [Event; 3],
    /// How many of them there are.
    pub len: usize,
    gos: Vec<Go>,
    free: Vec<usize>,
    go_index: FxHashMap<i64, usize>,
    procs: Vec<Proc>,
    proc_index: FxHashMap<i64, usize>,
    threads: Vec<Thread>,
    thread_index: FxHashMap<i64, usize>,
    tasks: FxHashMap<u64, (u64, Box<[u8]>)>,
    gc: Gc,
    gc_seq: u64,
    first: u64,
}

const NOTHING: Event =
    Event { kind: E(0), time: 0, thread: -1, proc: -1, goroutine: -1, args: [0; 4] };

impl Order {
    pub fn new() -> Self {
        Self {
            out: [NOTHING; 3],
            len: 0,
            gos: Vec::new(),
            free: Vec::new(),
            go_index: FxHashMap::default(),
            procs: Vec::new(),
            proc_index: FxHashMap::default(),
            threads: Vec::new(),
            thread_index: FxHashMap::default(),
            tasks: FxHashMap::default(),
            gc: Gc::Unknown,
            gc_seq: 0,
            first: 0,
        }
    }

    /// Tries to let `event` of its thread pass. The processor and goroutine are filled in here, and
    /// `slot`, where the thread's state is; `usize::MAX` at first.
    #[inline]
    pub fn advance(
        &mut self,
        event: &Event,
        slot: &mut usize,
        generation: u64,
        tables: &mut Tables,
    ) -> Verdict {
        self.len = 0;
        if self.first == 0 {
            self.first = generation;
        }
        let mut event = *event;
        if event.thread == -1 {
            return self.step(&mut event, None, generation, tables);
        }
        if *slot == usize::MAX {
            let known = self.thread_index.get(&event.thread).copied();
            *slot = known.unwrap_or_else(|| self.add_thread(event.thread, -1));
        }
        let thread = *slot;
        event.proc = self.threads[thread].proc;
        event.goroutine = self.threads[thread].goroutine;
        self.step(&mut event, Some(thread), generation, tables)
    }

    fn add_thread(&mut self, id: i64, goroutine: i64) -> usize {
        let at = self.threads.len();
        self.threads.push(Thread { goroutine, go: usize::MAX, proc: -1 });
        self.thread_index.insert(id, at);
        at
    }

    #[inline]
    fn push(&mut self, event: &Event) {
        self.out[self.len] = *event;
        self.len += 1;
    }

    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "it ends most arms of `step`")]
    fn pass(&mut self, event: &Event) -> Verdict {
        self.push(event);
        Ok(Step::Passed)
    }

    /// The state of the goroutine that the thread runs.
    #[inline]
    fn current(&self, thread: Option<usize>, id: i64) -> Option<usize> {
        if let Some(thread) = thread {
            let at = self.threads[thread].go;
            if self.gos.get(at).is_some_and(|go| go.id == id && go.alive) {
                return Some(at);
            }
        }
        self.go_index.get(&id).copied()
    }

    fn proc_at(&self, id: i64) -> Option<usize> {
        match self.procs.get(usize::try_from(id).unwrap_or(usize::MAX)) {
            Some(proc) if proc.id == id => Some(id as usize),
            _ => self.proc_index.get(&id).copied(),
        }
    }

    fn add_go(&mut self, id: i64, status: u8, seq: Seq) -> usize {
        let at = if let Some(at) = self.free.pop() {
            let go = &mut self.gos[at];
            (go.id, go.status, go.alive, go.seq) = (id, status, true, seq);
            go.regions.clear();
            go.ranges.clear();
            at
        } else {
            let (regions, ranges) = (Vec::new(), Vec::new());
            self.gos.push(Go { id, status, alive: true, seq, regions, ranges });
            self.gos.len() - 1
        };
        self.go_index.insert(id, at);
        at
    }

    fn remove_go(&mut self, at: usize) {
        self.gos[at].alive = false;
        self.go_index.remove(&self.gos[at].id);
        self.free.push(at);
    }

    fn bind(&mut self, thread: Option<usize>, goroutine: i64, go: usize) {
        if let Some(thread) = thread {
            self.threads[thread].goroutine = goroutine;
            self.threads[thread].go = go;
        }
    }

    fn bind_proc(&mut self, thread: Option<usize>, proc: i64) {
        if let Some(thread) = thread {
            self.threads[thread].proc = proc;
        }
    }

    /// The running goroutine, for events that need one with thread and processor.
    #[inline]
    fn running(
        &self,
        event: &Event,
        thread: Option<usize>,
        status: u8,
    ) -> Result<usize, &'static str> {
        check(event, Need::Must, Need::Must)?;
        let at = self.current(thread, event.goroutine).ok_or("its goroutine does not exist")?;
        if self.gos[at].status != status {
            return Err("its goroutine is in another state");
        }
        Ok(at)
    }

    fn step(
        &mut self,
        event: &mut Event,
        thread: Option<usize>,
        generation: u64,
        tables: &mut Tables,
    ) -> Verdict {
        match event.kind {
            E::GO_START => {
                let (id, seq) = (event.args[0] as i64, Seq(generation, event.args[1]));
                let Some(&at) = self.go_index.get(&id) else { return Ok(Step::Held) };
                let go = &mut self.gos[at];
                if go.status != RUNNABLE || !seq.follows(go.seq) {
                    return Ok(Step::Held);
                }
                check(event, Need::Must, Need::No)?;
                go.status = RUNNING;
                go.seq = seq;
                self.bind(thread, id, at);
                self.pass(event)
            }
            E::GO_BLOCK | E::GO_STOP | E::GO_DESTROY => {
                let at = self.running(event, thread, RUNNING)?;
                match event.kind {
                    E::GO_BLOCK => self.gos[at].status = WAITING,
                    E::GO_STOP => self.gos[at].status = RUNNABLE,
                    _ => self.remove_go(at),
                }
                self.bind(thread, -1, usize::MAX);
                self.pass(event)
            }
            E::GO_UNBLOCK => {
                let seq = Seq(generation, event.args[1]);
                let Some(&at) = self.go_index.get(&(event.args[0] as i64)) else {
                    return Ok(Step::Held);
                };
                let go = &mut self.gos[at];
                if go.status != WAITING || !seq.follows(go.seq) {
                    return Ok(Step::Held);
                }
                go.status = RUNNABLE;
                go.seq = seq;
                self.pass(event)
            }
            E::GO_SYSCALL_BEGIN => {
                let at = self.running(event, thread, RUNNING)?;
                let proc = self.proc_at(event.proc).ok_or("its processor does not exist")?;
                let seq = Seq(generation, event.args[0]);
                if !seq.follows(self.procs[proc].seq) {
                    return Err("the processor's sequence number does not follow");
                }
                self.gos[at].status = SYSCALL;
                self.procs[proc].status = P_SYSCALL;
                self.procs[proc].seq = seq;
                self.pass(event)
            }
            E::GO_SYSCALL_END => {
                let at = self.running(event, thread, SYSCALL)?;
                let proc = self.proc_at(event.proc).ok_or("its processor does not exist")?;
                if self.procs[proc].status != P_SYSCALL {
                    return Err("its processor is not in a system call");
                }
                self.gos[at].status = RUNNING;
                self.procs[proc].status = P_RUNNING;
                self.pass(event)
            }
            E::GO_SYSCALL_END_BLOCKED => {
                if event.proc != -1 {
                    let proc = self.proc_at(event.proc).ok_or("its processor does not exist")?;
                    if self.procs[proc].status == P_SYSCALL {
                        return Ok(Step::Held);
                    }
                }
                check(event, Need::May, Need::Must)?;
                let at = self.in_syscall(event, thread)?;
                self.gos[at].status = RUNNABLE;
                self.bind(thread, -1, usize::MAX);
                self.pass(event)
            }
            E::GO_CREATE | E::GO_CREATE_BLOCKED => {
                check(event, Need::Must, Need::May)?;
                if let Some(at) = self.current(thread, event.goroutine)
                    && self.gos[at].status != RUNNING
                {
                    return Err("its goroutine is in another state");
                }
                let id = event.args[0] as i64;
                if self.go_index.contains_key(&id) {
                    return Err("the new goroutine exists already");
                }
                let status = if event.kind == E::GO_CREATE { RUNNABLE } else { WAITING };
                self.add_go(id, status, Seq(generation, 0));
                self.pass(event)
            }
            E::GO_CREATE_SYSCALL => {
                check(event, Need::May, Need::No)?;
                let id = event.args[0] as i64;
                if self.go_index.contains_key(&id) {
                    return Err("the new goroutine exists already");
                }
                let at = self.add_go(id, SYSCALL, Seq(generation, 0));
                self.bind(thread, id, at);
                self.pass(event)
            }
            E::GO_DESTROY_SYSCALL => self.destroy_in_syscall(event, thread),
            E::GO_SWITCH | E::GO_SWITCH_DESTROY => self.switch(event, thread, generation),
            E::GO_STATUS | E::GO_STATUS_STACK => self.go_status(event, thread, generation),
            E::PROC_START => {
                let (id, seq) = (event.args[0] as i64, Seq(generation, event.args[1]));
                let Some(at) = self.proc_at(id) else { return Ok(Step::Held) };
                let proc = &mut self.procs[at];
                if proc.status != P_IDLE || !seq.follows(proc.seq) || event.proc != -1 {
                    return Ok(Step::Held);
                }
                check(event, Need::No, Need::May)?;
                proc.status = P_RUNNING;
                proc.seq = seq;
                self.bind_proc(thread, id);
                self.pass(event)
            }
            E::PROC_STOP => {
                let at = self.proc_at(event.proc).ok_or("its processor does not exist")?;
                let proc = &mut self.procs[at];
                if proc.status != P_RUNNING && proc.status != P_SYSCALL {
                    return Err("its processor is in another state");
                }
                check(event, Need::Must, Need::May)?;
                proc.status = P_IDLE;
                self.bind_proc(thread, -1);
                self.pass(event)
            }
            E::PROC_STEAL => self.steal(event, thread, generation),
            E::PROC_STATUS => self.proc_status(event, thread, generation),
            E::PROCS_CHANGE | E::GO_LABEL | E::USER_LOG => {
                check(event, Need::Must, Need::Must)?;
                self.pass(event)
            }
            E::HEAP_ALLOC | E::HEAP_GOAL => {
                check(event, Need::Must, Need::May)?;
                self.pass(event)
            }
            E::STW_BEGIN | E::GC_MARK_ASSIST_BEGIN => {
                check(event, Need::Must, Need::Must)?;
                let reason = if event.kind == E::STW_BEGIN { event.args[0] } else { 0 };
                let at =
                    self.current(thread, event.goroutine).ok_or("its goroutine does not exist")?;
                begin(&mut self.gos[at].ranges, (event.kind, reason))?;
                self.pass(event)
            }
            E::STW_END | E::GC_MARK_ASSIST_END => {
                check(event, Need::Must, Need::Must)?;
                let at =
                    self.current(thread, event.goroutine).ok_or("its goroutine does not exist")?;
                let ranges = &mut self.gos[at].ranges;
                if event.kind == E::STW_END {
                    event.args[0] = end(ranges, E::STW_BEGIN)?;
                } else {
                    end(ranges, E::GC_MARK_ASSIST_BEGIN)?;
                }
                self.pass(event)
            }
            E::GC_MARK_ASSIST_ACTIVE => {
                let at = self.go_index.get(&(event.args[0] as i64));
                let at = *at.ok_or("its goroutine does not exist")?;
                let first = generation == self.first;
                active(&mut self.gos[at].ranges, E::GC_MARK_ASSIST_BEGIN, first)?;
                self.pass(event)
            }
            E::GC_SWEEP_BEGIN | E::GC_SWEEP_END => {
                check(event, Need::Must, Need::May)?;
                let at = self.proc_at(event.proc).ok_or("its processor does not exist")?;
                let ranges = &mut self.procs[at].ranges;
                if event.kind == E::GC_SWEEP_BEGIN {
                    begin(ranges, (E::GC_SWEEP_BEGIN, 0))?;
                } else {
                    end(ranges, E::GC_SWEEP_BEGIN)?;
                }
                self.pass(event)
            }
            E::GC_SWEEP_ACTIVE => {
                let at =
                    self.proc_at(event.args[0] as i64).ok_or("its processor does not exist")?;
                let first = generation == self.first;
                active(&mut self.procs[at].ranges, E::GC_SWEEP_BEGIN, first)?;
                self.pass(event)
            }
            E::GC_ACTIVE | E::GC_BEGIN | E::GC_END => self.collector(event, generation),
            E::USER_TASK_BEGIN | E::USER_TASK_END => self.task(event, tables),
            E::USER_REGION_BEGIN | E::USER_REGION_END => self.region(event, thread, tables),
            kind if kind.is_experimental() && !kind.arguments().is_empty() => {
                check(event, Need::May, Need::May)?;
                self.pass(event)
            }
            _ => Err("no event of a thread"),
        }
    }

    fn in_syscall(&self, event: &Event, thread: Option<usize>) -> Result<usize, &'static str> {
        let at = self.current(thread, event.goroutine).ok_or("its goroutine does not exist")?;
        if self.gos[at].status != SYSCALL {
            return Err("its goroutine is in another state");
        }
        Ok(at)
    }

    /// A goroutine of a callback from C goes away. Its thread loses its processor, too: the system
    /// may use the thread's number again.
    fn destroy_in_syscall(&mut self, event: &mut Event, thread: Option<usize>) -> Verdict {
        check(event, Need::May, Need::Must)?;
        let at = self.in_syscall(event, thread)?;
        if event.proc != -1 {
            let proc = self.proc_at(event.proc).ok_or("its processor does not exist")?;
            if self.procs[proc].status != P_SYSCALL {
                return Err("its processor is not in a system call");
            }
            self.procs[proc].status = P_ABANDONED;
            self.bind_proc(thread, -1);
            let args = [event.proc as u64, 0, 0, u64::from(P_SYSCALL)];
            self.push(&Event { kind: E::PROC_STEAL, args, ..*event });
        }
        self.remove_go(at);
        self.bind(thread, -1, usize::MAX);
        self.pass(event)
    }

    /// `iter.Pull` and the like: the next goroutine is woken, this one stops, the next one starts.
    fn switch(&mut self, event: &mut Event, thread: Option<usize>, generation: u64) -> Verdict {
        let at = self.running(event, thread, RUNNING)?;
        let (id, seq) = (event.args[0] as i64, Seq(generation, event.args[1]));
        let Some(&next) = self.go_index.get(&id) else { return Ok(Step::Held) };
        if self.gos[next].status != WAITING || !seq.follows(self.gos[next].seq) {
            return Ok(Step::Held);
        }
        self.push(event);
        if event.kind == E::GO_SWITCH {
            self.gos[at].status = WAITING;
            self.push(&Event { kind: E::GO_BLOCK, args: [0; 4], ..*event });
        } else {
            self.remove_go(at);
            self.push(&Event { kind: E::GO_DESTROY, args: [0; 4], ..*event });
        }
        self.gos[next].status = RUNNING;
        self.gos[next].seq = seq;
        self.bind(thread, id, next);
        let args = [event.args[0], event.args[1], 0, 0];
        self.pass(&Event { kind: E::GO_START, goroutine: -1, args, ..*event })
    }

    fn go_status(&mut self, event: &mut Event, thread: Option<usize>, generation: u64) -> Verdict {
        let [id, of, status, _] = event.args;
        let (id, of) = (id as i64, of as i64);
        if GoState::of_status(status).is_none() {
            return Err("a goroutine state that there is not");
        }
        let known = self.go_index.get(&id).copied();
        let at = match known {
            Some(at) => {
                if u64::from(self.gos[at].status) != status {
                    return Err("the goroutine is in another state");
                }
                self.gos[at].seq = Seq(generation, 0);
                at
            }
            None if generation == self.first => self.add_go(id, status as u8, Seq(generation, 0)),
            None => return Err("a new goroutine's state after the first generation"),
        };
        event.args[2] = status | u64::from(known.is_some()) << 32;
        match status as u8 {
            RUNNING => self.bind(thread, id, at),
            SYSCALL if of == -1 => return Err("a system call without a thread"),
            SYSCALL if of == event.thread => {
                if generation != self.first && event.goroutine != id {
                    return Err("the thread of the system call has another goroutine");
                }
                self.bind(thread, id, at);
            }
            SYSCALL => {
                // Both have been in the system call all the time.
                if let Some(&other) = self.thread_index.get(&of) {
                    if self.threads[other].goroutine != id {
                        return Err("the thread of the system call has another goroutine");
                    }
                    event.goroutine = id;
                } else {
                    let other = self.add_thread(of, id);
                    self.threads[other].go = at;
                }
                event.thread = of;
            }
            _ => {}
        }
        self.pass(event)
    }

    fn proc_status(
        &mut self,
        event: &mut Event,
        thread: Option<usize>,
        generation: u64,
    ) -> Verdict {
        let (id, mut status) = (event.args[0] as i64, event.args[1]);
        let Some(state) = ProcState::of_status(status) else {
            return Err("a processor state that there is not");
        };
        let mut from = state as u64;
        let abandoned = status == u64::from(P_ABANDONED);
        let mut promoted = false;
        if let Some(at) = self.proc_at(id) {
            let old = self.procs[at].status;
            if abandoned && old == P_SYSCALL {
                // What was lost is known after all.
                (from, promoted) = (ProcState::Running as u64, true);
                event.args[1] = u64::from(P_SYSCALL);
            } else if u64::from(old) != status {
                return Err("the processor is in another state");
            }
            self.procs[at].seq = Seq(generation, 0);
        } else {
            let seq = Seq(generation, 0);
            let at = self.procs.len();
            self.procs.push(Proc { id, status: status as u8, seq, ranges: Vec::new() });
            self.proc_index.insert(id, at);
            let first = generation == self.first;
            from = if first { ProcState::Undetermined } else { ProcState::NotExist } as u64;
        }
        event.args[2] = from;
        if promoted {
            // It belongs to the thread that is about to lose the processor.
            let owner = self.threads.iter().position(|t| t.proc == id);
            let owner = owner.ok_or("no thread has the processor that is about to be taken")?;
            let found = self.thread_index.iter().find(|&(_, &at)| at == owner);
            event.thread = found.map_or(-1, |(&thread, _)| thread);
            event.proc = id;
            event.goroutine = self.threads[owner].goroutine;
            status = u64::from(P_ABANDONED);
        }
        if status == u64::from(P_RUNNING) || status == u64::from(P_SYSCALL) {
            self.bind_proc(thread, id);
        }
        self.pass(event)
    }

    fn steal(&mut self, event: &mut Event, thread: Option<usize>, generation: u64) -> Verdict {
        let (id, seq) = (event.args[0] as i64, Seq(generation, event.args[1]));
        let Some(at) = self.proc_at(id) else { return Ok(Step::Held) };
        let old = self.procs[at].status;
        if (old != P_SYSCALL && old != P_ABANDONED) || !seq.follows(self.procs[at].seq) {
            return Ok(Step::Held);
        }
        check(event, Need::May, Need::May)?;
        let from = event.args[2] as i64;
        event.args[3] = u64::from(old);
        self.procs[at].status = P_IDLE;
        self.procs[at].seq = seq;
        if old == P_ABANDONED {
            return self.pass(event);
        }
        if from == event.thread {
            if event.proc != id {
                return Err("the thread does not have the processor that it gives up");
            }
            self.bind_proc(thread, -1);
            return self.pass(event);
        }
        let other = self.thread_index.get(&from).ok_or("the robbed thread does not exist")?;
        if self.threads[*other].proc != id {
            return Err("the robbed thread does not have the processor");
        }
        self.threads[*other].proc = -1;
        self.pass(event)
    }

    /// Both ends of a collection carry sequence numbers: they may be on different threads.
    fn collector(&mut self, event: &mut Event, generation: u64) -> Verdict {
        let seq = event.args[0];
        let start = match event.kind {
            E::GC_ACTIVE if generation == self.first => {
                if self.gc != Gc::Unknown {
                    return Err("the collector was known already");
                }
                true
            }
            E::GC_BEGIN => self.gc == Gc::Unknown,
            _ => false,
        };
        if start {
            self.gc = Gc::On;
            self.gc_seq = seq;
            return self.pass(event);
        }
        if seq != self.gc_seq.wrapping_add(1) {
            return Ok(Step::Held);
        }
        let on = self.gc == Gc::On;
        if on == (event.kind == E::GC_BEGIN) {
            return Err("the collector is in another state");
        }
        self.gc_seq = seq;
        self.gc = if event.kind == E::GC_END { Gc::Off } else { Gc::On };
        check(event, Need::Must, Need::Must)?;
        self.pass(event)
    }

    fn task(&mut self, event: &mut Event, tables: &mut Tables) -> Verdict {
        let id = event.args[0];
        if event.kind == E::USER_TASK_BEGIN {
            if self.tasks.contains_key(&id) {
                return Err("the task has begun already");
            }
            if event.args[1] == 0 {
                event.args[1] = NO_TASK;
            }
            if !tables.has_string(event.args[2]) {
                return Err("a string that is not there");
            }
            check(event, Need::Must, Need::Must)?;
            self.tasks.insert(id, (event.args[1], tables.string(event.args[2]).into()));
        } else {
            check(event, Need::Must, Need::Must)?;
            // Its name may be of an earlier generation.
            let (parent, name) = self.tasks.remove(&id).unwrap_or((NO_TASK, Box::default()));
            event.args[2] = parent;
            event.args[3] = tables.add_extra(&name);
        }
        self.pass(event)
    }

    fn region(&mut self, event: &mut Event, thread: Option<usize>, tables: &Tables) -> Verdict {
        check(event, Need::Must, Need::Must)?;
        let [task, name, ..] = event.args;
        if !tables.has_string(name) {
            return Err("a string that is not there");
        }
        let at = self.current(thread, event.goroutine).ok_or("its goroutine does not exist")?;
        let regions = &mut self.gos[at].regions;
        let name = tables.string(name);
        if event.kind == E::USER_REGION_BEGIN {
            regions.push((task, name.into()));
        } else if let Some(last) = regions.last() {
            if last.0 != task || *last.1 != *name {
                return Err("another region is the innermost one");
            }
            regions.pop();
        }
        self.pass(event)
    }
}

/// Whether the thread has what the event needs. All events but those of no thread need a thread.
#[inline]
fn check(event: &Event, proc: Need, goroutine: Need) -> Result<(), &'static str> {
    if event.thread == -1 {
        return Err("it has no thread");
    }
    match proc {
        Need::Must if event.proc == -1 => return Err("its thread has no processor"),
        Need::No if event.proc != -1 => return Err("its thread has a processor already"),
        _ => {}
    }
    match goroutine {
        Need::Must if event.goroutine == -1 => Err("its thread runs no goroutine"),
        Need::No if event.goroutine != -1 => Err("its thread runs a goroutine already"),
        _ => Ok(()),
    }
}

fn begin(ranges: &mut Vec<(E, u64)>, range: (E, u64)) -> Result<(), &'static str> {
    if ranges.contains(&range) {
        return Err("the range has begun already");
    }
    ranges.push(range);
    Ok(())
}

fn active(ranges: &mut Vec<(E, u64)>, kind: E, first: bool) -> Result<(), &'static str> {
    match (first, ranges.contains(&(kind, 0))) {
        (true, true) => Err("the range was known already"),
        (false, false) => Err("the range has not begun"),
        (true, false) => {
            ranges.push((kind, 0));
            Ok(())
        }
        (false, true) => Ok(()),
    }
}

fn end(ranges: &mut Vec<(E, u64)>, kind: E) -> Result<u64, &'static str> {
    let at = ranges.iter().position(|r| r.0 == kind).ok_or("the range has not begun")?;
    Ok(ranges.swap_remove(at).1)
}
