//! Sleeping until a point in time, exact to some ten microseconds. Tokio's timer counts milliseconds,
//! which would be part of every latency that is counted from the intended time.

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
mod fine {
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    pub struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub fn new() -> Option<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
            #[expect(
                deprecated,
                reason = "its safe successor is not there yet; the descriptor is owned and stays open"
            )]
            let timer = AsyncFd::new(timer);
            timer.ok().map(Self)
        }

        pub async fn sleep(&self, length: Duration) -> bool {
            // All zero would switch the timer off.
            let length = length.max(Duration::from_nanos(1));
            let value = Timespec {
                tv_sec: length.as_secs().cast_signed(),
                tv_nsec: i64::from(length.subsec_nanos()),
            };
            let none = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Itimerspec { it_interval: none, it_value: value };
            if timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &value).is_err() {
                return false;
            }
            match self.0.readable().await {
                // Setting the timer anew takes back what was not read.
                Ok(mut ready) => {
                    ready.clear_ready();
                    true
                }
                Err(_) => false,
            }
        }
    }
}

/// A timer of one thread's runtime.
pub struct Timer {
    #[cfg(target_os = "linux")]
    fine: Option<fine::Timer>,
}

impl Timer {
    /// A timer; must be called within a runtime.
    pub fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            fine: fine::Timer::new(),
        }
    }

    /// Sleeps until `at`, possibly a little longer.
    pub async fn sleep_until(&self, at: Instant) {
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.sleep(left).await;
        }
    }

    async fn sleep(&self, length: Duration) {
        #[cfg(target_os = "linux")]
        if let Some(fine) = &self.fine
            && fine.sleep(length).await
        {
            return;
        }
        tokio::time::sleep(length).await;
    }
}

/// Processor time of the calling thread; zero where the system does not say.
pub fn thread_cpu() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}
