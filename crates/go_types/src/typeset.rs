//! Type sets of interfaces (Go spec, "Interface types"): all methods with those of embedded
//! interfaces, and the intersection of all unions.

use std::cmp::Ordering;
use std::sync::LazyLock;

use base::{FxHashMap, Symbol};
use smallvec::SmallVec;

use crate::object::Object;
use crate::predicates::{Seen, identical, incomparable, same_package, under};
use crate::store::{ObjId, PkgId, Store, TypeId};
use crate::termlist::{self, TermList};
use crate::types::{Basic, Term, Type, TypeSet};
use crate::under::try_under;

/// More terms than this in a union are refused, as go/types does: set operations are quadratic.
pub(crate) const MAX_TERMS: usize = 100;

/// What an interface means before it is complete: every type.
static TOP: LazyLock<TypeSet> = LazyLock::new(TypeSet::default);

/// The type set of an interface type (not of a name: take `under` first). While something that
/// the interface embeds is still being declared, the set of all types.
pub fn type_set(store: &Store, interface: TypeId) -> &TypeSet {
    match store.ty(interface) {
        Type::Interface(i) => match i.type_set.get() {
            Some(set) => set,
            None => compute(store, interface, &mut SmallVec::new()),
        },
        _ => &TOP,
    }
}

/// Whether the type is an interface that every type implements.
pub fn type_set_is_empty_interface(store: &Store, t: TypeId) -> bool {
    let u = under(store, t);
    matches!(store.ty(u), Type::Interface(_)) && type_set(store, u).is_all()
}

/// The set of types of a union; of an over-long one, no restriction.
pub(crate) fn union_terms(store: &Store, terms: &[Term]) -> TermList {
    compute_union(store, terms, &mut SmallVec::new()).unwrap_or_default()
}

/// Whether no type is in both terms.
pub(crate) fn disjoint_terms(store: &Store, x: Term, y: Term) -> bool {
    termlist::disjoint(store, x, y)
}

/// The order of methods: exported ones first, by name, then by package path.
pub(crate) fn compare_methods(store: &Store, a: &Object, b: &Object) -> Ordering {
    let (ea, eb) = (a.name.is_exported(), b.name.is_exported());
    let path = |o: &Object| o.pkg.map(|p| store.package(p).path.as_str());
    eb.cmp(&ea)
        .then_with(|| a.name.as_str().cmp(b.name.as_str()))
        .then_with(|| if ea { Ordering::Equal } else { path(a).cmp(&path(b)) })
}

/// Sorts methods as type sets and interfaces keep them.
pub(crate) fn sort_methods(store: &Store, methods: &mut [ObjId]) {
    methods.sort_by(|&a, &b| compare_methods(store, store.obj(a), store.obj(b)));
}

impl TypeSet {
    /// Whether no type is in the set.
    pub fn is_empty(&self) -> bool {
        self.terms.as_ref().is_some_and(|t| t.is_empty())
    }

    /// Whether every type is in the set.
    pub fn is_all(&self) -> bool {
        self.is_method_set() && self.methods.is_empty()
    }

    /// Whether the methods are all that the set asks for.
    pub fn is_method_set(&self) -> bool {
        !self.comparable && self.terms.is_none()
    }

    /// Whether the set names specific types.
    pub fn has_terms(&self) -> bool {
        self.terms.as_ref().is_some_and(|t| !t.is_empty())
    }

    /// Whether all types of the set are strictly comparable.
    pub(crate) fn is_comparable(&self, store: &Store, seen: &mut Seen) -> bool {
        if self.terms.is_none() {
            return self.comparable;
        }
        self.is(|t| t.is_some_and(|t| incomparable(store, t.ty, false, seen).is_none()))
    }

    /// The method of that name as seen from `pkg`, with its place.
    pub fn method(
        &self,
        store: &Store,
        pkg: Option<PkgId>,
        name: Symbol,
    ) -> Option<(usize, ObjId)> {
        let exported = name.is_exported();
        self.methods.iter().copied().enumerate().find(|&(_, m)| {
            let m = store.obj(m);
            m.name == name && (exported || same_package(store, m.pkg, pkg))
        })
    }

    /// Whether `f` holds for all specific terms; called once with `None` when there are none.
    pub fn is(&self, mut f: impl FnMut(Option<Term>) -> bool) -> bool {
        match &self.terms {
            Some(terms) if !terms.is_empty() => terms.iter().all(|&t| f(Some(t))),
            _ => f(None),
        }
    }

    /// Whether `f` holds for all specific types with their underlying types; called once with
    /// `None` when there are none.
    pub fn all(
        &self,
        store: &Store,
        mut f: impl FnMut(Option<TypeId>, Option<TypeId>) -> bool,
    ) -> bool {
        self.is(|t| f(t.map(|t| t.ty), t.map(|t| under(store, t.ty))))
    }

