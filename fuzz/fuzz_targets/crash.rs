//! Whatever the bytes and the pieces, the reader ends, keeps a bounded goroutine, gives each report a
//! start before and an end behind its goroutines, and tells the same in pieces as at once. Run with
//! `cargo fuzz run crash fuzz/corpus/crash crates/go_crash/testdata/dumps`.
#![no_main]

use std::collections::HashSet;

use go_crash::{Collector, Event, Parser, ReportRecord};
use libfuzzer_sys::fuzz_target;

/// One MiB of text and what a thousand frames take.
const MAX_GOROUTINE: usize = 2 << 20;

fuzz_target!(|text: &[u8]| {
    let whole = read(std::iter::once(text));
    let size = 1 + text.len() % 61;
    assert_eq!(whole, read(text.chunks(size)));
});

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut parser, mut collector) = (Parser::new(), Collector::keeping(1 << 20));
    let (mut open, mut told) = (HashSet::new(), Vec::new());
    let mut sink = |event: Event<'_>| {
        match event {
            Event::Start(id, _) => assert!(open.insert(id), "a report starts once"),
            Event::Head(id, _) | Event::Retracted(id) => assert!(open.contains(&id)),
            Event::Goroutine(id, stack) => {
                assert!(open.contains(&id) && stack.size() <= MAX_GOROUTINE);
            }
            Event::End(id) => assert!(open.remove(&id), "a report ends once"),
        }
        if let Some(report) = collector.event(event) {
            let record = ReportRecord::new(&report);
            told.push(serde_json::to_string(&record).expect("a record is JSON"));
        }
    };
    for piece in pieces {
        parser.push(piece, &mut sink);
    }
    parser.finish(&mut sink);
    assert!(open.is_empty(), "every report ends");
    told
}
