//! What goes into [`crate::check`] and what comes out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diag::{Confidence, ExitClass, Finding, Problem};
use go_project::ModMode;
use serde::{Deserialize, Serialize};
use source::{SourceMap, System};

use crate::{Baseline, RuleSelection};

/// One run of the analysis.
#[derive(Clone)]
pub struct CheckRequest<'a> {
    /// The machine.
    pub system: &'a dyn System,
    /// Where patterns are resolved from; absolute.
    pub dir: PathBuf,
    /// Go package patterns; empty means the module, or the folder, at `dir`.
    pub patterns: Vec<String>,
    /// For which platform and tags.
    pub target: Target,
    /// Which rules run.
    pub rules: RuleSelection,
    /// Findings below this are dropped.
    pub min_confidence: Confidence,
    /// Library models of the user's, on top of the built-in ones.
    pub knowledge: Vec<PathBuf>,
    /// Analyse the bodies of dependencies (not of the standard library) too, and report in them.
    pub deps: bool,
    /// Globs of files (relative to `dir`) in which nothing is reported.
    pub exclude: Vec<String>,
    /// Findings that are known and not reported.
    pub baseline: Option<Baseline>,
}

/// The build that is analysed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Target {
    /// `GOOS`; the machine's when absent.
    pub goos: Option<String>,
    /// `GOARCH`; the machine's when absent.
    pub goarch: Option<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// `-mod`; by `GOFLAGS` and Go's default rule when absent.
    pub mod_mode: Option<ModMode>,
    /// Whether test files belong to the program.
    pub tests: TestFiles,
}

/// Whether `_test.go` files are analysed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub enum TestFiles {
    /// They are left out.
    #[default]
    Skip,
    /// They are part of their packages; test functions are entry points.
    Include,
}

/// The outcome of a run. There is always one: what fails becomes a problem in it.
pub struct CheckReport {
    /// Sorted and with fingerprints; suppressed and known ones are gone.
    pub findings: Vec<Finding>,
    /// All findings before the baseline took away the known ones: what `--write-baseline` writes.
    pub fingerprints: Vec<String>,
    /// What went wrong on the way, sorted.
    pub problems: Vec<Problem>,
    /// Counts and times.
    pub statistics: Statistics,
    /// The text of the files that places refer to.
    pub sources: Arc<SourceMap>,
}

impl CheckReport {
    /// What the process should exit with.
    pub fn exit_class(&self) -> ExitClass {
        let found = if self.findings.is_empty() { ExitClass::Clean } else { ExitClass::Findings };
        self.problems.iter().map(Problem::exit_class).fold(found, ExitClass::max)
    }
}

/// Counts and times of a run, for `--statistics`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Packages that patterns named.
    pub packages: usize,
    /// Packages loaded with all dependencies.
    pub packages_loaded: usize,
    /// Go files read.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Functions analysed.
    pub functions: usize,
    /// Origins (goroutines, handlers, entry points) found.
    pub origins: usize,
    /// Findings that a comment suppressed.
    pub suppressed: usize,
    /// Findings that the baseline knew.
    pub known: usize,
    /// Suppression comments that suppressed nothing.
    pub unused_suppressions: usize,
    /// Wall time of each stage, in order; empty when no stage ran.
    pub stages: Vec<(Stage, Duration)>,
    /// What the cache did.
    #[serde(skip)]
    pub cache: CacheUse,
}

/// What became of a report in the cache.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum CacheUse {
    /// There was no cache.
    #[default]
    Off,
    /// It is that of an earlier run: nothing has changed since.
    Hit,
    /// It is kept for the next run.
    Stored,
    /// It is not kept; the reason.
    NotStored(String),
}

/// The stages of a run, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// Finding packages, reading and parsing their files.
    Load,
    /// Type checking.
    Types,
    /// Building the intermediate representation.
    Ir,
    /// Call graph, origins, summaries, happens-before.
    Flow,
    /// Running the rules.
    Rules,
}

impl Stage {
    /// For a progress bar: "loading packages".
    pub fn label(self) -> &'static str {
        match self {
            Self::Load => "loading packages",
            Self::Types => "type-checking",
            Self::Ir => "building IR",
            Self::Flow => "following goroutines",
            Self::Rules => "running rules",
        }
    }
}

/// Is told how far a run is. Called from any thread.
pub trait Progress: Sync {
    /// A stage starts; `total` steps are expected, if that is known.
    fn stage(&self, stage: Stage, total: Option<u64>);
    /// A step of the stage is done; `what` names it (a package).
    fn step(&self, what: &str);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn stage(&self, _: Stage, _: Option<u64>) {}
    fn step(&self, _: &str) {}
}
