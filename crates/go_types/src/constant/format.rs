//! Constant values as text: exactly, for comparison with go/constant's `ExactString`, and short,
//! for messages.

use std::fmt::{self, Display, Write};

use super::ConstValue;

impl ConstValue {
    /// The value exactly: strings quoted, fractions as `1/3`, huge floats as `0x.8p+5000`.
    pub fn exact_string(&self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Str(s) => quote(s.bytes()),
            Self::Int(v) => v.to_string(),
            Self::BigInt(v) => v.to_string(),
            Self::Rat(v) => v.to_string(),
            Self::Float(v) => v.hex(),
            Self::Complex(c) => format!("({} + {}i)", c.0.exact_string(), c.1.exact_string()),
        }
    }
}

/// The value as messages show it: long strings cut, floats to six digits.
impl Display for ConstValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(s) => {
                let text = quote(s.bytes());
                if text.chars().count() > 72 {
                    let cut: String = text.chars().take(69).collect();
                    write!(f, "{cut}...")
                } else {
                    f.write_str(&text)
                }
            }
            Self::Rat(_) | Self::Float(_) => {
                let v = self.to_f64().unwrap_or_default();
                let in_range = v.is_finite() && (v == 0.0) == (self.sign() == 0);
                f.write_str(&if in_range { general(v) } else { self.exact_string() })
            }
            Self::Complex(c) => write!(f, "({} + {}i)", c.0, c.1),
            _ => f.write_str(&self.exact_string()),
        }
    }
}

/// A Go string literal for these bytes, escaped as `strconv.Quote` does.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            quote_char(&mut out, c);
        }
        for b in chunk.invalid() {
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out.push('"');
    out
}

fn quote_char(out: &mut String, c: char) {
    let code = u32::from(c);
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        ' '..='~' => out.push(c),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if code < 0x80 => {
            let _ = write!(out, "\\x{code:02x}");
        }
        _ if is_print(c) => out.push(c),
        _ if code < 0x1_0000 => {
            let _ = write!(out, "\\u{code:04x}");
        }
        _ => {
            let _ = write!(out, "\\U{code:08x}");
        }
    }
}

/// Whether Go prints the character as it is: combining marks too, which Rust escapes only when they
/// stand first.
fn is_print(c: char) -> bool {
    let after_a: String = ['a', c].iter().collect();
    after_a.escape_debug().count() == 2
}

/// C's `%.6g`.
fn general(v: f64) -> String {
    if v == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{v:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let trim = |s: &str| -> String {
        if s.contains('.') {
            s.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            s.to_owned()
        }
    };
    if (-4..6).contains(&exponent) {
        trim(&format!("{v:.*}", (5 - exponent).max(0) as usize))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
    }
}
