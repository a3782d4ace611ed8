//! What one thread counted, and how several make one. Memory is bounded whatever the length of the run:
//! histograms have fixed sizes and time is cut into at most [`MAX_SLICES`] slices.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::outcome::{Failure, Outcome};

/// A run is cut into at most so many slices of time.
pub const MAX_SLICES: u64 = 600;
/// Shorter slices show noise.
const MIN_SLICE: u64 = 100_000_000;
/// A request that was sent so shortly before may still be on its way. In nanoseconds; longer, and a service
/// that answers quickly could cut off all that it has without being blamed.
const RACE: u64 = 5_000_000;
/// So many times as long may pass on a machine that was seen to be as late itself.
const RACES: usize = 10;
/// The first and the last part of a load that are compared: one of so many.
const EDGE: u64 = 10;
/// The longest latency that is told apart: an hour, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;

/// A thread's counts.
pub struct Stats {
    /// Nanoseconds of warm-up: what is intended before counts as nothing.
    pub warm: u64,
    /// Latency from the intended time, in nanoseconds.
    pub corrected: Histogram<u64>,
    /// Latency from the time of sending.
    pub service: Histogram<u64>,
    /// The same of what was due in the first and in the last tenth: what grows from one to the other is a queue.
    edges: [Histogram<u64>; 2],
    /// Nanoseconds of the load after the warm-up, as planned.
    length: u64,
    /// How late this thread noticed what was due.
    pub lag: Histogram<u64>,
    /// Requests by how they ended.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// By endpoint: requests, those that were not good, latency from the intended time.
    pub endpoints: Vec<EndpointStats>,
    /// By time of the end.
    pub slices: Vec<Slice>,
    /// Nanoseconds of a slice.
    pub width: u64,
    /// Bytes of bodies.
    pub bytes: u64,
    /// When the last request ended.
    pub last: u64,
    /// What happened around the mark.
    pub marked: Marked,
    /// Processor time of the thread.
    pub cpu: Duration,
}

/// One endpoint's counts.
#[derive(Clone)]
pub struct EndpointStats {
    /// All requests.
    pub count: u64,
    /// Those that were not good.
    pub bad: u64,
    /// Latency from the intended time.
    pub corrected: Histogram<u64>,
}

/// A stretch of time.
#[derive(Clone, Default)]
pub struct Slice {
    /// Requests that ended well in it.
    pub good: u64,
    /// Requests that ended otherwise.
    pub bad: u64,
    /// Their latencies, roughly.
    pub latency: Option<Histogram<u32>>,
}

/// Counts around a point in time, the trigger of a drill. Times are nanoseconds since the start.
#[derive(Clone, Copy, Default, Debug)]
pub struct Marked {
    /// Sent before, ended badly after.
    pub cut: u64,
    /// Of `cut`, how many were sent between n and n + 1 times [`RACE`] before.
    shortly: [u64; RACES],
    /// As `cut`, and sent so shortly before that the server may not have read it: a server may close a
    /// connection that it takes for idle (RFC 9112, section 9.6).
    pub raced: u64,
    /// Sent before, ended well after.
    pub finished: u64,
    /// Sent after, ended well.
    pub good: u64,
    /// Sent after, ended badly.
    pub bad: u64,
    /// When the first one that was sent after the mark ended well.
    pub first_good: Option<u64>,
    /// When the last one ended badly.
    pub last_bad: Option<u64>,
}

/// Latencies between a nanosecond and an hour.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid")
}

/// Nobody panics while holding it; and a count is worth having anyway.
pub fn lock(stats: &Mutex<Stats>) -> MutexGuard<'_, Stats> {
    stats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request, as it is counted.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Which endpoint.
    pub endpoint: usize,
    /// When it was due.
    pub intended: u64,
    /// When it was sent.
    pub sent: u64,
    /// When it ended.
    pub done: u64,
    /// How.
    pub outcome: Outcome,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// The mark at that time; `u64::MAX` when there is none.
    pub mark: u64,
}

