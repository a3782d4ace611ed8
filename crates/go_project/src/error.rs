//! What can go wrong while loading. Errors are data in the [`crate::Program`]: a broken package
//! does not keep the others from being analysed.

use std::path::{Path, PathBuf};

use source::SystemError;

/// What an error means for the run as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ErrorClass {
    /// The request is wrong: a folder that does not exist, a pattern that matches nothing, a
    /// broken `go.mod`. Exit code 2 when nothing else could be loaded.
    Usage,
    /// Something is there and cannot be read. Exit code 3.
    Unreadable,
    /// The source is inconsistent: an import cycle, two package names in a folder, a file that does
    /// not parse. The analysis goes on with what is left.
    Source,
    /// The source is odd and was read all the same: nothing is left out.
    Tolerated,
    /// An import that is not on this machine. What comes from it is opaque.
    Missing,
}

/// One thing that went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// The file or folder that it is about, absolute.
    pub path: PathBuf,
    /// Line from 1; 0 when it is about the file or folder as a whole.
    pub line: u32,
    /// Byte column from 1; 0 when the line as a whole is meant.
    pub column: u32,
    /// What is wrong, what was expected, and what to do about it if that is known.
    pub message: String,
    /// What it means for the run.
    pub class: ErrorClass,
}

impl LoadError {
    /// An error about a file or folder as a whole.
    pub fn new(path: &Path, class: ErrorClass, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 0, column: 0, message: message.into(), class }
    }

    /// A file or folder that the machine would not give.
    pub(crate) fn unreadable(path: &Path, error: &SystemError) -> Self {
        let why = match error {
            // The path is said beside the message.
            SystemError::Io { source, .. } => format!("cannot be read: {source}"),
            other => other.to_string(),
        };
        Self::new(path, ErrorClass::Unreadable, why)
    }

    /// The same error at a line (from 1).
    #[must_use]
    pub fn at(mut self, line: u32, column: u32) -> Self {
        self.line = line;
        self.column = column;
        self
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        write!(f, ": {}", self.message)
    }
}
