//! Rule pages on a terminal: the little Markdown that they use, with colours in place of marks.

use std::fmt::Write;

use anstyle::{AnsiColor, Effects, Style};

const HEADING: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
const CODE: Style = AnsiColor::Cyan.on_default();
const COMMENT: Style = AnsiColor::BrightBlack.on_default();
const WANT: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const BOLD: Style = Style::new().bold();

/// The page as terminal text. Without `color` only code fences and heading marks go away.
pub fn render(page: &str, color: bool) -> String {
    let paint = |style: Style, text: &str| {
        if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    };
    let mut out = String::with_capacity(page.len() * 2);
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            let (code, comment) = match line.find("//") {
                Some(at) => line.split_at(at),
                None => (line, ""),
            };
            let style = if comment.starts_with("// want") { WANT } else { COMMENT };
            let comment = if comment.is_empty() { String::new() } else { paint(style, comment) };
            writeln!(out, "    {code}{comment}").expect("a String takes any write");
        } else if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
        {
            out += &paint(HEADING, heading);
            out.push('\n');
        } else {
            out += &inline(line, &paint);
            out.push('\n');
        }
    }
    out
}

/// `code` and **bold**; a mark without its twin stays.
fn inline(line: &str, paint: &dyn Fn(Style, &str) -> String) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, from) = rest.split_at(at);
        out += before;
        let (mark, style) = if from.starts_with("**") { ("**", BOLD) } else { ("`", CODE) };
        let body = from.strip_prefix(mark).and_then(|b| b.find(mark).map(|end| b.split_at(end)));
        match body {
            Some((text, after)) => {
                out += &paint(style, text);
                rest = &after[mark.len()..];
            }
            None => {
                out += &from[..1];
                rest = &from[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_colours_or_go() {
        let page = "# A: b\n\nUse `x` and **y**, 2 * 3.\n\n```go\nm[k] = 1 // want \"z\"\n```\n";
        let plain = "A: b\n\nUse x and y, 2 * 3.\n\n    m[k] = 1 // want \"z\"\n";
        assert_eq!(render(page, false), plain);
        assert!(render(page, true).contains("\x1b[36mx\x1b[0m"));
    }
}
