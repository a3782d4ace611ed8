//! Summary and window as JSON has them: sorted, with names instead of numbers, times in nanoseconds
//! since the trace began.

use serde::Serialize;

use crate::conflict::Party;
use crate::histogram::Histogram;
use crate::names::{NameId, Names, StackId};
use crate::slice::{GoSlice, State};
use crate::summary::{Blocks, ByName, Spans, Summary};
use crate::window::Window;

/// The version of the form of these records. Keys may be added without a new one.
pub const RECORD_VERSION: u32 = 1;
/// So many rows of a table are told.
const MAX_ROWS: usize = 200;

/// A call.
#[derive(Serialize, Clone, Debug)]
pub struct FrameRecord {
    /// Full name of the function.
    pub function: String,
    /// Path of the file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// A stretch of a goroutine.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `GoSlice`")]
pub struct SliceRecord {
    pub goroutine: i64,
    pub state: &'static str,
    pub start_ns: i64,
    pub duration_ns: i64,
    pub function: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(skip_serializing_if = "is_none")]
    pub processor: i64,
    #[serde(skip_serializing_if = "is_none")]
    pub by: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<FrameRecord>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_none(number: &i64) -> bool {
    *number < 0
}

/// How many, how long.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct SpansRecord {
    pub name: String,
    pub count: u64,
    pub total_ns: i64,
    pub max_ns: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub longest: Vec<SliceRecord>,
}

/// Goroutines of one function.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct FunctionRecord {
    pub function: String,
    pub count: u64,
    pub alive_at_end: u64,
    pub running_ns: i64,
    pub runnable_ns: i64,
    pub waiting_ns: i64,
    pub syscall_ns: i64,
}

/// How long goroutines waited for a processor.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct LatencyRecord {
    pub count: u64,
    pub p50_ns: i64,
    pub p90_ns: i64,
    pub p99_ns: i64,
    pub max_ns: i64,
    /// How many were at most so long: pairs of nanoseconds and a count; the last has no limit.
    pub decades: Vec<(Option<i64>, u64)>,
    pub longest: Vec<SliceRecord>,
}

/// What a processor did.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct ProcessorRecord {
    pub processor: i64,
    pub busy_ns: i64,
    pub running_ns: i64,
    pub slices: u64,
}

/// A whole trace.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct SummaryRecord {
    pub goroutines: u64,
    pub most_alive: u64,
    pub gomaxprocs: u64,
    pub heap_peak_bytes: u64,
    pub logs: u64,
    pub functions: Vec<FunctionRecord>,
    pub blocks: Vec<SpansRecord>,
    pub syscalls: Vec<SpansRecord>,
    pub latency: LatencyRecord,
    pub collector: Vec<SpansRecord>,
    pub processors: Vec<ProcessorRecord>,
    pub regions: Vec<SpansRecord>,
    pub tasks: Vec<SpansRecord>,
    pub cpu_samples: Vec<(String, u64)>,
}

/// The frames of a stack.
pub fn frames(stack: StackId, names: &Names) -> Vec<FrameRecord> {
    let frame = |f: crate::names::Frame| FrameRecord {
        function: names.text(f.function).to_owned(),
        file: names.text(f.file).to_owned(),
        line: f.line,
    };
    names.stack(stack).map(frame).collect()
}

impl SliceRecord {
    /// `origin`: when the trace began.
    pub fn new(slice: &GoSlice, origin: i64, names: &Names) -> Self {
        Self {
            goroutine: slice.goroutine,
            state: slice.state.as_str(),
            start_ns: slice.start - origin,
            duration_ns: slice.end - slice.start,
            function: names.text(slice.function).to_owned(),
            reason: names.text(slice.reason).to_owned(),
            processor: slice.proc,
            by: slice.by,
            open: slice.open,
            stack: frames(slice.stack, names),
        }
    }
}

fn sorted<'a, K: Copy + 'a, V: 'a>(
    table: impl IntoIterator<Item = (&'a K, &'a V)>,
    names: impl Fn(K) -> String,
    weight: impl Fn(&V) -> i64,
) -> Vec<(String, &'a V)> {
    let mut rows: Vec<(String, &V)> = table.into_iter().map(|(&k, v)| (names(k), v)).collect();
    rows.sort_by(|a, b| weight(b.1).cmp(&weight(a.1)).then_with(|| a.0.cmp(&b.0)));
    rows.truncate(MAX_ROWS);
    rows
}

impl SpansRecord {
    fn new(name: String, spans: &Spans) -> Self {
        let &Spans { count, total, max } = spans;
        Self { name, count, total_ns: total, max_ns: max, longest: Vec::new() }
    }

    fn with_longest(name: String, blocks: &Blocks, origin: i64, names: &Names) -> Self {
        let record = |slice: &GoSlice| SliceRecord::new(slice, origin, names);
        let longest = blocks.longest.iter().map(record).collect();
        Self { longest, ..Self::new(name, &blocks.spans) }
    }
}

impl LatencyRecord {
    fn new(latency: &Histogram, longest: Vec<SliceRecord>) -> Self {
        let decades = latency.decades().into_iter();
        Self {
            count: latency.count(),
            p50_ns: latency.quantile(0.5),
            p90_ns: latency.quantile(0.9),
            p99_ns: latency.quantile(0.99),
            max_ns: latency.max(),
            decades: decades.map(|(n, count)| ((n != i64::MAX).then_some(n), count)).collect(),
            longest,
        }
    }
}

