//! The wire format: numbers of the events, how many arguments each has, and varints.
//! Source: `internal/trace/tracev2` of Go's standard library.

/// The type of an event, as the trace has it. The name of a constant is Go's, without `Ev`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EventType(pub u8);

#[expect(missing_docs, reason = "the names are Go's; `tracev2/events.go` describes each")]
impl EventType {
    pub const EVENT_BATCH: Self = Self(1);
    pub const STACKS: Self = Self(2);
    pub const STACK: Self = Self(3);
    pub const STRINGS: Self = Self(4);
    pub const STRING: Self = Self(5);
    pub const CPU_SAMPLES: Self = Self(6);
    pub const CPU_SAMPLE: Self = Self(7);
    pub const FREQUENCY: Self = Self(8);
    pub const PROCS_CHANGE: Self = Self(9);
    pub const PROC_START: Self = Self(10);
    pub const PROC_STOP: Self = Self(11);
    pub const PROC_STEAL: Self = Self(12);
    pub const PROC_STATUS: Self = Self(13);
    pub const GO_CREATE: Self = Self(14);
    pub const GO_CREATE_SYSCALL: Self = Self(15);
    pub const GO_START: Self = Self(16);
    pub const GO_DESTROY: Self = Self(17);
    pub const GO_DESTROY_SYSCALL: Self = Self(18);
    pub const GO_STOP: Self = Self(19);
    pub const GO_BLOCK: Self = Self(20);
    pub const GO_UNBLOCK: Self = Self(21);
    pub const GO_SYSCALL_BEGIN: Self = Self(22);
    pub const GO_SYSCALL_END: Self = Self(23);
    pub const GO_SYSCALL_END_BLOCKED: Self = Self(24);
    pub const GO_STATUS: Self = Self(25);
    pub const STW_BEGIN: Self = Self(26);
    pub const STW_END: Self = Self(27);
    pub const GC_ACTIVE: Self = Self(28);
    pub const GC_BEGIN: Self = Self(29);
    pub const GC_END: Self = Self(30);
    pub const GC_SWEEP_ACTIVE: Self = Self(31);
    pub const GC_SWEEP_BEGIN: Self = Self(32);
    pub const GC_SWEEP_END: Self = Self(33);
    pub const GC_MARK_ASSIST_ACTIVE: Self = Self(34);
    pub const GC_MARK_ASSIST_BEGIN: Self = Self(35);
    pub const GC_MARK_ASSIST_END: Self = Self(36);
    pub const HEAP_ALLOC: Self = Self(37);
    pub const HEAP_GOAL: Self = Self(38);
    pub const GO_LABEL: Self = Self(39);
    pub const USER_TASK_BEGIN: Self = Self(40);
    pub const USER_TASK_END: Self = Self(41);
    pub const USER_REGION_BEGIN: Self = Self(42);
    pub const USER_REGION_END: Self = Self(43);
    pub const USER_LOG: Self = Self(44);
    pub const GO_SWITCH: Self = Self(45);
    pub const GO_SWITCH_DESTROY: Self = Self(46);
    pub const GO_CREATE_BLOCKED: Self = Self(47);
    pub const GO_STATUS_STACK: Self = Self(48);
    pub const EXPERIMENTAL_BATCH: Self = Self(49);
    pub const SYNC: Self = Self(50);
    pub const CLOCK_SNAPSHOT: Self = Self(51);
    pub const END_OF_GENERATION: Self = Self(52);
    pub const SPAN: Self = Self(128);
    pub const SPAN_ALLOC: Self = Self(129);
    pub const SPAN_FREE: Self = Self(130);
    pub const HEAP_OBJECT: Self = Self(131);
    pub const HEAP_OBJECT_ALLOC: Self = Self(132);
    pub const HEAP_OBJECT_FREE: Self = Self(133);
    pub const GOROUTINE_STACK: Self = Self(134);
    pub const GOROUTINE_STACK_ALLOC: Self = Self(135);
    pub const GOROUTINE_STACK_FREE: Self = Self(136);
    /// Made by [`crate::Reader`] at the start of each generation and at the end; not in the file.
    pub const GENERATION: Self = Self(255);

