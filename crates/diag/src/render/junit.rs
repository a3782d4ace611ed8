//! JUnit XML: one suite a package, one failed test case a finding; what CI systems can show
//! without knowing what a finding is.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use super::{Report, wording};
use crate::{FindingRecord, Problem, ProblemRecord, Severity, clean_line};

/// Writes the report. A run without findings has one passed case, since an empty report looks like
/// a broken step to many systems.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut junit = JUnit::new("unpanic");
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for finding in report.findings {
        let suite = suites
            .entry(&finding.package)
            .or_insert_with(|| TestSuite::new(clean_line(&finding.package)));
        suite.add_test_case(finding_case(finding, report));
    }
    for suite in suites.into_values() {
        junit.add_test_suite(suite);
    }
    let mut own = TestSuite::new("unpanic check");
    for problem in report.problems.iter().filter(|p| p.severity == Severity::Error) {
        own.add_test_case(problem_case(problem, report));
    }
    if own.test_cases.is_empty() && report.findings.is_empty() {
        own.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
    }
    if !own.test_cases.is_empty() {
        junit.add_test_suite(own);
    }
    junit.serialize(out).map_err(io::Error::other)
}

fn finding_case(finding: &crate::Finding, report: &Report<'_>) -> TestCase {
    let record = FindingRecord::new(finding, &report.resolver);
    let place = format!("{}:{}", record.primary.file, record.primary.line);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let mut lines = vec![place.clone()];
    for (index, access) in finding.accesses.iter().enumerate() {
        lines.push(format!(
            "{}: {}",
            wording::name(index),
            wording::access(access, &report.resolver)
        ));
    }
    lines.extend(finding.notes.iter().map(|n| clean_line(&n.message).into_owned()));
    status
        .set_type(finding.rule.code)
        .set_message(clean_line(&finding.message))
        .set_description(lines.join("\n"));
    let mut case = TestCase::new(format!("{} {place}", finding.rule.code), status);
    case.set_classname(clean_line(&finding.package));
    case.add_property(Property::new("fingerprint", finding.fingerprint.as_str()));
    case.add_property(Property::new("confidence", finding.confidence.as_str()));
    case
}

fn problem_case(problem: &Problem, report: &Report<'_>) -> TestCase {
    let record = ProblemRecord::new(problem, &report.resolver);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(problem.kind.as_str()).set_message(clean_line(&problem.message));
    let name = record.position().unwrap_or_else(|| problem.kind.as_str().to_owned());
    TestCase::new(name, status)
}

#[cfg(test)]
mod tests {
    use crate::render::testing;

    fn render(world: &testing::World) -> String {
        let mut out = Vec::new();
        super::write(&world.report(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_failed_case_a_finding() {
        insta::assert_snapshot!(render(&testing::World::new()));
    }

    #[test]
    fn hostile_text_is_escaped() {
        let text = render(&testing::World::hostile());
        testing::assert_harmless(&text, usize::MAX);
        assert!(!text.contains("<forged"), "{text}");
    }

    #[test]
    fn nothing_found_is_a_passed_case() {
        let mut world = testing::World::new();
        world.findings.clear();
        world.problems.clear();
        assert!(render(&world).contains("no findings"));
    }
}
