//! The first pass over a trace of v1: where the batches of each processor lie, the tables, the samples
//! of the profiler and the clock. Everything that a single event can have wrong is found here, so
//! that the passes after it decode without looking.

use hashbrown::{HashMap, HashSet};

use super::wire::{self, MAX_STACK, MAX_STRING, Raw, kind};
use crate::error::Error;
use crate::tables::{RawFrame, Tables};

/// Numbers that Go's reader gives to what happens on no real processor.
const TIMER_P: i32 = 1_000_001;
const NETPOLL_P: i32 = 1_000_002;
const SYSCALL_P: i32 = 1_000_003;
const GC_P: i32 = 1_000_004;
/// Under this number it keeps the samples of the profiler.
pub const PROFILE_P: i32 = 1_000_005;

/// The first places of [`Procs`].
pub const TIMER: u16 = 0;
pub const NETPOLL: u16 = 1;
pub const SYSCALL: u16 = 2;
pub const GC: u16 = 3;

/// An event in its place among all others, with what its bytes alone do not say.
#[derive(Clone, Copy)]
pub struct Record {
    /// Ticks, then nanoseconds.
    pub time: i64,
    pub goroutine: u64,
    /// Where its bytes begin.
    pub at: u32,
    /// A place in [`Procs`].
    pub proc: u16,
    pub kind: u8,
    /// Of a system call: whether it blocked.
    pub blocked: bool,
}

// There are as many as events: peak memory is what is promised.
const _: () = assert!(size_of::<Record>() == 24);

/// The numbers of processors.
pub struct Procs {
    pub numbers: Vec<i32>,
    places: HashMap<i32, u16>,
}

impl Procs {
    fn new() -> Self {
        let mut procs = Self { numbers: Vec::new(), places: HashMap::new() };
        for number in [TIMER_P, NETPOLL_P, SYSCALL_P, GC_P, PROFILE_P] {
            procs.place(number).expect("the first few have a place");
        }
        procs
    }

    pub fn place(&mut self, number: i32) -> Result<u16, &'static str> {
        if let Some(&place) = self.places.get(&number) {
            return Ok(place);
        }
        let place = u16::try_from(self.numbers.len());
        let place = place.map_err(|_| "more processors than a machine can have")?;
        self.numbers.push(number);
        self.places.insert(number, place);
        Ok(place)
    }
}

/// Events of one processor that follow each other in the file.
#[derive(Clone, Copy)]
pub struct Batch {
    /// Where the first event begins.
    pub start: u32,
    pub end: u32,
    /// The clock at its start.
    pub time: i64,
    /// Who ran when it began; 0 for nobody.
    pub goroutine: u64,
}

/// What the first pass found.
pub struct Index {
    pub procs: Procs,
    /// The batches of each processor, by its number.
    pub queues: Vec<(i32, Vec<Batch>)>,
    /// By time.
    pub samples: Vec<Record>,
    /// Goroutines that unblock others when their time has come.
    pub timers: HashSet<u64>,
    /// Nanoseconds a tick.
    pub scale: f64,
    /// How many events there are, samples included.
    pub events: usize,
    /// The highest id of a string.
    pub max_string: u64,
}

/// The batch being read.
struct Open {
    queue: usize,
    start: usize,
    time: i64,
    /// Who ran when it began, and who runs now.
    first: u64,
    goroutine: u64,
}

impl Index {
    /// Reads all of `tables.data` from `start` on. `version` is the minor version of the header.
    pub fn read(
        tables: &mut Tables,
        start: usize,
        version: u32,
        max_events: usize,
    ) -> Result<Self, Error> {
        let mut index = Self {
            procs: Procs::new(),
            queues: Vec::new(),
            samples: Vec::new(),
            timers: HashSet::new(),
            scale: 0.0,
            events: 0,
            max_string: 0,
        };
        let mut by_number: HashMap<i32, usize> = HashMap::new();
        // Who ran last on each processor.
        let mut running: HashMap<usize, u64> = HashMap::new();
        let mut open: Option<Open> = None;
        let mut at = start;
        while at < tables.data.len() {
            let malformed = |what| Error::Malformed { at: at as u64, what };
            let raw = wire::raw(&tables.data, at, version).map_err(malformed)?;
            if raw.kind == kind::BATCH {
                index.close(open.take(), at, &mut running);
                let [number, time] = wire::numbers(&tables.data, &raw).map_err(malformed)?[..]
                else {
                    return Err(malformed(wire::WRONG_COUNT));
                };
                let number = if number == u64::MAX { Ok(-1) } else { i32::try_from(number) };
                let number = number.map_err(|_| malformed("a processor's number is too large"))?;
                let queues = &mut index.queues;
                let queue = *by_number.entry(number).or_insert_with(|| {
                    queues.push((number, Vec::new()));
                    queues.len() - 1
                });
                let goroutine = running.get(&queue).copied().unwrap_or(0);
                open = Some(Open {
                    queue,
                    start: raw.next,
                    time: time as i64,
                    first: goroutine,
                    goroutine,
                });
            } else if let Some(open) = &mut open {
                index.add(tables, at, &raw, open).map_err(malformed)?;
                if index.events > max_events {
                    return Err(Error::TooManyEvents(max_events));
                }
            } else if raw.kind != kind::STRING {
                return Err(malformed("an event outside of a batch"));
            }
            at = raw.next;
        }
        index.close(open, at, &mut running);
        if index.scale == 0.0 {
            let what =
                "the speed of its clock is missing, which stands at the end of a whole trace";
            return Err(Error::Malformed { at: at as u64, what });
        }
        index.samples.sort_by_key(|sample| sample.time);
        Ok(index)
    }

