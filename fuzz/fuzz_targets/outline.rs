//! Whatever the bytes, the outline ends, its pieces lie one behind another inside the file, and what it
//! says may be read can be read. Run with `cargo fuzz run outline fuzz/corpus/trace -- -max_len=65536`.
#![no_main]

use std::io::{Cursor, Read};

use go_trace::{Mode, Outline, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(outline) = Outline::read(Cursor::new(bytes)) else { return };
    let mut at = 16;
    for span in &outline.spans {
        assert!(span.offset >= at && span.end >= span.offset, "{span:?} after {at}");
        at = span.end;
    }
    // The last batch may claim more than there is; it is no whole generation then.
    let last = outline.spans.last();
    assert!(last.is_none_or(|span| !span.whole || span.end <= bytes.len() as u64));
    for time in [i64::MIN, 0, outline.last_batch().unwrap_or(0), i64::MAX] {
        let position = outline.position(time);
        assert!(position <= outline.spans.len());
        let mut part = Vec::new();
        let mut from = outline.bytes_from(Cursor::new(bytes), position).expect("a place in the file");
        from.read_to_end(&mut part).expect("bytes");
        let mut reader = Reader::new(part.as_slice(), Mode::Salvage).expect("the same header");
        while let Ok(Some(event)) = reader.next_event() {
            std::hint::black_box(event.details(reader.tables()));
        }
    }
});
