//! One child, from its start to its burial: what the readers of its output, the proxy and the
//! supervisor know of it together.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::backend::Backend;
use crate::capture::{self, Tail};
use crate::incident::Moment;

/// How long before a crash requests count that have ended.
const WINDOW: Duration = Duration::from_secs(3);
/// Whoever logs the stack of a panic that was recovered from hardly ever writes so much.
const LOGGED: usize = 64 << 10;
/// How long the output of a dead child may stay open: something that it started holds it.
const OUTPUT: Duration = Duration::from_millis(200);

/// What is known of a child.
pub(crate) struct Child {
    /// As the proxy sees it.
    pub backend: Arc<Backend>,
    /// The last lines that it printed.
    pub tail: Mutex<Tail>,
    /// What was known when it began to die.
    death: OnceLock<Moment>,
    /// Whether its stack came, so that it is a death for certain.
    confirmed: AtomicBool,
    /// Bytes of its dump so far.
    dump: AtomicUsize,
    /// Whether it was told to end.
    pub asked: AtomicBool,
    /// How far its end has come.
    phase: watch::Sender<Phase>,
    /// Its dump is longer than what is read.
    enough: CancellationToken,
}

/// How far a child's end has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// It runs.
    Alive,
    /// The first line of a crash has come.
    Dying,
    /// The process is no more.
    Gone(ExitStatus),
}

/// A child and its tasks.
pub(crate) struct Running {
    pub child: Arc<Child>,
    pub phase: watch::Receiver<Phase>,
    readers: Vec<JoinHandle<Option<go_crash::Report>>>,
    stop_reading: CancellationToken,
}

impl Child {
    /// What is known right now: for the incident that begins with `message`.
    pub fn moment(&self, context: &Context, message: &str) -> Moment {
        Moment {
            at: SystemTime::now(),
            instant: Instant::now(),
            flights: context.flights.of_child(self.backend.id),
            recent: context.flights.recent(WINDOW),
            lines: self.tail.lock().before(message),
        }
    }

    /// The first line of a crash has come: no further requests, and whatever it has not answered
    /// goes elsewhere.
    pub fn first_line(&self, context: &Context, message: &str) {
        if self.asked.load(Ordering::Acquire) || self.death.get().is_some() {
            return;
        }
        context.router.remove(self.backend.id);
        let moment = self.moment(context, message);
        context.recovery.crashed(self.backend.id, moment.instant);
        let _ = self.death.set(moment);
        self.phase.send_if_modified(|phase| {
            let alive = *phase == Phase::Alive;
            if alive {
                *phase = Phase::Dying;
            }
            alive
        });
        self.backend.gone.say();
        context.say(|| format!("child {} (pid {}) is dying", self.backend.id, self.backend.pid));
    }

    /// Whether the first line of a crash has come.
    pub fn is_dying(&self) -> bool {
        self.death.get().is_some()
    }

    /// What was known then.
    pub fn death_moment(&self) -> Option<&Moment> {
        self.death.get()
    }

    /// It is a death for certain.
    pub fn confirm(&self) {
        self.confirmed.store(true, Ordering::Release);
    }

    /// Whether it is a death for certain.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Acquire)
    }

    /// So much of its dump has come.
    pub fn dumps(&self, bytes: usize) {
        self.dump.store(bytes, Ordering::Relaxed);
    }

    /// Whether its stack has come and much more: no text of a program that lives.
    pub fn dumps_much(&self) -> bool {
        self.is_confirmed() && self.dump.load(Ordering::Relaxed) > LOGGED
    }

    /// Its dump is longer than what is read.
    pub fn dump_is_enough(&self) {
        self.enough.cancel();
    }

    /// Sends a signal to the process, or to its whole group.
    pub fn signal(&self, signal: Signal, group: bool) {
        let Ok(pid) = i32::try_from(self.backend.pid) else { return };
        // An error means that nobody is left.
        let pid = Pid::from_raw(pid);
        let _ = if group { killpg(pid, signal) } else { kill(pid, signal) };
    }

    /// Asks it to end.
    pub fn ask_to_end(&self) {
        self.asked.store(true, Ordering::Release);
        self.signal(Signal::SIGTERM, false);
    }
}

