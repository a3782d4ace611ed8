//! Text of a crash in Markdown. It stands in code spans and fenced blocks only, where neither
//! markup nor HTML nor a mention nor a reference means anything (GitHub Flavored Markdown, sections
//! 4.5 and 6.3); all that can go wrong there is that the text ends them, which it cannot.

use diag::{clean, clean_line};

/// The most characters of a code span.
const SPAN: usize = 500;

/// A code span, on one line.
pub fn code(text: &str) -> String {
    let mut text = clean_line(text).into_owned();
    if let Some((at, _)) = text.char_indices().nth(SPAN) {
        text.truncate(at);
        text.push('…');
    }
    let text = unmarked(&text);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    // One space inside is taken off again; it keeps a backtick of the text from joining ours.
    if text.starts_with('`') || text.ends_with('`') || text.starts_with(' ') && text.ends_with(' ')
    {
        format!("{ticks} {text} {ticks}")
    } else {
        format!("{ticks}{text}{ticks}")
    }
}

/// A fenced block whose fence is longer than any run of backticks in the text.
pub fn fenced(text: &str, language: &str) -> String {
    let text = unmarked(&clean(text));
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

/// A title: plain text in which nobody is mentioned and nothing is referred to.
pub fn title(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in clean_line(text).chars() {
        out.push(c);
        // A zero-width space behind it.
        if matches!(c, '@' | '#') {
            out.push('\u{200b}');
        }
    }
    if out.chars().count() > max {
        out = out.chars().take(max - 1).chain(['…']).collect();
    }
    out
}

/// The line by which an issue or a comment of ours is known again.
pub fn marker(id: &str) -> String {
    format!("<!-- unpanic:{id} -->")
}

/// Whether a text has that line.
pub fn is_marked(text: &str, id: &str) -> bool {
    let marker = marker(id);
    text.lines().any(|line| line.trim() == marker)
}

/// Text that is nobody's marker.
fn unmarked(text: &str) -> String {
    text.replace("unpanic:", "unpanic :")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_cannot_be_left() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(code("@root #1\n<b>"), "`@root #1\\n<b>`");
        assert_eq!(code(" "), "(empty)");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        assert_eq!(
            fenced("x\n````\n# not a heading", "text"),
            "`````text\nx\n````\n# not a heading\n`````\n"
        );
        assert_eq!(fenced("plain\n", ""), "```\nplain\n```\n");
    }

    #[test]
    fn a_title_mentions_nobody() {
        assert_eq!(title("panic: @root broke #12", 100), "panic: @\u{200b}root broke #\u{200b}12");
        assert_eq!(title("abcdef", 4), "abc…");
    }

    #[test]
    fn text_cannot_forge_a_marker() {
        let forged = marker("inc-0");
        assert!(is_marked(&format!("x\n{forged}\n"), "inc-0"));
        assert!(!is_marked(&fenced(&forged, ""), "inc-0"));
    }
}