    /// Go's name for it.
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "EventBatch",
            2 => "Stacks",
            3 => "Stack",
            4 => "Strings",
            5 => "String",
            6 => "CPUSamples",
            7 => "CPUSample",
            8 => "Frequency",
            9 => "ProcsChange",
            10 => "ProcStart",
            11 => "ProcStop",
            12 => "ProcSteal",
            13 => "ProcStatus",
            14 => "GoCreate",
            15 => "GoCreateSyscall",
            16 => "GoStart",
            17 => "GoDestroy",
            18 => "GoDestroySyscall",
            19 => "GoStop",
            20 => "GoBlock",
            21 => "GoUnblock",
            22 => "GoSyscallBegin",
            23 => "GoSyscallEnd",
            24 => "GoSyscallEndBlocked",
            25 => "GoStatus",
            26 => "STWBegin",
            27 => "STWEnd",
            28 => "GCActive",
            29 => "GCBegin",
            30 => "GCEnd",
            31 => "GCSweepActive",
            32 => "GCSweepBegin",
            33 => "GCSweepEnd",
            34 => "GCMarkAssistActive",
            35 => "GCMarkAssistBegin",
            36 => "GCMarkAssistEnd",
            37 => "HeapAlloc",
            38 => "HeapGoal",
            39 => "GoLabel",
            40 => "UserTaskBegin",
            41 => "UserTaskEnd",
            42 => "UserRegionBegin",
            43 => "UserRegionEnd",
            44 => "UserLog",
            45 => "GoSwitch",
            46 => "GoSwitchDestroy",
            47 => "GoCreateBlocked",
            48 => "GoStatusStack",
            49 => "ExperimentalBatch",
            50 => "Sync",
            51 => "ClockSnapshot",
            52 => "EndOfGeneration",
            128 => "Span",
            129 => "SpanAlloc",
            130 => "SpanFree",
            131 => "HeapObject",
            132 => "HeapObjectAlloc",
            133 => "HeapObjectFree",
            134 => "GoroutineStack",
            135 => "GoroutineStackAlloc",
            136 => "GoroutineStackFree",
            255 => "Generation",
            _ => "Unknown",
        }
    }

    /// Names of the arguments, the time aside; empty for what is not an event of a thread.
    pub fn arguments(self) -> &'static [&'static str] {
        SPECS[self.0 as usize].names
    }

    /// Whether it belongs to an experiment, whose events are passed on unchecked.
    pub fn is_experimental(self) -> bool {
        (128..255).contains(&self.0)
    }
}

/// What follows the type byte of an event.
#[derive(Clone, Copy)]
pub struct Spec {
    /// Names of the arguments after the time.
    pub names: &'static [&'static str],
    /// Which arguments are stack ids, the executing goroutine's first.
    pub stacks: &'static [u8],
    /// Which arguments are string ids.
    pub strings: &'static [u8],
    /// Whether a thread's stream may have it.
    pub timed: bool,
}

const fn spec(
    names: &'static [&'static str],
    stacks: &'static [u8],
    strings: &'static [u8],
) -> Spec {
    Spec { names, stacks, strings, timed: true }
}

/// By the number of the event's type.
pub static SPECS: [Spec; 256] = {
    let mut table = [Spec { names: &[], stacks: &[], strings: &[], timed: false }; 256];
    table[9] = spec(&["procs_value", "stack"], &[1], &[]);
    table[10] = spec(&["p", "p_seq"], &[], &[]);
    table[11] = spec(&[], &[], &[]);
    table[12] = spec(&["p", "p_seq", "m"], &[], &[]);
    table[13] = spec(&["p", "pstatus"], &[], &[]);
    table[14] = spec(&["new_g", "new_stack", "stack"], &[2, 1], &[]);
    table[15] = spec(&["new_g"], &[], &[]);
    table[16] = spec(&["g", "g_seq"], &[], &[]);
    table[17] = spec(&[], &[], &[]);
    table[18] = spec(&[], &[], &[]);
    table[19] = spec(&["reason_string", "stack"], &[1], &[0]);
    table[20] = spec(&["reason_string", "stack"], &[1], &[0]);
    table[21] = spec(&["g", "g_seq", "stack"], &[2], &[]);
    table[22] = spec(&["p_seq", "stack"], &[1], &[]);
    table[23] = spec(&[], &[], &[]);
    table[24] = spec(&[], &[], &[]);
    table[25] = spec(&["g", "m", "gstatus"], &[], &[]);
    table[26] = spec(&["kind_string", "stack"], &[1], &[0]);
    table[27] = spec(&[], &[], &[]);
    table[28] = spec(&["gc_seq"], &[], &[]);
    table[29] = spec(&["gc_seq", "stack"], &[1], &[]);
    table[30] = spec(&["gc_seq"], &[], &[]);
    table[31] = spec(&["p"], &[], &[]);
    table[32] = spec(&["stack"], &[0], &[]);
    table[33] = spec(&["swept_value", "reclaimed_value"], &[], &[]);
    table[34] = spec(&["g"], &[], &[]);
    table[35] = spec(&["stack"], &[0], &[]);
    table[36] = spec(&[], &[], &[]);
    table[37] = spec(&["heapalloc_value"], &[], &[]);
    table[38] = spec(&["heapgoal_value"], &[], &[]);
    table[39] = spec(&["label_string"], &[], &[0]);
    table[40] = spec(&["task", "parent_task", "name_string", "stack"], &[3], &[2]);
    table[41] = spec(&["task", "stack"], &[1], &[]);
    table[42] = spec(&["task", "name_string", "stack"], &[2], &[1]);
    table[43] = spec(&["task", "name_string", "stack"], &[2], &[1]);
    table[44] = spec(&["task", "key_string", "value_string", "stack"], &[3], &[1, 2]);
    table[45] = spec(&["g", "g_seq"], &[], &[]);
    table[46] = spec(&["g", "g_seq"], &[], &[]);
    table[47] = spec(&["new_g", "new_stack", "stack"], &[2, 1], &[]);
    table[48] = spec(&["g", "m", "gstatus", "stack"], &[3], &[]);
    table[51] = spec(&["mono", "sec", "nsec"], &[], &[]);
    table[128] = spec(&["id", "npages_value", "kindclass"], &[], &[]);
    table[129] = spec(&["id", "npages_value", "kindclass"], &[], &[]);
    table[130] = spec(&["id"], &[], &[]);
    table[131] = spec(&["id", "type"], &[], &[]);
    table[132] = spec(&["id", "type"], &[], &[]);
    table[133] = spec(&["id"], &[], &[]);
    table[134] = spec(&["id", "order"], &[], &[]);
    table[135] = spec(&["id", "order"], &[], &[]);
    table[136] = spec(&["id"], &[], &[]);
    table
};

