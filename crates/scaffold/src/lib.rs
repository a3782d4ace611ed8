//! Code and configuration that a team owns from the start: the Go package that catches panics and
//! sorts errors ([`recovery`]), and the files that watch a service ([`monitoring`]). Separate, because
//! it plans files and knows nothing of the analysis; the binary writes what is planned.
//!
//! Templates are plain files under `templates/`: the Go ones are a module with tests of its own.

mod entry_points;
mod error;
mod fill;
mod layout;
pub mod monitoring;
mod newer_go;
mod plan;
pub mod recovery;

pub use entry_points::{EntryKind, EntryPoint, entry_points};
pub use error::Error;
pub use layout::{Module, Place};
pub use plan::{Change, PlannedFile};
