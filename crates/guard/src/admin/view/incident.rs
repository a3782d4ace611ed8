//! The page of one incident.

use askama::Template;
use diag::{AccessRecord, clean};
use go_crash::{CreatedByRecord, FrameRecord, GoroutineRecord};
use incidents::{
    Change, Correlated, DeliveryStatus, Fate, Group, Incident, Joined, Lock, NewIncident,
    Occurrence, OccurrenceHead, Outcome, Page, Request, State,
};
use jiff::Timestamp;

use super::{Frame, Moment, Row, line, millis};
use crate::admin::timeline;

/// So many groups of goroutines, requests and frames of a stack are shown; the API has all.
const GROUPS: usize = 200;
const IN_FLIGHT: usize = 100;
const FRAMES: usize = 60;

/// The page.
#[derive(Template)]
#[template(path = "incident.html")]
pub struct IncidentPage {
    frame: Frame,
    row: Row,
    fingerprint: String,
    state_by: String,
    state_since: Moment,
    actions: Vec<(&'static str, &'static str)>,
    happened: Option<Happened>,
    occurrences: Vec<Occurred>,
    occurrences_total: u64,
    history: Vec<Past>,
    tickets: Vec<TicketLink>,
    deliveries: Vec<Delivery>,
}

struct Happened {
    time: Moment,
    verdict: String,
    message: String,
    chain: Vec<String>,
    facts: Vec<(&'static str, String)>,
    request: Option<RequestView>,
    traces: Vec<String>,
    finding: Option<FindingView>,
    stacks: Vec<Stack>,
    groups: Vec<GroupView>,
    groups_more: u64,
    total: u64,
    locks: Vec<LockView>,
    log: Vec<(String, bool, String)>,
    in_flight: Vec<RequestView>,
    in_flight_more: usize,
    /// Markup made by `timeline`.
    timeline: Option<String>,
    trimmed: Vec<String>,
}

struct RequestView {
    method: String,
    path: String,
    route: String,
    trace: String,
    confidence: &'static str,
    reason: String,
    status: String,
    age: String,
    headers: Vec<(String, String)>,
}

struct FindingView {
    rule: String,
    name: String,
    message: String,
    status: &'static str,
    reason: String,
    sides: Vec<Side>,
    fixes: Vec<String>,
    why: Vec<String>,
}

struct Side {
    title: &'static str,
    other: bool,
    what: &'static str,
    function: String,
    place: String,
    goroutine: String,
    locks: String,
    path: Vec<(String, String)>,
}

struct Stack {
    title: String,
    labels: String,
    frames: Vec<FrameView>,
    more: usize,
    created: Option<FrameView>,
}

struct FrameView {
    function: String,
    place: String,
    /// Neither the runtime's nor the standard library's.
    own: bool,
    /// The frame that the crash is about.
    hit: bool,
}

struct GroupView {
    count: u64,
    state: String,
    waited: String,
    ids: String,
    summary: String,
    stack: Stack,
}

struct LockView {
    waiting: u64,
    operation: String,
    address: String,
    holders: Vec<String>,
}

struct Occurred {
    id: String,
    here: bool,
    time: Moment,
    class: &'static str,
    whereabouts: String,
    version: String,
    recovery: String,
}

struct Past {
    time: Moment,
    state: &'static str,
    by: String,
}

struct TicketLink {
    sink: String,
    reference: String,
    url: String,
}

struct Delivery {
    sink: String,
    event: String,
    state: String,
    attempts: u64,
    created: Moment,
    error: String,
}

/// What the page is made of.
pub struct Parts<'a> {
    pub incident: &'a Incident,
    pub occurrence: Option<&'a Occurrence>,
    pub occurrences: &'a Page<OccurrenceHead>,
    pub history: &'a [Change],
    pub deliveries: &'a [DeliveryStatus],
}

