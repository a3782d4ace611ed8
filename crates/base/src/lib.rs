//! The bottom of the workspace: typed ids, id-indexed vectors, interned names, the hash that
//! everything uses, and the catching of panics. It depends on no other crate of ours, so every layer can share it.

mod id;
mod panics;
mod symbol;

pub use id::{Id, IndexVec};
pub use panics::{catch, install_panic_hook, panic_text};
pub use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet, FxHasher};
pub use symbol::{LocalInterner, PackedName, Symbol, sym};
