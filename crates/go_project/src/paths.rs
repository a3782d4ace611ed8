//! Paths without touching the disk: cleaning, folders as import paths, walking upwards, and the
//! `...` wildcards of package patterns.

use std::path::{Component, Path, PathBuf};

use source::{FileKind, System};

/// The path without `.` and with `..` taken back, as text alone can tell.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() && !path.is_absolute() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// The folder `dir` below `root` with forward slashes, empty for the root; `None` when outside.
pub(crate) fn slashed(dir: &Path, root: &Path) -> Option<String> {
    let rest = dir.strip_prefix(root).ok()?;
    let parts: Vec<&str> = rest.iter().map(|p| p.to_str().unwrap_or("_")).collect();
    Some(parts.join("/"))
}

/// Two parts of an import path with a slash between them, when both are there.
pub(crate) fn join(prefix: &str, rest: &str) -> String {
    match (prefix, rest) {
        ("", rest) => rest.to_owned(),
        (prefix, "") => prefix.to_owned(),
        _ => format!("{prefix}/{rest}"),
    }
}

/// What is left of `path` below the module or folder path `prefix`.
pub(crate) fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// The nearest folder, `dir` itself or above, that holds a file of this name.
pub(crate) fn find_up(system: &dyn System, dir: &Path, name: &str) -> Option<PathBuf> {
    dir.ancestors().find(|d| system.kind(&d.join(name)) == Some(FileKind::File)).map(Path::to_owned)
}

/// A pattern with `...` wildcards (`go help packages`): each stands for any text, also with slashes;
/// `x/...` matches `x` too; no wildcard matches a `vendor` element.
pub(crate) struct Wildcard {
    parts: Vec<String>,
    /// Whether the pattern ends in `/...`.
    open_end: bool,
}

impl Wildcard {
    /// `None` when the pattern has no wildcard.
    pub fn new(pattern: &str) -> Option<Self> {
        if !pattern.contains("...") {
            return None;
        }
        let (pattern, open_end) = match pattern.strip_suffix("/...") {
            Some(rest) => (rest, true),
            None => (pattern, false),
        };
        Some(Self { parts: pattern.split("...").map(str::to_owned).collect(), open_end })
    }

    /// The text before the first wildcard.
    pub fn fixed(&self) -> &str {
        &self.parts[0]
    }

    /// Whether the pattern matches an import path.
    pub fn matches(&self, path: &str) -> bool {
        if self.parts.len() == 1 {
            return self.open_end
                && below(path, self.fixed())
                    .is_some_and(|rest| rest.is_empty() || !has_vendor(rest));
        }
        let Some(mut rest) = path.strip_prefix(self.parts[0].as_str()) else { return false };
        if has_vendor(rest) && !self.parts.iter().any(|p| has_vendor(p)) {
            return false;
        }
        for middle in &self.parts[1..self.parts.len() - 1] {
            let Some(at) = rest.find(middle.as_str()) else { return false };
            rest = &rest[at + middle.len()..];
        }
        let last = self.parts[self.parts.len() - 1].as_str();
        if !self.open_end {
            return rest.ends_with(last);
        }
        rest.ends_with(last)
            || rest.match_indices(last).any(|(at, _)| rest[at + last.len()..].starts_with('/'))
    }

    /// Whether something below the folder `path` could match.
    pub fn can_match_below(&self, path: &str) -> bool {
        let fixed = self.fixed();
        path.starts_with(fixed) || below(fixed, path).is_some() || below(path, fixed).is_some()
    }
}

fn has_vendor(path: &str) -> bool {
    path.split('/').any(|part| part == "vendor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_go_does() {
        for (pattern, path, want) in [
            ("x/...", "x", true),
            ("x/...", "x/y/z", true),
            ("x/...", "xy", false),
            ("x...", "xy/z", true),
            ("x/.../z", "x/y/z", true),
            ("x/.../z", "x/z", false),
            ("x/.../z/...", "x/a/z/b", true),
            ("x/...", "x/vendor/y", false),
            ("x/vendor/...", "x/vendor/y", true),
            ("...", "anything/at/all", true),
        ] {
            assert_eq!(
                Wildcard::new(pattern).expect("has one").matches(path),
                want,
                "{pattern} {path}"
            );
        }
        assert!(Wildcard::new("x/y").is_none());
    }

    #[test]
    fn paths_are_cleaned_as_text() {
        assert_eq!(clean(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(slashed(Path::new("/a/b/c"), Path::new("/a")).as_deref(), Some("b/c"));
        assert_eq!(slashed(Path::new("/a"), Path::new("/b")), None);
        assert_eq!(
            (below("a/b", "a"), below("ab", "a"), below("a", "a")),
            (Some("b"), None, Some(""))
        );
    }
}
