//! The command line. Options are `Option`s so that a missing one can fall back to `unpanic.toml`;
//! clap itself looks into `UNPANIC_*`.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use crate::cli_gate::GateArgs;
pub use crate::cli_guard::GuardArgs;
pub use crate::cli_lab::LabArgs;
pub use crate::cli_scaffold::{
    GroupArg, MetricsArg, MonitoringArgs, RecoveryArgs, ScaffoldCommand, TracingArg, WriteArgs,
};
pub use crate::cli_trace::TraceArgs;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Finds concurrent map access and data races in Go programs, before they kill a service.
#[derive(Parser, Debug)]
#[command(
    name = "unpanic",
    version,
    styles = STYLES,
    max_term_width = 100,
    after_help = "\
Examples:
  unpanic check                     the module (or folder) here
  unpanic check ./internal/...      some packages of it
  unpanic explain MAP001            what a rule means, with bad and good code
  unpanic check --format sarif --output unpanic.sarif

Exit codes: 0 nothing found, 1 findings, 2 bad usage or configuration, 3 input that could not be
read, 70 a bug in unpanic. Every flag can also be set in unpanic.toml or as UNPANIC_FLAG."
)]
pub struct Cli {
    /// Flags that all commands share.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that all commands share.
#[derive(Args, Debug)]
pub struct Global {
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, value_name = "WHEN", env = "UNPANIC_COLOR")]
    pub color: Option<Color>,
    /// Print results and errors only: no warnings, no summary, no progress.
    #[arg(long, short, global = true, env = "UNPANIC_QUIET", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub quiet: Option<bool>,
    /// How many threads to use; all cores by default.
    #[arg(long, global = true, value_name = "N", env = "UNPANIC_THREADS")]
    pub threads: Option<usize>,
    /// Read this file instead of the unpanic.toml found upwards from here.
    #[arg(long, global = true, value_name = "FILE", env = "UNPANIC_CONFIG")]
    pub config: Option<PathBuf>,
    /// Remember results in this folder; the user's folder for caches by default.
    #[arg(long, global = true, value_name = "DIR", env = "UNPANIC_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,
    /// How many MiB the remembered results may take; 1024 by default.
    #[arg(long, global = true, value_name = "MIB", env = "UNPANIC_CACHE_SIZE")]
    pub cache_size: Option<u64>,
    /// Neither use nor keep the results of earlier runs.
    #[arg(long, global = true, env = "UNPANIC_NO_CACHE", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub no_cache: Option<bool>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Search Go packages for concurrent map access and data races.
    Check(Box<CheckArgs>),
    /// Show the documentation of a rule.
    Explain(ExplainArgs),
    /// List the rules.
    Rules(RulesArgs),
    /// Show how structs lie in memory: offsets, padding, cache lines, a better order of fields.
    Layout(LayoutArgs),
    /// Read what a dying Go process printed: what died, who holds what, whether recover would help.
    Crash(CrashArgs),
    /// Make suspected races happen: run the program with a trap around each suspected access.
    Prove(Box<ProveArgs>),
    /// The process that cleans up after `prove` and `lab`.
    #[command(hide = true, after_help = "Example: started by `unpanic prove`")]
    ProveGuard(ProveGuardArgs),
    /// Try what is said of Go on the Go that is installed: hazards, semantics, costs, with intervals.
    Lab(Box<LabArgs>),
    /// Read an execution trace: who ran when, what waited for what, what met at a crash.
    Trace(Box<TraceArgs>),
    /// Write code and configuration that are yours from then on: recovery, monitoring.
    Scaffold {
        /// What to write.
        #[command(subcommand)]
        command: ScaffoldCommand,
    },
    /// Judge a release candidate: load, controlled panics, and whether it recovers, logs and counts them.
    Gate(Box<GateArgs>),
    /// The process that cleans up after `gate`.
    #[command(hide = true, after_help = "Example: started by `unpanic gate`")]
    GateGuard,
    /// Run a Go service in production: every crash seen, survived and explained.
    Guard(Box<GuardArgs>),
    /// Look at the remembered results of earlier runs, or forget them.
    Cache {
        /// What to do.
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Look into the stages of the analysis, for comparison with Go's own tools.
    Debug {
        /// Which stage.
        #[command(subcommand)]
        command: DebugCommand,
    },
}

/// What can be done with the cache.
#[derive(Subcommand, Debug)]
pub enum CacheCommand {
    /// Print the folder.
    #[command(after_help = "Example:\n  unpanic cache path")]
    Path,
    /// Print how many bytes the entries take.
    #[command(after_help = "Example:\n  unpanic cache size")]
    Size,
    /// Remove all entries.
    #[command(after_help = "Example:\n  unpanic cache clean")]
    Clean,
}

