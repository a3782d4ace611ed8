//! Which characters outside ASCII may stand in identifiers (Go spec, "Letters and digits"). Rust's
//! own `is_alphabetic` covers more than Go's letters, so the tables come from Go.

use crate::unicode_tables::{DIGITS, LETTERS};

/// Whether Go counts a character outside ASCII as a letter.
pub(crate) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || contains(&LETTERS, c)
}

/// Whether Go counts a character as a digit.
pub(crate) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || contains(&DIGITS, c)
}

fn contains(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let after = ranges.partition_point(|&(first, _)| first <= c);
    after > 0 && c <= ranges[after - 1].1
}
