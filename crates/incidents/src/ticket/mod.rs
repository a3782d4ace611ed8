//! What a ticket says: what died, whether `recover` could have stopped it, the line on the other side
//! and the fix, the request, the goroutines, how to see more. Wording only; where it goes is the
//! sinks' affair, and how text of a crash is made harmless for a medium is `markdown`'s.

pub mod markdown;

use diag::{AccessRecord, clean_line};
use go_crash::GoroutineRecord;
use serde::{Deserialize, Serialize};

use crate::crash::Crash;
use crate::incident::{Incident, Occurrence};
use crate::model::{Correlated, Joined, NewIncident, Outcome};
use crate::outbox::Event;
use markdown::{code, fenced};

/// So many frames of a stack, other goroutines, log lines and requests are told.
const FRAMES: usize = 40;
const GROUPS: usize = 15;
const LOG: usize = 20;
/// Bytes of a section; all together stay below the 65,536 characters of an issue's body.
const SECTION: usize = 9_000;
/// Characters of a line.
const LINE: usize = 300;

/// What is to be told: an event of an incident.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The delivery's id: the idempotency key.
    pub id: String,
    /// What happened.
    pub event: Event,
    /// The incident as it is now.
    pub incident: Incident,
    /// The occurrence that it is about, or the latest.
    pub occurrence: Option<Occurrence>,
    /// The incident's page.
    pub page: Option<String>,
}

impl Notice {
    /// What happened at the occurrence.
    pub fn what(&self) -> Option<&NewIncident> {
        self.occurrence.as_ref().map(|occurrence| &occurrence.what)
    }

    /// The headline: `orders died: fatal error: concurrent map writes`. Text of the crash: escape
    /// it for where it goes.
    pub fn headline(&self) -> String {
        let Incident { service, title, class, .. } = &self.incident;
        match class {
            Outcome::Died => format!("{service} died: {title}"),
            Outcome::Lived => format!("{service}: {title}"),
        }
    }

    /// One sentence on what is new, for a comment or a log.
    pub fn news(&self) -> String {
        let Incident { count, last_seen, state_by, .. } = &self.incident;
        let by = if state_by.is_empty() { String::new() } else { format!(" by {state_by}") };
        match self.event {
            Event::Opened => "It happened for the first time.".to_owned(),
            Event::Repeated => format!("It has now happened {count} times, last at {last_seen}."),
            Event::Regressed => {
                format!(
                    "It has come again after it was resolved, at {last_seen}; {count} times in all."
                )
            }
            Event::Acknowledged => format!("Acknowledged{by}."),
            Event::Resolved => format!("Resolved{by}."),
            Event::Reopened => format!("Opened again{by}."),
        }
    }
}

/// The whole ticket as Markdown.
pub fn body(notice: &Notice) -> String {
    let mut out = String::new();
    facts(notice, &mut out);
    if let Some(what) = notice.what() {
        details(what, &mut out);
    }
    more(notice, &mut out);
    out
}

/// A comment on a ticket that is there: what is new, and the request of the latest occurrence.
pub fn comment(notice: &Notice) -> String {
    let by = &notice.incident.state_by;
    // A name is somebody's own choice: as code it is neither a mention nor markup.
    let mut out = match (notice.event, by.is_empty()) {
        (Event::Acknowledged, false) => format!("Acknowledged by {}.\n", code(by)),
        (Event::Resolved, false) => format!("Resolved by {}.\n", code(by)),
        (Event::Reopened, false) => format!("Opened again by {}.\n", code(by)),
        _ => format!("{}\n", notice.news()),
    };
    if let (Some(what), Event::Repeated | Event::Regressed) = (notice.what(), notice.event) {
        process(what, &mut out);
        if let Some(correlated) = &what.request {
            request(correlated, &mut out);
        }
    }
    more(notice, &mut out);
    out
}

