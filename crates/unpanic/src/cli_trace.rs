//! The arguments of `unpanic trace`, and the forms in which times are given.

use std::path::PathBuf;

use clap::Args;

use crate::cli::ListFormat;

/// `unpanic trace`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic trace trace.out                                    what happened, in tables
  unpanic trace trace.out --around 1.5s --window 20ms        who ran when, around 1.5 s after the start
  unpanic trace trace.out --crash stderr.log --around crash  the end, with the goroutines of the crash marked
  unpanic trace trace.out --function '(*Hub).' --format json only goroutines that were in such a function
  unpanic trace trace.out --html page.html                   a timeline to zoom and search in the browser
  unpanic trace trace.out --perfetto out.pftrace             the same for ui.perfetto.dev

Reads the traces of runtime/trace, `go test -trace` and net/http/pprof of Go 1.22 to 1.27, also those
that a crash has cut off. Exit codes: 0 read to the end, 1 read, and the process died (--crash), 3 the
trace could not be read, or not to its end.")]
pub struct TraceArgs {
    /// The trace.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What to show of it.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// What to show of a trace, and where.
#[derive(Args, Debug)]
pub struct ViewArgs {
    /// Show a window of time: around a time since the start (1.5s, 20ms), or before the end (crash).
    #[arg(long, value_name = "TIME", value_parser = around, help_heading = "Filter")]
    pub around: Option<Around>,
    /// How long the window is; 50ms by default.
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Filter")]
    pub window: Option<i64>,
    /// Only goroutines that began or were seen in a function with this in its name; * is anything.
    #[arg(long, value_name = "PATTERN", help_heading = "Filter")]
    pub function: Option<String>,
    /// Only what goroutines did inside regions (trace.WithRegion) of this name.
    #[arg(long, value_name = "NAME", help_heading = "Filter")]
    pub user_region: Option<String>,
    /// What the process printed when it died: marks its goroutines, and who met them.
    #[arg(long, value_name = "FILE", help_heading = "Filter")]
    pub crash: Option<PathBuf>,
    /// For people, or one JSON object.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
    /// Write a timeline for the browser to this file too.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Write a trace for Perfetto (ui.perfetto.dev) to this file too.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub perfetto: Option<PathBuf>,
}

/// The middle of a window, or its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Around {
    /// Nanoseconds since the trace began.
    Time(i64),
    /// The window ends where the trace ends.
    End,
}

fn around(text: &str) -> Result<Around, String> {
    match text {
        "crash" | "end" => Ok(Around::End),
        _ => duration(text).map(Around::Time).map_err(|error| format!("{error}, or `crash`")),
    }
}

/// `1.5s`, `20ms`, `300us`, `300µs`, `40ns` in nanoseconds.
fn duration(text: &str) -> Result<i64, String> {
    let wrong = || "a time is a number with a unit: 1.5s, 20ms, 300us, 40ns".to_owned();
    let units =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10)];
    let (number, unit) = units
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
        .ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let nanoseconds = number * unit;
    // A year is longer than any trace; more would only overflow later.
    if !(0.0..=3.2e16).contains(&nanoseconds) {
        return Err(wrong());
    }
    Ok(nanoseconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(duration("1.5s"), Ok(1_500_000_000));
        assert_eq!((duration("20ms"), duration("3µs")), (Ok(20_000_000), Ok(3_000)));
        assert_eq!((around("crash"), around("0s")), (Ok(Around::End), Ok(Around::Time(0))));
        for text in ["", "5", "s", "-1s", "1e30s", "nans", "5 parsecs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