    /// Whether every type of this set meets the terms of the other.
    pub(crate) fn terms_subset_of(&self, store: &Store, other: &Self) -> bool {
        termlist::subset(store, &self.terms, &other.terms)
    }
}

/// Interfaces whose sets are being computed: a cycle is an error reported elsewhere.
type Active = SmallVec<[TypeId; 8]>;

fn compute<'s>(store: &'s Store, interface: TypeId, active: &mut Active) -> &'s TypeSet {
    let Type::Interface(i) = store.ty(interface) else { return &TOP };
    if let Some(set) = i.type_set.get() {
        return set;
    }
    if active.contains(&interface) {
        return &TOP;
    }
    active.push(interface);
    let set = build(store, &i.methods, &i.embeddeds, active);
    active.pop();
    match set {
        Some(set) => i.type_set.get_or_init(|| set),
        None => &TOP,
    }
}

/// `None` when something embedded is not declared far enough.
fn build(
    store: &Store,
    explicit: &[ObjId],
    embeddeds: &[TypeId],
    active: &mut Active,
) -> Option<TypeSet> {
    if embeddeds.is_empty() {
        let mut methods: Box<[ObjId]> = explicit.into();
        sort_methods(store, &mut methods);
        return Some(TypeSet { methods, terms: None, comparable: false });
    }
    let mut methods = Methods::default();
    for &m in explicit {
        methods.add(store, m);
    }
    let mut terms: TermList = None;
    let mut comparable = false;
    for &typ in embeddeds {
        let u = try_under(store, typ)?;
        let (more, also_comparable) = match store.ty(u) {
            Type::Interface(_) => {
                let set = compute(store, u, active);
                for &m in &set.methods {
                    methods.add(store, m);
                }
                (set.terms.clone(), set.comparable)
            }
            Type::Union(union) => match compute_union(store, union, active) {
                Some(terms) => (terms, false),
                None => continue,
            },
            Type::Basic(Basic::Invalid) => continue,
            _ => (Some(Box::from([Term { tilde: false, ty: typ }])), false),
        };
        (terms, comparable) = restrict(store, &terms, comparable, &more, also_comparable);
    }
    let mut methods: Box<[ObjId]> = methods.list.into();
    sort_methods(store, &mut methods);
    Some(TypeSet { methods, terms, comparable })
}

/// The methods collected so far; of several with one name, the first stands.
#[derive(Default)]
struct Methods {
    list: Vec<ObjId>,
    by_name: FxHashMap<Symbol, SmallVec<[ObjId; 1]>>,
}

impl Methods {
    fn add(&mut self, store: &Store, method: ObjId) {
        let m = store.obj(method);
        let same_name = self.by_name.entry(m.name).or_default();
        let known = same_name
            .iter()
            .any(|&o| m.name.is_exported() || same_package(store, store.obj(o).pkg, m.pkg));
        if !known {
            same_name.push(method);
            self.list.push(method);
        }
    }
}

/// The intersection of two sets of terms with their comparable marks.
fn restrict(
    store: &Store,
    x: &TermList,
    x_comparable: bool,
    y: &TermList,
    y_comparable: bool,
) -> (TermList, bool) {
    let terms = termlist::intersect(store, x, y);
    let comparable = x_comparable || y_comparable;
    match terms {
        Some(list) if comparable => {
            let kept = list
                .into_iter()
                .filter(|t| incomparable(store, t.ty, false, &mut Seen::new()).is_none())
                .collect();
            (Some(kept), false)
        }
        terms => (terms, comparable),
    }
}

/// Whether a union has more terms than are handled, once the unions that it names are written out.
pub(crate) fn union_is_too_long(store: &Store, terms: &[Term]) -> bool {
    let count = |t: &Term| {
        let u = under(store, t.ty);
        match store.ty(u) {
            Type::Interface(_) => type_set(store, u).terms.as_ref().map_or(0, |t| t.len()),
            _ => 1,
        }
    };
    terms.iter().map(count).sum::<usize>() > MAX_TERMS
        && compute_union(store, terms, &mut Active::new()).is_none()
}

/// `None` when the union is too long.
fn compute_union(store: &Store, terms: &[Term], active: &mut Active) -> Option<TermList> {
    let mut all: TermList = Some(Box::default());
    for &term in terms {
        let u = under(store, term.ty);
        let more: TermList = match store.ty(u) {
            Type::Interface(_) => compute(store, u, active).terms.clone(),
            Type::Basic(Basic::Invalid) => continue,
            // No type has an underlying type that is a defined type.
            _ if term.tilde && !identical(store, term.ty, u) => Some(Box::default()),
            _ => Some(Box::from([term])),
        };
        all = termlist::union(store, all, more);
        if all.as_ref().is_some_and(|t| t.len() > MAX_TERMS) {
            return None;
        }
    }
    Some(all)
}
