//! The summary of a function: what is left of its steps when its own memory is taken out, in the
//! names that callers have for the rest.

use base::{FxHashMap, FxHashSet, Id};
use go_ir::{FuncId, ValueId};
use go_types::TypeId;
use knowledge::AccessKind;
use smallvec::{SmallVec, smallvec};

use crate::function::FuncAnalysis;
use crate::path::{CtxKey, Elem, Path, Root, Val, Vals, What, add_val};
use crate::steps::LocalReturn;
use crate::summary::{
    Event, Held, Locks, Made, OpenCall, Part, Signal, Step, StepId, StoreFact, Summary, Thread,
    Token, Tokens, Via, add_signal,
};
use crate::tokens::{Distinct, TokenList};

/// Most stores that a summary passes on.
const MAX_STORES: usize = 512;

/// Most accesses to plain memory that a summary passes on.
const MAX_MEMORY_EVENTS: usize = 512;
/// How deep closures in closures are looked through: they may capture each other.
const MAX_CAPTURES: u32 = 4;
/// Most places that are kept of accesses to a map which differ in nothing else.
const MAX_SITES: u32 = 16;

/// The names by which callers know memory that the function made: a path, and the instruction
/// from which on it has that name (`None`: only once the function has returned).
type Names = FxHashMap<ValueId, Vec<(Path, Option<ValueId>)>>;

impl FuncAnalysis<'_, '_> {
    /// Names that callers have for the function's own memory.
    fn names(&self, returns: &[LocalReturn]) -> Names {
        let mut names = Names::default();
        for ret in returns {
            for (i, vals) in ret.vals.iter().enumerate() {
                self.name_result(i as u32, vals, &mut names);
            }
        }
        let has_results = returns.iter().any(|r| !r.vals.is_empty());
        for _ in 0..3 {
            let mut changed = false;
            for fact in &self.facts {
                for made in fact.vals.iter().filter_map(own_object) {
                    for (dest, since) in outside(&fact.dest, &names) {
                        // What a returned context carries is new with every call.
                        let part = Path::root(Root::Ret(0)).then(Elem::Part(part_of(made)));
                        let dest = match (dest.root, part) {
                            (Root::Context(_), Some(part)) if has_results => part,
                            _ => dest,
                        };
                        let entry = names.entry(made).or_default();
                        if entry.len() < 4 && !entry.iter().any(|n| n.0 == dest) {
                            let since = match since {
                                _ if matches!(dest.root, Root::Ret(_)) => None,
                                // Stored in something that is published only later.
                                Some(later) if self.order.after(fact.at, later, None) => {
                                    Some(later)
                                }
                                _ => Some(fact.at),
                            };
                            entry.push((dest, since));
                            changed = true;
                        }
                    }
                }
            }
            if !changed {
                break;
            }
        }
        // What is also kept elsewhere is known by that place: a result that is both would look
        // fresh to the caller.
        for list in names.values_mut() {
            if list.iter().any(|n| !matches!(n.0.root, Root::Ret(_))) {
                list.retain(|n| !matches!(n.0.root, Root::Ret(_)));
            }
        }
        names
    }

    fn name_result(&self, index: u32, vals: &Vals, names: &mut Names) {
        let ret = Path::root(Root::Ret(index));
        for val in vals {
            match &val.what {
                What::Path(_) => {
                    if let Some(made) = own_object(val) {
                        let entry = names.entry(made).or_default();
                        if !entry.iter().any(|n| n.0 == ret) {
                            entry.push((ret, None));
                        }
                    }
                }
                What::Closure(_, free) => {
                    for vals in free.iter() {
                        let content = self.resolve_all(vals, None);
                        self.name_parts(&ret, &content, names, 0);
                    }
                }
                What::Bound(_, recv) => self.name_parts(&ret, recv, names, 0),
                What::Func(_) => {}
            }
        }
    }

    /// Names what closures capture, and what closures among that do.
    fn name_parts(&self, ret: &Path, vals: &Vals, names: &mut Names, depth: u32) {
        if depth > MAX_CAPTURES {
            return;
        }
        for val in vals {
            if let Some(made) = own_object(val)
                && let Some(part) = ret.then(Elem::Part(part_of(made)))
            {
                names.entry(made).or_default().push((part, None));
            }
            if let What::Closure(_, free) = &val.what {
                for inner in free.iter() {
                    let content = self.resolve_all(inner, None);
                    if content != *vals {
                        self.name_parts(ret, &content, names, depth + 1);
                    }
                }
            }
        }
    }

