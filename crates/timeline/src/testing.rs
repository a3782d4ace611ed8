//! Traces made by hand, for tests of this crate and of the binary: events are given in order of time,
//! the writer keeps sequence numbers, tables and batches.

use std::collections::BTreeMap;

use go_trace::EventType as E;

/// Larger batches are begun anew; a trace's may have 64 KiB.
const BATCH: usize = 32 << 10;

/// Writes a trace of Go 1.23's form; a unit of its clock is a nanosecond.
pub struct Writer {
    out: Vec<u8>,
    generation: u64,
    strings: Vec<String>,
    stacks: Vec<Vec<(String, String, u64)>>,
    threads: BTreeMap<u64, Batch>,
    sequence: BTreeMap<u64, u64>,
    /// Goroutines and processors with their states, told at the start of each generation.
    gos: BTreeMap<u64, (u64, u64)>,
    running: BTreeMap<u64, u64>,
    last: u64,
}

#[derive(Default)]
struct Batch {
    start: u64,
    last: u64,
    data: Vec<u8>,
}

const RUNNABLE: u64 = 1;
const RUNNING: u64 = 2;
const SYSCALL: u64 = 3;
const WAITING: u64 = 4;

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl Writer {
    /// A trace in which each of `threads` has the processor of its number and runs goroutine
    /// number + 1 from `time` on.
    pub fn new(threads: u64, time: u64) -> Self {
        let mut writer = Self {
            out: b"go 1.23 trace\0\0\0".to_vec(),
            generation: 1,
            strings: Vec::new(),
            stacks: Vec::new(),
            threads: BTreeMap::new(),
            sequence: BTreeMap::new(),
            gos: BTreeMap::new(),
            running: BTreeMap::new(),
            last: time,
        };
        for thread in 0..threads {
            writer.gos.insert(thread + 1, (RUNNING, thread));
            writer.running.insert(thread, thread + 1);
        }
        writer.statuses(time);
        writer
    }

    fn string(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.iter().position(|s| s == text).unwrap_or_else(|| {
            self.strings.push(text.to_owned());
            self.strings.len() - 1
        });
        at as u64 + 1
    }

    /// A stack of `function file:line`, innermost first, by number; for the current generation.
    pub fn stack(&mut self, frames: &[(&str, &str, u64)]) -> u64 {
        let stack: Vec<_> = frames.iter().map(|f| (f.0.to_owned(), f.1.to_owned(), f.2)).collect();
        let at = self.stacks.iter().position(|s| *s == stack).unwrap_or_else(|| {
            self.stacks.push(stack);
            self.stacks.len() - 1
        });
        at as u64 + 1
    }

    fn event(&mut self, time: u64, thread: u64, kind: E, args: &[u64]) {
        self.last = time;
        let batch = self.threads.entry(thread).or_default();
        if batch.data.len() > BATCH {
            let full = std::mem::take(batch);
            self.flush(thread, &full);
        }
        let batch = self.threads.entry(thread).or_default();
        if batch.data.is_empty() {
            (batch.start, batch.last) = (time, time);
        }
        batch.data.push(kind.0);
        number(&mut batch.data, time - batch.last);
        for &arg in args {
            number(&mut batch.data, arg);
        }
        batch.last = time;
    }

    fn flush(&mut self, thread: u64, batch: &Batch) {
        self.out.push(E::EVENT_BATCH.0);
        for value in [self.generation, thread, batch.start, batch.data.len() as u64] {
            number(&mut self.out, value);
        }
        self.out.extend_from_slice(&batch.data);
    }

    fn statuses(&mut self, time: u64) {
        for (&thread, &goroutine) in &self.running.clone() {
            self.event(time, thread, E::PROC_STATUS, &[thread, 1]);
            self.event(time, thread, E::GO_STATUS, &[goroutine, thread, RUNNING]);
        }
        for (&goroutine, &(state, thread)) in &self.gos.clone() {
            let runs_here = self.running.values().any(|&g| g == goroutine);
            if !runs_here {
                self.event(time, 0, E::GO_STATUS, &[goroutine, thread, state]);
            }
        }
    }

    fn next(&mut self, goroutine: u64) -> u64 {
        let sequence = self.sequence.entry(goroutine).or_default();
        *sequence += 1;
        *sequence
    }

    /// The thread's goroutine starts another one, in a function.
    pub fn create(&mut self, time: u64, thread: u64, goroutine: u64, function: &str) {
        let start = self.stack(&[(function, "/src/main.go", 1)]);
        let at = self.stack(&[("main.main", "/src/main.go", 2)]);
        self.event(time, thread, E::GO_CREATE, &[goroutine, start, at]);
        self.gos.insert(goroutine, (RUNNABLE, u64::MAX));
    }

    /// A goroutine begins to run.
    pub fn start(&mut self, time: u64, thread: u64, goroutine: u64) {
        let sequence = self.next(goroutine);
        self.event(time, thread, E::GO_START, &[goroutine, sequence]);
        self.gos.insert(goroutine, (RUNNING, thread));
        self.running.insert(thread, goroutine);
    }

    fn leave(&mut self, thread: u64, state: u64) {
        if let Some(goroutine) = self.running.remove(&thread) {
            self.gos.insert(goroutine, (state, u64::MAX));
        }
    }

    /// The thread's goroutine begins to wait.
    pub fn block(&mut self, time: u64, thread: u64, reason: &str, stack: u64) {
        let reason = self.string(reason);
        self.event(time, thread, E::GO_BLOCK, &[reason, stack]);
        self.leave(thread, WAITING);
    }

    /// The thread's goroutine lets others run.
    pub fn stop(&mut self, time: u64, thread: u64, reason: &str, stack: u64) {
        let reason = self.string(reason);
        self.event(time, thread, E::GO_STOP, &[reason, stack]);
        self.leave(thread, RUNNABLE);
    }

    /// Another goroutine is woken.
    pub fn unblock(&mut self, time: u64, thread: u64, goroutine: u64) {
        let sequence = self.next(goroutine);
        self.event(time, thread, E::GO_UNBLOCK, &[goroutine, sequence, 0]);
        self.gos.insert(goroutine, (RUNNABLE, u64::MAX));
    }

    /// The thread's goroutine ends.
    pub fn destroy(&mut self, time: u64, thread: u64) {
        self.event(time, thread, E::GO_DESTROY, &[]);
        if let Some(goroutine) = self.running.remove(&thread) {
            self.gos.remove(&goroutine);
        }
    }

    /// The thread's goroutine enters a system call and comes back.
    pub fn syscall(&mut self, from: u64, to: u64, thread: u64, stack: u64) {
        // The processor has its own sequence numbers, kept beside those of goroutines.
        let sequence = self.next(u64::MAX - thread);
        self.event(from, thread, E::GO_SYSCALL_BEGIN, &[sequence, stack]);
        if let Some(goroutine) = self.running.get(&thread) {
            self.gos.insert(*goroutine, (SYSCALL, thread));
        }
        self.event(to, thread, E::GO_SYSCALL_END, &[]);
        if let Some(goroutine) = self.running.get(&thread) {
            self.gos.insert(*goroutine, (RUNNING, thread));
        }
    }

    /// A region of the thread's goroutine begins, or ends.
    pub fn region(&mut self, time: u64, thread: u64, name: &str, begins: bool) {
        let name = self.string(name);
        let kind = if begins { E::USER_REGION_BEGIN } else { E::USER_REGION_END };
        self.event(time, thread, kind, &[0, name, 0]);
    }

    /// A task begins, or ends.
    pub fn task(&mut self, time: u64, thread: u64, id: u64, name: &str, begins: bool) {
        if begins {
            let name = self.string(name);
            self.event(time, thread, E::USER_TASK_BEGIN, &[id, 0, name, 0]);
        } else {
            self.event(time, thread, E::USER_TASK_END, &[id, 0]);
        }
    }

    /// The thread's goroutine logs a message.
    pub fn log(&mut self, time: u64, thread: u64, message: &str) {
        let message = self.string(message);
        self.event(time, thread, E::USER_LOG, &[0, 0, message, 0]);
    }

    /// The world is stopped for a while.
    pub fn stop_the_world(&mut self, from: u64, to: u64, thread: u64, reason: &str) {
        let reason = self.string(reason);
        self.event(from, thread, E::STW_BEGIN, &[reason, 0]);
        self.event(to, thread, E::STW_END, &[]);
    }

    /// Ends the generation and begins the next.
    pub fn generation(&mut self, time: u64) {
        self.end_generation();
        self.generation += 1;
        self.strings.clear();
        self.stacks.clear();
        self.sequence.clear();
        self.statuses(time);
    }

    /// The same, with tables whose batches begin so much later than the last event.
    pub fn generation_later(&mut self, time: u64, later: u64) {
        for (thread, batch) in std::mem::take(&mut self.threads) {
            self.flush(thread, &batch);
        }
        self.last += later;
        self.generation(time);
    }

    fn end_generation(&mut self) {
        for (thread, batch) in std::mem::take(&mut self.threads) {
            self.flush(thread, &batch);
        }
        let mut frames = Vec::new();
        for stack in std::mem::take(&mut self.stacks) {
            let rows: Vec<[u64; 3]> = stack
                .iter()
                .map(|(function, file, line)| [self.string(function), self.string(file), *line])
                .collect();
            frames.push(rows);
        }
        let table = |data: Vec<u8>, start| Batch { start, last: start, data };
        let start = self.last;
        for (i, text) in self.strings.clone().iter().enumerate() {
            let mut data = vec![E::STRINGS.0, E::STRING.0];
            number(&mut data, i as u64 + 1);
            number(&mut data, text.len() as u64);
            data.extend_from_slice(text.as_bytes());
            self.flush(u64::MAX, &table(data, start));
        }
        for (i, rows) in frames.iter().enumerate() {
            let mut data = vec![E::STACKS.0, E::STACK.0];
            number(&mut data, i as u64 + 1);
            number(&mut data, rows.len() as u64);
            for &[function, file, line] in rows {
                // The first frame of a program counter stands for all, so each has its own.
                number(&mut data, function << 40 | file << 20 | line);
                for value in [function, file, line] {
                    number(&mut data, value);
                }
            }
            self.flush(u64::MAX, &table(data, start));
        }
        let mut clock = vec![E::FREQUENCY.0];
        number(&mut clock, 1_000_000_000);
        self.flush(u64::MAX, &table(clock, start));
    }

    /// The bytes of the trace.
    pub fn finish(mut self) -> Vec<u8> {
        self.end_generation();
        self.out
    }

    /// The bytes of a trace whose last generation lacks its tables, as a crash leaves it.
    pub fn torn(mut self) -> Vec<u8> {
        for (thread, batch) in std::mem::take(&mut self.threads) {
            self.flush(thread, &batch);
        }
        // The head of a batch whose rest was never written.
        self.out.extend_from_slice(&[E::EVENT_BATCH.0, 1, 0]);
        self.out
    }
}

