//! What can be wrong with a trace.

use std::io;

/// Why a trace cannot be read, or not any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin like a trace.
    #[error("not a Go execution trace")]
    NotATrace,
    /// A header of Go 1.10 or earlier, or one that no Go writes.
    #[error("a trace of format go 1.{0}; traces of Go 1.11 and later can be read")]
    OldVersion(u32),
    /// A trace of Go 1.21 or earlier, of which the whole file has to be in memory, is too large.
    #[error(
        "a trace of Go 1.21 or earlier has to be in memory as a whole; this one is larger than {} MiB. \
         Record a shorter time, or with Go 1.22 or later", .0 >> 20
    )]
    TooLarge(u64),
    /// A trace of Go 1.21 or earlier has more events than are kept in memory.
    #[error(
        "a trace of Go 1.21 or earlier has to be in memory as a whole; this one has more than {0} \
         events. Record a shorter time, or with Go 1.22 or later"
    )]
    TooManyEvents(usize),
    /// A header that no Go up to 1.27 writes.
    #[error("unknown trace version go 1.{0}")]
    UnknownVersion(u32),
    /// The trace ends inside a generation: the program died or the file was cut.
    #[error("the trace ends inside a generation, at byte {at}")]
    Torn {
        /// Offset into the file.
        at: u64,
    },
    /// Bytes that no Go writes, with what is wrong.
    #[error("broken trace, at byte {at}: {what}")]
    Malformed {
        /// Offset into the file of the batch that is broken.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Events that contradict each other.
    #[error("broken trace, generation {generation}, thread {thread}: {event}: {what}")]
    Inconsistent {
        /// Number of the generation.
        generation: u64,
        /// The thread whose event it is.
        thread: i64,
        /// Name of the event's type.
        event: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// No thread's next event can come next.
    #[error("broken trace, generation {generation}: no thread's next event can come next")]
    Stuck {
        /// Number of the generation.
        generation: u64,
    },
    /// Putting the events in order takes more tries than any real trace needs.
    #[error("broken trace, generation {generation}: its events are too tangled to be put in order")]
    Tangled {
        /// Number of the generation.
        generation: u64,
    },
    /// The bytes could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// Whether the trace is merely cut off, so that [`crate::Mode::Salvage`] gives more of it.
    pub fn is_torn(&self) -> bool {
        matches!(self, Self::Torn { .. })
    }
}
