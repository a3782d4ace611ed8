//! The arguments of `unpanic trace`, and the forms in which times are given.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::ListFormat;

/// `unpanic trace`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  unpanic trace trace.out                                    what happened, in tables
  unpanic trace trace.out --around 1.5s --window 20ms        who ran when, around 1.5 s after the start
  unpanic trace trace.out --crash stderr.log --around crash  the end, with the goroutines of the crash marked
  unpanic trace trace.out --function '(*Hub).' --format json only goroutines that were in such a function
  unpanic trace trace.out --html page.html                   a timeline to zoom and search in the browser
  unpanic trace trace.out --perfetto out.pftrace             the same for ui.perfetto.dev
  unpanic trace record -- go run ./cmd/service               runs it, and shows the end when it dies

Reads the traces of runtime/trace, `go test -trace` and net/http/pprof of Go 1.22 to 1.27, also
those that a crash has cut off. Exit codes: 0 read to the end, 1 read, and the process died
(--crash), 3 the trace could not be read, or not to its end."
)]
pub struct TraceArgs {
    /// Or record one.
    #[command(subcommand)]
    pub command: Option<TraceCommand>,
    /// The trace.
    #[arg(value_name = "FILE", required = true)]
    pub file: Option<PathBuf>,
    /// What the process printed when it died: marks its goroutines, and who met them.
    #[arg(long, value_name = "FILE", help_heading = "Filter")]
    pub crash: Option<PathBuf>,
    /// What to show of it.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// What else there is.
#[derive(Subcommand, Debug)]
pub enum TraceCommand {
    /// Run a Go program or test with tracing switched on, and show its end when it dies.
    Record(Box<RecordArgs>),
}

/// `unpanic trace record`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic trace record -- go run ./cmd/service -port 8080    builds and runs it, edits nothing
  unpanic trace record --html end.html -- ./cmd/service      the same, and a page of the last 50 ms
  unpanic trace record --runs 100 -- go run .                again and again, until it dies
  unpanic trace record --out crash/ -- go test -run TestHub ./hub

The recorder is added to the build by an overlay and begins before main. The trace is written
every few milliseconds, so little of it is lost when the process dies at once. What the program
prints is passed on as it is. Unless GOTRACEBACK is set, it runs with GOTRACEBACK=all.
Exit codes: 0 the program ended, 1 it died of a panic or a fatal error, 2 it could not be built
or recorded, 3 no trace could be read.")]
pub struct RecordArgs {
    /// Keep the trace and what was printed to standard error in this folder.
    #[arg(long, value_name = "DIR", help_heading = "Recording")]
    pub out: Option<PathBuf>,
    /// Run it up to so many times, until it dies.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Recording")]
    pub runs: u32,
    /// How often the trace is written out; 2ms by default.
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Recording")]
    pub period: Option<i64>,
    /// What to show of the trace.
    #[command(flatten)]
    pub view: ViewArgs,
    /// `go run PACKAGE …`, `go test PACKAGE …`, or the path of a package with its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// What to show of a trace, and where.
#[derive(Args, Clone, Debug)]
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
pub fn duration(text: &str) -> Result<i64, String> {
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
