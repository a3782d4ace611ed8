//! When things happen: which goroutines run beside a step, what was waited for before it and what is
//! signalled after, which goroutines are over. The order is that of the Go memory model (go.dev/ref/mem,
//! version of June 6, 2022): a signal comes before what waited for it, and both are passed on.

use base::{FxHashMap, Id};
use go_ir::{Func, Gate, Op, Terminator, ValueId};
use go_syntax::ast::UnaryOp;
use go_types::ConstValue;

use crate::function::FuncAnalysis;
use crate::path::{Path, Root};
use crate::summary::{
    Held, LockMode, Locks, MANY, Signal, Step, Thread, ThreadSet, Token, Tokens, Via,
};

/// What is true of one position of a function.
#[derive(Default)]
struct Times {
    /// Goroutines that have been started and may not be over.
    parallel: ThreadSet,
    /// What has been waited for.
    acquired: Tokens,
    /// What is still to be signalled.
    released: Tokens,
    /// Channels that serve as locks and are held.
    places: Locks,
}

/// A place where the end of a goroutine is waited for.
struct Join {
    /// The signal that it gives when it is done.
    end: Token,
    /// Where it is waited for.
    gate: Gate,
    /// As what: a receive sees the close.
    waited: Via,
    /// How often.
    count: u32,
}

impl FuncAnalysis<'_, '_> {
    /// Fills in what runs in parallel, what was waited for and what is signalled.
    pub fn order_steps(&mut self) {
        self.joint_waits = self.find_joint_waits();
        self.waited.get_mut().clear();
        let spawns: Vec<ValueId> = self.threads.iter().map(|t| t.pos).collect();
        let joins = self.joins();
        for (i, &spawn) in spawns.iter().enumerate() {
            // Started in a loop, but over before the next one starts: never beside itself.
            let looped = self.order.in_loop(spawn);
            self.threads[i].many |= looped && !self.is_over(i, spawn, &joins[i]);
        }
        // Many goroutines are started by one call: they are beside the same.
        let mut beside: FxHashMap<(usize, ValueId), bool> = FxHashMap::default();
        let mut is_beside = |i: usize, q: ValueId| {
            *beside.entry((i, q)).or_insert_with(|| {
                self.order.after(spawns[i], q, None) && !self.is_over(i, q, &joins[i])
            })
        };
        let mut between: Vec<ThreadSet> = vec![ThreadSet::default(); spawns.len()];
        for i in 0..spawns.len() {
            for j in i + 1..spawns.len() {
                if is_beside(i, spawns[j]) || is_beside(j, spawns[i]) {
                    between[i].insert(j as u32);
                    between[j].insert(i as u32);
                }
            }
        }
        let mut cache: FxHashMap<ValueId, Times> = FxHashMap::default();
        for step in &self.steps {
            cache.entry(step.pos).or_insert_with(|| self.times(step.pos, &spawns, &joins));
        }
        for (thread, between) in self.threads.iter_mut().zip(&between) {
            between.iter().for_each(|t| thread.parallel.insert(t));
        }
        for step in &mut self.steps {
            let Some(times) = cache.get(&step.pos) else { continue };
            match step.thread {
                None => {
                    times.parallel.iter().for_each(|t| step.parallel.insert(t));
                    extend(&mut step.released, &times.released);
                    for &held in &times.places {
                        if !step.locks.contains(&held) {
                            step.locks.push(held);
                        }
                    }
                }
                Some(own) => between[own as usize].iter().for_each(|t| step.parallel.insert(t)),
            }
            extend(&mut step.acquired, &times.acquired);
        }
    }

