//! What a drill means: from what was seen to checks.

use std::time::Duration;

use crate::check::{Check, Class, Status};
use crate::config::{Config, Expect, Kind};
use crate::drill::Seen;
use crate::output::Crash;
use crate::plan::Drill;
use crate::process::Exit;
use crate::units::{percent, shown, shown_ns};

/// The checks of a drill. `heard`: the candidate's output was.
pub fn judge(drill: &Drill, seen: &Seen, config: &Config, heard: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    recovery(drill, seen, heard, &mut checks);
    let recovered = checks.iter().all(|check| check.status == Status::Pass);
    let mut rest = Vec::new();
    if drill.log {
        log(drill, seen, config, &mut rest);
    }
    if heard && drill.expect == Expect::Restarted && drill.kind != Kind::Sigterm {
        let found =
            seen.crashes.first().map_or("nothing that reads like a crash".to_owned(), |c| {
                format!("{}: {}", c.kind, c.message)
            });
        let good = !seen.crashes.is_empty();
        rest.push(Check::new(
            Class::Log,
            &drill.name,
            "crash in the output",
            good,
            "a crash report",
            found,
        ));
    }
    if drill.metric {
        metric(drill, seen, config, &mut rest);
    }
    if let (true, Some(change)) = (drill.goroutines, seen.goroutines) {
        let before = change.before.unwrap_or(0.0);
        let limit = before + config.checks.goroutine_slack as f64;
        rest.push(Check::new(
            Class::Goroutines,
            &drill.name,
            "goroutines",
            change.after.is_some_and(|after| after <= limit),
            format!(
                "at most {limit} within {} (before: {before})",
                config.checks.goroutine_timeout
            ),
            change.after.map_or("no such metric any more".to_owned(), |after| after.to_string()),
        ));
    }
    if let Some(lie) = seen.lie {
        let limit = config.checks.readiness_lag.0;
        rest.push(Check::new(
            Class::Readiness,
            &drill.name,
            "honest readiness",
            Duration::from_nanos(lie) <= limit,
            format!("never ready while most requests fail for longer than {}", shown(limit)),
            if lie == 0 {
                "it was".to_owned()
            } else {
                format!("ready for {} of failures", shown_ns(lie))
            },
        ));
    }
    if let Some(limit) = drill.max_failed {
        let share = seen.load.error_rate();
        rest.push(Check::new(
            Class::Slo,
            &drill.name,
            "failed requests",
            share <= limit.0,
            format!("at most {limit}"),
            format!("{} ({} of {})", percent(share), seen.load.bad, seen.load.requests),
        ));
    }
    if !recovered {
        // What did not come back could not log, count or clean up: one cause, one failure.
        rest = rest.into_iter().map(|check| check.skipped("it did not recover")).collect();
    }
    checks.extend(rest);
    checks
}

/// The check that a load without any drill leaves the process alive. What it was asked meanwhile says nothing
/// more when it died: one cause, one failure.
pub fn survived(exits: &[Exit], crashes: &[Crash], load: Vec<Check>) -> Vec<Check> {
    let died = !exits.is_empty();
    let found = if died { how_it_ended(exits, crashes) } else { "it lives".to_owned() };
    let process = Check::new(
        Class::Recovery,
        crate::judge::LOAD,
        "process",
        !died,
        "the process lives on",
        found,
    );
    let rest = load.into_iter().map(|check| match check.status {
        Status::Pass => check,
        _ if died => check.skipped("it died meanwhile"),
        _ => check,
    });
    std::iter::once(process).chain(rest).collect()
}

/// Exits in words, with the first crash.
fn how_it_ended(exits: &[Exit], crashes: &[Crash]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for exit in exits {
        match counted.last_mut() {
            Some((text, count)) if *text == exit.text => *count += 1,
            _ => counted.push((&exit.text, 1)),
        }
    }
    let exits: Vec<String> = counted
        .into_iter()
        .map(
            |(text, count)| {
                if count == 1 { text.to_owned() } else { format!("{text} ({count}×)") }
            },
        )
        .collect();
    let crash = crashes.first().map(|c| format!(": {}: {}", c.kind, c.message));
    format!("it ended with {}{}", exits.join(", "), crash.unwrap_or_default())
}

