//! What the model gives: stretches of time of goroutines and processors, and things that happened.
//! Times are nanoseconds of the trace's clock; ends are exclusive.

use crate::names::{NameId, Names, StackId};

/// What a goroutine does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum State {
    /// Runs on a processor.
    Running,
    /// Could run, and waits for a processor.
    Runnable,
    /// Waits for something else.
    Waiting,
    /// Is in a system call.
    Syscall,
}

impl State {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Running, Self::Runnable, Self::Waiting, Self::Syscall];

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Runnable => "runnable",
            Self::Waiting => "waiting",
            Self::Syscall => "syscall",
        }
    }
}

/// A goroutine did one thing for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GoSlice {
    /// The goroutine.
    pub goroutine: i64,
    /// The function that it was started in.
    pub function: NameId,
    /// What it did.
    pub state: State,
    /// From when.
    pub start: i64,
    /// Until when.
    pub end: i64,
    /// Why it waits or stopped running, in the runtime's words.
    pub reason: NameId,
    /// Where it stood: when it began to wait or entered the system call; where it stopped running.
    pub stack: StackId,
    /// The processor that it ran on, -1 for none.
    pub proc: i64,
    /// The goroutine that started or woke it, for a runnable one; -1 for none.
    pub by: i64,
    /// Whether it was so before the trace began.
    pub began_before: bool,
    /// Whether it was still so when the trace ended.
    pub open: bool,
    /// Whether it lies in the region that was asked for ([`crate::Model::within_region`]).
    pub in_region: bool,
}

/// A processor had a thread, or had none, for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProcSlice {
    /// The processor.
    pub proc: i64,
    /// Whether it had a thread.
    pub busy: bool,
    /// From when.
    pub start: i64,
    /// Until when.
    pub end: i64,
}

/// What a range is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum RangeKind {
    /// The world is stopped.
    StopTheWorld,
    /// The collector marks.
    Mark,
    /// A processor sweeps.
    Sweep,
    /// A goroutine has to help marking.
    MarkAssist,
}

impl RangeKind {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StopTheWorld => "stop the world",
            Self::Mark => "GC mark",
            Self::Sweep => "GC sweep",
            Self::MarkAssist => "GC mark assist",
        }
    }
}

/// The collector, or a stopped world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// What it is.
    pub kind: RangeKind,
    /// Why the world is stopped.
    pub reason: NameId,
    /// The goroutine, or the processor for a sweep; -1 for none.
    pub of: i64,
    /// From when.
    pub start: i64,
    /// Until when.
    pub end: i64,
}

/// A region of the program's own (`trace.StartRegion`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// The goroutine.
    pub goroutine: i64,
    /// Its name.
    pub name: NameId,
    /// Its task, 0 for none.
    pub task: u64,
    /// How many regions it lies in.
    pub depth: u32,
    /// From when.
    pub start: i64,
    /// Until when.
    pub end: i64,
}

/// A task of the program's own (`trace.NewTask`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: NameId,
    /// From when.
    pub start: i64,
    /// Until when.
    pub end: i64,
    /// Whether it was still going when the trace ended.
    pub open: bool,
}

/// A message of the program's own (`trace.Log`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Log {
    /// The goroutine.
    pub goroutine: i64,
    /// When.
    pub time: i64,
    /// Its category.
    pub category: NameId,
    /// Its message.
    pub message: NameId,
}

/// Takes what the model gives: each thing when it has ended.
pub trait Sink {
    /// A goroutine begins to do something else, or the trace ends.
    fn goroutine(&mut self, _slice: &GoSlice, _names: &Names) {}
    /// A goroutine is there: it was started (by `parent`, -1 for unknown), or the trace begins.
    fn appears(&mut self, _go: &Appearance, _names: &Names) {}
    /// A goroutine has ended; this was the last that it did.
    fn ended(&mut self, _last: &GoSlice, _names: &Names) {}
    /// A goroutine that has ended is not wanted: a filter's word instead of `ended`.
    fn unwanted(&mut self, _goroutine: i64) {}
    /// A processor got or lost its thread.
    fn processor(&mut self, _slice: &ProcSlice) {}
    /// A range has ended.
    fn range(&mut self, _range: &Range, _names: &Names) {}
    /// A region has ended.
    fn region(&mut self, _region: &Region, _names: &Names) {}
    /// A task has ended.
    fn task(&mut self, _task: &Task, _names: &Names) {}
    /// A message.
    fn log(&mut self, _log: &Log, _names: &Names) {}
    /// GOMAXPROCS or a size of the heap.
    fn metric(&mut self, _name: &'static str, _time: i64, _value: u64) {}
    /// The CPU profiler's.
    fn sample(&mut self, _goroutine: i64, _time: i64, _stack: StackId, _names: &Names) {}
}

/// A goroutine that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appearance {
    /// The goroutine.
    pub goroutine: i64,
    /// The function that it was started in, if it is known yet.
    pub function: NameId,
    /// When it was started; none if it was there before.
    pub created: Option<i64>,
    /// Who started it; -1 for unknown.
    pub parent: i64,
    /// Where it was started.
    pub stack: StackId,
}
