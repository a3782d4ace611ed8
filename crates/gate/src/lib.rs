//! `unpanic gate`: starts a release candidate, drives load at it, makes it panic, and judges whether it
//! recovers in time, logs what happened and counts it. Separate from the analysis, of which it needs
//! nothing: it sees a process, a port and what the process prints.
//!
//! [`config`] is gate.toml as written, [`Plan`] what it means, [`run`] the story, [`Verdict`] the result,
//! [`report`] the ways to show it. [`load`] is the load generator, usable by itself.

#![expect(
    clippy::disallowed_methods,
    reason = "it runs a program and writes reports; it analyses no source"
)]

mod aftermath;
mod check;
pub mod config;
mod dependency;
mod drill;
mod error;
mod fetch;
mod judge;
mod lines;
mod live;
pub mod load;
mod machine;
mod metrics;
mod output;
mod plan;
mod probe;
mod process;
pub mod report;
mod run;
pub mod units;
mod verdict;

pub use check::{Check, Class, Status};
pub use drill::{Change, Seen, Strip};
pub use error::Error;
pub use judge::Baseline;
pub use live::Live;
pub use machine::Strain;
pub use output::Crash;
pub use plan::{Drill, Given, Plan, Trigger};
pub use process::{Exit, GuardCommand, guard_main};
pub use run::{Event, Options, run};
pub use verdict::{Outcome, VERDICT_VERSION, Verdict};
