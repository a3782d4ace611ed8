//! One model of who ran when, holding what: execution traces (`go_trace`) as slices of time of
//! goroutines and processors, joined with what a dying process printed (`go_crash`). It reads bytes
//! and gives tables, windows, Perfetto files and pages; it knows neither Go source nor terminals.
//!
//! [`Model`] follows the events and gives what has ended to a [`Sink`], so that memory follows the
//! goroutines that are alive: [`Summary`] counts a trace of any size, [`Window`] keeps a stretch of
//! one, and both can be fed in one reading ([`Both`]). [`Part`] finds the bytes that a window needs.

mod both;
mod conflict;
mod filter;
mod histogram;
mod html;
mod model;
mod names;
pub mod perfetto;
mod read;
pub mod record;
mod slice;
mod summary;
pub mod testing;
mod window;

pub use both::Both;
pub use conflict::{Party, Role, parties};
pub use filter::{Filter, Pattern};
pub use histogram::Histogram;
pub use html::{MAX_PAGE_SLICES, Page};
pub use model::{Go, Model};
pub use names::{Frame, NameId, Names, StackId};
pub use perfetto::Perfetto;
pub use read::{End, Part, read};
pub use slice::{Appearance, GoSlice, Log, ProcSlice, Range, RangeKind, Region, Sink, State, Task};
pub use summary::{Blocks, ByName, Function, Processor, Spans, Summary};
pub use window::{Bounds, MAX_SLICES, Member, Window};
