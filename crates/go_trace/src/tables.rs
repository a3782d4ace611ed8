//! What the events of one generation refer to by number: strings, stacks, clocks.

use rustc_hash::FxHashMap;

/// A reading of three clocks at nearly the same moment (Go 1.25 and later).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    /// The clock of the events, in nanoseconds.
    pub trace: i64,
    /// The system's monotonic clock, in nanoseconds.
    pub mono: u64,
    /// Wall clock: seconds since 1970.
    pub seconds: u64,
    /// Wall clock: nanoseconds within the second.
    pub nanoseconds: u64,
}

/// A frame of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// Program counter.
    pub pc: u64,
    /// Full name of the function.
    pub function: &'a [u8],
    /// Path of the file.
    pub file: &'a [u8],
    /// Line, from 1.
    pub line: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct RawFrame {
    pub pc: u64,
    pub function: u64,
    pub file: u64,
    pub line: u64,
}

/// The tables of one generation. Ids mean something in their own generation only.
#[derive(Default)]
pub struct Tables {
    /// The bytes of the generation; strings are ranges of it.
    pub(crate) data: Vec<u8>,
    strings: Ids<(usize, u32)>,
    stacks: Ids<(u32, u32)>,
    /// Frames of all stacks, one after another, as indices into `frames`.
    stack_frames: Vec<u32>,
    frames: Vec<RawFrame>,
    by_pc: FxHashMap<u64, u32>,
    extra: Vec<Box<[u8]>>,
    pub(crate) clock: Option<Clock>,
}

impl Tables {
    /// The string of an id; empty for 0 and for ids that the trace does not have.
    pub fn string(&self, id: u64) -> &[u8] {
        self.strings
            .get(id)
            .and_then(|(at, len)| self.data.get(at..at + len as usize))
            .unwrap_or(b"")
    }

    /// The frames of a stack, innermost first; none for 0 and for ids that the trace does not have.
    pub fn stack(&self, id: u64) -> impl ExactSizeIterator<Item = Frame<'_>> {
        let (at, len) = self.stacks.get(id).unwrap_or((0, 0));
        self.stack_frames[at as usize..(at + len) as usize].iter().map(|&i| {
            let frame = self.frames[i as usize];
            Frame {
                pc: frame.pc,
                function: self.string(frame.function),
                file: self.string(frame.file),
                line: frame.line,
            }
        })
    }

    /// The clocks at the generation's start, where the trace has them.
    pub fn clock(&self) -> Option<Clock> {
        self.clock
    }

    /// Whether an event may refer to this string.
    pub(crate) fn has_string(&self, id: u64) -> bool {
        id == 0 || self.strings.get(id).is_some()
    }

    /// Whether an event may refer to this stack.
    pub(crate) fn has_stack(&self, id: u64) -> bool {
        id == 0 || self.stacks.get(id).is_some()
    }

    /// Empties the tables for the next generation and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.strings.clear();
        self.stacks.clear();
        self.stack_frames.clear();
        self.frames.clear();
        self.by_pc.clear();
        self.extra.clear();
        self.clock = None;
    }

    /// Whether the id was free.
    pub(crate) fn add_string(&mut self, id: u64, at: usize, len: u32) -> bool {
        self.strings.insert(id, (at, len))
    }

    /// Adds a frame to the stack being read. The first frame of a program counter stands for all.
    pub(crate) fn add_frame(&mut self, frame: RawFrame) {
        let next = self.frames.len() as u32;
        let index = *self.by_pc.entry(frame.pc).or_insert(next);
        if index == next {
            self.frames.push(frame);
        }
        self.stack_frames.push(index);
    }

    /// Names the last `len` frames; whether the id was free.
    pub(crate) fn add_stack(&mut self, id: u64, len: u32) -> bool {
        self.stacks.insert(id, (self.stack_frames.len() as u32 - len, len))
    }

    /// Whether all strings that frames refer to are there.
    pub(crate) fn frames_are_whole(&self) -> bool {
        self.frames.iter().all(|f| self.has_string(f.function) && self.has_string(f.file))
    }

    /// Keeps the name of a task of an earlier generation; its number, 0 for the empty one.
    pub(crate) fn add_extra(&mut self, name: &[u8]) -> u64 {
        if name.is_empty() {
            return 0;
        }
        self.extra.push(name.into());
        self.extra.len() as u64
    }

    pub(crate) fn extra(&self, id: u64) -> &[u8] {
        id.checked_sub(1).and_then(|i| self.extra.get(i as usize)).map_or(b"", |name| name)
    }
}

/// A map from ids, which the runtime hands out from 1 upwards: a vector, and a hash map for those
/// far outside, which only a broken trace has.
struct Ids<T> {
    near: Vec<Option<T>>,
    far: FxHashMap<u64, T>,
    len: usize,
}

impl<T> Default for Ids<T> {
    fn default() -> Self {
        Self { near: Vec::new(), far: FxHashMap::default(), len: 0 }
    }
}

impl<T: Copy> Ids<T> {
    #[inline]
    fn get(&self, id: u64) -> Option<T> {
        match self.near.get(usize::try_from(id).unwrap_or(usize::MAX)) {
            Some(Some(value)) => Some(*value),
            _ if self.far.is_empty() => None,
            _ => self.far.get(&id).copied(),
        }
    }

    /// Whether the id was free; 0 never is.
    fn insert(&mut self, id: u64, value: T) -> bool {
        if id == 0 || self.get(id).is_some() {
            return false;
        }
        self.len += 1;
        let limit = 1024 + 4 * self.len;
        match usize::try_from(id) {
            Ok(near) if near < limit => {
                if near >= self.near.len() {
                    self.near.resize(near + 1, None);
                }
                self.near[near] = Some(value);
            }
            _ => {
                self.far.insert(id, value);
            }
        }
        true
    }

    fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
        self.len = 0;
    }
}
