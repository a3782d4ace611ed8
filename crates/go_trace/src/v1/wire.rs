//! The wire format of v1: numbers of its events, how many arguments each has, and where one event ends
//! and the next begins. Source: `internal/trace/internal/tracev1` of Go's standard library.

use crate::wire::varint;

/// An event's first byte has its type below these bits, and how many arguments follow above.
const TYPE_BITS: u32 = 6;
/// An event of more arguments than three is preceded by its length, in bytes, and is not longer.
const MAX_LENGTH: u64 = 2048;
/// Longest string, in bytes.
pub const MAX_STRING: u64 = 1_000_000;
/// Deepest stack, in frames.
pub const MAX_STACK: u64 = 1000;

/// Names are those of Go's v1 package, without `Ev`.
pub mod kind {
    pub const BATCH: u8 = 1;
    pub const FREQUENCY: u8 = 2;
    pub const STACK: u8 = 3;
    pub const GOMAXPROCS: u8 = 4;
    pub const PROC_START: u8 = 5;
    pub const PROC_STOP: u8 = 6;
    pub const GC_START: u8 = 7;
    pub const GC_DONE: u8 = 8;
    pub const STW_START: u8 = 9;
    pub const STW_DONE: u8 = 10;
    pub const GC_SWEEP_START: u8 = 11;
    pub const GC_SWEEP_DONE: u8 = 12;
    pub const GO_CREATE: u8 = 13;
    pub const GO_START: u8 = 14;
    pub const GO_END: u8 = 15;
    pub const GO_STOP: u8 = 16;
    pub const GO_SCHED: u8 = 17;
    pub const GO_PREEMPT: u8 = 18;
    pub const GO_SLEEP: u8 = 19;
    pub const GO_BLOCK: u8 = 20;
    pub const GO_UNBLOCK: u8 = 21;
    pub const GO_BLOCK_SEND: u8 = 22;
    pub const GO_BLOCK_RECV: u8 = 23;
    pub const GO_BLOCK_SELECT: u8 = 24;
    pub const GO_BLOCK_SYNC: u8 = 25;
    pub const GO_BLOCK_COND: u8 = 26;
    pub const GO_BLOCK_NET: u8 = 27;
    pub const GO_SYS_CALL: u8 = 28;
    pub const GO_SYS_EXIT: u8 = 29;
    pub const GO_SYS_BLOCK: u8 = 30;
    pub const GO_WAITING: u8 = 31;
    pub const GO_IN_SYSCALL: u8 = 32;
    pub const HEAP_ALLOC: u8 = 33;
    pub const HEAP_GOAL: u8 = 34;
    pub const TIMER_GOROUTINE: u8 = 35;
    pub const STRING: u8 = 37;
    pub const GO_START_LOCAL: u8 = 38;
    pub const GO_UNBLOCK_LOCAL: u8 = 39;
    pub const GO_SYS_EXIT_LOCAL: u8 = 40;
    pub const GO_START_LABEL: u8 = 41;
    pub const GO_BLOCK_GC: u8 = 42;
    pub const GC_MARK_ASSIST_START: u8 = 43;
    pub const GC_MARK_ASSIST_DONE: u8 = 44;
    pub const USER_TASK_CREATE: u8 = 45;
    pub const USER_TASK_END: u8 = 46;
    pub const USER_REGION: u8 = 47;
    pub const USER_LOG: u8 = 48;
    pub const CPU_SAMPLE: u8 = 49;
}

/// What is said of an event that has not as many arguments as its type.
pub const WRONG_COUNT: &str = "an event has too few or too many arguments";

/// By the event's type: how many arguments follow the time, the stack's id aside, and whether there
/// is one, as the last of them.
pub static SPECS: [(u8, bool); 50] = {
    let mut table = [(0, false); 50];
    let with_stack: [u8; 20] = [
        kind::GOMAXPROCS,
        kind::GC_START,
        kind::GC_SWEEP_START,
        kind::GO_CREATE,
        kind::GO_STOP,
        kind::GO_SCHED,
        kind::GO_PREEMPT,
        kind::GO_SLEEP,
        kind::GO_BLOCK,
        kind::GO_UNBLOCK,
        kind::GO_SYS_CALL,
        kind::GO_UNBLOCK_LOCAL,
        kind::GO_BLOCK_GC,
        kind::GC_MARK_ASSIST_START,
        kind::USER_TASK_CREATE,
        kind::USER_TASK_END,
        kind::USER_REGION,
        kind::USER_LOG,
        kind::CPU_SAMPLE,
        kind::GO_BLOCK_SEND,
    ];
    let mut i = 0;
    while i < with_stack.len() {
        table[with_stack[i] as usize].1 = true;
        i += 1;
    }
    i = kind::GO_BLOCK_SEND as usize;
    while i <= kind::GO_BLOCK_NET as usize {
        table[i].1 = true;
        i += 1;
    }
    let counts = [
        (kind::GOMAXPROCS, 1),
        (kind::PROC_START, 1),
        (kind::GC_START, 1),
        (kind::STW_START, 1),
        (kind::GC_SWEEP_DONE, 2),
        (kind::GO_CREATE, 2),
        (kind::GO_START, 2),
        (kind::GO_UNBLOCK, 2),
        (kind::GO_SYS_EXIT, 3),
        (kind::GO_WAITING, 1),
        (kind::GO_IN_SYSCALL, 1),
        (kind::HEAP_ALLOC, 1),
        (kind::HEAP_GOAL, 1),
        (kind::GO_START_LOCAL, 1),
        (kind::GO_UNBLOCK_LOCAL, 1),
        (kind::GO_SYS_EXIT_LOCAL, 2),
        (kind::GO_START_LABEL, 3),
        (kind::USER_TASK_CREATE, 3),
        (kind::USER_TASK_END, 1),
        (kind::USER_REGION, 3),
        (kind::USER_LOG, 2),
        (kind::CPU_SAMPLE, 3),
    ];
    i = 0;
    while i < counts.len() {
        table[counts[i].0 as usize].0 = counts[i].1;
        i += 1;
    }
    table
};

