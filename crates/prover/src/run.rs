//! Builds what is to be run, runs it, and draws the verdicts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use go_crash::{Class, Goroutine};
use go_exec::{Executed, Execution, Guard, Toolchain, Workspace};

use crate::generated::Generated;
use crate::outcome::{Met, frames, meetings};
use crate::plan::Plan;
use crate::program::{Job, JobKind, Prepared};
use crate::proof::{Proof, Verdict, VerdictKind};
use crate::sites::Site;
use crate::table::{self, Row};
use crate::{ProveError, amplify, overlay};

/// Building may take so long.
pub(crate) const BUILD_LIMIT: Duration = Duration::from_mins(30);
/// So much of what a failed build prints is shown.
const MAX_BUILD_TEXT: usize = 4000;

/// A fatal map error: the message and the goroutine that it printed first.
type MapCrash = (String, Goroutine);

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// At most so many runs; fewer when all is proven.
    pub runs: u32,
    /// Delays.
    pub plan: Plan,
    /// How long a test binary or a given command may take.
    pub test_limit: Duration,
    /// How long a program may run; a service does not end by itself.
    pub program_limit: Duration,
    /// Build with the race detector too.
    pub race: bool,
    /// Run generated tests for findings that nothing else proves.
    pub generate: bool,
    /// Hold nobody, and make the runtime's own check of map accesses likelier to notice.
    pub amplify: bool,
    /// Build tags.
    pub tags: Vec<String>,
    /// What is run in place of the tests and programs that were chosen: a package with arguments, or
    /// any command that calls `go`.
    pub command: Vec<OsString>,
    /// The guard.
    pub guard: Option<Guard>,
}

/// What happened in one run of one job.
#[derive(Clone, PartialEq, Debug)]
pub struct RunLog {
    /// The job's name.
    pub job: String,
    /// Which run, from 1.
    pub run: u32,
    /// How long it took.
    pub time: Duration,
    /// Its exit code; 128 and more for a signal.
    pub code: u8,
    /// Whether the time limit ended it.
    pub timed_out: bool,
    /// Whether it was ended because all was proven.
    pub stopped: bool,
    /// The last that it printed.
    pub tail: String,
}

/// A program with traps, ready to run.
pub struct Prover {
    pub(crate) toolchain: Toolchain,
    pub(crate) base: PathBuf,
    pub(crate) prepared: Prepared,
    pub(crate) findings: usize,
    pub(crate) options: RunOptions,
    pub(crate) workspace: Workspace,
    pub(crate) overlay: PathBuf,
    /// Of the last run: what was learnt goes into the next one.
    rows: Vec<Row>,
    totals: Vec<Row>,
    unbuilt: Vec<String>,
    met: Vec<(u32, Met)>,
    crashes: Vec<(u32, MapCrash)>,
    /// Findings that a generated test was run for.
    pub(crate) generated: BTreeMap<usize, Generated>,
}

/// Meetings and crashes, with the runs that they came from.
pub(crate) type Kept = (Vec<(u32, Met)>, Vec<(u32, MapCrash)>);

/// So much of what a failed build prints as people read.
pub(crate) fn build_text(executed: &Executed) -> String {
    let text: String = executed.tail().chars().take(MAX_BUILD_TEXT).collect();
    text.trim_end().to_owned()
}

/// Something that can be started.
pub(crate) struct Started {
    pub job: Job,
    pub command: Vec<OsString>,
    pub dir: PathBuf,
    pub env: Vec<(String, OsString)>,
}

