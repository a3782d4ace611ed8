//! `unpanic prove` on modules with their own tests: the same tests have to give the same results with
//! traps as without, and about as fast. The figures go to `prove-modules.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::scoreboard::{Setup, number};
use crate::unpanic_command::Unpanic;

/// Rounds of each kind of run, when `UNPANIC_TRIES` does not say.
const TRIES: usize = 3;

const HEAD: &str = "# Test suites under traps\n\n\
    `cargo xtask scoreboard prove-modules --module DIR …` (`UNPANIC_TRIES=N` for another number of rounds): \
    `go test ./...` of each module plainly, under `unpanic prove --preview --min-confidence low` (traps at what \
    `check` reports) and under `prove --all` (traps at every map operation), both with the default budget, in turn. \
    *Same*: each test has the result that it has plainly, in some plain round. *Wall*, *user*: the time of all \
    test binaries, building left out, the median over the rounds, as a ratio to the plain one. *Tests* counts \
    tests and subtests. A module without findings or map operations has no such run.\n\n\
    Bar: the same results, at most 30% slower with the default budget.\n\n\
    | module | tests | plain: wall s | user s | findings: same | wall | user | --all: same | wall | user | reached |\n\
    |---|---|---|---|---|---|---|---|---|---|---|\n";

/// One run of a suite.
#[derive(Default)]
struct Outcome {
    /// Result by package and test.
    tests: BTreeMap<(String, String), String>,
    wall: f64,
    user: f64,
    reached: u64,
}

