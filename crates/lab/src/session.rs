//! Runs the experiments: builds each program with each toolchain, then runs variants and toolchains in
//! turn, so that a machine that gets slower or faster hits all of them, until their claims are decided.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use go_crash::Kind;
use go_exec::{Execution, Guard, Toolchain, Workspace};

use crate::LabError;
use crate::build::{self, Build, Builder, ENVIRONMENT};
use crate::experiment::{Claim, Experiment, Variant};
use crate::judge::{Judgement, Measured, is_narrow, judge};
use crate::observe::Observation;
use crate::report::{ClaimOutcome, Collections, Number, Outcome, Report, expected};
use crate::stats::{self, LEVEL};

/// One run may take so long.
const RUN_LIMIT: Duration = Duration::from_secs(20);
/// After so many runs claims are judged; more runs than the last are not made. Few looks: each one is a
/// chance to be wrong.
const LOOKS: &[usize] = &[3, 5, 10, 20, 40, 80, 130, 200, 320];
/// With `quick`, no more runs than this.
const QUICK_RUNS: usize = 130;
/// The program may have so much memory, in bytes. The race detector's shadow memory is far larger.
const MEMORY: u64 = 2 << 30;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The experiments.
    pub experiments: Vec<&'static Experiment>,
    /// The toolchains.
    pub toolchains: Vec<Toolchain>,
    /// How long an experiment may run with a toolchain, building aside.
    pub budget: Duration,
    /// Fewer runs.
    pub quick: bool,
    /// Judge the claims about the race detector too.
    pub race: bool,
    /// Leave the programs in this folder.
    pub keep: Option<PathBuf>,
    /// The guard.
    pub guard: Option<Guard>,
}

/// A variant built with a toolchain.
struct Arm {
    toolchain: usize,
    variant: &'static Variant,
    race: bool,
    binary: Result<PathBuf, String>,
    runs: Vec<Observation>,
    settled: bool,
}

/// Runs everything. `tell` hears which experiment, by its number, does what.
pub fn run(options: &Options, tell: &mut dyn FnMut(usize, &str)) -> Result<Report, LabError> {
    let began = Instant::now();
    let load = load();
    let workspace =
        Workspace::new(options.guard.as_ref()).map_err(LabError::io("a folder for the run"))?;
    let mut outcomes = Vec::new();
    for (number, experiment) in options.experiments.iter().enumerate() {
        if let Some(keep) = &options.keep {
            for language in languages(experiment) {
                let folder = keep.join(&experiment.name).join(format!("go1.{language}"));
                build::write(&folder, experiment, language)?;
            }
        }
        let bench = Bench { options, experiment, workspace: workspace.path() };
        outcomes.push(bench.run(&mut |what| tell(number, what))?);
    }
    Ok(Report {
        toolchains: names(&options.toolchains),
        host: host(),
        load: load.zip(self::load()),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        time: began.elapsed(),
        outcomes,
    })
}

/// One experiment.
struct Bench<'a> {
    options: &'a Options,
    experiment: &'static Experiment,
    workspace: &'a Path,
}

