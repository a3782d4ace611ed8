//! A trace as Perfetto's protobuf: a track a goroutine and a processor, one for the collector and one
//! for stopped worlds, and a track of regions beneath each goroutine that has any. Written as the
//! slices come, so its size is not bounded by memory; within a track, slices never overlap (regions
//! nest).
//!
//! The messages are the parts that are used of `protos/perfetto/trace/trace.proto` (Perfetto's public
//! format), with its numbers.

use std::io::{self, Write};

use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::names::{Names, StackId};
use crate::slice::{GoSlice, Log, Range, RangeKind, Region, Sink, State};
use crate::window::Bounds;

/// Of a stack, so many frames go into an annotation.
const FRAMES: usize = 32;
/// All packets are of one sequence.
const SEQUENCE: u32 = 1;
/// When so many texts have been told, they are told anew: a trace may have any number of messages.
const MAX_TEXTS: usize = 200_000;
/// Deeper nested regions are left out.
const MAX_DEPTH: u32 = 256;

/// A file: packets, one after another.
#[derive(Clone, PartialEq, Message)]
pub struct Trace {
    /// The packets.
    #[prost(message, repeated, tag = "1")]
    pub packet: Vec<TracePacket>,
}

/// A packet.
#[derive(Clone, PartialEq, Message)]
pub struct TracePacket {
    /// Nanoseconds.
    #[prost(uint64, optional, tag = "8")]
    pub timestamp: Option<u64>,
    /// Who wrote it.
    #[prost(uint32, optional, tag = "10")]
    pub trusted_packet_sequence_id: Option<u32>,
    /// An event of a track.
    #[prost(message, optional, tag = "11")]
    pub track_event: Option<TrackEvent>,
    /// Texts that this packet and later ones refer to.
    #[prost(message, optional, tag = "12")]
    pub interned_data: Option<InternedData>,
    /// 1: texts of the sequence begin here. 2: the packet refers to texts.
    #[prost(uint32, optional, tag = "13")]
    pub sequence_flags: Option<u32>,
    /// A track.
    #[prost(message, optional, tag = "60")]
    pub track_descriptor: Option<TrackDescriptor>,
}

/// Texts with numbers.
#[derive(Clone, PartialEq, Message)]
pub struct InternedData {
    /// Names of events.
    #[prost(message, repeated, tag = "2")]
    pub event_names: Vec<Text>,
    /// Values of annotations.
    #[prost(message, repeated, tag = "29")]
    pub debug_annotation_string_values: Vec<Text>,
}

/// A text with its number.
#[derive(Clone, PartialEq, Message)]
pub struct Text {
    /// The number.
    #[prost(uint64, optional, tag = "1")]
    pub iid: Option<u64>,
    /// The text.
    #[prost(string, optional, tag = "2")]
    pub text: Option<String>,
}

/// An event of a track.
#[derive(Clone, PartialEq, Message)]
pub struct TrackEvent {
    /// What can be looked at beside it.
    #[prost(message, repeated, tag = "4")]
    pub debug_annotations: Vec<DebugAnnotation>,
    /// Its name, a number.
    #[prost(uint64, optional, tag = "10")]
    pub name_iid: Option<u64>,
    /// One of `Kind`.
    #[prost(enumeration = "Kind", optional, tag = "9")]
    pub r#type: Option<i32>,
    /// The track.
    #[prost(uint64, optional, tag = "11")]
    pub track_uuid: Option<u64>,
    /// Categories.
    #[prost(string, repeated, tag = "22")]
    pub categories: Vec<String>,
}

/// What an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Kind {
    /// Not given.
    Unspecified = 0,
    /// A slice begins.
    SliceBegin = 1,
    /// The innermost slice of the track ends.
    SliceEnd = 2,
    /// A moment.
    Instant = 3,
}

/// A name and a value.
#[derive(Clone, PartialEq, Message)]
pub struct DebugAnnotation {
    /// The value, a number.
    #[prost(int64, optional, tag = "4")]
    pub int_value: Option<i64>,
    /// The value, the number of a text.
    #[prost(uint64, optional, tag = "17")]
    pub string_value_iid: Option<u64>,
    /// The name.
    #[prost(string, optional, tag = "10")]
    pub name: Option<String>,
}

