//! The concurrency analysis: which memory each function touches, under which locks, on which
//! goroutines; and which pairs of accesses nothing keeps apart.
//!
//! How it goes: [`function`] finds what the values of one function may be ([`path`]), [`locks`]
//! what is held where, [`accesses`] and [`memory`] what is read and written, [`timing`] in which order
//! ([`flagged`]: what runs once only),
//! [`outside`] makes a [`summary`] of it, [`lift`] translates summaries from callees to callers,
//! [`analysis`] runs all that over the program, [`pairs`] finds the conflicts.
//! [`conventions`] counts which locks the accesses to each field hold ([`uses`], [`operands`]).
//! Rules read the [`Analysis`]; they never look at summaries of their own.

mod accesses;
mod analysis;
mod compact;
mod context;
mod conventions;
mod elems;
mod flagged;
mod function;
mod lift;
mod locks;
mod memory;
mod mutable;
mod operands;
mod outside;
mod over;
mod pairs;
mod path;
mod pools;
mod resolve;
mod reuse;
mod shape;
mod signals;
mod steps;
mod subst;
mod summary;
mod targets;
mod timing;
mod tokens;
mod uses;

pub use analysis::{Analysis, EntryKind, analyse, describe_type};
pub use context::{Context, FoundMethod, Link, deref, full_name, named_obj, type_name};
pub use conventions::{FieldUses, Guard, GuardedUse, guards};
pub use elems::Elems;
pub use pairs::{Pair, Side, is_write};
pub use path::{CtxKey, Elem, Path, Root, Val, Vals, What};
pub use steps::{FuncFacts, LocalAccess, LocalReturn, PoolLeak};
pub use summary::{
    Event, Frame, Frames, Held, LockMode, Locks, Made, Part, Realm, Site, Spawn, Step, Thread,
    Token, Via, depth,
};
pub use tokens::TokenList;
pub use uses::Use;
