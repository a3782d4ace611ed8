//! From an observation to what is stored: the crash, the request, the finding, and all that was
//! known at that moment.

mod keeper;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use go_crash::Report;
use incidents::{
    BuildInfo, Correlated, Crash, Exit, Joined, LogLine, NewIncident, Outcome, Request, Service,
};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::mpsc;

pub(crate) use keeper::Keeper;

use crate::buildinfo;
use crate::correlate::{self, correlate};
use crate::findings::Findings;
use crate::flights::Flight;
use crate::recovery::Recovered;
use crate::supervisor::{Child, Context};

/// Trace ids that an incident names.
const MAX_TRACES: usize = 10_000;
/// Requests in flight that it describes.
const MAX_IN_FLIGHT: usize = 1000;
/// Requests around it that it describes.
const MAX_AROUND: usize = 200;
/// Crashes for which a recovery may still come.
const MAX_OPEN: usize = 256;

/// What was known when a crash began.
#[derive(Clone)]
pub(crate) struct Moment {
    pub at: SystemTime,
    pub instant: Instant,
    /// Requests that the child served.
    pub flights: Vec<Arc<Flight>>,
    /// Requests that ended within the 3 s before.
    pub recent: Vec<Arc<Flight>>,
    /// What was printed before.
    pub lines: Vec<LogLine>,
}

/// Something that becomes an incident.
pub(crate) enum Observation {
    /// A child has died.
    Died { child: Arc<Child>, moment: Moment, report: Option<Box<Report>>, exit: Exit },
    /// A panic was recovered, or a race reported.
    Lived { child: Arc<Child>, moment: Moment, report: Box<Report> },
}

/// Turns observations into incidents.
pub(crate) struct Recorder {
    context: Arc<Context>,
    findings: Findings,
    keeper: Keeper,
    host: String,
    build: Mutex<Option<(PathBuf, SystemTime, Option<BuildInfo>)>>,
    otlp: Option<crate::otlp::Exporter>,
    /// Occurrences by child, newest last.
    open: Mutex<VecDeque<(u64, String)>>,
    /// Recoveries that came before their incident was stored.
    early: Mutex<HashMap<u64, Duration>>,
}

/// How a process ended.
pub(crate) fn exit(status: ExitStatus, by_guard: bool) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;
    let signal = status.signal().map(|number| {
        nix::sys::signal::Signal::try_from(number)
            .map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
    });
    Exit { code: status.code(), oom_killed: false, by_guard, signal }
}

