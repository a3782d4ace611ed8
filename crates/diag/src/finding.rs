//! A finding as rules build it: places are spans, nothing is resolved or formatted yet.
//! [`crate::FindingRecord`] is the same with relative paths and line numbers.

use serde::{Deserialize, Serialize};
use source::{FileId, FileSpan};

use crate::RuleMeta;

/// One mistake, with its evidence.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static RuleMeta,
    /// How bad it is; starts as the rule's.
    pub severity: Severity,
    /// How sure the analysis is.
    pub confidence: Confidence,
    /// The headline. It can be read alone and has no full stop and no position in it.
    pub message: String,
    /// The memory concerned, as the code names it: `s.clients`.
    pub variable: String,
    /// Where to show the finding: normally the place of `accesses[0]`.
    pub primary: FileSpan,
    /// The accesses that conflict, the primary one first: two for a race, one for a misuse.
    pub accesses: Vec<Access>,
    /// The argument after the evidence, in order: why nothing orders the accesses, what would.
    pub notes: Vec<Note>,
    /// How to repair it mechanically, when that can be done.
    pub fix: Option<Fix>,
    /// Whether a run has confirmed it.
    pub status: Status,
    /// Import path of the package that `primary` lies in.
    pub package: String,
    /// Identity across runs; empty until [`crate::assign_fingerprints`] has seen all findings.
    pub fingerprint: String,
}

impl Finding {
    /// A finding with the rule's severity and no evidence yet.
    pub fn new(
        rule: &'static RuleMeta,
        package: impl Into<String>,
        primary: FileSpan,
        variable: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity: rule.severity,
            confidence: Confidence::High,
            message: message.into(),
            variable: variable.into(),
            primary,
            accesses: Vec::new(),
            notes: Vec::new(),
            fix: None,
            status: Status::Suspected,
            package: package.into(),
            fingerprint: String::new(),
        }
    }

    /// Sets the confidence.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
    /// Adds an access.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.accesses.push(access);
        self
    }
    /// Adds a note that says why this is wrong.
    #[must_use]
    pub fn why(mut self, message: impl Into<String>) -> Self {
        self.notes.push(Note { kind: NoteKind::Why, message: message.into(), place: None });
        self
    }
    /// Adds a note that points at code: the lock that only one side takes, the shallow copy.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>, place: FileSpan) -> Self {
        let message = message.into();
        self.notes.push(Note { kind: NoteKind::Context, message, place: Some(place) });
        self
    }
    /// Adds a note that says what to do.
    #[must_use]
    pub fn help(mut self, message: impl Into<String>) -> Self {
        self.notes.push(Note { kind: NoteKind::Help, message: message.into(), place: None });
        self
    }
}

/// How bad a finding or a problem is. Ordered: `Note < Warning < Error`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Wrong under conditions that the program may avoid.
    Warning,
    /// The process can die or corrupt memory.
    Error,
}

impl Severity {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How sure the analysis is. Ordered: `Low < Medium < High`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess; off by default.
    Low,
    /// A broken convention: the rest of the program does it otherwise.
    Medium,
    /// Both the shared object and the concurrency are shown in the program.
    High,
}

impl Confidence {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One access to the variable, and who does it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Access {
    /// What is done.
    pub kind: AccessKind,
    /// Where.
    pub place: FileSpan,
    /// The function it stands in, as Go's stack traces name it: `example.com/hub.(*Hub).Add`.
    pub function: String,
    /// The goroutine that gets there.
    pub goroutine: Goroutine,
    /// Locks held at the access, as the code names them (`h.mu`); `h.mu (read)` for a read lock.
    pub locks: Vec<String>,
    /// The calls from the goroutine's start to `function`, outermost first: `function` is the
    /// caller and `place` the call.
    pub path: Vec<Frame>,
}

/// A kind of access. The words are those of the JSON output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessKind {
    /// `v := m[k]`, `_, ok := m[k]`.
    MapRead,
    /// `m[k] = v`, `m[k]++`, and calls that insert.
    MapWrite,
    /// `for range m`, `maps.Keys`, and calls that iterate (printing, JSON encoding, `maps.Clone`).
    MapIterate,
    /// `delete(m, k)`.
    MapDelete,
    /// `clear(m)`.
    MapClear,
    /// `len(m)`.
    MapLen,
    /// Any other read of memory.
    Read,
    /// Any other write to memory.
    Write,
    /// `ch <- v`: it panics once the channel is closed.
    ChanSend,
    /// `close(ch)`.
    ChanClose,
    /// `group.Add(1)`.
    GroupAdd,
    /// `group.Wait()`: it has to come after every `Add` to a group at zero.
    GroupWait,
}

