//! Text from outside (names, paths, source lines, panic messages) made safe to print. Go source is
//! hostile input here: an identifier or a path must not be able to move the cursor, recolour the
//! terminal, reverse the reading order or forge a line of output.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes control characters other than newline and tab, and characters that reorder text.
pub fn clean(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hostile(c) && c != '\n' && c != '\t')
}

/// Text as it stands in HTML and in quoted attributes.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Like [`clean`], and newlines and tabs are escaped too: the result is a single line.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    escape(text, is_hostile)
}

/// Control characters, line and paragraph separators, and the bidirectional formatting characters.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escape(text: &str, hostile: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !hostile(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x100 => {
                write!(out, "\\x{:02x}", c as u32).expect("writing to a String cannot fail");
            }
            c => write!(out, "\\u{:04x}", c as u32).expect("writing to a String cannot fail"),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_are_shown_not_obeyed() {
        assert_eq!(clean_line("a\x1b[31mb\r\nc"), "a\\x1b[31mb\\r\\nc");
        assert_eq!(clean_line("x\u{202e}y"), "x\\u202ey");
        assert_eq!(clean("a\tb\nc\x07"), "a\tb\nc\\x07");
        assert!(matches!(clean_line("plain é 世界"), Cow::Borrowed(_)));
    }
}
