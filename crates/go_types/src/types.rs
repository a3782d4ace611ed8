//! The types of the Go specification as data. Nodes are immutable once made, but for what can
//! only be known later: a name's underlying type and methods, an alias's target, a type
//! parameter's constraint, an interface's type set.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use base::{FxHashMap, Symbol};
use go_syntax::ast::ChanDir;
use parking_lot::RwLock;

use crate::store::{ObjId, TypeId};

/// The predeclared types and the kinds of untyped constants. `Byte` and `Rune` are `Uint8` and
/// `Int32` under the name that `TypeString` prints; compare with [`Basic::canonical`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Basic {
    Invalid,
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    String,
    UnsafePointer,
    UntypedBool,
    UntypedInt,
    UntypedRune,
    UntypedFloat,
    UntypedComplex,
    UntypedString,
    UntypedNil,
    Byte,
    Rune,
}

impl Basic {
    /// Whether it is the type of an untyped constant or of `nil`.
    #[must_use]
    pub fn is_untyped(self) -> bool {
        matches!(
            self,
            Self::UntypedBool
                | Self::UntypedInt
                | Self::UntypedRune
                | Self::UntypedFloat
                | Self::UntypedComplex
                | Self::UntypedString
                | Self::UntypedNil
        )
    }

    /// `Byte` as `Uint8`, `Rune` as `Int32`, the rest as they are.
    #[must_use]
    pub fn canonical(self) -> Self {
        match self {
            Self::Byte => Self::Uint8,
            Self::Rune => Self::Int32,
            other => other,
        }
    }
}

/// A type.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Type {
    Basic(Basic),
    /// `len` is negative when it is unknown after an error.
    Array {
        elem: TypeId,
        len: i64,
    },
    Slice(TypeId),
    Pointer(TypeId),
    Map {
        key: TypeId,
        elem: TypeId,
    },
    Chan {
        dir: ChanDir,
        elem: TypeId,
    },
    Struct(Box<Struct>),
    /// Several values: the result of a call, or no value at all.
    Tuple(Box<[ObjId]>),
    Signature(Box<Signature>),
    Interface(Box<Interface>),
    Union(Box<[Term]>),
    Named(Box<Named>),
    TypeParam(Box<TypeParam>),
    Alias(Box<Alias>),
}

/// `struct { … }`
#[derive(Debug)]
pub struct Struct {
    /// The fields, objects of kind `Var` with `VarKind::Field`.
    pub fields: Box<[ObjId]>,
    /// Decoded tags, by field; empty when no field has one.
    pub tags: Box<[Option<Symbol>]>,
    /// Where the first field of each name is; made when a struct with many fields is searched.
    pub(crate) index: NameIndex,
}

impl Struct {
    /// A struct type of these fields; `tags` are as many, or none.
    pub fn new(fields: Box<[ObjId]>, tags: Box<[Option<Symbol>]>) -> Self {
        Self { fields, tags, index: OnceLock::new() }
    }
}

/// Places in a long list of objects by name, made on first demand: lists of thousands of fields or
/// methods are searched for each use.
pub(crate) type NameIndex = OnceLock<FxHashMap<Symbol, u32>>;

/// A function type.
#[derive(Debug, Default)]
pub struct Signature {
    /// The receiver of a method.
    pub recv: Option<ObjId>,
    /// Type parameters of the receiver's type, as the method names them.
    pub recv_tparams: Box<[TypeId]>,
    /// Own type parameters.
    pub tparams: Box<[TypeId]>,
    /// Parameters. The last of a variadic function has a slice type (or `string` for `append`).
    pub params: Box<[ObjId]>,
    /// Results.
    pub results: Box<[ObjId]>,
    /// Whether the last parameter is `...T`.
    pub variadic: bool,
}

/// One term of a union: `T` or `~T`.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Whether `~` stands before it.
    pub tilde: bool,
    /// The type.
    pub ty: TypeId,
}