/// The stages that can be looked into.
#[derive(Subcommand, Debug)]
pub enum DebugCommand {
    /// Print the packages that patterns name, one JSON object a line, as `go list -deps` has them.
    #[command(after_help = "Example:\n  unpanic debug packages ./... | jq -r .import_path")]
    Packages(DebugArgs),
    /// Print each file's declarations and syntax errors, one JSON object a file.
    #[command(after_help = "Example:\n  unpanic debug parse ./internal/hub")]
    Parse(DebugArgs),
    /// Print the type of every expression, one JSON object an expression, as go/types names it.
    #[command(after_help = "Example:\n  unpanic debug types ./internal/hub | head")]
    Types(DebugArgs),
    /// Print the intermediate representation of every function.
    #[command(after_help = "Example:\n  unpanic debug ir ./internal/hub")]
    Ir(DebugArgs),
    /// Print the calls and goroutine starts between functions, one JSON object a call.
    #[command(after_help = "Example:\n  unpanic debug callgraph ./... | jq 'select(.spawns)'")]
    Callgraph(DebugArgs),
}

/// Which packages, for which build.
#[derive(Args, Debug, Default)]
pub struct BuildArgs {
    /// Go package patterns: ./..., folders, files, import paths. None: everything below here.
    #[arg(value_name = "PATTERNS")]
    pub patterns: Vec<String>,
    /// Analyse test files too.
    #[arg(long, env = "UNPANIC_TESTS", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Build")]
    pub tests: Option<bool>,
    /// Build tags, separated by commas.
    #[arg(
        long,
        env = "UNPANIC_TAGS",
        value_delimiter = ',',
        value_name = "TAGS",
        help_heading = "Build"
    )]
    pub tags: Option<Vec<String>>,
    /// Target operating system.
    #[arg(long, env = "UNPANIC_GOOS", value_name = "GOOS", help_heading = "Build")]
    pub goos: Option<String>,
    /// Target architecture.
    #[arg(long, env = "UNPANIC_GOARCH", value_name = "GOARCH", help_heading = "Build")]
    pub goarch: Option<String>,
    /// Where imports are looked for, as for the go command.
    #[arg(long = "mod", env = "UNPANIC_MOD", value_name = "MODE", value_parser = ["mod", "readonly", "vendor"], help_heading = "Build")]
    pub mod_mode: Option<String>,
}

/// `unpanic check`.
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Examples:
  unpanic check                               the module (or folder) here
  unpanic check --tests ./...                 test files too
  unpanic check --rules MAP --preview         only map rules, new ones too
  unpanic check --write-baseline known.txt    accept what is there today ...
  unpanic check --baseline known.txt          ... and report only what is new
  unpanic check --fix --dry-run               show the safe fixes as a diff
  unpanic check --format github               annotations in a GitHub workflow

In code, `//unpanic:ignore RULE reason` on a line or above it silences a rule there.")]
pub struct CheckArgs {
    /// Which packages.
    #[command(flatten)]
    pub build: BuildArgs,
    /// Run only these rules: codes, names or families (MAP), separated by commas.
    #[arg(
        long,
        alias = "rule",
        env = "UNPANIC_RULES",
        value_delimiter = ',',
        value_name = "RULES",
        help_heading = "Rules"
    )]
    pub rules: Option<Vec<String>>,
    /// Run these rules too.
    #[arg(
        long,
        env = "UNPANIC_ENABLE",
        value_delimiter = ',',
        value_name = "RULES",
        help_heading = "Rules"
    )]
    pub enable: Option<Vec<String>>,
    /// Do not run these rules.
    #[arg(
        long,
        env = "UNPANIC_DISABLE",
        value_delimiter = ',',
        value_name = "RULES",
        help_heading = "Rules"
    )]
    pub disable: Option<Vec<String>>,
    /// Run preview rules too.
    #[arg(long, env = "UNPANIC_PREVIEW", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Rules")]
    pub preview: Option<bool>,
    /// Report findings of this confidence and above; medium by default.
    #[arg(
        long,
        env = "UNPANIC_MIN_CONFIDENCE",
        value_enum,
        value_name = "LEVEL",
        help_heading = "Rules"
    )]
    pub min_confidence: Option<ConfidenceArg>,
    /// More library models (knowledge/*.toml).
    #[arg(
        long,
        env = "UNPANIC_KNOWLEDGE",
        value_delimiter = ',',
        value_name = "FILE",
        help_heading = "Rules"
    )]
    pub knowledge: Option<Vec<PathBuf>>,
    /// Analyse the functions of required modules too, and report in them.
    #[arg(long, env = "UNPANIC_DEPS", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Filter")]
    pub deps: Option<bool>,
    /// Report nothing in files that match these globs, separated by commas.
    #[arg(
        long,
        env = "UNPANIC_EXCLUDE",
        value_delimiter = ',',
        value_name = "GLOBS",
        help_heading = "Filter"
    )]
    pub exclude: Option<Vec<String>>,
    /// Do not report the findings in this file, written by --write-baseline or --format json.
    #[arg(long, env = "UNPANIC_BASELINE", value_name = "FILE", help_heading = "Filter")]
    pub baseline: Option<PathBuf>,
    /// Write all findings to this baseline file and exit with 0.
    #[arg(long, value_name = "FILE", help_heading = "Filter")]
    pub write_baseline: Option<PathBuf>,
    /// Apply the safe fixes that findings carry.
    #[arg(long, help_heading = "Fix")]
    pub fix: bool,
    /// With --fix: print what would change, as a unified diff, and change nothing.
    #[arg(long, requires = "fix", help_heading = "Fix")]
    pub dry_run: bool,
    /// How to print findings; text by default.
    #[arg(
        long,
        env = "UNPANIC_FORMAT",
        value_enum,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub format: Option<Format>,
    /// Write findings to this file instead of standard output.
    #[arg(long, env = "UNPANIC_OUTPUT", value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Print counts by rule, and what the analysis saw and how long it took.
    #[arg(long, env = "UNPANIC_STATISTICS", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Output")]
    pub statistics: Option<bool>,
    /// Exit with 0 even when there are findings.
    #[arg(long, env = "UNPANIC_EXIT_ZERO", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Output")]
    pub exit_zero: Option<bool>,
}

