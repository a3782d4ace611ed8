//! How sure the analysis says it is: one small Go file for each question of `rules::confidence`, named
//! after the answer. Apart from the shapes, which ask only whether something is reported.

use std::fmt::Write;
use std::path::Path;

use diag::Confidence;

use crate::wants::run;
use engine::TestFiles;

#[test]
fn findings_are_as_sure_as_the_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/confidence");
    let mut failures = String::new();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the files are there") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let (expected, _) = name.split_once('_').expect("the name begins with the answer");
        let expected = match expected {
            "high" => Confidence::High,
            "medium" => Confidence::Medium,
            other => panic!("{name}: {other} is no confidence"),
        };
        let dir = tempfile::tempdir().expect("a temporary folder");
        let module = "module confidence.test/case\n\ngo 1.25.0\n";
        std::fs::write(dir.path().join("go.mod"), module).expect("writable");
        std::fs::copy(&path, dir.path().join(&name)).expect("a copy");
        let report = run(dir.path(), TestFiles::Include);
        let told: Vec<Confidence> = report.findings.iter().map(|f| f.confidence).collect();
        if told.is_empty() || told.iter().any(|&c| c != expected) {
            writeln!(failures, "{name}: {told:?}").expect("a String takes any write");
        }
        files += 1;
    }
    assert!(failures.is_empty(), "not as sure as they should be:\n{failures}");
    assert!(files >= 8, "only {files} files");
}
