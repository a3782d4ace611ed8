//! A report for people: what died, whether recover would have helped, its code, the others by what
//! they do, who holds what, and what the crashed access collided with.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use diag::render::terminal::{self, Style};
use diag::{Resolver, clean_line};
use go_crash::{Contended, Frame, Goroutine, Group, Kind, Section};

use super::Told;
use super::code::Code;
use super::collision::{Checked, Collision, is_race};
use super::others;
use crate::app::App;

/// So many frames of a crashed goroutine are printed, and code of so many.
const FRAMES: usize = 24;
const EXCERPTS: usize = 3;
/// So many groups and locks are printed.
const GROUPS: usize = 12;
const LOCKS: usize = 6;

/// Prints reports.
pub struct Printer<'a> {
    /// Colours.
    pub style: Style,
    /// The code of frames.
    pub code: &'a Code,
    /// What `check` said, with --source.
    pub checked: Option<&'a Checked>,
    /// The run.
    pub app: &'a App,
}

const RED: Ansi = AnsiColor::Red.on_default().bold();
const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();
const BLUE: Ansi = AnsiColor::Blue.on_default().bold();

impl Printer<'_> {
    /// Prints one report and a blank line.
    pub fn report(&self, told: &Told, out: &mut dyn Write) -> io::Result<()> {
        let report = &told.report;
        self.headline(told, out)?;
        writeln!(out, "  {} {}", self.paint(BLUE, "="), report.recover_text())?;
        writeln!(
            out,
            "  {} class {}, fingerprint {}",
            self.paint(BLUE, "="),
            report.class().as_str(),
            report.fingerprint
        )?;
        let mut excerpts = EXCERPTS;
        for stack in &report.crashed {
            self.stack(told, stack, &mut excerpts, out)?;
        }
        self.collisions(told, out)?;
        for lock in report.locks.iter().take(LOCKS) {
            self.lock(lock, out)?;
        }
        self.groups(told, out)?;
        writeln!(out)
    }

    fn headline(&self, told: &Told, out: &mut dyn Write) -> io::Result<()> {
        let head = &told.report.head;
        let (kind, message) = head.cause();
        let mut lines = message.lines();
        let first = lines.next().unwrap_or("");
        let name = match kind {
            Kind::FatalError => "fatal error",
            Kind::HttpPanic => "panic in an HTTP handler",
            Kind::TestFailure => "failed test",
            Kind::TestTimeout => "test timeout",
            kind => kind.as_str(),
        };
        writeln!(out, "{}: {}", self.paint(RED, name), self.paint(BOLD, &clean_line(first)))?;
        for line in lines.take(20) {
            writeln!(out, "    {}", clean_line(line))?;
        }
        for link in head.chain.iter().filter(|link| link.message != message).take(8) {
            writeln!(out, "  then {}: {}", link.kind.as_str(), clean_line(&link.message))?;
        }
        if message != head.message {
            writeln!(out, "  after {}: {}", head.kind.as_str(), clean_line(&head.message))?;
        }
        if let Some(signal) = &head.signal {
            writeln!(out, "  signal {}", clean_line(signal))?;
        }
        for detail in head.details.iter().take(8) {
            writeln!(out, "  {}", clean_line(detail))?;
        }
        Ok(())
    }

    /// A goroutine that died, with code.
    fn stack(
        &self,
        told: &Told,
        stack: &Goroutine,
        excerpts: &mut usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let title = match stack.section {
            Section::Access => clean_line(stack.state()).into_owned(),
            _ => format!("goroutine {} [{}]{}", stack.id, clean_line(stack.state()), labels(stack)),
        };
        writeln!(out, "\n{}", self.paint(BOLD, &title))?;
        let site = told.report.site(stack);
        let mut passed = site.is_none();
        for frame in stack.frames().filter(|f| f.ancestor == 0).take(FRAMES) {
            let here = site == Some(frame) && !passed;
            passed |= here;
            let mark = if here { self.paint(RED, ">") } else { " ".to_owned() };
            let name = clean_line(frame.function);
            let name = if passed && !frame.is_std() {
                self.paint(BOLD, &name)
            } else {
                self.paint(DIM, &name)
            };
            writeln!(out, "{mark} {name}  {}", self.place(&frame))?;
            if passed && !frame.is_std() && *excerpts > 0 && self.excerpt(&frame, out)? {
                *excerpts -= 1;
            }
        }
        let more =
            (stack.frames().len().saturating_sub(FRAMES) as u64).saturating_add(stack.dropped);
        if more > 0 || stack.elided > 0 {
            writeln!(
                out,
                "  {}",
                self.paint(DIM, &format!("… {more} more frames; Go left out {}", elided(stack)))
            )?;
        }
        if let Some(by) = stack.created_by() {
            let who = if by.goroutine == 0 {
                String::new()
            } else {
                format!(" in goroutine {}", by.goroutine)
            };
            writeln!(
                out,
                "  started by {}{who}  {}",
                clean_line(by.function),
                self.at(by.file, by.line)
            )?;
        }
        Ok(())
    }

    /// The code of a frame; whether it was there.
    fn excerpt(&self, frame: &Frame<'_>, out: &mut dyn Write) -> io::Result<bool> {
        let Some(excerpt) = self.code.excerpt(frame) else { return Ok(false) };
        for (line, text) in (excerpt.first..).zip(&excerpt.lines) {
            let number = self.paint(BLUE, &format!("{line:>6} |"));
            let mark = if line == frame.line { self.paint(RED, ">") } else { " ".to_owned() };
            writeln!(out, "  {mark}{number} {text}")?;
        }
        Ok(true)
    }

    /// Who of the dump may be the other side.
    fn others(&self, told: &Told, out: &mut dyn Write) -> io::Result<()> {
        let records = self.checked.map(|c| c.records(&told.collisions)).unwrap_or_default();
        for other in others::others(&told.report, &records) {
            let group = other.group;
            let ids: Vec<String> = group.ids.iter().map(u64::to_string).collect();
            let plural = if group.count == 1 { "" } else { "s" };
            let state = clean_line(group.sample.state());
            let place = match other.frame {
                Some(frame) => {
                    format!(" in {}  {}", clean_line(frame.function), self.place(&frame))
                }
                None => String::new(),
            };
            let what = self.paint(BOLD, other.how.text());
            writeln!(out, "\n{what} goroutine{plural} {} [{state}]{place}", ids.join(", "))?;
        }
        Ok(())
    }

    fn collisions(&self, told: &Told, out: &mut dyn Write) -> io::Result<()> {
        self.others(told, out)?;
        let Some(checked) = self.checked else { return Ok(()) };
        if is_race(&told.report) && told.collisions.is_empty() {
            writeln!(
                out,
                "\nunpanic check finds nothing about this access in {}",
                checked.dir.display()
            )?;
        }
        for &collision in told.collisions.iter().take(3) {
            writeln!(out, "\n{}", self.paint(BOLD, &other_side(&told.report, checked, collision)))?;
            let finding = std::slice::from_ref(&checked.report.findings[collision.finding]);
            let printed = diag::render::Report {
                findings: finding,
                problems: &[],
                rules: &[],
                resolver: Resolver::new(&checked.report.sources, &self.app.dir),
                version: env!("CARGO_PKG_VERSION"),
            };
            terminal::write(&printed, self.style, out)?;
        }
        Ok(())
    }

    fn lock(&self, lock: &Contended, out: &mut dyn Write) -> io::Result<()> {
        let many = if lock.waiting == 1 { "goroutine waits" } else { "goroutines wait" };
        let title = format!(
            "{} {many} in {} of the lock at {}",
            lock.waiting,
            clean_line(&lock.operation),
            lock.address
        );
        writeln!(out, "\n{}", self.paint(BOLD, &title))?;
        for caller in lock.callers.iter().take(4) {
            writeln!(out, "  called by {}", clean_line(caller))?;
        }
        for holder in lock.holders.iter().take(4) {
            let why = if holder.same_object {
                "works on the same object"
            } else {
                "is in a method of the same type"
            };
            writeln!(
                out,
                "  perhaps held by goroutine {} [{}]: {why}, {} ({})",
                holder.goroutine,
                clean_line(&holder.state),
                clean_line(&holder.function),
                clean_line(&holder.place)
            )?;
        }
        if lock.holders.is_empty() {
            writeln!(out, "  the dump does not show who holds it")?;
        }
        Ok(())
    }

    fn groups(&self, told: &Told, out: &mut dyn Write) -> io::Result<()> {
        let report = &told.report;
        let others: u64 = report.groups.iter().map(|g| g.count).sum();
        if others == 0 {
            if report.crashed.len() as u64 == report.total
                && report.head.cause().0 == Kind::FatalError
            {
                writeln!(
                    out,
                    "\nonly the goroutine that noticed was printed; GOTRACEBACK=all shows the others"
                )?;
            }
            return Ok(());
        }
        let plural = if others == 1 { "goroutine" } else { "goroutines" };
        let title = format!(
            "{others} {}{plural} in {} groups",
            if report.crashed.is_empty() { "" } else { "other " },
            report.groups.len()
        );
        writeln!(out, "\n{}", self.paint(BOLD, &title))?;
        for group in report.groups.iter().take(GROUPS) {
            self.group(group, out)?;
        }
        let rest: u64 =
            report.groups.iter().skip(GROUPS).map(|g| g.count).sum::<u64>() + report.ungrouped;
        if rest > 0 {
            writeln!(out, "  … and {rest} more; --format json has them all")?;
        }
        Ok(())
    }

    fn group(&self, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let stack = &group.sample;
        let waited = match (group.min_minutes, group.max_minutes) {
            (_, None) => String::new(),
            (Some(min), Some(max)) if min < max => format!(", {min} to {max} minutes"),
            (None, Some(max)) => format!(", up to {max} minutes"),
            (_, Some(max)) => format!(", {max} minutes"),
        };
        let top = stack.frames().find(|f| !f.is_std()).or_else(|| stack.frames().next());
        let what = top.map_or("no frames".to_owned(), |f| {
            format!("{}  {}", clean_line(f.function), self.place(&f))
        });
        let ids: Vec<String> = group.ids.iter().take(3).map(u64::to_string).collect();
        let dots = if group.count > ids.len() as u64 { ", …" } else { "" };
        writeln!(
            out,
            "  {:>6} × [{}{waited}] {what}  {}",
            group.count,
            clean_line(stack.state()),
            self.paint(DIM, &format!("({}{dots})", ids.join(", ")))
        )
    }

    fn place(&self, frame: &Frame<'_>) -> String {
        if frame.file.is_empty() { String::new() } else { self.at(frame.file, frame.line) }
    }

    fn at(&self, file: &str, line: u32) -> String {
        let path = diag::relative_path(std::path::Path::new(file), &self.app.dir);
        self.paint(DIM, &format!("{}:{line}", clean_line(&path.to_string_lossy())))
    }

    fn paint(&self, style: Ansi, text: &str) -> String {
        if self.style.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// "collided with the map read at hub.go:50 in hub.(*Hub).Get".
fn other_side(report: &go_crash::Report, checked: &Checked, collision: Collision) -> String {
    let record = checked.record(collision);
    let own = &record.accesses[collision.access];
    // The runtime says what the other one was: a write, whatever else stands on the line.
    let writes = report.head.cause().1.contains("map write");
    let others = || record.accesses.iter().enumerate().filter(|(i, _)| *i != collision.access);
    let other = others()
        .find(|(_, access)| !writes || access.kind.is_write())
        .or_else(|| others().next().filter(|_| !own.kind.is_write()));
    let other = match other {
        Some((_, other)) => other,
        None if own.kind.is_write() && record.accesses.len() > 1 => own,
        None => return format!("unpanic check says of {}:", clean_line(&own.function)),
    };
    let sure = if collision.exact { "collided with" } else { "collided, perhaps, with" };
    let same = other.file == own.file && other.line == own.line;
    let who = if same { ", the same code on another goroutine" } else { "" };
    format!(
        "{sure} the {} at {}:{} in {}{who}",
        other.kind.label(),
        clean_line(&other.file),
        other.line,
        clean_line(&other.function)
    )
}

fn labels(stack: &Goroutine) -> String {
    if stack.labels.is_empty() {
        return String::new();
    }
    let all: Vec<String> = stack.labels.iter().map(|(k, v)| format!("{k}: {v:?}")).collect();
    format!(" {{{}}}", clean_line(&all.join(", ")))
}

fn elided(stack: &Goroutine) -> String {
    match stack.elided {
        0 => "none".to_owned(),
        u64::MAX => "some".to_owned(),
        n => n.to_string(),
    }
}
