//! `unpanic trace`: one reading of a trace, or of the part that a window needs, and everything that
//! is made of it.

mod child;
mod dump;
mod flush;
mod goline;
mod lanes;
mod record;
mod tables;
mod text;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use diag::ExitClass;
use go_crash::{Report, ReportRecord};
use go_trace::Outline;
use serde::Serialize;
use timeline::record::{SummaryRecord, WindowRecord};
use timeline::{Both, Bounds, End, Filter, Model, Part, Party, Pattern, Summary, Window};
use timeline::{MAX_PAGE_SLICES, MAX_SLICES, Page, Perfetto};

use crate::app::App;
use crate::cli::{ListFormat, TraceArgs};
use crate::cli_trace::{Around, TraceCommand, ViewArgs};
use crate::{fixes, output};

/// A window is this long unless said otherwise: 50 ms.
const WIDTH: i64 = 50_000_000;

/// A trace, and the crash that belongs to it.
struct Source<'a> {
    path: &'a Path,
    /// What it is called in reports.
    name: &'a Path,
    crash: Option<&'a Report>,
    /// When the first line of the crash came, if it was watched.
    crashed_at: Option<SystemTime>,
}

/// What was read, for the printers.
pub struct Seen<'a> {
    path: &'a Path,
    model: &'a Model,
    /// When the trace began, also if it was not read from there.
    origin: i64,
    version: u32,
    end: &'a End,
    summary: Option<&'a Summary>,
    window: Option<&'a Window>,
    /// Whether the window reaches to the end of the trace.
    at_end: bool,
    crash: Option<&'a Report>,
    /// When the first line of the crash came, if it was watched.
    crashed_at: Option<SystemTime>,
    parties: &'a [Party],
}

/// `unpanic trace`.
pub fn run(app: &App, args: &TraceArgs) -> anyhow::Result<ExitClass> {
    if let Some(TraceCommand::Record(args)) = &args.command {
        return record::run(app, args);
    }
    let file = args.file.as_deref().context("name a trace")?;
    let crash = match &args.crash {
        None => None,
        Some(path) => match dump::read(path) {
            Ok(Some(report)) => Some(report),
            Ok(None) => return Ok(input(path, "there is no crash of a Go program in it")),
            Err(error) => return Ok(input(path, &error.to_string())),
        },
    };
    let source = Source { path: file, name: file, crash: crash.as_ref(), crashed_at: None };
    view(app, &source, &args.view)
}

fn input(path: &Path, what: &str) -> ExitClass {
    let path = path.display().to_string();
    eprintln!("error: cannot read {}: {}", diag::clean_line(&path), diag::clean_line(what));
    ExitClass::Input
}

