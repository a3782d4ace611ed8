//! Finds a go command and runs what it builds, so that nothing started outlives unpanic: under a
//! guard, with time limits, in a folder that goes with the run. Separate from the prover, since the
//! lab runs Go programs too and has no use for the analysis.

#![expect(
    clippy::disallowed_methods,
    reason = "it runs Go and makes temporary folders; the analysis itself stays behind System"
)]

mod exec;
mod guard;
mod toolchain;
mod workspace;

pub use exec::{Executed, Execution};
pub use guard::{Guard, guard_command, guard_folder};
pub use toolchain::Toolchain;
pub use workspace::Workspace;

/// Why there is no Go to work with.
#[derive(Debug, thiserror::Error)]
pub enum GoError {
    /// There is no `go` command.
    #[error("{0}")]
    NoGo(String),
    /// It is too old.
    #[error("Go {found} is too old: Go 1.21 or later is needed")]
    OldGo {
        /// The version found.
        found: String,
    },
}