    /// What each goroutine signals after all that it does to memory.
    fn thread_ends(&self) -> Vec<Tokens> {
        let mut ends: Vec<Option<Tokens>> = vec![None; self.threads.len()];
        for step in &self.steps {
            let Some(t) = step.thread else { continue };
            match &mut ends[t as usize] {
                Some(common) => common
                    .retain(|c| step.released.iter().any(|r| r.path == c.path && r.via == c.via)),
                none => *none = Some(step.released.clone()),
            }
        }
        ends.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// For each goroutine, where this function waits for a signal that it gives when it is done.
    fn joins(&self) -> Vec<Vec<Join>> {
        let arms = self.arms.iter().map(|(select, _, t)| (Gate::After(*select), t));
        let waits: Vec<(Gate, &Token)> =
            self.waits.iter().map(|w| (w.0, &w.1)).chain(arms).collect();
        let mut out = Vec::with_capacity(self.threads.len());
        for ends in self.thread_ends() {
            let mut joins = Vec::new();
            for end in &ends {
                let seen =
                    |w: &&(Gate, &Token)| w.1.path == end.path && goes_with(end.via, w.1.via);
                joins.extend(waits.iter().filter(seen).map(|&(gate, w)| Join {
                    end: *end,
                    gate,
                    waited: w.via,
                    count: w.count,
                }));
            }
            out.push(joins);
        }
        out
    }

    /// Whether the `i`th goroutine is over on every way from its start to `pos`.
    fn is_over(&self, i: usize, pos: ValueId, joins: &[Join]) -> bool {
        let start = Some(self.threads[i].pos);
        self.is_joined(i, joins, &|gates| self.order.passes(start, pos, gates))
    }

    /// Whether the `i`th goroutine is over on every way from its start to a return.
    fn is_over_at(&self, i: usize, at: Gate, joins: &[Join]) -> bool {
        let start = self.threads[i].pos;
        self.is_joined(i, joins, &|gates| {
            gates.contains(&at)
                || match at {
                    Gate::After(last) => self.order.passes(Some(start), last, gates),
                    Gate::Entering(block) => self.order.passes_before(start, block, gates),
                }
        })
    }

    /// Whether the `i`th goroutine is over on ways that pass some of the gates, as `passes` says.
    fn is_joined(&self, i: usize, joins: &[Join], passes: &dyn Fn(&[Gate]) -> bool) -> bool {
        let thread = &self.threads[i];
        if thread.joined {
            return true;
        }
        if joins.is_empty() {
            return false;
        }
        let needed = |join: &Join| match join.end.via {
            // A receive may take a value that was sent before the close.
            Via::Broadcast if join.waited == Via::Send => {
                let others = self.threads.iter().enumerate().filter(|t| t.0 != i).map(|t| t.1);
                if is_sent_on(others, &join.end.path) {
                    MANY
                } else {
                    join.end.count.saturating_add(1)
                }
            }
            Via::Broadcast => 1,
            Via::Handover => MANY,
            // A receive takes one value: as many are needed as there may be senders by then.
            Via::Send if thread.many => MANY,
            Via::Send => {
                let started = |t: &&Thread| {
                    let at = self.at(join.gate);
                    at.is_none_or(|w| self.order.after(t.pos, w, None))
                };
                senders(self.threads.iter().filter(started), &join.end.path)
            }
            // As many sends as there are places wait for the first receive.
            Via::Receive => capacity(self.func, &join.end.path).map_or(MANY, |n| n.max(1)),
        };
        let needs: Vec<u32> = joins.iter().map(needed).collect();
        let enough = joins.iter().zip(&needs).filter(|(j, n)| j.count >= **n);
        let gates: Vec<Gate> = enough.map(|(j, _)| j.gate).collect();
        if !gates.is_empty() && passes(&gates) {
            return true;
        }
        joins.iter().any(|one| {
            let same = joins.iter().zip(&needs).filter(|(j, _)| j.end == one.end);
            let passed: Vec<(&Join, &u32)> = same.filter(|(j, _)| passes(&[j.gate])).collect();
            let count = passed.iter().fold(0u32, |n, (j, _)| n.saturating_add(j.count));
            passed.len() > 1 && passed.iter().all(|(_, n)| count >= **n && **n != MANY)
        })
    }

    /// The instruction of a gate, or the first behind it.
    fn at(&self, gate: Gate) -> Option<ValueId> {
        match gate {
            Gate::After(v) => Some(v),
            Gate::Entering(block) => self.order.first_of(block),
        }
    }

    /// Which goroutines are over whenever the function returns.
    pub fn ended_threads(&self) -> Vec<bool> {
        let joins = self.joins();
        let returns: Vec<Gate> = self.order.returns().collect();
        let over = |i: usize| returns.iter().all(|&r| self.is_over_at(i, r, &joins[i]));
        (0..self.threads.len()).map(over).collect()
    }

    /// Whether a goroutine's step comes after a receive that nobody can serve before this function
    /// returns: a constructor's worker has no work until the constructor is done.
    ///
    /// ```go
    /// p := &pool{work: make(chan job)}
    /// go p.run() // for j := range p.work { … p.limit … }
    /// p.limit = 8
    /// return p
    /// ```
    pub fn waits_for_the_end(&self, step: &Step, own: &Step) -> bool {
        own.thread.is_none()
            && step.thread.is_some()
            && step.acquired.iter().any(|t| {
                let gives = |s: &Token| s.path == t.path && goes_with(s.via, t.via);
                t.via == Via::Send
                    && matches!(t.path.root, Root::Fresh(_))
                    && !self.is_passed_out(&t.path)
                    && !self.signals.iter().any(|s| gives(&s.1))
                    && !self.threads.iter().flat_map(|t| &t.signals).any(|s| gives(&s.token))
            })
    }

    /// Whether a channel is given to code that is not there, such as `signal.Notify`.
    fn is_passed_out(&self, chan: &Path) -> bool {
        self.targets.iter().any(|(&v, targets)| {
            let known = |t: &crate::targets::Target<'_>| match t.code {
                crate::targets::Code::Func(f, _) => !self.cx.func(f).external,
                crate::targets::Code::Open { .. } => false,
            };
            !targets.iter().any(known)
                && self.call_args(v).iter().flatten().any(|a| a.as_path() == Some(chan))
        })
    }

