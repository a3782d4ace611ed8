//! Declarations that refer to themselves: which may, and telling about those that may not.

use base::FxHashMap;
use go_syntax::ast::{ExprKind, SpecKind};

use crate::checker::Checker;
use crate::object::{ObjKind, Object};
use crate::predicates::{identical, is_valid, unalias};
use crate::store::{ObjId, TypeId};
use crate::types::Type;

impl Checker<'_> {
    /// Whether the cycle from a grey object back to itself is a valid one; reports it if not.
    pub(crate) fn valid_cycle(&mut self, obj: ObjId) -> bool {
        let Some(start) = self.path_index(obj) else { return true };
        let cycle = self.path[start..].to_vec();
        let (mut values, mut definitions) = (0, 0);
        for &o in &cycle {
            match self.store.obj(o).kind {
                ObjKind::Const { .. } | ObjKind::Var { .. } => values += 1,
                ObjKind::TypeName => {
                    // type T[P interface{ m(T[P]) }] …: through a type parameter list is fine.
                    if self.env.in_tparam_list && self.declares_generic(o) {
                        return true;
                    }
                    if !self.is_alias_name(o) {
                        definitions += 1;
                    }
                }
                _ => {}
            }
        }
        // Values alone: found again, and reported, with the initialisation order. Types alone need
        // a definition somewhere, or the aliases would expand for ever.
        if values == cycle.len() || (values == 0 && definitions > 0) {
            return true;
        }
        let start = self.first_in_source(&cycle);
        self.cycle_error(&cycle, start);
        false
    }

    /// Whether a type name declares an alias, as far as its type is known.
    fn is_alias_name(&self, obj: ObjId) -> bool {
        let o = self.store.obj(obj);
        match o.typ.get().map(|t| self.store.ty(t)) {
            None => false,
            Some(Type::Named(n)) => n.obj != obj,
            Some(Type::TypeParam(p)) => p.obj != obj,
            Some(Type::Basic(_)) => o.pkg.is_some(),
            Some(_) => true,
        }
    }

    /// Reports a cycle of declarations, starting at `cycle[start]`.
    pub(crate) fn cycle_error(&mut self, cycle: &[ObjId], start: usize) {
        let store = self.store;
        let first = cycle[start];
        let is_type = matches!(store.obj(first).kind, ObjKind::TypeName);
        if let Some(Type::Alias(alias)) = store.obj(first).typ.get().map(|t| store.ty(t)) {
            alias.rhs.set(store.invalid());
        }
        let name = |c: &Self, o: ObjId| match c.store.obj(o).typ.get() {
            Some(t) if matches!(store.ty(t), Type::Named(n) if n.origin.is_some()) => c.type_str(t),
            _ => c.qualified_name(o),
        };
        let what = name(self, first);
        if cycle.len() == 1 {
            let message = if is_type {
                format!("invalid recursive type: {what} refers to itself")
            } else {
                format!("invalid cycle in declaration: {what} refers to itself")
            };
            self.error_at_obj(first, message);
            return;
        }
        let message = if is_type {
            format!("invalid recursive type {what}")
        } else {
            format!("invalid cycle in declaration of {what}")
        };
        self.error_at_obj(first, message);
        let mut at = first;
        for i in 0..cycle.len() {
            let next = cycle[(start + i + 1) % cycle.len()];
            let message = format!("\t{} refers to {}", name(self, at), name(self, next));
            self.error_at_obj(at, message);
            at = next;
        }
    }

    /// The name that stands for a declared type in a cycle. That of an instance is where the
    /// package first writes the instance, not where the generic type is declared:
    /// `type T[P any] struct { T[P] }` is wrong at the second `T`.
    pub(crate) fn cycle_name(&mut self, t: TypeId) -> Option<ObjId> {
        let store = self.store;
        let Type::Named(named) = store.ty(t) else { return None };
        if named.origin.is_none() {
            return Some(named.obj);
        }
        if let Some(&known) = self.instance_names.get(&t) {
            return Some(known);
        }
        let generic = store.obj(named.obj);
        let place = match self.instance_places.get(&t) {
            Some(&(file, pos)) => Some((self.files[file as usize].file, pos)),
            None => generic.file.map(|f| (f, generic.pos)),
        };
        let name = Object::new(ObjKind::TypeName, generic.name, generic.pkg, place, Some(t));
        let name = store.new_obj(name);
        self.instance_names.insert(t, name);
        Some(name)
    }

    /// Index of the object that stands first in the source.
    pub(crate) fn first_in_source(&self, cycle: &[ObjId]) -> usize {
        let place = |&o: &ObjId| {
            let o = self.store.obj(o);
            (o.file.map(|f| self.file_order(f)), o.pos)
        };
        (0..cycle.len()).min_by_key(|&i| place(&cycle[i])).unwrap_or(0)
    }

    /// Finds and breaks cycles of type names whose right sides are bare names: `type A B; type B A`.
    pub(crate) fn direct_cycles(&mut self) {
        let mut state: FxHashMap<ObjId, Option<usize>> = FxHashMap::default();
        for i in 0..self.obj_list.len() {
            let obj = self.obj_list[i];
            if matches!(self.store.obj(obj).kind, ObjKind::TypeName) {
                self.direct_cycle(obj, &mut state);
            }
        }
    }

    /// `state` has the place on the path for the names being followed, `None` for those done.
    fn direct_cycle(&mut self, mut name: ObjId, state: &mut FxHashMap<ObjId, Option<usize>>) {
        let mut path = Vec::new();
        loop {
            match state.get(&name) {
                Some(None) => break,
                Some(&Some(start)) => {
                    self.store.obj(name).typ.set(self.store.invalid());
                    let cycle = &path[start..];
                    let first = self.first_in_source(cycle);
                    self.cycle_error(cycle, first);
                    break;
                }
                None => {}
            }
            state.insert(name, Some(path.len()));
            path.push(name);
            let Some(decl) = self.decls.get(&name) else { break };
            let decl = &self.infos[decl.info as usize];
            let Some(spec) = decl.spec else { break };
            let ast = self.asts[decl.file as usize];
            let SpecKind::Type { ty, .. } = ast.specs[spec].kind else { break };
            let ExprKind::Ident(rhs) = ast.expr(ty).kind else { break };
            match self.scopes[self.package_scope].get(rhs) {
                Some(next) if matches!(self.store.obj(next).kind, ObjKind::TypeName) => name = next,
                _ => break,
            }
        }
        for name in path {
            state.insert(name, None);
        }
    }

    /// Whether the underlying type of `t` can be known by now; reports a cycle if not.
    pub(crate) fn is_complete(&mut self, mut t: TypeId) -> bool {
        let store = self.store;
        loop {
            let (obj, rhs) = match store.ty(t) {
                Type::Alias(a) => (a.obj, &a.rhs),
                Type::Named(n) if n.origin.is_none() => (n.obj, &n.rhs),
                _ => return true,
            };
            if let Some(i) = self.path_index(obj).filter(|&i| self.path.get(i) == Some(&obj)) {
                let cycle = self.path[i..].to_vec();
                let first = self.first_in_source(&cycle);
                self.cycle_error(&cycle, first);
                return false;
            }
            let Some(next) = rhs.get() else { return true };
            t = next;
        }
    }

    /// Reports a type that contains itself (`type T struct{ t T }`) and makes it invalid.
    pub(crate) fn valid_type(&mut self, t: TypeId) {
        let mut visits = 0;
        self.valid_type_in(t, &mut Vec::new(), &mut Vec::new(), &mut visits);
    }

    /// `nest`: the types that have `t` inside themselves in memory, outermost first. `path`: the
    /// same without leaving out what type arguments skip; for the error only.
    fn valid_type_in(
        &mut self,
        t: TypeId,
        nest: &mut Vec<TypeId>,
        path: &mut Vec<TypeId>,
        visits: &mut u32,
    ) -> bool {
        // Deeply nested instances take exponential time otherwise; no real program gets there.
        *visits += 1;
        if *visits > 100_000 {
            return true;
        }
        let store = self.store;
        let t = unalias(store, t);
        match store.ty(t) {
            Type::Array { elem, .. } => self.valid_type_in(*elem, nest, path, visits),
            Type::Struct(s) => s.fields.iter().all(|&f| match store.obj(f).typ.get() {
                Some(t) => self.valid_type_in(t, nest, path, visits),
                None => true,
            }),
            Type::Union(terms) => {
                terms.iter().all(|x| self.valid_type_in(x.ty, nest, path, visits))
            }
            Type::Interface(i) => {
                i.embeddeds.iter().all(|&e| self.valid_type_in(e, nest, path, visits))
            }
            Type::Named(named) => {
                // Complete types of other packages are valid, unless a type argument makes them
                // part of a cycle here.
                if named.origin.is_none() && store.obj(named.obj).pkg != Some(self.pkg) {
                    return true;
                }
                // A closed type that was found valid is so wherever it stands.
                let closed = named.origin.is_none() && named.tparams.get().is_none();
                if closed && self.valid_types.contains(&t) {
                    return true;
                }
                let same = |&e: &TypeId| e == t || (!closed && identical(store, e, t));
                if nest.iter().any(same) {
                    let origin = named.origin.unwrap_or(t);
                    for broken in [t, origin] {
                        if let Type::Named(n) = store.ty(broken) {
                            n.rhs.set(store.invalid());
                            n.underlying.set(store.invalid());
                        }
                    }
                    let start = path.iter().position(|&p| identical(store, p, t)).unwrap_or(0);
                    let cycle: Vec<ObjId> =
                        path[start..].iter().filter_map(|&p| self.cycle_name(p)).collect();
                    if !cycle.is_empty() {
                        self.cycle_error(&cycle, 0);
                    }
                    return false;
                }
                let rhs = match named.origin.map(|o| store.ty(o)) {
                    Some(Type::Named(origin)) => origin.rhs.get(),
                    _ => named.rhs.get(),
                };
                let Some(rhs) = rhs.filter(|&r| is_valid(store, r)) else { return true };
                nest.push(t);
                path.push(t);
                let ok = stacker::maybe_grow(crate::RED_ZONE, crate::STACK_STEP, || {
                    self.valid_type_in(rhs, nest, path, visits)
                });
                nest.pop();
                path.pop();
                if ok && closed {
                    self.valid_types.insert(t);
                }
                ok
            }
            Type::TypeParam(_) => {
                let Some(inst) = nest.pop() else { return true };
                let ok = self.valid_targ(t, inst, nest, path, visits);
                nest.push(inst);
                ok
            }
            _ => true,
        }
    }

    /// A type parameter of `inst` stands for its argument, which lies outside of `inst`.
    fn valid_targ(
        &mut self,
        param: TypeId,
        inst: TypeId,
        nest: &mut Vec<TypeId>,
        path: &mut Vec<TypeId>,
        visits: &mut u32,
    ) -> bool {
        let store = self.store;
        let Type::Named(named) = store.ty(inst) else { return true };
        let Some(Type::Named(origin)) = named.origin.map(|o| store.ty(o)) else { return true };
        let tparams = origin.tparams.get().map_or(&[][..], |p| p);
        match tparams.iter().position(|&p| p == param).and_then(|i| named.targs.get(i)) {
            Some(&arg) => self.valid_type_in(arg, nest, path, visits),
            None => true,
        }
    }
}
