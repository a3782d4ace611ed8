//! The reader on traces made by hand, on cut ones and on bytes that are no trace. That it gives what
//! Go's reader gives is measured by `cargo xtask scoreboard trace`.

use go_trace::{Details, Error, EventType as E, GoState, Mode, Reader};
use proptest::prelude::*;

#[path = "../../benches/generated.rs"]
mod generated;
mod hostile;
mod old;
mod salvage;

use generated::{batch, number};

const GENERATIONS: u64 = 3;
/// Events of a generation: the mark at its start, and those of the thread.
const EVENTS: usize = 5;

/// Three generations of one thread whose goroutine 1 blocks and is started again, and where each of
/// them ends.
fn sample() -> (Vec<u8>, Vec<usize>) {
    let mut out = b"go 1.22 trace\0\0\0".to_vec();
    let mut ends = Vec::new();
    for generation in 1..=GENERATIONS {
        let time = generation * 100;
        let events = [
            [E::PROC_STATUS.0, 1, 0, 1].as_slice(),
            &[E::GO_STATUS.0, 1, 1, 0, 2],
            &[E::GO_STOP.0, 1, 1, 0],
            &[E::GO_START.0, 1, 1, 1],
        ];
        batch(&mut out, generation, 0, time, &events.concat());
        let strings = [&[E::STRINGS.0, E::STRING.0, 1, 5], b"tired".as_slice()].concat();
        batch(&mut out, generation, u64::MAX, time, &strings);
        let mut clock = vec![E::FREQUENCY.0];
        number(&mut clock, 1_000_000_000);
        batch(&mut out, generation, u64::MAX, time, &clock);
        ends.push(out.len());
    }
    (out, ends)
}

/// How many events there are before the end or the error, and the error.
fn read(bytes: &[u8], mode: Mode) -> (usize, Option<Error>) {
    let mut reader = match Reader::new(bytes, mode) {
        Ok(reader) => reader,
        Err(error) => return (0, Some(error)),
    };
    let (mut count, mut last) = (0, i64::MIN);
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                // Whatever the bytes, looking at an event does not panic.
                let _ = event.details(reader.tables());
                assert_eq!(reader.tables().stack(event.stack()).count(), 0);
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
fn the_generated_trace_is_one() {
    let bytes = generated::trace(3, 2, 10_000);
    let mut reader = Reader::new(bytes.as_slice(), Mode::Strict).expect("a header");
    let (mut count, mut frames) = (0, 0);
    while let Some(event) = reader.next_event().expect("a whole trace") {
        count += 1;
        frames += reader.tables().stack(event.stack()).len();
    }
    // Per generation a mark, and of two threads three states and six events a round, four with stacks.
    assert_eq!((count, frames), (3 * (1 + 2 * (3 + 60_000)) + 1, 3 * 2 * 40_000 * 10));
}

#[test]
fn events_say_what_happened() {
    let (bytes, _) = sample();
    let mut reader = Reader::new(bytes.as_slice(), Mode::Strict).expect("a header");
    let mut stops = 0;
    while let Some(event) = reader.next_event().expect("a trace") {
        if let Details::Goroutine { id, from, to, reason, .. } = event.details(reader.tables())
            && event.kind == E::GO_STOP
        {
            assert_eq!((id, from, to), (1, GoState::Running, GoState::Runnable));
            assert_eq!(reason, b"tired");
            stops += 1;
        }
    }
    assert_eq!(stops, GENERATIONS);
    assert_eq!(read(&bytes, Mode::Strict).0, GENERATIONS as usize * EVENTS + 1);
}

#[test]
fn headers_are_told_apart() {
    let open = |bytes: &[u8]| read(bytes, Mode::Strict).1;
    assert!(matches!(open(b"go 1.10 trace\0\0\0"), Some(Error::OldVersion(10))));
    assert!(matches!(open(b"go 1.99 trace\0\0\0"), Some(Error::UnknownVersion(99))));
    assert!(matches!(open(b"\x7fELF and so on....."), Some(Error::NotATrace)));
    assert!(matches!(open(b""), Some(Error::NotATrace)));
}

#[test]
fn a_cut_costs_the_last_generation_at_most() {
    let (bytes, ends) = sample();
    for cut in 16..bytes.len() {
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        for mode in [Mode::Strict, Mode::Salvage] {
            let (count, error) = read(&bytes[..cut], mode);
            assert!(count >= whole * EVENTS, "{count} events of {whole} generations, cut at {cut}");
            assert!(mode == Mode::Strict || error.is_none(), "cut at {cut}: {error:?}");
        }
    }
}

#[test]
fn salvage_gives_complete_batches_of_a_torn_generation() {
    let (bytes, ends) = sample();
    // Past the events of the last generation, before its clock.
    let cut = ends[2] - 3;
    assert!(read(&bytes[..cut], Mode::Strict).1.is_some());
    assert_eq!(read(&bytes[..cut], Mode::Salvage).0, 3 * EVENTS + 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..300), version in 0usize..7) {
        let mut bytes = format!("go 1.{} trace\0\0\0", [22, 23, 25, 26, 11, 19, 21][version]).into_bytes();
        bytes.extend(tail);
        for mode in [Mode::Strict, Mode::Salvage] {
            if let Ok(mut reader) = Reader::new(bytes.as_slice(), mode) {
                while let Ok(Some(event)) = reader.next_event() {
                    let _ = event.details(reader.tables());
                }
            }
        }
    }

    #[test]
    fn no_damage_makes_it_panic(at in 16usize..400, byte in any::<u8>()) {
        let (mut bytes, _) = sample();
        let at = at % bytes.len();
        bytes[at] = byte;
        for mode in [Mode::Strict, Mode::Salvage] {
            if let Ok(mut reader) = Reader::new(bytes.as_slice(), mode) {
                while let Ok(Some(event)) = reader.next_event() {
                    let _ = event.details(reader.tables());
                }
            }
        }
    }
}
