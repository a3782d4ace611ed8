//! Must-locksets: the locks that are held at an instruction on every way to it.

use base::{FxHashMap, IndexVec};
use go_ir::{BlockId, CallInfo, Callee, FuncId, LockOp, Op, Terminator, ValueId};
use knowledge::SyncOp;
use smallvec::SmallVec;

use crate::function::FuncAnalysis;
use crate::path::{Path, Val};
use crate::subst::Sub;
use crate::summary::{Held, LockMode, Locks};
use crate::targets::{Code, Target};

/// The locks held at one point.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct LockState {
    /// Locks with a path.
    pub locks: Locks,
    /// Whether some lock without a path is held too.
    pub unknown: bool,
    /// Locks that are held on some ways here and not on others.
    maybe: SmallVec<[Path; 1]>,
}

/// The locks held throughout a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockStates {
    /// Before each instruction where something is held.
    at: FxHashMap<ValueId, LockState>,
    /// On every return.
    pub exit: Locks,
    /// Given back without having been taken here.
    pub releases: Vec<Held>,
}

impl LockStates {
    /// What is held before the instruction.
    pub fn at(&self, v: ValueId) -> LockState {
        self.at.get(&v).cloned().unwrap_or_default()
    }
}

impl LockState {
    fn take(&mut self, path: Path, mode: LockMode) {
        match self.locks.iter_mut().find(|h| h.path == path) {
            Some(held) => held.mode = held.mode.max(mode),
            None => self.locks.push(Held { path, mode }),
        }
    }

    /// Whether the lock was held, or may have been.
    fn give_back(&mut self, path: &Path) -> bool {
        let before = self.locks.len() + self.maybe.len();
        self.locks.retain(|h| h.path != *path);
        self.maybe.retain(|p| p != path);
        self.locks.len() + self.maybe.len() != before
    }

    /// What is held on both ways.
    fn meet(&self, other: &Self) -> Self {
        let mut locks = Locks::new();
        for held in &self.locks {
            if let Some(o) = other.locks.iter().find(|o| o.path == held.path) {
                locks.push(Held { path: held.path, mode: held.mode.min(o.mode) });
            }
        }
        let mut maybe: SmallVec<[Path; 1]> = SmallVec::new();
        for state in [self, other] {
            for path in state.locks.iter().map(|h| &h.path).chain(&state.maybe) {
                if !maybe.contains(path) && !locks.iter().any(|h| h.path == *path) {
                    maybe.push(*path);
                }
            }
        }
        // An unknown lock only silences; so it counts when it may be held.
        Self { locks, unknown: self.unknown || other.unknown, maybe }
    }
}

/// What locks are called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Naming {
    /// By the objects that they are part of, as far as these are known.
    Objects,
    /// By the operands of the function's code ([`crate::operands`]).
    Operands,
}

/// Rounds after which a lockset that still changes is taken as it is: sets only shrink.
const MAX_ROUNDS: usize = 12;

/// Most implementations of a method that are asked whether they lock.
const MAX_LOCKERS: usize = 32;

impl FuncAnalysis<'_, '_> {
    /// Computes [`FuncAnalysis::locks`].
    pub fn find_locks(&mut self) {
        if !self.touches_locks() {
            return;
        }
        self.locks = self.all_states(Naming::Objects);
        self.operand_locks = self.all_states(Naming::Operands);
    }

    fn all_states(&self, names: Naming) -> LockStates {
        let mut out = self.lock_states(&Locks::new(), names);
        if !out.releases.is_empty() {
            // What is given back without having been taken here is held from the start.
            let assumed: Locks = out.releases.iter().copied().collect();
            out.at = self.lock_states(&assumed, names).at;
        }
        out
    }