impl IncidentPage {
    pub fn new(frame: Frame, parts: &Parts<'_>, now: Timestamp) -> Self {
        let incident = parts.incident;
        let shown = parts.occurrence.map_or("", |occurrence| occurrence.id.as_str());
        Self {
            frame,
            row: Row::new(incident, now),
            fingerprint: line(&incident.fingerprint),
            state_by: line(&incident.state_by),
            state_since: Moment::new(incident.state_since, now),
            actions: match incident.state {
                State::Open | State::Regressed => {
                    vec![("acknowledged", "Acknowledge"), ("resolved", "Resolve")]
                }
                State::Acknowledged => vec![("resolved", "Resolve"), ("open", "Reopen")],
                State::Resolved => vec![("open", "Reopen")],
            },
            happened: parts.occurrence.map(|occurrence| happened(occurrence, now)),
            occurrences: parts.occurrences.items.iter().map(|o| occurred(o, shown, now)).collect(),
            occurrences_total: parts.occurrences.total,
            history: parts
                .history
                .iter()
                .map(|change| Past {
                    time: Moment::new(change.time, now),
                    state: change.state.as_str(),
                    by: line(&change.by),
                })
                .collect(),
            tickets: incident
                .tickets
                .iter()
                .map(|ticket| TicketLink {
                    sink: line(&ticket.sink),
                    reference: line(&ticket.reference),
                    // A link is followed by whoever clicks it: addresses of the web only.
                    url: ticket
                        .url
                        .clone()
                        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
                        .unwrap_or_default(),
                })
                .collect(),
            deliveries: parts
                .deliveries
                .iter()
                .map(|delivery| Delivery {
                    sink: line(&delivery.sink),
                    event: line(&delivery.event),
                    state: line(&delivery.state),
                    attempts: delivery.attempts,
                    created: Moment::new(delivery.created, now),
                    error: line(&delivery.error),
                })
                .collect(),
        }
    }
}

fn happened(occurrence: &Occurrence, now: Timestamp) -> Happened {
    let what = &occurrence.what;
    let report = what.crash.as_ref().map(|crash| &crash.report);
    let (groups, shown) = what.crash.as_ref().map_or((Vec::new(), 0), |crash| {
        let groups: Vec<GroupView> = crash.groups.iter().take(GROUPS).map(group).collect();
        let shown: u64 = crash.groups.iter().take(GROUPS).map(|group| group.count).sum();
        (groups, shown + crash.report.goroutines.len() as u64)
    });
    let total = what.crash.as_ref().map_or(0, |crash| crash.total);
    Happened {
        time: Moment::new(what.time, now),
        verdict: match (&what.crash, what.class) {
            (Some(crash), _) => first_upper(&line(&crash.recover)),
            (None, Outcome::Died) => {
                "It printed nothing before it ended: recover cannot stop that".to_owned()
            }
            (None, Outcome::Lived) => "The process lives on".to_owned(),
        },
        message: report.map(|report| clean(&report.message).into_owned()).unwrap_or_default(),
        chain: report.map(|r| r.chain.iter().map(|m| line(m)).collect()).unwrap_or_default(),
        facts: facts(what),
        request: what.request.as_ref().map(correlated),
        traces: what.traces.iter().map(|trace| line(trace)).collect(),
        finding: what.finding.as_ref().map(finding),
        stacks: report
            .map(|report| report.goroutines.iter().map(|g| stack(g, true)).collect())
            .unwrap_or_default(),
        groups,
        groups_more: total.saturating_sub(shown),
        total,
        locks: what
            .crash
            .as_ref()
            .map(|crash| crash.locks.iter().map(lock).collect())
            .unwrap_or_default(),
        log: what.log.iter().map(|l| (clock(l.time), l.stderr, line(&l.text))).collect(),
        in_flight: what
            .in_flight
            .iter()
            .take(IN_FLIGHT)
            .map(|request| request_view(request, what.time))
            .collect(),
        in_flight_more: what.in_flight.len().saturating_sub(IN_FLIGHT),
        timeline: timeline::draw(what),
        trimmed: occurrence.trimmed.iter().map(|text| line(text)).collect(),
    }
}

