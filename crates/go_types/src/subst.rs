//! Replacing type parameters by type arguments. A type in which nothing is replaced comes back
//! with the same id.

use std::sync::OnceLock;

use smallvec::SmallVec;

use crate::instantiate::{alias_instance, named_instance};
use crate::object::{ObjKind, Object};
use crate::store::{ObjId, Store, TypeId};
use crate::types::{Interface, Signature, Struct, Term, Type, TypeCell, TypeParam};

/// What each type parameter becomes. Lists are short: lookups are linear.
#[derive(Clone, Debug, Default)]
pub struct SubstMap {
    pairs: SmallVec<[(TypeId, TypeId); 4]>,
}

impl SubstMap {
    /// `tparams[i]` becomes `targs[i]`. Surplus entries of either list are ignored.
    pub fn new(tparams: &[TypeId], targs: &[TypeId]) -> Self {
        Self { pairs: tparams.iter().copied().zip(targs.iter().copied()).collect() }
    }

    /// As [`Self::new`]; type parameters without an argument yet stay as they are.
    pub(crate) fn partial(tparams: &[TypeId], targs: &[Option<TypeId>]) -> Self {
        let pairs = tparams.iter().zip(targs).filter_map(|(&p, &t)| t.map(|t| (p, t)));
        Self { pairs: pairs.collect() }
    }

    fn get(&self, tparam: TypeId) -> Option<TypeId> {
        self.pairs.iter().find(|p| p.0 == tparam).map(|p| p.1)
    }
}

/// The type with the type parameters of `map` replaced, all the way down.
pub fn subst(store: &Store, t: TypeId, map: &SubstMap) -> TypeId {
    if map.pairs.is_empty() {
        return t;
    }
    Subster { store, map }.typ(t)
}

/// A copy of a variable with another type; the original is its origin.
pub(crate) fn clone_var(store: &Store, var: ObjId, typ: TypeId) -> ObjId {
    let v = store.obj(var);
    let kind = match v.kind {
        ObjKind::Var { kind, origin } => ObjKind::Var { kind, origin: origin.or(Some(var)) },
        _ => return var,
    };
    let place = v.file.map(|f| (f, v.pos));
    store.new_obj(Object::new(kind, v.name, v.pkg, place, Some(typ)))
}

struct Subster<'m> {
    store: &'m Store,
    map: &'m SubstMap,
}

