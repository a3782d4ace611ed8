//! Threads and connections at work: starts a load, watches it, ends it, and gathers what was counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Notify;

use super::arrivals::{Queue, Shared};
use super::clock::thread_cpu;
use super::conn::{Answer, Client, Dialer};
use super::outcome::{Failure, Outcome};
use super::report::LoadReport;
use super::stats::{self, Entry, Stats};
use super::target::{Prepared, Protocol, Wheel};
use super::{LoadSpec, Model};
use crate::Error;
use crate::machine::Machine;

/// One thread can send about so many requests a second; beyond it, a second one helps.
const PER_THREAD: f64 = 20_000.0;
/// Connections are opened before the first request, for at most so long.
const CONNECTING: Duration = Duration::from_secs(2);
/// A closed model would otherwise spin on a port that refuses.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// A running load.
pub struct LoadHandle {
    shared: Arc<OnceLock<Arc<Shared>>>,
    threads: Vec<JoinHandle<Stats>>,
    stats: Vec<Arc<Mutex<Stats>>>,
    spec: LoadSpec,
    machine: Machine,
}

/// Figures of a load while it runs.
#[derive(Clone, Copy, Default, Debug)]
pub struct Progress {
    /// Since its start.
    pub elapsed: Duration,
    /// Good answers.
    pub good: u64,
    /// Everything else that has ended.
    pub bad: u64,
    /// Sent and not answered.
    pub in_flight: u64,
    /// Median latency so far, in nanoseconds.
    pub p50: u64,
    /// 99th percentile so far.
    pub p99: u64,
}

/// Starts a load on threads of its own. Comes back at once.
pub fn start(spec: LoadSpec) -> Result<LoadHandle, Error> {
    let prepared: Vec<Prepared> = spec
        .endpoints
        .iter()
        .map(|endpoint| Prepared::new(endpoint, &spec.target, spec.protocol))
        .collect::<Result<_, _>>()?;
    if prepared.iter().all(|p| p.endpoint().weight == 0) {
        return Err(Error::Usage("a load needs an endpoint with a weight above 0".to_owned()));
    }
    // Told here, where it can be told: whether the certificates can be read.
    if spec.target.tls {
        spec.trust.connector(spec.protocol != Protocol::Http1)?;
    }
    let prepared: Arc<[Prepared]> = prepared.into();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = match &spec.model {
        Model::Open(profile) => (profile.peak_rate() / PER_THREAD).ceil() as usize,
        Model::Closed(_) => cores,
    };
    let count =
        spec.threads.unwrap_or_else(|| wanted.clamp(1, cores)).clamp(1, spec.connections.max(1));
    let length = spec.warmup + spec.model.length();
    let length_ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    let warm = u64::try_from(spec.warmup.as_nanos()).unwrap_or(0);
    let barrier = Arc::new(Barrier::new(count));
    let shared: Arc<OnceLock<Arc<Shared>>> = Arc::new(OnceLock::new());
    let machine = Machine::now();
    let mut threads = Vec::new();
    let mut all_stats = Vec::new();
    for index in 0..count {
        let stats = Stats::new(spec.endpoints.len(), warm, length_ns.saturating_sub(warm));
        let stats = Arc::new(Mutex::new(stats));
        all_stats.push(Arc::clone(&stats));
        let thread = Thread {
            index,
            count,
            spec: spec.clone(),
            prepared: Arc::clone(&prepared),
            barrier: Arc::clone(&barrier),
            shared: Arc::clone(&shared),
            stats,
            end: length_ns,
        };
        let spawned = std::thread::Builder::new()
            .name(format!("load {index}"))
            .spawn(move || thread.run())
            .map_err(|error| Error::Harness(format!("cannot start a thread: {error}")))?;
        threads.push(spawned);
    }
    Ok(LoadHandle { shared, threads, stats: all_stats, spec, machine })
}

impl LoadHandle {
    /// Whether every thread has ended.
    pub fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Sets the point in time that results are told apart by, and gives the moment.
    pub fn mark(&self) -> Instant {
        if let Some(shared) = self.shared.get() {
            shared.mark.store(shared.now(), Ordering::SeqCst);
        }
        Instant::now()
    }

    /// Whether a request that was sent after the mark was answered well.
    pub fn is_good_again(&self) -> bool {
        self.stats.iter().any(|stats| stats::lock(stats).marked.first_good.is_some())
    }

    /// When sending began; none while connections are still opened.
    pub fn began(&self) -> Option<Instant> {
        self.shared.get().map(|shared| shared.start)
    }

