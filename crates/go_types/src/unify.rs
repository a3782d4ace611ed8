//! Unification: making two types identical (or assignable) by finding type arguments for type
//! parameters (Go spec, "Type unification").

use smallvec::SmallVec;

use crate::checker::Checker;
use crate::instantiate::is_generic_method;
use crate::lookup::lookup_field_or_method;
use crate::object::{ObjKind, Object};
use crate::predicates::{
    Pair, as_named, identical, is_interface, is_type_lit, is_type_param, same_identifier, tag,
};
use crate::store::{ObjId, Store, TypeId};
use crate::termlist;
use crate::types::Type;
use crate::typeset::type_set;
use crate::under::{common_under, unalias, under};
use go_syntax::ast::ChanDir;

/// Types nested deeper than this do not unify; it stops endless recursion, as in go/types.
const MAX_DEPTH: u32 = 50;

/// How exactly types must match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UnifyMode {
    /// The types are those of an assignment: they may match inexactly at the top, but elements
    /// must match exactly.
    assign: bool,
    /// The types must become identical. Otherwise a defined type matches a literal of its
    /// underlying type, channel directions are ignored, and interfaces need only be implemented.
    exact: bool,
}

impl UnifyMode {
    pub const INEXACT: Self = Self { assign: false, exact: false };
    pub const ASSIGN: Self = Self { assign: true, exact: false };
    pub const EXACT: Self = Self { assign: false, exact: true };

    /// The mode for the elements of composite types.
    fn of_elements(self) -> Self {
        Self { exact: self.exact || self.assign, ..self }
    }
}

/// The type parameters to be solved for, with what is known of them.
pub(crate) struct Unifier {
    /// For each type parameter, the index of its slot; joined parameters share one.
    params: SmallVec<[(TypeId, u32); 4]>,
    slots: SmallVec<[Option<TypeId>; 4]>,
    depth: u32,
    /// Whether methods of interfaces take part (from Go 1.21).
    interface_inference: bool,
}

impl Unifier {
    /// Solves for `tparams`; `targs` holds what is given.
    pub fn new(tparams: &[TypeId], targs: &[Option<TypeId>], interface_inference: bool) -> Self {
        let params = tparams.iter().enumerate().map(|(i, &p)| (p, i as u32)).collect();
        let slots = (0..tparams.len()).map(|i| targs.get(i).copied().flatten()).collect();
        Self { params, slots, depth: 0, interface_inference }
    }

    /// Tries to unify `x` and `y`. After a failure, what was inferred on the way stays.
    pub fn unify(&mut self, c: &mut Checker<'_>, x: TypeId, y: TypeId, mode: UnifyMode) -> bool {
        self.nify(c, x, y, mode, None)
    }

    /// What is inferred for a type parameter.
    pub fn at(&self, tparam: TypeId) -> Option<TypeId> {
        self.slot(tparam).and_then(|slot| self.slots[slot as usize])
    }

    /// Sets what a type parameter stands for.
    pub fn set(&mut self, tparam: TypeId, t: TypeId) {
        if let Some(slot) = self.slot(tparam) {
            self.slots[slot as usize] = Some(t);
        }
    }

    /// How many type parameters are not inferred yet.
    pub fn unknowns(&self) -> usize {
        self.params.iter().filter(|p| self.slots[p.1 as usize].is_none()).count()
    }

    /// What is inferred for each of `tparams`.
    pub fn inferred(&self, tparams: &[TypeId]) -> SmallVec<[Option<TypeId>; 4]> {
        tparams.iter().map(|&p| self.at(p)).collect()
    }

    fn slot(&self, tparam: TypeId) -> Option<u32> {
        self.params.iter().find(|p| p.0 == tparam).map(|p| p.1)
    }

    fn bound_param(&self, store: &Store, t: TypeId) -> Option<TypeId> {
        let t = unalias(store, t);
        self.slot(t).map(|_| t)
    }

    /// Lets two type parameters stand for the same type; fails when both are inferred already.
    fn join(&mut self, x: TypeId, y: TypeId) -> bool {
        let (Some(sx), Some(sy)) = (self.slot(x), self.slot(y)) else { return false };
        if sx == sy {
            return true;
        }
        let (from, to) = match (self.slots[sx as usize], self.slots[sy as usize]) {
            (Some(_), Some(_)) => return false,
            (Some(_), None) => (sy, sx),
            _ => (sx, sy),
        };
        for p in &mut self.params {
            if p.1 == from {
                p.1 = to;
            }
        }
        true
    }

