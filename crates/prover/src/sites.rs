//! The accesses that a run watches, and those that it cannot, with the reason.

use std::path::PathBuf;

use diag::AccessKind;

/// An access that has its trap in the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// The file as it is in the user's tree, absolute.
    pub file: PathBuf,
    /// The line.
    pub line: u32,
    /// The byte column.
    pub column: u32,
    /// What is done.
    pub kind: AccessKind,
    /// The map or memory, as the code names it.
    pub object: String,
    /// Its static type.
    pub type_name: String,
    /// The findings that name it, by their place in the list that was given.
    pub findings: Vec<usize>,
}

/// An access that is left alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skip {
    /// The file, absolute.
    pub file: PathBuf,
    /// The line.
    pub line: u32,
    /// Why.
    pub reason: &'static str,
    /// The findings that name it.
    pub findings: Vec<usize>,
}

impl Site {
    /// Names it in what is kept between processes; a changed file makes other keys.
    pub(crate) fn key(&self) -> String {
        let kind = self.kind.as_str();
        format!("{}:{}:{}:{kind}", self.file.display(), self.line, self.column)
    }

    /// The argument that the program gives with each access, see `runtime/unpanicrt.go`.
    pub(crate) fn argument(&self, number: usize) -> u32 {
        let steers = !self.findings.is_empty();
        (number as u32) << 2 | u32::from(steers) << 1 | u32::from(self.kind.is_write())
    }
}

/// An access of a finding, in one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Want {
    /// Offset of its first byte.
    pub start: u32,
    /// Its end, if the finding says.
    pub end: Option<u32>,
    /// What is done.
    pub kind: AccessKind,
    /// The place of the finding in the list.
    pub finding: usize,
}
