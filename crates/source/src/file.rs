//! The files that a run has read, each with a lazily built line index.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base::{Id, define_id};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

define_id! {
    /// A file of the [`SourceMap`]. The numbers depend on the order of reading: sort by path.
    pub struct FileId;
}

impl Serialize for FileId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_raw().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FileId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = u32::deserialize(deserializer)?;
        Self::from_raw(raw).ok_or_else(|| serde::de::Error::custom("no file has the number 0"))
    }
}

/// A file's bytes, exactly as read. Go source should be UTF-8; that is checked by the scanner.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it was read from, absolute.
    pub path: PathBuf,
    /// The content.
    pub text: Arc<[u8]>,
    lines: OnceLock<Vec<u32>>,
}

/// A place as people count: both from 1, the column in bytes as Go's own tools do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineCol {
    /// Line, from 1.
    pub line: u32,
    /// Byte column, from 1.
    pub column: u32,
}

impl SourceFile {
    /// A file of that content.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<Arc<[u8]>>) -> Self {
        Self { path: path.into(), text: text.into(), lines: OnceLock::new() }
    }

    /// Offsets of the first byte of each line.
    pub fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', &self.text).map(|i| i as u32 + 1))
                .collect()
        })
    }

    /// Line and column of a byte offset; an offset past the end is taken as the end.
    pub fn line_col(&self, offset: u32) -> LineCol {
        let offset = offset.min(self.text.len() as u32);
        let starts = self.line_starts();
        let line = starts.partition_point(|&s| s <= offset);
        LineCol { line: line as u32, column: offset - starts[line - 1] + 1 }
    }

    /// The text of a span, with invalid UTF-8 replaced.
    pub fn slice(&self, span: crate::Span) -> std::borrow::Cow<'_, str> {
        let end = (span.end as usize).min(self.text.len());
        let start = (span.start as usize).min(end);
        String::from_utf8_lossy(&self.text[start..end])
    }

    /// The text of the `line`th line (from 1) without its line break; empty when there is none.
    pub fn line_text(&self, line: u32) -> std::borrow::Cow<'_, str> {
        let starts = self.line_starts();
        let Some(&start) = (line as usize).checked_sub(1).and_then(|i| starts.get(i)) else {
            return "".into();
        };
        let end = starts.get(line as usize).map_or(self.text.len(), |&e| e as usize - 1);
        let bytes = &self.text[start as usize..end.max(start as usize)];
        String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes))
    }
}

/// All files of a run. Adding and reading work from any thread.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: boxcar::Vec<SourceFile>,
}

impl SourceMap {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }
    /// Keeps a file. The same path added twice gives two ids; callers cache.
    pub fn add(&self, file: SourceFile) -> FileId {
        FileId::from_index(self.files.push(file))
    }
    /// The file of an id that this map gave out.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.index()]
    }
    /// The path of a file.
    pub fn path(&self, id: FileId) -> &Path {
        &self.file(id).path
    }
    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.count()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let f = SourceFile::new("a.go", b"ab\r\n\ncd".to_vec());
        assert_eq!(f.line_col(0), LineCol { line: 1, column: 1 });
        assert_eq!(f.line_col(4), LineCol { line: 2, column: 1 });
        assert_eq!(f.line_col(6), LineCol { line: 3, column: 2 });
        assert_eq!(f.line_col(99), LineCol { line: 3, column: 3 });
        assert_eq!(f.line_text(1), "ab");
        assert_eq!(f.line_text(2), "");
        assert_eq!(f.line_text(3), "cd");
        assert_eq!(f.line_text(4), "");
    }
}
