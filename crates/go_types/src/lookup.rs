//! Finding fields and methods by name, through embedding (Go spec, "Selectors").

use base::{FxHashMap, Symbol};
use smallvec::SmallVec;

use crate::named::expand_method;
use crate::object::{ObjKind, Object};
use crate::predicates::{identical, unalias, under};
use crate::store::{ObjId, PkgId, Store, TypeId};
use crate::types::{Struct, Type};
use crate::typeset::type_set;

/// Field indices on the way to a field or method; the last is the field or method number.
pub type Path = SmallVec<[u32; 4]>;

/// What a lookup gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// A field or method. A method's type may still be unknown: `Checker::obj_decl` finds it.
    Found {
        /// The field or method.
        obj: ObjId,
        /// How it is reached.
        index: Path,
        /// Whether a pointer was followed on the way.
        indirect: bool,
    },
    /// There is none.
    NotFound,
    /// Several at the same depth; the path of one of them.
    Ambiguous(Path),
    /// A method with a pointer receiver, but the operand is no pointer and not addressable.
    PointerReceiver,
}

impl Lookup {
    /// The object, if there is one.
    pub fn obj(&self) -> Option<ObjId> {
        match self {
            Self::Found { obj, .. } => Some(*obj),
            _ => None,
        }
    }
}

/// Looks for a field or method of that name in `t` as seen from package `pkg`. `addressable` says
/// whether the operand is a variable: methods with pointer receivers are found then. With
/// `fold_case`, letter case and package do not matter (to suggest names in errors).
pub fn lookup_field_or_method(
    store: &Store,
    t: TypeId,
    addressable: bool,
    pkg: Option<PkgId>,
    name: Symbol,
    fold_case: bool,
) -> Lookup {
    // type T *struct{ f int }: fields are found through T, methods are not.
    if let Type::Named(_) = store.ty(unalias(store, t)) {
        let u = under(store, t);
        if matches!(store.ty(u), Type::Pointer(_)) {
            let found = lookup_impl(store, u, false, pkg, name, fold_case);
            return match found.obj() {
                Some(obj) if !store.obj(obj).is_field() => Lookup::NotFound,
                _ => found,
            };
        }
    }
    lookup_impl(store, t, addressable, pkg, name, fold_case)
}

/// No real program embeds deeper than this, but one with endless instances does:
/// `type U[P any] struct { *U[[]P] }`.
const MAX_DEPTH: usize = 128;

/// Longer lists of fields or methods are searched with an index.
const LONG: usize = 32;

/// A type met on the way down, with how it was reached.
struct Node {
    typ: TypeId,
    /// The node that has it as an embedded field; itself for the start.
    parent: u32,
    /// Which field of the parent it is.
    field: u32,
    /// Whether a pointer was followed.
    indirect: bool,
    /// Whether the type occurs several times at its depth.
    multiples: bool,
}

