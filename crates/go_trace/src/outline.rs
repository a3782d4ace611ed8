//! Where the generations of a file lie and when they begin, from the heads of their batches alone:
//! whoever wants a part of a large trace reads that part. What is broken is not judged here, but by
//! the reader when it gets there.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use crate::error::Error;
use crate::generation::nanoseconds;
use crate::wire::{EventType, MAX_BATCH, varint};

/// A batch's head and the beginning of what is in it.
const PEEK: usize = 128;
/// What is read at once; most of a batch is jumped over.
const PIECE: usize = 4096;
/// Of more generations, neighbours are told as one.
const MAX_SPANS: usize = 1 << 20;
const HEADER: usize = 16;

/// One generation, or several neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Where it begins in the file.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
    /// When its first batch begins, on the clock of the events.
    pub start: i64,
    /// When its last batch of events begins; events may be later.
    pub last_batch: i64,
    /// Whether it is there to its end.
    pub whole: bool,
}

/// All generations of a file, in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outline {
    /// The generations.
    pub spans: Vec<Span>,
    header: [u8; HEADER],
    version: u32,
}

/// The one being looked at.
struct Open {
    offset: u64,
    number: u64,
    first: u64,
    last: u64,
    scale: Option<f64>,
}

impl Outline {
    /// Looks through a file.
    pub fn read(file: impl Read + Seek) -> Result<Self, Error> {
        let mut file = BufReader::with_capacity(PIECE, file);
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut outline = Self::default();
        if fill(&mut file, &mut outline.header)? < HEADER {
            return Err(Error::NotATrace);
        }
        // The header is judged in one place.
        let header = Cursor::new(outline.header);
        outline.version = crate::Reader::new(header, crate::Mode::Strict)?.version();
        if outline.version < 22 {
            // One piece. Its first event is at 0, and the mark before it one nanosecond earlier.
            let offset = HEADER as u64;
            outline.spans.push(Span {
                offset,
                end: length,
                start: -1,
                last_batch: -1,
                whole: true,
            });
            return Ok(outline);
        }
        outline.generations(&mut file, length)?;
        Ok(outline)
    }

    /// The minor version of the header.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// When the trace begins.
    pub fn start(&self) -> Option<i64> {
        self.spans.first().map(|span| span.start)
    }

    /// When the latest batch of events begins: the last event comes not before.
    pub fn last_batch(&self) -> Option<i64> {
        self.spans.iter().map(|span| span.last_batch).max()
    }

    /// The generation to begin with for whoever wants everything from `time` on.
    pub fn position(&self, time: i64) -> usize {
        let at = self.spans.iter().rposition(|span| span.start <= time).unwrap_or(0);
        // A torn one may lack its clock, which is then that of the one before.
        if self.spans.get(at).is_some_and(|span| !span.whole) { at.saturating_sub(1) } else { at }
    }

    /// The bytes of a trace that begins with that generation.
    pub fn bytes_from<F: Read + Seek>(
        &self,
        mut file: F,
        position: usize,
    ) -> io::Result<impl Read + use<F>> {
        let offset = self.spans.get(position).map_or(HEADER as u64, |span| span.offset);
        file.seek(SeekFrom::Start(offset))?;
        Ok(Cursor::new(self.header).chain(file))
    }

