//! From spans to what people read: paths relative to the working directory, lines and columns.

use std::path::{Component, Path, PathBuf};

use source::{FileId, FileSpan, SourceFile, SourceMap, Span};

use crate::{PlaceRecord, clean_line};

/// Resolves places against the files of a run and the directory that paths are shown relative to.
#[derive(Clone, Copy, Debug)]
pub struct Resolver<'a> {
    sources: &'a SourceMap,
    base: &'a Path,
}

impl<'a> Resolver<'a> {
    /// Paths will be shown relative to `base`, which is absolute.
    pub fn new(sources: &'a SourceMap, base: &'a Path) -> Self {
        Self { sources, base }
    }
    /// The file behind an id.
    pub fn file(&self, id: FileId) -> &'a SourceFile {
        self.sources.file(id)
    }
    /// A file's path as shown: relative to the base, `/` between the parts, control characters
    /// escaped.
    pub fn path(&self, id: FileId) -> String {
        self.show(self.sources.path(id))
    }
    /// Any path as shown.
    pub fn show(&self, path: &Path) -> String {
        clean_line(&slashed(&relative_path(path, self.base))).into_owned()
    }
    /// A span with its path and both ends' lines and columns.
    pub fn place(&self, at: FileSpan) -> PlaceRecord {
        let file = self.file(at.file);
        let (start, end) = (file.line_col(at.span.start), file.line_col(at.span.end));
        PlaceRecord {
            file: self.path(at.file),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
    /// Columns of a span's start and end counted in characters (Unicode scalar values) from 1, as
    /// editors and code-hosting sites count them. Invalid UTF-8 counts as its replacements do.
    pub fn char_columns(&self, at: FileSpan) -> (u32, u32) {
        let file = self.file(at.file);
        let column = |offset: u32| {
            let place = file.line_col(offset);
            let end = offset.min(file.text.len() as u32);
            let before = file.slice(Span::new(end - (place.column - 1), end));
            before.chars().count() as u32 + 1
        };
        (column(at.span.start), column(at.span.end))
    }
    /// A span's path and the line of its start.
    pub fn line(&self, at: FileSpan) -> (String, u32) {
        (self.path(at.file), self.file(at.file).line_col(at.span.start).line)
    }
}

/// `path` seen from `base`, with `..` where needed; unchanged when either is not absolute or they
/// share nothing but the root.
pub fn relative_path(path: &Path, base: &Path) -> PathBuf {
    if !path.is_absolute() || !base.is_absolute() {
        return path.to_owned();
    }
    let (path_parts, base_parts): (Vec<_>, Vec<_>) =
        (path.components().collect(), base.components().collect());
    let shared = path_parts.iter().zip(&base_parts).take_while(|(a, b)| a == b).count();
    let above = base_parts.len() - shared;
    let only_root = path_parts[..shared].iter().all(|c| !matches!(c, Component::Normal(_)));
    if above > 0 && only_root {
        return path.to_owned();
    }
    let mut relative: PathBuf = std::iter::repeat_n(Component::ParentDir, above).collect();
    relative.extend(&path_parts[shared..]);
    if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative }
}

/// Paths are printed with `/` on every platform, so that output and baselines can be shared.
fn slashed(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace('\\', "/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_base() {
        let rel = |p, b| relative_path(Path::new(p), Path::new(b)).to_string_lossy().into_owned();
        assert_eq!(rel("/w/app/main.go", "/w/app"), "main.go");
        assert_eq!(rel("/w/app/hub/hub.go", "/w/app"), "hub/hub.go");
        assert_eq!(rel("/w/lib/x.go", "/w/app"), "../lib/x.go");
        assert_eq!(rel("/usr/go/src/fmt/print.go", "/w/app"), "/usr/go/src/fmt/print.go");
        assert_eq!(rel("/a.go", "/"), "a.go");
        assert_eq!(rel("/w", "/w"), ".");
        assert_eq!(rel("a.go", "/w"), "a.go");
    }
}
