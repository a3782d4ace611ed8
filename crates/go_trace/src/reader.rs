//! The reader: generation after generation, each merged from its threads' events.

mod held;

use std::io::Read;

use crate::error::Error;
use crate::event::Event;
use crate::frontier::{Cursor, Heap};
use crate::generation::{Generation, Outcome, Sample, nanoseconds};
use crate::input::Input;
use crate::order::{Order, Step};
use crate::tables::Tables;
use crate::v1;
use crate::wire::EventType;

/// Trying one thread after another costs as many steps as there are threads. A trace has so many to
/// start with, and more with each event that passes; real ones need a few an event. Without a
/// limit, a few bytes could keep the reader busy for hours.
pub(crate) const PATIENCE: u64 = 1 << 26;
pub(crate) const PATIENCE_PER_EVENT: u64 = 1 << 10;

/// How strict the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As Go's reader: what is not whole is an error.
    Strict,
    /// The complete batches of a generation that is cut off are given too, as far as they can be
    /// put in order. Whole generations are as strict as ever.
    Salvage,
}

/// What was saved of a generation that is cut off. Up to Go 1.25 a cut between two batches shows only
/// by what is missing, if at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Salvage {
    /// Number of the generation.
    pub generation: u64,
    /// Events left out: they contradict what is known without those that are missing.
    pub dropped: u64,
    /// How often the state of a goroutine or processor was supposed, since what led to it is missing.
    /// A goroutine's state is given as an event then, with no state before.
    pub gaps: u64,
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
    heap: Heap,
    /// Which sample of the generation comes next, and its time.
    sample: usize,
    sample_time: i64,
    /// How many of `Order::out` have been given.
    given: usize,
    patience: u64,
    last: i64,
    syncs: u64,
    state: State,
    /// What is wrong with what follows this generation.
    then: Option<Error>,
    /// Whether this generation may be cut off, and is to be saved as far as it goes.
    lenient: bool,
    salvage: Option<Salvage>,
    /// A trace of v1, once it has been read.
    old: Option<Box<v1::Trace>>,
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
            version @ (11 | 19 | 21 | 22 | 23 | 25 | 26) => version,
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
            heap: Heap::default(),
            sample: 0,
            sample_time: i64::MAX,
            given: 0,
            patience: PATIENCE,
            last: 0,
            syncs: 0,
            state: State::More,
            then: None,
            lenient: false,
            salvage: None,
            old: None,
        })
    }

    /// The minor version of the header: 11, 19, 21 (all three v1), 22, 23, 25 or 26.
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
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        // Nearly always the earliest event passes, as it is.
        if self.given == self.order.len
            && let Some(&(time, _)) = self.heap.0.first()
            && time <= self.sample_time
        {
            match self.try_thread(0) {
                Ok(Some(event)) => return Ok(Some(self.timed(event))),
                Ok(None) => {}
                Err(error) => return Err(self.stop(error)),
            }
            return self.after_held();
        }
        self.next_other()
    }

    /// The next event where it is not the earliest one of a thread.
    #[inline(never)]
    fn next_other(&mut self) -> Result<Option<Event>, Error> {
        let event = if self.given < self.order.len {
            match self.implied() {
                Ok(event) => event,
                Err(error) => return Err(self.stop(error)),
            }
        } else if let Some(&sample) = self.generation.samples.get(self.sample) {
            self.set_sample(self.sample + 1);
            sample.event(&self.tables.data)
        } else {
            match self.next_generation() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.stop(error)),
            }
        };
        Ok(Some(self.timed(event)))
    }

    /// Times grow strictly, as in Go's reader.
    #[inline]
    fn timed(&mut self, mut event: Event) -> Event {
        if event.time <= self.last {
            event.time = self.last.wrapping_add(1);
        }
        self.last = event.time;
        event
    }

    fn set_sample(&mut self, sample: usize) {
        self.sample = sample;
        self.sample_time =
            self.generation.samples.get(sample).map_or(i64::MAX, |s: &Sample| s.time);
    }

    fn stop(&mut self, error: Error) -> Error {
        self.skip_generation();
        self.state = State::Done;
        self.then = None;
        error
    }

    fn skip_generation(&mut self) {
        self.heap.0.clear();
        self.set_sample(self.generation.samples.len());
        self.given = self.order.len;
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
            State::More if self.version < 22 => return self.next_old(),
            State::More => {}
        }
        let outcome = self.generation.read(&mut self.input, &mut self.tables, self.version);
        match outcome {
            Ok(Outcome::Whole { more, then }) => {
                let go_on = more && then.is_none();
                self.state = if go_on { State::More } else { State::Last };
                // Up to Go 1.25 nothing tells whether the last generation is all there.
                let open = self.version < 26 && !more;
                self.lenient = self.mode == Mode::Salvage && open;
                if self.lenient && then.as_ref().is_some_and(Error::is_torn) {
                    self.saved();
                } else {
                    self.then = then;
                }
            }
            Ok(Outcome::Torn(_)) if self.mode == Mode::Salvage => {
                self.state = State::Last;
                self.lenient = true;
                self.saved();
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
        self.heap.0.clear();
        self.set_sample(0);
        self.tables.partial = self.lenient;
        for (thread, batches) in std::mem::take(&mut self.generation.threads) {
            let mut cursor = Cursor::new(thread, batches);
            match cursor.advance(&self.tables.data, self.generation.scale) {
                Ok(true) => {
                    self.heap.push(cursor.raw.time, self.cursors.len() as u32);
                    self.cursors.push(cursor);
                }
                Err(what) if !self.lenient => {
                    return Err(inconsistent(&self.generation, thread, cursor.raw.kind, what));
                }
                Ok(false) | Err(_) => {}
            }
        }
        if !self.heap.0.is_empty() {
            self.order.begin(self.generation.number);
        }
        Ok(())
    }

    /// Lets the thread's next event pass if it may.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the hot loop; called elsewhere on a rare way")]
    fn try_thread(&mut self, i: usize) -> Result<Option<Event>, Error> {
        let cursor = &mut self.cursors[self.heap.0[i].1 as usize];
        let thread = cursor.thread;
        let step = match self.order.context(thread, &mut cursor.place) {
            Ok(cx) => {
                let raw = cursor.raw;
                match self.order.advance(&cursor.raw, cx, thread, &mut self.tables) {
                    Ok(Step::Plain) => {
                        let missing = self.tables.missing(raw.kind.0, &raw.args);
                        self.refresh(i)?;
                        if let Some(what) = missing.filter(|_| !self.lenient) {
                            return Err(inconsistent(&self.generation, thread, raw.kind, what));
                        }
                        let (proc, goroutine) = (cx.proc, cx.goroutine);
                        let (kind, time, args) = (raw.kind, raw.time, raw.args);
                        return Ok(Some(Event { kind, time, thread, proc, goroutine, args }));
                    }
                    other => other,
                }
            }
            Err(what) => Err(what),
        };
        self.not_plain(i, step)
    }

    #[inline(never)]
    fn not_plain(
        &mut self,
        i: usize,
        step: Result<Step, &'static str>,
    ) -> Result<Option<Event>, Error> {
        match step {
            Ok(Step::Held | Step::Plain) => {
                self.given = self.order.len;
                Ok(None)
            }
            Ok(Step::Passed) => {
                self.given = 0;
                self.refresh(i)?;
                let event = self.implied()?;
                let work = std::mem::take(&mut self.order.work);
                self.spend(work)?;
                Ok(Some(event))
            }
            Err(_) if self.lenient => {
                (self.order.len, self.given) = (0, 0);
                Ok(None)
            }
            Err(what) => {
                let cursor = &self.cursors[self.heap.0[i].1 as usize];
                Err(inconsistent(&self.generation, cursor.thread, cursor.raw.kind, what))
            }
        }
    }

    /// The next one of what an event stands for.
    fn implied(&mut self) -> Result<Event, Error> {
        let event = self.order.out[self.given];
        self.given += 1;
        match self.tables.missing(event.kind.0, &event.args) {
            Some(what) if !self.lenient => {
                Err(inconsistent(&self.generation, event.thread, event.kind, what))
            }
            _ => Ok(event),
        }
    }

    /// Moves to the thread's next event.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the hot loop; called elsewhere on rare ways")]
    fn refresh(&mut self, i: usize) -> Result<(), Error> {
        let cursor = &mut self.cursors[self.heap.0[i].1 as usize];
        match cursor.advance(&self.tables.data, self.generation.scale) {
            Ok(true) if i == 0 => self.heap.replace_first(cursor.raw.time),
            Ok(true) => self.heap.replace(i, cursor.raw.time),
            Err(what) if !self.lenient => {
                let (thread, kind) = (cursor.thread, cursor.raw.kind);
                return Err(inconsistent(&self.generation, thread, kind, what));
            }
            Ok(false) => self.heap.remove(i),
            Err(_) => {
                self.heap.remove(i);
                self.saved();
            }
        }
        self.patience = self.patience.saturating_add(PATIENCE_PER_EVENT);
        Ok(())
    }
}

#[cold]
fn inconsistent(
    generation: &Generation,
    thread: i64,
    kind: EventType,
    what: &'static str,
) -> Error {
    let (generation, event) = (generation.number, kind.name());
    Error::Inconsistent { generation, thread, event, what }
}