impl Stats {
    /// Of a run of so many nanoseconds, after `warm`.
    pub fn new(endpoints: usize, warm: u64, length: u64) -> Self {
        let endpoint = EndpointStats { count: 0, bad: 0, corrected: histogram() };
        Self {
            warm,
            corrected: histogram(),
            service: histogram(),
            edges: [histogram(), histogram()],
            length,
            lag: histogram(),
            outcomes: BTreeMap::new(),
            endpoints: vec![endpoint; endpoints],
            slices: Vec::new(),
            width: (length / MAX_SLICES).max(MIN_SLICE),
            bytes: 0,
            last: warm,
            marked: Marked::default(),
            cpu: Duration::ZERO,
        }
    }

    /// Counts a request.
    pub fn record(&mut self, entry: &Entry) {
        if entry.intended < self.warm {
            return;
        }
        let good = entry.outcome.is_good();
        let latency = entry.done.saturating_sub(entry.intended).max(1);
        self.corrected.saturating_record(latency);
        let due = entry.intended - self.warm;
        if due < self.length / EDGE {
            self.edges[0].saturating_record(latency);
        } else if due >= self.length - self.length / EDGE {
            self.edges[1].saturating_record(latency);
        }
        self.service.saturating_record(entry.done.saturating_sub(entry.sent).max(1));
        *self.outcomes.entry(entry.outcome).or_default() += 1;
        self.bytes += entry.bytes;
        self.last = self.last.max(entry.done);
        if let Some(endpoint) = self.endpoints.get_mut(entry.endpoint) {
            endpoint.count += 1;
            endpoint.bad += u64::from(!good);
            endpoint.corrected.saturating_record(latency);
        }
        self.slice(entry.done, good, latency);
        if entry.mark != u64::MAX && entry.done >= entry.mark {
            self.marked.count(entry, good);
        }
    }

    /// Counts what was due and never sent. Its latency is at least what it has waited: without it, the
    /// figures would be best when the server is worst.
    pub fn dropped(&mut self, intended: u64, now: u64) {
        if intended < self.warm {
            return;
        }
        let latency = now.saturating_sub(intended).max(1);
        self.corrected.saturating_record(latency);
        *self.outcomes.entry(Outcome::Failed(Failure::Dropped)).or_default() += 1;
        self.slice(now, false, latency);
    }

    /// Counts how late the generator was.
    pub fn lag(&mut self, due: u64, late: Duration) {
        if due >= self.warm {
            self.lag.saturating_record(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX).max(1));
        }
    }

    /// By how much answers came later at the end than at the start: the queue that a server which is slower than
    /// the load has piled up. Medians of the first and the last tenth of the load, drawn on to its ends, so that
    /// a pause in the last moments is not taken for it.
    pub fn queue(&self) -> Duration {
        let [first, last] = self.edges.each_ref().map(|edge| edge.value_at_quantile(0.5));
        if self.edges.iter().any(Histogram::is_empty) {
            return Duration::ZERO;
        }
        // From the middle of one tenth to the middle of the other are nine tenths.
        Duration::from_nanos(last.saturating_sub(first).saturating_mul(EDGE) / (EDGE - 1))
    }

    fn slice(&mut self, done: u64, good: bool, latency: u64) {
        // What ends long after the run belongs to its last slice.
        let at = (done.saturating_sub(self.warm) / self.width).min(2 * MAX_SLICES) as usize;
        if self.slices.len() <= at {
            self.slices.resize(at + 1, Slice::default());
        }
        let slice = &mut self.slices[at];
        slice.good += u64::from(good);
        slice.bad += u64::from(!good);
        let latencies = slice.latency.get_or_insert_with(|| {
            // In microseconds: a tenth of the memory, and enough for a picture.
            Histogram::new_with_bounds(1, LONGEST / 1000, 2).expect("the bounds are valid")
        });
        latencies.saturating_record((latency / 1000).max(1));
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: &Self) {
        // Histograms of the same bounds always fit.
        let _ = self.corrected.add(&other.corrected);
        let _ = self.service.add(&other.service);
        let _ = self.lag.add(&other.lag);
        for (own, other) in self.edges.iter_mut().zip(&other.edges) {
            let _ = own.add(other);
        }
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += count;
        }
        for (own, other) in self.endpoints.iter_mut().zip(&other.endpoints) {
            own.count += other.count;
            own.bad += other.bad;
            let _ = own.corrected.add(&other.corrected);
        }
        if self.slices.len() < other.slices.len() {
            self.slices.resize(other.slices.len(), Slice::default());
        }
        for (own, other) in self.slices.iter_mut().zip(&other.slices) {
            own.good += other.good;
            own.bad += other.bad;
            match (&mut own.latency, &other.latency) {
                (Some(own), Some(other)) => {
                    let _ = own.add(other);
                }
                (own @ None, other) => own.clone_from(other),
                (Some(_), None) => {}
            }
        }
        self.bytes += other.bytes;
        self.last = self.last.max(other.last);
        self.marked.merge(&other.marked);
        self.cpu += other.cpu;
    }
}

