//! A file that is planned, and what writing it would change on disk.

use std::path::PathBuf;

use source::System;

use crate::Error;

/// A file to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedFile {
    /// Where, absolute.
    pub path: PathBuf,
    /// What it is for, one line.
    pub purpose: &'static str,
    /// Its text.
    pub text: String,
    /// What is there now.
    pub change: Change,
}

/// What writing a file would change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// There is no such file.
    New,
    /// The file has this text already.
    None,
    /// The file has another text, which is this.
    Replace(String),
}

impl PlannedFile {
    /// Looks at what is there now.
    pub(crate) fn new(
        system: &dyn System,
        path: PathBuf,
        purpose: &'static str,
        text: String,
    ) -> Result<Self, Error> {
        let change = match system.kind(&path) {
            None => Change::New,
            Some(_) => {
                let old = system.read(&path)?;
                if old == text.as_bytes() {
                    Change::None
                } else {
                    Change::Replace(String::from_utf8_lossy(&old).into_owned())
                }
            }
        };
        Ok(Self { path, purpose, text, change })
    }
}
