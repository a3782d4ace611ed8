//! What all functions of a run look things up in: types, functions, library models, and the
//! concrete types behind interfaces.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use base::{FxHashMap, FxHashSet, Id, Symbol};
use go_ir::{Func, FuncId, Op, Program};
use go_types::{ObjId, Store, Type, TypeId};
use knowledge::{Knowledge, Model};
use parking_lot::{Mutex, RwLock};
use source::FileSpan;

use crate::mutable::Mutable;
use crate::summary::{Spawn, Summary};

/// Most implementations that an interface call is followed to when nothing narrows it down.
pub const MAX_IMPLS: usize = 4;

/// A method found through embedding.
#[derive(Clone, Debug)]
pub struct FoundMethod {
    /// The method (its origin, for instances).
    pub method: ObjId,
    /// Embedded fields from the value to the method's receiver.
    pub through: Vec<ObjId>,
}

/// That one function runs another, here or on a goroutine of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Link {
    /// What is run.
    pub callee: FuncId,
    /// Who sees to that.
    pub caller: FuncId,
    /// The call, the `go` statement, the registration.
    pub place: FileSpan,
    /// How it is started, when it does not run on the caller's goroutine.
    pub spawn: Option<Spawn>,
}

/// Links as they come, each once: a call is resolved with every path that leads to it.
#[derive(Default)]
struct Links {
    list: Vec<Link>,
    known: FxHashSet<Link>,
}

/// The surroundings of all functions of a run.
pub struct Context<'a> {
    /// Types and objects.
    pub store: &'a Store,
    /// The functions.
    pub program: &'a Program,
    /// Library models.
    pub knowledge: &'a Knowledge,
    summaries: Vec<OnceLock<Arc<Summary>>>,
    consumed: Vec<AtomicBool>,
    links: Mutex<Links>,
    models: RwLock<FxHashMap<ObjId, Option<&'a Model>>>,
    methods: RwLock<FxHashMap<(TypeId, Symbol), Option<Arc<FoundMethod>>>>,
    /// Concrete types that are put into interfaces somewhere, by name of a method they have.
    boxed: FxHashMap<Symbol, Vec<TypeId>>,
    impls: RwLock<FxHashMap<ObjId, Arc<Vec<TypeId>>>>,
    /// Fields and package-level variables that change after they were set up.
    pub(crate) mutable: Mutable,
}

impl<'a> Context<'a> {
    /// The surroundings for these functions.
    pub fn new(store: &'a Store, program: &'a Program, knowledge: &'a Knowledge) -> Self {
        let n = program.funcs.len();
        Self {
            store,
            program,
            knowledge,
            summaries: (0..n).map(|_| OnceLock::new()).collect(),
            consumed: (0..n).map(|_| AtomicBool::new(false)).collect(),
            links: Mutex::default(),
            models: RwLock::default(),
            methods: RwLock::default(),
            boxed: boxed_types(store, program),
            impls: RwLock::default(),
            mutable: Mutable::new(store, program),
        }
    }

    /// Whether some function gives the field a value when it makes the object.
    pub fn is_filled_when_made(&self, field: ObjId) -> bool {
        self.mutable.is_filled_when_made(field)
    }

