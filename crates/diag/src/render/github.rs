//! GitHub workflow commands: annotations on the lines of a pull request.

use std::io::{self, Write};

use super::{Report, wording};
use crate::{FindingRecord, ProblemRecord, Severity, clean, clean_line};

/// Writes one command a finding and one a problem.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        let record = FindingRecord::new(finding, &report.resolver);
        let (column, end_column) = report.resolver.char_columns(finding.primary);
        let mut properties = format!(
            "file={},line={},endLine={}",
            property(&record.primary.file),
            record.primary.line,
            record.primary.end_line
        );
        // Columns are only allowed when the annotation stays on one line.
        if record.primary.line == record.primary.end_line {
            properties += &format!(",col={column},endColumn={end_column}");
        }
        properties += &format!(",title={}", property(&format!("{} {}", record.rule, record.name)));
        let mut lines = vec![clean_line(&finding.message).into_owned()];
        for (index, access) in finding.accesses.iter().enumerate() {
            let text = wording::access(access, &report.resolver);
            lines.push(format!("{}: {text}", wording::name(index)));
        }
        lines.extend(finding.notes.iter().map(|n| clean_line(&n.message).into_owned()));
        let text = data(&lines.join("\n"));
        writeln!(out, "::{} {properties}::{text}", command(finding.severity))?;
    }
    for problem in report.problems {
        let record = ProblemRecord::new(problem, &report.resolver);
        let mut properties = Vec::new();
        properties.extend(record.file.as_ref().map(|f| format!("file={}", property(f))));
        properties.extend(record.line.map(|l| format!("line={l}")));
        properties.push("title=unpanic".to_owned());
        let text = data(&clean_line(&problem.message));
        writeln!(out, "::{} {}::{text}", command(problem.severity), properties.join(","))?;
    }
    Ok(())
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a command's property, where `:` and `,` mean something too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
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
    fn annotations() {
        insta::assert_snapshot!(render(&testing::World::new()));
    }

    #[test]
    fn hostile_text_cannot_forge_a_command() {
        let text = render(&testing::World::hostile());
        testing::assert_harmless(&text, 2);
        assert!(text.lines().all(|l| l.starts_with("::")), "{text}");
    }
}
