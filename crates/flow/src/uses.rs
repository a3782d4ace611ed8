//! What a function's own code does to fields and package-level variables under which locks, and
//! what it calls under which, in the names of its operands: what [`crate::conventions`] counts.

use base::FxHashMap;
use go_ir::{CallInfo, Callee, FuncId, LockOp, Op, ValueId};
use go_types::{ObjId, Type};
use knowledge::{AccessKind, Operand};
use smallvec::SmallVec;
use source::FileSpan;

use crate::function::FuncAnalysis;
use crate::path::{Path, Root};
use crate::summary::Locks;
use crate::targets::Code;

/// Most implementations of an interface method that a call of it is counted for.
const MAX_CALLEES: usize = 32;

/// An access in a function's own code.
#[derive(Clone, Debug)]
pub struct Use {
    /// The field (its origin) or the package-level variable.
    pub obj: ObjId,
    /// The place, in the names of the code's operands.
    pub place: Path,
    /// What is done: to the map, when a map is accessed, to its elements or to the place itself.
    pub kind: AccessKind,
    /// Where.
    pub span: FileSpan,
    /// Locks held, in the names of the code's operands.
    pub locks: Locks,
    /// Whether a lock without a name is held too.
    pub unknown_lock: bool,
    /// Whether the object was made here.
    pub fresh: bool,
}

/// An operand of a call.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// What the caller calls it.
    pub path: Path,
    /// Whether the object was made in the caller.
    pub fresh: bool,
}

/// A call in a function's own code.
#[derive(Clone, Debug)]
pub struct UseCall {
    /// What is called.
    pub callee: FuncId,
    /// Arguments, the receiver first; `None` for what has no name.
    pub args: SmallVec<[Option<Passed>; 3]>,
    /// What a function literal captures.
    pub free: SmallVec<[Option<Passed>; 3]>,
    /// Locks held, in the names of the code's operands.
    pub locks: Locks,
    /// Where.
    pub place: FileSpan,
    /// Whether it runs on another goroutine.
    pub spawned: bool,
    /// How many functions it may be.
    pub choices: u32,
    /// For a function that is passed to another: that one, and the number of the parameter. It is
    /// run when that parameter is called there.
    pub inside: Option<(FuncId, u32)>,
}

/// A call of a parameter.
#[derive(Clone, Debug)]
pub struct ParamCall {
    /// The number of the parameter.
    pub param: u32,
    /// Locks held.
    pub locks: Locks,
    /// Whether it runs on another goroutine.
    pub spawned: bool,
}

/// What [`crate::conventions`] needs to know of a function.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Accesses.
    pub accesses: Vec<Use>,
    /// Calls.
    pub calls: Vec<UseCall>,
    /// Calls of what the function was given.
    pub param_calls: Vec<ParamCall>,
    /// Locks of the caller that the function gives back, for a while or for good.
    pub releases: Vec<Path>,
}

/// Most deferred unlocks of a function that are told apart.
const MAX_DEFERRED: usize = 64;

/// Collects the accesses and calls of one function.
struct Finder<'f, 'a, 'c> {
    in_func: &'f FuncAnalysis<'a, 'c>,
    /// Deferred unlocks, with the lock.
    deferred_unlocks: Vec<(ValueId, Path)>,
    /// Stores to places that have a name.
    stores: FxHashMap<Path, SmallVec<[ValueId; 1]>>,
    found: Uses,
}

impl FuncAnalysis<'_, '_> {
    /// Collects accesses and calls.
    pub fn find_uses(&self) -> Uses {
        let mut finder = Finder {
            in_func: self,
            deferred_unlocks: Vec::new(),
            stores: FxHashMap::default(),
            found: Uses {
                releases: self.operand_locks.releases.iter().map(|h| h.path).collect(),
                ..Uses::default()
            },
        };
        finder.note_stores_and_unlocks();
        for v in self.instructions() {
            finder.note(v);
        }
        finder.found
    }
}

