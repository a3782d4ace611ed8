//! From events to reports: what died, and what all the others were doing. Goroutines that do the same
//! are one group; only one of each is kept.

use std::hash::{Hash as _, Hasher as _};

use rustc_hash::{FxHashMap, FxHasher};

use crate::classify::{self, Class, classify};
use crate::fingerprint::{fingerprint, is_runtime};
use crate::goroutine::{Frame, Goroutine, Section};
use crate::head::{Head, Kind};
use crate::locks::{Contended, Locks, Shape};
use crate::parser::{Event, ReportId};

/// More distinct groups of a report are counted ([`Report::ungrouped`]) and not kept.
pub const MAX_GROUPS: usize = 10_000;
/// Nor is a group kept when those of its report take more than so many bytes.
const MAX_GROUP_BYTES: usize = 32 << 20;
/// So many ids of a group are named.
const MAX_IDS: usize = 16;
/// So many stacks that died are kept: two threads may notice one conflict.
const MAX_CRASHED: usize = 4;

/// Makes reports of events.
#[derive(Default)]
pub struct Collector {
    open: FxHashMap<ReportId, Gathering>,
    /// How many more bytes of goroutines may be kept one by one.
    room: usize,
}

/// One crash or report, read to its end.
#[derive(Clone, Default)]
pub struct Report {
    /// Kind, message, and what came with it.
    pub head: Head,
    /// Those that died; for a race report the accesses.
    pub crashed: Vec<Goroutine>,
    /// All others by what they do, largest first.
    pub groups: Vec<Group>,
    /// All stacks in the order printed, as far as [`Collector::keeping`] allowed.
    pub goroutines: Vec<Goroutine>,
    /// How many stacks were printed, without those of where race reports' goroutines were started.
    pub total: u64,
    /// How many of them are not in `goroutines`.
    pub omitted: u64,
    /// How many are in no group, because there were too many distinct ones.
    pub ungrouped: u64,
    /// Locks for which goroutines wait.
    pub locks: Vec<Contended>,
    /// `c1-…`: the same for the same crash in another run.
    pub fingerprint: String,
}

/// Goroutines that do the same: same state, same functions, same creator.
#[derive(Clone, Default)]
pub struct Group {
    /// One of them.
    pub sample: Goroutine,
    /// How many there are.
    pub count: u64,
    /// The first of their ids, at most 16.
    pub ids: Vec<u64>,
    /// The longest that one has waited, in minutes.
    pub max_minutes: Option<u64>,
    /// The shortest, if all have a time.
    pub min_minutes: Option<u64>,
}

#[derive(Default)]
struct Gathering {
    report: Report,
    /// By [`key`]; where two have the same, the second is under the next number that is free.
    groups: FxHashMap<u64, usize>,
    /// Of each group.
    shapes: Vec<Shape>,
    locks: Locks,
    kept: usize,
    grouped: usize,
}

impl Report {
    /// Which mistake it is.
    pub fn class(&self) -> Class {
        classify(&self.head)
    }
    /// Whether `recover` could have stopped it; `None` when nothing died.
    pub fn recoverable(&self) -> Option<bool> {
        classify::recoverable(&self.head)
    }
    /// The call of a stack that the crash is about: where the first panic was raised, or the first call
    /// of code that is neither the runtime's nor the standard library's.
    pub fn site<'a>(&self, stack: &'a Goroutine) -> Option<Frame<'a>> {
        let frames: Vec<Frame<'a>> = stack.frames().filter(|f| f.ancestor == 0).collect();
        let raised = match self.head.cause().0 {
            Kind::Panic | Kind::HttpPanic => frames.iter().rposition(|f| f.function == "panic"),
            _ => None,
        };
        let behind = &frames[raised.map_or(0, |at| at + 1)..];
        let own = behind.iter().find(|f| !is_runtime(f.function) && !f.is_std());
        own.or_else(|| behind.iter().find(|f| !is_runtime(f.function))).copied()
    }
    /// Groups of goroutines that were running in the function that the crash is about, when two
    /// goroutines used one thing at once: the other side, if the dump has it.
    pub fn beside(&self) -> Vec<&Group> {
        let races = matches!(self.class(), Class::ConcurrentMap | Class::Fault);
        let site = self.crashed.first().and_then(|stack| self.site(stack));
        let Some(site) = site.filter(|_| races) else { return Vec::new() };
        let same = |group: &&Group| {
            let state = group.sample.state();
            let runs = state.starts_with("running") || state.starts_with("runnable");
            runs && group.sample.frames().any(|frame| frame.function == site.function)
        };
        self.groups.iter().filter(same).collect()
    }
    /// [`Report::recoverable`] as a sentence without a full stop.
    pub fn recover_text(&self) -> &'static str {
        classify::recover_text(&self.head)
    }
}

