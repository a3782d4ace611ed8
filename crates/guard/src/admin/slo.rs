//! A service level objective: how many requests may fail, how many of those are used up, and how fast
//! they are being used up (Google, The Site Reliability Workbook, chapter 5: burn rates). Counted in
//! memory, since guard started.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

/// Requests are counted in slots of this length for an hour, and of [`COARSE`] for the whole period.
const FINE: Duration = Duration::from_secs(10);
const COARSE: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);

/// Counts requests against an objective. Both slots of now are written, so that a report reads a few
/// numbers only.
pub struct SloCounter {
    objective: f64,
    period: Duration,
    fine: Slots,
    coarse: Slots,
}

/// How an objective stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SloReport {
    /// Which part of all requests has to be good: 0.999.
    pub objective: f64,
    /// The period that it holds for, in seconds; shorter while guard has not run so long.
    pub period_seconds: u64,
    /// Requests in the period.
    pub total: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// Which part of all requests was good; 1 without requests.
    pub ratio: f64,
    /// Which part of the bad ones that are allowed is left; below 0 when the objective is missed.
    pub budget_left: f64,
    /// How many times faster than allowed bad ones come, over several windows. At 1 the budget lasts
    /// the period exactly.
    pub burn: Vec<Burn>,
}

/// The burn rate over a window.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Burn {
    /// The window's length in seconds.
    pub seconds: u64,
    /// The rate.
    pub rate: f64,
    /// From which on somebody should be woken (14.4 over an hour uses 2% of a 30-day budget).
    pub alarming: f64,
}

struct Slots {
    length: Duration,
    keep: usize,
    /// Oldest first: the slot's number since the start, all requests, bad ones.
    slots: VecDeque<(u64, u64, u64)>,
}

impl SloCounter {
    /// An objective (0.999: one of a thousand may fail) over a period.
    pub fn new(objective: f64, period: Duration) -> Self {
        Self {
            objective: objective.clamp(0.0, 1.0),
            period: period.max(HOUR),
            fine: Slots::new(FINE, HOUR),
            coarse: Slots::new(COARSE, period.max(HOUR)),
        }
    }

    /// Counts a request; `since` is the time since the counter was made.
    pub fn count(&mut self, since: Duration, good: bool) {
        self.add(since, u64::from(good), u64::from(!good));
    }

    /// Counts so many good and so many bad ones.
    pub fn add(&mut self, since: Duration, good: u64, bad: u64) {
        self.fine.add(since, good, bad);
        self.coarse.add(since, good, bad);
    }

    /// How it stands.
    pub fn report(&self, since: Duration) -> SloReport {
        let (total, bad) = self.coarse.sum(since, self.period);
        let allowed = 1.0 - self.objective;
        let share = |bad: u64, total: u64| if total == 0 { 0.0 } else { bad as f64 / total as f64 };
        // With an objective of 100% a single bad one is beyond all measure.
        let rate = |share: f64| match share {
            0.0 => 0.0,
            share => share / allowed.max(f64::EPSILON),
        };
        let window = |length: Duration, alarming: f64| {
            let slots = if length <= HOUR { &self.fine } else { &self.coarse };
            let (total, bad) = slots.sum(since, length);
            Burn { seconds: length.as_secs(), rate: rate(share(bad, total)), alarming }
        };
        let spent = rate(share(bad, total));
        SloReport {
            objective: self.objective,
            period_seconds: self.period.min(since.max(Duration::from_secs(1))).as_secs(),
            total,
            bad,
            ratio: 1.0 - share(bad, total),
            budget_left: 1.0 - spent,
            burn: vec![
                window(Duration::from_mins(5), 14.4),
                window(HOUR, 14.4),
                window(Duration::from_hours(6), 6.0),
            ],
        }
    }
}

impl Slots {
    fn new(length: Duration, window: Duration) -> Self {
        let keep = window.as_secs().div_ceil(length.as_secs()) as usize + 1;
        Self { length, keep, slots: VecDeque::new() }
    }

    fn number(&self, since: Duration) -> u64 {
        since.as_secs() / self.length.as_secs()
    }

    fn add(&mut self, since: Duration, good: u64, wrong: u64) {
        let now = self.number(since);
        // Threads come here in any order: a slot just passed counts for the newest.
        if self.slots.back().is_none_or(|(number, ..)| *number < now) {
            self.slots.push_back((now, 0, 0));
            if self.slots.len() > self.keep {
                self.slots.pop_front();
            }
        }
        if let Some((_, total, bad)) = self.slots.back_mut() {
            *total += good + wrong;
            *bad += wrong;
        }
    }

    fn sum(&self, since: Duration, window: Duration) -> (u64, u64) {
        let slots = window.as_secs().div_ceil(self.length.as_secs());
        let first = (self.number(since) + 1).saturating_sub(slots);
        let inside = self.slots.iter().rev().take_while(|(number, ..)| *number >= first);
        inside.fold((0, 0), |(all, wrong), (_, total, bad)| (all + total, wrong + bad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_and_burn() {
        let mut slo = SloCounter::new(0.99, Duration::from_hours(24 * 30));
        let start = Duration::from_hours(2);
        for n in 0..1000 {
            slo.count(start, n % 200 != 0);
        }
        let report = slo.report(start);
        assert_eq!((report.total, report.bad), (1000, 5));
        assert!((report.budget_left - 0.5).abs() < 1e-9, "{report:?}");
        assert!((report.burn[0].rate - 0.5).abs() < 1e-9, "{report:?}");
        // Six minutes later the short window has forgotten it, the hour has not.
        let later = slo.report(start + Duration::from_mins(6));
        assert!(later.burn[0].rate.abs() < 1e-9 && later.burn[1].rate > 0.4, "{later:?}");
        // And a day later only the period remembers.
        let later = slo.report(start + Duration::from_hours(24));
        assert!(later.burn[2].rate.abs() < 1e-9 && later.bad == 5, "{later:?}");
    }

    #[test]
    fn no_requests_are_no_failure() {
        let report = SloCounter::new(1.0, HOUR).report(Duration::ZERO);
        assert!(report.burn.iter().all(|burn| burn.rate.abs() < 1e-9), "{report:?}");
        assert!((report.budget_left - 1.0).abs() < 1e-9);
    }
}