    /// The summary.
    pub fn summarise(&self, returns: &[LocalReturn]) -> Summary {
        let names = &self.names(returns);
        let ended = self.ended_threads();
        let threads = self.threads.iter().zip(ended);
        let threads = threads.map(|(t, ended)| self.outside_thread(t, ended, names)).collect();
        let mut kept = Kept { out: Summary { threads, ..Summary::default() }, ..Kept::default() };
        let mut steps = OutsideSteps::new(self.steps.len());
        for event in &self.events {
            let step = &self.steps[event.step as usize];
            let copied_mutex = event.copied_mutex
                || *steps.copied_mutex[event.step as usize].get_or_insert_with(|| {
                    step.locks.iter().any(|h| self.is_parameter_copy(&h.path))
                });
            let Root::Fresh(made) = event.path.root else {
                let seen = Seen { path: event.path, made: event.made, copied_mutex };
                kept.event(event, &seen, |kept| {
                    self.kept_step(event.step, names, &mut steps, kept)
                });
                continue;
            };
            let here = (self.id, made);
            let inner = event.made.map_or(here, |m| m.inner);
            let made_here = Some(Made { inner, outer: here });
            let is_variable = event.is_slot() && event.path.elems.is_empty();
            for (path, since) in outside(&event.path, names) {
                // `return x` gives away what is in `x`, `return &x` the variable.
                if is_variable
                    && matches!(path.root, Root::Ret(_))
                    && !self.returns_address(made, returns)
                {
                    continue;
                }
                let seen = match since {
                    // Before the return, only other goroutines can meet anyone.
                    None => step.thread.is_some(),
                    Some(since) => {
                        step.thread.is_some() || self.order.after(since, step.pos, Some(made))
                    }
                };
                if seen {
                    let seen = Seen { path, made: made_here, copied_mutex };
                    kept.event(event, &seen, |kept| {
                        self.kept_step(event.step, names, &mut steps, kept)
                    });
                }
            }
        }
        for call in &self.calls {
            for (callee, _) in outside(&call.callee, names) {
                let args = call.args.iter().map(|a| self.outside_vals(a, names, 0)).collect();
                let step = self.kept_step(call.step, names, &mut steps, &mut kept);
                kept.out.calls.push(OpenCall { callee, args, step, ..call.clone() });
            }
        }
        let mut out = kept.out;
        out.stores = self.outside_stores(names);
        for ret in returns {
            for (i, vals) in ret.vals.iter().enumerate() {
                if out.results.len() <= i {
                    out.results.resize(i + 1, Vals::new());
                }
                for val in self.outside_vals(vals, names, 0) {
                    add_val(&mut out.results[i], val);
                }
            }
        }
        out.pooled = self.returns_pooled(returns);
        out.acquires = outside_locks(&self.locks.exit, names);
        for held in &self.locks.releases {
            for (path, _) in outside(&held.path, names) {
                if !out.releases.iter().any(|r| r.path == path) {
                    out.releases.push(Held { path, mode: held.mode });
                }
            }
        }
        out.signals = self.given(names);
        out.waits = outside_tokens(self.waits.iter().map(|w| w.1), names);
        crate::compact::drop_silent_threads(&mut out);
        out.shrink();
        out
    }

    /// The stores to what callers know.
    fn outside_stores(&self, names: &Names) -> Vec<StoreFact> {
        let mut out: Vec<StoreFact> = Vec::new();
        let mut known: FxHashSet<(Path, Vals)> = FxHashSet::default();
        let mut seen: FxHashMap<&Vals, Vals> = FxHashMap::default();
        for fact in &self.facts {
            if out.len() >= MAX_STORES {
                break;
            }
            for (dest, _) in outside(&fact.dest, names) {
                let vals = seen
                    .entry(&fact.vals)
                    .or_insert_with(|| self.outside_vals(&fact.vals, names, 0));
                let mut vals = vals.clone();
                vals.retain(|v| v.as_path() != Some(&dest));
                if !vals.is_empty() && known.insert((dest, vals.clone())) {
                    out.push(StoreFact { dest, vals });
                }
            }
        }
        out
    }

    /// The step of the summary that a step of the function is.
    fn kept_step(
        &self,
        id: StepId,
        names: &Names,
        steps: &mut OutsideSteps,
        kept: &mut Kept,
    ) -> StepId {
        if let Some(known) = steps.kept[id as usize] {
            return known;
        }
        let step = &self.steps[id as usize];
        let step = kept.step(Step {
            // Of no meaning to callers.
            pos: ValueId::from_index(0),
            locks: outside_locks(&step.locks, names),
            acquired: steps.tokens(&step.acquired, names),
            released: steps.tokens(&step.released, names),
            ..step.clone()
        });
        steps.kept[id as usize] = Some(step);
        step
    }

