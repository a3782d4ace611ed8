//! One drill: something breaks while load runs, and everything that can be seen from outside is written
//! down. What it means is judged in `aftermath`.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Error;
use crate::config::Kind;
use crate::dependency::{Dependency, Mode};
use crate::fetch::Place;
use crate::lines::{self, Fields};
use crate::load::{self, LoadHandle, LoadReport, uuid};
use crate::metrics;
use crate::output::Crash;
use crate::plan::{Drill, Plan, Trigger};
use crate::probe::{self, Probe, Prober};
use crate::process::{Candidate, Exit};

/// Load before the trigger, so that requests are in flight and figures have settled.
const BEFORE: Duration = Duration::from_millis(700);
/// At least so long is watched after the trigger: a process may take a moment to die.
const WATCH: Duration = Duration::from_millis(1200);
/// Health has come back when it stays for so long.
const STEADY: Duration = Duration::from_millis(500);
/// Longer than this no drill is watched; the load under it ends then, too.
const LONGEST: Duration = Duration::from_secs(50);
/// How long a counter may take to show what happened.
const COUNTING: Duration = Duration::from_secs(2);

/// What the runner gives a drill.
pub struct Stage<'a> {
    /// The run.
    pub plan: &'a Plan,
    /// The process, if it is ours.
    pub candidate: Option<&'a Candidate>,
    /// Our listener.
    pub dependency: Option<&'a Dependency>,
    /// Health.
    pub health: &'a Place,
    /// Readiness, if it is asked.
    pub readiness: Option<&'a Place>,
    /// Metrics, if there are any.
    pub metrics: Option<&'a Place>,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// The drill's name.
    pub name: String,
    /// What it breaks.
    pub kind: Kind,
    /// What came of the triggers.
    pub triggers: Vec<String>,
    /// How many got an answer.
    pub answered: u32,
    /// From the trigger (SIGTERM: from the end of the process; a dependency: from when it was back) until
    /// health answered well again, in nanoseconds; 0 when it never stopped. None: it did not.
    pub recovery: Option<u64>,
    /// Whether health was ever bad or slow.
    pub outage: bool,
    /// How the process ended.
    pub exits: Vec<Exit>,
    /// It could not be started again.
    pub restart_failed: Option<String>,
    /// What it printed when it died.
    pub crashes: Vec<Crash>,
    /// Log lines about the event.
    pub events: u64,
    /// Of those: fields that are missing, and in how many lines.
    pub missing: Vec<(String, u64)>,
    /// Of those: lines with the trace id that the trigger sent.
    pub traced: u64,
    /// The counter before and after.
    pub metric: Option<Change>,
    /// Goroutines before and after.
    pub goroutines: Option<Change>,
    /// How long readiness said ready while most requests failed, at a stretch, in nanoseconds.
    pub lie: Option<u64>,
    /// The load meanwhile.
    pub load: LoadReport,
    /// Answers of health and readiness over time, for pictures.
    pub strips: Vec<Strip>,
    /// How late our own probes were, at most, in nanoseconds.
    pub late: u64,
    /// Seconds from the start of the load to the trigger.
    pub at: f64,
}

/// A figure before and after.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Change {
    /// Before the trigger; none: there was no such metric.
    pub before: Option<f64>,
    /// At the end.
    pub after: Option<f64>,
}

/// Answers over time.
#[derive(Clone, Debug, Serialize)]
pub struct Strip {
    /// `health` or `readiness`.
    pub name: &'static str,
    /// Start and end in seconds since the start of the load, and whether it was good.
    pub spans: Vec<(f64, f64, bool)>,
}

/// Does a drill.
pub async fn run(stage: &Stage<'_>, drill: &Drill) -> Result<Seen, Error> {
    let handle = load::start(stage.plan.drill_load())?;
    let result = act(stage, drill, &handle).await;
    if let Some(dependency) = stage.dependency {
        dependency.set(Mode::Normal);
    }
    handle.stop();
    let report = tokio::task::spawn_blocking(move || handle.join())
        .await
        .map_err(|_| Error::Harness("the load generator died".to_owned()))?;
    let acted = result?;
    Ok(acted.seen(stage, drill, report?))
}

