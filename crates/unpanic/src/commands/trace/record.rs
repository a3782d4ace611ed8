//! `unpanic trace record`: builds a program with the recorder added, runs it, and shows the end of its
//! trace joined with what it died of.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use diag::ExitClass;

use super::child::{self, Run};
use super::flush;
use super::goline::GoLine;
use crate::app::App;
use crate::cli_trace::{Around, RecordArgs};
use crate::fixes;

/// The trace is written out this often: 2 ms. Unless `flush` sees to it, what is lost is one period and
/// the time to write it.
const PERIOD: i64 = 2_000_000;
/// A file of so many bytes has a header and nothing else.
const HEADER: u64 = 16;

/// Builds, runs, reports.
pub fn run(app: &App, args: &RecordArgs) -> anyhow::Result<ExitClass> {
    let mut line = GoLine::parse(&args.command)?;
    let folder = tempfile::Builder::new()
        .prefix("unpanic-trace-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let flush = match args.stock_runtime {
        true => None,
        false => flush::patch(&line.go, &app.dir, folder.path())?,
    };
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    if flush.is_none() && !args.stock_runtime && !quiet {
        eprintln!(
            "note: the runtime of this Go cannot be made to write the trace out when a map conflict ends \
             the program: up to a few milliseconds before it may be lost"
        );
    }
    let overlay = line.overlay(&app.dir, folder.path(), flush)?;
    let program = if line.test { None } else { Some(build(app, &line, &overlay, folder.path())?) };
    let mut taken = None;
    for attempt in 1..=args.runs {
        let traces = folder.path().join(format!("run-{attempt}"));
        std::fs::create_dir(&traces).context("cannot make a temporary folder")?;
        let mut command = start(app, &line, &overlay, program.as_deref());
        environment(&mut command, &traces, args.period.unwrap_or(PERIOD));
        let run = child::run(&mut command, line.test).context("cannot run the program")?;
        let last = run.crash.is_some() || run.interrupted || attempt == args.runs;
        if last {
            taken = Some((attempt, traces, run));
            break;
        }
        // Only the run that counts is kept.
        std::fs::remove_dir_all(&traces).context("cannot empty the temporary folder")?;
    }
    let (attempt, traces, run) = taken.context("there was no run")?;
    report(app, args, attempt, &traces, &run)
}

fn build(app: &App, line: &GoLine, overlay: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let program = folder.join(if cfg!(windows) { "program.exe" } else { "program" });
    let mut build = Command::new(&line.go);
    build.arg("build").args(&line.flags).arg("-overlay").arg(overlay);
    build.arg("-o").arg(&program).args(&line.packages).current_dir(&app.dir);
    let status = build.status().with_context(|| format!("cannot run {}", line.go))?;
    ensure!(status.success(), "the program does not build");
    Ok(program)
}

fn start(app: &App, line: &GoLine, overlay: &Path, program: Option<&Path>) -> Command {
    let mut command = match program {
        Some(program) => Command::new(program),
        None => {
            let mut test = Command::new(&line.go);
            test.arg("test").arg("-overlay").arg(overlay).args(&line.flags).args(&line.packages);
            test
        }
    };
    command.args(&line.rest).current_dir(&app.dir);
    command
}

fn environment(command: &mut Command, traces: &Path, period: i64) {
    let mut debug = std::env::var("GODEBUG").unwrap_or_default();
    if !debug.is_empty() {
        debug.push(',');
    }
    debug += &format!("traceadvanceperiod={period}");
    command.env("GODEBUG", debug).env("UNPANIC_TRACE_DIR", traces);
    if std::env::var_os("GOTRACEBACK").is_none() {
        command.env("GOTRACEBACK", "all");
    }
}

fn report(
    app: &App,
    args: &RecordArgs,
    attempt: u32,
    traces: &Path,
    run: &Run,
) -> anyhow::Result<ExitClass> {
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    if !quiet {
        let run_number = if args.runs > 1 { format!("run {attempt}: ") } else { String::new() };
        let how = match &run.crash {
            _ if run.interrupted => "the program was ended".to_owned(),
            Some(report) => {
                format!("the program died: {}", diag::clean_line(report.head.cause().1))
            }
            None => format!("the program ended ({})", run.status),
        };
        eprintln!("{run_number}{how}");
    }
    if let Some(error) = refused(traces) {
        anyhow::bail!("tracing could not be switched on: {error} (does the program trace itself?)");
    }
    if find(&run.log, b"tracing is already enabled") && !quiet {
        eprintln!(
            "warning: the program calls trace.Start itself, which fails while it is recorded"
        );
    }
    let trace = trace_of(traces, run.pid);
    if let Some(out) = &args.out {
        keep(app, out, trace.as_deref(), &run.log)?;
    }
    let written = trace
        .as_deref()
        .filter(|path| std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > HEADER));
    let crash = run.crash.as_ref();
    let Some(written) = written else {
        let why = match (trace.is_some(), crash.is_some()) {
            (true, true) => "the program died before the first piece of the trace was written",
            (true, false) => "the program ended before the first piece of the trace was written",
            (false, _) => "the program never started tracing: its main package's init did not run",
        };
        eprintln!("error: {why}");
        return Ok(if crash.is_some() { ExitClass::Findings } else { ExitClass::Input });
    };
    let mut view = args.view.clone();
    if crash.is_some() {
        view.around = view.around.or(Some(Around::End));
    }
    let kept = args.out.as_ref().map(|out| out.join("trace.out"));
    let name = kept.as_deref().unwrap_or(Path::new("recorded trace"));
    let source = super::Source { path: written, name, crash, crashed_at: run.crashed_at };
    super::view(app, &source, &view)
}

/// Why `trace.Start` refused, if it did.
fn refused(traces: &Path) -> Option<String> {
    let errors = files(traces, "error");
    let text = std::fs::read_to_string(errors.first()?).ok()?;
    Some(diag::clean_line(&text).into_owned())
}

/// The trace of the program, or the only process that made one (`go test` starts the tests).
fn trace_of(traces: &Path, pid: u32) -> Option<PathBuf> {
    let own = traces.join(format!("{pid}.trace"));
    if own.exists() { Some(own) } else { files(traces, "trace").into_iter().next() }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    found.sort();
    found
}

fn keep(app: &App, out: &Path, trace: Option<&Path>, log: &[u8]) -> anyhow::Result<()> {
    let out = app.dir.join(out);
    let failed = || format!("cannot write to {}", out.display());
    std::fs::create_dir_all(&out).with_context(failed)?;
    if let Some(trace) = trace {
        std::fs::copy(trace, out.join("trace.out")).with_context(failed)?;
    }
    fixes::write_file(&out.join("stderr.log"), log).with_context(failed)
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
