//! The children: started, asked for their health, replaced when they die, drained and ended. One
//! task for each replica, which follows one child after the other.
//!
//! Two ways to replace a child. With a port of its own each (`{port}`), the next one is started at
//! the first line of the crash, and serves while the old one still writes its dump. With one fixed
//! port that is the kernel's to give, and it gives it when the old process is gone: then the dump may
//! take only so long ([`crate::options::CaptureOptions::dump_time`]) before the process is killed.

mod backoff;
mod child;
mod health;
mod reap;
mod spawn;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use backoff::{Backoff, Next};
pub(crate) use child::Child;
use child::Running;
pub(crate) use health::page;
use spawn::Spawner;

use crate::admin::ChildState;
use crate::backend::{Backend, Router};
use crate::capture::Outlet;
use crate::error::Result;
use crate::flights::Flights;
use crate::incident::Observation;
use crate::metrics::Metrics;
use crate::options::{Options, Probe};
use crate::recovery::Recovery;

/// What supervisor, capture and incidents share.
pub(crate) struct Context {
    pub options: Options,
    pub router: Arc<Router>,
    pub flights: Arc<Flights>,
    pub metrics: Arc<Metrics>,
    pub recovery: Arc<Recovery>,
    pub stdout: Arc<Outlet>,
    pub stderr: Arc<Outlet>,
    /// None when the guard ends.
    pub observations: Mutex<Option<mpsc::Sender<Observation>>>,
}

/// What all replicas are told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    /// Replace the children, one after the other, without a request refused.
    Upgrade,
    /// Send them a signal.
    Signal(Signal),
}

/// How a replica is, for the page.
#[derive(Clone)]
pub(crate) struct Replica {
    /// From 0.
    pub slot: usize,
    /// The child, if there is one.
    pub backend: Option<Arc<Backend>>,
    /// What it is doing.
    pub state: ChildState,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Children started after the first.
    pub restarts: u64,
    /// How the last one ended, and when.
    pub last_exit: Option<(jiff::Timestamp, String)>,
}

/// The children of one guard.
pub(crate) struct Supervisor {
    context: Arc<Context>,
    spawner: Spawner,
    next: AtomicU64,
    replicas: Mutex<Vec<Replica>>,
    control: broadcast::Sender<Control>,
    /// Burials, which may outlast the replacement.
    burials: TaskTracker,
    /// One replica is upgraded at a time.
    upgrading: tokio::sync::Mutex<()>,
}

/// So long after the first line of a crash the runtime has stopped all goroutines but the one that writes
/// (`freezetheworld` of Go's runtime tries for some milliseconds): whoever answers then, lives.
const FROZEN: Duration = Duration::from_millis(50);

/// A child that is no more, and what it left unread.
struct Dead {
    running: Running,
    status: std::process::ExitStatus,
    /// Whether it was killed, since its dump took too long.
    by_guard: bool,
}

/// Why a child is not served any more.
enum Lost {
    /// It began to die, or is dead.
    Crash,
    /// It did not answer its health check.
    Unhealthy(String),
    /// The guard is being stopped.
    Stop,
    /// It is to be replaced.
    Upgrade,
}

impl Context {
    /// Says something on standard error, if that is wanted.
    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.options.verbose {
            self.tell(&text());
        }
    }

    /// Says something on standard error.
    pub fn tell(&self, text: &str) {
        say(&self.stderr, text);
    }

    /// The recorder gets nothing more.
    pub fn no_more_observations(&self) {
        self.observations.lock().take();
    }

    /// Something happened that becomes an incident.
    pub fn observe(&self, observation: Observation) {
        let sender = self.observations.lock().clone();
        if sender.is_none_or(|sender| sender.try_send(observation).is_err()) {
            self.metrics.incidents_lost.inc();
            self.tell("too many crashes at once: one was not recorded");
        }
    }
}

