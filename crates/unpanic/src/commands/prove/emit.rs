//! `--emit-test`: a test for a finding, handed out only when it failed in each of a few runs.

use std::path::Path;

use anyhow::Context as _;
use diag::FindingRecord;
use prover::{GeneratedTest, Prover, TEST_HEADER};
use serde::Serialize;

use crate::fixes;

/// Runs that a test has to fail in before it is handed out.
const RUNS: u32 = 3;

/// What became of the test for a finding.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Emitted {
    /// The file, relative to the working directory.
    pub file: Option<String>,
    /// The test function.
    pub name: Option<String>,
    /// Whether the file was written.
    pub written: bool,
    /// Whether it takes the race detector.
    pub needs_race: bool,
    /// In how many runs it failed at the finding's accesses.
    pub failed: u32,
    /// Of how many.
    pub of: u32,
    /// What it takes for granted.
    pub assumed: Vec<String>,
    /// Why there is no test.
    pub reason: Option<String>,
    /// Its text, where it was to be printed.
    pub text: Option<String>,
}

/// Makes, tries and writes the test for a finding.
pub fn emit(
    prover: &Prover,
    number: usize,
    finding: &FindingRecord,
    base: &Path,
    write: bool,
) -> anyhow::Result<Emitted> {
    let refused = |reason: String| Ok(Emitted { reason: Some(reason), ..Emitted::default() });
    let tests = match prover.prepared().tests.get(number) {
        Some(Ok(tests)) => tests,
        Some(Err(reason)) => return refused(reason.clone()),
        None => return refused("the finding is not of this program".to_owned()),
    };
    let mut reason = String::new();
    for test in tests {
        let check = prover.check_test(test, finding, RUNS)?;
        if !check.is_sure() {
            if reason.is_empty() {
                reason = format!(
                    "a test that calls {} failed in {} of {RUNS} runs: {}",
                    prover::listed(&test.calls, ""),
                    check.failed,
                    last_line(&check.other)
                );
            }
            continue;
        }
        let path = test.dir.join(&test.file);
        if write {
            if let Err(why) = may_write(&path) {
                return refused(why);
            }
            fixes::write_file(&path, test.text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        return Ok(emitted(test, &path, base, write, check.failed, check.runs));
    }
    refused(reason)
}

fn emitted(
    test: &GeneratedTest,
    path: &Path,
    base: &Path,
    written: bool,
    failed: u32,
    of: u32,
) -> Emitted {
    Emitted {
        file: Some(diag::relative_path(path, base).display().to_string()),
        name: Some(test.name.clone()),
        written,
        needs_race: test.needs_race,
        failed,
        of,
        assumed: test.assumed.clone(),
        reason: None,
        text: (!written).then(|| test.text.clone()),
    }
}

/// A file of the same name is only replaced when it came from here.
fn may_write(path: &Path) -> Result<(), String> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.starts_with(TEST_HEADER) => {
            Err(format!("{} is there and was not written by unpanic", path.display()))
        }
        _ => Ok(()),
    }
}

/// The last line that says something.
fn last_line(text: &str) -> &str {
    let says = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !["FAIL", "PASS"].contains(&line) && !line.starts_with("--- ")
    };
    text.lines().rev().find(says).unwrap_or("nothing happened").trim()
}
