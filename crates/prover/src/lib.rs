//! `unpanic prove`: makes a suspected race happen, and says so only when it did.
//!
//! A static finding is a suspicion. A trap around a suspected access holds a goroutine there for a
//! moment; if another one comes to a conflicting access to the same object meanwhile, both are caught
//! with their stacks (TSVD, SOSP 2019; `RaceFuzzer`, PLDI 2008). There are no false proofs: both were
//! there, at one object, one of them about to write, and nothing kept them apart.
//!
//! # How it is built
//!
//! ```text
//! findings ─▶ instrument (ops, edits) ─▶ overlay ─▶ run (guard) ─▶ outcome ─▶ verdicts
//!                                          ▲                          ▲
//!                             runtime/*.go, plan table      report.jsonl, table, go_crash
//! ```
//!
//! - `instrument` rewrites the text of the files that have sites: edits of our own tree, on the lines
//!   where the accesses stand. Between a trap and its access nothing is evaluated that could wait for
//!   another goroutine; what cannot be written so is skipped, with the reason.
//! - `overlay` puts the new files and the runtime package before the go command's eyes
//!   (`go build -overlay`). The user's tree is never written to. The runtime stands in GOROOT/src of
//!   the overlay, as if it belonged to the standard library: standard packages are looked up before
//!   modules, so a vendored module, a workspace or `-mod=readonly` make no difference. Tried with Go
//!   1.21, 1.23, 1.25, 1.26 and 1.27 on a vendored module with cgo and internal packages, in a
//!   workspace and with the race detector on 1.26. (Go 1.21 asks for one thing, see `overlay::age`.)
//! - The *table* is a file that the program maps into its memory: the plan goes in through it, counts
//!   come out, whatever the program dies of. Each proof is a line of the *report*, written before
//!   either goroutine goes on.
//! - Delays: at the sites of findings from the start (60 ms, growing to 400); with `--all` where two
//!   goroutines came close to each other in time on one object, and not elsewhere. A delay that catches
//!   nobody makes the next one there rarer, at most eight goroutines are held at once, and none while it
//!   is the only one. Each process has a budget: 30% of what it takes by itself, and at least two seconds
//!   (test suites: 0.2; `--all`: 0.1).
//! - `go_exec::guard`: processes that notice when unpanic is gone, by whatever signal, kill what was started
//!   and remove the folder.
//!
//! # What a proof means
//!
//! Goroutine A is held directly before an access (in a range loop: directly after a step of it) and
//! does nothing until B arrives directly before a conflicting access to the same object. If A held a
//! lock that B needs, B would not have arrived. So no lock, and no order through a third party, keeps
//! the two apart in this execution. Identity is the map's header, or the address of the variable;
//! both are kept alive and on the heap while the trap is set. Where the Go specification leaves the
//! order of a map read and a later call of one statement open, the read is taken to come first. A map
//! that is handed to a library (`fmt.Sprint(m)`, `md.Set(k, v)`) is taken to be used by the call at
//! once, as the knowledge models say.

#![expect(
    clippy::disallowed_methods,
    reason = "it runs the user's program and writes the overlay; the analysis itself stays behind System"
)]

mod amplify;
mod edits;
mod facts;
mod generated;
mod instrument;
mod ops;
mod outcome;
mod overlay;
mod plan;
mod program;
mod proof;
mod run;
mod sites;
mod table;
mod testgen;

pub use generated::TestCheck;
pub use go_exec::{Guard, Toolchain};
pub use plan::Plan;
pub use program::{Job, JobKind, Prepared, Request, TestsOf, prepare};
pub use proof::{Meeting, Proof, Side, StackFrame, Verdict, VerdictKind};
pub use run::{Prover, RunLog, RunOptions};
pub use sites::{Site, Skip};
pub use testgen::{GeneratedTest, TEST_HEADER, listed};

/// The import path of the runtime package in the overlay.
pub(crate) const RUNTIME: &str = "unpanicrt";

/// Why nothing could be proven or left standing.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// There is no Go, or it is too old.
    #[error("`prove` builds and runs the program, for which it needs the go command: {0}")]
    Go(#[from] go_exec::GoError),
    /// The program does not build, with or without instrumentation.
    #[error("the program does not build:\n{0}")]
    Build(String),
    /// It builds, but not with the traps in it.
    #[error("bug in unpanic: with traps in it the program does not build:\n{0}")]
    Instrumented(String),
    /// The runtime's map code is not the one that is known.
    #[error("`--amplify` does not know the map code of {version}: {why}; run without it")]
    Amplify {
        /// Of which Go.
        version: String,
        /// What is different.
        why: String,
    },
    /// The disk said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing to run.
    #[error("{0}")]
    NothingToRun(String),
}

impl ProveError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
