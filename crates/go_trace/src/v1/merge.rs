//! The second pass: one order of all events. What a processor did is in the order of the file; between
//! processors an event waits for what it follows from, by the state of its goroutine and the sequence
//! number that it carries, and of those that need not wait the earliest comes first.
//!
//! Which of two that have the same time comes first follows from how the heap moves them; it is to be
//! as in Go's reader, hence a heap of our own. (There it follows also from the order in which the
//! processors stand at the start, which is random there and by number here.)

use hashbrown::HashMap;

use super::index::{Batch, Index, PROFILE_P, Record, after};
use super::wire::{self, Arguments, kind};
use crate::error::Error;
use crate::reader::{PATIENCE, PATIENCE_PER_EVENT};

/// What an event waits for and what it leads to.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct State {
    sequence: u64,
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Status {
    #[default]
    Dead,
    Runnable,
    Running,
    Waiting,
}

/// An event that waits for nothing is about this goroutine.
const NOBODY: u64 = u64::MAX;
/// Collections are numbered like the states of a goroutine; this stands for it.
const COLLECTOR: u64 = u64::MAX - 1;
/// As what is waited for: any number. As what comes of it: the number stays.
const ANY: u64 = u64::MAX;
/// As what comes of it: one more.
const NEXT: u64 = u64::MAX - 1;

struct Step {
    goroutine: u64,
    from: State,
    to: State,
}

impl Step {
    fn of(kind: u8, goroutine: u64, args: &[u64; 4]) -> Self {
        use Status::{Dead, Runnable, Running, Waiting};
        let step = |goroutine, from, status, to, next| Self {
            goroutine,
            from: State { sequence: from, status },
            to: State { sequence: to, status: next },
        };
        let [first, second, ..] = *args;
        match kind {
            kind::GO_CREATE => step(first, 0, Dead, 1, Runnable),
            kind::GO_WAITING | kind::GO_IN_SYSCALL => step(goroutine, 1, Runnable, 2, Waiting),
            kind::GO_START | kind::GO_START_LABEL => {
                step(goroutine, second, Runnable, second.wrapping_add(1), Running)
            }
            kind::GO_START_LOCAL => step(goroutine, ANY, Runnable, NEXT, Running),
            kind::GO_SLEEP
            | kind::GO_BLOCK
            | kind::GO_BLOCK_SEND..=kind::GO_BLOCK_NET
            | kind::GO_SYS_BLOCK
            | kind::GO_BLOCK_GC => step(goroutine, ANY, Running, ANY, Waiting),
            kind::GO_SCHED | kind::GO_PREEMPT => step(goroutine, ANY, Running, ANY, Runnable),
            kind::GO_UNBLOCK | kind::GO_SYS_EXIT => {
                step(first, second, Waiting, second.wrapping_add(1), Runnable)
            }
            kind::GO_UNBLOCK_LOCAL | kind::GO_SYS_EXIT_LOCAL => {
                step(first, ANY, Waiting, NEXT, Runnable)
            }
            kind::GC_START => step(COLLECTOR, first, Dead, first.wrapping_add(1), Dead),
            _ => step(NOBODY, 0, Dead, 0, Dead),
        }
    }

    fn may_pass(&self, now: State) -> bool {
        self.goroutine == NOBODY
            || (self.from.status == now.status
                && (self.from.sequence == ANY || self.from.sequence == now.sequence))
    }
}

/// One processor's events, of which the next is decoded.
struct Cursor {
    /// In `Index::queues`; `usize::MAX` for none.
    queue: usize,
    proc: u16,
    /// The samples of the profiler, before the batches.
    samples: std::vec::IntoIter<Record>,
    batch: Batch,
    at: usize,
    time: i64,
    goroutine: u64,
}

impl Cursor {
    fn new(queue: usize, proc: u16, samples: Vec<Record>) -> Self {
        let batch = Batch { start: 0, end: 0, time: 0, goroutine: 0 };
        let samples = samples.into_iter();
        Self { queue, proc, samples, batch, at: 0, time: 0, goroutine: 0 }
    }

    /// The next event and its arguments. `taken` says how many batches of each queue are taken.
    fn next(
        &mut self,
        data: &[u8],
        index: &Index,
        version: u32,
        taken: &mut [usize],
    ) -> Option<(Record, [u64; 4])> {
        if let Some(sample) = self.samples.next() {
            return Some((sample, [0; 4]));
        }
        loop {
            while self.at < self.batch.end as usize {
                let at = self.at;
                let raw = wire::raw(data, at, version).expect("read in the first pass");
                self.at = raw.next;
                let table = [kind::STRING, kind::STACK, kind::FREQUENCY, kind::TIMER_GOROUTINE];
                if table.contains(&raw.kind) || raw.kind == kind::CPU_SAMPLE {
                    continue;
                }
                let Arguments { ticks, args, .. } =
                    wire::arguments(data, &raw).expect("read in the first pass");
                self.time = self.time.wrapping_add(ticks as i64);
                let goroutine = match raw.kind {
                    kind::GO_START | kind::GO_START_LOCAL | kind::GO_START_LABEL => args[0],
                    kind::GO_SYS_EXIT | kind::GO_WAITING | kind::GO_IN_SYSCALL => args[0],
                    _ => self.goroutine,
                };
                self.goroutine = after(raw.kind, args[0], self.goroutine);
                let record = Record {
                    time: self.time,
                    goroutine,
                    at: at as u32,
                    proc: self.proc,
                    kind: raw.kind,
                    blocked: false,
                };
                return Some((record, args));
            }
            let batch = *index.queues.get(self.queue)?.1.get(taken[self.queue])?;
            taken[self.queue] += 1;
            (self.batch, self.at) = (batch, batch.start as usize);
            (self.time, self.goroutine) = (batch.time, batch.goroutine);
        }
    }
}

