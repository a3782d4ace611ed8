//! A trace of any size in a few tables: memory follows the number of different functions, reasons
//! and names, not the trace.

use rustc_hash::FxHashMap;

use crate::histogram::Histogram;
use crate::names::{NameId, Names, StackId};
use crate::slice::{
    Appearance, GoSlice, Log, ProcSlice, Range, RangeKind, Region, Sink, State, Task,
};

/// So many of the longest blocks of a reason, and waits for a processor, are kept.
const LONGEST: usize = 5;

/// What was counted.
#[derive(Default)]
pub struct Summary {
    /// Goroutines by the function that they were started in.
    pub functions: ByName<Function>,
    /// Waiting by reason, in the runtime's words.
    pub blocks: ByName<Blocks>,
    /// System calls by the function that made them.
    pub syscalls: ByName<Blocks>,
    /// How long goroutines that could run waited for a processor.
    pub latency: Histogram,
    /// The longest of those waits, longest first.
    pub latest: Vec<GoSlice>,
    /// Processors, by number.
    pub procs: FxHashMap<i64, Processor>,
    /// The collector and stopped worlds, by kind and reason.
    pub ranges: FxHashMap<(RangeKind, NameId), Spans>,
    /// Regions by name.
    pub regions: FxHashMap<NameId, Spans>,
    /// Tasks by name.
    pub tasks: FxHashMap<NameId, Spans>,
    /// CPU samples by function.
    pub samples: FxHashMap<NameId, u64>,
    /// How many messages the program logged.
    pub logs: u64,
    /// Goroutines that were there, and that were started.
    pub goroutines: u64,
    /// The most that were alive at once.
    pub most_alive: u64,
    /// The last value of GOMAXPROCS.
    pub gomaxprocs: u64,
    /// The largest heap, in bytes.
    pub heap_peak: u64,
    alive: u64,
}

/// Values by name. Nearly each slice asks for one, so it is found without hashing.
#[derive(Clone, Debug)]
pub struct ByName<T> {
    entries: Vec<(NameId, T)>,
    /// One more than a name's place in `entries`; 0 for none.
    places: Vec<u32>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: Vec::new() }
    }
}

impl<T: Default> ByName<T> {
    /// The value of a name, which gets one if it has none.
    #[inline]
    pub fn entry(&mut self, name: NameId) -> &mut T {
        let at = name.0 as usize;
        if at >= self.places.len() {
            self.places.resize(at + 1, 0);
        }
        if self.places[at] == 0 {
            self.entries.push((name, T::default()));
            self.places[at] = self.entries.len() as u32;
        }
        &mut self.entries[self.places[at] as usize - 1].1
    }
}

impl<T> ByName<T> {
    /// All, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&NameId, &T)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }
}

/// Goroutines of one function.
#[derive(Clone, Copy, Default, Debug)]
pub struct Function {
    /// How many were seen.
    pub count: u64,
    /// Nanoseconds in each state, by [`State`]'s number.
    pub time: [i64; 4],
    /// How many were alive at the end.
    pub alive: u64,
}

/// Stretches of one kind, with the longest.
#[derive(Clone, Default, Debug)]
pub struct Blocks {
    /// All of them.
    pub spans: Spans,
    /// The longest, longest first.
    pub longest: Vec<GoSlice>,
}

/// Stretches of one kind.
#[derive(Clone, Copy, Default, Debug)]
pub struct Spans {
    /// How many.
    pub count: u64,
    /// Nanoseconds together.
    pub total: i64,
    /// The longest, in nanoseconds.
    pub max: i64,
}

/// What a processor did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Processor {
    /// Nanoseconds with a thread.
    pub busy: i64,
    /// Nanoseconds in which a goroutine ran.
    pub running: i64,
    /// How many times one began to.
    pub slices: u64,
}

impl Spans {
    fn add(&mut self, duration: i64) {
        self.count += 1;
        self.total = self.total.saturating_add(duration);
        self.max = self.max.max(duration);
    }
}

