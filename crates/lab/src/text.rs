//! The report for a terminal: a table for each experiment.

use std::io::{self, Write};

use crate::judge::Verdict;
use crate::report::{ClaimOutcome, Outcome, Report, digits, measured, word};

/// Columns of the claim, of what is expected and of what was measured, in characters.
const CLAIM: usize = 42;
const EXPECTED: usize = 26;
const MEASURED: usize = 36;
/// The column of notes, below what was measured.
const NOTE: usize = 46;

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
    for claim in &outcome.claims {
        rows(report, claim, color, out)?;
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

/// A claim and what is expected on the left, a line or more for each toolchain on the right.
fn rows(report: &Report, claim: &ClaimOutcome, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let left = [(claim.text, CLAIM), (claim.expected.as_str(), EXPECTED)]
        .map(|(text, width)| (wrap(&diag::clean_line(text), width), width));
    let mut right = Vec::new();
    for (judgement, go) in claim.judgements.iter().zip(&report.toolchains) {
        let prefix = if report.toolchains.len() > 1 { format!("{go} ") } else { String::new() };
        let seen = prefix + &diag::clean_line(&measured(&judgement.measured));
        for (index, line) in wrap(&seen, MEASURED).into_iter().enumerate() {
            let verdict =
                if index == 0 { verdict(judgement.verdict, color) } else { String::new() };
            right.push(padded(&line, MEASURED + 2) + &verdict);
        }
        let note = judgement.note.as_deref().unwrap_or_default();
        for line in note.lines().flat_map(|line| wrap(&diag::clean_line(line), NOTE)) {
            right.push(format!("  {line}"));
        }
    }
    let lines = left.iter().map(|(lines, _)| lines.len()).chain([right.len()]).max();
    for line in 0..lines.unwrap_or(0) {
        let mut whole = String::from("  ");
        for (cell, width) in &left {
            whole += &padded(cell.get(line).map_or("", String::as_str), width + 2);
        }
        whole += right.get(line).map_or("", String::as_str);
        writeln!(out, "{}", whole.trim_end())?;
    }
    Ok(())
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    text.to_owned() + &" ".repeat(missing)
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
        let medians: Vec<String> = medians.map(|cell| padded(&cell, 28)).collect();
        let key = diag::clean_line(&number.key);
        let line = format!("    {key:width$}  {}", medians.concat());
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
