//! `go_trace` against Go's own trace reader: verdicts on Go's test data, events of real traces of
//! each Go version, speed and memory. The figures go to `trace.md` of the output folder.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use go_trace::{Details, Event, Mode, RangeName, Reader, Scope, Tables};

use crate::toolchain::Go;
use crate::unpanic_command::shipped_example;
use crate::{root, run_command};

/// Rounds of the program whose trace is measured: more than 200 MB.
const LARGE: u32 = 75;

/// Runs each reader that often; the best time counts.
const RUNS: usize = 3;

/// Compares and writes `out_dir/trace.md`. Fails when a verdict or an event differs.
pub fn run(go: &Go, out_dir: &Path) -> anyhow::Result<()> {
    let work = root().join("target/trace-scoreboard");
    std::fs::create_dir_all(&work)?;
    let oracle = build_oracle(go, &work)?;
    let mut page = format!(
        "# Execution traces against Go's reader\n\nOne command regenerates this: `cargo xtask \
         scoreboard trace`. The oracle is `internal/trace` of {}.\n\n## Verdicts on Go's test data\n\n\
         Each file of `internal/trace/testdata` (text traces made binary with Go's `raw` package) is \
         read by both;\nall events before the end or the error are compared, too.\n\n\
         | files | accepted by Go | refused by Go | same verdict and events |\n\
         |---|---|---|---|\n",
        go.version()?
    );
    let mut wrong = Vec::new();
    page += &verdicts(go, &oracle, &work, &mut wrong)?;
    page += OLD;
    page += &old_traces(go, &oracle, &mut wrong)?;
    page += "\n## Events of real traces\n\nOf `oracle/trace/work`, built and run with each version.\n\n\
             | Go | header | MB | events | equal |\n|---|---|---|---|---|\n";
    let toolchains = toolchains()?;
    for (version, binary) in &toolchains {
        let path = record(binary, &work, version, 1)?;
        let (same, events, header) = compare(&oracle, &path)?;
        let size = std::fs::metadata(&path)?.len() as f64 / 1e6;
        let equal = if same.is_none() { "all" } else { "no" };
        writeln!(page, "| {version} | 1.{header} | {size:.1} | {events} | {equal} |")?;
        wrong.extend(same.map(|line| format!("Go {version}: {line}")));
    }
    page += &speed(go, &oracle, &work)?;
    std::fs::create_dir_all(out_dir)?;
    let path = out_dir.join("trace.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "traces differ:\n{}", wrong.join("\n"));
    Ok(())
}

/// Copies Go's reader to where it may be imported and builds the oracle around it.
fn build_oracle(go: &Go, work: &Path) -> anyhow::Result<PathBuf> {
    let module = work.join("oracle");
    if module.exists() {
        std::fs::remove_dir_all(&module)?;
    }
    std::fs::create_dir_all(&module)?;
    for name in ["main.go", "go.mod"] {
        std::fs::copy(root().join("oracle/trace").join(name), module.join(name))?;
    }
    let from = go.root.join("src/internal/trace");
    for folder in ["", "raw", "tracev2", "version", "internal/tracev1"] {
        let to = module.join("gotrace").join(folder);
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(from.join(folder))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            let is_go = path.extension().is_some_and(|extension| extension == "go");
            if is_go && !name.to_string_lossy().ends_with("_test.go") {
                let text = std::fs::read_to_string(&path)?;
                let text = text.replace("\"internal/trace", "\"oracle/gotrace");
                let text = sorted(&name.to_string_lossy(), text)?;
                std::fs::write(to.join(name), text)?;
            }
        }
    }
    let binary = work.join("trace-oracle");
    let mut build = Command::new(&go.binary);
    build.args(["build", "-C"]).arg(&module).arg("-o").arg(&binary).arg(".");
    run_command(go.setup(&mut build))?;
    Ok(binary)
}

