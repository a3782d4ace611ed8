//! Questions about types: what they are, and which are identical (Go spec, "Type identity").

use smallvec::SmallVec;

pub use crate::infer::is_parameterized;
use crate::object::Object;
use crate::store::{ObjId, PkgId, Store, TypeId};
use crate::subst::{SubstMap, subst};
use crate::termlist;
use crate::types::{Basic, Interface, Named, Signature, Struct, Type};
use crate::typeset::{type_set, union_terms};
pub use crate::under::{constraint_interface, unalias, under, under_is};

const BOOLEAN: u16 = 1;
const INTEGER: u16 = 1 << 1;
const UNSIGNED: u16 = 1 << 2;
const FLOAT: u16 = 1 << 3;
const COMPLEX: u16 = 1 << 4;
const STRING: u16 = 1 << 5;
const UNTYPED: u16 = 1 << 6;
const NUMERIC: u16 = INTEGER | FLOAT | COMPLEX;
const ORDERED: u16 = INTEGER | FLOAT | STRING;
const CONST_TYPE: u16 = BOOLEAN | NUMERIC | STRING;

fn flags(b: Basic) -> u16 {
    use Basic as B;
    match b {
        B::Invalid | B::UnsafePointer => 0,
        B::Bool => BOOLEAN,
        B::Int | B::Int8 | B::Int16 | B::Int32 | B::Int64 | B::Rune => INTEGER,
        B::Uint | B::Uint8 | B::Uint16 | B::Uint32 | B::Uint64 | B::Uintptr | B::Byte => {
            INTEGER | UNSIGNED
        }
        B::Float32 | B::Float64 => FLOAT,
        B::Complex64 | B::Complex128 => COMPLEX,
        B::String => STRING,
        B::UntypedBool => BOOLEAN | UNTYPED,
        B::UntypedInt | B::UntypedRune => INTEGER | UNTYPED,
        B::UntypedFloat => FLOAT | UNTYPED,
        B::UntypedComplex => COMPLEX | UNTYPED,
        B::UntypedString => STRING | UNTYPED,
        B::UntypedNil => UNTYPED,
    }
}

#[inline]
fn is_basic(store: &Store, t: TypeId, wanted: u16) -> bool {
    matches!(store.ty(under(store, t)), &Type::Basic(b) if flags(b) & wanted != 0)
}

/// As [`is_basic`]; for a type parameter, whether it holds for each type of its type set.
fn all_basic(store: &Store, t: TypeId, wanted: u16) -> bool {
    if is_type_param(store, t) {
        return under_is(store, t, |u| u.is_some_and(|u| is_basic(store, u, wanted)));
    }
    is_basic(store, t, wanted)
}

