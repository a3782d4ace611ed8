//! The arguments of `unpanic lab`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::ListFormat;
use crate::cli_trace::duration;

/// `unpanic lab`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  unpanic lab                                       all experiments on the Go in the path
  unpanic lab list                                  what there is
  unpanic lab show sync-pool                        the program of one
  unpanic lab run sync-pool false-sharing           some of them
  unpanic lab --go go --go /opt/go1.21              two versions side by side
  unpanic lab --format html --out lab.html          a page with charts and the programs
  unpanic lab run recover-fatal --keep programs     leaves the program there, to look at and change

Each program is run until its claims are decided or the budget is over. Figures have intervals of 99%,
and a claim agrees or disagrees only when the whole interval does: on a busy machine more stay undecided.
The programs use the standard library only; nothing is downloaded. Exit codes: 0 all claims agree or are
undecided, 1 one disagrees, 2 bad usage, 3 there is no Go 1.21 or later, or a program does not build."
)]
pub struct LabArgs {
    /// Or a part of it.
    #[command(subcommand)]
    pub command: Option<LabCommand>,
    /// How to run.
    #[command(flatten)]
    pub options: LabOptions,
}

/// Parts of the lab.
#[derive(Subcommand, Debug)]
pub enum LabCommand {
    /// Run some experiments.
    #[command(after_help = "Example:\n  unpanic lab run value-receiver map-guards --budget 60s")]
    Run {
        /// Their names.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// How to run.
        #[command(flatten)]
        options: LabOptions,
    },
    /// List the experiments.
    #[command(
        after_help = "Examples:\n  unpanic lab list\n  unpanic lab list --format json | jq -r .name"
    )]
    List {
        /// A table, or one JSON object an experiment.
        #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
        format: ListFormat,
    },
    /// Print the Go program of an experiment.
    #[command(after_help = "Example:\n  unpanic lab show value-receiver > main.go")]
    Show {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// How to run.
#[derive(Args, Debug)]
pub struct LabOptions {
    /// A go command, or a GOROOT; more than once for several versions side by side.
    #[arg(long, env = "UNPANIC_GO", default_value = "go", value_name = "PATH")]
    pub go: Vec<PathBuf>,
    /// Fewer runs and a budget of 5 s: a first impression.
    #[arg(long)]
    pub quick: bool,
    /// How long an experiment may run with one Go, building aside; 20s by default.
    #[arg(long, value_name = "DURATION", value_parser = budget)]
    pub budget: Option<Duration>,
    /// Try what is claimed of the race detector too; needs cgo.
    #[arg(long)]
    pub race: bool,
    /// Tables, one JSON object a claim and version, or a page.
    #[arg(long, value_enum, default_value_t = LabFormat::Text, value_name = "FORMAT")]
    pub format: LabFormat,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Leave the programs in this folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// How to print the lab's report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LabFormat {
    /// Tables.
    Text,
    /// One JSON object a line.
    Json,
    /// A page for the browser.
    Html,
}

fn budget(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(nanoseconds @ 1..) => Ok(Duration::from_nanos(nanoseconds.unsigned_abs())),
        _ => Err("a budget is a number with a unit, above zero: 60s, 1.5m, 500ms".to_owned()),
    }
}
