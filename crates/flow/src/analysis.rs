//! The whole program: summaries from callees to callers, in parallel where functions do not
//! depend on each other, and the conflicts that are left at the functions that nobody calls.

use std::sync::Arc;

use base::{FxHashMap, FxHashSet, Id, IndexVec};
use go_ir::{Callee, FuncId, FuncKind, Op, Program, ValueId};
use go_types::{Store, Type};
use knowledge::{Knowledge, OriginKind};
use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;

use crate::context::{Context, named_obj, type_name};
use crate::conventions::{FieldUses, conventions};
use crate::function::FuncAnalysis;
use crate::pairs::{
    Channels, Pair, Scope, Side, is_one_object, is_write, meet, unlocked, unordered,
};
use crate::path::{CtxKey, Path, Root};
use crate::steps::FuncFacts;
use crate::summary::{Event, Realm, Step, Summary, Thread, ThreadSet};

/// Most accesses to one package-level variable that are compared across entries.
const MAX_ACROSS: usize = 256;

/// The result of the concurrency analysis.
pub struct Analysis<'a> {
    /// What functions were looked up in.
    pub context: Context<'a>,
    /// What was found out about each function by itself.
    pub facts: IndexVec<FuncId, FuncFacts>,
    /// Conflicts, each pair of places once, in a stable order.
    pub pairs: Vec<Pair>,
    /// The functions that nobody calls, with what they are.
    pub entries: Vec<(FuncId, EntryKind)>,
    /// The accesses to fields and package-level variables that some lock is held at.
    pub fields: Vec<FieldUses>,
    /// Functions without a summary because making it panicked, with what the panic said.
    pub crashes: Vec<(FuncId, String)>,
}

impl Analysis<'_> {
    /// How many goroutine starts and entry points there are.
    pub fn origins(&self) -> usize {
        let spawns = self.context.links().iter().filter(|l| l.spawn.is_some()).count();
        let entries = self.entries.iter().filter(|(_, kind)| {
            matches!(
                kind,
                EntryKind::Main | EntryKind::Init | EntryKind::Test | EntryKind::Request(_)
            )
        });
        spawns + entries.count()
    }
}

/// What a function that nobody in the program calls is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// `main` of a program.
    Main,
    /// The initialiser of a package.
    Init,
    /// A test, benchmark or example.
    Test,
    /// Called by a framework, by its shape: many at once.
    Request(OriginKind),
    /// Exported: called by who knows whom.
    Exported,
    /// Not called at all as far as can be seen.
    Unused,
}

/// Analyses a program.
pub fn analyse<'a>(
    store: &'a Store,
    program: &'a Program,
    knowledge: &'a Knowledge,
) -> Analysis<'a> {
    let context = Context::new(store, program, knowledge);
    let (mut facts, crashes) = summarise_all(&context);
    let entries: Vec<(FuncId, EntryKind)> = program
        .funcs
        .ids()
        .filter(|&f| !context.is_consumed(f) && !program.funcs[f].external)
        .map(|f| (f, entry_kind(&context, f)))
        .collect();
    let mut pairs: Vec<Pair> =
        program.funcs.ids().flat_map(|f| std::mem::take(&mut facts[f].pairs)).collect();
    let shared = shared_context_keys(&context, program);
    let of_entries: Vec<Vec<Pair>> = entries
        .par_iter()
        .map(|&(f, kind)| {
            let mut pairs = Vec::new();
            if let Some(summary) = context.summary(f) {
                entry_pairs(&context, f, kind, &summary, &shared, &mut pairs);
            }
            first_of_places(&context, &mut pairs);
            pairs
        })
        .collect();
    pairs.extend(of_entries.into_iter().flatten());
    cross_entry_pairs(&context, &entries, &mut pairs);
    first_of_places(&context, &mut pairs);
    let fields = conventions(&context, &facts);
    Analysis { context, facts, pairs, entries, fields, crashes }
}

/// Sorts pairs and keeps the first of each pair of places.
pub(crate) fn first_of_places(cx: &Context<'_>, pairs: &mut Vec<Pair>) {
    let mut seen = FxHashSet::default();
    pairs.sort_by_cached_key(|p| sort_key(cx, p));
    pairs.retain(|p| {
        let (x, y) = (p.a.event.site.span, p.b.event.site.span);
        seen.insert((x.min(y), x.max(y), p.a.event.realm()))
    });
}

/// Functions, places and goroutines of a pair, as text and numbers that do not depend on timing.
fn sort_key(cx: &Context<'_>, p: &Pair) -> (String, u32, String, u32, bool, bool) {
    let name = |s: &Side| cx.func(s.event.site.func).name.clone();
    (
        name(&p.a),
        p.a.event.site.span.span.start,
        name(&p.b),
        p.b.event.site.span.span.start,
        !p.same_object,
        p.b.thread.is_none(),
    )
}