fn facts(what: &NewIncident) -> Vec<(&'static str, String)> {
    let service = &what.service;
    let mut facts = Vec::new();
    let mut fact = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push((name, line(&value)));
        }
    };
    fact("Service", Some(service.name.clone()));
    fact("Version", service.version.clone());
    fact("Process ended", what.exit.as_ref().map(incidents::Exit::text));
    fact("Back after", what.recovery.map(|time| millis(time.as_millis() as u64)));
    fact("Host", Some(service.host.clone()));
    fact("Replica", Some(service.instance.clone()));
    fact("Process", Some(service.pid.to_string()));
    if let Some(build) = &service.build {
        let setting = |name: &str| build.settings.get(name).cloned();
        fact("Go", Some(build.go.clone()));
        fact("Main package", Some(build.path.clone()));
        fact("Commit", setting("vcs.revision"));
        fact("Commit time", setting("vcs.time"));
        fact("Modified", setting("vcs.modified").filter(|value| value == "true"));
    }
    let report = what.crash.as_ref().map(|crash| &crash.report);
    fact("Mistake", report.map(|report| report.class.as_str().replace('-', " ")));
    fact("Signal", report.and_then(|report| report.signal.clone()));
    fact("Dump", what.crash.as_ref().and_then(|c| c.cut.as_ref()).map(|cut| format!("cut {cut}")));
    facts
}

fn correlated(correlated: &Correlated) -> RequestView {
    RequestView {
        confidence: correlated.confidence.as_str(),
        reason: line(&correlated.reason),
        ..request_view(&correlated.request, correlated.request.started)
    }
}

/// `at`: when it happened; the age is what had passed by then.
fn request_view(request: &Request, at: Timestamp) -> RequestView {
    let age = at.duration_since(request.started).as_millis().max(0) as u64;
    RequestView {
        method: line(&request.method),
        path: line(&request.path),
        route: line(request.route.as_deref().unwrap_or_default()),
        trace: line(request.trace.as_deref().unwrap_or_default()),
        confidence: "",
        reason: String::new(),
        status: match (request.status, request.fate) {
            (Some(status), Fate::Served) => status.to_string(),
            (Some(status), fate) => format!("{status}, {}", fate.as_str()),
            (None, Fate::Served) => String::new(),
            (None, fate) => fate.as_str().to_owned(),
        },
        age: millis(age),
        headers: request.headers.iter().map(|(name, value)| (line(name), line(value))).collect(),
    }
}

fn finding(joined: &Joined) -> FindingView {
    let finding = &joined.finding;
    let other = joined.other().map(std::ptr::from_ref::<AccessRecord>);
    let sides = finding.accesses.iter().enumerate().map(|(at, access)| {
        let is_other = other == Some(std::ptr::from_ref(access));
        let title = match (joined.crashed_access == Some(at), is_other) {
            (true, _) => "This crash",
            (_, true) => "The other side",
            _ => "An access",
        };
        side(access, title, is_other)
    });
    FindingView {
        rule: line(&finding.rule),
        name: line(&finding.name),
        message: line(&finding.message),
        status: finding.status.as_str(),
        reason: line(&joined.reason),
        sides: sides.collect(),
        fixes: joined.fix().into_iter().map(line).collect(),
        why: finding
            .notes
            .iter()
            .filter(|note| note.kind != diag::NoteKind::Help)
            .map(|note| line(&note.message))
            .collect(),
    }
}

fn side(access: &AccessRecord, title: &'static str, other: bool) -> Side {
    let goroutine = &access.goroutine;
    let many = if goroutine.many { ", many at once" } else { "" };
    let start = match (&goroutine.file, goroutine.line) {
        (Some(file), Some(number)) => format!(" started at {}:{number}", line(file)),
        _ => String::new(),
    };
    Side {
        title,
        other,
        what: access.kind.label(),
        function: line(&access.function),
        place: format!("{}:{}:{}", line(&access.file), access.line, access.column),
        goroutine: format!("{}{start}{many}", goroutine.kind.as_str().replace('-', " ")),
        locks: match access.locks.as_slice() {
            [] => "no lock".to_owned(),
            locks => line(&locks.join(", ")),
        },
        path: access
            .path
            .iter()
            .map(|frame| (line(&frame.function), format!("{}:{}", line(&frame.file), frame.line)))
            .collect(),
    }
}

