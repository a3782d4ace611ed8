//! `unpanic crash`: reads dumps, tells what died as soon as it is known, and prints each report when it
//! has ended.

pub mod code;
mod collision;
mod html;
mod others;
mod text;

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use diag::{ExitClass, FindingRecord};
use go_crash::{Collector, Event, Kind, Parser, Report, ReportRecord};
use serde::Serialize;

use crate::app::App;
use crate::cli::{CrashArgs, ListFormat};
use crate::{fixes, output};
use code::Code;
use collision::{Checked, Collision};

/// So many bytes of goroutines are kept for JSON, of all reports that are open; of more, the number
/// is told.
const KEEP: usize = 512 << 20;
/// So many reports are shown on a page.
const MAX_PAGE: usize = 1000;

/// A report with what the static analysis says about it.
struct Told {
    report: Report,
    collisions: Vec<Collision>,
}

/// Reads the input and prints each report when it has ended.
pub fn run(app: &App, args: &CrashArgs) -> anyhow::Result<ExitClass> {
    let name = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let source = args.source.as_ref().map(|dir| app.dir.join(dir));
    if let Some(dir) = &source
        && !dir.is_dir()
    {
        anyhow::bail!("--source {}: there is no such folder", dir.display());
    }
    let code = Code::new(source.clone().unwrap_or_else(|| app.dir.clone()));
    let mut session = Session { app, args, source, code, checked: None, page: Vec::new(), seen: 0 };
    let mut found = false;
    let input = read(app, args, name, &mut |report| {
        found |= report.head.kind != Kind::Goroutines;
        session.report(report)
    })?;
    if let Err(error) = input {
        let shown = name.map_or("standard input".into(), |p| p.display().to_string());
        eprintln!("error: cannot read {}: {error}", diag::clean_line(&shown));
        return Ok(ExitClass::Input);
    }
    session.finish()?;
    Ok(if found { ExitClass::Findings } else { ExitClass::Clean })
}

/// Reads to the end and gives each report; what standard input brings first is told at once. The
/// inner result is the input's, the outer one the output's.
fn read(
    app: &App,
    args: &CrashArgs,
    name: Option<&Path>,
    each: &mut dyn FnMut(Report) -> anyhow::Result<()>,
) -> anyhow::Result<io::Result<()>> {
    let opened: io::Result<Box<dyn Read>> = match name {
        Some(path) => std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
        None => Ok(Box::new(io::stdin().lock())),
    };
    let mut input = match opened {
        Ok(input) => input,
        Err(error) => return Ok(Err(error)),
    };
    let json = args.format == ListFormat::Json;
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    let early = name.is_none() && !json && !quiet;
    let mut parser = Parser::new();
    let mut collector = if json { Collector::keeping(KEEP) } else { Collector::new() };
    let mut ended = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let mut sink = |event: Event<'_>| {
            if let Event::Start(_, head) = event
                && early
                && head.kind != Kind::Goroutines
            {
                eprintln!("{}: {}", head.kind.as_str(), diag::clean_line(&head.message));
            }
            ended.extend(collector.event(event));
        };
        let last = match input.read(&mut buffer) {
            Ok(0) => true,
            Ok(n) => {
                parser.push(&buffer[..n], &mut sink);
                false
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(error)),
        };
        if last {
            parser.finish(&mut sink);
        }
        for report in ended.drain(..) {
            each(report)?;
        }
        if last {
            return Ok(Ok(()));
        }
    }
}

/// What is printed so far.
struct Session<'a> {
    app: &'a App,
    args: &'a CrashArgs,
    source: Option<PathBuf>,
    code: Code,
    /// The checked module, once a report has asked for it.
    checked: Option<Checked>,
    page: Vec<Told>,
    seen: u64,
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

impl Session<'_> {
    /// Prints a report.
    fn report(&mut self, report: Report) -> anyhow::Result<()> {
        self.seen += 1;
        if collision::is_race(&report)
            && let (Some(dir), None) = (&self.source, &self.checked)
        {
            self.checked = Some(Checked::run(self.app, dir));
        }
        let collisions = self.checked.as_ref().map(|c| c.collisions(&report)).unwrap_or_default();
        let told = Told { report, collisions };
        let mut out = BufWriter::new(io::stdout().lock());
        if self.args.format == ListFormat::Json {
            let records = |c: &Checked| c.records(&told.collisions);
            let collisions = self
                .source
                .as_ref()
                .map(|_| self.checked.as_ref().map(records).unwrap_or_default());
            let record = Record { report: ReportRecord::new(&told.report), collisions };
            serde_json::to_writer(&mut out, &record)?;
            writeln!(out)?;
        } else {
            let style = output::stdout_style(self.app.global.color);
            let checked = self.checked.as_ref();
            let printer = text::Printer { style, code: &self.code, checked, app: self.app };
            printer.report(&told, &mut out)?;
        }
        out.flush()?;
        if self.args.html.is_some() && self.page.len() < MAX_PAGE {
            self.page.push(told);
        }
        Ok(())
    }

    /// Says that there was nothing, and writes the page.
    fn finish(&self) -> anyhow::Result<()> {
        if self.seen == 0 && self.args.format == ListFormat::Text {
            writeln!(
                io::stdout(),
                "no crash: the input has no panic, fatal error, race report or goroutine of Go in it"
            )?;
        }
        if let Some(path) = &self.args.html {
            fixes::write_file(path, html::page(&self.page, &self.code).as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}
