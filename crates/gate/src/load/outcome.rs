//! What came of a request: the vocabulary that counts, reports and checks share.

use std::fmt;

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// An answer as wanted.
    Good,
    /// An answer with a status that is not wanted.
    Status(u16),
    /// A gRPC status other than OK.
    Grpc(u32),
    /// No answer.
    Failed(Failure),
}

/// Why there was no answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Failure {
    /// Nobody listens there.
    Refused,
    /// No connection for another reason.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// Nothing came within the time limit.
    Timeout,
    /// The connection was closed or reset before the answer was complete.
    Cut,
    /// What came was no HTTP, or no gRPC.
    Protocol,
    /// It waited too long for a free connection and was never sent.
    Dropped,
}

impl Outcome {
    /// Whether it was as wanted.
    pub fn is_good(self) -> bool {
        self == Self::Good
    }

    /// Whether anything was answered at all.
    pub fn is_answer(self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Grpc(code) => write!(f, "gRPC {code} {}", grpc_name(*code)),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Connect => "no connection",
            Self::Tls => "TLS handshake failed",
            Self::Timeout => "no answer in time",
            Self::Cut => "connection closed before the answer",
            Self::Protocol => "answer is not HTTP",
            Self::Dropped => "never sent: no connection was free in time",
        })
    }
}

/// The name of a gRPC status code (grpc/doc/statuscodes.md).
fn grpc_name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(code as usize).copied().unwrap_or("unknown code")
}
