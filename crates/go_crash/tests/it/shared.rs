//! Dumps, events as values, and the independent count.

use std::path::{Path, PathBuf};

use go_crash::{Collector, Event, Goroutine, Head, Parser, Report};

/// The committed dumps: name and bytes, sorted by name.
pub fn dumps() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dumps");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// One dump.
pub fn dump(name: &str) -> Vec<u8> {
    let all = dumps();
    all.into_iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no dump {name}")).1
}

/// An event that can be kept and compared.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    Start(u64, Head),
    Head(u64, Head),
    Goroutine(u64, String),
    Retracted(u64),
    End(u64),
}

/// Everything that a reader tells of these pieces.
pub fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let (mut parser, mut seen) = (Parser::new(), Vec::new());
    let mut keep = |event: Event<'_>| {
        seen.push(match event {
            Event::Start(id, head) => Seen::Start(id.0, head.clone()),
            Event::Head(id, head) => Seen::Head(id.0, head.clone()),
            Event::Goroutine(id, stack) => Seen::Goroutine(id.0, shown(stack)),
            Event::Retracted(id) => Seen::Retracted(id.0),
            Event::End(id) => Seen::End(id.0),
        });
    };
    for piece in pieces {
        parser.push(piece, &mut keep);
    }
    parser.finish(&mut keep);
    seen
}

/// A goroutine in words: header, frames, creator; not whether its end was seen.
pub fn shown(stack: &Goroutine) -> String {
    let mut text = format!("{} {} {:?}\n", stack.id, stack.state(), stack.labels);
    for frame in stack.frames() {
        text += &format!("{}({}) {}:{}\n", frame.function, frame.arguments, frame.file, frame.line);
    }
    if let Some(by) = stack.created_by() {
        text +=
            &format!("created by {} {}:{} in {}\n", by.function, by.file, by.line, by.goroutine);
    }
    text
}

/// The reports of an input, goroutines kept.
pub fn reports(text: &[u8]) -> Vec<Report> {
    let (mut parser, mut collector) = (Parser::new(), Collector::keeping(1 << 30));
    let mut reports = Vec::new();
    let mut sink = |event: Event<'_>| reports.extend(collector.event(event));
    parser.push(text, &mut sink);
    parser.finish(&mut sink);
    reports
}

/// What Go printed, counted in the simplest way: goroutine headers, and function lines with a place
/// on the next line. The text that the corpus forges is taken out first.
pub fn counted(text: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|l| !l.contains("forged")).collect();
    let header = |l: &str| {
        l.starts_with("goroutine ")
            && l.ends_with(':')
            && l.contains('[')
            && !l.starts_with("goroutine 4242 ")
            && !l.starts_with("goroutine 4343 ")
    };
    let place = |l: &str| {
        (l.starts_with('\t') || l.starts_with("      ")) && l.contains(".go:")
            || l.starts_with('\t') && l.contains(".s:")
    };
    let frames = lines.windows(2).filter(|w| {
        w[0].ends_with(')')
            && !w[0].starts_with('\t')
            && !w[0].starts_with("created by")
            && place(w[1])
    });
    (lines.iter().filter(|l| header(l)).count(), frames.count())
}
