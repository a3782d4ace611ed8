//! What is generic, with type arguments that satisfy it: a test calls `LRU[string, string]`.

use go_types::{
    Basic, ObjId, Signature, Store, Type, TypeId, instantiate, lookup_field_or_method, satisfies,
    unalias,
};

use super::Function;

/// A function that can be called, with type arguments put in.
pub(super) struct Callable<'a> {
    /// The type of its receiver, if it is a method.
    pub receiver: Option<TypeId>,
    /// Its parameters and results.
    pub signature: &'a Signature,
    /// The type arguments of the function itself, to be written behind its name.
    pub targs: Vec<TypeId>,
}

/// A function as it is called; `None` when no type arguments are known that satisfy it.
pub(super) fn callable<'a>(store: &'a Store, function: &Function<'_>) -> Option<Callable<'a>> {
    let own = store.obj(function.obj).typ.get()?;
    let signature = signature_of(store, own)?;
    if !signature.tparams.is_empty() {
        let targs = arguments(store, &signature.tparams)?;
        let signature = signature_of(store, instantiate(store, own, &targs))?;
        return Some(Callable { receiver: None, signature, targs });
    }
    let receiver = match signature.recv {
        Some(receiver) => Some(store.obj(receiver).typ.get()?),
        None => None,
    };
    let plain = Callable { receiver, signature, targs: Vec::new() };
    if signature.recv_tparams.is_empty() {
        return Some(plain);
    }
    // The receiver is written with names of the method's own; the type has the constraints.
    let (base, pointer) = match store.ty(unalias(store, receiver?)) {
        Type::Pointer(base) => (*base, true),
        _ => (receiver?, false),
    };
    let Type::Named(named) = store.ty(unalias(store, base)) else { return None };
    let generic = store.obj(named.obj).typ.get()?;
    let Type::Named(origin) = store.ty(generic) else { return None };
    let targs = arguments(store, origin.tparams.get()?)?;
    let instance = instantiate(store, generic, &targs);
    let object = store.obj(function.obj);
    let method = lookup_field_or_method(store, instance, true, object.pkg, object.name, false);
    let signature = signature_of(store, store.obj(method.obj()?).typ.get()?)?;
    let receiver = if pointer { store.new_type(Type::Pointer(instance)) } else { instance };
    Some(Callable { receiver: Some(receiver), signature, targs: Vec::new() })
}

/// A function as it could give a value of an instance: if it is generic, its type parameters are some
/// of the type's arguments, in any order.
pub(super) fn instances_for(
    store: &Store,
    generic: ObjId,
    targs: &[TypeId],
) -> Vec<(Vec<TypeId>, TypeId)> {
    let Some(own) = store.obj(generic).typ.get() else { return Vec::new() };
    let Some(signature) = signature_of(store, own) else { return Vec::new() };
    // Two of two are four; nobody has a constructor with many more.
    if signature.tparams.len() > 3 || !signature.tparams.is_empty() && targs.len() > 3 {
        return Vec::new();
    }
    let mut choices: Vec<Vec<TypeId>> = vec![Vec::new()];
    for _ in &signature.tparams {
        let longer = |chosen: &Vec<TypeId>| {
            let chosen = chosen.clone();
            targs.iter().map(move |&t| [chosen.as_slice(), &[t]].concat())
        };
        choices = choices.iter().flat_map(longer).collect();
    }
    choices.dedup();
    choices.retain(|chosen| satisfies(store, &signature.tparams, chosen));
    let instance = |chosen: Vec<TypeId>| {
        let t = instantiate(store, own, &chosen);
        (chosen, t)
    };
    choices.into_iter().map(instance).collect()
}

pub(super) fn signature_of(store: &Store, t: TypeId) -> Option<&Signature> {
    match store.ty(t) {
        Type::Signature(signature) => Some(signature),
        _ => None,
    }
}

/// Type arguments that satisfy type parameters, each by itself.
fn arguments(store: &Store, tparams: &[TypeId]) -> Option<Vec<TypeId>> {
    let candidates = [Basic::String, Basic::Int, Basic::Float64].map(|basic| store.basic(basic));
    let mut chosen: Vec<TypeId> = Vec::new();
    for tparam in tparams {
        let fits = |candidate: &TypeId| satisfies(store, &[*tparam], &[*candidate]);
        chosen.push(candidates.into_iter().find(fits)?);
    }
    Some(chosen)
}
