//! Traps in test suites: where a goroutine is held, and where it would wait for nobody.

use std::path::Path;

use diag::FindingRecord;
use prover::{Plan, Proof, Prover, Verdict, VerdictKind};

use crate::{findings, made, options, prepare, toolchain};

/// The hub of the other tests, whose `Reset` only reads without the lock: a finding names it and the first function
/// that holds it, `Add`.
fn hub() -> String {
    made::HUB.replace("h.clients[name] = 0", "_ = h.clients[name]")
}

fn module(test: &str) -> tempfile::TempDir {
    let dir = made::module(&hub());
    std::fs::write(dir.path().join("hub_test.go"), test).unwrap();
    dir
}

/// The verdict on the one finding, by the module's own tests.
fn verdict(dir: &Path) -> Verdict {
    let found: Vec<FindingRecord> = findings(dir);
    assert_eq!(found.len(), 1, "{found:#?}");
    let prepared = prepare(dir, &found, false);
    let options = options(1, Plan::steering(300));
    let mut prover = Prover::new(toolchain(dir), dir, prepared, 1, options).unwrap();
    prover.run(&mut |_| {}).unwrap().0.remove(0)
}

#[test]
fn nobody_is_held_while_alone() {
    let dir = module(
        r#"package hub

import "testing"

func TestAlone(t *testing.T) {
	h := New("a")
	for range 100 {
		h.Add("b")
		h.Reset("a")
	}
}
"#,
    );
    let told = verdict(dir.path());
    assert_eq!(told.verdict, VerdictKind::NeverTogether, "{told:#?}");
    assert!(told.reached >= 200 && told.held == 0, "{told:#?}");
}

#[test]
fn who_meets_a_finding_from_elsewhere_is_learnt() {
    // Whoever is held at `Reset` waits in vain: the other one was there before, and no finding names `Drop`.
    let dir = module(
        r#"package hub

import (
	"testing"
	"time"
)

func TestDrop(t *testing.T) {
	h := New("a")
	for range 20 {
		dropped := make(chan bool)
		go func() {
			h.Drop("a")
			close(dropped)
		}()
		time.Sleep(5 * time.Millisecond)
		h.Reset("a")
		<-dropped
	}
}
"#,
    );
    let told = verdict(dir.path());
    assert_eq!(told.verdict, VerdictKind::Proven, "{told:#?}");
    let Some(Proof::Meeting { meeting }) = told.proof else { panic!("{told:#?}") };
    let hub = hub();
    let line = |text: &str| hub.lines().position(|l| l.contains(text)).unwrap() as u32 + 1;
    assert_eq!([meeting.held.line, meeting.came.line], [line("delete("), line("_ = h.clients")]);
}