    /// The signals that the function gives, each with what it has waited for by then.
    fn given(&self, names: &Names) -> Vec<Signal> {
        let mut out: Vec<Signal> = Vec::new();
        let mut places: FxHashMap<(Path, Via), Vec<(ValueId, u32)>> = FxHashMap::default();
        for (at, token) in &self.signals {
            places.entry((token.path, token.via)).or_default().push((*at, token.count));
        }
        let mut counts: FxHashMap<(Path, Via), u32> = FxHashMap::default();
        let mut waited: FxHashMap<ValueId, Tokens> = FxHashMap::default();
        // Those at the end first: they are what others wait for.
        for (at, token) in self.signals.iter().rev() {
            let seen: Vec<(Path, Option<ValueId>)> = outside(&token.path, names).into_vec();
            if seen.is_empty() {
                continue;
            }
            let after = waited
                .entry(*at)
                .or_insert_with(|| outside_tokens(self.waited_before(*at).into_iter(), names));
            let key = (token.path, token.via);
            let count = *counts.entry(key).or_insert_with(|| self.most_on_one_way(&places[&key]));
            for (path, _) in seen {
                let token = Token { path, count, ..*token };
                add_signal(&mut out, Signal { token, after: after.clone() });
            }
        }
        out
    }

    /// How often a signal is given at the most, when it is given at these places so often.
    fn most_on_one_way(&self, places: &[(ValueId, u32)]) -> u32 {
        let mut most: Vec<u32> = Vec::with_capacity(places.len());
        for (i, &(at, count)) in places.iter().enumerate() {
            let before = places[..i].iter().zip(&most);
            let before = before.filter(|((p, _), _)| *p == at || self.order.after(*p, at, None));
            most.push(count.saturating_add(before.map(|(_, &n)| n).max().unwrap_or(0)));
        }
        most.into_iter().max().unwrap_or(0)
    }

    /// A goroutine's signals as callers know them.
    fn outside_thread(&self, t: &Thread, ended: bool, names: &Names) -> Thread {
        let mut signals = Vec::new();
        for signal in t.signals.iter() {
            let after = outside_tokens(signal.after.iter().copied(), names);
            for token in outside_tokens(std::iter::once(signal.token), names) {
                add_signal(&mut signals, Signal { token, after: after.clone() });
            }
        }
        Thread { signals: signals.into(), joined: t.joined || ended, ..t.clone() }
    }

    /// Whether a lock is part of a struct that was passed by value: a mutex of this call alone.
    fn is_parameter_copy(&self, lock: &Path) -> bool {
        let Root::Fresh(var) = lock.root else { return false };
        !lock.elems.is_empty()
            && self.is_struct_variable(var)
            && self.facts.iter().any(|f| {
                f.dest.root == lock.root
                    && f.dest.elems.is_empty()
                    && f.vals
                        .iter()
                        .filter_map(Val::as_path)
                        .any(|p| matches!(p.root, Root::Param(_)) && p.elems.is_empty())
            })
    }

    /// Whether the address of a variable is returned, or what holds it.
    fn returns_address(&self, var: ValueId, returns: &[LocalReturn]) -> bool {
        let variable = self.func.instr(var);
        !matches!(variable.op, go_ir::Op::Alloc { .. })
            || returns.iter().flat_map(|r| &r.values).any(|&v| {
                let holds = self.vals[v].iter().any(|val| own_object(val) == Some(var));
                holds && self.func.instr(v).ty == variable.ty
            })
            || !returns
                .iter()
                .flat_map(|r| r.vals.iter().flatten())
                .any(|v| own_object(v) == Some(var))
    }

    /// Values as callers know them. Captured variables are replaced by what they hold.
    fn outside_vals(&self, vals: &Vals, names: &Names, depth: u32) -> Vals {
        let mut out = Vals::new();
        if depth > MAX_CAPTURES {
            return out;
        }
        for val in vals {
            let what = match &val.what {
                What::Path(path) => {
                    for (path, _) in outside(path, names) {
                        add_val(&mut out, Val { what: What::Path(path), ..val.clone() });
                    }
                    continue;
                }
                What::Closure(f, free) => {
                    let free: Vec<Vals> = free
                        .iter()
                        .map(|v| self.outside_vals(&self.resolve_all(v, None), names, depth + 1))
                        .collect();
                    What::Closure(*f, free.into())
                }
                What::Bound(m, recv) => {
                    What::Bound(*m, std::sync::Arc::new(self.outside_vals(recv, names, depth + 1)))
                }
                What::Func(f) => What::Func(*f),
            };
            add_val(&mut out, Val { what, ..val.clone() });
        }
        out
    }
}

/// A summary in the making: steps that are equal become one, and so do accesses that callers
/// cannot tell apart.
#[derive(Default)]
struct Kept {
    out: Summary,
    steps: FxHashMap<Step, StepId>,
    events: FxHashMap<EventKey, u32>,
    memory: usize,
}

