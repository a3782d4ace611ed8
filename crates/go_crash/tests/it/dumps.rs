//! Every goroutine and every frame that Go printed is found.

use go_crash::Section;

use crate::shared::{counted, dumps, reports};

#[test]
fn every_goroutine_and_every_frame() {
    let all = dumps();
    assert!(all.len() > 25, "{} dumps", all.len());
    for (name, text) in all {
        let found = reports(&text);
        let goroutines = found.iter().flat_map(|r| &r.goroutines);
        let headers = goroutines.clone().filter(|g| g.section == Section::Goroutine).count();
        let frames: usize = goroutines.map(|g| g.frames().len()).sum();
        assert_eq!((headers, frames), counted(&text), "{name}");
    }
}

#[test]
fn the_same_behind_prefixes_and_between_log_lines() {
    let prefixes: [fn(&str, usize) -> String; 6] = [
        |line, _| format!("2026-11-26T09:51:29.123456789Z stderr F {line}"),
        |line, _| format!("Nov 26 09:51:29 host web[12]: {line}"),
        |line, _| format!("web-1  | {line}"),
        |line, n| format!("2026-11-26T09:51:29.{n:09}Z {line}"),
        |line, _| format!("[pod/web-7d4/app] {line}"),
        |line, _| serde_json::json!({"log": format!("{line}\n"), "stream": "stderr"}).to_string(),
    ];
    for (name, text) in dumps() {
        let plain = reports(&text);
        let text = String::from_utf8(text).unwrap();
        for (which, prefix) in prefixes.iter().enumerate() {
            let mut carried = String::new();
            for (n, line) in text.lines().enumerate() {
                // serde_json sorts keys; Docker writes `log` first, and so does this.
                carried += &prefix(line, n);
                carried += "\n2026-11-26T09:51:29.5Z stdout F goroutine 7 is at main.main()\n";
            }
            let found = reports(carried.as_bytes());
            let shape = |r: &[go_crash::Report]| {
                r.iter()
                    .map(|r| {
                        (
                            r.head.clone(),
                            r.fingerprint.clone(),
                            r.goroutines.iter().map(crate::shared::shown).collect::<Vec<_>>(),
                        )
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(shape(&found), shape(&plain), "{name} behind prefix {which}");
        }
    }
}

#[test]
fn log_lines_between_the_lines_of_a_plain_dump() {
    for (name, text) in dumps() {
        if name.starts_with("forged") || name.starts_with("serve-http") || name.starts_with("race")
        {
            continue;
        }
        let plain = reports(&text);
        let text = String::from_utf8(text).unwrap();
        let mut mixed = String::new();
        for line in text.lines() {
            mixed += line;
            mixed += "\n2026/11/26 09:51:29 GET /orders 200 (3 ms)\n";
        }
        let found = reports(mixed.as_bytes());
        let goroutines = |r: &[go_crash::Report]| {
            r.iter().flat_map(|r| &r.goroutines).map(crate::shared::shown).collect::<Vec<_>>()
        };
        assert_eq!(goroutines(&found), goroutines(&plain), "{name}");
        assert_eq!(found[0].fingerprint, plain[0].fingerprint, "{name}");
    }
}
