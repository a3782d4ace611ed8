//! The first page: how the guard stands right now.

use askama::Template;
use incidents::{Incident, Request, SinkStatus};
use jiff::Timestamp;

use super::{Frame, Moment, Row, count, length, line, millis};
use crate::admin::live::{Child, ChildState, Snapshot};
use crate::admin::slo::SloReport;

/// So many requests in flight are shown.
const IN_FLIGHT: usize = 50;

/// The page.
#[derive(Template)]
#[template(path = "overview.html")]
pub struct Overview {
    frame: Frame,
    /// `good`, `warn` or `bad`.
    tone: &'static str,
    headline: String,
    detail: String,
    cards: Vec<Card>,
    slo: Option<Slo>,
    children: Vec<Process>,
    in_flight: Vec<Flight>,
    in_flight_more: u64,
    latest: Vec<Row>,
    sinks: Vec<Sink>,
}

struct Card {
    name: &'static str,
    value: String,
    note: String,
    tone: &'static str,
}

struct Slo {
    objective: String,
    period: String,
    ratio: String,
    left: String,
    /// How much of the bar is filled, 0 to 100.
    bar: u32,
    tone: &'static str,
    bad: String,
    total: String,
    burn: Vec<BurnRow>,
}

struct BurnRow {
    window: String,
    rate: String,
    alarming: String,
    bar: u32,
    tone: &'static str,
}

struct Process {
    instance: String,
    pid: String,
    state: &'static str,
    tone: &'static str,
    since: Moment,
    address: String,
    restarts: u64,
    last_exit: Option<(Moment, String)>,
    in_flight: u64,
    goroutines: String,
    memory: String,
}

struct Flight {
    method: String,
    path: String,
    route: String,
    trace: String,
    age: String,
    fate: &'static str,
}

struct Sink {
    name: String,
    tone: &'static str,
    state: String,
    pending: u64,
    refused: u64,
    last_ok: Option<Moment>,
    error: String,
}

impl Overview {
    pub fn new(
        frame: Frame,
        snapshot: &Snapshot,
        latest: &[Incident],
        sinks: &[SinkStatus],
        now: Timestamp,
    ) -> Self {
        let serving = snapshot.children.iter().filter(|c| c.state == ChildState::Serving).count();
        let wanted = snapshot.children.iter().filter(|c| c.state != ChildState::Dying).count();
        let (tone, headline) = match (&snapshot.breaker, serving) {
            (Some(_), 0) => ("bad", "Stopped: it kept crashing".to_owned()),
            (_, 0) => ("bad", "Not serving".to_owned()),
            (_, some) if some < wanted => {
                ("warn", format!("Serving, {some} of {wanted} processes healthy"))
            }
            (_, 1) => ("good", "Serving".to_owned()),
            (_, all) => ("good", format!("Serving, all {all} processes healthy")),
        };
        let up = now.duration_since(snapshot.started).as_secs().max(0) as u64;
        let detail = match &snapshot.breaker {
            Some(why) => format!("No more restarts: {}.", line(why)),
            None => format!("Listening on {} for {}.", line(&snapshot.listen), length(up)),
        };
        let in_flight = snapshot.in_flight.iter().take(IN_FLIGHT).map(|r| flight(r, now));
        let shown = snapshot.in_flight.len().min(IN_FLIGHT) as u64;
        Self {
            frame,
            tone,
            headline,
            detail,
            cards: cards(snapshot),
            slo: snapshot.slo.as_ref().map(slo),
            children: snapshot.children.iter().map(|child| process(child, now)).collect(),
            in_flight: in_flight.collect(),
            in_flight_more: snapshot.in_flight_total.saturating_sub(shown),
            latest: latest.iter().map(|incident| Row::new(incident, now)).collect(),
            sinks: sinks.iter().map(|status| sink(status, now)).collect(),
        }
    }
}

