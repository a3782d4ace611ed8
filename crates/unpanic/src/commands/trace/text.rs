//! A trace for the terminal: tables of the whole, or lanes of a window, and who met at a crash.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style as Ansi};
use diag::clean_line;
use diag::render::terminal::Style;
use go_crash::Report;
use timeline::record::{SpansRecord, SummaryRecord};
use timeline::{Frame, GoSlice, Names, Party, Role, StackId, State, Window};

use super::Seen;
use super::dump;
use super::lanes::{SIGNS, lane};
use super::tables::{count, moment, table, time};
use crate::commands::crash::code::Code;

const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();
const RED: Ansi = AnsiColor::Red.on_default().bold();
const YELLOW: Ansi = AnsiColor::Yellow.on_default();

/// So many rows of a table are printed; JSON has more.
const ROWS: usize = 12;
/// So many lanes of a window.
const LANES: usize = 40;
/// Characters of a lane.
const WIDTH: usize = 64;
/// So many frames of a stack, and last slices of a goroutine that is named.
const FRAMES: usize = 6;
const SLICES: usize = 6;

/// Prints what was read.
pub struct Printer<'a> {
    /// With colours?
    pub style: Style,
    /// What was read.
    pub seen: &'a Seen<'a>,
    /// For excerpts.
    pub code: &'a Code,
    /// Paths are shown relative to this.
    pub dir: &'a Path,
}

