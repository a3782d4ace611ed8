//! The first lines of a crash: what kind it is, its message, what came with it. They are read line
//! by line, so that the kind and the message are known when the first has come.

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// How much of a message is kept, in bytes.
const MAX_MESSAGE: usize = 16 << 10;
/// How many lines beside the message are kept.
const MAX_DETAILS: usize = 64;

/// What was printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `panic: …`: a panic that nobody recovered.
    Panic,
    /// `fatal error: …`: the runtime gave up; `recover` is never asked.
    FatalError,
    /// `SIGQUIT: quit` and the like: a signal ended the process.
    Signal,
    /// `http: panic serving …`: net/http recovered it; the connection died, the process lives.
    HttpPanic,
    /// `WARNING: DATA RACE`: the race detector saw two accesses.
    Race,
    /// `--- FAIL: TestX`: a test failed.
    TestFailure,
    /// `panic: test timed out after …`.
    TestTimeout,
    /// Goroutines without a crash: `debug.Stack`, `runtime.Stack`, a `goroutine` profile with
    /// `debug=2`, a file written by `debug.SetCrashOutput` for a fatal error.
    #[default]
    Goroutines,
}

impl Kind {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::FatalError => "fatal-error",
            Self::Signal => "signal",
            Self::HttpPanic => "http-panic",
            Self::Race => "race",
            Self::TestFailure => "test-failure",
            Self::TestTimeout => "test-timeout",
            Self::Goroutines => "goroutines",
        }
    }
    /// Whether the process died of it.
    pub fn is_death(self) -> bool {
        matches!(self, Self::Panic | Self::FatalError | Self::Signal | Self::TestTimeout)
    }
}

/// Everything of a crash but its stacks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// What was printed.
    pub kind: Kind,
    /// The message without what says the kind; several lines when the value of a panic has them.
    pub message: String,
    /// The panics (and the fatal error) that followed the first, in the order printed.
    pub chain: Vec<Link>,
    /// Whether the first was recovered (and another followed).
    pub recovered: bool,
    /// What stands between the brackets of `[signal SIGSEGV: … addr=0x0 pc=0x…]`.
    pub signal: Option<String>,
    /// Other lines that belong to it: `PC=…`, `runtime: sp=…`, the output of a failed test.
    pub details: Vec<String>,
}

/// A panic that came after the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// `Panic` or `FatalError`.
    pub kind: Kind,
    /// Its message.
    pub message: String,
    /// Whether it was recovered.
    pub recovered: bool,
}

/// The signals that end a Go process with a dump, as the runtime names them.
const SIGNALS: &[&str] = &[
    "SIGQUIT: quit",
    "SIGABRT: abort",
    "SIGSEGV: segmentation violation",
    "SIGBUS: bus error",
    "SIGFPE: floating-point exception",
    "SIGILL: illegal instruction",
    "SIGTRAP: trace trap",
    "SIGSYS: bad system call",
    "SIGEMT: emulate instruction executed",
    "SIGSTKFLT: stack fault",
    "SIGXCPU: cpu limit exceeded",
    "SIGXFSZ: file size limit exceeded",
];

/// Lines that the runtime prints before `fatal error:`.
const BEFORE_FATAL: &[&str] = &[
    "runtime: goroutine stack exceeds ",
    "runtime: out of memory",
    "runtime: program exceeds ",
    "runtime: cannot allocate ",
    "runtime: bad pointer in ",
    "runtime: marked free object ",
    "runtime: unexpected return pc ",
    "runtime: pointer ",
    "runtime: failed to create new OS thread",
    "unexpected fault address ",
    "accessed data from freed user arena ",
];

/// Reads a line as the first of a crash.
pub(crate) fn start(line: &[u8]) -> Option<Head> {
    let head = |kind, message: &[u8]| {
        let mut head = Head { kind, ..Head::default() };
        head.set_message(message);
        Some(head)
    };
    match *line.first()? {
        b'p' if line.starts_with(b"panic: ") => {
            let text = &line[7..];
            let timeout = text.starts_with(b"test timed out after ");
            head(if timeout { Kind::TestTimeout } else { Kind::Panic }, text)
        }
        b'f' if line.starts_with(b"fatal error: ") => head(Kind::FatalError, &line[13..]),
        b'S' if SIGNALS.iter().any(|s| s.as_bytes() == line) => head(Kind::Signal, line),
        b'E' if line.starts_with(b"Exception 0x") => head(Kind::Signal, line),
        b'W' if line == b"WARNING: DATA RACE" => head(Kind::Race, b"data race"),
        b'-' if line.starts_with(b"--- FAIL: ") => head(Kind::TestFailure, &line[10..]),
        b'r' | b'u' | b'a' if BEFORE_FATAL.iter().any(|s| line.starts_with(s.as_bytes())) => {
            head(Kind::FatalError, line)
        }
        _ => http(line),
    }
}

/// `[date time ]http: panic serving ADDRESS: value`, after whatever the server's logger writes.
fn http(line: &[u8]) -> Option<Head> {
    const MARK: &[u8] = b": panic serving ";
    let at = memmem::find(&line[..line.len().min(512)], MARK)?;
    if !(line[..at].ends_with(b"http") || line[..at].ends_with(b"http2")) {
        return None;
    }
    let rest = &line[at + MARK.len()..];
    // Addresses have colons, but no space.
    let colon = memmem::find(rest, b": ")?;
    let mut head = Head { kind: Kind::HttpPanic, ..Head::default() };
    head.details.push(format!("serving {}", String::from_utf8_lossy(&rest[..colon])));
    head.set_message(&rest[colon + 2..]);
    Some(head)
}

