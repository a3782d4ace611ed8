//! What is counted, and how it is told: OpenMetrics text, with trace ids as exemplars.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::{CounterWithExemplar, HistogramWithExemplars};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::flights::Flight;

/// Routes that are told apart; further ones are `other`.
const MAX_ROUTES: usize = 100;
/// Recoveries of which the median is told.
const MAX_RECOVERIES: usize = 1000;
/// Upper bounds of durations, in seconds.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PanicLabels {
    kind: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TraceLabel {
    trace_id: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that were answered, by whomever.
    pub requests: AtomicU64,
    /// Of them, those with a status of 500 or above.
    pub errors: AtomicU64,
    /// Answered by the guard in the service's stead.
    pub refused: AtomicU64,
    /// Children that died.
    pub deaths: AtomicU64,
    /// Panics that were recovered, and races.
    pub survived: AtomicU64,
}

/// All metrics of one guard.
pub struct Metrics {
    registry: Registry,
    panics: Family<PanicLabels, CounterWithExemplar<TraceLabel>>,
    routes: Mutex<HashSet<String>>,
    durations: Family<RequestLabels, HistogramWithExemplars<TraceLabel>>,
    refused: Family<RequestLabels, Counter>,
    restarts: Family<ReasonLabel, Counter>,
    recovery: Histogram,
    /// Requests that were sent again.
    pub retries: Counter,
    /// Those that were not because the budget was used up.
    pub retries_refused: Counter,
    /// Bytes of the service's output that were not passed on, because nobody took them.
    pub output_dropped: Counter,
    /// Incidents that could not be stored.
    pub incidents_lost: Counter,
    in_flight: Gauge,
    waiting: Gauge,
    ready: Gauge,
    /// What the page is told since the start.
    totals: Counts,
    /// The last recoveries.
    recoveries: Mutex<VecDeque<Duration>>,
    child: (AtomicI64, AtomicI64),
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::default();
        let durations = Family::new_with_constructor(
            (|| HistogramWithExemplars::new(BUCKETS.into_iter())) as fn() -> _,
        );
        let recovery =
            Histogram::new([0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 10.0, 30.0, 120.0]);
        let metrics = Self {
            panics: Family::default(),
            routes: Mutex::default(),
            durations,
            refused: Family::default(),
            restarts: Family::default(),
            recovery,
            retries: Counter::default(),
            retries_refused: Counter::default(),
            output_dropped: Counter::default(),
            incidents_lost: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            ready: Gauge::default(),
            totals: Counts::default(),
            recoveries: Mutex::default(),
            child: (AtomicI64::new(-1), AtomicI64::new(-1)),
            registry: Registry::default(),
        };
        registry.register(
            "go_panic",
            "Crashes, and panics that were recovered, by kind and route of the request",
            metrics.panics.clone(),
        );
        registry.register_with_unit(
            "guard_request_duration",
            "From the head of a request to the end of its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "guard_requests_refused",
            "Requests that were malformed or beyond a limit",
            metrics.refused.clone(),
        );
        registry.register(
            "guard_restarts",
            "Children started after the first",
            metrics.restarts.clone(),
        );
        registry.register_with_unit(
            "guard_recovery",
            "From the first line of a crash to the next child that is ready",
            Unit::Seconds,
            metrics.recovery.clone(),
        );
        registry.register(
            "guard_retries",
            "Requests sent to a second child",
            metrics.retries.clone(),
        );
        registry.register(
            "guard_retries_refused",
            "Requests not sent again, because the budget was used up",
            metrics.retries_refused.clone(),
        );
        registry.register_with_unit(
            "guard_output_dropped",
            "Output of the service that nobody took in time",
            Unit::Bytes,
            metrics.output_dropped.clone(),
        );
        registry.register(
            "guard_incidents_lost",
            "Incidents that could not be stored",
            metrics.incidents_lost.clone(),
        );
        registry.register(
            "guard_requests_in_flight",
            "Requests being served",
            metrics.in_flight.clone(),
        );
        registry.register(
            "guard_requests_waiting",
            "Requests that wait for a child",
            metrics.waiting.clone(),
        );
        registry.register("guard_children_ready", "Children that serve", metrics.ready.clone());
        Arc::new(Self { registry, ..metrics })
    }

    /// A request is over.
    pub(crate) fn ended(&self, flight: &Flight) {
        let Some(took) = flight.took() else { return };
        let status = flight.status().unwrap_or(499);
        let labels = RequestLabels { method: method(flight), code: class(status) };
        // An exemplar where somebody will look: slow ones and failures.
        let told = status >= 500 || took > Duration::from_millis(250);
        let exemplar = told.then(|| TraceLabel { trace_id: flight.trace.to_string() });
        let at = exemplar.is_some().then(std::time::SystemTime::now);
        self.durations.get_or_create(&labels).observe(took.as_secs_f64(), exemplar, at);
        self.totals.requests.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.totals.errors.fetch_add(1, Ordering::Relaxed);
        }
        if flight.fate() == incidents::Fate::Refused {
            self.totals.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A request was refused before it was one.
    pub(crate) fn refused(&self, status: http::StatusCode) {
        let labels = RequestLabels { method: "any", code: class(status.as_u16()) };
        self.refused.get_or_create(&labels).inc();
    }

    /// A crash was seen.
    pub fn panicked(&self, kind: &str, route: Option<&str>, trace: Option<String>) {
        let route = self.route(route.unwrap_or("unknown"));
        let labels = PanicLabels { kind: kind.to_owned(), route };
        let exemplar = trace.map(|trace_id| TraceLabel { trace_id });
        let at = exemplar.is_some().then(std::time::SystemTime::now);
        self.panics.get_or_create(&labels).inc_by(1, exemplar, at);
    }

    /// Routes come from paths, which clients choose.
    fn route(&self, route: &str) -> String {
        let mut routes = self.routes.lock();
        if routes.contains(route) {
            return route.to_owned();
        }
        if routes.len() >= MAX_ROUTES {
            return "other".to_owned();
        }
        routes.insert(route.to_owned());
        route.to_owned()
    }

    /// A child was started again, because of `reason`.
    pub fn restarted(&self, reason: &'static str) {
        self.restarts.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// A child is ready, so long after the one before it died.
    pub fn recovered(&self, took: Duration) {
        self.recovery.observe(took.as_secs_f64());
        let mut last = self.recoveries.lock();
        if last.len() >= MAX_RECOVERIES {
            last.pop_front();
        }
        last.push_back(took);
    }

    /// What the child says of itself: goroutines and bytes of memory.
    pub fn child(&self, goroutines: Option<i64>, memory: Option<i64>) {
        self.child.0.store(goroutines.unwrap_or(-1), Ordering::Relaxed);
        self.child.1.store(memory.unwrap_or(-1), Ordering::Relaxed);
    }

    /// Counts since the start.
    pub fn totals(&self) -> &Counts {
        &self.totals
    }

    /// An incident came.
    pub fn crashed(&self, class: incidents::Outcome) {
        let count = match class {
            incidents::Outcome::Died => &self.totals.deaths,
            incidents::Outcome::Lived => &self.totals.survived,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The median of the last recoveries.
    pub fn recovery_p50(&self) -> Option<Duration> {
        let mut all: Vec<Duration> = self.recoveries.lock().iter().copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }

    /// What the child said of itself last.
    pub fn child_said(&self) -> (Option<u64>, Option<u64>) {
        let told = |n: &AtomicI64| u64::try_from(n.load(Ordering::Relaxed)).ok();
        (told(&self.child.0), told(&self.child.1))
    }

    /// As OpenMetrics text.
    pub fn text(&self, in_flight: usize, waiting: usize, ready: usize) -> String {
        let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.in_flight.set(gauge(in_flight));
        self.waiting.set(gauge(waiting));
        self.ready.set(gauge(ready));
        let mut out = String::new();
        // Writing into a String does not fail.
        let _ = text::encode_registry(&mut out, &self.registry);
        let (goroutines, memory) =
            (self.child.0.load(Ordering::Relaxed), self.child.1.load(Ordering::Relaxed));
        // Told only where the child tells it: a zero would look like a fact.
        if goroutines >= 0 {
            let _ = write!(
                out,
                "# HELP guard_child_goroutines Goroutines of the child, as it says.\n\
                 # TYPE guard_child_goroutines gauge\nguard_child_goroutines {goroutines}\n"
            );
        }
        if memory >= 0 {
            let _ = write!(
                out,
                "# HELP guard_child_memory_bytes Memory of the child, as it says.\n\
                 # TYPE guard_child_memory_bytes gauge\n# UNIT guard_child_memory_bytes bytes\n\
                 guard_child_memory_bytes {memory}\n"
            );
        }
        let _ = text::encode_eof(&mut out);
        out
    }
}

fn method(flight: &Flight) -> &'static str {
    match flight.method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_bounded_and_the_text_ends() {
        let metrics = Metrics::new();
        for i in 0..1000 {
            metrics.panicked("panic", Some(&format!("/{i}")), Some("ab".to_owned()));
        }
        let text = metrics.text(1, 2, 3);
        assert!(text.matches("go_panic_total{").count() <= MAX_ROUTES + 1);
        assert!(text.contains("route=\"other\"} 900 # {trace_id=\"ab\"}"), "{text}");
        assert!(text.contains("guard_requests_in_flight 1"));
        assert!(!text.contains("guard_child_goroutines"), "nothing is known of it");
        metrics.child(Some(7), None);
        assert!(metrics.text(0, 0, 0).contains("guard_child_goroutines 7"));
        assert!(text.ends_with("# EOF\n"));
    }
}
