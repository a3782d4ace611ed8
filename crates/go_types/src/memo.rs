//! Types and parameters that a package's check makes over and over, made once: `*T` for each `&x`,
//! the signatures of calls of predeclared functions, method values, the tuples of comma-ok forms.
//! This saves memory, and equal ids make `identical` quick.

use base::{FxHashMap, sym};
use smallvec::SmallVec;

use crate::instances::InstanceContext;
use crate::object::{Object, VarKind};
use crate::store::{ObjId, Store, TypeId};
use crate::types::{Signature, Type};

/// What was made so far.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    pointers: FxHashMap<TypeId, TypeId>,
    slices: FxHashMap<TypeId, TypeId>,
    /// Nameless parameters without a package, by type.
    params: FxHashMap<TypeId, ObjId>,
    /// Nameless results without a package, by type.
    results: FxHashMap<TypeId, ObjId>,
    /// Signatures: the result, whether variadic, the parameter types.
    signatures: FxHashMap<SignatureKey, TypeId>,
    /// Tuples by their element types.
    tuples: FxHashMap<SmallVec<[ObjId; 4]>, TypeId>,
    /// Signatures of method values, by the type of the method.
    method_values: FxHashMap<TypeId, TypeId>,
    /// Instances of generic types.
    pub instances: InstanceContext,
}

type SignatureKey = (Option<TypeId>, bool, SmallVec<[TypeId; 4]>);

impl Memo {
    /// `*base`
    pub fn pointer(&mut self, store: &Store, base: TypeId) -> TypeId {
        *self.pointers.entry(base).or_insert_with(|| store.new_type(Type::Pointer(base)))
    }

    /// `[]elem`
    pub fn slice(&mut self, store: &Store, elem: TypeId) -> TypeId {
        *self.slices.entry(elem).or_insert_with(|| store.new_type(Type::Slice(elem)))
    }

    /// The tuple of these variables.
    pub fn tuple(&mut self, store: &Store, vars: &[ObjId]) -> TypeId {
        if let Some(&t) = self.tuples.get(vars) {
            return t;
        }
        let t = store.new_type(Type::Tuple(vars.into()));
        self.tuples.insert(vars.into(), t);
        t
    }

    /// The tuple of nameless values of these two types: what a comma-ok form yields.
    pub fn pair(&mut self, store: &Store, first: TypeId, second: TypeId) -> TypeId {
        let vars = [self.result(store, first), self.result(store, second)];
        self.tuple(store, &vars)
    }

    /// `func(params…) result`
    pub fn signature(
        &mut self,
        store: &Store,
        params: &[TypeId],
        result: Option<TypeId>,
        variadic: bool,
    ) -> TypeId {
        let key = (result, variadic, SmallVec::from_slice(params));
        if let Some(&t) = self.signatures.get(&key) {
            return t;
        }
        let vars = params.iter().map(|&t| self.param(store, t)).collect();
        let results = result.map(|t| self.result(store, t)).into_iter().collect();
        let t = store.new_type(Type::Signature(Box::new(Signature {
            recv: None,
            recv_tparams: Box::default(),
            tparams: Box::default(),
            params: vars,
            results,
            variadic,
        })));
        self.signatures.insert(key, t);
        t
    }

    /// The signature of `x.m` for a method of type `method`: the same without the receiver.
    pub fn method_value(&mut self, store: &Store, method: TypeId) -> TypeId {
        *self.method_values.entry(method).or_insert_with(|| match store.ty(method) {
            Type::Signature(sig) => store.new_type(Type::Signature(Box::new(Signature {
                recv: None,
                recv_tparams: Box::default(),
                tparams: sig.tparams.clone(),
                params: sig.params.clone(),
                results: sig.results.clone(),
                variadic: sig.variadic,
            }))),
            _ => method,
        })
    }

    fn param(&mut self, store: &Store, t: TypeId) -> ObjId {
        *self.params.entry(t).or_insert_with(|| nameless(store, VarKind::Param, t))
    }

    fn result(&mut self, store: &Store, t: TypeId) -> ObjId {
        *self.results.entry(t).or_insert_with(|| nameless(store, VarKind::Result, t))
    }
}

fn nameless(store: &Store, kind: VarKind, t: TypeId) -> ObjId {
    store.new_obj(Object::var(kind, sym::EMPTY, None, None, Some(t)))
}
