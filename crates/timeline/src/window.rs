//! A stretch of a trace, kept whole: what each goroutine and processor did in it. It may be the last
//! so many nanoseconds of a trace whose end is not known beforehand; what fell out of it is dropped
//! on the way.

use std::collections::BTreeMap;

use crate::names::{NameId, Names, StackId};
use crate::slice::{Appearance, GoSlice, Log, ProcSlice, Range, Region, Sink};

/// Of more slices, the latest are kept.
pub const MAX_SLICES: usize = 2_000_000;
/// What fell out is looked for whenever so many more have come.
const TRIM: usize = 1 << 16;

/// Which stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bounds {
    /// Everything.
    All,
    /// From and until, on the trace's clock.
    Between(i64, i64),
    /// The last so many nanoseconds.
    Last(i64),
}

/// A goroutine of the window.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The function that it was started in; empty if that is not known.
    pub function: NameId,
    /// When it was started, if that is in the part that was read.
    pub created: Option<i64>,
    /// Who started it; -1 for unknown.
    pub parent: i64,
    /// Where it was started.
    pub created_stack: StackId,
    /// The last stack that was seen of it.
    pub last_stack: StackId,
    /// When it ended.
    pub ended: Option<i64>,
    /// Whether a slice of it was kept.
    kept: bool,
}

/// What was kept.
pub struct Window {
    bounds: Bounds,
    /// Slices of goroutines, in the order of their ends until [`Window::close`], then by goroutine
    /// and time.
    pub slices: Vec<GoSlice>,
    /// The goroutines that have slices here, by number.
    pub goroutines: BTreeMap<i64, Member>,
    /// What processors did.
    pub procs: Vec<ProcSlice>,
    /// The collector and stopped worlds.
    pub ranges: Vec<Range>,
    /// Regions of the program's own.
    pub regions: Vec<Region>,
    /// Its messages.
    pub logs: Vec<Log>,
    /// From when, once it is closed.
    pub from: i64,
    /// Until when, once it is closed.
    pub to: i64,
    /// Whether there was more than is kept.
    pub cut: bool,
    max: usize,
    latest: i64,
    next_trim: usize,
}

impl Window {
    /// An empty window.
    pub fn new(bounds: Bounds) -> Self {
        Self::with_limit(bounds, MAX_SLICES)
    }

    /// An empty window that keeps at most so many slices.
    pub fn with_limit(bounds: Bounds, max: usize) -> Self {
        let (from, to) = match bounds {
            Bounds::Between(from, to) => (from, to),
            _ => (i64::MIN, i64::MAX),
        };
        Self {
            bounds,
            slices: Vec::new(),
            goroutines: BTreeMap::new(),
            procs: Vec::new(),
            ranges: Vec::new(),
            regions: Vec::new(),
            logs: Vec::new(),
            from,
            to,
            cut: false,
            max: max.max(1),
            latest: i64::MIN,
            next_trim: TRIM,
        }
    }

    /// The trace has ended, or the window has been passed: cuts everything to the window and sorts it.
    /// `first` and `last` are the times of the first and last event.
    pub fn close(&mut self, first: i64, last: i64) {
        let to = self.to.min(last);
        let from = match self.bounds {
            Bounds::Last(width) => to.saturating_sub(width),
            _ => self.from,
        };
        (self.from, self.to) = (from.max(self.from).max(first), to);
        self.trim();
        let (from, to) = (self.from, self.to);
        for slice in &mut self.slices {
            slice.open &= slice.end <= to;
            slice.began_before |= slice.start < from;
            (slice.start, slice.end) = (slice.start.max(from), slice.end.min(to));
        }
        self.slices.sort_by_key(|slice| (slice.goroutine, slice.start));
        for (start, end) in self
            .procs
            .iter_mut()
            .map(|s| (&mut s.start, &mut s.end))
            .chain(self.ranges.iter_mut().map(|s| (&mut s.start, &mut s.end)))
            .chain(self.regions.iter_mut().map(|s| (&mut s.start, &mut s.end)))
        {
            (*start, *end) = ((*start).max(from), (*end).min(to));
        }
        self.procs.sort_by_key(|slice| (slice.proc, slice.start));
        self.ranges.sort_by_key(|range| (range.start, range.kind, range.of));
        self.regions.sort_by_key(|region| (region.goroutine, region.start, region.depth));
    }

