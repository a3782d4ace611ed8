//! Rewrites Go's race-detector tests into programs that do the same in other words (helpers, named
//! closures, two packages, interfaces) and measures each like the suite itself. The figures go to
//! `race-variants.md` of the output folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::race_suite::{Suite, Tally};
use crate::root;
use crate::scoreboard::Setup;
use crate::scoreboard_race_suite::{FOLDER, outcomes};
use crate::unpanic_command::Unpanic;

/// Makes the variants in a scratch folder, measures, and writes `race-variants.md`. Fails when a
/// variant does not type-check or a figure is worse than on the committed page.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let unpanic = Unpanic::build(&setup.go)?;
    let scratch = std::env::temp_dir().join(format!("unpanic-variants-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let committed = root().join("scoreboards/race-variants.md");
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    let mut page = format!("{HEAD}| variant | {} | against the original |\n", Tally::HEADS);
    writeln!(page, "|---|{}|---|", Tally::RULE)?;
    let mut made = String::new();
    let (mut worse, mut losses, mut original) = (Vec::new(), String::new(), None);
    for variant in rewrite(setup, &scratch)? {
        let dir = scratch.join(&variant.name);
        let suite = Suite::read(&dir)?;
        let (_, outcome) = outcomes(&unpanic, &dir, &suite, &["./..."])?.swap_remove(0);
        let tally = suite.tally(&outcome);
        let name = &variant.name;
        let (base, flagged) =
            original.get_or_insert_with(|| (tally.racy.percent(), outcome.flagged.clone()));
        let points = tally.racy.percent() - *base;
        writeln!(page, "| {name} | {} | {points:+.1} points |", tally.cells())?;
        worse.extend(tally.worse_than(&committed, name));
        writeln!(made, "{}", variant.row())?;
        let lost: Vec<&str> = suite
            .of_kind(true)
            .map(|f| f.name.as_str())
            .filter(|&f| flagged.contains(f) && !outcome.flagged.contains(f))
            .collect();
        if !lost.is_empty() {
            writeln!(losses, "\n## Lost in {name} ({})\n\n{}", lost.len(), lost.join(", "))?;
        }
        let gained: Vec<&str> = suite
            .of_kind(false)
            .map(|f| f.name.as_str())
            .filter(|&f| !flagged.contains(f) && outcome.flagged.contains(f))
            .collect();
        if !gained.is_empty() {
            let count = gained.len();
            writeln!(losses, "\n## New false alarms in {name} ({count})\n\n{}", gained.join(", "))?;
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("race-variants.md");
    std::fs::write(&path, page + MADE + &made + &losses)
        .with_context(|| path.display().to_string())?;
    if worse.is_empty() { Ok(()) } else { bail!("worse than before:\n  {}", worse.join("\n  ")) }
}

const HEAD: &str = "# Go's race-detector tests, said in other words\n\n\
    The functions of [race-suite.md](race-suite.md), rewritten by `oracle/race_variants` so that each does \
    the same: `helpers`: the body of each goroutine's closure is a function of its own, captured variables \
    are passed by address; `named`: `f := func(){…}; go f()`; `split`: as helpers, and everything that is no \
    test function (helpers, package-level variables, types, methods) lies in a second package; `interface`: the \
    body is a method of a struct of addresses and is started through an interface. `original` is the \
    suite unchanged, in a module of its own. All rules (`--preview`); columns as there. \
    The bar is recall within 5 points of the original.\n\n";

const MADE: &str = "\n`rewritten` of the closures that `go` starts, nested ones included; the others are \
    left as they are, for the reason given. Every variant type-checks.\n\n\
    | variant | closures | rewritten | declarations moved | left |\n|---|---|---|---|---|\n";

/// What `oracle/race_variants` says about a variant.
#[derive(Deserialize)]
struct Variant {
    #[serde(rename = "variant")]
    name: String,
    closures: usize,
    changed: usize,
    moved: usize,
    left: Option<BTreeMap<String, usize>>,
}

impl Variant {
    fn row(&self) -> String {
        let left = self.left.iter().flatten().map(|(why, n)| format!("{n}: {why}"));
        let left = left.collect::<Vec<_>>().join("; ");
        let Self { name, closures, changed, moved, .. } = self;
        format!("| {name} | {closures} | {changed} | {moved} | {left} |")
    }
}

fn rewrite(setup: &Setup, out: &Path) -> anyhow::Result<Vec<Variant>> {
    let program = root().join("oracle/race_variants");
    let mut command = Command::new(&setup.go.binary);
    let command = setup.go.setup(&mut command).args(["run", ".", "-src"]);
    command.arg(setup.go.root.join(FOLDER)).arg("-out").arg(out).current_dir(&program);
    let output = command.output().context("cannot run oracle/race_variants")?;
    let messages = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "oracle/race_variants failed\n{messages}");
    let stream = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    stream.collect::<Result<_, _>>().context("reading the output of oracle/race_variants")
}
