//! `cargo xtask test`: everything that has to hold before a change lands.

use std::path::PathBuf;
use std::process::Command;

use crate::toolchain::Go;
use crate::{cargo, packages, profile, root, run_command, scoreboard, tidy};

/// The oldest version that scaffolded code has to compile with.
const OLDEST_GO: &str = "1.21.13";

/// What is built together: cargo unifies the features of what one command builds, so another selection builds
/// half of the dependencies again. `.ci/run` has the same.
const SELECTION: [&str; 2] = ["--workspace", "--profile"];

/// Runs all checks, the quick ones first and the tests last; with a filter, those tests only.
pub fn run(filter: Option<&str>) -> anyhow::Result<()> {
    let ci = std::env::var("CI").is_ok_and(|v| v == "true" || v == "1");
    if filter.is_none() {
        tidy::run()?;
        format(true)?;
        run_command(cargo().args(["clippy", "--quiet"]).args(SELECTION).arg(profile()?))?;
    }
    let go = Go::find()?;
    if ci && filter.is_none() {
        scoreboard::run_ci(&go, &root().join("target/scoreboards"))?;
    }
    let mut tests = cargo();
    tests.arg("test").args(SELECTION).arg(profile()?).args(filter);
    if ci {
        // Slow suites run in CI; a snapshot that is missing or out of date is an error there.
        tests.env("UNPANIC_SLOW", "1").env("INSTA_UPDATE", "no");
    }
    if ci || std::env::var_os("UNPANIC_SLOW").is_some() {
        packages::install()?;
        tests.env("UNPANIC_GO_OLDEST", Go::of_version(OLDEST_GO)?.binary);
    }
    run_command(go.setup(&mut tests))
}

/// Formats the workspace, or checks that it is formatted. Rule files are included by a generated
/// list that `cargo fmt` does not see.
pub fn format(check: bool) -> anyhow::Result<()> {
    let check = check.then_some("--check");
    run_command(cargo().args(["fmt", "--all"]).args(check.map(|_| "--").into_iter().chain(check)))?;
    let mut rules: Vec<PathBuf> = std::fs::read_dir(root().join("crates/rules/src/rules"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect();
    rules.sort();
    if rules.is_empty() {
        return Ok(());
    }
    run_command(Command::new("rustfmt").args(["--edition", "2024"]).args(check).args(rules))
}
