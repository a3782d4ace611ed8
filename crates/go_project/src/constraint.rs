//! Which files a [`BuildContext`] admits: by the tags of their constraint and by the `_GOOS` and
//! `_GOARCH` suffixes of their names (`go help buildconstraint`).

use std::path::Path;

use go_syntax::directives::file_constraint;
use source::SourceFile;

use crate::targets::{is_known_arch, is_known_os, is_unix};
use crate::{BuildContext, ErrorClass, LanguageVersion, LoadError};

/// What the name suffix or constraint of a file amounts to.
pub(crate) enum Verdict {
    /// Part of the package; the Go version that its `//go:build` line implies.
    Included(Option<LanguageVersion>),
    /// Not part of it, and why.
    Excluded(String),
    /// The constraint does not parse.
    Broken(LoadError),
}

/// Judges a file by the constraint above its package clause.
pub(crate) fn judge(context: &BuildContext, path: &Path, text: &[u8]) -> Verdict {
    match file_constraint(text) {
        Ok(None) => Verdict::Included(None),
        Ok(Some(constraint)) if constraint.eval(&|tag| context.has_tag(tag)) => {
            let version = has_go_build_line(text).then(|| constraint.go_version()).flatten();
            Verdict::Included(version.map(|minor| (1, minor)))
        }
        Ok(Some(_)) => Verdict::Excluded(constraint_line(text)),
        Err(error) => {
            let place = SourceFile::new(path, text.to_vec()).line_col(error.pos);
            let error = LoadError::new(path, ErrorClass::Source, error.message);
            Verdict::Broken(error.at(place.line, place.column))
        }
    }
}

/// The `_GOOS`, `_GOARCH` or `_GOOS_GOARCH` suffix of a file name that keeps it out, if one does.
pub(crate) fn name_excluded_by<'a>(context: &BuildContext, name: &'a str) -> Option<&'a str> {
    let stem = name.split('.').next().unwrap_or(name);
    let rest = &stem[stem.find('_')?..];
    let rest = rest.strip_suffix("_test").unwrap_or(rest);
    let mut parts = rest.rsplit('_');
    let last = parts.next()?;
    let before = parts.next().unwrap_or("");
    if is_known_os(before) && is_known_arch(last) {
        let both = context.has_tag(before) && context.has_tag(last);
        return (!both).then(|| &rest[rest.len() - before.len() - last.len() - 1..]);
    }
    let known = is_known_os(last) || is_known_arch(last);
    (known && !context.has_tag(last)).then_some(last)
}

impl BuildContext {
    /// Whether a build tag is set.
    pub fn has_tag(&self, tag: &str) -> bool {
        match tag {
            "cgo" => return self.cgo,
            "unix" if is_unix(&self.goos) => return true,
            "linux" if self.goos == "android" => return true,
            "solaris" if self.goos == "illumos" => return true,
            "darwin" if self.goos == "ios" => return true,
            "boringcrypto" => return self.has_tag("goexperiment.boringcrypto"),
            _ => {}
        }
        if tag == self.goos || tag == self.goarch || tag == self.compiler {
            return true;
        }
        if let Some(minor) = tag.strip_prefix("go1.") {
            let canonical = !minor.starts_with(['0', '+']);
            return canonical
                && minor.parse::<u32>().is_ok_and(|m| m >= 1 && m <= self.go_version.1);
        }
        let set = |tags: &[String]| tags.binary_search_by(|t| t.as_str().cmp(tag)).is_ok();
        set(&self.tags) || set(&self.tool_tags)
    }
}

/// Only a `//go:build` line changes the language version of a file, `// +build` does not.
fn has_go_build_line(text: &[u8]) -> bool {
    constraint_lines(text).any(|line| line.starts_with("//go:build"))
}

/// The first constraint line, for messages.
fn constraint_line(text: &[u8]) -> String {
    constraint_lines(text).next().unwrap_or("build constraint").to_owned()
}

fn constraint_lines(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split(|&b| b == b'\n')
        .map(<[u8]>::trim_ascii)
        .take_while(|line| !line.starts_with(b"package "))
        .filter(|line| {
            line.starts_with(b"//go:build")
                || line.strip_prefix(b"//").is_some_and(|l| l.trim_ascii().starts_with(b"+build"))
        })
        .filter_map(|line| std::str::from_utf8(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux() -> BuildContext {
        BuildContext { go_version: (1, 22), tags: vec!["integration".into()], ..Default::default() }
    }

    fn included(text: &str) -> bool {
        matches!(judge(&linux(), Path::new("a.go"), text.as_bytes()), Verdict::Included(_))
    }

    #[test]
    fn constraints_are_evaluated_in_the_context() {
        for (line, want) in [
            ("linux && amd64", true),
            ("windows || (unix && !cgo)", false),
            ("go1.22 && !go1.23", true),
            ("go1.01", false),
            ("integration", true),
            ("race", false),
            ("gc && !gccgo", true),
            ("ignore", false),
        ] {
            assert_eq!(
                included(&format!("// Doc.\n\n//go:build {line}\n\npackage p\n")),
                want,
                "{line}"
            );
        }
    }

    #[test]
    fn only_go_build_lines_set_a_version() {
        let version = |text: &str| match judge(&linux(), Path::new("a.go"), text.as_bytes()) {
            Verdict::Included(version) => version,
            _ => None,
        };
        assert_eq!(version("//go:build go1.20\n\npackage p\n"), Some((1, 20)));
        assert_eq!(version("// +build go1.20\n\npackage p\n"), None);
    }

    #[test]
    fn a_verdict_says_why() {
        let context = linux();
        let Verdict::Excluded(why) =
            judge(&context, Path::new("a.go"), b"//go:build ignore\n\npackage p")
        else {
            panic!("excluded");
        };
        assert_eq!(why, "//go:build ignore");
        let Verdict::Broken(error) =
            judge(&context, Path::new("/a.go"), b"\n//go:build (x\n\npackage p")
        else {
            panic!("broken");
        };
        assert!(error.to_string().starts_with("/a.go:2:14: "), "{error}");
    }

    #[test]
    fn names_exclude_by_suffix() {
        for (name, want) in [
            ("a_linux.go", None),
            ("a_windows.go", Some("windows")),
            ("a_windows_amd64.go", Some("windows_amd64")),
            ("a_linux_arm64_test.go", Some("linux_arm64")),
            ("windows.go", None),
            ("amd64.go", None),
            ("a_test.go", None),
            ("a_unix.go", None),
            ("x_linux_amd64.go", None),
            ("_windows.go", Some("windows")),
        ] {
            assert_eq!(name_excluded_by(&linux(), name), want, "{name}");
        }
    }
}