/// `interface { … }`
#[derive(Debug)]
pub struct Interface {
    /// Explicitly declared methods, sorted by name.
    pub methods: Box<[ObjId]>,
    /// Embedded elements in source order.
    pub embeddeds: Box<[TypeId]>,
    /// Where each embedded element stands, for errors (offset in the file of the interface).
    pub embed_pos: Box<[u32]>,
    /// Whether the interface was made for a constraint literal such as `[T ~int]`.
    pub implicit: bool,
    /// What the interface means; computed on first demand, never while its parts are incomplete.
    pub type_set: OnceLock<TypeSet>,
}

/// The set of types that implement an interface (Go spec, "Interface types").
#[derive(Clone, Debug, Default)]
pub struct TypeSet {
    /// All methods, embedded ones included, sorted by name (and package, when not exported).
    pub methods: Box<[ObjId]>,
    /// The normalised union of terms; `None` means all types.
    pub terms: Option<Box<[Term]>>,
    /// Whether the set is restricted to comparable types.
    pub comparable: bool,
}

/// A `TypeId` that is set later, at most once to a final value.
#[derive(Debug, Default)]
pub struct TypeCell(AtomicU32);

impl TypeCell {
    /// Set from the start.
    pub fn new(t: TypeId) -> Self {
        Self(AtomicU32::new(t.to_raw()))
    }
    /// What is there.
    #[inline]
    pub fn get(&self) -> Option<TypeId> {
        TypeId::from_raw(self.0.load(Ordering::Acquire))
    }
    /// Sets or replaces it.
    pub fn set(&self, t: TypeId) {
        self.0.store(t.to_raw(), Ordering::Release);
    }
    /// Sets it unless another thread was first; what is there then.
    pub fn get_or_set(&self, t: TypeId) -> TypeId {
        match self.0.compare_exchange(0, t.to_raw(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => t,
            Err(raw) => TypeId::from_raw(raw).unwrap_or(t),
        }
    }
}

/// A defined type, or an instance of a generic one.
#[derive(Debug)]
pub struct Named {
    /// The type name (of the generic type, for an instance).
    pub obj: ObjId,
    /// The generic type that this is an instance of.
    pub origin: Option<TypeId>,
    /// The type arguments of an instance.
    pub targs: Box<[TypeId]>,
    /// The type parameters of a generic type; set before its right side is checked.
    pub tparams: OnceLock<Box<[TypeId]>>,
    /// The right side of the declaration, possibly itself a name; empty while it is being checked.
    /// For an instance: that of the origin with the type arguments put in, on first demand.
    pub rhs: TypeCell,
    /// The underlying type: never a `Named` or `Alias` once resolved. Empty until `under` first
    /// asks for it, which follows the chain of right sides.
    pub underlying: TypeCell,
    /// Declared methods in source order; for an instance, filled on demand, parallel to those of
    /// the origin (`None`: not yet asked for).
    pub methods: RwLock<Vec<Option<ObjId>>>,
    /// Where the method of each name is; made when a long list is searched.
    pub(crate) index: NameIndex,
}

/// A type parameter.
#[derive(Debug)]
pub struct TypeParam {
    /// Its name.
    pub obj: ObjId,
    /// Its position in its list.
    pub index: u32,
    /// The constraint, any type as written; wrap it with `constraint_interface`.
    pub bound: TypeCell,
}

/// `type A = T`, possibly generic.
#[derive(Debug)]
pub struct Alias {
    /// Its name.
    pub obj: ObjId,
    /// The generic alias that this is an instance of.
    pub origin: Option<TypeId>,
    /// The type arguments of an instance.
    pub targs: Box<[TypeId]>,
    /// The type parameters of a generic alias.
    pub tparams: OnceLock<Box<[TypeId]>>,
    /// The right side, empty while it is being checked.
    pub rhs: TypeCell,
}
