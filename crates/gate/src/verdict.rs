//! The one verdict of a run, and everything that it rests on.

use serde::Serialize;

use crate::check::{Check, Class, Status};
use crate::drill::Seen;
use crate::load::LoadReport;

/// The form of the JSON.
pub const VERDICT_VERSION: u32 = 1;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check passed.
    Passed,
    /// At least one failed.
    Failed,
    /// None failed, and at least one could not be decided.
    Inconclusive,
}

/// A verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Of this JSON.
    pub version: u32,
    /// In one word.
    pub outcome: Outcome,
    /// What the process exits with.
    pub exit_code: u8,
    /// Classes with failed checks.
    pub failed: Vec<Class>,
    /// What was run, or the URL.
    pub candidate: String,
    /// All checks.
    pub checks: Vec<Check>,
    /// The load without drills.
    pub load: Option<LoadReport>,
    /// The drills.
    pub drills: Vec<Seen>,
    /// The candidate's last lines.
    pub tail: Vec<String>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Sums up.
    pub fn new(candidate: String, checks: Vec<Check>) -> Self {
        let mut failed: Vec<Class> =
            checks.iter().filter(|c| c.status == Status::Fail).map(|c| c.class).collect();
        failed.sort_unstable();
        failed.dedup();
        let open = checks.iter().any(|check| check.status == Status::Inconclusive);
        let (outcome, exit_code) = match failed.as_slice() {
            [] if open => (Outcome::Inconclusive, Class::Harness.code()),
            [] => (Outcome::Passed, 0),
            [class] => (Outcome::Failed, class.code()),
            _ => (Outcome::Failed, 1),
        };
        Self {
            version: VERDICT_VERSION,
            outcome,
            exit_code,
            failed,
            candidate,
            checks,
            load: None,
            drills: Vec::new(),
            tail: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// In one line.
    pub fn headline(&self) -> String {
        let count = |status| self.checks.iter().filter(|check| check.status == status).count();
        let all = self.checks.len() - count(Status::Skipped);
        match self.outcome {
            Outcome::Passed => format!("gate passed: {all} of {all} checks"),
            Outcome::Failed => {
                let classes: Vec<&str> = self.failed.iter().map(|class| class.as_str()).collect();
                format!(
                    "gate failed: {} ({} of {all} checks failed)",
                    classes.join(", "),
                    count(Status::Fail)
                )
            }
            Outcome::Inconclusive => format!(
                "gate inconclusive: {} of {all} checks could not be decided",
                count(Status::Inconclusive)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(class: Class, status: Status) -> Check {
        Check { status, ..Check::new(class, "x", "y", true, "", "") }
    }

    #[test]
    fn one_class_has_its_code_and_several_have_one() {
        let verdict = |checks: &[(Class, Status)]| {
            Verdict::new("x".into(), checks.iter().map(|(c, s)| check(*c, *s)).collect())
        };
        let pass = (Class::Slo, Status::Pass);
        assert_eq!(verdict(&[pass]).exit_code, 0);
        assert_eq!(verdict(&[pass, (Class::Log, Status::Fail)]).exit_code, 12);
        assert_eq!(verdict(&[(Class::Log, Status::Fail), (Class::Slo, Status::Fail)]).exit_code, 1);
        assert_eq!(verdict(&[pass, (Class::Slo, Status::Inconclusive)]).exit_code, 14);
        assert_eq!(
            verdict(&[(Class::Slo, Status::Inconclusive), (Class::Metric, Status::Fail)]).exit_code,
            13
        );
        assert_eq!(verdict(&[pass, (Class::Log, Status::Skipped)]).outcome, Outcome::Passed);
    }
}
