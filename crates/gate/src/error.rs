//! Why the gate could not do its work. A candidate that fails is no error: that is a verdict.

use std::path::PathBuf;

/// What stopped the gate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration or the arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// A file could not be read, or does not hold what it should.
    #[error("cannot read {}: {why}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file could not be written.
    #[error("cannot write {}: {why}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Something around the candidate failed, so that nothing can be said about it.
    #[error("{0}")]
    Harness(String),
    /// Ctrl-C or SIGTERM. Everything that was started has been ended.
    #[error("interrupted; the candidate was ended")]
    Interrupted,
}