impl Running {
    /// Takes over a process that has just been started.
    pub fn new(
        mut process: tokio::process::Child,
        backend: Arc<Backend>,
        context: &Arc<Context>,
    ) -> Self {
        let (phase, receive) = watch::channel(Phase::Alive);
        let child = Arc::new(Child {
            backend,
            tail: Mutex::new(Tail::new(context.options.capture.lines)),
            death: OnceLock::new(),
            confirmed: AtomicBool::new(false),
            dump: AtomicUsize::new(0),
            asked: AtomicBool::new(false),
            phase,
            enough: CancellationToken::new(),
        });
        let stop_reading = CancellationToken::new();
        let follow =
            |stderr| (stderr, Arc::clone(&child), Arc::clone(context), stop_reading.clone());
        let mut readers = Vec::new();
        if let Some(stream) = process.stderr.take() {
            let (stderr, child, context, stop) = follow(true);
            readers.push(tokio::spawn(capture::follow(stream, stderr, child, context, stop)));
        }
        if let Some(stream) = process.stdout.take() {
            let (stderr, child, context, stop) = follow(false);
            readers.push(tokio::spawn(capture::follow(stream, stderr, child, context, stop)));
        }
        let (waits, context) = (Arc::clone(&child), Arc::clone(context));
        tokio::spawn(async move {
            // Waiting for one's own child fails only if somebody else has reaped it.
            let status = process.wait().await.unwrap_or_default();
            waits.ended(&context, status);
        });
        Self { child, phase: receive, readers, stop_reading }
    }

    /// Waits until the process is no more.
    pub async fn gone(&mut self) -> ExitStatus {
        let gone = self.phase.wait_for(|phase| matches!(phase, Phase::Gone(_))).await;
        match gone.map(|phase| *phase) {
            Ok(Phase::Gone(status)) => status,
            // The sender lives in the child, which is held here.
            _ => ExitStatus::default(),
        }
    }

    /// Waits until the first line of a crash has come or the process is no more.
    pub async fn lost(&mut self) {
        let _ = self.phase.wait_for(|phase| *phase != Phase::Alive).await;
    }

    /// Whether the process is no more.
    pub fn is_gone(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Gone(_))
    }

    /// Waits until it has ended or has written all of its dump that is read.
    pub async fn dumped(&mut self, limit: Duration) {
        let child = Arc::clone(&self.child);
        let end = child.death_moment().map_or_else(Instant::now, |moment| moment.instant) + limit;
        tokio::select! {
            _ = self.gone() => {}
            () = child.enough.cancelled() => {}
            () = tokio::time::sleep_until(end.into()) => {}
        }
    }

    /// Asks it to end, and makes it end when it takes longer than `limit`; whether it had to be made.
    pub async fn end(&mut self, limit: Duration) -> (ExitStatus, bool) {
        self.child.ask_to_end();
        match tokio::time::timeout(limit, self.gone()).await {
            Ok(status) => (status, false),
            Err(_) => {
                self.child.signal(Signal::SIGKILL, true);
                (self.gone().await, true)
            }
        }
    }

    /// What it printed when it died; call it when it is gone.
    pub async fn last_words(&mut self) -> Option<go_crash::Report> {
        // What it has started goes with it, and with that the other ends of the pipes.
        self.child.signal(Signal::SIGKILL, true);
        let mut found = None;
        let mut readers = std::mem::take(&mut self.readers);
        let all = async {
            for reader in &mut readers {
                let report = reader.await.ok().flatten();
                found = found.take().or(report);
            }
        };
        if tokio::time::timeout(OUTPUT, all).await.is_err() {
            self.stop_reading.cancel();
            for reader in readers.into_iter().filter(|reader| !reader.is_finished()) {
                let report = reader.await.ok().flatten();
                found = found.or(report);
            }
        }
        found
    }
}

impl Child {
    fn ended(&self, context: &Context, status: ExitStatus) {
        context.router.remove(self.backend.id);
        if !self.asked.load(Ordering::Acquire) && self.death.get().is_none() {
            let moment = self.moment(context, "");
            context.recovery.crashed(self.backend.id, moment.instant);
            let _ = self.death.set(moment);
        }
        self.phase.send_replace(Phase::Gone(status));
        self.backend.gone.say();
        self.backend.pool.clear();
    }
}
