//! Build constraints: `//go:build` lines, the older `// +build` lines, and file-name suffixes
//! (`go help buildconstraint`). What they mean is decided by a [`BuildContext`].

use crate::targets::{is_known_arch, is_known_os, is_unix};
use crate::{BuildContext, LanguageVersion};

/// A constraint expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expr {
    Tag(String),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
}

/// What the lines above the package clause say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Header {
    /// The constraint as a whole, with its text for messages.
    pub constraint: Option<(Expr, String)>,
    /// The Go version that a `//go:build` line implies: `go1.18 && linux` gives `(1, 18)`.
    pub go_version: Option<LanguageVersion>,
    /// A line that does not parse: its number (from 1) and what is wrong.
    pub error: Option<(u32, String)>,
}

/// Deeper nesting than this is refused, so that hostile input cannot exhaust the stack.
const MAX_DEPTH: u32 = 500;

/// Reads the constraints of a file from the comments above its package clause.
pub(crate) fn read_header(text: &[u8]) -> Header {
    let (lines, blank) = leading_comments(text);
    let mut header = Header::default();
    let mut go_build: Option<(Expr, String)> = None;
    for &(number, line) in &lines {
        let Some(expr) = go_build_text(line) else { continue };
        if go_build.is_some() {
            header.error = Some((number, "a file has at most one //go:build line".to_owned()));
            break;
        }
        match parse(expr) {
            Ok(parsed) => {
                header.go_version = minimum_version(&parsed, true).map(|minor| (1, minor));
                go_build = Some((parsed, line.trim().to_owned()));
            }
            Err(message) => {
                header.error = Some((number, format!("parsing //go:build line: {message}")));
                break;
            }
        }
    }
    header.constraint = go_build.or_else(|| plus_build(&lines, blank));
    header
}

/// Whether a file name's `_GOOS`, `_GOARCH` or `_GOOS_GOARCH` suffix admits it; the suffix if not.
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

impl Expr {
    /// Whether the constraint holds.
    pub fn holds(&self, context: &BuildContext) -> bool {
        match self {
            Self::Tag(tag) => context.has_tag(tag),
            Self::Not(x) => !x.holds(context),
            Self::And(x, y) => x.holds(context) && y.holds(context),
            Self::Or(x, y) => x.holds(context) || y.holds(context),
        }
    }
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
            return minor.parse::<u32>().is_ok_and(|m| m >= 1 && m <= self.go_version.1)
                && !minor.starts_with(['0', '+']);
        }
        let set = |tags: &[String]| tags.binary_search_by(|t| t.as_str().cmp(tag)).is_ok();
        set(&self.tags) || set(&self.tool_tags)
    }
}

/// The comment lines above the package clause, numbered from 1, without those inside `/* */`; and
/// the number of the last blank line, above which `// +build` lines count.
fn leading_comments(text: &[u8]) -> (Vec<(u32, &str)>, u32) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lines = Vec::new();
    let (mut last_blank, mut only_comments, mut in_block) = (0, true, false);
    for (index, raw) in text.split(|&b| b == b'\n').enumerate() {
        let number = index as u32 + 1;
        let mut rest = raw.trim_ascii();
        if rest.is_empty() {
            if only_comments && !in_block {
                last_blank = number;
            }
            continue;
        }
        if !in_block && rest.starts_with(b"//") {
            // A line that is no UTF-8 cannot be a constraint.
            if let Ok(line) = std::str::from_utf8(rest) {
                lines.push((number, line));
            }
            continue;
        }
        only_comments = false;
        while !rest.is_empty() {
            if in_block {
                match rest.windows(2).position(|w| w == b"*/") {
                    Some(end) => {
                        in_block = false;
                        rest = rest[end + 2..].trim_ascii();
                    }
                    None => rest = b"",
                }
            } else if rest.starts_with(b"//") {
                rest = b"";
            } else if let Some(inside) = rest.strip_prefix(b"/*") {
                in_block = true;
                rest = inside;
            } else {
                return (lines, last_blank);
            }
        }
    }
    (lines, last_blank)
}

