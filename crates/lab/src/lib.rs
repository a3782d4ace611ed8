//! `unpanic lab`: what is said of Go, tried on the Go that is installed.
//!
//! An experiment is a small Go program with a page of claims, both under `experiments/`. The program
//! is built with each toolchain and run until each claim is decided, or the budget is over: how often
//! a run dies, what it prints, how long an operation takes. Each figure has an interval, and a claim
//! is judged by the interval, not by the figure: a noisy machine leaves it undecided.
//!
//! ```text
//! experiments/ ─▶ experiment ─▶ session ─▶ observe, gctrace ─▶ judge (stats) ─▶ report ─▶ text, json, html (chart)
//! ```
//!
//! Separate from the prover: it needs no analysis, only a go command.

#![expect(clippy::disallowed_methods, reason = "it writes and runs the experiments' programs")]

mod build;
mod chart;
mod experiment;
mod gctrace;
mod html;
mod json;
mod judge;
mod observe;
mod report;
mod session;
mod stats;
mod text;

pub use experiment::{Claim, Event, Expect, Experiment, Rate, Variant, all, choose};
pub use html::page;
pub use json::write as write_json;
pub use judge::{Judgement, Measured, Verdict};
pub use report::{ClaimOutcome, Outcome, Report};
pub use session::{Options, run};
pub use stats::LEVEL;
pub use text::write as write_text;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No experiment has that name.
    #[error("there is no experiment `{name}`{hint}; `unpanic lab list` names them all")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, as a question.
        hint: String,
    },
    /// There is no Go, or it is too old.
    #[error("the lab builds and runs Go programs, for which it needs the go command: {0}")]
    Go(#[from] go_exec::GoError),
    /// The disk said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl LabError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
