//! The story of a run: start, wait for health, load, drills, stop, verdict.

use std::time::{Duration, Instant};

use crate::Error;
use crate::aftermath;
use crate::check::{Check, Class, Status};
use crate::dependency::Dependency;
use crate::drill::{self, Stage};
use crate::fetch::Place;
use crate::judge::{self, Baseline};
use crate::load::{self, LoadReport, Progress};
use crate::output::Output;
use crate::plan::Plan;
use crate::process::{Candidate, GuardCommand};
use crate::verdict::Verdict;

/// What happens, for whoever watches.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Something begins.
    Phase(&'a str),
    /// The load goes on.
    Load(Progress, Duration),
    /// A check is decided.
    Check(&'a Check),
    /// A measurement is repeated.
    Again(&'a str),
}

/// What a run needs besides its plan.
#[derive(Default)]
pub struct Options<'a> {
    /// What to compare with.
    pub baseline: Option<Baseline>,
    /// How to start the process that cleans up after us.
    pub guard: Option<GuardCommand>,
    /// End in order on Ctrl-C and SIGTERM.
    pub interruptible: bool,
    /// Who watches.
    pub watch: Option<&'a mut dyn FnMut(Event<'_>)>,
}

/// Runs the gate. Nothing that it started is left when this returns.
pub fn run<'a>(plan: &'a Plan, options: Options<'a>) -> Result<Verdict, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Harness(format!("cannot start a runtime: {error}")))?;
    let interruptible = options.interruptible;
    let work = Runner { plan, options };
    let result = runtime.block_on(async {
        tokio::select! {
            result = work.run() => result,
            () = interrupt(), if interruptible => Err(Error::Interrupted),
        }
    });
    // Readers of pipes that somebody else holds open do not keep us.
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        Ok(()) = tokio::signal::ctrl_c() => {}
    }
}

struct Runner<'a> {
    plan: &'a Plan,
    options: Options<'a>,
}

impl Runner<'_> {
    fn tell(&mut self, event: Event<'_>) {
        if let Some(watch) = &mut self.options.watch {
            watch(event);
        }
    }

    async fn run(mut self) -> Result<Verdict, Error> {
        let plan = self.plan;
        let checks = &plan.config.checks;
        let dependency = match &plan.dependency {
            Some(listen) => {
                Some(Dependency::start(listen, plan.config.dependency.upstream.clone()).await?)
            }
            None => None,
        };
        let output = Output::new(&checks.log_event);
        let candidate = if plan.command.is_empty() {
            None
        } else {
            self.tell(Event::Phase("start the candidate"));
            // Somebody else at the port would be measured in its place.
            self.refuse_taken_port().await?;
            Some(Candidate::start(plan, output.clone(), self.options.guard.as_ref())?)
        };
        let result = self.measure(candidate.as_ref(), dependency.as_ref()).await;
        let mut stopped = true;
        if let Some(candidate) = candidate {
            self.tell(Event::Phase("stop the candidate"));
            stopped = candidate.stop().await;
        }
        let tail = output.heard().tail.iter().cloned().collect();
        let measured = result.map_err(|error| with_tail(error, &output))?;
        let mut verdict = Verdict::new(self.name(), measured.checks);
        verdict.load = measured.load;
        verdict.drills = measured.drills;
        verdict.notes = measured.notes;
        verdict.tail = tail;
        if !stopped {
            verdict.notes.push(format!(
                "the candidate did not end within {} of SIGTERM and was killed",
                plan.config.candidate.stop_timeout
            ));
        }
        Ok(verdict)
    }

    fn name(&self) -> String {
        let target = &self.plan.load.target;
        if self.plan.command.is_empty() {
            let scheme = if target.tls { "https" } else { "http" };
            return format!("{scheme}://{}{}", target.authority, target.prefix);
        }
        self.plan.command.join(" ")
    }

    async fn refuse_taken_port(&self) -> Result<(), Error> {
        let target = &self.plan.load.target;
        let place = Place::new("tcp", target, &self.plan.load.trust).await?;
        if place.ask(Duration::from_millis(500)).await.is_ok() {
            return Err(Error::Harness(format!(
                "something listens at {} already, before the candidate was started; stop it, or write \
                 `{{{{port}}}}` in `url` for a free port",
                target.authority
            )));
        }
        Ok(())
    }

    async fn measure(
        &mut self,
        candidate: Option<&Candidate>,
        dependency: Option<&Dependency>,
    ) -> Result<Measured, Error> {
        let plan = self.plan;
        let config = &plan.config;
        let (target, trust) = (&plan.load.target, &plan.load.trust);
        let health = Place::new(&config.checks.health, target, trust).await?;
        let place = async |text: &Option<String>| match text {
            Some(text) => Place::new(text, target, trust).await.map(Some),
            None => Ok(None),
        };
        let readiness = place(&config.checks.readiness).await?;
        let metrics = place(&config.checks.metrics).await?;
        let mut measured = Measured::default();
        if candidate.is_some() || !plan.drills.is_empty() {
            self.tell(Event::Phase("wait for health"));
            wait_for_health(&health, candidate, config.candidate.start_timeout.0).await?;
        }
        self.tell(Event::Phase("load"));
        let mut tries = 0;
        loop {
            let began = Instant::now();
            let report = self.load().await?;
            let baseline = self.options.baseline.as_ref().map(|b| (b, &config.baseline));
            let mut checks = judge::load(&report, &config.slo, baseline);
            if let Some(candidate) = candidate {
                let crashes = candidate.output().heard().crashes_since(began);
                checks = aftermath::survived(&candidate.exits_since(began), &crashes, checks);
            }
            let undecided = checks.iter().find(|c| is_noise(c));
            if let Some(check) = undecided
                && tries < config.checks.retries
            {
                tries += 1;
                let why = format!("{}: {}", check.name, check.found);
                self.tell(Event::Again(&why));
                continue;
            }
            measured.note_repeats("load", tries);
            measured.load = Some(report);
            self.keep(&mut measured, checks);
            break;
        }
        let stage = Stage {
            plan,
            candidate,
            dependency,
            health: &health,
            readiness: readiness.as_ref(),
            metrics: metrics.as_ref(),
        };
        for drill in &plan.drills {
            self.tell(Event::Phase(&format!("drill: {}", drill.name)));
            let mut tries = 0;
            loop {
                // A drill that left the candidate down is told by that drill; the others cannot be done.
                let timeout = config.candidate.start_timeout.0;
                if let Err(error) = wait_for_health(&health, candidate, timeout).await {
                    let told = measured.checks.iter().any(Check::is_death);
                    if measured.drills.is_empty() && !told {
                        return Err(error);
                    }
                    let mut check = Check::new(
                        Class::Recovery,
                        &drill.name,
                        "health before",
                        false,
                        "the candidate is healthy before the drill",
                        "",
                    );
                    "what came before left it down".clone_into(&mut check.found);
                    check.status = Status::Skipped;
                    self.keep(&mut measured, vec![check]);
                    break;
                }
                let seen = drill::run(&stage, drill).await?;
                let checks = aftermath::judge(drill, &seen, config, candidate.is_some());
                if let Some(check) = checks.iter().find(|c| is_noise(c))
                    && tries < config.checks.retries
                {
                    tries += 1;
                    let why = format!("{}: {}", check.name, check.found);
                    self.tell(Event::Again(&why));
                    continue;
                }
                measured.note_repeats(&drill.name, tries);
                measured.drills.push(seen);
                self.keep(&mut measured, checks);
                break;
            }
        }
        Ok(measured)
    }

    fn keep(&mut self, measured: &mut Measured, checks: Vec<Check>) {
        for check in &checks {
            self.tell(Event::Check(check));
        }
        measured.checks.extend(checks);
    }

    async fn load(&mut self) -> Result<LoadReport, Error> {
        let handle = load::start(self.plan.load.clone())?;
        let length = self.plan.load.warmup + self.plan.load.model.length();
        while !handle.is_over() {
            let progress = handle.progress();
            self.tell(Event::Load(progress, length));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        handle.join()
    }
}

