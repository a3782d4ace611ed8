//! `//unpanic:ignore RULE reason`: a comment that silences a rule on its line, or on the next line
//! of code when it stands alone. The reason is not optional: whoever reads the code needs it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use diag::{Finding, Problem, ProblemKind};
use source::{FileId, FileSpan, SourceFile, SourceMap, Span};

use crate::selection::nearest;

/// The directive, written like Go's own (`//go:generate`): no space after the slashes.
const DIRECTIVE: &str = "//unpanic:ignore";

/// One well-formed comment.
#[derive(Debug)]
pub struct Suppression {
    /// The comment.
    pub place: FileSpan,
    /// What it names: codes, names or families, in the order written.
    pub rules: Vec<String>,
    /// Why, in the author's words.
    pub reason: String,
    used: AtomicBool,
}

/// All suppressions of a program, by the line that each acts on.
#[derive(Debug, Default)]
pub struct Suppressions {
    by_line: HashMap<(FileId, u32), Vec<Suppression>>,
    problems: Vec<Problem>,
}

impl Suppressions {
    /// Adds the comments of one file. `comments` are the spans of all its comments, in order, as
    /// the parser found them: the text of the directive inside a string literal is not one.
    pub fn add_file(&mut self, id: FileId, file: &SourceFile, comments: &[Span]) {
        for (index, &span) in comments.iter().enumerate() {
            let text = file.slice(span);
            let Some(rest) = text.strip_prefix(DIRECTIVE) else { continue };
            if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
                continue;
            }
            let place = FileSpan { file: id, span };
            match parse(rest, place) {
                Ok(suppression) => {
                    let line = target_line(file, &comments[index..]);
                    self.by_line.entry((id, line)).or_default().push(suppression);
                }
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    /// Whether a comment silences this finding: at its primary place or at any of its accesses.
    pub fn suppresses(&self, finding: &Finding, sources: &SourceMap) -> bool {
        let mut silenced = false;
        let places = finding.accesses.iter().map(|a| a.place);
        for place in std::iter::once(finding.primary).chain(places) {
            let line = sources.file(place.file).line_col(place.span.start).line;
            for suppression in self.by_line.get(&(place.file, line)).into_iter().flatten() {
                if suppression.rules.iter().any(|r| finding.rule.matches(r)) {
                    suppression.used.store(true, Ordering::Relaxed);
                    silenced = true;
                }
            }
        }
        silenced
    }

    /// Comments that have silenced nothing although one of their rules ran.
    pub fn unused(&self, ran: impl Fn(&str) -> bool) -> Vec<Problem> {
        let idle = |s: &&Suppression| {
            let could = |r: &String| rules::matching(r).iter().any(|r| ran(r.meta.code));
            !s.used.load(Ordering::Relaxed) && s.rules.iter().any(could)
        };
        let problem = |s: &Suppression| {
            let rules = s.rules.join(",");
            Problem::warning(
                ProblemKind::Suppression,
                format!("nothing here for {rules} to ignore"),
            )
            .at(s.place)
            .help("delete the comment")
        };
        self.by_line.values().flatten().filter(idle).map(problem).collect()
    }

    /// Takes the problems with malformed comments.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}

fn parse(rest: &str, place: FileSpan) -> Result<Suppression, Problem> {
    let wrong = |message: String| Problem::warning(ProblemKind::Suppression, message).at(place);
    let shape = "write `//unpanic:ignore RULE reason`";
    let mut words = rest.trim().splitn(2, char::is_whitespace);
    let names = words.next().filter(|w| !w.is_empty());
    let names = names.ok_or_else(|| wrong("the comment names no rule".into()).help(shape))?;
    let rules: Vec<String> = names.split(',').map(str::to_owned).collect();
    if let Some(bad) = rules.iter().find(|r| rules::matching(r).is_empty()) {
        let all = rules::all();
        let known: Vec<&str> = all.iter().flat_map(|r| [r.meta.code, r.meta.name]).collect();
        let problem = wrong(format!("there is no rule `{}` to ignore", diag::clean_line(bad)));
        return Err(match nearest(bad, &known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("`unpanic rules` lists them"),
        });
    }
    let reason = words.next().unwrap_or_default().trim().to_owned();
    if reason.is_empty() {
        return Err(wrong(format!("the comment gives no reason to ignore {names}")).help(shape));
    }
    Ok(Suppression { place, rules, reason, used: AtomicBool::new(false) })
}

/// The line that `comments[0]` acts on: its own when code stands before it, else the first line
/// after it that does not start with another comment.
fn target_line(file: &SourceFile, comments: &[Span]) -> u32 {
    let mut line = file.line_col(comments[0].start).line;
    if !starts_line(file, comments[0]) {
        return line;
    }
    for &comment in comments {
        if file.line_col(comment.start).line != line || !starts_line(file, comment) {
            break;
        }
        line = file.line_col(comment.end).line + 1;
    }
    line
}

fn starts_line(file: &SourceFile, comment: Span) -> bool {
    let at = file.line_col(comment.start);
    let start = (comment.start - (at.column - 1)) as usize;
    file.text[start..comment.start as usize].iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> u32 {
        let file = SourceFile::new("a.go", text.as_bytes().to_vec());
        let mut comments = Vec::new();
        let mut from = 0;
        for line in text.split_inclusive('\n') {
            if let Some(at) = line.find("//") {
                let end = from + line.trim_end().len();
                comments.push(Span::new((from + at) as u32, end as u32));
            }
            from += line.len();
        }
        let first = comments.iter().position(|c| file.slice(*c).starts_with(DIRECTIVE)).unwrap();
        target_line(&file, &comments[first..])
    }

    #[test]
    fn acts_on_its_line_or_on_the_next_line_of_code() {
        assert_eq!(target("a\nx = 1 //unpanic:ignore MAP r\n"), 2);
        assert_eq!(target("a\n\t//unpanic:ignore MAP r\nx = 1\n"), 3);
        assert_eq!(
            target("//unpanic:ignore MAP r\n// more\n//unpanic:ignore X r\nx = 1 // c\n"),
            4
        );
    }

    #[test]
    fn a_comment_without_rule_or_reason_is_a_problem() {
        let mut suppressions = Suppressions::default();
        let text = "//unpanic:ignore\n//unpanic:ignore NOPE why\n//unpanic:ignored x\n";
        let file = SourceFile::new("a.go", text.as_bytes().to_vec());
        let sources = SourceMap::new();
        let id = sources.add(SourceFile::new("a.go", text.as_bytes().to_vec()));
        let comments = [Span::new(0, 16), Span::new(17, 42), Span::new(43, 62)];
        suppressions.add_file(id, &file, &comments);
        let messages: Vec<_> =
            suppressions.take_problems().into_iter().map(|p| p.message).collect();
        assert_eq!(messages, ["the comment names no rule", "there is no rule `NOPE` to ignore"]);
    }
}
