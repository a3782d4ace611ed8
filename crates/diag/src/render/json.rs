//! JSON Lines: one finding a line, in the shape of [`FindingRecord`].

use std::io::{self, Write};

use super::Report;
use crate::FindingRecord;

/// Writes the findings. JSON's own escapes keep control characters out of the output; the
/// characters that reorder text are escaped too, since the lines are often read on a terminal.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        let record = FindingRecord::new(finding, &report.resolver);
        let line = serde_json::to_string(&record)?;
        out.write_all(escape_reordering(&line).as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Outside string literals JSON is ASCII, so any other character may become a `\u` escape.
pub(super) fn escape_reordering(json: &str) -> String {
    let hostile = |c: char| !c.is_ascii() && crate::escape::is_hostile(c) || c == '\x7f';
    if !json.contains(hostile) {
        return json.to_owned();
    }
    let escape = |c: char| {
        if hostile(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() }
    };
    json.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use crate::FindingRecord;
    use crate::render::testing;

    #[test]
    fn one_object_a_line_that_reads_back() {
        let world = testing::World::new();
        let mut out = Vec::new();
        super::write(&world.report(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        insta::assert_snapshot!(text);
        for (line, finding) in text.lines().zip(&world.findings) {
            let record: FindingRecord = serde_json::from_str(line).unwrap();
            assert_eq!(record, FindingRecord::new(finding, &world.report().resolver));
        }
    }

    #[test]
    fn hostile_text_is_escaped() {
        let world = testing::World::hostile();
        let mut out = Vec::new();
        super::write(&world.report(), &mut out).unwrap();
        testing::assert_harmless(&String::from_utf8(out).unwrap(), 1);
    }
}