impl Bench<'_> {
    fn run(&self, tell: &mut dyn FnMut(&str)) -> Result<Outcome, LabError> {
        let name = &self.experiment.name;
        let mut arms = self.arms(tell)?;
        // The budget is one for all: what one toolchain leaves, the others may use.
        let budget = self.options.budget * self.options.toolchains.len() as u32;
        let most = if self.options.quick { QUICK_RUNS } else { LOOKS[LOOKS.len() - 1] };
        let began = Instant::now();
        for run in 1..=most {
            for arm in &mut arms {
                let Ok(binary) = &arm.binary else { continue };
                if arm.settled || began.elapsed() > budget {
                    continue;
                }
                arm.runs.push(self.observe(binary, arm.variant, arm.race)?);
            }
            if LOOKS.contains(&run) {
                for arm in &mut arms {
                    arm.settled = arm.settled || self.is_settled(arm);
                }
            }
            if arms.iter().all(|a| a.settled || a.binary.is_err()) || began.elapsed() > budget {
                break;
            }
            tell(&format!("{name}: run {run}"));
        }
        Ok(self.outcome(&arms))
    }

    /// Whether a claim is judged in this session.
    fn wants(&self, claim: &Claim) -> bool {
        self.options.race || !claim.race
    }

    /// Why nothing is claimed of a toolchain.
    fn leaves_out(
        &self,
        claim: &Claim,
        variant: &Variant,
        toolchain: &Toolchain,
    ) -> Option<String> {
        let os = &self.experiment.os;
        if !os.is_empty() && !os.iter().any(|o| host().starts_with(&format!("{o}/"))) {
            return Some(format!("said of {} only", os.join(", ")));
        }
        let since = claim.since.unwrap_or(0).max(variant.language);
        // A version that does not say its number is a development one, newer than all.
        let old = toolchain.minor().is_some_and(|minor| minor < since);
        old.then(|| format!("said of Go 1.{since} and later"))
    }

    fn arms(&self, tell: &mut dyn FnMut(&str)) -> Result<Vec<Arm>, LabError> {
        let builder = Builder { workspace: self.workspace, guard: self.options.guard.as_ref() };
        let mut built: BTreeMap<(usize, Build), Result<PathBuf, String>> = BTreeMap::new();
        let mut arms = Vec::new();
        for variant in &self.experiment.variants {
            for (number, toolchain) in self.options.toolchains.iter().enumerate() {
                for race in [false, true] {
                    let said = |c: &&Claim| {
                        c.variant == variant.name
                            && c.race == race
                            && self.wants(c)
                            && self.leaves_out(c, variant, toolchain).is_none()
                    };
                    if !self.experiment.claims.iter().any(|c| said(&c)) {
                        continue;
                    }
                    let build = Build { language: variant.language, race };
                    let key = (number, build);
                    let binary = match built.entry(key) {
                        Entry::Occupied(known) => known.get().clone(),
                        Entry::Vacant(unknown) => {
                            let name = &self.experiment.name;
                            tell(&format!("{name}: building with {}", toolchain.version));
                            let result =
                                builder.build(self.experiment, toolchain, build, number)?;
                            unknown.insert(result).clone()
                        }
                    };
                    let (runs, settled) = (Vec::new(), false);
                    arms.push(Arm { toolchain: number, variant, race, binary, runs, settled });
                }
            }
        }
        Ok(arms)
    }

    fn observe(
        &self,
        binary: &Path,
        variant: &'static Variant,
        race: bool,
    ) -> Result<Observation, LabError> {
        let guard = self.options.guard.clone().map(|mut guard| {
            if !race {
                guard.arguments.extend(["--memory".into(), MEMORY.to_string().into()]);
            }
            guard
        });
        let settings = variant.env.iter().map(|(key, value)| (key.clone(), value.into()));
        let execution = Execution {
            guard: guard.as_ref(),
            workspace: self.workspace,
            command: vec![binary.into(), variant.name.clone().into()],
            dir: self.workspace,
            env: settings.collect(),
            env_remove: ENVIRONMENT,
            limit: RUN_LIMIT,
            wanted: |report| report.head.cause().0 != Kind::Goroutines,
        };
        let name = &self.experiment.name;
        let executed =
            execution.run(&mut || false).map_err(LabError::io(format!("cannot run {name}")))?;
        Ok(Observation::new(&executed))
    }

    fn is_settled(&self, arm: &Arm) -> bool {
        let mut claims = self.experiment.claims.iter().filter(|claim| concerns(claim, arm));
        let decided =
            claims.all(|claim| !self.wants(claim) || judge(&claim.expect, &arm.runs).settled);
        let keys = || arm.runs.iter().flat_map(|r| r.values.keys());
        decided && (self.experiment.chart.is_none() || keys().all(|key| is_narrow(&arm.runs, key)))
    }

    fn outcome(&self, arms: &[Arm]) -> Outcome {
        let toolchains = &self.options.toolchains;
        let claims = self.experiment.claims.iter().filter(|claim| self.wants(claim));
        let claims = claims.map(|claim| ClaimOutcome {
            text: &claim.text,
            variant: &claim.variant,
            race: claim.race,
            expected: expected(&claim.expect),
            judgements: (0..toolchains.len()).map(|t| self.judgement(claim, t, arms)).collect(),
        });
        let names = names(toolchains);
        let mut unbuilt: Vec<String> = arms
            .iter()
            .filter_map(|arm| Some((arm, arm.binary.as_ref().err()?)))
            .map(|(arm, why)| {
                let race = if arm.race { " with -race" } else { "" };
                format!("{} with {}{race}: {why}", self.experiment.name, names[arm.toolchain])
            })
            .collect();
        unbuilt.sort();
        unbuilt.dedup();
        Outcome {
            experiment: self.experiment,
            claims: claims.collect(),
            numbers: self.numbers(arms),
            collections: collections(arms, &names),
            unbuilt,
        }
    }

    fn judgement(&self, claim: &Claim, toolchain: usize, arms: &[Arm]) -> Judgement {
        let variant = self.experiment.variant(&claim.variant);
        let variant = variant.expect("a test reads each page: claims name variants");
        if let Some(why) = self.leaves_out(claim, variant, &self.options.toolchains[toolchain]) {
            return Judgement::skipped(why);
        }
        let arm = arms.iter().find(|arm| arm.toolchain == toolchain && concerns(claim, arm));
        match arm.map(|arm| (arm, &arm.binary)) {
            Some((_, Err(why))) if claim.race => Judgement::undecided(
                Measured::Nothing,
                format!("-race needs cgo and a C compiler: {why}"),
            ),
            Some((_, Err(why))) => Judgement::undecided(Measured::Nothing, why.clone()),
            Some((arm, Ok(_))) => judge(&claim.expect, &arm.runs),
            None => Judgement::undecided(Measured::Nothing, "nothing was run"),
        }
    }

    fn numbers(&self, arms: &[Arm]) -> Vec<Number> {
        if self.experiment.chart.is_none() {
            return Vec::new();
        }
        let mut keys: Vec<&String> =
            arms.iter().flat_map(|a| &a.runs).flat_map(|r| r.values.keys()).collect();
        keys.sort();
        keys.dedup();
        let number = |key: &String| {
            let median = |toolchain: usize| {
                let own = arms.iter().filter(|a| a.toolchain == toolchain && !a.race);
                let samples = own.flat_map(|a| &a.runs).filter_map(|run| run.number(key));
                stats::median(&samples.collect::<Vec<_>>(), LEVEL)
            };
            let medians = (0..self.options.toolchains.len()).map(median).collect();
            Number { key: key.clone(), medians }
        };
        keys.into_iter().map(number).collect()
    }
}

