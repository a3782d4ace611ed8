//! When things happen: which goroutines run beside a step, what was waited for before it and what is
//! signalled after, which goroutines are over. The order is that of the Go memory model (go.dev/ref/mem,
//! version of June 6, 2022): a signal comes before what waited for it, and both are passed on.

use base::{FxHashMap, Id};
use go_ir::{Func, Gate, Gates, Op, Terminator, ValueId};
use go_syntax::ast::UnaryOp;
use go_types::ConstValue;

use crate::function::FuncAnalysis;
use crate::over::{Ends, Join};
use crate::path::{Path, Root};
use crate::summary::{
    Held, LockMode, Locks, MANY, Signal, Step, Thread, ThreadSet, Token, Tokens, Via,
};
use crate::tokens::{Counted, TokenList};

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

impl FuncAnalysis<'_, '_> {
    /// Fills in what runs in parallel, what was waited for and what is signalled.
    pub fn order_steps(&mut self) {
        self.index = self.find_index();
        self.waited.get_mut().clear();
        let joins = self.joins();
        for (i, joins) in joins.iter().enumerate() {
            // Started in a loop, but over before the next one starts: never beside itself.
            let Thread { many, pos, .. } = self.threads[i];
            if !many && self.order.in_loop(pos) {
                let last: Vec<Join> = joins.iter().filter(|j| j.is_last()).cloned().collect();
                let is_over = self.is_over(&self.class(i, &last), pos);
                self.threads[i].many = !is_over && !self.is_flagged_once(pos);
            }
        }
        let ends = self.ends(&joins);
        let beside = self.beside_classes(&ends);
        let between: Vec<ThreadSet> = (ends.class_of.iter().enumerate())
            .map(|(i, &class)| beside[class as usize].without(i as u32))
            .collect();
        let mut times: FxHashMap<ValueId, Times> = FxHashMap::default();
        for step in &self.steps {
            times.entry(step.pos).or_insert_with(|| self.times(step.pos, &ends));
        }
        for (thread, between) in self.threads.iter_mut().zip(&between) {
            thread.parallel.add_all(between);
        }
        let mut acquired = Extended::default();
        let mut released = Extended::default();
        for step in &mut self.steps {
            let Some(times) = times.get(&step.pos) else { continue };
            match step.thread {
                None => {
                    step.parallel.add_all(&times.parallel);
                    step.released = released.with(&step.released, step.pos, &times.released);
                    for &held in &times.places {
                        if !step.locks.contains(&held) {
                            step.locks.push(held);
                        }
                    }
                }
                Some(own) => step.parallel.add_all(&between[own as usize]),
            }
            step.acquired = acquired.with(&step.acquired, step.pos, &times.acquired);
        }
    }

    /// The instruction of a gate, or the first behind it.
    pub fn at(&self, gate: Gate) -> Option<ValueId> {
        match gate {
            Gate::After(v) => Some(v),
            Gate::Entering(block) => self.order.first_of(block),
        }
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
                    && !self.threads.iter().flat_map(|t| t.signals.iter()).any(|s| gives(&s.token))
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
        let mut acquired = Counted::default();
        let mut last: Option<(Gate, bool)> = None;
        for (gate, token) in &self.waits {
            // One call brings many waits.
            let passed = match last {
                Some((known, passed)) if known == *gate => passed,
                _ => self.order.passed(*gate, pos),
            };
            last = Some((*gate, passed));
            if passed || self.is_passed_since_made(token, pos, &self.index.single[gate]) {
                acquired.add(*token);
            }
        }
        let mut passes: Vec<Option<bool>> = vec![None; self.index.places.len()];
        for &(token, places) in &self.index.joint {
            if acquired.contains(token.path, token.via) {
                continue;
            }
            let gates = &self.index.places[places as usize];
            let passed = &mut passes[places as usize];
            if *passed.get_or_insert_with(|| self.order.passes(None, pos, gates))
                || self.is_passed_since_made(&token, pos, gates)
            {
                acquired.push(token);
            }
        }
        // Whichever arm was taken, it is taken for the one that matters.
        for (select, arm, token) in &self.arms {
            if self.order.dominates(*select, pos) && self.order.leads_to(*arm, pos) {
                acquired.add(*token);
            }
        }
        let mut done = 0;
        while let Some(seen) = acquired.get(done) {
            done += 1;
            let givers = self.index.givers.get(&seen.path).into_iter().flatten();
            let givers = givers.map(|&(t, n)| &self.threads[t as usize].signals[n as usize]);
            let mut givers = givers.filter(|s| goes_with(s.token.via, seen.via));
            match seen.via {
                // Everybody has given it.
                Via::Broadcast => {
                    let more: Tokens = givers.flat_map(|s| s.after.iter().copied()).collect();
                    more.into_iter().for_each(|token| acquired.add(token));
                }
                _ => {
                    if let (Some(only), None) = (givers.next(), givers.next()) {
                        only.after.iter().for_each(|&token| acquired.add(token));
                    }
                }
            }
        }
        acquired.into_tokens()
    }

