//! The reader: generation after generation, each merged from its threads' events.

use std::io::Read;

use crate::error::Error;
use crate::event::Event;
use crate::generation::{Batch, Generation, Outcome, nanoseconds};
use crate::input::Input;
use crate::order::{Order, Step};
use crate::tables::Tables;
use crate::wire::{EventType, SPECS, varint};

/// How strict the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As Go's reader: what is not whole is an error.
    Strict,
    /// The complete batches of a generation that is cut off are given too, as far as they can be
    /// put in order. Whole generations are as strict as ever.
    Salvage,
}

/// What was saved of a generation that is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Salvage {
    /// Number of the generation.
    pub generation: u64,
    /// Events left out: what they follow from is missing.
    pub dropped: u64,
}

/// Reads a trace from `R`, which needs no buffer of its own.
pub struct Reader<R> {
    input: Input<R>,
    version: u32,
    mode: Mode,
    tables: Tables,
    generation: Generation,
    order: Order,
    cursors: Vec<Cursor>,
    /// Threads by the time of their next event: a binary heap, the earliest first.
    heap: Vec<(i64, u32)>,
    sample: usize,
    given: usize,
    last: i64,
    syncs: u64,
    state: State,
    /// What is wrong with what follows this generation.
    then: Option<Error>,
    salvage: Option<Salvage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Another generation may follow.
    More,
    /// This is the last one.
    Last,
    /// All has been given.
    Done,
}

struct Cursor {
    batches: Vec<Batch>,
    next: usize,
    pos: usize,
    end: usize,
    time: i64,
    event: Event,
    /// Where `Order` has the thread's state.
    slot: usize,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn new(read: R, mode: Mode) -> Result<Self, Error> {
        let mut input = Input::new(read);
        let mut tables = Tables::default();
        let whole = input.want(&mut tables.data, 16)?;
        let digits = tables.data.get(..16).filter(|_| whole).and_then(|head| {
            let digits = head.strip_prefix(b"go 1.")?.strip_suffix(b" trace\0\0\0")?;
            std::str::from_utf8(digits).ok()?.parse::<u32>().ok()
        });
        let version = match digits.ok_or(Error::NotATrace)? {
            version @ (22 | 23 | 25 | 26) => version,
            old if old < 22 => return Err(Error::OldVersion(old)),
            unknown => return Err(Error::UnknownVersion(unknown)),
        };
        input.pos = 16;
        Ok(Self {
            input,
            version,
            mode,
            tables,
            generation: Generation::default(),
            order: Order::new(),
            cursors: Vec::new(),
            heap: Vec::new(),
            sample: 0,
            given: 0,
            last: 0,
            syncs: 0,
            state: State::More,
            then: None,
            salvage: None,
        })
    }

    /// The minor version of the header: 22, 23, 25 or 26.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the events of this generation refer to.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// What was saved of the last generation, once it has been reached in [`Mode::Salvage`].
    pub fn salvage(&self) -> Option<Salvage> {
        self.salvage
    }

