//! What libraries do, as data: which functions start goroutines, run callbacks, lock, store or copy
//! their arguments. It is a crate of its own so that the analysis holds no library names: a model is
//! a line of TOML in `knowledge/`, and users add their own files.
//!
//! Shape of the data: a [`Model`] describes one function by lists of [`Invoke`] (what it calls),
//! [`Flow`] (where values go), [`Access`] (what it reads and writes) and [`Sync`] (how it orders
//! goroutines). A [`TypeFact`] describes a named type, an [`Interface`] a handler interface or
//! function type that some framework calls, a [`Pattern`] functions known only by their shape.
//! A *stub* is Go source with declarations but no bodies, for when a package's own source is absent.

mod load;
mod model;
mod schema;

pub use load::{Knowledge, KnowledgeError};
pub use model::{
    Access, AccessKind, Bind, Callee, Flow, FlowHow, Goroutine, Interface, Invoke, Model, Operand,
    OriginKind, Pattern, Sync, SyncOp, TypeFact, TypeKind,
};
