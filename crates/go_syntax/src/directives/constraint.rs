//! Build constraints: `//go:build` expressions, the `// +build` lines of old, and where in a file
//! they count. The rules are those of `go help buildconstraint`.

use crate::ast::SyntaxError;

/// A build constraint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Constraint {
    /// A tag is set.
    Tag(String),
    /// The constraint does not hold.
    Not(Box<Constraint>),
    /// Both hold.
    And(Box<Constraint>, Box<Constraint>),
    /// One holds.
    Or(Box<Constraint>, Box<Constraint>),
}

/// More tags and operators than this in one constraint are refused, as the go command does.
const MAX_SIZE: usize = 1000;

impl Constraint {
    /// Parses the expression of a `//go:build` line; `offset` is where it stands in the file.
    pub fn parse(text: &str, offset: u32) -> Result<Self, SyntaxError> {
        let mut parser = ExprParser { text, at: 0, offset, size: 0 };
        let constraint = parser.or()?;
        parser.skip_blanks();
        if parser.at < text.len() {
            return Err(parser.error("expected '&&', '||' or the end of the build constraint"));
        }
        Ok(constraint)
    }

    /// Whether the constraint holds when the tags that `is_set` accepts are set.
    pub fn eval(&self, is_set: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Constraint::Tag(tag) => is_set(tag),
            Constraint::Not(x) => !x.eval(is_set),
            Constraint::And(x, y) => x.eval(is_set) && y.eval(is_set),
            Constraint::Or(x, y) => x.eval(is_set) || y.eval(is_set),
        }
    }

    /// The minor number of the oldest Go 1 release that the constraint admits, if it demands one:
    /// 21 for `linux && go1.21`, 0 for `go1`.
    pub fn go_version(&self) -> Option<u32> {
        self.min_version(true)
    }

    fn min_version(&self, positive: bool) -> Option<u32> {
        match self {
            Constraint::Tag(tag) if positive => match tag.as_str() {
                "go1" => Some(0),
                tag => tag.strip_prefix("go1.")?.parse().ok(),
            },
            Constraint::Tag(_) => None,
            Constraint::Not(x) => x.min_version(!positive),
            Constraint::And(x, y) | Constraint::Or(x, y) => {
                let (x, y) = (x.min_version(positive), y.min_version(positive));
                // Under a negation, De Morgan swaps the two.
                let both = matches!(self, Constraint::And(..)) == positive;
                if both { x.max(y) } else { x.min(y) }
            }
        }
    }
}

/// The constraint under which a file is built: its `//go:build` line, or else its `// +build` lines;
/// `None` if it has neither. Only the comments before the package clause count.
pub fn file_constraint(text: &[u8]) -> Result<Option<Constraint>, SyntaxError> {
    let header = Header::read(text)?;
    if let Some((line, offset)) = header.go_build {
        let expr = &line["//go:build".len()..];
        return Constraint::parse(expr, offset + "//go:build".len() as u32).map(Some);
    }
    let mut all: Option<Constraint> = None;
    for line in lines(header.plus_build_region).filter_map(|(line, _)| plus_build(line)) {
        all = Some(match all {
            None => line,
            Some(before) => Constraint::And(Box::new(before), Box::new(line)),
        });
    }
    Ok(all)
}

/// The part of a file where constraints count.
struct Header<'t> {
    /// The `//go:build` line with its offset.
    go_build: Option<(&'t str, u32)>,
    /// Up to the last blank line in the leading run of `//` comments and blank lines.
    plus_build_region: &'t [u8],
}

