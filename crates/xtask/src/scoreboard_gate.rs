//! `unpanic gate` on its examples: how often the good candidate passes, and each bad one fails for the right
//! reason and for no other. The figures go to `gate.md` of the output folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::root;
use crate::scoreboard::{Setup, number};
use crate::unpanic_command::Unpanic;

/// Tries of each candidate, when `UNPANIC_TRIES` does not say.
const TRIES: u32 = 50;

/// Each candidate and the class of checks that it has to fail, with the exit code.
const CANDIDATES: &[(&str, &str, i32)] = &[
    ("good", "", 0),
    ("bad-no-recovery", "recovery", 11),
    ("bad-slow-recovery", "recovery", 11),
    ("bad-silent", "log", 12),
    ("bad-no-trace-id", "log", 12),
    ("bad-double-count", "metric", 13),
    ("bad-leak", "goroutines", 15),
    ("bad-readiness", "readiness", 16),
    ("bad-latency", "slo", 10),
];

/// Each drill of drills.toml, with what a candidate that is careless about it has to fail, and the exit code.
const DRILLS: &[(&str, &str, i32)] = &[
    ("goroutine-panic", "recovery", 11),
    ("nil-dereference", "recovery", 11),
    ("map-write", "recovery", 11),
    ("deadlock", "recovery", 11),
    ("memory-limit", "recovery", 11),
    ("dependency-hang", "slo", 10),
    ("dependency-refuse", "readiness,slo", 1),
];

/// The drills are tried once for so many tries of the candidates.
const DRILL_SHARE: u32 = 5;

const HEAD: &str = "# The gate on its examples\n\n\
    One command regenerates this: `cargo xtask scoreboard gate` (`UNPANIC_TRIES=N` for another number of tries).\n\n\
    Each try is `unpanic gate --config examples/gate/gate.toml -- CANDIDATE`: three seconds of load, twenty panics of\n\
    a handler under load, SIGTERM under load. Two tries run at a time: each is the other's noise. *Right* counts tries with the expected exit code, and that with failed\n\
    checks of the expected class only; the others are listed as they were. The time is that of a try, the median.\n";

/// Measures and writes `gate.md`. Fails when a try was not right.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let tries = number("UNPANIC_TRIES", TRIES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let folder = root().join("examples/gate");
    let built = root().join("target/gate-examples");
    std::fs::create_dir_all(&built)?;
    let mut page = String::from(HEAD);
    let mut wrong = Vec::new();
    writeln!(
        page,
        "\n| candidate | has to fail for | right | otherwise | seconds |\n|---|---|---|---|---|"
    )?;
    for (name, class, code) in CANDIDATES {
        eprintln!("  {name}");
        let service = build(setup, &folder, &built, name)?;
        let found =
            several(tries, || one(&unpanic, &folder, &["--config", "gate.toml"], &[&service]))?;
        row(&mut page, name, (class, *code), found, &mut wrong)?;
    }
    page += "\n## Drills of every kind\n\n\
        `unpanic gate --config examples/gate/drills.toml -- drills`, all seven in one run, and each alone (`--drill`) against\n\
        the same program that was told to be careless about it (`-careless`).\n\n\
        | drill | has to fail for | right | otherwise | seconds |\n|---|---|---|---|---|\n";
    let service = build(setup, &folder, &built, "drills")?;
    let tries = tries.div_ceil(DRILL_SHARE);
    eprintln!("  drills");
    let config = ["--config", "drills.toml"];
    let found = several(tries, || one(&unpanic, &folder, &config, &[&service]))?;
    row(&mut page, "all, careful", ("", 0), found, &mut wrong)?;
    for (drill, class, code) in DRILLS {
        eprintln!("  {drill}");
        let options = [&config[..], &["--drill", drill]].concat();
        let careless = [service.as_os_str(), "-careless".as_ref(), drill.as_ref()];
        let found = several(tries, || one(&unpanic, &folder, &options, &careless))?;
        row(&mut page, drill, (class, *code), found, &mut wrong)?;
    }
    writeln!(page, "\nMeasured with {}, on {} processors.", setup.go.version()?, processors())?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("gate.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Builds a program of examples/gate.
fn build(setup: &Setup, folder: &Path, built: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let service = built.join(name);
    let mut build = Command::new(&setup.go.binary);
    setup.go.setup(&mut build).current_dir(folder);
    let status = build.args(["build", "-o"]).arg(&service).arg(format!("./{name}")).status()?;
    ensure!(status.success(), "examples/gate/{name} does not build");
    Ok(service)
}

/// Adds a row: how many tries failed for this class with this exit code, and what the others did.
fn row(
    page: &mut String,
    name: &str,
    (class, code): (&str, i32),
    found: Vec<(Found, Duration)>,
    wrong: &mut Vec<String>,
) -> anyhow::Result<()> {
    let tries = found.len();
    let mut right = 0;
    let mut otherwise: BTreeMap<String, u32> = BTreeMap::new();
    let mut times = Vec::new();
    for (found, time) in found {
        times.push(time);
        if found.code == code && found.failed == class {
            right += 1;
        } else {
            *otherwise.entry(format!("exit {}: {}", found.code, found.why)).or_default() += 1;
        }
    }
    times.sort();
    let listed: Vec<String> = otherwise.iter().map(|(what, n)| format!("{n}× {what}")).collect();
    let listed = listed.join("; ");
    let median = times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64();
    let class = if class.is_empty() { "nothing" } else { class };
    writeln!(page, "| {name} | {class} | {right} of {tries} | {listed} | {median:.1} |")?;
    if right < tries {
        wrong.push(format!("{name}: {right} of {tries}: {listed}"));
    }
    Ok(())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// So many tries run side by side.
const AT_ONCE: u32 = 2;

/// Makes tries, some at a time.
fn several<T: Send>(
    tries: u32,
    one: impl Fn() -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let begun = AtomicU32::new(0);
    let work = || -> anyhow::Result<Vec<T>> {
        let mut found = Vec::new();
        while begun.fetch_add(1, Ordering::Relaxed) < tries {
            found.push(one()?);
        }
        Ok(found)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(found) => all.extend(found?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(all)
    })
}

/// What a try gave.
struct Found {
    code: i32,
    /// The classes with failed checks.
    failed: String,
    /// The checks that did not pass.
    why: String,
}

fn one<S: AsRef<OsStr>>(
    unpanic: &Unpanic,
    folder: &Path,
    options: &[&str],
    candidate: &[S],
) -> anyhow::Result<(Found, Duration)> {
    let start = Instant::now();
    let mut command = Command::new(unpanic.binary());
    command.current_dir(folder).arg("gate").args(options);
    command.args(["--quiet", "--format", "json", "--"]).args(candidate);
    let output = command.output().context("cannot run the gate")?;
    let time = start.elapsed();
    let code = output.status.code().context("the gate was killed")?;
    let Ok(verdict) = serde_json::from_slice::<Value>(&output.stdout) else {
        let why = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("").to_owned();
        return Ok((Found { code, failed: "error".to_owned(), why }, time));
    };
    let list = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
    };
    let checks = verdict["checks"].as_array().into_iter().flatten();
    let why: Vec<String> = checks
        .filter(|check| check["status"] == "fail" || check["status"] == "inconclusive")
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap_or_default().replace('|', "/");
            format!("{} {} ({})", text("subject"), text("name"), text("found"))
        })
        .collect();
    Ok((Found { code, failed: list(&verdict["failed"]).join(","), why: why.join(", ") }, time))
}
