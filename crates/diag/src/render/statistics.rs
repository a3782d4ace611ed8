//! The table of `--statistics`: findings by rule and confidence, then counts of the run.

use std::io::{self, Write};

use super::Report;
use crate::{Confidence, clean_line};

/// Writes the table; `counts` are the run's own figures, in order.
pub fn write(
    report: &Report<'_>,
    counts: &[(String, String)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = report.rules.iter().map(|r| r.name.len()).max().unwrap_or(0).max(4);
    writeln!(out, "{:<8} {:<width$} {:>6} {:>6} {:>6}", "rule", "name", "high", "medium", "low")?;
    for rule in report.rules {
        let count = |confidence: Confidence| {
            let of_rule = |f: &&crate::Finding| f.rule.code == rule.code;
            report.findings.iter().filter(of_rule).filter(|f| f.confidence == confidence).count()
        };
        writeln!(
            out,
            "{:<8} {:<width$} {:>6} {:>6} {:>6}",
            rule.code,
            rule.name,
            count(Confidence::High),
            count(Confidence::Medium),
            count(Confidence::Low)
        )?;
    }
    writeln!(out)?;
    let width = counts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in counts {
        writeln!(out, "{:<width$}  {:>12}", clean_line(name), clean_line(value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::render::testing;

    #[test]
    fn a_row_a_rule_and_a_row_a_count() {
        let world = testing::World::new();
        let counts = [("files".into(), "12".into()), ("time, types".into(), "0.31 s".into())];
        let mut out = Vec::new();
        super::write(&world.report(), &counts, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