/// Groups of functions that call each other, callees first, as levels that can run in parallel.
fn levels(cx: &Context<'_>) -> Vec<Vec<Vec<FuncId>>> {
    let program = cx.program;
    let mut graph: DiGraph<(), ()> =
        DiGraph::with_capacity(program.funcs.len(), program.funcs.len() * 4);
    for _ in program.funcs.iter() {
        graph.add_node(());
    }
    let node = |f: FuncId| NodeIndex::new(f.index());
    for (f, func) in program.funcs.iter_enumerated() {
        let mut edge = |to: FuncId| {
            graph.update_edge(node(f), node(to), ());
        };
        for instr in func.values.iter() {
            match &instr.op {
                Op::Func(obj) | Op::BoundMethod { method: obj, .. } => {
                    program.by_obj.get(obj).copied().into_iter().for_each(&mut edge);
                }
                Op::MakeClosure { func, .. } => edge(*func),
                Op::Call(c) | Op::Go(c) | Op::Defer(c) => {
                    for to in invoked_methods(cx, func, c) {
                        edge(to);
                    }
                    match &c.callee {
                        Callee::Static { obj, .. } => {
                            program.by_obj.get(obj).copied().into_iter().for_each(&mut edge);
                        }
                        Callee::Interface { method } => {
                            let name = cx.store.obj(*method).name;
                            for &t in cx.implementations(*method).iter() {
                                if let Some(m) = cx.method(t, name) {
                                    program
                                        .by_obj
                                        .get(&m.method)
                                        .copied()
                                        .into_iter()
                                        .for_each(&mut edge);
                                }
                            }
                        }
                        Callee::Value(_) => {}
                    }
                }
                _ => {}
            }
        }
    }
    let groups = petgraph::algo::kosaraju_scc(&graph);
    let mut level_of = vec![0usize; program.funcs.len()];
    let mut out: Vec<Vec<Vec<FuncId>>> = Vec::new();
    for group in groups {
        let inside: FxHashSet<NodeIndex> = group.iter().copied().collect();
        let level = group
            .iter()
            .flat_map(|&n| graph.neighbors(n))
            .filter(|n| !inside.contains(n))
            .map(|n| level_of[n.index()] + 1)
            .max()
            .unwrap_or(0);
        let mut funcs: Vec<FuncId> = group.iter().map(|n| FuncId::from_index(n.index())).collect();
        funcs.sort();
        for f in &funcs {
            level_of[f.index()] = level;
        }
        if out.len() <= level {
            out.resize(level + 1, Vec::new());
        }
        out[level].push(funcs);
    }
    out
}

/// Methods of the objects that are passed to a library function which invokes its arguments.
fn invoked_methods(cx: &Context<'_>, func: &go_ir::Func, call: &go_ir::CallInfo) -> Vec<FuncId> {
    let obj = match &call.callee {
        Callee::Static { obj, .. } | Callee::Interface { method: obj } => *obj,
        Callee::Value(_) => return Vec::new(),
    };
    if cx.model(obj).is_none_or(|m| m.invokes.is_empty()) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for &arg in &call.args {
        let Op::MakeInterface(x) = func.instr(arg).op else { continue };
        let Some(t) = func.instr(x).ty else { continue };
        for name in crate::context::method_names(cx.store, t, 0) {
            let found = cx.method(t, name);
            out.extend(found.and_then(|m| cx.program.by_obj.get(&m.method)).copied());
        }
    }
    out
}

/// The facts of every function, and what crashed.
fn summarise_all(cx: &Context<'_>) -> (IndexVec<FuncId, FuncFacts>, Vec<(FuncId, String)>) {
    let mut crashes = Vec::new();
    let mut facts: Vec<FuncFacts> = cx.program.funcs.iter().map(|_| FuncFacts::default()).collect();
    for level in levels(cx) {
        let done: Vec<(FuncId, Result<FuncFacts, String>)> = level
            .par_iter()
            .flat_map_iter(|group| {
                // Inside a recursion, each function sees those before it in the group.
                group.iter().filter(|&&f| !cx.func(f).external).map(|&f| {
                    let made = base::catch(|| FuncAnalysis::new(cx, f).run());
                    let facts = made.map(|(summary, facts)| {
                        cx.set_summary(f, Arc::new(summary));
                        facts
                    });
                    (f, facts)
                })
            })
            .collect();
        for (f, found) in done {
            match found {
                Ok(found) => facts[f.index()] = found,
                Err(panic) => crashes.push((f, panic)),
            }
        }
    }
    crashes.sort();
    (IndexVec::from_vec(facts), crashes)
}

