//! What the events of one generation refer to by number: strings, stacks, clocks.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::wire::REFERENCES;

/// More distinct frames than the largest programs have places to call from.
const MAX_FRAMES: usize = 1 << 22;

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

/// A place in the generation's bytes, or in the frames of its stacks.
#[derive(Clone, Copy)]
struct Piece {
    at: u32,
    len: u32,
}

/// The tables of one generation. Ids mean something in their own generation only.
#[derive(Default)]
pub struct Tables {
    /// The bytes of the generation; strings are ranges of it.
    pub(crate) data: Vec<u8>,
    strings: Ids,
    stacks: Ids,
    /// Frames of all stacks, one after another, as indices into `frames`.
    stack_frames: Vec<u32>,
    frames: Vec<RawFrame>,
    by_pc: HashMap<u64, u32>,
    extra: Vec<Arc<[u8]>>,
    /// Whether tables may be missing, with the end of the generation.
    pub(crate) partial: bool,
    pub(crate) clock: Option<Clock>,
}

impl Tables {
    /// The string of an id; empty for 0 and for ids that the trace does not have.
    pub fn string(&self, id: u64) -> &[u8] {
        let piece = self.strings.get(id);
        piece.and_then(|p| self.data.get(p.at as usize..)?.get(..p.len as usize)).unwrap_or(b"")
    }

    /// The frames of a stack, innermost first; none for 0 and for ids that the trace does not have.
    pub fn stack(&self, id: u64) -> impl ExactSizeIterator<Item = Frame<'_>> {
        let piece = self.stacks.get(id).unwrap_or(Piece { at: 0, len: 0 });
        let frames = self.stack_frames.get(piece.at as usize..).unwrap_or(&[]);
        frames.get(..piece.len as usize).unwrap_or(&[]).iter().map(|&i| {
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
        self.partial || self.strings.has(id)
    }

    /// What an event of this type refers to and the tables do not have.
    #[inline]
    pub(crate) fn missing(&self, kind: u8, args: &[u64; 4]) -> Option<&'static str> {
        let mut left = REFERENCES[kind as usize];
        while left != 0 {
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            let ids = if bit < 4 { &self.stacks } else { &self.strings };
            if !ids.has(args[bit % 4]) {
                return Some(if bit < 4 {
                    "a stack that is not there"
                } else {
                    "a string that is not there"
                });
            }
        }
        None
    }

    /// Empties the tables for the next generation and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.strings.clear();
        self.stacks.clear();
        self.stack_frames.clear();
        self.frames.clear();
        self.by_pc.clear();
        self.extra.clear();
        (self.clock, self.partial) = (None, false);
    }

    /// Whether the id was free. The string is `data[at..at + len]`.
    pub(crate) fn add_string(&mut self, id: u64, at: usize, len: u32) -> bool {
        self.strings.insert(id, Piece { at: at as u32, len })
    }

    /// Adds a frame to the stack being read. The first frame of a program counter stands for all.
    /// False when there are too many.
    pub(crate) fn add_frame(&mut self, frame: RawFrame) -> bool {
        let next = self.frames.len() as u32;
        let index = *self.by_pc.entry(frame.pc).or_insert(next);
        if index == next {
            self.frames.push(frame);
        }
        self.stack_frames.push(index);
        self.frames.len() <= MAX_FRAMES
    }

    /// Names the last `len` frames; whether the id was free.
    pub(crate) fn add_stack(&mut self, id: u64, len: u32) -> bool {
        self.stacks.insert(id, Piece { at: self.stack_frames.len() as u32 - len, len })
    }

    /// The same, and the last one of a number stands.
    pub(crate) fn replace_stack(&mut self, id: u64, len: u32) {
        self.stacks.remove(id);
        self.add_stack(id, len);
    }

    /// Whether all strings that frames refer to are there.
    pub(crate) fn frames_are_whole(&self) -> bool {
        self.frames.iter().all(|f| self.has_string(f.function) && self.has_string(f.file))
    }

    /// Keeps the name of a task of an earlier generation; its number, 0 for the empty one.
    pub(crate) fn add_extra(&mut self, name: Arc<[u8]>) -> u64 {
        if name.is_empty() {
            return 0;
        }
        self.extra.push(name);
        self.extra.len() as u64
    }

    pub(crate) fn extra(&self, id: u64) -> &[u8] {
        id.checked_sub(1).and_then(|i| self.extra.get(i as usize)).map_or(b"", |name| name)
    }
}

/// Pieces by their ids, which the runtime hands out from 1 upwards: a vector, and a hash map for
/// those far outside, which only a broken trace has.
#[derive(Default)]
struct Ids {
    near: Vec<Piece>,
    far: HashMap<u64, Piece>,
    len: usize,
    /// All ids below, 0 aside, are there.
    dense: u64,
}

const ABSENT: Piece = Piece { at: 0, len: u32::MAX };

impl Ids {
    #[inline]
    fn get(&self, id: u64) -> Option<Piece> {
        match self.near.get(usize::try_from(id).unwrap_or(usize::MAX)) {
            Some(piece) if piece.len != ABSENT.len => Some(*piece),
            _ if self.far.is_empty() => None,
            _ => self.far.get(&id).copied(),
        }
    }

    /// Whether an event may refer to it: 0 is nothing, and always there.
    #[inline]
    fn has(&self, id: u64) -> bool {
        id < self.dense || self.has_far(id)
    }

    #[cold]
    fn has_far(&self, id: u64) -> bool {
        id == 0 || self.get(id).is_some()
    }

    /// Whether the id was free; 0 never is.
    fn insert(&mut self, id: u64, piece: Piece) -> bool {
        if id == 0 || self.get(id).is_some() {
            return false;
        }
        self.len += 1;
        let limit = 1024 + 2 * self.len;
        match usize::try_from(id) {
            Ok(near) if near < limit => {
                if near >= self.near.len() {
                    self.near.resize(near + 1, ABSENT);
                }
                self.near[near] = piece;
            }
            _ => {
                self.far.insert(id, piece);
            }
        }
        self.dense = self.dense.max(1);
        while self.near.get(self.dense as usize).is_some_and(|p| p.len != ABSENT.len) {
            self.dense += 1;
        }
        true
    }

    fn remove(&mut self, id: u64) {
        self.far.remove(&id);
        if let Some(near) = usize::try_from(id).ok().and_then(|id| self.near.get_mut(id)) {
            *near = ABSENT;
        }
        self.dense = self.dense.min(id);
    }

    fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
        (self.len, self.dense) = (0, 0);
    }
}