/// Of a v1 trace, Go's reader takes processors and goroutines out of maps, in random order, and that
/// order decides what comes first at the same tick. Here they come by number.
fn sorted(file: &str, text: String) -> anyhow::Result<String> {
    let (line, map, import) = match file {
        "parser.go" => ("for pid := range p.batchOffsets {", "pid", "\t\"maps\"\n"),
        "tracev1.go" => {
            ("for gid := range it.createdPreInit {", "gid", "\t\"maps\"\n\t\"slices\"\n")
        }
        _ => return Ok(text),
    };
    ensure!(text.matches(line).count() == 1, "{file} has changed: {line:?} is not there once");
    let keys = line.rsplit(' ').nth(1).context("a loop over a map")?;
    let by_number = format!("for _, {map} := range slices.Sorted(maps.Keys({keys})) {{");
    Ok(text.replace(line, &by_number).replacen("import (\n", &format!("import (\n{import}"), 1))
}

/// Go 1.21 to 1.27, as far as they are under target/tools.
fn toolchains() -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("target/tools"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let binary = entry.path().join("go/bin/go");
        if let Some(version) = name.strip_prefix("go-1.")
            && version
                .split('.')
                .next()
                .is_some_and(|minor| minor.parse().is_ok_and(|m: u32| m >= 21))
            && binary.exists()
        {
            found.push((format!("1.{version}"), binary));
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "no Go under target/tools");
    Ok(found)
}

/// Builds and runs the program with one Go; the trace that it made.
fn record(go: &Path, work: &Path, version: &str, rounds: u32) -> anyhow::Result<PathBuf> {
    let program = work.join(format!("work-{version}"));
    let trace = work.join(format!("{version}-{rounds}.trace"));
    let go = std::fs::canonicalize(go)?;
    let goroot = go.ancestors().nth(2).context("a Go binary outside a GOROOT")?;
    let source = root().join("oracle/trace/work/main.go");
    let mut build = Command::new(&go);
    // Without modules, since old versions refuse a go.mod of a later one.
    build.env("GOROOT", goroot).env("GO111MODULE", "off").env("GOTOOLCHAIN", "local");
    build.args(["build", "-o"]).arg(&program).arg(source);
    run_command(&mut build)?;
    run_command(Command::new(&program).arg(&trace).arg(rounds.to_string()))?;
    Ok(trace)
}

fn verdicts(
    go: &Go,
    oracle: &Path,
    work: &Path,
    wrong: &mut Vec<String>,
) -> anyhow::Result<String> {
    let data = go.root.join("src/internal/trace/testdata");
    let mut files = Vec::new();
    for folder in ["tests", "fuzz/FuzzReader"] {
        for entry in std::fs::read_dir(data.join(folder))? {
            files.push(entry?.path());
        }
    }
    files.sort();
    let (mut accepted, mut refused, mut same) = (0, 0, 0);
    for path in &files {
        let binary = work.join("test.trace");
        run_command(Command::new(oracle).arg("convert").arg(path).arg(&binary))?;
        let output = Command::new(oracle).arg("print").arg(&binary).output()?;
        if String::from_utf8_lossy(&output.stdout).lines().last() == Some("end") {
            accepted += 1;
        } else {
            refused += 1;
        }
        match compare(oracle, &binary)?.0 {
            None => same += 1,
            Some(line) => wrong.push(format!("{}: {line}", path.display())),
        }
    }
    Ok(format!("| {} | {accepted} | {refused} | {same} |\n", files.len()))
}

const OLD: &str = "\n## Traces of Go 1.11 to 1.21 (format v1)\n\nThe files of \
    `internal/trace/internal/tracev1/testdata`. Where two processors have an event at the same tick, and of\n\
    goroutines that were there before the trace, Go's reader takes the order from a map, another one each \
    time; the oracle's copy of\nit has them by number.\n\n| file | events | equal |\n|---|---|---|\n";

