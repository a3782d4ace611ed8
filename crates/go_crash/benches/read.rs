//! Bytes a second of the reader, and of reading with grouping, on a dump of 100,000 goroutines. Run as a
//! test (`cargo test --benches`) it reads a small one once.

mod generated;

use divan::counter::BytesCount;
use go_crash::{Collector, Event, Parser};

fn main() {
    divan::main();
}

fn text() -> String {
    let measuring = std::env::args().any(|arg| arg == "--bench");
    generated::dump(if measuring { 100_000 } else { 100 })
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn events(bencher: divan::Bencher) {
    let text = text();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let (mut parser, mut frames) = (Parser::new(), 0);
        let mut sink = |event: Event<'_>| {
            if let Event::Goroutine(_, stack) = event {
                frames += stack.frames().len();
            }
        };
        for piece in text.as_bytes().chunks(1 << 16) {
            parser.push(piece, &mut sink);
        }
        parser.finish(&mut sink);
        frames
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn report(bencher: divan::Bencher) {
    let text = text();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let (mut parser, mut collector) = (Parser::new(), Collector::new());
        let mut reports = Vec::new();
        for piece in text.as_bytes().chunks(1 << 16) {
            parser.push(piece, |event| reports.extend(collector.event(event)));
        }
        parser.finish(|event| reports.extend(collector.event(event)));
        reports
    });
}
