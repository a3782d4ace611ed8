//! What a kind and a message mean: which mistake it is, and whether `recover` could have stopped it.

use serde::{Deserialize, Serialize};

use crate::head::{Head, Kind};

/// A sort of mistake. The words are those of the JSON output.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Two goroutines used one map at the same time.
    ConcurrentMap,
    /// All goroutines wait.
    Deadlock,
    /// A stack grew beyond its limit.
    StackOverflow,
    /// The system gave no more memory.
    OutOfMemory,
    /// A mutex was unlocked that was not locked.
    UnlockOfUnlocked,
    /// A pointer was converted or used against the rules of package unsafe.
    UnsafePointer,
    /// An address outside the program's memory: unsafe code, C code, or memory corrupted by a race.
    Fault,
    /// A nil pointer was followed.
    NilPointer,
    /// A nil map was written.
    NilMap,
    /// An index or a slice bound was out of range.
    OutOfRange,
    /// An interface held another type.
    TypeAssertion,
    /// An integer was divided by zero.
    Division,
    /// A closed channel was sent to or closed again.
    ClosedChannel,
    /// A wait group's counter went below zero, or was reused too early.
    WaitGroup,
    /// Two goroutines used one variable at the same time.
    DataRace,
    /// A signal from outside.
    Signal,
    /// A test took too long.
    Timeout,
    /// A test failed.
    TestFailure,
    /// The runtime found itself broken.
    Runtime,
    /// A panic of the program's own.
    Custom,
    /// Nothing died.
    None,
}

impl Class {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConcurrentMap => "concurrent-map",
            Self::Deadlock => "deadlock",
            Self::StackOverflow => "stack-overflow",
            Self::OutOfMemory => "out-of-memory",
            Self::UnlockOfUnlocked => "unlock-of-unlocked",
            Self::UnsafePointer => "unsafe-pointer",
            Self::Fault => "fault",
            Self::NilPointer => "nil-pointer",
            Self::NilMap => "nil-map",
            Self::OutOfRange => "out-of-range",
            Self::TypeAssertion => "type-assertion",
            Self::Division => "division",
            Self::ClosedChannel => "closed-channel",
            Self::WaitGroup => "wait-group",
            Self::DataRace => "data-race",
            Self::Signal => "signal",
            Self::Timeout => "timeout",
            Self::TestFailure => "test-failure",
            Self::Runtime => "runtime",
            Self::Custom => "custom",
            Self::None => "none",
        }
    }
}

/// Parts of messages and the class that they show, most telling first.
const FATAL: &[(&str, Class)] = &[
    ("concurrent map", Class::ConcurrentMap),
    ("all goroutines are asleep", Class::Deadlock),
    ("no goroutines (main called runtime.Goexit)", Class::Deadlock),
    ("stack overflow", Class::StackOverflow),
    ("stack exceeds", Class::StackOverflow),
    ("out of memory", Class::OutOfMemory),
    ("cannot allocate", Class::OutOfMemory),
    ("nlock of unlocked", Class::UnlockOfUnlocked),
    ("checkptr", Class::UnsafePointer),
    ("freed user arena", Class::UnsafePointer),
    ("fault", Class::Fault),
    ("unexpected signal", Class::Fault),
];

const PANIC: &[(&str, Class)] = &[
    ("nil pointer dereference", Class::NilPointer),
    ("entry in nil map", Class::NilMap),
    ("index out of range", Class::OutOfRange),
    ("slice bounds out of range", Class::OutOfRange),
    ("cannot convert slice", Class::OutOfRange),
    ("interface conversion", Class::TypeAssertion),
    ("divide by zero", Class::Division),
    ("closed channel", Class::ClosedChannel),
    ("close of nil channel", Class::ClosedChannel),
    ("sync: negative WaitGroup counter", Class::WaitGroup),
    ("sync: WaitGroup", Class::WaitGroup),
    ("deadlock: ", Class::Deadlock),
];

/// The class of a crash.
pub fn classify(head: &Head) -> Class {
    let (kind, message) = head.cause();
    let find = |table: &[(&str, Class)]| {
        table.iter().find(|(part, _)| message.contains(part)).map(|&(_, class)| class)
    };
    match kind {
        Kind::FatalError => find(FATAL).unwrap_or(Class::Runtime),
        Kind::Panic | Kind::HttpPanic => find(PANIC).unwrap_or(Class::Custom),
        Kind::Signal if message.starts_with("SIGSEGV") || message.starts_with("SIGBUS") => {
            Class::Fault
        }
        Kind::Signal => Class::Signal,
        Kind::Race => Class::DataRace,
        Kind::TestTimeout => Class::Timeout,
        Kind::TestFailure => Class::TestFailure,
        Kind::Goroutines => Class::None,
    }
}

/// Whether `recover` in a deferred function of the goroutine that died could have stopped it; `None`
/// when nothing died.
pub(crate) fn recoverable(head: &Head) -> Option<bool> {
    match head.cause().0 {
        Kind::Panic => Some(!head.cause().1.starts_with("deadlock: ")),
        Kind::HttpPanic => Some(true),
        Kind::FatalError | Kind::Signal | Kind::TestTimeout => Some(false),
        Kind::Race | Kind::TestFailure | Kind::Goroutines => None,
    }
}

/// One sentence on [`recoverable`], without a full stop.
pub(crate) fn recover_text(head: &Head) -> &'static str {
    match head.cause().0 {
        Kind::Panic if head.cause().1.starts_with("deadlock: ") => {
            "the runtime's test bubble found no goroutine that can go on; recover does not help"
        }
        Kind::Panic => {
            "recover could have stopped it: in a function deferred on this very goroutine, not on its caller's"
        }
        Kind::HttpPanic => "net/http recovered it: the connection died, the process lives on",
        Kind::FatalError => {
            "recover could not have stopped it: the runtime ends the process without asking"
        }
        Kind::Signal => "recover could not have stopped it: a signal ended the process",
        Kind::TestTimeout => "the panic is raised by package testing on a goroutine of its own",
        Kind::Race => {
            "nothing died of it: the race detector reports and goes on (the exit code becomes 66)"
        }
        Kind::TestFailure => "nothing died: a test failed",
        Kind::Goroutines => "no crash: only goroutines",
    }
}