impl Subster<'_> {
    fn typ(&self, t: TypeId) -> TypeId {
        let store = self.store;
        match store.ty(t) {
            Type::Basic(_) => t,
            Type::TypeParam(_) => self.map.get(t).unwrap_or(t),
            Type::Alias(a) => match self.instance_args(a.origin, &a.targs) {
                Args::Same => t,
                Args::Invalid => store.invalid(),
                Args::New(origin, targs) => alias_instance(store, origin, &targs),
            },
            Type::Named(n) => match self.instance_args(n.origin, &n.targs) {
                Args::Same => t,
                Args::Invalid => store.invalid(),
                Args::New(origin, targs) => named_instance(store, origin, &targs),
            },
            &Type::Array { elem, len } => self.rebuilt(t, elem, |elem| Type::Array { elem, len }),
            &Type::Slice(elem) => self.rebuilt(t, elem, Type::Slice),
            &Type::Pointer(base) => self.rebuilt(t, base, Type::Pointer),
            &Type::Chan { dir, elem } => self.rebuilt(t, elem, |elem| Type::Chan { dir, elem }),
            &Type::Map { key, elem } => {
                let (k, e) = (self.typ(key), self.typ(elem));
                if (k, e) == (key, elem) {
                    return t;
                }
                store.new_type(Type::Map { key: k, elem: e })
            }
            Type::Struct(s) => self.vars(&s.fields).map_or(t, |fields| {
                store.new_type(Type::Struct(Box::new(Struct::new(fields, s.tags.clone()))))
            }),
            Type::Tuple(vars) => {
                self.vars(vars).map_or(t, |vars| store.new_type(Type::Tuple(vars)))
            }
            Type::Signature(sig) => self.signature(t, sig),
            Type::Union(terms) => {
                let term = |term: &Term| Term { tilde: term.tilde, ty: self.typ(term.ty) };
                let new: Box<[Term]> = terms.iter().map(term).collect();
                if new.iter().zip(terms).all(|(a, b)| a.ty == b.ty) {
                    return t;
                }
                store.new_type(Type::Union(new))
            }
            Type::Interface(i) => self.interface(t, i),
        }
    }

    fn rebuilt(&self, t: TypeId, part: TypeId, make: impl FnOnce(TypeId) -> Type) -> TypeId {
        let new = self.typ(part);
        if new == part { t } else { self.store.new_type(make(new)) }
    }

    fn instance_args(&self, origin: Option<TypeId>, targs: &[TypeId]) -> Args {
        let Some(origin) = origin else { return Args::Same };
        let tparams = match self.store.ty(origin) {
            Type::Named(n) => n.tparams.get(),
            Type::Alias(a) => a.tparams.get(),
            _ => None,
        };
        if tparams.map_or(0, |p| p.len()) != targs.len() {
            return Args::Invalid;
        }
        match self.list(targs) {
            Some(new) => Args::New(origin, new),
            None => Args::Same,
        }
    }

    fn list(&self, types: &[TypeId]) -> Option<SmallVec<[TypeId; 4]>> {
        let mut out: Option<SmallVec<[TypeId; 4]>> = None;
        for (i, &t) in types.iter().enumerate() {
            let new = self.typ(t);
            if new != t {
                out.get_or_insert_with(|| SmallVec::from_slice(types))[i] = new;
            }
        }
        out
    }

    fn vars(&self, vars: &[ObjId]) -> Option<Box<[ObjId]>> {
        let mut out: Option<Box<[ObjId]>> = None;
        for (i, &v) in vars.iter().enumerate() {
            let Some(t) = self.store.obj(v).typ.get() else { continue };
            let new = self.typ(t);
            if new != t {
                out.get_or_insert_with(|| vars.into())[i] = clone_var(self.store, v, new);
            }
        }
        out
    }

    /// A generic method of an instance gets type parameters of its own, with constraints about
    /// the instance: `func (G[T]) M[P interface{ ~*T }]()`. When the type parameters of the
    /// signature are what is being replaced, they stay: the caller takes them off.
    fn signature(&self, t: TypeId, sig: &Signature) -> TypeId {
        let instantiating = sig.tparams.first().is_some_and(|&p| self.map.get(p).is_some());
        let fresh = (!sig.tparams.is_empty() && !instantiating)
            .then(|| fresh_tparams(self.store, &sig.tparams, self.map));
        let (tparams, params, results) = match &fresh {
            Some((tparams, map)) => {
                let inner = Subster { store: self.store, map };
                (Some(tparams.clone()), inner.vars(&sig.params), inner.vars(&sig.results))
            }
            None => (None, self.vars(&sig.params), self.vars(&sig.results)),
        };
        if tparams.is_none() && params.is_none() && results.is_none() {
            return t;
        }
        self.store.new_type(Type::Signature(Box::new(Signature {
            recv: sig.recv,
            recv_tparams: sig.recv_tparams.clone(),
            tparams: tparams.unwrap_or_else(|| sig.tparams.clone()),
            params: params.unwrap_or_else(|| sig.params.clone()),
            results: results.unwrap_or_else(|| sig.results.clone()),
            variadic: sig.variadic,
        })))
    }

    fn interface(&self, t: TypeId, i: &Interface) -> TypeId {
        let mut methods: Option<Box<[ObjId]>> = None;
        for (at, &m) in i.methods.iter().enumerate() {
            let Some(typ) = self.store.obj(m).typ.get() else { continue };
            let new = self.typ(typ);
            if new != typ {
                let clone = clone_method(self.store, m, new);
                methods.get_or_insert_with(|| i.methods.clone())[at] = clone;
            }
        }
        let embeddeds = self.list(&i.embeddeds);
        if methods.is_none() && embeddeds.is_none() {
            return t;
        }
        self.store.new_type(Type::Interface(Box::new(Interface {
            methods: methods.unwrap_or_else(|| i.methods.clone()),
            embeddeds: embeddeds.map_or_else(|| i.embeddeds.clone(), |e| e.as_slice().into()),
            embed_pos: i.embed_pos.clone(),
            implicit: i.implicit,
            type_set: OnceLock::new(),
        })))
    }
}

enum Args {
    Same,
    /// The number of arguments is wrong; reported elsewhere.
    Invalid,
    New(TypeId, SmallVec<[TypeId; 4]>),
}

/// Copies of type parameters with their constraints replaced by `map`, and the map extended by
/// the copies.
pub(crate) fn fresh_tparams(
    store: &Store,
    tparams: &[TypeId],
    map: &SubstMap,
) -> (Box<[TypeId]>, SubstMap) {
    let mut map = map.clone();
    let mut fresh = Vec::with_capacity(tparams.len());
    for &old in tparams {
        let Type::TypeParam(p) = store.ty(old) else { continue };
        let o = store.obj(p.obj);
        let place = o.file.map(|f| (f, o.pos));
        let obj = store.new_obj(Object::new(ObjKind::TypeName, o.name, o.pkg, place, None));
        let bound = TypeCell::default();
        let param = TypeParam { obj, index: p.index, bound };
        let new = store.new_type(Type::TypeParam(Box::new(param)));
        store.obj(obj).complete(new);
        map.pairs.push((old, new));
        fresh.push(new);
    }
    // Constraints that are the same for neighbours stay the same: `[K, V any]`.
    let mut last: Option<(TypeId, TypeId)> = None;
    for (&old, &new) in tparams.iter().zip(&fresh) {
        let (Type::TypeParam(from), Type::TypeParam(to)) = (store.ty(old), store.ty(new)) else {
            continue;
        };
        let Some(bound) = from.bound.get() else { continue };
        let replaced = match last {
            Some((b, r)) if b == bound => r,
            _ => subst(store, bound, &map),
        };
        last = Some((bound, replaced));
        to.bound.set(replaced);
    }
    (fresh.into(), map)
}

fn clone_method(store: &Store, method: ObjId, typ: TypeId) -> ObjId {
    let m = store.obj(method);
    let place = m.file.map(|f| (f, m.pos));
    let kind = ObjKind::Func {
        origin: m.origin().or(Some(method)),
        instance: None,
        ptr_recv: false.into(),
    };
    store.new_obj(Object::new(kind, m.name, m.pkg, place, Some(typ)))
}
