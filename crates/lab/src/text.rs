//! The report for a terminal: a table for each experiment.

use std::io::{self, Write};

use crate::judge::{Judgement, Verdict};
use crate::report::{Outcome, Report, digits, measured, word};

/// Columns of the claim, of what is expected and of what was measured, in characters.
const CLAIM: usize = 46;
const EXPECTED: usize = 28;
const MEASURED: usize = 32;

/// Writes a report, with colours or without.
pub fn write(report: &Report, color: bool, out: &mut dyn Write) -> io::Result<()> {
    for outcome in &report.outcomes {
        experiment(report, outcome, color, out)?;
    }
    writeln!(out, "{}", report.circumstances())?;
    if report.was_busy() {
        writeln!(
            out,
            "The machine was busy with other things: times and rates are those of a busy machine."
        )?;
    }
    writeln!(out, "{}. Intervals are those of 99%.", report.summary())
}

fn experiment(
    report: &Report,
    outcome: &Outcome,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = &outcome.experiment.name;
    let (bold, end) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    writeln!(out, "{bold}{name}{end}: {}", outcome.experiment.title)?;
    let several = report.toolchains.len() > 1;
    for claim in &outcome.claims {
        for (index, (judgement, go)) in claim.judgements.iter().zip(&report.toolchains).enumerate()
        {
            let (text, expected) =
                if index == 0 { (claim.text, claim.expected.as_str()) } else { ("", "") };
            let prefix = if several { format!("{go}: ") } else { String::new() };
            let seen = prefix + &diag::clean_line(&measured(&judgement.measured));
            row(text, expected, &seen, judgement, color, out)?;
        }
    }
    numbers(report, outcome, out)?;
    for run in &outcome.collections {
        let (Some(first), Some(last)) = (run.cycles.first(), run.cycles.last()) else { continue };
        let pause = run.cycles.iter().map(|c| c.clock[0] + c.clock[2]).fold(0.0, f64::max);
        writeln!(
            out,
            "  {} {}: {} collections in {:.3} s, alive {} MB at the end, longest stop {} ms",
            run.toolchain,
            run.variant,
            run.cycles.len(),
            last.at - first.at,
            digits(last.heap[2]),
            digits(pause)
        )?;
    }
    writeln!(out)
}

fn row(
    text: &str,
    expected: &str,
    seen: &str,
    judgement: &Judgement,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let columns = [(text, CLAIM), (expected, EXPECTED), (seen, MEASURED)];
    let cells = columns.map(|(text, width)| wrap(text, width));
    let lines = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
    for line in 0..lines {
        let mut whole = String::from("  ");
        for (cell, (_, width)) in cells.iter().zip(columns) {
            let part = cell.get(line).map_or("", String::as_str);
            whole += part;
            let missing = (width + 2).saturating_sub(part.chars().count());
            whole.extend(std::iter::repeat_n(' ', missing));
        }
        if line == 0 {
            whole += &verdict(judgement.verdict, color);
        }
        writeln!(out, "{}", whole.trim_end())?;
    }
    if let Some(note) = &judgement.note {
        let mut lines = note.lines().map(diag::clean_line);
        writeln!(out, "    = {}", lines.next().unwrap_or_default())?;
        for more in lines {
            writeln!(out, "      {more}")?;
        }
    }
    Ok(())
}

fn verdict(verdict: Verdict, color: bool) -> String {
    let code = match verdict {
        Verdict::Agrees => "32",
        Verdict::Disagrees => "1;31",
        Verdict::Undecided => "33",
        Verdict::Skipped => "2",
    };
    if color { format!("\x1b[{code}m{}\x1b[0m", word(verdict)) } else { word(verdict).to_owned() }
}

fn numbers(report: &Report, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let Some(what) = &outcome.experiment.chart else { return Ok(()) };
    if outcome.numbers.is_empty() {
        return Ok(());
    }
    let width = outcome.numbers.iter().map(|n| n.key.chars().count()).max().unwrap_or(0);
    writeln!(out, "  {what}: {}", report.toolchains.join(", "))?;
    for number in &outcome.numbers {
        let medians = number.medians.iter().map(|median| match median {
            Some(m) => format!("{:>7} ({}–{})", digits(m.value), digits(m.low), digits(m.high)),
            None => format!("{:>7}", "–"),
        });
        let medians: String = medians.map(|cell| format!("{cell:<28}")).collect();
        let key = diag::clean_line(&number.key);
        let line = format!("    {key:width$}  {medians}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Breaks text at spaces, or where it must.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(width) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + piece.chars().count() <= width => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }
}
