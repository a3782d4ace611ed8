//! From runs to verdicts. A claim agrees when the whole interval of what was measured lies within what
//! is expected, disagrees when none of it does, and is undecided otherwise. Runs that were ended by the
//! time limit say nothing; a median of samples that are spread widely refutes nothing.

use serde::Serialize;

use crate::experiment::{Event, Expect, Rate};
use crate::observe::Observation;
use crate::stats::{self, LEVEL, Z};

/// What never happened in so many runs that it happens in fewer than these is taken to never happen.
const NEVER: f64 = 0.05;
/// At most so many runs happen "rarely".
const RARELY: f64 = 0.10;
/// So many at least happen "sometimes".
const SOMETIMES: f64 = 0.01;
/// So many at least happen "mostly".
const MOSTLY: f64 = 0.50;
/// What is so by design is looked at so often.
const BY_DESIGN: u32 = 5;
/// What each run prints is looked at so often.
const PRINTED: u32 = 3;
/// When more of the runs did not end, nothing is decided.
const MAX_TIMED_OUT: f64 = 0.2;
/// When the middle half of the samples is spread so far by the median, the machine was too noisy to
/// refute anything.
const NOISE: f64 = 0.5;
/// An interval of a share is narrow when its ends are so far apart.
const NARROW_SHARE: f64 = 0.30;
/// One of a median, by the median.
const NARROW_MEDIAN: f64 = 0.10;
/// So many different values are shown.
const MAX_SHOWN: usize = 3;

/// Whether a claim holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What was measured is what is claimed.
    Agrees,
    /// It is not.
    Disagrees,
    /// The interval is too wide, or nothing could be measured.
    Undecided,
    /// It is not said of this version, or of this system.
    Skipped,
}

/// What was measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Measured {
    /// In how many of the runs it happened.
    Share {
        /// In so many.
        hits: u32,
        /// Of so many.
        runs: u32,
        /// Lower end of the interval, 0 to 1.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// The median of a number.
    Median {
        /// The median.
        value: f64,
        /// Lower end of the interval.
        low: f64,
        /// Upper end.
        high: f64,
        /// As it is written behind the number.
        unit: String,
        /// How many samples.
        runs: u32,
    },
    /// What was printed, each value once.
    Printed {
        /// The values, at most three.
        values: Vec<String>,
        /// In so many runs.
        runs: u32,
    },
    /// Nothing.
    Nothing,
}

/// A verdict, with its reasons.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Judgement {
    /// What was measured.
    pub measured: Measured,
    /// Whether the claim holds.
    pub verdict: Verdict,
    /// Why it is undecided or skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether more runs would bring nothing.
    #[serde(skip)]
    pub settled: bool,
}

impl Judgement {
    /// One that is not measured.
    pub fn skipped(note: impl Into<String>) -> Self {
        Self {
            measured: Measured::Nothing,
            verdict: Verdict::Skipped,
            note: Some(note.into()),
            settled: true,
        }
    }

    /// One that could not be measured.
    pub fn undecided(measured: Measured, note: impl Into<String>) -> Self {
        Self { measured, verdict: Verdict::Undecided, note: Some(note.into()), settled: false }
    }
}

/// Judges a claim by the runs of its variant.
pub fn judge(expect: &Expect, runs: &[Observation]) -> Judgement {
    let ended: Vec<&Observation> = runs.iter().filter(|r| !r.timed_out).collect();
    let late = runs.len() - ended.len();
    let mut judgement = match expect {
        Expect::Prints { key, value } => printed(key, value, &ended),
        Expect::Rate { event, is } => share(event, *is, &ended),
        Expect::Number { key, at_least, at_most, unit } => {
            let samples: Vec<f64> = ended.iter().filter_map(|r| r.number(key)).collect();
            number(&samples, *at_least, *at_most, unit, &why_none(&ended, key))
        }
        Expect::Ratio { key, over, at_least, at_most } => {
            let ratio = |r: &&Observation| Some(r.number(key)? / r.number(over)?);
            let samples: Vec<f64> = ended.iter().filter_map(ratio).collect();
            number(&samples, *at_least, *at_most, "×", &why_none(&ended, key))
        }
    };
    if late as f64 > runs.len() as f64 * MAX_TIMED_OUT {
        judgement.verdict = Verdict::Undecided;
        judgement.note = Some(format!("{late} of {} runs did not end in time", runs.len()));
    }
    judgement
}

/// Whether the medians of all numbers with such keys are known closely enough.
pub fn is_narrow(runs: &[Observation], key: &str) -> bool {
    let samples: Vec<f64> = runs.iter().filter_map(|r| r.number(key)).collect();
    stats::median(&samples, LEVEL).is_some_and(|m| m.high - m.low <= NARROW_MEDIAN * m.value.abs())
}