fn facts(notice: &Notice, out: &mut String) {
    let Incident { service, title, class, first_seen, last_seen, count, .. } = &notice.incident;
    let died = match class {
        Outcome::Died => "died",
        Outcome::Lived => "survived",
    };
    *out += &format!("{} {died}: {}\n\n", code(service), code(title));
    if let Some(what) = notice.what() {
        if let Some(crash) = &what.crash {
            *out += &format!("- {}.\n", first_upper(&crash.recover));
        } else {
            *out += "- It printed nothing before it ended; recover cannot stop that.\n";
        }
        if let Some(exit) = &what.exit {
            *out += &format!("- The process: {}.\n", code(&exit.text()));
        }
        if let Some(recovery) = what.recovery {
            *out += &format!("- Served again after {} ms.\n", recovery.as_millis());
        }
        process(what, out);
    }
    if *count > 1 {
        *out += &format!("- {count} times since {first_seen}, last at {last_seen}.\n");
    } else {
        *out += &format!("- Once, at {last_seen}.\n");
    }
}

fn process(what: &NewIncident, out: &mut String) {
    let service = &what.service;
    *out += &format!("- On {}, pid {}", code(&service.host), service.pid);
    if !service.instance.is_empty() {
        *out += &format!(", replica {}", code(&service.instance));
    }
    if let Some(version) = &service.version {
        *out += &format!(", version {}", code(version));
    }
    if let Some(build) = &service.build {
        *out += &format!(", {}", code(&build.go));
        if let Some(revision) = build.settings.get("vcs.revision") {
            *out += &format!(", commit {}", code(revision));
        }
    }
    *out += ".\n";
}

fn details(what: &NewIncident, out: &mut String) {
    if let Some(joined) = &what.finding {
        finding(joined, out);
    }
    match &what.request {
        Some(correlated) => {
            *out += "\n### The request\n\n";
            request(correlated, out);
        }
        None if !what.in_flight.is_empty() => {
            *out += &format!("\n{} requests were in flight.\n", what.in_flight.len());
        }
        None => {}
    }
    if let Some(crash) = &what.crash {
        stacks(crash, out);
    }
    if !what.log.is_empty() {
        *out += "\n### What it printed before\n\n";
        let from = what.log.len().saturating_sub(LOG);
        let lines: Vec<&str> = what.log[from..].iter().map(|line| line.text.as_str()).collect();
        *out += &fenced(&bounded(lines), "text");
    }
}

fn finding(joined: &Joined, out: &mut String) {
    let finding = &joined.finding;
    *out += "\n### Why\n\n";
    *out += &format!(
        "unpanic check had found it ({}): {}.\n",
        code(&finding.rule),
        code(&finding.message)
    );
    let access = |at: usize| finding.accesses.get(at);
    if let Some(crashed) = joined.crashed_access.and_then(access) {
        *out += &format!("- This side: {}\n", place(crashed));
    }
    if let Some(other) = joined.other() {
        *out += &format!("- **The other side: {}**\n", place(other));
    }
    for fix in joined.fix() {
        *out += &format!("- Fix: {}\n", code(fix));
    }
    *out += &format!("- Joined: {}.\n", code(&joined.reason));
}

/// An access as Markdown.
fn place(access: &AccessRecord) -> String {
    let at = format!("{}:{}", access.file, access.line);
    let locks = match access.locks.as_slice() {
        [] => "holding no lock".to_owned(),
        locks => format!("holding {}", code(&locks.join(", "))),
    };
    format!("{} in {} at {}, {locks}", access.kind.label(), code(&access.function), code(&at))
}

