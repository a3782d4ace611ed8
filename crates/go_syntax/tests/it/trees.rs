//! Trees and errors of small files. The `.dump` files were written by go/parser
//! (`oracle/syntax -dump FILE`), the error snapshots by this parser.

use std::fmt::Write as _;
use std::path::Path;

use go_syntax::dump::dump;

use crate::parse;

fn data(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn trees_equal_those_of_go_parser() {
    for name in ["declarations", "statements"] {
        let file = parse(data(&format!("valid/{name}.go")).as_bytes());
        assert_eq!(file.errors, [], "{name}");
        let (ours, theirs) = (dump(&file), data(&format!("valid/{name}.dump")));
        for (line, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
            assert_eq!(ours, theirs, "line {} of the dump of {name}", line + 1);
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
    }
}

#[test]
fn errors_say_what_was_expected_and_found() {
    let cases = data("errors.txt");
    let mut report = String::new();
    for case in cases.split("\n-- ") {
        let (name, text) = case.split_once(" --\n").unwrap_or((case.trim_end_matches(" --"), ""));
        let name = name.trim_start_matches("-- ");
        writeln!(report, "{name}").expect("a String takes everything");
        let file = parse(text.as_bytes());
        assert!(!file.errors.is_empty(), "{name} has an error");
        for e in &file.errors {
            let before = &text[..e.pos as usize];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |n| n + 1) + 1;
            writeln!(report, "  {line}:{column}: {}", e.message)
                .expect("a String takes everything");
        }
    }
    insta::assert_snapshot!(report);
}