/// Keeps the longest, longest first; of equals the first.
fn keep(longest: &mut Vec<GoSlice>, slice: &GoSlice) {
    let duration = |s: &GoSlice| s.end - s.start;
    if longest.len() == LONGEST && duration(&longest[LONGEST - 1]) >= duration(slice) {
        return;
    }
    let at = longest.partition_point(|s| duration(s) >= duration(slice));
    longest.insert(at, *slice);
    longest.truncate(LONGEST);
}

impl Sink for Summary {
    fn goroutine(&mut self, slice: &GoSlice, names: &Names) {
        let duration = slice.end - slice.start;
        let function = self.functions.entry(slice.function);
        let time = &mut function.time[slice.state as usize];
        *time = time.saturating_add(duration);
        function.alive += u64::from(slice.open);
        match slice.state {
            State::Running => {
                let proc = self.procs.entry(slice.proc).or_default();
                proc.running = proc.running.saturating_add(duration);
                proc.slices += 1;
            }
            State::Runnable => {
                if !slice.open && !slice.began_before {
                    self.latency.add(duration);
                    keep(&mut self.latest, slice);
                }
            }
            State::Waiting => {
                let blocks = self.blocks.entry(slice.reason);
                blocks.spans.add(duration);
                keep(&mut blocks.longest, slice);
            }
            State::Syscall => {
                let blocks = self.syscalls.entry(caller(slice.stack, names));
                blocks.spans.add(duration);
                keep(&mut blocks.longest, slice);
            }
        }
        // A goroutine is counted when its last slice comes, since its function is known by then.
        if slice.open {
            self.functions.entry(slice.function).count += 1;
        }
    }

    fn appears(&mut self, _go: &Appearance, _names: &Names) {
        self.goroutines += 1;
        self.alive += 1;
        self.most_alive = self.most_alive.max(self.alive);
    }

    fn ended(&mut self, last: &GoSlice, _names: &Names) {
        self.functions.entry(last.function).count += 1;
        self.alive = self.alive.saturating_sub(1);
    }

    fn unwanted(&mut self, _goroutine: i64) {
        self.alive = self.alive.saturating_sub(1);
    }

    fn processor(&mut self, slice: &ProcSlice) {
        let proc = self.procs.entry(slice.proc).or_default();
        if slice.busy {
            proc.busy = proc.busy.saturating_add(slice.end - slice.start);
        }
    }

    fn range(&mut self, range: &Range, _names: &Names) {
        self.ranges.entry((range.kind, range.reason)).or_default().add(range.end - range.start);
    }

    fn region(&mut self, region: &Region, _names: &Names) {
        self.regions.entry(region.name).or_default().add(region.end - region.start);
    }

    fn task(&mut self, task: &Task, _names: &Names) {
        self.tasks.entry(task.name).or_default().add(task.end - task.start);
    }

    fn log(&mut self, _log: &Log, _names: &Names) {
        self.logs += 1;
    }

    fn metric(&mut self, name: &'static str, _time: i64, value: u64) {
        match name {
            "/sched/gomaxprocs:threads" => self.gomaxprocs = value,
            "/memory/classes/heap/objects:bytes" => self.heap_peak = self.heap_peak.max(value),
            _ => {}
        }
    }

    fn sample(&mut self, _goroutine: i64, _time: i64, stack: StackId, names: &Names) {
        if let Some(frame) = names.stack(stack).next() {
            *self.samples.entry(frame.function).or_default() += 1;
        }
    }
}

/// The innermost function that is not the runtime's or the system call's own.
pub(crate) fn caller(stack: StackId, names: &Names) -> NameId {
    let inner = ["runtime.", "syscall.", "internal/runtime/", "internal/poll."];
    let own = names
        .stack(stack)
        .find(|frame| !inner.iter().any(|p| names.text(frame.function).starts_with(p)));
    own.or_else(|| names.stack(stack).next()).map_or(NameId::NONE, |frame| frame.function)
}