/// Says something of the guard's own on standard error, in the order in which it is called.
pub(crate) fn say(stderr: &Outlet, text: &str) {
    stderr.line(&format!("unpanic guard: {}", diag::clean_line(text)));
}

impl Supervisor {
    /// Without children yet; call it inside the runtime.
    pub fn new(context: Arc<Context>) -> Result<Arc<Self>> {
        let replica = |slot| Replica {
            slot,
            backend: None,
            state: ChildState::Starting,
            since: jiff::Timestamp::now(),
            restarts: 0,
            last_exit: None,
        };
        let replicas = (0..context.options.replicas).map(replica).collect();
        Ok(Arc::new(Self {
            spawner: Spawner::new()?,
            context,
            next: AtomicU64::new(1),
            replicas: Mutex::new(replicas),
            control: broadcast::channel(16).0,
            burials: TaskTracker::new(),
            upgrading: tokio::sync::Mutex::default(),
        }))
    }

    /// How the replicas are.
    pub fn replicas(&self) -> Vec<Replica> {
        self.replicas.lock().clone()
    }

    /// Tells all replicas.
    pub fn control(&self, control: Control) {
        // Nobody listens while all are being stopped.
        let _ = self.control.send(control);
    }

    /// Runs all replicas until `stop`; returns when all children have ended.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let slots = TaskTracker::new();
        let this = Arc::clone(&self);
        let reaping = tokio::spawn(reap::run(move |pid| {
            let replicas = this.replicas.lock();
            replicas.iter().any(|r| r.backend.as_ref().is_some_and(|b| b.pid == pid))
        }));
        for slot in 0..self.context.options.replicas {
            slots.spawn(Arc::clone(&self).slot(slot, stop.clone()));
        }
        slots.close();
        slots.wait().await;
        self.burials.close();
        self.burials.wait().await;
        reaping.abort();
    }

    fn set(&self, slot: usize, change: impl FnOnce(&mut Replica)) {
        if let Some(replica) = self.replicas.lock().get_mut(slot) {
            let before = replica.state;
            change(replica);
            if replica.state != before {
                replica.since = jiff::Timestamp::now();
            }
        }
    }

    async fn slot(self: Arc<Self>, slot: usize, stop: CancellationToken) {
        let context = Arc::clone(&self.context);
        let mut control = self.control.subscribe();
        let mut backoff = Backoff::default();
        let mut reason = "first";
        loop {
            self.set(slot, |r| (r.state, r.backend) = (ChildState::Starting, None));
            let started = tokio::select! {
                () = stop.cancelled() => return,
                started = self.start(slot, reason) => started,
            };
            let mut running = match started {
                Ok(running) => running,
                Err(error) => {
                    context.tell(&error.to_string());
                    reason = "start failed";
                    if self.pause(slot, backoff.died(None, &context.options.lifecycle), &stop).await
                    {
                        return;
                    }
                    continue;
                }
            };
            let ready = tokio::select! {
                () = stop.cancelled() => {
                    running.end(context.options.lifecycle.kill_after).await;
                    running.last_words().await;
                    return;
                }
                ready = self.until_ready(&mut running) => ready,
            };
            let mut served = None;
            if let Err(why) = ready {
                context.tell(&format!("child {} did not start: {why}", running.child.backend.id));
                reason = "start failed";
                // Go answers SIGQUIT with the stacks of all goroutines: where it hangs.
                running.child.signal(Signal::SIGQUIT, false);
                self.bury(running, false).await;
            } else {
                let begun = Instant::now();
                // A child that is up closes the breaker.
                context.router.breaker(None);
                context.router.add(Arc::clone(&running.child.backend));
                context.recovery.good_answer();
                self.set(slot, |r| r.state = ChildState::Serving);
                loop {
                    let lost = self.serve(&mut running, &mut control, &stop, &mut backoff).await;
                    match lost {
                        Lost::Stop => {
                            // Who stops the guard has waited for requests already.
                            self.set(slot, |r| r.state = ChildState::Draining);
                            self.retire(running, Duration::ZERO).await;
                            return;
                        }
                        Lost::Upgrade => match self.upgrade(slot, running, &stop).await {
                            Some(next) => {
                                running = next;
                                continue;
                            }
                            None => reason = "upgrade",
                        },
                        Lost::Crash => {
                            reason = "crash";
                            self.crashed(running).await;
                        }
                        Lost::Unhealthy(why) => {
                            reason = "unhealthy";
                            context.tell(&format!(
                                "child {} (pid {}) is not healthy: {why}",
                                running.child.backend.id, running.child.backend.pid
                            ));
                            // Go answers SIGQUIT with the stacks of all goroutines.
                            running.child.signal(Signal::SIGQUIT, false);
                            self.crashed(running).await;
                        }
                    }
                    break;
                }
                served = Some(begun.elapsed());
            }
            let next = if reason == "upgrade" {
                Next::Pause(Duration::ZERO)
            } else {
                backoff.died(served, &context.options.lifecycle)
            };
            if self.pause(slot, next, &stop).await {
                return;
            }
        }
    }

    /// Waits before the next start; whether the guard is being stopped meanwhile.
    async fn pause(&self, slot: usize, next: Next, stop: &CancellationToken) -> bool {
        let (pause, broken) = match next {
            Next::Pause(pause) => (pause, false),
            Next::Break(pause) => (pause, true),
        };
        if pause.is_zero() {
            return stop.is_cancelled();
        }
        self.set(slot, |r| (r.state, r.backend) = (ChildState::Waiting, None));
        if broken {
            self.context.router.breaker(Some(Instant::now() + pause));
            self.context.tell(&format!(
                "the service dies again and again: the next start is in {} s; requests get 503 until then",
                pause.as_secs()
            ));
        }
        tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(pause) => false,
        }
    }

    async fn start(&self, slot: usize, reason: &'static str) -> Result<Running> {
        let options = &self.context.options;
        let port = match options.upstream.port {
            Some(port) => port,
            None => free_port(options)?,
        };
        let process = self.spawner.start(options, port).await?;
        let pid = process.id().unwrap_or_default();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::new(options.upstream.host, port);
        let backend = Backend::new(id, slot, pid, address);
        self.set(slot, |r| {
            r.backend = Some(Arc::clone(&backend));
            r.restarts += u64::from(reason != "first");
        });
        if reason != "first" {
            self.context.metrics.restarted(reason);
        }
        self.context.say(|| format!("child {id} (pid {pid}) started on {address}: {reason}"));
        Ok(Running::new(process, backend, &self.context))
    }

    /// Waits until a child answers its health check.
    async fn until_ready(&self, running: &mut Running) -> std::result::Result<(), String> {
        let health = &self.context.options.health;
        let begun = Instant::now();
        let address = running.child.backend.address;
        loop {
            let asked = tokio::select! {
                biased;
                () = running.lost() => return Err(format!("it died ({})", self.how(running).await)),
                asked = health::ask(address, &health.probe, health.timeout) => asked,
            };
            let Err(why) = asked else {
                // With a fixed port somebody else may have answered: then the child, which cannot
                // listen, is about to end.
                return Ok(());
            };
            if begun.elapsed() > health.start {
                return Err(format!("not healthy within {:?}: {why}", health.start));
            }
            // Often at first, when it matters; a slow starter is not asked five hundred times a second.
            let pause =
                (begun.elapsed() / 20).clamp(Duration::from_millis(2), Duration::from_millis(200));
            tokio::select! {
                () = running.lost() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn how(&self, running: &mut Running) -> String {
        let gone = tokio::time::timeout(Duration::from_secs(2), running.gone()).await;
        gone.map_or_else(|_| "it crashed".to_owned(), |status| status.to_string())
    }

    /// Watches a child that serves until it does not any more.
    async fn serve(
        &self,
        running: &mut Running,
        control: &mut broadcast::Receiver<Control>,
        stop: &CancellationToken,
        backoff: &mut Backoff,
    ) -> Lost {
        let options = &self.context.options;
        let health = &options.health;
        let mut tick = tokio::time::interval(health.interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.tick().await;
        let (mut failures, begun) = (0, Instant::now());
        loop {
            tokio::select! {
                biased;
                () = running.lost() => return Lost::Crash,
                () = stop.cancelled() => return Lost::Stop,
                told = control.recv() => match told {
                    Ok(Control::Upgrade) => return Lost::Upgrade,
                    Ok(Control::Signal(signal)) => running.child.signal(signal, false),
                    Err(_) => {}
                },
                _ = tick.tick() => {
                    if begun.elapsed() >= options.lifecycle.sound_after {
                        backoff.sound();
                    }
                    let address = running.child.backend.address;
                    let asked = tokio::select! {
                        biased;
                        () = running.lost() => return Lost::Crash,
                        asked = health::ask(address, &health.probe, health.timeout) => asked,
                    };
                    match asked {
                        Ok(()) => failures = 0,
                        Err(why) => {
                            failures += 1;
                            if failures >= health.failures {
                                return Lost::Unhealthy(why);
                            }
                        }
                    }
                }
            }
        }
    }

    /// A child has begun to die. With ports of their own the next one need not wait for it.
    async fn crashed(self: &Arc<Self>, running: Running) {
        let backend = Arc::clone(&running.child.backend);
        self.context.router.remove(backend.id);
        let this = Arc::clone(self);
        if self.context.options.upstream.port.is_none() {
            self.burials.spawn(async move { this.bury(running, true).await });
        } else {
            if let Some(dead) = self.end_of(running, true).await {
                // Its port is free: what it left can be looked through beside the next start.
                self.burials.spawn(async move { this.record(dead).await });
            }
        }
        backend.gone.say();
    }

    /// Waits for the end of a child that dies and hands on what it left.
    async fn bury(&self, running: Running, served: bool) {
        if let Some(dead) = self.end_of(running, served).await {
            self.record(dead).await;
        }
    }

    /// Waits for the end of a child that dies, at most for as long as its dump may take. `None`: it
    /// lives, and was ended gracefully.
    async fn end_of(&self, mut running: Running, served: bool) -> Option<Dead> {
        let options = &self.context.options;
        let child = Arc::clone(&running.child);
        // One that was sent SIGQUIT says its first line in a moment.
        let _ = tokio::time::timeout(options.capture.dump_time, running.lost()).await;
        let mut lives = std::pin::pin!(async {
            tokio::time::sleep(FROZEN).await;
            self.lives(&child).await
        });
        let mut answer = None;
        {
            let mut dumped = std::pin::pin!(running.dumped(options.capture.dump_time));
            loop {
                tokio::select! {
                    biased;
                    () = &mut dumped => break,
                    asked = &mut lives, if served && answer.is_none() => answer = Some(asked),
                }
            }
        }
        let mut by_guard = false;
        if !running.is_gone() {
            let lives = match answer {
                _ if !served => false,
                // It may have been answered just before the end.
                Some(true) => self.lives(&child).await,
                Some(false) => false,
                None => !child.dumps_much() && lives.await,
            };
            if lives {
                self.context.tell(&format!(
                    "child {} (pid {}) printed what looks like a crash but lives; it is replaced gracefully",
                    child.backend.id, child.backend.pid
                ));
                self.retire(running, options.lifecycle.drain).await;
                return None;
            }
            by_guard = true;
        }
        // What it has started goes with it: it may hold the port.
        child.signal(Signal::SIGKILL, true);
        let status = running.gone().await;
        Some(Dead { running, status, by_guard })
    }

    /// Hands on what a dead child left.
    async fn record(&self, dead: Dead) {
        let Dead { mut running, status, by_guard } = dead;
        let child = Arc::clone(&running.child);
        let report = running.last_words().await;
        let exit = crate::incident::exit(status, by_guard);
        let told = Some((jiff::Timestamp::now(), exit.text()));
        self.set(child.backend.slot, |r| r.last_exit = told);
        if let Some(moment) = child.death_moment() {
            let mut moment = moment.clone();
            if report.is_none() {
                // Nothing of a dump is in them.
                moment.lines = child.tail.lock().before("");
            }
            self.context.observe(Observation::Died {
                child,
                moment,
                report: report.map(Box::new),
                exit,
            });
        }
    }

    /// Whether a child that printed a crash serves on: text that looks like one.
    async fn lives(&self, child: &Child) -> bool {
        let health = &self.context.options.health;
        // The kernel accepts connections for a process that is frozen: TCP proves nothing.
        if health.probe == Probe::Tcp {
            return !child.is_confirmed();
        }
        let limit = health.timeout.min(Duration::from_millis(500));
        health::ask(child.backend.address, &health.probe, limit).await.is_ok()
    }

    /// Ends a child that is sound: no further requests, those in flight finish, then SIGTERM.
    async fn retire(&self, mut running: Running, drain: Duration) {
        let lifecycle = &self.context.options.lifecycle;
        let backend = Arc::clone(&running.child.backend);
        self.context.router.remove(backend.id);
        backend.drained(drain).await;
        let (status, by_guard) = running.end(lifecycle.kill_after).await;
        running.last_words().await;
        let exit = crate::incident::exit(status, by_guard).text();
        self.context.say(|| format!("child {} ended: {exit}", backend.id));
        let told = Some((jiff::Timestamp::now(), exit));
        self.set(backend.slot, |r| r.last_exit = told);
    }

    /// Puts a new child in the place of one that serves. `None`: the slot has none now, and the next
    /// one is to be started. Requests wait meanwhile; none is refused.
    async fn upgrade(
        self: &Arc<Self>,
        slot: usize,
        running: Running,
        stop: &CancellationToken,
    ) -> Option<Running> {
        // Replicas take turns, so that most of them serve at any time.
        let _turn = self.upgrading.lock().await;
        self.context.say(|| format!("child {} is replaced", running.child.backend.id));
        let drain = self.context.options.lifecycle.drain;
        if self.context.options.upstream.port.is_some() {
            // New requests wait as long as the old ones take, and they wait for so long only.
            let drain = drain.min(self.context.options.proxy.queue_time / 2);
            self.retire(running, drain).await;
            return None;
        }
        let ready = async {
            let mut next = self.start(slot, "upgrade").await.map_err(|e| e.to_string())?;
            match self.until_ready(&mut next).await {
                Ok(()) => Ok(next),
                Err(why) => {
                    next.end(Duration::ZERO).await;
                    next.last_words().await;
                    Err(why)
                }
            }
        };
        let ready = tokio::select! {
            () = stop.cancelled() => Err("the guard is being stopped".to_owned()),
            ready = ready => ready,
        };
        match ready {
            Ok(next) => {
                self.context.router.add(Arc::clone(&next.child.backend));
                let this = Arc::clone(self);
                self.burials.spawn(async move { this.retire(running, drain).await });
                Some(next)
            }
            Err(why) => {
                self.context
                    .tell(&format!("the old child stays, the new one did not start: {why}"));
                let backend = Some(Arc::clone(&running.child.backend));
                self.set(slot, |r| (r.backend, r.state) = (backend, ChildState::Serving));
                Some(running)
            }
        }
    }
}

/// A port that is free now. Somebody else may take it before the child does; then the child fails to
/// listen, and the next one gets another.
fn free_port(options: &Options) -> Result<u16> {
    TcpListener::bind((options.upstream.host, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| crate::error::Error::Io { doing: "cannot find a free port", source })
}