impl Head {
    /// The kind and message that tell what happened: the fatal error, if one came on top of panics;
    /// else the first panic, of which the others are consequences.
    pub fn cause(&self) -> (Kind, &str) {
        let fatal = self.chain.iter().find(|link| link.kind == Kind::FatalError);
        match fatal {
            Some(link) if self.kind != Kind::FatalError => (link.kind, &link.message),
            _ => (self.kind, &self.message),
        }
    }

    fn set_message(&mut self, text: &[u8]) {
        let (text, recovered) = without_recovered(text);
        self.message = bounded(text);
        self.recovered = recovered;
    }

    /// Reads a further line before the first stack; false when it can be none of this head.
    pub(crate) fn line(&mut self, line: &[u8]) -> bool {
        if let Some(signal) = line.strip_prefix(b"[signal ").and_then(|s| s.strip_suffix(b"]")) {
            self.signal = Some(bounded(signal));
            return true;
        }
        if let Some(message) = line.strip_prefix(b"fatal error: ") {
            return self.fatal_line(message);
        }
        if matches!(self.kind, Kind::Panic | Kind::TestTimeout)
            && let [b'\t', rest @ ..] = line
        {
            let (kind, text) = match rest {
                [b'p', b'a', b'n', b'i', b'c', b':', b' ', text @ ..] => (Kind::Panic, text),
                _ => match rest.strip_prefix(b"fatal error: ") {
                    Some(text) => (Kind::FatalError, text),
                    None => {
                        self.continue_message(rest);
                        return true;
                    }
                },
            };
            let (text, recovered) = without_recovered(text);
            if self.chain.len() < MAX_DETAILS {
                self.chain.push(Link { kind, message: bounded(text), recovered });
            }
            return true;
        }
        match self.kind {
            // Raw text: Go up to 1.22, and net/http always.
            Kind::Panic | Kind::TestTimeout | Kind::HttpPanic => self.continue_message(line),
            _ if !line.is_empty() => self.detail(line),
            _ => {}
        }
        true
    }

    /// `fatal error:` when a head is there already: a `runtime:` line before it, or the second of
    /// two threads that noticed the same (up to 1.23).
    fn fatal_line(&mut self, message: &[u8]) -> bool {
        if self.kind != Kind::FatalError {
            return false;
        }
        let text = bounded(message);
        if BEFORE_FATAL.iter().any(|s| self.message.starts_with(s)) {
            self.details.push(std::mem::replace(&mut self.message, text));
        } else if text != self.message && self.chain.len() < MAX_DETAILS {
            self.chain.push(Link { kind: Kind::FatalError, message: text, recovered: false });
        }
        true
    }

    pub(crate) fn detail(&mut self, line: &[u8]) {
        if self.details.len() < MAX_DETAILS {
            self.details.push(bounded(line));
        }
    }

    /// Another line of the value of the last panic.
    fn continue_message(&mut self, line: &[u8]) {
        let (line, recovered) = without_recovered(line);
        let (message, was) = match self.chain.last_mut() {
            Some(link) => (&mut link.message, &mut link.recovered),
            None => (&mut self.message, &mut self.recovered),
        };
        if message.len() + line.len() < MAX_MESSAGE {
            message.push('\n');
            message.push_str(&String::from_utf8_lossy(line));
        }
        *was |= recovered;
    }

    /// Takes blank lines off the message's end: the last belongs to the dump, not to the value.
    pub(crate) fn end_message(&mut self) {
        for message in
            [&mut self.message].into_iter().chain(self.chain.iter_mut().map(|l| &mut l.message))
        {
            message.truncate(message.trim_end().len());
        }
    }
}

/// `text [recovered]`, and what 1.25 and later write when the same value is panicked again.
fn without_recovered(text: &[u8]) -> (&[u8], bool) {
    for mark in [&b" [recovered]"[..], b" [recovered, repanicked]"] {
        if let Some(text) = text.strip_suffix(mark) {
            return (text, true);
        }
    }
    (text, false)
}

fn bounded(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(MAX_MESSAGE)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        for (line, kind, message) in [
            ("panic: x [recovered]", Kind::Panic, "x"),
            ("panic: test timed out after 1s", Kind::TestTimeout, "test timed out after 1s"),
            ("fatal error: concurrent map writes", Kind::FatalError, "concurrent map writes"),
            ("SIGQUIT: quit", Kind::Signal, "SIGQUIT: quit"),
            ("2026/11/26 10:03:43 http: panic serving [::1]:58: a: b", Kind::HttpPanic, "a: b"),
            ("unexpected fault address 0x7f", Kind::FatalError, "unexpected fault address 0x7f"),
            ("--- FAIL: TestX (0.00s)", Kind::TestFailure, "TestX (0.00s)"),
        ] {
            let head = start(line.as_bytes()).unwrap();
            assert_eq!((head.kind, &*head.message), (kind, message));
        }
        for line in ["SIGQUIT: received", "a panic: x", "runtime: hello", "panic:x", ""] {
            assert!(start(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn what_follows_the_first_line() {
        let mut head = start(b"panic: a [recovered]").unwrap();
        assert!(head.line(b"\tpanic: b") && head.line(b"\tsecond line"));
        assert!(head.line(b"[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]"));
        assert!(head.recovered && head.signal.is_some());
        assert_eq!(head.chain[0].message, "b\nsecond line");
        assert!(head.line(b"\tfatal error: f") && head.cause() == (Kind::FatalError, "f"));
        let mut head = start(b"runtime: goroutine stack exceeds 1-byte limit").unwrap();
        assert!(head.line(b"fatal error: stack overflow") && head.message == "stack overflow");
    }
}
