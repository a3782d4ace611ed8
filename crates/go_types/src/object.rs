//! Declared things. An [`Object`] outlives the check of its package; what is found out while
//! checking (type, value, use) is set through `&self`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use base::Symbol;
use source::FileId;

use crate::constant::ConstValue;
use crate::store::{ObjId, PkgId, TypeId};
use crate::types::TypeCell;

/// A declared thing.
#[derive(Debug)]
pub struct Object {
    /// Its name; empty for an unnamed parameter.
    pub name: Symbol,
    /// Where it was declared; absent for the universe.
    pub pkg: Option<PkgId>,
    /// The file of the declaration.
    pub file: Option<FileId>,
    /// Offset of the name in that file.
    pub pos: u32,
    /// Its type; empty until known.
    pub typ: TypeCell,
    /// What sort of thing it is.
    pub kind: ObjKind,
    /// Offset from which a local name is visible (Go spec, "Declarations and scope"); 0 for
    /// package-level names.
    pub scope_pos: AtomicU32,
    /// State of the declaration's check: 0 white, 1 black, 2 and above grey (a place on the
    /// checker's object path + 2).
    pub color: AtomicU32,
    /// Whether it was used.
    pub used: AtomicBool,
}

/// What a variable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum VarKind {
    Package,
    Local,
    Param,
    Receiver,
    Result,
    Field { embedded: bool },
}

/// What an object is.
#[derive(Debug)]
pub enum ObjKind {
    /// An import in file scope.
    PkgName {
        /// What is imported.
        imported: PkgId,
    },
    /// A constant; the value is set when its declaration is checked.
    Const {
        /// Its value.
        value: OnceLock<ConstValue>,
    },
    /// A defined type, an alias, a type parameter or a predeclared type.
    TypeName,
    /// A variable, parameter or field.
    Var {
        /// Which of them.
        kind: VarKind,
        /// For a field or parameter made by substitution: the one that was declared.
        origin: Option<ObjId>,
    },
    /// A function or method (concrete, or of an interface).
    Func {
        /// For a method of an instance: the method that was declared.
        origin: Option<ObjId>,
        /// For a method of an instance: the instance. Its type is made of the origin's on first
        /// demand, since that may not be known yet when the method is looked up.
        instance: Option<TypeId>,
        /// Whether the receiver is a pointer; known once collected, before the type is.
        ptr_recv: AtomicBool,
    },
    /// A label.
    Label,
    /// A predeclared function.
    Builtin(BuiltinId),
    /// `nil`
    Nil,
}

/// The predeclared functions, those of package unsafe included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum BuiltinId {
    Append,
    Cap,
    Clear,
    Close,
    Complex,
    Copy,
    Delete,
    Imag,
    Len,
    Make,
    Max,
    Min,
    New,
    Panic,
    Print,
    Println,
    Real,
    Recover,
    UnsafeAdd,
    UnsafeAlignof,
    UnsafeOffsetof,
    UnsafeSizeof,
    UnsafeSlice,
    UnsafeSliceData,
    UnsafeString,
    UnsafeStringData,
    /// `assert` and `trace` of go/types' own test files, enabled only there.
    Assert,
    Trace,
}

impl Object {
    /// A new object, unused, its type unknown unless given.
    pub fn new(
        kind: ObjKind,
        name: Symbol,
        pkg: Option<PkgId>,
        place: Option<(FileId, u32)>,
        typ: Option<TypeId>,
    ) -> Self {
        Self {
            name,
            pkg,
            file: place.map(|p| p.0),
            pos: place.map_or(0, |p| p.1),
            typ: typ.map_or_else(TypeCell::default, TypeCell::new),
            kind,
            scope_pos: AtomicU32::new(0),
            color: AtomicU32::new(u32::from(typ.is_some())),
            used: AtomicBool::new(false),
        }
    }

    /// A variable, parameter or field.
    pub fn var(
        kind: VarKind,
        name: Symbol,
        pkg: Option<PkgId>,
        place: Option<(FileId, u32)>,
        typ: Option<TypeId>,
    ) -> Self {
        Self::new(ObjKind::Var { kind, origin: None }, name, pkg, place, typ)
    }

    /// A function or method that was declared.
    pub fn func(
        name: Symbol,
        pkg: Option<PkgId>,
        place: Option<(FileId, u32)>,
        typ: Option<TypeId>,
    ) -> Self {
        let kind = ObjKind::Func { origin: None, instance: None, ptr_recv: AtomicBool::new(false) };
        Self::new(kind, name, pkg, place, typ)
    }

    /// Gives the object its type, after which it needs no check any more.
    pub fn complete(&self, t: TypeId) {
        self.typ.set(t);
        self.color.store(1, Ordering::Release);
    }

    /// Whether it is a struct field.
    pub fn is_field(&self) -> bool {
        matches!(self.kind, ObjKind::Var { kind: VarKind::Field { .. }, .. })
    }

    /// Whether it is an embedded struct field.
    pub fn is_embedded(&self) -> bool {
        matches!(self.kind, ObjKind::Var { kind: VarKind::Field { embedded: true }, .. })
    }

    /// What was declared, for an object made by substitution.
    pub fn origin(&self) -> Option<ObjId> {
        match self.kind {
            ObjKind::Var { origin, .. } | ObjKind::Func { origin, .. } => origin,
            _ => None,
        }
    }
}