macro_rules! basic_predicates {
    ($($(#[$meta:meta])* $name:ident, $all:ident, $flags:expr;)*) => { $(
        $(#[$meta])*
        #[inline]
        pub fn $name(store: &Store, t: TypeId) -> bool {
            is_basic(store, t, $flags)
        }
        $(#[$meta])*
        /// A type parameter counts if all types of its type set do.
        #[inline]
        pub fn $all(store: &Store, t: TypeId) -> bool {
            all_basic(store, t, $flags)
        }
    )* };
}

basic_predicates! {
    /// Whether the underlying type is boolean, untyped or not.
    is_boolean, all_boolean, BOOLEAN;
    /// Whether the underlying type is an integer type, untyped or not.
    is_integer, all_integer, INTEGER;
    /// Whether the underlying type is an unsigned integer type.
    is_unsigned, all_unsigned, UNSIGNED;
    /// Whether the underlying type is a floating-point type, untyped or not.
    is_float, all_float, FLOAT;
    /// Whether the underlying type is a complex type, untyped or not.
    is_complex, all_complex, COMPLEX;
    /// Whether the underlying type is numeric, untyped or not.
    is_numeric, all_numeric, NUMERIC;
    /// Whether the underlying type is a string type, untyped or not.
    is_string, all_string, STRING;
    /// Whether the underlying type is an integer or floating-point type.
    is_integer_or_float, all_integer_or_float, INTEGER | FLOAT;
    /// Whether `+` works on the underlying type.
    is_numeric_or_string, all_numeric_or_string, NUMERIC | STRING;
    /// Whether `<` works on the underlying type.
    is_ordered, all_ordered, ORDERED;
    /// Whether constants may have the type.
    is_const_type, all_const_type, CONST_TYPE;
}

/// Whether the type is known, or will be: an alias whose declaration is being checked counts.
#[inline]
pub fn is_valid(store: &Store, t: TypeId) -> bool {
    match store.ty(t) {
        Type::Alias(alias) if alias.rhs.get().is_none() => true,
        Type::Alias(_) => crate::under::try_unalias(store, t) != Some(store.invalid()),
        _ => t != store.invalid(),
    }
}

/// Whether the type is not one of the untyped kinds.
#[inline]
pub fn is_typed(store: &Store, t: TypeId) -> bool {
    !is_untyped(store, t)
}

/// Whether the type is the kind of an untyped constant, boolean or nil.
#[inline]
pub fn is_untyped(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(t), &Type::Basic(b) if flags(b) & UNTYPED != 0)
}

/// Whether the type is the kind of an untyped numeric constant.
pub fn is_untyped_numeric(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(t), &Type::Basic(b) if flags(b) & UNTYPED != 0 && flags(b) & NUMERIC != 0)
}

/// Whether the type has a name: predeclared, defined, or a type parameter.
pub fn has_name(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(unalias(store, t)), Type::Basic(_) | Type::Named(_) | Type::TypeParam(_))
}

/// Whether the type is written out rather than defined; predeclared types count.
pub fn is_type_lit(store: &Store, t: TypeId) -> bool {
    !matches!(store.ty(unalias(store, t)), Type::Named(_) | Type::TypeParam(_))
}

/// Whether the underlying type is an interface; true for type parameters.
#[inline]
pub fn is_interface(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(under(store, t)), Type::Interface(_))
}

/// Whether the type is an interface that values can have.
#[inline]
pub fn is_non_type_param_interface(store: &Store, t: TypeId) -> bool {
    !is_type_param(store, t) && is_interface(store, t)
}

/// Whether the type is a type parameter.
#[inline]
pub fn is_type_param(store: &Store, t: TypeId) -> bool {
    match store.ty(t) {
        Type::TypeParam(_) => true,
        Type::Alias(_) => matches!(store.ty(unalias(store, t)), Type::TypeParam(_)),
        _ => false,
    }
}

/// The type with aliases off, if it is a defined type or an instance of one.
#[inline]
pub fn as_named(store: &Store, t: TypeId) -> Option<(TypeId, &Named)> {
    let t = unalias(store, t);
    match store.ty(t) {
        Type::Named(named) => Some((t, named)),
        _ => None,
    }
}

/// Whether the type is a type parameter with an empty type set.
pub fn has_empty_typeset(store: &Store, t: TypeId) -> bool {
    is_type_param(store, t) && type_set(store, under(store, t)).is_empty()
}

/// Whether the type is generic and not instantiated.
pub fn is_generic(store: &Store, t: TypeId) -> bool {
    match store.ty(t) {
        Type::Alias(a) => {
            if a.origin.is_none() && a.tparams.get().is_some_and(|p| !p.is_empty()) {
                return true;
            }
            let actual = unalias(store, t);
            matches!(store.ty(actual), Type::Named(_)) && is_generic(store, actual)
        }
        Type::Named(n) => n.origin.is_none() && n.tparams.get().is_some_and(|p| !p.is_empty()),
        _ => false,
    }
}

/// Whether the underlying type is a pointer.
pub fn is_pointer(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(under(store, t)), Type::Pointer(_))
}

