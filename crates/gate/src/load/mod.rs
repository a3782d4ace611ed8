//! The load generator. Open model: requests are due by a schedule of their own ([`schedule`]), latency counts
//! from the time at which a request was due, so a stalled server cannot hide its stall by slowing the
//! generator down (coordinated omission). Each thread has a runtime, a share of the connections and every
//! n-th arrival; threads meet only in a few atomics.

mod arrivals;
mod clock;
mod conn;
mod outcome;
mod report;
mod schedule;
mod stats;
mod target;
mod template;
mod tls;
mod worker;

pub use outcome::{Failure, Outcome};
pub use report::{
    EndpointReport, Latency, Limit, LoadReport, MarkedReport, OutcomeCount, Point, SliceReport,
};
pub use schedule::{MAX_RATE, Profile, Stage};
pub use target::{Endpoint, MAX_ENDPOINTS, Payload, Protocol, Target};
pub use template::{Template, uuid};
pub use tls::Trust;
pub use worker::{LoadHandle, Progress, start};

pub(crate) use conn::Dialer;
pub(crate) use target::{Body, Prepared};

use std::time::Duration;

/// Whether requests wait for answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Model {
    /// Requests are due at their times, whatever the answers.
    Open(Profile),
    /// Each connection sends its next request when the last one is answered.
    Closed(Duration),
}

impl Model {
    /// How long it lasts.
    pub fn length(&self) -> Duration {
        match self {
            Self::Open(profile) => profile.length(),
            Self::Closed(length) => *length,
        }
    }
}

/// What to send, where, how fast.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadSpec {
    /// Where.
    pub target: Target,
    /// How.
    pub protocol: Protocol,
    /// Whose certificates are good.
    pub trust: Trust,
    /// What; at least one with a weight.
    pub endpoints: Vec<Endpoint>,
    /// When.
    pub model: Model,
    /// Requests at the beginning that count as nothing.
    pub warmup: Duration,
    /// At most so many connections.
    pub connections: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: usize,
    /// How long an answer may take, connecting included, and how long a request may wait to be sent.
    pub timeout: Duration,
    /// Threads; none: as many as the rate needs.
    pub threads: Option<usize>,
}
