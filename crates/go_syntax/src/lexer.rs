//! The scanner: bytes to tokens, one at a time, with the automatic semicolons of the specification.
//! It keeps comments aside and goes on after every error. Literals are in `lexer/literals.rs`.

mod literals;

use std::ops::Range;

use base::PackedName;
use memchr::{memchr, memmem, memrchr};
use source::Span;

use crate::ast::SyntaxError;
use crate::token::{Tok, TokSet, keyword};
use crate::unicode;

/// More errors than this in one file tell nothing new; the rest are dropped.
const MAX_ERRORS: usize = 100;

/// The scanner's state; the current token is in `tok`, `start`, `end`.
pub(crate) struct Lexer<'t> {
    text: &'t [u8],
    /// The part of `text` from its start that is known to be UTF-8.
    valid: &'t str,
    pos: usize,
    insert_semi: bool,
    /// The current token packed, if it is a name that is short enough.
    pub(crate) name: Option<PackedName>,
    /// Kind of the current token.
    pub(crate) tok: Tok,
    /// Offset of its first byte.
    pub(crate) start: u32,
    /// Offset just past it.
    pub(crate) end: u32,
    /// Whether the current semicolon stands for a newline or the end of the file.
    pub(crate) semi_implicit: bool,
    pub(crate) comments: Vec<Span>,
    pub(crate) errors: Vec<SyntaxError>,
    /// The line of the last error, with its newline.
    error_line: Range<u32>,
    /// Set after the parser gave up: nothing more is reported.
    pub(crate) muted: bool,
}

/// What a newline ends a statement after, among names and keywords.
const ENDS_STATEMENT: TokSet =
    TokSet::new(&[Tok::Ident, Tok::Break, Tok::Continue, Tok::Fallthrough, Tok::Return]);

impl<'t> Lexer<'t> {
    /// A lexer at the start of `text`, before the first token. With `check_all`, the encoding of
    /// the whole text is checked at once: Go source is UTF-8 without NUL, with at most one byte
    /// order mark, at its start (Go spec, "Source code representation"). `comments` is an empty vector to
    /// fill.
    pub(crate) fn new(text: &'t [u8], check_all: bool, comments: Vec<Span>) -> Self {
        let mut lexer = Self {
            text,
            valid: "",
            pos: 0,
            insert_semi: false,
            name: None,
            tok: Tok::Eof,
            start: 0,
            end: 0,
            semi_implicit: false,
            comments,
            errors: Vec::new(),
            error_line: 0..0,
            muted: false,
        };
        if text.starts_with(BOM) {
            lexer.pos = BOM.len();
        }
        if check_all {
            lexer.check_encoding();
        }
        lexer
    }

