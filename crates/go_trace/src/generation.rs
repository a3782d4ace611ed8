//! Reading one generation: its batches found, its tables filled and checked.

use std::io::Read;

use hashbrown::HashMap;

use crate::error::Error;
use crate::event::Event;
use crate::input::Input;
use crate::tables::{Clock, RawFrame, Tables};
use crate::wire::{EventType, MAX_BATCH, MAX_FRAMES, MAX_STRING, VarintError, varint};

/// Longest head of a batch: two bytes and four varints.
const MAX_HEAD: usize = 2 + 4 * 10;

/// Places in a generation are 32 bits; a second of tracing is some ten megabytes.
const MAX_GENERATION: usize = u32::MAX as usize;
/// Go's limit is 10,000 unless a program sets another.
const MAX_THREADS: usize = 1 << 16;

/// A piece of one thread's events: a range of the generation's bytes.
#[derive(Clone, Copy)]
pub struct Batch {
    /// Clock of its start, in the trace's units.
    pub time: u64,
    pub start: u32,
    pub end: u32,
}

/// A CPU sample. There can be as many as bytes allow, so the rest stays in the bytes.
#[derive(Clone, Copy)]
pub struct Sample {
    /// In the trace's units while the generation is read, then nanoseconds.
    pub time: i64,
    /// Where its numbers are.
    at: u32,
}

impl Sample {
    /// The sample as an event; `data` are the bytes of its generation.
    pub fn event(self, data: &[u8]) -> Event {
        let mut rest = &data[self.at as usize..];
        let mut next = || varint(&mut rest).expect("the sample was read with its generation");
        let (_, m, p, g, stack) = (next(), next(), next(), next(), next());
        Event {
            kind: EventType::CPU_SAMPLE,
            time: self.time,
            thread: m as i64,
            proc: p as i64,
            goroutine: if g == 0 { -1 } else { g as i64 },
            args: [stack, 0, 0, 0],
        }
    }
}

/// The events of a generation, unordered.
#[derive(Default)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// Nanoseconds a unit of the trace's clock.
    pub scale: f64,
    /// Each thread with its batches, in the order of the file.
    pub threads: Vec<(i64, Vec<Batch>)>,
    /// By time.
    pub samples: Vec<Sample>,
    /// Earliest clock of a batch.
    pub min_time: u64,
    index: HashMap<i64, usize>,
    has_frequency: bool,
}

/// How reading a generation ended.
pub enum Outcome {
    /// There are no more.
    End,
    /// It is there; another may follow, if the second part says so.
    Whole {
        /// Whether the file goes on.
        more: bool,
        /// What is wrong with the bytes that follow.
        then: Option<Error>,
    },
    /// It is cut off; what is there can be used in salvage mode.
    Torn(Error),
}

/// The head of a batch.
struct Head {
    experimental: bool,
    generation: u64,
    thread: i64,
    time: u64,
    /// The contents, as a range of the buffer.
    start: usize,
    end: usize,
}

enum Next {
    Batch(Head),
    /// The mark of Go 1.26 at the end of a generation.
    Mark,
    End,
}

/// A clock reading in nanoseconds. Out of range it is what amd64 makes of it, as in Go's reader.
#[inline]
pub fn nanoseconds(time: u64, scale: f64) -> i64 {
    // Small numbers, nearly all, are converted in one instruction.
    let value = u32::try_from(time).map_or(time as f64, f64::from) * scale;
    if value < 9_223_372_036_854_775_808.0 { value as i64 } else { i64::MIN }
}

/// The same of a time that may be before the one that it is counted from.
pub fn signed_nanoseconds(time: i64, scale: f64) -> i64 {
    let value = time as f64 * scale;
    if value < 9_223_372_036_854_775_808.0 { value as i64 } else { i64::MIN }
}

