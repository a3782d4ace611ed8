//! Lists of tokens: shared by all steps that have the same, and made without looking through what
//! is there for each that is added. Apart from [`crate::summary`] because this is storage.
//!
//! A function that calls much has thousands of steps with a hundred tokens each, of which only some
//! dozens of lists are different.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use base::{FxHashMap, FxHashSet};
use rustc_hash::FxHasher;

use crate::path::Path;
use crate::summary::{Token, Tokens, Via};

/// A list of tokens that many hold. Comparing and hashing do not look at the tokens, unless two
/// lists that were made apart are equal.
#[derive(Clone, Debug, Default)]
pub struct TokenList(Option<Arc<(u64, Tokens)>>);

impl From<Tokens> for TokenList {
    fn from(tokens: Tokens) -> Self {
        if tokens.is_empty() {
            return Self(None);
        }
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(&tokens);
        Self(Some(Arc::new((hash, tokens))))
    }
}

impl TokenList {
    /// A list of these tokens: the same one when nothing has changed, so that functions share what
    /// means the same to all of them.
    #[must_use]
    pub fn or_new(&self, tokens: Tokens) -> Self {
        if self[..] == tokens[..] { self.clone() } else { tokens.into() }
    }
}

impl Deref for TokenList {
    type Target = [Token];
    fn deref(&self) -> &[Token] {
        self.0.as_ref().map_or(&[], |list| &list.1)
    }
}

impl PartialEq for TokenList {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || (a.0 == b.0 && a.1 == b.1),
            _ => false,
        }
    }
}

impl Eq for TokenList {}

impl Hash for TokenList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.as_ref().map_or(0, |list| list.0));
    }
}

/// How many tokens are looked through; longer lists are indexed.
const MAX_LINEAR: usize = 12;

/// A list in the making in which a token that is there already is counted.
#[derive(Default)]
pub(crate) struct Counted {
    tokens: Tokens,
    at: FxHashMap<(Path, Via), u32>,
}

impl Counted {
    /// Adds a token, or its count.
    pub fn add(&mut self, token: Token) {
        match self.position(token.path, token.via) {
            Some(n) => {
                let known = &mut self.tokens[n].count;
                *known = known.saturating_add(token.count);
            }
            None => self.push(token),
        }
    }

    /// Whether there is such a token.
    pub fn contains(&self, path: Path, via: Via) -> bool {
        self.position(path, via).is_some()
    }

    /// Adds a token that is not there.
    pub fn push(&mut self, token: Token) {
        self.tokens.push(token);
        match self.tokens.len() {
            0..=MAX_LINEAR => {}
            n if self.at.is_empty() => {
                let tokens = self.tokens[..n].iter().enumerate();
                self.at = tokens.map(|(i, t)| ((t.path, t.via), i as u32)).collect();
            }
            n => {
                self.at.insert((token.path, token.via), n as u32 - 1);
            }
        }
    }

    /// The `n`th token, if there are so many.
    pub fn get(&self, n: usize) -> Option<Token> {
        self.tokens.get(n).copied()
    }

    /// The tokens, in the order in which they came.
    pub fn into_tokens(self) -> Tokens {
        self.tokens
    }

    fn position(&self, path: Path, via: Via) -> Option<usize> {
        if self.at.is_empty() {
            return self.tokens.iter().position(|t| t.path == path && t.via == via);
        }
        self.at.get(&(path, via)).map(|&n| n as usize)
    }
}

impl From<&[Token]> for Counted {
    fn from(tokens: &[Token]) -> Self {
        let mut out = Self::default();
        tokens.iter().for_each(|&t| out.push(t));
        out
    }
}

/// A list in the making in which each token is once.
#[derive(Default)]
pub(crate) struct Distinct {
    tokens: Tokens,
    seen: FxHashSet<Token>,
}

impl Distinct {
    /// Adds a token unless it is there.
    pub fn add(&mut self, token: Token) {
        if self.tokens.len() < MAX_LINEAR {
            if !self.tokens.contains(&token) {
                self.tokens.push(token);
            }
            return;
        }
        if self.seen.is_empty() {
            self.seen = self.tokens.iter().copied().collect();
        }
        if self.seen.insert(token) {
            self.tokens.push(token);
        }
    }

    /// The tokens, in the order in which they came.
    pub fn into_tokens(self) -> Tokens {
        self.tokens
    }
}

impl From<&[Token]> for Distinct {
    fn from(tokens: &[Token]) -> Self {
        Self { tokens: tokens.into(), seen: FxHashSet::default() }
    }
}

#[cfg(test)]
mod tests {
    use base::Id;
    use go_ir::ValueId;

    use super::*;
    use crate::path::Root;

    fn token(n: usize, count: u32) -> Token {
        let path = Path::root(Root::Fresh(ValueId::from_index(n)));
        Token { path, via: Via::Send, count }
    }

    #[test]
    fn long_lists_count_as_short_ones_do() {
        let mut counted = Counted::default();
        for n in 0..40 {
            counted.add(token(n % 20, 1));
        }
        let tokens = counted.into_tokens();
        let expected: Tokens = (0..20).map(|n| token(n, 2)).collect();
        assert_eq!(tokens, expected);
        let mut distinct = Distinct::from(&tokens[..15]);
        (0..20).for_each(|n| distinct.add(token(n, 2)));
        distinct.add(token(0, 1));
        let tokens = distinct.into_tokens();
        assert_eq!(tokens.len(), 21);
        assert_eq!(tokens[..20], expected[..]);
    }

    #[test]
    fn lists_are_equal_by_content() {
        let list = |n| TokenList::from((0..n).map(|i| token(i, 1)).collect::<Tokens>());
        assert_eq!(list(3), list(3));
        assert_ne!(list(3), list(4));
        assert_ne!(list(0), list(1));
        assert_eq!(list(0), TokenList::default());
        assert_eq!(list(2).len(), 2);
    }
}
