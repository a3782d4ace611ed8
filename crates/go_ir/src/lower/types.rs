//! Questions about types that the lowering asks, and the types that it has to make: pointers to
//! variables, tuples of operations that have no expression of their own.

use base::{FxHashMap, sym};
use go_types::{Basic, ObjId, Object, Signature, Store, Type, TypeId, VarKind};

use go_types::under::{core_type, under};

use super::Lowerer;

/// Types made so far, so that each exists once a package.
#[derive(Default)]
pub(super) struct TypeMaker {
    pointers: FxHashMap<TypeId, TypeId>,
    arrays: FxHashMap<(TypeId, i64), TypeId>,
    tuples: FxHashMap<Vec<TypeId>, TypeId>,
}

impl Lowerer<'_> {
    /// The underlying type; for a type parameter, what its type set has in common (the invalid
    /// type when that is nothing).
    pub(super) fn core(&self, t: TypeId) -> TypeId {
        let u = under(self.store, t);
        if self.is_type_param(t) {
            return core_type(self.store, t).unwrap_or_else(|| self.store.invalid());
        }
        u
    }
    pub(super) fn core_type(&self, t: TypeId) -> &Type {
        self.store.ty(self.core(t))
    }
    pub(super) fn is_type_param(&self, t: TypeId) -> bool {
        matches!(self.store.ty(go_types::under::unalias(self.store, t)), Type::TypeParam(_))
    }
    /// Whether values of the type are interface values. Those of a type parameter are not.
    pub(super) fn is_interface(&self, t: TypeId) -> bool {
        !self.is_type_param(t) && matches!(self.store.ty(under(self.store, t)), Type::Interface(_))
    }
    pub(super) fn is_map(&self, t: TypeId) -> bool {
        matches!(self.core_type(t), Type::Map { .. })
    }
    /// What a pointer type points to.
    pub(super) fn pointee(&self, t: TypeId) -> Option<TypeId> {
        match *self.core_type(t) {
            Type::Pointer(elem) => Some(elem),
            _ => None,
        }
    }
    /// The fields of a struct type.
    pub(super) fn fields(&self, t: TypeId) -> Option<&[ObjId]> {
        match self.core_type(t) {
            Type::Struct(s) => Some(&s.fields),
            _ => None,
        }
    }
    pub(super) fn signature(&self, t: TypeId) -> Option<&Signature> {
        match self.core_type(t) {
            Type::Signature(sig) => Some(sig),
            _ => None,
        }
    }
    /// The element types of a tuple; one type is a tuple of itself.
    pub(super) fn tuple_types(&self, t: TypeId) -> Vec<TypeId> {
        match self.store.ty(t) {
            Type::Tuple(vars) => vars.iter().map(|&v| self.obj_type(v)).collect(),
            _ => vec![t],
        }
    }
    pub(super) fn is_tuple(&self, t: TypeId) -> bool {
        matches!(self.store.ty(t), Type::Tuple(_))
    }

    pub(super) fn bool_type(&self) -> TypeId {
        self.store.basic(Basic::Bool)
    }
    pub(super) fn int_type(&self) -> TypeId {
        self.store.basic(Basic::Int)
    }
    pub(super) fn any_type(&self) -> TypeId {
        self.store.universe().any_type
    }
    /// `*t`
    pub(super) fn pointer_to(&mut self, t: TypeId) -> TypeId {
        let store = self.store;
        *self.types.pointers.entry(t).or_insert_with(|| store.new_type(Type::Pointer(t)))
    }
    /// `[len]elem`
    pub(super) fn array_of(&mut self, elem: TypeId, len: i64) -> TypeId {
        let store = self.store;
        let make = || store.new_type(Type::Array { elem, len });
        *self.types.arrays.entry((elem, len)).or_insert_with(make)
    }
    /// The tuple of nameless values of these types.
    pub(super) fn tuple_of(&mut self, types: &[TypeId]) -> TypeId {
        if let Some(&t) = self.types.tuples.get(types) {
            return t;
        }
        let var = |&t: &TypeId| {
            let object = Object::var(VarKind::Result, sym::EMPTY, None, None, Some(t));
            self.store.new_obj(object)
        };
        let tuple = self.store.new_type(Type::Tuple(types.iter().map(var).collect()));
        self.types.tuples.insert(types.to_vec(), tuple);
        tuple
    }
}

/// Whether an object is a variable of a function: local, parameter or result.
pub(super) fn is_local_var(store: &Store, obj: ObjId) -> bool {
    matches!(
        store.obj(obj).kind,
        go_types::ObjKind::Var {
            kind: VarKind::Local | VarKind::Param | VarKind::Receiver | VarKind::Result,
            ..
        }
    )
}