impl Generation {
    /// Reads the next generation into `self` and `tables`. `version` is the minor version of the
    /// header.
    pub fn read<R: Read>(
        &mut self,
        input: &mut Input<R>,
        tables: &mut Tables,
        version: u32,
    ) -> Result<Outcome, Error> {
        let fallback = self.scale;
        *self = Self::default();
        input.forget(&mut tables.data);
        tables.clear();
        let marked = version >= 26;
        let mut seen = false;
        let (mut more, mut then, mut ended) = (false, None, false);
        loop {
            let before = input.pos;
            let at = input.offset();
            let next = match next_batch(input, &mut tables.data) {
                Ok(next) => next,
                Err(error @ Error::Io(_)) => return Err(error),
                Err(error) if seen && !marked => {
                    // Perhaps the next generation's first batch: this one is judged by itself.
                    then = Some(error);
                    break;
                }
                Err(error) if error.is_torn() => {
                    self.finish(tables, fallback);
                    return Ok(Outcome::Torn(error));
                }
                Err(error) => return Err(error),
            };
            let malformed = |what| Error::Malformed { at, what };
            let head = match next {
                Next::End if marked && self.threads.is_empty() => return Ok(Outcome::End),
                Next::End if marked => {
                    self.finish(tables, fallback);
                    return Ok(Outcome::Torn(Error::Torn { at }));
                }
                // Perhaps it was cut between two batches; what is missing tells.
                Next::End => {
                    ended = true;
                    break;
                }
                Next::Mark if marked => {
                    more = true;
                    break;
                }
                Next::Mark => return Err(malformed("a mark that this version does not have")),
                Next::Batch(head) => head,
            };
            if marked && !head.experimental && head.start < head.end {
                // The mark may also be wrapped in a batch.
                if tables.data[head.start] == EventType::END_OF_GENERATION.0 {
                    more = true;
                    break;
                }
            }
            if head.generation == 0 {
                return Err(malformed("generation 0"));
            }
            if head.end > MAX_GENERATION {
                return Err(malformed("a generation of more than 4 GiB"));
            }
            if !seen {
                self.number = head.generation;
                self.min_time = head.time;
                seen = true;
            } else if !marked && head.generation == self.number.wrapping_add(1) {
                input.pos = before;
                more = true;
                break;
            } else if head.generation != self.number {
                return Err(malformed("generations are mixed"));
            }
            if self.min_time == 0 || head.time < self.min_time {
                self.min_time = head.time;
            }
            self.add(tables, &head, version).map_err(malformed)?;
        }
        let at = input.offset();
        let missing = if !self.has_frequency || (version >= 25 && tables.clock.is_none()) {
            Some("a generation without its clocks")
        } else if !tables.frames_are_whole() {
            Some("a stack frame names a string that is not there")
        } else {
            None
        };
        if let Some(what) = missing {
            let torn = if ended { Some(Error::Torn { at }) } else { then.filter(Error::is_torn) };
            let Some(error) = torn else { return Err(Error::Malformed { at, what }) };
            self.finish(tables, fallback);
            return Ok(Outcome::Torn(error));
        }
        self.finish(tables, fallback);
        Ok(Outcome::Whole { more, then })
    }

    /// Converts what was waiting for the frequency.
    fn finish(&mut self, tables: &mut Tables, fallback: f64) {
        if !self.has_frequency {
            // Only of a torn generation: the clock goes on at the pace of the one before.
            self.scale = if fallback > 0.0 { fallback } else { 1.0 };
        }
        let scale = self.scale;
        for sample in &mut self.samples {
            sample.time = nanoseconds(sample.time as u64, scale);
        }
        self.samples.sort_by_key(|sample| sample.time);
        if let Some(clock) = &mut tables.clock {
            clock.trace = nanoseconds(clock.trace as u64, scale);
        }
    }

    fn add(&mut self, tables: &mut Tables, head: &Head, version: u32) -> Result<(), &'static str> {
        if head.experimental {
            return Ok(());
        }
        let (start, end) = (head.start, head.end);
        let kind = if start < end { EventType(tables.data[start]) } else { EventType(0) };
        match kind {
            EventType::STRINGS => add_strings(tables, start + 1, end),
            EventType::STACKS => add_stacks(tables, start + 1, end),
            EventType::CPU_SAMPLES => self.add_samples(&tables.data[..end], start + 1),
            EventType::FREQUENCY if version < 25 => self.add_clocks(tables, head, start, version),
            EventType::END_OF_GENERATION => Err("a mark that this version does not have"),
            EventType::SYNC if version >= 25 => self.add_clocks(tables, head, start + 1, version),
            _ => {
                let next = self.threads.len();
                let i = *self.index.entry(head.thread).or_insert(next);
                if i == next {
                    if next == MAX_THREADS {
                        return Err("more threads than a program can have");
                    }
                    self.threads.push((head.thread, Vec::new()));
                }
                let (start, end) = (start as u32, end as u32);
                self.threads[i].1.push(Batch { time: head.time, start, end });
                Ok(())
            }
        }
    }

    fn add_samples(&mut self, data: &[u8], pos: usize) -> Result<(), &'static str> {
        let mut rest = &data[pos..];
        while !rest.is_empty() {
            expect(&mut rest, EventType::CPU_SAMPLE)?;
            let at = (data.len() - rest.len()) as u32;
            let time = varint(&mut rest).map_err(number)?;
            for _ in 0..4 {
                varint(&mut rest).map_err(number)?;
            }
            self.samples.push(Sample { time: time as i64, at });
        }
        Ok(())
    }

    fn add_clocks(
        &mut self,
        tables: &mut Tables,
        head: &Head,
        pos: usize,
        version: u32,
    ) -> Result<(), &'static str> {
        let mut time = head.time;
        let mut rest = &tables.data[pos..head.end];
        while let Some((&kind, tail)) = rest.split_first() {
            rest = tail;
            let mut next = || varint(&mut rest).map_err(number);
            match EventType(kind) {
                EventType::FREQUENCY => {
                    if self.has_frequency {
                        return Err("two frequencies");
                    }
                    self.has_frequency = true;
                    self.scale = 1.0 / (next()? as f64 / 1e9);
                }
                EventType::CLOCK_SNAPSHOT if version >= 25 => {
                    if tables.clock.is_some() {
                        return Err("two clock readings");
                    }
                    time = time.wrapping_add(next()?);
                    let (mono, seconds, nanoseconds) = (next()?, next()?, next()?);
                    let trace = time as i64;
                    tables.clock = Some(Clock { trace, mono, seconds, nanoseconds });
                }
                _ => return Err("neither a frequency nor a clock reading"),
            }
        }
        Ok(())
    }
}

