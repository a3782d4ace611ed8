//! `unpanic crash`: reads dumps, prints what died as soon as it is known, and the rest at the end.

mod code;
mod collision;
mod html;
mod text;

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use anyhow::Context as _;
use diag::{ExitClass, FindingRecord};
use go_crash::{Collector, Event, Kind, Parser, Report, ReportRecord};
use serde::Serialize;

use crate::app::App;
use crate::cli::{CrashArgs, ListFormat};
use crate::{fixes, output};
use code::Code;
use collision::{Checked, Collision};

/// So many bytes of goroutines are kept of a report for JSON; of more, the number is told.
const KEEP: usize = 512 << 20;

/// A report with what the static analysis says about it.
struct Told {
    report: Report,
    collisions: Vec<Collision>,
}

/// Reads the input and prints its reports.
pub fn run(app: &App, args: &CrashArgs) -> anyhow::Result<ExitClass> {
    let name = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let source = args.source.as_ref().map(|dir| app.dir.join(dir));
    if let Some(dir) = &source
        && !dir.is_dir()
    {
        anyhow::bail!("--source {}: there is no such folder", dir.display());
    }
    let reports = match read(app, args, name) {
        Ok(reports) => reports,
        Err(error) => {
            let shown = name.map_or("standard input".into(), |p| p.display().to_string());
            eprintln!("error: cannot read {}: {error}", diag::clean_line(&shown));
            return Ok(ExitClass::Input);
        }
    };
    let code = Code::new(source.clone().unwrap_or_else(|| app.dir.clone()));
    let checked =
        source.as_deref().filter(|_| !reports.is_empty()).map(|dir| Checked::run(app, dir));
    let told: Vec<Told> = reports
        .into_iter()
        .map(|report| {
            let collisions = checked.as_ref().map(|c| c.collisions(&report)).unwrap_or_default();
            Told { report, collisions }
        })
        .collect();
    print(app, args, &told, checked.as_ref(), &code)?;
    if let Some(path) = &args.html {
        fixes::write_file(path, html::page(&told, &code).as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let found = told.iter().any(|told| told.report.head.kind != Kind::Goroutines);
    Ok(if found { ExitClass::Findings } else { ExitClass::Clean })
}

/// Reads to the end; on a terminal the first line of each crash is told at once.
fn read(app: &App, args: &CrashArgs, name: Option<&Path>) -> io::Result<Vec<Report>> {
    let mut input: Box<dyn Read> = match name {
        Some(path) => Box::new(std::fs::File::open(path)?),
        None => Box::new(io::stdin().lock()),
    };
    let json = args.format == ListFormat::Json;
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    let early = name.is_none() && !json && !quiet;
    let mut parser = Parser::new();
    let mut collector = if json { Collector::keeping(KEEP) } else { Collector::new() };
    let mut reports = Vec::new();
    let mut sink = |event: Event<'_>| {
        if let Event::Start(_, head) = event
            && early
            && head.kind != Kind::Goroutines
        {
            eprintln!("{}: {}", head.kind.as_str(), diag::clean_line(&head.message));
        }
        reports.extend(collector.event(event));
    };
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => parser.push(&buffer[..n], &mut sink),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    parser.finish(&mut sink);
    Ok(reports)
}

/// One object a line.
#[derive(Serialize)]
struct Record {
    #[serde(flatten)]
    report: ReportRecord,
    /// With --source: what the crashed access may have collided with.
    #[serde(skip_serializing_if = "Option::is_none")]
    collisions: Option<Vec<FindingRecord>>,
}

fn print(
    app: &App,
    args: &CrashArgs,
    told: &[Told],
    checked: Option<&Checked>,
    code: &Code,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.format == ListFormat::Json {
        for told in told {
            let collisions = checked.map(|c| c.records(&told.collisions));
            let record = Record { report: ReportRecord::new(&told.report), collisions };
            serde_json::to_writer(&mut out, &record)?;
            writeln!(out)?;
        }
        return Ok(out.flush()?);
    }
    let style = output::stdout_style(app.global.color);
    let printer = text::Printer { style, code, checked, app };
    for told in told {
        printer.report(told, &mut out)?;
    }
    if told.is_empty() {
        writeln!(
            out,
            "no crash: the input has no panic, fatal error, race report or goroutine of Go in it"
        )?;
    }
    Ok(out.flush()?)
}
