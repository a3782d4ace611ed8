//! A trace as Go 1.22 writes it, of any size: what speed is measured on without a Go toolchain. The
//! tests read a small one.

use go_trace::EventType as E;

/// Largest contents of a batch; Go's are 64 KiB.
const BATCH: usize = 60_000;

/// Appends a number as the format has it.
pub fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a batch.
pub fn batch(out: &mut Vec<u8>, generation: u64, thread: u64, time: u64, data: &[u8]) {
    out.push(E::EVENT_BATCH.0);
    for value in [generation, thread, time, data.len() as u64] {
        number(out, value);
    }
    out.extend_from_slice(data);
}

/// The events of one thread, cut into batches.
struct Thread {
    id: u64,
    generation: u64,
    time: u64,
    start: u64,
    data: Vec<u8>,
}

impl Thread {
    fn event(&mut self, out: &mut Vec<u8>, kind: E, args: &[u64]) {
        if self.data.len() > BATCH {
            self.flush(out);
        }
        let delta = 3 + self.time % 200;
        self.time += delta;
        self.data.push(kind.0);
        number(&mut self.data, delta);
        for &arg in args {
            number(&mut self.data, arg);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        batch(out, self.generation, self.id, self.start, &self.data);
        self.data.clear();
        self.start = self.time;
    }
}

/// On each thread two goroutines wake each other `rounds` times a generation: six events and about 40
/// bytes a round, the events of which real traces mostly consist.
pub fn trace(generations: u64, threads: u64, rounds: u64) -> Vec<u8> {
    let mut out = b"go 1.22 trace\0\0\0".to_vec();
    let second = threads * rounds * 1000;
    for generation in 1..=generations {
        let start = generation * second;
        for id in 0..threads {
            let (time, data) = (start + id, Vec::new());
            let mut thread = Thread { id, generation, time, start: time, data };
            let (a, b) = (1000 + 2 * id, 1001 + 2 * id);
            thread.event(&mut out, E::PROC_STATUS, &[id, 1]);
            thread.event(&mut out, E::GO_STATUS, &[a, u64::MAX, 1]);
            thread.event(&mut out, E::GO_STATUS, &[b, u64::MAX, 4]);
            for round in 0..rounds {
                let stack = 1 + round % 100;
                let seq = 2 * round + 1;
                thread.event(&mut out, E::GO_START, &[a, seq]);
                thread.event(&mut out, E::GO_UNBLOCK, &[b, seq, stack]);
                thread.event(&mut out, E::GO_BLOCK, &[1, stack]);
                thread.event(&mut out, E::GO_START, &[b, seq + 1]);
                thread.event(&mut out, E::GO_UNBLOCK, &[a, seq + 1, stack]);
                thread.event(&mut out, E::GO_BLOCK, &[1, stack]);
            }
            thread.flush(&mut out);
        }
        tables(&mut out, generation, start);
    }
    out
}

/// A hundred stacks of ten frames, their strings, and the clock's frequency.
fn tables(out: &mut Vec<u8>, generation: u64, time: u64) {
    let (mut strings, mut stacks) = (vec![E::STRINGS.0], vec![E::STACKS.0]);
    for id in 1..=100 {
        strings.push(E::STRING.0);
        let text = if id == 1 { "chan receive".to_owned() } else { format!("main.function{id}") };
        number(&mut strings, id);
        number(&mut strings, text.len() as u64);
        strings.extend_from_slice(text.as_bytes());
        stacks.push(E::STACK.0);
        number(&mut stacks, id);
        number(&mut stacks, 10);
        for frame in 0..10 {
            let name = 2 + (id + frame) % 99;
            for value in [0x40_0000 + 64 * name, name, 2, 10 * name] {
                number(&mut stacks, value);
            }
        }
    }
    batch(out, generation, u64::MAX, time, &strings);
    batch(out, generation, u64::MAX, time, &stacks);
    let mut clock = vec![E::FREQUENCY.0];
    number(&mut clock, 1_000_000_000);
    batch(out, generation, u64::MAX, time, &clock);
}
