//! Events as the reader gives them, and what they mean.

use crate::tables::{Clock, Tables};
use crate::wire::{EventType, SPECS};

/// The thread of an event that has none.
pub const NO_THREAD: i64 = -1;
/// The processor of an event that has none.
pub const NO_PROC: i64 = -1;
/// The goroutine of an event that has none.
pub const NO_GOROUTINE: i64 = -1;
/// The parent of a task that has none.
pub const NO_TASK: u64 = u64::MAX;

/// One event, in its place among all others. What it refers to is in the reader's tables until the
/// next event is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its type.
    pub kind: EventType,
    /// Nanoseconds; grows strictly from event to event.
    pub time: i64,
    /// The thread (M) that it happened on, or [`NO_THREAD`].
    pub thread: i64,
    /// The processor (P) that the thread had just before, or [`NO_PROC`].
    pub proc: i64,
    /// The goroutine that ran just before, or [`NO_GOROUTINE`].
    pub goroutine: i64,
    /// The arguments as the trace has them, and what ordering found out; `details` explains them.
    pub args: [u64; 4],
}

/// What a goroutine does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GoState {
    /// Not known: it was there before the trace.
    Undetermined,
    /// Not there.
    NotExist,
    /// Waits for a processor.
    Runnable,
    /// Runs.
    Running,
    /// Waits for something else.
    Waiting,
    /// In a system call.
    Syscall,
}

/// What a processor does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProcState {
    /// Not known: it was there before the trace.
    Undetermined,
    /// Not there.
    NotExist,
    /// Has a thread.
    Running,
    /// Has none.
    Idle,
}

/// What a range of time belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// The whole program.
    Global,
    /// A goroutine.
    Goroutine(i64),
    /// A processor.
    Proc(i64),
}

/// What happens during a range of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RangeName<'a> {
    /// The world is stopped, for this reason.
    StopTheWorld(&'a [u8]),
    /// The collector marks.
    Mark,
    /// A processor sweeps.
    Sweep,
    /// A goroutine has to help marking.
    MarkAssist,
}