fn entry_kind(cx: &Context<'_>, f: FuncId) -> EntryKind {
    let func = cx.func(f);
    if func.kind == FuncKind::PackageInit {
        return EntryKind::Init;
    }
    let name = func.obj.map(|o| cx.store.obj(o).name);
    let is_method = has_receiver(cx, f);
    if let Some(name) = name {
        let text = name.as_str();
        if text == "main" && !is_method && cx.store.package(func.pkg).name.get() == Some(&name) {
            return EntryKind::Main;
        }
        if func.is_test
            && ["Test", "Benchmark", "Example", "Fuzz"].iter().any(|p| text.starts_with(p))
        {
            return EntryKind::Test;
        }
    }
    if let Some(kind) = framework_entry(cx, f) {
        return EntryKind::Request(kind);
    }
    if name.is_some_and(base::Symbol::is_exported) {
        EntryKind::Exported
    } else {
        EntryKind::Unused
    }
}

fn has_receiver(cx: &Context<'_>, f: FuncId) -> bool {
    matches!(cx.store.ty(cx.func(f).sig), Type::Signature(s) if s.recv.is_some())
}

/// Whether a framework calls functions of this shape, on many goroutines.
fn framework_entry(cx: &Context<'_>, f: FuncId) -> Option<OriginKind> {
    let func = cx.func(f);
    let Type::Signature(sig) = cx.store.ty(func.sig) else { return None };
    let params: Vec<String> = sig
        .params
        .iter()
        .map(|&p| {
            cx.store
                .obj(p)
                .typ
                .get()
                .map_or_else(String::new, |t| go_types::type_string(cx.store, t))
        })
        .collect();
    let name = func.obj.map(|o| cx.store.obj(o).name.as_str()).unwrap_or_default();
    cx.knowledge
        .interfaces()
        .iter()
        .find(|fact| {
            fact.on == knowledge::Goroutine::Many
                && !fact.params.is_empty()
                && fact.params == params
                && (fact.methods.is_empty()
                    || sig.recv.is_some() && fact.methods.iter().any(|m| m == name))
        })
        .map(|fact| fact.origin)
}

/// Keys of context values that hold an object which outlives the request.
fn shared_context_keys(cx: &Context<'_>, program: &Program) -> FxHashSet<CtxKey> {
    let mut keys = FxHashSet::default();
    for f in program.funcs.ids() {
        let Some(summary) = cx.summary(f) else { continue };
        for store in &summary.stores {
            if let Root::Context(key) = store.dest.root
                && store
                    .vals
                    .iter()
                    .filter_map(|v| v.as_path())
                    .any(|p| matches!(p.root, Root::Global(_)))
            {
                keys.insert(key);
            }
        }
    }
    keys
}

/// Conflicts among the goroutines that one entry starts, and with itself.
fn entry_pairs(
    cx: &Context<'_>,
    f: FuncId,
    kind: EntryKind,
    summary: &Summary,
    shared: &FxHashSet<CtxKey>,
    out: &mut Vec<Pair>,
) {
    let mut threads = std::borrow::Cow::Borrowed(&summary.threads);
    let mut steps = std::borrow::Cow::Borrowed(&summary.steps);
    if let EntryKind::Request(origin) = kind {
        // The entry itself is one of many: a goroutine like the others.
        let number = threads.len() as u32;
        threads.to_mut().push(request_thread(cx, f, origin));
        for step in steps.to_mut() {
            step.parallel.insert(number);
            step.thread.get_or_insert(number);
            step.group = Some(number);
            step.request = true;
        }
    }
    let events: Vec<&Event> = summary.events.iter().filter(|e| !e.put).collect();
    let from = out.len();
    let one_object = |path: &Path| match path.root {
        Root::Context(key) => shared.contains(&key),
        _ => true,
    };
    let scope = Scope {
        mutable: &cx.mutable,
        store: cx.store,
        func: f,
        code: cx.func(f),
        steps: &steps,
        threads: &threads,
    };
    scope.find_pairs(&events, out, one_object, |&(a, x), &(_, y)| {
        one_object(&a.path) || (!x.request && !y.request) || x.group == y.group
    });
    if let EntryKind::Request(_) = kind {
        // Parameters of a request are its own; only what is older than it is shared.
        let has_receiver = has_receiver(cx, f);
        let mut kept = out.split_off(from);
        let own = |p: &Path| matches!(p.root, Root::Param(n) if n > 0 || !has_receiver);
        kept.retain(|p| !own(&p.a.event.path));
        out.append(&mut kept);
        for pair in &mut out[from..] {
            pair.same_object &= matches!(pair.a.event.path.root, Root::Global(_));
        }
    }
}