    fn nify(
        &mut self,
        c: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        mode: UnifyMode,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        if x == y || unalias(c.store, x) == unalias(c.store, y) {
            return true;
        }
        if self.depth >= MAX_DEPTH {
            return false;
        }
        self.depth += 1;
        let result = self.nify_different(c, x, y, mode, stack);
        self.depth -= 1;
        result
    }

    fn nify_different(
        &mut self,
        c: &mut Checker<'_>,
        mut x: TypeId,
        mut y: TypeId,
        mode: UnifyMode,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        let store = c.store;
        // A defined type goes to y, a type parameter that is solved for to x.
        if as_named(store, x).is_some() || self.bound_param(store, y).is_some() {
            std::mem::swap(&mut x, &mut y);
        }
        // A defined type matches a literal of its underlying type.
        if !mode.exact
            && let Some((ny, _)) = as_named(store, y)
            && is_type_lit(store, x)
            && !(self.interface_inference && is_interface(store, x))
        {
            y = under(store, ny);
            if x == y || unalias(store, x) == unalias(store, y) {
                return true;
            }
        }
        match (self.bound_param(store, x), self.bound_param(store, y)) {
            (Some(px), Some(py)) => {
                if self.join(px, py) {
                    return true;
                }
                return match (self.at(px), self.at(py)) {
                    (Some(tx), Some(ty)) => self.nify(c, tx, ty, mode, stack),
                    _ => false,
                };
            }
            (Some(px), None) => {
                return match self.at(px) {
                    Some(tx) => {
                        self.nify(c, tx, y, mode, stack) && self.settle(store, px, tx, y, mode)
                    }
                    None => {
                        self.set(px, y);
                        true
                    }
                };
            }
            _ => {}
        }
        if self.interface_inference && !mode.exact {
            let (xi, yi) = (as_interface(store, x), as_interface(store, y));
            match (xi, yi) {
                (Some(xi), Some(yi)) => return self.common_methods(c, xi, yi, stack),
                (Some(i), None) => return self.has_methods(c, i, y, stack),
                (None, Some(i)) => return self.has_methods(c, i, x, stack),
                (None, None) => {}
            }
        }
        // A type parameter that is not solved for goes to x.
        if is_type_param(store, y) {
            std::mem::swap(&mut x, &mut y);
        }
        self.structure(c, x, y, mode, stack)
    }

    /// `px` is inferred as `x`, which unifies with `y`: which of the two it keeps.
    fn settle(&mut self, store: &Store, px: TypeId, x: TypeId, y: TypeId, mode: UnifyMode) -> bool {
        let (x_named, y_named) = (as_named(store, x).is_some(), as_named(store, y).is_some());
        match (as_interface(store, x), as_interface(store, y)) {
            (Some(xi), Some(yi)) => {
                if x_named && y_named {
                    return identical(store, x, y);
                }
                // Which of two interfaces to take is clear only if they have the same methods.
                if type_set(store, xi).methods.len() != type_set(store, yi).methods.len() {
                    return false;
                }
            }
            (None, None) => {}
            // Either could be meant.
            _ => return false,
        }
        if !mode.exact && !x_named {
            let directed = matches!(store.ty(under(store, y)),
                Type::Chan { dir, .. } if *dir != ChanDir::Both);
            if y_named || directed {
                self.set(px, y);
            }
        }
        true
    }

    /// Two interfaces: the methods of one must be among those of the other.
    fn common_methods(
        &mut self,
        c: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        let store = c.store;
        let (xset, yset) = (type_set(store, x), type_set(store, y));
        if xset.comparable != yset.comparable || !termlist::equal(store, &xset.terms, &yset.terms) {
            return false;
        }
        if Pair::seen(x, y, stack) {
            return true;
        }
        let pair = Pair { x, y, prev: stack };
        let (few, many) = if xset.methods.len() > yset.methods.len() {
            (&yset.methods, &xset.methods)
        } else {
            (&xset.methods, &yset.methods)
        };
        few.iter().all(|&m| {
            let one = store.obj(m);
            let Some((_, other)) = many
                .iter()
                .map(|&o| (o, store.obj(o)))
                .find(|(_, o)| same_identifier(store, one, o))
            else {
                return false;
            };
            self.types(c, one, other, UnifyMode::EXACT, Some(&pair))
        })
    }

    /// An interface and another type, which must have the interface's methods.
    fn has_methods(
        &mut self,
        c: &mut Checker<'_>,
        interface: TypeId,
        t: TypeId,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        let store = c.store;
        type_set(store, interface).methods.iter().all(|&m| {
            let wanted = store.obj(m);
            let found =
                lookup_field_or_method(store, t, false, wanted.pkg, wanted.name, false).obj();
            let Some(found) = found else { return false };
            if !matches!(store.obj(found).kind, ObjKind::Func { .. }) {
                return false;
            }
            c.obj_decl(found);
            // A generic method implements nothing.
            !is_generic_method(store, found)
                && self.types(c, wanted, store.obj(found), UnifyMode::EXACT, stack)
        })
    }

