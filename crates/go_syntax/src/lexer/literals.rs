//! Numbers, runes and strings: where they end and what is wrong with them. Their values are
//! decoded in `literal.rs`, when someone asks.

use memchr::{memchr, memchr3};

use super::Lexer;
use crate::token::Tok;

impl Lexer<'_> {
    /// A number; `start` is at a digit, or at a period with a digit after it.
    pub(super) fn number(&mut self, start: usize) {
        let mut pos = start;
        while self.text.get(pos).is_some_and(u8::is_ascii_digit) {
            pos += 1;
        }
        let plain = pos > start && (self.text[start] != b'0' || pos == start + 1);
        if self.text[start] == b'0' && pos == start + 1 && self.text.get(pos) == Some(&b'x') {
            let digits = pos + 1;
            pos = digits;
            while self.text.get(pos).is_some_and(u8::is_ascii_hexdigit) {
                pos += 1;
            }
            if pos > digits
                && !matches!(self.text.get(pos), Some(b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z'))
            {
                return self.emit(Tok::Int, start, pos - start, true);
            }
            return self.unusual_number(start);
        }
        if plain && !matches!(self.text.get(pos), Some(b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z')) {
            self.emit(Tok::Int, start, pos - start, true);
        } else {
            self.unusual_number(start);
        }
    }

    /// A number that is not just decimal digits (Go spec, "Integer literals" to "Imaginary literals").
    fn unusual_number(&mut self, start: usize) {
        let mut scan =
            Digits { text: self.text, pos: start, any: false, separator: false, invalid: None };
        let mut tok = Tok::Int;
        let mut prefix = 0;
        let mut base = 10;
        if scan.peek() != b'.' {
            if scan.peek() == b'0' {
                scan.pos += 1;
                prefix = scan.peek() | 0x20;
                base = match prefix {
                    b'x' => 16,
                    b'o' => 8,
                    b'b' => 2,
                    _ => {
                        prefix = b'0';
                        scan.any = true;
                        8
                    }
                };
                scan.pos += usize::from(prefix != b'0');
            }
            scan.digits(base);
        }
        if scan.peek() == b'.' {
            tok = Tok::Float;
            if matches!(prefix, b'o' | b'b') {
                self.error(scan.pos as u32, format!("invalid radix point in {}", name(prefix)));
            }
            scan.pos += 1;
            scan.digits(base);
        }
        if !scan.any {
            self.error(scan.pos as u32, format!("{} has no digits", name(prefix)));
        }
        let exponent = scan.peek() | 0x20;
        if matches!(exponent, b'e' | b'p') {
            if exponent == b'e' && !matches!(prefix, 0 | b'0') {
                self.error(scan.pos as u32, "'e' exponent requires decimal mantissa");
            } else if exponent == b'p' && prefix != b'x' {
                self.error(scan.pos as u32, "'p' exponent requires hexadecimal mantissa");
            }
            scan.pos += 1;
            tok = Tok::Float;
            if matches!(scan.peek(), b'+' | b'-') {
                scan.pos += 1;
            }
            scan.any = false;
            let invalid = scan.invalid;
            scan.digits(10);
            scan.invalid = invalid;
            if !scan.any {
                self.error(scan.pos as u32, "exponent has no digits");
            }
        } else if prefix == b'x' && tok == Tok::Float {
            self.error(scan.pos as u32, "hexadecimal mantissa requires a 'p' exponent");
        }
        if scan.peek() == b'i' {
            tok = Tok::Imag;
            scan.pos += 1;
        }
        let end = scan.pos;
        if tok == Tok::Int
            && let Some(at) = scan.invalid
        {
            let digit = char::from(self.text[at]);
            self.error(at as u32, format!("invalid digit '{digit}' in {}", name(prefix)));
        }
        if scan.separator
            && let Some(at) = misplaced_separator(&self.text[start..end])
        {
            self.error((start + at) as u32, "'_' must separate successive digits");
        }
        self.emit(tok, start, end - start, true);
    }

    /// An interpreted string; `start` is at the quote.
    pub(super) fn string(&mut self, start: usize) {
        let mut pos = start + 1;
        loop {
            // Most strings are short: look at some bytes before setting up a vector search.
            let near = (pos + 16).min(self.text.len());
            while pos < near && !matches!(self.text[pos], b'"' | b'\\' | b'\n') {
                pos += 1;
            }
            if pos == near {
                pos = memchr3(b'"', b'\\', b'\n', &self.text[pos..])
                    .map_or(self.text.len(), |n| pos + n);
            }
            match self.text.get(pos) {
                Some(b'"') => {
                    pos += 1;
                    break;
                }
                Some(b'\\') => pos = self.escape(pos + 1, b'"').unwrap_or_else(|at| at),
                _ => {
                    self.error(start as u32, "string literal not terminated");
                    break;
                }
            }
        }
        self.emit(Tok::String, start, pos - start, true);
    }

    /// A raw string; `start` is at the back quote.
    pub(super) fn raw_string(&mut self, start: usize) {
        let end = if let Some(n) = memchr(b'`', &self.text[start + 1..]) {
            start + n + 2
        } else {
            self.error(start as u32, "raw string literal not terminated");
            self.text.len()
        };
        self.emit(Tok::String, start, end - start, true);
    }

    /// A rune literal; `start` is at the quote.
    pub(super) fn rune(&mut self, start: usize) {
        let mut pos = start + 1;
        let mut count = 0_usize;
        let mut valid = true;
        loop {
            let c = match self.char_at(pos) {
                None | Some('\n') => {
                    if valid {
                        self.error(start as u32, "rune literal not terminated");
                        valid = false;
                    }
                    break;
                }
                Some(c) => c,
            };
            pos += if c == char::REPLACEMENT_CHARACTER {
                self.replacement_len(pos)
            } else {
                c.len_utf8()
            };
            if c == '\'' {
                break;
            }
            count += 1;
            if c == '\\' {
                match self.escape(pos, b'\'') {
                    Ok(end) => pos = end,
                    Err(at) => {
                        valid = false;
                        pos = at;
                    }
                }
            }
        }
        if valid && count != 1 {
            let message = if count == 0 {
                "illegal rune literal: nothing between the quotes"
            } else {
                "illegal rune literal: more than one character"
            };
            self.error(start as u32, message);
        }
        self.emit(Tok::Char, start, pos - start, true);
    }

    /// U+FFFD itself takes three bytes, an invalid byte one.
    fn replacement_len(&self, pos: usize) -> usize {
        if self.text[pos..].starts_with("\u{FFFD}".as_bytes()) { 3 } else { 1 }
    }

    /// Checks the escape whose backslash is before `pos`. The result is the offset after it, or,
    /// as an error, the offset of what does not belong to it.
    fn escape(&mut self, pos: usize, quote: u8) -> Result<usize, usize> {
        let Some(&b) = self.text.get(pos) else {
            self.error(pos as u32, "escape sequence not terminated");
            return Err(pos);
        };
        let (digits, base, max, mut at) = match b {
            b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' => return Ok(pos + 1),
            _ if b == quote => return Ok(pos + 1),
            b'0'..=b'7' => (3, 8, 255, pos),
            b'x' => (2, 16, 255, pos + 1),
            b'u' => (4, 16, 0x10_FFFF, pos + 1),
            b'U' => (8, 16, 0x10_FFFF, pos + 1),
            _ => {
                self.error(pos as u32, "unknown escape sequence");
                return Err(pos);
            }
        };
        let mut value = 0_u32;
        for _ in 0..digits {
            let digit = self.text.get(at).and_then(|&b| char::from(b).to_digit(base));
            let Some(digit) = digit else {
                let message = if at < self.text.len() {
                    "illegal character in escape sequence"
                } else {
                    "escape sequence not terminated"
                };
                self.error(at as u32, message);
                return Err(at);
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
            at += 1;
        }
        if value > max || (0xD800..0xE000).contains(&value) {
            self.error(pos as u32, "escape sequence is not a valid Unicode code point");
            return Err(at);
        }
        Ok(at)
    }
}

/// Digits being read, with what was seen so far.
struct Digits<'t> {
    text: &'t [u8],
    pos: usize,
    any: bool,
    separator: bool,
    /// Offset of the first digit that is too large for the base.
    invalid: Option<usize>,
}

impl Digits<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.pos).copied().unwrap_or(0)
    }
    fn digits(&mut self, base: u8) {
        loop {
            let b = self.peek();
            match b {
                b'_' => self.separator = true,
                b'0'..=b'9' => {
                    if b - b'0' >= base && self.invalid.is_none() {
                        self.invalid = Some(self.pos);
                    }
                    self.any = true;
                }
                b'a'..=b'f' | b'A'..=b'F' if base == 16 => self.any = true,
                _ => return,
            }
            self.pos += 1;
        }
    }
}

fn name(prefix: u8) -> &'static str {
    match prefix {
        b'x' => "hexadecimal literal",
        b'o' | b'0' => "octal literal",
        b'b' => "binary literal",
        _ => "decimal literal",
    }
}

/// The offset of the first `_` that does not stand between two digits (a base prefix counts as a
/// digit).
fn misplaced_separator(literal: &[u8]) -> Option<usize> {
    let has_prefix =
        literal.len() >= 2 && literal[0] == b'0' && matches!(literal[1] | 0x20, b'x' | b'o' | b'b');
    let hex = has_prefix && literal[1] | 0x20 == b'x';
    let is_digit = |b: u8| b.is_ascii_digit() || hex && b.is_ascii_hexdigit();
    let first = if has_prefix { 2 } else { 0 };
    (first..literal.len()).find(|&i| {
        literal[i] == b'_'
            && !(((i == first && has_prefix) || i > first && is_digit(literal[i - 1]))
                && literal.get(i + 1).is_some_and(|&b| is_digit(b)))
    })
}
