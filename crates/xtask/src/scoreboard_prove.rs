//! `unpanic prove` on the examples: how often each hazard is proven in one run, and that nothing is ever
//! proven in the good variants. The figures go to `prove.md` of the output folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::root;
use crate::scoreboard::{Setup, number};
use crate::unpanic_command::Unpanic;

/// Tries of each hazard, and runs of each good variant, when `UNPANIC_TRIES` does not say.
const TRIES: u32 = 50;
/// Of a hundred tries so many have to prove the hazard.
const BAR: u32 = 96;

const HEAD: &str = "# Proofs on the examples\n\n\
    One command regenerates this: `cargo xtask scoreboard prove` (`UNPANIC_TRIES=N` for another number of tries).\n\n\
    *Hazards*: each try is `unpanic prove --runs 1` on an example that has the mistake: traps at the accesses\n\
    of its findings, one run. examples/orders runs its load test. *Proven* counts tries; the time is that of a\n\
    whole try, analysis and build included, the median.\n\n\
    *Good variants*: `unpanic prove --all`, traps at every map operation; goroutines are held wherever two came\n\
    close. *Together* counts proofs, and has to be 0.\n";

/// Measures and writes `prove.md`. Fails when a hazard is proven too seldom or a good variant at all.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let tries = number("UNPANIC_TRIES", TRIES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let (bad, good) = examples()?;
    let mut page = String::from(HEAD);
    let mut wrong = Vec::new();
    writeln!(page, "\n## Hazards\n\n| example | finding | proven | seconds |\n|---|---|---|---|")?;
    for example in &bad {
        eprintln!("  {}", shown(example));
        let found = hazard(setup, &unpanic, example, tries)?;
        for (rule, proven, time) in found {
            let name = shown(example);
            writeln!(
                page,
                "| {name} | {rule} | {proven} of {tries} | {:.1} |",
                time.as_secs_f64()
            )?;
            if proven * 100 < tries * BAR {
                wrong.push(format!("{name}: {rule} is proven in {proven} of {tries} tries"));
            }
        }
    }
    writeln!(
        page,
        "\n## Good variants\n\n| example | runs | watched accesses reached | together |\n|---|---|---|---|"
    )?;
    for example in &good {
        eprintln!("  {}", shown(example));
        let runs = tries.to_string();
        let output = unpanic.prove(&setup.go, example, &["--all", "--runs", &runs])?;
        let met = output.iter().filter(|line| line["meeting"].is_object()).count();
        let reached: u64 = output.iter().filter_map(|line| line["reached"].as_u64()).sum();
        writeln!(page, "| {} | {runs} | {reached} | {met} |", shown(example))?;
        if met > 0 {
            wrong.push(format!("{}: {met} false proofs", shown(example)));
        }
        // Nothing could have met where nothing came.
        if reached == 0 {
            wrong.push(format!("{}: no access was reached", shown(example)));
        }
    }
    writeln!(page, "\nMeasured with {}.", setup.go.version()?)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("prove.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// How often each finding of an example is proven in one run, with the median time of a try.
fn hazard(
    setup: &Setup,
    unpanic: &Unpanic,
    example: &Path,
    tries: u32,
) -> anyhow::Result<Vec<(String, u32, Duration)>> {
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut times = Vec::new();
    for number in 0..tries {
        let start = Instant::now();
        let output = unpanic.prove(&setup.go, example, &["--runs", "1", "--timeout", "30"])?;
        times.push(start.elapsed());
        for (index, line) in output.iter().filter(|line| line["rule"].is_string()).enumerate() {
            let rule = line["rule"].as_str().unwrap_or_default();
            if number == 0 {
                found.push((rule.to_owned(), 0));
            }
            match found.get_mut(index) {
                Some((known, proven)) if known == rule => {
                    *proven += u32::from(line["verdict"] == "proven");
                }
                _ => bail!("{}: the findings are not the same each time", shown(example)),
            }
        }
    }
    ensure!(!found.is_empty(), "{} has no findings", shown(example));
    times.sort();
    let median = times[times.len() / 2];
    Ok(found.into_iter().map(|(rule, proven)| (rule, proven, median)).collect())
}

/// The examples with a race in them, and those without. Stale data in a pool is no race.
pub fn examples() -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for hazard in std::fs::read_dir(root().join("examples/hazards"))? {
        let hazard = hazard?.path();
        if !hazard.is_dir() {
            continue;
        }
        for variant in std::fs::read_dir(&hazard)? {
            let variant = variant?.path();
            let name = variant.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match name.as_str() {
                "bad-stale" => {}
                name if name.starts_with("bad") => bad.push(variant),
                name if name.starts_with("good") => good.push(variant),
                _ => {}
            }
        }
    }
    bad.sort();
    good.sort();
    bad.push(root().join("examples/orders"));
    Ok((bad, good))
}

pub fn shown(example: &Path) -> String {
    let below = example.strip_prefix(root()).unwrap_or(example);
    below.display().to_string()
}
