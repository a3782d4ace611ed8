//! Who sends what is due: the queue between a thread's schedule and its connections. What waits is not
//! stored, it is the stretch of the schedule that nobody has taken yet, so any backlog takes no memory.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::clock::Timer;
use super::schedule::Arrivals;
use super::stats::Stats;

/// Requests that fall due within so short a time are sent together: it bounds how often a thread wakes.
const GAP: Duration = Duration::from_micros(500);
/// What was due before the end may be sent so long after it: a machine that is late at the last moment is no
/// failure of the candidate. In nanoseconds.
const GRACE: u64 = 500_000_000;

/// What all threads of a load share.
pub struct Shared {
    /// When it began; times are nanoseconds since then.
    pub start: Instant,
    /// Nanoseconds of warm-up.
    pub warm: u64,
    /// Nanoseconds after which nothing more is sent.
    pub end: u64,
    /// Set to end it sooner.
    pub stopped: AtomicBool,
    /// Told when `stopped` is set.
    pub stop: Notify,
    /// A point in time that results are told apart by; `u64::MAX` while there is none.
    pub mark: AtomicU64,
    /// Answers so far, for whoever watches.
    pub good: AtomicU64,
    /// Failures so far.
    pub bad: AtomicU64,
    /// Requests without an answer yet.
    pub in_flight: AtomicU64,
}

impl Shared {
    /// Nanoseconds since the start.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn is_over(&self, now: u64, end: u64) -> bool {
        now >= end || self.stopped.load(Ordering::Relaxed)
    }
}

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it should be sent, in nanoseconds since the start.
    pub intended: u64,
    /// Its number.
    pub number: u64,
}

/// One thread's queue.
pub struct Queue {
    shared: Arc<Shared>,
    inner: Mutex<Inner>,
    /// An arrival that has waited so long for a connection is dropped, and counted.
    patience: u64,
    /// Nanoseconds after which nothing is sent any more.
    over: u64,
}

struct Inner {
    /// None in the closed model: whoever is free sends at once.
    open: Option<Open>,
    /// Of what nobody has taken, the number.
    number: u64,
    step: u64,
    /// Who waits, by number, the longest first.
    idle: VecDeque<usize>,
    wakers: Vec<Option<Waker>>,
}

impl Inner {
    /// A connection waits. It may have been woken by something else and be on the list already.
    fn wait(&mut self, worker: usize, waker: &Waker) {
        if self.wakers.len() <= worker {
            self.wakers.resize(worker + 1, None);
        }
        match &mut self.wakers[worker] {
            Some(known) => known.clone_from(waker),
            none => {
                *none = Some(waker.clone());
                self.idle.push_back(worker);
            }
        }
    }

    /// A connection that took something without being woken must not be woken for the next.
    fn busy(&mut self, worker: usize) {
        if self.wakers.get_mut(worker).and_then(Option::take).is_some()
            && let Some(at) = self.idle.iter().position(|id| *id == worker)
        {
            self.idle.remove(at);
        }
    }
}

struct Open {
    arrivals: Arrivals,
    next: Option<u64>,
}

impl Queue {
    /// The queue of thread `first` of `step`.
    pub fn new(
        shared: Arc<Shared>,
        arrivals: Option<Arrivals>,
        (first, step): (u64, u64),
        patience: Duration,
    ) -> Self {
        let open = arrivals.map(|mut arrivals| {
            let next = arrivals.next();
            Open { arrivals, next }
        });
        let inner = Inner { open, number: first, step, idle: VecDeque::new(), wakers: Vec::new() };
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let over = if inner.open.is_some() { shared.end.saturating_add(GRACE) } else { shared.end };
        Self { shared, inner: Mutex::new(inner), patience, over }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request to send, when it is due; none when there are no more.
    pub async fn next(&self, worker: usize, stats: &Mutex<Stats>) -> Option<Arrival> {
        poll_fn(|cx| {
            let now = self.shared.now();
            if self.shared.is_over(now, self.over) {
                return Poll::Ready(None);
            }
            let mut inner = self.lock();
            loop {
                let number = inner.number;
                let step = inner.step;
                let Some(open) = &mut inner.open else {
                    inner.number += step;
                    return Poll::Ready(Some(Arrival { intended: now, number }));
                };
                match open.next {
                    None => return Poll::Ready(None),
                    Some(intended) if intended > now => {
                        inner.wait(worker, cx.waker());
                        return Poll::Pending;
                    }
                    Some(intended) => {
                        open.next = open.arrivals.next();
                        inner.number += step;
                        // What the warm-up could not send counts as nothing; it would only delay what counts.
                        if intended < self.shared.warm && now >= self.shared.warm {
                            continue;
                        }
                        if now - intended <= self.patience {
                            inner.busy(worker);
                            return Poll::Ready(Some(Arrival { intended, number }));
                        }
                        super::stats::lock(stats).dropped(intended, now);
                    }
                }
            }
        })
        .await
    }

    /// Wakes connections when requests fall due, until the schedule or the run is over. Reports how late
    /// this thread itself was: that is the generator's fault, not the server's.
    pub async fn dispatch(&self, arrivals: Option<Arrivals>, stats: &Mutex<Stats>) {
        let timer = Timer::new();
        let end = self.shared.start + Duration::from_nanos(self.shared.end);
        if let Some(mut arrivals) = arrivals {
            let mut next = arrivals.next();
            let mut earliest = self.shared.start;
            while let Some(due) = next {
                let due_at = self.shared.start + Duration::from_nanos(due);
                let at = due_at.max(earliest);
                if !self.sleep(&timer, at).await {
                    break;
                }
                let now = Instant::now();
                super::stats::lock(stats).lag(due, now.saturating_duration_since(at));
                let now_ns = self.shared.now();
                if self.shared.is_over(now_ns, self.over) {
                    break;
                }
                let mut count = 0;
                while next.is_some_and(|due| due <= now_ns) {
                    count += 1;
                    next = arrivals.next();
                }
                self.wake(count);
                earliest = now + GAP;
            }
        }
        self.sleep(&timer, end).await;
        self.wake(usize::MAX);
    }

    /// False when the load was stopped meanwhile.
    async fn sleep(&self, timer: &Timer, until: Instant) -> bool {
        let mut stop = pin!(self.shared.stop.notified());
        // Listening first: a stop between the look and the sleep would be missed.
        stop.as_mut().enable();
        if self.shared.stopped.load(Ordering::SeqCst) {
            return false;
        }
        tokio::select! {
            biased;
            () = timer.sleep_until(until) => true,
            () = stop => false,
        }
    }

    /// In turn, so that every connection is used: a Go server's graceful end waits for those that never were.
    fn wake(&self, count: usize) {
        let mut inner = self.lock();
        for _ in 0..count {
            let Some(worker) = inner.idle.pop_front() else { break };
            if let Some(waker) = inner.wakers[worker].take() {
                waker.wake();
            }
        }
    }

    /// Counts what was due and never sent, when the run has ended. What fell due right before a run was stopped,
    /// no longer ago than this thread was late at its worst, was not kept by anybody.
    pub fn leftover(&self, stats: &Mutex<Stats>) {
        let now = self.shared.now().min(self.over);
        let mut inner = self.lock();
        let Some(open) = &mut inner.open else { return };
        let mut stats = super::stats::lock(stats);
        let due = now.saturating_sub(stats.lag.max()).min(self.shared.end);
        while let Some(intended) = open.next.filter(|intended| *intended < due) {
            stats.dropped(intended, now);
            open.next = open.arrivals.next();
        }
    }
}