/// All events in order, by ticks.
pub fn merge(data: &[u8], index: &mut Index, version: u32) -> Result<Vec<Record>, Error> {
    let malformed = |at, what| Error::Malformed { at, what };
    let end = data.len() as u64;
    let samples = std::mem::take(&mut index.samples);
    let mut order: Vec<usize> = (0..index.queues.len()).collect();
    order.sort_by_key(|&queue| index.queues[queue].0);
    let mut cursors = Vec::new();
    let mut of_samples = usize::MAX;
    for queue in order {
        let number = index.queues[queue].0;
        cursors.push(Cursor::new(
            queue,
            index.procs.place(number).map_err(|what| malformed(end, what))?,
            Vec::new(),
        ));
        if number == PROFILE_P {
            of_samples = queue;
        }
    }
    let of_profiler = index.procs.place(PROFILE_P).map_err(|what| malformed(end, what))?;
    cursors.push(Cursor::new(of_samples, of_profiler, samples));
    let mut taken = vec![0; index.queues.len()];
    let mut next: Vec<Option<(Record, [u64; 4])>> = vec![None; cursors.len()];
    let mut waiting: Vec<usize> = (0..cursors.len()).collect();
    let mut states: HashMap<u64, State> = HashMap::new();
    let mut events: Vec<Record> = Vec::with_capacity(index.events);
    let mut heap = Heap::default();
    let mut patience = PATIENCE;
    loop {
        let Some(left) = patience.checked_sub(waiting.len() as u64) else {
            return Err(Error::Tangled { generation: 1 });
        };
        patience = left + PATIENCE_PER_EVENT;
        let mut i = 0;
        while let Some(&cursor) = waiting.get(i) {
            if next[cursor].is_none() {
                next[cursor] = cursors[cursor].next(data, index, version, &mut taken);
            }
            match &next[cursor] {
                None => {
                    waiting.swap_remove(i);
                }
                Some((record, args)) => {
                    let step = Step::of(record.kind, record.goroutine, args);
                    let now = states.get(&step.goroutine).copied().unwrap_or_default();
                    if step.may_pass(now) {
                        heap.push(record.time, cursor);
                        waiting.swap_remove(i);
                    } else {
                        i += 1;
                    }
                }
            }
        }
        let Some(cursor) = heap.pop() else {
            let Some(&cursor) = waiting.first() else { return Ok(events) };
            let at = next[cursor].as_ref().map_or(end, |(record, _)| u64::from(record.at));
            return Err(malformed(at, "no processor's next event can come next"));
        };
        let (mut record, args) = next[cursor].take().expect("what is in the heap is decoded");
        let step = Step::of(record.kind, record.goroutine, &args);
        // The numbers of these are for the order alone.
        record.kind = match record.kind {
            kind::GO_START_LOCAL => kind::GO_START,
            kind::GO_UNBLOCK_LOCAL => kind::GO_UNBLOCK,
            kind::GO_SYS_EXIT_LOCAL => kind::GO_SYS_EXIT,
            other => other,
        };
        if events.last().is_some_and(|last| last.time > record.time) {
            let what = "the clocks of its processors contradict the order of its events";
            return Err(malformed(record.at.into(), what));
        }
        events.push(record);
        if step.goroutine != NOBODY {
            let state = states.entry(step.goroutine).or_default();
            if !step.may_pass(*state) {
                return Err(malformed(record.at.into(), "two processors have the same goroutine"));
            }
            let sequence = match step.to.sequence {
                ANY => state.sequence,
                NEXT => state.sequence.wrapping_add(1),
                sequence => sequence,
            };
            *state = State { sequence, ..step.to };
        }
        waiting.push(cursor);
    }
}

/// Cursors by the times of their next events, the earliest first.
#[derive(Default)]
struct Heap(Vec<(i64, usize)>);

impl Heap {
    fn push(&mut self, time: i64, cursor: usize) {
        let heap = &mut self.0;
        heap.push((time, cursor));
        let mut i = heap.len() - 1;
        while i > 0 && heap[i].0 < heap[(i - 1) / 2].0 {
            heap.swap(i, (i - 1) / 2);
            i = (i - 1) / 2;
        }
    }

    fn pop(&mut self) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let (_, first) = self.0.swap_remove(0);
        let (heap, mut i) = (&mut self.0, 0);
        loop {
            let mut least = 2 * i + 1;
            if least >= heap.len() {
                return Some(first);
            }
            if least + 1 < heap.len() && heap[least + 1].0 < heap[least].0 {
                least += 1;
            }
            if heap[least].0 >= heap[i].0 {
                return Some(first);
            }
            heap.swap(i, least);
            i = least;
        }
    }
}
