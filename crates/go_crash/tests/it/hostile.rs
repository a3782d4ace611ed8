//! Text inside a panic's value forges nothing; no input breaks the reader or makes it keep much.

use go_crash::{Event, Kind, Parser};
use proptest::prelude::*;

use crate::shared::{dump, events, reports};

#[test]
fn a_value_forges_no_goroutine() {
    for version in ["1.21", "1.25", "1.27"] {
        let found = reports(&dump(&format!("forged.single.go{version}")));
        assert_eq!(found.len(), 1, "{version}");
        let ids: Vec<u64> = found[0].goroutines.iter().map(|g| g.id).collect();
        assert!(ids == [1] && found[0].crashed[0].id == 1, "{version}: {ids:?}");
    }
}

#[test]
fn a_value_in_a_log_line_of_net_http_forges_none() {
    for version in ["1.21", "1.25", "1.27"] {
        let found = reports(&dump(&format!("serve-http.single.go{version}")));
        assert_eq!(found.len(), 3, "{version}");
        for report in found {
            assert_eq!(
                (report.head.kind, report.goroutines.len()),
                (Kind::HttpPanic, 1),
                "{version}"
            );
            assert!(report.crashed[0].id != 4242 && report.recoverable() == Some(true));
        }
    }
}

#[test]
fn an_endless_line_and_endless_frames_are_bounded() {
    let mut parser = Parser::new();
    let mut most = 0;
    let mut sink = |event: Event<'_>| {
        if let Event::Goroutine(_, stack) = event {
            most = most.max(stack.size());
        }
    };
    parser.push(b"panic: x\n\ngoroutine 1 [running]:\n", &mut sink);
    let frame = format!("main.f({})\n\t/x.go:1\n", "0x1, ".repeat(100));
    for _ in 0..20_000 {
        parser.push(frame.as_bytes(), &mut sink);
    }
    parser.push(b"some log line without end ", &mut sink);
    let endless = vec![b'x'; 65_536];
    for _ in 0..1000 {
        parser.push(&endless, &mut sink);
    }
    parser.finish(&mut sink);
    assert!(most > 0 && most < 4 << 20, "{most}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_dump_with_bytes_changed_is_read_to_its_end(
        which in 0usize..1000,
        edits in prop::collection::vec((0usize..1_000_000, any::<u8>()), 1..40),
    ) {
        let all = crate::shared::dumps();
        let mut text = all[which % all.len()].1.clone();
        for (at, byte) in edits {
            let at = at % text.len();
            text[at] = byte;
        }
        prop_assert_eq!(events([&text[..]]), events(text.chunks(7)));
        reports(&text);
    }
}
