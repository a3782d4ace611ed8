//! Forms that the corpus does not print here: other versions, systems and C code. Written after the
//! runtime's source, one form a test.

use go_crash::{Class, Kind, Report};

use crate::shared::reports;

#[track_caller]
fn one(text: &str) -> Report {
    let mut found = reports(text.as_bytes());
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// The frames of a report's goroutines, `function file:line` each.
fn frames(report: &Report) -> Vec<String> {
    let stacks = report.goroutines.iter();
    stacks
        .flat_map(|s| {
            s.frames().map(|f| format!("{} {}:{}", f.function, f.file, f.line)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn before_1_21_the_creator_has_no_goroutine() {
    let report = one(
        "panic: x\n\ngoroutine 6 [running]:\nmain.f(...)\n\t/a/b.go:3\ncreated by main.main\n\t/a/b.go:9 +0x2a\n",
    );
    let by = report.crashed[0].created_by().unwrap();
    assert_eq!((by.function, by.file, by.line, by.goroutine), ("main.main", "/a/b.go", 9, 0));
}

#[test]
fn elided_frames_and_ancestors() {
    let report = one(
        "panic: x\n\ngoroutine 6 [running]:\nmain.f(0x1)\n\t/a/b.go:3 +0x1\n...15 frames elided...\nmain.g(0x2)\n\t/a/b.go:4 +0x1\ncreated by main.main in goroutine 1\n\t/a/b.go:9 +0x2a\n[originating from goroutine 1]:\nmain.main(...)\n\t/a/b.go:9 +0x2a\n...additional frames elided...\n\ngoroutine 7 [select]:\nmain.h()\n\t/a/b.go:5 +0x1\n",
    );
    assert_eq!(
        frames(&report),
        ["main.f /a/b.go:3", "main.g /a/b.go:4", "main.main /a/b.go:9", "main.h /a/b.go:5"]
    );
    let ancestors: Vec<u64> = report.crashed[0].frames().map(|f| f.ancestor).collect();
    assert_eq!(ancestors, [0, 0, 1]);
    assert_eq!(report.crashed[0].created_by().unwrap().function, "main.main");
}

#[test]
fn windows_and_line_ends() {
    let report = one(
        "Exception 0xc0000005 0x0 0x0 0x7ff6\r\nPC=0x7ff6\r\n\r\ngoroutine 1 [running]:\r\nmain.main()\r\n\tC:/Users/a b/app/main.go:12 +0x1d\r\n",
    );
    assert_eq!(report.head.kind, Kind::Signal);
    assert_eq!(frames(&report), ["main.main C:/Users/a b/app/main.go:12"]);
}

#[test]
fn c_code() {
    let report = one(
        "SIGABRT: abort\nPC=0x7f m=0 sigcode=0\nsignal arrived during cgo execution\n\ngoroutine 0 [idle]:\nstd::vector<int, std::allocator<int> >::at\n\t/src/v.cc:7 pc=0x7f01\nnon-Go function\n\tpc=0x7f02\nnon-Go function at pc=0x7f03\nruntime.cgocall(0x1, 0x2)\n\t/go/cgocall.go:157 +0x4b\n\nrax    0x0\nrbx    0x1\n",
    );
    assert_eq!(
        frames(&report),
        [
            "std::vector<int, std::allocator<int> >::at /src/v.cc:7",
            "non-Go function :0",
            "non-Go function at pc=0x7f03 :0",
            "runtime.cgocall /go/cgocall.go:157"
        ]
    );
    assert_eq!(report.head.details[0], "PC=0x7f m=0 sigcode=0");
    assert_eq!(report.recoverable(), Some(false));
}

#[test]
fn tests_that_fail_and_hang() {
    let found = reports(b"=== RUN   TestA\n--- FAIL: TestA (0.00s)\n    a_test.go:5: got 1,\n        want 2\n=== RUN   TestB\npanic: test timed out after 1s\n\trunning tests:\n\t\tTestB (1s)\n\ngoroutine 20 [running]:\ntesting.(*M).startAlarm.func1()\n\t/go/testing.go:2682 +0x345\ncreated by time.goFunc\n\t/go/sleep.go:215 +0x2d\n\ngoroutine 1 [chan receive]:\ntesting.(*T).Run(0xc0)\n\t/go/testing.go:1 +0x1\n\nFAIL\texample.com/a\t1.0s\nFAIL\n");
    let kinds: Vec<Kind> = found.iter().map(|r| r.head.kind).collect();
    assert_eq!(kinds, [Kind::TestFailure, Kind::TestTimeout]);
    assert_eq!(found[0].head.details, ["a_test.go:5: got 1,", "want 2"]);
    assert_eq!(found[1].goroutines.len(), 2);
    assert!(found[1].head.message.contains("TestB (1s)"));
}

#[test]
fn two_containers_that_die_at_once() {
    let (a, b) = (
        "fatal error: concurrent map writes\n\ngoroutine 5 [running]:\nmain.a()\n\t/a.go:1 +0x1\n",
        "panic: b\n\ngoroutine 6 [running]:\nmain.b()\n\t/b.go:2 +0x1\n",
    );
    let mut mixed = String::new();
    for (left, right) in a.lines().zip(b.lines()) {
        mixed += &format!("api-1  | {left}\nworker-1  | {right}\n");
    }
    let found = reports(mixed.as_bytes());
    let seen: Vec<_> = found.iter().map(|r| (r.class(), frames(r))).collect();
    assert_eq!(
        seen,
        [
            (Class::ConcurrentMap, vec!["main.a /a.go:1".to_owned()]),
            (Class::Custom, vec!["main.b /b.go:2".to_owned()])
        ]
    );
}

#[test]
fn a_service_that_is_restarted_and_dies_again() {
    let dump = "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\nexit status 2\n";
    let found = reports(format!("starting\n{dump}starting\n{dump}").as_bytes());
    assert_eq!((found.len(), &found[0].fingerprint), (2, &found[1].fingerprint));
}

#[test]
fn the_second_thread_of_a_map_conflict() {
    let report = one(
        "fatal error: concurrent map writes\nfatal error: concurrent map writes\n\ngoroutine 5 [running]:\nmain.a()\n\t/a.go:1 +0x1\n\ngoroutine 7 [sleep]:\nmain.c()\n\t/a.go:3 +0x1\n\ngoroutine 6 [running]:\nmain.b()\n\t/a.go:2 +0x1\nexit status 2\n",
    );
    let ids: Vec<u64> = report.crashed.iter().map(|s| s.id).collect();
    assert_eq!((ids, report.groups.len()), (vec![5, 6], 1));
}
