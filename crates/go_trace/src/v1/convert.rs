//! What an event of v1 is in today's format. Most have a counterpart. A system call was one moment, and
//! becomes a beginning and an end; the states of goroutines that were there before the trace become
//! known when its first event of GOMAXPROCS comes; reasons of waiting were types of events and are
//! strings now.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use super::check::arguments;
use super::index::{Index, Record};
use super::wire::{self, Arguments, kind};
use crate::event::{Event, NO_GOROUTINE, NO_PROC, NO_TASK, NO_THREAD};
use crate::tables::Tables;
use crate::wire::{EventType as E, SPECS};

/// A thread in the arguments of an event.
const UNKNOWN_THREAD: u64 = u64::MAX;

/// Numbers of a goroutine's and a processor's states on the wire.
const GO_RUNNABLE: u64 = 1;
const GO_RUNNING: u64 = 2;
const GO_SYSCALL: u64 = 3;
const GO_WAITING: u64 = 4;
const PROC_RUNNING: u64 = 1;
const PROC_IDLE: u64 = 2;

/// Why goroutines wait and stop, by the type of the event.
const REASONS: [(u8, &str); 13] = [
    (kind::GO_STOP, "forever"),
    (kind::GO_PREEMPT, "preempted"),
    (kind::GO_SCHED, "runtime.Gosched"),
    (kind::GO_SLEEP, "sleep"),
    (kind::GO_BLOCK_SEND, "chan send"),
    (kind::GO_BLOCK_RECV, "chan receive"),
    (kind::GO_BLOCK_NET, "network"),
    (kind::GO_BLOCK_SYNC, "sync"),
    (kind::GO_BLOCK_COND, "sync.(*Cond).Wait"),
    (kind::GO_BLOCK_SELECT, "select"),
    (kind::GO_BLOCK, ""),
    (kind::GO_BLOCK_GC, "GC mark assist wait for work"),
    (kind::STW_START, ""),
];

/// Why the world stops: by the number that Go 1.21 writes, less one. Versions before have the first two.
const STOPS: [&str; 16] = [
    "GC mark termination",
    "GC sweep termination",
    "write heap dump",
    "goroutine profile",
    "goroutine profile cleanup",
    "all goroutine stack trace",
    "read mem stats",
    "AllThreadsSyscall",
    "GOMAXPROCS",
    "start trace",
    "stop trace",
    "CountPagesInUse (test)",
    "ReadMetricsSlow (test)",
    "ReadMemStatsSlow (test)",
    "PageCachePagesLeaked (test)",
    "ResetDebugLog (test)",
];

/// What is known at the point that has been reached.
pub struct Converter {
    /// Events that an earlier one stands for.
    waiting: VecDeque<Event>,
    /// Goroutines that were there before the trace, while it tells what they do; none when it has.
    before: Option<BTreeSet<u64>>,
    /// Parents and names of open tasks.
    tasks: HashMap<u64, (u64, u64)>,
    /// Under what number the names of tasks are kept.
    task_names: HashMap<u64, u64>,
    /// Of each processor: its number, whether it has been seen, and its thread.
    procs: Vec<(i32, bool, Option<u64>)>,
    stop: u64,
    /// Ids of the strings of `REASONS`, one after another, then of `STOPS`.
    reasons: u64,
    messages: HashMap<Box<[u8]>, u64>,
    next_string: u64,
}