    /// What was waited for on every way to `pos`, and what that implies.
    pub fn waited_before(&self, pos: ValueId) -> Tokens {
        if let Some(known) = self.waited.borrow().get(&pos) {
            return known.clone();
        }
        let found = self.find_waited(pos);
        self.waited.borrow_mut().insert(pos, found.clone());
        found
    }

    fn find_waited(&self, pos: ValueId) -> Tokens {
        let mut acquired = Tokens::new();
        let passed = |gate: Gate, token: &Token| {
            self.order.passed(gate, pos) || self.is_passed_since_made(token, pos, &[gate])
        };
        for (_, token) in self.waits.iter().filter(|w| passed(w.0, &w.1)) {
            extend(&mut acquired, std::slice::from_ref(token));
        }
        for (token, gates) in &self.joint_waits {
            let known = |t: &Token| t.path == token.path && t.via == token.via;
            let passed = || {
                self.order.passes(None, pos, gates) || self.is_passed_since_made(token, pos, gates)
            };
            if !acquired.iter().any(known) && passed() {
                acquired.push(*token);
            }
        }
        // Whichever arm was taken, it is taken for the one that matters.
        for (select, arm, token) in &self.arms {
            if self.order.dominates(*select, pos) && self.order.leads_to(*arm, pos) {
                extend(&mut acquired, std::slice::from_ref(token));
            }
        }
        let mut done = 0;
        while done < acquired.len() {
            let seen = acquired[done];
            done += 1;
            let mut givers = self
                .threads
                .iter()
                .flat_map(|t| &t.signals)
                .filter(|s| s.token.path == seen.path && goes_with(s.token.via, seen.via));
            match seen.via {
                // Everybody has given it.
                Via::Broadcast => {
                    let more: Tokens = givers.flat_map(|s| s.after.iter().copied()).collect();
                    extend(&mut acquired, &more);
                }
                _ => {
                    if let (Some(only), None) = (givers.next(), givers.next()) {
                        extend(&mut acquired, &only.after);
                    }
                }
            }
        }
        acquired
    }

