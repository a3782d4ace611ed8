//! What a run of the lab came to, as the renderers show it.

use std::time::Duration;

use crate::experiment::{Event, Expect, Experiment, Rate};
use crate::gctrace::Cycle;
use crate::judge::{Judgement, Measured, Verdict};
use crate::stats::Median;

/// Everything.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The toolchains, as `go1.27.3`; with the path too when two are the same.
    pub toolchains: Vec<String>,
    /// Operating system, architecture, processors.
    pub host: String,
    /// How many processes wanted a processor at the start and at the end, on average over a minute.
    pub load: Option<(f64, f64)>,
    /// How many processors there are.
    pub processors: usize,
    /// How long it took.
    pub time: Duration,
    /// The experiments.
    pub outcomes: Vec<Outcome>,
}

/// What an experiment came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Which.
    pub experiment: &'static Experiment,
    /// Its claims.
    pub claims: Vec<ClaimOutcome>,
    /// All numbers, when the experiment has a chart.
    pub numbers: Vec<Number>,
    /// The collections of one run of each variant and toolchain.
    pub collections: Vec<Collections>,
    /// Programs that did not build, and why.
    pub unbuilt: Vec<String>,
}

/// A claim with the judgement of each toolchain.
#[derive(Clone, PartialEq, Debug)]
pub struct ClaimOutcome {
    /// The claim.
    pub text: &'static str,
    /// Of which variant.
    pub variant: &'static str,
    /// Whether with the race detector.
    pub race: bool,
    /// What is expected, in words.
    pub expected: String,
    /// In the order of the toolchains.
    pub judgements: Vec<Judgement>,
}

/// A number that a program prints.
#[derive(Clone, PartialEq, Debug)]
pub struct Number {
    /// Its key.
    pub key: String,
    /// Of each toolchain; `None` with too few samples.
    pub medians: Vec<Option<Median>>,
}

/// The collections of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Collections {
    /// Of which toolchain.
    pub toolchain: String,
    /// Of which variant.
    pub variant: &'static str,
    /// In their order.
    pub cycles: Vec<Cycle>,
}

impl Report {
    /// How many judgements have that verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.judgements().filter(|j| j.verdict == verdict).count()
    }

    fn judgements(&self) -> impl Iterator<Item = &Judgement> {
        self.outcomes.iter().flat_map(|o| &o.claims).flat_map(|c| &c.judgements)
    }

    /// What it was measured on, as a sentence.
    pub fn circumstances(&self) -> String {
        let mut text = format!(
            "Measured with {} on {}, {} processors, in {:.0} s",
            self.toolchains.join(", "),
            self.host,
            self.processors,
            self.time.as_secs_f64()
        );
        if let Some((before, after)) = self.load {
            text += &format!("; load average {before:.1} at the start, {after:.1} at the end");
        }
        text + "."
    }

    /// Whether others wanted the processors too while this was measured.
    pub fn was_busy(&self) -> bool {
        self.load.is_some_and(|(before, _)| before > self.processors as f64 / 2.0)
    }

    /// How many claims came out how, as a sentence.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{} agree, {} disagree, {} undecided",
            self.count(Verdict::Agrees),
            self.count(Verdict::Disagrees),
            self.count(Verdict::Undecided)
        );
        match self.count(Verdict::Skipped) {
            0 => {}
            skipped => text += &format!(", {skipped} not said of this Go or system"),
        }
        text
    }
}

/// What is expected, in words.
pub fn expected(expect: &Expect) -> String {
    match expect {
        Expect::Prints { key, value } => format!("prints {key}={value}"),
        Expect::Rate { event, is } => {
            let event = match event {
                Event::Dies => "dies",
                Event::ConcurrentMap => "fatal map error",
                Event::Panic => "panics",
                Event::Fatal => "fatal error",
                Event::Race => "-race reports",
                Event::Prints(_) => "is printed",
            };
            let often = match is {
                Rate::Never => "in no run",
                Rate::Rarely => "in at most 10% of runs",
                Rate::Sometimes => "in some runs (at least 1%)",
                Rate::Mostly => "in at least half of the runs",
                Rate::NoRun => "in no run, by design",
                Rate::EveryRun => "in every run",
            };
            format!("{event} {often}")
        }
        Expect::Number { at_least, at_most, unit, .. } => range(*at_least, *at_most, unit),
        Expect::Ratio { key, over, at_least, at_most } => {
            format!("{key} by {over}: {}", range(*at_least, *at_most, "×"))
        }
    }
}

fn range(at_least: Option<f64>, at_most: Option<f64>, unit: &str) -> String {
    match (at_least, at_most) {
        (Some(least), Some(most)) => format!("{least} to {most}{unit}"),
        (Some(least), None) => format!("at least {least}{unit}"),
        (None, Some(most)) => format!("at most {most}{unit}"),
        (None, None) => "anything".to_owned(),
    }
}

/// What was measured, in words, with its interval.
pub fn measured(measured: &Measured) -> String {
    match measured {
        Measured::Share { hits, runs, low, high } => {
            let share = 100.0 * f64::from(*hits) / f64::from((*runs).max(1));
            format!("{share:.0}% of {runs} runs ({}–{}%)", percent(*low), percent(*high))
        }
        Measured::Median { value, low, high, unit, runs } => {
            format!("{}{unit} ({}–{}, {runs} runs)", digits(*value), digits(*low), digits(*high))
        }
        Measured::Printed { values, runs } => {
            let runs_word = if *runs == 1 { "run" } else { "runs" };
            format!("{} ({runs} {runs_word})", values.join(" | "))
        }
        Measured::Nothing => "–".to_owned(),
    }
}

/// A share in percent; below ten with a decimal.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 9.95 { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

/// Three digits that say something.
pub fn digits(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{number:.2}"),
    }
}

/// The verdict as a word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::Disagrees => "disagrees",
        Verdict::Undecided => "undecided",
        Verdict::Skipped => "skipped",
    }
}
