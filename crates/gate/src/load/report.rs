//! The figures of a load, as reports, checks and baselines use them, and the honest answer to "was the
//! asked rate reached, and if not, who was the limit".

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::outcome::{Failure, Outcome};
use super::stats::Stats;
use super::{LoadSpec, Model};
use crate::machine::Strain;
use crate::units;

/// Of the asked rate, so much may be missing and it still counts as reached.
const TOLERANCE: f64 = 0.01;
/// A thread that was busy for more than this share of the time was the limit.
const BUSY: f64 = 0.9;
/// When the machine kept runnable tasks waiting for more than this share of the time, it was the limit.
const PRESSED: f64 = 0.5;

/// All figures of one load.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// `open` or `closed`.
    pub model: &'static str,
    /// Requests a second that were asked for; none in the closed model.
    pub asked: Option<f64>,
    /// Requests a second that were answered or failed.
    pub achieved: f64,
    /// What kept it from the asked rate.
    pub limit: Option<Limit>,
    /// Seconds that were measured, warm-up excluded.
    pub seconds: f64,
    /// Requests that were due (open) or sent (closed).
    pub requests: u64,
    /// Good answers.
    pub good: u64,
    /// All others, those that were never sent included.
    pub bad: u64,
    /// Those that were never sent.
    pub dropped: u64,
    /// How the others ended.
    pub outcomes: Vec<OutcomeCount>,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Latency from the time at which requests were due. In the closed model nothing is due: none.
    pub corrected: Option<Latency>,
    /// Latency from the time of sending.
    pub service: Latency,
    /// How late the generator itself was.
    pub lag: Latency,
    /// By endpoint.
    pub endpoints: Vec<EndpointReport>,
    /// Over time.
    pub slices: Vec<SliceReport>,
    /// Around the trigger of a drill.
    pub marked: Option<MarkedReport>,
    /// Connections, at most.
    pub connections: usize,
    /// Threads.
    pub threads: usize,
    /// Processor time of the generator for a request, in microseconds.
    pub cpu_us_per_request: f64,
    /// Share of the time that its threads were busy.
    pub busy: f64,
    /// How strained the machine was.
    pub machine: Strain,
}

/// Who kept the rate below what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The generator's threads had no time left.
    Generator,
    /// The machine had more to run than processors.
    Machine,
    /// All connections were waiting for answers.
    Server,
    /// None of these: answers came late for a while.
    Unknown,
}

/// How many requests ended in one way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutcomeCount {
    /// The way.
    pub outcome: String,
    /// How many.
    pub count: u64,
}

/// Percentiles, in nanoseconds.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// The arithmetic mean.
    pub mean: u64,
    /// Half are below.
    pub p50: u64,
    /// 90% are below.
    pub p90: u64,
    /// 95% are below.
    pub p95: u64,
    /// 99% are below.
    pub p99: u64,
    /// 99.9% are below.
    pub p999: u64,
    /// The longest.
    pub max: u64,
    /// The whole distribution, in some hundred points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Point>,
}

/// A point of a distribution.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// Share of requests below.
    pub q: f64,
    /// Latency in nanoseconds.
    pub ns: u64,
}

/// One endpoint's figures.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointReport {
    /// Its name.
    pub name: String,
    /// Requests.
    pub count: u64,
    /// Those that were not good.
    pub bad: u64,
    /// Median in nanoseconds.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SliceReport {
    /// Its start in seconds since the end of the warm-up.
    pub at: f64,
    /// Its length in seconds.
    pub width: f64,
    /// Requests that ended well in it.
    pub good: u64,
    /// Requests that ended otherwise.
    pub bad: u64,
    /// Their median latency in nanoseconds.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
}

/// What happened around the trigger of a drill.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct MarkedReport {
    /// The trigger, in seconds since the end of the warm-up.
    pub at: f64,
    /// Requests in flight at the trigger that ended badly.
    pub cut: u64,
    /// Requests that were sent in the last 5 ms before the trigger and ended badly: they may have
    /// met the end of a connection that the server took for idle.
    pub raced: u64,
    /// Requests in flight at the trigger that ended well.
    pub finished: u64,
    /// Good ones that were sent after it.
    pub good: u64,
    /// Bad ones that were sent after it.
    pub bad: u64,
    /// Nanoseconds from the trigger to the first good answer to a request sent after it.
    pub first_good: Option<u64>,
    /// Nanoseconds from the trigger to the last bad end.
    pub last_bad: Option<u64>,
}

