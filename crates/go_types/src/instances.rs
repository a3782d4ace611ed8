//! The table of all instances of generic types: one id for each way to write an instance.
//! `List[any]` and `List[interface{}]` are identical but print differently, and stay apart here;
//! [`InstanceContext`] makes one package use the one that it met first, as go/types does.

use std::hash::Hasher;

use base::{FxHashMap, FxHasher, Id};
use hashbrown::HashTable;
use parking_lot::RwLock;
use smallvec::SmallVec;

use crate::predicates::identical;
use crate::store::{ObjId, Store, TypeId};
use crate::types::{Interface, Signature, Type};

const SHARDS: usize = 32;

/// Instances by generic type and type arguments.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    shards: [RwLock<HashTable<(u64, TypeId)>>; SHARDS],
}

impl Instances {
    /// The instance of `origin` with these arguments, made by `make` when there is none yet. `make` runs without a
    /// lock, since the right side of an alias has instances too: two threads may both make one, and the second
    /// is dropped.
    pub fn get_or_make(
        &self,
        store: &Store,
        origin: TypeId,
        targs: &[TypeId],
        make: impl FnOnce() -> TypeId,
    ) -> TypeId {
        let mut hasher = FxHasher::default();
        hasher.write_u64(origin.index() as u64);
        for &t in targs {
            hash_spelling(store, t, &mut hasher);
        }
        let hash = hasher.finish();
        let shard = &self.shards[(hash >> 40) as usize % SHARDS];
        let same = |&(h, id): &(u64, TypeId)| {
            h == hash && {
                let (o, args) = origin_and_args(store, id);
                o == Some(origin) && same_list(store, args, targs)
            }
        };
        if let Some(&(_, id)) = shard.read().find(hash, same) {
            return id;
        }
        let id = make();
        let mut table = shard.write();
        if let Some(&(_, id)) = table.find(hash, same) {
            return id;
        }
        table.insert_unique(hash, (hash, id), |&(h, _)| h);
        id
    }
}

/// The instances that a package has met, the first of identical ones standing for all.
#[derive(Debug, Default)]
pub(crate) struct InstanceContext {
    seen: FxHashMap<(TypeId, u64), SmallVec<[TypeId; 1]>>,
}

impl InstanceContext {
    /// The instance identical to this one that was met first.
    pub fn canonical(&mut self, store: &Store, instance: TypeId) -> TypeId {
        let (Some(origin), targs) = origin_and_args(store, instance) else { return instance };
        let mut hasher = FxHasher::default();
        for &t in targs {
            hash_identity(store, t, &mut hasher, 4);
        }
        let known = self.seen.entry((origin, hasher.finish())).or_default();
        let same = |&&other: &&TypeId| {
            let (_, args) = origin_and_args(store, other);
            args.len() == targs.len()
                && args.iter().zip(targs).all(|(&a, &b)| identical(store, a, b))
        };
        if let Some(&first) = known.iter().find(same) {
            return first;
        }
        known.push(instance);
        instance
    }
}

fn origin_and_args(store: &Store, t: TypeId) -> (Option<TypeId>, &[TypeId]) {
    match store.ty(t) {
        Type::Named(n) => (n.origin, &n.targs),
        Type::Alias(a) => (a.origin, &a.targs),
        _ => (None, &[]),
    }
}

/// Instances in arguments have one id for each spelling already, so names are hashed by id.
fn hash_spelling(store: &Store, t: TypeId, h: &mut FxHasher) {
    let var = |v: &ObjId, h: &mut FxHasher| {
        let v = store.obj(*v);
        h.write_u32(v.name.to_raw());
        if let Some(t) = v.typ.get() {
            hash_spelling(store, t, h);
        }
    };
    match store.ty(t) {
        Type::Basic(_) | Type::Named(_) | Type::TypeParam(_) | Type::Alias(_) => {
            h.write_u64(t.index() as u64);
        }
        Type::Array { elem, len } => {
            h.write_i64(*len);
            hash_spelling(store, *elem, h);
        }
        Type::Slice(elem) => {
            h.write_u8(1);
            hash_spelling(store, *elem, h);
        }
        Type::Pointer(base) => {
            h.write_u8(2);
            hash_spelling(store, *base, h);
        }
        Type::Map { key, elem } => {
            h.write_u8(3);
            hash_spelling(store, *key, h);
            hash_spelling(store, *elem, h);
        }
        Type::Chan { dir, elem } => {
            h.write_u8(4 + *dir as u8);
            hash_spelling(store, *elem, h);
        }
        Type::Struct(s) => {
            h.write_u8(8);
            s.fields.iter().for_each(|f| var(f, h));
        }
        Type::Tuple(vars) => {
            h.write_u8(9);
            vars.iter().for_each(|v| var(v, h));
        }
        Type::Signature(s) => {
            h.write_u8(10);
            h.write_usize(s.tparams.len());
            if s.tparams.is_empty() {
                s.params.iter().chain(&s.results).for_each(|v| var(v, h));
            }
        }
        Type::Interface(i) => {
            h.write_u8(11);
            i.methods.iter().for_each(|&m| h.write_u32(store.obj(m).name.to_raw()));
            i.embeddeds.iter().for_each(|&e| hash_spelling(store, e, h));
        }
        Type::Union(terms) => {
            h.write_u8(12);
            terms.iter().for_each(|t| hash_spelling(store, t.ty, h));
        }
    }
}

