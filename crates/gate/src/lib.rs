//! `unpanic gate`: starts a release candidate, drives load at it, makes it panic, and judges whether it
//! recovers in time, logs what happened and counts it. Separate from the analysis, of which it needs
//! nothing: it sees a process, a port and what the process prints.

#![expect(clippy::disallowed_methods, reason = "it runs a program and writes reports; it analyses no source")]

mod error;
pub mod load;
mod machine;
pub mod units;

pub use error::Error;
pub use machine::Strain;
