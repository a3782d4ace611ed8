//! The type checker: gives every expression the type, mode, constant value and object that
//! go/types gives it. Works on packages in dependency order; goes on after errors.
//!
//! Layout of the crate, in the order of a check:
//! `store` (arenas shared by all packages) · `types`, `object`, `scope` (what is in them) ·
//! `universe` · `checker` (state of one package's check) · `info` (its results).

mod arguments;
mod assignable;
mod assignments;
mod builtins;
mod builtins_unsafe;
mod call;
mod checker;
mod composite;
pub mod constant;
mod conversions;
mod cycles;
mod debug;
mod decl;
mod describe;
mod driver;
mod expr;
mod func_body;
mod index;
mod infer;
mod info;
mod initorder;
mod instances;
mod instantiate;
mod labels;
pub mod layout;
mod literals;
mod lookup;
mod memo;
mod missing;
mod mono;
mod named;
mod object;
mod operand;
mod operators;
mod phases;
pub mod predicates;
mod range;
mod record;
mod resolver;
mod returns;
mod scope;
mod selector;
mod signature;
pub mod sizes;
mod stmt;
mod store;
mod subst;
mod switch;
mod termlist;
mod typelit;
mod types;
pub mod typeset;
mod typestring;
mod typexpr;
pub mod under;
mod unify;
mod universe;
mod untyped;

pub use checker::{Checker, TypeError};
pub use constant::{ConstKind, ConstStr, ConstValue};
pub use debug::debug_types;
pub use driver::{CheckOptions, Plan, ProgramTypes, Stubs, check_program, with_large_stacks};
pub use info::{ExprRef, FileInfo, Instance, PackageInfo, Selection, SelectionKind};
pub use instantiate::{implements, instantiate, satisfies};
pub use lookup::{Lookup, has_ptr_recv, lookup_field_or_method};
pub use missing::has_methods;
pub use named::{expand_method, method_count};
pub use object::{BuiltinId, ObjKind, Object, VarKind};
pub use operand::{Mode, Operand};
pub use predicates::identical;
pub use scope::{Scope, ScopeId, Scopes};
pub use store::{ObjId, PkgId, Store, TypeId, TypesPackage};
pub use subst::{SubstMap, subst};
pub use types::{
    Alias, Basic, Interface, Named, Signature, Struct, Term, Type, TypeCell, TypeParam, TypeSet,
};
pub use typestring::{signature_string, type_string, type_string_in, write_type};
pub use under::{common_under, unalias, under};
pub use universe::Universe;

/// Stack left below which recursion over the tree goes on in a fresh piece of stack.
pub(crate) const RED_ZONE: usize = 128 << 10;
/// Size of such a piece.
pub(crate) const STACK_STEP: usize = 4 << 20;
