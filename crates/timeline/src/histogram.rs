//! Durations counted in buckets that grow by an eighth: quantiles of any number of values in a few
//! kilobytes, wrong by at most 12.5%.

/// Buckets of each power of two.
const STEPS: u32 = 8;

/// Counts of durations.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    total: i128,
    max: i64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; 64 * STEPS as usize], count: 0, total: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts a duration in nanoseconds.
    pub fn add(&mut self, nanoseconds: i64) {
        let value = nanoseconds.max(0);
        self.buckets[bucket(value as u64)] += 1;
        self.count += 1;
        self.total += i128::from(value);
        self.max = self.max.max(value);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn max(&self) -> i64 {
        self.max
    }

    /// All together.
    pub fn total(&self) -> i128 {
        self.total
    }

    /// The value that a share of all does not exceed: the upper end of its bucket.
    pub fn quantile(&self, share: f64) -> i64 {
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (i, &count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(i).min(self.max);
            }
        }
        self.max
    }

    /// How many lie below each power of ten from 1 µs to 10 s, and above: for a small picture.
    pub fn decades(&self) -> Vec<(i64, u64)> {
        let mut decades = vec![(1_000, 0)];
        while decades.len() < 8 {
            let last = decades[decades.len() - 1].0;
            decades.push((last * 10, 0));
        }
        decades.push((i64::MAX, 0));
        for (i, &count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            let end = upper(i);
            let at = decades.iter().position(|&(limit, _)| end <= limit).unwrap_or(8);
            decades[at].1 += count;
        }
        decades
    }
}

fn bucket(value: u64) -> usize {
    if value < u64::from(STEPS) {
        return value as usize;
    }
    let power = value.ilog2();
    let step = (value >> (power - 3)) & u64::from(STEPS - 1);
    ((power - 2) * STEPS) as usize + step as usize
}

fn upper(bucket: usize) -> i64 {
    let (power, step) = (bucket as u32 / STEPS, bucket as u32 % STEPS);
    if power == 0 {
        return i64::from(step);
    }
    let value = (u128::from(STEPS + step + 1) << (power - 1)) - 1;
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_they_say() {
        let mut last = 0;
        for value in (0..5000).chain([1 << 20, (1 << 40) + 12345, i64::MAX as u64]) {
            let at = bucket(value);
            assert!(at >= last && upper(at) as u64 >= value, "{value}");
            assert!(upper(at) as f64 <= value as f64 * 1.125 + 1.0, "{value} {}", upper(at));
            last = at;
        }
    }

    #[test]
    fn quantiles_are_near() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|ms| histogram.add(ms * 1_000_000));
        let near = |share, ms: f64| {
            let got = histogram.quantile(share) as f64 / 1e6;
            assert!(got >= ms && got <= ms * 1.13, "{share}: {got}");
        };
        near(0.5, 500.0);
        near(0.99, 990.0);
        assert_eq!((histogram.quantile(1.0), histogram.count()), (1_000_000_000, 1000));
        assert_eq!(histogram.decades().iter().map(|d| d.1).sum::<u64>(), 1000);
    }
}