    /// Whether a wait lies on every way from where its object is made to `pos`. On ways that do not
    /// make it nobody signals with it.
    fn is_passed_since_made(&self, token: &Token, pos: ValueId, gates: &[Gate]) -> bool {
        let Root::Fresh(made) = token.path.root else { return false };
        made.index() < self.func.values.len()
            && !self.order.dominates(made, pos)
            && self.order.after(made, pos, None)
            && self.order.passes(Some(made), pos, gates)
    }

    /// Signals that are waited for in several places: on one way here, on another there.
    fn find_joint_waits(&self) -> Vec<(Token, Vec<Gate>)> {
        let mut out: Vec<(Token, Vec<Gate>)> = Vec::new();
        let arms = self.arms.iter().map(|(select, _, t)| (Gate::After(*select), t));
        for (gate, token) in self.waits.iter().map(|w| (w.0, &w.1)).chain(arms) {
            let same = |t: &Token| t.path == token.path && t.via == token.via;
            match out.iter_mut().find(|(t, _)| same(t)) {
                Some((known, gates)) => {
                    known.count = known.count.min(token.count);
                    gates.push(gate);
                }
                None => out.push((*token, vec![gate])),
            }
        }
        out.retain(|(_, gates)| gates.len() > 1);
        out
    }

    /// Flags that are set and looked at under a lock: who sees one set comes after whoever set it.
    ///
    /// ```go
    /// mu.Lock(); ready = true; mu.Unlock()
    /// for { mu.Lock(); if ready { break }; mu.Unlock() }
    /// ```
    pub fn find_flags(&mut self) {
        let func = self.func;
        for v in self.instructions() {
            let Op::Store { addr, value } = func.instr(v).op else { continue };
            let is_true = matches!(&func.instr(value).op, Op::Const(ConstValue::Bool(true)));
            if is_true && !self.locks.at(v).locks.is_empty() {
                for path in self.paths(addr) {
                    self.signals.push((v, Token { path, via: Via::Broadcast, count: MANY }));
                }
            }
        }
        for block in self.order.rpo().to_vec() {
            let Terminator::If { cond, then, els } = func.blocks[block].term else { continue };
            let (flag, set) = match func.instr(cond).op {
                Op::Unary { op: UnaryOp::Not, x } => (x, els),
                _ => (cond, then),
            };
            let Op::Load(addr) = func.instr(flag).op else { continue };
            if func.blocks[set].preds.len() == 1 && !self.locks.at(flag).locks.is_empty() {
                for path in self.paths(addr) {
                    let token = Token { path, via: Via::Broadcast, count: MANY };
                    self.waits.push((Gate::Entering(set), token));
                }
            }
        }
    }

    /// What is true of everything that this function itself does at `pos`.
    fn times(&self, pos: ValueId, spawns: &[ValueId], joins: &[Vec<Join>]) -> Times {
        let order = &self.order;
        let mut times = Times { acquired: self.waited_before(pos), ..Times::default() };
        for (t, &spawn) in spawns.iter().enumerate() {
            if order.after(spawn, pos, None) && !self.is_over(t, pos, &joins[t]) {
                times.parallel.insert(t as u32);
            }
        }
        // A signal in a loop with `pos` counts when it is given in every round.
        let still_to_come = |s: ValueId| {
            s != pos
                && order.after(pos, s, None)
                && (!order.after(s, pos, None) || !order.after(pos, pos, Some(s)))
        };
        for (_, token) in self.signals.iter().filter(|s| still_to_come(s.0)) {
            let count = match token.via {
                Via::Broadcast => self.sent_before(&token.path, pos),
                _ => token.count,
            };
            extend(&mut times.released, &[Token { count, ..*token }]);
        }
        times.places = self.places_held(pos);
        times
    }

    /// How many values this function may have sent on a channel before `pos`: so many receives do
    /// not see what comes after.
    fn sent_before(&self, chan: &Path, pos: ValueId) -> u32 {
        let sent = |s: &&(ValueId, Token)| {
            s.1.path == *chan && s.1.via == Via::Send && self.order.after(s.0, pos, None)
        };
        self.signals.iter().filter(sent).fold(0, |n, s| n.saturating_add(s.1.count))
    }