    /// The next event, none at the end. After an error there is nothing more.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        let mut event = if self.given < self.order.len {
            self.given += 1;
            self.order.out[self.given - 1]
        } else if self.heap.is_empty() && self.sample == self.generation.samples.len() {
            match self.next_generation() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.state = State::Done;
                    return Err(error);
                }
            }
        } else {
            match self.merge() {
                Ok(Some(event)) => event,
                // Nothing of a torn generation was left.
                Ok(None) => return self.next_event(),
                Err(error) => return Err(self.stop(error)),
            }
        };
        if let Err(error) = self.check_ids(&event) {
            return Err(self.stop(error));
        }
        if event.time <= self.last {
            event.time = self.last.wrapping_add(1);
        }
        self.last = event.time;
        Ok(Some(event))
    }

    fn stop(&mut self, error: Error) -> Error {
        self.heap.clear();
        self.sample = self.generation.samples.len();
        self.given = self.order.len;
        self.state = State::Done;
        error
    }

    fn sync(&mut self, time: i64, has_tables: bool) -> Event {
        self.syncs += 1;
        let args = [self.syncs, u64::from(has_tables), 0, 0];
        let kind = EventType::GENERATION;
        Event { kind, time, thread: -1, proc: -1, goroutine: -1, args }
    }

    fn next_generation(&mut self) -> Result<Option<Event>, Error> {
        match self.state {
            State::Done => return self.then.take().map_or(Ok(None), Err),
            State::Last => {
                self.state = State::Done;
                return Ok(Some(self.sync(self.last, false)));
            }
            State::More => {}
        }
        let outcome = self.generation.read(&mut self.input, &mut self.tables, self.version);
        match outcome {
            Ok(Outcome::Whole { more, then }) => {
                let go_on = more && then.is_none();
                self.state = if go_on { State::More } else { State::Last };
                if self.mode == Mode::Strict || !then.as_ref().is_some_and(Error::is_torn) {
                    self.then = then;
                } else {
                    self.salvage = Some(Salvage { generation: self.generation.number, dropped: 0 });
                }
            }
            Ok(Outcome::Torn(_)) if self.mode == Mode::Salvage => {
                self.state = State::Last;
                self.salvage = Some(Salvage { generation: self.generation.number, dropped: 0 });
            }
            Ok(Outcome::End) => {
                self.generation = Generation::default();
                self.state = State::Done;
                return Ok(Some(self.sync(self.last, false)));
            }
            Ok(Outcome::Torn(error)) | Err(error) => {
                // As Go's reader has it: the mark comes first, then the error.
                self.generation = Generation::default();
                self.then = Some(error);
                self.state = State::Done;
                return Ok(Some(self.sync(self.last, false)));
            }
        }
        self.install()?;
        let start = nanoseconds(self.generation.min_time, self.generation.scale);
        Ok(Some(self.sync(start, true)))
    }

    fn install(&mut self) -> Result<(), Error> {
        self.cursors.clear();
        self.heap.clear();
        self.sample = 0;
        for (thread, batches) in std::mem::take(&mut self.generation.threads) {
            let event = Event {
                kind: EventType(0),
                time: 0,
                thread,
                proc: -1,
                goroutine: -1,
                args: [0; 4],
            };
            let mut cursor =
                Cursor { batches, next: 0, pos: 0, end: 0, time: 0, event, slot: usize::MAX };
            match cursor.advance(&self.tables.data, self.generation.scale) {
                Ok(true) => {
                    self.heap.push((cursor.event.time, self.cursors.len() as u32));
                    self.cursors.push(cursor);
                }
                Err(what) if self.salvage.is_none() => {
                    return Err(inconsistent(&self.generation, &cursor.event, what));
                }
                Ok(false) | Err(_) => {}
            }
            let last = self.heap.len().saturating_sub(1);
            sift_up(&mut self.heap, last);
        }
        Ok(())
    }

    /// The next event of all threads.
    fn merge(&mut self) -> Result<Option<Event>, Error> {
        if let Some(&sample) = self.generation.samples.get(self.sample)
            && self.heap.first().is_none_or(|&(time, _)| sample.time < time)
        {
            self.sample += 1;
            return Ok(Some(sample));
        }
        while !self.heap.is_empty() {
            if self.try_thread(0)? {
                self.given = 1;
                return Ok(Some(self.order.out[0]));
            }
            self.heap.sort_by_key(|&(time, _)| time);
            for i in 1..self.heap.len() {
                if self.try_thread(i)? {
                    self.given = 1;
                    return Ok(Some(self.order.out[0]));
                }
            }
            let Some(salvage) = &mut self.salvage else {
                return Err(Error::Stuck { generation: self.generation.number });
            };
            salvage.dropped += 1;
            self.refresh(0)?;
        }
        Ok(None)
    }

    /// Lets the thread's next event pass if it may.
    fn try_thread(&mut self, i: usize) -> Result<bool, Error> {
        let cursor = &mut self.cursors[self.heap[i].1 as usize];
        let number = self.generation.number;
        match self.order.advance(&cursor.event, &mut cursor.slot, number, &mut self.tables) {
            Ok(Step::Passed) => {
                self.refresh(i)?;
                Ok(true)
            }
            Ok(Step::Held) => Ok(false),
            Err(_) if self.salvage.is_some() => {
                self.order.len = 0;
                Ok(false)
            }
            Err(what) => Err(inconsistent(&self.generation, &cursor.event, what)),
        }
    }

    /// Moves to the thread's next event.
    fn refresh(&mut self, i: usize) -> Result<(), Error> {
        let cursor = &mut self.cursors[self.heap[i].1 as usize];
        let more = match cursor.advance(&self.tables.data, self.generation.scale) {
            Ok(more) => more,
            Err(_) if self.salvage.is_some() => false,
            Err(what) => return Err(inconsistent(&self.generation, &cursor.event, what)),
        };
        if more {
            self.heap[i].0 = cursor.event.time;
            if sift_up(&mut self.heap, i) == i {
                sift_down(&mut self.heap, i);
            }
        } else {
            remove(&mut self.heap, i);
        }
        Ok(())
    }

    #[inline]
    fn check_ids(&self, event: &Event) -> Result<(), Error> {
        if event.kind == EventType::CPU_SAMPLE || self.salvage.is_some() {
            return Ok(());
        }
        let spec = &SPECS[event.kind.0 as usize];
        let stacks = spec.stacks.iter().all(|&i| self.tables.has_stack(event.args[i as usize]));
        if !stacks {
            return Err(inconsistent(&self.generation, event, "a stack that is not there"));
        }
        let strings = spec.strings.iter().all(|&i| self.tables.has_string(event.args[i as usize]));
        if !strings {
            return Err(inconsistent(&self.generation, event, "a string that is not there"));
        }
        Ok(())
    }
}