/// What an event says. Strings are as the program wrote them, perhaps not UTF-8.
#[derive(Clone, Copy, PartialEq, Debug)]
#[expect(missing_docs, reason = "the fields are named as in Go's documentation of `trace.Event`")]
pub enum Details<'a> {
    /// A generation begins, or (the last one) the trace ends.
    Sync { n: u64, clock: Option<Clock> },
    /// GOMAXPROCS, or bytes of the heap in use, or the heap's goal in bytes.
    Metric { name: &'static str, value: u64 },
    /// `pprof`-like label of the running goroutine.
    Label(&'a [u8]),
    /// A sample of the CPU profiler; `stack` is an id.
    Sample { stack: u64 },
    /// A range begins.
    RangeBegin { name: RangeName<'a>, scope: Scope },
    /// A range that began earlier is still on.
    RangeActive { name: RangeName<'a>, scope: Scope },
    /// A range ends; of a sweep, the bytes swept and reclaimed.
    RangeEnd { name: RangeName<'a>, scope: Scope, swept: Option<(u64, u64)> },
    /// `trace.NewTask`.
    TaskBegin { id: u64, parent: u64, name: &'a [u8] },
    /// `Task.End`.
    TaskEnd { id: u64, parent: u64, name: &'a [u8] },
    /// `trace.StartRegion`.
    RegionBegin { task: u64, name: &'a [u8] },
    /// `Region.End`.
    RegionEnd { task: u64, name: &'a [u8] },
    /// `trace.Log`.
    Log { task: u64, category: &'a [u8], message: &'a [u8] },
    /// A goroutine changes what it does; `stack` is the id of its own stack.
    Goroutine { id: i64, from: GoState, to: GoState, reason: &'a [u8], stack: u64 },
    /// A processor changes what it does.
    Proc { id: i64, from: ProcState, to: ProcState },
    /// An event of an experiment, unchecked.
    Experimental,
}

impl GoState {
    /// From the wire's number; none for those that no Go writes.
    pub(crate) fn of_status(status: u64) -> Option<Self> {
        // 0, "bad", is let through by Go's reader as undetermined.
        [Self::Undetermined, Self::Runnable, Self::Running, Self::Syscall, Self::Waiting]
            .get(usize::try_from(status).ok()?)
            .copied()
    }
}

impl ProcState {
    /// From the wire's number; none for those that no Go writes.
    pub(crate) fn of_status(status: u64) -> Option<Self> {
        [Self::Undetermined, Self::Running, Self::Idle, Self::Running, Self::Idle]
            .get(usize::try_from(status).ok()?)
            .copied()
    }

    fn of_number(number: u64) -> Self {
        match number {
            1 => Self::NotExist,
            2 => Self::Running,
            3 => Self::Idle,
            _ => Self::Undetermined,
        }
    }
}

impl Event {
    /// The id of the stack of whoever ran, 0 for none.
    pub fn stack(&self) -> u64 {
        if self.kind == EventType::CPU_SAMPLE {
            return self.args[0];
        }
        SPECS[self.kind.0 as usize].stacks.first().map_or(0, |&i| self.args[i as usize])
    }

    /// What it says. `tables` are those of the reader that gave it, before the next event.
    pub fn details<'a>(&self, tables: &'a Tables) -> Details<'a> {
        use EventType as E;
        use GoState::{NotExist, Runnable, Running, Syscall, Waiting};
        let [a, b, c, d] = self.args;
        let go = |id: u64, from, to| Details::Goroutine {
            id: id as i64,
            from,
            to,
            reason: b"",
            stack: 0,
        };
        let me = self.goroutine as u64;
        let proc = |id: u64, from, to| Details::Proc { id: id as i64, from, to };
        let begin = |name, scope| Details::RangeBegin { name, scope };
        let active = |name, scope| Details::RangeActive { name, scope };
        let end = |name, scope| Details::RangeEnd { name, scope, swept: None };
        let stopped = RangeName::StopTheWorld(tables.string(a));
        let (on_me, on_proc) = (Scope::Goroutine(self.goroutine), Scope::Proc(self.proc));
        match self.kind {
            E::GENERATION => {
                Details::Sync { n: a, clock: if b == 1 { tables.clock() } else { None } }
            }
            E::CPU_SAMPLE => Details::Sample { stack: a },
            E::PROCS_CHANGE => Details::Metric { name: "/sched/gomaxprocs:threads", value: a },
            E::HEAP_ALLOC => {
                Details::Metric { name: "/memory/classes/heap/objects:bytes", value: a }
            }
            E::HEAP_GOAL => Details::Metric { name: "/gc/heap/goal:bytes", value: a },
            E::GO_LABEL => Details::Label(tables.string(a)),
            E::STW_BEGIN => begin(stopped, on_me),
            E::STW_END => end(stopped, on_me),
            E::GC_BEGIN => begin(RangeName::Mark, Scope::Global),
            E::GC_ACTIVE => active(RangeName::Mark, Scope::Global),
            E::GC_END => end(RangeName::Mark, Scope::Global),
            E::GC_SWEEP_BEGIN => begin(RangeName::Sweep, on_proc),
            E::GC_SWEEP_ACTIVE => active(RangeName::Sweep, Scope::Proc(a as i64)),
            E::GC_SWEEP_END => {
                Details::RangeEnd { name: RangeName::Sweep, scope: on_proc, swept: Some((a, b)) }
            }
            E::GC_MARK_ASSIST_BEGIN => begin(RangeName::MarkAssist, on_me),
            E::GC_MARK_ASSIST_ACTIVE => active(RangeName::MarkAssist, Scope::Goroutine(a as i64)),
            E::GC_MARK_ASSIST_END => end(RangeName::MarkAssist, on_me),
            E::USER_TASK_BEGIN => Details::TaskBegin { id: a, parent: b, name: tables.string(c) },
            E::USER_TASK_END => Details::TaskEnd { id: a, parent: c, name: tables.extra(d) },
            E::USER_REGION_BEGIN => Details::RegionBegin { task: a, name: tables.string(b) },
            E::USER_REGION_END => Details::RegionEnd { task: a, name: tables.string(b) },
            E::USER_LOG => {
                Details::Log { task: a, category: tables.string(b), message: tables.string(c) }
            }
            E::PROC_START => proc(a, ProcState::Idle, ProcState::Running),
            E::PROC_STOP => proc(self.proc as u64, ProcState::Running, ProcState::Idle),
            // What was abandoned counts as idle, as in the status event.
            E::PROC_STEAL if d == 4 => proc(a, ProcState::Idle, ProcState::Idle),
            E::PROC_STEAL => proc(a, ProcState::Running, ProcState::Idle),
            E::PROC_STATUS => {
                let to = ProcState::of_status(b).unwrap_or(ProcState::Undetermined);
                proc(a, ProcState::of_number(c), to)
            }
            E::GO_CREATE | E::GO_CREATE_BLOCKED => Details::Goroutine {
                id: a as i64,
                from: NotExist,
                to: if self.kind == E::GO_CREATE { Runnable } else { Waiting },
                reason: b"",
                stack: b,
            },
            E::GO_CREATE_SYSCALL => go(a, NotExist, Syscall),
            E::GO_START => go(a, Runnable, Running),
            E::GO_DESTROY => go(me, Running, NotExist),
            E::GO_DESTROY_SYSCALL => go(me, Syscall, NotExist),
            E::GO_STOP | E::GO_BLOCK => Details::Goroutine {
                id: self.goroutine,
                from: Running,
                to: if self.kind == E::GO_STOP { Runnable } else { Waiting },
                reason: tables.string(a),
                stack: b,
            },
            E::GO_UNBLOCK | E::GO_SWITCH | E::GO_SWITCH_DESTROY => go(a, Waiting, Runnable),
            E::GO_SYSCALL_BEGIN => Details::Goroutine {
                id: self.goroutine,
                from: Running,
                to: Syscall,
                reason: b"",
                stack: self.stack(),
            },
            E::GO_SYSCALL_END => go(me, Syscall, Running),
            E::GO_SYSCALL_END_BLOCKED => go(me, Syscall, Runnable),
            E::GO_STATUS | E::GO_STATUS_STACK => {
                let to = GoState::of_status(c & 0xffff_ffff).unwrap_or(GoState::Undetermined);
                Details::Goroutine {
                    id: a as i64,
                    from: if c >> 32 == 0 { GoState::Undetermined } else { to },
                    to,
                    reason: b"",
                    stack: self.stack(),
                }
            }
            _ => Details::Experimental,
        }
    }
}