impl Finder<'_, '_, '_> {
    /// What a later look would have to scan the whole function for.
    fn note_stores_and_unlocks(&mut self) {
        let operands = &self.in_func.operands;
        for v in self.in_func.instructions() {
            match self.in_func.func.instr(v).op {
                Op::Store { addr, .. } => {
                    if let Some(place) = operands.path(addr) {
                        self.stores.entry(place).or_default().push(v);
                    }
                }
                Op::Lock { op: LockOp::Unlock | LockOp::RUnlock, addr, deferred: true } => {
                    if let Some(lock) = operands.path(addr) {
                        self.deferred_unlocks.push((v, lock));
                    }
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, v: ValueId) {
        match &self.in_func.func.instr(v).op {
            Op::Load(addr) => self.note_place_use(v, *addr, AccessKind::Read),
            Op::Store { addr, .. } => {
                self.note_place_use(v, *addr, AccessKind::Write);
            }
            Op::MapLookup { map, .. } => {
                self.note_map_use(v, *map, AccessKind::MapRead);
            }
            Op::MapUpdate { map, literal: false, .. } => {
                self.note_map_use(v, *map, AccessKind::MapWrite);
            }
            Op::MapDelete { map, .. } => {
                self.note_map_use(v, *map, AccessKind::MapDelete);
            }
            Op::MapClear(map) => self.note_map_use(v, *map, AccessKind::MapClear),
            Op::MapLen(map) => self.note_map_use(v, *map, AccessKind::MapLen),
            Op::MapRange(map) => {
                self.note_map_use(v, *map, AccessKind::MapIterate);
            }
            Op::Call(info) | Op::Defer(info) => self.note_calls(v, info, false),
            Op::Go(info) => self.note_calls(v, info, true),
            _ => {}
        }
    }

    fn note_map_use(&mut self, v: ValueId, map: ValueId, kind: AccessKind) {
        if let Some(place) = self.in_func.operands.path(map) {
            let is_fresh = match self.in_func.func.instr(map).op {
                Op::Load(from) => self.in_func.is_fresh(from) || self.is_taken_out(&place, map, v),
                _ => self.in_func.is_fresh(map),
            };
            self.note_use(v, place, kind, is_fresh);
        }
    }

    /// Whether a map that was read from a place at `read` has been replaced there by something else
    /// before it is used: then nobody else has it any more.
    fn is_taken_out(&self, place: &Path, read: ValueId, used: ValueId) -> bool {
        let order = &self.in_func.order;
        let mut stores = self.stores.get(place).into_iter().flatten();
        stores.any(|&v| order.dominates(v, used) && order.after(read, v, None))
    }

    /// An access to the place at an address, or to an element of the slice that is kept there.
    fn note_place_use(&mut self, v: ValueId, addr: ValueId, kind: AccessKind) {
        let mut at = addr;
        let mut is_element = false;
        while let Op::IndexAddr { base, .. } = self.in_func.func.instr(at).op {
            is_element = true;
            at = self.in_func.operands.source(base).unwrap_or(base);
        }
        // The slice itself is read on the way to an element.
        if is_element && kind == AccessKind::Read {
            return;
        }
        if !matches!(self.in_func.func.instr(at).op, Op::FieldAddr { .. } | Op::Global(_)) {
            return;
        }
        // So is the place that holds a map on the way to its content.
        if kind == AccessKind::Read && self.is_map_place(at) {
            return;
        }
        if let Some(place) = self.in_func.operands.path(at) {
            self.note_use(v, place, kind, self.in_func.is_fresh(at));
        }
    }

    fn is_map_place(&self, addr: ValueId) -> bool {
        let store = self.in_func.cx.store;
        self.in_func.func.instr(addr).ty.is_some_and(|t| {
            let held = go_types::under::under(store, crate::context::deref(store, t));
            matches!(store.ty(held), Type::Map { .. })
        })
    }

    fn note_use(&mut self, v: ValueId, place: Path, kind: AccessKind, fresh: bool) {
        let Some(obj) = place.variable() else { return };
        let is_plain = matches!(kind, AccessKind::Read | AccessKind::Write);
        if is_plain && !self.in_func.cx.mutable.contains(obj) {
            return;
        }
        let state = self.in_func.operand_locks.at(v);
        self.found.accesses.push(Use {
            obj,
            place,
            kind,
            span: self.in_func.func.instr(v).span,
            locks: state.locks,
            unknown_lock: state.unknown,
            fresh,
        });
    }

    fn note_calls(&mut self, v: ValueId, info: &CallInfo, is_go: bool) {
        let func = self.in_func.func;
        let locks = self.locks_during(v);
        let place = func.instr(v).span;
        let mut callees: SmallVec<[FuncId; 2]> = SmallVec::new();
        let mut free = SmallVec::new();
        match &info.callee {
            Callee::Static { obj, .. } => {
                callees.extend(self.in_func.cx.program.by_obj.get(obj).copied())
            }
            Callee::Interface { method } => {
                let name = self.in_func.cx.store.obj(*method).name;
                for &t in self.in_func.cx.implementations(*method).iter().take(MAX_CALLEES) {
                    let found = self.in_func.cx.method(t, name).filter(|m| m.through.is_empty());
                    callees.extend(
                        found.and_then(|m| self.in_func.cx.program.by_obj.get(&m.method).copied()),
                    );
                }
            }
            Callee::Value(f) => match self.in_func.operands.closure(*f) {
                Some((closure, bindings)) => {
                    callees.push(closure);
                    free = bindings.iter().map(|&b| self.in_func.passed(b)).collect();
                }
                None => {
                    if let Some(Path { root: Root::Param(param), elems }) =
                        self.in_func.operands.path(*f)
                        && elems.is_empty()
                    {
                        let locks = locks.clone();
                        self.found.param_calls.push(ParamCall { param, locks, spawned: is_go });
                    }
                }
            },
        }
        let args: SmallVec<[Option<Passed>; 3]> =
            info.args.iter().map(|&a| self.in_func.passed(a)).collect();
        let spawns = |f: FuncId| {
            let targets = self.in_func.targets.get(&v).into_iter().flat_map(|t| t.iter());
            let mut runs = targets.filter(|t| matches!(t.code, Code::Func(g, _) if g == f));
            runs.any(|t| t.run.spawn.is_some())
        };
        // Functions that are passed run inside the callee, or, when that is not there, as its
        // model says.
        let known = callees.iter().copied().find(|&f| !self.in_func.cx.func(f).external);
        for (n, &arg) in info.args.iter().enumerate() {
            let Some((closure, bindings)) = self.in_func.operands.closure(arg) else { continue };
            self.found.calls.push(UseCall {
                callee: closure,
                args: SmallVec::new(),
                free: bindings.iter().map(|&b| self.in_func.passed(b)).collect(),
                locks: locks.clone(),
                place,
                spawned: is_go || spawns(closure),
                choices: 1,
                inside: known.map(|f| (f, n as u32)),
            });
        }
        let choices = callees.len() as u32;
        for callee in callees {
            let (args, free, locks) = (args.clone(), free.clone(), locks.clone());
            let spawned = is_go || spawns(callee);
            let call = UseCall { callee, args, free, locks, place, spawned, choices, inside: None };
            self.found.calls.push(call);
        }
    }

    /// The locks held while a call runs: for a deferred one, those at the return that are not given
    /// back by what was deferred later.
    fn locks_during(&self, call: ValueId) -> Locks {
        if !matches!(self.in_func.func.instr(call).op, Op::Defer(_)) {
            return self.in_func.operand_locks.at(call).locks;
        }
        let returns = self.in_func.runs_at(call);
        if returns == call {
            return Locks::new();
        }
        let mut locks = self.in_func.operand_locks.at(returns).locks;
        if self.deferred_unlocks.len() > MAX_DEFERRED {
            return Locks::new();
        }
        for (unlock, lock) in &self.deferred_unlocks {
            if self.in_func.order.dominates(call, *unlock) {
                locks.retain(|h| h.path != *lock);
            }
        }
        locks
    }
}

impl FuncAnalysis<'_, '_> {
    /// Whether the object that a pointer, an address or a map is or lies in was made by this
    /// function or for it.
    fn is_fresh(&self, v: ValueId) -> bool {
        let func = self.func;
        let mut at = v;
        loop {
            match func.instr(at).op {
                Op::FieldAddr { base, .. } | Op::Field { base, .. } => at = base,
                Op::Alloc { .. } if self.operands.holds_reference(at) => {
                    return self.operands.source(at).is_some_and(|x| self.is_fresh(x));
                }
                Op::Alloc { .. } => return true,
                _ => break,
            }
        }
        let is_fresh = |p: &Path| matches!(p.root, Root::Fresh(_)) && !p.has_item();
        !self.vals[at].is_empty()
            && self.vals[at].iter().all(|val| val.as_path().is_some_and(is_fresh))
    }

    fn passed(&self, v: ValueId) -> Option<Passed> {
        Some(Passed { path: self.operands.path(v)?, fresh: self.is_fresh(v) })
    }

    /// The value that a model's operand stands for at a call, when it is one.
    pub fn operand_value(&self, v: ValueId, operand: Operand) -> Option<ValueId> {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return None;
        };
        let first = usize::from(self.is_method_call(v));
        match operand {
            Operand::Recv => info.args.first().copied(),
            Operand::Arg(n) => info.args.get(first + n as usize).copied(),
            Operand::Args(_) | Operand::Result(_) | Operand::Callback => None,
        }
    }

    /// The name here of what `f`, called at `v`, calls `path`.
    pub fn operand_behind(&self, v: ValueId, f: FuncId, path: &Path) -> Option<Path> {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return None;
        };
        let value = match (&info.callee, path.root) {
            (_, Root::Global(_)) => return Some(*path),
            (Callee::Static { obj, .. }, Root::Param(n))
                if self.cx.program.by_obj.get(obj) == Some(&f) =>
            {
                info.args.get(n as usize).copied()?
            }
            (Callee::Interface { .. }, Root::Param(n)) => info.args.get(n as usize).copied()?,
            (Callee::Value(callee), root) => {
                let (closure, bindings) = self.operands.closure(*callee)?;
                match root {
                    Root::Param(n) if closure == f => info.args.get(n as usize).copied()?,
                    Root::Free(n) if closure == f => bindings.get(n as usize).copied()?,
                    _ => return None,
                }
            }
            // A result that holds the lock: `lock := s.lock(); defer lock.unlock()`.
            (_, Root::Ret(0)) => v,
            _ => return None,
        };
        path.behind(&self.operands.path(value)?)
    }
}