    /// The locks held throughout when `assumed` are held on entry.
    fn lock_states(&self, assumed: &Locks, names: Naming) -> LockStates {
        let func = self.func;
        let blocks: Vec<BlockId> = self.order.rpo().to_vec();
        let start = LockState { locks: assumed.clone(), ..LockState::default() };
        let mut entry: IndexVec<BlockId, Option<LockState>> =
            IndexVec::from_vec(vec![None; func.blocks.len()]);
        entry[func.entry()] = Some(start);
        if let Some(recover) = func.recover_block {
            entry[recover] = Some(LockState::default());
        }
        let mut out = LockStates::default();
        for _ in 0..MAX_ROUNDS {
            let mut changed = false;
            for &block in &blocks {
                let Some(mut state) = entry[block].clone() else { continue };
                for &v in &func.blocks[block].instrs {
                    self.transfer(v, names, &mut state, &mut out.releases);
                }
                for succ in func.succs(block) {
                    let mut state = state.clone();
                    self.refine(block, succ, names, &mut state);
                    let mut new = match &entry[succ] {
                        Some(old) => old.meet(&state),
                        None => state,
                    };
                    if !new.maybe.is_empty() && self.order.is_chosen_by_caller(succ) {
                        // `if lock { mu.Lock() }`: callers who say no hold it themselves.
                        new.unknown = true;
                    }
                    if entry[succ].as_ref() != Some(&new) {
                        entry[succ] = Some(new);
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let mut exit: Option<LockState> = None;
        for &block in &blocks {
            let Some(mut state) = entry[block].clone() else { continue };
            for &v in &func.blocks[block].instrs {
                if state != LockState::default() {
                    out.at.insert(v, state.clone());
                }
                self.transfer(v, names, &mut state, &mut out.releases);
            }
            if matches!(func.blocks[block].term, Terminator::Return(_))
                && Some(block) != func.recover_block
            {
                exit = Some(exit.map_or_else(|| state.clone(), |e| e.meet(&state)));
            }
        }
        out.exit = exit.unwrap_or_default().locks;
        out
    }

    fn touches_locks(&self) -> bool {
        self.func.values.iter().any(|i| matches!(i.op, Op::Lock { .. }))
            || self.targets.values().flat_map(|t| t.iter()).any(|t| match t.code {
                Code::Func(f, _) => self
                    .summary_of(f)
                    .is_some_and(|s| !s.acquires.is_empty() || !s.releases.is_empty()),
                Code::Open { .. } => true,
            })
            || self
                .models()
                .any(|(_, m)| m.sync.iter().any(|s| matches!(s.op, SyncOp::Lock | SyncOp::RLock)))
    }

    /// The names of the lock at an address.
    fn lock_paths(&self, addr: ValueId, names: Naming) -> SmallVec<[Path; 2]> {
        match names {
            Naming::Objects => self.paths(addr),
            Naming::Operands => self.operands.path(addr).into_iter().collect(),
        }
    }

    fn transfer(&self, v: ValueId, names: Naming, state: &mut LockState, releases: &mut Vec<Held>) {
        match &self.func.instr(v).op {
            Op::Lock { op, addr, deferred: false } => {
                let paths = self.lock_paths(*addr, names);
                self.lock_op(*op, &paths, state, releases);
            }
            Op::RunDefers => {
                for block in self.order.rpo() {
                    for &d in &self.func.blocks[*block].instrs {
                        let op = &self.func.instr(d).op;
                        if !matches!(op, Op::Lock { deferred: true, .. } | Op::Defer(_))
                            || !self.order.after(d, v, None)
                        {
                            continue;
                        }
                        // One that may not have been deferred says nothing about callers.
                        let mut ignored = Vec::new();
                        let sure = self.order.dominates(d, v);
                        let releases = if sure { &mut *releases } else { &mut ignored };
                        if let Op::Lock { op, addr, .. } = op {
                            let paths = self.lock_paths(*addr, names);
                            self.lock_op(*op, &paths, state, releases);
                        } else {
                            self.call_locks(d, names, state, releases);
                        }
                    }
                }
            }
            Op::Call(_) => self.call_locks(v, names, state, releases),
            _ => {}
        }
    }

    fn lock_op(&self, op: LockOp, paths: &[Path], state: &mut LockState, releases: &mut Vec<Held>) {
        match (op, paths) {
            (LockOp::Lock, [path]) => state.take(*path, LockMode::Write),
            (LockOp::RLock, [path]) => state.take(*path, LockMode::Read),
            (LockOp::Lock | LockOp::RLock, _) => state.unknown = true,
            (LockOp::Unlock | LockOp::RUnlock, []) => state.unknown = false,
            (LockOp::Unlock | LockOp::RUnlock, paths) => {
                let mode = if op == LockOp::Unlock { LockMode::Write } else { LockMode::Read };
                for &path in paths {
                    release(Held { path, mode }, state, releases);
                }
                if paths.len() > 1 {
                    state.unknown = false;
                }
            }
            (LockOp::TryLock | LockOp::TryRLock, _) => {}
        }
    }

    /// What a call takes and gives back.
    fn call_locks(
        &self,
        v: ValueId,
        names: Naming,
        state: &mut LockState,
        releases: &mut Vec<Held>,
    ) {
        if let Some(model) = self.model_of(v) {
            for sync in &model.sync {
                let op = match sync.op {
                    SyncOp::Lock => LockOp::Lock,
                    SyncOp::Unlock => LockOp::Unlock,
                    SyncOp::RLock => LockOp::RLock,
                    SyncOp::RUnlock => LockOp::RUnlock,
                    _ => continue,
                };
                let paths: SmallVec<[Path; 2]> = match names {
                    Naming::Objects => {
                        let on = self.operand(v, sync.on);
                        on.iter().filter_map(Val::as_path).copied().collect()
                    }
                    Naming::Operands => {
                        let on = self.operand_value(v, sync.on);
                        on.and_then(|x| self.operands.path(x)).into_iter().collect()
                    }
                };
                self.lock_op(op, &paths, state, releases);
            }
        }
        let Some(targets) = self.targets.get(&v) else { return };
        let [target] = &targets[..] else {
            self.call_may_lock(v, targets, state);
            return;
        };
        if matches!(target.code, Code::Open { .. }) {
            self.call_may_lock(v, targets, state);
        }
        let Code::Func(f, free) = &target.code else { return };
        if target.run.spawn.is_some() {
            return;
        }
        let Some(summary) = self.summary_of(*f) else { return };
        let sub = Sub { args: &target.args, free, call: v };
        let here = |lock: &Path| -> SmallVec<[Path; 2]> {
            match names {
                Naming::Objects => {
                    let found = self.subst_lock(lock, &sub);
                    found.iter().filter_map(Val::as_path).copied().collect()
                }
                Naming::Operands => self.operand_behind(v, *f, lock).into_iter().collect(),
            }
        };
        for held in &summary.releases {
            for path in here(&held.path) {
                release(Held { path, mode: held.mode }, state, releases);
            }
        }
        for held in &summary.acquires {
            match here(&held.path)[..] {
                [path] => state.take(path, held.mode),
                _ => state.unknown = true,
            }
        }
    }

    /// A call of which the very callee is not known: when one of those that it may be takes a lock,
    /// then some lock is held, and when one gives a lock back, none may be.
    fn call_may_lock(&self, v: ValueId, targets: &[Target<'_>], state: &mut LockState) {
        let mut callees: SmallVec<[FuncId; 8]> = SmallVec::new();
        for target in targets {
            match &target.code {
                Code::Func(f, _) if target.run.spawn.is_none() => callees.push(*f),
                _ => {}
            }
        }
        if let Op::Call(CallInfo { callee: Callee::Interface { method }, .. }) =
            &self.func.instr(v).op
        {
            let name = self.cx.store.obj(*method).name;
            for &t in self.cx.implementations(*method).iter().take(MAX_LOCKERS) {
                let found = self.cx.method(t, name);
                callees.extend(found.and_then(|m| self.cx.program.by_obj.get(&m.method).copied()));
            }
        }
        for summary in callees.into_iter().filter_map(|f| self.summary_of(f)) {
            state.unknown |= !summary.acquires.is_empty();
            if !summary.releases.is_empty() {
                state.unknown = false;
                return;
            }
        }
    }

    /// On the way from `block` to `succ`, a `TryLock` may be known to have succeeded.
    fn refine(&self, block: BlockId, succ: BlockId, names: Naming, state: &mut LockState) {
        let Terminator::If { cond, then, els } = self.func.blocks[block].term else { return };
        let (cond, yes) = match self.func.instr(cond).op {
            Op::Unary { op: go_syntax::ast::UnaryOp::Not, x } => (x, els),
            _ => (cond, then),
        };
        if succ != yes || then == els {
            return;
        }
        if let Op::Lock { op, addr, .. } = self.func.instr(cond).op {
            let mode = match op {
                LockOp::TryLock => LockMode::Write,
                LockOp::TryRLock => LockMode::Read,
                _ => return,
            };
            match &self.lock_paths(addr, names)[..] {
                [path] => state.take(*path, mode),
                _ => state.unknown = true,
            }
        }
    }
}

/// Gives a lock back; one that was not taken here was taken by the caller.
fn release(held: Held, state: &mut LockState, releases: &mut Vec<Held>) {
    if !state.give_back(&held.path) && !releases.iter().any(|r| r.path == held.path) {
        releases.push(held);
    }
}
