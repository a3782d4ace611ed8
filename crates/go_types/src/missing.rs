//! Whether a type has the methods that an interface asks for, and if not, why.

use smallvec::SmallVec;

use crate::checker::Checker;
use crate::lookup::{Lookup, deref_struct_ptr, lookup_impl};
use crate::object::ObjKind;
use crate::predicates::{is_interface, is_type_param, is_valid};
use crate::store::{ObjId, Store, TypeId};
use crate::types::{Signature, Type};
use crate::typeset::type_set;
use crate::typestring::{signature_string, type_string};
use crate::under::under;

/// A method that a type should have and has not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Missing {
    /// The interface's method.
    pub method: ObjId,
    /// What was found instead.
    pub found: Option<ObjId>,
    /// What is wrong.
    pub why: Why,
}

/// Why a method is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    NotFound,
    /// A method whose name differs in case only.
    WrongName,
    /// The same name in another package.
    Unexported,
    WrongType,
    Ambiguous,
    PointerReceiver,
    Field,
}

impl Missing {
    /// The reason in words, in parentheses; `v` should have had the method of `t`.
    pub fn message(&self, store: &Store, v: TypeId, t: TypeId) -> String {
        let name = store.obj(self.method).name;
        let have_want = || {
            let sig = |m: Option<ObjId>| {
                let typ = m.and_then(|m| store.obj(m).typ.get()).map(|t| store.ty(t));
                let Some(Type::Signature(sig)) = typ else { return String::new() };
                let name = m.map_or("", |m| store.obj(m).name.as_str());
                format!("{name}{}", signature_string(store, sig))
            };
            let (have, want) = (sig(self.found), sig(Some(self.method)));
            if have == want { String::new() } else { format!("\n\t\thave {have}\n\t\twant {want}") }
        };
        match self.why {
            Why::NotFound => [v, t].iter().find(|&&t| is_interface_ptr(store, t)).map_or_else(
                || format!("(missing method {name})"),
                |&t| format!("({})", interface_ptr_message(store, t)),
            ),
            Why::WrongName => format!("(missing method {name}){}", have_want()),
            Why::Unexported => format!("(unexported method {name})"),
            Why::WrongType => format!("(wrong type for method {name}){}", have_want()),
            Why::Ambiguous => format!("(ambiguous selector {}.{name})", type_string(store, v)),
            Why::PointerReceiver => format!("(method {name} has pointer receiver)"),
            Why::Field => {
                format!("({}.{name} is a field, not a method)", type_string(store, v))
            }
        }
    }
}

/// Whether the concrete type `v` has all methods of the interface `t`, for analyses after the
/// check. Pointer receivers count only when `v` is a pointer.
pub fn has_methods(store: &Store, v: TypeId, t: TypeId) -> bool {
    let mut same = |x: ObjId, y: ObjId| {
        let types = store.obj(x).typ.get().zip(store.obj(y).typ.get());
        types.is_some_and(|(x, y)| crate::predicates::identical(store, x, y))
    };
    missing_method(store, v, t, true, &mut same).is_none()
}

/// The first method of the interface `t` that `v` lacks. `equivalent` compares the method found
/// with the one wanted; it must make sure that their types are known. When `v` is an interface
/// and not `is_static`, methods may turn up at run time: only those of another type count.
pub(crate) fn missing_method(
    store: &Store,
    v: TypeId,
    t: TypeId,
    is_static: bool,
    equivalent: &mut dyn FnMut(ObjId, ObjId) -> bool,
) -> Option<Missing> {
    let wanted = &type_set(store, under(store, t)).methods;
    if wanted.is_empty() {
        return None;
    }
    let u = under(store, v);
    let have = matches!(store.ty(u), Type::Interface(_)).then(|| type_set(store, u));
    for &method in wanted {
        let missing = |why, found| Some(Missing { method, found, why });
        let m = store.obj(method);
        let found = match have {
            Some(set) => match set.method(store, m.pkg, m.name) {
                Some((_, found)) => found,
                None if is_static => return missing(Why::NotFound, None),
                None => continue,
            },
            None => match lookup_impl(store, v, false, m.pkg, m.name, false) {
                Lookup::Found { obj, .. } => obj,
                Lookup::Ambiguous(_) => return missing(Why::Ambiguous, None),
                Lookup::PointerReceiver => return missing(Why::PointerReceiver, None),
                Lookup::NotFound => {
                    let similar = lookup_impl(store, v, false, m.pkg, m.name, true)
                        .obj()
                        .filter(|&f| is_func(store, f));
                    let why = match similar {
                        None => Why::NotFound,
                        Some(f) if store.obj(f).name == m.name => Why::Unexported,
                        Some(_) => Why::WrongName,
                    };
                    return missing(why, similar);
                }
            },
        };
        if !is_func(store, found) {
            return missing(Why::Field, None);
        }
        if !equivalent(found, method) {
            return missing(Why::WrongType, Some(found));
        }
    }
    None
}

