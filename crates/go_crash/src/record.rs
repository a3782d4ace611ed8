//! A report as JSON: what `unpanic crash --format json` prints, one object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::classify::Class;
use crate::collect::Report;
use crate::goroutine::{Frame, Goroutine, Section};
use crate::head::Kind;

/// The version of the form of [`ReportRecord`]. Keys may be added without a new one.
pub const RECORD_VERSION: u32 = 1;

/// One crash or report.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReportRecord {
    /// What was printed.
    pub kind: Kind,
    /// The message.
    pub message: String,
    /// Which mistake it is.
    pub class: Class,
    /// Whether `recover` could have stopped it; null when nothing died.
    pub recoverable: Option<bool>,
    /// The same for the same crash in another run.
    pub fingerprint: String,
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// The panics that followed the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// What stands between the brackets of `[signal …]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Other lines of the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// All stacks in the order printed.
    pub goroutines: Vec<GoroutineRecord>,
    /// How many more there were than are told.
    pub omitted: u64,
}

/// One goroutine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GoroutineRecord {
    /// Its number; 0 for a thread's own stack.
    pub id: u64,
    /// What it is doing; the title of the section in a race report.
    pub state: String,
    /// How long it has waited.
    pub wait_minutes: Option<u64>,
    /// Its pprof labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it is (one of) those that died, or did an access of a race report.
    pub crashed: bool,
    /// Innermost first.
    pub frames: Vec<FrameRecord>,
    /// Who started it.
    pub created_by: Option<CreatedByRecord>,
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FrameRecord {
    /// As Go prints it.
    pub function: String,
    /// As Go prints it; empty if it printed none.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// The `go` statement that started a goroutine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreatedByRecord {
    /// The function that it stands in.
    pub function: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The goroutine that ran it, if Go says so.
    pub goroutine: Option<u64>,
}

impl ReportRecord {
    /// The record of a report whose goroutines were kept ([`crate::Collector::keeping`]).
    pub fn new(report: &Report) -> Self {
        let (kind, message) = report.head.cause();
        let mut goroutines: Vec<GoroutineRecord> = Vec::new();
        for stack in &report.goroutines {
            match stack.section {
                Section::Created => created(stack, &mut goroutines),
                Section::Other => {}
                _ => goroutines.push(GoroutineRecord::new(stack)),
            }
        }
        Self {
            kind,
            message: message.to_owned(),
            class: report.class(),
            recoverable: report.recoverable(),
            fingerprint: report.fingerprint.clone(),
            version: RECORD_VERSION,
            chain: chain(report),
            signal: report.head.signal.clone(),
            details: report.head.details.clone(),
            goroutines,
            omitted: report.omitted,
        }
    }
}

/// Everything of the chain that is not the message already.
fn chain(report: &Report) -> Vec<String> {
    let cause = report.head.cause().1;
    let links = report.head.chain.iter().map(|link| &link.message);
    [&report.head.message].into_iter().chain(links).filter(|m| *m != cause).cloned().collect()
}

/// A race report tells where a goroutine was started in a section of its own.
fn created(stack: &Goroutine, goroutines: &mut [GoroutineRecord]) {
    let Some(frame) = stack.frames().next().map(FrameRecord::from) else { return };
    for goroutine in goroutines.iter_mut().filter(|g| g.id == stack.id) {
        let FrameRecord { function, file, line } = frame.clone();
        goroutine.created_by = Some(CreatedByRecord { function, file, line, goroutine: None });
    }
}

impl GoroutineRecord {
    /// The record of one stack.
    pub fn new(stack: &Goroutine) -> Self {
        Self {
            id: stack.id,
            state: stack.state().to_owned(),
            wait_minutes: stack.wait_minutes,
            labels: stack.labels.iter().cloned().collect(),
            crashed: stack.crashed || stack.section == Section::Access,
            frames: stack.frames().filter(|f| f.ancestor == 0).map(FrameRecord::from).collect(),
            created_by: stack.created_by().map(|created| CreatedByRecord {
                function: created.function.to_owned(),
                file: created.file.to_owned(),
                line: created.line,
                goroutine: (created.goroutine != 0).then_some(created.goroutine),
            }),
        }
    }
}

impl From<Frame<'_>> for FrameRecord {
    fn from(frame: Frame<'_>) -> Self {
        Self { function: frame.function.to_owned(), file: frame.file.to_owned(), line: frame.line }
    }
}
