//! For people at a terminal.

use std::fmt::Write as _;

use crate::check::Status;
use crate::load::{Latency, LoadReport};
use crate::units::{percent, shown_ns};
use crate::{Seen, Verdict};

/// The whole verdict.
pub fn text(verdict: &Verdict) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "candidate: {}", diag::clean_line(&verdict.candidate));
    if let Some(load) = &verdict.load {
        out += &load_text(load);
    }
    for seen in &verdict.drills {
        drill(seen, &mut out);
    }
    out.push('\n');
    let width =
        verdict.checks.iter().map(|c| c.subject.len() + c.name.len()).max().unwrap_or(0) + 2;
    for check in &verdict.checks {
        let what = format!("{}: {}", check.subject, check.name);
        let _ = writeln!(
            out,
            "{:<12} {:<10} {what:<width$}  {}",
            check.status.as_str(),
            check.class.as_str(),
            match check.status {
                Status::Pass | Status::Skipped => check.found.clone(),
                _ => format!("found {}, expected {}", check.found, check.expected),
            }
        );
    }
    for note in &verdict.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let _ = writeln!(out, "\n{} (exit code {})", verdict.headline(), verdict.exit_code);
    diag::clean(&out).into_owned()
}

/// The figures of a load.
pub fn load_text(load: &LoadReport) -> String {
    let mut out = String::new();
    match load.asked {
        Some(asked) => {
            let _ = writeln!(
                out,
                "load: asked {asked:.1} requests/s, achieved {:.1} over {:.1}s ({} requests)",
                load.achieved, load.seconds, load.requests
            );
        }
        None => {
            let _ = writeln!(
                out,
                "load: closed model, {} connections, {:.1} requests/s over {:.1}s ({} requests)",
                load.connections, load.achieved, load.seconds, load.requests
            );
        }
    }
    if let Some(why) = load.limit_text() {
        let _ = writeln!(out, "  {why}");
    }
    let _ = writeln!(
        out,
        "  {:<30} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "latency", "mean", "p50", "p95", "p99", "p99.9", "max"
    );
    let mut row = |name: &str, latency: &Latency| {
        let figures =
            [latency.mean, latency.p50, latency.p95, latency.p99, latency.p999, latency.max];
        let _ = write!(out, "  {name:<30}");
        for figure in figures {
            let _ = write!(out, " {:>9}", shown_ns(figure));
        }
        out.push('\n');
    };
    match &load.corrected {
        Some(corrected) => {
            row("from the intended time", corrected);
            row("from the time of sending", &load.service);
        }
        None => row("from the time of sending", &load.service),
    }
    if load.corrected.is_none() {
        out += "  a closed model sends less while the server is slow: stalls are hidden in these figures\n";
    }
    if load.bad > 0 {
        let _ = writeln!(
            out,
            "  failed: {} of {} ({})",
            load.bad,
            load.requests,
            percent(load.error_rate())
        );
        for outcome in &load.outcomes {
            let _ = writeln!(out, "    {:>8} {}", outcome.count, outcome.outcome);
        }
    }
    if load.endpoints.len() > 1 {
        for endpoint in &load.endpoints {
            let _ = writeln!(
                out,
                "  {:<30} {} requests, {} failed, p50 {}, p99 {}",
                endpoint.name,
                endpoint.count,
                endpoint.bad,
                shown_ns(endpoint.p50),
                shown_ns(endpoint.p99)
            );
        }
    }
    let _ = writeln!(
        out,
        "  generator: p99 {} late, {} busy, {:.1} µs of processor a request; machine: {} busy, {} stolen",
        shown_ns(load.lag.p99),
        percent(load.busy),
        load.cpu_us_per_request,
        percent(load.machine.busy),
        percent(load.machine.steal)
    );
    diag::clean(&out).into_owned()
}

fn drill(seen: &Seen, out: &mut String) {
    let recovery = match seen.recovery {
        Some(0) if !seen.outage => "health never stopped answering".to_owned(),
        Some(ns) => format!("health back after {}", shown_ns(ns)),
        None => "health did not come back".to_owned(),
    };
    let _ = writeln!(out, "drill {}: {}; {recovery}", seen.name, seen.triggers.join(", "));
    let marked = seen.load.marked.unwrap_or_default();
    let first = marked.first_good.map_or("none".to_owned(), shown_ns);
    let _ = writeln!(
        out,
        "  first good answer after {first}, {} of {} requests failed{}",
        seen.load.bad,
        seen.load.requests,
        marked
            .last_bad
            .map_or(String::new(), |ns| format!(", the last {} after the trigger", shown_ns(ns)))
    );
    for outcome in &seen.load.outcomes {
        let _ = writeln!(out, "    {:>8} {}", outcome.count, outcome.outcome);
    }
    for exit in &seen.exits {
        let _ = writeln!(out, "  the process ended with {}", exit.text);
    }
    for crash in &seen.crashes {
        let _ = writeln!(out, "  {}: {} ({})", crash.kind, crash.message, crash.fingerprint);
    }
}
