//! What comments say to tools: build constraints, `//go:` directives, the mark of generated files,
//! and the doc comment of a declaration. Separate from the parser, which only keeps their places.

mod constraint;

use std::ops::Range;

use source::Span;

pub use constraint::{Constraint, file_constraint};

use crate::ast::File;

/// A comment of the form `//go:name arguments`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Directive<'t> {
    /// What follows `//go:` up to a blank: `embed`, `linkname`, `build`, …
    pub name: &'t str,
    /// The rest, without blanks around it.
    pub args: &'t str,
    /// The whole comment.
    pub span: Span,
}

impl<'t> Directive<'t> {
    /// The local name and, if given, the symbol of a `//go:linkname local [symbol]`.
    pub fn linkname(&self) -> Option<(&'t str, Option<&'t str>)> {
        if self.name != "linkname" {
            return None;
        }
        let mut words = self.args.split_ascii_whitespace();
        Some((words.next()?, words.next()))
    }

    /// The patterns of a `//go:embed`: words, or Go strings in double or back quotes. A quote that
    /// is not closed takes the rest.
    pub fn embed_patterns(&self) -> Vec<String> {
        let mut patterns = Vec::new();
        if self.name != "embed" {
            return patterns;
        }
        let mut rest = self.args.trim_start();
        while let Some(first) = rest.chars().next() {
            let len = match first {
                '`' => rest[1..].find('`').map_or(rest.len(), |n| n + 2),
                '"' => quoted_len(rest.as_bytes()),
                _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(len);
            match first {
                '`' | '"' => {
                    patterns.extend(crate::literal::string_text(word.as_bytes()).map(Into::into));
                }
                _ => patterns.push(word.to_owned()),
            }
            rest = after.trim_start();
        }
        patterns
    }
}

/// The `//go:` directives of a file in source order. `text` is what the file was parsed from.
pub fn directives<'t>(file: &File, text: &'t [u8]) -> impl Iterator<Item = Directive<'t>> {
    file.comments.iter().filter_map(move |&span| {
        let comment = text.get(span.range())?.strip_prefix(b"//go:")?;
        let comment = std::str::from_utf8(comment).ok()?;
        let (name, args) = comment.split_once([' ', '\t']).unwrap_or((comment, ""));
        (!name.is_empty()).then_some(Directive { name, args: args.trim(), span })
    })
}

/// Whether a comment before the package clause marks the file as generated: a whole line
/// `// Code generated … DO NOT EDIT.`
pub fn is_generated(file: &File, text: &[u8]) -> bool {
    file.comments.iter().take_while(|c| c.start < file.package_pos).any(|&c| {
        let Some(comment) = text.get(c.range()) else { return false };
        comment.split(|&b| b == b'\n').any(|line| {
            line.strip_prefix(b"// Code generated ")
                .is_some_and(|rest| rest.ends_with(b" DO NOT EDIT."))
        })
    })
}

/// The comments, as indices into [`File::comments`], that document what starts at `pos`: the group
/// that ends on the line before it, with nothing else on its lines. Empty if there is none.
pub fn doc_comment(file: &File, text: &[u8], pos: u32) -> Range<usize> {
    let end = file.comments.partition_point(|c| c.start < pos);
    let mut first = end;
    let mut below = pos;
    while first > 0 {
        let comment = file.comments[first - 1];
        let Some(gap) = text.get(comment.end as usize..below as usize) else { break };
        let newlines = memchr::memchr_iter(b'\n', gap).count();
        // The last comment ends on the line before; comments of a group touch or share a line.
        let adjacent = if first == end { newlines == 1 } else { newlines <= 1 };
        if !adjacent || !gap.iter().all(u8::is_ascii_whitespace) {
            break;
        }
        let line = memchr::memrchr(b'\n', &text[..comment.start as usize]).map_or(0, |n| n + 1);
        let before = &text[line..comment.start as usize];
        let after_comment = first > 1 && file.comments[first - 2].end as usize > line;
        if !after_comment && !before.iter().all(u8::is_ascii_whitespace) {
            break;
        }
        first -= 1;
        below = comment.start;
    }
    first..end
}

/// The length of a string in double quotes at the start of `text`.
fn quoted_len(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&b) = text.get(at) {
        match b {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseMode, parse};

    fn parsed(text: &str) -> File {
        parse(text.as_bytes(), &mut base::LocalInterner::default(), ParseMode::Full)
    }

    #[test]
    fn directives_have_names_and_arguments() {
        let text = "package p\n\n//go:embed a.txt \"b c\" `d`\n//go:embed \"x\nvar x string\n\n//go:linkname f runtime.f\n//go:nosplit\nfunc f()\n";
        let file = parsed(text);
        let all: Vec<_> = directives(&file, text.as_bytes()).collect();
        let names: Vec<_> = all.iter().map(|d| d.name).collect();
        assert_eq!(names, ["embed", "embed", "linkname", "nosplit"]);
        assert_eq!(all[0].embed_patterns(), ["a.txt", "b c", "d"]);
        assert_eq!(all[1].embed_patterns(), ["x"]);
        assert_eq!(all[2].linkname(), Some(("f", Some("runtime.f"))));
    }

    #[test]
    fn generated_files_are_marked_before_the_package_clause() {
        let mark = "// Code generated by stringer. DO NOT EDIT.\n";
        for (text, generated) in [
            (format!("{mark}package p\n"), true),
            (format!("// Copyright\n\n{mark}\npackage p\n"), true),
            (format!("package p\n{mark}"), false),
            ("// Code generated by hand.\npackage p\n".to_owned(), false),
            (format!("// {mark}package p\n"), false),
        ] {
            assert_eq!(is_generated(&parsed(&text), text.as_bytes()), generated, "{text}");
        }
    }

    #[test]
    fn the_doc_comment_touches_its_declaration() {
        let text = "package p // not doc\n// A.\n/* B. */ // C.\nvar a int // trailing\nvar b int\n\n// D.\n\nvar c int\n";
        let file = parsed(text);
        let docs: Vec<Vec<&str>> = file
            .decls
            .iter()
            .map(|&d| {
                let range = doc_comment(&file, text.as_bytes(), file.all_decls[d].span.start);
                file.comments[range].iter().map(|c| &text[c.range()]).collect()
            })
            .collect();
        assert_eq!(docs, [vec!["// A.", "/* B. */", "// C."], vec![], vec![]]);
    }
}
