//! An incident as it is recorded: one way of dying (or of nearly dying) of one service, with
//! everything that was known at that moment. Separate from the store, which knows columns, and
//! from the sinks, which know other people's schemas.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::crash::Crash;

/// What [`crate::Store::record`] takes: one crash that has just been seen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NewIncident {
    /// When its first line was read, or the process was found dead.
    pub time: Timestamp,
    /// Whether the process died of it.
    pub class: Outcome,
    /// What was printed; `None` if nothing was (`os.Exit`, SIGKILL, the OOM killer).
    pub crash: Option<Crash>,
    /// How the process ended; `None` if it lives.
    pub exit: Option<Exit>,
    /// Who crashed.
    pub service: Service,
    /// The request that was being served, as far as that could be told.
    pub request: Option<Correlated>,
    /// Trace ids (W3C, 32 hexadecimal digits) that were active in the 3 seconds before.
    #[serde(default)]
    pub traces: Vec<String>,
    /// All requests that were in flight.
    #[serde(default)]
    pub in_flight: Vec<Request>,
    /// Requests around it, for the timeline: those in flight and some that had ended or came
    /// after.
    #[serde(default)]
    pub around: Vec<Request>,
    /// What the process printed before, oldest first.
    #[serde(default)]
    pub log: Vec<LogLine>,
    /// The static finding that explains it.
    pub finding: Option<Joined>,
    /// From the crash to the first good answer; [`crate::Store::recovered`] adds it later.
    #[serde(default, with = "millis")]
    pub recovery: Option<Duration>,
}

/// Whether the process died.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A fatal error, an unrecovered panic, a signal, an exit.
    Died,
    /// A panic that net/http, gRPC or the service recovered.
    Lived,
}

impl Outcome {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Died => "died",
            Self::Lived => "lived",
        }
    }
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Exit {
    /// The exit status, if it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it, by name: `SIGKILL`.
    pub signal: Option<String>,
    /// Whether the kernel's OOM killer did it (`memory.events` of the cgroup counted one more).
    #[serde(default)]
    pub oom_killed: bool,
    /// Whether guard did it, because the process took too long to print its dump or to stop.
    #[serde(default)]
    pub by_guard: bool,
}

impl Exit {
    /// In words: `exit status 2`, `killed by SIGKILL (out of memory)`.
    pub fn text(&self) -> String {
        let mut text = match (&self.signal, self.code) {
            (Some(signal), _) => format!("killed by {signal}"),
            (None, Some(code)) => format!("exit status {code}"),
            (None, None) => "ended".to_owned(),
        };
        if self.oom_killed {
            text += " (out of memory)";
        }
        if self.by_guard {
            text += " (sent by unpanic guard)";
        }
        text
    }
}

/// The service, and which process of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Service {
    /// Its name: incidents are grouped under it.
    pub name: String,
    /// The version that runs.
    pub version: Option<String>,
    /// What the binary says of itself.
    pub build: Option<BuildInfo>,
    /// The machine.
    pub host: String,
    /// Which replica.
    pub instance: String,
    /// The process.
    pub pid: u32,
}

/// `debug/buildinfo` of the binary.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BuildInfo {
    /// `go1.26.1`.
    pub go: String,
    /// Import path of package main.
    pub path: String,
    /// The main module and its version.
    pub module: Option<String>,
    /// The main module's version.
    pub version: Option<String>,
    /// `vcs.revision`, `vcs.time`, `vcs.modified`, `-race`, `GOARCH` and the like.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// A request and how surely it is the one that crashed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Correlated {
    /// How sure.
    pub confidence: Confidence,
    /// How it is known, as a sentence without a full stop: "the goroutine's pprof label trace_id
    /// names it".
    pub reason: String,
    /// The request.
    pub request: Request,
}

/// How surely a request is the one that crashed. Ordered: `Window < Likely < Exact`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It was in flight, as others were.
    Window,
    /// Its route fits the stack, and no other's does.
    Likely,
    /// The crash names it.
    Exact,
}

impl Confidence {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Likely => "likely",
            Self::Exact => "exact",
        }
    }
}

