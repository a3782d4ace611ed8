//! The time from a crash to the first good answer: of a request, or of the health check of the child
//! that takes over. Asked at each answer, so it costs one look at a flag when nothing has crashed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Crashes that wait for a good answer.
pub struct Recovery {
    waits: AtomicBool,
    crashes: Mutex<Vec<(u64, Instant)>>,
    told: mpsc::UnboundedSender<Recovered>,
}

/// A good answer after a crash.
#[derive(Clone, Copy, Debug)]
pub struct Recovered {
    /// The child that had crashed.
    pub child: u64,
    /// How long it took.
    pub took: Duration,
}

impl Recovery {
    /// Recoveries go to `told`: one a crash at most.
    pub fn new(told: mpsc::UnboundedSender<Recovered>) -> Self {
        Self { waits: AtomicBool::new(false), crashes: Mutex::default(), told }
    }

    /// A child has crashed.
    pub fn crashed(&self, child: u64, at: Instant) {
        self.crashes.lock().push((child, at));
        self.waits.store(true, Ordering::Release);
    }

    /// A child that lives has answered well.
    pub fn good_answer(&self) {
        if !self.waits.load(Ordering::Acquire) {
            return;
        }
        let mut crashes = self.crashes.lock();
        self.waits.store(false, Ordering::Release);
        for (child, at) in crashes.drain(..) {
            // Nobody listens any more: the guard ends.
            let _ = self.told.send(Recovered { child, took: at.elapsed() });
        }
    }
}