impl Printer<'_> {
    /// Everything.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.head(out)?;
        if let Some(report) = self.seen.crash {
            self.crash(report, out)?;
        }
        if !self.seen.parties.is_empty() {
            self.parties(out)?;
        }
        if let Some(window) = self.seen.window.filter(|_| self.seen.shows_window()) {
            self.window(window, out)?;
        }
        if let Some(summary) = self.seen.summary {
            let names = &self.seen.model.names;
            self.summary(&SummaryRecord::new(summary, self.seen.origin, names), out)?;
        }
        Ok(())
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let seen = self.seen;
        let model = seen.model;
        let path = seen.path.display().to_string();
        let long = time(seen.duration());
        let (events, generations) = (count(model.events()), count(model.generations()));
        let what = if seen.summary.is_some() { "" } else { " read for this window" };
        writeln!(
            out,
            "{}: format of Go 1.{}, {long}, {events} events in {generations} generations{what}",
            self.paint(BOLD, &clean_line(&path)),
            seen.version
        )?;
        if let Some(salvage) = seen.end.salvage {
            let mut lost = String::new();
            if salvage.gaps > 0 {
                lost += &format!(
                    "; what led to a state is lost in {} {}",
                    count(salvage.gaps),
                    if salvage.gaps == 1 { "place" } else { "places" }
                );
            }
            if salvage.dropped > 0 {
                let dropped = count(salvage.dropped);
                lost += &format!("; {dropped} events that contradict the rest are left out");
            }
            let text = format!(
                "the trace ends inside generation {}, as when the process dies: its complete batches \
                 were saved{lost}",
                salvage.generation
            );
            writeln!(out, "{}", self.paint(YELLOW, &text))?;
        }
        if seen.end.conflict.is_some() {
            writeln!(out, "the trace reaches to the conflict itself")?;
        } else if let Some(gap) = seen.gap() {
            let long = time(gap);
            writeln!(out, "the trace ends {long} before the first line of the crash was read")?;
        }
        if let Some(error) = &seen.end.error {
            let text = format!("only up to where the trace is broken: {error}");
            writeln!(out, "{}", self.paint(RED, &clean_line(&text)))?;
        }
        Ok(())
    }

    fn crash(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let (kind, message) = report.head.cause();
        let title = format!("{}: {}", kind.as_str(), clean_line(message));
        writeln!(out, "\n{}", self.paint(RED, &title))?;
        for goroutine in report.crashed.iter().filter(|g| g.id > 0) {
            let Some(site) = report.site(goroutine) else { continue };
            let place = self.place(site.file, site.line);
            let function = clean_line(site.function);
            writeln!(out, "  in goroutine {}: {function}  {place}", goroutine.id)?;
            let Some(excerpt) = self.code.excerpt(&site) else { continue };
            for (line, text) in (excerpt.first..).zip(&excerpt.lines) {
                let mark = if line == site.line { self.paint(RED, ">") } else { " ".to_owned() };
                writeln!(out, "  {mark}{} {text}", self.paint(DIM, &format!("{line:>6} |")))?;
            }
        }
        Ok(())
    }

    fn parties(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.paint(BOLD, "goroutines that met at the end of the trace"))?;
        for party in self.seen.parties {
            self.party(party, out)?;
        }
        Ok(())
    }

    fn party(&self, party: &Party, out: &mut dyn Write) -> io::Result<()> {
        let names = &self.seen.model.names;
        let function = self.seen.function(party.goroutine);
        let began = match function {
            "" => String::new(),
            function => format!(", started in {}", clean_line(function)),
        };
        let title = format!("goroutine {}", party.goroutine);
        let title = self.paint(if party.role <= Role::SameStart { RED } else { BOLD }, &title);
        writeln!(out, "  {title} {}{began}", party.role.text())?;
        let Some(window) = self.seen.window else { return Ok(()) };
        let slices = window.of(party.goroutine);
        if slices.is_empty() {
            let what = "the trace has nothing of it in this window";
            writeln!(out, "      {}", self.paint(DIM, what))?;
        }
        for slice in slices.iter().skip(slices.len().saturating_sub(SLICES)) {
            let text = self.slice(slice, names);
            writeln!(out, "      {text}")?;
        }
        let dumped = self.seen.crash.and_then(|report| dump::stack(report, party.goroutine));
        if let Some(stack) = dumped.filter(|stack| stack.frames().len() > 0) {
            writeln!(out, "      {}", self.paint(DIM, "stack in the dump:"))?;
            for frame in stack.frames().filter(|f| f.ancestor == 0).take(FRAMES) {
                let place = self.place(frame.file, frame.line);
                writeln!(out, "        {}  {place}", clean_line(frame.function))?;
            }
            return Ok(());
        }
        let member = window.goroutines.get(&party.goroutine);
        let stack = member.map_or(StackId::NONE, |member| member.last_stack);
        if names.stack(stack).len() > 0 {
            writeln!(out, "      {}", self.paint(DIM, "last stack in the trace:"))?;
            for frame in names.stack(stack).take(FRAMES) {
                writeln!(out, "        {}", self.frame(frame, names))?;
            }
        }
        Ok(())
    }

    fn slice(&self, slice: &GoSlice, names: &Names) -> String {
        let since = moment(slice.start - self.seen.origin);
        let long = time(slice.end - slice.start);
        let mut text = format!("{since}  {:<8} {long:>8}", slice.state.as_str());
        let reason = names.text(slice.reason);
        if !reason.is_empty() {
            text += &format!("  {}", clean_line(reason));
        }
        if slice.state == State::Running && slice.proc >= 0 {
            text += &format!("  on processor {}", slice.proc);
        }
        if slice.by >= 0 {
            text += &format!("  woken by goroutine {}", slice.by);
        }
        if slice.open {
            text += if self.seen.at_end { ", when the trace ended" } else { ", and on" };
        }
        text
    }

    fn window(&self, window: &Window, out: &mut dyn Write) -> io::Result<()> {
        let (from, to) = (window.from - self.seen.origin, window.to - self.seen.origin);
        let title = format!(
            "{} from {} to {}: {} goroutines, {} slices",
            time(to - from),
            moment(from),
            moment(to),
            count(window.goroutines.keys().filter(|id| !window.of(**id).is_empty()).count() as u64),
            count(window.slices.len() as u64)
        );
        writeln!(out, "\n{}", self.paint(BOLD, &title))?;
        let signs: Vec<String> =
            State::ALL.iter().map(|s| format!("{} {}", SIGNS[*s as usize], s.as_str())).collect();
        writeln!(out, "  {}", self.paint(DIM, &signs.join("   ")))?;
        if window.cut {
            writeln!(
                out,
                "  {}",
                self.paint(YELLOW, "there was too much to keep: the latest is shown")
            )?;
        }
        let mut running: Vec<GoSlice> = window
            .slices
            .iter()
            .filter(|s| s.state == State::Running && s.proc >= 0)
            .copied()
            .collect();
        running.sort_by_key(|slice| (slice.proc, slice.start));
        for slices in running.chunk_by(|a, b| a.proc == b.proc) {
            let lane = lane(slices, window.from, window.to, WIDTH);
            writeln!(out, "  {:>8}  {lane}", format!("P{}", slices[0].proc))?;
        }
        let mut busiest: Vec<(i64, i64)> = window
            .slices
            .chunk_by(|a, b| a.goroutine == b.goroutine)
            .map(|slices| (slices[0].goroutine, busy(slices)))
            .collect();
        let named = |id: i64| self.seen.parties.iter().position(|p| p.goroutine == id);
        busiest.sort_by_key(|&(id, busy)| {
            (named(id).unwrap_or(usize::MAX), std::cmp::Reverse(busy), id)
        });
        for &(id, _) in busiest.iter().take(LANES) {
            let lane = lane(window.of(id), window.from, window.to, WIDTH);
            let mark = self.seen.parties.iter().find(|p| p.goroutine == id).map(|p| p.role);
            let (sign, style) = match mark {
                Some(Role::Crashed) => ("✗", RED),
                Some(role) if role <= Role::SameStart => ("!", RED),
                _ => (" ", Ansi::new()),
            };
            let name = self.paint(style, &format!("{:>8}{sign}", format!("g{id}")));
            writeln!(out, "  {name} {lane}  {}", clean_line(self.seen.function(id)))?;
        }
        if busiest.len() > LANES {
            let more = count((busiest.len() - LANES) as u64);
            let text =
                format!("… and {more} goroutines that did less; --html and --format json have all");
            writeln!(out, "  {}", self.paint(DIM, &text))?;
        }
        Ok(())
    }

    fn summary(&self, summary: &SummaryRecord, out: &mut dyn Write) -> io::Result<()> {
        let title = format!(
            "{} goroutines, at most {} at once",
            count(summary.goroutines),
            count(summary.most_alive)
        );
        writeln!(out, "\n{}", self.paint(BOLD, &title))?;
        let rows = summary.functions.iter().take(ROWS).map(|f| {
            let times = [f.running_ns, f.runnable_ns, f.waiting_ns, f.syscall_ns];
            let function = if f.function.is_empty() { "(not known)" } else { &f.function };
            let alive = [count(f.count), count(f.alive_at_end)].into_iter();
            alive.chain(times.map(time)).chain([clean_line(function).into_owned()]).collect()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let head = ["count", "at end", "running", "runnable", "waiting", "syscall", "started in"];
        table(&head, &rows, out)?;
        self.more(summary.functions.len(), out)?;

        self.spans("waiting, by reason", &summary.blocks, out)?;
        self.spans("system calls, by caller", &summary.syscalls, out)?;

        let latency = &summary.latency;
        let title = format!(
            "waits for a processor: {}, half of them up to {}, 99% up to {}, the longest {}",
            count(latency.count),
            time(latency.p50_ns),
            time(latency.p99_ns),
            time(latency.max_ns)
        );
        writeln!(out, "\n{}", self.paint(BOLD, &title))?;
        let most = latency.decades.iter().map(|d| d.1).max().unwrap_or(0).max(1);
        for &(limit, n) in latency.decades.iter().filter(|d| d.1 > 0) {
            let limit = limit.map_or("more".to_owned(), |limit| format!("≤ {}", time(limit)));
            let bar = "█".repeat(((n * 40).div_ceil(most)) as usize);
            writeln!(out, "  {limit:>10} {:>12} {bar}", count(n))?;
        }
        self.spans("collector, stopped worlds", &summary.collector, out)?;

        let length = self.seen.duration().max(1) as f64;
        writeln!(out, "\n{}", self.paint(BOLD, "processors"))?;
        let share = |ns: i64| format!("{:.1}%", ns as f64 / length * 100.0);
        let used = summary.processors.iter().filter(|p| p.busy_ns > 0 || p.running_ns > 0);
        let rows: Vec<Vec<String>> = used
            .take(64)
            .map(|p| {
                vec![
                    p.processor.to_string(),
                    share(p.busy_ns),
                    share(p.running_ns),
                    count(p.slices),
                    String::new(),
                ]
            })
            .collect();
        table(&["processor", "with a thread", "running", "goroutines run", ""], &rows, out)?;
        self.spans("regions", &summary.regions, out)?;
        self.spans("tasks", &summary.tasks, out)?;
        if !summary.cpu_samples.is_empty() {
            writeln!(out, "\n{}", self.paint(BOLD, "CPU samples"))?;
            let rows: Vec<Vec<String>> = summary
                .cpu_samples
                .iter()
                .take(ROWS)
                .map(|(name, n)| vec![count(*n), clean_line(name).into_owned()])
                .collect();
            table(&["samples", "function"], &rows, out)?;
        }
        Ok(())
    }

    fn spans(&self, title: &str, spans: &[SpansRecord], out: &mut dyn Write) -> io::Result<()> {
        if spans.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.paint(BOLD, title))?;
        let rows = spans.iter().take(ROWS).map(|s| {
            let name = if s.name.is_empty() { "(none given)" } else { &s.name };
            let mut what = clean_line(name).into_owned();
            if let Some(longest) = s.longest.first() {
                let at = moment(longest.start_ns);
                let open = if longest.open { ", still so at the end" } else { "" };
                what += &format!("  (longest: goroutine {} at {at}{open})", longest.goroutine);
            }
            vec![count(s.count), time(s.total_ns), time(s.max_ns), what]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        table(&["count", "in all", "longest", ""], &rows, out)?;
        self.more(spans.len(), out)
    }

    fn more(&self, rows: usize, out: &mut dyn Write) -> io::Result<()> {
        if rows <= ROWS {
            return Ok(());
        }
        let text = format!("… and {} more; --format json has them", rows - ROWS);
        writeln!(out, "  {}", self.paint(DIM, &text))
    }

    fn frame(&self, frame: Frame, names: &Names) -> String {
        let place = self.place(names.text(frame.file), frame.line);
        format!("{}  {place}", clean_line(names.text(frame.function)))
    }

    fn place(&self, file: &str, line: u32) -> String {
        let path = diag::relative_path(Path::new(file), self.dir);
        self.paint(DIM, &format!("{}:{line}", clean_line(&path.to_string_lossy())))
    }

    fn paint(&self, style: Ansi, text: &str) -> String {
        if self.style.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Nanoseconds in which a goroutine ran or could have.
fn busy(slices: &[GoSlice]) -> i64 {
    let active = |s: &&GoSlice| matches!(s.state, State::Running | State::Runnable);
    slices.iter().filter(active).map(|s| s.end - s.start).sum()
}
