//! The command line of `unpanic gate`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use gate::units::{Share, Span};

/// `unpanic gate`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  unpanic gate init                                write a gate.toml from what the module here looks like
  unpanic gate --config gate.toml -- ./service     start it, load it, make it panic, judge it
  unpanic gate --url http://127.0.0.1:8080/ -z 30s -q 200 -c 50 --p99 50ms
                                                   200 requests/s in total, on at most 50 connections
  unpanic gate --config gate.toml --drill sigterm -- ./service
                                                   one drill of those in gate.toml
  unpanic gate --url http://127.0.0.1:8080/ --stages 10s:100,20s:100..1000,10s:1000
  unpanic gate ci --github                         the step of a pipeline

-q N is the rate in total (hey's -q is that of each worker: give --rate-per-connection for it). Latency
counts from the time at which a request was due, so a server that stalls cannot hide it; the time from
sending is printed beside it. A rate that could not be reached is told, with who was the limit.

Exit codes: 0 passed; checks of one class failed: 10 SLO, 11 recovery, 12 log, 13 metric, 15 goroutines,
16 readiness; 1 several classes failed; 14 inconclusive, or the candidate could not be measured; 2 bad
usage or configuration; 3 a file could not be read; 70 a bug in unpanic; 130 interrupted."
)]
pub struct GateArgs {
    /// What to do in place of a run.
    #[command(subcommand)]
    pub command: Option<GateCommand>,
    /// Something that runs already; its path is what is asked for when there is no gate.toml.
    #[arg(long, value_name = "URL", env = "UNPANIC_GATE_URL")]
    pub url: Option<String>,
    /// How long to drive load.
    #[arg(short = 'z', long = "time", value_name = "TIME", help_heading = "Load")]
    pub time: Option<Span>,
    /// Requests a second, in total; -q N for short.
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub rate: Option<f64>,
    /// The rate is that of each connection.
    #[arg(long, help_heading = "Load")]
    pub rate_per_connection: bool,
    /// At most so many connections.
    #[arg(short = 'c', long, value_name = "N", help_heading = "Load")]
    pub connections: Option<usize>,
    /// Constant rates (10s:200) and ramps (10s:200..400), separated by commas.
    #[arg(long, value_name = "STAGES", value_delimiter = ',', conflicts_with_all = ["time", "rate"], help_heading = "Load")]
    pub stages: Vec<String>,
    /// Closed model, for comparison: each connection waits for its answer before it sends again.
    #[arg(long, help_heading = "Load")]
    pub closed: bool,
    /// Requests at the beginning that count as nothing.
    #[arg(long, value_name = "TIME", help_heading = "Load")]
    pub warmup: Option<Span>,
    /// How long an answer may take.
    #[arg(long, value_name = "TIME", help_heading = "Load")]
    pub timeout: Option<Span>,
    /// Which protocol.
    #[arg(long, value_enum, value_name = "PROTOCOL", help_heading = "Load")]
    pub protocol: Option<ProtocolArg>,
    /// Requests at a time on one HTTP/2 connection.
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub streams: Option<usize>,
    /// Method of the requests to --url.
    #[arg(short = 'm', long, value_name = "METHOD", requires = "url", help_heading = "Load")]
    pub method: Option<String>,
    /// A header of the requests to --url, `Name: value`; may be repeated.
    #[arg(
        short = 'H',
        long = "header",
        value_name = "HEADER",
        requires = "url",
        help_heading = "Load"
    )]
    pub headers: Vec<String>,
    /// Body of the requests to --url; {{counter}}, {{uuid}}, {{random a|b}}, {{env X}} are filled in.
    #[arg(short = 'd', long, value_name = "TEXT", requires = "url", help_heading = "Load")]
    pub body: Option<String>,
    /// Accept any certificate.
    #[arg(long, help_heading = "Load")]
    pub insecure: bool,
    /// Roots in PEM form in place of the system's.
    #[arg(long, value_name = "FILE", help_heading = "Load")]
    pub cacert: Option<PathBuf>,
    /// Limit of the median latency.
    #[arg(long, value_name = "TIME", help_heading = "Thresholds")]
    pub p50: Option<Span>,
    /// Limit of the 95th percentile.
    #[arg(long, value_name = "TIME", help_heading = "Thresholds")]
    pub p95: Option<Span>,
    /// Limit of the 99th percentile.
    #[arg(long, value_name = "TIME", help_heading = "Thresholds")]
    pub p99: Option<Span>,
    /// Share of requests that may fail; 0.1% by default.
    #[arg(long, value_name = "SHARE", help_heading = "Thresholds")]
    pub error_rate: Option<Share>,
    /// Compare with the figures in this file.
    #[arg(long, value_name = "FILE", env = "UNPANIC_GATE_BASELINE", help_heading = "Thresholds")]
    pub baseline: Option<PathBuf>,
    /// Store the figures of a run that passed in this file.
    #[arg(long, value_name = "FILE", help_heading = "Thresholds")]
    pub save_baseline: Option<PathBuf>,
    /// Path of the health check; /healthz by default, `tcp` for the port alone.
    #[arg(long, value_name = "PATH", help_heading = "Candidate")]
    pub health: Option<String>,
    /// Do this drill only, by the name that reports call it; may be repeated.
    #[arg(long = "drill", value_name = "NAME", help_heading = "Candidate")]
    pub drills: Vec<String>,
    /// How to print the verdict.
    #[arg(long, value_enum, default_value_t = GateFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: GateFormat,
    /// Write the report as a page for the browser, too.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Write JUnit XML, too.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub junit: Option<PathBuf>,
    /// Write a Markdown summary, too; in a GitHub workflow to "$GITHUB_STEP_SUMMARY".
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub markdown: Option<PathBuf>,
    /// The release candidate and its arguments.
    #[arg(last = true, value_name = "CMD")]
    pub candidate: Vec<String>,
}

