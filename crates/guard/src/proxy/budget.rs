//! How many requests may be sent a second time: a share of all, and a few a second besides, so that
//! a child that keeps dying does not double its own load.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

/// Seconds for which unused allowance is kept.
const KEPT: f64 = 10.0;

/// A token bucket that fills with requests and with time.
#[derive(Debug)]
pub(crate) struct Budget {
    share: f64,
    rate: f64,
    /// Requests that `state` has not been told of.
    came: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// From requests.
    earned: f64,
    /// Requests lately, fading: an estimate of those in the last [`KEPT`] seconds.
    lately: f64,
    /// From time.
    granted: f64,
    at: Instant,
}

impl Budget {
    /// `percent` of requests and `rate` a second.
    pub fn new(percent: u32, rate: u32) -> Self {
        let (share, rate) = (f64::from(percent) / 100.0, f64::from(rate));
        let state = State { earned: 0.0, lately: 0.0, granted: rate * KEPT, at: Instant::now() };
        Self { share, rate, came: AtomicU64::new(0), state: Mutex::new(state) }
    }

    /// A request came.
    pub fn earn(&self) {
        self.came.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether one may be sent again; counts it.
    pub fn spend(&self) -> bool {
        let mut state = self.state.lock();
        let came = self.came.swap(0, Ordering::Relaxed) as f64;
        state.lately += came;
        state.earned += came * self.share;
        let now = Instant::now();
        let passed = now.duration_since(state.at).as_secs_f64();
        state.at = now;
        state.lately *= (-passed / KEPT).exp();
        state.granted = (state.granted + self.rate * passed).min(self.rate * KEPT);
        state.earned = state.earned.min(self.share * state.lately);
        if state.earned >= 1.0 {
            state.earned -= 1.0;
            return true;
        }
        if state.granted >= 1.0 {
            state.granted -= 1.0;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_requests_and_a_reserve() {
        let budget = Budget::new(20, 0);
        assert!(!budget.spend());
        for _ in 0..100 {
            budget.earn();
        }
        let spent = (0..100).filter(|_| budget.spend()).count();
        assert!((18..=20).contains(&spent), "{spent}");
        let reserve = Budget::new(0, 10);
        let spent = (0..1000).filter(|_| reserve.spend()).count();
        assert!((100..200).contains(&spent), "{spent}");
    }
}
