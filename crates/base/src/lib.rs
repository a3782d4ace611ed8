//! The bottom of the workspace: typed ids, id-indexed vectors, interned names and the hash that
//! everything uses. It depends on no other crate of ours, so every layer can share it.

mod id;
mod symbol;

pub use id::{Id, IndexVec};
pub use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet, FxHasher};
pub use symbol::{LocalInterner, PackedName, Symbol, sym};
