//! The running guard as the admin page sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::admin::{Child, Live, SloCounter, Snapshot, Totals};
use crate::incident::request;
use crate::supervisor::{Context, Supervisor};

/// Requests in flight that are shown.
const MAX_SHOWN: usize = 200;
/// The period of the objective.
const PERIOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What the page asks.
pub(crate) struct View {
    context: Arc<Context>,
    supervisor: Arc<Supervisor>,
    version: Option<String>,
    started: (Instant, Timestamp),
    slo: Mutex<Counting>,
}

struct Counting {
    counter: SloCounter,
    /// Requests and errors that are in it.
    counted: (u64, u64),
}

impl View {
    /// Of a guard that has just been started.
    pub fn new(
        context: Arc<Context>,
        supervisor: Arc<Supervisor>,
        version: Option<String>,
    ) -> Arc<Self> {
        let counter = SloCounter::new(context.options.objective, PERIOD);
        Arc::new(Self {
            context,
            supervisor,
            version,
            started: (Instant::now(), Timestamp::now()),
            slo: Mutex::new(Counting { counter, counted: (0, 0) }),
        })
    }

    /// Counts requests against the objective, once a second, for as long as the guard runs.
    pub async fn count(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let since = self.started.0.elapsed();
            let totals = self.context.metrics.totals();
            // Errors first: a request that ends in between is counted as good now and not at all
            // as bad later, rather than the other way round.
            let errors = totals.errors.load(Ordering::Relaxed);
            let requests = totals.requests.load(Ordering::Relaxed).max(errors);
            let mut slo = self.slo.lock();
            let bad = errors - slo.counted.1;
            let good = (requests - slo.counted.0).saturating_sub(bad);
            for _ in 0..bad {
                slo.counter.count(since, false);
            }
            for _ in 0..good {
                slo.counter.count(since, true);
            }
            slo.counted = (slo.counted.0 + bad + good, errors);
        }
    }
}

impl Live for View {
    fn snapshot(&self) -> Snapshot {
        let context = &self.context;
        let (goroutines, memory) = context.metrics.child_said();
        let replicas = self.supervisor.replicas();
        let restarts = replicas.iter().map(|replica| replica.restarts).sum();
        let several = replicas.len() > 1;
        let children = replicas.into_iter().map(|replica| Child {
            instance: replica.slot.to_string(),
            pid: replica.backend.as_ref().map(|backend| backend.pid),
            state: replica.state,
            since: replica.since,
            address: replica.backend.as_ref().map_or_else(String::new, |b| b.address.to_string()),
            restarts: replica.restarts,
            last_exit: replica.last_exit,
            in_flight: replica.backend.as_ref().map_or(0, |backend| backend.active() as u64),
            // One of several was asked, and it is not known here which.
            goroutines: goroutines.filter(|_| !several),
            memory: memory.filter(|_| !several),
        });
        let flights = context.flights.all();
        let load = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let totals = context.metrics.totals();
        let breaker = context.router.open_until().map(|until| {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            format!("the service died again and again; the next start is in {left} s")
        });
        Snapshot {
            service: context.options.service.clone(),
            version: self.version.clone(),
            listen: context.options.listen.to_string(),
            started: self.started.1,
            children: children.collect(),
            in_flight_total: flights.len() as u64,
            in_flight: flights.iter().take(MAX_SHOWN).map(|flight| request(flight)).collect(),
            waiting: context.router.waiting() as u64,
            totals: Totals {
                requests: load(&totals.requests),
                errors: load(&totals.errors),
                refused: load(&totals.refused),
                replayed: context.metrics.retries.get(),
                deaths: load(&totals.deaths),
                survived: load(&totals.survived),
                restarts,
                recovery_p50: context.metrics.recovery_p50(),
            },
            slo: Some(self.slo.lock().counter.report(self.started.0.elapsed())),
            breaker,
        }
    }

    fn metrics(&self) -> (String, String) {
        let context = &self.context;
        let ready = context.router.ready().len();
        let text = context.metrics.text(context.flights.len(), context.router.waiting(), ready);
        (text, "application/openmetrics-text; version=1.0.0; charset=utf-8".to_owned())
    }
}
