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
pub struct LocalInterner {
    /// Names of up to 16 bytes, which most are: open addressing, at most half full. The key is the
    /// name itself, so a look-up touches one cache line and compares no strings.
    short: Vec<(PackedName, Symbol)>,
    short_len: usize,
    long: HashTable<(u64, Symbol)>,
}

/// A name of 1 to 16 bytes in two words, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PackedName([u64; 2]);

impl PackedName {
    /// The longest name that can be packed.
    pub const MAX: usize = 16;

    /// Packs the `len` bytes of `text` from `start` on. Empty names, names that are too long and
    /// names that end in NUL cannot be packed.
    #[inline]
    pub fn new(text: &[u8], start: usize, len: usize) -> Option<Self> {
        if len == 0 || len > Self::MAX || text[start + len - 1] == 0 {
            return None;
        }
        let mut window = [0; Self::MAX];
        if let Some(bytes) = text.get(start..start + Self::MAX) {
            window.copy_from_slice(bytes);
        } else {
            window[..len].copy_from_slice(&text[start..start + len]);
        }
        let all = u128::from_le_bytes(window) & (u128::MAX >> (128 - 8 * len));
        Some(Self([all as u64, (all >> 64) as u64]))
    }

    /// The two words, the first bytes of the name in the low bits of the first.
    pub const fn words(self) -> [u64; 2] {
        self.0
    }

    #[inline]
    fn hash(self) -> usize {
        let product = u128::from(self.0[0] ^ 0x9e37_79b9_7f4a_7c15)
            * u128::from(self.0[1] ^ 0xd6e8_feb8_6659_fd93);
        (product as u64 ^ (product >> 64) as u64) as usize
    }
}

impl Default for LocalInterner {
    fn default() -> Self {
        Self { short: vec![EMPTY_SLOT; 1 << 10], short_len: 0, long: HashTable::new() }
    }
}

const EMPTY_SLOT: (PackedName, Symbol) = (PackedName([0; 2]), sym::EMPTY);

impl LocalInterner {
    /// Same as [`Symbol::intern`].
    #[inline]
    pub fn intern(&mut self, text: &str) -> Symbol {
        match PackedName::new(text.as_bytes(), 0, text.len()) {
            Some(name) => self.intern_packed(name, || text),
            None => self.intern_long(text),
        }
    }

    /// Same as [`Self::intern`] for a name that is packed already; `text` is asked for it when it is
    /// new.
    #[inline]
    pub fn intern_packed<'t>(
        &mut self,
        name: PackedName,
        text: impl FnOnce() -> &'t str,
    ) -> Symbol {
        let mask = self.short.len() - 1;
        let mut at = name.hash() & mask;
        loop {
            let slot = self.short[at];
            if slot.0 == name {
                return slot.1;
            }
            if slot.0 == EMPTY_SLOT.0 {
                return self.add_short(at, name, text());
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add_short(&mut self, at: usize, name: PackedName, text: &str) -> Symbol {
        let symbol = Symbol::intern(text);
        self.short[at] = (name, symbol);
        self.short_len += 1;
        if self.short_len * 2 > self.short.len() {
            let larger = vec![EMPTY_SLOT; self.short.len() * 4];
            let mask = larger.len() - 1;
            for slot in std::mem::replace(&mut self.short, larger) {
                if slot.0 == EMPTY_SLOT.0 {
                    continue;
                }
                let mut at = slot.0.hash() & mask;
                while self.short[at].0 != EMPTY_SLOT.0 {
                    at = (at + 1) & mask;
                }
                self.short[at] = slot;
            }
        }
        symbol
    }

    fn intern_long(&mut self, text: &str) -> Symbol {
        let hash = hash(text);
        if let Some(&(_, symbol)) = self.long.find(hash, |&(h, s)| h == hash && s.as_str() == text)
        {
            return symbol;
        }
        let symbol = Symbol::intern(text);
        self.long.insert_unique(hash, (hash, symbol), |&(h, _)| h);
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
        let mut names: Vec<String> = (0..2_000).map(|i| format!("name{}", i % 500)).collect();
        names.extend((0..2_000).map(|i| format!("a_rather_long_name_{}", i % 500)));
        names.extend(
            ["", "a", "a\0", "a\0b", "0123456789abcdef", "0123456789abcdefg"].map(String::from),
        );
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
