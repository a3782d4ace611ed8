//! Every rule's page, executed: each Go block of `Bad` is a program whose marks must be found by
//! that rule, each block of `Good` one in which the rule stays silent.

use crate::wants::differences;

/// The Go blocks below a heading of the same level.
fn blocks(page: &str, heading: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut inside = false;
    let mut block: Option<String> = None;
    for line in page.lines() {
        if let Some(text) = &mut block {
            if line == "```" {
                out.extend(block.take());
            } else {
                text.push_str(line);
                text.push('\n');
            }
        } else if let Some(title) = line.strip_prefix("## ") {
            inside = title == heading;
        } else if inside && line == "```go" {
            block = Some(String::new());
        }
    }
    out
}

#[test]
fn pages_do_what_they_say() {
    let mut failures = String::new();
    let (mut bad, mut good) = (0, 0);
    for rule in rules::all() {
        let code = rule.meta.code;
        for (heading, count) in [("Bad", &mut bad), ("Good", &mut good)] {
            let found = blocks(rule.meta.page, heading);
            assert!(!found.is_empty(), "the page of {code} has no Go block under `{heading}`");
            for (i, block) in found.iter().enumerate() {
                *count += 1;
                let dir = tempfile::tempdir().expect("a temporary folder");
                std::fs::write(dir.path().join("go.mod"), "module page.test/page\n\ngo 1.24\n")
                    .expect("writable");
                std::fs::write(dir.path().join("main.go"), block).expect("writable");
                if heading == "Bad" {
                    assert!(block.contains("// want \""), "a bad block of {code} has no mark");
                }
                let wrong = differences(dir.path(), Some(code));
                if !wrong.is_empty() {
                    failures.push_str(&format!("{code} {heading} block {}:\n{wrong}\n", i + 1));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{bad} bad and {good} good blocks:\n{failures}");
}
