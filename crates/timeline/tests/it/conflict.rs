//! Who met whom, from a dump with one goroutine and the end of a trace.

use go_crash::{Collector, Parser, Report};
use timeline::testing::conflict;
use timeline::{Bounds, Model, Role, Window, parties, read};

const DUMP: &str = "fatal error: concurrent map writes

goroutine 3 [running]:
internal/runtime/maps.fatal({0x6e0e57?, 0x47d800?})
\t/usr/local/go/src/runtime/panic.go:1195 +0x18
main.(*Hub).Add(...)
\t/src/hub.go:12
main.handle(0x1)
\t/src/main.go:20 +0x65
created by main.main in goroutine 1
\t/src/main.go:2 +0x485
";

fn report(text: &str) -> Report {
    let (mut parser, mut collector) = (Parser::new(), Collector::keeping(1 << 20));
    let mut found = None;
    parser.push(text.as_bytes(), |event| found = collector.event(event).or(found.take()));
    parser.finish(|event| found = collector.event(event).or(found.take()));
    found.unwrap()
}

fn met(report: Option<&Report>) -> Vec<(i64, Role)> {
    let mut model = Model::new();
    let mut window = Window::new(Bounds::Last(10_000_000));
    read(&conflict().torn()[..], &mut model, i64::MAX, &mut window).unwrap();
    window.close(model.first().unwrap(), model.last());
    let found = parties(report, &window, &model.names, window.from);
    found.iter().map(|party| (party.goroutine, party.role)).collect()
}

#[test]
fn the_other_side_of_a_map_conflict_is_named() {
    assert_eq!(met(Some(&report(DUMP))), [(3, Role::Crashed), (4, Role::SameFunction)]);
}

#[test]
fn without_a_dump_those_that_ran_at_the_end() {
    let mut found = met(None);
    found.sort_unstable();
    assert_eq!(found, [(3, Role::Running), (4, Role::Running)]);
}

#[test]
fn a_goroutine_that_the_trace_does_not_have() {
    let report = report(&DUMP.replace("goroutine 3", "goroutine 99"));
    let found = met(Some(&report));
    assert_eq!(found[0], (99, Role::Crashed));
    assert!(found.contains(&(4, Role::SameFunction)) && found.contains(&(3, Role::SameFunction)));
}