/// Reads a trace and prints and writes what is asked for.
fn view(app: &App, source: &Source<'_>, view: &ViewArgs) -> anyhow::Result<ExitClass> {
    let &Source { path, name, crash, crashed_at } = source;
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let file = match opened {
        Ok((metadata, file)) if metadata.is_file() => file,
        Ok(_) => return Ok(input(path, "it is not a file; a pipe has to be saved first")),
        Err(error) => return Ok(input(path, &error.to_string())),
    };
    let outline = match Outline::read(&file) {
        Ok(outline) => outline,
        Err(error) => return Ok(input(path, &error.to_string())),
    };
    let width = view.window.unwrap_or(WIDTH);
    let part = match view.around {
        Some(Around::Time(time)) => Part::around(&outline, time, width),
        Some(Around::End) => Part::last(&outline, width),
        None if view.html.is_some() => Part { position: 0, bounds: Bounds::All },
        None => Part { position: 0, bounds: Bounds::Last(width) },
    };
    let summary = view.around.is_none().then(Summary::default);
    let wants_window = view.around.is_some() || view.html.is_some() || crash.is_some();
    // A whole trace is written as it comes, a window when its end is known.
    let origin = outline.start().unwrap_or(0);
    let streamed = match &view.perfetto {
        Some(path) if view.around.is_none() => Some(Streamed::create(&app.dir.join(path), origin)?),
        _ => None,
    };
    let (file_of, perfetto) = streamed.map(|s| (s.file, s.perfetto)).unzip();
    let limit = if view.html.is_some() { MAX_PAGE_SLICES } else { MAX_SLICES };
    let window = wants_window.then(|| Window::with_limit(part.bounds, limit));
    let function = view.function.as_deref().map(Pattern::new);
    let mut sink =
        Filter::new(Both(summary, Both(window, perfetto)), function, view.user_region.is_some());
    let mut model = Model::within_region(view.user_region.as_deref());
    let bytes = part.bytes(&outline, &file)?;
    let end = match timeline::read(bytes, &mut model, part.until(), &mut sink) {
        Ok(end) => end,
        Err(error) => return Ok(input(path, &error.to_string())),
    };
    let Both(summary, Both(mut window, perfetto)) = sink.sink;
    if let Some(window) = &mut window {
        window.close(model.first().unwrap_or(0), model.last());
    }
    if let (Some(Around::Time(time)), Some(window)) = (view.around, &window)
        && window.to <= window.from
    {
        let long = tables::time(model.last().saturating_sub(origin));
        anyhow::bail!("--around {}: the trace is {long} long", tables::time(time));
    }
    let at_end = !end.stopped;
    let parties = match &window {
        Some(window) if at_end && (crash.is_some() || view.around == Some(Around::End)) => {
            timeline::parties(crash, window, &model.names, model.last().saturating_sub(width))
        }
        _ => Vec::new(),
    };
    let seen = Seen {
        path: name,
        model: &model,
        origin,
        version: outline.version(),
        end: &end,
        summary: summary.as_ref(),
        window: window.as_ref(),
        at_end,
        crash,
        crashed_at,
        parties: &parties,
    };
    print(app, view, &seen)?;
    write(app, view, &seen)?;
    if let (Some(mut perfetto), Some(file)) = (perfetto, file_of) {
        seen.mark(&mut perfetto);
        perfetto.finish().context("cannot write the Perfetto file")?;
        let path = app.dir.join(view.perfetto.as_deref().unwrap_or(Path::new("")));
        file.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(error) = &end.error {
        return Ok(input(path, &error.to_string()));
    }
    let died = crash.is_some_and(|report| report.head.kind.is_death());
    Ok(if died { ExitClass::Findings } else { ExitClass::Clean })
}

fn print(app: &App, view: &ViewArgs, seen: &Seen<'_>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if view.format == ListFormat::Json {
        serde_json::to_writer(&mut out, &Record::new(seen))?;
        writeln!(out)?;
    } else {
        let style = output::stdout_style(app.global.color);
        let code = super::crash::code::Code::new(app.dir.clone());
        text::Printer { style, seen, code: &code, dir: &app.dir }.print(&mut out)?;
    }
    out.flush().context("cannot write the report")
}

