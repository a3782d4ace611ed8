//! JUnit XML: one test a check, one suite a subject, as CI systems show it.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::Verdict;
use crate::check::Status;

/// The report.
pub fn junit(verdict: &Verdict) -> String {
    let mut report = Report::new("unpanic gate");
    let mut subjects: Vec<&str> = Vec::new();
    for check in &verdict.checks {
        if !subjects.contains(&check.subject.as_str()) {
            subjects.push(&check.subject);
        }
    }
    for subject in subjects {
        let mut suite = TestSuite::new(subject);
        for check in verdict.checks.iter().filter(|check| check.subject == subject) {
            let text = format!("found {}, expected {}", check.found, check.expected);
            let status = match check.status {
                Status::Pass => TestCaseStatus::success(),
                Status::Skipped => TestCaseStatus::skipped(),
                Status::Fail | Status::Inconclusive => {
                    let kind = if check.status == Status::Fail {
                        NonSuccessKind::Failure
                    } else {
                        NonSuccessKind::Error
                    };
                    let mut status = TestCaseStatus::non_success(kind);
                    status.set_message(diag::clean_line(&text)).set_type(check.class.as_str());
                    status
                }
            };
            let mut case = TestCase::new(check.name, status);
            case.set_classname(format!("gate.{}", check.class.as_str()));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().unwrap_or_else(|error| format!("<!-- {error} -->\n"))
}