/// The goroutine of an entry that a framework runs for each request.
fn request_thread(cx: &Context<'_>, f: FuncId, kind: OriginKind) -> Thread {
    Thread {
        kind,
        start: cx.func(f).span,
        starter: f,
        many: true,
        pos: ValueId::from_index(0),
        parallel: ThreadSet::default(),
        frames: None,
        signals: Arc::default(),
        joined: false,
        nested: false,
    }
}

/// Conflicts over package-level variables between entries that run at the same time: goroutines
/// that initialisers have started, those of `main`, and requests.
fn cross_entry_pairs(cx: &Context<'_>, entries: &[(FuncId, EntryKind)], out: &mut Vec<Pair>) {
    struct Seen<'s> {
        entry: FuncId,
        event: &'s Event,
        step: &'s Step,
        thread: Option<&'s Thread>,
        from_init: bool,
    }
    impl Seen<'_> {
        fn side(&self) -> Side {
            Side {
                event: self.event.clone(),
                step: self.step.clone(),
                thread: self.thread.cloned(),
            }
        }
    }
    // The goroutine of the entry itself is there only if others run it.
    let of_entries: Vec<(FuncId, EntryKind, Option<Thread>, Arc<Summary>)> = entries
        .iter()
        .filter_map(|&(f, kind)| {
            let own = match kind {
                EntryKind::Main | EntryKind::Init => None,
                EntryKind::Request(origin) => Some(request_thread(cx, f, origin)),
                _ => return None,
            };
            Some((f, kind, own, cx.summary(f)?))
        })
        .collect();
    let mut lists: Vec<Vec<Seen<'_>>> = Vec::new();
    let mut by_path: FxHashMap<(Path, Realm), usize> = FxHashMap::default();
    for (f, kind, own, summary) in &of_entries {
        for event in &summary.events {
            if event.put || !matches!(event.path.root, Root::Global(_)) {
                continue;
            }
            let step = summary.step(event.step);
            let thread = step.thread.map(|t| &summary.threads[t as usize]).or(own.as_ref());
            let from_init = *kind == EntryKind::Init;
            if from_init && thread.is_none() {
                continue;
            }
            let n = *by_path.entry((event.path, event.realm())).or_insert(lists.len());
            if n == lists.len() {
                lists.push(Vec::new());
            }
            lists[n].push(Seen { entry: *f, event, step, thread, from_init });
        }
    }
    let find = |list: &Vec<Seen<'_>>| {
        let mut out = Vec::new();
        for (n, x) in list.iter().enumerate() {
            for y in &list[n + 1..] {
                let apart = x.entry == y.entry
                    || (x.thread.is_none() && !y.from_init)
                    || (y.thread.is_none() && !x.from_init);
                let write = is_write(x.event.kind) || is_write(y.event.kind);
                if apart
                    || !write
                    || !may_conflict(cx, (x.event, x.step, x.thread), (y.event, y.step, y.thread))
                {
                    continue;
                }
                let (a, b) = if is_write(x.event.kind) { (x, y) } else { (y, x) };
                out.push(Pair {
                    scope: a.entry,
                    a: a.side(),
                    b: b.side(),
                    same_object: is_one_object(&a.event.path, a.event, b.event, None),
                });
            }
        }
        first_of_places(cx, &mut out);
        out
    };
    let found: Vec<Vec<Pair>> =
        lists.par_iter().filter(|l| l.len() <= MAX_ACROSS).map(find).collect();
    out.extend(found.into_iter().flatten());
}

/// An access, when it happens and on which goroutine.
type SeenAt<'s> = (&'s Event, &'s Step, Option<&'s Thread>);

/// Whether two accesses concern the same memory and nothing keeps them apart.
fn may_conflict(cx: &Context<'_>, a: SeenAt<'_>, b: SeenAt<'_>) -> bool {
    let channels = Channels { mutable: &cx.mutable, code: None, threads: &[] };
    let many = |s: SeenAt<'_>| s.2.is_some_and(|t| t.many);
    let alike = a.0.made.zip(b.0.made).is_some_and(|(x, y)| x.is_alike(&y));
    !alike
        && meet(cx.store, a.0, b.0)
        && unlocked(a.1, b.1, &channels)
        && unordered(a.1, b.1, many(a), many(b), &channels)
}

/// The import path and name of a type, for messages.
pub fn describe_type(store: &Store, t: go_types::TypeId) -> Option<String> {
    named_obj(store, t).map(|o| type_name(store, o))
}
