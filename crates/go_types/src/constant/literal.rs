//! Literals to constant values (Go spec, "Integer literals" and the sections after it).

use std::sync::Arc;

use go_syntax::ast::LitKind;
use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{BigFloat, ConstValue};

/// Longer number literals are refused, as go/types does: reading them takes quadratic time.
const MAX_NUMBER: usize = 10_000;

impl ConstValue {
    /// The value of a literal token, `Unknown` when it is malformed.
    pub fn from_literal(kind: LitKind, text: &[u8]) -> Self {
        match kind {
            LitKind::Int => integer(text).unwrap_or_default(),
            LitKind::Float => float(text).unwrap_or_default(),
            LitKind::Imag => match text.strip_suffix(b"i").and_then(float) {
                Some(im) => im.make_imag(),
                None => Self::Unknown,
            },
            LitKind::Char => char_value(text).map_or(Self::Unknown, |c| Self::Int(i64::from(c))),
            LitKind::String => unquote_string(text).map_or(Self::Unknown, Self::string),
        }
    }
}

/// The bytes that a string literal, with its quotes, stands for.
pub fn unquote_string(text: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = text.split_first()?;
    let body = rest.strip_suffix(&[quote])?;
    match quote {
        b'`' => Some(body.iter().copied().filter(|&b| b != b'\r').collect()),
        b'"' => {
            let mut out = Vec::with_capacity(body.len());
            let mut at = 0;
            while at < body.len() {
                let (piece, len) = unit(&body[at..], b'"')?;
                match piece {
                    Unit::Byte(b) => out.push(b),
                    Unit::Rune(c) => {
                        let c = char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
                        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                at += len;
            }
            Some(out)
        }
        _ => None,
    }
}

/// One element of a quoted literal: a byte by `\x41` or `\101`, or a code point.
enum Unit {
    Byte(u8),
    Rune(u32),
}

fn char_value(text: &[u8]) -> Option<u32> {
    let body = text.strip_prefix(b"'")?.strip_suffix(b"'")?;
    match unit(body, b'\'')? {
        (_, len) if len != body.len() => None,
        (Unit::Byte(b), _) => Some(u32::from(b)),
        (Unit::Rune(c), _) => Some(c),
    }
}

/// The first unit of `s`, and how many bytes it takes. An invalid byte is the replacement
/// character, as Go's scanner (which reports it) has it.
fn unit(s: &[u8], quote: u8) -> Option<(Unit, usize)> {
    let first = *s.first()?;
    if first != b'\\' {
        if first < 0x80 {
            return Some((Unit::Rune(u32::from(first)), 1));
        }
        let len = s.len().min(4);
        let valid = match std::str::from_utf8(&s[..len]) {
            Ok(t) => t,
            Err(e) => std::str::from_utf8(&s[..e.valid_up_to()]).unwrap_or_default(),
        };
        return Some(match valid.chars().next() {
            Some(c) => (Unit::Rune(u32::from(c)), c.len_utf8()),
            None => (Unit::Rune(0xFFFD), 1),
        });
    }
    let escape = *s.get(1)?;
    let simple = |c: u8| Some((Unit::Rune(u32::from(c)), 2));
    let number = |start: usize, len: usize, radix: u32| {
        let digits = std::str::from_utf8(s.get(start..start + len)?).ok()?;
        let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
        plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    match escape {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if escape == quote => simple(escape),
        b'x' => Some((Unit::Byte(number(2, 2, 16)? as u8), 4)),
        b'0'..=b'7' => Some((Unit::Byte(u8::try_from(number(1, 3, 8)?).ok()?), 4)),
        b'u' => char::from_u32(number(2, 4, 16)?).map(|c| (Unit::Rune(c.into()), 6)),
        b'U' => char::from_u32(number(2, 8, 16)?).map(|c| (Unit::Rune(c.into()), 10)),
        _ => None,
    }
}

fn integer(text: &[u8]) -> Option<ConstValue> {
    let (digits, radix) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', b'o' | b'O', rest @ ..] => (rest, 8),
        [b'0', b'b' | b'B', rest @ ..] => (rest, 2),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        _ => (text, 10),
    };
    let plain: Vec<u8> = digits.iter().copied().filter(|&b| b != b'_').collect();
    if plain.len() > MAX_NUMBER {
        return None;
    }
    let text = std::str::from_utf8(&plain).ok()?;
    if let Ok(v) = i64::from_str_radix(text, radix) {
        return text.starts_with(|c: char| c.is_ascii_alphanumeric()).then_some(ConstValue::Int(v));
    }
    BigUint::parse_bytes(&plain, radix).map(|v| ConstValue::from_big_int(v.into()))
}

/// A float literal, or the number of an imaginary one (where a leading 0 does not mean octal).
fn float(text: &[u8]) -> Option<ConstValue> {
    if text.len() > MAX_NUMBER {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase().replace('_', "");
    let (radix, body) = match text.get(..2) {
        Some("0x") => (16, &text[2..]),
        Some("0b") => (2, &text[2..]),
        Some("0o") => (8, &text[2..]),
        _ => (10, text.as_str()),
    };
    let (mantissa, exponent) = match body.split_once(if radix == 10 { 'e' } else { 'p' }) {
        Some((m, e)) => (m, e.parse::<i64>().ok()?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let mant = BigUint::parse_bytes(digits.as_bytes(), radix)?;
    let places = fraction.len() as i64;
    let (exp2, exp10) = match radix {
        10 => (0, exponent.checked_sub(places)?),
        16 => (exponent.checked_sub(4 * places)?, 0),
        _ => (exponent, 0),
    };
    if mant.is_zero() {
        return Some(ConstValue::Rat(Arc::new(BigRational::zero())));
    }
    match BigFloat::from_parts(mant.clone(), exp2, exp10)? {
        None => Some(ConstValue::Unknown),
        Some(f) if f.sign() == 0 => Some(ConstValue::Rat(Arc::new(BigRational::zero()))),
        Some(f) if f.is_small() => {
            let mut num = BigInt::from(mant);
            let mut den = BigInt::one();
            let ten = BigInt::from(10).pow(u32::try_from(exp10.unsigned_abs()).ok()?);
            if exp10 < 0 {
                den *= ten;
            } else {
                num *= ten;
            }
            if exp2 < 0 {
                den <<= exp2.unsigned_abs();
            } else {
                num <<= exp2 as u64;
            }
            Some(ConstValue::Rat(Arc::new(BigRational::new(num, den))))
        }
        Some(f) => Some(ConstValue::Float(Arc::new(f))),
    }
}
