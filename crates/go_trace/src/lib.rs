//! Reader of Go's execution traces, format v2 (headers `go 1.22`, `1.23`, `1.25` and `1.26`, which
//! Go 1.22 to 1.27 write) and v1 (Go 1.11 to 1.21; see `v1`, its events are given as those of v2). It
//! depends on nothing of ours: bytes in, events out.
//!
//! A trace is a sequence of *generations*. Each is a set of *batches*, one thread's events or a
//! piece of a table (strings, stacks, CPU samples, clocks), and can be read without any other.
//! [`Reader`] holds one generation at a time, so memory follows the largest generation and not the
//! file. Events of different threads are merged by time and by the sequence numbers that they
//! carry (`order`), since clocks of different processors cannot be trusted alone.
//!
//! The reference is `internal/trace` of Go's standard library: same events in the same order, same
//! verdict. Where that reader takes an end inside a table entry for the end of the trace, this one
//! reports it.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut reader = go_trace::Reader::new(std::fs::File::open("trace.out")?, go_trace::Mode::Strict)?;
//! while let Some(event) = reader.next_event()? {
//!     println!("{} {:?}", event.time, event.details(reader.tables()));
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod event;
mod frontier;
mod generation;
mod input;
mod order;
mod outline;
mod rare;
mod reader;
mod resume;
mod state;
mod tables;
mod v1;
mod wire;

pub use error::Error;
pub use event::{
    Details, Event, GoState, NO_GOROUTINE, NO_PROC, NO_TASK, NO_THREAD, ProcState, RangeName, Scope,
};
pub use outline::{Outline, Span};
pub use reader::{Mode, Reader, Salvage};
pub use tables::{Clock, Frame, Tables};
pub use wire::EventType;
