//! From the fixes that findings carry to new file contents. Pure: the binary writes them.

use std::collections::{BTreeMap, BTreeSet};

use diag::{Applicability, Edit, Finding};
use source::{FileId, SourceMap, Span};

/// What to write.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FixPlan {
    /// New file contents, sorted by path.
    pub patches: Vec<FilePatch>,
    /// Indices of the findings that they fix.
    pub fixed: BTreeSet<usize>,
}

/// The new content of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilePatch {
    /// The file.
    pub file: FileId,
    /// Its content with all edits made.
    pub text: Vec<u8>,
}

/// A fix that was left out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FixError {
    /// It touches bytes that an earlier fix changes; running again may apply it.
    #[error("the fix of {rule} overlaps another one and was left out; run again to apply it")]
    Overlap {
        /// The rule's code.
        rule: &'static str,
        /// Where the finding is.
        place: source::FileSpan,
    },
    /// Its edits are not inside the file, or overlap each other: a bug in the rule.
    #[error("bug in unpanic: the fix of {rule} makes no sense")]
    Invalid {
        /// The rule's code.
        rule: &'static str,
        /// Where the finding is.
        place: source::FileSpan,
    },
}

/// Plans all safe fixes of `findings`, in order; a fix is applied whole or not at all.
pub fn plan_fixes(findings: &[Finding], sources: &SourceMap) -> (FixPlan, Vec<FixError>) {
    let mut taken: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    let mut fixed = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let Some(fix) = &finding.fix else { continue };
        if fix.applicability != Applicability::Safe {
            continue;
        }
        let (rule, place) = (finding.rule.code, finding.primary);
        if !makes_sense(&fix.edits, sources) {
            errors.push(FixError::Invalid { rule, place });
            continue;
        }
        // Two findings often ask for the same edit (both accesses of one map): make it once.
        let new: Vec<&Edit> = fix.edits.iter().filter(|e| !is_taken(&taken, e)).collect();
        if new.iter().any(|e| taken.get(&e.file).is_some_and(|t| t.iter().any(|o| clash(e, o)))) {
            errors.push(FixError::Overlap { rule, place });
            continue;
        }
        for edit in new {
            taken.entry(edit.file).or_default().push(edit);
        }
        fixed.insert(index);
    }
    let patch = |(file, edits): (FileId, Vec<&Edit>)| FilePatch {
        file,
        text: apply(&sources.file(file).text, edits),
    };
    let mut patches: Vec<FilePatch> = taken.into_iter().map(patch).collect();
    patches.sort_by(|a, b| sources.path(a.file).cmp(sources.path(b.file)));
    (FixPlan { patches, fixed }, errors)
}

fn is_taken(taken: &BTreeMap<FileId, Vec<&Edit>>, edit: &Edit) -> bool {
    let same = |o: &&Edit| o.span == edit.span && o.text == edit.text;
    taken.get(&edit.file).is_some_and(|t| t.iter().any(same))
}

/// Whether two edits of one file cannot both be made. Two insertions at one place clash too: their
/// order would be arbitrary.
fn clash(a: &Edit, b: &Edit) -> bool {
    let (a, b) = (a.span, b.span);
    a == b || (a.start < b.end && b.start < a.end)
}

fn makes_sense(edits: &[Edit], sources: &SourceMap) -> bool {
    let inside = |e: &Edit| {
        let Span { start, end } = e.span;
        start <= end && end as usize <= sources.file(e.file).text.len()
    };
    let alone =
        |(i, e): (usize, &Edit)| !edits[i + 1..].iter().any(|o| o.file == e.file && clash(e, o));
    !edits.is_empty() && edits.iter().all(inside) && edits.iter().enumerate().all(alone)
}

fn apply(text: &[u8], mut edits: Vec<&Edit>) -> Vec<u8> {
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut from = 0;
    for edit in edits {
        out.extend_from_slice(&text[from..edit.span.start as usize]);
        out.extend_from_slice(edit.text.as_bytes());
        from = edit.span.end as usize;
    }
    out.extend_from_slice(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use diag::{Fix, RuleMeta, Severity, Stability};
    use source::{FileSpan, SourceFile};

    use super::*;

    static META: RuleMeta = RuleMeta {
        code: "TST001",
        name: "test",
        severity: Severity::Error,
        summary: "a test",
        stability: Stability::Stable,
        page: "",
    };

    fn finding(file: FileId, edits: &[(u32, u32, &str)]) -> Finding {
        let at = FileSpan { file, span: Span::at(0) };
        let mut finding = Finding::new(&META, "p", at, "v", "m");
        let edit = |&(start, end, text): &(u32, u32, &str)| Edit {
            file,
            span: Span::new(start, end),
            text: text.to_owned(),
        };
        finding.fix = Some(Fix {
            description: "d".into(),
            applicability: Applicability::Safe,
            edits: edits.iter().map(edit).collect(),
        });
        finding
    }

    #[test]
    fn applies_whole_fixes_and_refuses_overlaps() {
        let sources = SourceMap::new();
        let file = sources.add(SourceFile::new("/a.go", b"0123456789".to_vec()));
        let findings = [
            finding(file, &[(1, 3, "A"), (9, 9, "B")]),
            finding(file, &[(2, 4, "X")]),
            finding(file, &[(9, 9, "B"), (3, 3, "C")]),
            finding(file, &[(5, 99, "X")]),
        ];
        let (plan, errors) = plan_fixes(&findings, &sources);
        assert_eq!(plan.patches.len(), 1);
        assert_eq!(String::from_utf8_lossy(&plan.patches[0].text), "0AC345678B9");
        assert_eq!(plan.fixed, BTreeSet::from([0, 2]));
        assert!(matches!(errors[..], [FixError::Overlap { .. }, FixError::Invalid { .. }]));
    }
}