impl Prover {
    /// Writes the overlay. `findings` is how many findings `prepared` was made of, `base` the folder
    /// that paths are shown relative to and programs run in.
    pub fn new(
        toolchain: Toolchain,
        base: &Path,
        prepared: Prepared,
        findings: usize,
        options: RunOptions,
    ) -> Result<Self, ProveError> {
        let workspace = Workspace::new(options.guard.as_ref())
            .map_err(ProveError::io("a folder for the run"))?;
        let mut files = prepared.files.clone();
        let mut options = options;
        if options.amplify {
            files.extend(amplify::files(&toolchain.root, &toolchain.version)?);
            options.plan = Plan::counting();
        }
        let overlay = overlay::write(workspace.path(), &toolchain.root, &files)
            .map_err(ProveError::io("the files of the run"))?;
        let totals = vec![Row::default(); prepared.sites.len()];
        Ok(Self {
            toolchain,
            base: base.to_owned(),
            prepared,
            findings,
            options,
            workspace,
            overlay,
            rows: Vec::new(),
            totals,
            unbuilt: Vec::new(),
            met: Vec::new(),
            crashes: Vec::new(),
            generated: BTreeMap::new(),
        })
    }

    /// What was made of the program.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Starts with what an earlier process has learnt, see [`Prover::learnt`].
    pub fn recall(&mut self, learnt: &BTreeMap<String, u64>) {
        let row = |site: &Site| {
            let weight = learnt.get(&site.key()).copied().unwrap_or(0).min(1000);
            Row { weight, ..Row::default() }
        };
        self.rows = self.prepared.sites.iter().map(row).collect();
    }

    /// How likely a delay is at the sites where two goroutines came close, in thousandths, by place.
    pub fn learnt(&self) -> BTreeMap<String, u64> {
        let rows = self.prepared.sites.iter().zip(&self.rows);
        let told = rows.filter(|(_, row)| row.weight > 0);
        told.map(|(site, row)| (site.key(), row.weight)).collect()
    }

    /// Packages whose tests or command do not build, without traps either.
    pub fn unbuilt(&self) -> &[String] {
        &self.unbuilt
    }