fn inconsistent(generation: &Generation, event: &Event, what: &'static str) -> Error {
    let (generation, thread, event) = (generation.number, event.thread, event.kind.name());
    Error::Inconsistent { generation, thread, event, what }
}

impl Cursor {
    /// Decodes the thread's next event; whether there is one.
    #[inline]
    fn advance(&mut self, data: &[u8], scale: f64) -> Result<bool, &'static str> {
        while self.pos == self.end {
            let Some(batch) = self.batches.get(self.next) else { return Ok(false) };
            self.next += 1;
            (self.pos, self.end) = (batch.start, batch.end);
            self.time = 0;
        }
        if self.time == 0 {
            self.time = nanoseconds(self.batches[self.next - 1].time, scale);
        }
        let data = &data[..self.end];
        let mut pos = self.pos;
        let kind = data[pos];
        pos += 1;
        let spec = &SPECS[kind as usize];
        self.event.kind = EventType(kind);
        if !spec.timed {
            return Err("no event of a thread");
        }
        let delta = varint(data, &mut pos).map_err(|_| "an event is cut off")?;
        for arg in self.event.args.iter_mut().take(spec.names.len()) {
            *arg = varint(data, &mut pos).map_err(|_| "an event is cut off")?;
        }
        self.time = self.time.wrapping_add(nanoseconds(delta, scale));
        self.event.time = self.time;
        self.pos = pos;
        Ok(true)
    }
}

// A binary heap of our own, since the order of events of the same time follows from how it moves
// them, and is to be that of Go's reader.

fn sift_up(heap: &mut [(i64, u32)], mut i: usize) -> usize {
    while i > 0 && heap[(i - 1) / 2].0 > heap[i].0 {
        heap.swap((i - 1) / 2, i);
        i = (i - 1) / 2;
    }
    i
}

fn sift_down(heap: &mut [(i64, u32)], mut i: usize) {
    loop {
        let mut least = i;
        for child in [2 * i + 1, 2 * i + 2] {
            if child < heap.len() && heap[child].0 < heap[least].0 {
                least = child;
            }
        }
        if least == i {
            return;
        }
        heap.swap(i, least);
        i = least;
    }
}

fn remove(heap: &mut Vec<(i64, u32)>, mut i: usize) {
    while i > 0 {
        heap.swap(i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
    heap.swap_remove(0);
    sift_down(heap, 0);
}