/// A request that guard's proxy saw.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Unique within one guard.
    pub id: u64,
    /// `GET`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The pattern that the path belongs to, if it is known: `/orders/{id}`.
    pub route: Option<String>,
    /// The trace id of its `traceparent`, 32 hexadecimal digits.
    pub trace: Option<String>,
    /// When it came.
    pub started: Timestamp,
    /// When its answer was complete; `None` if it was in flight.
    pub ended: Option<Timestamp>,
    /// The status that was sent downstream; for gRPC the HTTP status.
    pub status: Option<u16>,
    /// What became of it.
    #[serde(default)]
    pub fate: Fate,
    /// The headers that the configuration names, hashed where it says so.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The service answered it, or it is still in flight.
    #[default]
    Served,
    /// It was sent again to another process.
    Replayed,
    /// It waited for a process to come up.
    Held,
    /// Guard answered in the service's stead (503, gRPC UNAVAILABLE).
    Refused,
    /// The connection was cut in the middle of the answer.
    Cut,
}

impl Fate {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Replayed => "replayed",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Cut => "cut",
        }
    }
}

/// A line that the process printed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was read.
    pub time: Timestamp,
    /// Whether it came by stderr.
    pub stderr: bool,
    /// Without the line feed; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// A static finding that explains a crash.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Joined {
    /// As `unpanic check --format json` printed it.
    pub finding: diag::FindingRecord,
    /// The access (an index of `finding.accesses`) that a crashed stack was at.
    pub crashed_access: Option<usize>,
    /// How it was joined, as a sentence without a full stop.
    pub reason: String,
}

impl Joined {
    /// The access on the other side: the racing line.
    pub fn other(&self) -> Option<&diag::AccessRecord> {
        let crashed = self.crashed_access?;
        let accesses = &self.finding.accesses;
        // A race of a statement with itself on two goroutines is one access told twice, or once.
        accesses.iter().enumerate().find(|(at, _)| *at != crashed).map(|(_, access)| access)
    }

    /// What to do about it, as sentences.
    pub fn fix(&self) -> Vec<&str> {
        let fix = self.finding.fix.iter().map(|fix| fix.description.as_str());
        let help = self.finding.notes.iter().filter(|note| note.kind == diag::NoteKind::Help);
        fix.chain(help.map(|note| note.message.as_str())).collect()
    }
}

impl NewIncident {
    /// What incidents of a service are grouped by: the crash's fingerprint, or how the process
    /// ended if it printed nothing (`x1-…`).
    pub fn fingerprint(&self) -> String {
        match (&self.crash, &self.exit) {
            (Some(crash), _) => crash.report.fingerprint.clone(),
            (None, exit) => {
                let exit = exit.as_ref().map(Exit::text).unwrap_or_default();
                format!("x1-{}", diag::stable_hash(exit.as_bytes()))
            }
        }
    }

    /// One line that says what happened and where: `fatal error: concurrent map writes in
    /// store.(*Index).Put`. Text of the crash: escape it for where it goes.
    pub fn title(&self) -> String {
        let Some(crash) = &self.crash else {
            return self.exit.as_ref().map_or_else(|| "ended".to_owned(), Exit::text);
        };
        let kind = match crash.report.kind {
            go_crash::Kind::FatalError => "fatal error",
            go_crash::Kind::HttpPanic => "panic in an HTTP handler",
            kind => kind.as_str(),
        };
        let first = crash.report.message.lines().next().unwrap_or_default();
        let mut title = format!("{kind}: {}", diag::clean_line(first));
        if let Some(function) = site(&crash.report) {
            // The rest of the import path is in the stack.
            let short = function.rsplit('/').next().unwrap_or(function);
            title += &format!(" in {}", diag::clean_line(short));
        }
        if title.chars().count() > TITLE {
            title = title.chars().take(TITLE - 1).chain(['…']).collect();
        }
        title
    }
}

/// The function that a crash is about, as [`go_crash::Report::site`] finds it.
fn site(report: &go_crash::ReportRecord) -> Option<&str> {
    let frames = &report.goroutines.first()?.frames;
    // Behind where the panic was raised.
    let raised = frames.iter().rposition(|frame| frame.function == "panic");
    let mut behind = frames.iter().skip(raised.map_or(0, |at| at + 1));
    let own = |frame: &&go_crash::FrameRecord| {
        let go_crash::FrameRecord { function, file, line } = frame;
        !go_crash::Frame { function, arguments: "", file, line: *line, ancestor: 0 }.is_std()
    };
    behind.find(own).map(|frame| frame.function.as_str())
}

/// The most characters of a title.
const TITLE: usize = 200;

/// A duration as milliseconds, or null.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    // The shape that serde's `with` asks for.
    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub fn serialize<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}
