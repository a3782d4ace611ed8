//! Unions of terms `T` and `~T` as sets of types (Go spec, "General interfaces"). `None` is the
//! set of all types, an empty list the empty set. Lists are short: quadratic work is fine.

use crate::predicates::{identical, under};
use crate::store::{Store, TypeId};
use crate::types::Term;

/// A set of types.
pub type TermList = Option<Box<[Term]>>;

/// Whether no type is in both; neither list is normalised by this.
pub(crate) fn disjoint(store: &Store, x: Term, y: Term) -> bool {
    let ux = if y.tilde { under(store, x.ty) } else { x.ty };
    let uy = if x.tilde { under(store, y.ty) } else { y.ty };
    !identical(store, ux, uy)
}

/// Whether `t` is in the term.
pub(crate) fn term_includes(store: &Store, x: Term, t: TypeId) -> bool {
    identical(store, x.ty, if x.tilde { under(store, t) } else { t })
}

fn term_subset(store: &Store, x: Term, y: Term) -> bool {
    !disjoint(store, x, y) && (!x.tilde || y.tilde)
}

/// The union, its terms disjoint.
pub(crate) fn union(store: &Store, x: TermList, y: TermList) -> TermList {
    let (x, y) = (x?, y?);
    let mut out: Vec<Term> = Vec::with_capacity(x.len() + y.len());
    let mut rest: Vec<Term> = x.into_iter().chain(y).collect();
    rest.reverse();
    while let Some(mut term) = rest.pop() {
        rest.retain(|&other| {
            let apart = disjoint(store, term, other);
            if !apart && !term.tilde && other.tilde {
                term = other;
            }
            apart
        });
        out.push(term);
    }
    Some(out.into())
}

/// The intersection, its terms disjoint.
pub(crate) fn intersect(store: &Store, x: &TermList, y: &TermList) -> TermList {
    let (Some(a), Some(b)) = (x, y) else {
        return x.clone().or_else(|| y.clone());
    };
    let mut out = Vec::new();
    for &s in a {
        for &t in b {
            if !disjoint(store, s, t) {
                out.push(if !s.tilde || t.tilde { s } else { t });
            }
        }
    }
    union(store, Some(out.into()), Some(Box::default()))
}

/// Whether every type of `x` is in `y`.
pub(crate) fn subset(store: &Store, x: &TermList, y: &TermList) -> bool {
    match (x, y) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => a.iter().all(|&s| b.iter().any(|&t| term_subset(store, s, t))),
    }
}

/// Whether both are the same set.
pub(crate) fn equal(store: &Store, x: &TermList, y: &TermList) -> bool {
    match (x, y) {
        (None, None) => true,
        _ => subset(store, x, y) && subset(store, y, x),
    }
}