/// Whether values of the type can be compared with `==`. With `dynamic`, ordinary interfaces
/// always can (and may panic); without, their type sets must be comparable.
pub fn comparable_type(store: &Store, t: TypeId, dynamic: bool) -> bool {
    incomparable(store, t, dynamic, &mut SmallVec::new()).is_none()
}

/// Why [`comparable_type`] is false, in words; empty when the type alone says it.
pub fn incomparable_cause(store: &Store, t: TypeId, dynamic: bool) -> Option<String> {
    incomparable(store, t, dynamic, &mut SmallVec::new()).map(|cause| cause.message(store))
}

/// Names met on the way down, to stop at recursive types.
pub(crate) type Seen = SmallVec<[TypeId; 8]>;

pub(crate) enum Incomparable {
    Kind,
    Field(TypeId),
    Element(TypeId),
    EmptyTypeSet,
    TypeSet,
}

impl Incomparable {
    fn message(&self, store: &Store) -> String {
        let s = |t: &TypeId| crate::typestring::type_string(store, *t);
        match self {
            Self::Kind => String::new(),
            Self::Field(t) => format!("struct containing {} cannot be compared", s(t)),
            Self::Element(t) => format!("{} cannot be compared", s(t)),
            Self::EmptyTypeSet => "empty type set".to_owned(),
            Self::TypeSet => "incomparable types in type set".to_owned(),
        }
    }
}

pub(crate) fn incomparable(
    store: &Store,
    t: TypeId,
    dynamic: bool,
    seen: &mut Seen,
) -> Option<Incomparable> {
    // Every cycle goes through a name; an endless chain of new instances is an error elsewhere.
    if let Type::Named(_) = store.ty(unalias(store, t)) {
        if seen.contains(&t) || seen.len() > 1_000 {
            return None;
        }
        seen.push(t);
    }
    match store.ty(under(store, t)) {
        Type::Basic(b) => (*b == Basic::UntypedNil).then_some(Incomparable::Kind),
        Type::Pointer(_) | Type::Chan { .. } => None,
        Type::Struct(s) => s
            .fields
            .iter()
            .filter_map(|&f| store.obj(f).typ.get())
            .find(|&ft| incomparable(store, ft, dynamic, seen).is_some())
            .map(Incomparable::Field),
        Type::Array { elem, .. } => {
            incomparable(store, *elem, dynamic, seen).map(|_| Incomparable::Element(t))
        }
        Type::Interface(_) => {
            let set = type_set(store, under(store, t));
            if dynamic && !is_type_param(store, t) || set.is_comparable(store, seen) {
                None
            } else if set.is_empty() {
                Some(Incomparable::EmptyTypeSet)
            } else {
                Some(Incomparable::TypeSet)
            }
        }
        _ => Some(Incomparable::Kind),
    }
}

/// Whether `nil` is a value of the type.
pub fn has_nil(store: &Store, t: TypeId) -> bool {
    match store.ty(under(store, t)) {
        Type::Basic(b) => *b == Basic::UnsafePointer,
        Type::Slice(_)
        | Type::Pointer(_)
        | Type::Signature(_)
        | Type::Map { .. }
        | Type::Chan { .. } => true,
        Type::Interface(_) => {
            !is_type_param(store, t) || under_is(store, t, |u| u.is_some_and(|u| has_nil(store, u)))
        }
        _ => false,
    }
}

/// The type that an untyped operand gets when nothing else says; any other type as it is.
pub fn default_type(store: &Store, t: TypeId) -> TypeId {
    let Type::Basic(b) = store.ty(t) else { return t };
    match b {
        Basic::UntypedBool => store.basic(Basic::Bool),
        Basic::UntypedInt => store.basic(Basic::Int),
        Basic::UntypedRune => store.basic(Basic::Rune),
        Basic::UntypedFloat => store.basic(Basic::Float64),
        Basic::UntypedComplex => store.basic(Basic::Complex128),
        Basic::UntypedString => store.basic(Basic::String),
        _ => t,
    }
}