/// Measures and writes `prove-modules.md`. Fails when a test has another result.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    ensure!(!setup.modules.is_empty(), "give modules with --module DIR");
    let tries = number("UNPANIC_TRIES", TRIES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let scratch = tempfile::tempdir()?;
    let script = scratch.path().join("timed");
    // The times of each test binary go to a file, what it prints stays where it was.
    std::fs::write(
        &script,
        "#!/bin/bash\nTIMEFORMAT='%R %U'\n{ time \"$@\" 2>&3; } 3>&2 2>>\"$TIMES\"\n",
    )?;
    let mut page = String::from(HEAD);
    let mut notes = String::new();
    let mut wrong = Vec::new();
    for module in &setup.modules {
        let module = module.canonicalize().with_context(|| module.display().to_string())?;
        let name = module_name(&module)?;
        eprintln!("  {name}");
        let suite = Suite { setup, unpanic: &unpanic, script: &script, dir: &module };
        let kinds: [Option<&[&str]>; 3] = [
            None,
            Some(&["--preview", "--min-confidence", "low", "--runs", "1"]),
            Some(&["--all", "--runs", "1"]),
        ];
        let mut rounds: [Vec<Outcome>; 3] = [Vec::new(), Vec::new(), Vec::new()];
        // What has to be built is built first.
        suite.run(None)?;
        for _ in 0..tries {
            for (kind, arguments) in kinds.iter().enumerate() {
                if let Some(outcome) = suite.run(*arguments)? {
                    rounds[kind].push(outcome);
                }
            }
        }
        let plain = &rounds[0];
        let of = |of: &[Outcome], time: fn(&Outcome) -> f64| median(of.iter().map(time).collect());
        let (wall, user) = (of(plain, |o| o.wall), of(plain, |o| o.user));
        let count = plain.first().map_or(0, |o| o.tests.len());
        let mut row = format!("| {name} | {count} | {wall:.1} | {user:.1} |");
        for (kind, label) in [(1, "findings"), (2, "--all")] {
            let own = &rounds[kind];
            if own.is_empty() {
                row += " nothing to watch | | |";
                continue;
            }
            let different = differences(plain, own);
            let same = if different.is_empty() {
                "yes".to_owned()
            } else {
                format!("{} not", different.len())
            };
            write!(
                row,
                " {same} | {:.2} | {:.2} |",
                of(own, |o| o.wall) / wall,
                of(own, |o| o.user) / user
            )?;
            for text in &different {
                writeln!(notes, "- {name}, {label}: {text}")?;
            }
            if !different.is_empty() {
                wrong.push(format!("{name}: {} tests differ", different.len()));
            }
        }
        let reached = rounds[2].iter().map(|o| o.reached).max().unwrap_or(0);
        writeln!(page, "{row} {reached} |")?;
        // After each module: the whole takes long, and what is done is done.
        write_page(setup, &page, &notes)?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn write_page(setup: &Setup, table: &str, notes: &str) -> anyhow::Result<()> {
    let mut page = table.to_owned();
    if !notes.is_empty() {
        writeln!(page, "\nOther results:\n\n{}", notes.trim_end())?;
    }
    let go = setup.go.version()?;
    writeln!(page, "\nMeasured with {go}, on two processors that other work shared.")?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("prove-modules.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

struct Suite<'a> {
    setup: &'a Setup,
    unpanic: &'a Unpanic,
    script: &'a Path,
    dir: &'a Path,
}

impl Suite<'_> {
    /// Runs all tests once, plainly or under `prove`; `None` when there was nothing to prove.
    fn run(&self, prove: Option<&[&str]>) -> anyhow::Result<Option<Outcome>> {
        let folder = tempfile::tempdir()?;
        let (times, events) = (folder.path().join("times"), folder.path().join("events"));
        // -p=1: packages do not slow each other down, and the order is the same each time.
        let line = format!(
            "TIMES='{}' '{}' test -json -count=1 -vet=off -p=1 -exec 'bash {}' ./... > '{}'; true",
            times.display(),
            self.setup.go.binary.display(),
            self.script.display(),
            events.display()
        );
        let mut outcome = Outcome::default();
        match prove {
            None => {
                let mut command = Command::new("bash");
                self.setup.go.setup(&mut command).current_dir(self.dir).args(["-c", &line]);
                command.output().context("cannot run bash")?;
            }
            Some(arguments) => {
                let mut all = arguments.to_vec();
                all.extend(["--timeout", "1200", "--", "bash", "-c", &line]);
                let lines = self.unpanic.prove(&self.setup.go, self.dir, &all)?;
                outcome.reached = lines.iter().filter_map(|line| line["reached"].as_u64()).sum();
            }
        }
        let Ok(text) = std::fs::read_to_string(&events) else { return Ok(None) };
        for line in text.lines() {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let (Some(test), Some(package)) = (event["Test"].as_str(), event["Package"].as_str())
            else {
                continue;
            };
            let action = event["Action"].as_str().unwrap_or_default();
            if matches!(action, "pass" | "fail" | "skip") {
                outcome.tests.insert((package.to_owned(), test.to_owned()), action.to_owned());
            }
        }
        let text = std::fs::read_to_string(&times).unwrap_or_default();
        for line in text.lines() {
            let mut numbers = line.split(' ').filter_map(|n| n.parse::<f64>().ok());
            if let (Some(wall), Some(user)) = (numbers.next(), numbers.next()) {
                outcome.wall += wall;
                outcome.user += user;
            }
        }
        Ok(Some(outcome))
    }
}

/// Tests whose result in one of the runs is none that it ever has plainly.
fn differences(plain: &[Outcome], own: &[Outcome]) -> Vec<String> {
    let mut different = std::collections::BTreeSet::new();
    let known = |key: &(String, String)| -> Vec<Option<&String>> {
        plain.iter().map(|o| o.tests.get(key)).collect()
    };
    for outcome in own {
        let keys = plain.iter().flat_map(|o| o.tests.keys()).chain(outcome.tests.keys());
        for key in keys {
            let now = outcome.tests.get(key);
            if !known(key).contains(&now) {
                let before = known(key)[0].map_or("absent", String::as_str);
                let now = now.map_or("absent", String::as_str);
                different.insert(format!("{} {}: {before} plainly, {now}", key.0, key.1));
            }
        }
    }
    different.into_iter().collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The module's path, of its go.mod.
fn module_name(dir: &Path) -> anyhow::Result<String> {
    let path = dir.join("go.mod");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("module "));
    Ok(line.context("go.mod names no module")?.trim().to_owned())
}
