//! The report as one page: no network, no script, one style that the page's policy lets in by its hash.
//! What candidates print is escaped by the template.

use askama::Template as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::chart;
use crate::check::Status;
use crate::load::{Latency, LoadReport};
use crate::units::{percent, shown_ns};
use crate::{Outcome, Seen, Verdict};

const STYLE: &str = include_str!("../../templates/report.css");

#[derive(askama::Template)]
#[template(path = "report.html")]
struct Page {
    policy: String,
    style: &'static str,
    headline: String,
    class: &'static str,
    candidate: String,
    load: Option<LoadPart>,
    drills: Vec<DrillPart>,
    checks: Vec<CheckPart>,
    notes: Vec<String>,
    tail: Vec<String>,
}

struct LoadPart {
    summary: String,
    limit: String,
    rows: Vec<Vec<String>>,
    curve: String,
    time: String,
}

struct DrillPart {
    name: String,
    summary: String,
    chart: String,
    lines: Vec<String>,
}

struct CheckPart {
    class: &'static str,
    status: &'static str,
    of: String,
    name: String,
    found: String,
    expected: String,
}

/// The page.
pub fn html(verdict: &Verdict) -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let page = Page {
        policy: format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        ),
        style: STYLE,
        headline: verdict.headline(),
        class: if verdict.outcome == Outcome::Passed { "good" } else { "bad" },
        candidate: shown(&verdict.candidate),
        load: verdict.load.as_ref().map(load),
        drills: verdict.drills.iter().map(drill).collect(),
        checks: verdict
            .checks
            .iter()
            .map(|check| CheckPart {
                class: match check.status {
                    Status::Pass => "pass",
                    Status::Skipped => "skipped",
                    Status::Fail | Status::Inconclusive => "fail",
                },
                status: check.status.as_str(),
                of: shown(&check.subject),
                name: format!("{}: {}", check.class.as_str(), check.name),
                found: shown(&check.found),
                expected: shown(&check.expected),
            })
            .collect(),
        notes: verdict.notes.iter().map(|note| shown(note)).collect(),
        tail: verdict.tail.iter().map(|line| shown(line)).collect(),
    };
    page.render().unwrap_or_else(|error| diag::markup(&format!("the page cannot be made: {error}")))
}

/// Escaped by the template later; here what would move the reader's eye.
fn shown(text: &str) -> String {
    diag::clean_line(text).into_owned()
}

fn load(load: &LoadReport) -> LoadPart {
    let asked =
        load.asked.map_or("Closed model".to_owned(), |a| format!("Asked {a:.1} requests/s"));
    let row = |name: &str, l: &Latency| {
        let figures = [l.mean, l.p50, l.p95, l.p99, l.p999, l.max].map(shown_ns);
        std::iter::once(name.to_owned()).chain(figures).collect()
    };
    let mut rows = Vec::new();
    if let Some(corrected) = &load.corrected {
        rows.push(row("from the intended time", corrected));
    }
    rows.push(row("from the time of sending", &load.service));
    LoadPart {
        summary: format!(
            "{asked}, achieved {:.1} over {:.1}s; {} of {} requests failed ({}).",
            load.achieved,
            load.seconds,
            load.bad,
            load.requests,
            percent(load.error_rate())
        ),
        limit: load.limit_text().map(|text| shown(&text)).unwrap_or_default(),
        rows,
        curve: chart::curve(
            load.corrected.as_ref().map_or(&[][..], |c| &c.curve),
            &load.service.curve,
        ),
        time: chart::time(&load.slices, None, &[]),
    }
}

fn drill(seen: &Seen) -> DrillPart {
    let recovery = match seen.recovery {
        Some(0) if !seen.outage => "health never stopped answering".to_owned(),
        Some(ns) => format!("health back after {}", shown_ns(ns)),
        None => "health did not come back".to_owned(),
    };
    let mut lines: Vec<String> = Vec::new();
    for outcome in &seen.load.outcomes {
        lines.push(format!("{}× {}", outcome.count, outcome.outcome));
    }
    lines.extend(seen.exits.iter().map(|exit| format!("the process ended with {}", exit.text)));
    lines.extend(
        seen.crashes
            .iter()
            .map(|c| shown(&format!("{}: {} ({})", c.kind, c.message, c.fingerprint))),
    );
    DrillPart {
        name: shown(&seen.name),
        summary: format!(
            "{}; {recovery}; {} of {} requests failed.",
            shown(&seen.triggers.join(", ")),
            seen.load.bad,
            seen.load.requests
        ),
        chart: chart::time(&seen.load.slices, Some(seen.at), &seen.strips),
        lines,
    }
}
