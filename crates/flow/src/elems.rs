//! The steps of access paths, interned: a list of steps is a number, so that paths are small,
//! copied freely and compared at once. Apart from [`crate::path`] because this is storage.
//!
//! Lists are a tree by their last step and are never freed: a program has few distinct ones, for a
//! path has at most [`crate::path::MAX_ELEMS`] steps through declared fields.

use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use hashbrown::HashTable;
use parking_lot::RwLock;
use rustc_hash::FxHasher;
use smallvec::SmallVec;

use crate::path::{Elem, MAX_ELEMS};

/// A list of steps. Equal exactly when the steps are; the number means nothing outside the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Elems(u32);

/// A list that is not empty: all but the last step, and that.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Node {
    parent: Elems,
    last: Elem,
    len: u32,
    has_item: bool,
}

struct Table {
    nodes: boxcar::Vec<Node>,
    shards: [RwLock<HashTable<u32>>; SHARDS],
}

const SHARDS: usize = 32;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let table = Table {
        nodes: boxcar::Vec::new(),
        shards: std::array::from_fn(|_| RwLock::new(HashTable::new())),
    };
    // The number of the empty list; its node is never looked at.
    table.nodes.push(Node { parent: Elems(0), last: Elem::Item, len: 0, has_item: false });
    table
});

fn hash(parent: Elems, last: Elem) -> u64 {
    let mut hasher = FxHasher::default();
    (parent, last).hash(&mut hasher);
    hasher.finish()
}

impl Elems {
    /// No step.
    pub const EMPTY: Self = Self(0);

    fn node(self) -> Node {
        TABLE.nodes[self.0 as usize]
    }

    /// How many steps.
    #[inline]
    pub fn len(self) -> usize {
        if self == Self::EMPTY { 0 } else { self.node().len as usize }
    }

    /// Whether there is no step.
    #[inline]
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// Whether some step picks one of many elements.
    #[inline]
    pub fn has_item(self) -> bool {
        self != Self::EMPTY && self.node().has_item
    }

    /// All steps but the last, and the last.
    #[inline]
    pub fn split_last(self) -> Option<(Self, Elem)> {
        (self != Self::EMPTY).then(|| {
            let node = self.node();
            (node.parent, node.last)
        })
    }

    /// The last step.
    pub fn last(self) -> Option<Elem> {
        self.split_last().map(|(_, last)| last)
    }

    /// One step more; `None` when there are too many.
    pub fn then(self, last: Elem) -> Option<Self> {
        let len = self.len() as u32 + 1;
        if len as usize > MAX_ELEMS {
            return None;
        }
        let hash = hash(self, last);
        let table = &*TABLE;
        let shard = &table.shards[(hash >> 40) as usize % SHARDS];
        let same = |&n: &u32| {
            let node = &table.nodes[n as usize];
            node.parent == self && node.last == last
        };
        if let Some(&n) = shard.read().find(hash, same) {
            return Some(Self(n));
        }
        let mut shard = shard.write();
        if let Some(&n) = shard.find(hash, same) {
            return Some(Self(n));
        }
        let has_item = last == Elem::Item || self.has_item();
        let pushed = table.nodes.push(Node { parent: self, last, len, has_item });
        let n = u32::try_from(pushed).expect("fewer than 2^32 distinct lists");
        shard.insert_unique(hash, n, |&n| {
            let node = &table.nodes[n as usize];
            self::hash(node.parent, node.last)
        });
        Some(Self(n))
    }

    /// The steps, first to last.
    pub fn to_vec(self) -> SmallVec<[Elem; MAX_ELEMS]> {
        let mut out = SmallVec::new();
        let mut at = self;
        while let Some((parent, last)) = at.split_last() {
            out.push(last);
            at = parent;
        }
        out.reverse();
        out
    }

    /// The first `len` steps.
    #[must_use]
    pub fn first(self, len: usize) -> Self {
        let mut at = self;
        while at.len() > len {
            at = at.node().parent;
        }
        at
    }

    /// These steps and then `more` from its `skip`th on; `None` when there are too many.
    pub fn join(self, more: Self, skip: usize) -> Option<Self> {
        if more.len() <= skip {
            return Some(self);
        }
        if self.is_empty() && skip == 0 {
            return Some(more);
        }
        let (front, last) = more.split_last()?;
        self.join(front, skip)?.then(last)
    }
}

impl std::fmt::Debug for Elems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.to_vec()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_equal_by_content_and_bounded() {
        let a = Elems::EMPTY.then(Elem::Item).and_then(|e| e.then(Elem::Part(1))).expect("short");
        let b = Elems::EMPTY.then(Elem::Item).and_then(|e| e.then(Elem::Part(1))).expect("short");
        assert_eq!(a, b);
        assert_eq!(a.to_vec()[..], [Elem::Item, Elem::Part(1)]);
        assert_eq!(a.first(1).to_vec()[..], [Elem::Item]);
        let joined = b.join(a, 1).expect("short");
        assert_eq!(joined.to_vec()[..], [Elem::Item, Elem::Part(1), Elem::Part(1)]);
        let mut long = Elems::EMPTY;
        for _ in 0..MAX_ELEMS {
            long = long.then(Elem::Item).expect("within the bound");
        }
        assert_eq!(long.then(Elem::Item), None);
        assert_eq!(long.join(a, 0), None);
        assert_eq!(long.join(a, 2), Some(long));
    }
}