/// The larger of two untyped numeric kinds (integer < rune < float < complex), or the type itself
/// when both are the same.
pub fn max_type(store: &Store, x: TypeId, y: TypeId) -> Option<TypeId> {
    if x == y {
        return Some(x);
    }
    match (store.ty(x), store.ty(y)) {
        (Type::Basic(a), Type::Basic(b))
            if is_untyped_numeric(store, x) && is_untyped_numeric(store, y) =>
        {
            Some(if a > b { x } else { y })
        }
        _ => None,
    }
}

/// Whether two packages are the same for unexported names (a test variant has the same path).
#[inline]
pub(crate) fn same_package(store: &Store, a: Option<PkgId>, b: Option<PkgId>) -> bool {
    a == b || matches!((a, b), (Some(a), Some(b)) if store.package(a).path == store.package(b).path)
}

/// Whether two objects have the same identifier: the same name and, when it is not exported, the
/// same package (Go spec, "Uniqueness of identifiers").
pub(crate) fn same_identifier(store: &Store, a: &Object, b: &Object) -> bool {
    a.name == b.name && (a.name.is_exported() || same_package(store, a.pkg, b.pkg))
}

/// Whether two types are identical.
#[inline]
pub fn identical(store: &Store, x: TypeId, y: TypeId) -> bool {
    x == y || Comparer { store, ignore_tags: false }.identical(x, y, None)
}

/// As [`identical`], with struct tags left out (conversions ignore them).
pub fn identical_ignore_tags(store: &Store, x: TypeId, y: TypeId) -> bool {
    x == y || Comparer { store, ignore_tags: true }.identical(x, y, None)
}

/// A stack of the pairs of interfaces being compared: interface literals can be cyclic through
/// their methods.
pub(crate) struct Pair<'p> {
    pub x: TypeId,
    pub y: TypeId,
    pub prev: Option<&'p Pair<'p>>,
}

impl Pair<'_> {
    pub fn seen(x: TypeId, y: TypeId, mut stack: Option<&Pair<'_>>) -> bool {
        while let Some(p) = stack {
            if (p.x, p.y) == (x, y) || (p.x, p.y) == (y, x) {
                return true;
            }
            stack = p.prev;
        }
        false
    }
}

struct Comparer<'s> {
    store: &'s Store,
    ignore_tags: bool,
}

