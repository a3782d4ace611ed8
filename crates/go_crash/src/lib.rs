//! Reads what a Go process prints when it dies or reports: panics, fatal errors, dumps after a
//! signal, `http: panic serving`, race reports, failed tests, of Go 1.18 to 1.27, at every
//! `GOTRACEBACK` level, between log lines and behind the prefixes of log collectors.
//!
//! [`Parser`] is fed bytes as they arrive and gives [`Event`]s as early as it can: kind and message
//! after the first line, each goroutine when it ends. [`Collector`] makes [`Report`]s of them:
//! goroutines grouped by what they do, who waits for which lock, a fingerprint, whether `recover`
//! could have helped. Separate from the analysis of source, of which it knows nothing, so that
//! whatever supervises a process can use it.
//!
//! Formats: `runtime/traceback.go`, `panic.go`, `error.go` and `signal_unix.go` of each version; race
//! reports: the report printer of LLVM's `ThreadSanitizer`, Go flavour.
//!
//! Memory is bounded: a line by [`MAX_LINE`], a goroutine by [`MAX_FRAMES`] and one MiB of text, the
//! sources that are told apart by [`MAX_SOURCES`], the groups of a report by [`MAX_GROUPS`].

mod carrier;
mod classify;
mod collect;
mod fingerprint;
mod goroutine;
mod head;
mod lines;
mod locks;
mod machine;
mod parser;
mod record;

pub use classify::{Class, classify};
pub use collect::{Collector, Group, MAX_GROUPS, Report};
pub use fingerprint::FINGERPRINT_VERSION;
pub use goroutine::{CreatedBy, Frame, Goroutine, MAX_FRAMES, Section};
pub use head::{Head, Kind, Link};
pub use lines::MAX_LINE;
pub use locks::{Contended, Holder};
pub use parser::{Event, MAX_SOURCES, Parser, ReportId};
pub use record::{CreatedByRecord, FrameRecord, GoroutineRecord, RECORD_VERSION, ReportRecord};