impl Marked {
    fn count(&mut self, entry: &Entry, good: bool) {
        match (entry.sent >= entry.mark, good) {
            (false, false) if entry.mark - entry.sent < RACE => self.raced += 1,
            (false, false) => {
                self.cut += 1;
                let before = (entry.mark - entry.sent) / RACE;
                if let Some(count) = self.shortly.get_mut(before as usize) {
                    *count += 1;
                }
            }
            (false, true) => self.finished += 1,
            (true, true) => {
                self.good += 1;
                let first = self.first_good.unwrap_or(u64::MAX);
                self.first_good = Some(first.min(entry.done));
            }
            (true, false) => self.bad += 1,
        }
        if !good {
            self.last_bad = self.last_bad.max(Some(entry.done));
        }
    }

    /// Cut off and raced on a machine that was up to `late` nanoseconds late with what was due: the server may
    /// have been as late with what had come.
    pub fn cut_and_raced(&self, late: u64) -> (u64, u64) {
        // What is less late than the race itself excuses nothing more.
        let excused = 1 + (late / RACE) as usize;
        let excused: u64 = self.shortly.iter().take(excused).sum();
        (self.cut - excused, self.raced + excused)
    }

    fn merge(&mut self, other: &Self) {
        self.cut += other.cut;
        self.shortly.iter_mut().zip(other.shortly).for_each(|(own, other)| *own += other);
        self.raced += other.raced;
        self.finished += other.finished;
        self.good += other.good;
        self.bad += other.bad;
        self.first_good = match (self.first_good, other.first_good) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last_bad = self.last_bad.max(other.last_bad);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A load of 1000 requests, one each millisecond, answered at the given times.
    fn load(done: impl Fn(u64) -> u64) -> Stats {
        const MS: u64 = 1_000_000;
        let mut stats = Stats::new(1, 0, 1000 * MS);
        for intended in 0..1000 {
            stats.record(&Entry {
                endpoint: 0,
                intended: intended * MS,
                sent: intended * MS,
                done: done(intended) * MS,
                outcome: Outcome::Good,
                bytes: 0,
                mark: u64::MAX,
            });
        }
        stats
    }

    #[test]
    fn a_queue_is_what_grows_and_not_what_takes_long() {
        let near = |stats: &Stats, ms: f64| {
            let found = stats.queue().as_secs_f64() * 1e3;
            assert!((found - ms).abs() < 5.0, "{found} ms, expected {ms}");
        };
        near(&load(|due| due + 2), 0.0);
        // Slow, and always as slow.
        near(&load(|due| due + 400), 0.0);
        // A server that does 800 a second: the last answer comes 250 ms after the end.
        near(&load(|due| due * 5 / 4), 250.0);
        // A pause of 40 ms at the very end holds the answers of 40 requests.
        near(&load(|due| if due < 960 { due + 2 } else { 1000 }), 0.0);
    }

    #[test]
    fn a_quiet_machine_excuses_no_more_than_the_race() {
        let mut marked = Marked { cut: 3, raced: 1, ..Marked::default() };
        // Sent 7, 12 and 80 ms before.
        marked.shortly[1] = 1;
        marked.shortly[2] = 1;
        assert_eq!(marked.cut_and_raced(0), (3, 1));
        assert_eq!(marked.cut_and_raced(RACE - 1), (3, 1));
        assert_eq!(marked.cut_and_raced(RACE), (2, 2));
        assert_eq!(marked.cut_and_raced(u64::from(u32::MAX)), (1, 3));
    }
}