#[derive(Default)]
struct Measured {
    checks: Vec<Check>,
    load: Option<LoadReport>,
    drills: Vec<drill::Seen>,
    notes: Vec<String>,
}

impl Measured {
    fn note_repeats(&mut self, what: &str, tries: u32) {
        if tries > 0 {
            self.notes.push(format!("{what}: measured {} times, the machine was noisy", tries + 1));
        }
    }
}

/// Worth another try. A baseline that does not fit will not fit the next time.
fn is_noise(check: &Check) -> bool {
    check.status == Status::Inconclusive && check.class != Class::Harness
}

async fn wait_for_health(
    health: &Place,
    candidate: Option<&Candidate>,
    timeout: Duration,
) -> Result<(), Error> {
    let start = Instant::now();
    let mut last = "no answer".to_owned();
    while start.elapsed() < timeout {
        match health.ask(Duration::from_secs(2)).await {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
            Ok(answer) => last = format!("status {}", answer.status),
            Err(failure) => last = failure.to_string(),
        }
        if let Some(candidate) = candidate
            && !candidate.is_running()
            && !candidate.will_restart()
        {
            return Err(Error::Harness("the candidate ended before it was healthy".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Error::Harness(format!(
        "the health check did not answer well within {}: {last} (checks.health names it, candidate.start_timeout \
         gives it more time)",
        crate::units::shown(timeout)
    )))
}

/// Whoever reads that nothing could be measured wants to see what the candidate said.
fn with_tail(error: Error, output: &Output) -> Error {
    let Error::Harness(text) = error else { return error };
    let heard = output.heard();
    let lines: Vec<String> = heard
        .tail
        .iter()
        .rev()
        .take(10)
        .rev()
        .map(|l| format!("  {}", diag::clean_line(l)))
        .collect();
    if lines.is_empty() {
        return Error::Harness(text);
    }
    Error::Harness(format!("{text}\nThe last lines of the candidate:\n{}", lines.join("\n")))
}