    /// The bytes being scanned.
    pub(crate) fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The text of a token, `_` if it is not UTF-8.
    #[inline]
    pub(crate) fn str(&self, start: u32, end: u32) -> &'t str {
        let (start, end) = (start as usize, end as usize);
        match self.valid.get(start..end) {
            Some(text) => text,
            None => std::str::from_utf8(&self.text[start..end]).unwrap_or("_"),
        }
    }

    /// Whether an error at `at` would be recorded: one a line is, up to a limit.
    pub(crate) fn wants_error(&self, at: u32) -> bool {
        !self.muted && self.errors.len() < MAX_ERRORS && !self.error_line.contains(&at)
    }

    /// Records an error, if it is wanted.
    pub(crate) fn error(&mut self, at: u32, message: impl Into<String>) {
        if self.wants_error(at) {
            let (before, after) = self.text.split_at(at as usize);
            let line_start = memrchr(b'\n', before).map_or(0, |n| n + 1) as u32;
            let line_end = memchr(b'\n', after).map_or(self.text.len(), |n| n + at as usize) as u32;
            self.error_line = line_start..line_end + 1;
            self.errors.push(SyntaxError { pos: at, message: message.into() });
        }
    }

    /// Gives up on the rest of the file: the next token is the end.
    pub(crate) fn stop(&mut self) {
        self.muted = true;
        self.pos = self.text.len();
        self.insert_semi = false;
        self.set(Tok::Eof, self.text.len(), self.text.len());
    }

    /// Moves to the next token that is not a comment.
    #[inline]
    pub(crate) fn next(&mut self) {
        loop {
            let mut pos = self.pos;
            while let Some(&b) = self.text.get(pos) {
                match b {
                    b' ' | b'\t' | b'\r' => pos += 1,
                    b'\n' if !self.insert_semi => pos += 1,
                    _ => break,
                }
            }
            let Some(&b) = self.text.get(pos) else {
                self.pos = pos;
                self.end_of_file();
                return;
            };
            if b.is_ascii_alphabetic() || b == b'_' {
                self.identifier(pos);
                return;
            }
            if b == b'/' && matches!(self.text.get(pos + 1), Some(b'/' | b'*')) {
                if self.comment(pos) {
                    return;
                }
                continue;
            }
            self.punctuation_or_literal(b, pos);
            return;
        }
    }

    /// Skips a block whose `{` is the current token, without making tokens of it, and makes the
    /// matching `}` (or the end of the file) the current token.
    pub(crate) fn skip_block(&mut self) {
        let mut depth = 1_u32;
        let mut pos = self.end as usize;
        while let Some(&b) = self.text.get(pos) {
            match b {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.pos = pos + 1;
                        self.insert_semi = true;
                        self.set(Tok::RBrace, pos, pos + 1);
                        return;
                    }
                }
                b'"' | b'\'' => {
                    pos = self.end_of_quoted(pos);
                    continue;
                }
                b'`' => {
                    pos = memchr(b'`', &self.text[pos + 1..])
                        .map_or(self.text.len(), |n| pos + n + 2);
                    continue;
                }
                b'/' => match self.text.get(pos + 1) {
                    Some(b'/') => {
                        pos = memchr(b'\n', &self.text[pos..]).map_or(self.text.len(), |n| pos + n);
                    }
                    Some(b'*') => {
                        pos = memmem::find(&self.text[pos + 2..], b"*/")
                            .map_or(self.text.len(), |n| pos + n + 4);
                        continue;
                    }
                    _ => {}
                },
                _ => {}
            }
            pos += 1;
        }
        self.pos = self.text.len();
        self.insert_semi = false;
        self.set(Tok::Eof, self.text.len(), self.text.len());
    }

    /// The offset after the quoted literal that opens at `pos`; it ends at a newline at the latest.
    fn end_of_quoted(&self, pos: usize) -> usize {
        let quote = self.text[pos];
        let mut pos = pos + 1;
        while let Some(&b) = self.text.get(pos) {
            pos += 1;
            match b {
                b'\\' => pos += 1,
                b'\n' => break,
                _ if b == quote => break,
                _ => {}
            }
        }
        pos.min(self.text.len())
    }

    fn check_encoding(&mut self) {
        match std::str::from_utf8(self.text) {
            Ok(valid) => self.valid = valid,
            Err(e) => {
                let bad = e.valid_up_to();
                self.valid = std::str::from_utf8(&self.text[..bad]).expect("checked up to here");
                let message = if bad == 0
                    && (self.text.starts_with(b"\xff\xfe") || self.text.starts_with(b"\xfe\xff"))
                {
                    "illegal UTF-8 encoding (this looks like UTF-16)"
                } else {
                    "illegal UTF-8 encoding"
                };
                self.errors.push(SyntaxError { pos: bad as u32, message: message.into() });
            }
        }
        if let Some(nul) = memchr(0, self.text) {
            self.errors
                .push(SyntaxError { pos: nul as u32, message: "illegal character NUL".into() });
        }
        if let Some(mark) = self.text.get(1..).and_then(|rest| memmem::find(rest, BOM)) {
            self.errors.push(SyntaxError {
                pos: mark as u32 + 1,
                message: "illegal byte order mark: only the start of a file may have one".into(),
            });
        }
    }

    #[inline]
    fn set(&mut self, tok: Tok, start: usize, end: usize) {
        self.tok = tok;
        self.start = start as u32;
        self.end = end as u32;
    }

    #[inline]
    fn emit(&mut self, tok: Tok, start: usize, len: usize, insert_semi: bool) {
        self.insert_semi = insert_semi;
        self.pos = start + len;
        self.set(tok, start, start + len);
    }

    fn end_of_file(&mut self) {
        let end = self.text.len();
        if self.insert_semi {
            self.insert_semi = false;
            self.semi_implicit = true;
            self.set(Tok::Semicolon, end, end);
        } else {
            self.set(Tok::Eof, end, end);
        }
    }

    #[inline]
    fn identifier(&mut self, start: usize) {
        let end = name_end(self.text, start + 1);
        if self.text.get(end).is_some_and(|b| !b.is_ascii()) {
            self.identifier_tail(start, end);
        } else {
            self.finish_identifier(start, end);
        }
    }

    #[inline]
    fn finish_identifier(&mut self, start: usize, end: usize) {
        let len = end - start;
        self.name = PackedName::new(self.text, start, len);
        let tok = self.name.map_or(Tok::Ident, |name| keyword(name, len));
        self.insert_semi = ENDS_STATEMENT.has(tok);
        self.pos = end;
        self.set(tok, start, end);
    }

    /// An identifier with letters or digits outside ASCII; `pos` is past its first characters.
    #[cold]
    fn identifier_tail(&mut self, start: usize, mut pos: usize) {
        while let Some(c) = self.char_at(pos)
            && (c == '_' || unicode::is_letter(c) || unicode::is_digit(c))
        {
            pos += c.len_utf8();
        }
        self.finish_identifier(start, pos);
    }

    /// The character at `pos`; the replacement character for a byte that starts none.
    fn char_at(&self, pos: usize) -> Option<char> {
        let rest = self.text.get(pos..)?;
        let first = *rest.first()?;
        if first.is_ascii() {
            return Some(char::from(first));
        }
        let rest = &rest[..rest.len().min(4)];
        let decoded = match std::str::from_utf8(rest) {
            Ok(text) => text.chars().next(),
            Err(e) => std::str::from_utf8(&rest[..e.valid_up_to()])
                .ok()
                .and_then(|text| text.chars().next()),
        };
        Some(decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Scans a comment; true if it stands for a newline and made a semicolon.
    fn comment(&mut self, start: usize) -> bool {
        let body = &self.text[start + 2..];
        if self.text[start + 1] == b'/' {
            let end = memchr(b'\n', body).map_or(self.text.len(), |n| start + 2 + n);
            self.pos = end;
            let shown = if self.text[end - 1] == b'\r' { end - 1 } else { end };
            self.comments.push(Span::new(start as u32, shown as u32));
            if self.text[start + 2..shown].starts_with(b"line ")
                && (start == 0 || self.text[start - 1] == b'\n')
            {
                self.line_directive(start + 7, shown);
            }
            return false;
        }
        let Some(n) = memmem::find(body, b"*/") else {
            self.error(start as u32, "comment not terminated");
            self.comments.push(Span::new(start as u32, self.text.len() as u32));
            self.pos = self.text.len();
            return false;
        };
        let end = start + n + 4;
        self.pos = end;
        self.comments.push(Span::new(start as u32, end as u32));
        if body.starts_with(b"line ") {
            self.line_directive(start + 7, end - 2);
        }
        if !self.insert_semi {
            return false;
        }
        let Some(newline) = memchr(b'\n', &body[..n]) else {
            return false;
        };
        self.insert_semi = false;
        self.semi_implicit = true;
        let at = start + 2 + newline;
        self.set(Tok::Semicolon, at, at + 1);
        true
    }

    /// Checks the numbers of a `//line file:line:col` directive; positions are not adjusted by it.
    #[cold]
    fn line_directive(&mut self, start: usize, end: usize) {
        const MAX: u64 = 1 << 30;
        let text = &self.text[start..end];
        let Some((before, last)) = trailing_number(text) else {
            return;
        };
        let at = (start + before + 1) as u32;
        let Some(last) = last else {
            self.error(at, "invalid line number in a line directive");
            return;
        };
        let in_range = |n: u64| (1..=MAX).contains(&n);
        match trailing_number(&text[..before]) {
            Some((_, Some(_))) if !in_range(last) => {
                self.error(at, "invalid column number in a line directive");
            }
            Some((earlier, Some(line))) if !in_range(line) => {
                self.error((start + earlier + 1) as u32, "invalid line number in a line directive");
            }
            Some((_, Some(_))) => {}
            _ if !in_range(last) => self.error(at, "invalid line number in a line directive"),
            _ => {}
        }
    }

    fn punctuation_or_literal(&mut self, b: u8, start: usize) {
        let second = self.text.get(start + 1).copied().unwrap_or(0);
        let third = || self.text.get(start + 2).copied().unwrap_or(0);
        let (tok, len) = match b {
            b'(' => (Tok::LParen, 1),
            b')' => return self.emit(Tok::RParen, start, 1, true),
            b',' => (Tok::Comma, 1),
            b'{' => (Tok::LBrace, 1),
            b'}' => return self.emit(Tok::RBrace, start, 1, true),
            b'[' => (Tok::LBrack, 1),
            b']' => return self.emit(Tok::RBrack, start, 1, true),
            b'\n' => {
                // Only reached when the newline ends a statement.
                self.semi_implicit = true;
                (Tok::Semicolon, 1)
            }
            b'.' => match second {
                b'0'..=b'9' => return self.number(start),
                b'.' if third() == b'.' => (Tok::Ellipsis, 3),
                _ => (Tok::Period, 1),
            },
            b'"' => return self.string(start),
            b'0'..=b'9' => return self.number(start),
            b'=' if second == b'=' => (Tok::Eql, 2),
            b'=' => (Tok::Assign, 1),
            b':' if second == b'=' => (Tok::Define, 2),
            b':' => (Tok::Colon, 1),
            b';' => {
                self.semi_implicit = false;
                (Tok::Semicolon, 1)
            }
            b'*' if second == b'=' => (Tok::MulAssign, 2),
            b'*' => (Tok::Mul, 1),
            b'&' => match second {
                b'&' => (Tok::LAnd, 2),
                b'=' => (Tok::AndAssign, 2),
                b'^' if third() == b'=' => (Tok::AndNotAssign, 3),
                b'^' => (Tok::AndNot, 2),
                _ => (Tok::And, 1),
            },
            b'!' if second == b'=' => (Tok::Neq, 2),
            b'!' => (Tok::Not, 1),
            b'+' => match second {
                b'+' => return self.emit(Tok::Inc, start, 2, true),
                b'=' => (Tok::AddAssign, 2),
                _ => (Tok::Add, 1),
            },
            b'-' => match second {
                b'-' => return self.emit(Tok::Dec, start, 2, true),
                b'=' => (Tok::SubAssign, 2),
                _ => (Tok::Sub, 1),
            },
            b'<' => match second {
                b'-' => (Tok::Arrow, 2),
                b'=' => (Tok::Leq, 2),
                b'<' if third() == b'=' => (Tok::ShlAssign, 3),
                b'<' => (Tok::Shl, 2),
                _ => (Tok::Lss, 1),
            },
            b'>' => match second {
                b'=' => (Tok::Geq, 2),
                b'>' if third() == b'=' => (Tok::ShrAssign, 3),
                b'>' => (Tok::Shr, 2),
                _ => (Tok::Gtr, 1),
            },
            b'|' => match second {
                b'|' => (Tok::LOr, 2),
                b'=' => (Tok::OrAssign, 2),
                _ => (Tok::Or, 1),
            },
            b'\'' => return self.rune(start),
            b'`' => return self.raw_string(start),
            b'/' if second == b'=' => (Tok::QuoAssign, 2),
            b'/' => (Tok::Quo, 1),
            b'%' if second == b'=' => (Tok::RemAssign, 2),
            b'%' => (Tok::Rem, 1),
            b'^' if second == b'=' => (Tok::XorAssign, 2),
            b'^' => (Tok::Xor, 1),
            b'~' => (Tok::Tilde, 1),
            _ => return self.unusual(start),
        };
        self.emit(tok, start, len, false);
    }

    /// A byte that starts no ASCII token: a letter outside ASCII or an error.
    #[cold]
    fn unusual(&mut self, start: usize) {
        let c = self.char_at(start).unwrap_or(char::REPLACEMENT_CHARACTER);
        if unicode::is_letter(c) {
            return self.identifier_tail(start, start + c.len_utf8());
        }
        // Invalid bytes were reported when the encoding was checked.
        let len = if c == char::REPLACEMENT_CHARACTER
            && !self.text[start..].starts_with("\u{FFFD}".as_bytes())
        {
            self.error(start as u32, "illegal UTF-8 encoding");
            1
        } else {
            let message = match c {
                '“' | '”' => format!("curly quotation mark {c} (use the neutral '\"')"),
                _ => format!("illegal character U+{:04X} {c:?}", u32::from(c)),
            };
            self.error(start as u32, message);
            c.len_utf8()
        };
        let insert_semi = self.insert_semi;
        self.emit(Tok::Illegal, start, len, insert_semi);
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The offset of the last colon and the number after it, if it is one.
fn trailing_number(text: &[u8]) -> Option<(usize, Option<u64>)> {
    let colon = memrchr(b':', text)?;
    let digits = std::str::from_utf8(&text[colon + 1..]).unwrap_or("");
    let number =
        if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None };
    Some((colon, number))
}

/// The offset of the first byte at or after `pos` that cannot be in an ASCII name. Eight bytes are
/// looked at at once: a loop over bytes would be mispredicted at the end of almost every name.
#[inline]
fn name_end(text: &[u8], pos: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // The high bit of each byte of the result tells whether that byte of `x` is in lo..=hi; all
    // bytes of `x` are below 0x80.
    #[inline]
    fn between(x: u64, lo: u64, hi: u64) -> u64 {
        (x + (0x80 - lo) * ONES) & !(x + (0x7f - hi) * ONES)
    }
    let mut pos = pos;
    while let Some(bytes) = text.get(pos..pos + 8) {
        let x = u64::from_le_bytes(bytes.try_into().expect("a slice of eight bytes"));
        let low = x & !HIGH;
        let letters = between(low | (0x20 * ONES), u64::from(b'a'), u64::from(b'z'));
        let digits = between(low, u64::from(b'0'), u64::from(b'9'));
        let underscore = between(low, u64::from(b'_'), u64::from(b'_'));
        let others = (!(letters | digits | underscore) | x) & HIGH;
        if others != 0 {
            return pos + others.trailing_zeros() as usize / 8;
        }
        pos += 8;
    }
    while text.get(pos).is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_') {
        pos += 1;
    }
    pos
}
