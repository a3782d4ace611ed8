//! Slices, in order and without gaps; summary of what is known by construction.

use proptest::prelude::*;
use timeline::testing::{Writer, conflict};
use timeline::{Both, Bounds, Filter, Model, Pattern, State, Summary, Window, read};

const MS: i64 = 1_000_000;

fn seen(bytes: &[u8]) -> (Model, Summary, Window) {
    let mut model = Model::new();
    let mut sink = Both(Summary::default(), Window::new(Bounds::All));
    let end = read(bytes, &mut model, i64::MAX, &mut sink).unwrap();
    assert!(end.error.is_none(), "{:?}", end.error);
    let Both(summary, mut window) = sink;
    window.close(model.first().unwrap(), model.last());
    (model, summary, window)
}

#[test]
fn slices_of_a_goroutine_follow_each_other() {
    let (model, _, window) = seen(&conflict().finish());
    assert_eq!(model.generations(), 3);
    for &id in window.goroutines.keys() {
        let slices = window.of(id);
        assert!(!slices.is_empty(), "goroutine {id}");
        for pair in slices.windows(2) {
            assert_eq!(pair[0].end, pair[1].start, "goroutine {id}");
        }
        let last = slices.last().unwrap();
        assert!(last.open && last.end == model.last());
    }
    let idle: Vec<_> = window.of(5).iter().map(|s| (s.state, s.start / MS, s.by)).collect();
    let (runnable, running, waiting) = (State::Runnable, State::Running, State::Waiting);
    assert_eq!(idle, [(runnable, 1, 1), (running, 3, -1), (waiting, 4, -1)]);
    let wait = window.of(5)[2];
    assert_eq!(model.names.text(wait.reason), "chan receive");
    let frame = model.names.stack(wait.stack).next().unwrap();
    assert_eq!((model.names.text(frame.function), frame.line), ("main.idle", 40));
    assert_eq!(model.names.text(window.goroutines[&4].function), "main.handle");
    assert_eq!((window.goroutines[&4].parent, window.goroutines[&4].created), (1, Some(1_002_000)));
}

#[test]
fn running_ends_with_its_stack_and_reason() {
    let (model, _, window) = seen(&conflict().finish());
    let ran = window.of(3).iter().find(|s| s.state == State::Running).unwrap();
    assert_eq!((ran.start, ran.end, ran.proc), (5 * MS, 12 * MS, 0));
    assert_eq!(model.names.text(ran.reason), "preempted");
    let frame = model.names.stack(ran.stack).next().unwrap();
    assert_eq!(model.names.text(frame.function), "main.(*Hub).Add");
}

#[test]
fn the_summary_counts() {
    let (model, summary, window) = seen(&conflict().finish());
    let function = |name: &str| {
        let found = summary.functions.iter().find(|(id, _)| model.names.text(**id) == name);
        *found.unwrap().1
    };
    assert_eq!((function("main.handle").count, function("main.handle").alive), (2, 2));
    assert_eq!((function("main.idle").count, summary.goroutines, summary.most_alive), (1, 5, 5));
    assert_eq!(function("main.idle").time[State::Running as usize], MS);
    let total = |state: State| -> i64 {
        window.slices.iter().filter(|s| s.state == state).map(|s| s.end - s.start).sum()
    };
    for state in State::ALL {
        let counted: i64 = summary.functions.values().map(|f| f.time[state as usize]).sum();
        assert_eq!(counted, total(state), "{state:?}");
    }
    let blocked: i64 = summary.blocks.values().map(|b| b.spans.total).sum();
    assert_eq!(blocked, total(State::Waiting));
    let running: i64 = summary.procs.values().map(|p| p.running).sum();
    assert_eq!(running, total(State::Running));
    assert_eq!((summary.regions.len(), summary.logs, summary.ranges.len()), (2, 2, 1));
    assert_eq!(summary.latency.count(), 7);
}

