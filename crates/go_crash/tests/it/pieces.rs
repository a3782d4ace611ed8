//! The pieces in which bytes come make no difference, and a cut costs the cut goroutine at most.

use proptest::prelude::*;

use crate::shared::{Seen, dumps, events};

#[test]
fn byte_by_byte_is_as_all_at_once() {
    for (name, text) in dumps() {
        assert!(events(text.chunks(1)) == events([&text[..]]), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_pieces_are_as_all_at_once(which in 0usize..1000, sizes in prop::collection::vec(1usize..400, 1..60)) {
        let all = dumps();
        let text = &all[which % all.len()].1;
        let (mut pieces, mut rest) = (Vec::new(), &text[..]);
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(events(pieces), events([&text[..]]));
    }
}

#[test]
fn a_cut_loses_the_cut_goroutine_at_most() {
    let goroutines = |text: &[u8]| -> Vec<String> {
        let mut out = Vec::new();
        for event in events([text]) {
            match event {
                Seen::Goroutine(_, shown) => out.push(shown),
                Seen::Retracted(_) => out.clear(),
                _ => {}
            }
        }
        out
    };
    for name in [
        "map-writes.all.go1.21",
        "quit.crash.go1.27",
        "nested.single.go1.25",
        "labels.all.go1.27",
        "deadlock.all.go1.25",
    ] {
        let text = crate::shared::dump(name);
        let whole = goroutines(&text);
        // Where each goroutine's header begins: those that begin before the one cut are whole.
        let mut starts = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive(|&b| b == b'\n') {
            if line.starts_with(b"goroutine ") || line == b"runtime stack:\n" {
                starts.push(at);
            }
            at += line.len();
        }
        assert_eq!(starts.len(), whole.len(), "{name}");
        let step = if text.len() > 20_000 { 13 } else { 1 };
        for cut in (0..text.len()).step_by(step) {
            let found = goroutines(&text[..cut]);
            let begun = starts.partition_point(|&s| s < cut);
            let kept = begun.saturating_sub(1);
            assert!(found.len() >= kept && found.len() <= begun, "{name} cut at {cut}");
            assert_eq!(found[..kept], whole[..kept], "{name} cut at {cut}");
        }
    }
}

#[test]
fn the_first_line_is_enough() {
    let mut parser = go_crash::Parser::new();
    let mut seen = Vec::new();
    parser.push(b"fatal error: concurrent map writes\n", |event| {
        if let go_crash::Event::Start(_, head) = event {
            seen.push((head.kind, head.message.clone()));
        }
    });
    assert_eq!(seen, [(go_crash::Kind::FatalError, "concurrent map writes".to_owned())]);
}
