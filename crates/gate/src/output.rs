//! What the candidate prints, heard while it runs: crashes, structured lines about the awaited event, the
//! last lines for people. Bounded, whatever it prints.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use go_crash::{Collector, Parser, Report, ReportRecord};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::lines::{self, Fields};

/// A longer line is cut: stacks in JSON take tens of kilobytes.
const MAX_LINE: usize = 1 << 20;
/// So many lines about the event are kept; more are counted.
const MAX_EVENTS: usize = 10_000;
/// So many crashes are kept.
const MAX_CRASHES: usize = 100;
/// So many of them are told of one drill.
const MAX_TOLD: usize = 10;
/// So many last lines are kept, each shortened.
const MAX_TAIL: usize = 60;
const MAX_TAIL_LINE: usize = 400;

/// What was heard.
#[derive(Default)]
pub struct Heard {
    /// Lines about the event: when, what.
    pub events: Vec<(Instant, Fields)>,
    /// More of them than are kept.
    pub more_events: u64,
    /// Crashes and reports: when they were complete.
    pub crashes: Vec<(Instant, ReportRecord)>,
    /// The last lines.
    pub tail: VecDeque<String>,
}

/// A crash in the output.
#[derive(Clone, Debug, Serialize)]
pub struct Crash {
    /// `panic`, `fatal error`, …
    pub kind: String,
    /// Its message.
    pub message: String,
    /// Its fingerprint.
    pub fingerprint: String,
}

impl Heard {
    /// The first crashes since then.
    pub fn crashes_since(&self, since: Instant) -> Vec<Crash> {
        let crashes = self.crashes.iter().filter(|(at, _)| *at >= since).take(MAX_TOLD);
        crashes
            .map(|(_, report)| Crash {
                kind: report.kind.as_str().to_owned(),
                message: diag::clean_line(&report.message).chars().take(300).collect(),
                fingerprint: report.fingerprint.clone(),
            })
            .collect()
    }
}

/// Shared by those who read and those who ask.
#[derive(Clone)]
pub struct Output {
    heard: Arc<Mutex<Heard>>,
    event: Arc<str>,
}

impl Output {
    /// Waits for lines about this event.
    pub fn new(event: &str) -> Self {
        Self { heard: Arc::default(), event: event.into() }
    }

    /// What was heard so far.
    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a stream to its end.
    pub async fn read(&self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 64 << 10];
        let mut line = Vec::new();
        let (mut parser, mut collector) = (Parser::new(), Collector::new());
        loop {
            let count = match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let mut reports = Vec::new();
            parser.push(&buffer[..count], |event| reports.extend(collector.event(event)));
            self.crashes(reports);
            for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
                let room = MAX_LINE.saturating_sub(line.len());
                line.extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.ends_with(b"\n") {
                    self.line(&line);
                    line.clear();
                }
            }
        }
        if !line.is_empty() {
            self.line(&line);
        }
        let mut reports = Vec::new();
        parser.finish(|event| reports.extend(collector.event(event)));
        self.crashes(reports);
    }

    fn crashes(&self, reports: Vec<Report>) {
        for report in reports {
            let mut heard = self.heard();
            if heard.crashes.len() < MAX_CRASHES {
                heard.crashes.push((Instant::now(), ReportRecord::new(&report)));
            }
        }
    }

    fn line(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        // Most lines are about something else; those are not read as JSON.
        let fields = text
            .contains(&*self.event)
            .then(|| lines::read(text))
            .flatten()
            .filter(|fields| lines::is_event(fields, &self.event));
        let mut heard = self.heard();
        if let Some(fields) = fields {
            if heard.events.len() < MAX_EVENTS {
                heard.events.push((Instant::now(), fields));
            } else {
                heard.more_events += 1;
            }
        }
        if heard.tail.len() == MAX_TAIL {
            heard.tail.pop_front();
        }
        heard.tail.push_back(text.chars().take(MAX_TAIL_LINE).collect());
    }
}