fn printed(key: &str, value: &str, runs: &[&Observation]) -> Judgement {
    let mut values: Vec<String> = Vec::new();
    for run in runs {
        let got = run.values.get(key).map_or("(nothing)", String::as_str);
        if values.len() < MAX_SHOWN && !values.iter().any(|v| v == got) {
            values.push(got.to_owned());
        }
    }
    let verdict = match values.as_slice() {
        [] => Verdict::Undecided,
        [only] if only == value && runs.len() < PRINTED as usize => Verdict::Undecided,
        [only] if only == value => Verdict::Agrees,
        _ => Verdict::Disagrees,
    };
    let measured = Measured::Printed { values, runs: runs.len() as u32 };
    let few = verdict == Verdict::Undecided;
    let note = few.then(|| format!("too few runs: {}", runs.len()));
    Judgement { measured, verdict, note, settled: !few }
}

fn share(event: &Event, is: Rate, runs: &[&Observation]) -> Judgement {
    let hits = runs.iter().filter(|r| r.has(event)).count() as u32;
    let n = runs.len() as u32;
    let (low, high) = stats::wilson(hits, n, Z);
    let decide = |agrees: bool, disagrees: bool| match (agrees, disagrees) {
        (true, _) => Verdict::Agrees,
        (_, true) => Verdict::Disagrees,
        _ => Verdict::Undecided,
    };
    let (verdict, exact) = match is {
        Rate::Never => (decide(hits == 0 && high < NEVER, hits > 0), true),
        Rate::NoRun => (decide(hits == 0 && n >= BY_DESIGN, hits > 0), true),
        Rate::EveryRun => (decide(hits == n && n >= BY_DESIGN, hits < n), true),
        Rate::Rarely => (decide(high <= RARELY, low > RARELY), true),
        Rate::Sometimes => (decide(low >= SOMETIMES, high < SOMETIMES), false),
        Rate::Mostly => (decide(low >= MOSTLY, high < MOSTLY), false),
    };
    let note = match verdict {
        Verdict::Undecided if n == 0 => Some("nothing was run".to_owned()),
        Verdict::Undecided if hits == 0 && matches!(is, Rate::Sometimes | Rate::Mostly) => {
            Some(format!("not seen in {n} runs; that it never happens is not shown"))
        }
        Verdict::Undecided if is == Rate::Never => {
            let (high, never) = (100.0 * high, 100.0 * NEVER);
            Some(format!("too few runs: up to {high:.1}% is possible, below {never}% would agree"))
        }
        Verdict::Undecided => Some(format!("too few runs: {n}")),
        _ => None,
    };
    let settled = verdict != Verdict::Undecided && (exact || high - low <= NARROW_SHARE);
    Judgement { measured: Measured::Share { hits, runs: n, low, high }, verdict, note, settled }
}

fn number(
    samples: &[f64],
    at_least: Option<f64>,
    at_most: Option<f64>,
    unit: &str,
    why_none: &str,
) -> Judgement {
    if samples.is_empty() {
        return Judgement::undecided(Measured::Nothing, why_none);
    }
    let Some(median) = stats::median(samples, LEVEL) else {
        let note = format!("too few samples for an interval: {}", samples.len());
        return Judgement::undecided(Measured::Nothing, note);
    };
    let (least, most) = (at_least.unwrap_or(f64::NEG_INFINITY), at_most.unwrap_or(f64::INFINITY));
    let (verdict, note) = if median.low >= least && median.high <= most {
        (Verdict::Agrees, None)
    } else if median.high >= least && median.low <= most {
        (Verdict::Undecided, Some("the interval holds more than what is expected".to_owned()))
    } else if median.spread > NOISE {
        let spread = median.spread * 100.0;
        let note = format!("too noisy: the middle half of the samples is spread by {spread:.0}%");
        (Verdict::Undecided, Some(note))
    } else {
        (Verdict::Disagrees, None)
    };
    let measured = Measured::Median {
        value: median.value,
        low: median.low,
        high: median.high,
        unit: unit.to_owned(),
        runs: samples.len() as u32,
    };
    Judgement { measured, verdict, note, settled: verdict != Verdict::Undecided }
}