    /// Types of the same structure.
    fn structure(
        &mut self,
        c: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        mode: UnifyMode,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        let store = c.store;
        let emode = mode.of_elements();
        let (ux, uy) = (unalias(store, x), unalias(store, y));
        match (store.ty(ux), store.ty(uy)) {
            (Type::Basic(a), Type::Basic(b)) => a.canonical() == b.canonical(),
            (Type::Array { elem: a, len: m }, Type::Array { elem: b, len: n }) => {
                (*m < 0 || *n < 0 || m == n) && self.nify(c, *a, *b, emode, stack)
            }
            (Type::Slice(a), Type::Slice(b)) | (Type::Pointer(a), Type::Pointer(b)) => {
                self.nify(c, *a, *b, emode, stack)
            }
            (Type::Struct(a), Type::Struct(b)) => {
                a.fields.len() == b.fields.len()
                    && a.fields.iter().zip(&b.fields).enumerate().all(|(i, (&f, &g))| {
                        let (f, g) = (store.obj(f), store.obj(g));
                        f.is_embedded() == g.is_embedded()
                            && tag(a, i) == tag(b, i)
                            && same_identifier(store, f, g)
                            && self.types(c, f, g, emode, stack)
                    })
            }
            (Type::Tuple(a), Type::Tuple(b)) => self.vars(c, a, b, mode, stack),
            (Type::Signature(a), Type::Signature(b)) => {
                a.variadic == b.variadic
                    && self.vars(c, &a.params, &b.params, emode, stack)
                    && self.vars(c, &a.results, &b.results, emode, stack)
            }
            (Type::Interface(_), Type::Interface(_)) => {
                let (xset, yset) = (type_set(store, ux), type_set(store, uy));
                if xset.comparable != yset.comparable
                    || xset.methods.len() != yset.methods.len()
                    || !termlist::equal(store, &xset.terms, &yset.terms)
                {
                    return false;
                }
                if Pair::seen(ux, uy, stack) {
                    return true;
                }
                let pair = Pair { x: ux, y: uy, prev: stack };
                xset.methods.iter().zip(&yset.methods).all(|(&f, &g)| {
                    let (f, g) = (store.obj(f), store.obj(g));
                    same_identifier(store, f, g)
                        && self.types(c, f, g, UnifyMode::EXACT, Some(&pair))
                })
            }
            (Type::Map { key: k1, elem: e1 }, Type::Map { key: k2, elem: e2 }) => {
                self.nify(c, *k1, *k2, emode, stack) && self.nify(c, *e1, *e2, emode, stack)
            }
            (Type::Chan { dir: d1, elem: e1 }, Type::Chan { dir: d2, elem: e2 }) => {
                (!mode.exact || d1 == d2) && self.nify(c, *e1, *e2, emode, stack)
            }
            (Type::Named(a), Type::Named(b)) => {
                a.targs.len() == b.targs.len()
                    && a.targs.iter().zip(&b.targs).all(|(&a, &b)| self.nify(c, a, b, mode, stack))
                    && a.obj == b.obj
            }
            // A type argument must have the core type of the constraint, if there is one.
            (Type::TypeParam(_), _) => match common_under(store, ux, |_, _| None) {
                Ok(core) => self.nify(c, core, y, UnifyMode::ASSIGN, stack),
                Err(_) => false,
            },
            _ => false,
        }
    }

    fn vars(
        &mut self,
        c: &mut Checker<'_>,
        a: &[ObjId],
        b: &[ObjId],
        mode: UnifyMode,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        let store = c.store;
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(&v, &w)| self.types(c, store.obj(v), store.obj(w), mode, stack))
    }

    fn types(
        &mut self,
        c: &mut Checker<'_>,
        a: &Object,
        b: &Object,
        mode: UnifyMode,
        stack: Option<&Pair<'_>>,
    ) -> bool {
        match (a.typ.get(), b.typ.get()) {
            (Some(x), Some(y)) => self.nify(c, x, y, mode, stack),
            _ => false,
        }
    }
}

/// The interface that `t` is, under its name; not the constraint of a type parameter.
fn as_interface(store: &Store, t: TypeId) -> Option<TypeId> {
    if is_type_param(store, t) {
        return None;
    }
    let u = under(store, t);
    matches!(store.ty(u), Type::Interface(_)).then_some(u)
}
