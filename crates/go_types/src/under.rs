//! What is behind a name: aliases, underlying types, the types of a type parameter's type set
//! (Go spec, "Underlying types", "Core types").

use std::sync::OnceLock;

use go_syntax::ast::ChanDir;
use smallvec::SmallVec;

use crate::named::expand_rhs;
use crate::predicates::identical;
use crate::store::{Store, TypeId};
use crate::types::{Basic, Interface, Type};
use crate::typeset::type_set;

/// No program has a chain of names this long; one that seems to is a cycle left by an error.
const MAX_CHAIN: usize = 1_000;

/// The type with aliases followed to their ends; invalid while an alias is being checked.
#[inline]
pub fn unalias(store: &Store, t: TypeId) -> TypeId {
    match store.ty(t) {
        Type::Alias(_) => try_unalias(store, t).unwrap_or(store.invalid()),
        _ => t,
    }
}

/// The underlying type; for a type parameter, its constraint's interface. Invalid while the
/// declaration is being checked.
#[inline]
pub fn under(store: &Store, t: TypeId) -> TypeId {
    match store.ty(t) {
        Type::Named(named) => match named.underlying.get() {
            Some(u) => u,
            None => try_under(store, t).unwrap_or(store.invalid()),
        },
        Type::Alias(_) | Type::TypeParam(_) => try_under(store, t).unwrap_or(store.invalid()),
        _ => t,
    }
}

/// As [`under`], with `None` for a type whose declaration is not far enough to tell.
pub(crate) fn try_under(store: &Store, t: TypeId) -> Option<TypeId> {
    let mut names: Vec<TypeId> = Vec::new();
    let mut at = t;
    let found = loop {
        match store.ty(at) {
            Type::Alias(_) => at = try_unalias(store, at)?,
            Type::Named(named) => {
                if let Some(u) = named.underlying.get() {
                    break u;
                }
                if names.len() > MAX_CHAIN || names.contains(&at) {
                    break store.invalid();
                }
                names.push(at);
                at = match named.rhs.get() {
                    Some(rhs) => rhs,
                    None => expand_rhs(store, at)?,
                };
            }
            Type::TypeParam(_) if names.is_empty() => return Some(constraint_interface(store, at)),
            // A defined type cannot be a type parameter; the error is reported at its declaration.
            Type::TypeParam(_) => break store.invalid(),
            _ => break at,
        }
    };
    for name in names {
        if let Type::Named(named) = store.ty(name) {
            named.underlying.set(found);
        }
    }
    Some(found)
}

/// As [`unalias`], with `None` while an alias is being checked.
pub(crate) fn try_unalias(store: &Store, mut t: TypeId) -> Option<TypeId> {
    for _ in 0..MAX_CHAIN {
        match store.ty(t) {
            Type::Alias(alias) => t = alias.rhs.get()?,
            _ => return Some(t),
        }
    }
    Some(store.invalid())
}

/// The interface that constrains a type parameter. A constraint that is no interface is wrapped
/// into one, as if `[P T]` were `[P interface{ T }]`.
pub fn constraint_interface(store: &Store, tparam: TypeId) -> TypeId {
    let empty = store.universe().empty_interface;
    let Type::TypeParam(p) = store.ty(tparam) else { return empty };
    let Some(bound) = p.bound.get() else { return empty };
    if is_type_param_id(store, bound) {
        return empty;
    }
    let Some(u) = try_under(store, bound) else { return empty };
    match store.ty(u) {
        Type::Basic(Basic::Invalid) => empty,
        Type::Interface(_) => u,
        _ => {
            let wrapped = store.new_type(Type::Interface(Box::new(Interface {
                methods: Box::default(),
                embeddeds: Box::new([bound]),
                embed_pos: Box::default(),
                implicit: true,
                type_set: OnceLock::new(),
            })));
            p.bound.set(wrapped);
            wrapped
        }
    }
}

fn is_type_param_id(store: &Store, t: TypeId) -> bool {
    matches!(store.ty(unalias(store, t)), Type::TypeParam(_))
}

/// Whether `f` holds for the underlying types of all types in the type set of `t`; called once
/// with `None` when there are no specific types.
pub fn under_is(store: &Store, t: TypeId, mut f: impl FnMut(Option<TypeId>) -> bool) -> bool {
    typeset(store, t, |_, u| f(u))
}

