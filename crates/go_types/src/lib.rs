//! The type checker: gives every expression the type, mode, constant value and object that
//! go/types gives it. Works on packages in dependency order; goes on after errors.
//!
//! Layout of the crate, in the order of a check:
//! `store` (arenas shared by all packages) · `types`, `object`, `scope` (what is in them) ·
//! `universe` · `checker` (state of one package's check) · `info` (its results).

mod checker;
pub mod constant;
mod infer;
mod info;
mod initorder;
mod instances;
mod instantiate;
mod labels;
mod lookup;
mod memo;
mod missing;
mod named;
mod object;
mod operand;
pub mod predicates;
mod returns;
mod scope;
pub mod sizes;
mod store;
mod stubs;
mod subst;
mod termlist;
mod types;
pub mod typeset;
mod typestring;
pub mod under;
mod unify;
mod universe;

pub use checker::{Checker, TypeError};
pub use constant::{ConstKind, ConstStr, ConstValue};
pub use info::{ExprRef, FileInfo, Instance, PackageInfo, Selection, SelectionKind};
pub use lookup::{Lookup, lookup_field_or_method};
pub use missing::has_methods;
pub use object::{BuiltinId, ObjKind, Object, VarKind};
pub use operand::{Mode, Operand};
pub use scope::{Scope, ScopeId, Scopes};
pub use store::{ObjId, PkgId, Store, TypeId, TypesPackage};
pub use subst::{SubstMap, subst};
pub use types::{
    Alias, Basic, Interface, Named, Signature, Struct, Term, Type, TypeCell, TypeParam, TypeSet,
};
pub use typestring::{signature_string, type_string, write_type};
pub use universe::Universe;
