//! JSON Lines: one object a claim and toolchain, one a number, one a run's collections, and a last one on
//! what it was measured. Names and
//! values are those of [`crate::Judgement`].

use std::io::{self, Write};

use serde::Serialize;

use crate::gctrace::Cycle;
use crate::judge::Judgement;
use crate::report::{Report, measured};
use crate::stats::LEVEL;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Claim {
        experiment: &'a str,
        claim: &'a str,
        variant: &'a str,
        race: bool,
        expected: &'a str,
        go: &'a str,
        /// What was measured, in words.
        seen: String,
        #[serde(flatten)]
        judgement: &'a Judgement,
    },
    Number {
        experiment: &'a str,
        key: &'a str,
        what: &'a str,
        go: &'a str,
        median: f64,
        low: f64,
        high: f64,
    },
    Collections {
        experiment: &'a str,
        variant: &'a str,
        go: &'a str,
        cycles: &'a [Cycle],
    },
    Measured {
        go: &'a [String],
        host: &'a str,
        processors: usize,
        load_before: Option<f64>,
        load_after: Option<f64>,
        seconds: f64,
        level: f64,
    },
}

/// Writes a report.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for outcome in &report.outcomes {
        let experiment = outcome.experiment.name.as_str();
        for claim in &outcome.claims {
            for (judgement, go) in claim.judgements.iter().zip(&report.toolchains) {
                let line = Line::Claim {
                    experiment,
                    claim: claim.text,
                    variant: claim.variant,
                    race: claim.race,
                    expected: &claim.expected,
                    go,
                    seen: measured(&judgement.measured),
                    judgement,
                };
                write_line(&line, out)?;
            }
        }
        let what = outcome.experiment.chart.as_deref().unwrap_or_default();
        for number in &outcome.numbers {
            for (median, go) in number.medians.iter().zip(&report.toolchains) {
                let Some(m) = median else { continue };
                let (key, median, low, high) = (number.key.as_str(), m.value, m.low, m.high);
                write_line(&Line::Number { experiment, key, what, go, median, low, high }, out)?;
            }
        }
        for run in &outcome.collections {
            let (variant, go, cycles) = (run.variant, &run.toolchain, &run.cycles);
            write_line(&Line::Collections { experiment, variant, go, cycles }, out)?;
        }
    }
    let (load_before, load_after) = report.load.unzip();
    let line = Line::Measured {
        go: &report.toolchains,
        host: &report.host,
        processors: report.processors,
        load_before,
        load_after,
        seconds: report.time.as_secs_f64(),
        level: LEVEL,
    };
    write_line(&line, out)
}

fn write_line(line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}