/// As [`lookup_field_or_method`], but finds nothing through a named pointer type.
pub(crate) fn lookup_impl(
    store: &Store,
    t: TypeId,
    addressable: bool,
    pkg: Option<PkgId>,
    name: Symbol,
    fold_case: bool,
) -> Lookup {
    if name.is_blank() {
        return Lookup::NotFound;
    }
    // Not `under` before this: a named pointer type has no methods of its base.
    let (start, is_ptr) = deref(store, t);
    if is_ptr && matches!(store.ty(under(store, start)), Type::Interface(_)) {
        return Lookup::NotFound;
    }
    let wanted = Wanted { pkg, name, exported: name.is_exported(), fold_case };
    let mut nodes: SmallVec<[Node; 8]> = SmallVec::new();
    nodes.push(Node { typ: start, parent: 0, field: 0, indirect: is_ptr, multiples: false });
    let mut seen: SmallVec<[TypeId; 8]> = SmallVec::new();
    let mut level = 0..1;
    let mut depth = 0;
    while !level.is_empty() && depth < MAX_DEPTH {
        depth += 1;
        let mut found: Option<(ObjId, usize, u32)> = None;
        let next_start = nodes.len();
        for at in level.clone() {
            let (typ, multiples) = (unalias(store, nodes[at].typ), nodes[at].multiples);
            let mut candidate = None;
            if let Type::Named(named) = store.ty(typ) {
                if seen.iter().any(|&s| same_named(store, s, typ)) {
                    continue;
                }
                seen.push(typ);
                if wanted.may_be_in(store, store.obj(named.obj).pkg) {
                    candidate = named_method(store, typ, &wanted);
                }
            }
            if candidate.is_none() {
                match store.ty(under(store, typ)) {
                    Type::Struct(s) => {
                        let fields = wanted.fields_to_search(store, s);
                        for (i, &f) in
                            s.fields.iter().enumerate().take(fields.end).skip(fields.start)
                        {
                            let field = store.obj(f);
                            if wanted.is(store, field) {
                                if found.is_some() || multiples || candidate.is_some() {
                                    return Lookup::Ambiguous(path(&nodes, at, i as u32));
                                }
                                candidate = Some((i as u32, f));
                            } else if found.is_none() && candidate.is_none() && field.is_embedded()
                            {
                                let Some(t) = field.typ.get() else { continue };
                                let (typ, is_ptr) = deref(store, t);
                                let indirect = nodes[at].indirect || is_ptr;
                                let (parent, field) = (at as u32, i as u32);
                                nodes.push(Node { typ, parent, field, indirect, multiples });
                            }
                        }
                    }
                    Type::Interface(_) => {
                        let methods = &type_set(store, under(store, typ)).methods;
                        candidate = wanted.interface_method(store, methods);
                    }
                    _ => {}
                }
            }
            if let Some((i, obj)) = candidate {
                if found.is_some() || multiples {
                    return Lookup::Ambiguous(path(&nodes, at, i));
                }
                found = Some((obj, at, i));
            }
        }
        if let Some((obj, at, i)) = found {
            let indirect = nodes[at].indirect;
            if has_ptr_recv(store, obj) && !indirect && !addressable {
                return Lookup::PointerReceiver;
            }
            return Lookup::Found { obj, index: path(&nodes, at, i), indirect };
        }
        consolidate(store, &mut nodes, next_start);
        level = next_start..nodes.len();
    }
    Lookup::NotFound
}

/// The type that a pointer type literal points to, and whether it was one. A named pointer type
/// stays as it is.
pub(crate) fn deref(store: &Store, t: TypeId) -> (TypeId, bool) {
    match store.ty(unalias(store, t)) {
        Type::Pointer(base) => (*base, true),
        _ => (t, false),
    }
}

/// The struct that a (named or unnamed) pointer points to; `t` itself otherwise.
pub(crate) fn deref_struct_ptr(store: &Store, t: TypeId) -> TypeId {
    if let Type::Pointer(base) = store.ty(under(store, t))
        && matches!(store.ty(under(store, *base)), Type::Struct(_))
    {
        return *base;
    }
    t
}

/// Whether a function is a method whose receiver is a pointer.
pub fn has_ptr_recv(store: &Store, func: ObjId) -> bool {
    let o = store.obj(func);
    let ObjKind::Func { ptr_recv, .. } = &o.kind else { return false };
    if let Some(t) = o.typ.get()
        && let Type::Signature(sig) = store.ty(t)
        && let Some(recv) = sig.recv
        && let Some(recv) = store.obj(recv).typ.get()
    {
        return deref(store, recv).1;
    }
    ptr_recv.load(std::sync::atomic::Ordering::Relaxed)
}

/// The name looked for.
struct Wanted {
    pkg: Option<PkgId>,
    name: Symbol,
    exported: bool,
    fold_case: bool,
}

impl Wanted {
    /// Whether an object has the name (Go spec, "Uniqueness of identifiers").
    #[inline]
    fn is(&self, store: &Store, o: &Object) -> bool {
        if o.name == self.name {
            self.fold_case || self.exported || same_pkg(store, o.pkg, self.pkg)
        } else {
            self.fold_case && equal_fold(o.name.as_str(), self.name.as_str())
        }
    }

    /// The part of a struct's fields to look at: all, unless the index tells where the name is.
    fn fields_to_search(&self, store: &Store, s: &Struct) -> std::ops::Range<usize> {
        if s.fields.len() > LONG && !self.fold_case {
            let index = s.index.get_or_init(|| name_index(store, s.fields.iter().copied()));
            if let Some(&i) = index.get(&self.name)
                && self.is(store, store.obj(s.fields[i as usize]))
            {
                return i as usize..i as usize + 1;
            }
        }
        0..s.fields.len()
    }

