//! Intervals: of a share and of a median. Separate, since what the lab says rests on them and they are
//! checked against published values.

/// How sure the intervals are: 99%. An experiment is looked at several times while it runs, which makes
/// a wrong verdict likelier than one look would; hence not 95%.
pub const LEVEL: f64 = 0.99;
/// The quantile of the normal distribution that belongs to [`LEVEL`].
pub const Z: f64 = 2.575_829_303_548_901;
/// More samples of a median than this are thinned out: `0.5^n` must stay a number.
const MAX_SAMPLES: usize = 1000;

/// The interval of a share of which `hits` of `runs` were seen (E. B. Wilson, 1927), for the quantile
/// `z`. Without runs it is everything.
pub fn wilson(hits: u32, runs: u32, z: f64) -> (f64, f64) {
    if runs == 0 {
        return (0.0, 1.0);
    }
    let n = f64::from(runs);
    let share = f64::from(hits) / n;
    let z2 = z * z;
    let middle = share + z2 / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let all = 1.0 + z2 / n;
    // At the ends the formula gives 0 and 1 but for rounding.
    let low = if hits == 0 { 0.0 } else { (middle - half) / all };
    let high = if hits == runs { 1.0 } else { (middle + half) / all };
    (low, high)
}

/// A median and its interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Median {
    /// The lower end.
    pub low: f64,
    /// The median.
    pub value: f64,
    /// The upper end.
    pub high: f64,
    /// How far the middle half of the samples is spread, by the median.
    pub spread: f64,
}

/// The median with the interval between two order statistics that holds it at least as surely as
/// `level`, whatever the distribution (David and Nagaraja, Order Statistics, section 7.1). `None` with
/// too few samples for any interval: fewer than eight at 99%.
pub fn median(samples: &[f64], level: f64) -> Option<Median> {
    let mut sorted: Vec<f64> = samples.iter().copied().filter(|s| s.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.len() > MAX_SAMPLES {
        let step = sorted.len() as f64 / MAX_SAMPLES as f64;
        sorted = (0..MAX_SAMPLES).map(|i| sorted[(i as f64 * step) as usize]).collect();
    }
    let rank = rank(sorted.len(), level)?;
    let value = middle(&sorted);
    let spread = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
    Some(Median {
        low: sorted[rank - 1],
        value,
        high: sorted[sorted.len() - rank],
        spread: if value == 0.0 { 0.0 } else { (spread / value).abs() },
    })
}

/// The largest rank (from 1) for which the median lies between it and its mirror with that confidence.
fn rank(n: usize, level: f64) -> Option<usize> {
    let tail = (1.0 - level) / 2.0;
    // The chance that fewer than `rank` of n samples lie below the median.
    let mut term = 0.5_f64.powi(i32::try_from(n).ok()?);
    let (mut below, mut rank) = (0.0, 0);
    while rank < n / 2 + 1 {
        below += term;
        if below > tail {
            break;
        }
        rank += 1;
        term *= (n + 1 - rank) as f64 / rank as f64;
    }
    (rank > 0).then_some(rank)
}

/// The middle of sorted samples, which are not empty.
fn middle(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n % 2 == 1 { sorted[n / 2] } else { f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]) }
}

/// The nearest-rank quantile of sorted samples, which are not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    const Z95: f64 = 1.959_963_984_540_054;

    fn close(got: (f64, f64), want: (f64, f64)) {
        let near = |a: f64, b: f64| (a - b).abs() < 0.0001;
        assert!(near(got.0, want.0) && near(got.1, want.1), "{got:?}, not {want:?}");
    }

    #[test]
    fn wilson_as_published() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        close(wilson(81, 263, Z95), (0.2553, 0.3662));
        close(wilson(15, 148, Z95), (0.0624, 0.1605));
        close(wilson(0, 20, Z95), (0.0, 0.1611));
        close(wilson(1, 29, Z95), (0.0061, 0.1718));
        close(wilson(20, 20, Z95), (0.8389, 1.0));
        close(wilson(0, 0, Z95), (0.0, 1.0));
    }

    #[test]
    fn ranks_as_in_the_tables_of_the_sign_test() {
        // 95%: n = 10 gives the 2nd and 9th, 20 the 6th and 15th, 30 the 10th and 21st.
        assert_eq!(rank(10, 0.95), Some(2));
        assert_eq!(rank(20, 0.95), Some(6));
        assert_eq!(rank(30, 0.95), Some(10));
        // 99%: 20 gives the 4th and 17th; below eight there is none.
        assert_eq!(rank(20, 0.99), Some(4));
        assert_eq!(rank(8, 0.99), Some(1));
        assert_eq!(rank(7, 0.99), None);
        assert_eq!(rank(0, 0.99), None);
        assert!(rank(1000, 0.99).is_some_and(|r| r > 400 && r < 500));
    }

    #[test]
    fn a_median_lies_between_its_order_statistics() {
        let samples: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        let median = median(&samples, LEVEL).unwrap();
        assert_eq!((median.low, median.value, median.high), (4.0, 10.5, 17.0));
        assert_eq!(super::median(&[1.0; 5], LEVEL), None);
    }

    #[test]
    fn many_samples_and_no_numbers_do_no_harm() {
        let mut samples = vec![2.0; 5000];
        samples.push(f64::NAN);
        samples.push(f64::INFINITY);
        let median = median(&samples, LEVEL).unwrap();
        assert_eq!((median.low, median.high, median.spread), (2.0, 2.0, 0.0));
    }

    #[test]
    fn the_interval_of_a_share_holds_it_as_often_as_it_says() {
        // All outcomes of 40 runs at a share of 0.3, weighted by how likely they are.
        let (n, share) = (40_u32, 0.3_f64);
        let mut weight = (1.0 - share).powi(40);
        let mut covered = 0.0;
        for hits in 0..=n {
            let (low, high) = wilson(hits, n, Z);
            if low <= share && share <= high {
                covered += weight;
            }
            weight *= f64::from(n - hits) / f64::from(hits + 1) * share / (1.0 - share);
        }
        assert!(covered > 0.98, "{covered}");
    }
}