impl<'t> Header<'t> {
    fn read(text: &'t [u8]) -> Result<Self, SyntaxError> {
        let bom = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut header = Header { go_build: None, plus_build_region: &[] };
        let mut in_block = false;
        let mut only_line_comments = true;
        for (line, offset) in lines(&text[bom..]) {
            let offset = offset + bom as u32;
            if line.is_empty() && only_line_comments {
                header.plus_build_region = &text[bom..offset as usize];
                continue;
            }
            if !line.starts_with(b"//") {
                only_line_comments = false;
            }
            if !in_block && is_go_build(line) {
                if header.go_build.is_some() {
                    return Err(SyntaxError {
                        pos: offset,
                        message: "a second //go:build line: a file has one".into(),
                    });
                }
                let line = std::str::from_utf8(line).map_err(|_| SyntaxError {
                    pos: offset,
                    message: "the //go:build line is not UTF-8".into(),
                })?;
                header.go_build = Some((line, offset));
            }
            let Some(still_in_block) = comments_only(line, in_block) else { break };
            in_block = still_in_block;
        }
        Ok(header)
    }
}

/// Whether a line holds only comments and blanks, and if so, whether a block comment goes on after
/// it; `None` at the first other text.
fn comments_only(mut line: &[u8], mut in_block: bool) -> Option<bool> {
    loop {
        line = line.trim_ascii_start();
        if in_block {
            let Some(end) = memchr::memmem::find(line, b"*/") else { return Some(true) };
            in_block = false;
            line = &line[end + 2..];
        } else if line.is_empty() || line.starts_with(b"//") {
            return Some(false);
        } else {
            line = line.strip_prefix(b"/*")?;
            in_block = true;
        }
    }
}

fn is_go_build(line: &[u8]) -> bool {
    line.strip_prefix(b"//go:build")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t')))
}

/// The lines of a text without blanks around them, and their offsets.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], u32)> {
    let mut start = 0;
    text.split_inclusive(|&b| b == b'\n').map(move |line| {
        let blanks = line.len() - line.trim_ascii_start().len();
        let offset = start + blanks;
        start += line.len();
        (line.trim_ascii(), offset as u32)
    })
}

/// The constraint of a `// +build` line: words are alternatives, commas join, `!` negates.
fn plus_build(line: &[u8]) -> Option<Constraint> {
    let rest = line.strip_prefix(b"//")?.trim_ascii_start().strip_prefix(b"+build")?;
    if !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return None;
    }
    let rest = std::str::from_utf8(rest).ok()?;
    // What cannot be a tag is read as one that is never set.
    let never = || Constraint::Tag("ignore".to_owned());
    let literal = |word: &str| {
        let (tag, negated) = word.strip_prefix('!').map_or((word, false), |tag| (tag, true));
        if tag.is_empty() || !tag.chars().all(is_tag_char) {
            never()
        } else if negated {
            Constraint::Not(Box::new(Constraint::Tag(tag.to_owned())))
        } else {
            Constraint::Tag(tag.to_owned())
        }
    };
    let join = |word: &str| {
        word.split(',')
            .map(literal)
            .reduce(|x, y| Constraint::And(Box::new(x), Box::new(y)))
            .unwrap_or_else(never)
    };
    let words = rest.split_ascii_whitespace().take(MAX_SIZE / 2);
    Some(
        words
            .map(join)
            .reduce(|x, y| Constraint::Or(Box::new(x), Box::new(y)))
            .unwrap_or_else(never),
    )
}

fn is_tag_char(c: char) -> bool {
    c == '_' || c == '.' || crate::unicode::is_letter(c) || crate::unicode::is_digit(c)
}

struct ExprParser<'t> {
    text: &'t str,
    at: usize,
    offset: u32,
    size: usize,
}

