//! Tests of the prover at its boundary: Go programs with and without traps.
#![expect(clippy::disallowed_methods, reason = "tests write files and run Go")]

mod made;
mod order;
mod proofs;
mod shapes;
mod suites;

use std::path::{Path, PathBuf};
use std::time::Duration;

use diag::{FindingRecord, Resolver};
use engine::{CheckRequest, NoProgress, RuleSelection, Target};
use prover::{Plan, Prepared, Request, RunOptions, Toolchain};
use source::OsSystem;

/// The Go that `cargo xtask test` names, or the one in the path.
pub fn toolchain(dir: &Path) -> Toolchain {
    let go = std::env::var_os("UNPANIC_GO").map_or_else(|| PathBuf::from("go"), PathBuf::from);
    Toolchain::find(&go, dir).unwrap()
}

/// The findings of the module in a folder.
pub fn findings(dir: &Path) -> Vec<FindingRecord> {
    let request = CheckRequest {
        system: &OsSystem,
        dir: dir.to_owned(),
        patterns: Vec::new(),
        target: Target::default(),
        rules: RuleSelection::new(&[], &[], &[], true).unwrap(),
        min_confidence: diag::Confidence::Medium,
        knowledge: Vec::new(),
        deps: false,
        exclude: Vec::new(),
        baseline: None,
    };
    let report = engine::check(&request, &NoProgress);
    let resolver = Resolver::new(&report.sources, dir);
    report.findings.iter().map(|f| FindingRecord::new(f, &resolver)).collect()
}

/// The module in a folder with traps.
pub fn prepare(dir: &Path, findings: &[FindingRecord], all: bool) -> Prepared {
    prover::prepare(&Request {
        system: &OsSystem,
        dir: dir.to_owned(),
        module: dir.to_owned(),
        target: Target::default(),
        findings,
        all,
        deps: false,
    })
}

/// Runs that nothing special is asked of.
pub fn options(runs: u32, plan: Plan) -> RunOptions {
    RunOptions {
        runs,
        plan,
        test_limit: Duration::from_mins(1),
        program_limit: Duration::from_mins(1),
        race: false,
        generate: false,
        amplify: false,
        tags: Vec::new(),
        command: Vec::new(),
        guard: None,
    }
}