    /// The function of an id.
    pub fn func(&self, id: FuncId) -> &'a Func {
        &self.program.funcs[id]
    }

    /// The summary of a function, once it has been made.
    pub fn summary(&self, id: FuncId) -> Option<Arc<Summary>> {
        self.summaries[id.index()].get().cloned()
    }

    /// Keeps the final summary of a function.
    pub(crate) fn set_summary(&self, id: FuncId, summary: Arc<Summary>) {
        // A second value can only come from a second analysis of the same function: same content.
        let _ = self.summaries[id.index()].set(summary);
    }

    /// Notes that some caller has taken the function's effects over.
    pub(crate) fn consume(&self, link: Link) {
        self.consumed[link.callee.index()].store(true, Ordering::Relaxed);
        let mut links = self.links.lock();
        if links.known.insert(link) {
            links.list.push(link);
        }
    }

    /// Who runs whom, as far as it was resolved, by callee and place.
    pub fn links(&self) -> Vec<Link> {
        let mut links = self.links.lock().list.clone();
        links.sort_by_key(|l| (l.callee, l.place, l.caller));
        links
    }

    /// Whether some caller has taken the function's effects over.
    pub(crate) fn is_consumed(&self, id: FuncId) -> bool {
        self.consumed[id.index()].load(Ordering::Relaxed)
    }

    /// The library model of a declared function or interface method.
    pub fn model(&self, obj: ObjId) -> Option<&'a Model> {
        if let Some(&known) = self.models.read().get(&obj) {
            return known;
        }
        let name = full_name(self.store, obj);
        let found = self.knowledge.lookup(&name);
        let found =
            found.or_else(|| self.like_wait_group(obj, &name)).or_else(|| self.pattern(obj));
        self.models.write().insert(obj, found);
        found
    }

    /// A method of a library's type that is called a wait group does what that of `sync.WaitGroup` does:
    /// those that also bound the number of goroutines are many.
    fn like_wait_group(&self, obj: ObjId, name: &str) -> Option<&'a Model> {
        let (_, method) = name.split_once("WaitGroup).")?;
        let is_read = self.program.by_obj.contains_key(&obj);
        (!is_read).then(|| self.knowledge.lookup(&format!("(*sync.WaitGroup).{method}")))?
    }

    fn pattern(&self, obj: ObjId) -> Option<&'a Model> {
        let object = self.store.obj(obj);
        let Type::Signature(sig) = self.store.ty(object.typ.get()?) else { return None };
        if sig.recv.is_some() {
            return None;
        }
        let params: Vec<String> = sig
            .params
            .iter()
            .map(|&p| {
                let t = self.store.obj(p).typ.get();
                t.map_or_else(String::new, |t| go_types::type_string(self.store, t))
            })
            .collect();
        let params: Vec<&str> = params.iter().map(String::as_str).collect();
        let name = object.name.as_str();
        self.knowledge.patterns().iter().find(|p| p.matches(name, &params)).map(|p| &p.model)
    }

    /// The method of that name of a concrete type, pointers and embedding followed.
    pub fn method(&self, recv: TypeId, name: Symbol) -> Option<Arc<FoundMethod>> {
        if let Some(known) = self.methods.read().get(&(recv, name)) {
            return known.clone();
        }
        let found = self.find_method(recv, name).map(Arc::new);
        self.methods.write().insert((recv, name), found.clone());
        found
    }

    fn find_method(&self, recv: TypeId, name: Symbol) -> Option<FoundMethod> {
        let pkg = named_obj(self.store, recv).and_then(|o| self.store.obj(o).pkg);
        let found = go_types::lookup_field_or_method(self.store, recv, true, pkg, name, false);
        let go_types::Lookup::Found { obj, index, .. } = found else { return None };
        let origin = self.store.obj(obj).origin().unwrap_or(obj);
        if !matches!(self.store.obj(origin).kind, go_types::ObjKind::Func { .. }) {
            return None;
        }
        let mut through = Vec::new();
        let mut at = recv;
        let (_, path) = index.split_last()?;
        for &i in path {
            let under = go_types::under::under(self.store, deref(self.store, at));
            let Type::Struct(s) = self.store.ty(under) else { return None };
            let field = *s.fields.get(i as usize)?;
            through.push(self.store.obj(field).origin().unwrap_or(field));
            at = self.store.obj(field).typ.get()?;
        }
        Some(FoundMethod { method: origin, through })
    }

    /// Concrete types of the program that are put into interfaces and have this interface's
    /// methods; empty when there are too many to be of use.
    pub fn implementations(&self, method: ObjId) -> Arc<Vec<TypeId>> {
        if let Some(known) = self.impls.read().get(&method) {
            return known.clone();
        }
        let found = Arc::new(self.find_implementations(method));
        self.impls.write().insert(method, found.clone());
        found
    }

    fn find_implementations(&self, method: ObjId) -> Vec<TypeId> {
        let object = self.store.obj(method);
        let Some(candidates) = self.boxed.get(&object.name) else { return Vec::new() };
        let iface = object.typ.get().and_then(|t| match self.store.ty(t) {
            Type::Signature(sig) => sig.recv.and_then(|r| self.store.obj(r).typ.get()),
            _ => None,
        });
        let wanted = object.typ.get();
        candidates
            .iter()
            .copied()
            .filter(|&t| match iface {
                Some(iface) if go_types::predicates::is_interface(self.store, iface) => {
                    go_types::has_methods(self.store, t, iface)
                }
                _ => self.method(t, object.name).is_some_and(|m| {
                    let have = self.store.obj(m.method).typ.get();
                    have.zip(wanted)
                        .is_some_and(|(a, b)| go_types::predicates::identical(self.store, a, b))
                }),
            })
            .collect()
    }
}

