//! The next event of each thread, and the threads in a heap by the time of theirs.

use crate::generation::{Batch, nanoseconds};
use crate::order::Raw;
use crate::wire::{ARGUMENTS, EventType, NOT_TIMED, varint};

/// One thread's events of a generation, of which the next is decoded.
pub struct Cursor {
    pub raw: Raw,
    pub thread: i64,
    /// Where `Order` has the thread's state; `usize::MAX` before it is asked.
    pub place: usize,
    pos: usize,
    end: usize,
    time: i64,
    next: usize,
    batches: Vec<Batch>,
}

impl Cursor {
    pub fn new(thread: i64, batches: Vec<Batch>) -> Self {
        let raw = Raw { kind: EventType(0), time: 0, args: [0; 4] };
        Self { raw, thread, place: usize::MAX, pos: 0, end: 0, time: 0, next: 0, batches }
    }

    /// Decodes the thread's next event; whether there is one. `data` are the generation's bytes.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the hot loop's half")]
    pub fn advance(&mut self, data: &[u8], scale: f64) -> Result<bool, &'static str> {
        if self.pos == self.end && !self.next_batch() {
            return Ok(false);
        }
        if self.time == 0 {
            self.time = nanoseconds(self.batches[self.next - 1].time, scale);
        }
        let mut rest = &data[self.pos..self.end];
        let (&kind, tail) = rest.split_first().ok_or("an event is cut off")?;
        rest = tail;
        self.raw.kind = EventType(kind);
        let count = ARGUMENTS[kind as usize];
        if count == NOT_TIMED {
            return Err("no event of a thread");
        }
        let mut next = || varint(&mut rest).map_err(|_| "an event is cut off");
        let delta = next()?;
        let mut args = [0; 4];
        // Nested, so that each place sees numbers of one sort and the processor learns their lengths.
        if count > 0 {
            args[0] = next()?;
            if count > 1 {
                args[1] = next()?;
                if count > 2 {
                    args[2] = next()?;
                    if count > 3 {
                        args[3] = next()?;
                    }
                }
            }
        }
        self.pos = self.end - rest.len();
        self.time = self.time.wrapping_add(nanoseconds(delta, scale));
        self.raw.time = self.time;
        self.raw.args = args;
        Ok(true)
    }

    /// Goes on to the next batch that is not empty.
    #[inline(never)]
    fn next_batch(&mut self) -> bool {
        while self.pos == self.end {
            let Some(batch) = self.batches.get(self.next) else { return false };
            self.next += 1;
            (self.pos, self.end) = (batch.start as usize, batch.end as usize);
            self.time = 0;
        }
        true
    }
}

/// The threads that have an event left, by its time: a binary heap, the earliest first. It is of our
/// own, since the order of events of the same time follows from how it moves them, and is to be
/// that of Go's reader.
#[derive(Default)]
pub struct Heap(pub Vec<(i64, u32)>);

impl Heap {
    pub fn push(&mut self, time: i64, cursor: u32) {
        self.0.push((time, cursor));
        self.up(self.0.len() - 1);
    }

    /// The earliest one now has a later event.
    #[inline]
    pub fn replace_first(&mut self, time: i64) {
        self.0[0].0 = time;
        self.down(0);
    }

    /// The one at `i` now has another event.
    pub fn replace(&mut self, i: usize, time: i64) {
        self.0[i].0 = time;
        if self.up(i) == i {
            self.down(i);
        }
    }

    pub fn remove(&mut self, mut i: usize) {
        while i > 0 {
            self.0.swap(i, (i - 1) / 2);
            i = (i - 1) / 2;
        }
        self.0.swap_remove(0);
        self.down(0);
    }

    fn up(&mut self, mut i: usize) -> usize {
        let heap = &mut self.0;
        while i > 0 && heap[(i - 1) / 2].0 > heap[i].0 {
            heap.swap((i - 1) / 2, i);
            i = (i - 1) / 2;
        }
        i
    }

    #[inline]
    fn down(&mut self, mut i: usize) {
        let heap = &mut self.0[..];
        loop {
            let mut least = i;
            for child in [2 * i + 1, 2 * i + 2] {
                if child < heap.len() && heap[child].0 < heap[least].0 {
                    least = child;
                }
            }
            if least == i {
                return;
            }
            heap.swap(i, least);
            i = least;
        }
    }
}