/// `unpanic explain`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  unpanic explain MAP001\n  unpanic explain concurrent-map-access"
)]
pub struct ExplainArgs {
    /// A rule's code or name.
    pub rule: String,
}

/// `unpanic rules`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  unpanic rules\n  unpanic rules --format json | jq -r .code")]
pub struct RulesArgs {
    /// How to print them.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

/// `unpanic layout`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic layout ./internal/hub               every struct of a package
  unpanic layout ./internal/hub.Hub           one of them
  unpanic layout --goarch 386 --format json   on another architecture, one JSON object a struct")]
pub struct LayoutArgs {
    /// Which packages; `PKG.Type` for one type.
    #[command(flatten)]
    pub build: BuildArgs,
    /// A table, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

/// `unpanic crash`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic crash crash.log                      a file: log lines in between do not matter
  ./service 2>&1 | unpanic crash               as it comes
  kubectl logs web-7d4 --previous | unpanic crash -
  unpanic crash crash.log --source .           and what a crashed map access collided with
  unpanic crash crash.log --format json | jq -r .fingerprint

Reads panics, fatal errors, dumps after SIGQUIT, `http: panic serving`, -race reports and failed tests
of Go 1.18 to 1.27, also behind the prefixes of Docker, Kubernetes and journald. Exit codes: 0 there is
nothing of the kind in the input, 1 there is, 3 the input could not be read.")]
pub struct CrashArgs {
    /// The file to read; standard input if it is `-` or absent.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// For people, or one JSON object a crash or report.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
    /// The module that crashed: shows its code, and checks it for what the crashed access collided with.
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// Write a page for the browser to this file too.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `unpanic prove`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic prove                                the findings of the module here, by its tests or commands
  unpanic prove ./... --rules MAP001           findings of one rule
  unpanic prove --deps                         in the code of required modules too
  unpanic prove --findings found.json          findings of `check --format json`; the file learns what is proven
  unpanic prove -- ./cmd/server -addr :0       by running this command, with these arguments
  unpanic prove --all -- go test ./...         every map operation, by this command line
  unpanic prove --emit-test                    and write tests that fail until the races are gone

The program is built with `go build -overlay`; no file of yours is changed. A goroutine that comes to a
suspected access is held there for a moment; when another one comes to a conflicting access to the same
object, both were there, and the finding is proven. What nothing of yours proves is called by a test
that is made for it: `proven if called at once` takes for granted what stands there. Exit codes: 0 nothing
proven, 1 something proven, 2 bad usage, 3 the program could not be read or built, or there is no Go 1.21 or
later, 70 a bug.")]
pub struct ProveArgs {
    /// Which packages, for which build.
    #[command(flatten)]
    pub build: BuildArgs,
    /// Take findings from this file, as `check --format json` writes them, instead of searching.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub findings: Option<PathBuf>,
    /// Only findings of these rules: codes, names or families (MAP), separated by commas.
    #[arg(
        long,
        alias = "rule",
        value_delimiter = ',',
        value_name = "RULES",
        help_heading = "Findings"
    )]
    pub rules: Option<Vec<String>>,
    /// Findings of preview rules too.
    #[arg(long, env = "UNPANIC_PREVIEW", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Findings")]
    pub preview: Option<bool>,
    /// Findings of this confidence and above; medium by default.
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Findings")]
    pub min_confidence: Option<ConfidenceArg>,
    /// Watch every map operation of the module, whether a finding names it or not.
    #[arg(long, help_heading = "Runs")]
    pub all: bool,
    /// Search required modules too, and set traps in their code; with `--all` at every map operation of theirs.
    #[arg(long, help_heading = "Runs")]
    pub deps: bool,
    /// At most so many runs; fewer when all is proven.
    #[arg(long, default_value_t = 3, value_name = "N", help_heading = "Runs")]
    pub runs: u32,
    /// How much of a run's own time goroutines may be held, in percent; a short run may always have some.
    #[arg(long, default_value = "30%", value_name = "PERCENT", value_parser = parse_percent, help_heading = "Runs")]
    pub budget: u32,
    /// Seconds that a test binary, a program or the given command may take.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", help_heading = "Runs")]
    pub timeout: u64,
    /// Build with the race detector too.
    #[arg(long, help_heading = "Runs")]
    pub race: bool,
    /// Hold no goroutine; stretch the runtime's own check of map accesses instead, and let it end the
    /// program.
    #[arg(long, conflicts_with = "all", help_heading = "Runs")]
    pub amplify: bool,
    /// For what no test and no command proves, run a test that calls the functions at once.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Runs")]
    pub generate: bool,
    /// Write a test for each finding into its package that fails until the race is gone; `-`: print it.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "package", value_parser = ["package", "-"], value_name = "WHERE", help_heading = "Output")]
    pub emit_test: Option<String>,
    /// The go command.
    #[arg(
        long,
        env = "UNPANIC_GO",
        default_value = "go",
        value_name = "PATH",
        help_heading = "Runs"
    )]
    pub go: PathBuf,
    /// For people, or one JSON object a finding.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
    /// What to run in place of tests and commands that reach the accesses: a package of the module
    /// with arguments, or any command that calls `go`.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<std::ffi::OsString>,
}

