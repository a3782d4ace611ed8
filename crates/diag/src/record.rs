//! Findings and problems with everything resolved: the JSON that unpanic prints, and that the
//! tools around it (baseline, prover, guard) read back.

use serde::{Deserialize, Serialize};

use crate::{
    Access, AccessKind, Applicability, Confidence, Finding, Fix, Frame, Goroutine, GoroutineKind,
    Note, NoteKind, Problem, ProblemKind, ProblemPlace, Resolver, Severity, Status,
};

/// A finding as `--format json` prints it, one object a line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FindingRecord {
    /// The rule's code: `MAP001`.
    pub rule: String,
    /// The rule's name: `concurrent-map-access`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the analysis is.
    pub confidence: Confidence,
    /// The headline.
    pub message: String,
    /// The memory concerned, as the code names it.
    pub variable: String,
    /// Where to show it.
    pub primary: PlaceRecord,
    /// The conflicting accesses.
    pub accesses: Vec<AccessRecord>,
    /// The argument, in order.
    #[serde(default)]
    pub notes: Vec<NoteRecord>,
    /// The mechanical repair, if there is one.
    pub fix: Option<FixRecord>,
    /// Whether a run has confirmed it.
    pub status: Status,
    /// Identity across runs.
    pub fingerprint: String,
    /// Import path of the package.
    pub package: String,
}

/// A span of a file: lines and byte columns from 1, the end exclusive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlaceRecord {
    /// Relative to the working directory, `/` between the parts.
    pub file: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// The column just past the end.
    pub end_column: u32,
}

/// An access, see [`Access`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccessRecord {
    /// What is done.
    pub kind: AccessKind,
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The function it stands in.
    pub function: String,
    /// Who does it.
    pub goroutine: GoroutineRecord,
    /// Locks held.
    pub locks: Vec<String>,
    /// Calls from the goroutine's start, outermost first.
    pub path: Vec<FrameRecord>,
}

/// An origin, see [`Goroutine`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GoroutineRecord {
    /// What starts it.
    pub kind: GoroutineKind,
    /// Where it starts, if that is in the program.
    pub file: Option<String>,
    /// The line of that.
    pub line: Option<u32>,
    /// Whether several can run at once.
    pub many: bool,
}

/// A call on the way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FrameRecord {
    /// The calling function.
    pub function: String,
    /// The file of the call.
    pub file: String,
    /// The line of the call.
    pub line: u32,
}

/// A note, see [`Note`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NoteRecord {
    /// Its part in the argument.
    pub kind: NoteKind,
    /// The sentence.
    pub message: String,
    /// The code that it speaks of.
    pub place: Option<PlaceRecord>,
}

/// A fix, see [`Fix`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FixRecord {
    /// What it does.
    pub description: String,
    /// Whether `--fix` applies it.
    pub applicability: Applicability,
    /// The replacements.
    pub edits: Vec<EditRecord>,
}

/// One replacement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EditRecord {
    /// The file.
    pub file: String,
    /// Byte offset of the first byte replaced.
    pub start: u32,
    /// Byte offset just past the last one.
    pub end: u32,
    /// The new text.
    pub text: String,
}

/// A problem with its place resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProblemRecord {
    /// What sort.
    pub kind: ProblemKind,
    /// How bad.
    pub severity: Severity,
    /// What went wrong.
    pub message: String,
    /// The file or folder.
    pub file: Option<String>,
    /// Line from 1.
    pub line: Option<u32>,
    /// Byte column from 1.
    pub column: Option<u32>,
    /// What it costs or what to do.
    pub help: Option<String>,
}

impl FindingRecord {
    /// Resolves a finding.
    pub fn new(finding: &Finding, resolver: &Resolver<'_>) -> Self {
        Self {
            rule: finding.rule.code.to_owned(),
            name: finding.rule.name.to_owned(),
            severity: finding.severity,
            confidence: finding.confidence,
            message: finding.message.clone(),
            variable: finding.variable.clone(),
            primary: resolver.place(finding.primary),
            accesses: finding.accesses.iter().map(|a| access(a, resolver)).collect(),
            notes: finding.notes.iter().map(|n| note(n, resolver)).collect(),
            fix: finding.fix.as_ref().map(|f| fix(f, resolver)),
            status: finding.status,
            fingerprint: finding.fingerprint.clone(),
            package: finding.package.clone(),
        }
    }
}

impl ProblemRecord {
    /// Resolves a problem.
    pub fn new(problem: &Problem, resolver: &Resolver<'_>) -> Self {
        let (file, line, column) = match &problem.place {
            None => (None, None, None),
            Some(ProblemPlace::Span(at)) => {
                let place = resolver.place(*at);
                (Some(place.file), Some(place.line), Some(place.column))
            }
            Some(ProblemPlace::Path { path, line, column }) => {
                (Some(resolver.show(path)), *line, *column)
            }
        };
        Self {
            kind: problem.kind,
            severity: problem.severity,
            message: problem.message.clone(),
            file,
            line,
            column,
            help: problem.help.clone(),
        }
    }

    /// `file:line:column`, as much of it as is known.
    pub fn position(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            (Some(line), None) => format!("{file}:{line}"),
            _ => file.clone(),
        })
    }
}

fn access(access: &Access, resolver: &Resolver<'_>) -> AccessRecord {
    let place = resolver.place(access.place);
    AccessRecord {
        kind: access.kind,
        file: place.file,
        line: place.line,
        column: place.column,
        function: access.function.clone(),
        goroutine: goroutine(&access.goroutine, resolver),
        locks: access.locks.clone(),
        path: access.path.iter().map(|f| frame(f, resolver)).collect(),
    }
}

fn goroutine(goroutine: &Goroutine, resolver: &Resolver<'_>) -> GoroutineRecord {
    let (file, line) = goroutine.start.map(|at| resolver.line(at)).unzip();
    GoroutineRecord { kind: goroutine.kind, file, line, many: goroutine.many }
}

fn frame(frame: &Frame, resolver: &Resolver<'_>) -> FrameRecord {
    let (file, line) = resolver.line(frame.place);
    FrameRecord { function: frame.function.clone(), file, line }
}

fn note(note: &Note, resolver: &Resolver<'_>) -> NoteRecord {
    NoteRecord {
        kind: note.kind,
        message: note.message.clone(),
        place: note.place.map(|at| resolver.place(at)),
    }
}

fn fix(fix: &Fix, resolver: &Resolver<'_>) -> FixRecord {
    let edit = |e: &crate::Edit| EditRecord {
        file: resolver.path(e.file),
        start: e.span.start,
        end: e.span.end,
        text: e.text.clone(),
    };
    FixRecord {
        description: fix.description.clone(),
        applicability: fix.applicability,
        edits: fix.edits.iter().map(edit).collect(),
    }
}
