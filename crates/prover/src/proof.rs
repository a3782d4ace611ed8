//! What came out: meetings, and a verdict for each finding.

use diag::AccessKind;
use serde::{Deserialize, Serialize};

/// One call of a stack, innermost first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StackFrame {
    /// As Go prints it.
    pub function: String,
    /// The file, relative to the working directory where it lies below it.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// One of the two goroutines that met.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Side {
    /// What it was about to do, or in a range loop had just done.
    pub kind: AccessKind,
    /// Where.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The map or memory, as the code there names it.
    pub object: String,
    /// Its static type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The goroutine's number.
    pub goroutine: u64,
    /// Its calls.
    pub stack: Vec<StackFrame>,
    /// Who started it; none for the main goroutine.
    pub created_by: Option<StackFrame>,
}

/// Two goroutines at conflicting accesses to one object, at one time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Meeting {
    /// The program, as it was started.
    pub program: String,
    /// The address of the object.
    pub address: String,
    /// The one that was held.
    pub held: Side,
    /// The one that came.
    pub came: Side,
}

/// How a finding was proven.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Proof {
    /// The two were caught together.
    Meeting {
        /// The pair.
        meeting: Box<Meeting>,
    },
    /// The runtime noticed and ended the program.
    FatalError {
        /// What it printed.
        message: String,
        /// The goroutine that it printed.
        stack: Vec<StackFrame>,
    },
}

/// What is known of a finding after the runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// It happened.
    Proven,
    /// It happened in a generated test, which calls functions at once that the program may never call
    /// so: what that takes for granted stands beside it.
    ProvenIfCalled,
    /// Its accesses were reached, never two at once on one object.
    NeverTogether,
    /// No run came to its accesses.
    NotReached,
    /// No trap could be set.
    NotWatched,
}

impl VerdictKind {
    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::ProvenIfCalled => "proven if called at once",
            Self::NeverTogether => "reached but never together",
            Self::NotReached => "not reached",
            Self::NotWatched => "not watched",
        }
    }
}

/// The verdict on one finding.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// What.
    pub verdict: VerdictKind,
    /// The first proof.
    pub proof: Option<Proof>,
    /// In which run, from 1, it was proven.
    pub run: Option<u32>,
    /// How often its accesses were reached, in all runs.
    pub reached: u64,
    /// How often of these by what the user has, and not by the generated test.
    #[serde(default)]
    pub own_reached: u64,
    /// How often a goroutine was held there.
    pub held: u64,
    /// How often two met.
    pub met: u64,
    /// Accesses without a trap, and why.
    pub skipped: Vec<String>,
    /// What the generated test calls, if one was run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// What the generated test takes for granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
}