fn stack(goroutine: &GoroutineRecord, crashed: bool) -> Stack {
    let waited = goroutine.wait_minutes.map(|m| format!(", {m} min")).unwrap_or_default();
    let labels: Vec<String> = goroutine
        .labels
        .iter()
        .map(|(name, value)| format!("{}: {}", line(name), line(value)))
        .collect();
    // Where the panic was raised; what stands before it is the runtime's way of dying.
    let raised = goroutine.frames.iter().rposition(|frame| frame.function == "panic");
    let own = |frame: &FrameRecord| is_own(frame);
    let behind = raised.map_or(0, |at| at + 1);
    let hit = goroutine.frames.iter().skip(behind).position(own).map(|at| at + behind);
    let frames = goroutine.frames.iter().enumerate().take(FRAMES).map(|(at, frame)| FrameView {
        function: line(&frame.function),
        place: place(&frame.file, frame.line),
        own: is_own(frame),
        hit: crashed && hit == Some(at),
    });
    Stack {
        title: format!("goroutine {} [{}{waited}]", goroutine.id, line(&goroutine.state)),
        labels: labels.join(", "),
        frames: frames.collect(),
        more: goroutine.frames.len().saturating_sub(FRAMES),
        created: goroutine.created_by.as_ref().map(created),
    }
}

fn created(by: &CreatedByRecord) -> FrameView {
    FrameView {
        function: line(&by.function),
        place: place(&by.file, by.line),
        own: true,
        hit: false,
    }
}

fn place(file: &str, number: u32) -> String {
    if file.is_empty() { String::new() } else { format!("{}:{number}", line(file)) }
}

/// Neither the runtime's nor the standard library's.
fn is_own(frame: &FrameRecord) -> bool {
    let FrameRecord { function, file, line } = frame;
    !go_crash::Frame { function, arguments: "", file, line: *line, ancestor: 0 }.is_std()
}

fn group(group: &Group) -> GroupView {
    let ids: Vec<String> = group.ids.iter().map(u64::to_string).collect();
    let more = if group.count > ids.len() as u64 { ", …" } else { "" };
    let sample = &group.sample;
    let summary = sample.frames.iter().find(|f| is_own(f)).or(sample.frames.first());
    GroupView {
        count: group.count,
        state: line(&sample.state),
        waited: match (group.min_minutes, group.max_minutes) {
            (_, None) => String::new(),
            (Some(min), Some(max)) if min < max => format!("{min} to {max} min"),
            (None, Some(max)) => format!("up to {max} min"),
            (Some(_), Some(max)) => format!("{max} min"),
        },
        ids: format!("{}{more}", ids.join(", ")),
        summary: summary.map(|frame| line(&frame.function)).unwrap_or_default(),
        stack: stack(sample, false),
    }
}

fn lock(lock: &Lock) -> LockView {
    LockView {
        waiting: lock.waiting,
        operation: line(&lock.operation),
        address: line(&lock.address),
        holders: lock.holders.iter().map(|holder| line(holder)).collect(),
    }
}

fn occurred(head: &OccurrenceHead, shown: &str, now: Timestamp) -> Occurred {
    let pid = head.pid;
    let whereabouts = if head.instance.is_empty() {
        format!("{}, pid {pid}", line(&head.host))
    } else {
        format!("{}, {}, pid {pid}", line(&head.host), line(&head.instance))
    };
    Occurred {
        id: head.id.clone(),
        here: head.id == shown,
        time: Moment::new(head.time, now),
        class: head.class.as_str(),
        whereabouts,
        version: line(&head.version),
        recovery: head.recovery_ms.map_or_else(|| "–".to_owned(), millis),
    }
}

/// `02:40:00.123`.
fn clock(time: Timestamp) -> String {
    let text = time.round(jiff::Unit::Millisecond).unwrap_or(time).to_string();
    let clock = text.split_once('T').map_or("", |(_, clock)| clock).trim_end_matches('Z');
    match clock.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}"),
        None => format!("{clock}.000"),
    }
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
