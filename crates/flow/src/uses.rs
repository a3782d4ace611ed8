//! What a function's own code does to fields and package-level variables under which locks, and
//! what it calls under which, in the names of its operands: what [`crate::conventions`] counts.

use go_ir::{BlockId, CallInfo, Callee, FuncId, LockOp, Op, ValueId};
use go_types::{ObjId, Type};
use knowledge::{AccessKind, Operand};
use smallvec::SmallVec;
use source::FileSpan;

use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root};
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

impl FuncAnalysis<'_, '_> {
    /// Collects accesses and calls.
    pub fn find_uses(&self) -> Uses {
        let mut uses = Uses {
            releases: self.operand_locks.releases.iter().map(|h| h.path).collect(),
            ..Uses::default()
        };
        for v in self.instructions() {
            match &self.func.instr(v).op {
                Op::Load(addr) => self.note_place_use(v, *addr, AccessKind::Read, &mut uses),
                Op::Store { addr, .. } => {
                    self.note_place_use(v, *addr, AccessKind::Write, &mut uses);
                }
                Op::MapLookup { map, .. } => {
                    self.note_map_use(v, *map, AccessKind::MapRead, &mut uses);
                }
                Op::MapUpdate { map, literal: false, .. } => {
                    self.note_map_use(v, *map, AccessKind::MapWrite, &mut uses);
                }
                Op::MapDelete { map, .. } => {
                    self.note_map_use(v, *map, AccessKind::MapDelete, &mut uses);
                }
                Op::MapClear(map) => self.note_map_use(v, *map, AccessKind::MapClear, &mut uses),
                Op::MapLen(map) => self.note_map_use(v, *map, AccessKind::MapLen, &mut uses),
                Op::MapRange(map) => {
                    self.note_map_use(v, *map, AccessKind::MapIterate, &mut uses);
                }
                Op::Call(info) | Op::Defer(info) => self.note_calls(v, info, false, &mut uses),
                Op::Go(info) => self.note_calls(v, info, true, &mut uses),
                _ => {}
            }
        }
        uses
    }

    fn note_map_use(&self, v: ValueId, map: ValueId, kind: AccessKind, uses: &mut Uses) {
        if let Some(place) = self.operands.path(map) {
            let is_fresh = match self.func.instr(map).op {
                Op::Load(from) => self.is_fresh(from) || self.is_taken_out(&place, map, v),
                _ => self.is_fresh(map),
            };
            self.note_use(v, place, kind, is_fresh, uses);
        }
    }

    /// Whether a map that was read from a place at `read` has been replaced there by something else
    /// before it is used: then nobody else has it any more.
    fn is_taken_out(&self, place: &Path, read: ValueId, used: ValueId) -> bool {
        self.func.values.iter_enumerated().any(|(v, instr)| match instr.op {
            Op::Store { addr, .. } => {
                self.order.dominates(v, used)
                    && self.order.after(read, v, None)
                    && self.operands.path(addr).as_ref() == Some(place)
            }
            _ => false,
        })
    }

    /// An access to the place at an address, or to an element of the slice that is kept there.
    fn note_place_use(&self, v: ValueId, addr: ValueId, kind: AccessKind, uses: &mut Uses) {
        let mut at = addr;
        let mut is_element = false;
        while let Op::IndexAddr { base, .. } = self.func.instr(at).op {
            is_element = true;
            at = self.operands.source(base).unwrap_or(base);
        }
        // The slice itself is read on the way to an element.
        if is_element && kind == AccessKind::Read {
            return;
        }
        if !matches!(self.func.instr(at).op, Op::FieldAddr { .. } | Op::Global(_)) {
            return;
        }
        // So is the place that holds a map on the way to its content.
        if kind == AccessKind::Read && self.is_map_place(at) {
            return;
        }
        if let Some(place) = self.operands.path(at) {
            self.note_use(v, place, kind, self.is_fresh(at), uses);
        }
    }

    fn is_map_place(&self, addr: ValueId) -> bool {
        let store = self.cx.store;
        self.func.instr(addr).ty.is_some_and(|t| {
            let held = go_types::under::under(store, crate::context::deref(store, t));
            matches!(store.ty(held), Type::Map { .. })
        })
    }