/// Equal for identical types, without a look at type sets, which may not be complete.
fn hash_identity(store: &Store, t: TypeId, h: &mut FxHasher, depth: u32) {
    if depth == 0 {
        return;
    }
    let depth = depth - 1;
    let vars = |vars: &[ObjId], h: &mut FxHasher| {
        h.write_usize(vars.len());
        for &v in vars {
            if let Some(t) = store.obj(v).typ.get() {
                hash_identity(store, t, h, depth);
            }
        }
    };
    let t = crate::under::unalias(store, t);
    match store.ty(t) {
        Type::Basic(b) => h.write_u8(b.canonical() as u8),
        Type::Named(n) => {
            h.write_u64(n.obj.index() as u64);
            n.targs.iter().for_each(|&t| hash_identity(store, t, h, depth));
        }
        Type::TypeParam(_) => h.write_u64(t.index() as u64),
        Type::Array { elem, .. } => hash_identity(store, *elem, h, depth),
        Type::Slice(elem) => {
            h.write_u8(1);
            hash_identity(store, *elem, h, depth);
        }
        Type::Pointer(base) => {
            h.write_u8(2);
            hash_identity(store, *base, h, depth);
        }
        Type::Map { key, elem } => {
            h.write_u8(3);
            hash_identity(store, *key, h, depth);
            hash_identity(store, *elem, h, depth);
        }
        Type::Chan { dir, elem } => {
            h.write_u8(4 + *dir as u8);
            hash_identity(store, *elem, h, depth);
        }
        Type::Struct(s) => {
            h.write_u8(8);
            vars(&s.fields, h);
        }
        Type::Tuple(v) => vars(v, h),
        Type::Signature(s) => {
            h.write_u8(10);
            h.write_usize(s.tparams.len());
            if s.tparams.is_empty() {
                vars(&s.params, h);
                vars(&s.results, h);
            }
        }
        Type::Interface(_) => h.write_u8(11),
        Type::Union(_) | Type::Alias(_) => h.write_u8(12),
    }
}

fn same_list(store: &Store, a: &[TypeId], b: &[TypeId]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| same_spelling(store, a, b))
}

/// Whether two types are identical and print the same.
fn same_spelling(store: &Store, a: TypeId, b: TypeId) -> bool {
    if a == b {
        return true;
    }
    let same = |a: TypeId, b: TypeId| same_spelling(store, a, b);
    let vars = |a: &[ObjId], b: &[ObjId]| {
        a.len() == b.len()
            && a.iter().zip(b).all(|(&a, &b)| {
                let (a, b) = (store.obj(a), store.obj(b));
                a.name == b.name
                    && a.is_embedded() == b.is_embedded()
                    && (a.name.is_exported() || a.pkg == b.pkg || !a.is_field())
                    && match (a.typ.get(), b.typ.get()) {
                        (Some(x), Some(y)) => same(x, y),
                        _ => false,
                    }
            })
    };
    let signatures = |a: &Signature, b: &Signature| {
        a.tparams.is_empty()
            && b.tparams.is_empty()
            && a.variadic == b.variadic
            && vars(&a.params, &b.params)
            && vars(&a.results, &b.results)
    };
    let interfaces = |a: &Interface, b: &Interface| {
        a.implicit == b.implicit
            && a.embeddeds.len() == b.embeddeds.len()
            && a.methods.len() == b.methods.len()
            && a.embeddeds.iter().zip(&b.embeddeds).all(|(&a, &b)| same(a, b))
            && a.methods.iter().zip(&b.methods).all(|(&m, &n)| {
                let (m, n) = (store.obj(m), store.obj(n));
                let sig = |t: Option<TypeId>| match t.map(|t| store.ty(t)) {
                    Some(Type::Signature(sig)) => Some(sig),
                    _ => None,
                };
                m.name == n.name
                    && (m.name.is_exported() || m.pkg == n.pkg)
                    && matches!((sig(m.typ.get()), sig(n.typ.get())),
                        (Some(a), Some(b)) if signatures(a, b))
            })
    };
    match (store.ty(a), store.ty(b)) {
        (Type::Array { elem: x, len: m }, Type::Array { elem: y, len: n }) => {
            m == n && same(*x, *y)
        }
        (Type::Slice(x), Type::Slice(y)) | (Type::Pointer(x), Type::Pointer(y)) => same(*x, *y),
        (Type::Map { key: k, elem: e }, Type::Map { key: l, elem: f }) => {
            same(*k, *l) && same(*e, *f)
        }
        (Type::Chan { dir: d, elem: e }, Type::Chan { dir: c, elem: f }) => d == c && same(*e, *f),
        (Type::Struct(x), Type::Struct(y)) => x.tags == y.tags && vars(&x.fields, &y.fields),
        (Type::Tuple(x), Type::Tuple(y)) => vars(x, y),
        (Type::Signature(x), Type::Signature(y)) => signatures(x, y),
        (Type::Interface(x), Type::Interface(y)) => interfaces(x, y),
        (Type::Union(x), Type::Union(y)) => {
            x.len() == y.len()
                && x.iter().zip(y).all(|(s, t)| s.tilde == t.tilde && same(s.ty, t.ty))
        }
        _ => false,
    }
}
