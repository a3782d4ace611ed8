//! Which goroutine runs a function: the nearest start above it in the call graph.

use std::collections::VecDeque;

use base::{FxHashMap, FxHashSet};
use diag::{Goroutine, GoroutineKind};
use flow::{Analysis, EntryKind, Link};
use go_ir::{Callee, FuncId, FuncKind, Op};
use knowledge::OriginKind;

/// Starts and callers of functions.
#[derive(Debug)]
pub(crate) struct Origins {
    callers: FxHashMap<FuncId, Vec<Link>>,
    entries: FxHashMap<FuncId, EntryKind>,
    serving: FxHashSet<FuncId>,
}

impl Origins {
    /// Indexes an analysis.
    pub fn new(analysis: &Analysis<'_>) -> Self {
        let mut callers: FxHashMap<FuncId, Vec<Link>> = FxHashMap::default();
        for link in analysis.context.links() {
            callers.entry(link.callee).or_default().push(link);
        }
        let mut serving = FxHashSet::default();
        let mut todo: Vec<FuncId> = calls_to_serve(analysis).collect();
        while let Some(f) = todo.pop() {
            if serving.insert(f) {
                todo.extend(callers.get(&f).into_iter().flatten().map(|link| link.caller));
            }
        }
        Self { callers, entries: analysis.entries.iter().copied().collect(), serving }
    }

    /// Whether a function, or what it calls or starts, begins to serve requests.
    pub fn serves(&self, f: FuncId) -> bool {
        self.serving.contains(&f)
    }

    /// The goroutine that a function runs on when nobody in particular calls it.
    pub fn of(&self, cx: &crate::RuleContext<'_>, f: FuncId) -> Goroutine {
        let mut seen = FxHashSet::default();
        let mut todo = VecDeque::from([f]);
        let mut fallback = None;
        while let Some(at) = todo.pop_front() {
            if !seen.insert(at) || seen.len() > 512 {
                continue;
            }
            for link in self.callers.get(&at).into_iter().flatten() {
                match link.spawn {
                    Some(spawn) => {
                        return Goroutine {
                            kind: kind_of(spawn.kind),
                            start: Some(link.place),
                            many: spawn.many,
                        };
                    }
                    None => todo.push_back(link.caller),
                }
            }
            if let Some(parent) = cx.func(at).parent
                && !self.callers.contains_key(&at)
                && cx.func(at).kind == FuncKind::RangeBody
            {
                todo.push_back(parent);
            }
            if let Some(&entry) = self.entries.get(&at) {
                let kind = entry_kind(entry);
                let many = matches!(entry, EntryKind::Request(_));
                let found = Goroutine { kind, start: Some(cx.func(at).span), many };
                if kind != GoroutineKind::ExportedApi {
                    return found;
                }
                fallback.get_or_insert(found);
            }
        }
        fallback.unwrap_or(Goroutine {
            kind: GoroutineKind::ExportedApi,
            start: Some(cx.func(f).span),
            many: false,
        })
    }
}

/// The functions that call what serves requests.
fn calls_to_serve<'a>(analysis: &'a Analysis<'_>) -> impl Iterator<Item = FuncId> + 'a {
    let cx = &analysis.context;
    let serves = |op: &Op| match op {
        Op::Call(call) | Op::Go(call) | Op::Defer(call) => match call.callee {
            Callee::Static { obj, .. } => cx.model(obj).is_some_and(|m| m.serves),
            Callee::Interface { method } => cx.model(method).is_some_and(|m| m.serves),
            Callee::Value(_) => false,
        },
        _ => false,
    };
    let funcs = cx.program.funcs.iter_enumerated();
    funcs.filter(move |(_, f)| f.values.iter().any(|v| serves(&v.op))).map(|(id, _)| id)
}

fn entry_kind(entry: EntryKind) -> GoroutineKind {
    match entry {
        EntryKind::Main => GoroutineKind::Main,
        EntryKind::Init => GoroutineKind::Init,
        EntryKind::Test => GoroutineKind::Test,
        EntryKind::Request(kind) => kind_of(kind),
        EntryKind::Exported | EntryKind::Unused => GoroutineKind::ExportedApi,
    }
}

/// The word of the JSON output for a kind of origin.
pub(crate) fn kind_of(kind: OriginKind) -> GoroutineKind {
    match kind {
        OriginKind::GoStatement => GoroutineKind::GoStatement,
        OriginKind::HttpHandler => GoroutineKind::HttpHandler,
        OriginKind::GrpcHandler => GoroutineKind::GrpcHandler,
        OriginKind::Timer => GoroutineKind::Timer,
        OriginKind::Test => GoroutineKind::Test,
        OriginKind::Callback => GoroutineKind::Callback,
    }
}
