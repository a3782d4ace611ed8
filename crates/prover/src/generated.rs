//! Runs generated tests: with traps, for findings that nothing else proves; and without, to see
//! whether a test that is handed out fails in every run.

use std::path::PathBuf;
use std::time::Duration;

use diag::FindingRecord;

use crate::program::{Job, JobKind};
use crate::proof::Proof;
use crate::run::{BUILD_LIMIT, Prover, RunLog, Started, build_text};
use crate::testgen::{GeneratedTest, listed};
use crate::{ProveError, overlay};

/// So many tests are tried for a finding.
const MAX_TRIES: usize = 3;
/// One begins its last round within 15 seconds. Longer ones do not end: what they call has broken what it works on.
const LIMIT: Duration = Duration::from_secs(30);

/// What became of a test without traps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TestCheck {
    /// How often it was run.
    pub runs: u32,
    /// How often it failed at an access of the finding.
    pub failed: u32,
    /// What it printed when it did anything else, or did not build.
    pub other: String,
}

impl TestCheck {
    /// Whether it failed every time, for the right reason.
    pub fn is_sure(&self) -> bool {
        self.runs > 0 && self.failed == self.runs
    }
}

/// What became of the test that was run for a finding.
pub(crate) struct Generated {
    /// Its place among the finding's.
    pub test: usize,
    /// What it proved.
    pub proof: Option<Proof>,
    /// How often the finding's accesses had been reached before.
    pub reached: u64,
}

impl Prover {
    pub(crate) fn tests(&self, finding: usize) -> &[GeneratedTest] {
        self.prepared.tests.get(finding).and_then(|t| t.as_deref().ok()).unwrap_or_default()
    }

    /// Whether there is a test that could be run in place of what the user has.
    pub(crate) fn can_generate(&self) -> bool {
        let wanted = self.options.generate && self.options.command.is_empty();
        wanted && (0..self.findings).any(|f| !self.tests(f).is_empty())
    }

    /// Runs tests for the findings that nothing of the user's proved: their accesses were not reached, or only
    /// one after the other.
    pub(crate) fn run_generated(
        &mut self,
        tell: &mut dyn FnMut(&str),
        logs: &mut Vec<RunLog>,
    ) -> Result<(), ProveError> {
        if !self.can_generate() {
            return Ok(());
        }
        for finding in 0..self.findings {
            if self.proof(finding).is_some() || !self.is_watched(finding) {
                continue;
            }
            let reached = self.reached(finding);
            let tests = self.tests(finding).to_vec();
            for (index, test) in tests.iter().enumerate().take(MAX_TRIES) {
                tell(&format!("a test that calls {}", listed(&test.calls, "")));
                let Some(binary) = self.build_test(test, true, self.options.race)? else {
                    continue;
                };
                let job =
                    Job { kind: JobKind::Program, name: test.name.clone(), dir: test.dir.clone() };
                let only = format!("-test.run=^{}$", test.name);
                let command = vec![binary.into_os_string(), only.into()];
                let env = vec![(test.child.clone(), "1".into())];
                let started = Started { job, command, dir: test.dir.clone(), env };
                let kept = self.take_proofs();
                let log = self.run_within(&started, 1, LIMIT.min(self.options.program_limit));
                let proof = self.proof(finding).map(|(_, proof)| proof);
                self.put_proofs(kept);
                let log = log?;
                // A fatal error is what it was made for.
                if proof.is_none() {
                    logs.push(log);
                }
                let found = proof.is_some();
                self.generated.insert(finding, Generated { test: index, proof, reached });
                if found {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Builds the package's tests with the test among them; `None` when they do not build.
    fn build_test(
        &self,
        test: &GeneratedTest,
        traps: bool,
        race: bool,
    ) -> Result<Option<PathBuf>, ProveError> {
        self.try_build(test, traps, race).map(Result::ok)
    }

    fn try_build(
        &self,
        test: &GeneratedTest,
        traps: bool,
        race: bool,
    ) -> Result<Result<PathBuf, String>, ProveError> {
        let folder = self.workspace.path();
        let stem = format!("made-{}-{}", test.finding, if traps { "traps" } else { "plain" });
        let base = traps.then_some(self.overlay.as_path());
        let file = (test.dir.join(&test.file), test.text.as_str());
        let overlay = overlay::extend(folder, &stem, base, file)
            .map_err(ProveError::io("the files of the run"))?;
        let binary = folder.join(format!("{stem}.test"));
        let _ = std::fs::remove_file(&binary);
        let job = Job { kind: JobKind::Test, name: test.name.clone(), dir: test.dir.clone() };
        let built = self.go_build(&job, &binary, Some(&overlay), race)?;
        Ok(if built.code == 0 && binary.exists() { Ok(binary) } else { Err(build_text(&built)) })
    }

    /// Runs a test so often, without traps, and counts the runs in which it fails at an access of its
    /// finding.
    pub fn check_test(
        &self,
        test: &GeneratedTest,
        finding: &FindingRecord,
        runs: u32,
    ) -> Result<TestCheck, ProveError> {
        let mut check = TestCheck::default();
        let binary = match self.try_build(test, false, test.needs_race)? {
            Ok(binary) => binary,
            Err(text) => return Ok(TestCheck { other: text, ..check }),
        };
        let places: Vec<String> = finding
            .accesses
            .iter()
            .map(|a| {
                let name = a.file.rsplit('/').next().unwrap_or(&a.file);
                format!("/{name}:{}", a.line)
            })
            .collect();
        for _ in 0..runs {
            let only = format!("-test.run=^{}$", test.name);
            let command = vec![binary.clone().into_os_string(), only.into()];
            let executed =
                self.execute(command, &test.dir, Vec::new(), BUILD_LIMIT, &mut || false)?;
            check.runs += 1;
            let text = executed.tail();
            let at_once = text.contains("goroutines that run at once use one object");
            if executed.code != 0 && at_once && places.iter().any(|place| holds(&text, place)) {
                check.failed += 1;
            } else {
                check.other = build_text(&executed);
                break;
            }
        }
        Ok(check)
    }
}

/// Whether a place stands in a text, and not as the start of a longer number.
fn holds(text: &str, place: &str) -> bool {
    text.match_indices(place)
        .any(|(at, _)| !text[at + place.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn a_place_is_no_part_of_another() {
        assert!(holds("\t/x/hub.go:12 +0x1d\n", "/hub.go:12"));
        assert!(!holds("\t/x/hub.go:123 +0x1d\n", "/hub.go:12"));
    }
}
