//! Summaries of callees in terms of the caller: substitution of paths, results, stores, steps and
//! goroutines.

use std::sync::Arc;

use base::FxHashMap;
use go_ir::{Callee, FuncId, Gate, Op, Terminator, ValueId};
use go_types::TypeId;
use knowledge::{AccessKind, FlowHow, Model, Operand, OriginKind, SyncOp, TypeKind};

use smallvec::{SmallVec, smallvec};

use crate::context::{named_obj, type_name};
use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root, Val, Vals, What, add_val};
use crate::subst::{Places, Sub};
use crate::summary::{
    Event, Frame, Frames, Held, Locks, MANY, MAX_EVENTS, MAX_THREADS, OpenCall, Site, Spawn, Step,
    StepId, Summary, Thread, ThreadSet, Token, Tokens, Via, add_signal, push_frame,
};
use crate::targets::{Code, Run, Target, goroutine_end, result_root};
use crate::tokens::{Distinct, TokenList};

/// How many calls of values are resolved in one function.
pub(crate) const MAX_OPEN: u32 = 20_000;

/// How deep calls of values are resolved inside one another at one call.
const MAX_OPEN_DEPTH: u32 = 6;

/// What has been translated of one callee: many of its steps have the same locks and tokens.
#[derive(Default)]
struct Lifted {
    tokens: Places,
    locks: FxHashMap<Path, Vals>,
    /// Lists of tokens, by the callee's and the caller's.
    lists: FxHashMap<(TokenList, Option<TokenList>), TokenList>,
}