fn old_traces(go: &Go, oracle: &Path, wrong: &mut Vec<String>) -> anyhow::Result<String> {
    let folder = go.root.join("src/internal/trace/internal/tracev1/testdata");
    let mut files = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    let mut rows = String::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (same, events, _) = compare(oracle, &path)?;
        let equal = if same.is_none() { "all" } else { "no" };
        writeln!(rows, "| {name} | {events} | {equal} |")?;
        wrong.extend(same.map(|line| format!("{name}: {line}")));
    }
    Ok(rows)
}

/// The first difference, how many events there are, and the header's version.
fn compare(oracle: &Path, path: &Path) -> anyhow::Result<(Option<String>, u64, u32)> {
    let mut child = Command::new(oracle).arg("print").arg(path).stdout(Stdio::piped()).spawn()?;
    let mut theirs = BufReader::new(child.stdout.take().context("no output")?);
    let mut reader = Reader::new(File::open(path)?, Mode::Strict);
    let (mut count, mut line, mut ours) = (0, String::new(), String::new());
    let difference = loop {
        line.clear();
        ours.clear();
        theirs.read_line(&mut line)?;
        let next = reader.as_mut().map_err(|e| e.to_string());
        let next = next.and_then(|r| r.next_event().map_err(|e| e.to_string()));
        match (&next, &reader) {
            (Ok(Some(event)), Ok(reader)) => print(&mut ours, event, reader.tables()),
            (Ok(_), _) => ours += "end\n",
            (Err(error), _) => ours += &format!("error {error}\n"),
        }
        let both_fail = next.is_err() && line.starts_with("error");
        // A getter of Go's that panics ends the line with a question mark.
        let panicked = line.strip_suffix(" ?\n").is_some_and(|l| ours.starts_with(l));
        if ours != line && !both_fail && !panicked {
            break Some(format!("event {count}: Go has {line:?}, we have {ours:?}"));
        }
        if !matches!(next, Ok(Some(_))) {
            break None;
        }
        count += 1;
    };
    // It may still be writing when a difference ended the loop.
    let _ = child.kill();
    child.wait()?;
    Ok((difference, count, reader.map_or(0, |r| r.version())))
}

/// One event as the oracle prints it.
fn print(out: &mut String, event: &Event, tables: &Tables) {
    let details = event.details(tables);
    let kind = match details {
        Details::Sync { .. } => "Sync",
        Details::Metric { .. } => "Metric",
        Details::Label(_) => "Label",
        Details::Sample { .. } => "StackSample",
        Details::RangeBegin { .. } => "RangeBegin",
        Details::RangeActive { .. } => "RangeActive",
        Details::RangeEnd { .. } => "RangeEnd",
        Details::TaskBegin { .. } => "TaskBegin",
        Details::TaskEnd { .. } => "TaskEnd",
        Details::RegionBegin { .. } => "RegionBegin",
        Details::RegionEnd { .. } => "RegionEnd",
        Details::Log { .. } => "Log",
        Details::Goroutine { .. } | Details::Proc { .. } => "StateTransition",
        Details::Experimental => "Experimental",
    };
    let Event { time, thread, proc, goroutine, .. } = event;
    *out += &format!("{kind} {time} m{thread} p{proc} g{goroutine}");
    match details {
        Details::Sync { n, clock } => {
            *out += &format!(" {n}");
            if let Some(c) = clock {
                *out += &format!(" {} {} {} {}", c.trace, c.mono, c.seconds, c.nanoseconds);
            }
        }
        Details::Metric { name, value } => *out += &format!(" {name} {value}"),
        Details::Label(label) => *out += &format!(" {}", hex(label)),
        Details::Sample { .. } => {}
        Details::RangeBegin { name, scope } | Details::RangeActive { name, scope } => {
            *out += &format!(" {} {}", range(name), resource(scope));
        }
        Details::RangeEnd { name, scope, swept } => {
            *out += &format!(" {} {}", range(name), resource(scope));
            if let Some((swept, reclaimed)) = swept {
                *out += &format!(" {swept} {reclaimed}");
            }
        }
        Details::TaskBegin { id, parent, name } | Details::TaskEnd { id, parent, name } => {
            *out += &format!(" {id} {parent} {}", hex(name));
        }
        Details::RegionBegin { task, name } | Details::RegionEnd { task, name } => {
            *out += &format!(" {task} {}", hex(name));
        }
        Details::Log { task, category, message } => {
            *out += &format!(" {task} {} {}", hex(category), hex(message));
        }
        Details::Goroutine { id, from, to, reason, stack } => {
            *out += &format!(" goroutine {id} {from:?} {to:?} {}", hex(reason));
            frames(out, tables, stack);
        }
        Details::Proc { id, from, to } => *out += &format!(" proc {id} {from:?} {to:?}"),
        Details::Experimental => {
            *out += &format!(" {}", event.kind.name());
            for value in event.args.iter().take(event.kind.arguments().len()) {
                *out += &format!(" {value}");
            }
        }
    }
    *out += " |";
    frames(out, tables, event.stack());
    out.push('\n');
}