/// Largest batch that a trace may have, in bytes.
pub const MAX_BATCH: u64 = 64 << 10;
/// Longest string, in bytes.
pub const MAX_STRING: u64 = 1 << 10;
/// Deepest stack, in frames.
pub const MAX_FRAMES: u64 = 128;

/// The count of [`ARGUMENTS`] for what is not an event of a thread.
pub const NOT_TIMED: u8 = u8::MAX;

/// How many arguments follow the time, by the number of the event's type: what decoding looks at, in
/// a table of its own that stays in the processor's cache.
pub static ARGUMENTS: [u8; 256] = {
    let mut table = [NOT_TIMED; 256];
    let mut kind = 0;
    while kind < 256 {
        if SPECS[kind].timed {
            table[kind] = SPECS[kind].names.len() as u8;
        }
        kind += 1;
    }
    table
};

/// Which arguments are ids, by the number of the event's type: of stacks in the low four bits, of
/// strings in the high ones.
pub static REFERENCES: [u8; 256] = {
    let mut table = [0; 256];
    let mut kind = 0;
    while kind < 256 {
        let (spec, mut i) = (SPECS[kind], 0);
        while i < spec.stacks.len() {
            table[kind] |= 1 << spec.stacks[i];
            i += 1;
        }
        i = 0;
        while i < spec.strings.len() {
            table[kind] |= 16 << spec.strings[i];
            i += 1;
        }
        kind += 1;
    }
    table
};

/// What reading a varint came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VarintError {
    /// The bytes end first.
    End,
    /// More than 64 bits.
    TooLong,
}

/// Reads an unsigned LEB128 number at the start of `rest` and moves `rest` behind it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "four calls an event; a sixth of all time otherwise")]
pub fn varint(rest: &mut &[u8]) -> Result<u64, VarintError> {
    match **rest {
        [first @ 0..0x80, ref tail @ ..] => {
            *rest = tail;
            Ok(u64::from(first))
        }
        [first, second @ 0..0x80, ref tail @ ..] => {
            *rest = tail;
            Ok(u64::from(first & 0x7f) | u64::from(second) << 7)
        }
        [first, second, third @ 0..0x80, ref tail @ ..] => {
            *rest = tail;
            let low = u64::from(first & 0x7f) | u64::from(second & 0x7f) << 7;
            Ok(low | u64::from(third) << 14)
        }
        _ => long_varint(rest),
    }
}

#[cold]
fn long_varint(rest: &mut &[u8]) -> Result<u64, VarintError> {
    let mut value = 0u64;
    for i in 0..10 {
        let byte = *rest.get(i).ok_or(VarintError::End)?;
        if byte < 0x80 {
            if i == 9 && byte > 1 {
                return Err(VarintError::TooLong);
            }
            *rest = &rest[i + 1..];
            return Ok(value | u64::from(byte) << (7 * i));
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
    }
    Err(VarintError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_lengths() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let (mut bytes, mut left) = (Vec::new(), value);
                while left >= 0x80 {
                    bytes.push(left as u8 | 0x80);
                    left >>= 7;
                }
                bytes.push(left as u8);
                for cut in 0..bytes.len() {
                    assert_eq!(varint(&mut &bytes[..cut]), Err(VarintError::End));
                }
                bytes.push(0xff);
                let mut rest = &bytes[..];
                assert_eq!((varint(&mut rest), rest), (Ok(value), &[0xff][..]));
            }
        }
        assert_eq!(varint(&mut &[0xff; 10][..]), Err(VarintError::TooLong));
        assert_eq!(varint(&mut &[&[0xff; 9][..], &[2]].concat()[..]), Err(VarintError::TooLong));
    }
}
