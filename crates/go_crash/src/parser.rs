//! The reader from the outside: bytes in, events out. It cuts lines, takes prefixes off and gives
//! each line to the state machine of its source.

use rustc_hash::FxHashMap;

use crate::carrier::{self, Line};
use crate::goroutine::Goroutine;
use crate::head::Head;
use crate::lines::{Lines, MAX_LINE};
use crate::machine::Machine;

/// As many sources (containers, units, streams) are told apart in one input; of further ones nothing
/// is read while all of these have something open.
pub const MAX_SOURCES: usize = 64;

/// Which report an event belongs to: reports of several sources may be read at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ReportId(pub u64);

/// What was read. For each report: `Start`, then any number of `Head`, `Goroutine` and `Retracted`,
/// then `End`.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Kind and message are known, the rest of the message may follow.
    Start(ReportId, &'a Head),
    /// More of the head was read; this replaces what was given before.
    Head(ReportId, &'a Head),
    /// A stack is complete, or cut off by the end of the input.
    Goroutine(ReportId, &'a Goroutine),
    /// The goroutines that were given so far were part of a panic's value, not stacks.
    Retracted(ReportId),
    /// Nothing more comes.
    End(ReportId),
}

/// Reads dumps out of a stream of bytes. Lines are what counts: the pieces in which the bytes come
/// make no difference to the events.
#[derive(Default)]
pub struct Parser {
    lines: Lines,
    readers: Readers,
}

#[derive(Default)]
struct Readers {
    plain: Machine,
    carried: FxHashMap<Box<[u8]>, Source>,
    next: u64,
}

#[derive(Default)]
struct Source {
    machine: Machine,
    partial: Vec<u8>,
}

impl Parser {
    /// A reader at the start of an input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Event<'_>)) {
        let readers = &mut self.readers;
        self.lines.push(bytes, |line| readers.line(line, &mut sink));
    }

    /// The input has ended: what is open is given as far as it came.
    pub fn finish(&mut self, mut sink: impl FnMut(Event<'_>)) {
        let readers = &mut self.readers;
        self.lines.finish(|line| readers.line(line, &mut sink));
        readers.plain.finish(&mut sink);
        // In the order in which the reports began, not of the table.
        let mut rest: Vec<Source> = readers.carried.drain().map(|(_, source)| source).collect();
        rest.sort_by_key(|source| source.machine.order());
        for mut source in rest {
            if !source.partial.is_empty() {
                let line = std::mem::take(&mut source.partial);
                source.machine.line(&line, &mut readers.next, &mut sink);
            }
            source.machine.finish(&mut sink);
        }
    }
}

impl Readers {
    fn line(&mut self, line: &[u8], sink: &mut impl FnMut(Event<'_>)) {
        // Most lines of a plain dump need not be looked at for a prefix.
        let stripped = match line.first() {
            Some(b'\t' | b' ' | b'=') | None => None,
            _ if self.plain.function(line) => return,
            _ => carrier::strip(line),
        };
        let Some(carried) = stripped else {
            return self.plain.line(line, &mut self.next, sink);
        };
        let Some(source) = self.source(carried.source) else { return };
        let text = match &carried.line {
            Line::Raw(line) => line,
            Line::Decoded(line) => &line[..],
        };
        if carried.partial || !source.partial.is_empty() {
            let room = MAX_LINE.saturating_sub(source.partial.len());
            source.partial.extend_from_slice(&text[..text.len().min(room)]);
            if carried.partial {
                return;
            }
            let whole = std::mem::take(&mut source.partial);
            let mut machine = std::mem::take(&mut source.machine);
            machine.line(&whole, &mut self.next, sink);
            self.put_back(carried.source, machine);
            return;
        }
        let mut machine = std::mem::take(&mut source.machine);
        machine.line(text, &mut self.next, sink);
        self.put_back(carried.source, machine);
    }

    /// The reader of a source; an idle one makes room for a new one.
    fn source(&mut self, name: &[u8]) -> Option<&mut Source> {
        if !self.carried.contains_key(name) {
            if self.carried.len() >= MAX_SOURCES {
                self.carried.retain(|_, s| !s.machine.is_idle() || !s.partial.is_empty());
                if self.carried.len() >= MAX_SOURCES {
                    return None;
                }
            }
            self.carried.insert(name.into(), Source::default());
        }
        self.carried.get_mut(name)
    }

    fn put_back(&mut self, name: &[u8], machine: Machine) {
        if let Some(source) = self.carried.get_mut(name) {
            source.machine = machine;
        }
    }
}
