//! Why the guard could not start or go on. What goes wrong with one request is answered to its
//! client and is no error here.

use std::path::PathBuf;

/// The guard's errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option that makes no sense; says which and what is expected.
    #[error("{0}")]
    Option(String),
    /// An address that could not be listened on.
    #[error("cannot listen on {address}: {source} (is another process serving there?)")]
    Listen {
        /// As given.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The service could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program as given.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file that could not be read.
    #[error("cannot read {}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why, and what was expected.
        reason: String,
    },
    /// The machine refused something that the guard cannot do without.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The incident store.
    #[error("incident store: {0}")]
    Store(String),
}

/// The result of what may fail with an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
