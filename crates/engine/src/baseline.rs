//! Baselines: a committed list of the findings that a team already knows, so that only new ones
//! fail a build. The file is made to be read and merged: sorted, one finding a line.

use std::collections::BTreeMap;
use std::path::Path;

use diag::FindingRecord;
use serde::{Deserialize, Serialize};
use source::System;

const HEADER: &str = "# Findings that `unpanic check` does not report again. Written by \
--write-baseline;\n# lines may be deleted by hand. Each is: fingerprint rule file message\n";

/// Known findings, by fingerprint.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Baseline {
    known: BTreeMap<String, String>,
}

/// Why a baseline file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It could not be read.
    #[error("baseline {0}")]
    Read(#[from] source::SystemError),
    /// A line is not a baseline entry.
    #[error(
        "baseline {path}:{line}: expected a fingerprint that starts with `u1-`, found `{found}`"
    )]
    Entry {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The first word of the line.
        found: String,
    },
}

impl Baseline {
    /// Reads a baseline file, or the JSON Lines of an earlier run.
    pub fn read(system: &dyn System, path: &Path) -> Result<Self, BaselineError> {
        let bytes = system.read(path)?;
        Self::parse(&String::from_utf8_lossy(&bytes), &path.display().to_string())
    }

    /// Parses the text of a baseline; `path` is for messages.
    pub fn parse(text: &str, path: &str) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct JsonEntry {
            fingerprint: String,
        }
        let mut known = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (fingerprint, rest) = match serde_json::from_str::<JsonEntry>(line) {
                Ok(entry) => (entry.fingerprint, String::new()),
                Err(_) => {
                    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
                    (first.to_owned(), rest.to_owned())
                }
            };
            if !fingerprint.starts_with("u1-") {
                return Err(BaselineError::Entry {
                    path: path.to_owned(),
                    line: index + 1,
                    found: diag::clean_line(&fingerprint).chars().take(60).collect(),
                });
            }
            known.insert(fingerprint, rest);
        }
        Ok(Self { known })
    }

    /// The text of a baseline that knows exactly these findings.
    pub fn write(findings: &[FindingRecord]) -> String {
        let mut lines: Vec<String> = findings
            .iter()
            .map(|f| {
                let message = diag::clean_line(&f.message);
                format!("{} {} {} {message}\n", f.fingerprint, f.rule, f.primary.file)
            })
            .collect();
        lines.sort();
        HEADER.to_owned() + &lines.concat()
    }

    /// Whether a finding is known.
    pub fn contains(&self, fingerprint: &str) -> bool {
        self.known.contains_key(fingerprint)
    }

    /// The entries that none of these fingerprints uses: findings that are gone.
    pub fn stale<'a>(&'a self, fingerprints: &[String]) -> Vec<&'a str> {
        let gone = |key: &&String| !fingerprints.contains(key);
        self.known.keys().filter(gone).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_lines_and_json_lines() {
        let text =
            "# comment\nu1-ab MAP001 a.go message\n\n{\"fingerprint\":\"u1-cd\",\"rule\":\"X\"}\n";
        let baseline = Baseline::parse(text, "b").unwrap();
        assert!(baseline.contains("u1-ab") && baseline.contains("u1-cd"));
        assert_eq!(baseline.stale(&["u1-cd".to_owned()]), ["u1-ab"]);
    }

    #[test]
    fn a_line_that_is_no_entry_is_named() {
        let error = Baseline::parse("u1-ab\nnonsense here\n", "b.txt").unwrap_err();
        assert_eq!(
            error.to_string(),
            "baseline b.txt:2: expected a fingerprint that starts with `u1-`, found `nonsense`"
        );
    }
}