fn number(error: VarintError) -> &'static str {
    match error {
        VarintError::End => "a table entry is cut off",
        VarintError::TooLong => "a number of more than 64 bits",
    }
}

fn expect(rest: &mut &[u8], kind: EventType) -> Result<(), &'static str> {
    match rest.split_first() {
        Some((&first, tail)) if first == kind.0 => {
            *rest = tail;
            Ok(())
        }
        _ => Err("a table holds an entry of another kind"),
    }
}

fn add_strings(tables: &mut Tables, mut pos: usize, end: usize) -> Result<(), &'static str> {
    while pos < end {
        let mut rest = &tables.data[pos..end];
        expect(&mut rest, EventType::STRING)?;
        let id = varint(&mut rest).map_err(number)?;
        let len = varint(&mut rest).map_err(number)?;
        if len > MAX_STRING {
            return Err("a string is too long");
        }
        if rest.len() < len as usize {
            return Err("a string is cut off");
        }
        pos = end - rest.len();
        if !tables.add_string(id, pos, len as u32) {
            return Err("two strings with one number");
        }
        pos += len as usize;
    }
    Ok(())
}

fn add_stacks(tables: &mut Tables, mut pos: usize, end: usize) -> Result<(), &'static str> {
    while pos < end {
        let mut rest = &tables.data[pos..end];
        expect(&mut rest, EventType::STACK)?;
        let id = varint(&mut rest).map_err(number)?;
        let len = varint(&mut rest).map_err(number)?;
        if len > MAX_FRAMES {
            return Err("a stack is too deep");
        }
        pos = end - rest.len();
        for _ in 0..len {
            let mut rest = &tables.data[pos..end];
            let mut next = || varint(&mut rest).map_err(number);
            let (pc, function, file, line) = (next()?, next()?, next()?, next()?);
            pos = end - rest.len();
            if !tables.add_frame(RawFrame { pc, function, file, line }) {
                return Err("more frames than a program can have");
            }
        }
        if !tables.add_stack(id, len as u32) {
            return Err("two stacks with one number");
        }
    }
    Ok(())
}

/// Finds the next batch and moves behind it. At the end of the file `pos` stays.
fn next_batch<R: Read>(input: &mut Input<R>, data: &mut Vec<u8>) -> Result<Next, Error> {
    input.want(data, MAX_HEAD)?;
    let at = input.offset();
    let torn = Error::Torn { at };
    let malformed = |what| Err(Error::Malformed { at, what });
    let mut pos = input.pos;
    let Some(&kind) = data.get(pos) else { return Ok(Next::End) };
    pos += 1;
    let experimental = match EventType(kind) {
        EventType::END_OF_GENERATION => {
            input.pos = pos;
            return Ok(Next::Mark);
        }
        EventType::EVENT_BATCH => false,
        EventType::EXPERIMENTAL_BATCH => {
            let Some(&experiment) = data.get(pos) else { return Err(torn) };
            pos += 1;
            experiment != 0
        }
        _ => return malformed("no batch begins here"),
    };
    let mut numbers = [0; 4];
    let mut rest = &data[pos..];
    for value in &mut numbers {
        *value = match varint(&mut rest) {
            Ok(value) => value,
            Err(VarintError::End) => return Err(torn),
            Err(VarintError::TooLong) => return malformed("a number of more than 64 bits"),
        };
    }
    pos = data.len() - rest.len();
    let [generation, thread, time, size] = numbers;
    if size > MAX_BATCH {
        return malformed("a batch is too large");
    }
    let size = size as usize;
    if !input.want(data, pos - input.pos + size)? {
        return Err(torn);
    }
    input.pos = pos + size;
    Ok(Next::Batch(Head {
        experimental,
        generation,
        thread: thread as i64,
        time,
        start: pos,
        end: pos + size,
    }))
}
