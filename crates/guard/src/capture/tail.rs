//! The last lines that a child printed, of both streams in the order in which they were read.

use std::collections::VecDeque;

use incidents::LogLine;
use jiff::Timestamp;

/// So many bytes of a line are kept.
const MAX_LINE: usize = 4096;

/// A bounded list of lines.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    limit: usize,
    lines: VecDeque<LogLine>,
    /// A line of each stream that has not ended yet.
    partial: [Vec<u8>; 2],
}

impl Tail {
    /// Keeps `limit` lines.
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Takes the next bytes of a stream.
    pub fn add(&mut self, bytes: &[u8], stderr: bool) {
        if self.limit == 0 {
            return;
        }
        let time = Timestamp::now();
        let mut partial = std::mem::take(&mut self.partial[usize::from(stderr)]);
        // Of many lines at once the first are pushed out by the last.
        let skip = memchr::memrchr_iter(b'\n', bytes).nth(self.limit);
        let mut rest = bytes;
        if let Some(skip) = skip {
            rest = &bytes[skip + 1..];
            partial.clear();
        }
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            keep(&mut partial, line);
            let text = String::from_utf8_lossy(partial.trim_ascii_end()).into_owned();
            partial.clear();
            if self.lines.len() >= self.limit {
                self.lines.pop_front();
            }
            self.lines.push_back(LogLine { time, stderr, text });
        }
        keep(&mut partial, rest);
        self.partial[usize::from(stderr)] = partial;
    }

    /// The lines before the one that says `message`, if one does, and else all.
    pub fn before(&self, message: &str) -> Vec<LogLine> {
        let first = message.lines().next().unwrap_or("");
        let said = |line: &LogLine| !first.is_empty() && line.text.contains(first);
        let end = self.lines.iter().rposition(said).unwrap_or(self.lines.len());
        self.lines.range(..end).cloned().collect()
    }
}

fn keep(partial: &mut Vec<u8>, bytes: &[u8]) {
    let room = MAX_LINE.saturating_sub(partial.len());
    partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn the_last_lines_are_kept_in_order() {
        let mut tail = Tail::new(3);
        tail.add(b"a\nb", false);
        tail.add(b"x\n", true);
        tail.add(b"c\nd\n", false);
        assert_eq!(texts(&tail.before("")), ["x", "bc", "d"]);
        tail.add(b"1\n2\n3\n4\n5\nfatal error: boom\ngoroutine 1", true);
        assert_eq!(texts(&tail.before("boom")), ["4", "5"]);
        tail.add(&b"y".repeat(1 << 20), true);
        assert!(tail.partial[1].len() <= MAX_LINE);
    }
}
