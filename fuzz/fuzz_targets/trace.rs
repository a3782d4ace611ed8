//! Whatever the bytes and the pieces in which they come, the reader ends, its times grow, every event can
//! be looked at, nothing follows an error, pieces make no difference, and salvage gives what the strict
//! reader gives before anything else. Traces make a good corpus: run with
//! `cargo fuzz run trace fuzz/corpus/trace -- -max_len=65536`.
#![no_main]

use std::io::Read;

use go_trace::{Event, Mode, Reader};
use libfuzzer_sys::fuzz_target;

/// Gives at most so many bytes at once.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(into.len()).min(self.0.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let strict = read(bytes, usize::MAX, Mode::Strict);
    assert_eq!(strict, read(bytes, 1 + bytes.len() % 61, Mode::Strict));
    let saved = read(bytes, 1 + bytes.len() % 4093, Mode::Salvage);
    if let (Some(strict), Some(saved)) = (strict, saved) {
        // The last event of the strict reader may be the mark that it puts at the end.
        let whole = strict.0.len().saturating_sub(1).min(saved.0.len());
        assert_eq!(strict.0[..whole], saved.0[..whole]);
        assert!(saved.0.len() >= whole);
    }
});

/// All events, and the error; nothing when it is no trace.
fn read(bytes: &[u8], piece: usize, mode: Mode) -> Option<(Vec<Event>, Option<String>)> {
    let mut reader = Reader::new(Pieces(bytes, piece), mode).ok()?;
    let (mut events, mut last) = (Vec::new(), i64::MIN);
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                std::hint::black_box(event.details(reader.tables()));
                std::hint::black_box(reader.tables().stack(event.stack()).count());
                assert!(event.time > last || last == i64::MAX || events.is_empty());
                last = event.time;
                events.push(event);
                // An event takes a byte at least, and stands for three at most.
                assert!(events.len() <= 3 * bytes.len() + 2);
            }
            Ok(None) => return Some((events, None)),
            Err(error) => {
                assert!(matches!(reader.next_event(), Ok(None)), "nothing follows an error");
                return Some((events, Some(error.to_string())));
            }
        }
    }
}