    fn note_use(&self, v: ValueId, place: Path, kind: AccessKind, fresh: bool, uses: &mut Uses) {
        let obj = match (place.elems.last(), place.root) {
            (Some(Elem::Field(field)), _) => field,
            (None, Root::Global(obj)) => obj,
            _ => return,
        };
        let is_plain = matches!(kind, AccessKind::Read | AccessKind::Write);
        if is_plain && !self.cx.mutable.contains(obj) {
            return;
        }
        let state = self.operand_locks.at(v);
        uses.accesses.push(Use {
            obj,
            place,
            kind,
            span: self.func.instr(v).span,
            locks: state.locks,
            unknown_lock: state.unknown,
            fresh,
        });
    }

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

    fn note_calls(&self, v: ValueId, info: &CallInfo, is_go: bool, uses: &mut Uses) {
        let func = self.func;
        let locks = self.locks_during(v);
        let place = func.instr(v).span;
        let mut callees: SmallVec<[FuncId; 2]> = SmallVec::new();
        let mut free = SmallVec::new();
        match &info.callee {
            Callee::Static { obj, .. } => callees.extend(self.cx.program.by_obj.get(obj).copied()),
            Callee::Interface { method } => {
                let name = self.cx.store.obj(*method).name;
                for &t in self.cx.implementations(*method).iter().take(MAX_CALLEES) {
                    let found = self.cx.method(t, name).filter(|m| m.through.is_empty());
                    callees
                        .extend(found.and_then(|m| self.cx.program.by_obj.get(&m.method).copied()));
                }
            }
            Callee::Value(f) => match self.operands.closure(*f) {
                Some((closure, bindings)) => {
                    callees.push(closure);
                    free = bindings.iter().map(|&b| self.passed(b)).collect();
                }
                None => {
                    if let Some(Path { root: Root::Param(param), elems }) = self.operands.path(*f)
                        && elems.is_empty()
                    {
                        let locks = locks.clone();
                        uses.param_calls.push(ParamCall { param, locks, spawned: is_go });
                    }
                }
            },
        }
        let args: SmallVec<[Option<Passed>; 3]> =
            info.args.iter().map(|&a| self.passed(a)).collect();
        let spawns = |f: FuncId| {
            let targets = self.targets.get(&v).into_iter().flat_map(|t| t.iter());
            let mut runs = targets.filter(|t| matches!(t.code, Code::Func(g, _) if g == f));
            runs.any(|t| t.run.spawn.is_some())
        };
        // Functions that are passed run inside the callee, or, when that is not there, as its
        // model says.
        let known = callees.iter().copied().find(|&f| !self.cx.func(f).external);
        for (n, &arg) in info.args.iter().enumerate() {
            let Some((closure, bindings)) = self.operands.closure(arg) else { continue };
            uses.calls.push(UseCall {
                callee: closure,
                args: SmallVec::new(),
                free: bindings.iter().map(|&b| self.passed(b)).collect(),
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
            uses.calls.push(call);
        }
    }

    /// The locks held while a call runs: for a deferred one, those at the return that are not given
    /// back by what was deferred later.
    fn locks_during(&self, call: ValueId) -> Locks {
        if !matches!(self.func.instr(call).op, Op::Defer(_)) {
            return self.operand_locks.at(call).locks;
        }
        let Some(returns) = self.run_defers else { return Locks::new() };
        let mut locks = self.operand_locks.at(returns).locks;
        let blocks: &[BlockId] = self.order.rpo();
        let later = blocks.iter().flat_map(|&b| self.func.blocks[b].instrs.iter().copied());
        for d in later.filter(|&d| d != call && self.order.dominates(call, d)) {
            if let Op::Lock { op: LockOp::Unlock | LockOp::RUnlock, addr, deferred: true } =
                self.func.instr(d).op
                && let Some(path) = self.operands.path(addr)
            {
                locks.retain(|h| h.path != path);
            }
        }
        locks
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
