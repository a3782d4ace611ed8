//! The type checker: gives every expression the type, mode, constant value and object that
//! go/types gives it. Works on packages in dependency order; goes on after errors.
//!
//! Layout of the crate, in the order of a check:
//! `store` (arenas shared by all packages) · `types`, `object`, `scope` (what is in them) ·
//! `universe` · `checker` (state of one package's check) · `info` (its results).

mod checker;
mod initorder;
mod labels;
pub mod constant;
mod info;
mod memo;
mod object;
mod operand;
mod returns;
mod scope;
mod store;
mod types;
mod universe;

pub use checker::{Checker, TypeError};
pub use constant::{ConstKind, ConstStr, ConstValue};
pub use info::{ExprRef, FileInfo, Instance, PackageInfo, Selection, SelectionKind};
pub use object::{BuiltinId, ObjKind, Object, VarKind};
pub use operand::{Mode, Operand};
pub use scope::{Scope, ScopeId, Scopes};
pub use store::{ObjId, PkgId, Store, TypeId, TypesPackage};
pub use types::{
    Alias, Basic, Interface, Named, Signature, Struct, Term, Type, TypeCell, TypeParam, TypeSet,
};
pub use universe::Universe;