fn is_func(store: &Store, obj: ObjId) -> bool {
    matches!(store.obj(obj).kind, ObjKind::Func { .. })
}

/// Compares the types of two methods; the store may still be filling.
pub(crate) type Equivalent<'e, 'a> = &'e mut dyn FnMut(&mut Checker<'a>, TypeId, TypeId) -> bool;

impl<'a> Checker<'a> {
    /// The first method of the interface `t` that `v` lacks; see [`missing_method`].
    pub(crate) fn missing_method(
        &mut self,
        v: TypeId,
        t: TypeId,
        is_static: bool,
        equivalent: Equivalent<'_, 'a>,
    ) -> Option<Missing> {
        let store = self.store;
        let missing = missing_method(store, v, t, is_static, &mut |found, wanted| {
            self.obj_decl(found);
            match (store.obj(found).typ.get(), store.obj(wanted).typ.get()) {
                (Some(x), Some(y)) => equivalent(self, x, y),
                _ => true,
            }
        });
        if let Some(found) = missing.and_then(|m| m.found) {
            self.obj_decl(found);
        }
        missing
    }

    /// Whether `v` has all methods of the interface `t`. A type that is not fully known has them.
    pub(crate) fn has_all_methods(
        &mut self,
        v: TypeId,
        t: TypeId,
        is_static: bool,
        equivalent: Equivalent<'_, 'a>,
        cause: Option<&mut String>,
    ) -> bool {
        if !is_valid(self.store, v) {
            return true;
        }
        let Some(missing) = self.missing_method(v, t, is_static, equivalent) else { return true };
        if has_invalid_embedded_fields(self.store, v, &mut SmallVec::new()) {
            return true;
        }
        if let Some(cause) = cause {
            *cause = missing.message(self.store, v, t);
        }
        false
    }

    /// Whether the type assertion `x.(t)` can succeed for an `x` of interface type `v`.
    pub(crate) fn new_assertable_to(
        &mut self,
        v: TypeId,
        t: TypeId,
        cause: Option<&mut String>,
    ) -> bool {
        is_interface(self.store, t) || self.implements(t, v, false, cause)
    }
}

pub(crate) fn has_invalid_embedded_fields(
    store: &Store,
    t: TypeId,
    seen: &mut SmallVec<[TypeId; 8]>,
) -> bool {
    let u = under(store, deref_struct_ptr(store, t));
    let Type::Struct(s) = store.ty(u) else { return false };
    if seen.contains(&u) || seen.len() > 1_000 {
        return false;
    }
    seen.push(u);
    s.fields.iter().map(|&f| store.obj(f)).filter(|f| f.is_embedded()).any(|f| {
        f.typ
            .get()
            .is_none_or(|t| !is_valid(store, t) || has_invalid_embedded_fields(store, t, seen))
    })
}

/// Whether the type is a pointer to an interface: nearly always a mistake.
pub(crate) fn is_interface_ptr(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(under(store, t)), Type::Pointer(base) if is_interface(store, *base))
}

/// What is wrong with a pointer to an interface.
pub(crate) fn interface_ptr_message(store: &Store, t: TypeId) -> String {
    let what = match store.ty(under(store, t)) {
        Type::Pointer(base) if is_type_param(store, *base) => "type parameter",
        _ => "interface",
    };
    format!("type {} is pointer to {what}, not {what}", type_string(store, t))
}

/// The signature of a method, once known.
pub(crate) fn signature_of(store: &Store, func: ObjId) -> Option<&Signature> {
    match store.obj(func).typ.get().map(|t| store.ty(t)) {
        Some(Type::Signature(sig)) => Some(sig),
        _ => None,
    }
}
