//! What races is proven, and a twin that takes the lock never is.

use std::path::Path;
use std::time::Duration;

use prover::{Plan, Proof, Prover, Verdict, VerdictKind};

use crate::{findings, options, prepare, toolchain};

const RACY: &str = r#"package main

import "sync"

type hub struct {
	mu      sync.Mutex
	clients map[string]int
}

func (h *hub) add(name string) {
	h.clients[name]++
}

func main() {
	h := &hub{clients: map[string]int{}}
	var done sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		done.Add(1)
		go func() {
			defer done.Done()
			h.add(name)
		}()
	}
	done.Wait()
}
"#;

fn run(dir: &Path, findings: &[diag::FindingRecord], runs: u32) -> Vec<Verdict> {
    let prepared = prepare(dir, findings, false);
    let options = options(runs, Plan::steering(300));
    let mut prover = Prover::new(toolchain(dir), dir, prepared, findings.len(), options).unwrap();
    prover.run(&mut |_| {}).unwrap().0
}

fn module(main: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "module example.com/hub\n\ngo 1.22\n").unwrap();
    std::fs::write(dir.path().join("main.go"), main).unwrap();
    dir
}

#[test]
fn one_write_each_is_proven_and_the_guarded_twin_is_not() {
    let racy = module(RACY);
    let found = findings(racy.path());
    assert!(!found.is_empty());
    let verdicts = run(racy.path(), &found, 3);
    assert_eq!(verdicts[0].verdict, VerdictKind::Proven);
    let Some(Proof::Meeting { meeting }) = &verdicts[0].proof else { panic!("{verdicts:?}") };
    assert_ne!(meeting.held.goroutine, meeting.came.goroutine);
    for side in [&meeting.held, &meeting.came] {
        assert_eq!((side.file.as_str(), side.line, side.column), ("main.go", 11, 2));
        assert_eq!(side.type_name, "map[string]int");
        assert_eq!(side.stack[0].function, "main.(*hub).add");
        assert_eq!((side.stack[0].file.as_str(), side.stack[0].line), ("main.go", 11));
        assert_eq!(side.created_by.as_ref().unwrap().function, "main.main");
    }

    // The same places, with the lock taken: what the static analysis would not say.
    let line = "h.clients[name]++";
    let lock = "h.mu.Lock(); defer h.mu.Unlock(); ";
    let guarded = RACY.replace(line, &format!("{lock}{line}"));
    let moved = lock.len() as u32;
    let guarded = module(&guarded);
    let mut found = found;
    for access in &mut found[0].accesses {
        access.column += moved;
    }
    found[0].primary.column += moved;
    found[0].primary.end_column += moved;
    let verdicts = run(guarded.path(), &found[..1], 5);
    assert_eq!(verdicts[0].verdict, VerdictKind::NeverTogether, "{verdicts:?}");
    assert!(verdicts[0].held > 0, "{verdicts:?}");
}

/// The write is ordered by a channel although both goroutines are there at one time.
const ORDERED: &str = r#"package main

func main() {
	m := map[string]int{}
	c := make(chan int)
	go func() {
		m["x"] = 1
		c <- 1
	}()
	m["y"] = <-c
	go func() {
		for k := range m {
			_ = k
			c <- 1
			c <- 1
		}
		close(c)
	}()
	for range c {
		m["x"]++
		if _, ok := <-c; !ok {
			break
		}
	}
}
"#;

#[test]
fn a_value_that_is_waited_for_keeps_the_trap_shut() {
    let dir = module(ORDERED);
    let verdicts = |plan: Plan| {
        let prepared = prepare(dir.path(), &[], true);
        let options = options(5, plan);
        let mut prover =
            Prover::new(toolchain(dir.path()), dir.path(), prepared, 0, options).unwrap();
        prover.run(&mut |_| {}).unwrap();
        prover.meetings().count()
    };
    assert_eq!(verdicts(Plan { near: Duration::from_secs(1), ..Plan::learning(10_000) }), 0);
}

/// A struct is read whole while an element of its array is written.
const PART: &str = r#"package main

type big struct {
	x [17]int32
}

func main() {
	k, m := &big{}, map[big]bool{}
	done := make(chan bool)
	go func() {
		k.x[8] = 1
		done <- true
	}()
	_ = m[*k]
	<-done
}
"#;

#[test]
fn a_part_and_the_whole_are_one_object() {
    let racy = module(PART);
    let found = findings(racy.path());
    let number = found.iter().position(|f| f.rule == "RACE001").unwrap();
    let verdicts = run(racy.path(), &found, 3);
    assert_eq!(verdicts[number].verdict, VerdictKind::Proven, "{verdicts:?}");

    // The same place, but another element: the two are side by side.
    let beside = module(
        &PART
            .replace("_ = m[*k]", "k.x[7] = 0")
            .replace(", map[big]bool{}", ", 0")
            .replace("k, m :=", "k, _ :="),
    );
    let mut found = found[number].clone();
    for access in found.accesses.iter_mut().filter(|a| a.line == 14) {
        (access.column, access.kind) = (2, diag::AccessKind::Write);
    }
    found.primary =
        diag::PlaceRecord { line: 1, column: 1, end_line: 1, end_column: 1, ..found.primary };
    let verdicts = run(beside.path(), &[found], 5);
    assert_eq!(verdicts[0].verdict, VerdictKind::NeverTogether, "{verdicts:?}");
    assert!(verdicts[0].held > 0, "{verdicts:?}");
}
