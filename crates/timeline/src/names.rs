//! Names and stacks that outlive the generation whose tables they come from: each is kept once, with
//! a number that is good for the whole trace. What is kept has a limit, so that a hostile trace
//! cannot fill the memory; beyond it, names are "…" and stacks are empty.

use std::hash::{BuildHasher as _, BuildHasherDefault};

use go_trace::Tables;
use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHasher};

/// So many bytes of names are kept.
const MAX_TEXT: usize = 64 << 20;
/// So many frames of stacks are kept.
const MAX_FRAMES: usize = 8 << 20;

/// A name: of a function, file, reason, region, task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NameId(pub u32);

impl NameId {
    /// The empty name.
    pub const NONE: Self = Self(0);
    const FULL: Self = Self(1);
}

/// A stack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct StackId(pub u32);

impl StackId {
    /// No stack.
    pub const NONE: Self = Self(0);
}

/// A call of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    /// Full name of the function.
    pub function: NameId,
    /// Path of the file.
    pub file: NameId,
    /// Line, from 1.
    pub line: u32,
}

/// Own numbers by the trace's, which go up from 1: a vector, and a hash map for those far outside.
#[derive(Default)]
struct Numbers {
    near: Vec<u32>,
    far: FxHashMap<u64, u32>,
}

/// So many of the trace's numbers are looked up without hashing.
const NEAR: u64 = 1 << 18;
const ABSENT: u32 = u32::MAX;

impl Numbers {
    #[inline]
    fn get(&self, id: u64) -> Option<u32> {
        match self.near.get(usize::try_from(id).unwrap_or(usize::MAX)) {
            Some(&number) if number != ABSENT => Some(number),
            _ if self.far.is_empty() => None,
            _ => self.far.get(&id).copied(),
        }
    }

    fn insert(&mut self, id: u64, number: u32) {
        if id >= NEAR {
            self.far.insert(id, number);
            return;
        }
        let at = id as usize;
        if at >= self.near.len() {
            self.near.resize(at + 1, ABSENT);
        }
        self.near[at] = number;
    }

    fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
    }
}

type Build = BuildHasherDefault<FxHasher>;

/// All names and stacks that were met.
pub struct Names {
    texts: Vec<Box<str>>,
    by_text: HashTable<u32>,
    bytes: usize,
    frames: Vec<Frame>,
    by_frame: FxHashMap<Frame, u32>,
    /// Frames of all stacks, one after another.
    rows: Vec<u32>,
    stacks: Vec<(u32, u32)>,
    by_stack: HashTable<u32>,
    /// Of the current generation: the trace's numbers.
    strings: Numbers,
    stack_ids: Numbers,
    row: Vec<u32>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            texts: vec!["".into(), "…".into()],
            by_text: HashTable::new(),
            bytes: 0,
            frames: Vec::new(),
            by_frame: FxHashMap::default(),
            rows: Vec::new(),
            stacks: vec![(0, 0)],
            by_stack: HashTable::new(),
            strings: Numbers::default(),
            stack_ids: Numbers::default(),
            row: Vec::new(),
        }
    }
}

fn hash(value: impl std::hash::Hash) -> u64 {
    Build::default().hash_one(value)
}

