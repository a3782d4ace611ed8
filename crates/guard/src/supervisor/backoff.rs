//! When the next child is started: at once after one that was sound; after others with exponential
//! backoff and full jitter (each pause is random between nothing and the current limit, and short
//! beside the time that the child served); and when child after child dies young, not at all for a
//! while.

use std::time::Duration;

use crate::options::Lifecycle;

/// A child that served is waited for at most a fourth of that time.
const SERVED_PER_PAUSE: u32 = 4;

/// Counts deaths in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    young: u32,
}

/// What to do before the next start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Wait so long.
    Pause(Duration),
    /// Open the breaker; then one child may try.
    Break(Duration),
}

impl Backoff {
    /// A child died after serving for so long; `None` if it never came to serve.
    pub fn died(&mut self, served: Option<Duration>, options: &Lifecycle) -> Next {
        if served.is_some_and(|served| served >= options.sound_after) {
            self.young = 0;
            return Next::Pause(Duration::ZERO);
        }
        self.young += 1;
        if self.young >= options.breaker_after {
            return Next::Break(options.breaker_pause);
        }
        // The first death in a row costs nothing: most crashes are not the start of a loop.
        let Some(doublings) = self.young.checked_sub(2) else {
            return Next::Pause(Duration::ZERO);
        };
        let limit = options.backoff_base.saturating_mul(1 << doublings.min(20));
        let limit = limit.min(options.backoff_max);
        // Who comes up and serves for a while between two deaths is worth more up than waiting: the
        // pauses cost at most a fifth of the time. They are there for what dies as it starts.
        let limit = served.map_or(limit, |served| limit.min(served / SERVED_PER_PAUSE));
        Next::Pause(limit.mul_f64(fastrand::f64()))
    }

    /// It has been sound for long enough.
    pub fn sound(&mut self) {
        self.young = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_breaker_opens() {
        let options = Lifecycle {
            backoff_max: Duration::from_secs(10),
            backoff_base: Duration::from_millis(100),
            sound_after: Duration::from_secs(1),
            breaker_after: 5,
            breaker_pause: Duration::from_secs(60),
            drain: Duration::ZERO,
            kill_after: Duration::ZERO,
        };
        let mut backoff = Backoff::default();
        let zero = Next::Pause(Duration::ZERO);
        assert_eq!(backoff.died(Some(Duration::from_secs(2)), &options), zero);
        assert_eq!(backoff.died(None, &options), zero);
        for limit in [100, 200, 400] {
            let Next::Pause(pause) = backoff.died(None, &options) else { panic!("open") };
            assert!(pause <= Duration::from_millis(limit));
        }
        assert_eq!(backoff.died(None, &options), Next::Break(Duration::from_secs(60)));
        assert_eq!(backoff.died(None, &options), Next::Break(Duration::from_secs(60)), "half open");
        assert_eq!(backoff.died(Some(Duration::from_secs(1)), &options), zero);
    }
    #[test]
    fn a_child_that_served_for_a_while_is_back_soon() {
        let options = Lifecycle {
            backoff_max: Duration::from_secs(10),
            backoff_base: Duration::from_secs(5),
            sound_after: Duration::from_secs(1),
            breaker_after: 100,
            breaker_pause: Duration::from_secs(60),
            drain: Duration::ZERO,
            kill_after: Duration::ZERO,
        };
        let mut backoff = Backoff::default();
        for _ in 0..50 {
            let next = backoff.died(Some(Duration::from_millis(400)), &options);
            let Next::Pause(pause) = next else { panic!("open") };
            assert!(pause <= Duration::from_millis(100), "{pause:?}");
        }
    }
}
