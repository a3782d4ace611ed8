//! Runs the public command over Go's own race-detector tests and counts which functions it flags.
//! The figures go to `race-suite.md` of the output folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use diag::{Confidence, FindingRecord};
use serde::Deserialize;

use crate::race_suite::{Outcome, Suite, Tally};
use crate::root;
use crate::scoreboard::Setup;
use crate::unpanic_command::Unpanic;

/// Where the suite lies in a GOROOT.
pub const FOLDER: &str = "src/runtime/race/testdata";

/// The runs of a suite: what each is called, the arguments, and the least confidence that counts.
pub const RUNS: &[(&str, &[&str], Confidence)] = &[
    ("all rules (`--preview`)", &["--preview"], Confidence::Low),
    ("all rules, confidence high", &["--preview"], Confidence::High),
    ("stable rules", &[], Confidence::Low),
    ("stable rules, confidence high", &[], Confidence::High),
];

/// Measures and writes `race-suite.md`. Fails when a figure is worse than on the committed page.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let unpanic = Unpanic::build(&setup.go)?;
    let dir = setup.go.root.join(FOLDER);
    let suite = Suite::read(&dir)?;
    let causes = Causes::read(&root().join("oracle/race_suite/causes.toml"))?;
    let committed = root().join("scoreboards/race-suite.md");
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    let mut page = String::from(HEAD);
    writeln!(page, "| run | {} | findings | outside | joining two |", Tally::HEADS)?;
    writeln!(page, "|---|{}|---|---|---|", Tally::RULE)?;
    let mut worse = Vec::new();
    let mut details = None;
    let files: Vec<&str> = suite.files.iter().map(String::as_str).collect();
    for (name, outcome) in outcomes(&unpanic, &dir, &suite, &files)? {
        let tally = suite.tally(&outcome);
        let (findings, outside) = (outcome.findings, outcome.outside.len());
        writeln!(
            page,
            "| {name} | {} | {findings} | {outside} | {} |",
            tally.cells(),
            outcome.joined
        )?;
        worse.extend(tally.worse_than(&committed, name));
        details.get_or_insert(outcome);
    }
    if let Some(outcome) = details {
        page += &sections(&suite, &outcome, &causes)?;
    }
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("race-suite.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    if worse.is_empty() { Ok(()) } else { bail!("worse than before:\n  {}", worse.join("\n  ")) }
}

/// What each of [`RUNS`] says about a suite; `patterns` are what to check in its folder.
pub fn outcomes(
    unpanic: &Unpanic,
    dir: &Path,
    suite: &Suite,
    patterns: &[&str],
) -> anyhow::Result<Vec<(&'static str, Outcome)>> {
    let mut done: Vec<(&[&str], Vec<FindingRecord>)> = Vec::new();
    let mut outcomes = Vec::new();
    for &(name, arguments, least) in RUNS {
        if !done.iter().any(|(of, _)| *of == arguments) {
            let all: Vec<&str> =
                ["--tests"].iter().chain(arguments).chain(patterns).copied().collect();
            done.push((arguments, unpanic.check(dir, &all)?));
        }
        let findings = done.iter().find(|(of, _)| *of == arguments).map_or(&[][..], |d| &d.1);
        let counted = findings.iter().filter(|f| f.confidence >= least);
        outcomes.push((name, suite.attribute(counted)));
    }
    Ok(outcomes)
}

const HEAD: &str = "# Go's race-detector tests\n\n\
    `unpanic check --tests` over GOROOT/src/runtime/race/testdata, the suite that tests Go's own race \
    detector: functions `TestRace…` race, `TestNoRace…` do not. A function is flagged when an access of \
    a finding lies in its lines; an access outside of all of them (in a helper) counts for the function \
    on its goroutine's way there. `with maps` are the functions in whose text a map type is written. \
    `outside`: findings that lie in no function of the suite. `joining two`: findings with accesses in two \
    functions; tests run one after the other, so these are wrong even where they flag a racy function. \
    The folder is given as a list of its test files, because it also holds a file of package main.\n\n\
    Bars: racy functions at least 90%, all of those with maps, at most 3% of the others.\n\n";

const UNEXPLAINED: &str = "not yet explained";

/// Why functions are missed or flagged, by name, as somebody who read them wrote it down.
#[derive(Deserialize, Default)]
struct Causes {
    #[serde(default)]
    missed: BTreeMap<String, String>,
    #[serde(default)]
    false_alarm: BTreeMap<String, String>,
}

impl Causes {
    fn read(path: &PathBuf) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }
}

fn sections(suite: &Suite, outcome: &Outcome, causes: &Causes) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut section = |head: &str, racy: bool, causes: &BTreeMap<String, String>| {
        let listed: Vec<_> = suite
            .of_kind(racy)
            .filter(|f| outcome.flagged.contains(&f.name) != racy)
            .map(|f| {
                let maps = if f.maps { " (map)" } else { "" };
                let cause = causes.get(&f.name).map_or(UNEXPLAINED, String::as_str);
                format!("- {}{maps}: {cause}\n", f.name)
            })
            .collect();
        if !listed.is_empty() {
            text +=
                &format!("\n## {head} with all rules ({})\n\n{}", listed.len(), listed.concat());
        }
    };
    section("Missed", true, &causes.missed);
    section("False alarms", false, &causes.false_alarm);
    if !outcome.outside.is_empty() {
        writeln!(text, "\n## Outside of the functions\n")?;
        for line in &outcome.outside {
            writeln!(text, "- {line}")?;
        }
    }
    Ok(text)
}