    /// Channels with room for one value that are used as locks: filled before `pos` and emptied
    /// after, or the other way round.
    ///
    /// ```go
    /// sem <- struct{}{}
    /// total++
    /// <-sem
    /// ```
    pub fn places_held(&self, pos: ValueId) -> Locks {
        let order = &self.order;
        let mut held = Locks::new();
        let sends = || self.signals.iter().filter(|s| s.1.via == Via::Send);
        let of_arms = || self.arms.iter().map(|(select, _, t)| (Gate::After(*select), t));
        let receives = || {
            let waits = self.waits.iter().map(|w| (w.0, &w.1)).chain(of_arms());
            waits.filter(|w| w.1.via == Via::Send)
        };
        let mut add = |path: &Path| {
            let place = Held { path: *path, mode: LockMode::Place };
            if !held.contains(&place) {
                held.push(place);
            }
        };
        for (s, token) in sends() {
            let back = |w: ValueId| order.dominates(*s, w) && order.dominates(w, pos);
            let on_it =
                || receives().filter(|w| w.1.path == token.path).filter_map(|w| self.at(w.0));
            if order.dominates(*s, pos)
                && !on_it().any(back)
                && on_it().any(|w| w != pos && order.after(pos, w, None))
            {
                add(&token.path);
            }
        }
        for (gate, token) in receives() {
            let Some(w) = self.at(gate) else { continue };
            let on_it = || sends().filter(|s| s.1.path == token.path).map(|s| s.0);
            if order.passed(gate, pos)
                && !on_it().any(|s| order.dominates(w, s) && order.dominates(s, pos))
                && on_it().any(|s| s != pos && order.after(pos, s, None))
            {
                add(&token.path);
            }
        }
        held
    }
}

/// How many values the goroutines of one function may send on a channel that it made. Of others'
/// channels nothing is known: one sender is assumed.
pub(crate) fn senders<'t>(threads: impl Iterator<Item = &'t Thread>, chan: &Path) -> u32 {
    if !matches!(chan.root, Root::Fresh(_)) {
        return 1;
    }
    let sent = |signals: &[Signal]| -> u32 {
        let on_it = signals.iter().filter(|s| s.token.path == *chan && s.token.via == Via::Send);
        on_it.fold(0, |n, s| n.saturating_add(s.token.count))
    };
    let of_threads = threads.map(|t| match sent(&t.signals) {
        0 => 0,
        _ if t.many => MANY,
        n => n,
    });
    of_threads.fold(0u32, u32::saturating_add).max(1)
}

/// Whether some goroutine sends values on a channel.
pub(crate) fn is_sent_on<'t>(threads: impl Iterator<Item = &'t Thread>, chan: &Path) -> bool {
    let mut tokens = threads.flat_map(|t| &t.signals).map(|s| &s.token);
    tokens.any(|t| t.path == *chan && t.via == Via::Send)
}

/// How many values a channel holds, where the function made it with a constant.
pub(crate) fn capacity(code: &Func, chan: &Path) -> Option<u32> {
    let Root::Fresh(made) = chan.root else { return None };
    if !chan.elems.is_empty() || made.index() >= code.values.len() {
        return None;
    }
    match code.instr(made).op {
        Op::MakeChan(None) => Some(0),
        Op::MakeChan(Some(size)) => match &code.instr(size).op {
            Op::Const(n) => n.int64_val().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a wait of the second kind sees a signal of the first.
pub(crate) fn goes_with(given: Via, waited: Via) -> bool {
    match given {
        Via::Broadcast => matches!(waited, Via::Broadcast | Via::Send),
        other => other == waited,
    }
}

/// Adds tokens; what is there already is counted.
fn extend(tokens: &mut Tokens, more: &[Token]) {
    for token in more {
        match tokens.iter_mut().find(|t| t.path == token.path && t.via == token.via) {
            Some(known) => known.count = known.count.saturating_add(token.count),
            None => tokens.push(*token),
        }
    }
}