/// Writes the page and the Perfetto file.
fn write(app: &App, view: &ViewArgs, seen: &Seen<'_>) -> anyhow::Result<()> {
    let names = &seen.model.names;
    if let (Some(path), Some(window)) = (&view.html, seen.window) {
        let title = seen.path.file_name().unwrap_or_default().to_string_lossy();
        let page = Page {
            title: &title,
            about: &seen.about(window),
            window,
            names,
            origin: seen.origin,
            crash: seen.crash,
            parties: seen.parties,
        };
        fixes::write_file(&app.dir.join(path), page.render().as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let (Some(path), Some(window), true) = (&view.perfetto, seen.window, view.around.is_some()) {
        let mut bytes = Vec::new();
        let mut perfetto = Perfetto::new(&mut bytes, Bounds::All, seen.origin);
        perfetto.window(window, names);
        seen.mark(&mut perfetto);
        perfetto.finish()?;
        fixes::write_file(&app.dir.join(path), &bytes)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The object that JSON has.
#[derive(Serialize)]
struct Record {
    version: u32,
    file: PathBuf,
    /// The Go version of the trace's format.
    format: String,
    /// Wall clock at the first clock reading, in nanoseconds since 1970.
    wall_ns: Option<u64>,
    duration_ns: i64,
    /// Of a recorded run: how long before the crash the trace ends.
    crash_gap_ns: Option<i64>,
    /// Of a recorded run whose trace has the conflict: how long after it the first line came.
    conflict_to_dump_ns: Option<i64>,
    generations: u64,
    events: u64,
    /// What was saved of a trace that ends inside a generation.
    torn: Option<Torn>,
    error: Option<String>,
    crash: Option<ReportRecord>,
    conflict: Vec<PartyRecord>,
    summary: Option<SummaryRecord>,
    window: Option<WindowRecord>,
}

#[derive(Serialize)]
struct Torn {
    generation: u64,
    events_dropped: u64,
    gaps: u64,
}

#[derive(Serialize)]
struct PartyRecord {
    goroutine: i64,
    role: &'static str,
    function: String,
    in_trace: bool,
}

impl Record {
    fn new(seen: &Seen<'_>) -> Self {
        let names = &seen.model.names;
        let (origin, model) = (seen.origin, seen.model);
        let wall = |clock: go_trace::Clock| {
            let since = clock.trace.saturating_sub(origin).max(0) as u64;
            let now = clock.seconds.checked_mul(1_000_000_000)?.checked_add(clock.nanoseconds)?;
            now.checked_sub(since)
        };
        let party = |party: &Party| PartyRecord {
            goroutine: party.goroutine,
            role: party.role.as_str(),
            function: seen.function(party.goroutine).to_owned(),
            in_trace: party.last.is_some(),
        };
        Self {
            version: timeline::record::RECORD_VERSION,
            file: seen.path.to_owned(),
            format: format!("1.{}", seen.version),
            wall_ns: model.clock().and_then(wall),
            duration_ns: seen.duration(),
            crash_gap_ns: seen.gap(),
            conflict_to_dump_ns: seen.end.conflict.and_then(|_| seen.until_dump()),
            generations: model.generations(),
            events: model.events(),
            torn: seen.end.salvage.map(|s| Torn {
                generation: s.generation,
                events_dropped: s.dropped,
                gaps: s.gaps,
            }),
            error: seen.end.error.as_ref().map(ToString::to_string),
            crash: seen.crash.map(ReportRecord::new),
            conflict: seen.parties.iter().map(party).collect(),
            summary: seen.summary.map(|s| SummaryRecord::new(s, origin, names)),
            window: seen
                .window
                .filter(|_| seen.shows_window())
                .map(|w| WindowRecord::new(w, seen.parties, origin, names)),
        }
    }
}

/// A Perfetto file that is written while the trace is read; it gets its name when it is whole.
struct Streamed {
    file: tempfile::TempPath,
    perfetto: Perfetto<BufWriter<File>>,
}

impl Streamed {
    fn create(path: &Path, origin: i64) -> anyhow::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let (file, path) = file.into_parts();
        let perfetto = Perfetto::new(BufWriter::new(file), Bounds::All, origin);
        Ok(Self { file: path, perfetto })
    }
}

impl Seen<'_> {
    /// Names the tracks of goroutines that met.
    fn mark(&self, perfetto: &mut Perfetto<impl Write>) {
        for party in self.parties {
            perfetto.mark(party.goroutine, self.function(party.goroutine), party.role.as_str());
        }
    }

    /// The function that a goroutine was started in, empty if unknown.
    fn function(&self, goroutine: i64) -> &str {
        let member = self.window.and_then(|window| window.goroutines.get(&goroutine));
        member.map_or("", |member| self.model.names.text(member.function))
    }

    /// How long before the first line of the crash the trace ends, in nanoseconds.
    fn gap(&self) -> Option<i64> {
        // The program itself wrote when it died.
        if self.end.conflict.is_some() { Some(0) } else { self.until_dump() }
    }

    /// From the end of what was read of the trace to the first line of the crash, in nanoseconds.
    fn until_dump(&self) -> Option<i64> {
        let (crashed_at, clock) = (self.crashed_at?, self.model.clock()?);
        let since = self.model.last().checked_sub(clock.trace)?;
        let wall = Duration::new(clock.seconds, u32::try_from(clock.nanoseconds).ok()?);
        let end = wall.checked_add(Duration::from_nanos(u64::try_from(since).ok()?))?;
        let crashed = crashed_at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(crashed.checked_sub(end)?.as_nanos()).ok()
    }

    /// How long the trace is.
    fn duration(&self) -> i64 {
        self.model.last().saturating_sub(self.origin).max(0)
    }

    /// What a page shows, as a sentence.
    fn about(&self, window: &Window) -> String {
        let (from, to) = (window.from - self.origin, window.to - self.origin);
        let mut text = format!(
            "{} from {} of a trace of {}",
            tables::time(to - from),
            tables::moment(from),
            tables::time(self.duration())
        );
        if window.cut {
            text += ": the latest slices, there are more";
        }
        if self.end.salvage.is_some() {
            text += "; the trace ends inside a generation, as when the process dies";
        }
        text
    }

    /// A window that was only kept for a page is not printed.
    fn shows_window(&self) -> bool {
        self.summary.is_none() || self.crash.is_some()
    }
}