    /// Whether a wait lies on every way from where its object is made to `pos`. On ways that do not
    /// make it nobody signals with it.
    fn is_passed_since_made(&self, token: &Token, pos: ValueId, gates: &Gates) -> bool {
        let Root::Fresh(made) = token.path.root else { return false };
        made.index() < self.func.values.len()
            && !self.order.dominates(made, pos)
            && self.order.after(made, pos, None)
            && self.order.passes(Some(made), pos, gates)
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
    fn times(&self, pos: ValueId, ends: &Ends) -> Times {
        let order = &self.order;
        // What a send or a close does to the channel comes before the signal that it gives.
        let gives = matches!(self.func.instr(pos).op, Op::Send { .. } | Op::Close(_));
        // A signal in a loop with `pos` counts when it is given in every round.
        let still_to_come = |s: ValueId| {
            if s == pos {
                return gives;
            }
            order.after(pos, s, None)
                && (!order.after(s, pos, None) || !order.after(pos, pos, Some(s)))
        };
        let mut released = Counted::default();
        let mut last: Option<(ValueId, bool)> = None;
        for (at, token) in &self.signals {
            let comes = match last {
                Some((known, comes)) if known == *at => comes,
                _ => still_to_come(*at),
            };
            last = Some((*at, comes));
            if comes {
                let count = match token.via {
                    Via::Broadcast => self.sent_before(&token.path, pos),
                    _ => token.count,
                };
                released.add(Token { count, ..*token });
            }
        }
        Times {
            parallel: self.beside(ends, pos),
            acquired: self.waited_before(pos),
            released: released.into_tokens(),
            places: self.places_held(pos),
        }
    }

    /// How many values this function may have sent on a channel before `pos`: so many receives do
    /// not see what comes after.
    fn sent_before(&self, chan: &Path, pos: ValueId) -> u32 {
        let sends = self.index.sends.get(chan).into_iter().flatten();
        let before = sends.filter(|s| self.order.after(s.0, pos, None));
        before.fold(0, |n, s| n.saturating_add(s.1))
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
        let index = &self.index;
        if index.sends.is_empty() || index.receives.is_empty() {
            return held;
        }
        let mut add = |path: &Path| {
            let place = Held { path: *path, mode: LockMode::Place };
            if !held.contains(&place) {
                held.push(place);
            }
        };
        for (s, token) in self.signals.iter().filter(|s| s.1.via == Via::Send) {
            let Some(receives) = index.receives.get(&token.path) else { continue };
            let back = |w: ValueId| order.dominates(*s, w) && order.dominates(w, pos);
            let on_it = || receives.iter().filter_map(|&gate| self.at(gate));
            if order.dominates(*s, pos)
                && !on_it().any(back)
                && on_it().any(|w| w != pos && order.after(pos, w, None))
            {
                add(&token.path);
            }
        }
        for (gate, token) in self.all_waits().filter(|w| w.1.via == Via::Send) {
            let Some(sends) = index.sends.get(&token.path) else { continue };
            let Some(w) = self.at(gate) else { continue };
            let on_it = || sends.iter().map(|s| s.0);
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
    let mut tokens = threads.flat_map(|t| t.signals.iter()).map(|s| &s.token);
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

/// Lists of tokens with those of a position added; what is there already is counted.
#[derive(Default)]
struct Extended(FxHashMap<(TokenList, ValueId), TokenList>);

impl Extended {
    /// `tokens` of a step at `pos`, and `more`, which are the same for all that is there.
    fn with(&mut self, tokens: &TokenList, pos: ValueId, more: &[Token]) -> TokenList {
        let extend = || {
            let mut out = Counted::from(&tokens[..]);
            more.iter().for_each(|&token| out.add(token));
            out.into_tokens().into()
        };
        self.0.entry((tokens.clone(), pos)).or_insert_with(extend).clone()
    }
}
