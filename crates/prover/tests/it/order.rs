//! What is learnt while a program runs: delays that cannot catch anybody stop.

use prover::{Plan, Prover, VerdictKind};

use crate::{findings, options, prepare, toolchain};

/// Two goroutines that always take turns.
const TURNS: &str = r#"package main

func main() {
	m := map[string]int{}
	there, back := make(chan int), make(chan int)
	go func() {
		for range there {
			m["b"]++
			back <- 1
		}
	}()
	for i := 0; i < 3000; i++ {
		m["a"]++
		there <- 1
		<-back
	}
}
"#;

#[test]
fn accesses_that_wait_for_each_other_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "module example.com/turns\n\ngo 1.22\n").unwrap();
    std::fs::write(dir.path().join("main.go"), TURNS).unwrap();
    let prepared = prepare(dir.path(), &[], true);
    // So much budget that it is no reason to stop.
    let plan = Plan { free: std::time::Duration::from_secs(30), ..Plan::learning(300) };
    let mut prover =
        Prover::new(toolchain(dir.path()), dir.path(), prepared, 0, options(1, plan)).unwrap();
    prover.run(&mut |_| {}).unwrap();
    assert_eq!(prover.meetings().count(), 0);
    let (reached, held) = prover.counts();
    assert!(reached >= 6000, "{reached}");
    // Without what is inferred they are held some 170 times before their weights are gone.
    assert!((1..=12).contains(&held), "held {held} times");
}

#[test]
fn a_stretched_window_is_enough_for_the_runtime() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "module example.com/two\n\ngo 1.22\n").unwrap();
    let text = TURNS
        .replace("there <- 1\n\t\t<-back", "_ = there")
        .replace("for range there {", "for i := 0; i < 3000; i++ {")
        .replace("back <- 1", "_ = back")
        .replace("\t\t}\n\t}()", "\t\t}\n\t\tback <- 1\n\t}()")
        .replace("_ = there\n\t}\n}", "_ = there\n\t}\n\t<-back\n}");
    std::fs::write(dir.path().join("main.go"), text).unwrap();
    let found = findings(dir.path());
    assert!(!found.is_empty());
    let prepared = prepare(dir.path(), &found, false);
    let mut options = options(10, Plan::steering(300));
    options.amplify = true;
    let toolchain = toolchain(dir.path());
    let mut prover = Prover::new(toolchain, dir.path(), prepared, found.len(), options).unwrap();
    let (verdicts, _) = prover.run(&mut |_| {}).unwrap();
    assert_eq!(verdicts[0].verdict, VerdictKind::Proven, "{verdicts:?}");
    let by = serde_json::to_value(&verdicts[0].proof).unwrap();
    assert_eq!(by["by"], "fatal-error", "{by}");
    // Nobody is held.
    assert_eq!((verdicts[0].held, verdicts[0].met), (0, 0));
}
