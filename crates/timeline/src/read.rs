//! From bytes to a sink: all of a trace, or the part that a window needs.

use std::io::{Read, Seek};

use go_trace::{Details, Error, EventType, Mode, Outline, Reader, Salvage};

use crate::model::Model;
use crate::slice::Sink;
use crate::window::Bounds;

/// How reading ended.
#[derive(Debug, Default)]
pub struct End {
    /// What was saved of a torn trace.
    pub salvage: Option<Salvage>,
    /// What is wrong with the trace; what came before was given to the sink.
    pub error: Option<Error>,
    /// Whether reading stopped because everything that was wanted has come.
    pub stopped: bool,
    /// When the program died of a map conflict, if it wrote that down itself (as `unpanic trace
    /// record` has it do). Nothing behind is read: it is of writing the trace out.
    pub conflict: Option<i64>,
}

/// The category of the message that the recorder's runtime writes when a map conflict ends the program.
const CATEGORY: &[u8] = b"unpanic";
/// How the message begins.
const CONFLICT: &[u8] = b"concurrent map";

/// Longest time in nanoseconds between a map conflict and the last batch that is written behind it; 5 ms
/// were measured on a busy machine.
const WRITING_OUT: i64 = 200_000_000;

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// The generation to begin with.
    pub position: usize,
    /// The bounds of the window on the trace's clock.
    pub bounds: Bounds,
}

/// Reads a trace and ends the model: everything, or up to the first event after `until`. Only a
/// trace of which nothing could be read is an error.
pub fn read<S: Sink>(
    bytes: impl Read,
    model: &mut Model,
    until: i64,
    sink: &mut S,
) -> Result<End, Error> {
    let mut reader = Reader::new(bytes, Mode::Salvage)?;
    let mut end = End::default();
    loop {
        match reader.next_event() {
            Ok(Some(event)) if event.time > until => {
                end.stopped = true;
                break;
            }
            Ok(Some(event)) => {
                model.event(&event, reader.tables(), sink);
                if event.kind == EventType::USER_LOG
                    && let Details::Log { category: CATEGORY, message, .. } =
                        event.details(reader.tables())
                    && message.starts_with(CONFLICT)
                {
                    end.conflict = Some(event.time);
                    break;
                }
            }
            Ok(None) => break,
            // The mark at the end of the trace counts as an event, too.
            Err(error) if model.events() <= 1 => return Err(error),
            Err(error) => {
                end.error = Some(error);
                break;
            }
        }
    }
    end.salvage = reader.salvage();
    model.finish(sink);
    Ok(end)
}

impl Part {
    /// The part for a window of `width` nanoseconds around `time`, counted from the trace's start.
    pub fn around(outline: &Outline, time: i64, width: i64) -> Self {
        let middle = outline.start().unwrap_or(0).saturating_add(time);
        let from = middle.saturating_sub(width / 2);
        let bounds = Bounds::Between(from, from.saturating_add(width.max(1)));
        Self { position: outline.position(from), bounds }
    }

    /// The part for the last `width` nanoseconds.
    pub fn last(outline: &Outline, width: i64) -> Self {
        // The trace ends not before its last batch begins, or, when the program died of a map conflict,
        // about as long before as it took to write it out.
        let end = outline.last_batch().unwrap_or(0).saturating_sub(WRITING_OUT);
        let from = end.saturating_sub(width);
        Self { position: outline.position(from), bounds: Bounds::Last(width) }
    }

    /// Until when events are wanted.
    pub fn until(&self) -> i64 {
        match self.bounds {
            Bounds::Between(_, until) => until,
            Bounds::All | Bounds::Last(_) => i64::MAX,
        }
    }

    /// The bytes to read.
    pub fn bytes<F: Read + Seek>(
        &self,
        outline: &Outline,
        file: F,
    ) -> std::io::Result<impl Read + use<F>> {
        outline.bytes_from(file, self.position)
    }
}