#[test]
fn tasks_and_system_calls() {
    let mut w = Writer::new(1, 1000);
    let stack = w.stack(&[
        ("syscall.read", "/go/syscall.go", 1),
        ("os.(*File).Read", "/go/os.go", 2),
        ("main.main", "/src/main.go", 3),
    ]);
    w.task(2000, 0, 7, "order", true);
    w.syscall(3000, 5000, 0, stack);
    w.generation(6000);
    w.task(9000, 0, 7, "order", false);
    w.task(9500, 0, 8, "never ends", true);
    let (model, summary, window) = seen(&w.finish());
    let name = |id| model.names.text(id);
    let (caller, calls) = summary.syscalls.iter().next().unwrap();
    assert_eq!((name(*caller), calls.spans.total), ("os.(*File).Read", 2000));
    let mut tasks: Vec<_> = summary.tasks.iter().map(|(id, s)| (name(*id), s.total)).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [("never ends", 1), ("order", 7000)]);
    let states: Vec<_> = window.of(1).iter().map(|s| s.state).collect();
    assert_eq!(states, [State::Running, State::Syscall, State::Running]);
}

#[test]
fn filters_by_function_and_region() {
    let filtered = |function: Option<&str>, region: Option<&str>| {
        let mut model = Model::within_region(region);
        let window = Window::new(Bounds::All);
        let mut sink = Filter::new(window, function.map(Pattern::new), region.is_some());
        let bytes = conflict().finish();
        read(&bytes[..], &mut model, i64::MAX, &mut sink).unwrap();
        sink.sink.close(model.first().unwrap(), model.last());
        let mut ids: Vec<i64> = sink.sink.slices.iter().map(|s| s.goroutine).collect();
        ids.dedup();
        (ids, sink.sink.slices)
    };
    assert_eq!(filtered(Some("main.handle"), None).0, [3, 4]);
    assert_eq!(filtered(Some("WaitGroup"), None).0, [1]);
    assert!(filtered(Some("nowhere"), None).0.is_empty());
    let (ids, slices) = filtered(None, Some("parse"));
    assert_eq!(ids, [4]);
    assert_eq!(slices.iter().map(|s| s.end - s.start).collect::<Vec<_>>(), [3 * MS, 3 * MS]);
}

#[test]
fn goroutines_that_a_filter_drops_are_forgotten() {
    let mut w = Writer::new(1, 1000);
    w.stop(1500, 0, "", 0);
    for i in 0..1000u64 {
        w.start(2000 + i * 100, 0, 1);
        w.create(2010 + i * 100, 0, 10 + i, if i % 500 == 0 { "main.kept" } else { "main.other" });
        w.stop(2020 + i * 100, 0, "", 0);
        w.start(2030 + i * 100, 0, 10 + i);
        w.destroy(2040 + i * 100, 0);
    }
    let mut model = Model::new();
    let both = Both(Summary::default(), Window::new(Bounds::All));
    let mut sink = Filter::new(both, Some(Pattern::new("main.kept")), false);
    read(&w.finish()[..], &mut model, i64::MAX, &mut sink).unwrap();
    let Both(summary, window) = sink.sink;
    assert_eq!(summary.functions.values().map(|f| f.count).sum::<u64>(), 2);
    assert_eq!(summary.most_alive, 2);
    // The one that started them is alive, and nothing is known of what it did.
    assert_eq!(window.goroutines.keys().copied().collect::<Vec<_>>(), [1, 10, 510]);
}

#[test]
fn a_torn_trace_is_saved() {
    let mut model = Model::new();
    let mut window = Window::new(Bounds::All);
    let bytes = conflict().torn();
    let end = read(&bytes[..], &mut model, i64::MAX, &mut window).unwrap();
    assert!(end.error.is_none());
    // Regions whose names were lost with the tables are all that is missing.
    assert!(end.salvage.is_some_and(|s| s.dropped <= 4), "{:?}", end.salvage);
    assert!(model.last() > 29 * MS, "{}", model.last());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes: no panic, and what is kept stays in order.
    #[test]
    fn hostile_bytes(at in 16usize..2000, flips in proptest::collection::vec((16usize..2000, any::<u8>()), 0..4)) {
        let mut bytes = conflict().finish();
        let len = bytes.len();
        for (place, value) in flips {
            bytes[16 + (place - 16) % (len - 16)] = value;
        }
        bytes.truncate(len.min(at.max(16)));
        let mut model = Model::within_region(Some("parse"));
        let mut sink = Both(Summary::default(), Window::new(Bounds::Last(MS)));
        if read(&bytes[..], &mut model, i64::MAX, &mut sink).is_ok() {
            sink.1.close(model.first().unwrap_or(0), model.last());
            for pair in sink.1.slices.windows(2) {
                prop_assert!((pair[0].goroutine, pair[0].start) <= (pair[1].goroutine, pair[1].start));
            }
        }
    }
}
