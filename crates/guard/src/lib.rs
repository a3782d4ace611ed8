//! Guard: a supervisor and reverse proxy for one Go service that needs no change to its code. Every
//! crash, also those that `recover` cannot stop, is seen at its first line, survived (the next child
//! serves while the old one still writes its dump) and explained (an incident with the request).
//!
//! - [`Options`]: what to do; [`run`]: does it.
//! - `supervisor`: the children, from start to end. `capture`: what they print.
//! - [`proxy`]: requests. [`flights`]: the table that joins the two.
//! - `incident`: from a crash and that table to what is stored. [`metrics`], [`admin`].
//!
//! Separate from the analysis of source, of which it knows a file of findings at most.

#![expect(
    clippy::disallowed_methods,
    reason = "guard runs programs and reads the machine; the analysis core does not come here"
)]

pub mod admin;
mod backend;
mod buildinfo;
mod capture;
mod correlate;
mod error;
mod findings;
mod flights;
mod incident;
mod live;
mod metrics;
pub mod options;
mod otlp;
mod pages;
mod proxy;
mod recovery;
mod run;
mod scrape;
mod supervisor;

pub use error::{Error, Result};
pub use options::Options;
pub use pages::{pages_as_before, small_pages};
pub use run::run;
