//! An occurrence as bytes of bounded size: JSON, zlib. What does not fit is left out, the least
//! telling first. Separate from the tables, because what a crash brings has no bound of its own.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use go_crash::FrameRecord;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::NewIncident;

/// More is not read back: nothing that was written is that large.
const MAX_PLAIN: u64 = 256 << 20;
/// So much of any one text is kept.
const MAX_TEXT: usize = 16 << 10;

#[derive(Serialize)]
struct Written<'a> {
    what: &'a NewIncident,
    trimmed: &'a [String],
}

#[derive(Deserialize)]
struct Stored {
    what: NewIncident,
    #[serde(default)]
    trimmed: Vec<String>,
}

/// The bytes, at most `limit` unless even what identifies the crash is longer.
pub fn pack(new: &NewIncident, limit: usize) -> Vec<u8> {
    let mut what = new.clone();
    let mut trimmed = Vec::new();
    // Before anything is encoded, so that a dump of ten thousand distinct stacks does not take a
    // second to compress for nothing.
    if encoded_size(&what) > limit.saturating_mul(16) {
        trim(&mut what, Step::Groups(500), &mut trimmed);
    }
    let steps = [
        Step::Around(50),
        Step::Log(100),
        Step::Groups(200),
        Step::InFlight(100),
        Step::Groups(50),
        Step::Frames(32),
        Step::Log(20),
        Step::Around(0),
        Step::Groups(10),
        Step::InFlight(10),
        Step::Texts(1024),
        Step::Frames(8),
        Step::Log(0),
        Step::Groups(0),
        Step::InFlight(0),
        Step::Finding,
        Step::Texts(128),
        Step::Frames(2),
    ];
    let mut packed = encode(&what, &trimmed);
    for step in steps {
        if packed.len() <= limit {
            break;
        }
        if trim(&mut what, step, &mut trimmed) {
            packed = encode(&what, &trimmed);
        }
    }
    packed
}

/// What was packed, and what had been left out.
pub fn unpack(packed: &[u8]) -> Result<(NewIncident, Vec<String>)> {
    let damaged = |reason: String| Error::Damaged { what: "occurrence".to_owned(), reason };
    let mut plain = Vec::new();
    let read = ZlibDecoder::new(packed).take(MAX_PLAIN).read_to_end(&mut plain);
    read.map_err(|e| damaged(e.to_string()))?;
    let stored: Stored = serde_json::from_slice(&plain).map_err(|e| damaged(e.to_string()))?;
    Ok((stored.what, stored.trimmed))
}

fn encode(what: &NewIncident, trimmed: &[String]) -> Vec<u8> {
    let json = serde_json::to_vec(&Written { what, trimmed })
        .expect("strings, numbers and maps with string keys always become JSON");
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&json).and_then(|()| encoder.finish()).expect("a Vec takes all bytes")
}

/// Roughly, without encoding it.
fn encoded_size(what: &NewIncident) -> usize {
    let frames = |frames: &[FrameRecord]| -> usize {
        frames.iter().map(|f| f.function.len() + f.file.len() + 40).sum()
    };
    let groups = what.crash.iter().flat_map(|crash| &crash.groups);
    let log: usize = what.log.iter().map(|line| line.text.len() + 60).sum();
    groups.map(|group| frames(&group.sample.frames) + 200).sum::<usize>() + log
}

/// One way to make an occurrence smaller.
#[derive(Clone, Copy)]
enum Step {
    /// Requests of the timeline.
    Around(usize),
    /// Latest log lines.
    Log(usize),
    /// Largest groups of goroutines.
    Groups(usize),
    /// Requests in flight, and trace ids.
    InFlight(usize),
    /// Innermost frames of each stack.
    Frames(usize),
    /// Characters of each text.
    Texts(usize),
    /// The static finding.
    Finding,
}

/// Whether the step changed anything.
fn trim(what: &mut NewIncident, step: Step, trimmed: &mut Vec<String>) -> bool {
    let mut say = |text: String| trimmed.push(text);
    match step {
        Step::Around(keep) if what.around.len() > keep => {
            say(format!("{} requests of the timeline", what.around.len() - keep));
            what.around.truncate(keep);
        }
        Step::Log(keep) if what.log.len() > keep => {
            let cut = what.log.len() - keep;
            say(format!("the first {cut} log lines"));
            what.log.drain(..cut);
        }
        Step::Groups(keep) => {
            let Some(crash) = what.crash.as_mut().filter(|c| c.groups.len() > keep) else {
                return false;
            };
            let cut: u64 = crash.groups.drain(keep..).map(|group| group.count).sum();
            crash.ungrouped = crash.ungrouped.saturating_add(cut);
            say(format!("the stacks of {cut} goroutines in small groups"));
        }
        Step::InFlight(keep) if what.in_flight.len() > keep || what.traces.len() > keep => {
            say(format!("requests in flight and trace ids beyond {keep}"));
            what.in_flight.truncate(keep);
            what.traces.truncate(keep);
        }
        Step::Frames(keep) => return trim_frames(what, keep, trimmed),
        Step::Texts(keep) => return trim_texts(what, keep.min(MAX_TEXT), trimmed),
        Step::Finding if what.finding.is_some() => {
            say("the static finding".to_owned());
            what.finding = None;
        }
        _ => return false,
    }
    true
}

fn trim_frames(what: &mut NewIncident, keep: usize, trimmed: &mut Vec<String>) -> bool {
    let Some(crash) = &mut what.crash else { return false };
    let mut cut = 0;
    let stacks = crash.groups.iter_mut().map(|group| &mut group.sample);
    for stack in stacks.chain(&mut crash.report.goroutines) {
        cut += stack.frames.len().saturating_sub(keep);
        stack.frames.truncate(keep);
    }
    if cut > 0 {
        trimmed.push(format!("all frames but the innermost {keep} of each stack"));
    }
    cut > 0
}

fn trim_texts(what: &mut NewIncident, keep: usize, trimmed: &mut Vec<String>) -> bool {
    let mut cut = false;
    let mut short = |text: &mut String| {
        if let Some((at, _)) = text.char_indices().nth(keep) {
            text.truncate(at);
            text.push('…');
            cut = true;
        }
    };
    if let Some(crash) = &mut what.crash {
        short(&mut crash.report.message);
        crash.report.details.iter_mut().chain(&mut crash.report.chain).for_each(&mut short);
        let stacks = crash.groups.iter_mut().map(|group| &mut group.sample);
        for stack in stacks.chain(&mut crash.report.goroutines) {
            short(&mut stack.state);
            for frame in &mut stack.frames {
                short(&mut frame.function);
                short(&mut frame.file);
            }
            stack.labels.values_mut().for_each(&mut short);
        }
    }
    what.log.iter_mut().for_each(|line| short(&mut line.text));
    let correlated = what.request.iter_mut().map(|correlated| &mut correlated.request);
    for request in what.in_flight.iter_mut().chain(&mut what.around).chain(correlated) {
        short(&mut request.path);
        request.headers.values_mut().for_each(&mut short);
    }
    if cut {
        trimmed.push(format!("texts beyond {keep} characters"));
    }
    cut
}