/// A track.
#[derive(Clone, PartialEq, Message)]
pub struct TrackDescriptor {
    /// Its number.
    #[prost(uint64, optional, tag = "1")]
    pub uuid: Option<u64>,
    /// Its name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// The track that it lies under.
    #[prost(uint64, optional, tag = "5")]
    pub parent_uuid: Option<u64>,
    /// How the tracks beneath are ordered: 3 is by rank.
    #[prost(int32, optional, tag = "11")]
    pub child_ordering: Option<i32>,
    /// Its rank.
    #[prost(int32, optional, tag = "12")]
    pub sibling_order_rank: Option<i32>,
}

/// Tracks have numbers: what they are of, above what number it has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
enum Track {
    Processors,
    Goroutines,
    Collector,
    Stopped,
    Processor(i64),
    Goroutine(i64),
    Regions(i64),
    Assists(i64),
    Sweeps(i64),
}

impl Track {
    fn uuid(self) -> u64 {
        let (kind, id) = match self {
            Self::Processors => (1, 0),
            Self::Goroutines => (2, 0),
            Self::Collector => (3, 0),
            Self::Stopped => (4, 0),
            Self::Processor(id) => (5, id),
            Self::Goroutine(id) => (6, id),
            Self::Regions(id) => (7, id),
            Self::Assists(id) => (8, id),
            Self::Sweeps(id) => (9, id),
        };
        // Ids of real programs are far below 2^56.
        kind << 56 | (id as u64 & ((1 << 56) - 1))
    }

    fn parent(self) -> Option<Self> {
        match self {
            Self::Processor(_) => Some(Self::Processors),
            Self::Goroutine(_) => Some(Self::Goroutines),
            Self::Regions(id) | Self::Assists(id) => Some(Self::Goroutine(id)),
            Self::Sweeps(id) => Some(Self::Processor(id)),
            _ => None,
        }
    }

    fn rank(self) -> i32 {
        match self {
            Self::Stopped | Self::Regions(_) | Self::Sweeps(_) => 0,
            Self::Collector | Self::Assists(_) => 1,
            Self::Processors => 2,
            Self::Goroutines => 3,
            Self::Processor(id) | Self::Goroutine(id) => i32::try_from(id).unwrap_or(i32::MAX),
        }
    }
}

/// Writes a file as slices come.
pub struct Perfetto<W> {
    out: W,
    buffer: Vec<u8>,
    failed: Option<io::Error>,
    from: i64,
    to: i64,
    origin: i64,
    known: FxHashSet<Track>,
    /// Until when each track without nesting is taken.
    taken: FxHashMap<Track, i64>,
    slices: u64,
    texts: FxHashMap<Box<str>, u64>,
    stacks: FxHashMap<StackId, u64>,
    /// Texts that are to be told with the next event.
    fresh: InternedData,
    begun: bool,
}

impl<W: Write> Perfetto<W> {
    /// `origin` is time 0. Of a window whose end is not known beforehand, use [`Perfetto::window`].
    pub fn new(out: W, bounds: Bounds, origin: i64) -> Self {
        let (from, to) = match bounds {
            Bounds::Between(from, to) => (from, to),
            Bounds::All | Bounds::Last(_) => (i64::MIN, i64::MAX),
        };
        Self {
            out,
            buffer: Vec::new(),
            failed: None,
            from,
            to,
            origin,
            known: FxHashSet::default(),
            taken: FxHashMap::default(),
            slices: 0,
            texts: FxHashMap::default(),
            stacks: FxHashMap::default(),
            fresh: InternedData::default(),
            begun: false,
        }
    }

    /// The number of a text, which is told once. Names and values share their numbers.
    fn text(&mut self, text: &str) -> u64 {
        if let Some(&iid) = self.texts.get(text) {
            return iid;
        }
        let iid = (self.texts.len() + self.stacks.len()) as u64 + 1;
        self.texts.insert(text.into(), iid);
        let told = Text { iid: Some(iid), text: Some(text.to_owned()) };
        self.fresh.event_names.push(told.clone());
        self.fresh.debug_annotation_string_values.push(told);
        iid
    }

    fn stack(&mut self, stack: StackId, names: &Names) -> Option<DebugAnnotation> {
        if stack == StackId::NONE {
            return None;
        }
        let next = (self.texts.len() + self.stacks.len()) as u64 + 1;
        let iid = *self.stacks.entry(stack).or_insert(next);
        if iid == next {
            let frames = names.stack(stack).take(FRAMES);
            let lines: Vec<String> = frames
                .map(|f| format!("{} {}:{}", names.text(f.function), names.text(f.file), f.line))
                .collect();
            let told = Text { iid: Some(iid), text: Some(lines.join("\n")) };
            self.fresh.debug_annotation_string_values.push(told);
        }
        Some(note("stack", iid))
    }

