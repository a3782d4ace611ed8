//! The hazards in other clothes: renamed, with the goroutine two calls away, split over packages;
//! and the good programs likewise.

use crate::wants::{differences, unpack};

#[test]
fn variants_of_the_hazards() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/variants");
    let mut archives: Vec<_> = std::fs::read_dir(dir)
        .expect("the variants are there")
        .map(|e| e.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == "txtar"))
        .collect();
    archives.sort();
    assert!(archives.len() >= 21, "only {} variants", archives.len());
    let mut failures = String::new();
    for archive in archives {
        let work = tempfile::tempdir().expect("a temporary folder");
        unpack(&std::fs::read_to_string(&archive).expect("readable"), work.path());
        let wrong = differences(work.path(), None);
        if !wrong.is_empty() {
            failures.push_str(&format!("{}:\n{wrong}\n", archive.display()));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
