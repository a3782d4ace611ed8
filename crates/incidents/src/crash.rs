//! A crash in the form in which it is stored: those that died in full, all others grouped by what
//! they do. Separate from [`go_crash::Report`], which is for reading and has no stable form, and
//! smaller than [`go_crash::ReportRecord`], which has one entry a goroutine: a hundred thousand of
//! them are a handful of groups.

use std::collections::HashMap;

use go_crash::{Goroutine, GoroutineRecord, Report, ReportRecord};
use serde::{Deserialize, Serialize};

/// So many members of a group are named.
const MAX_IDS: usize = 16;

/// A crash with its goroutines grouped.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Crash {
    /// Kind, message, class, whether `recover` could have stopped it, fingerprint; of the
    /// goroutines only those that died.
    pub report: ReportRecord,
    /// [`Report::recover_text`]: one sentence without a full stop.
    pub recover: String,
    /// All others by what they do, largest first.
    pub groups: Vec<Group>,
    /// How many goroutines the dump had.
    pub total: u64,
    /// How many of them are in no group here, because there were too many distinct ones.
    pub ungrouped: u64,
    /// Locks for which goroutines wait.
    #[serde(default)]
    pub locks: Vec<Lock>,
    /// Where the dump was cut, if it was: "after 64 MiB", "after 2 s".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
}

/// Goroutines that do the same.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// One of them.
    pub sample: GoroutineRecord,
    /// How many there are.
    pub count: u64,
    /// The first of their ids, at most 16.
    pub ids: Vec<u64>,
    /// The shortest that one has waited, in minutes, if all have a time.
    pub min_minutes: Option<u64>,
    /// The longest, in minutes.
    pub max_minutes: Option<u64>,
}

/// A lock for which goroutines wait, see [`go_crash::Contended`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lock {
    /// Its address, as printed.
    pub address: String,
    /// What waits: `sync.(*Mutex).Lock`.
    pub operation: String,
    /// How many goroutines wait.
    pub waiting: u64,
    /// Who may hold it, in words: `goroutine 7 [running]: main.(*S).Put (s.go:12)`.
    pub holders: Vec<String>,
}

impl Crash {
    /// A crash as the collector gave it. Nothing has to be kept one by one for it
    /// ([`go_crash::Collector::new`] is enough).
    pub fn new(report: &Report) -> Self {
        let crashed: Vec<GoroutineRecord> =
            report.crashed.iter().map(GoroutineRecord::new).collect();
        let groups = report.groups.iter().map(|group| Group {
            sample: GoroutineRecord::new(&group.sample),
            count: group.count,
            ids: group.ids.clone(),
            min_minutes: group.min_minutes.filter(|minutes| *minutes != u64::MAX),
            max_minutes: group.max_minutes,
        });
        let locks = report.locks.iter().map(|lock| Lock {
            address: lock.address.clone(),
            operation: lock.operation.clone(),
            waiting: lock.waiting,
            holders: lock.holders.iter().map(holder).collect(),
        });
        // The record lists every goroutine that was kept; here the groups stand for them.
        let bare = Report { goroutines: Vec::<Goroutine>::new(), omitted: 0, ..report.clone() };
        Self {
            recover: report.recover_text().to_owned(),
            groups: groups.collect(),
            total: report.total,
            ungrouped: report.ungrouped,
            locks: locks.collect(),
            cut: None,
            report: ReportRecord { goroutines: crashed, ..ReportRecord::new(&bare) },
        }
    }

    /// A crash as `unpanic crash --format json` prints it.
    pub fn from_record(mut record: ReportRecord) -> Self {
        let total = record.goroutines.len() as u64 + record.omitted;
        let (crashed, others) = record.goroutines.drain(..).partition(|g| g.crashed);
        record.goroutines = crashed;
        let recover = match record.recoverable {
            Some(true) => "recover could have stopped it, or did",
            Some(false) => "recover could not have stopped it",
            None => "nothing died of it",
        };
        Self {
            recover: recover.to_owned(),
            groups: grouped(others),
            total,
            ungrouped: std::mem::take(&mut record.omitted),
            locks: Vec::new(),
            cut: None,
            report: record,
        }
    }
}

fn holder(holder: &go_crash::Holder) -> String {
    let go_crash::Holder { goroutine, function, place, state, .. } = holder;
    format!("goroutine {goroutine} [{state}]: {function} ({place})")
}

fn grouped(goroutines: Vec<GoroutineRecord>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for goroutine in goroutines {
        let functions: Vec<&str> = goroutine.frames.iter().map(|f| f.function.as_str()).collect();
        let creator = goroutine.created_by.as_ref().map_or("", |by| by.function.as_str());
        let key = format!("{}\n{}\r{creator}", goroutine.state, functions.join("\n"));
        let at = *places.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group {
                count: 0,
                ids: Vec::new(),
                min_minutes: goroutine.wait_minutes,
                max_minutes: None,
                sample: goroutine.clone(),
            });
        }
        let group = &mut groups[at];
        group.count += 1;
        if group.ids.len() < MAX_IDS {
            group.ids.push(goroutine.id);
        }
        group.min_minutes = group.min_minutes.min(goroutine.wait_minutes);
        group.max_minutes = group.max_minutes.max(goroutine.wait_minutes);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}