/// `unpanic prove-guard`.
#[derive(Args, Debug)]
pub struct ProveGuardArgs {
    /// What is removed when unpanic is gone.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// So many bytes of memory the command may have.
    #[arg(long)]
    pub memory: Option<u64>,
    /// What is run, and killed when unpanic is gone.
    #[arg(last = true)]
    pub command: Vec<std::ffi::OsString>,
}

/// `30%` or `30`.
fn parse_percent(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<u32>();
    match number {
        Ok(percent @ 0..=10_000) => Ok(percent),
        _ => Err(format!("`{}` is no percentage", diag::clean_line(text))),
    }
}

/// `unpanic debug …`.
#[derive(Args, Debug)]
pub struct DebugArgs {
    /// Which packages.
    #[command(flatten)]
    pub build: BuildArgs,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to print findings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people: source excerpts and both goroutines.
    Text,
    /// One JSON object a line.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// JUnit XML.
    Junit,
}

/// How to print a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ListFormat {
    /// A table.
    Text,
    /// One JSON object a line.
    Json,
}

/// A confidence as a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ConfidenceArg {
    /// Guesses too.
    Low,
    /// Broken conventions too.
    Medium,
    /// Only what is shown in the program.
    High,
}

impl From<ConfidenceArg> for diag::Confidence {
    fn from(arg: ConfidenceArg) -> Self {
        match arg {
            ConfidenceArg::Low => Self::Low,
            ConfidenceArg::Medium => Self::Medium,
            ConfidenceArg::High => Self::High,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_key_of_the_configuration_has_its_flag() {
        let command = Cli::command();
        // A table of its own: sinks do not fit into a flag.
        let keys = engine::KEYS.iter().filter(|key| **key != ("guard", "incidents"));
        for (table, key) in keys {
            let has = |c: &clap::Command| c.get_arguments().any(|a| a.get_long() == Some(*key));
            let own = match *table {
                "slo" => command.find_subcommand("scaffold").unwrap().find_subcommand("monitoring"),
                "guard" => command.find_subcommand("guard"),
                _ => command.find_subcommand("check"),
            };
            assert!(has(&command) || has(own.unwrap()), "--{key} is missing");
        }
    }

    #[test]
    fn every_command_has_an_example() {
        fn visit(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !command.has_subcommands() || command.get_name() == "unpanic" {
                assert!(help.contains("Example"), "{} has no example", command.get_name());
            }
            command.get_subcommands().filter(|c| c.get_name() != "help").for_each(visit);
        }
        visit(&Cli::command());
    }
}
