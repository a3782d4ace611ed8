//! What the page is told of the running guard. Separate, so that the page knows neither processes nor
//! proxies: it asks for a [`Snapshot`] and gets numbers.

use std::time::Duration;

use incidents::Request;
use jiff::Timestamp;
use serde::Serialize;

use super::slo::SloReport;

/// The running guard, as the page sees it.
pub trait Live: Send + Sync + 'static {
    /// How things stand. It is asked about once a second by each open page, and must not block.
    fn snapshot(&self) -> Snapshot;
    /// The text of `/metrics` and its content type.
    fn metrics(&self) -> (String, String);
}

/// How things stand.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Snapshot {
    /// The service's name.
    pub service: String,
    /// The version that runs.
    pub version: Option<String>,
    /// The address that guard listens on.
    pub listen: String,
    /// When guard started.
    pub started: Timestamp,
    /// The processes, also those that are dying.
    pub children: Vec<Child>,
    /// Requests in flight, longest first; at most some hundred.
    pub in_flight: Vec<Request>,
    /// How many there are in all.
    pub in_flight_total: u64,
    /// Requests that wait for a process.
    pub waiting: u64,
    /// Since guard started.
    pub totals: Totals,
    /// The objective, if requests are counted against one.
    pub slo: Option<SloReport>,
    /// Why restarts have stopped, if they have: "5 crashes within 60 s".
    pub breaker: Option<String>,
}

/// A process of the service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Child {
    /// Which replica.
    pub instance: String,
    /// The process, if it runs.
    pub pid: Option<u32>,
    /// What it is doing.
    pub state: ChildState,
    /// Since when.
    pub since: Timestamp,
    /// Where it listens.
    pub address: String,
    /// How often it was started again since guard started.
    pub restarts: u64,
    /// How the one before ended, and when: `exit status 2`.
    pub last_exit: Option<(Timestamp, String)>,
    /// How many requests it serves right now.
    pub in_flight: u64,
    /// Its goroutines, where it tells.
    pub goroutines: Option<u64>,
    /// Its memory in bytes (resident set).
    pub memory: Option<u64>,
}

/// What a process is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChildState {
    /// It runs and is not healthy yet.
    Starting,
    /// It gets requests.
    Serving,
    /// It was healthy and does not answer its health check.
    Unhealthy,
    /// It finishes what it has begun and gets nothing new.
    Draining,
    /// It crashed and is printing.
    Dying,
    /// It waits to be started again.
    Waiting,
    /// It has ended and is not started again.
    Stopped,
}

impl ChildState {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Unhealthy => "unhealthy",
            Self::Draining => "draining",
            Self::Dying => "dying",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

/// Counts since guard started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Totals {
    /// Requests that were answered, by whomever.
    pub requests: u64,
    /// Of them, those that count against the objective.
    pub errors: u64,
    /// Answered by guard because no process could.
    pub refused: u64,
    /// Sent again to another process.
    pub replayed: u64,
    /// Processes that died.
    pub deaths: u64,
    /// Panics that were survived.
    pub survived: u64,
    /// Processes that were started again.
    pub restarts: u64,
    /// The median time from a crash to the first good answer.
    #[serde(serialize_with = "millis")]
    pub recovery_p50: Option<Duration>,
}

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
fn millis<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&time.map(|time| time.as_millis() as u64), to)
}
