//! The tests that `unpanic prove --emit-test` writes for the examples: how often they fail on the broken
//! code, and how often they pass on the good variants whose functions they can call. The figures go to
//! `prove-tests.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::scoreboard::{Setup, number};
use crate::scoreboard_prove::{examples, shown};
use crate::seed_races::Tree;
use crate::unpanic_command::Unpanic;

/// Runs of each test, when `UNPANIC_TRIES` does not say.
const TRIES: u32 = 20;

const HEAD: &str = "# Tests that are made for findings\n\n\
    `cargo xtask scoreboard prove-tests` (`UNPANIC_TRIES=N` for another number of runs): in a copy of each \
    example with the mistake, `unpanic prove --emit-test` writes a test for each finding. It is run by plain `go \
    test` (with -race where the table says so) and has to fail each time. Then it is put beside the good variants \
    of the example, where it has to pass each time; a variant whose functions are others does not build with it.\n\n\
    | example | finding | calls | -race | failed | good variants: passed |\n|---|---|---|---|---|---|\n";

/// Measures and writes `prove-tests.md`.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let tries = number("UNPANIC_TRIES", TRIES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let (bad, good) = examples()?;
    let scratch = tempfile::tempdir()?;
    let mut page = String::from(HEAD);
    for (number, example) in bad.iter().enumerate() {
        eprintln!("  {}", shown(example));
        let tree = Tree::copy(example, &scratch.path().join(number.to_string()))?;
        let lines = unpanic.prove(&setup.go, &tree.root, &["--runs", "1", "--emit-test"])?;
        for line in lines.iter().filter(|line| line["rule"].is_string()) {
            let (rule, test) = (line["rule"].as_str().unwrap_or_default(), &line["test"]);
            let name = shown(example);
            let (Some(file), Some(function)) = (test["file"].as_str(), test["name"].as_str())
            else {
                let reason = test["reason"].as_str().unwrap_or("?").replace('|', "\\|");
                writeln!(page, "| {name} | {rule} | none: {reason} | | | |")?;
                continue;
            };
            let race = test["needs_race"] == true;
            let failed = runs(setup, &tree.root, file, function, race, tries)?;
            let failed = failed.map_or("does not build".to_owned(), |f| format!("{f} of {tries}"));
            let mut twins = Vec::new();
            for twin in good.iter().filter(|g| g.parent() == example.parent()) {
                let copy = Tree::copy(twin, &scratch.path().join("twin"))?;
                let target = copy.root.join(file);
                let passed = if target.parent().is_some_and(Path::is_dir) {
                    std::fs::copy(tree.root.join(file), &target)?;
                    runs(setup, &copy.root, file, function, race, tries)?
                } else {
                    None
                };
                let own = twin.file_name().unwrap_or_default().to_string_lossy().into_owned();
                twins.push(match passed {
                    Some(failed) => format!("{own} {} of {tries}", tries - failed),
                    None => format!("{own} has other functions"),
                });
                copy.remove()?;
            }
            let calls = function.trim_start_matches("TestConcurrent");
            let calls = calls.rsplit_once('_').map_or(calls, |(calls, _)| calls);
            let (race, twins) = (if race { "yes" } else { "" }, twins.join(", "));
            writeln!(page, "| {name} | {rule} | {calls} | {race} | {failed} | {twins} |")?;
        }
        tree.remove()?;
    }
    writeln!(page, "\nMeasured with {}.", setup.go.version()?)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("prove-tests.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

/// In how many runs a test fails; `None` when it does not build.
fn runs(
    setup: &Setup,
    module: &Path,
    file: &str,
    function: &str,
    race: bool,
    tries: u32,
) -> anyhow::Result<Option<u32>> {
    let dir: PathBuf = module.join(file).parent().unwrap_or(module).to_owned();
    let binary = module.join("made.test");
    let mut build = Command::new(&setup.go.binary);
    setup.go.setup(&mut build).current_dir(&dir).args(["test", "-c", "-vet=off", "-o"]);
    build.arg(&binary);
    if race {
        build.arg("-race");
    }
    if !build.output()?.status.success() || !binary.exists() {
        return Ok(None);
    }
    let mut failed = 0;
    for _ in 0..tries {
        let only = format!("-test.run=^{function}$");
        let output = Command::new(&binary).arg(only).current_dir(&dir).output()?;
        failed += u32::from(!output.status.success());
    }
    Ok(Some(failed))
}
