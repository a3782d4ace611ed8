//! Interned names. A [`Symbol`] is a process-wide `u32`, equal exactly when the text is equal.
//! Names are never freed: a program has few distinct ones (moby with its imports: about 200,000).

use std::hash::Hasher;
use std::sync::LazyLock;

use hashbrown::HashTable;
use parking_lot::RwLock;
use rustc_hash::FxHasher;

/// An interned string. Order of the numbers depends on the threads' timing: sort by
/// [`Symbol::as_str`] wherever an order can be seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbol(u32);

struct Interner {
    /// Texts by symbol number.
    texts: boxcar::Vec<&'static str>,
    /// Symbol numbers by text, in shards so that threads seldom meet.
    shards: [RwLock<HashTable<u32>>; SHARDS],
}

const SHARDS: usize = 32;

static INTERNER: LazyLock<Interner> = LazyLock::new(|| {
    let interner = Interner {
        texts: boxcar::Vec::new(),
        shards: std::array::from_fn(|_| RwLock::new(HashTable::new())),
    };
    for (number, text) in sym::TEXTS.iter().enumerate() {
        let made = interner.intern(text);
        assert_eq!(made.0 as usize, number, "well-known symbols are distinct");
    }
    interner
});

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

impl Interner {
    fn intern(&self, text: &str) -> Symbol {
        let hash = hash(text);
        let shard = &self.shards[(hash >> 40) as usize % SHARDS];
        let same = |&n: &u32| self.texts[n as usize] == text;
        if let Some(&number) = shard.read().find(hash, same) {
            return Symbol(number);
        }
        let mut table = shard.write();
        if let Some(&number) = table.find(hash, same) {
            return Symbol(number);
        }
        let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
        let number = u32::try_from(self.texts.push(kept)).expect("fewer than 2^32 distinct names");
        table.insert_unique(hash, number, |&n| self::hash(self.texts[n as usize]));
        Symbol(number)
    }
}

impl Symbol {
    /// The symbol of `text`.
    pub fn intern(text: &str) -> Self {
        INTERNER.intern(text)
    }
    /// The text of the symbol.
    #[inline]
    pub fn as_str(self) -> &'static str {
        INTERNER.texts[self.0 as usize]
    }
    /// Whether this is the blank identifier `_`.
    pub fn is_blank(self) -> bool {
        self == sym::BLANK
    }
    /// Whether the name starts with an upper-case letter (Go spec, "Exported identifiers").
    pub fn is_exported(self) -> bool {
        self.as_str().chars().next().is_some_and(char::is_uppercase)
    }
    /// The number behind the symbol, for packing; it means nothing outside this process.
    pub fn to_raw(self) -> u32 {
        self.0
    }
}

impl std::fmt::Debug for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A thread's own front to the interner: no lock and no shared cache line for a name seen before.
/// Keep one for many files.
#[derive(Default)]
pub struct LocalInterner {
    seen: HashTable<(u64, Symbol)>,
}

impl LocalInterner {
    /// Same as [`Symbol::intern`].
    #[inline]
    pub fn intern(&mut self, text: &str) -> Symbol {
        let hash = hash(text);
        if let Some(&(_, symbol)) = self.seen.find(hash, |&(h, s)| h == hash && s.as_str() == text) {
            return symbol;
        }
        let symbol = Symbol::intern(text);
        self.seen.insert_unique(hash, (hash, symbol), |&(h, _)| h);
        symbol
    }
}

macro_rules! well_known {
    ($($name:ident = $text:literal,)*) => {
        /// Names that the front end asks for by hand.
        #[allow(missing_docs)]
        pub mod sym {
            use super::Symbol;
            pub(super) const TEXTS: &[&str] = &[$($text),*];
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Number { $($name),* }
            $(pub const $name: Symbol = Symbol(Number::$name as u32);)*
        }
    };
}

well_known! {
    BLANK = "_", DOT = ".", EMPTY = "", MAIN = "main", INIT = "init", IOTA = "iota", NIL = "nil",
    TRUE = "true", FALSE = "false", ERROR = "error", ERROR_METHOD = "Error", UNSAFE = "unsafe",
    ANY = "any", COMPARABLE = "comparable", C = "C",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_text_gives_equal_symbols_on_every_thread() {
        let names: Vec<String> = (0..2_000).map(|i| format!("name{}", i % 500)).collect();
        let symbols: Vec<Vec<Symbol>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut local = LocalInterner::default();
                        names.iter().map(|n| local.intern(n)).collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().map(|w| w.join().expect("no panic")).collect()
        });
        assert!(symbols.windows(2).all(|w| w[0] == w[1]));
        assert!(symbols[0].iter().zip(&names).all(|(s, n)| s.as_str() == n));
    }

    #[test]
    fn well_known_symbols_have_their_text() {
        assert_eq!(sym::BLANK, Symbol::intern("_"));
        assert_eq!(sym::COMPARABLE.as_str(), "comparable");
        assert!(Symbol::intern("Über").is_exported() && !Symbol::intern("über").is_exported());
    }
}
