//! The example programs: marks are found, and nothing else is.

use crate::wants::{differences, root};

#[test]
fn hazards_are_found_and_their_fixes_are_silent() {
    let mut failures = String::new();
    let mut programs = 0;
    for hazard in folders(&root().join("examples/hazards")) {
        for program in folders(&hazard) {
            programs += 1;
            let wrong = differences(&program, None);
            if !wrong.is_empty() {
                failures.push_str(&format!("{}:\n{wrong}\n", program.display()));
            }
        }
    }
    assert!(programs >= 14, "only {programs} example programs");
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn the_order_service_shows_all_seven_hazards() {
    let wrong = differences(&root().join("examples/orders"), None);
    assert!(wrong.is_empty(), "{wrong}");
}

fn folders(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out: Vec<_> = std::fs::read_dir(dir)
        .expect("the examples are there")
        .map(|e| e.expect("readable").path())
        .filter(|p| p.is_dir())
        .collect();
    out.sort();
    out
}
