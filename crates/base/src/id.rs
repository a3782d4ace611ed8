//! Typed `u32` ids and the vectors they index. An id is four bytes, and `Option` of one is too:
//! the stored number is index + 1, so that zero is the niche.

use std::marker::PhantomData;

/// A typed index. Declare one with [`crate::define_id!`].
pub trait Id: Copy + Eq + std::hash::Hash {
    /// Makes the id of the `index`th element.
    fn from_index(index: usize) -> Self;
    /// The position in the arena that this id points into.
    fn index(self) -> usize;
}

/// Declares a `Copy` newtype over `NonZeroU32` that implements [`Id`].
#[macro_export]
macro_rules! define_id {
    ($(#[$meta:meta])* $vis:vis struct $name:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(::std::num::NonZeroU32);

        impl $crate::Id for $name {
            #[inline]
            fn from_index(index: usize) -> Self {
                let raw = u32::try_from(index + 1).expect("an arena holds fewer than 2^32 elements");
                Self(::std::num::NonZeroU32::new(raw).expect("index + 1 is never zero"))
            }
            #[inline]
            fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }

        #[allow(dead_code)]
        impl $name {
            /// The raw number behind the id (never zero): for packing into atomics.
            #[inline]
            $vis fn to_raw(self) -> u32 {
                self.0.get()
            }
            /// Reverses [`Self::to_raw`]; zero gives `None`.
            #[inline]
            $vis fn from_raw(raw: u32) -> Option<Self> {
                ::std::num::NonZeroU32::new(raw).map(Self)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.get() - 1)
            }
        }
    };
}

/// A vector indexed by a typed id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexVec<I, T> {
    raw: Vec<T>,
    marker: PhantomData<fn(I)>,
}

impl<I: Id, T> Default for IndexVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Id, T> IndexVec<I, T> {
    /// An empty vector.
    pub fn new() -> Self {
        Self { raw: Vec::new(), marker: PhantomData }
    }
    /// An empty vector with room for `n` elements.
    pub fn with_capacity(n: usize) -> Self {
        Self { raw: Vec::with_capacity(n), marker: PhantomData }
    }
    /// Wraps a vector whose `i`th element belongs to the `i`th id.
    pub fn from_vec(raw: Vec<T>) -> Self {
        Self { raw, marker: PhantomData }
    }
    /// Appends an element and gives its id.
    #[inline]
    pub fn push(&mut self, value: T) -> I {
        let id = I::from_index(self.raw.len());
        self.raw.push(value);
        id
    }
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.raw.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }
    /// The element of `id`, or `None` if the id belongs to a longer vector.
    pub fn get(&self, id: I) -> Option<&T> {
        self.raw.get(id.index())
    }
    /// The elements in id order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.raw.iter()
    }
    /// Ids and elements in id order.
    pub fn iter_enumerated(&self) -> impl ExactSizeIterator<Item = (I, &T)> {
        self.raw.iter().enumerate().map(|(i, t)| (I::from_index(i), t))
    }
    /// All ids in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = I> + use<I, T> {
        (0..self.raw.len()).map(I::from_index)
    }
    /// The underlying slice.
    pub fn as_slice(&self) -> &[T] {
        &self.raw
    }
    /// The underlying vector, for bulk work.
    pub fn as_mut_vec(&mut self) -> &mut Vec<T> {
        &mut self.raw
    }
    /// Heap bytes held (capacity, not length).
    pub fn heap_bytes(&self) -> usize {
        self.raw.capacity() * size_of::<T>()
    }
    /// Gives back the spare capacity.
    pub fn shrink_to_fit(&mut self) {
        self.raw.shrink_to_fit();
    }
}

impl<I: Id, T> std::ops::Index<I> for IndexVec<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, id: I) -> &T {
        &self.raw[id.index()]
    }
}

impl<I: Id, T> std::ops::IndexMut<I> for IndexVec<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.raw[id.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    define_id! {
        struct TestId;
    }

    #[test]
    fn option_of_an_id_is_four_bytes() {
        assert_eq!(size_of::<Option<TestId>>(), 4);
    }

    #[test]
    fn push_gives_the_id_that_indexes_it() {
        let mut v: IndexVec<TestId, &str> = IndexVec::new();
        let a = v.push("a");
        let b = v.push("b");
        assert_eq!((v[a], v[b]), ("a", "b"));
        assert_eq!(TestId::from_raw(b.to_raw()), Some(b));
    }
}
