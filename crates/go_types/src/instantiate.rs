//! Instances of generic types and functions, and whether type arguments satisfy their constraints
//! (Go spec, "Instantiations", "Satisfying a type constraint").

use parking_lot::RwLock;

use crate::checker::Checker;
use crate::missing::{
    has_invalid_embedded_fields, interface_ptr_message, is_interface_ptr, missing_method,
    signature_of,
};
use crate::predicates::{comparable_type, identical, is_valid};
use crate::store::{ObjId, Store, TypeId};
use crate::subst::{SubstMap, subst};
use crate::termlist::{self, term_includes};
use crate::types::{Alias, Named, Signature, Term, Type, TypeCell, TypeSet};
use crate::typeset::type_set;
use crate::typestring::type_string;
use crate::under::{constraint_interface, under};

/// The instance of a generic defined type, alias or function with these type arguments, which
/// are not checked. Invalid when their number is wrong for an alias or a function.
pub fn instantiate(store: &Store, generic: TypeId, targs: &[TypeId]) -> TypeId {
    match store.ty(generic) {
        Type::Named(_) => named_instance(store, generic, targs),
        Type::Alias(_) => alias_instance(store, generic, targs),
        Type::Signature(sig) => signature_instance(store, generic, sig, targs),
        _ => store.invalid(),
    }
}

pub(crate) fn named_instance(store: &Store, origin: TypeId, targs: &[TypeId]) -> TypeId {
    let Type::Named(generic) = store.ty(origin) else { return store.invalid() };
    store.instances.get_or_make(store, origin, targs, || {
        store.new_type(Type::Named(Box::new(Named {
            obj: generic.obj,
            origin: Some(origin),
            targs: targs.into(),
            tparams: std::sync::OnceLock::default(),
            rhs: TypeCell::default(),
            underlying: TypeCell::default(),
            methods: RwLock::default(),
            index: std::sync::OnceLock::new(),
        })))
    })
}

pub(crate) fn alias_instance(store: &Store, origin: TypeId, targs: &[TypeId]) -> TypeId {
    let Type::Alias(generic) = store.ty(origin) else { return store.invalid() };
    let Some(tparams) = generic.tparams.get() else { return store.invalid() };
    if tparams.len() != targs.len() {
        return store.invalid();
    }
    if tparams.is_empty() {
        return origin;
    }
    // While the alias is being checked its right side is not known: a cycle, reported elsewhere.
    let Some(rhs) = generic.rhs.get() else { return store.invalid() };
    store.instances.get_or_make(store, origin, targs, || {
        let rhs = subst(store, rhs, &SubstMap::new(tparams, targs));
        store.new_type(Type::Alias(Box::new(Alias {
            obj: generic.obj,
            origin: Some(origin),
            targs: targs.into(),
            tparams: std::sync::OnceLock::default(),
            rhs: TypeCell::new(rhs),
        })))
    })
}

fn signature_instance(store: &Store, generic: TypeId, sig: &Signature, targs: &[TypeId]) -> TypeId {
    if sig.tparams.len() != targs.len() {
        return store.invalid();
    }
    if sig.tparams.is_empty() {
        return generic;
    }
    let map = SubstMap::new(&sig.tparams, targs);
    let Type::Signature(new) = store.ty(subst(store, generic, &map)) else { return generic };
    store.new_type(Type::Signature(Box::new(without_tparams(new))))
}

/// The signature of an instance is not generic any more.
pub(crate) fn without_tparams(sig: &Signature) -> Signature {
    Signature {
        recv: sig.recv,
        recv_tparams: sig.recv_tparams.clone(),
        tparams: Box::default(),
        params: sig.params.clone(),
        results: sig.results.clone(),
        variadic: sig.variadic,
    }
}

/// Whether `v` implements the interface `t`. All declarations involved must have been checked.
pub fn implements(store: &Store, v: TypeId, t: TypeId) -> bool {
    answer(store, v, t, false)
}

