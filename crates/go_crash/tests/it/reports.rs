//! What is made of a dump: who died, the groups, the locks, the fingerprint.

use go_crash::{Class, Kind, ReportRecord, Section};

use crate::shared::{dump, reports};

#[test]
fn a_map_conflict() {
    for version in ["1.21", "1.25", "1.27"] {
        let report = &reports(&dump(&format!("map-writes.all.go{version}")))[0];
        assert_eq!((report.head.kind, report.class()), (Kind::FatalError, Class::ConcurrentMap));
        assert_eq!(report.recoverable(), Some(false));
        let functions: Vec<&str> = report.crashed[0].frames().map(|f| f.function).collect();
        assert!(functions.iter().any(|f| f.ends_with(".PutBare")), "{version}: {functions:?}");
        let site = report.site(&report.crashed[0]).unwrap();
        assert!(site.file.ends_with("store/store.go") && site.line == 28, "{version}: {site:?}");
        for group in report.beside() {
            assert!(group.sample.frames().any(|f| f.function == site.function));
        }
    }
}

#[test]
fn fingerprints_survive_versions_of_go_and_tell_crashes_apart() {
    let fingerprint = |name: &str| reports(&dump(name))[0].fingerprint.clone();
    assert_eq!(
        fingerprint("waiting-on-mutex.all.go1.25"),
        fingerprint("waiting-on-mutex.all.go1.27")
    );
    assert_ne!(fingerprint("waiting-on-mutex.all.go1.27"), fingerprint("labels.all.go1.27"));
    assert!(fingerprint("labels.all.go1.27").starts_with("c1-"));
}

#[test]
fn the_holder_of_a_lock() {
    for version in ["1.21", "1.25", "1.27"] {
        let report = &reports(&dump(&format!("waiting-on-mutex.all.go{version}")))[0];
        let lock = &report.locks[0];
        assert_eq!((lock.waiting, &*lock.operation), (5, "sync.(*Mutex).Lock"), "{version}");
        assert!(lock.callers[0].contains(".Put"), "{version}: {:?}", lock.callers);
        let holders: Vec<&str> = lock.holders.iter().map(|h| &*h.function).collect();
        assert!(holders.len() == 1 && holders[0].ends_with(".Each"), "{version}: {holders:?}");
        let group = report.groups.iter().find(|g| g.sample.state() == "sync.Mutex.Lock").unwrap();
        assert_eq!(group.count, 5);
    }
}

#[test]
fn panics_on_panics() {
    for version in ["1.21", "1.25", "1.27"] {
        let report = &reports(&dump(&format!("nested.single.go{version}")))[0];
        assert_eq!((&*report.head.message, &*report.head.chain[0].message), ("first", "second"));
        let report = &reports(&dump(&format!("repanic.single.go{version}")))[0];
        assert!(report.head.recovered && report.recoverable() == Some(true), "{version}");
    }
    let report = &reports(&dump("fatal-in-defer.single.go1.27"))[0];
    assert_eq!(report.head.cause(), (Kind::FatalError, "sync: unlock of unlocked mutex"));
    assert_eq!((report.class(), report.recoverable()), (Class::UnlockOfUnlocked, Some(false)));
}

#[test]
fn labels() {
    let report = &reports(&dump("labels.all.go1.27"))[0];
    let labelled = report.goroutines.iter().find(|g| g.labels.len() == 3).unwrap();
    let path = labelled.labels.iter().find(|(key, _)| key == "path").unwrap();
    assert_eq!(path.1, "/a b:{}\n[running]:");
}

#[test]
fn a_race_report() {
    let found = reports(&dump("race.single.go1.27"));
    let report = found.iter().find(|r| r.head.kind == Kind::Race).unwrap();
    assert_eq!((report.crashed.len(), report.recoverable()), (2, None));
    assert!(report.crashed.iter().all(|s| s.section == Section::Access));
    let record = ReportRecord::new(report);
    let other = record.goroutines.iter().find(|g| g.id != 1).unwrap();
    assert_eq!(other.created_by.as_ref().unwrap().function, "main.race");
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<ReportRecord>(&text).unwrap(), record);
}