impl<'a> FuncAnalysis<'a, '_> {
    /// The summary of a callee: final, or of the previous round inside a recursion.
    pub fn summary_of(&self, f: FuncId) -> Option<Arc<Summary>> {
        self.cx.summary(f)
    }

    /// The model of what a call names.
    pub fn model_of(&self, v: ValueId) -> Option<&'a Model> {
        self.named_callee(v).and_then(|obj| self.cx.model(obj))
    }

    /// All calls that have a model.
    pub fn models(&self) -> impl Iterator<Item = (ValueId, &'a Model)> + '_ {
        self.targets.keys().filter_map(|&v| Some((v, self.model_of(v)?)))
    }

    /// The `index`th result of a target that runs here.
    pub fn target_result(&self, v: ValueId, target: &Target<'a>, index: u32) -> Vals {
        let Code::Func(f, free) = &target.code else { return Vals::new() };
        let Some(summary) = self.summary_of(*f) else { return Vals::new() };
        let sub = Sub { args: &target.args, free, call: v };
        summary
            .results
            .get(index as usize)
            .map(|vals| self.subst_vals(vals, &sub, Some(v)))
            .unwrap_or_default()
    }

    /// What a call yields.
    pub fn call_result(&self, v: ValueId, index: u32) -> Vals {
        if self.makes_context(v) {
            // The context and what ends it are one: a call of the one is what those wait for who wait for the other.
            return result_root(v, 0);
        }
        let mut out = Vals::new();
        let model = self.model_of(v);
        for flow in model.iter().flat_map(|m| &m.flows) {
            if flow.to != Some(Operand::Result(index as u8)) {
                continue;
            }
            let from = flow.from.map(|o| self.operand(v, o)).unwrap_or_default();
            let found = match flow.how {
                FlowHow::Alias => from,
                FlowHow::Load => match flow.slot.as_deref() {
                    Some("context-value") => self.context_value(v, flow.key),
                    Some("pool") => result_root(v, index),
                    _ => self.items(&from),
                },
                // `context.WithValue`: the new context is found by key, not by identity.
                FlowHow::Store | FlowHow::Publish => continue,
                FlowHow::Copy | FlowHow::DeepCopy | FlowHow::Fresh => result_root(v, index),
            };
            for val in found {
                add_val(&mut out, val);
            }
        }
        if model.is_none_or(|m| m.analyse_body) {
            for target in self.targets.get(&v).iter().flat_map(|t| t.iter()) {
                if target.run.spawn.is_none() && target.model.is_none() {
                    for val in self.target_result(v, target, index) {
                        add_val(&mut out, val);
                    }
                }
            }
        }
        if out.is_empty() { result_root(v, index) } else { out }
    }

    /// Whether a call makes a context that nothing ends but the function that comes with it.
    fn makes_context(&self, v: ValueId) -> bool {
        self.model_of(v).is_some_and(|model| model.cancels)
            && match &self.func.instr(v).op {
                Op::Call(info) => info.args.first().is_some_and(|&parent| {
                    self.model_of(parent).is_some_and(|model| model.never_ends)
                }),
                _ => false,
            }
    }

    /// The function that a call ends a context with.
    fn cancel_of(&self, v: ValueId) -> Option<ValueId> {
        let (Op::Call(info) | Op::Defer(info)) = &self.func.instr(v).op else { return None };
        let Callee::Value(f) = info.callee else { return None };
        let named = self.func.instr(f).ty.and_then(|t| named_obj(self.cx.store, t))?;
        let fact = self.cx.knowledge.type_fact(&type_name(self.cx.store, named));
        (fact?.kind == Some(TypeKind::Cancel)).then_some(f)
    }

    fn context_value(&self, v: ValueId, key: Option<Operand>) -> Vals {
        let Some(key) = self.key_operand(v, key).and_then(|k| self.context_key(k)) else {
            return Vals::new();
        };
        self.resolve(&Path::root(Root::Context(key)), Some(v))
    }

    /// The instruction that a model's key operand stands for.
    fn key_operand(&self, v: ValueId, key: Option<Operand>) -> Option<ValueId> {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return None;
        };
        let Operand::Arg(n) = key? else { return None };
        info.args.get(usize::from(self.is_method_call(v)) + n as usize).copied()
    }

    /// Stores, signals and waits that a call brings with it.
    pub fn note_call_effects(&mut self, v: ValueId) {
        let pos = self.runs_at(v);
        let is_go = matches!(self.func.instr(v).op, Op::Go(_));
        if let Some(model) = self.model_of(v)
            && !is_go
        {
            self.note_model_effects(v, pos, model);
        }
        if let Some(cancel) = self.cancel_of(v) {
            let count = self.times_run(v);
            for path in self.paths(cancel) {
                self.signal(Token { path, via: Via::Broadcast, count }, v);
            }
        }
        let Some(targets) = self.targets.get(&v).cloned() else { return };
        // What the second pass finds in the same arguments is there from the first.
        let known = self.stores_of.insert(v, targets.clone());
        let is_known = known.is_some_and(|k| {
            k.len() == targets.len() && k.iter().zip(targets.iter()).all(|(a, b)| a.is_same(b))
        });
        for target in targets.iter() {
            let Code::Func(f, free) = &target.code else { continue };
            let Some(summary) = self.summary_of(*f) else { continue };
            let sub = Sub { args: &target.args, free, call: v };
            if !is_known {
                self.note_stores(v, pos, target, 0);
            }
            if target.run.spawn.is_some() {
                continue;
            }
            for signal in &summary.signals {
                for token in self.subst_token(&signal.token, &sub) {
                    self.signal(token, v);
                }
            }
            for token in &summary.waits {
                let here = self.subst_token(token, &sub);
                self.waits.extend(here.into_iter().map(|t| (Gate::After(pos), t)));
            }
            if let Some(held) = target.run.held.as_ref().filter(|_| target.run.once) {
                let token = Token { path: held.path, via: Via::Broadcast, count: MANY };
                self.signals.push((pos, token));
                self.waits.push((Gate::After(pos), token));
            }
        }
        for target in targets.iter() {
            for end in &target.run.ends {
                if end.path == Path::root(Root::Fresh(v)) {
                    self.waits.push((Gate::After(pos), *end));
                }
            }
        }
    }

    /// Stores that a target makes, and those of the calls in it that are resolved only here.
    fn note_stores(&mut self, v: ValueId, pos: ValueId, target: &Target<'a>, depth: u32) {
        let Code::Func(f, free) = &target.code else { return };
        let Some(summary) = self.summary_of(*f) else { return };
        let sub = Sub { args: &target.args, free, call: v };
        let mut places: FxHashMap<Path, Vec<Path>> = FxHashMap::default();
        let mut known: FxHashMap<&Vals, Vals> = FxHashMap::default();
        let mut found: Vec<(Path, Vals)> = Vec::with_capacity(summary.stores.len());
        for store in &summary.stores {
            let places =
                places.entry(store.dest).or_insert_with(|| self.subst_place(&store.dest, &sub));
            if places.is_empty() {
                continue;
            }
            let vals = known
                .entry(&store.vals)
                .or_insert_with(|| self.subst_vals(&store.vals, &sub, Some(v)));
            found.extend(places.iter().map(|&place| (place, vals.clone())));
        }
        for (place, vals) in found {
            self.add_fact(place, vals, pos);
        }
        if depth >= MAX_OPEN_DEPTH {
            return;
        }
        for open in &summary.calls {
            for inner in self.open_targets(open, &sub) {
                self.note_stores(v, pos, &inner, depth + 1);
            }
        }
    }

    /// What a callee's unresolved call runs, as far as this function knows.
    fn open_targets(&self, open: &OpenCall, sub: &Sub<'_>) -> Vec<Target<'a>> {
        let at = Some(sub.call);
        let mut targets = Vec::new();
        // Calls of values inside one another multiply; past the budget they stay unresolved.
        let Some(left) = self.open_budget.get().checked_sub(1) else { return targets };
        self.open_budget.set(left);
        let callees = self.subst(&open.callee, sub, at);
        if callees.is_empty() {
            return targets;
        }
        let args: Vec<Vals> = open.args.iter().map(|a| self.subst_vals(a, sub, at)).collect();
        for val in &callees {
            let run = Run::default();
            match open.method {
                Some(method) => self.method_target(val, method, &args, &run, &mut targets),
                None => self.callable(val, args.clone(), &run, &mut targets),
            }
        }
        targets
    }

    /// How often an instruction runs: once, or in a loop.
    pub fn times_run(&self, v: ValueId) -> u32 {
        if self.order.in_loop(v) { MANY } else { 1 }
    }

    /// A signal of the call `v`: a deferred one is given before each return behind it.
    pub fn signal(&mut self, token: Token, v: ValueId) {
        if matches!(self.func.instr(v).op, Op::Defer(_)) && !self.all_run_defers.is_empty() {
            self.deferred_signals.push((v, token));
            let behind = |at: &&ValueId| self.order.after(v, **at, None);
            let ends: Vec<ValueId> = self.all_run_defers.iter().filter(behind).copied().collect();
            self.signals.extend(ends.into_iter().map(|at| (at, token)));
        } else {
            self.signals.push((v, token));
        }
    }

    /// What is signalled by calls that were deferred before `v` for sure: they run after it.
    fn signals_deferred_before(&self, v: ValueId) -> impl Iterator<Item = Token> {
        let before = self.deferred_signals.iter().filter(move |(d, _)| {
            *d != v && self.order.dominates(*d, v) && !self.order.after(v, *d, None)
        });
        before.map(|(_, token)| *token)
    }

    fn note_model_effects(&mut self, v: ValueId, pos: ValueId, model: &Model) {
        for flow in &model.flows {
            let Some(from) = flow.from else { continue };
            let vals = self.operand(v, from);
            if flow.slot.as_deref() == Some("context-value") && flow.how == FlowHow::Store {
                if let Some(key) = self.key_operand(v, flow.key).and_then(|k| self.context_key(k)) {
                    self.add_fact(Path::root(Root::Context(key)), vals, pos);
                }
                continue;
            }
            if flow.slot.as_deref() == Some("pool") {
                continue;
            }
            let Some(to) = flow.to else { continue };
            let places: Vec<Path> =
                self.operand(v, to).iter().filter_map(Val::as_path).copied().collect();
            for place in places {
                match flow.how {
                    FlowHow::Store => {
                        if let Some(item) = place.then(Elem::Item) {
                            self.add_fact(item, vals.clone(), pos);
                        }
                    }
                    FlowHow::Copy => {
                        let items = self.items(&vals);
                        if let Some(item) = place.then(Elem::Item) {
                            self.add_fact(item, items, pos);
                        }
                    }
                    FlowHow::Alias if !matches!(to, Operand::Result(_)) => {
                        self.add_fact(place, vals.clone(), pos);
                    }
                    _ => {}
                }
            }
        }
        for sync in &model.sync {
            if sync.op == SyncOp::Quiesce {
                self.wait_for_all(pos);
                continue;
            }
            let mut on = self.operand(v, sync.on);
            if let Some(field) = &sync.field {
                on = self.named_field(v, sync.on, &on, field);
            }
            let count = self.times_run(v);
            let tokens: Tokens = on
                .iter()
                .filter_map(Val::as_path)
                .map(|&path| Token { path, via: Via::Broadcast, count })
                .collect();
            if matches!(sync.op, SyncOp::GroupDone | SyncOp::Release | SyncOp::AcquireRelease) {
                tokens.iter().for_each(|&t| self.signal(t, v));
            }
            let waits = match sync.op {
                SyncOp::GroupWait | SyncOp::CondWait => true,
                SyncOp::Acquire | SyncOp::AcquireRelease => self.result_matters(v),
                _ => false,
            };
            if waits {
                self.waits.extend(tokens.iter().map(|&t| (Gate::After(pos), t)));
            }
        }
    }

    /// Every goroutine that this function starts is over, or waits for something.
    fn wait_for_all(&mut self, pos: ValueId) {
        let started: Vec<ValueId> = self.instructions();
        for go in started.into_iter().filter(|&v| matches!(self.func.instr(v).op, Op::Go(_))) {
            self.waits.extend(goroutine_end(go).map(|token| (Gate::After(pos), token)));
        }
    }

    /// Whether what a call has read decides anything: an atomic load orders what follows only when
    /// the program looks at what it got.
    fn result_matters(&self, v: ValueId) -> bool {
        let func = self.func;
        let plain = |t: TypeId| {
            let under = go_types::under::under(self.cx.store, t);
            matches!(self.cx.store.ty(under), go_types::Type::Basic(_))
        };
        match func.instr(v).ty.map(|t| (t, self.cx.store.ty(t))) {
            None => return true,
            Some((_, go_types::Type::Tuple(parts))) if parts.is_empty() => return true,
            // A pointer, map or interface: what it leads to was there before it was stored.
            Some((t, ty)) if !plain(t) && !matches!(ty, go_types::Type::Tuple(_)) => return true,
            Some(_) => {}
        }
        let mut derived: SmallVec<[ValueId; 8]> = smallvec![v];
        for (u, instr) in func.values.iter_enumerated() {
            let from = match &instr.op {
                Op::Extract { tuple, .. } => derived.contains(tuple),
                Op::Unary { x, .. } | Op::Convert(x) => derived.contains(x),
                Op::Binary { x, y, .. } => derived.contains(x) || derived.contains(y),
                Op::Phi(from) => from.iter().any(|x| derived.contains(x)),
                _ => false,
            };
            if from && !derived.contains(&u) {
                derived.push(u);
            }
        }
        func.blocks
            .iter()
            .any(|b| matches!(&b.term, Terminator::If { cond, .. } if derived.contains(cond)))
    }

    /// Takes over what a target of the call `v` does.
    pub fn lift_target(&mut self, v: ValueId, target: &Target<'a>) {
        let deferred = matches!(self.func.instr(v).op, Op::Defer(_));
        let pos = self.runs_at(v);
        let thread = target.run.spawn.and_then(|spawn| self.new_thread(v, pos, spawn));
        if let Some(t) = thread {
            // `t.Run`, `Group.Wait`-like loops: over when the call returns.
            let at_call = Path::root(Root::Fresh(v));
            self.threads[t as usize].joined = target.run.ends.iter().any(|e| e.path == at_call);
        }
        if target.run.spawn.is_some() && thread.is_none() {
            return;
        }
        let state = self.locks.at(pos);
        let mut step = Step {
            thread,
            pos,
            parallel: ThreadSet::default(),
            locks: if thread.is_none() { state.locks } else { Locks::new() },
            unknown_lock: thread.is_none() && state.unknown,
            acquired: target.run.begins.clone().into(),
            released: TokenList::default(),
            request: target.run.spawn.is_some_and(|s| is_request(s.kind)),
            group: thread.filter(|&t| self.threads[t as usize].many),
        };
        let mut ends = target.run.ends.clone();
        if deferred && thread.is_none() {
            ends.extend(self.signals_deferred_before(v));
        }
        if let Some(held) = target.run.held {
            step.locks.push(held);
            if target.run.once {
                ends.push(Token { path: held.path, via: Via::Broadcast, count: MANY });
            }
        }
        step.released = ends.into();
        let site = Site { span: self.func.instr(v).span, func: self.id, frames: None };
        self.lift(v, target, &step, &site, 0);
    }

    /// A goroutine started by the instruction `v`.
    fn new_thread(&mut self, v: ValueId, pos: ValueId, spawn: Spawn) -> Option<u32> {
        if self.threads.len() >= MAX_THREADS {
            return None;
        }
        self.threads.push(Thread {
            kind: spawn.kind,
            start: self.func.instr(v).span,
            starter: self.id,
            many: spawn.many,
            pos,
            parallel: ThreadSet::default(),
            frames: None,
            signals: Arc::default(),
            joined: false,
            nested: false,
        });
        Some(self.threads.len() as u32 - 1)
    }

    /// Takes over a target whose call happens at `at` (a step of this function or of one of its
    /// goroutines), at the place `site`.
    fn lift(&mut self, v: ValueId, target: &Target<'a>, at: &Step, site: &Site, depth: u32) {
        let (f, free) = match &target.code {
            Code::Func(f, free) => (*f, free.clone()),
            Code::Open { callee, method } => {
                let (callee, method, args) = (*callee, *method, target.args.clone());
                let kind = OriginKind::Callback;
                if let Some(starts) = self.new_thread(v, at.pos, Spawn { kind, many: false }) {
                    let (site, step) = (site.clone(), self.push_step(at.clone()));
                    self.push_open(OpenCall { callee, method, args, starts, site, step });
                }
                return;
            }
        };
        let Some(summary) = self.summary_of(f) else { return };
        let sub = Sub { args: &target.args, free: &free, call: v };
        let base = self.threads.len() as u32;
        if base as usize + summary.threads.len() > MAX_THREADS {
            return;
        }
        let mut lifted = Lifted::default();
        // What one of many goroutines starts, there are many of.
        let many = at.thread.filter(|&t| self.threads[t as usize].many);
        for t in &summary.threads {
            let thread = Thread {
                pos: at.pos,
                parallel: t.parallel.shifted(base),
                frames: push_frame(self.id, site.span, &t.frames),
                many: t.many || many.is_some(),
                signals: self.subst_signals(&t.signals, &sub, &mut lifted.tokens).into(),
                // What outlives the goroutine that started it is not over when that one returns.
                joined: t.joined && at.thread.is_none(),
                nested: t.joined || t.nested,
                ..*t
            };
            self.threads.push(thread);
        }
        if let Some(own) = at.thread.filter(|_| target.run.spawn.is_some()) {
            let signals = self.subst_signals(&summary.signals, &sub, &mut lifted.tokens);
            let known = Arc::make_mut(&mut self.threads[own as usize].signals);
            signals.into_iter().for_each(|signal| add_signal(known, signal));
        }
        let spawned = target.run.spawn.is_some();
        let mut ways: FxHashMap<Option<*const Frame>, Frames> = FxHashMap::default();
        let mut lift_site = |inner: &Site, thread: Option<u32>| -> Site {
            // Inside the callee's own goroutine, the way there starts at that goroutine.
            let own = thread.is_none() && !(spawned && site.frames.is_none());
            let frames = if own {
                let way = ways.entry(inner.frames.as_ref().map(Arc::as_ptr));
                way.or_insert_with(|| extend_frames(site, inner)).clone()
            } else {
                inner.frames.clone()
            };
            Site { frames, ..*inner }
        };
        let mut steps: Vec<Option<StepId>> = vec![None; summary.steps.len()];
        let mut places: FxHashMap<(Path, bool, Option<TypeId>), Vals> = FxHashMap::default();
        for event in &summary.events {
            let is_slot = event.is_slot() && !self.is_two_pointers_away(f, event);
            // A map is known by its path, what a pointer leads to by its type too.
            let ty = event.ty.filter(|_| event.is_plain());
            let found =
                places.entry((event.path, is_slot, ty)).or_insert_with_key(|(path, is_slot, _)| {
                    if *is_slot {
                        self.subst_slot(path, &sub)
                    } else {
                        let found = self.subst(path, &sub, Some(v));
                        found.iter().flat_map(|p| self.pointed_to(p, event, v)).collect()
                    }
                });
            if found.iter().all(|p| p.as_path().is_none()) {
                continue;
            }
            let inner = &summary.steps[event.step as usize];
            let step = match steps[event.step as usize] {
                Some(step) => step,
                None => {
                    let step = self.lift_step(inner, at, base, many, &sub, &mut lifted);
                    let step = self.push_step(step);
                    steps[event.step as usize] = Some(step);
                    step
                }
            };
            if self.events.len() >= MAX_EVENTS {
                continue;
            }
            let context_key = match event.path.root {
                Root::Context(key) => Some(key),
                _ => event.context_key,
            };
            let site = lift_site(&event.site, inner.thread);
            for val in &*found {
                let Some(&path) = val.as_path() else { continue };
                if event.kind == AccessKind::GroupAdd && spawned && self.is_counted(&path, v) {
                    continue;
                }
                let picked = event.picked || val.picked || target.picked;
                let site = site.clone();
                self.push_event(Event { path, picked, context_key, site, step, ..event.clone() });
            }
        }
        for open in &summary.calls {
            let targets = self.open_targets(open, &sub);
            if targets.is_empty() {
                continue;
            }
            let inner = &summary.steps[open.step as usize];
            let step = self.lift_step(inner, at, base, many, &sub, &mut lifted);
            let place = lift_site(&open.site, inner.thread);
            let first = self.threads.len() as u32;
            for target in targets {
                self.note_link(&target, site.span);
                if depth < MAX_OPEN_DEPTH {
                    self.lift(v, &target, &step, &place, depth + 1);
                }
            }
            self.stand_in(open.starts + base, first);
        }
    }

    /// A callee's step here: it happens at `at`.
    fn lift_step(
        &self,
        inner: &Step,
        at: &Step,
        base: u32,
        many: Option<u32>,
        sub: &Sub<'_>,
        lifted: &mut Lifted,
    ) -> Step {
        let own = inner.thread.is_none();
        // A goroutine that is over before its starter returns is over before the starter ends.
        let within = own || inner.thread.is_some_and(|t| self.threads[(t + base) as usize].nested);
        let mut step = Step {
            thread: inner.thread.map_or(at.thread, |t| Some(t + base)),
            pos: at.pos,
            parallel: inner.parallel.shifted(base),
            locks: if own { at.locks.clone() } else { Locks::new() },
            unknown_lock: inner.unknown_lock || (own && at.unknown_lock),
            acquired: self.lift_tokens(&inner.acquired, Some(&at.acquired), sub, lifted),
            released: {
                let outer = within.then_some(&at.released);
                self.lift_tokens(&inner.released, outer, sub, lifted)
            },
            request: inner.request || at.request,
            group: many.or(at.group).or(inner.group.map(|g| g + base)),
        };
        if own {
            step.parallel.add_all(&at.parallel);
        }
        for held in &inner.locks {
            let found =
                lifted.locks.entry(held.path).or_insert_with(|| self.subst_lock(&held.path, sub));
            match &found[..] {
                [Val { what: What::Path(path), .. }] => {
                    let held = Held { path: *path, mode: held.mode };
                    if !step.locks.contains(&held) {
                        step.locks.push(held);
                    }
                }
                [] if matches!(held.path.root, Root::Fresh(_)) => {}
                _ => step.unknown_lock = true,
            }
        }
        step
    }

    /// A callee's tokens here, behind those of the step `outer` that the callee runs in.
    fn lift_tokens(
        &self,
        inner: &TokenList,
        outer: Option<&TokenList>,
        sub: &Sub<'_>,
        lifted: &mut Lifted,
    ) -> TokenList {
        if inner.is_empty() {
            return outer.cloned().unwrap_or_default();
        }
        let Lifted { tokens, lists, .. } = lifted;
        let lift = || {
            let mut out = Distinct::from(outer.map_or(&[][..], |list| list));
            for token in inner.iter() {
                for &path in self.subst_places(&token.path, sub, tokens) {
                    out.add(Token { path, ..*token });
                }
            }
            inner.or_new(out.into_tokens())
        };
        lists.entry((inner.clone(), outer.cloned())).or_insert_with(lift).clone()
    }

    /// Keeps a step.
    pub fn push_step(&mut self, step: Step) -> StepId {
        self.steps.push(step);
        self.steps.len() as StepId - 1
    }

    /// What runs beside the stand-in of a call runs beside the goroutines from `first` on, which
    /// the call turned out to start.
    fn stand_in(&mut self, stand_in: u32, first: u32) {
        let started = first..self.threads.len() as u32;
        if started.is_empty() {
            return;
        }
        let sets = self
            .steps
            .iter_mut()
            .map(|s| &mut s.parallel)
            .chain(self.threads.iter_mut().map(|t| &mut t.parallel));
        for set in sets.filter(|s| s.contains(stand_in)) {
            started.clone().for_each(|n| set.insert(n));
        }
    }

    /// Keeps an event.
    pub fn push_event(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(event);
        }
    }

    /// Keeps a call that only callers can resolve.
    pub fn push_open(&mut self, call: OpenCall) {
        if self.calls.len() < MAX_EVENTS {
            self.calls.push(call);
        }
    }
}

/// The way to `inner`, which is called at `outer`.
fn extend_frames(outer: &Site, inner: &Site) -> Frames {
    let here = push_frame(outer.func, outer.span, &inner.frames);
    let mut chain = vec![];
    let mut at = &outer.frames;
    while let Some(frame) = at {
        chain.push((frame.func, frame.call));
        at = &frame.next;
    }
    chain.into_iter().rev().fold(here, |next, (f, call)| push_frame(f, call, &next))
}

/// Whether goroutines of this kind serve requests that know nothing of each other.
pub(crate) fn is_request(kind: OriginKind) -> bool {
    matches!(kind, OriginKind::HttpHandler | OriginKind::GrpcHandler)
}