    /// Builds and runs; `tell` hears what is being done. The verdicts are in the order of the findings.
    pub fn run(
        &mut self,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(Vec<Verdict>, Vec<RunLog>), ProveError> {
        let mut logs = Vec::new();
        if self.prepared.sites.is_empty() {
            return Ok((self.verdicts(), logs));
        }
        let mut started = match self.build(tell) {
            Err(ProveError::NothingToRun(_)) if self.can_generate() => Vec::new(),
            built => built?,
        };
        for run in 1..=self.options.runs {
            for what in std::mem::take(&mut started) {
                tell(&format!("run {run}: {}", what.job.name));
                let log = self.run_one(&what, run)?;
                // A service without load would only sit there again.
                let idle = log.timed_out && self.rows.iter().all(|row| row.reached == 0);
                logs.push(log);
                if self.all_proven() {
                    return Ok((self.verdicts(), logs));
                }
                if !idle {
                    started.push(what);
                }
            }
        }
        self.run_generated(tell, &mut logs)?;
        Ok((self.verdicts(), logs))
    }

    fn build(&mut self, tell: &mut dyn FnMut(&str)) -> Result<Vec<Started>, ProveError> {
        if let Some(first) = self.options.command.first() {
            return self.build_command(first, tell).map(|started| vec![started]);
        }
        let jobs = self.prepared.jobs.clone();
        if jobs.is_empty() {
            return Err(ProveError::NothingToRun(
                "no test and no command of the module reaches these accesses; say what to run \
                 after `--`"
                    .into(),
            ));
        }
        let (mut started, mut broken) = (Vec::new(), None);
        for (index, job) in jobs.iter().enumerate() {
            tell(&format!("building {}", job.name));
            let binary = match self.build_job(job, index) {
                Ok(Some(binary)) => binary,
                Ok(None) => continue,
                // Tests of one package that do not build need not stop the others'.
                Err(ProveError::Build(text)) => {
                    self.unbuilt.push(job.name.clone());
                    broken = broken.or(Some(ProveError::Build(text)));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (command, dir) = match job.kind {
                JobKind::Test => {
                    let limit = format!("-test.timeout={}s", self.options.test_limit.as_secs() + 5);
                    let arguments = ["-test.paniconexit0".into(), limit.into()];
                    let command = std::iter::once(binary.into_os_string()).chain(arguments);
                    (command.collect(), job.dir.clone())
                }
                JobKind::Program => (vec![binary.into_os_string()], self.base.clone()),
            };
            started.push(Started { job: job.clone(), command, dir, env: Vec::new() });
        }
        match broken {
            Some(error) if started.is_empty() => Err(error),
            _ => Ok(started),
        }
    }

    /// A package with arguments is built here; anything else is run with the overlay in `GOFLAGS`.
    fn build_command(
        &self,
        first: &OsStr,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Started, ProveError> {
        let name = first.to_string_lossy().into_owned();
        let folder = self.base.join(first);
        let job = Job { kind: JobKind::Program, name, dir: folder.clone() };
        let rest = self.options.command[1..].iter().cloned();
        if folder.is_dir() {
            tell(&format!("building {}", job.name));
            let binary = self
                .build_job(&job, 0)?
                .ok_or_else(|| ProveError::NothingToRun(format!("{} is no command", job.name)))?;
            let command = std::iter::once(binary.into_os_string()).chain(rest).collect();
            return Ok(Started { job, command, dir: self.base.clone(), env: Vec::new() });
        }
        let mut flags = std::env::var_os("GOFLAGS").unwrap_or_default();
        flags.push(format!(" -overlay={} -vet=off -count=1", self.overlay.display()));
        let env = vec![("GOFLAGS".to_owned(), flags)];
        let command = self.options.command.clone();
        let job = Job { kind: JobKind::Test, ..job };
        Ok(Started { job, command, dir: self.base.clone(), env })
    }

    /// Builds a test binary or a program; `None` when there is nothing to build after all.
    fn build_job(&self, job: &Job, index: usize) -> Result<Option<PathBuf>, ProveError> {
        let stem = job.name.rsplit('/').next().unwrap_or("program");
        let suffix = if job.kind == JobKind::Test { ".test" } else { "" };
        let binary = self.workspace.path().join(format!("{index:03}-{stem}{suffix}"));
        let built = self.go_build(job, &binary, Some(&self.overlay), self.options.race)?;
        if built.code == 0 && !built.timed_out {
            return Ok(binary.exists().then_some(binary));
        }
        // Whose fault is it?
        let plain = self.go_build(job, &binary, None, self.options.race)?;
        Err(if plain.code == 0 {
            ProveError::Instrumented(build_text(&built))
        } else {
            ProveError::Build(build_text(&plain))
        })
    }

    /// Builds without or with an overlay.
    pub(crate) fn go_build(
        &self,
        job: &Job,
        binary: &Path,
        overlay: Option<&Path>,
        race: bool,
    ) -> Result<Executed, ProveError> {
        let mut command: Vec<OsString> = vec![self.toolchain.go.clone().into_os_string()];
        match job.kind {
            JobKind::Test => command.extend(["test".into(), "-c".into(), "-vet=off".into()]),
            JobKind::Program => command.push("build".into()),
        }
        command.extend(["-o".into(), binary.into()]);
        if let Some(overlay) = overlay {
            command.extend(["-overlay".into(), overlay.into()]);
        }
        if race {
            command.push("-race".into());
        }
        if !self.options.tags.is_empty() {
            command.extend(["-tags".into(), self.options.tags.join(",").into()]);
        }
        command.push(".".into());
        self.execute(command, &job.dir, Vec::new(), BUILD_LIMIT, &mut || false)
    }

    /// Runs a command in a folder.
    pub(crate) fn execute(
        &self,
        command: Vec<OsString>,
        dir: &Path,
        env: Vec<(String, OsString)>,
        limit: Duration,
        enough: &mut dyn FnMut() -> bool,
    ) -> Result<Executed, ProveError> {
        let name = Path::new(&command[0]).display().to_string();
        let execution = Execution {
            guard: self.options.guard.as_ref(),
            workspace: self.workspace.path(),
            command,
            dir,
            env,
            env_remove: &[],
            limit,
            wanted: |report| report.class() == Class::ConcurrentMap,
        };
        execution.run(enough).map_err(ProveError::io(format!("cannot run {name}")))
    }

    /// Runs a program that was built with traps, and takes in what it reports.
    pub(crate) fn run_one(&mut self, what: &Started, run: u32) -> Result<RunLog, ProveError> {
        let limit = match what.job.kind {
            JobKind::Test => self.options.test_limit,
            JobKind::Program => self.options.program_limit,
        };
        self.run_within(what, run, limit)
    }

    /// The same for at most so long.
    pub(crate) fn run_within(
        &mut self,
        what: &Started,
        run: u32,
        limit: Duration,
    ) -> Result<RunLog, ProveError> {
        let (report, counts) =
            (report_path(self.workspace.path()), table_path(self.workspace.path()));
        let _ = fs::remove_file(&report);
        let plan = match what.job.kind {
            JobKind::Test => self.options.plan.for_suite(),
            JobKind::Program => self.options.plan,
        };
        table::write(&counts, &plan, &self.prepared.sites, &self.rows)
            .map_err(ProveError::io("the table of the run"))?;
        let mut env = what.env.clone();
        env.push(("UNPANIC_PROVE".to_owned(), self.workspace.path().into()));
        // Tests clean up after themselves when they are left to end; a service never ends.
        let early = what.job.kind == JobKind::Program;
        let mut size = 0;
        let mut enough = || {
            let now = fs::metadata(&report).map_or(0, |m| m.len());
            if !early || now == size {
                return false;
            }
            size = now;
            let met = self.read_report(&report);
            (0..self.findings)
                .filter(|&f| self.is_watched(f))
                .all(|f| self.proof(f).is_some() || met.iter().any(|m| self.concerns(m, f)))
        };
        let began = Instant::now();
        let executed = self.execute(what.command.clone(), &what.dir, env, limit, &mut enough)?;
        let time = began.elapsed();
        let met = self.read_report(&report);
        self.met.extend(met.into_iter().map(|m| (run, m)));
        let tail = executed.tail();
        let crashes = executed
            .reports
            .into_iter()
            .filter_map(|report| Some((report.head.message, report.crashed.into_iter().next()?)));
        self.crashes.extend(crashes.map(|crash| (run, crash)));
        if let Ok(rows) = table::read(&counts, self.prepared.sites.len()) {
            for (total, row) in self.totals.iter_mut().zip(&rows) {
                total.reached += row.reached;
                total.held += row.held;
                total.nanos += row.nanos;
                total.met += row.met;
            }
            self.rows = rows;
        }
        Ok(RunLog {
            job: what.job.name.clone(),
            run,
            time,
            code: executed.code,
            timed_out: executed.timed_out,
            stopped: executed.stopped,
            tail,
        })
    }

    fn read_report(&self, path: &Path) -> Vec<Met> {
        let report = fs::read(path).unwrap_or_default();
        meetings(&report, &self.prepared.sites, &self.base)
    }

    /// Whether a meeting was at an access of a finding.
    fn concerns(&self, met: &Met, finding: usize) -> bool {
        met.sites.iter().any(|&site| self.prepared.sites[site].findings.contains(&finding))
    }

    fn sites_of(&self, finding: usize) -> impl Iterator<Item = (usize, &Site)> {
        let sites = self.prepared.sites.iter().enumerate();
        sites.filter(move |(_, site)| site.findings.contains(&finding))
    }

    pub(crate) fn is_watched(&self, finding: usize) -> bool {
        self.sites_of(finding).next().is_some()
    }

    pub(crate) fn proof(&self, finding: usize) -> Option<(u32, Proof)> {
        let met = self.met.iter().find(|(_, met)| self.concerns(met, finding));
        if let Some((run, met)) = met {
            return Some((*run, Proof::Meeting { meeting: Box::new(met.meeting.clone()) }));
        }
        let crash = self.crashes.iter().find(|(_, (_, stack))| {
            let own = stack.frames().find(|f| f.ancestor == 0 && !f.is_std());
            own.is_some_and(|frame| {
                let here =
                    |site: &Site| Path::new(frame.file) == site.file && frame.line == site.line;
                self.sites_of(finding).any(|(_, site)| here(site))
            })
        });
        crash.map(|(run, (message, stack))| {
            let stack = frames(stack, &self.base);
            (*run, Proof::FatalError { message: message.clone(), stack })
        })
    }

    fn all_proven(&self) -> bool {
        let mut watched = (0..self.findings).filter(|&f| self.is_watched(f));
        self.findings > 0 && watched.all(|f| self.proof(f).is_some())
    }

    fn verdicts(&self) -> Vec<Verdict> {
        (0..self.findings).map(|finding| self.verdict(finding)).collect()
    }

    fn verdict(&self, finding: usize) -> Verdict {
        let sum = |count: fn(&Row) -> u64| {
            self.sites_of(finding).map(|(number, _)| count(&self.totals[number])).sum::<u64>()
        };
        let (run, mut proof) = self.proof(finding).unzip();
        let reached = sum(|row| row.reached);
        let generated = self.generated.get(&finding);
        let test = generated.and_then(|generated| self.tests(finding).get(generated.test));
        let (calls, assumed) =
            test.map(|test| (test.calls.clone(), test.assumed.clone())).unwrap_or_default();
        let own_reached = generated.map_or(reached, |generated| generated.reached);
        let called = generated.and_then(|generated| generated.proof.clone());
        let by_calls = called.is_some() && proof.is_none();
        proof = proof.or(called);
        let verdict = match (&proof, self.is_watched(finding), reached) {
            (Some(_), _, _) if by_calls => VerdictKind::ProvenIfCalled,
            (Some(_), _, _) => VerdictKind::Proven,
            (None, false, _) => VerdictKind::NotWatched,
            (None, true, 0) => VerdictKind::NotReached,
            (None, true, _) => VerdictKind::NeverTogether,
        };
        let skips = self.prepared.skips.iter().filter(|s| s.findings.contains(&finding));
        let skipped = skips.map(|s| {
            let file = diag::relative_path(&s.file, &self.base);
            format!("{}:{}: {}", file.display(), s.line, s.reason)
        });
        Verdict {
            verdict,
            proof,
            run,
            reached,
            own_reached,
            held: sum(|row| row.held),
            met: sum(|row| row.met),
            skipped: skipped.collect(),
            calls,
            assumed,
        }
    }

    /// How often the accesses of a finding were reached.
    pub(crate) fn reached(&self, finding: usize) -> u64 {
        self.sites_of(finding).map(|(number, _)| self.totals[number].reached).sum()
    }

    /// What was found out so far, set aside while a generated test runs: its proofs are none of the
    /// program's own.
    pub(crate) fn take_proofs(&mut self) -> Kept {
        (std::mem::take(&mut self.met), std::mem::take(&mut self.crashes))
    }

    /// Puts back what [`Self::take_proofs`] gave.
    pub(crate) fn put_proofs(&mut self, kept: Kept) {
        (self.met, self.crashes) = kept;
    }

    /// How often sites were reached, and how often a goroutine was held at one, in all runs.
    pub fn counts(&self) -> (u64, u64) {
        let sum = |count: fn(&Row) -> u64| self.totals.iter().map(count).sum();
        (sum(|row| row.reached), sum(|row| row.held))
    }

    /// The meetings of all runs, also those at accesses of no finding (with `--all`).
    pub fn meetings(&self) -> impl Iterator<Item = &crate::Meeting> {
        self.met.iter().map(|(_, met)| &met.meeting)
    }
}

/// Where proofs are written to.
fn report_path(workspace: &Path) -> PathBuf {
    workspace.join("report.jsonl")
}

/// Where the table is.
fn table_path(workspace: &Path) -> PathBuf {
    workspace.join("table")
}