impl Recorder {
    /// Incidents go to `keeper`.
    pub fn new(
        context: Arc<Context>,
        findings: Findings,
        keeper: Keeper,
        otlp: Option<crate::otlp::Exporter>,
    ) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().to_owned();
        Self {
            context,
            findings,
            keeper,
            otlp,
            host,
            build: Mutex::default(),
            open: Mutex::default(),
            early: Mutex::default(),
        }
    }

    /// The version of the service, as far as it is known before it runs.
    pub fn version(&self) -> Option<String> {
        let options = &self.context.options;
        options.version.clone().or_else(|| self.build().as_ref().and_then(buildinfo::version))
    }

    /// Records all that comes until the senders are gone.
    pub async fn run(
        self,
        mut observations: mpsc::Receiver<Observation>,
        mut recoveries: mpsc::UnboundedReceiver<Recovered>,
    ) {
        let mut oom = oom_kills();
        loop {
            tokio::select! {
                observation = observations.recv() => {
                    let Some(observation) = observation else { break };
                    self.record(observation, &mut oom).await;
                }
                Some(recovered) = recoveries.recv() => self.recovered(recovered).await,
            }
        }
        while let Ok(recovered) = recoveries.try_recv() {
            self.recovered(recovered).await;
        }
    }

    async fn record(&self, observation: Observation, oom: &mut Option<u64>) {
        let (child, moment, report, mut exit) = match observation {
            Observation::Died { child, moment, report, exit } => {
                (child, moment, report, Some(exit))
            }
            Observation::Lived { child, moment, report } => (child, moment, Some(report), None),
        };
        if let Some(exit) = &mut exit
            && exit.signal.as_deref() == Some("SIGKILL")
            && !exit.by_guard
        {
            let now = oom_kills();
            exit.oom_killed = now > *oom;
            *oom = now;
        }
        let new = self.incident(&child, moment, report.as_deref(), exit);
        self.count(&new);
        let id = child.backend.id;
        self.tell(&new);
        if let Some(otlp) = &self.otlp {
            otlp.exception(&new);
        }
        let occurrence = match self.keeper.record(&new, |text| self.context.tell(text)).await {
            Ok(Some(occurrence)) => occurrence,
            Ok(None) => return,
            Err(error) => return self.lost(&error),
        };
        if new.class == Outcome::Lived {
            return;
        }
        let early = self.early.lock().remove(&id);
        match early {
            Some(took) => self.add_recovery(&occurrence, took).await,
            None => {
                let mut open = self.open.lock();
                open.push_back((id, occurrence));
                if open.len() > MAX_OPEN {
                    open.pop_front();
                }
            }
        }
    }

    fn lost(&self, error: &str) {
        self.context.metrics.incidents_lost.inc();
        self.context.tell(&format!("an incident could not be stored: {error}"));
    }

    async fn add_recovery(&self, occurrence: &str, took: Duration) {
        if let Err(error) = self.keeper.recovered(occurrence, took).await {
            self.lost(&error);
        }
    }

    async fn recovered(&self, recovered: Recovered) {
        self.context.metrics.recovered(recovered.took);
        self.context.say(|| format!("recovered after {:.1?}", recovered.took));
        let found = {
            let mut open = self.open.lock();
            let index = open.iter().position(|(child, _)| *child == recovered.child);
            index.and_then(|index| open.remove(index))
        };
        if let Some((_, occurrence)) = found {
            self.add_recovery(&occurrence, recovered.took).await;
        } else {
            let mut early = self.early.lock();
            if early.len() < MAX_OPEN {
                early.insert(recovered.child, recovered.took);
            }
        }
    }

    fn count(&self, new: &NewIncident) {
        let kind = new.crash.as_ref().map_or("exit", |crash| crash.report.kind.as_str());
        let request = new.request.as_ref();
        let route = request.and_then(|r| r.request.route.as_deref());
        let trace = request.and_then(|r| r.request.trace.clone());
        self.context.metrics.panicked(kind, route, trace);
        self.context.metrics.crashed(new.class);
    }

    fn tell(&self, new: &NewIncident) {
        let request = new.request.as_ref().map_or_else(String::new, |found| {
            format!(
                "; request {} {} ({}: {})",
                found.request.method,
                found.request.path,
                found.confidence.as_str(),
                found.reason
            )
        });
        let finding = new.finding.as_ref().map_or_else(String::new, |joined| {
            let other = joined.other().map_or_else(String::new, |access| {
                format!(", other side {}:{} in {}", access.file, access.line, access.function)
            });
            format!("; {} {}{other}", joined.finding.rule, joined.finding.message)
        });
        self.context.tell(&format!("{}: {}{request}{finding}", new.class.as_str(), new.title()));
    }

    fn incident(
        &self,
        child: &Child,
        moment: Moment,
        report: Option<&Report>,
        exit: Option<Exit>,
    ) -> NewIncident {
        let lines: Vec<&str> = moment.lines.iter().map(|line| line.text.as_str()).collect();
        let found = correlate(report, &moment.flights, &moment.recent, &lines);
        let mut traces: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for flight in moment.flights.iter().chain(moment.recent.iter().rev()) {
            if traces.len() < MAX_TRACES && seen.insert(flight.trace) {
                traces.push(flight.trace.to_string());
            }
        }
        let around = moment.recent.len().saturating_sub(MAX_AROUND);
        let around: Vec<Request> =
            moment.recent[around..].iter().chain(&moment.flights).map(|f| request(f)).collect();
        let class = if exit.is_some() { Outcome::Died } else { Outcome::Lived };
        NewIncident {
            time: timestamp(moment.at),
            class,
            crash: report.map(|report| {
                let mut crash = Crash::new(report);
                if exit.as_ref().is_some_and(|exit| exit.by_guard) {
                    let limit = self.context.options.capture.dump_time;
                    crash.cut = Some(format!(
                        "after {limit:?} or {} bytes",
                        self.context.options.capture.dump_size
                    ));
                }
                crash
            }),
            exit,
            service: self.service(child),
            request: found.map(|found| Correlated {
                confidence: found.confidence,
                reason: found.reason,
                request: request(&found.flight),
            }),
            traces,
            in_flight: moment.flights.iter().take(MAX_IN_FLIGHT).map(|f| request(f)).collect(),
            around,
            log: moment.lines,
            finding: report.and_then(|report| self.explain(report)),
            recovery: None,
        }
    }

    fn explain(&self, report: &Report) -> Option<Joined> {
        self.findings.explain(report)
    }

    fn service(&self, child: &Child) -> Service {
        let options = &self.context.options;
        let build = self.build();
        Service {
            name: options.service.clone(),
            version: self.version(),
            build,
            host: self.host.clone(),
            instance: child.backend.slot.to_string(),
            pid: child.backend.pid,
        }
    }

    /// The binary's build information; read again when the file has changed.
    fn build(&self) -> Option<BuildInfo> {
        let program = find_program(self.context.options.command.first()?)?;
        let changed = std::fs::metadata(&program).and_then(|m| m.modified()).ok()?;
        let mut known = self.build.lock();
        if let Some((path, at, info)) = &*known
            && (path, at) == (&program, &changed)
        {
            return info.clone();
        }
        let info = buildinfo::read(&program);
        *known = Some((program, changed, info.clone()));
        info
    }
}

/// The file of a program: as given, or found in `PATH`.
fn find_program(name: &std::ffi::OsStr) -> Option<PathBuf> {
    if name.to_string_lossy().contains('/') {
        return Some(PathBuf::from(name));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or_else(|_| Timestamp::now())
}

/// A request as incidents and the page have it.
pub(crate) fn request(flight: &Flight) -> Request {
    let started = timestamp(flight.started_at);
    Request {
        id: flight.id,
        method: flight.method.to_string(),
        path: flight.path.to_string(),
        route: Some(correlate::route(&flight.path)),
        trace: Some(flight.trace.to_string()),
        started,
        ended: flight.took().map(|took| timestamp(flight.started_at + took)),
        status: flight.status(),
        fate: flight.fate(),
        headers: flight.headers.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
    }
}

/// How many processes of this cgroup (v2) the kernel's OOM killer has ended so far.
fn oom_kills() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let events = format!("/sys/fs/cgroup{}/memory.events", path.trim_end_matches('/'));
    let text = std::fs::read_to_string(events).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}
