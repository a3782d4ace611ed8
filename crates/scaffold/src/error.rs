//! Why nothing can be planned: what was expected, what was found and what to do.

use std::path::PathBuf;

/// All errors of the crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is in no Go module.
    #[error("{} is in no Go module: there is no go.mod in it or above; `go mod init PATH` makes one", dir.display())]
    NoModule {
        /// The folder asked for.
        dir: PathBuf,
    },
    /// The folder is the root of a workspace, which has several modules.
    #[error("{} is a workspace of {} modules; say which one with --dir: {}", dir.display(), modules.len(), modules.join(", "))]
    WhichModule {
        /// The folder asked for.
        dir: PathBuf,
        /// The folders of its modules.
        modules: Vec<String>,
    },
    /// A module file does not parse.
    #[error("{0}")]
    BrokenModule(String),
    /// The module's language is too old for the code.
    #[error("{} says {found}; the code needs go 1.21 or later (log/slog): `go mod edit -go=1.21`", file.display())]
    OldGo {
        /// The `go.mod`.
        file: PathBuf,
        /// What it says.
        found: String,
    },
    /// The path of the package cannot be one.
    #[error("--package {path}: {why}")]
    Package {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is another package where the code should go.
    #[error("{} holds package {found}, not {wanted}; choose another place with --package", dir.display())]
    OtherPackage {
        /// The folder.
        dir: PathBuf,
        /// The name in its package clauses.
        found: String,
        /// The name that the code would have.
        wanted: String,
    },
    /// A value for the monitoring files is out of range.
    #[error("{flag}: `{found}` {why}")]
    Value {
        /// The flag.
        flag: &'static str,
        /// What was given.
        found: String,
        /// What is wrong and what is expected.
        why: String,
    },
    /// The machine would not give a file.
    #[error(transparent)]
    System(#[from] source::SystemError),
}
