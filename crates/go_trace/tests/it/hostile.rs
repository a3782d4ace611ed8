//! Traces that no Go writes, made to cost memory or time.

use std::time::{Duration, Instant};

use go_trace::{Error, EventType as E, Mode, Reader};

use crate::generated::{batch, number};

fn head() -> Vec<u8> {
    b"go 1.22 trace\0\0\0".to_vec()
}

/// Ends a generation of Go 1.22.
fn clock(out: &mut Vec<u8>) {
    let mut clock = vec![E::FREQUENCY.0];
    number(&mut clock, 1_000_000_000);
    batch(out, 1, u64::MAX, 1, &clock);
}

/// How many events there are before the end or the error, and the error.
fn read(bytes: &[u8], mode: Mode) -> (usize, Option<Error>) {
    let mut reader = Reader::new(bytes, mode).expect("a header");
    let mut count = 0;
    loop {
        match reader.next_event() {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, None),
            Err(error) => return (count, Some(error)),
        }
    }
}

/// Fills batches of one thread.
struct Events {
    out: Vec<u8>,
    data: Vec<u8>,
    thread: u64,
}

impl Events {
    fn new(thread: u64) -> Self {
        Self { out: head(), data: Vec::new(), thread }
    }
    fn event(&mut self, kind: E, args: &[u64]) {
        self.data.push(kind.0);
        self.data.push(1);
        for &arg in args {
            number(&mut self.data, arg);
        }
        if self.data.len() > 60_000 {
            self.flush();
        }
    }
    fn flush(&mut self) {
        batch(&mut self.out, 1, self.thread, 1, &self.data);
        self.data.clear();
    }
    fn finish(mut self) -> Vec<u8> {
        self.flush();
        clock(&mut self.out);
        self.out
    }
}

#[test]
fn numbers_made_for_one_place_of_a_hash_table_cost_no_more_than_others() {
    // What `rustc-hash` multiplies by; its inverse gives numbers whose hashes share all bits that
    // choose a place. In a table of that hash these take minutes.
    let factor = 0xf135_7aea_2e62_a9c5_u64;
    let inverse =
        (0..6).fold(factor, |x, _| x.wrapping_mul(2u64.wrapping_sub(factor.wrapping_mul(x))));
    assert_eq!(factor.wrapping_mul(inverse), 1);
    let count = 300_000;
    let mut events = Events::new(0);
    events.event(E::PROC_STATUS, &[0, 1]);
    for n in 1..=count {
        events.event(E::GO_CREATE, &[inverse.wrapping_mul(n), 0, 0]);
    }
    let start = Instant::now();
    assert_eq!(read(&events.finish(), Mode::Strict).0 as u64, count + 3);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn threads_that_all_wait_do_not_keep_the_reader_busy() {
    // Each event of the first thread is held until all others have been tried in vain.
    let mut out = head();
    let threads = 20_000;
    for thread in 0..threads {
        let start = [E::GO_START.0, 1, 77, 1].repeat(if thread == 0 { 15_000 } else { 1 });
        batch(&mut out, 1, thread, 1, &start);
    }
    clock(&mut out);
    let (count, error) = read(&out, Mode::Strict);
    assert!(matches!((count, error), (1, Some(Error::Stuck { .. }))));
    let start = Instant::now();
    // Torn, each event would be dropped after a look at all threads.
    let (count, error) = read(&out[..out.len() - 3], Mode::Salvage);
    assert!((count, error.is_none()) == (2, true));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn more_threads_than_a_program_can_have_are_refused() {
    let mut out = head();
    for thread in 0..100_000 {
        batch(&mut out, 1, thread, 1, &[E::PROC_STOP.0, 1]);
    }
    let (_, error) = read(&out, Mode::Strict);
    assert!(matches!(error, Some(Error::Malformed { .. })), "{error:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "slow tests are chosen by the environment")]
fn goroutines_and_regions_without_end_are_refused() {
    // Half a gigabyte, and seconds.
    if std::env::var_os("UNPANIC_SLOW").is_none_or(|value| value != "1") {
        return;
    }
    for region in [false, true] {
        let mut events = Events::new(0);
        let name = [&[E::STRINGS.0, E::STRING.0, 1, 0x80, 8][..], &[b'x'; 1024]].concat();
        batch(&mut events.out, 1, u64::MAX, 1, &name);
        events.event(E::PROC_STATUS, &[0, 1]);
        events.event(E::GO_STATUS, &[1, 0, 2]);
        for n in 2..9_000_000 {
            if region {
                events.event(E::USER_REGION_BEGIN, &[0, 1, 0]);
            } else {
                events.event(E::GO_CREATE, &[n, 0, 0]);
            }
        }
        let (count, error) = read(&events.finish(), Mode::Strict);
        assert!(count > 1 << 22 && matches!(error, Some(Error::Inconsistent { .. })), "{error:?}");
    }
}

#[test]
fn sizes_that_a_head_claims_cost_nothing() {
    for size in [1 << 16, (1 << 16) + 1, 1 << 40, u64::MAX] {
        let mut out = head();
        out.push(E::EVENT_BATCH.0);
        for value in [1, 0, 1, size] {
            number(&mut out, value);
        }
        let (_, error) = read(&out, Mode::Strict);
        let error = error.expect("an error");
        assert_eq!(error.is_torn(), size == 1 << 16, "{error}");
    }
    // Strings and stacks, too.
    for (table, entry) in [(E::STRINGS, E::STRING), (E::STACKS, E::STACK)] {
        let mut data = vec![table.0, entry.0, 1];
        number(&mut data, 1 << 50);
        let mut out = head();
        batch(&mut out, 1, u64::MAX, 1, &data);
        clock(&mut out);
        assert!(matches!(read(&out, Mode::Strict).1, Some(Error::Malformed { .. })));
    }
}

#[test]
fn far_ids_make_no_long_tables() {
    let mut out = head();
    let mut data = vec![E::STRINGS.0];
    for id in 0..1000u64 {
        data.push(E::STRING.0);
        number(&mut data, u64::MAX - id * 0x1_0000_0001);
        data.extend([1, b'x']);
    }
    batch(&mut out, 1, u64::MAX, 1, &data);
    clock(&mut out);
    let mut reader = Reader::new(out.as_slice(), Mode::Strict).expect("a header");
    assert!(reader.next_event().expect("a generation").is_some());
    assert_eq!(reader.tables().string(u64::MAX - 0x1_0000_0001), b"x");
    assert_eq!(reader.tables().string(u64::MAX - 1), b"");
}