/// Concrete types put into interfaces, by the names of their methods, in a stable order.
fn boxed_types(store: &Store, program: &Program) -> FxHashMap<Symbol, Vec<TypeId>> {
    let mut seen: Vec<TypeId> = Vec::new();
    let mut keys = base::FxHashSet::default();
    for func in program.funcs.iter() {
        for instr in func.values.iter() {
            let Op::MakeInterface(x) = instr.op else { continue };
            let Some(t) = func.instr(x).ty else { continue };
            let is_ptr = matches!(store.ty(go_types::under::unalias(store, t)), Type::Pointer(_));
            let Some(named) = named_obj(store, t) else { continue };
            if keys.insert((named, is_ptr)) {
                seen.push(t);
            }
        }
    }
    let mut by_method: FxHashMap<Symbol, Vec<TypeId>> = FxHashMap::default();
    for t in seen {
        for name in method_names(store, t, 0) {
            let list = by_method.entry(name).or_default();
            if !list.contains(&t) {
                list.push(t);
            }
        }
    }
    by_method
}

/// Names of the methods of a type, those of embedded fields included.
pub(crate) fn method_names(store: &Store, t: TypeId, depth: u32) -> Vec<Symbol> {
    let mut names = Vec::new();
    let t = go_types::under::unalias(store, deref(store, t));
    if let Type::Named(named) = store.ty(t) {
        let origin = named.origin.unwrap_or(t);
        if let Type::Named(origin) = store.ty(origin) {
            let methods = origin.methods.read();
            names.extend(methods.iter().flatten().map(|&m| store.obj(m).name));
        }
    }
    let under = go_types::under::under(store, t);
    if let Type::Struct(s) = store.ty(under) {
        if depth < 4 {
            for &f in &s.fields {
                if store.obj(f).is_embedded()
                    && let Some(ft) = store.obj(f).typ.get()
                {
                    names.extend(method_names(store, ft, depth + 1));
                }
            }
        }
    } else if let Type::Interface(_) = store.ty(under) {
        names.extend(
            go_types::typeset::type_set(store, under).methods.iter().map(|&m| store.obj(m).name),
        );
    }
    names
}

/// What a pointer type points to; other types as they are.
pub fn deref(store: &Store, t: TypeId) -> TypeId {
    match store.ty(go_types::under::unalias(store, t)) {
        Type::Pointer(elem) => *elem,
        _ => t,
    }
}

/// The type name of a defined type or of a pointer to one.
pub fn named_obj(store: &Store, t: TypeId) -> Option<ObjId> {
    match store.ty(go_types::under::unalias(store, deref(store, t))) {
        Type::Named(named) => Some(named.obj),
        _ => None,
    }
}

/// The import path and name of a type name: `net/http.Handler`.
pub fn type_name(store: &Store, obj: ObjId) -> String {
    let object = store.obj(obj);
    match object.pkg {
        Some(pkg) => format!("{}.{}", store.package(pkg).path, object.name),
        None => object.name.as_str().to_owned(),
    }
}

/// A function's name as go/types' `FullName` prints it, type parameters left out:
/// `(*sync.Mutex).Lock`, `net/http.HandleFunc`, `(io.Writer).Write`.
pub fn full_name(store: &Store, obj: ObjId) -> String {
    let object = store.obj(obj);
    let recv = object.typ.get().and_then(|t| match store.ty(t) {
        Type::Signature(sig) => sig.recv,
        _ => None,
    });
    if let Some(recv) = recv
        && let Some(t) = store.obj(recv).typ.get()
    {
        let star = if matches!(store.ty(go_types::under::unalias(store, t)), Type::Pointer(_)) {
            "*"
        } else {
            ""
        };
        return match named_obj(store, t) {
            Some(named) => format!("({star}{}).{}", type_name(store, named), object.name),
            None => format!("(interface).{}", object.name),
        };
    }
    type_name(store, obj)
}