impl Comparer<'_> {
    fn identical(&self, x: TypeId, y: TypeId, stack: Option<&Pair<'_>>) -> bool {
        let store = self.store;
        let (x, y) = (unalias(store, x), unalias(store, y));
        if x == y {
            return true;
        }
        match (store.ty(x), store.ty(y)) {
            (Type::Basic(a), Type::Basic(b)) => a.canonical() == b.canonical(),
            (Type::Array { elem: a, len: m }, Type::Array { elem: b, len: n }) => {
                // A length that is unknown after an error fits any.
                (*m < 0 || *n < 0 || m == n) && self.identical(*a, *b, stack)
            }
            (Type::Slice(a), Type::Slice(b)) | (Type::Pointer(a), Type::Pointer(b)) => {
                self.identical(*a, *b, stack)
            }
            (Type::Struct(a), Type::Struct(b)) => self.structs(a, b, stack),
            (Type::Tuple(a), Type::Tuple(b)) => self.vars(a, b, stack),
            (Type::Signature(a), Type::Signature(b)) => self.signatures(a, b, stack),
            (Type::Union(a), Type::Union(b)) => {
                termlist::equal(store, &union_terms(store, a), &union_terms(store, b))
            }
            (Type::Interface(a), Type::Interface(b)) => self.interfaces((x, a), (y, b), stack),
            (Type::Map { key: k1, elem: e1 }, Type::Map { key: k2, elem: e2 }) => {
                self.identical(*k1, *k2, stack) && self.identical(*e1, *e2, stack)
            }
            (Type::Chan { dir: d1, elem: e1 }, Type::Chan { dir: d2, elem: e2 }) => {
                d1 == d2 && self.identical(*e1, *e2, stack)
            }
            (Type::Named(a), Type::Named(b)) => {
                a.obj == b.obj
                    && a.targs.len() == b.targs.len()
                    && a.targs.iter().zip(&b.targs).all(|(&a, &b)| identical(store, a, b))
            }
            _ => false,
        }
    }

    fn structs(&self, a: &Struct, b: &Struct, stack: Option<&Pair<'_>>) -> bool {
        a.fields.len() == b.fields.len()
            && a.fields.iter().zip(&b.fields).enumerate().all(|(i, (&f, &g))| {
                let (f, g) = (self.store.obj(f), self.store.obj(g));
                f.is_embedded() == g.is_embedded()
                    && (self.ignore_tags || tag(a, i) == tag(b, i))
                    && same_identifier(self.store, f, g)
                    && self.types(f, g, stack)
            })
    }

    fn vars(&self, a: &[ObjId], b: &[ObjId], stack: Option<&Pair<'_>>) -> bool {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(&v, &w)| self.types(self.store.obj(v), self.store.obj(w), stack))
    }

    fn types(&self, a: &Object, b: &Object, stack: Option<&Pair<'_>>) -> bool {
        match (a.typ.get(), b.typ.get()) {
            (Some(x), Some(y)) => self.identical(x, y, stack),
            _ => false,
        }
    }

    /// Type parameters are identical modulo renaming: those of `b` are replaced by those of `a`.
    fn signatures(&self, a: &Signature, b: &Signature, stack: Option<&Pair<'_>>) -> bool {
        let store = self.store;
        if a.tparams.len() != b.tparams.len()
            || a.variadic != b.variadic
            || a.params.len() != b.params.len()
            || a.results.len() != b.results.len()
        {
            return false;
        }
        if a.tparams.is_empty() {
            return self.vars(&a.params, &b.params, stack)
                && self.vars(&a.results, &b.results, stack);
        }
        let map = SubstMap::new(&b.tparams, &a.tparams);
        let bound = |t: TypeId| match store.ty(t) {
            Type::TypeParam(p) => p.bound.get().unwrap_or(store.invalid()),
            _ => store.invalid(),
        };
        let same = |v: &ObjId, w: &ObjId| match (store.obj(*v).typ.get(), store.obj(*w).typ.get()) {
            (Some(x), Some(y)) => self.identical(x, subst(store, y, &map), stack),
            _ => false,
        };
        a.tparams
            .iter()
            .zip(&b.tparams)
            .all(|(&p, &q)| self.identical(bound(p), subst(store, bound(q), &map), stack))
            && a.params.iter().zip(&b.params).all(|(v, w)| same(v, w))
            && a.results.iter().zip(&b.results).all(|(v, w)| same(v, w))
    }

    fn interfaces(
        &self,
        (x, _): (TypeId, &Interface),
        (y, _): (TypeId, &Interface),
        stack: Option<&Pair<'_>>,
    ) -> bool {
        let store = self.store;
        let (a, b) = (type_set(store, x), type_set(store, y));
        if a.comparable != b.comparable
            || a.methods.len() != b.methods.len()
            || !termlist::equal(store, &a.terms, &b.terms)
        {
            return false;
        }
        if Pair::seen(x, y, stack) {
            return true;
        }
        let pair = Pair { x, y, prev: stack };
        a.methods.iter().zip(&b.methods).all(|(&f, &g)| {
            let (f, g) = (store.obj(f), store.obj(g));
            same_identifier(store, f, g) && self.types(f, g, Some(&pair))
        })
    }
}

/// The tag of the `i`th field; no tag is the same as an empty one.
pub(crate) fn tag(s: &Struct, i: usize) -> &'static str {
    s.tags.get(i).copied().flatten().map_or("", |t| t.as_str())
}
