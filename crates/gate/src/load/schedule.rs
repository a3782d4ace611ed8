//! When each request is due: an open model's schedule, computed, never stored. Arrivals do not wait for
//! answers, so a slow server meets the same load as a fast one.

use std::str::FromStr;
use std::time::Duration;

/// More requests a second are not asked of one machine.
pub const MAX_RATE: f64 = 10_000_000.0;

/// A stretch of time over which the rate goes evenly from one value to another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stage {
    /// Requests a second at its start.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
    /// How long it lasts.
    pub length: Duration,
}

impl Stage {
    /// A constant rate.
    pub fn constant(rate: f64, length: Duration) -> Self {
        Self { from: rate, to: rate, length }
    }

    fn seconds(&self) -> f64 {
        self.length.as_secs_f64()
    }

    /// How many arrivals it has, as a real number.
    fn count(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.seconds()
    }

    /// Seconds from its start to arrival number `n`: the inverse of the integral of the rate.
    fn time_of(&self, n: f64) -> f64 {
        let slope = (self.to - self.from) / self.seconds();
        let root = (self.from * self.from + 2.0 * slope * n).max(0.0).sqrt();
        let sum = self.from + root;
        if sum > 0.0 { 2.0 * n / sum } else { 0.0 }
    }
}

/// `10s:200` is a constant rate, `10s:200..400` a ramp.
impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is no stage: expected TIME:RATE or TIME:RATE..RATE, such as 10s:200 or 10s:200..400",
                diag::clean_line(text)
            )
        };
        let (length, rates) = text.split_once(':').ok_or_else(wrong)?;
        let length = crate::units::parse_duration(length)?;
        let rate = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
        let (from, to) = match rates.split_once("..") {
            Some((from, to)) => (rate(from)?, rate(to)?),
            None => (rate(rates)?, rate(rates)?),
        };
        Ok(Self { from, to, length })
    }
}

/// The stages of a run, one after another.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    stages: Vec<Stage>,
}

impl Profile {
    /// Checks that there is something to do and that the figures make sense.
    pub fn new(stages: Vec<Stage>) -> Result<Self, String> {
        if stages.is_empty() {
            return Err("a load needs at least one stage".to_owned());
        }
        for stage in &stages {
            let good = |rate: f64| (0.0..=MAX_RATE).contains(&rate);
            if !good(stage.from) || !good(stage.to) {
                return Err(format!(
                    "a rate lies between 0 and {MAX_RATE} requests a second, found {} and {}",
                    stage.from, stage.to
                ));
            }
            if stage.length.is_zero() || stage.length > Duration::from_hours(24 * 7) {
                return Err("a stage lasts longer than nothing and at most a week".to_owned());
            }
        }
        Ok(Self { stages })
    }

    /// All of it.
    pub fn length(&self) -> Duration {
        self.stages.iter().map(|stage| stage.length).sum()
    }

    /// The stages.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Requests a second, on the average.
    pub fn mean_rate(&self) -> f64 {
        self.stages.iter().map(Stage::count).sum::<f64>() / self.length().as_secs_f64()
    }

    /// The highest rate.
    pub fn peak_rate(&self) -> f64 {
        self.stages.iter().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max)
    }

    /// The same with `length` at the first stage's rate before it.
    #[must_use]
    pub fn warmed(&self, length: Duration) -> Self {
        let mut stages = self.stages.clone();
        if !length.is_zero() {
            stages.insert(0, Stage::constant(self.stages[0].from, length));
        }
        Self { stages }
    }

    /// The arrivals `first`, `first + step`, … in nanoseconds since the start.
    pub fn arrivals(&self, first: u64, step: u64) -> Arrivals {
        Arrivals { profile: self.clone(), next: first, step, stage: 0, before: 0.0, started: 0.0 }
    }
}

/// The times of arrivals, in order. The iterator of [`Profile::arrivals`].
#[derive(Clone, Debug)]
pub struct Arrivals {
    profile: Profile,
    next: u64,
    step: u64,
    stage: usize,
    /// Arrivals of the stages before this one.
    before: f64,
    /// Seconds at which this one started.
    started: f64,
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let stage = self.profile.stages.get(self.stage)?;
            let n = self.next as f64 - self.before;
            // The end of a stage belongs to the next one; sums of fractions may miss it by a little.
            if n < stage.count() - 1e-9 {
                self.next += self.step;
                return Some(((self.started + stage.time_of(n.max(0.0))) * 1e9) as u64);
            }
            self.before += stage.count();
            self.started += stage.seconds();
            self.stage += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(text: &[&str]) -> Profile {
        Profile::new(text.iter().map(|t| t.parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn a_constant_rate_is_evenly_spaced() {
        let times: Vec<u64> = profile(&["2s:100"]).arrivals(0, 1).collect();
        assert_eq!(times.len(), 200);
        assert_eq!(times[0], 0);
        assert!(times.windows(2).all(|w| (w[1] - w[0]).abs_diff(10_000_000) <= 1));
    }

    #[test]
    fn a_ramp_has_the_area_under_it_and_grows_denser() {
        let times: Vec<u64> = profile(&["10s:0..100"]).arrivals(0, 1).collect();
        assert_eq!(times.len(), 500);
        // Half of the time has a quarter of the requests.
        let half = times.iter().filter(|t| **t < 5_000_000_000).count();
        assert!((124..=126).contains(&half), "{half}");
    }

    #[test]
    fn shares_of_several_threads_are_the_whole() {
        let profile = profile(&["1s:10..1000", "500ms:333", "1s:700..20"]);
        let mut parts: Vec<u64> = (0..3).flat_map(|k| profile.arrivals(k, 3)).collect();
        parts.sort_unstable();
        let whole: Vec<u64> = profile.arrivals(0, 1).collect();
        assert_eq!(parts, whole);
        assert!(whole.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!(whole.len(), (profile.mean_rate() * 2.5).ceil() as usize);
    }

    #[test]
    fn nonsense_is_refused_with_what_is_expected() {
        for text in ["", "10s", "10s:", "10s:a", "x:5", "10s:1..", "10:"] {
            assert!(text.parse::<Stage>().is_err(), "{text}");
        }
        assert!(Profile::new(vec![Stage::constant(-1.0, Duration::from_secs(1))]).is_err());
        assert!(Profile::new(vec![Stage::constant(f64::NAN, Duration::from_secs(1))]).is_err());
        assert!(Profile::new(vec![Stage::constant(1.0, Duration::ZERO)]).is_err());
        assert!(Profile::new(Vec::new()).is_err());
    }
}