    /// The method of an interface and its place; `methods` are in the order of type sets.
    fn interface_method(&self, store: &Store, methods: &[ObjId]) -> Option<(u32, ObjId)> {
        let start = if methods.len() > LONG && !self.fold_case {
            let wanted = (!self.exported, self.name.as_str());
            methods.partition_point(|&m| {
                let name = store.obj(m).name;
                (!name.is_exported(), name.as_str()) < wanted
            })
        } else {
            0
        };
        let rest = &methods[start..];
        let i = start + rest.iter().position(|&m| self.is(store, store.obj(m)))?;
        Some((i as u32, methods[i]))
    }

    /// Whether a type of that package can have a method of the name.
    fn may_be_in(&self, store: &Store, pkg: Option<PkgId>) -> bool {
        self.exported || self.fold_case || same_pkg(store, pkg, self.pkg)
    }
}

/// Whether two packages are one and the same for unexported names. A package and its test variant
/// have the same path.
pub(crate) fn same_pkg(store: &Store, a: Option<PkgId>, b: Option<PkgId>) -> bool {
    a == b || matches!((a, b), (Some(a), Some(b)) if store.package(a).path == store.package(b).path)
}

fn equal_fold(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

/// The declared method of a named type; for an instance, the method of the instance.
fn named_method(store: &Store, t: TypeId, wanted: &Wanted) -> Option<(u32, ObjId)> {
    let Type::Named(named) = store.ty(t) else { return None };
    let has_name = |&m: &ObjId| {
        let name = store.obj(m).name;
        name == wanted.name || wanted.fold_case && equal_fold(name.as_str(), wanted.name.as_str())
    };
    let declaring = match named.origin.map(|o| store.ty(o)) {
        Some(Type::Named(origin)) => origin,
        _ => named,
    };
    let methods = declaring.methods.read();
    let i = if methods.len() > LONG && !wanted.fold_case {
        let objs = || methods.iter().copied().flatten();
        *declaring.index.get_or_init(|| name_index(store, objs())).get(&wanted.name)? as usize
    } else {
        methods.iter().position(|m| m.as_ref().is_some_and(has_name))?
    };
    if named.origin.is_none() {
        return Some((i as u32, methods[i]?));
    }
    drop(methods);
    Some((i as u32, expand_method(store, t, i)))
}

/// The places of the first object of each name.
fn name_index(store: &Store, objs: impl Iterator<Item = ObjId>) -> FxHashMap<Symbol, u32> {
    let mut index = FxHashMap::default();
    for (i, obj) in objs.enumerate() {
        index.entry(store.obj(obj).name).or_insert(i as u32);
    }
    index
}

fn same_named(store: &Store, a: TypeId, b: TypeId) -> bool {
    if a == b {
        return true;
    }
    match (store.ty(a), store.ty(b)) {
        (Type::Named(x), Type::Named(y)) => {
            x.origin.is_some() && x.origin == y.origin && identical(store, a, b)
        }
        _ => false,
    }
}

/// Merges equal types of one depth, marking them: a name found in one of them is ambiguous.
fn consolidate(store: &Store, nodes: &mut SmallVec<[Node; 8]>, start: usize) {
    let mut kept = start;
    for at in start..nodes.len() {
        let t = nodes[at].typ;
        match (start..kept).find(|&i| identical(store, nodes[i].typ, t)) {
            Some(same) => nodes[same].multiples = true,
            None => {
                nodes.swap(kept, at);
                kept += 1;
            }
        }
    }
    nodes.truncate(kept);
}

fn path(nodes: &[Node], mut at: usize, last: u32) -> Path {
    let mut index = Path::new();
    index.push(last);
    while at != 0 {
        index.push(nodes[at].field);
        at = nodes[at].parent as usize;
    }
    index.reverse();
    index
}

/// A field path as it would be written, for errors: `a.b.c`.
pub(crate) fn field_path(store: &Store, mut t: TypeId, index: &[u32]) -> String {
    let mut names = Vec::new();
    for &i in index {
        let Type::Struct(s) = store.ty(under(store, deref_struct_ptr(store, t))) else { break };
        let Some(&field) = s.fields.get(i as usize) else { break };
        names.push(store.obj(field).name.as_str());
        let Some(typ) = store.obj(field).typ.get() else { break };
        t = typ;
    }
    names.join(".")
}
