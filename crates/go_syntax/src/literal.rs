//! The values of string and rune literals, from their text. Malformed escapes were reported by the
//! scanner; here they decode to something sensible, so that callers need no second error path.

use std::borrow::Cow;

/// The bytes that a string literal, with its quotes, stands for (Go spec, "String literals"). They
/// need not be UTF-8: `"\xff"` is one byte.
pub fn string_value(literal: &[u8]) -> Cow<'_, [u8]> {
    let Some((&quote, rest)) = literal.split_first() else { return Cow::Borrowed(literal) };
    let body = rest.strip_suffix(&[quote]).unwrap_or(rest);
    match quote {
        b'`' if memchr::memchr(b'\r', body).is_none() => Cow::Borrowed(body),
        // Carriage returns are not part of a raw string.
        b'`' => Cow::Owned(body.iter().copied().filter(|&b| b != b'\r').collect()),
        _ if memchr::memchr(b'\\', body).is_none() => Cow::Borrowed(body),
        _ => Cow::Owned(unescape(body)),
    }
}

/// [`string_value`] as text; `None` if it is not UTF-8. For import paths, struct tags, patterns.
pub fn string_text(literal: &[u8]) -> Option<Cow<'_, str>> {
    match string_value(literal) {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// The code point that a rune literal, with its quotes, stands for; `None` if it is none
/// (Go spec, "Rune literals"). `'\xff'` is 255.
pub fn rune_value(literal: &[u8]) -> Option<u32> {
    let body = literal.strip_prefix(b"'")?;
    let body = body.strip_suffix(b"'").filter(|b| !b.is_empty())?;
    if body[0] == b'\\' {
        let (escape, len) = escape(body)?;
        return (len == body.len()).then_some(match escape {
            Escape::Byte(b) => u32::from(b),
            Escape::Char(c) => u32::from(c),
        });
    }
    let mut chars = std::str::from_utf8(body).ok()?.chars();
    let c = chars.next()?;
    chars.next().is_none().then_some(u32::from(c))
}

enum Escape {
    Byte(u8),
    Char(char),
}

fn unescape(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rest.len());
    while let Some(plain) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let len = match escape(rest) {
            Some((Escape::Byte(b), len)) => {
                out.push(b);
                len
            }
            Some((Escape::Char(c), len)) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                len
            }
            // Not an escape: keep the backslash.
            None => {
                out.push(b'\\');
                1
            }
        };
        rest = &rest[len..];
    }
    out.extend_from_slice(rest);
    out
}

/// The escape sequence at the start of `text` and its length in bytes.
fn escape(text: &[u8]) -> Option<(Escape, usize)> {
    let byte = |b| Some((Escape::Byte(b), 2));
    let number = |from: usize, digits: usize, base: u32| {
        let digits = text.get(from..from + digits)?;
        digits
            .iter()
            .try_fold(0_u32, |n, &b| Some(n.wrapping_mul(base) + char::from(b).to_digit(base)?))
    };
    match *text.get(1)? {
        b'a' => byte(7),
        b'b' => byte(8),
        b'f' => byte(12),
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        b'v' => byte(11),
        b @ (b'\\' | b'\'' | b'"') => byte(b),
        b'0'..=b'7' => Some((Escape::Byte(u8::try_from(number(1, 3, 8)?).ok()?), 4)),
        b'x' => Some((Escape::Byte(u8::try_from(number(2, 2, 16)?).ok()?), 4)),
        b'u' => Some((Escape::Char(char::from_u32(number(2, 4, 16)?)?), 6)),
        b'U' => Some((Escape::Char(char::from_u32(number(2, 8, 16)?)?), 10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_decode() {
        for (literal, value) in [
            (r#""""#, &b""[..]),
            (r#""a\tb\"c""#, b"a\tb\"c"),
            (r#""\xff\377\u00e9\U0001F600""#, b"\xff\xff\xc3\xa9\xf0\x9f\x98\x80"),
            ("`a\\n\r\nb`", b"a\\n\nb"),
            (r#""bad \q end"#, b"bad \\q end"),
            (r#""\ud800""#, b"\\ud800"),
            (r#""\"#, b"\\"),
            ("", b""),
            ("\"", b""),
        ] {
            assert_eq!(&*string_value(literal.as_bytes()), value, "{literal}");
        }
        assert_eq!(string_text(b"\"\\xff\""), None);
    }

    #[test]
    fn runes_decode() {
        for (literal, value) in [
            ("'a'", Some(97)),
            ("'é'", Some(0xe9)),
            (r"'\n'", Some(10)),
            (r"'\''", Some(39)),
            (r"'\xff'", Some(255)),
            (r"'\U0010FFFF'", Some(0x10_FFFF)),
            ("'ab'", None),
            ("''", None),
            ("'", None),
            (r"'\400'", None),
        ] {
            assert_eq!(rune_value(literal.as_bytes()), value, "{literal}");
        }
    }
}
