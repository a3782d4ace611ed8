//! Bytes a second of the reader on a generated trace of 80 MB: all events, and events with what they say.
//! Run as a test (`cargo test --benches`) it reads a small one once.

mod generated;

use divan::counter::BytesCount;
use go_trace::{Details, GoState, Mode, Reader};

fn main() {
    divan::main();
}

fn bytes() -> Vec<u8> {
    let measuring = std::env::args().any(|arg| arg == "--bench");
    generated::trace(4, 4, if measuring { 125_000 } else { 100 })
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn events(bencher: divan::Bencher) {
    let bytes = bytes();
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut reader = Reader::new(bytes.as_slice(), Mode::Strict).expect("a header");
        let mut count = 0;
        while reader.next_event().expect("a whole trace").is_some() {
            count += 1;
        }
        count
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn details(bencher: divan::Bencher) {
    let bytes = bytes();
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut reader = Reader::new(bytes.as_slice(), Mode::Strict).expect("a header");
        let mut waits = 0;
        while let Some(event) = reader.next_event().expect("a whole trace") {
            let details = event.details(reader.tables());
            if let Details::Goroutine { to: GoState::Waiting, .. } = details {
                waits += reader.tables().stack(event.stack()).len();
            }
        }
        waits
    });
}
