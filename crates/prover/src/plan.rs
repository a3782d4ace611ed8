//! How long and how often goroutines are held.

use std::time::Duration;

/// The numbers of a run; `runtime/table.go` reads them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// How long a goroutine is held the first time.
    pub delay: Duration,
    /// How much longer for each time before.
    pub grow: Duration,
    /// At most.
    pub longest: Duration,
    /// Delay that each process may have whatever its run time.
    pub free: Duration,
    /// As thousandths of its run time without delays, where that is more.
    pub permille: u64,
    /// Two accesses closer than this are a near miss; zero: goroutines are held at the sites of
    /// findings only.
    pub near: Duration,
    /// Whether it is for findings: near misses count in which one of their sites has part.
    pub steers: bool,
}

/// What near is.
const NEAR: Duration = Duration::from_millis(100);

impl Plan {
    /// For the accesses of findings: hold from the start, and long.
    pub fn steering(permille: u64) -> Self {
        Self {
            delay: Duration::from_millis(60),
            grow: Duration::from_millis(20),
            longest: Duration::from_millis(400),
            free: Duration::from_secs(2),
            permille,
            near: Duration::ZERO,
            steers: true,
        }
    }

    /// For all map operations: hold where a near miss was seen.
    pub fn learning(permille: u64) -> Self {
        Self {
            delay: Duration::from_millis(20),
            grow: Duration::from_millis(10),
            longest: Duration::from_millis(100),
            free: Duration::from_millis(100),
            permille,
            near: NEAR,
            steers: false,
        }
    }

    /// The same for a test suite, which is to take about as long as it always does: most processes of
    /// a suite live shorter than a second, and two free seconds would be most of their time. Its tests come
    /// to a finding's map from elsewhere than the finding says, so that those are learnt as well.
    #[must_use]
    pub fn for_suite(self) -> Self {
        Self {
            delay: self.delay.min(Duration::from_millis(20)),
            free: self.free.min(Duration::from_millis(200)),
            near: if self.steers { NEAR } else { self.near },
            ..self
        }
    }

    /// Holds nobody: counts only.
    pub fn counting() -> Self {
        Self {
            delay: Duration::ZERO,
            grow: Duration::ZERO,
            longest: Duration::ZERO,
            free: Duration::ZERO,
            permille: 0,
            near: Duration::ZERO,
            steers: false,
        }
    }
}
