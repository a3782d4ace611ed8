//! A check and its result: the one vocabulary of verdict, reports and exit codes.

use serde::Serialize;

/// What a check is about. In the order of severity; each has its exit code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Did it come back?
    Recovery,
    /// Did it say what happened?
    Log,
    /// Did it count what happened?
    Metric,
    /// Did it clean up?
    Goroutines,
    /// Did it tell the truth about whether it can serve?
    Readiness,
    /// Is it fast and right under load?
    Slo,
    /// Could it be measured at all?
    Harness,
}

impl Class {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::Goroutines => "goroutines",
            Self::Readiness => "readiness",
            Self::Slo => "slo",
            Self::Harness => "harness",
        }
    }

    /// The exit code when checks of this class alone failed.
    pub fn code(self) -> u8 {
        match self {
            Self::Slo => 10,
            Self::Recovery => 11,
            Self::Log => 12,
            Self::Metric => 13,
            Self::Harness => 14,
            Self::Goroutines => 15,
            Self::Readiness => 16,
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Not as it should be, and the machine may be the reason.
    Inconclusive,
    /// Nothing to say, since something before it failed.
    Skipped,
}

impl Status {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        }
    }
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What it is about.
    pub class: Class,
    /// Of what: `load`, or a drill's name.
    pub subject: String,
    /// What is checked.
    pub name: &'static str,
    /// How it ended.
    pub status: Status,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl Check {
    /// Passes when `good`.
    pub fn new(
        class: Class,
        subject: &str,
        name: &'static str,
        good: bool,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let status = if good { Status::Pass } else { Status::Fail };
        let (expected, found) = (expected.into(), found.into());
        Self { class, subject: subject.to_owned(), name, status, expected, found }
    }

    /// Becomes inconclusive if it failed and there is a reason outside of the candidate.
    #[must_use]
    pub fn unless(mut self, noise: Option<String>) -> Self {
        if self.status == Status::Fail
            && let Some(noise) = noise
        {
            self.status = Status::Inconclusive;
            self.found = format!("{}; {noise}", self.found);
        }
        self
    }

    /// Tells that the candidate did not live on or come back.
    pub fn is_death(&self) -> bool {
        self.class == Class::Recovery && self.status == Status::Fail
    }

    /// Was not looked at.
    #[must_use]
    pub fn skipped(mut self, why: &str) -> Self {
        self.status = Status::Skipped;
        why.clone_into(&mut self.found);
        self
    }
}