impl SummaryRecord {
    /// `origin`: when the trace began.
    pub fn new(summary: &Summary, origin: i64, names: &Names) -> Self {
        let text = |name: NameId| names.text(name).to_owned();
        let blocks = |table: &ByName<Blocks>| {
            let rows = sorted(table.iter(), text, |b: &Blocks| b.spans.total).into_iter();
            rows.map(|(name, b)| SpansRecord::with_longest(name, b, origin, names)).collect()
        };
        let spans = |table| {
            let rows = sorted(table, text, |s: &Spans| s.total).into_iter();
            rows.map(|(name, s)| SpansRecord::new(name, s)).collect()
        };
        let functions = sorted(summary.functions.iter(), text, |f| f.count as i64).into_iter();
        let function = |(function, f): (String, &crate::Function)| FunctionRecord {
            function,
            count: f.count,
            alive_at_end: f.alive,
            running_ns: f.time[State::Running as usize],
            runnable_ns: f.time[State::Runnable as usize],
            waiting_ns: f.time[State::Waiting as usize],
            syscall_ns: f.time[State::Syscall as usize],
        };
        let collector = sorted(
            &summary.ranges,
            |(kind, reason)| match names.text(reason) {
                "" => kind.as_str().to_owned(),
                why => format!("{} ({why})", kind.as_str()),
            },
            |s| s.total,
        );
        let mut processors: Vec<ProcessorRecord> = summary
            .procs
            .iter()
            .map(|(&processor, p)| ProcessorRecord {
                processor,
                busy_ns: p.busy,
                running_ns: p.running,
                slices: p.slices,
            })
            .collect();
        processors.sort_by_key(|p| p.processor);
        let longest = summary.latest.iter().map(|s| SliceRecord::new(s, origin, names)).collect();
        let samples = sorted(&summary.samples, text, |&n| n as i64).into_iter();
        Self {
            goroutines: summary.goroutines,
            most_alive: summary.most_alive,
            gomaxprocs: summary.gomaxprocs,
            heap_peak_bytes: summary.heap_peak,
            logs: summary.logs,
            functions: functions.map(function).collect(),
            blocks: blocks(&summary.blocks),
            syscalls: blocks(&summary.syscalls),
            latency: LatencyRecord::new(&summary.latency, longest),
            collector: collector.into_iter().map(|(name, s)| SpansRecord::new(name, s)).collect(),
            processors,
            regions: spans(&summary.regions),
            tasks: spans(&summary.tasks),
            cpu_samples: samples.map(|(name, &count)| (name, count)).collect(),
        }
    }
}

/// A goroutine of a window.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct MemberRecord {
    pub id: i64,
    pub function: String,
    /// Why it is marked: a role of [`crate::Role`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<&'static str>,
    #[serde(skip_serializing_if = "is_none")]
    pub parent: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ns: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub created_at: Vec<FrameRecord>,
    pub slices: Vec<SliceRecord>,
}

/// A range, a region or a message.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct MarkRecord {
    pub kind: &'static str,
    pub name: String,
    pub of: i64,
    pub start_ns: i64,
    pub duration_ns: i64,
}

/// A stretch of a trace.
#[derive(Serialize, Clone, Debug)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct WindowRecord {
    pub from_ns: i64,
    pub to_ns: i64,
    /// Whether there was more than is told.
    pub cut: bool,
    pub goroutines: Vec<MemberRecord>,
    pub marks: Vec<MarkRecord>,
}

impl WindowRecord {
    /// `origin`: when the trace began.
    pub fn new(window: &Window, parties: &[Party], origin: i64, names: &Names) -> Self {
        let mut goroutines = Vec::new();
        for (&id, member) in &window.goroutines {
            let slices = window.of(id);
            if slices.is_empty() {
                continue;
            }
            let party = parties.iter().find(|party| party.goroutine == id);
            goroutines.push(MemberRecord {
                id,
                function: names.text(member.function).to_owned(),
                conflict: party.map(|party| party.role.as_str()),
                parent: member.parent,
                created_ns: member.created.map(|at| at - origin),
                ended_ns: member.ended.map(|at| at - origin),
                created_at: frames(member.created_stack, names),
                slices: slices.iter().map(|s| SliceRecord::new(s, origin, names)).collect(),
            });
        }
        let mark = |kind, name: &str, of, start: i64, end: i64| {
            let name = name.to_owned();
            MarkRecord { kind, name, of, start_ns: start - origin, duration_ns: end - start }
        };
        let ranges = window
            .ranges
            .iter()
            .map(|r| mark(r.kind.as_str(), names.text(r.reason), r.of, r.start, r.end));
        let regions = window
            .regions
            .iter()
            .map(|r| mark("region", names.text(r.name), r.goroutine, r.start, r.end));
        let logs = window
            .logs
            .iter()
            .map(|l| mark("log", names.text(l.message), l.goroutine, l.time, l.time));
        Self {
            from_ns: window.from - origin,
            to_ns: window.to - origin,
            cut: window.cut,
            goroutines,
            marks: ranges.chain(regions).chain(logs).collect(),
        }
    }
}
