//! What `unpanic trace` costs on a large trace: the whole of it summarised, and windows of it opened.
//! The figures go to `trace-view.md` of the output folder.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::measure::measure;
use crate::scoreboard::Setup;
use crate::unpanic_command::Unpanic;
use crate::{root, run_command};

/// Rounds of the program whose trace is measured: more than a gigabyte.
const ROUNDS: u32 = 340;
/// A summary of more takes longer than anybody waits.
const LIMIT: Duration = Duration::from_mins(10);
/// More memory than this and the command is not what it promises, in megabytes.
const MAX_MEMORY: f64 = 500.0;

/// Records, measures and writes `trace-view.md`. Fails when memory follows the file.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let work = root().join("target/trace-scoreboard");
    std::fs::create_dir_all(&work)?;
    let program = work.join("work-large");
    let trace = large(setup, &work.join("large.trace"), &program)?;
    let size = std::fs::metadata(&trace)?.len() as f64 / 1e6;
    let unpanic = Unpanic::build(&setup.go)?;
    let mut page = format!(
        "# `unpanic trace` on a large trace\n\nOne command regenerates this: `cargo xtask scoreboard \
         trace-view`. A trace of {size:.0} MB of `oracle/trace/work`, in the format of Go 1.{},\non a \
         machine that others use too.\n\n| command | wall, s | processor, s | peak memory, MB |\n|---|---|---|---|\n",
        go_trace::Outline::read(std::fs::File::open(&trace)?)?.version()
    );
    let path = trace.to_string_lossy().into_owned();
    for arguments in ["", "--around 5s --window 50ms", "--around crash --window 50ms"] {
        let mut command = Command::new(unpanic.binary());
        command.args(["trace", &path, "--format", "json"]).args(arguments.split_whitespace());
        let cost = measure(&mut command, LIMIT)?;
        ensure!(cost.code == Some(0), "trace {arguments} exits with {:?}", cost.code);
        ensure!(
            cost.megabytes < MAX_MEMORY,
            "trace {arguments} takes {:.0} MB of memory",
            cost.megabytes
        );
        writeln!(
            page,
            "| `{}` | {:.1} | {:.1} | {:.0} |",
            format!("trace FILE {arguments}").trim_end(),
            cost.wall,
            cost.cpu,
            cost.megabytes
        )?;
    }
    let out = setup.out.join("trace-view.md");
    std::fs::create_dir_all(&setup.out)?;
    std::fs::write(&out, page).with_context(|| out.display().to_string())
}

/// The trace, recorded when it is not there yet.
fn large(setup: &Setup, trace: &PathBuf, program: &PathBuf) -> anyhow::Result<PathBuf> {
    if std::fs::metadata(trace).is_ok_and(|m| m.len() > 1_000_000_000) {
        return Ok(trace.clone());
    }
    let mut build = Command::new(&setup.go.binary);
    let source = root().join("oracle/trace/work/main.go");
    build.args(["build", "-o"]).arg(program).arg(source);
    run_command(setup.go.setup(&mut build).env("GO111MODULE", "off"))?;
    run_command(Command::new(program).arg(trace).arg(ROUNDS.to_string()))?;
    Ok(trace.clone())
}