    /// Ends the load before its time. [`LoadHandle::join`] waits for it.
    pub fn stop(&self) {
        if let Some(shared) = self.shared.get() {
            shared.stopped.store(true, Ordering::SeqCst);
            shared.stop.notify_waiters();
        }
    }

    /// How it stands.
    pub fn progress(&self) -> Progress {
        let Some(shared) = self.shared.get() else { return Progress::default() };
        let mut histogram: Option<hdrhistogram::Histogram<u64>> = None;
        for stats in &self.stats {
            let stats = stats::lock(stats);
            match &mut histogram {
                Some(all) => {
                    let _ = all.add(&stats.corrected);
                }
                none => *none = Some(stats.corrected.clone()),
            }
        }
        let quantile = |q| histogram.as_ref().map_or(0, |h| h.value_at_quantile(q));
        Progress {
            elapsed: shared.start.elapsed(),
            good: shared.good.load(Ordering::Relaxed),
            bad: shared.bad.load(Ordering::Relaxed),
            in_flight: shared.in_flight.load(Ordering::Relaxed),
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }

    /// Waits for the end and gives the figures.
    pub fn join(mut self) -> Result<LoadReport, Error> {
        let running = std::mem::take(&mut self.threads);
        let threads = running.len();
        let mut whole: Option<Stats> = None;
        for thread in running {
            let stats = thread
                .join()
                .map_err(|_| Error::Harness("a thread of the load generator died".to_owned()))?;
            match &mut whole {
                Some(whole) => whole.merge(&stats),
                none => *none = Some(stats),
            }
        }
        let whole = whole.ok_or_else(|| Error::Harness("the load had no thread".to_owned()))?;
        let shared = self.shared.get().ok_or_else(|| {
            Error::Usage(format!("cannot find {}", diag::clean_line(&self.spec.target.host)))
        })?;
        let elapsed = shared.start.elapsed();
        let mark = shared.mark.load(Ordering::SeqCst);
        Ok(LoadReport::new(&self.spec, &whole, threads, elapsed, mark, self.machine.since()))
    }
}

/// Whoever gives a load up, ends it.
impl Drop for LoadHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One thread of a load.
struct Thread {
    index: usize,
    count: usize,
    spec: LoadSpec,
    prepared: Arc<[Prepared]>,
    barrier: Arc<Barrier>,
    shared: Arc<OnceLock<Arc<Shared>>>,
    stats: Arc<Mutex<Stats>>,
    end: u64,
}

impl Thread {
    fn run(self) -> Stats {
        let empty = || Stats::new(self.spec.endpoints.len(), 0, 1);
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            self.barrier.wait();
            return empty();
        };
        let stats = Arc::clone(&self.stats);
        runtime.block_on(self.work());
        // The runtime's tasks hold the counts too.
        drop(runtime);
        let mut held = stats::lock(&stats);
        std::mem::replace(&mut *held, empty())
    }

    async fn work(&self) {
        let spec = &self.spec;
        let dialer = Dialer::new(&spec.target, spec.protocol, &spec.trust).await;
        let mut clients = match &dialer {
            Ok(dialer) => self.clients(dialer).await,
            Err(_) => Vec::new(),
        };
        self.barrier.wait();
        // Without an address nothing begins, and `join` says so.
        let Ok(dialer) = dialer else { return };
        let shared = Arc::clone(self.shared.get_or_init(|| {
            Arc::new(Shared {
                start: Instant::now(),
                warm: u64::try_from(spec.warmup.as_nanos()).unwrap_or(0),
                end: self.end,
                stopped: AtomicBool::new(false),
                stop: Notify::new(),
                mark: AtomicU64::new(u64::MAX),
                good: AtomicU64::new(0),
                bad: AtomicU64::new(0),
                in_flight: AtomicU64::new(0),
            })
        }));
        let cpu = thread_cpu();
        let arrivals = || match &spec.model {
            Model::Open(profile) => {
                let profile = profile.warmed(spec.warmup);
                Some(profile.arrivals(self.index as u64, self.count as u64))
            }
            Model::Closed(_) => None,
        };
        let place = (self.index as u64, self.count as u64);
        let queue = Arc::new(Queue::new(Arc::clone(&shared), arrivals(), place, spec.timeout));
        let wheel = Arc::new(Mutex::new(Wheel::new(spec.endpoints.iter().map(|e| e.weight))));
        let mut tasks = Vec::new();
        for (id, client) in clients.drain(..).enumerate() {
            let worker = Worker {
                id,
                client,
                dialer: dialer.clone(),
                queue: Arc::clone(&queue),
                shared: Arc::clone(&shared),
                stats: Arc::clone(&self.stats),
                prepared: Arc::clone(&self.prepared),
                wheel: Arc::clone(&wheel),
                timeout: spec.timeout,
                closed: matches!(spec.model, Model::Closed(_)),
            };
            tasks.push(tokio::spawn(worker.run()));
        }
        queue.dispatch(arrivals(), &self.stats).await;
        for task in tasks {
            // A worker that panicked has lost its own request only; the count of good ones shows it.
            let _ = task.await;
        }
        queue.leftover(&self.stats);
        stats::lock(&self.stats).cpu = thread_cpu().saturating_sub(cpu);
    }

