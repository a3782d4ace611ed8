//! Automation: what CI and the README run is here, in Rust; shell scripts only call it.

#![expect(clippy::disallowed_methods, reason = "automation works on the disk and runs programs")]

mod measure;
mod new_rule;
mod packages;
mod race_suite;
mod scoreboard;
mod scoreboard_cache;
mod scoreboard_crash;
mod scoreboard_determinism;
mod scoreboard_gate;
mod scoreboard_guard;
mod scoreboard_guard_h2spec;
mod scoreboard_guard_soak;
mod scoreboard_guard_throughput;
mod scoreboard_guard_tickets;
mod scoreboard_lab;
mod scoreboard_layout;
mod scoreboard_load;
mod scoreboard_project;
mod scoreboard_prove;
mod scoreboard_prove_modules;
mod scoreboard_prove_race_suite;
mod scoreboard_prove_tests;
mod scoreboard_race_suite;
mod scoreboard_race_variants;
mod scoreboard_speed;
mod scoreboard_syntax;
mod scoreboard_trace;
mod scoreboard_trace_record;
mod scoreboard_trace_view;
mod scoreboard_type_errors;
mod scoreboard_types;
mod seed_races;
mod test;
mod tidy;
mod toolchain;
mod unpanic_command;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};

/// Automation for the unpanic workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that CI runs: tidy, formatting, clippy, tests; with CI=true the scoreboards too.
    Test {
        /// Run only the tests whose names contain this, and nothing else.
        filter: Option<String>,
    },
    /// Check what the compiler does not: crate edges, file headers and lengths, rule pages.
    Tidy,
    /// Write the files of a new rule.
    NewRule(new_rule::Args),
    /// Regenerate what is generated, and format everything.
    Gen,
    /// Break clean Go modules in one place at a time and count what `check` reports.
    SeedRaces(seed_races::Args),
    /// Regenerate a scoreboard (or `all`) under scoreboards/.
    Scoreboard {
        /// Which one; `list` lists them.
        #[arg(default_value = "list")]
        name: String,
        /// Folders of Go modules to measure besides the standard library.
        #[arg(long = "module", value_name = "DIR")]
        modules: Vec<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Task::Test { filter } => test::run(filter.as_deref()),
        Task::Tidy => tidy::run(),
        Task::NewRule(args) => new_rule::run(&args),
        Task::Gen => test::format(false),
        Task::SeedRaces(args) => seed_races::run(&args),
        Task::Scoreboard { name, modules } => scoreboard::run(&name, modules),
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("this crate lies in crates/xtask").to_owned()
}

/// Runs a program in the root, its output shown; fails when it does.
fn run_command(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    ensure!(status.success(), "{} failed ({status})", shown(command));
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The profile that this program was built in.
fn profile() -> anyhow::Result<String> {
    profile_of(&std::env::current_exe()?)
}

/// The profile that a program was built in: the folder that it lies in has the name.
fn profile_of(program: &Path) -> anyhow::Result<String> {
    let folder = program.parent().and_then(Path::file_name).and_then(|folder| folder.to_str());
    let folder =
        folder.with_context(|| format!("{} is in no profile's folder", program.display()))?;
    Ok(if folder == "debug" { "dev" } else { folder }.to_owned())
}

/// The cargo that runs this.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
