//! Thresholds: what the figures of a load have to be, by themselves and against an earlier run's.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::check::{Check, Class, Status};
use crate::config::{BaselineConfig, SloConfig};
use crate::load::{Latency, Limit, LoadReport};
use crate::units::{percent, shown, shown_ns};

/// What the load is called in checks.
pub const LOAD: &str = "load";
/// Stolen time above this share makes a latency say little.
const STEAL: f64 = 0.1;
/// The form of a stored baseline.
const BASELINE_VERSION: u32 = 1;

/// Figures of an earlier run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    /// Requests a second that were asked for.
    asked: Option<f64>,
    /// Requests a second that were reached.
    achieved: f64,
    /// Share of requests that failed.
    error_rate: f64,
    /// Latency from the intended time (closed model: of sending), in nanoseconds.
    latency: Latency,
}

impl Baseline {
    /// What is worth keeping of a run.
    pub fn of(report: &LoadReport) -> Self {
        Self {
            version: BASELINE_VERSION,
            asked: report.asked,
            achieved: report.achieved,
            error_rate: report.error_rate(),
            latency: Latency { curve: Vec::new(), ..report.latency().clone() },
        }
    }

    /// Reads a stored one.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |why: String| Error::Input { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let baseline: Self = serde_json::from_str(&text).map_err(|error| {
            unreadable(format!("no baseline as --save-baseline writes it: {error}"))
        })?;
        if baseline.version != BASELINE_VERSION {
            return Err(unreadable(format!(
                "a baseline of version {}, expected {BASELINE_VERSION}; write it anew",
                baseline.version
            )));
        }
        Ok(baseline)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain numbers are always JSON");
        text + "\n"
    }
}

/// The checks of a load's figures.
pub fn load(
    report: &LoadReport,
    slo: &SloConfig,
    baseline: Option<(&Baseline, &BaselineConfig)>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    let latency = report.latency();
    let limits = [
        ("p50 latency", slo.p50, latency.p50, report.lag.p50),
        ("p95 latency", slo.p95, latency.p95, report.lag.p95),
        ("p99 latency", slo.p99, latency.p99, report.lag.p99),
    ];
    for (name, limit, found, lag) in limits {
        let Some(limit) = limit else { continue };
        let limit_ns = u64::try_from(limit.0.as_nanos()).unwrap_or(u64::MAX);
        let expected = format!("at most {}", shown(limit.0));
        let good = found <= limit_ns && latency.count > 0;
        let check = Check::new(Class::Slo, LOAD, name, good, expected, shown_ns(found));
        checks.push(check.unless(noise(report, found, limit_ns, lag)));
    }
    let error_rate = report.error_rate();
    checks.push(Check::new(
        Class::Slo,
        LOAD,
        "error rate",
        error_rate <= slo.error_rate.0 && report.requests > 0,
        format!("at most {}", slo.error_rate),
        errors(report),
    ));
    if let Some(asked) = report.asked {
        let wanted = asked * slo.rate.0;
        let found = format!("{:.1} requests/s", report.achieved);
        let found = match report.limit_text() {
            Some(text) if report.achieved < wanted => format!("{found}, {text}"),
            _ => found,
        };
        let ours = match report.limit {
            Some(Limit::Generator | Limit::Machine) => {
                Some("that says nothing about the candidate".to_owned())
            }
            _ => None,
        };
        checks.push(
            Check::new(
                Class::Slo,
                LOAD,
                "rate",
                report.achieved >= wanted,
                format!("at least {wanted:.1} requests/s ({} of {asked:.1})", slo.rate),
                found,
            )
            .unless(ours),
        );
    }
    if let Some((baseline, config)) = baseline {
        against(report, baseline, config, &mut checks);
    }
    checks
}

/// Why a latency above its limit may not be the candidate's doing.
fn noise(report: &LoadReport, found: u64, limit: u64, lag: u64) -> Option<String> {
    if found.saturating_sub(lag) <= limit {
        return Some(format!("the generator itself was {} late", shown_ns(lag)));
    }
    // Time that others took stretches latencies; it does not make them many times as long.
    if report.machine.steal > STEAL && found / 3 <= limit {
        return Some(format!(
            "the hypervisor took {} of the machine's time",
            percent(report.machine.steal)
        ));
    }
    None
}

fn errors(report: &LoadReport) -> String {
    let mut text =
        format!("{} ({} of {})", percent(report.error_rate()), report.bad, report.requests);
    let mut worst = report.outcomes.clone();
    worst.sort_by_key(|outcome| std::cmp::Reverse(outcome.count));
    for outcome in worst.iter().take(3) {
        text += &format!(", {}× {}", outcome.count, outcome.outcome);
    }
    text
}

fn against(
    report: &LoadReport,
    baseline: &Baseline,
    config: &BaselineConfig,
    checks: &mut Vec<Check>,
) {
    let comparable = match (baseline.asked, report.asked) {
        (Some(then), Some(now)) => (then - now).abs() <= now * 0.01,
        (None, None) => true,
        _ => false,
    };
    if !comparable {
        let rate = |asked: Option<f64>| {
            asked.map_or("the closed model".to_owned(), |asked| format!("{asked:.1} requests/s"))
        };
        let mut check = Check::new(
            Class::Harness,
            LOAD,
            "baseline",
            false,
            format!("a baseline of {}", rate(report.asked)),
            format!("one of {}: they cannot be compared; write it anew", rate(baseline.asked)),
        );
        check.status = Status::Inconclusive;
        checks.push(check);
        return;
    }
    let (then, now) = (&baseline.latency, report.latency());
    let slack = u64::try_from(config.slack.0.as_nanos()).unwrap_or(u64::MAX);
    let pairs = [
        ("p50 against the baseline", then.p50, now.p50, report.lag.p50),
        ("p95 against the baseline", then.p95, now.p95, report.lag.p95),
        ("p99 against the baseline", then.p99, now.p99, report.lag.p99),
    ];
    for (name, then, now, lag) in pairs {
        let limit =
            ((then as f64 * (1.0 + config.latency.0)) as u64).max(then.saturating_add(slack));
        let expected = format!("at most {} (it was {})", shown_ns(limit), shown_ns(then));
        let check = Check::new(Class::Slo, LOAD, name, now <= limit, expected, shown_ns(now));
        checks.push(check.unless(noise(report, now, limit, lag)));
    }
    let limit = baseline.achieved * (1.0 - config.rate.0);
    checks.push(Check::new(
        Class::Slo,
        LOAD,
        "rate against the baseline",
        report.achieved >= limit,
        format!("at least {limit:.1} requests/s"),
        format!("{:.1} requests/s", report.achieved),
    ));
}