/// The expression of a `//go:build` line.
fn go_build_text(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("//go:build")?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

/// The `// +build` lines above the last blank line: lines are joined by and, words by or, commas
/// by and.
fn plus_build(lines: &[(u32, &str)], last_blank: u32) -> Option<(Expr, String)> {
    let mut whole: Option<(Expr, String)> = None;
    for &(number, line) in lines {
        let words = line.trim_start_matches("//").trim_start();
        let Some(words) = words.strip_prefix("+build").filter(|w| w.starts_with([' ', '\t'])) else {
            continue;
        };
        if number > last_blank {
            continue;
        }
        let any = words
            .split_ascii_whitespace()
            .map(|word| {
                word.split(',')
                    .map(|term| match term.strip_prefix('!') {
                        Some(tag) => Expr::Not(Box::new(Expr::Tag(tag.to_owned()))),
                        None => Expr::Tag(term.to_owned()),
                    })
                    .reduce(|x, y| Expr::And(Box::new(x), Box::new(y)))
                    .expect("split gives at least one part")
            })
            .reduce(|x, y| Expr::Or(Box::new(x), Box::new(y)));
        let Some(any) = any else { continue };
        whole = Some(match whole {
            Some((all, text)) => (Expr::And(Box::new(all), Box::new(any)), text),
            None => (any, line.to_owned()),
        });
    }
    whole
}

/// The lowest Go minor version that the constraint lets through, as `go/build/constraint.GoVersion`
/// computes it; `None` when it implies none. `positive` is false below an odd number of `!`.
fn minimum_version(expr: &Expr, positive: bool) -> Option<u32> {
    match expr {
        Expr::Not(x) => minimum_version(x, !positive),
        Expr::Tag(_) if !positive => None,
        Expr::Tag(tag) if tag == "go1" => Some(0),
        Expr::Tag(tag) => tag.strip_prefix("go1.")?.parse().ok(),
        Expr::And(x, y) | Expr::Or(x, y) => {
            let (a, b) = (minimum_version(x, positive), minimum_version(y, positive));
            // `None` is below every version; a negation turns and into or.
            if matches!(expr, Expr::And(..)) == positive { a.max(b) } else { a.min(b) }
        }
    }
}

fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { rest: text.trim(), depth: 0, size: 0 };
    let expr = parser.or()?;
    match parser.rest.chars().next() {
        None => Ok(expr),
        Some(c) => Err(format!("unexpected {c:?} after the expression")),
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
    /// Number of operators and tags so far: a long chain nests to the left.
    size: u32,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expr, String> {
        let mut x = self.and()?;
        while self.eat("||") {
            let y = self.and()?;
            x = Expr::Or(Box::new(x), Box::new(y));
        }
        Ok(x)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut x = self.not()?;
        while self.eat("&&") {
            let y = self.not()?;
            x = Expr::And(Box::new(x), Box::new(y));
        }
        Ok(x)
    }

    fn not(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        self.size += 1;
        if self.depth > MAX_DEPTH || self.size > MAX_DEPTH {
            return Err("the expression is too large".to_owned());
        }
        let expr = if self.eat("!") {
            if self.rest.starts_with('!') {
                return Err("double negation is not allowed".to_owned());
            }
            Expr::Not(Box::new(self.not()?))
        } else if self.eat("(") {
            let inner = self.or()?;
            if !self.eat(")") {
                return Err("missing )".to_owned());
            }
            inner
        } else {
            self.tag()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn tag(&mut self) -> Result<Expr, String> {
        let in_tag = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = self.rest.find(|c| !in_tag(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(match self.rest.chars().next() {
                Some(c) => format!("expected a tag, `!` or `(`, found {c:?}"),
                None => "expected a tag, `!` or `(`, found the end of the line".to_owned(),
            });
        }
        let tag = self.rest[..end].to_owned();
        self.rest = self.rest[end..].trim_start();
        Ok(Expr::Tag(tag))
    }

    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux() -> BuildContext {
        BuildContext { go_version: (1, 22), tags: vec!["integration".into()], ..Default::default() }
    }

    fn included(text: &str) -> bool {
        read_header(text.as_bytes()).constraint.is_none_or(|(e, _)| e.holds(&linux()))
    }

    #[test]
    fn go_build_lines_are_evaluated() {
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
            assert_eq!(included(&format!("// Doc.\n\n//go:build {line}\n\npackage p\n")), want, "{line}");
        }
        assert!(included("package p\n//go:build ignore\n"), "below the package clause it is a comment");
        assert!(included("/*\n//go:build ignore\n*/\npackage p\n"));
        assert!(!included("/* x */\n//go:build ignore\npackage p\n"));
    }

    #[test]
    fn plus_build_lines_need_a_blank_line_below() {
        assert!(!included("// +build windows darwin\n\npackage p\n"));
        assert!(included("// +build windows darwin\npackage p\n"));
        assert!(included("// +build linux,!cgo linux,amd64\n// +build !ignore\n\npackage p\n"));
        assert!(!included("// +build linux\n// +build ignore\n\npackage p\n"));
        assert!(included("//go:build linux\n// +build ignore\n\npackage p\n"));
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

    #[test]
    fn versions_follow_from_the_constraint() {
        let version = |line: &str| read_header(format!("//go:build {line}\n\npackage p").as_bytes()).go_version;
        assert_eq!(version("go1.18"), Some((1, 18)));
        assert_eq!(version("linux && go1.18"), Some((1, 18)));
        assert_eq!(version("linux || go1.18"), None);
        assert_eq!(version("!go1.18"), None);
        assert_eq!(version("!(!go1.18 || !go1.20)"), Some((1, 20)));
        assert_eq!(version("go1.18 || go1.20"), Some((1, 18)));
    }

    #[test]
    fn broken_and_hostile_lines_are_errors() {
        let error = |line: &str| read_header(format!("\n//go:build {line}\n\npackage p").as_bytes()).error;
        assert_eq!(error("linux &&").map(|e| e.0), Some(2));
        assert!(error("(linux").is_some());
        assert!(error("!!linux").is_some());
        assert!(error(&"(".repeat(100_000)).is_some());
        assert!(error(&"a&&".repeat(100_000)).is_some());
        assert!(read_header(b"//go:build a\n//go:build b\npackage p").error.is_some());
        assert!(error("linux").is_none());
    }
}