    /// This thread's share of the connections, opened as far as they could be.
    async fn clients(&self, dialer: &Dialer) -> Vec<Client> {
        let spec = &self.spec;
        let own = (self.index..spec.connections.max(1)).step_by(self.count).count();
        let mut clients = Vec::new();
        for _ in 0..own {
            if spec.protocol == Protocol::Http1 {
                clients.push(Client::Http1(None));
                continue;
            }
            let shared = Arc::new(tokio::sync::Mutex::new(None));
            clients.extend((0..spec.streams.max(1)).map(|_| Client::Http2(Arc::clone(&shared))));
        }
        let opening = clients.iter_mut().map(|client| client.connect(dialer));
        // Those that fail are tried again with the first request, which counts it.
        let _ = tokio::time::timeout(CONNECTING.min(spec.timeout), join_all(opening)).await;
        clients
    }
}

/// One connection, or one stream of one.
struct Worker {
    id: usize,
    client: Client,
    dialer: Dialer,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    stats: Arc<Mutex<Stats>>,
    prepared: Arc<[Prepared]>,
    wheel: Arc<Mutex<Wheel>>,
    timeout: Duration,
    closed: bool,
}

impl Worker {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut limit = Limit::new();
        loop {
            let next = self.queue.next(self.id, &self.stats);
            let Some(arrival) = self.client.idle_until(next).await else { break };
            let endpoint =
                self.wheel.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
            let sent_at = Instant::now();
            let sent = nanos(sent_at.saturating_duration_since(shared.start));
            shared.in_flight.fetch_add(1, Ordering::Relaxed);
            let result = match self.prepared[endpoint].request(arrival.number) {
                Some(request) => {
                    let exchange = self.client.exchange(&self.dialer, request);
                    limit.within(sent_at + self.timeout, exchange).await
                }
                None => Err(Failure::Protocol),
            };
            if result.is_err() {
                self.client.reset();
            }
            let done = shared.now();
            shared.in_flight.fetch_sub(1, Ordering::Relaxed);
            let outcome = self.outcome(endpoint, &result);
            let count = if outcome.is_good() { &shared.good } else { &shared.bad };
            count.fetch_add(1, Ordering::Relaxed);
            stats::lock(&self.stats).record(&Entry {
                endpoint,
                intended: arrival.intended,
                sent,
                done,
                outcome,
                bytes: result.map_or(0, |answer| answer.bytes),
                mark: shared.mark.load(Ordering::Relaxed),
            });
            if self.closed && result.is_err() {
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }

    fn outcome(&self, endpoint: usize, result: &Result<Answer, Failure>) -> Outcome {
        let prepared = &self.prepared[endpoint];
        match result {
            Err(failure) => Outcome::Failed(*failure),
            Ok(answer) => match (prepared.is_expected(answer.status), answer.grpc) {
                (false, _) => Outcome::Status(answer.status),
                (true, Some(0)) => Outcome::Good,
                (true, Some(code)) => Outcome::Grpc(code),
                // A gRPC answer without a status was cut short by somebody in between.
                (true, None) if prepared.is_grpc() => Outcome::Failed(Failure::Protocol),
                (true, None) => Outcome::Good,
            },
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A time limit that costs nothing while it is kept: the timer is set again only when it fires.
struct Limit {
    sleep: std::pin::Pin<Box<tokio::time::Sleep>>,
    armed: bool,
}

impl Limit {
    fn new() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep(Duration::ZERO)), armed: false }
    }

    async fn within<T>(
        &mut self,
        deadline: Instant,
        future: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut future = std::pin::pin!(future);
        if !self.armed {
            self.sleep.as_mut().reset(deadline.into());
            self.armed = true;
        }
        std::future::poll_fn(|cx| {
            use std::task::Poll;
            if let Poll::Ready(result) = future.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            loop {
                if self.sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                if Instant::now() >= deadline {
                    self.armed = false;
                    return Poll::Ready(Err(Failure::Timeout));
                }
                // Set for an earlier request; the same timer serves this one.
                self.sleep.as_mut().reset(deadline.into());
            }
        })
        .await
    }
}
