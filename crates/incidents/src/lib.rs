//! Incidents: every crash of a service under guard, kept, grouped and told.
//!
//! [`Store`] keeps them, in one SQLite file or in PostgreSQL: a crash is an [`Occurrence`] of the
//! [`Incident`] that its service and its fingerprint make. What is to be told to whom is put into an
//! outbox in the same transaction. [`Courier`] empties it into the sinks (webhook, GitHub issues,
//! Alertmanager, PagerDuty), so that neither an outage nor the end of this process loses a ticket or
//! makes two.
//!
//! Separate from `guard`, so that everything that talks to a database or to other people's APIs
//! knows neither processes nor proxies. It knows no Go source; a static finding comes to it as JSON.

mod config;
mod crash;
mod error;
mod incident;
mod model;
mod outbox;
mod sink;
mod store;
mod ticket;

pub use config::{Config, Secret, SinkConfig, SinkKind};
pub use crash::{Crash, Group, Lock};
pub use error::{Error, Result};
pub use incident::{
    Change, Incident, Novelty, Occurrence, Page, Query, Recorded, Retention, State, Ticket,
};
pub use model::{
    BuildInfo, Confidence, Correlated, Exit, Fate, Joined, LogLine, NewIncident, Outcome, Request,
    Service,
};
pub use outbox::{Courier, Event};
pub use store::{DeliveryStatus, OccurrenceHead, SinkStatus, Store};