/// Whether `f` holds for all types of the type set of `t`, each with its underlying type. For
/// anything but a type parameter that is the type alone; for one without specific types, `f` is
/// called once with `None`s.
pub fn typeset(
    store: &Store,
    t: TypeId,
    mut f: impl FnMut(Option<TypeId>, Option<TypeId>) -> bool,
) -> bool {
    if matches!(store.ty(t), Type::TypeParam(_) | Type::Alias(_)) {
        let p = unalias(store, t);
        if matches!(store.ty(p), Type::TypeParam(_)) {
            return type_set(store, constraint_interface(store, p)).all(store, f);
        }
    }
    f(Some(t), Some(under(store, t)))
}

/// The pairs that [`typeset`] goes through, each a type with its underlying type.
pub(crate) fn typeset_pairs(store: &Store, t: TypeId) -> SmallVec<[Option<(TypeId, TypeId)>; 4]> {
    let mut pairs = SmallVec::new();
    typeset(store, t, |t, u| {
        pairs.push(t.zip(u));
        true
    });
    pairs
}

/// As [`common_under`], without conditions.
pub fn core_type(store: &Store, t: TypeId) -> Option<TypeId> {
    common_under(store, t, |_, _| None).ok()
}

/// The underlying type that all types in the type set of `t` share (its core type). Channels may
/// differ in direction: the most restricted one is taken. `reject` is called first for each pair
/// of type and underlying type (`None`s for a type set without specific types) and may give the
/// reason why the type set will not do.
pub fn common_under(
    store: &Store,
    t: TypeId,
    mut reject: impl FnMut(Option<TypeId>, Option<TypeId>) -> Option<Cause>,
) -> Result<TypeId, Cause> {
    let mut common: Option<(TypeId, TypeId)> = None;
    let mut error = None;
    typeset(store, t, |t, u| {
        error = reject(t, u);
        if error.is_some() {
            return false;
        }
        let (Some(t), Some(u)) = (t, u) else {
            error = Some(Cause::text("no specific type"));
            return false;
        };
        let Some((ct, cu)) = common else {
            common = Some((t, u));
            return true;
        };
        if let (&Type::Chan { dir: d1, elem: e1 }, &Type::Chan { dir: d2, elem: e2 }) =
            (store.ty(cu), store.ty(u))
        {
            if !identical(store, e1, e2) {
                error = Some(Cause::ChanElements(ct, t));
            } else if d1 != d2 && d1 == ChanDir::Both {
                common = Some((t, u));
            } else if d1 != d2 && d2 != ChanDir::Both {
                error = Some(Cause::ChanDirections(ct, t));
            }
        } else if !identical(store, cu, u) {
            error = Some(Cause::Different(ct, t));
        }
        error.is_none()
    });
    match (error, common) {
        (None, Some((_, u))) => Ok(u),
        (error, _) => Err(error.unwrap_or_else(|| Cause::text("no specific type"))),
    }
}

/// Why a type set will not do; put into words only when it is reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The words alone.
    Text(&'static str),
    /// "T is not a function": the type, then the words.
    TypeIs(TypeId, &'static str),
    /// "send-only channel T": the words, then the type.
    OfType(&'static str, TypeId),
    /// Words made for the case.
    Words(String),
    /// Two channels have different element types.
    ChanElements(TypeId, TypeId),
    /// Two channels have opposite directions.
    ChanDirections(TypeId, TypeId),
    /// Two types have different underlying types.
    Different(TypeId, TypeId),
}

impl Cause {
    /// The words alone.
    pub fn text(words: &'static str) -> Self {
        Self::Text(words)
    }
    /// The type, then the words.
    pub fn type_is(t: TypeId, words: &'static str) -> Self {
        Self::TypeIs(t, words)
    }
    /// The words, then the type.
    pub fn of_type(words: &'static str, t: TypeId) -> Self {
        Self::OfType(words, t)
    }
    /// The cause in words; `name` writes types.
    pub fn message(&self, name: impl Fn(TypeId) -> String) -> String {
        match *self {
            Self::Text(words) => words.to_owned(),
            Self::Words(ref words) => words.clone(),
            Self::TypeIs(t, words) => format!("{} {words}", name(t)),
            Self::OfType(words, t) => format!("{words} {}", name(t)),
            Self::ChanElements(a, b) => {
                format!("channels {} and {} have different element types", name(a), name(b))
            }
            Self::ChanDirections(a, b) => {
                format!("channels {} and {} have conflicting directions", name(a), name(b))
            }
            Self::Different(a, b) => {
                format!("{} and {} have different underlying types", name(a), name(b))
            }
        }
    }
}