/// Why no run printed a number.
fn why_none(runs: &[&Observation], key: &str) -> String {
    let reason = runs.iter().find_map(|r| r.values.get("unavailable"));
    match reason {
        Some(reason) => format!("not measured: {reason}"),
        None => format!("not measured: no run could measure {key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Death;
    use go_crash::Class;

    fn run(values: &[(&str, &str)]) -> Observation {
        let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Observation { values, ..Observation::default() }
    }

    fn dead() -> Observation {
        let death = Some(Death { panic: false, class: Class::ConcurrentMap });
        Observation { death, ..Observation::default() }
    }

    fn rate(is: Rate, dead_runs: usize, runs: usize) -> Verdict {
        let mut all = vec![dead(); dead_runs];
        all.resize(runs, Observation::default());
        judge(&Expect::Rate { event: Event::Dies, is }, &all).verdict
    }

    #[test]
    fn rates_are_judged_by_their_intervals() {
        use Verdict::{Agrees, Disagrees, Undecided};
        // No hit in 126 runs is the first to have its upper end below 5% at 99%.
        assert_eq!(rate(Rate::Never, 0, 126), Undecided);
        assert_eq!(rate(Rate::Never, 0, 127), Agrees);
        assert_eq!(rate(Rate::Never, 1, 20), Disagrees);
        assert_eq!(rate(Rate::Sometimes, 0, 200), Undecided);
        assert_eq!(rate(Rate::Sometimes, 0, 700), Disagrees);
        assert_eq!(rate(Rate::Sometimes, 1, 40), Undecided);
        assert_eq!(rate(Rate::Sometimes, 4, 40), Agrees);
        assert_eq!(rate(Rate::Mostly, 20, 40), Undecided);
        assert_eq!(rate(Rate::Mostly, 5, 40), Disagrees);
        assert_eq!(rate(Rate::Mostly, 38, 40), Agrees);
        assert_eq!(rate(Rate::Rarely, 1, 160), Agrees);
        assert_eq!(rate(Rate::Rarely, 20, 40), Disagrees);
        assert_eq!(rate(Rate::EveryRun, 5, 5), Agrees);
        assert_eq!(rate(Rate::EveryRun, 3, 3), Undecided);
        assert_eq!(rate(Rate::EveryRun, 4, 5), Disagrees);
        assert_eq!(rate(Rate::NoRun, 0, 5), Agrees);
        assert_eq!(rate(Rate::NoRun, 1, 1), Disagrees);
        assert_eq!(rate(Rate::Mostly, 0, 0), Undecided);
    }

    fn at_least(limit: f64, samples: &[f64]) -> Judgement {
        number(samples, Some(limit), None, "×", "none")
    }

    #[test]
    fn medians_are_judged_by_their_intervals() {
        let steady = [2.0, 2.01, 2.02, 1.99, 2.0, 2.0, 2.01, 1.98, 2.0, 2.0];
        assert_eq!(at_least(1.5, &steady).verdict, Verdict::Agrees);
        assert_eq!(at_least(2.0, &steady).verdict, Verdict::Undecided);
        assert_eq!(at_least(2.5, &steady).verdict, Verdict::Disagrees);
        assert_eq!(at_least(1.5, &steady[..7]).verdict, Verdict::Undecided);
        assert_eq!(number(&[0.0; 9], None, Some(0.0), "%", "").verdict, Verdict::Agrees);
    }

    #[test]
    fn a_noisy_machine_refutes_nothing() {
        let noisy = [1.0, 9.0, 1.1, 8.0, 1.0, 9.5, 2.0, 7.0, 1.2, 9.0, 3.0, 4.0];
        let judged = at_least(20.0, &noisy);
        assert_eq!(judged.verdict, Verdict::Undecided);
        assert!(judged.note.unwrap().starts_with("too noisy"));
    }

    #[test]
    fn what_is_printed_has_to_be_the_same_each_time() {
        let expect = Expect::Prints { key: "a".into(), value: "1".into() };
        let same = vec![run(&[("a", "1")]); 3];
        assert_eq!(judge(&expect, &same).verdict, Verdict::Agrees);
        assert_eq!(judge(&expect, &same[..2]).verdict, Verdict::Undecided);
        let other = [run(&[("a", "1")]), run(&[("a", "2")]), run(&[])];
        let judged = judge(&expect, &other);
        assert_eq!(judged.verdict, Verdict::Disagrees);
        let values = vec!["1".to_owned(), "2".to_owned(), "(nothing)".to_owned()];
        assert_eq!(judged.measured, Measured::Printed { values, runs: 3 });
    }

    #[test]
    fn runs_that_did_not_end_decide_nothing() {
        let late = Observation { timed_out: true, ..Observation::default() };
        let expect = Expect::Prints { key: "a".into(), value: "1".into() };
        let mut runs = vec![run(&[("a", "1")]); 3];
        runs.push(late.clone());
        let judged = judge(&expect, &runs);
        assert_eq!(judged.verdict, Verdict::Undecided);
        assert_eq!(judged.note.as_deref(), Some("1 of 4 runs did not end in time"));
        // One of many is no matter.
        let mut runs = vec![run(&[("a", "1")]); 9];
        runs.push(late);
        assert_eq!(judge(&expect, &runs).verdict, Verdict::Agrees);
    }

    #[test]
    fn ratios_are_of_one_run() {
        let expect =
            Expect::Ratio { key: "a".into(), over: "b".into(), at_least: Some(2.0), at_most: None };
        // The machine gets slower; the ratio stays.
        let runs: Vec<_> = (1..=10)
            .map(|i| run(&[("a", &format!("{}", 30 * i)), ("b", &format!("{}", 10 * i))]))
            .collect();
        assert_eq!(judge(&expect, &runs).verdict, Verdict::Agrees);
        let none = vec![run(&[("a", "1"), ("unavailable", "one processor")]); 10];
        assert_eq!(judge(&expect, &none).note.as_deref(), Some("not measured: one processor"));
    }
}