fn request(correlated: &Correlated, out: &mut String) {
    let request = &correlated.request;
    *out += &format!("- {}", code(&format!("{} {}", request.method, request.path)));
    if let Some(route) = request.route.as_ref().filter(|route| **route != request.path) {
        *out += &format!(" (route {})", code(route));
    }
    *out += &format!(
        ", confidence **{}**: {}.\n",
        correlated.confidence.as_str(),
        code(&correlated.reason)
    );
    if let Some(trace) = &request.trace {
        *out += &format!("- Trace {}.\n", code(trace));
    }
    for (name, value) in request.headers.iter().take(16) {
        *out += &format!("- {}\n", code(&cut(&format!("{name}: {value}"))));
    }
}

fn stacks(crash: &Crash, out: &mut String) {
    let report = &crash.report;
    *out += "\n### What died\n\n";
    let mut lines: Vec<String> = report.message.lines().take(20).map(str::to_owned).collect();
    for goroutine in report.goroutines.iter().take(2) {
        lines.push(String::new());
        lines.extend(stack(goroutine));
    }
    *out += &fenced(&bounded(lines.iter().map(String::as_str)), "text");
    if !crash.locks.is_empty() {
        let lock = |lock: &crate::crash::Lock| {
            let holder = lock.holders.first().map_or("unknown", String::as_str);
            format!("{} wait in {}; perhaps held by {holder}", lock.waiting, lock.operation)
        };
        let lines: Vec<String> = crash.locks.iter().take(4).map(lock).collect();
        *out += "\n### Locks\n\n";
        *out += &fenced(&bounded(lines.iter().map(String::as_str)), "text");
    }
    if crash.groups.is_empty() {
        return;
    }
    *out += &format!("\n### The other goroutines ({} in all)\n\n", crash.total);
    let group = |group: &crate::crash::Group| {
        let at = group.sample.frames.iter().find(|f| !f.function.starts_with("runtime."));
        let at =
            at.map_or_else(String::new, |f| format!(" {} ({}:{})", f.function, f.file, f.line));
        format!("{:>7} [{}]{at}", group.count, group.sample.state)
    };
    let mut lines: Vec<String> = crash.groups.iter().take(GROUPS).map(group).collect();
    let shown: u64 = crash.groups.iter().take(GROUPS).map(|group| group.count).sum();
    let rest = crash.total.saturating_sub(shown).saturating_sub(report.goroutines.len() as u64);
    if rest > 0 {
        lines.push(format!("{rest:>7} more"));
    }
    *out += &fenced(&bounded(lines.iter().map(String::as_str)), "text");
}

/// A goroutine as Go prints it.
pub fn stack(goroutine: &GoroutineRecord) -> Vec<String> {
    let mut lines = vec![format!("goroutine {} [{}]:", goroutine.id, goroutine.state)];
    for frame in goroutine.frames.iter().take(FRAMES) {
        lines.push(frame.function.clone());
        lines.push(format!("    {}:{}", frame.file, frame.line));
    }
    if goroutine.frames.len() > FRAMES {
        lines.push(format!("… {} more frames", goroutine.frames.len() - FRAMES));
    }
    if let Some(by) = &goroutine.created_by {
        lines.push(format!("created by {}", by.function));
        lines.push(format!("    {}:{}", by.file, by.line));
    }
    lines
}

fn more(notice: &Notice, out: &mut String) {
    let id = &notice.incident.id;
    match &notice.page {
        // The address is the configuration's and the id ours.
        Some(page) => *out += &format!("\nEverything that is known: <{page}>\n"),
        None => {
            *out += &format!(
                "\nEverything that is known: incident `{id}` on the page of unpanic guard.\n"
            )
        }
    }
}

/// Lines of bounded length, and so many of them that the section is not too long.
fn bounded<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for line in lines {
        let line = cut(line);
        if out.len() + line.len() > SECTION {
            out += "…\n";
            break;
        }
        out += &line;
        out.push('\n');
    }
    out
}

fn cut(line: &str) -> String {
    let mut line = clean_line(line).into_owned();
    if let Some((at, _)) = line.char_indices().nth(LINE) {
        line.truncate(at);
        line.push('…');
    }
    line
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
