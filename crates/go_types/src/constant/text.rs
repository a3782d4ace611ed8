//! String constants as ropes: `"a" + "b" + …` over thousands of lines records a value at every
//! `+`, and copying each would take quadratic time and memory.

use std::sync::{Arc, OnceLock};

/// The bytes of a string constant, shared and joined on first need.
#[derive(Clone)]
pub struct ConstStr(Arc<Node>);

struct Node {
    len: usize,
    flat: OnceLock<Box<[u8]>>,
    parts: Option<(ConstStr, ConstStr)>,
}

impl ConstStr {
    /// A string of these bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        let bytes = bytes.into();
        let node = Node { len: bytes.len(), flat: OnceLock::from(bytes), parts: None };
        Self(Arc::new(node))
    }

    /// `self` followed by `other`; constant time.
    #[must_use]
    pub fn concat(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let len = self.len().saturating_add(other.len());
        let parts = Some((self.clone(), other.clone()));
        Self(Arc::new(Node { len, flat: OnceLock::new(), parts }))
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether it is the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.flat.get_or_init(|| {
            let mut out = Vec::with_capacity(self.0.len);
            let mut stack = vec![self];
            while let Some(s) = stack.pop() {
                match (s.0.flat.get(), &s.0.parts) {
                    (Some(flat), _) => out.extend_from_slice(flat),
                    (None, Some((left, right))) => {
                        stack.push(right);
                        stack.push(left);
                    }
                    (None, None) => {}
                }
            }
            out.into_boxed_slice()
        })
    }
}

impl Drop for Node {
    /// Takes long chains apart in a loop, where the derived drop would recurse once per `+`.
    fn drop(&mut self) {
        let mut stack = Vec::new();
        stack.extend(self.parts.take());
        while let Some((left, right)) = stack.pop() {
            for side in [left, right] {
                if let Some(mut node) = Arc::into_inner(side.0) {
                    stack.extend(node.parts.take());
                }
            }
        }
    }
}

impl PartialEq for ConstStr {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.len() == other.len() && self.bytes() == other.bytes()
    }
}

impl Eq for ConstStr {}

impl std::fmt::Debug for ConstStr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_is_joined_and_dropped_without_recursion() {
        let piece = ConstStr::new(*b"ab");
        let mut s = ConstStr::new(*b"");
        for _ in 0..200_000 {
            s = s.concat(&piece);
        }
        assert_eq!(s.len(), 400_000);
        assert!(s.bytes().starts_with(b"abab"));
    }
}