fn frames(out: &mut String, tables: &Tables, stack: u64) {
    for frame in tables.stack(stack) {
        *out +=
            &format!(";{},{},{},{}", frame.pc, hex(frame.function), hex(frame.file), frame.line);
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn range(name: RangeName<'_>) -> String {
    hex(match name {
        RangeName::StopTheWorld(why) => {
            return hex(&[b"stop-the-world (".as_slice(), why, b")"].concat());
        }
        RangeName::Mark => b"GC concurrent mark phase",
        RangeName::Sweep => b"GC incremental sweep",
        RangeName::MarkAssist => b"GC mark assist",
    })
}

fn resource(scope: Scope) -> String {
    match scope {
        Scope::Global => "None".to_owned(),
        Scope::Goroutine(id) => format!("Goroutine({id})"),
        Scope::Proc(id) => format!("Proc({id})"),
    }
}

/// What reading a file cost.
struct Reading {
    events: u64,
    seconds: f64,
    megabytes: f64,
}

fn speed(go: &Go, oracle: &Path, work: &Path) -> anyhow::Result<String> {
    let program = shipped_example("go_trace", "read")?;
    let path = record(&go.binary, work, &go.version()?, LARGE)?;
    let size = std::fs::metadata(&path)?.len() as f64 / 1e6;
    // By turns, so that both meet the same hours of a machine that others use.
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(reading(&program, &[], &path)?);
        theirs.push(reading(oracle, &["read"], &path)?);
    }
    let (ours, theirs) = (best(ours)?, best(theirs)?);
    ensure!(ours.events == theirs.events, "{} events and {}", ours.events, theirs.events);
    let mut page = format!(
        "\n## Speed and memory\n\nAll events of a trace of {size:.0} MB ({} events by both), one core each \
         (`taskset -c 0`), by turns, best of {RUNS} runs\neach. Seconds are processor time of the whole process, \
         since others use the machine too.\n\n\
         | reader | MB/s | million events/s | peak memory, MB |\n|---|---|---|---|\n",
        ours.events
    );
    for (name, cost) in [("go_trace", &ours), ("Go", &theirs)] {
        writeln!(
            page,
            "| {name} | {:.0} | {:.1} | {:.0} |",
            size / cost.seconds,
            cost.events as f64 / cost.seconds / 1e6,
            cost.megabytes
        )?;
    }
    let times = theirs.seconds / ours.seconds;
    writeln!(page, "\n{times:.1} times Go's reader.")?;
    Ok(page)
}

fn best(readings: Vec<Reading>) -> anyhow::Result<Reading> {
    let best = readings.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    best.context("no run")
}

fn reading(program: &Path, args: &[&str], path: &Path) -> anyhow::Result<Reading> {
    let mut command = Command::new("taskset");
    let output = command.args(["-c", "0"]).arg(program).args(args).arg(path).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let [events, seconds, kilobytes] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        anyhow::bail!("{text:?} is no measurement");
    };
    let (events, seconds) = (events.parse()?, seconds.parse()?);
    Ok(Reading { events, seconds, megabytes: kilobytes.parse::<f64>()? * 1024.0 / 1e6 })
}
