//! Health and readiness as an orchestrator sees them: asked again and again, each answer with its time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fetch::Place;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(20);
/// A good answer that takes longer counts as an outage that it ends.
const SLOW: Duration = Duration::from_millis(100);
/// A question that is not answered for so long is given up.
const LIMIT: Duration = Duration::from_secs(5);

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// When it was asked.
    pub asked: Instant,
    /// When the answer was there.
    pub done: Instant,
    /// Whether the answer was 2xx.
    pub good: bool,
}

/// Questions that are asked until this is dropped.
pub struct Prober {
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    probes: Vec<Probe>,
    /// How much longer than asked a pause was, at most: our own lateness.
    late: Duration,
}

impl Prober {
    /// Begins.
    pub fn start(place: Place) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let own = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let asked = Instant::now();
                let answer = place.ask(LIMIT).await;
                let good = answer.is_ok_and(|answer| (200..300).contains(&answer.status));
                let done = Instant::now();
                lock(&own).probes.push(Probe { asked, done, good });
                tokio::time::sleep(PAUSE).await;
                let late = done.elapsed().saturating_sub(PAUSE);
                let mut seen = lock(&own);
                seen.late = seen.late.max(late);
            }
        });
        Self { seen, task }
    }

    /// All answers so far.
    pub fn probes(&self) -> Vec<Probe> {
        lock(&self.seen).probes.clone()
    }

    /// How late the prober itself was, at most.
    pub fn late(&self) -> Duration {
        lock(&self.seen).late
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the answers after `since` say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outage {
    /// Whether there was any.
    pub seen: bool,
    /// From `since` to the first good answer after the last bad or slow one. None: not yet.
    pub recovered: Option<Duration>,
    /// Time that good answers have come without a break.
    pub steady: Duration,
}

/// When health was back for good. `down`: at `since` it was known to be down, so the first good answer is
/// its return even if no bad one was seen.
pub fn outage(probes: &[Probe], since: Instant, down: bool) -> Outage {
    let mut seen = down;
    let mut back = None;
    for probe in probes.iter().filter(|probe| probe.done >= since) {
        let took = probe.done.saturating_duration_since(probe.asked);
        if !probe.good {
            seen = true;
            back = None;
        } else if took > SLOW {
            seen = true;
            back = Some(probe.done);
        } else if back.is_none() {
            back = Some(probe.done);
        }
    }
    let recovered =
        back.map(|back| if seen { back.saturating_duration_since(since) } else { Duration::ZERO });
    let last = probes.last().map(|probe| probe.done);
    let steady = match (back, last) {
        (Some(back), Some(last)) => last.saturating_duration_since(back),
        _ => Duration::ZERO,
    };
    Outage { seen, recovered, steady }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(start: Instant, list: &[(u64, u64, bool)]) -> Vec<Probe> {
        let at = |ms| start + Duration::from_millis(ms);
        list.iter().map(|(a, d, good)| Probe { asked: at(*a), done: at(*d), good: *good }).collect()
    }

    #[test]
    fn recovery_is_the_first_good_answer_after_the_last_bad_one() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let list = probes(
            start,
            &[
                (0, 1, true),
                (20, 21, false),
                (40, 41, true),
                (60, 61, false),
                (80, 82, true),
                (300, 301, true),
            ],
        );
        let outage_ = outage(&list, start, false);
        assert_eq!(outage_, Outage { seen: true, recovered: Some(ms(82)), steady: ms(219) });
        // Never down.
        let calm = outage(&probes(start, &[(0, 1, true), (20, 21, true)]), start, false);
        assert_eq!(calm.recovered, Some(Duration::ZERO));
        // A question that hangs is an outage until it is answered.
        let hung = outage(
            &probes(start, &[(0, 1, true), (20, 720, true), (740, 741, true)]),
            start,
            false,
        );
        assert_eq!((hung.seen, hung.recovered), (true, Some(ms(720))));
        let ended = outage(&probes(start, &[(20, 21, true), (40, 41, true)]), start, true);
        assert_eq!(ended.recovered, Some(ms(21)));
        // Still down, and nothing heard.
        assert_eq!(
            outage(&probes(start, &[(0, 1, true), (20, 21, false)]), start, false).recovered,
            None
        );
        assert_eq!(outage(&[], start, false).recovered, None);
    }
}
