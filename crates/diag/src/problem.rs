//! Everything to tell the user that is not a finding: what could not be read, what does not
//! compile, what was missing, and crashes of unpanic's own rules.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use source::FileSpan;

use crate::Severity;

/// One thing that went wrong while looking.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// What sort; decides the exit code together with `severity`.
    pub kind: ProblemKind,
    /// `Error` counts for the exit code; less does not.
    pub severity: Severity,
    /// What went wrong, without its position, without a full stop.
    pub message: String,
    /// Where.
    pub place: Option<ProblemPlace>,
    /// What it costs or what to do.
    pub help: Option<String>,
}

impl Problem {
    /// An error of that kind.
    pub fn error(kind: ProblemKind, message: impl Into<String>) -> Self {
        let message = shortened(message.into());
        Self { kind, severity: Severity::Error, message, place: None, help: None }
    }
    /// A warning of that kind: printed, but the exit code stays.
    pub fn warning(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, message) }
    }
    /// A rule or a stage that panicked on a package. The rest of the run goes on.
    pub fn bug(stage: &str, on: &str, panic: &str) -> Self {
        Self {
            help: Some("please report this with the package's source, if it may be shown".into()),
            ..Self::error(
                ProblemKind::Bug,
                format!("bug in unpanic: {stage} crashed on {on}: {panic}"),
            )
        }
    }
    /// Says where, in a file of the source map.
    #[must_use]
    pub fn at(mut self, place: FileSpan) -> Self {
        self.place = Some(ProblemPlace::Span(place));
        self
    }
    /// Says where, in a file that was not kept (or could not be read).
    #[must_use]
    pub fn at_path(mut self, path: impl Into<PathBuf>, line: Option<u32>) -> Self {
        self.place = Some(ProblemPlace::Path { path: path.into(), line, column: None });
        self
    }
    /// Says what it costs or what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What this alone would make the process exit with.
    pub fn exit_class(&self) -> ExitClass {
        if self.severity != Severity::Error {
            return ExitClass::Clean;
        }
        match self.kind {
            ProblemKind::Config => ExitClass::Usage,
            ProblemKind::Load | ProblemKind::Syntax => ExitClass::Input,
            ProblemKind::Bug => ExitClass::Bug,
            ProblemKind::Type | ProblemKind::Missing | ProblemKind::Suppression => ExitClass::Clean,
        }
    }
}

/// Messages quote source, and an expression may be megabytes long: the middle is left out.
fn shortened(message: String) -> String {
    const HEAD: usize = 600;
    const TAIL: usize = 200;
    if message.len() <= HEAD + TAIL {
        return message;
    }
    let head = message.floor_char_boundary(HEAD);
    let tail = message.ceil_char_boundary(message.len() - TAIL);
    format!("{} … {}", &message[..head], &message[tail..])
}

/// The sorts of problem.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The command line, `unpanic.toml` or the environment.
    Config,
    /// A folder, a file, `go.mod` or `go.work` that cannot be read or makes no sense.
    Load,
    /// Go source that does not parse.
    Syntax,
    /// Go source that does not type-check. The analysis goes on with what is known.
    Type,
    /// An import, GOROOT or module cache that is not there; what it declares stays opaque.
    Missing,
    /// A suppression comment or baseline entry that is wrong or suppresses nothing.
    Suppression,
    /// unpanic crashed on something.
    Bug,
}

impl ProblemKind {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Load => "load",
            Self::Syntax => "syntax",
            Self::Type => "type",
            Self::Missing => "missing",
            Self::Suppression => "suppression",
            Self::Bug => "bug",
        }
    }
}

/// Where a problem lies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ProblemPlace {
    /// In a file of the source map.
    Span(FileSpan),
    /// In a file or folder known by name.
    Path {
        /// Absolute, or relative to the working directory.
        path: PathBuf,
        /// Line from 1.
        line: Option<u32>,
        /// Byte column from 1.
        column: Option<u32>,
    },
}

/// The exit codes, worst last: the process exits with the worst that occurred.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExitClass {
    /// 0: nothing found.
    Clean,
    /// 1: findings.
    Findings,
    /// 2: bad usage or configuration.
    Usage,
    /// 3: the input, or part of it, could not be read: the findings may be incomplete.
    Input,
    /// A number of its own: a verdict that is more than yes or no.
    Verdict(u8),
    /// 70: a bug in unpanic.
    Bug,
}

impl ExitClass {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Verdict(code) => code,
            Self::Bug => 70,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_quotes_too_much_is_cut_in_the_middle() {
        let text = format!("cannot use {} as int", "é".repeat(100_000));
        let message = Problem::error(ProblemKind::Type, text).message;
        assert!(message.starts_with("cannot use é") && message.ends_with("é as int"));
        assert!(message.len() < 900);
    }
}