    fn close(&mut self, open: Option<Open>, end: usize, running: &mut HashMap<usize, u64>) {
        let Some(open) = open else { return };
        running.insert(open.queue, open.goroutine);
        let (start, end) = (open.start as u32, end as u32);
        let batch = Batch { start, end, time: open.time, goroutine: open.first };
        self.queues[open.queue].1.push(batch);
    }

    fn add(
        &mut self,
        tables: &mut Tables,
        at: usize,
        raw: &Raw,
        open: &mut Open,
    ) -> Result<(), &'static str> {
        match raw.kind {
            kind::STRING => {
                let id = wire::numbers(&tables.data, raw)?[0];
                let length = raw.text.1 - raw.text.0;
                if length == 0 || length as u64 > MAX_STRING {
                    return Err("a string is empty or too long");
                }
                if !tables.add_string(id, raw.text.0, length as u32) {
                    return Err("two strings with one number, or one with the number 0");
                }
                self.max_string = self.max_string.max(id);
            }
            kind::STACK => add_stack(tables, &wire::numbers(&tables.data, raw)?)?,
            kind::FREQUENCY | kind::TIMER_GOROUTINE => {
                let [value] = wire::numbers(&tables.data, raw)?[..] else {
                    return Err(wire::WRONG_COUNT);
                };
                if raw.kind == kind::TIMER_GOROUTINE {
                    self.timers.insert(value);
                } else if value as i64 <= 0 {
                    return Err("the clock has no speed");
                } else {
                    self.scale = 1e9 / value as f64;
                }
            }
            kind::CPU_SAMPLE => {
                let arguments = wire::arguments(&tables.data, raw)?;
                if raw.count.is_some() {
                    return Err(wire::WRONG_COUNT);
                }
                let [time, number, goroutine, _] = arguments.args;
                let proc = self.procs.place(number as i32)?;
                let (time, at) = (time as i64, at as u32);
                let record = Record { time, goroutine, at, proc, kind: raw.kind, blocked: false };
                self.samples.push(record);
                self.events += 1;
            }
            _ => {
                let arguments = wire::arguments(&tables.data, raw)?;
                if raw.kind == kind::USER_LOG && (raw.text.1 - raw.text.0) as u64 > MAX_STRING {
                    return Err("a message is too long");
                }
                open.goroutine = after(raw.kind, arguments.args[0], open.goroutine);
                self.events += 1;
            }
        }
        Ok(())
    }
}

/// Who runs on a processor after an event there.
pub fn after(kind: u8, argument: u64, before: u64) -> u64 {
    match kind {
        kind::GO_START | kind::GO_START_LOCAL | kind::GO_START_LABEL => argument,
        kind::GO_END..=kind::GO_BLOCK
        | kind::GO_BLOCK_SEND..=kind::GO_BLOCK_NET
        | kind::GO_SYS_BLOCK
        | kind::GO_BLOCK_GC => 0,
        _ => before,
    }
}

fn add_stack(tables: &mut Tables, numbers: &[u64]) -> Result<(), &'static str> {
    let [id, size, frames @ ..] = numbers else { return Err(wire::WRONG_COUNT) };
    if *size > MAX_STACK {
        return Err("a stack is too deep");
    }
    if frames.len() as u64 != 4 * size {
        return Err("a stack has more or fewer frames than it says");
    }
    // Ids of stacks have 32 bits in Go's reader.
    let id = id & 0xffff_ffff;
    if id == 0 || frames.is_empty() {
        return Ok(());
    }
    for frame in frames.chunks_exact(4) {
        let (pc, function, file, line) = (frame[0], frame[1], frame[2], frame[3]);
        if !tables.add_frame(RawFrame { pc, function, file, line }) {
            return Err("more frames than a program can have");
        }
    }
    tables.replace_stack(id, *size as u32);
    Ok(())
}