impl Converter {
    /// Adds the strings to the tables that the trace did not need.
    pub fn new(tables: &mut Tables, index: Index) -> Result<Self, &'static str> {
        let texts = REASONS.iter().map(|reason| reason.1).chain(STOPS);
        // One more than there can be messages must be free, too.
        let last =
            index.max_string.checked_add((REASONS.len() + STOPS.len() + index.events) as u64);
        last.ok_or("a string's number is too large")?;
        let reasons = index.max_string + 1;
        let mut next_string = reasons;
        for text in texts {
            tables.add_string(next_string, tables.data.len(), text.len() as u32);
            tables.data.extend_from_slice(text.as_bytes());
            next_string += 1;
        }
        Ok(Self {
            waiting: VecDeque::new(),
            before: Some(BTreeSet::new()),
            tasks: HashMap::new(),
            task_names: HashMap::new(),
            procs: index.procs.numbers.into_iter().map(|number| (number, false, None)).collect(),
            stop: 0,
            reasons,
            messages: HashMap::new(),
            next_string,
        })
    }

    /// The next event that an earlier one stands for.
    pub fn waiting(&mut self) -> Option<Event> {
        self.waiting.pop_front()
    }

    /// What the next event of the trace is, if it is one by itself.
    pub fn convert(
        &mut self,
        record: &Record,
        tables: &mut Tables,
        version: u32,
    ) -> Result<Option<Event>, &'static str> {
        let (raw, Arguments { args, stack, .. }) = arguments(&tables.data, record, version);
        let stack = if tables.stack(stack).len() == 0 { 0 } else { stack };
        let (proc, seen, thread) = self.procs[record.proc as usize];
        let number = i64::from(proc) as u64;
        let go = record.goroutine;
        // Whoever runs, as two of the conversions of Go's reader have it: never "none".
        let bare = Event {
            kind: E(0),
            time: record.time,
            thread: thread.unwrap_or(0) as i64,
            proc: i64::from(proc),
            goroutine: go as i64,
            args: [0; 4],
        };
        let (kind, args) = match record.kind {
            kind::GOMAXPROCS => {
                if let Some(before) = self.before.take() {
                    self.waiting.extend(before.into_iter().map(|id| {
                        let args = [id, UNKNOWN_THREAD, GO_RUNNABLE, 0];
                        let (thread, proc, goroutine) = (NO_THREAD, NO_PROC, NO_GOROUTINE);
                        Event { kind: E::GO_STATUS, thread, proc, goroutine, args, ..bare }
                    }));
                    return Ok(None);
                }
                (E::PROCS_CHANGE, args)
            }
            kind::PROC_START => {
                self.procs[record.proc as usize] = (proc, true, Some(args[0]));
                let first = (E::PROC_STATUS, [number, PROC_RUNNING, 0, 0]);
                if seen { (E::PROC_START, [number, 0, 0, 0]) } else { first }
            }
            kind::PROC_STOP => {
                self.procs[record.proc as usize].1 = true;
                let first = (E::PROC_STATUS, [number, PROC_IDLE, 0, 0]);
                if seen { (E::PROC_STOP, [number, 0, 0, 0]) } else { first }
            }
            kind::GC_START => (E::GC_BEGIN, args),
            kind::GC_DONE => (E::GC_END, args),
            kind::STW_START => {
                self.stop = self.stop_reason(args[0], version);
                (E::STW_BEGIN, [self.stop, 0, 0, 0])
            }
            kind::STW_DONE => (E::STW_END, [self.stop, 0, 0, 0]),
            kind::GC_SWEEP_START => (E::GC_SWEEP_BEGIN, args),
            kind::GC_SWEEP_DONE => (E::GC_SWEEP_END, args),
            kind::GO_CREATE => {
                if let Some(before) = &mut self.before {
                    before.insert(args[0]);
                    return Ok(None);
                }
                (E::GO_CREATE, args)
            }
            kind::GO_START => match &mut self.before {
                Some(before) => {
                    before.remove(&args[0]);
                    (E::GO_STATUS, [args[0], UNKNOWN_THREAD, GO_RUNNING, 0])
                }
                None => (E::GO_START, args),
            },
            kind::GO_START_LABEL => {
                let label = Event { kind: E::GO_LABEL, args: [args[2], 0, 0, 0], ..bare };
                self.waiting.push_back(label);
                return Ok(Some(Event { kind: E::GO_START, args, ..bare }));
            }
            kind::GO_END => (E::GO_DESTROY, args),
            kind::GO_SCHED | kind::GO_PREEMPT => {
                (E::GO_STOP, [self.reason(record.kind), stack, 0, 0])
            }
            kind::GO_STOP
            | kind::GO_SLEEP
            | kind::GO_BLOCK
            | kind::GO_BLOCK_SEND..=kind::GO_BLOCK_NET
            | kind::GO_BLOCK_GC => (E::GO_BLOCK, [self.reason(record.kind), stack, 0, 0]),
            kind::GO_UNBLOCK => (E::GO_UNBLOCK, args),
            kind::GO_SYS_CALL if record.blocked => (E::GO_SYSCALL_BEGIN, [0, stack, 0, 0]),
            kind::GO_SYS_CALL => {
                // How long it took is not known; one that did not block, not long.
                let time = record.time.wrapping_add(1);
                self.waiting.push_back(Event { kind: E::GO_SYSCALL_END, time, ..bare });
                let args = [0, stack, 0, 0];
                return Ok(Some(Event { kind: E::GO_SYSCALL_BEGIN, args, ..bare }));
            }
            kind::GO_SYS_EXIT => (E::GO_SYSCALL_END_BLOCKED, args),
            // Its beginning has been given.
            kind::GO_SYS_BLOCK => return Ok(None),
            kind::GO_WAITING | kind::GO_IN_SYSCALL => {
                if let Some(before) = &mut self.before {
                    before.remove(&args[0]);
                }
                let waits = record.kind == kind::GO_WAITING;
                let state = if waits { GO_WAITING } else { GO_SYSCALL };
                (E::GO_STATUS, [args[0], UNKNOWN_THREAD, state, 0])
            }
            kind::HEAP_ALLOC => (E::HEAP_ALLOC, args),
            kind::HEAP_GOAL => (E::HEAP_GOAL, args),
            kind::GC_MARK_ASSIST_START => (E::GC_MARK_ASSIST_BEGIN, args),
            kind::GC_MARK_ASSIST_DONE => (E::GC_MARK_ASSIST_END, args),
            kind::USER_TASK_CREATE => {
                let [task, parent, name, _] = args;
                self.tasks.insert(task, (parent, name));
                let parent = if parent == 0 { NO_TASK } else { parent };
                (E::USER_TASK_BEGIN, [task, parent, name, stack])
            }
            kind::USER_TASK_END => {
                let (parent, name) = self.tasks.remove(&args[0]).unwrap_or((NO_TASK, 0));
                (E::USER_TASK_END, [args[0], stack, parent, self.task_name(tables, name)])
            }
            kind::USER_REGION => {
                let [task, mode, name, _] = args;
                let kind = if mode == 0 { E::USER_REGION_BEGIN } else { E::USER_REGION_END };
                (kind, [task, name, stack, 0])
            }
            kind::USER_LOG => {
                let message = self.message(tables, &raw);
                (E::USER_LOG, [args[0], args[1], message, stack])
            }
            kind::CPU_SAMPLE => {
                let goroutine = if go == 0 { NO_GOROUTINE } else { go as i64 };
                let args = [stack, UNKNOWN_THREAD, number, go];
                let thread = NO_THREAD;
                return Ok(Some(Event { kind: E::CPU_SAMPLE, thread, goroutine, args, ..bare }));
            }
            _ => return Err("an event of a type that has no meaning"),
        };
        let mut args = args;
        if wire::SPECS[record.kind as usize].1
            && let Some(&place) = SPECS[kind.0 as usize].stacks.first()
        {
            args[place as usize] = stack;
        }
        let thread = self.procs[record.proc as usize].2.filter(|_| proc != -1);
        if record.kind == kind::PROC_STOP {
            self.procs[record.proc as usize].2 = None;
        }
        let thread = thread.map_or(NO_THREAD, |thread| thread as i64);
        let goroutine = if go == 0 { NO_GOROUTINE } else { go as i64 };
        Ok(Some(Event { kind, thread, goroutine, args, ..bare }))
    }

    fn reason(&self, kind: u8) -> u64 {
        let place = REASONS.iter().position(|reason| reason.0 == kind);
        self.reasons + place.expect("each of these types has a reason") as u64
    }

    fn stop_reason(&self, number: u64, version: u32) -> u64 {
        let (number, last) =
            if version < 21 { (number.saturating_add(1), 2) } else { (number, 16) };
        if (1..=last).contains(&number) {
            self.reasons + (REASONS.len() - 1) as u64 + number
        } else {
            self.reason(kind::STW_START)
        }
    }

    /// The number under which a task's name is kept.
    fn task_name(&mut self, tables: &mut Tables, name: u64) -> u64 {
        *self.task_names.entry(name).or_insert_with(|| {
            let text = Arc::from(tables.string(name));
            tables.add_extra(text)
        })
    }

    /// The id of a message, which stands in its event.
    fn message(&mut self, tables: &mut Tables, raw: &wire::Raw) -> u64 {
        let (start, end) = raw.text;
        let text = &tables.data[start..end];
        if let Some(&id) = self.messages.get(text) {
            return id;
        }
        self.messages.insert(text.into(), self.next_string);
        self.next_string += 1;
        tables.add_string(self.next_string - 1, start, (end - start) as u32);
        self.next_string - 1
    }
}
