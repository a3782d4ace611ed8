//! Tables and numbers for the terminal.

use std::io::{self, Write};

/// Nanoseconds with three digits that matter.
pub fn time(nanoseconds: i64) -> String {
    let value = nanoseconds as f64;
    let (scaled, unit) = match nanoseconds.unsigned_abs() {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (value / 1e3, "µs"),
        1_000_000..1_000_000_000 => (value / 1e6, "ms"),
        _ => (value / 1e9, "s"),
    };
    let digits = if scaled.abs() >= 100.0 { 0 } else { 1 + usize::from(scaled.abs() < 10.0) };
    format!("{scaled:.digits$} {unit}")
}

/// A point in time since the trace began.
pub fn moment(nanoseconds: i64) -> String {
    format!("{:.6} s", nanoseconds as f64 / 1e9)
}

/// A count with separators.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes rows under a head: all columns but the last are aligned to the right.
pub fn table(head: &[&str], rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count());
        cells.chain([head[i].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let last = head.len() - 1;
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (i, cell) in cells.enumerate() {
            let pad = widths[i] - cell.chars().count();
            if i < last {
                text += &" ".repeat(pad + 2);
                text += cell;
            } else {
                text += "  ";
                text += cell;
            }
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(&mut head.iter().copied())?;
    rows.iter().try_for_each(|row| line(&mut row.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!((time(999), time(1_234)), ("999 ns".into(), "1.23 µs".into()));
        assert_eq!((time(45_600_000), time(-2_000_000_000)), ("45.6 ms".into(), "-2.00 s".into()));
        assert_eq!((count(1_234_567), count(12)), ("1,234,567".into(), "12".into()));
    }

    #[test]
    fn columns_line_up() {
        let mut out = Vec::new();
        let rows = [vec!["1".into(), "a".into()], vec!["200".into(), "bb".into()]];
        table(&["count", "name"], &rows, &mut out).unwrap();
        assert_eq!(out, b"  count  name\n      1  a\n    200  bb\n");
    }
}
