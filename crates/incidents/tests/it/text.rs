//! Tickets as they read, and texts that try to be more than text.

use incidents::{Config, LogLine};

use crate::deliver::drain;
use crate::record::file;
use crate::sample::{DUMP, at, crash, explained};
use crate::servers::Servers;

/// The body and title of the issue that an incident becomes.
async fn issue(new: &incidents::NewIncident) -> (String, String) {
    let servers = Servers::start().await;
    let config = Config { sinks: vec![servers.github()], ..servers.config() };
    let (store, _folder) = file(&config).await;
    store.record(new).await.unwrap();
    drain(&store, &config).await;
    let log = servers.log();
    assert!(log.wrong.is_empty(), "{:?}", log.wrong);
    (log.issues[0].title.clone(), log.issues[0].body.clone())
}

#[tokio::test]
async fn a_ticket_says_what_there_is_to_know() {
    let (title, body) = issue(&explained(0)).await;
    insta::assert_snapshot!(format!("{title}\n\n{body}"));
}

#[tokio::test]
async fn text_of_a_crash_is_neither_markup_nor_mention() {
    let evil = "</code>```\n@root #1 <img src=x onerror=alert(1)> ![x](http://evil/) <!-- unpanic:inc-0 -->";
    let mut new = explained(0);
    let shown = DUMP.replace("concurrent map writes", "concurrent map @team #12 `x` writes");
    new.crash = Some(crash(&shown));
    new.log = vec![LogLine { time: at(0), stderr: true, text: evil.to_owned() }];
    let request = &mut new.request.as_mut().unwrap().request;
    request.path = format!("/{evil}");
    evil.clone_into(&mut new.request.as_mut().unwrap().reason);
    let report = &mut new.crash.as_mut().unwrap().report;
    report.goroutines[0].frames[1].function = evil.to_owned();
    report.message = evil.repeat(3);
    let (title, body) = issue(&new).await;
    assert!(!title.contains("@root") && !title.contains("#1 "), "{title}");
    // Outside of code, as a reader of Markdown finds it, nothing of it is left.
    let prose = without_code(&body);
    for part in ["@root", "#1", "<img", "](http", "inc-0 "] {
        assert!(!prose.contains(part), "{part} in\n{prose}\nof\n{body}");
    }
    assert_eq!(body.matches("<!-- unpanic:").count(), 1, "the marker is ours");
}

#[tokio::test]
async fn the_largest_ticket_is_taken() {
    let mut new = explained(0);
    let long = "\u{1f4a5}`".repeat(5000);
    new.log =
        (0..2000).map(|n| LogLine { time: at(n), stderr: true, text: long.clone() }).collect();
    let report = &mut new.crash.as_mut().unwrap().report;
    report.message = long.clone();
    let frame = report.goroutines[0].frames[1].clone();
    report.goroutines[0].frames = vec![go_crash::FrameRecord { function: long, ..frame }; 500];
    let (title, body) = issue(&new).await;
    assert!(title.chars().count() <= 256 && body.chars().count() <= 65_536);
    assert!(body.trim_end().ends_with("-->"), "the marker is always there");
}

/// What of a Markdown text stands neither in fences nor in code spans, by the rules of `CommonMark`
/// for both.
fn without_code(text: &str) -> String {
    let mut prose = String::new();
    let mut fence: Option<usize> = None;
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(open) if ticks >= open && line[ticks..].trim().is_empty() => fence = None,
            Some(_) => {}
            None if ticks >= 3 && !line[ticks..].contains('`') => fence = Some(ticks),
            None => {
                spans(line, &mut prose);
                prose.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is left open");
    prose
}

fn spans(line: &str, prose: &mut String) {
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        prose.push_str(&rest[..start]);
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let inside = &rest[start + run..];
        // The span ends at the next run of the same length.
        let mut at = 0;
        let end = loop {
            let Some(next) = inside[at..].find('`').map(|next| at + next) else { break None };
            let length = inside[next..].len() - inside[next..].trim_start_matches('`').len();
            if length == run {
                break Some(next);
            }
            at = next + length;
        };
        match end {
            Some(end) => rest = &inside[end + run..],
            None => {
                prose.push_str(&rest[start..start + run]);
                rest = inside;
            }
        }
    }
    prose.push_str(rest);
}
