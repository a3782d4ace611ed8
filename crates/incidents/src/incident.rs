//! An incident as the store gives it back: what one service died of in one way, how often, since
//! when, and what people did about it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{NewIncident, Outcome};

/// All crashes of one service with one fingerprint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Incident {
    /// `inc-` and 16 hexadecimal digits; made of service and fingerprint, so that the same crash
    /// has it in every store.
    pub id: String,
    /// The service.
    pub service: String,
    /// What it is grouped by.
    pub fingerprint: String,
    /// [`NewIncident::title`] of the latest.
    pub title: String,
    /// Whether the latest was a death.
    pub class: Outcome,
    /// Whether `recover` could have stopped it, if that is known.
    pub recoverable: Option<bool>,
    /// What was done about it.
    pub state: State,
    /// Who set the state; empty for guard itself.
    pub state_by: String,
    /// Since when it is in that state.
    pub state_since: Timestamp,
    /// The first occurrence.
    pub first_seen: Timestamp,
    /// The latest.
    pub last_seen: Timestamp,
    /// How often it has happened; older occurrences may be gone ([`crate::Retention`]).
    pub count: u64,
    /// Tickets that were made of it.
    #[serde(default)]
    pub tickets: Vec<Ticket>,
}

/// What was done about an incident.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has looked at it.
    Open,
    /// Somebody is at it.
    Acknowledged,
    /// It is said to be fixed.
    Resolved,
    /// It has come again after it was resolved.
    Regressed,
}

impl State {
    /// All, in the order in which lists show them.
    pub const ALL: [Self; 4] = [Self::Regressed, Self::Open, Self::Acknowledged, Self::Resolved];

    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Regressed => "regressed",
        }
    }

    /// The state with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// One time that an incident happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Occurrence {
    /// `occ-` and 16 hexadecimal digits; made of what was recorded, so that recording it twice is
    /// recording it once.
    pub id: String,
    /// The incident.
    pub incident: String,
    /// What was recorded. Where it was too large for the store, parts of it are missing and
    /// `trimmed` says which.
    pub what: NewIncident,
    /// What was left out to keep the store small, in words.
    #[serde(default)]
    pub trimmed: Vec<String>,
}

/// A ticket in a sink.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// The sink's name in the configuration.
    pub sink: String,
    /// What the sink calls it: an issue's number, a dedup key.
    pub reference: String,
    /// Where to look at it, if the sink has pages.
    pub url: Option<String>,
}

/// A change of state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub time: Timestamp,
    /// To what.
    pub state: State,
    /// Who; empty for guard itself.
    pub by: String,
}

/// What [`crate::Store::record`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The incident.
    pub incident: String,
    /// The occurrence.
    pub occurrence: String,
    /// What it was.
    pub novelty: Novelty,
}

/// What an occurrence is to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Novelty {
    /// The first of its incident.
    First,
    /// One more.
    Repeat,
    /// The first after the incident was resolved.
    Regression,
    /// It had been recorded already; nothing was changed.
    Known,
}

/// Which incidents to list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    /// Words that have to stand in title, service or fingerprint, whatever their case.
    pub text: String,
    /// One of these; empty for all.
    pub states: Vec<State>,
    /// Of this service only.
    pub service: Option<String>,
    /// From 0.
    pub page: u64,
    /// How many a page has, at most 200; 0 for 50.
    pub page_size: u64,
}

/// A page of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on it, latest first.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
    /// Which page, from 0.
    pub page: u64,
    /// How many a page has.
    pub page_size: u64,
}

/// How long incidents are kept and how large they may be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retention {
    /// Occurrences that are older go, and resolved incidents that were last seen before. Days.
    pub days: u32,
    /// So many incidents are kept; beyond, those that were last seen longest ago go.
    pub incidents: u32,
    /// So many of the latest occurrences of an incident are kept.
    pub occurrences: u32,
    /// An occurrence takes at most so many bytes in the store, compressed. What does not fit is
    /// left out, the least telling first, and the occurrence says so.
    pub occurrence_bytes: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 90, incidents: 10_000, occurrences: 100, occurrence_bytes: 256 << 10 }
    }
}

impl Retention {
    /// The age at which things go.
    pub fn age(&self) -> Duration {
        Duration::from_secs(u64::from(self.days) * 24 * 60 * 60)
    }
}
