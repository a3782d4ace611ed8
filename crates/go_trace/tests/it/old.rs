//! Traces of Go 1.11 to 1.21. The real one is of `oracle/trace/work` (`work OUT 0`), as those of later
//! versions; that its events are those of Go's reader is measured by `cargo xtask scoreboard trace`.

use std::collections::HashMap;
use std::io::Read as _;
use std::time::{Duration, Instant};

use go_trace::{Details, Error, GoState, Mode, Outline, Reader};

use crate::generated::number;

const TRACE: &[u8] = include_bytes!("../../testdata/go1.21.trace");

/// Reads to the end or the error; how many events there were.
fn read(bytes: &[u8], mode: Mode) -> (usize, Option<Error>) {
    let mut reader = Reader::new(bytes, mode).expect("a header");
    let (mut count, mut last) = (0, i64::MIN);
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                let _ = event.details(reader.tables());
                let _ = reader.tables().stack(event.stack()).count();
                assert!(event.time > last || last == i64::MAX);
                last = event.time;
                count += 1;
            }
            Ok(None) => return (count, None),
            Err(error) => {
                assert!(matches!(reader.next_event(), Ok(None)), "nothing follows an error");
                return (count, Some(error));
            }
        }
    }
}

#[test]
fn its_events_are_those_of_today() {
    let mut reader = Reader::new(TRACE, Mode::Strict).expect("a header");
    assert_eq!(reader.version(), 21);
    let (mut tasks, mut logs, mut frames) = (0, Vec::new(), 0);
    let mut states = HashMap::new();
    while let Some(event) = reader.next_event().expect("a whole trace") {
        match event.details(reader.tables()) {
            Details::TaskEnd { name, .. } => {
                assert!(name == b"round" || name == b"part");
                tasks += 1;
            }
            Details::Log { category, message, .. } => {
                assert_eq!(category, b"place");
                logs.push(String::from_utf8(message.to_vec()).expect("UTF-8"));
            }
            Details::Goroutine { id, from, to, .. } => {
                let before = states.insert(id, to).unwrap_or(from);
                assert!(before == from || from == GoState::Undetermined, "goroutine {id}");
            }
            _ => {}
        }
        frames += reader.tables().stack(event.stack()).count();
    }
    logs.sort();
    logs.dedup();
    assert_eq!((tasks, logs.len()), (51, 50), "as many as the program has");
    assert!(frames > 500 && states.len() > 50);
}

#[test]
fn what_is_cut_off_is_refused_and_says_why() {
    for cut in (16..TRACE.len()).step_by(3) {
        for mode in [Mode::Strict, Mode::Salvage] {
            let (count, error) = read(&TRACE[..cut], mode);
            // The last events of the file are tables; the clock stands before some of them.
            assert!(error.is_some_and(|e| e.to_string().contains("trace")) || count > 500, "{cut}");
        }
    }
    let error = read(&TRACE[..5000], Mode::Salvage).1.expect("an error").to_string();
    assert!(error.contains("at the end"), "{error}");
}

#[test]
fn damage_makes_no_panic() {
    for at in (16..TRACE.len()).step_by(5) {
        for value in [0xff, TRACE[at] ^ 1] {
            let mut bytes = TRACE.to_vec();
            bytes[at] = value;
            read(&bytes, Mode::Salvage);
        }
    }
}

#[test]
fn its_outline_is_one_piece() {
    let outline = Outline::read(std::io::Cursor::new(TRACE)).expect("a header");
    assert_eq!((outline.version(), outline.spans.len(), outline.start()), (21, 1, Some(-1)));
    let mut bytes = Vec::new();
    let all = outline.bytes_from(std::io::Cursor::new(TRACE), outline.position(1 << 40));
    all.expect("a place").read_to_end(&mut bytes).expect("bytes");
    assert_eq!(bytes, TRACE);
}

#[test]
fn processors_that_all_wait_do_not_keep_the_reader_busy() {
    let mut out = b"go 1.21 trace\0\0\0".to_vec();
    let batch = |out: &mut Vec<u8>, proc: u64| {
        out.push(1 | 1 << 6);
        number(out, proc);
        out.push(0);
    };
    batch(&mut out, 0);
    // What waits for nothing (a heap's goal), so that all others are tried as often.
    for _ in 0..300_000 {
        out.extend([34 | 1 << 6, 0, 1]);
    }
    for proc in 1..30_000 {
        batch(&mut out, proc);
        // A goroutine starts (14) that nobody made.
        out.extend([14 | 2 << 6, 0, 77, 1]);
    }
    out.extend([2, 100]);
    let start = Instant::now();
    let (count, error) = read(&out, Mode::Strict);
    assert!(matches!((count, &error), (0, Some(Error::Tangled { .. }))), "{count} {error:?}");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "slow tests are chosen by the environment")]
fn what_does_not_fit_in_memory_is_refused() {
    // A gigabyte of memory.
    if std::env::var_os("UNPANIC_SLOW").is_none_or(|value| value != "1") {
        return;
    }
    let bytes = b"go 1.21 trace\0\0\0".chain(std::io::repeat(1).take(1 << 31));
    let error = Reader::new(bytes, Mode::Strict).and_then(|mut reader| reader.next_event());
    assert!(matches!(error, Err(Error::TooLarge(_))), "{error:?}");
}