/// Where an event and its parts lie in the file.
#[derive(Clone, Copy)]
pub struct Raw {
    pub kind: u8,
    /// How many numbers there are, if nothing but their length says.
    pub count: Option<u8>,
    /// The numbers: of a string, its id only.
    pub numbers: (usize, usize),
    /// The bytes of a string, or of a message.
    pub text: (usize, usize),
    /// Where the next event begins.
    pub next: usize,
}

/// The event that begins at `at`. `version` is the minor version of the header.
pub fn raw(data: &[u8], at: usize, version: u32) -> Result<Raw, &'static str> {
    let first = *data.get(at).ok_or(CUT)?;
    let kind = first & ((1 << TYPE_BITS) - 1);
    let count = (first >> TYPE_BITS) + 1;
    if kind == 0 || kind as usize >= SPECS.len() || (kind == kind::CPU_SAMPLE && version < 19) {
        return Err("an event of unknown type");
    }
    let mut rest = &data[at + 1..];
    let place = |rest: &[u8]| data.len() - rest.len();
    let start = at + 1;
    let mut event =
        Raw { kind, count: None, numbers: (start, start), text: (start, start), next: start };
    match kind {
        kind::STRING => {
            number(&mut rest)?;
            event.numbers.1 = place(rest);
            event.text = text(data, &mut rest)?;
        }
        kind::BATCH if count != 2 => return Err("the head of a batch has no two numbers"),
        _ if count <= 3 => {
            for _ in 0..count {
                number(&mut rest)?;
            }
            event.numbers.1 = place(rest);
            event.count = Some(count);
        }
        _ => {
            let length = number(&mut rest)?;
            if length > MAX_LENGTH {
                return Err("an event is too long");
            }
            event.numbers = (place(rest), place(rest) + length as usize);
            rest = data.get(event.numbers.1..).ok_or(CUT)?;
            if kind == kind::USER_LOG {
                event.text = text(data, &mut rest)?;
            }
        }
    }
    event.next = place(rest);
    Ok(event)
}

const CUT: &str = "the trace is cut off: one of Go 1.21 or earlier has the speed of its clock and its \
                   stacks at the end, without which nothing of it can be told";

/// Where a string's bytes lie; its length stands before them.
fn text(data: &[u8], rest: &mut &[u8]) -> Result<(usize, usize), &'static str> {
    let length = number(rest)?;
    let start = data.len() - rest.len();
    *rest = usize::try_from(length).ok().and_then(|length| rest.get(length..)).ok_or(CUT)?;
    Ok((start, start + length as usize))
}

/// Reads a number at the start of `rest` and moves `rest` behind it.
pub fn number(rest: &mut &[u8]) -> Result<u64, &'static str> {
    varint(rest).map_err(|_| if rest.len() < 10 { CUT } else { "a number of more than 64 bits" })
}

/// All numbers of an event, whatever they mean.
pub fn numbers(data: &[u8], event: &Raw) -> Result<Vec<u64>, &'static str> {
    let (mut rest, mut numbers) = (&data[event.numbers.0..event.numbers.1], Vec::new());
    while !rest.is_empty() {
        numbers.push(number(&mut rest)?);
    }
    Ok(numbers)
}

/// An event's arguments after the time, its stack's id, and its time: ticks since the event before.
pub struct Arguments {
    pub ticks: u64,
    pub args: [u64; 4],
    pub stack: u64,
}

/// Decodes the arguments of an event of a batch, neither head nor table.
pub fn arguments(data: &[u8], event: &Raw) -> Result<Arguments, &'static str> {
    let (count, has_stack) = SPECS[event.kind as usize];
    let mut rest = &data[event.numbers.0..event.numbers.1];
    if event.count.is_some_and(|n| n != 1 + count + u8::from(has_stack)) {
        return Err(WRONG_COUNT);
    }
    let mut next = || varint(&mut rest).map_err(|_| WRONG_COUNT);
    let ticks = next()?;
    let mut args = [0; 4];
    for arg in &mut args[..count as usize] {
        *arg = next()?;
    }
    // Ids of stacks have 32 bits in Go's reader.
    let stack = if has_stack { next()? & 0xffff_ffff } else { 0 };
    if rest.is_empty() { Ok(Arguments { ticks, args, stack }) } else { Err(WRONG_COUNT) }
}
