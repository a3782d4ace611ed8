//! A summary for a pull request or a workflow's summary page.

use std::fmt::Write as _;

use crate::Verdict;
use crate::check::Status;
use crate::units::shown_ns;

/// The summary.
pub fn markdown(verdict: &Verdict) -> String {
    let mut out = format!("### {}\n\n{}\n\n", verdict.headline(), cell(&verdict.candidate));
    if let Some(load) = &verdict.load {
        let latency = load.latency();
        let asked =
            load.asked.map_or("closed model".to_owned(), |asked| format!("{asked:.0}/s asked"));
        let _ = writeln!(
            out,
            "Load: {asked}, {:.1}/s achieved, p50 {}, p95 {}, p99 {}, {} of {} failed.\n",
            load.achieved,
            shown_ns(latency.p50),
            shown_ns(latency.p95),
            shown_ns(latency.p99),
            load.bad,
            load.requests
        );
        if let Some(why) = load.limit_text() {
            let _ = writeln!(out, "{}.\n", cell(&why));
        }
    }
    out += "| | of | check | found | expected |\n|---|---|---|---|---|\n";
    for check in &verdict.checks {
        let sign = match check.status {
            Status::Pass => "pass",
            Status::Fail => "**fail**",
            Status::Inconclusive => "**inconclusive**",
            Status::Skipped => "skipped",
        };
        let _ = writeln!(
            out,
            "| {sign} | {} | {}: {} | {} | {} |",
            cell(&check.subject),
            check.class.as_str(),
            check.name,
            cell(&check.found),
            cell(&check.expected)
        );
    }
    for note in &verdict.notes {
        let _ = writeln!(out, "\n{}", cell(note));
    }
    out
}

/// Text in a table's cell: what candidates print is no markup of ours.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in diag::clean_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '!' | '\\' | '#' | '~' | '@' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}