    /// The slices of a goroutine, by time. Only of a closed window.
    pub fn of(&self, goroutine: i64) -> &[GoSlice] {
        let start = self.slices.partition_point(|slice| slice.goroutine < goroutine);
        let end = self.slices.partition_point(|slice| slice.goroutine <= goroutine);
        &self.slices[start..end]
    }

    /// Whether what was from `start` to `end` touches the window.
    fn wants(&mut self, start: i64, end: i64) -> bool {
        self.latest = self.latest.max(end);
        end > self.from && start < self.to
    }

    fn kept(&mut self) {
        let kept = self.slices.len()
            + self.ranges.len()
            + self.regions.len()
            + self.logs.len()
            + self.procs.len();
        if kept < self.next_trim {
            return;
        }
        if let Bounds::Last(width) = self.bounds {
            self.from = self.from.max(self.latest.saturating_sub(width));
        }
        if self.slices.len() > self.max {
            // They are in the order of their ends.
            self.from = self.from.max(self.slices[self.slices.len() - self.max / 2 - 1].end);
            self.cut = true;
        }
        self.trim();
        for (len, latest) in [
            (self.ranges.len(), self.ranges.last().map(|r| r.end)),
            (self.regions.len(), self.regions.last().map(|r| r.end)),
            (self.logs.len(), self.logs.last().map(|l| l.time)),
            (self.procs.len(), self.procs.last().map(|p| p.end)),
        ] {
            // Far more of these than of slices is no real program: the latest are enough.
            if len > self.max {
                self.from = self.from.max(latest.unwrap_or(self.from).saturating_sub(1));
                self.cut = true;
            }
        }
        self.trim();
        let kept = self.slices.len()
            + self.ranges.len()
            + self.regions.len()
            + self.logs.len()
            + self.procs.len();
        self.next_trim = (kept + TRIM).min(2 * kept.max(TRIM));
    }

    /// Drops what is over before the window.
    fn trim(&mut self) {
        let (from, to) = (self.from, self.to);
        self.slices.retain(|slice| slice.end > from && slice.start < to);
        self.procs.retain(|slice| slice.end > from && slice.start < to);
        self.ranges.retain(|range| range.end > from && range.start < to);
        self.regions.retain(|region| region.end > from && region.start < to);
        self.logs.retain(|log| log.time >= from && log.time <= to);
        let mut here: Vec<i64> = self.slices.iter().map(|slice| slice.goroutine).collect();
        here.sort_unstable();
        here.dedup();
        self.goroutines
            .retain(|id, member| member.ended.is_none() || here.binary_search(id).is_ok());
    }
}

impl Sink for Window {
    fn goroutine(&mut self, slice: &GoSlice, _names: &Names) {
        if let Some(member) = self.goroutines.get_mut(&slice.goroutine) {
            member.function = slice.function;
            if slice.stack != StackId::NONE {
                member.last_stack = slice.stack;
            }
        }
        if self.wants(slice.start, slice.end) {
            if let Some(member) = self.goroutines.get_mut(&slice.goroutine) {
                member.kept = true;
            }
            self.slices.push(*slice);
            self.kept();
        }
    }

    fn appears(&mut self, go: &Appearance, _names: &Names) {
        let &Appearance { goroutine, function, created, parent, stack } = go;
        if created.is_some_and(|at| at > self.to) {
            return;
        }
        let none = StackId::NONE;
        let member = Member {
            function,
            created,
            parent,
            created_stack: stack,
            last_stack: none,
            ended: None,
            kept: false,
        };
        self.goroutines.insert(goroutine, member);
    }

    fn ended(&mut self, last: &GoSlice, _names: &Names) {
        match self.goroutines.get_mut(&last.goroutine) {
            Some(member) if member.kept && last.end > self.from => member.ended = Some(last.end),
            _ => self.unwanted(last.goroutine),
        }
    }

    fn unwanted(&mut self, goroutine: i64) {
        self.goroutines.remove(&goroutine);
    }

    fn processor(&mut self, slice: &ProcSlice) {
        if self.wants(slice.start, slice.end) {
            self.procs.push(*slice);
            self.kept();
        }
    }

    fn range(&mut self, range: &Range, _names: &Names) {
        if self.wants(range.start, range.end) {
            self.ranges.push(*range);
            self.kept();
        }
    }

    fn region(&mut self, region: &Region, _names: &Names) {
        if self.wants(region.start, region.end) {
            self.regions.push(*region);
            self.kept();
        }
    }

    fn log(&mut self, log: &Log, _names: &Names) {
        if self.wants(log.time, log.time + 1) {
            self.logs.push(*log);
            self.kept();
        }
    }
}
