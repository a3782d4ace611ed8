//! Traps change nothing: every shape of access builds and does what it did.

use std::path::Path;
use std::process::Command;

use prover::{Plan, Prover};

use crate::{options, prepare, toolchain};

#[test]
fn a_program_with_traps_prints_what_it_did() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/shapes");
    let toolchain = toolchain(&dir);
    let plain = Command::new(&toolchain.go).args(["run", "."]).current_dir(&dir).output().unwrap();
    assert!(plain.status.success(), "{}", String::from_utf8_lossy(&plain.stderr));

    let prepared = prepare(&dir, &[], true);
    let told: Vec<String> =
        prepared.skips.iter().map(|s| format!("{}: {}", s.line, s.reason)).collect();
    let (sites, skips) = (prepared.sites.len(), told.join("\n"));
    let options = options(1, Plan::learning(300));
    let mut prover = Prover::new(toolchain, &dir, prepared, 0, options).unwrap();
    let (_, logs) = prover.run(&mut |_| {}).unwrap();
    let [log] = &logs[..] else { panic!("{} jobs", logs.len()) };
    assert_eq!(log.tail, String::from_utf8_lossy(&plain.stdout), "{skips}");
    assert_eq!(log.code, 0);
    // Nearly all of them have a trap, and what has none is known.
    assert!(sites > 100, "{sites} sites");
    insta::assert_snapshot!(skips);
}
