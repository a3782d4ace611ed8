//! Bytes to lines: pieces of any size come in, whole lines of bounded length go out. Separate,
//! because it is the only place that keeps bytes across calls of [`crate::Parser::push`].

use memchr::{memchr, memchr_iter};

/// Longer lines are cut to this many bytes; what is beyond is counted nowhere and kept nowhere. The
/// longest line that Go prints itself is a function with its arguments (a few kilobytes); only the
/// text of a panic or a label can be longer.
pub const MAX_LINE: usize = 64 << 10;

/// The start of a line whose end has not come yet.
#[derive(Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Adds bytes, and calls `each` with every line that is complete now, without its end (`\n` or
    /// `\r\n`).
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else { return self.keep(bytes) };
            self.keep(&bytes[..end]);
            bytes = &bytes[end + 1..];
            each(shortened(&self.rest));
            self.rest.clear();
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            each(shortened(&bytes[start..end]));
            start = end + 1;
        }
        self.keep(&bytes[start..]);
    }

    /// The last line, if the input does not end with a line's end.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            each(shortened(&self.rest));
            self.rest = Vec::new();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        // One byte more than the bound: a carriage return may be the last.
        let room = (MAX_LINE + 1).saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// A line without its carriage return, cut to [`MAX_LINE`]. The cut comes first, so that it does not
/// depend on the pieces in which the line came.
fn shortened(line: &[u8]) -> &[u8] {
    let line = &line[..line.len().min(MAX_LINE + 1)];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    &line[..line.len().min(MAX_LINE)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |line| out.push(line.to_vec()));
        }
        lines.finish(|line| out.push(line.to_vec()));
        out
    }

    #[test]
    fn pieces_do_not_matter() {
        let text = b"a\r\n\nbc\nd";
        let whole = lines(&[text]);
        assert_eq!(whole, [&b"a"[..], b"", b"bc", b"d"]);
        for cut in 0..text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]]), whole);
        }
    }

    #[test]
    fn long_lines_are_cut_whatever_the_pieces() {
        let mut text = vec![b'x'; 3 * MAX_LINE];
        text.extend_from_slice(b"\nnext\n");
        let whole = lines(&[&text]);
        assert_eq!((whole[0].len(), &whole[1][..]), (MAX_LINE, &b"next"[..]));
        assert_eq!(lines(&text.chunks(1000).collect::<Vec<_>>()), whole);
    }
}
