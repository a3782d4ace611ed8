//! Findings and problems to be written down and read back as they were, spans and all, so that
//! another process renders the same bytes from them. [`crate::FindingRecord`] is what people and
//! other tools read: its places are lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use base::Id;
use serde::{Deserialize, Serialize};
use source::{FileId, FileSpan, SourceMap};

use crate::{
    Access, Confidence, Finding, Fix, Note, Problem, ProblemPlace, RuleMeta, Severity, Status,
};

/// Findings and problems with the names of the files that their places are in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Archive {
    /// A place of file number `n` is in the `n`th of these.
    files: Vec<PathBuf>,
    findings: Vec<ArchivedFinding>,
    problems: Vec<Problem>,
}

/// A [`Finding`], the rule by its code.
#[derive(Debug, Serialize, Deserialize)]
struct ArchivedFinding {
    rule: String,
    severity: Severity,
    confidence: Confidence,
    message: String,
    variable: String,
    primary: FileSpan,
    accesses: Vec<Access>,
    notes: Vec<Note>,
    fix: Option<Fix>,
    status: Status,
    package: String,
    fingerprint: String,
}

impl Archive {
    /// Copies findings and problems whose places are in `sources`. Gives the ids of the files too, by
    /// number.
    pub fn new(
        findings: &[Finding],
        problems: &[Problem],
        sources: &SourceMap,
    ) -> (Self, Vec<FileId>) {
        let (mut findings, mut problems) = (findings.to_vec(), problems.to_vec());
        let mut files = Vec::new();
        let mut numbers: HashMap<FileId, FileId> = HashMap::new();
        let mut renumber = |file: &mut FileId| {
            *file = *numbers.entry(*file).or_insert_with(|| {
                files.push(*file);
                FileId::from_index(files.len() - 1)
            });
        };
        for finding in &mut findings {
            visit_files(finding, &mut renumber);
        }
        for problem in &mut problems {
            if let Some(ProblemPlace::Span(place)) = &mut problem.place {
                renumber(&mut place.file);
            }
        }
        let findings = findings.into_iter().map(ArchivedFinding::new).collect();
        let paths = files.iter().map(|&file| sources.path(file).to_owned()).collect();
        (Self { files: paths, findings, problems }, files)
    }

    /// The files, by number.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// The findings and problems, with places in a [`SourceMap`] to which [`Self::files`] were added
    /// in order. `None` when `rule` does not know a code, or a place is in none of the files.
    pub fn open(
        self,
        rule: impl Fn(&str) -> Option<&'static RuleMeta>,
    ) -> Option<(Vec<Finding>, Vec<Problem>)> {
        let mut findings: Vec<Finding> =
            self.findings.into_iter().map(|f| f.open(&rule)).collect::<Option<_>>()?;
        let mut is_known = true;
        let mut check = |file: &mut FileId| is_known &= file.index() < self.files.len();
        for finding in &mut findings {
            visit_files(finding, &mut check);
        }
        for problem in &self.problems {
            if let Some(ProblemPlace::Span(mut place)) = problem.place {
                check(&mut place.file);
            }
        }
        is_known.then_some((findings, self.problems))
    }
}

/// Calls `visit` with the file of every place.
fn visit_files(finding: &mut Finding, visit: &mut impl FnMut(&mut FileId)) {
    visit(&mut finding.primary.file);
    for access in &mut finding.accesses {
        visit(&mut access.place.file);
        if let Some(start) = &mut access.goroutine.start {
            visit(&mut start.file);
        }
        access.path.iter_mut().for_each(|frame| visit(&mut frame.place.file));
    }
    for place in finding.notes.iter_mut().filter_map(|n| n.place.as_mut()) {
        visit(&mut place.file);
    }
    for edit in finding.fix.iter_mut().flat_map(|f| &mut f.edits) {
        visit(&mut edit.file);
    }
}

impl ArchivedFinding {
    fn new(finding: Finding) -> Self {
        // Taken apart, so that a new field is not forgotten.
        let Finding {
            rule,
            severity,
            confidence,
            message,
            variable,
            primary,
            accesses,
            notes,
            fix,
            status,
            package,
            fingerprint,
        } = finding;
        Self {
            rule: rule.code.to_owned(),
            severity,
            confidence,
            message,
            variable,
            primary,
            accesses,
            notes,
            fix,
            status,
            package,
            fingerprint,
        }
    }

    fn open(self, rule: impl Fn(&str) -> Option<&'static RuleMeta>) -> Option<Finding> {
        Some(Finding {
            rule: rule(&self.rule)?,
            severity: self.severity,
            confidence: self.confidence,
            message: self.message,
            variable: self.variable,
            primary: self.primary,
            accesses: self.accesses,
            notes: self.notes,
            fix: self.fix,
            status: self.status,
            package: self.package,
            fingerprint: self.fingerprint,
        })
    }
}