fn recovery(drill: &Drill, seen: &Seen, heard: bool, checks: &mut Vec<Check>) {
    let name = drill.name.as_str();
    let died = !seen.exits.is_empty();
    let how = || how_it_ended(&seen.exits, &seen.crashes);
    match drill.expect {
        Expect::Recovered if heard => {
            let found = if died { how() } else { "it lives".to_owned() };
            checks.push(Check::new(
                Class::Recovery,
                name,
                "process",
                !died,
                "the process lives on",
                found,
            ));
        }
        Expect::Restarted if heard => {
            // Under a supervisor of its own (such as unpanic guard) the process that we see lives on.
            let good = died || !seen.crashes.is_empty();
            let found = if died {
                how()
            } else if good {
                "its supervisor started it again".to_owned()
            } else {
                "nothing ended: the drill did not do what it should".to_owned()
            };
            checks.push(Check::new(
                Class::Recovery,
                name,
                "process",
                good,
                "the process ends and is started again",
                found,
            ));
        }
        _ => {}
    }
    if drill.kind == Kind::Sigterm {
        // The one that was started after it has no reason to end.
        let graceful = seen.exits.len() == 1 && seen.exits[0].code == Some(0);
        let found = if died { how() } else { "it did not end".to_owned() };
        checks.push(Check::new(
            Class::Recovery,
            name,
            "graceful end",
            graceful,
            "exit code 0, once",
            found,
        ));
        let marked = seen.load.marked.unwrap_or_default();
        checks.push(Check::new(
            Class::Recovery,
            name,
            "requests in flight",
            marked.cut == 0,
            "all answered",
            format!(
                "{} answered, {} cut off, {} sent right before it and lost with their connection",
                marked.finished, marked.cut, marked.raced
            ),
        ));
    }
    if matches!(drill.kind, Kind::HandlerPanic | Kind::NilDereference)
        && !seen.triggers.is_empty()
        && !died
    {
        checks.push(Check::new(
            Class::Recovery,
            name,
            "answer",
            seen.answered == drill.times,
            "the request that panics is answered, with an error",
            seen.triggers.join(", "),
        ));
    }
    let limit = drill.recovery.0;
    let found = match (seen.recovery, &seen.restart_failed) {
        (_, Some(error)) => format!("not started again: {error}"),
        (Some(0), _) if !seen.outage => "it never stopped answering".to_owned(),
        (Some(ns), _) => shown_ns(ns),
        (None, _) if died => format!("never; {}", how()),
        (None, _) => "never".to_owned(),
    };
    let good = seen.recovery.is_some_and(|ns| Duration::from_nanos(ns) <= limit);
    // Our own lateness stretches what we measure.
    let ours = seen.recovery.filter(|ns| ns.saturating_sub(seen.late) <= nanos(limit));
    let check = Check::new(
        Class::Recovery,
        name,
        "health",
        good,
        format!("within {}", shown(limit)),
        found,
    );
    checks.push(check.unless(
        ours.map(|_| format!("the gate's own probes were up to {} late", shown_ns(seen.late))),
    ));
    let alive = seen.recovery.is_some();
    let marked = seen.load.marked.unwrap_or_default();
    let limit = drill.first_good.0;
    // While a dependency is away nothing good is due.
    let allowance = if drill.kind.is_dependency() { drill.length.0 } else { Duration::ZERO };
    let stopping = drill.kind == Kind::Sigterm;
    if alive && !stopping {
        let found = marked.first_good;
        let good = found.is_some_and(|ns| Duration::from_nanos(ns) <= limit + allowance);
        let text = found.map_or("none".to_owned(), shown_ns);
        let check = Check::new(
            Class::Recovery,
            name,
            "first good answer",
            good,
            format!("within {}", shown(limit + allowance)),
            text,
        );
        checks.push(check);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn log(drill: &Drill, seen: &Seen, config: &Config, checks: &mut Vec<Check>) {
    let event = &config.checks.log_event;
    let times = u64::from(drill.times);
    let line = |n: u64| if n == 1 { "1 line".to_owned() } else { format!("{n} lines") };
    checks.push(Check::new(
        Class::Log,
        &drill.name,
        "log line",
        seen.events == times,
        format!("{} about `{event}`, JSON or logfmt", line(times)),
        line(seen.events),
    ));
    if seen.events == 0 {
        return;
    }
    let missing: Vec<String> =
        seen.missing.iter().map(|(field, count)| format!("{field} (in {count})")).collect();
    checks.push(Check::new(
        Class::Log,
        &drill.name,
        "log fields",
        missing.is_empty(),
        config.checks.log_fields.join(", "),
        if missing.is_empty() {
            "all there".to_owned()
        } else {
            format!("without {}", missing.join(", "))
        },
    ));
}

fn metric(drill: &Drill, seen: &Seen, config: &Config, checks: &mut Vec<Check>) {
    let name = &config.checks.metric;
    let change = seen.metric.unwrap_or(crate::drill::Change { before: None, after: None });
    let times = f64::from(drill.times);
    let grown = change.after.map(|after| after - change.before.unwrap_or(0.0));
    let check = Check::new(
        Class::Metric,
        &drill.name,
        "counter",
        grown.is_some_and(|grown| (grown - times).abs() < 1e-6),
        format!("{name} goes up by {times}"),
        match grown {
            Some(grown) => format!("by {grown}"),
            None => "there is no such metric".to_owned(),
        },
    );
    // A new process counts from zero.
    checks.push(if seen.exits.is_empty() {
        check
    } else {
        check.skipped("the process was started anew")
    });
}