impl ExprParser<'_> {
    fn or(&mut self) -> Result<Constraint, SyntaxError> {
        let mut x = self.and()?;
        while self.eat("||")? {
            x = Constraint::Or(Box::new(x), Box::new(self.and()?));
        }
        Ok(x)
    }

    fn and(&mut self) -> Result<Constraint, SyntaxError> {
        let mut x = self.not()?;
        while self.eat("&&")? {
            x = Constraint::And(Box::new(x), Box::new(self.not()?));
        }
        Ok(x)
    }

    fn not(&mut self) -> Result<Constraint, SyntaxError> {
        if !self.eat("!")? {
            return self.atom();
        }
        if self.eat("!")? {
            return Err(self.error("a build constraint must not negate twice"));
        }
        Ok(Constraint::Not(Box::new(self.not()?)))
    }

    fn atom(&mut self) -> Result<Constraint, SyntaxError> {
        if self.eat("(")? {
            let x = self.or()?;
            if !self.eat(")")? {
                return Err(self.error("expected ')' in the build constraint"));
            }
            return Ok(x);
        }
        let rest = &self.text[self.at..];
        let len = rest.find(|c| !is_tag_char(c)).unwrap_or(rest.len());
        if len == 0 {
            return Err(self.error("expected a tag, '!' or '(' in the build constraint"));
        }
        self.count()?;
        self.at += len;
        Ok(Constraint::Tag(rest[..len].to_owned()))
    }

    fn eat(&mut self, token: &str) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        let here = self.text[self.at..].starts_with(token);
        if here {
            self.count()?;
            self.at += token.len();
        }
        Ok(here)
    }

    /// Bounds the size, and with it the depth of the recursion.
    fn count(&mut self) -> Result<(), SyntaxError> {
        self.size += 1;
        if self.size > MAX_SIZE {
            Err(self.error("the build constraint is too long"))
        } else {
            Ok(())
        }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError { pos: self.offset + self.at as u32, message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, tags: &[&str]) -> Option<bool> {
        let constraint = file_constraint(text.as_bytes()).expect("a well-formed constraint")?;
        Some(constraint.eval(&|tag| tags.contains(&tag)))
    }

    #[test]
    fn go_build_lines_are_evaluated() {
        let text = "// Copyright\n\n/* and */\n//go:build (linux && !cgo) || darwin\n\npackage p\n";
        assert_eq!(holds(text, &["linux"]), Some(true));
        assert_eq!(holds(text, &["linux", "cgo"]), Some(false));
        assert_eq!(holds(text, &["darwin", "cgo"]), Some(true));
        assert_eq!(holds("package p\n//go:build ignore\n", &[]), None);
        assert_eq!(holds("/*\n//go:build ignore\n*/\npackage p\n", &[]), None);
        assert_eq!(holds("//go:builder x\npackage p\n", &[]), None);
        assert_eq!(holds("// +build x\n\n//go:build y\n\npackage p\n", &["y"]), Some(true));
    }

    #[test]
    fn plus_build_lines_count_before_a_blank_line() {
        let text = "// +build linux,!cgo darwin\n// +build go1.5\n\npackage p\n";
        assert_eq!(holds(text, &["linux", "go1.5"]), Some(true));
        assert_eq!(holds(text, &["linux"]), Some(false));
        assert_eq!(holds(text, &["linux", "cgo", "go1.5"]), Some(false));
        assert_eq!(holds("// +build ignore\npackage p\n", &[]), None);
        assert_eq!(holds("// +build !!x\n\npackage p\n", &["x"]), Some(false));
    }

    #[test]
    fn malformed_lines_are_errors_at_their_place() {
        for (text, pos) in [
            ("//go:build\npackage p\n", 10),
            ("//go:build a &\npackage p\n", 13),
            ("//go:build !!a\npackage p\n", 13),
            ("//go:build (a\npackage p\n", 13),
            ("//go:build a\n//go:build b\npackage p\n", 13),
        ] {
            assert_eq!(file_constraint(text.as_bytes()).expect_err(text).pos, pos, "{text}");
        }
        let long = format!("//go:build {}a\n", "(".repeat(100_000));
        assert!(file_constraint(long.as_bytes()).is_err());
    }

    #[test]
    fn the_oldest_release_is_found() {
        for (text, version) in [
            ("go1.21", Some(21)),
            ("linux && go1.21", Some(21)),
            ("go1.18 && go1.21", Some(21)),
            ("go1.18 || go1.21", Some(18)),
            ("linux || go1.21", None),
            ("!go1.21", None),
            ("go1", Some(0)),
            ("!(!go1.20 || !go1.19)", Some(20)),
        ] {
            let constraint = Constraint::parse(text, 0).expect("well-formed");
            assert_eq!(constraint.go_version(), version, "{text}");
        }
    }
}