/// What callers can tell accesses apart by, but for the place in the source.
#[derive(PartialEq, Eq, Hash)]
struct EventKey {
    path: Path,
    kind: AccessKind,
    step: StepId,
    part: Part,
    flags: [bool; 6],
    value_receiver: Option<FuncId>,
    made: Option<Made>,
    ty: Option<TypeId>,
    context_key: Option<CtxKey>,
}

/// How callers see an access.
struct Seen {
    path: Path,
    made: Option<Made>,
    copied_mutex: bool,
}

/// Steps of the function as callers know them, as far as they have been asked for. Many accesses
/// share a step, and many steps a list of tokens.
struct OutsideSteps {
    kept: Vec<Option<StepId>>,
    copied_mutex: Vec<Option<bool>>,
    tokens: FxHashMap<TokenList, TokenList>,
}

impl OutsideSteps {
    fn new(steps: usize) -> Self {
        Self {
            kept: vec![None; steps],
            copied_mutex: vec![None; steps],
            tokens: FxHashMap::default(),
        }
    }

    fn tokens(&mut self, list: &TokenList, names: &Names) -> TokenList {
        let outside = || list.or_new(outside_tokens(list.iter().copied(), names));
        self.tokens.entry(list.clone()).or_insert_with(outside).clone()
    }
}

impl Kept {
    fn step(&mut self, step: Step) -> StepId {
        let next = self.out.steps.len() as StepId;
        *self.steps.entry(step).or_insert_with_key(|step| {
            self.out.steps.push(step.clone());
            next
        })
    }

    fn event(&mut self, event: &Event, seen: &Seen, step: impl FnOnce(&mut Self) -> StepId) {
        let &Seen { path, made, copied_mutex } = seen;
        let plain = event.is_plain();
        if plain && self.memory >= MAX_MEMORY_EVENTS {
            return;
        }
        let step = step(self);
        let key = EventKey {
            path,
            kind: event.kind,
            step,
            part: event.part,
            flags: [
                event.atomic,
                event.indirect,
                event.picked,
                event.once,
                copied_mutex,
                event.put,
            ],
            value_receiver: event.value_receiver,
            made,
            ty: if plain { event.ty } else { None },
            context_key: event.context_key,
        };
        let same = self.events.entry(key).or_default();
        if *same >= if plain { 1 } else { MAX_SITES } {
            return;
        }
        *same += 1;
        self.memory += usize::from(plain);
        self.out.events.push(Event { path, step, made, copied_mutex, ..event.clone() });
    }
}

/// The number of an object as part of a result: apart from those of further results.
fn part_of(made: ValueId) -> u32 {
    made.to_raw() + 1_000
}

/// The object that a value is, when the function itself made it.
pub(crate) fn own_object(val: &Val) -> Option<ValueId> {
    match val.as_path() {
        Some(Path { root: Root::Fresh(made), elems }) if elems.is_empty() => Some(*made),
        _ => None,
    }
}

/// The names of a path outside the function.
fn outside(path: &Path, names: &Names) -> SmallVec<[(Path, Option<ValueId>); 1]> {
    match path.root {
        Root::Fresh(made) => names
            .get(&made)
            .into_iter()
            .flatten()
            .filter_map(|(name, since)| Some((path.behind(name)?, *since)))
            .collect(),
        _ => smallvec![(*path, None)],
    }
}

fn outside_tokens(tokens: impl Iterator<Item = Token>, names: &Names) -> Tokens {
    let mut out = Distinct::default();
    for token in tokens {
        if !matches!(token.path.root, Root::Fresh(_)) {
            out.add(token);
            continue;
        }
        for path in own_or_outside(&token.path, names) {
            out.add(Token { path, ..token });
        }
    }
    out.into_tokens()
}

/// The names of a lock or channel outside the function. One of this call alone has a name too: two
/// goroutines that the call has started still share it.
fn own_or_outside(path: &Path, names: &Names) -> SmallVec<[Path; 1]> {
    let mut places: SmallVec<[Path; 1]> =
        outside(path, names).into_iter().map(|(place, _)| place).collect();
    if let Root::Fresh(made) = path.root
        && places.is_empty()
    {
        places.extend(path.behind(&Path::root(Root::Ret(part_of(made)))));
    }
    places
}

fn outside_locks(locks: &Locks, names: &Names) -> Locks {
    let named = |h: &Held| -> SmallVec<[Held; 1]> {
        let places = own_or_outside(&h.path, names);
        places.into_iter().map(|path| Held { path, mode: h.mode }).collect()
    };
    locks.iter().flat_map(named).collect()
}