    /// Writes a closed window.
    pub fn window(&mut self, window: &crate::Window, names: &Names) {
        (self.from, self.to) = (window.from, window.to);
        window.slices.iter().for_each(|slice| self.goroutine(slice, names));
        window.ranges.iter().for_each(|range| self.range(range, names));
        window.regions.iter().for_each(|region| self.region(region, names));
        window.logs.iter().for_each(|log| self.log(log, names));
    }

    /// Names a goroutine's track anew: with why it is marked.
    pub fn mark(&mut self, goroutine: i64, function: &str, why: &str) {
        let name = format!("goroutine {goroutine} {function} ({why})");
        self.describe(Track::Goroutine(goroutine), name);
    }

    /// Everything is written; how many slices there were, or what went wrong.
    pub fn finish(mut self) -> io::Result<u64> {
        match self.failed {
            Some(error) => Err(error),
            None => {
                self.out.flush()?;
                Ok(self.slices)
            }
        }
    }

    fn packet(&mut self, packet: &TracePacket) {
        if self.failed.is_some() {
            return;
        }
        self.buffer.clear();
        // Field 1 of `Trace`: what follows is a packet of this length.
        self.buffer.push(1 << 3 | 2);
        let written = packet
            .encode_length_delimited(&mut self.buffer)
            .map_err(io::Error::other)
            .and_then(|()| self.out.write_all(&self.buffer));
        self.failed = written.err();
    }

    fn describe(&mut self, track: Track, name: String) {
        if let Some(parent) = track.parent() {
            self.track(parent, String::new);
        }
        let descriptor = TrackDescriptor {
            uuid: Some(track.uuid()),
            name: Some(name),
            parent_uuid: track.parent().map(Track::uuid),
            child_ordering: Some(3),
            sibling_order_rank: Some(track.rank()),
        };
        self.packet(&TracePacket {
            trusted_packet_sequence_id: Some(SEQUENCE),
            track_descriptor: Some(descriptor),
            ..TracePacket::default()
        });
        self.known.insert(track);
    }

    /// Describes a track once.
    fn track(&mut self, track: Track, name: impl FnOnce() -> String) {
        if self.known.contains(&track) {
            return;
        }
        let name = match track {
            Track::Processors => "processors".to_owned(),
            Track::Goroutines => "goroutines".to_owned(),
            Track::Collector => "garbage collector".to_owned(),
            Track::Stopped => "the world is stopped".to_owned(),
            Track::Processor(id) => format!("processor {id}"),
            Track::Regions(_) => "regions".to_owned(),
            Track::Assists(_) => "mark assist".to_owned(),
            Track::Sweeps(_) => "sweep".to_owned(),
            Track::Goroutine(id) => match name() {
                name if name.is_empty() => format!("goroutine {id}"),
                name => name,
            },
        };
        self.describe(track, name);
    }

    /// Forgets the texts once there are many, so that the next event begins them again. Only between
    /// events, since one may refer to several.
    fn bound_texts(&mut self) {
        if self.texts.len() + self.stacks.len() > MAX_TEXTS {
            self.texts.clear();
            self.stacks.clear();
            self.fresh = InternedData::default();
            self.begun = false;
        }
    }

    fn event(&mut self, time: i64, event: TrackEvent) {
        let fresh = std::mem::take(&mut self.fresh);
        let flags = if std::mem::replace(&mut self.begun, true) { 2 } else { 1 | 2 };
        self.packet(&TracePacket {
            interned_data: (fresh != InternedData::default()).then_some(fresh),
            sequence_flags: Some(flags),
            timestamp: Some(time.saturating_sub(self.origin).max(0) as u64),
            trusted_packet_sequence_id: Some(SEQUENCE),
            track_event: Some(event),
            ..TracePacket::default()
        });
    }

    /// A slice on a track where none lies in another.
    fn slice(
        &mut self,
        track: Track,
        (start, end): (i64, i64),
        name: &str,
        category: &str,
        notes: Vec<DebugAnnotation>,
    ) {
        let free = self.taken.get(&track).copied().unwrap_or(i64::MIN);
        let (start, end) = (start.max(self.from).max(free), end.min(self.to));
        if start >= end {
            return;
        }
        self.taken.insert(track, end);
        self.track(track, String::new);
        self.both(track, (start, end), name, category, notes);
    }