impl Names {
    /// The text of a name.
    pub fn text(&self, name: NameId) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| text)
    }

    /// The frames of a stack, innermost first.
    pub fn stack(
        &self,
        stack: StackId,
    ) -> impl DoubleEndedIterator<Item = Frame> + ExactSizeIterator {
        let (at, len) = self.stacks.get(stack.0 as usize).copied().unwrap_or((0, 0));
        self.rows[at as usize..(at + len) as usize].iter().map(|&i| self.frames[i as usize])
    }

    /// How many stacks there are; their numbers are below.
    pub fn stack_count(&self) -> usize {
        self.stacks.len()
    }

    /// Keeps a name; what is not UTF-8 in it is replaced.
    pub fn name(&mut self, bytes: &[u8]) -> NameId {
        if bytes.is_empty() {
            return NameId::NONE;
        }
        let text = String::from_utf8_lossy(bytes);
        let texts = &self.texts;
        let key = hash(&*text);
        if let Some(&found) = self.by_text.find(key, |&i| *texts[i as usize] == *text) {
            return NameId(found);
        }
        if self.bytes + text.len() > MAX_TEXT {
            return NameId::FULL;
        }
        self.bytes += text.len() + size_of::<Box<str>>();
        let id = self.texts.len() as u32;
        self.texts.push(text.into());
        let texts = &self.texts;
        self.by_text.insert_unique(key, id, |&i| hash(&*texts[i as usize]));
        NameId(id)
    }

    /// Forgets the numbers of the generation before.
    pub(crate) fn next_generation(&mut self) {
        self.strings.clear();
        self.stack_ids.clear();
    }

    /// The name of a string of the current generation.
    pub(crate) fn string(&mut self, id: u64, tables: &Tables) -> NameId {
        if id == 0 {
            return NameId::NONE;
        }
        if let Some(name) = self.strings.get(id) {
            return NameId(name);
        }
        let name = self.name(tables.string(id));
        self.strings.insert(id, name.0);
        name
    }

    /// A stack of the current generation.
    pub(crate) fn stack_of(&mut self, id: u64, tables: &Tables) -> StackId {
        if id == 0 {
            return StackId::NONE;
        }
        if let Some(stack) = self.stack_ids.get(id) {
            return StackId(stack);
        }
        if self.rows.len() + tables.stack(id).len() > MAX_FRAMES {
            return StackId::NONE;
        }
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        for frame in tables.stack(id) {
            let frame = Frame {
                function: self.name(frame.function),
                file: self.name(frame.file),
                line: u32::try_from(frame.line).unwrap_or(u32::MAX),
            };
            let next = self.frames.len() as u32;
            let index = *self.by_frame.entry(frame).or_insert(next);
            if index == next {
                self.frames.push(frame);
            }
            row.push(index);
        }
        let stack = self.keep(&row);
        self.row = row;
        self.stack_ids.insert(id, stack.0);
        stack
    }

    fn keep(&mut self, row: &[u32]) -> StackId {
        if row.is_empty() {
            return StackId::NONE;
        }
        let (rows, stacks) = (&self.rows, &self.stacks);
        let at = |i: u32| {
            let (at, len) = stacks[i as usize];
            &rows[at as usize..(at + len) as usize]
        };
        let key = hash(row);
        if let Some(&found) = self.by_stack.find(key, |&i| at(i) == row) {
            return StackId(found);
        }
        let id = self.stacks.len() as u32;
        self.stacks.push((self.rows.len() as u32, row.len() as u32));
        self.rows.extend_from_slice(row);
        let (rows, stacks) = (&self.rows, &self.stacks);
        self.by_stack.insert_unique(key, id, |&i| {
            let (at, len) = stacks[i as usize];
            hash(&rows[at as usize..(at + len) as usize])
        });
        StackId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_the_same_number() {
        let mut names = Names::default();
        let (a, b) = (names.name(b"main.main"), names.name(b"main.run"));
        assert_eq!((names.name(b"main.main"), names.text(b)), (a, "main.run"));
        assert_eq!((names.name(b""), names.text(NameId::NONE)), (NameId::NONE, ""));
        let odd = names.name(b"a\xff");
        assert_eq!(names.text(odd), "a\u{fffd}");
    }

    #[test]
    fn the_same_rows_are_the_same_stack() {
        let frames = vec![Frame { function: NameId(1), file: NameId(1), line: 1 }; 3];
        let mut names = Names { frames, ..Names::default() };
        let (a, b) = (names.keep(&[0, 1]), names.keep(&[1, 0]));
        assert!(a != b && names.keep(&[0, 1]) == a && names.keep(&[]) == StackId::NONE);
        assert_eq!(names.stack(a).len(), 2);
    }
}