/// What was gathered while the load ran.
struct Acted {
    triggered: Instant,
    /// What recovery is counted from.
    origin: Instant,
    /// Whether the process was gone then.
    down: bool,
    began: Instant,
    triggers: Vec<Result<u16, String>>,
    traces: Vec<String>,
    health: Vec<Probe>,
    readiness: Option<Vec<Probe>>,
    metric: Option<Change>,
    goroutines: Option<Change>,
    late: Duration,
}

async fn act(stage: &Stage<'_>, drill: &Drill, load: &LoadHandle) -> Result<Acted, Error> {
    let health = Prober::start(stage.health.clone());
    let readiness = stage.readiness.map(|place| Prober::start(place.clone()));
    tokio::time::sleep(BEFORE).await;
    let limits = Instant::now();
    while load.began().is_none() && limits.elapsed() < LONGEST && !load.is_over() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = load.began().unwrap_or_else(Instant::now);
    let metric_before = scrape(stage, &stage.plan.config.checks.metric, true).await;
    let goroutines_before = most_goroutines(stage).await;
    let triggered = load.mark();
    let mut acted = Acted {
        triggered,
        origin: triggered,
        down: false,
        began,
        triggers: Vec::new(),
        traces: Vec::new(),
        health: Vec::new(),
        readiness: None,
        metric: None,
        goroutines: None,
        late: Duration::ZERO,
    };
    acted.pull(stage, drill).await?;
    acted.settle(stage, drill, &health, load).await;
    acted.health = health.probes();
    acted.late = health.late();
    acted.readiness = readiness.as_ref().map(Prober::probes);
    let alive = probe::outage(&acted.health, acted.origin, acted.down).recovered.is_some();
    if drill.metric {
        let wanted = metric_before.unwrap_or(0.0) + f64::from(drill.times);
        let mut after = None;
        let start = Instant::now();
        while alive && start.elapsed() < COUNTING {
            after = scrape(stage, &stage.plan.config.checks.metric, true).await;
            if after.is_some_and(|after| after >= wanted) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // One that counts twice may do so a little later.
        tokio::time::sleep(Duration::from_millis(150)).await;
        let last = scrape(stage, &stage.plan.config.checks.metric, true).await;
        acted.metric = Some(Change { before: metric_before, after: last.or(after) });
    }
    if drill.goroutines && alive && goroutines_before.is_some() {
        let checks = &stage.plan.config.checks;
        let limit = goroutines_before.unwrap_or(0.0) + checks.goroutine_slack as f64;
        let start = Instant::now();
        let mut after = None;
        while start.elapsed() < checks.goroutine_timeout.0 {
            after = scrape(stage, &checks.goroutines, false).await;
            if after.is_some_and(|after| after <= limit) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        acted.goroutines = Some(Change { before: goroutines_before, after });
    }
    Ok(acted)
}

async fn scrape(stage: &Stage<'_>, name: &str, labelled: bool) -> Option<f64> {
    let place = stage.metrics?;
    let fetched = place.ask(Duration::from_secs(5)).await.ok()?;
    let none = std::collections::BTreeMap::new();
    let labels = if labelled { &stage.plan.config.checks.metric_labels } else { &none };
    if fetched.status == 200 { metrics::sum(&fetched.body, name, labels) } else { None }
}

/// The largest of a few looks: the number goes up and down with the requests in flight.
async fn most_goroutines(stage: &Stage<'_>) -> Option<f64> {
    let mut most: Option<f64> = None;
    for _ in 0..3 {
        if let Some(now) = scrape(stage, &stage.plan.config.checks.goroutines, false).await {
            most = Some(most.map_or(now, |most| most.max(now)));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    most
}

impl Acted {
    /// Pulls the trigger.
    async fn pull(&mut self, stage: &Stage<'_>, drill: &Drill) -> Result<(), Error> {
        let limited = match (drill.limit, stage.candidate) {
            (Some(limit), Some(candidate)) => {
                let limited = candidate.limit_memory(limit);
                if limited.is_none() {
                    return Err(Error::Harness(
                        "the memory of a process can be limited on Linux only".to_owned(),
                    ));
                }
                limited
            }
            _ => None,
        };
        match &drill.trigger {
            Trigger::Request(endpoint) => {
                let target = &stage.plan.load.target;
                let place = Place::of(endpoint, target, &stage.plan.load.trust).await?;
                // A request that brings the process down is not answered; nobody waits for that.
                let limit = if drill.kind.is_recoverable_panic() { 2000 } else { 300 };
                for number in 0..drill.times {
                    let trace = uuid().replace('-', "");
                    let parent = format!("00-{trace}-{}-01", &uuid().replace('-', "")[..16]);
                    self.traces.push(trace);
                    let headers = [("traceparent", parent)];
                    let limit = Duration::from_millis(limit);
                    let answer = place.ask_with(u64::from(number), &headers, limit).await;
                    self.triggers.push(answer.map(|a| a.status).map_err(|f| f.to_string()));
                }
            }
            Trigger::Signal(signal) => {
                let sent = stage.candidate.is_some_and(|candidate| candidate.signal(*signal));
                self.triggers.push(if sent {
                    Ok(0)
                } else {
                    Err("no process to signal".to_owned())
                });
            }
            Trigger::Command(command) => {
                let mut run = tokio::process::Command::new(&command[0]);
                run.args(&command[1..]).current_dir(&stage.plan.dir).kill_on_drop(true);
                run.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
                let status = tokio::time::timeout(Duration::from_secs(30), run.status()).await;
                self.triggers.push(match status {
                    Ok(Ok(status)) if status.success() => Ok(0),
                    Ok(Ok(status)) => Err(status.to_string()),
                    Ok(Err(error)) => {
                        return Err(Error::Harness(format!(
                            "drill `{}`: cannot run {}: {error}",
                            drill.name, command[0]
                        )));
                    }
                    Err(_) => Err("the command took longer than 30s".to_owned()),
                });
            }
            Trigger::Dependency => {
                let dependency = stage
                    .dependency
                    .ok_or_else(|| Error::Harness("there is no dependency to play".to_owned()))?;
                let hang = drill.kind == Kind::DependencyHang;
                dependency.set(if hang { Mode::Hang } else { Mode::Refuse });
                tokio::time::sleep(drill.length.0).await;
                dependency.set(Mode::Normal);
                self.origin = Instant::now();
                self.triggers.push(Ok(0));
            }
        }
        if let (Some(limited), Some(candidate)) = (limited, stage.candidate) {
            tokio::time::sleep(drill.length.0.min(Duration::from_secs(10))).await;
            candidate.unlimit_memory(&limited);
        }
        Ok(())
    }

    /// Waits until health is back for good, or for too long.
    async fn settle(
        &mut self,
        stage: &Stage<'_>,
        drill: &Drill,
        health: &Prober,
        load: &LoadHandle,
    ) {
        let stopping = drill.kind == Kind::Sigterm;
        let patience = (drill.recovery.0 * 3 + Duration::from_secs(5)).min(LONGEST);
        let mut last_good = Instant::now();
        let mut ended = false;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = Instant::now();
            if stopping && !ended {
                // A graceful end may take its time; what counts begins with it.
                let exits =
                    stage.candidate.map(|c| c.exits_since(self.triggered)).unwrap_or_default();
                match exits.first().and_then(|exit| exit.at) {
                    Some(at) => {
                        self.origin = at;
                        self.down = true;
                        ended = true;
                    }
                    None if now.duration_since(self.triggered)
                        > stage.plan.config.candidate.stop_timeout.0.min(LONGEST) =>
                    {
                        return;
                    }
                    None => continue,
                }
            }
            let probes = health.probes();
            let outage = probe::outage(&probes, self.origin, self.down);
            if probes.last().is_some_and(|probe| probe.good) {
                last_good = now;
            }
            if let (Some(liveness), Some(candidate)) =
                (stage.plan.config.candidate.liveness, stage.candidate)
                && now.duration_since(last_good.max(self.triggered)) > liveness.0
                && candidate.is_running()
            {
                candidate.signal(nix::sys::signal::Signal::SIGKILL);
                last_good = now;
            }
            let since = now.duration_since(self.origin);
            // A service may call itself healthy long before it answers anybody well.
            let answers = load.is_good_again() || since > drill.first_good.0.min(LONGEST);
            if outage.recovered.is_some() && outage.steady >= STEADY && since >= WATCH && answers {
                return;
            }
            if since > patience.max(drill.first_good.0)
                || now.duration_since(self.triggered) > LONGEST
            {
                return;
            }
        }
    }

    fn seen(self, stage: &Stage<'_>, drill: &Drill, load: LoadReport) -> Seen {
        let outage = probe::outage(&self.health, self.origin, self.down);
        // Of a SIGTERM the trouble begins before the origin.
        let seen_outage = probe::outage(&self.health, self.triggered, self.down).seen;
        let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        let mut seen = Seen {
            name: drill.name.clone(),
            kind: drill.kind,
            answered: self.triggers.iter().filter(|t| t.is_ok()).count() as u32,
            triggers: summary(&self.triggers),
            recovery: outage.recovered.map(nanos),
            outage: seen_outage,
            exits: Vec::new(),
            restart_failed: None,
            crashes: Vec::new(),
            events: 0,
            missing: Vec::new(),
            traced: 0,
            metric: self.metric,
            goroutines: self.goroutines,
            lie: self
                .readiness
                .as_ref()
                .map(|probes| nanos(longest_lie(&load, probes, self.began))),
            strips: Vec::new(),
            late: nanos(self.late),
            at: self.triggered.saturating_duration_since(self.began).as_secs_f64(),
            load,
        };
        seen.strips.push(Strip { name: "health", spans: spans(&self.health, self.began) });
        if let Some(readiness) = &self.readiness {
            seen.strips.push(Strip { name: "readiness", spans: spans(readiness, self.began) });
        }
        if let Some(candidate) = stage.candidate {
            seen.exits = candidate.exits_since(self.triggered);
            seen.restart_failed = candidate.failed();
            let heard = candidate.output().heard();
            let events: Vec<&Fields> = heard
                .events
                .iter()
                .filter(|(at, _)| *at >= self.triggered)
                .map(|(_, f)| f)
                .collect();
            seen.events = events.len() as u64 + heard.more_events;
            for name in &stage.plan.config.checks.log_fields {
                let count = events.iter().filter(|fields| !lines::has(fields, name)).count();
                if count > 0 {
                    seen.missing.push((name.clone(), count as u64));
                }
            }
            let is_ours = |fields: &&&Fields| {
                lines::field(fields, "trace_id")
                    .is_some_and(|id| self.traces.iter().any(|t| t == id))
            };
            seen.traced = events.iter().filter(is_ours).count() as u64;
            seen.crashes = heard.crashes_since(self.triggered);
        }
        seen
    }
}

/// `3× answered 500`.
fn summary(triggers: &[Result<u16, String>]) -> Vec<String> {
    let mut counts: Vec<(String, u32)> = Vec::new();
    for trigger in triggers {
        let text = match trigger {
            Ok(0) => "done".to_owned(),
            Ok(status) => format!("answered {status}"),
            Err(failure) => failure.clone(),
        };
        match counts.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => counts.push((text, 1)),
        }
    }
    counts.into_iter().map(|(text, count)| format!("{count}× {text}")).collect()
}

/// The longest stretch in which most requests failed while readiness said ready.
fn longest_lie(load: &LoadReport, readiness: &[Probe], began: Instant) -> Duration {
    let (mut longest, mut current) = (Duration::ZERO, Duration::ZERO);
    let mut ready = false;
    for slice in &load.slices {
        let start = began + Duration::from_secs_f64(slice.at);
        let width = Duration::from_secs_f64(slice.width);
        // A slice without an answer of readiness is as the one before.
        let during = readiness.iter().filter(|p| p.done >= start && p.done < start + width);
        ready = during.map(|probe| probe.good).reduce(|a, b| a && b).unwrap_or(ready);
        if slice.good + slice.bad == 0 {
            continue;
        }
        let failing = slice.bad >= slice.good;
        current = if failing && ready { current + width } else { Duration::ZERO };
        longest = longest.max(current);
    }
    longest
}

/// Answers of the same kind next to each other, as spans.
fn spans(probes: &[Probe], began: Instant) -> Vec<(f64, f64, bool)> {
    let mut spans: Vec<(f64, f64, bool)> = Vec::new();
    for probe in probes {
        let start = probe.asked.saturating_duration_since(began).as_secs_f64();
        let end = probe.done.saturating_duration_since(began).as_secs_f64();
        match spans.last_mut() {
            Some((_, last, good)) if *good == probe.good => *last = end,
            Some((_, last, _)) => {
                let start = *last;
                spans.push((start, end, probe.good));
            }
            None => spans.push((start, end, probe.good)),
        }
    }
    spans
}