fn concerns(claim: &Claim, arm: &Arm) -> bool {
    claim.variant == arm.variant.name && claim.race == arm.race
}

/// Of each variant and toolchain the run with the most collections.
fn collections(arms: &[Arm], names: &[String]) -> Vec<Collections> {
    let most = |arm: &Arm| arm.runs.iter().map(|r| &r.cycles).max_by_key(|c| c.len()).cloned();
    let of = |arm: &Arm| {
        let cycles = most(arm).filter(|cycles| !cycles.is_empty())?;
        let toolchain = names[arm.toolchain].clone();
        Some(Collections { toolchain, variant: &arm.variant.name, cycles })
    };
    arms.iter().filter_map(of).collect()
}

fn languages(experiment: &Experiment) -> Vec<u32> {
    let mut all: Vec<u32> = experiment.variants.iter().map(|v| v.language).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Versions; with the path where a version is there twice.
fn names(toolchains: &[Toolchain]) -> Vec<String> {
    let twice = |version: &str| toolchains.iter().filter(|t| t.version == version).count() > 1;
    let name = |toolchain: &Toolchain| {
        if twice(&toolchain.version) {
            format!("{} ({})", toolchain.version, toolchain.go.display())
        } else {
            toolchain.version.clone()
        }
    };
    toolchains.iter().map(name).collect()
}

/// This system and architecture, as Go names them.
fn host() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{os}/{arch}")
}

/// The load average of the last minute, where the system tells it (proc(5)).
fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}
