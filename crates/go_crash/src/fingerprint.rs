//! The identity of a crash across runs, hosts and builds: tickets and counters match by it. Two
//! crashes are one if they are of one kind, say the same in their first line (numbers, addresses and quoted values
//! aside) and happen in the same functions. No lines, files, ids or addresses, so that it survives an edit
//! elsewhere in the file.

use std::fmt::Write as _;

use crate::goroutine::{Goroutine, Section};
use crate::head::Head;

/// The recipe's version, the prefix of every fingerprint: `c1-`.
pub const FINGERPRINT_VERSION: u32 = 1;
/// So many innermost functions count. Deeper ones differ with who called.
const FUNCTIONS: usize = 8;

/// `stacks`: those that died, or both accesses of a race.
pub(crate) fn fingerprint(head: &Head, stacks: &[Goroutine]) -> String {
    let (kind, message) = head.cause();
    // Further lines may be another goroutine's log lines (up to Go 1.22 nothing tells them apart).
    let first = message.lines().next().unwrap_or("");
    let mut recipe = format!("{}\u{1e}{}", kind.as_str(), skeleton(first));
    let race = stacks.iter().any(|s| s.section == Section::Access);
    // Of a crash the first stack: whether a second thread got to tell its own is chance.
    let mut told: Vec<String> =
        stacks.iter().take(if race { 2 } else { 1 }).map(functions).collect();
    // Which access of a race came first is chance, too.
    told.sort();
    for stack in told {
        let _ = write!(recipe, "\u{1e}{stack}");
    }
    format!("c{FINGERPRINT_VERSION}-{}", diag::stable_hash(recipe.as_bytes()))
}

fn functions(stack: &Goroutine) -> String {
    let own: Vec<&str> = stack
        .frames()
        .filter(|f| f.ancestor == 0 && !is_runtime(f.function))
        .take(FUNCTIONS)
        .map(|f| f.function)
        .collect();
    own.join("\u{1f}")
}

/// Functions that belong to the runtime's way of dying, of which each version shows others.
pub(crate) fn is_runtime(function: &str) -> bool {
    function == "panic"
        || [
            "runtime.",
            "internal/runtime/",
            "internal/sync.",
            "sync.fatal",
            "sync.throw",
            "runtime/debug.",
        ]
        .iter()
        .any(|prefix| function.starts_with(prefix))
}

/// A message with numbers as `#` and quoted text as `""`.
fn skeleton(message: &str) -> String {
    let mut out = String::new();
    let mut chars = message.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '"' {
            let mut escaped = false;
            for c in chars.by_ref() {
                if c == '"' && !escaped {
                    break;
                }
                escaped = c == '\\' && !escaped;
            }
            out.push_str("\"\"");
        } else if c.is_ascii_digit() {
            while chars.peek().is_some_and(|c| c.is_ascii_hexdigit() || matches!(c, 'x' | '.')) {
                chars.next();
            }
            out.push('#');
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_count() {
        assert_eq!(
            skeleton("index out of range [15] with length 3"),
            "index out of range [#] with length #"
        );
        assert_eq!(skeleton("open \"/tmp/a\\\"b\": at 0xc00001f"), "open \"\": at #");
    }
}
