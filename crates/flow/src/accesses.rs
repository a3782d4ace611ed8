//! The accesses that a function's instructions make: to maps, to plain memory, and those that
//! library models speak of.

use go_ir::{Op, ValueId};
use knowledge::{AccessKind, Model, Operand, SyncOp};
use smallvec::SmallVec;

use crate::function::FuncAnalysis;
use crate::pairs::is_write;
use crate::path::{Path, Root};
use crate::summary::{Event, Part, Site, Step, ThreadSet};
use crate::targets::Target;
use crate::tokens::TokenList;

/// An access without its place and time: fields as in [`Event`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub kind: AccessKind,
    pub ty: Option<go_types::TypeId>,
    pub part: Part,
    pub atomic: bool,
    pub indirect: bool,
    pub picked: bool,
}

impl Touch {
    /// What a value leads to (a map, the target of a pointer) is accessed as a whole.
    pub fn content(kind: AccessKind, ty: Option<go_types::TypeId>) -> Self {
        Self { kind, ty, part: Part::Whole, atomic: false, indirect: true, picked: false }
    }
}

impl<'a> FuncAnalysis<'a, '_> {
    /// Finds accesses and takes over what callees do.
    pub fn find_steps(&mut self) {
        for v in self.instructions() {
            let func = self.func;
            match &func.instr(v).op {
                Op::MapLookup { map, .. } => self.content_event(v, *map, AccessKind::MapRead),
                Op::MapUpdate { map, literal: false, .. } => {
                    self.content_event(v, *map, AccessKind::MapWrite);
                }
                Op::MapDelete { map, .. } => self.content_event(v, *map, AccessKind::MapDelete),
                Op::MapClear(map) => self.content_event(v, *map, AccessKind::MapClear),
                Op::MapLen(map) => self.content_event(v, *map, AccessKind::MapLen),
                Op::RangeNext(iter) => {
                    if let Op::MapRange(map) = func.instr(*iter).op {
                        self.content_event(v, map, AccessKind::MapIterate);
                    }
                }
                Op::Send { chan, .. } => self.content_event(v, *chan, AccessKind::ChanSend),
                Op::Close(chan) => self.content_event(v, *chan, AccessKind::ChanClose),
                Op::Select { cases, .. } => {
                    for case in cases.iter().filter(|c| c.send.is_some()) {
                        self.content_event(v, case.chan, AccessKind::ChanSend);
                    }
                }
                Op::Call(_) | Op::Go(_) | Op::Defer(_) => {
                    self.model_accesses(v);
                    self.pool_put(v);
                    let targets = self.targets.get(&v).cloned();
                    for target in
                        targets.iter().flat_map(|t: &std::sync::Arc<[Target<'a>]>| t.iter())
                    {
                        self.lift_target(v, target);
                    }
                }
                _ => self.memory_events(v),
            }
        }
    }

    /// When an instruction of this function runs; [`Self::order_steps`] fills in the rest.
    pub fn own_step(&self, v: ValueId) -> Step {
        let state = self.locks.at(v);
        Step {
            thread: None,
            pos: v,
            parallel: ThreadSet::default(),
            locks: state.locks,
            unknown_lock: state.unknown,
            acquired: TokenList::default(),
            released: TokenList::default(),
            request: false,
            group: None,
        }
    }

    /// The place of an instruction.
    pub fn own_site(&self, v: ValueId) -> Site {
        Site { span: self.func.instr(v).span, func: self.id, frames: None }
    }

    /// The paths among a value's possibilities, each with whether it is one of several.
    pub fn places(&self, v: ValueId) -> SmallVec<[(Path, bool); 2]> {
        self.vals[v].iter().filter_map(|val| Some((*val.as_path()?, val.picked))).collect()
    }

    /// The instruction `v` accesses what a map or channel value stands for.
    fn content_event(&mut self, v: ValueId, of: ValueId, kind: AccessKind) {
        let ty = self.func.instr(of).ty;
        for (path, picked) in self.places(of) {
            self.access_event(v, path, Touch { picked, ..Touch::content(kind, ty) });
        }
    }

    /// The instruction `v` accesses a path.
    pub fn access_event(&mut self, v: ValueId, path: Path, touch: Touch) {
        let Touch { kind, ty, part, atomic, indirect, picked } = touch;
        let through_copy = path.root == Root::Param(0)
            && path.parent().is_some_and(|p| self.is_by_value(&p))
            && self.has_value_receiver();
        let context_key = match path.root {
            Root::Context(key) => Some(key),
            _ => None,
        };
        let once = is_write(kind) && self.runs_while_nil(v);
        let step = self.own_step(v);
        let step = self.push_step(step);
        self.push_event(Event {
            path,
            kind,
            ty,
            part,
            atomic,
            indirect,
            picked,
            once,
            value_receiver: through_copy.then_some(self.id),
            copied_mutex: false,
            put: false,
            made: None,
            context_key,
            site: self.own_site(v),
            step,
        });
    }

    /// Accesses that a library function makes to its arguments.
    fn model_accesses(&mut self, v: ValueId) {
        let Some(model) = self.model_of(v) else { return };
        self.atomic_accesses(v, model);
        self.group_accesses(v, model);
        let func = self.func;
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &func.instr(v).op else { return };
        let first = usize::from(self.is_method_call(v));
        for access in &model.accesses {
            let args: SmallVec<[ValueId; 4]> = match access.on {
                Operand::Recv => info.args.first().copied().into_iter().collect(),
                Operand::Arg(n) => info.args.get(first + n as usize).copied().into_iter().collect(),
                Operand::Args(n) => info.args.iter().skip(first + n as usize).copied().collect(),
                Operand::Result(_) | Operand::Callback => continue,
            };
            for arg in args {
                for (map, ty) in self.maps_passed(arg, info.packed) {
                    for path in self.paths(map) {
                        self.access_event(v, path, Touch::content(access.kind, Some(ty)));
                    }
                }
                self.element_events(v, arg, Part::All, plain_kind(access.kind));
            }
        }
    }

    /// `Add` and `Wait` of a group.
    fn group_accesses(&mut self, v: ValueId, model: &Model) {
        for sync in &model.sync {
            let kind = match sync.op {
                SyncOp::GroupAdd if !self.takes_away(v) => AccessKind::GroupAdd,
                SyncOp::GroupWait => AccessKind::GroupWait,
                _ => continue,
            };
            for group in self.operand(v, sync.on).iter().filter_map(|val| val.as_path()).copied() {
                self.access_event(v, group, Touch::content(kind, None));
            }
        }
    }

    /// Whether the first argument is a negative constant: `group.Add(-1)`.
    fn takes_away(&self, v: ValueId) -> bool {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return false;
        };
        let first = info.args.get(usize::from(self.is_method_call(v)));
        first.is_some_and(|&arg| match &self.func.instr(arg).op {
            Op::Const(value) => value.int64_val().is_some_and(|n| n < 0),
            _ => false,
        })
    }

    /// Whether the goroutine that `go` starts is counted by a group before it runs: what it adds then
    /// comes before its own `Done`.
    pub fn is_counted(&self, group: &Path, go: ValueId) -> bool {
        let counts = |v: ValueId, ops: &[SyncOp]| {
            self.model_of(v).is_some_and(|model| {
                model.sync.iter().any(|sync| {
                    let on = || self.operand(v, sync.on);
                    ops.contains(&sync.op) && on().iter().any(|x| x.as_path() == Some(group))
                })
            })
        };
        counts(go, &[SyncOp::GroupGo])
            || self.targets.keys().any(|&v| {
                self.order.after(v, go, None) && counts(v, &[SyncOp::GroupAdd, SyncOp::GroupGo])
            })
    }

    /// Functions of `sync/atomic` access what their first argument points to.
    fn atomic_accesses(&mut self, v: ValueId, model: &Model) {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return;
        };
        let Some(&addr) = info.args.first() else { return };
        for sync in model.sync.iter().filter(|s| s.on == Operand::Arg(0)) {
            let kind = match sync.op {
                SyncOp::Acquire => AccessKind::Read,
                SyncOp::Release | SyncOp::AcquireRelease => AccessKind::Write,
                _ => continue,
            };
            self.place_events(v, addr, kind, true);
        }
    }

    /// The map values that are passed as, boxed in, or packed into an argument.
    fn maps_passed(
        &self,
        arg: ValueId,
        packed: bool,
    ) -> SmallVec<[(ValueId, go_types::TypeId); 2]> {
        let store = self.cx.store;
        let map_type = |v: ValueId| {
            let t = self.func.instr(v).ty?;
            let under = go_types::under::under(store, t);
            matches!(store.ty(under), go_types::Type::Map { .. }).then_some(t)
        };
        let unbox = |mut v: ValueId| {
            while let Op::MakeInterface(x) | Op::Convert(x) = self.func.instr(v).op {
                if map_type(v).is_some() {
                    break;
                }
                v = x;
            }
            v
        };
        let mut out = SmallVec::new();
        let direct = unbox(arg);
        if let Some(t) = map_type(direct) {
            out.push((direct, t));
        } else if packed
            && let Op::SliceExpr { x: array, .. } | Op::Load(array) = self.func.instr(arg).op
        {
            // f(a, b): stores into the elements of an array made for the call.
            for instr in self.func.values.iter() {
                if let Op::Store { addr, value } = instr.op
                    && let Op::IndexAddr { base, .. } = self.func.instr(addr).op
                    && base == array
                {
                    let value = unbox(value);
                    if let Some(t) = map_type(value) {
                        out.push((value, t));
                    }
                }
            }
        }
        out
    }
}

/// What a library function does to the elements of a slice that it is given.
fn plain_kind(kind: AccessKind) -> AccessKind {
    if is_write(kind) { AccessKind::Write } else { AccessKind::Read }
}
