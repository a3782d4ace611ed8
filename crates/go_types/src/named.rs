//! Instances of generic types on demand: their right sides and methods are those of the generic
//! type with the type arguments put in.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::object::{ObjKind, Object};
use crate::store::{ObjId, Store, TypeId};
use crate::subst::{SubstMap, clone_var, subst};
use crate::types::{Signature, Type};

/// The right side of an instance; `None` while that of the generic type is not known (or when the
/// type is no instance).
pub(crate) fn expand_rhs(store: &Store, instance: TypeId) -> Option<TypeId> {
    let Type::Named(named) = store.ty(instance) else { return None };
    let Type::Named(origin) = store.ty(named.origin?) else { return None };
    let rhs = origin.rhs.get()?;
    let tparams = origin.tparams.get()?;
    let expanded = if tparams.len() == named.targs.len() {
        subst(store, rhs, &SubstMap::new(tparams, &named.targs))
    } else {
        store.invalid()
    };
    Some(named.rhs.get_or_set(expanded))
}

/// How many methods a named type declares (those of its generic type, for an instance).
pub fn method_count(store: &Store, t: TypeId) -> usize {
    let Type::Named(named) = store.ty(t) else { return 0 };
    match named.origin.map(|o| store.ty(o)) {
        Some(Type::Named(origin)) => origin.methods.read().len(),
        _ => named.methods.read().len(),
    }
}

/// The `i`th method that a named type declares; for an instance, with the type arguments put in.
/// Its type is unknown as long as that of the declared method is.
pub fn expand_method(store: &Store, t: TypeId, i: usize) -> ObjId {
    let Type::Named(named) = store.ty(t) else { unreachable!("only named types have methods") };
    let declared = |methods: &[Option<ObjId>]| methods[i].expect("declared methods are all there");
    let Some(Type::Named(origin)) = named.origin.map(|o| store.ty(o)) else {
        return declared(&named.methods.read());
    };
    let known = named.methods.read().get(i).copied().flatten();
    let method = known.unwrap_or_else(|| {
        let declared = declared(&origin.methods.read());
        let mut methods = named.methods.write();
        if methods.len() <= i {
            let count = origin.methods.read().len();
            methods.resize(count, None);
        }
        *methods[i].get_or_insert_with(|| new_method(store, t, declared))
    });
    complete_method(store, method);
    method
}

/// Gives a method of an instance its type, if the declared method has one; whether it has.
pub(crate) fn complete_method(store: &Store, method: ObjId) -> bool {
    let m = store.obj(method);
    if m.typ.get().is_some() {
        return true;
    }
    let ObjKind::Func { origin: Some(declared), instance: Some(instance), .. } = m.kind else {
        return false;
    };
    let Some(typ) = store.obj(declared).typ.get() else { return false };
    let Type::Signature(sig) = store.ty(typ) else {
        m.complete(typ);
        return true;
    };
    let new = method_signature(store, instance, typ, sig);
    m.typ.get_or_set(new);
    m.color.store(1, Ordering::Release);
    true
}

fn new_method(store: &Store, instance: TypeId, declared: ObjId) -> ObjId {
    let d = store.obj(declared);
    let ptr_recv = crate::lookup::has_ptr_recv(store, declared);
    let kind = ObjKind::Func {
        origin: Some(declared),
        instance: Some(instance),
        ptr_recv: AtomicBool::new(ptr_recv),
    };
    store.new_obj(Object::new(kind, d.name, d.pkg, d.file.map(|f| (f, d.pos)), None))
}

fn method_signature(store: &Store, instance: TypeId, typ: TypeId, sig: &Signature) -> TypeId {
    let Type::Named(named) = store.ty(instance) else { return typ };
    let substituted = if sig.recv_tparams.len() == named.targs.len() {
        subst(store, typ, &SubstMap::new(&sig.recv_tparams, &named.targs))
    } else {
        typ
    };
    let Type::Signature(new) = store.ty(substituted) else { return typ };
    let recv = sig.recv.map(|recv| {
        let is_ptr =
            store.obj(recv).typ.get().is_some_and(|t| {
                matches!(store.ty(crate::under::unalias(store, t)), Type::Pointer(_))
            });
        let t = if is_ptr { store.new_type(Type::Pointer(instance)) } else { instance };
        clone_var(store, recv, t)
    });
    store.new_type(Type::Signature(Box::new(Signature {
        recv,
        recv_tparams: Box::default(),
        tparams: new.tparams.clone(),
        params: new.params.clone(),
        results: new.results.clone(),
        variadic: new.variadic,
    })))
}
