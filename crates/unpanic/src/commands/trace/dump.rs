//! The crash that belongs to a trace: the first report of a death in a log, with its goroutines.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use go_crash::{Collector, Event, Goroutine, Parser, Report};

/// So many bytes of goroutines are kept.
const KEEP: usize = 256 << 20;

/// Reads a log as it comes and keeps what died.
pub struct Dump {
    parser: Parser,
    collector: Collector,
    found: Option<Report>,
    begun: bool,
}

impl Dump {
    /// At the start of a log.
    pub fn new() -> Self {
        let (parser, collector) = (Parser::new(), Collector::keeping(KEEP));
        Self { parser, collector, found: None, begun: false }
    }

    /// Whether the first line of a death has come.
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { parser, collector, found, begun } = self;
        parser.push(bytes, |event| {
            if let Event::Start(_, head) = event {
                *begun |= head.kind.is_death();
            }
            keep(collector, found, event);
        });
    }

    /// The log has ended.
    pub fn finish(mut self) -> Option<Report> {
        let Self { parser, collector, found, .. } = &mut self;
        parser.finish(|event| keep(collector, found, event));
        self.found
    }
}

/// A death counts before anything else that was reported; of several, the first.
fn keep(collector: &mut Collector, found: &mut Option<Report>, event: Event<'_>) {
    let Some(report) = collector.event(event) else { return };
    let death = |report: &Report| report.head.kind.is_death();
    match found {
        Some(old) if death(old) || !death(&report) => {}
        _ => *found = Some(report),
    }
}

/// Reads a file.
pub fn read(path: &Path) -> io::Result<Option<Report>> {
    let mut file = File::open(path)?;
    let mut dump = Dump::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(dump.finish()),
            Ok(n) => dump.push(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The stack of a goroutine, as the dump has it.
pub fn stack(report: &Report, goroutine: i64) -> Option<&Goroutine> {
    let same = |g: &&Goroutine| g.id as i64 == goroutine;
    report.crashed.iter().find(same).or_else(|| report.goroutines.iter().find(same))
}