/// What there is besides a run.
#[derive(Subcommand, Debug)]
pub enum GateCommand {
    /// Write a gate.toml from what the module here looks like: routes, health, metrics.
    #[command(
        after_help = "Examples:\n  unpanic gate init\n  unpanic gate init ./cmd/server --output deploy/gate.toml"
    )]
    Init(InitArgs),
    /// Print the step of a pipeline that runs the gate.
    #[command(
        after_help = "Examples:\n  unpanic gate ci --github\n  unpanic gate ci --gitlab --build 'go build -o service ./cmd/server'"
    )]
    Ci(CiArgs),
}

/// `unpanic gate init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The folder to look into.
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Where to write it.
    #[arg(long, default_value = "gate.toml", value_name = "FILE")]
    pub output: PathBuf,
    /// Write over what is there.
    #[arg(long)]
    pub force: bool,
}

/// `unpanic gate ci`.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub struct CiArgs {
    /// A step of a GitHub workflow.
    #[arg(long, conflicts_with = "gitlab")]
    pub github: bool,
    /// A job of GitLab.
    #[arg(long)]
    pub gitlab: bool,
    /// How the candidate is built.
    #[arg(long, default_value = "go build -o service .", value_name = "CMD")]
    pub build: String,
}

/// A protocol as a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ProtocolArg {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without TLS with prior knowledge.
    Http2,
    /// Unary gRPC.
    Grpc,
}

/// How to print the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum GateFormat {
    /// For people.
    Text,
    /// One JSON object on one line.
    Json,
    /// JUnit XML.
    Junit,
    /// Markdown.
    Markdown,
}

/// The command line as clap reads it: `gate … -q 200` means the rate, as load generators have it, although
/// `-q` is `--quiet` everywhere else.
pub fn arguments(all: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = all.collect();
    if all.get(1).is_none_or(|command| command != "gate") {
        return all;
    }
    let end = all.iter().position(|word| word == "--").unwrap_or(all.len());
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    for index in 2..end {
        let Some(word) = all[index].to_str() else { continue };
        let next = all.get(index + 1).and_then(|next| next.to_str());
        if word == "-q" && index + 1 < end && next.is_some_and(is_number) {
            all[index] = "--rate".into();
        } else if let Some(rate) = word.strip_prefix("-q").filter(|rate| is_number(rate)) {
            all[index] = format!("--rate={rate}").into();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_is_the_rate_of_a_gate_and_quiet_elsewhere() {
        let read = |text: &str| arguments(text.split(' ').map(OsString::from));
        assert_eq!(read("unpanic gate -q 200 -c 5")[2], "--rate");
        assert_eq!(read("unpanic gate -q200")[2], "--rate=200");
        assert_eq!(read("unpanic gate -q --url x")[2], "-q");
        assert_eq!(read("unpanic check -q 200")[2], "-q");
        assert_eq!(read("unpanic gate -- ./x -q 200")[4], "-q");
    }
}