impl LoadReport {
    pub(super) fn new(
        spec: &LoadSpec,
        stats: &Stats,
        threads: usize,
        elapsed: Duration,
        mark: u64,
        machine: Strain,
    ) -> Self {
        let warm = Duration::from_nanos(stats.warm);
        let open = matches!(spec.model, Model::Open(_));
        let planned = spec.model.length().as_secs_f64();
        // A load that was ended early is measured over the time that it had. An open one goes on until the queue
        // that it left is worked off; a closed one until its last answer.
        let had = elapsed.saturating_sub(warm).as_secs_f64();
        let ended = planned.min(had);
        let last = Duration::from_nanos(stats.last.saturating_sub(stats.warm)).as_secs_f64();
        let seconds = if open { ended + stats.queue().as_secs_f64() } else { ended.max(last) };
        let seconds = seconds.max(1e-9);
        let count = |wanted: fn(&Outcome) -> bool| -> u64 {
            stats.outcomes.iter().filter(|(o, _)| wanted(o)).map(|(_, n)| n).sum()
        };
        let good = count(|outcome| outcome.is_good());
        let dropped = count(|outcome| *outcome == Outcome::Failed(Failure::Dropped));
        let requests = count(|_| true);
        let achieved = (requests - dropped) as f64 / seconds;
        let asked = match &spec.model {
            Model::Open(profile) => Some(profile.mean_rate()),
            Model::Closed(_) => None,
        };
        let wall = elapsed.as_secs_f64().max(1e-9) * threads as f64;
        let busy = stats.cpu.as_secs_f64() / wall;
        // Little's law: so many connections were waiting for an answer at a time, on the average.
        let waiting = achieved * Duration::from_nanos(stats.service.mean() as u64).as_secs_f64();
        let full = waiting > spec.connections as f64 * spec.streams as f64 * BUSY;
        let limit = asked.filter(|asked| achieved < asked * (1.0 - TOLERANCE)).map(|_| match () {
            () if busy > BUSY => Limit::Generator,
            () if full => Limit::Server,
            () if machine.pressure.unwrap_or(0.0) > PRESSED => Limit::Machine,
            () => Limit::Unknown,
        });
        let relative = |ns: u64| ns.saturating_sub(mark);
        let cut_and_raced = stats.marked.cut_and_raced(stats.lag.max());
        Self {
            model: if open { "open" } else { "closed" },
            asked,
            achieved,
            limit,
            seconds,
            requests,
            good,
            bad: requests - good,
            dropped,
            outcomes: stats
                .outcomes
                .iter()
                .filter(|(outcome, _)| !outcome.is_good())
                .map(|(outcome, count)| OutcomeCount {
                    outcome: outcome.to_string(),
                    count: *count,
                })
                .collect(),
            bytes: stats.bytes,
            corrected: open.then(|| Latency::new(&stats.corrected)),
            service: Latency::new(&stats.service),
            lag: Latency { curve: Vec::new(), ..Latency::new(&stats.lag) },
            endpoints: spec
                .endpoints
                .iter()
                .zip(&stats.endpoints)
                .map(|(endpoint, stats)| EndpointReport {
                    name: endpoint.name.clone(),
                    count: stats.count,
                    bad: stats.bad,
                    p50: stats.corrected.value_at_quantile(0.5),
                    p99: stats.corrected.value_at_quantile(0.99),
                })
                .collect(),
            slices: slices(stats),
            marked: (mark != u64::MAX).then(|| MarkedReport {
                at: Duration::from_nanos(mark.saturating_sub(stats.warm)).as_secs_f64(),
                cut: cut_and_raced.0,
                raced: cut_and_raced.1,
                finished: stats.marked.finished,
                good: stats.marked.good,
                bad: stats.marked.bad,
                first_good: stats.marked.first_good.map(relative),
                last_bad: stats.marked.last_bad.map(relative),
            }),
            connections: spec.connections,
            threads,
            cpu_us_per_request: stats.cpu.as_secs_f64() * 1e6 / (requests.max(1) as f64),
            busy,
            machine,
        }
    }

    /// Share of requests that were not good.
    pub fn error_rate(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.bad as f64 / self.requests as f64 }
    }

    /// The latency that counts: from the intended time where there is one.
    pub fn latency(&self) -> &Latency {
        self.corrected.as_ref().unwrap_or(&self.service)
    }

    /// Whether the asked rate was reached, to one percent; none in the closed model.
    pub fn reached(&self) -> Option<bool> {
        self.asked.map(|asked| self.achieved >= asked * (1.0 - TOLERANCE))
    }

    /// Why the asked rate was not reached, as a sentence.
    pub fn limit_text(&self) -> Option<String> {
        let asked = self.asked?;
        let missing = units::percent(1.0 - self.achieved / asked);
        let reason = match self.limit? {
            Limit::Generator => format!(
                "the limit was this generator: its {} thread(s) were busy {} of the time",
                self.threads,
                units::percent(self.busy)
            ),
            Limit::Machine => format!(
                "the limit was this machine: processors busy {} of the time, tasks waited {} of it",
                units::percent(self.machine.busy),
                units::percent(self.machine.pressure.unwrap_or(0.0))
            ),
            Limit::Server => {
                let mean = Duration::from_nanos(self.service.mean).as_secs_f64().max(1e-9);
                format!(
                    "the limit was the server: {} connection(s) at {} an answer carry {:.0} requests/s",
                    self.connections,
                    units::shown_ns(self.service.mean),
                    self.connections as f64 / mean
                )
            }
            Limit::Unknown => {
                "connections, generator and processors had room: answers came later and later"
                    .to_owned()
            }
        };
        Some(format!("{missing} below the asked rate; {reason}"))
    }
}

impl Latency {
    /// The percentiles of a histogram of nanoseconds.
    pub fn new(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let at = |q| histogram.value_at_quantile(q);
        Self {
            count: histogram.len(),
            mean: histogram.mean() as u64,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max(),
            curve: histogram
                .iter_quantiles(4)
                .map(|step| Point { q: step.quantile(), ns: step.value_iterated_to() })
                .take(200)
                .collect(),
        }
    }
}

fn slices(stats: &Stats) -> Vec<SliceReport> {
    let width = Duration::from_nanos(stats.width).as_secs_f64();
    let report = |(index, slice): (usize, &super::stats::Slice)| {
        let quantile =
            |q| slice.latency.as_ref().map_or(0, |latency| latency.value_at_quantile(q) * 1000);
        SliceReport {
            at: index as f64 * width,
            width,
            good: slice.good,
            bad: slice.bad,
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    };
    stats.slices.iter().enumerate().map(report).collect()
}