/// A map conflict: goroutine 1 starts 3 and 4 in `main.handle`; 3 dies on processor 0 while 4 runs on
/// processor 1, and goroutine 5 waits for a channel. Three generations of 10 ms.
pub fn conflict() -> Writer {
    const MS: u64 = 1_000_000;
    let mut w = Writer::new(2, MS);
    w.create(MS + 1000, 0, 3, "main.handle");
    w.create(MS + 2000, 0, 4, "main.handle");
    w.create(MS + 3000, 0, 5, "main.idle");
    let wait = w.stack(&[
        ("sync.(*WaitGroup).Wait", "/usr/local/go/src/sync/waitgroup.go", 100),
        ("main.main", "/src/main.go", 30),
    ]);
    w.block(2 * MS, 0, "sync", wait);
    w.start(3 * MS, 0, 5);
    let receive = w.stack(&[("main.idle", "/src/main.go", 40)]);
    w.block(4 * MS, 0, "chan receive", receive);
    w.start(5 * MS, 0, 3);
    w.block(6 * MS, 1, "select", 0);
    w.start(7 * MS, 1, 4);
    for generation in 1..=2u64 {
        let at = generation * 10 * MS + MS;
        w.generation(at);
        let stack =
            w.stack(&[("main.(*Hub).Add", "/src/hub.go", 12), ("main.handle", "/src/main.go", 20)]);
        w.stop(at + MS, 0, "preempted", stack);
        w.start(at + 2 * MS, 0, 3);
        w.stop(at + 3 * MS, 1, "preempted", stack);
        w.start(at + 4 * MS, 1, 4);
        w.region(at + 5 * MS, 1, "parse", true);
        w.region(at + 6 * MS, 1, "decode", true);
        w.region(at + 7 * MS, 1, "decode", false);
        w.region(at + 8 * MS, 1, "parse", false);
        w.log(at + 8 * MS + 500, 1, "<b>done</b>");
        w.stop_the_world(at + 9 * MS, at + 9 * MS + 1000, 0, "GC sweep termination");
    }
    w
}