impl AccessKind {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MapRead => "map-read",
            Self::MapWrite => "map-write",
            Self::MapIterate => "map-iterate",
            Self::MapDelete => "map-delete",
            Self::MapClear => "map-clear",
            Self::MapLen => "map-len",
            Self::Read => "read",
            Self::Write => "write",
            Self::ChanSend => "chan-send",
            Self::ChanClose => "chan-close",
            Self::GroupAdd => "group-add",
            Self::GroupWait => "group-wait",
        }
    }
    /// For a label beside the code: "map write here".
    pub fn label(self) -> &'static str {
        match self {
            Self::MapRead => "map read",
            Self::MapWrite => "map write",
            Self::MapIterate => "map iteration",
            Self::MapDelete => "map delete",
            Self::MapClear => "map clear",
            Self::MapLen => "map len",
            Self::Read => "read",
            Self::Write => "write",
            Self::ChanSend => "send",
            Self::ChanClose => "close",
            Self::GroupAdd => "add",
            Self::GroupWait => "wait",
        }
    }
    /// Whether memory is accessed, rather than a channel or wait group.
    pub fn is_in_memory(self) -> bool {
        !matches!(self, Self::ChanSend | Self::ChanClose | Self::GroupAdd | Self::GroupWait)
    }
    /// Whether it excludes every other access to the same object.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::MapWrite
                | Self::MapDelete
                | Self::MapClear
                | Self::Write
                | Self::ChanClose
                | Self::GroupWait
        )
    }
}

/// An origin: what starts the goroutine in which an access runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Goroutine {
    /// What starts it.
    pub kind: GoroutineKind,
    /// The `go` statement, the registration of the handler, the declaration of `main`.
    pub start: Option<FileSpan>,
    /// Whether several of it can run at once.
    pub many: bool,
}

/// A kind of origin. The words are those of the JSON output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoroutineKind {
    /// `func main`.
    Main,
    /// Package initialisation.
    Init,
    /// `go f()`, and library calls that amount to it (`errgroup.Group.Go`).
    GoStatement,
    /// An HTTP handler or middleware: one goroutine a request.
    HttpHandler,
    /// A gRPC method or interceptor.
    GrpcHandler,
    /// `time.AfterFunc` and the like.
    Timer,
    /// A test or benchmark function.
    Test,
    /// A function value that a library calls on goroutines of its own.
    Callback,
    /// An exported function of a library package, which callers may call from anywhere.
    ExportedApi,
}

impl GoroutineKind {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Init => "init",
            Self::GoStatement => "go-statement",
            Self::HttpHandler => "http-handler",
            Self::GrpcHandler => "grpc-handler",
            Self::Timer => "timer",
            Self::Test => "test",
            Self::Callback => "callback",
            Self::ExportedApi => "exported-api",
        }
    }
}

/// A call on the way to an access.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// The function that calls, as Go's stack traces name it.
    pub function: String,
    /// The call.
    pub place: FileSpan,
}

/// A sentence of the argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// Its part in the argument.
    pub kind: NoteKind,
    /// The sentence, without a full stop.
    pub message: String,
    /// The code that it speaks of.
    pub place: Option<FileSpan>,
}

/// What a note is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteKind {
    /// Why this is wrong: nothing orders the two.
    Why,
    /// Other code that belongs to the argument.
    Context,
    /// What to do about it.
    Help,
}

/// A mechanical repair.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, in the imperative: "take `h.mu` around the write".
    pub description: String,
    /// Whether `--fix` may apply it unasked.
    pub applicability: Applicability,
    /// Replacements that do not overlap; all or none are made.
    pub edits: Vec<Edit>,
}

/// Whether a fix keeps the meaning of the program but for the mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// `--fix` applies it.
    Safe,
    /// Shown only.
    Unsafe,
}

/// One replacement: `text` for the bytes of `span` in `file`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// The file.
    pub file: FileId,
    /// The bytes to replace; empty to insert.
    pub span: source::Span,
    /// The new text.
    pub text: String,
}

/// What is known of a finding beyond the static analysis.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Found by reading the source.
    Suspected,
    /// Made to happen.
    Proven,
    /// Shown not to be able to happen.
    Refuted,
}

impl Status {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Proven => "proven",
            Self::Refuted => "refuted",
        }
    }
}