    fn both(
        &mut self,
        track: Track,
        (start, end): (i64, i64),
        name: &str,
        category: &str,
        debug_annotations: Vec<DebugAnnotation>,
    ) {
        self.slices += 1;
        let name_iid = Some(self.text(name));
        let uuid = Some(track.uuid());
        self.event(
            start,
            TrackEvent {
                debug_annotations,
                r#type: Some(Kind::SliceBegin as i32),
                track_uuid: uuid,
                categories: vec![category.to_owned()],
                name_iid,
            },
        );
        self.event(
            end,
            TrackEvent {
                r#type: Some(Kind::SliceEnd as i32),
                track_uuid: uuid,
                ..TrackEvent::default()
            },
        );
    }
}

fn note(name: &str, text: u64) -> DebugAnnotation {
    DebugAnnotation { name: Some(name.to_owned()), string_value_iid: Some(text), int_value: None }
}

fn number(name: &str, value: i64) -> DebugAnnotation {
    DebugAnnotation { name: Some(name.to_owned()), int_value: Some(value), string_value_iid: None }
}

impl<W: Write> Sink for Perfetto<W> {
    fn goroutine(&mut self, slice: &GoSlice, names: &Names) {
        let times = (slice.start, slice.end);
        if slice.end <= self.from || slice.start >= self.to {
            return;
        }
        self.bound_texts();
        let track = Track::Goroutine(slice.goroutine);
        let function = names.text(slice.function);
        self.track(track, || {
            format!("goroutine {} {function}", slice.goroutine).trim_end().to_owned()
        });
        let reason = names.text(slice.reason);
        let mut notes: Vec<DebugAnnotation> = self.stack(slice.stack, names).into_iter().collect();
        if slice.by >= 0 {
            notes.push(number("woken by goroutine", slice.by));
        }
        if slice.proc >= 0 {
            notes.push(number("processor", slice.proc));
        }
        let name = match slice.state {
            State::Waiting if !reason.is_empty() => reason,
            state => state.as_str(),
        };
        if slice.state == State::Running && !reason.is_empty() {
            notes.push(note("then", self.text(reason)));
        }
        self.slice(track, times, name, slice.state.as_str(), notes);
        if slice.state == State::Running && slice.proc >= 0 {
            let name = format!("g{} {function}", slice.goroutine);
            let track = Track::Processor(slice.proc);
            self.slice(track, times, &name, "running", Vec::new());
        }
    }

    fn ended(&mut self, last: &GoSlice, _names: &Names) {
        self.unwanted(last.goroutine);
    }

    fn unwanted(&mut self, goroutine: i64) {
        let tracks = [Track::Goroutine, Track::Regions, Track::Assists];
        for track in tracks.map(|track| track(goroutine)) {
            self.taken.remove(&track);
            self.known.remove(&track);
        }
    }

    fn range(&mut self, range: &Range, names: &Names) {
        let (track, name) = match range.kind {
            RangeKind::StopTheWorld => (Track::Stopped, names.text(range.reason)),
            RangeKind::Mark => (Track::Collector, range.kind.as_str()),
            RangeKind::Sweep => (Track::Sweeps(range.of), range.kind.as_str()),
            RangeKind::MarkAssist => (Track::Assists(range.of), range.kind.as_str()),
        };
        let name = if name.is_empty() { range.kind.as_str() } else { name };
        self.slice(track, (range.start, range.end), name, "gc", Vec::new());
    }

    fn region(&mut self, region: &Region, names: &Names) {
        if region.depth >= MAX_DEPTH {
            return;
        }
        // Regions that began before the window all begin with it: the outer ones a little earlier.
        let depth = i64::from(region.depth);
        let (start, end) =
            (region.start.max(self.from.saturating_add(depth)), region.end.min(self.to));
        if start >= end {
            return;
        }
        let track = Track::Regions(region.goroutine);
        self.track(track, String::new);
        let mut notes = Vec::new();
        if region.task != 0 {
            notes.push(number("task", region.task as i64));
        }
        self.both(track, (start, end), names.text(region.name), "region", notes);
    }

    fn log(&mut self, log: &Log, names: &Names) {
        if log.time < self.from || log.time > self.to || log.goroutine < 0 {
            return;
        }
        self.bound_texts();
        let track = Track::Goroutine(log.goroutine);
        self.track(track, String::new);
        let category = self.text(names.text(log.category));
        let event = TrackEvent {
            debug_annotations: vec![note("category", category)],
            r#type: Some(Kind::Instant as i32),
            track_uuid: Some(track.uuid()),
            categories: vec!["log".to_owned()],
            name_iid: Some(self.text(names.text(log.message))),
        };
        self.event(log.time, event);
    }
}
