//! Lexical scopes of one package's check. Only the package scope outlives it.

use base::{FxHashMap, IndexVec, Symbol, define_id};

use crate::store::ObjId;

define_id! {
    /// A scope of the package being checked.
    pub struct ScopeId;
}

/// One block's names.
#[derive(Debug, Default)]
pub struct Scope {
    /// The enclosing scope; the universe is not part of the chain (look there last).
    pub parent: Option<ScopeId>,
    /// The names declared here.
    pub names: FxHashMap<Symbol, ObjId>,
    /// Whether this is a function's outermost block.
    pub is_func: bool,
}

/// All scopes of a check.
pub type Scopes = IndexVec<ScopeId, Scope>;
