//! The names that every Go file sees without an import, and package unsafe (Go spec, "Predeclared
//! identifiers" and "Package unsafe"). Made once for a [`Store`], before any package.

use base::{FxHashMap, Id, Symbol, sym};

use crate::constant::ConstValue;
use crate::object::{BuiltinId, ObjKind, Object, VarKind};
use crate::store::{ObjId, PkgId, Store, TypeId};
use crate::types::{Alias, Basic, Interface, Named, Signature, Type, TypeCell, TypeSet};

/// The predeclared things of a store.
#[derive(Debug)]
pub struct Universe {
    names: FxHashMap<Symbol, ObjId>,
    /// `assert` and `trace`, which only go/types' own test files may use.
    test_names: FxHashMap<Symbol, ObjId>,
    /// Package unsafe.
    pub unsafe_pkg: PkgId,
    /// What `import "C"` imports: every selection from it is opaque.
    pub c_pkg: PkgId,
    /// The type `error`.
    pub error_type: TypeId,
    /// The alias `any`.
    pub any_type: TypeId,
    /// `interface{}`, what `any` stands for.
    pub empty_interface: TypeId,
    /// The constraint `comparable`.
    pub comparable_type: TypeId,
    /// The type name `any`.
    pub any: ObjId,
    /// The type name `comparable`.
    pub comparable: ObjId,
    /// The constant `iota`; its value depends on the place.
    pub iota: ObjId,
    /// `nil`
    pub nil: ObjId,
    /// The tuple without elements: the type of a call that yields nothing.
    pub empty_tuple: TypeId,
    /// `func()`
    pub empty_signature: TypeId,
}

impl Universe {
    /// The predeclared object of that name.
    #[inline]
    pub fn lookup(&self, name: Symbol) -> Option<ObjId> {
        self.names.get(&name).copied()
    }

    /// As [`Self::lookup`], with `assert` and `trace`.
    pub fn lookup_in_tests(&self, name: Symbol) -> Option<ObjId> {
        self.lookup(name).or_else(|| self.test_names.get(&name).copied())
    }
}

/// The predeclared types in the order of [`Basic`], which is the order of their ids.
const BASICS: &[(Basic, &str)] = &[
    (Basic::Invalid, "invalid type"),
    (Basic::Bool, "bool"),
    (Basic::Int, "int"),
    (Basic::Int8, "int8"),
    (Basic::Int16, "int16"),
    (Basic::Int32, "int32"),
    (Basic::Int64, "int64"),
    (Basic::Uint, "uint"),
    (Basic::Uint8, "uint8"),
    (Basic::Uint16, "uint16"),
    (Basic::Uint32, "uint32"),
    (Basic::Uint64, "uint64"),
    (Basic::Uintptr, "uintptr"),
    (Basic::Float32, "float32"),
    (Basic::Float64, "float64"),
    (Basic::Complex64, "complex64"),
    (Basic::Complex128, "complex128"),
    (Basic::String, "string"),
    (Basic::UnsafePointer, "unsafe.Pointer"),
    (Basic::UntypedBool, "untyped bool"),
    (Basic::UntypedInt, "untyped int"),
    (Basic::UntypedRune, "untyped rune"),
    (Basic::UntypedFloat, "untyped float"),
    (Basic::UntypedComplex, "untyped complex"),
    (Basic::UntypedString, "untyped string"),
    (Basic::UntypedNil, "untyped nil"),
    (Basic::Byte, "byte"),
    (Basic::Rune, "rune"),
];

const BUILTINS: &[(BuiltinId, &str)] = &[
    (BuiltinId::Append, "append"),
    (BuiltinId::Cap, "cap"),
    (BuiltinId::Clear, "clear"),
    (BuiltinId::Close, "close"),
    (BuiltinId::Complex, "complex"),
    (BuiltinId::Copy, "copy"),
    (BuiltinId::Delete, "delete"),
    (BuiltinId::Imag, "imag"),
    (BuiltinId::Len, "len"),
    (BuiltinId::Make, "make"),
    (BuiltinId::Max, "max"),
    (BuiltinId::Min, "min"),
    (BuiltinId::New, "new"),
    (BuiltinId::Panic, "panic"),
    (BuiltinId::Print, "print"),
    (BuiltinId::Println, "println"),
    (BuiltinId::Real, "real"),
    (BuiltinId::Recover, "recover"),
];

const UNSAFE_BUILTINS: &[(BuiltinId, &str)] = &[
    (BuiltinId::UnsafeAdd, "Add"),
    (BuiltinId::UnsafeAlignof, "Alignof"),
    (BuiltinId::UnsafeOffsetof, "Offsetof"),
    (BuiltinId::UnsafeSizeof, "Sizeof"),
    (BuiltinId::UnsafeSlice, "Slice"),
    (BuiltinId::UnsafeSliceData, "SliceData"),
    (BuiltinId::UnsafeString, "String"),
    (BuiltinId::UnsafeStringData, "StringData"),
];

const TEST_BUILTINS: &[(BuiltinId, &str)] =
    &[(BuiltinId::Assert, "assert"), (BuiltinId::Trace, "trace")];

/// Where [`Store::basic`] finds a type: the basic types are a store's first types.
#[inline]
pub(crate) fn basic_id(basic: Basic) -> TypeId {
    TypeId::from_index(basic as usize)
}

