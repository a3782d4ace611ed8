//! Instantiation cycles: generic code that would need instances without end, such as
//! `func f[P any]() { f[*P]() }`. Not an error of the type system, but compilers that make a copy of
//! the code for each instance cannot have it, and go/types reports it.
//!
//! A graph says what flows where: an edge from A to B when the type parameter B is instantiated
//! with a type that A is part of. An edge is `derived` when that type is more than A alone. A cycle
//! with a derived edge makes a larger type on each turn. (Types declared in generic functions
//! differ with the function's type arguments: they are vertices too.)

use base::FxHashMap;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use source::FileId;

use crate::checker::Checker;
use crate::object::ObjKind;
use crate::store::{ObjId, Store, TypeId};
use crate::types::{Signature, Type};
use crate::under::unalias;

/// Where a type parameter or local type is declared. Copies of a type parameter (made when a
/// signature is instantiated or inferred) share it.
type Place = (FileId, u32);

/// The graph.
#[derive(Default)]
pub(crate) struct Mono {
    graph: DiGraph<ObjId, Edge>,
    vertices: FxHashMap<Place, NodeIndex>,
    /// The type parameters of receivers, with those of the declared types that they stand for.
    receivers: FxHashMap<Place, ObjId>,
}

/// What flows.
struct Edge {
    /// The type argument.
    targ: TypeId,
    derived: bool,
}

impl Mono {
    /// Notes that `own`, a type parameter of a receiver, stands for `declared`.
    pub fn same(&mut self, store: &Store, own: TypeId, declared: TypeId) {
        if let (Type::TypeParam(own), Type::TypeParam(declared)) =
            (store.ty(own), store.ty(declared))
            && let Some(place) = place(store, own.obj)
        {
            self.receivers.insert(place, declared.obj);
        }
    }

    fn vertex(&mut self, store: &Store, mut obj: ObjId) -> Option<NodeIndex> {
        if let Some(&declared) = self.receivers.get(&place(store, obj)?) {
            obj = declared;
        }
        let graph = &mut self.graph;
        Some(*self.vertices.entry(place(store, obj)?).or_insert_with(|| graph.add_node(obj)))
    }
}

fn place(store: &Store, obj: ObjId) -> Option<Place> {
    let o = store.obj(obj);
    Some((o.file?, o.pos))
}

impl Checker<'_> {
    /// Notes what type parameters (of this package; cycles do not leave it) are instantiated with.
    pub(crate) fn note_instance(&mut self, tparams: &[TypeId], targs: &[TypeId]) {
        let store = self.store;
        for (&tparam, &targ) in tparams.iter().zip(targs) {
            let Type::TypeParam(p) = store.ty(tparam) else { continue };
            if store.obj(p.obj).pkg != Some(self.pkg) {
                return;
            }
            let mut parts = Vec::new();
            collect_parts(store, targ, &mut parts);
            for (part, typ) in parts {
                let is_param = matches!(store.ty(typ), Type::TypeParam(_));
                // Of declared types only those of generic functions matter: they have vertices.
                let known = is_param
                    || place(store, part).is_some_and(|p| self.mono.vertices.contains_key(&p));
                if !known {
                    continue;
                }
                if let (Some(from), Some(to)) =
                    (self.mono.vertex(store, part), self.mono.vertex(store, p.obj))
                {
                    let derived = typ != unalias(store, targ);
                    self.mono.graph.add_edge(from, to, Edge { targ, derived });
                }
            }
        }
    }

    /// Notes a type declared in a function: it differs with each type argument of the function.
    pub(crate) fn note_local_type(&mut self, obj: ObjId) {
        let store = self.store;
        let mut ambient = Vec::new();
        let mut at = self.env.scope;
        while let Some(scope) = at.filter(|&s| s != self.package_scope) {
            let scope = &self.scopes[scope];
            ambient.extend(scope.names().filter_map(|(_, o)| match store.obj(o).kind {
                ObjKind::TypeName => store.obj(o).typ.get(),
                _ => None,
            }));
            at = scope.parent;
        }
        ambient.sort_unstable();
        for param in ambient {
            let Type::TypeParam(p) = store.ty(param) else { continue };
            if let (Some(from), Some(to)) =
                (self.mono.vertex(store, p.obj), self.mono.vertex(store, obj))
            {
                self.mono.graph.add_edge(from, to, Edge { targ: param, derived: true });
            }
        }
    }

    /// Reports the instantiation cycle that stands first in the source, if there is one. Of a
    /// package with other errors it is not known which instances were really meant.
    pub(crate) fn instantiation_cycles(&mut self) {
        let mono = std::mem::take(&mut self.mono);
        if self.had_error || !mono.graph.edge_weights().any(|e| e.derived) {
            return;
        }
        let mut component = vec![0; mono.graph.node_count()];
        for (i, scc) in petgraph::algo::tarjan_scc(&mono.graph).into_iter().enumerate() {
            for node in scc {
                component[node.index()] = i;
            }
        }
        let within =
            |from: NodeIndex, to: NodeIndex| component[from.index()] == component[to.index()];
        let place = |obj: ObjId| {
            let o = self.store.obj(obj);
            (o.file.map(|f| self.file_order(f)), o.pos)
        };
        let first = mono
            .graph
            .edge_references()
            .filter(|e| e.weight().derived && within(e.source(), e.target()))
            .min_by_key(|e| (place(mono.graph[e.target()]), e.id()));
        let Some(edge) = first else { return };
        let obj = mono.graph[edge.target()];
        let name = self.store.obj(obj).name;
        let targ = self.type_str(edge.weight().targ);
        self.error_at_obj(obj, format!("instantiation cycle: {name} instantiated as {targ}"));
    }
}

/// The type parameters and declared types that a type is made of.
fn collect_parts(store: &Store, t: TypeId, parts: &mut Vec<(ObjId, TypeId)>) {
    let t = unalias(store, t);
    let signature = |sig: &Signature, parts: &mut Vec<(ObjId, TypeId)>| {
        for &v in sig.params.iter().chain(&sig.results) {
            if let Some(t) = store.obj(v).typ.get() {
                collect_parts(store, t, parts);
            }
        }
    };
    match store.ty(t) {
        Type::TypeParam(p) => parts.push((p.obj, t)),
        Type::Named(n) => {
            parts.push((n.obj, t));
            n.targs.iter().for_each(|&arg| collect_parts(store, arg, parts));
        }
        &(Type::Array { elem, .. }
        | Type::Slice(elem)
        | Type::Pointer(elem)
        | Type::Chan { elem, .. }) => collect_parts(store, elem, parts),
        &Type::Map { key, elem } => {
            collect_parts(store, key, parts);
            collect_parts(store, elem, parts);
        }
        Type::Struct(s) => {
            for &f in &s.fields {
                if let Some(t) = store.obj(f).typ.get() {
                    collect_parts(store, t, parts);
                }
            }
        }
        Type::Signature(sig) => signature(sig, parts),
        Type::Interface(i) => {
            i.embeddeds.iter().for_each(|&e| collect_parts(store, e, parts));
            for &m in &i.methods {
                if let Some(Type::Signature(sig)) = store.obj(m).typ.get().map(|t| store.ty(t)) {
                    signature(sig, parts);
                }
            }
        }
        Type::Union(terms) => terms.iter().for_each(|x| collect_parts(store, x.ty, parts)),
        Type::Tuple(_) | Type::Alias(_) | Type::Basic(_) => {}
    }
}
