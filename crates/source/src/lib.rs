//! Files and places in them: the text of every file read, spans, line numbers, and [`System`],
//! the only door to the disk and to the environment that the analysis core has.

mod file;
mod span;
mod system;

pub use file::{FileId, LineCol, SourceFile, SourceMap};
pub use span::{FileSpan, Span};
pub use system::{DirEntry, FileKind, MemorySystem, OsSystem, Stamp, System, SystemError};