/// Fills an empty store.
pub(crate) fn build(store: &Store) -> Universe {
    for &(basic, _) in BASICS {
        let id = store.new_type(Type::Basic(basic));
        assert_eq!(id, basic_id(basic), "the basic types come first, in their order");
    }
    let unsafe_pkg = store.new_package(sym::UNSAFE, false);
    store.package(unsafe_pkg).name.get_or_init(|| sym::UNSAFE);
    let c_pkg = store.new_package(sym::C, true);
    store.package(c_pkg).name.get_or_init(|| sym::C);

    let mut names = FxHashMap::default();
    let mut declare = |name: &str, kind: ObjKind, typ: Option<TypeId>| {
        let name = Symbol::intern(name);
        let obj = store.new_obj(Object::new(kind, name, None, None, typ));
        names.insert(name, obj);
        obj
    };
    let invalid = basic_id(Basic::Invalid);
    for &(basic, name) in BASICS {
        if !name.contains([' ', '.']) {
            declare(name, ObjKind::TypeName, Some(basic_id(basic)));
        }
    }

    let empty_interface = store.new_type(interface(Box::default(), TypeSet::default()));
    let any = declare("any", ObjKind::TypeName, None);
    let any_type = store.new_type(Type::Alias(Box::new(Alias {
        obj: any,
        origin: None,
        targs: Box::default(),
        tparams: std::sync::OnceLock::default(),
        rhs: TypeCell::new(empty_interface),
    })));
    store.obj(any).complete(any_type);

    let comparable = declare("comparable", ObjKind::TypeName, None);
    let comparable_set = TypeSet { comparable: true, ..TypeSet::default() };
    let comparable_type =
        defined(store, comparable, store.new_type(interface(Box::default(), comparable_set)));

    let error = declare("error", ObjKind::TypeName, None);
    let error_type = declare_error(store, error);

    let value = |v| ObjKind::Const { value: std::sync::OnceLock::from(v) };
    for (name, v) in [("true", true), ("false", false)] {
        declare(name, value(ConstValue::Bool(v)), Some(basic_id(Basic::UntypedBool)));
    }
    let iota = declare("iota", value(ConstValue::Int(0)), Some(basic_id(Basic::UntypedInt)));
    let nil = declare("nil", ObjKind::Nil, Some(basic_id(Basic::UntypedNil)));
    for &(id, name) in BUILTINS {
        declare(name, ObjKind::Builtin(id), Some(invalid));
    }

    let mut test_names = FxHashMap::default();
    for &(id, name) in TEST_BUILTINS {
        let name = Symbol::intern(name);
        let kind = ObjKind::Builtin(id);
        test_names.insert(name, store.new_obj(Object::new(kind, name, None, None, Some(invalid))));
    }
    declare_unsafe(store, unsafe_pkg);

    Universe {
        names,
        test_names,
        unsafe_pkg,
        c_pkg,
        error_type,
        any_type,
        empty_interface,
        comparable_type,
        any,
        comparable,
        iota,
        nil,
        empty_tuple: store.new_type(Type::Tuple(Box::default())),
        empty_signature: store.new_type(Type::Signature(Box::new(signature(None, Box::default())))),
    }
}

fn declare_unsafe(store: &Store, unsafe_pkg: PkgId) {
    let invalid = basic_id(Basic::Invalid);
    let mut scope = FxHashMap::default();
    let mut declare = |name: &str, kind: ObjKind, typ: TypeId| {
        let name = Symbol::intern(name);
        let obj = Object::new(kind, name, Some(unsafe_pkg), None, Some(typ));
        scope.insert(name, store.new_obj(obj));
    };
    declare("Pointer", ObjKind::TypeName, basic_id(Basic::UnsafePointer));
    for &(id, name) in UNSAFE_BUILTINS {
        declare(name, ObjKind::Builtin(id), invalid);
    }
    store.package(unsafe_pkg).scope.get_or_init(|| scope);
}

/// `type error interface{ Error() string }`
fn declare_error(store: &Store, error: ObjId) -> TypeId {
    let receiver = store.new_obj(Object::var(VarKind::Receiver, sym::EMPTY, None, None, None));
    let string = Some(basic_id(Basic::String));
    let result = store.new_obj(Object::var(VarKind::Result, sym::EMPTY, None, None, string));
    let sig = signature(Some(receiver), Box::new([result]));
    let sig = store.new_type(Type::Signature(Box::new(sig)));
    let kind = ObjKind::Func { origin: None, instance: None, ptr_recv: false.into() };
    let method = store.new_obj(Object::new(kind, sym::ERROR_METHOD, None, None, Some(sig)));
    let methods: Box<[ObjId]> = Box::new([method]);
    let type_set = TypeSet { methods: methods.clone(), ..TypeSet::default() };
    let error_type = defined(store, error, store.new_type(interface(methods, type_set)));
    store.obj(receiver).typ.set(error_type);
    error_type
}

fn signature(recv: Option<ObjId>, results: Box<[ObjId]>) -> Signature {
    Signature {
        recv,
        recv_tparams: Box::default(),
        tparams: Box::default(),
        params: Box::default(),
        results,
        variadic: false,
    }
}

fn interface(methods: Box<[ObjId]>, type_set: TypeSet) -> Type {
    Type::Interface(Box::new(Interface {
        methods,
        embeddeds: Box::default(),
        embed_pos: Box::default(),
        implicit: false,
        type_set: std::sync::OnceLock::from(type_set),
    }))
}

fn defined(store: &Store, obj: ObjId, underlying: TypeId) -> TypeId {
    let t = store.new_type(Type::Named(Box::new(Named {
        obj,
        origin: None,
        targs: Box::default(),
        tparams: std::sync::OnceLock::from(Box::default()),
        rhs: TypeCell::new(underlying),
        underlying: TypeCell::new(underlying),
        methods: parking_lot::RwLock::default(),
        index: std::sync::OnceLock::new(),
    })));
    store.obj(obj).complete(t);
    t
}