/// Whether type arguments satisfy the constraints of type parameters (as many). All declarations
/// involved must have been checked.
pub fn satisfies(store: &Store, tparams: &[TypeId], targs: &[TypeId]) -> bool {
    let map = SubstMap::new(tparams, targs);
    tparams.iter().zip(targs).all(|(&tparam, &targ)| {
        // Wraps a constraint that is no interface.
        constraint_interface(store, tparam);
        let Type::TypeParam(p) = store.ty(tparam) else { return false };
        let bound = p.bound.get();
        bound.is_some_and(|bound| answer(store, targ, subst(store, bound, &map), true))
    })
}

fn answer(store: &Store, v: TypeId, t: TypeId, constraint: bool) -> bool {
    let mut equivalent = |found: ObjId, wanted: ObjId| match (
        store.obj(found).typ.get(),
        store.obj(wanted).typ.get(),
    ) {
        (Some(x), Some(y)) => identical(store, x, y),
        _ => false,
    };
    let has_methods = |_: &mut String| {
        !is_valid(store, v)
            || missing_method(store, v, t, true, &mut equivalent).is_none()
            || has_invalid_embedded_fields(store, v, &mut smallvec::SmallVec::new())
    };
    Question { store, v, t, constraint, dynamic_comparable: true }.answer(has_methods, None)
}

impl Checker<'_> {
    /// The instance of a generic type. Of identical instances, the package uses the one that it
    /// met first.
    pub(crate) fn instance(&mut self, generic: TypeId, targs: &[TypeId]) -> TypeId {
        let made = instantiate(self.store, generic, targs);
        self.memo.instances.canonical(self.store, made)
    }

    /// Whether type arguments satisfy the constraints of type parameters (as many). The error is
    /// the index of the first that does not, and why.
    pub(crate) fn verify(
        &mut self,
        tparams: &[TypeId],
        targs: &[TypeId],
    ) -> Result<(), (usize, String)> {
        let store = self.store;
        let map = SubstMap::new(tparams, targs);
        for (i, (&tparam, &targ)) in tparams.iter().zip(targs).enumerate() {
            // Wraps a constraint that is no interface.
            constraint_interface(store, tparam);
            let Type::TypeParam(p) = store.ty(tparam) else { continue };
            let Some(bound) = p.bound.get() else { continue };
            let bound = subst(store, bound, &map);
            if !self.implements(targ, bound, true, None) {
                let mut cause = String::new();
                self.implements(targ, bound, true, Some(&mut cause));
                return Err((i, cause));
            }
        }
        Ok(())
    }

    /// Whether `v` implements the interface `t`, or as a type argument satisfies the constraint
    /// `t`. When it does not, `cause` says why.
    pub(crate) fn implements(
        &mut self,
        v: TypeId,
        t: TypeId,
        constraint: bool,
        cause: Option<&mut String>,
    ) -> bool {
        let store = self.store;
        let dynamic_comparable = self.allow_version(20);
        let want_cause = cause.is_some();
        let has_methods = |cause: &mut String| {
            self.has_all_methods(
                v,
                t,
                true,
                &mut |c, x, y| identical(c.store, x, y),
                want_cause.then_some(cause),
            )
        };
        Question { store, v, t, constraint, dynamic_comparable }.answer(has_methods, cause)
    }
}

/// Does `v` implement (or, with `constraint`, satisfy) `t`?
struct Question<'s> {
    store: &'s Store,
    v: TypeId,
    t: TypeId,
    constraint: bool,
    /// Whether ordinary interfaces satisfy `comparable` (from Go 1.20).
    dynamic_comparable: bool,
}