fn cards(snapshot: &Snapshot) -> Vec<Card> {
    let totals = &snapshot.totals;
    let card = |name, value, note| Card { name, value, note, tone: "" };
    let share = |part: u64| match totals.requests {
        0 => String::new(),
        all => format!("{:.3}%", part as f64 * 100.0 / all as f64),
    };
    let waiting = match snapshot.waiting {
        0 => "none waits for a process".to_owned(),
        some => format!("{} wait for a process", count(some)),
    };
    let recovery = totals.recovery_p50.map_or_else(
        || "none was needed".to_owned(),
        |time| format!("back after {} (median)", millis(time.as_millis() as u64)),
    );
    let mut errors = card("Failed", count(totals.errors), share(totals.errors));
    if totals.errors > 0 {
        errors.tone = "bad";
    }
    vec![
        card("In flight", count(snapshot.in_flight_total), waiting),
        card("Requests", count(totals.requests), "since guard started".to_owned()),
        errors,
        card("Replayed", count(totals.replayed), "answered in spite of a crash".to_owned()),
        card("Refused", count(totals.refused), "503 by guard".to_owned()),
        card("Restarts", count(totals.restarts), recovery),
        card(
            "Crashes",
            count(totals.deaths + totals.survived),
            format!("{} died, {} survived", count(totals.deaths), count(totals.survived)),
        ),
    ]
}

fn slo(report: &SloReport) -> Slo {
    let left = report.budget_left * 100.0;
    Slo {
        objective: percent(report.objective),
        period: length(report.period_seconds),
        ratio: percent(report.ratio),
        left: if left < -999.0 {
            "below −999%".to_owned()
        } else {
            format!("{left:.1}%").replace('-', "−")
        },
        bar: left.clamp(0.0, 100.0).round() as u32,
        tone: match left {
            ..=0.0 => "bad",
            ..25.0 => "warn",
            _ => "good",
        },
        bad: count(report.bad),
        total: count(report.total),
        burn: report
            .burn
            .iter()
            .map(|burn| BurnRow {
                window: length(burn.seconds),
                rate: if burn.rate >= 1000.0 {
                    "over 1000".to_owned()
                } else {
                    format!("{:.1}", burn.rate)
                },
                alarming: format!("{}", burn.alarming),
                bar: (burn.rate / burn.alarming * 100.0).clamp(0.0, 100.0).round() as u32,
                tone: match burn.rate {
                    rate if rate >= burn.alarming => "bad",
                    rate if rate > 1.0 => "warn",
                    _ => "good",
                },
            })
            .collect(),
    }
}

/// 0.999 as 99.9%.
fn percent(part: f64) -> String {
    let text = format!("{:.4}", part * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn process(child: &Child, now: Timestamp) -> Process {
    Process {
        instance: line(&child.instance),
        pid: child.pid.map_or_else(|| "–".to_owned(), |pid| pid.to_string()),
        state: child.state.as_str(),
        tone: match child.state {
            ChildState::Serving => "good",
            ChildState::Starting | ChildState::Draining | ChildState::Waiting => "warn",
            ChildState::Unhealthy | ChildState::Dying | ChildState::Stopped => "bad",
        },
        since: Moment::new(child.since, now),
        address: line(&child.address),
        restarts: child.restarts,
        last_exit: child.last_exit.as_ref().map(|(time, how)| (Moment::new(*time, now), line(how))),
        in_flight: child.in_flight,
        goroutines: child.goroutines.map_or_else(|| "–".to_owned(), count),
        memory: child.memory.map_or_else(|| "–".to_owned(), bytes),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes / 1024),
        ..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

fn flight(request: &Request, now: Timestamp) -> Flight {
    let age = now.duration_since(request.started).as_millis().max(0) as u64;
    Flight {
        method: line(&request.method),
        path: line(&request.path),
        route: line(request.route.as_deref().unwrap_or_default()),
        trace: line(request.trace.as_deref().unwrap_or_default()),
        age: millis(age),
        fate: request.fate.as_str(),
    }
}

fn sink(status: &SinkStatus, now: Timestamp) -> Sink {
    let (tone, state) = match (&status.paused_until, status.failures, status.refused) {
        (Some(until), ..) => {
            let wait = until.duration_since(now).as_secs().max(1) as u64;
            ("bad", format!("asked again in {}", length(wait)))
        }
        (None, 1.., _) => ("warn", format!("{} failures in a row", status.failures)),
        (None, 0, 1..) => ("warn", format!("has refused {}", status.refused)),
        (None, 0, 0) => ("good", "works".to_owned()),
    };
    Sink {
        name: line(&status.name),
        tone,
        state,
        pending: status.pending,
        refused: status.refused,
        last_ok: status.last_ok.map(|time| Moment::new(time, now)),
        error: line(&status.error),
    }
}
