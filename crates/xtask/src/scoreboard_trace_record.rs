//! How much of a trace is lost when a map conflict ends a program under `unpanic trace record`, with the
//! runtime that writes it out at that moment and without. The figures go to `trace-record.md` of the
//! output folder.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::root;
use crate::scoreboard::{Setup, number};
use crate::unpanic_command::Unpanic;

/// Crashes of each kind, when `UNPANIC_TRIES` does not say.
const TRIES: u32 = 50;
/// A race does not end each run.
const RUNS: &str = "400";
/// What may be lost, in nanoseconds.
const BAR: i64 = 10_000_000;

/// What was seen of one kind.
#[derive(Default)]
struct Crashes {
    /// How long before the crash the trace ends; none where it had nothing yet.
    lost: Vec<Option<i64>>,
    /// From the conflict to the first line of the crash.
    delay: Vec<i64>,
    reach: u32,
    both: u32,
}

/// Records, measures and writes `trace-record.md`. Fails when half of the crashes lose more than the bar.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let tries = number("UNPANIC_TRIES", TRIES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let dir = root().join("examples/hazards/04-http-middleware/bad");
    let (mut ours, mut stock) = (Crashes::default(), Crashes::default());
    // By turns, so that both meet the same hours of a machine that others use.
    for n in 1..=tries {
        eprintln!("  crash {n} of {tries}");
        crash(setup, &unpanic, &dir, &[], &mut ours)?;
        crash(setup, &unpanic, &dir, &["--stock-runtime"], &mut stock)?;
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut page = format!(
        "# What a map conflict costs of a trace\n\nOne command regenerates this: `cargo xtask scoreboard \
         trace-record` (`UNPANIC_TRIES=N` for another number of crashes).\n\n{tries} crashes each of \
         `examples/hazards/04-http-middleware/bad` under `unpanic trace record --runs {RUNS}`, {}, on {cores} \
         processors\nwith a load of {load} at the end. *Lost* is the time from the end of the trace to the \
         first line of the crash, as it was read.\nThe runtime that writes the trace out notes the conflict \
         in it, so nothing before is lost; the time until its first line is\ngiven apart.\n\n\
         | runtime | trace reaches the conflict | lost: median, ms | 90% | most | other side named |\n|---|---|---|---|---|---|\n",
        setup.go.version()?
    );
    for (name, crashes) in [("writes out (default)", &ours), ("`--stock-runtime`", &stock)] {
        // Nothing at all is worse than any time.
        let mut lost: Vec<i64> = crashes.lost.iter().map(|l| l.unwrap_or(i64::MAX)).collect();
        lost.sort_unstable();
        let (reach, both) = (crashes.reach, crashes.both);
        writeln!(
            page,
            "| {name} | {reach} of {tries} | {} | {} | {} | {both} of {tries} |",
            shown(at(&lost, 50)),
            shown(at(&lost, 90)),
            shown(at(&lost, 100))
        )?;
    }
    ours.delay.sort_unstable();
    writeln!(
        page,
        "\nFrom the conflict to the first line of the crash, while the trace is written out: median {} ms, most {} ms.",
        shown(at(&ours.delay, 50)),
        shown(at(&ours.delay, 100))
    )?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("trace-record.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    let over = ours.lost.iter().filter(|lost| lost.is_none_or(|lost| lost >= BAR)).count();
    ensure!(over == 0, "{over} of {tries} crashes lost 10 ms or more");
    Ok(())
}

/// The value below which so many of a hundred lie.
fn at(sorted: &[i64], percent: usize) -> Option<i64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1).min(last)).copied()
}

fn shown(nanoseconds: Option<i64>) -> String {
    match nanoseconds {
        None => "–".to_owned(),
        Some(i64::MAX) => "all".to_owned(),
        Some(time) => format!("{:.1}", time as f64 / 1e6),
    }
}

/// Runs the example until it dies.
fn crash(
    setup: &Setup,
    unpanic: &Unpanic,
    dir: &Path,
    flags: &[&str],
    into: &mut Crashes,
) -> anyhow::Result<()> {
    let mut command = Command::new(unpanic.binary());
    setup.go.setup(&mut command).current_dir(dir);
    command.args(["trace", "record", "--quiet", "--format", "json", "--runs", RUNS]).args(flags);
    let output = command.args(["--", "go", "run", "."]).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "it did not die: {errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    // Before it, what the program printed.
    let Some(line) = text.lines().find(|line| line.starts_with("{\"version\"")) else {
        into.lost.push(None);
        return Ok(());
    };
    let value: Value = serde_json::from_str(line).context("reading the report")?;
    into.lost.push(value["crash_gap_ns"].as_i64());
    into.delay.extend(value["conflict_to_dump_ns"].as_i64());
    into.reach += u32::from(value["crash_gap_ns"] == 0);
    into.both += u32::from(value["conflict"].as_array().is_some_and(|both| both.len() >= 2));
    Ok(())
}