impl Question<'_> {
    fn answer(
        &self,
        has_methods: impl FnOnce(&mut String) -> bool,
        cause: Option<&mut String>,
    ) -> bool {
        let store = self.store;
        let (vu, tu) = (under(store, self.v), under(store, self.t));
        if !is_valid(store, vu) || !is_valid(store, tu) {
            return true;
        }
        if let Type::Pointer(base) = store.ty(vu)
            && !is_valid(store, under(store, *base))
        {
            return true;
        }
        let verb = if self.constraint { "satisfy" } else { "implement" };
        let name = |t: TypeId| type_string(store, t);
        let head = || format!("{} does not {verb} {}", name(self.v), name(self.t));
        let say = |cause: Option<&mut String>, message: &dyn Fn() -> String| {
            if let Some(cause) = cause {
                *cause = message();
            }
            false
        };
        if !matches!(store.ty(tu), Type::Interface(_)) {
            return say(cause, &|| {
                let detail = if is_interface_ptr(store, tu) {
                    interface_ptr_message(store, self.t)
                } else {
                    format!("{} is not an interface", name(self.t))
                };
                format!("{} ({detail})", head())
            });
        }
        let wanted = type_set(store, tu);
        if wanted.is_all() {
            return true;
        }
        let have = matches!(store.ty(vu), Type::Interface(_)).then(|| type_set(store, vu));
        if have.is_some_and(TypeSet::is_empty) {
            return true;
        }
        if wanted.is_empty() {
            return say(cause, &|| format!("cannot {verb} {} (empty type set)", name(self.t)));
        }
        let mut detail = String::new();
        if !wanted.methods.is_empty() && !has_methods(&mut detail) {
            return say(cause, &|| format!("{} {detail}", head()));
        }
        if wanted.has_terms() {
            if let Some(have) = have {
                if !have.terms_subset_of(store, wanted) {
                    return say(cause, &head);
                }
            } else if wanted.is(|term| term.is_some_and(|x| !term_includes(store, x, self.v))) {
                return say(cause, &|| format!("{} ({})", head(), self.outside(tu, wanted)));
            }
        }
        if self.comparability(wanted) {
            return true;
        }
        say(cause, &|| {
            let late = !self.dynamic_comparable && comparable_type(store, self.v, true);
            if self.constraint && late {
                format!("{} to {verb} comparable requires go1.20 or later", name(self.v))
            } else {
                format!("{} does not {verb} comparable", name(self.v))
            }
        })
    }

    fn comparability(&self, wanted: &TypeSet) -> bool {
        let (store, v) = (self.store, self.v);
        if !wanted.is_comparable(store, &mut smallvec::SmallVec::new()) {
            return true;
        }
        comparable_type(store, v, false)
            || self.constraint && self.dynamic_comparable && comparable_type(store, v, true)
    }

    /// Why a type that is no interface is outside the terms of the type set.
    fn outside(&self, tu: TypeId, wanted: &TypeSet) -> String {
        let (store, v) = (self.store, self.v);
        let name = |t: TypeId| type_string(store, t);
        let terms = wanted.terms.as_deref().unwrap_or_default();
        let near = terms.iter().find(|x| {
            let tilde = Term { tilde: true, ty: x.ty };
            !x.tilde && identical(store, x.ty, under(store, x.ty)) && term_includes(store, tilde, v)
        });
        if let Some(near) = near {
            return format!("possibly missing ~ for {} in {}", name(near.ty), name(self.t));
        }
        if mentions(store, tu, v) {
            let (v, t) = (name(v), name(self.t));
            return format!("{t} mentions {v}, but {v} is not in the type set of {t}");
        }
        let written: Vec<String> = terms
            .iter()
            .map(|x| format!("{}{}", if x.tilde { "~" } else { "" }, name(x.ty)))
            .collect();
        format!("{} missing in {}", name(v), written.join(" | "))
    }
}

/// Whether `t` names `typ` as an embedded element or term, in its type set or not.
fn mentions(store: &Store, t: TypeId, typ: TypeId) -> bool {
    match store.ty(t) {
        Type::Interface(i) => i.embeddeds.iter().any(|&e| mentions(store, e, typ)),
        Type::Union(terms) => terms.iter().any(|x| mentions(store, x.ty, typ)),
        _ => identical(store, t, typ),
    }
}

/// Whether a method has type parameters of its own.
pub(crate) fn is_generic_method(store: &Store, method: ObjId) -> bool {
    signature_of(store, method).is_some_and(|sig| !sig.tparams.is_empty())
}

/// The terms of a type parameter's constraint, for inference: `None` when there are none.
pub(crate) fn specific_terms(store: &Store, tparam: TypeId) -> termlist::TermList {
    let set = type_set(store, constraint_interface(store, tparam));
    if set.has_terms() { set.terms.clone() } else { None }
}