    fn generations<F: Read + Seek>(
        &mut self,
        file: &mut BufReader<F>,
        length: u64,
    ) -> Result<(), Error> {
        let marked = self.version >= 26;
        let mut offset = HEADER as u64;
        let mut scale = 1.0;
        let mut open: Option<Open> = None;
        let mut peek = [0; PEEK];
        loop {
            let got = fill(file, &mut peek)?;
            let head = batch(&peek[..got]);
            let boundary = match (&head, &open) {
                (Some(Head::Mark(_)), _) => marked,
                (Some(Head::Batch { generation, .. }), Some(open)) => {
                    !marked && *generation != open.number
                }
                _ => false,
            };
            if boundary || head.is_none() {
                // Before 1.26 nothing marks the end of the last generation.
                let end = match head {
                    Some(Head::Mark(size)) => offset + size,
                    _ => offset,
                };
                // A batch may claim to be longer than what is left of the file.
                let whole = (boundary || (got == 0 && !marked)) && end <= length;
                let end = end.min(length);
                if let Some(open) = open.take() {
                    scale = open.scale.unwrap_or(scale);
                    self.push(&open, end, scale, whole && open.scale.is_some());
                }
            }
            let size = match head {
                None => return Ok(()),
                Some(Head::Mark(size)) => size,
                Some(Head::Batch { generation, time, size, frequency, events }) => {
                    let open = open.get_or_insert(Open {
                        offset,
                        number: generation,
                        first: time,
                        last: 0,
                        scale: None,
                    });
                    open.first = open.first.min(time);
                    if events {
                        open.last = open.last.max(time);
                    }
                    if let Some(frequency) = frequency {
                        open.scale = Some(1.0 / (frequency as f64 / 1e9));
                    }
                    size
                }
            };
            offset += size;
            file.seek_relative(size as i64 - got as i64)?;
        }
    }

    fn push(&mut self, open: &Open, end: u64, scale: f64, whole: bool) {
        if self.spans.len() == MAX_SPANS {
            let pairs = self.spans.chunks(2).map(|pair| {
                let (first, last) = (pair[0], pair[pair.len() - 1]);
                let last_batch = first.last_batch.max(last.last_batch);
                let whole = first.whole && last.whole;
                Span { end: last.end, last_batch, whole, ..first }
            });
            self.spans = pairs.collect();
        }
        self.spans.push(Span {
            offset: open.offset,
            end,
            start: nanoseconds(open.first, scale),
            last_batch: nanoseconds(open.last.max(open.first), scale),
            whole,
        });
    }
}

enum Head {
    Batch {
        generation: u64,
        time: u64,
        /// With what is in it.
        size: u64,
        frequency: Option<u64>,
        /// Whether it is a thread's events, and no table.
        events: bool,
    },
    /// The mark at the end of a generation (1.26), and how long it is.
    Mark(u64),
}

/// Reads a batch's head; none at the end and where none is.
fn batch(data: &[u8]) -> Option<Head> {
    let mut rest = match EventType(*data.first()?) {
        EventType::END_OF_GENERATION => return Some(Head::Mark(1)),
        EventType::EVENT_BATCH => data.get(1..)?,
        EventType::EXPERIMENTAL_BATCH => data.get(2..)?,
        _ => return None,
    };
    let mut next = || varint(&mut rest).ok();
    let (generation, _, time, len) = (next()?, next()?, next()?, next()?);
    if len > MAX_BATCH || generation == 0 {
        return None;
    }
    let size = (data.len() - rest.len()) as u64 + len;
    let inside = &rest[..rest.len().min(len as usize)];
    let experimental = data[0] == EventType::EXPERIMENTAL_BATCH.0;
    if !experimental && inside.first() == Some(&EventType::END_OF_GENERATION.0) {
        return Some(Head::Mark(size));
    }
    let frequency = if experimental { None } else { frequency(inside) };
    let tables = [EventType::STRINGS, EventType::STACKS, EventType::CPU_SAMPLES, EventType::SYNC];
    let table = |kind: u8| tables.iter().any(|table| table.0 == kind);
    let events = !experimental && frequency.is_none() && !inside.first().is_some_and(|&k| table(k));
    Some(Head::Batch { generation, time, size, frequency, events })
}

/// The frequency that a batch of clocks gives.
fn frequency(inside: &[u8]) -> Option<u64> {
    let in_sync = inside.first() == Some(&EventType::SYNC.0);
    let mut rest = if in_sync { &inside[1..] } else { inside };
    loop {
        let kind = EventType(*rest.first()?);
        let first = !in_sync && rest.len() == inside.len();
        rest = &rest[1..];
        match kind {
            EventType::FREQUENCY => return varint(&mut rest).ok().filter(|&f| f > 0),
            EventType::CLOCK_SNAPSHOT if !first => {
                for _ in 0..4 {
                    varint(&mut rest).ok()?;
                }
            }
            _ => return None,
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