impl Collector {
    /// Groups only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps goroutines one by one too, up to about so many bytes in all reports that are open.
    pub fn keeping(bytes: usize) -> Self {
        Self { room: bytes, ..Self::default() }
    }

    /// Takes an event; gives the report that it ends.
    pub fn event(&mut self, event: Event<'_>) -> Option<Report> {
        match event {
            Event::Start(id, head) | Event::Head(id, head) => {
                self.open.entry(id).or_default().report.head = head.clone();
            }
            Event::Goroutine(id, stack) => {
                self.open.entry(id).or_default().add(stack, &mut self.room);
            }
            Event::Retracted(id) => {
                let gathering = self.open.entry(id).or_default();
                let head = std::mem::take(&mut gathering.report.head);
                self.room += gathering.kept;
                *gathering = Gathering::default();
                gathering.report.head = head;
            }
            Event::End(id) => {
                let gathering = self.open.remove(&id)?;
                self.room += gathering.kept;
                return Some(gathering.finish());
            }
        }
        None
    }
}

impl Gathering {
    fn add(&mut self, stack: &Goroutine, room: &mut usize) {
        let report = &mut self.report;
        if stack.section != Section::Created && stack.section != Section::Other {
            report.total += 1;
        }
        if stack.size() <= *room {
            self.kept += stack.size();
            *room -= stack.size();
            report.goroutines.push(stack.clone());
        } else {
            report.omitted += 1;
        }
        let told = stack.crashed || stack.section == Section::Access;
        if told && report.crashed.len() < MAX_CRASHED {
            report.crashed.push(stack.clone());
            let shape = self.locks.shape(stack);
            self.locks.add(stack, &shape);
            return;
        }
        if matches!(stack.section, Section::Goroutine | Section::Access) {
            self.group(stack);
        }
    }

    fn group(&mut self, stack: &Goroutine) {
        let groups = &mut self.report.groups;
        let mut key = key(stack);
        let known = loop {
            match self.groups.get(&key) {
                Some(&index) if does_the_same(stack, &groups[index].sample) => break Some(index),
                Some(_) => key = key.wrapping_add(1),
                None => break None,
            }
        };
        let index = match known {
            Some(index) => index,
            None if groups.len() < MAX_GROUPS && self.grouped < MAX_GROUP_BYTES => {
                self.grouped += stack.size();
                self.groups.insert(key, groups.len());
                self.shapes.push(self.locks.shape(stack));
                groups.push(Group {
                    sample: stack.clone(),
                    min_minutes: Some(u64::MAX),
                    ..Group::default()
                });
                groups.len() - 1
            }
            None => {
                self.report.ungrouped += 1;
                let shape = self.locks.shape(stack);
                self.locks.add(stack, &shape);
                return;
            }
        };
        self.locks.add(stack, &self.shapes[index]);
        let group = &mut groups[index];
        group.count += 1;
        if group.ids.len() < MAX_IDS {
            group.ids.push(stack.id);
        }
        group.max_minutes = group.max_minutes.max(stack.wait_minutes);
        group.min_minutes = group.min_minutes.min(stack.wait_minutes);
    }

    fn finish(mut self) -> Report {
        let report = &mut self.report;
        // Stable: those that were printed first stay first among equals.
        report.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        report.locks = self.locks.finish();
        // Without a stack that died, a deadlock is told by who waits.
        let told = if report.crashed.is_empty() && report.head.kind != Kind::Signal {
            let own = |g: &&Group| g.sample.frames().any(|f| !is_runtime(f.function));
            report.groups.iter().find(own).map(|g| vec![g.sample.clone()]).unwrap_or_default()
        } else {
            report.crashed.clone()
        };
        report.fingerprint = fingerprint(&report.head, &told);
        self.report
    }
}

/// What a goroutine does, as a number: its state, its functions, its creator.
fn key(stack: &Goroutine) -> u64 {
    let mut hasher = FxHasher::default();
    stack.state().hash(&mut hasher);
    stack.functions().for_each(|function| hasher.write(function));
    stack.created_by().map(|created| created.function).hash(&mut hasher);
    hasher.finish()
}

fn does_the_same(a: &Goroutine, b: &Goroutine) -> bool {
    a.state() == b.state()
        && a.functions().eq(b.functions())
        && a.created_by().map(|c| c.function) == b.created_by().map(|c| c.function)
}
