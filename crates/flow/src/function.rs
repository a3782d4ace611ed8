//! The analysis of one function: what its values may be, which calls it makes, and in the end its
//! [`Summary`]. Two passes over the instructions find values and stores (the second sees the
//! stores of the first); then locks; then the steps that callers can see.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use base::{FxHashMap, FxHashSet, IndexVec, Symbol};
use go_ir::{BlockId, Callee, Func, FuncId, Gate, Op, Order, Terminator, ValueId};
use go_types::{BuiltinId, ConstValue, ObjId, Type};
use smallvec::{SmallVec, smallvec};

use crate::context::{Context, named_obj};
use crate::locks::LockStates;
use crate::operands::Operands;
use crate::path::{CtxKey, Elem, Path, Root, Val, Vals, What, add_val};
use crate::reuse::Reuse;
use crate::signals::Index;
use crate::summary::{Event, OpenCall, Step, Summary, Thread, Token, Tokens, Via};
use crate::targets::Target;

/// A store seen in the function, or made for it by a callee.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// The place.
    pub dest: Path,
    /// What is put there.
    pub vals: Vals,
    /// The instruction that does it.
    pub at: ValueId,
}

/// Most stores that are remembered in one function.
const MAX_FACTS: usize = 2_048;

/// One function under analysis.
pub(crate) struct FuncAnalysis<'a, 'c> {
    pub cx: &'c Context<'a>,
    pub id: FuncId,
    pub func: &'a Func,
    pub order: Order<'a>,
    /// Values found so far.
    pub vals: IndexVec<ValueId, Vals>,
    /// Stores found so far.
    pub facts: Vec<Fact>,
    pub facts_by_dest: FxHashMap<Path, SmallVec<[u32; 2]>>,
    pub stored_roots: FxHashSet<Root>,
    /// What places were resolved to while there were so many stores.
    pub resolved: RefCell<(usize, FxHashMap<(Path, Option<ValueId>, bool), Vals>)>,
    /// Which objects are put away more than once.
    pub reuse: Reuse,
    /// Roots below which something is stored.
    pub set_fields: FxHashSet<Root>,
    /// Places of one object whose content went to another place of it: to, from, and where.
    pub moves: FxHashMap<(Path, Path), SmallVec<[ValueId; 1]>>,
    /// What each call, `go` and `defer` may run.
    pub targets: FxHashMap<ValueId, Arc<[Target<'a>]>>,
    /// The targets whose stores have been noted, by call.
    pub stores_of: FxHashMap<ValueId, Arc<[Target<'a>]>>,
    /// Locks held before each instruction, once computed.
    pub locks: LockStates,
    /// The same in the names of the code's operands.
    pub operand_locks: LockStates,
    /// What the code calls its memory.
    pub operands: Operands<'a>,
    /// The instructions that run deferred calls: one before each return.
    pub all_run_defers: Vec<ValueId>,
    /// Signals, by the instruction that gives them.
    pub signals: Vec<(ValueId, Token)>,
    /// Those of deferred calls, by the `defer` statement.
    pub deferred_signals: Vec<(ValueId, Token)>,
    /// Waits, by when they are over.
    pub waits: Vec<(Gate, Token)>,
    /// What the arms of a `select` wait for, when one of them must be taken: the `select`, the arm.
    pub arms: Vec<(ValueId, BlockId, Token)>,
    /// How many calls of values may still be resolved.
    pub open_budget: Cell<u32>,
    /// Signals and waits by what they are on, once all are known.
    pub index: Index,
    /// Blocks that run only while something is nil that is set there, once looked for.
    pub nil_regions: Option<Vec<BlockId>>,
    /// What was waited for before each instruction that was asked for.
    pub waited: RefCell<FxHashMap<ValueId, Tokens>>,
    /// Places that are set to a value without identity, such as nil.
    pub replaced: Vec<Path>,
    /// When the accesses and calls happen.
    pub steps: Vec<Step>,
    /// Accesses, calls and goroutines found.
    pub events: Vec<Event>,
    pub calls: Vec<OpenCall>,
    pub threads: Vec<Thread>,
}

impl<'a, 'c> FuncAnalysis<'a, 'c> {
    pub fn new(cx: &'c Context<'a>, id: FuncId) -> Self {
        let func = cx.func(id);
        let order = Order::new(func);
        let all_run_defers: Vec<ValueId> = order
            .rpo()
            .iter()
            .flat_map(|&b| func.blocks[b].instrs.iter().copied())
            .filter(|&v| matches!(func.instr(v).op, Op::RunDefers))
            .collect();
        Self {
            cx,
            id,
            func,
            order,
            vals: IndexVec::from_vec(vec![Vals::new(); func.values.len()]),
            facts: Vec::new(),
            facts_by_dest: FxHashMap::default(),
            stored_roots: FxHashSet::default(),
            resolved: RefCell::default(),
            reuse: Reuse::default(),
            set_fields: FxHashSet::default(),
            moves: FxHashMap::default(),
            targets: FxHashMap::default(),
            stores_of: FxHashMap::default(),
            locks: LockStates::default(),
            operand_locks: LockStates::default(),
            operands: Operands::new(func, cx.store),
            all_run_defers,
            signals: Vec::new(),
            deferred_signals: Vec::new(),
            waits: Vec::new(),
            arms: Vec::new(),
            index: Index::default(),
            nil_regions: None,
            open_budget: Cell::new(crate::lift::MAX_OPEN),
            waited: RefCell::default(),
            replaced: Vec::new(),
            steps: Vec::new(),
            events: Vec::new(),
            calls: Vec::new(),
            threads: Vec::new(),
        }
    }

    /// Instructions in the order in which they can run, loops once.
    pub fn instructions(&self) -> Vec<ValueId> {
        let blocks = self.order.rpo();
        blocks.iter().flat_map(|&b| self.func.blocks[b].instrs.iter().copied()).collect()
    }

    /// Finds values, stores, signals and call targets.
    pub fn find_values(&mut self) {
        let instructions = self.instructions();
        for round in 0..2 {
            if round == 1 {
                self.signals.clear();
                self.deferred_signals.clear();
                self.waits.clear();
                self.arms.clear();
            }
            for &v in &instructions {
                let vals = if self.is_plain_value(v) { Vals::new() } else { self.eval(v) };
                self.vals[v] = vals;
                self.note_effects(v);
            }
        }
    }

    /// Whether a value is a number, string or truth value: a copy that leads nowhere.
    fn is_plain_value(&self, v: ValueId) -> bool {
        let instr = self.func.instr(v);
        let store = self.cx.store;
        matches!(instr.op, Op::Load(_) | Op::Field { .. } | Op::Phi(_) | Op::Extract { .. })
            && instr.ty.is_some_and(|t| {
                matches!(store.ty(go_types::under::under(store, t)), Type::Basic(b)
                    if *b != go_types::Basic::UnsafePointer && *b != go_types::Basic::Invalid)
            })
    }

    /// What the `i`th operand-like value may be.
    pub fn val(&self, v: ValueId) -> Vals {
        self.vals[v].clone()
    }

    /// The paths among a value's possibilities.
    pub fn paths(&self, v: ValueId) -> SmallVec<[Path; 2]> {
        self.vals[v].iter().filter_map(|val| val.as_path().copied()).collect()
    }

    fn fresh(v: ValueId) -> Vals {
        smallvec![Val::path(Path::root(Root::Fresh(v)))]
    }

    fn eval(&mut self, v: ValueId) -> Vals {
        let func = self.func;
        let instr = func.instr(v);
        match &instr.op {
            Op::Param(n) => smallvec![Val::path(Path::root(Root::Param(*n)))],
            Op::FreeVar(n) => smallvec![Val::path(Path::root(Root::Free(*n)))],
            Op::Global(obj) => smallvec![Val::path(Path::root(Root::Global(*obj)))],
            Op::Func(obj) => smallvec![Val::code(What::Func(*obj))],
            Op::Alloc { .. } | Op::MakeMap | Op::MakeChan(_) | Op::MakeSlice { .. } => {
                Self::fresh(v)
            }
            Op::Load(addr) => self.resolve_all(&self.val(*addr), Some(v)),
            Op::FieldAddr { base, field, .. } => self.step(*base, Elem::Field(*field)),
            Op::Field { base, field, .. } => {
                let vals = self.step(*base, Elem::Field(*field));
                self.resolve_all(&vals, Some(v))
            }
            Op::IndexAddr { base, .. } => self.step(*base, Elem::Item),
            Op::Index { base, .. } | Op::MapLookup { map: base, .. } => {
                let vals = self.step(*base, Elem::Item);
                self.resolve_all(&vals, Some(v))
            }
            Op::Recv { chan, .. } => {
                let vals = self.step(*chan, Elem::Item);
                self.resolve_all(&vals, Some(v))
            }
            Op::Phi(from) => {
                let mut out = Vals::new();
                for &f in from {
                    for val in self.val(f) {
                        add_val(&mut out, val);
                    }
                }
                out
            }
            Op::Extract { tuple, index } => self.eval_extract(*tuple, *index),
            Op::Convert(x) | Op::TypeAssert { x, .. } | Op::SliceExpr { x, .. } => self.val(*x),
            Op::MakeInterface(x) => {
                let ty = func.instr(*x).ty;
                let mut vals = self.val(*x);
                for val in &mut vals {
                    val.dynamic = val.dynamic.or(ty);
                }
                if vals.is_empty() && ty.is_some() {
                    // A value without an identity of its own still has a type to call methods of.
                    let what = What::Path(Path::root(Root::Fresh(v)));
                    vals.push(Val { dynamic: ty, ..Val::code(what) });
                }
                vals
            }
            Op::MakeClosure { func, bindings } => {
                let bound: Vec<Vals> = bindings.iter().map(|&b| self.val(b)).collect();
                smallvec![Val::code(What::Closure(*func, bound.into()))]
            }
            Op::BoundMethod { recv, method } => {
                let recv = Arc::new(self.val(*recv));
                smallvec![Val::code(What::Bound(*method, recv))]
            }
            Op::Call(_) => {
                self.find_targets(v);
                self.call_result(v, 0)
            }
            Op::Go(_) | Op::Defer(_) => {
                self.find_targets(v);
                Vals::new()
            }
            Op::BuiltinCall { id: BuiltinId::Append, args } => {
                let mut out = Vals::new();
                if let Some(&a) = args.first() {
                    for val in self.val(a) {
                        add_val(&mut out, val);
                    }
                }
                if out.is_empty() { Self::fresh(v) } else { out }
            }
            Op::BuiltinCall { id: BuiltinId::New, .. } => Self::fresh(v),
            Op::BuiltinCall { id: BuiltinId::Min | BuiltinId::Max, .. }
            | Op::BuiltinCall { .. }
            | Op::Const(_)
            | Op::Zero
            | Op::Store { .. }
            | Op::Unary { .. }
            | Op::Binary { .. }
            | Op::MapUpdate { .. }
            | Op::MapDelete { .. }
            | Op::MapClear(_)
            | Op::MapLen(_)
            | Op::MapRange(_)
            | Op::StringRange(_)
            | Op::RangeNext(_)
            | Op::Send { .. }
            | Op::Close(_)
            | Op::Select { .. }
            | Op::Lock { .. }
            | Op::RunDefers
            | Op::Recover
            | Op::Unknown => Vals::new(),
        }
    }

    fn eval_extract(&mut self, tuple: ValueId, index: u32) -> Vals {
        match &self.func.instr(tuple).op {
            Op::Call(_) => self.call_result(tuple, index),
            Op::RangeNext(iter) if index == 2 => match self.func.instr(*iter).op {
                Op::MapRange(map) => {
                    let vals = self.step(map, Elem::Item);
                    self.resolve_all(&vals, Some(tuple))
                }
                _ => Vals::new(),
            },
            Op::MapLookup { .. } | Op::TypeAssert { .. } | Op::Recv { .. } if index == 0 => {
                self.val(tuple)
            }
            Op::Select { cases, .. } if index >= 2 => {
                let receives: Vec<ValueId> =
                    cases.iter().filter(|c| c.send.is_none()).map(|c| c.chan).collect();
                match receives.get(index as usize - 2) {
                    Some(&chan) => {
                        let vals = self.step(chan, Elem::Item);
                        self.resolve_all(&vals, Some(tuple))
                    }
                    None => Vals::new(),
                }
            }
            _ => Vals::new(),
        }
    }

    /// One step from every path that a value may be.
    pub fn step(&self, base: ValueId, elem: Elem) -> Vals {
        let mut out = Vals::new();
        for val in &self.vals[base] {
            if let Some(path) = val.as_path().and_then(|p| p.then(elem)) {
                add_val(&mut out, Val { picked: val.picked, ..Val::path(path) });
            }
        }
        out
    }

    /// Where a call runs: a deferred one at a return behind it, of several the last, which most ways lead
    /// to. What is deferred on a way that ends in a return of its own does not run at others.
    pub fn runs_at(&self, v: ValueId) -> ValueId {
        if !matches!(self.func.instr(v).op, Op::Defer(_)) {
            return v;
        }
        let returns = |at: &ValueId| {
            matches!(self.func.blocks[self.func.instr(*at).block].term, Terminator::Return(_))
        };
        let behind = self.all_run_defers.iter().rev().copied();
        let behind = behind.filter(|&at| self.order.after(v, at, None));
        let mut last = None;
        for at in behind {
            if returns(&at) {
                return at;
            }
            last.get_or_insert(at);
        }
        last.unwrap_or(v)
    }

    /// Remembers a store.
    pub fn add_fact(&mut self, dest: Path, vals: Vals, at: ValueId) {
        if vals.is_empty() || self.facts.len() >= MAX_FACTS {
            return;
        }
        let same = |f: &Fact| f.at == at && f.vals == vals;
        self.stored_roots.insert(dest.root);
        let list = self.facts_by_dest.entry(dest).or_default();
        if list.iter().any(|&i| same(&self.facts[i as usize])) {
            return;
        }
        list.push(self.facts.len() as u32);
        if !dest.elems.is_empty() {
            self.set_fields.insert(dest.root);
            for from in vals.iter().filter_map(Val::as_path) {
                if from.root == dest.root && from.elems != dest.elems && !from.elems.is_empty() {
                    self.moves.entry((dest, *from)).or_default().push(at);
                }
            }
        }
        self.facts.push(Fact { dest, vals, at });
        self.note_holders(self.facts.len() as u32 - 1);
    }

    /// Remembers that `addr` holds `value` from here on.
    fn note_store(&mut self, addr: &Vals, value: &Vals, at: ValueId) {
        for dest in addr.iter().filter_map(Val::as_path) {
            self.add_fact(*dest, value.clone(), at);
        }
    }

    /// Stores, signals and waits of an instruction whose value is known.
    fn note_effects(&mut self, v: ValueId) {
        let func = self.func;
        match &func.instr(v).op {
            Op::Store { addr, value } => {
                let (addr, value) = (self.val(*addr), self.val(*value));
                if value.is_empty() {
                    self.replaced.extend(addr.iter().filter_map(Val::as_path).copied());
                }
                self.note_store(&addr, &value, v);
            }
            Op::MapUpdate { map, value, .. } => {
                let (addr, value) = (self.step(*map, Elem::Item), self.val(*value));
                self.note_store(&addr, &value, v);
            }
            Op::Send { chan, value } => {
                let (addr, value) = (self.step(*chan, Elem::Item), self.val(*value));
                self.note_store(&addr, &value, v);
                self.note_send(*chan, v, Gate::After(v));
            }
            Op::Close(chan) => self.note_tokens(*chan, Via::Broadcast, Some(v), None),
            Op::BuiltinCall { id: BuiltinId::Append, args } => {
                let vals = self.val(v);
                if let Some(&more) = args.get(1) {
                    let items = self.step(more, Elem::Item);
                    let items = self.resolve_all(&items, Some(v));
                    for path in vals.iter().filter_map(Val::as_path) {
                        if let Some(dest) = path.then(Elem::Item) {
                            self.add_fact(dest, items.clone(), v);
                        }
                    }
                }
            }
            Op::Recv { chan, .. } => self.note_receive(*chan, v, Gate::After(v)),
            Op::Select { cases, blocking } => {
                let joint = *blocking && cases.iter().all(|c| self.is_own_channel(c.chan));
                for (i, case) in cases.iter().enumerate() {
                    let Some(block) = self.case_block(v, i) else { continue };
                    if joint {
                        self.note_arm(v, block, case);
                    }
                    let over = Gate::Entering(block);
                    if let Some(value) = case.send {
                        let (addr, value) = (self.step(case.chan, Elem::Item), self.val(value));
                        self.note_store(&addr, &value, v);
                        self.note_send(case.chan, self.order.first_of(block).unwrap_or(v), over);
                    } else {
                        self.note_receive(case.chan, v, over);
                    }
                }
            }
            Op::Call(_) | Op::Defer(_) | Op::Go(_) => self.note_call_effects(v),
            _ => {}
        }
    }

    /// Whether a channel is a local variable of this function or of the one around it: its partners
    /// are other goroutines of theirs, not a timer or a caller.
    fn is_own_channel(&self, chan: ValueId) -> bool {
        !self.vals[chan].is_empty()
            && self.paths(chan).iter().all(|p| match p.root {
                Root::Free(_) => p.elems.is_empty(),
                Root::Fresh(made) => matches!(self.func.instr(made).op, Op::MakeChan(_)),
                _ => false,
            })
    }

    fn note_arm(&mut self, select: ValueId, arm: BlockId, case: &go_ir::SelectCase) {
        let via = if case.send.is_some() { Via::Receive } else { Via::Send };
        let count = self.times_run(select);
        let tokens = self.paths(case.chan).into_iter().map(|path| Token { path, via, count });
        self.arms.extend(tokens.map(|token| (select, arm, token)));
    }

    /// A send: it signals the receiver, and, without a buffer, waits for it.
    fn note_send(&mut self, chan: ValueId, at: ValueId, over: Gate) {
        self.note_tokens(chan, Via::Send, Some(at), None);
        self.note_tokens(chan, Via::Receive, None, Some(over));
    }

    /// A receive: it waits for a sender, who without a buffer waits for it.
    fn note_receive(&mut self, chan: ValueId, at: ValueId, over: Gate) {
        self.note_tokens(chan, Via::Receive, Some(at), None);
        self.note_tokens(chan, Via::Send, None, Some(over));
    }

    fn note_tokens(
        &mut self,
        chan: ValueId,
        via: Via,
        signal: Option<ValueId>,
        wait: Option<Gate>,
    ) {
        for path in self.paths(chan) {
            if let Some(at) = signal {
                let count = self.times_run(at);
                self.signals.push((at, Token { path, via, count }));
            }
            if let Some(over) = wait {
                let at = match over {
                    Gate::After(v) => Some(v),
                    Gate::Entering(block) => self.order.first_of(block),
                };
                let count = at.map_or(1, |v| self.times_run(v));
                self.waits.push((over, Token { path, via, count }));
            }
        }
    }

    /// The block where the `i`th case of a `select` goes on.
    fn case_block(&self, select: ValueId, i: usize) -> Option<BlockId> {
        let func = self.func;
        let chosen = |v: ValueId| matches!(func.instr(v).op, Op::Extract { tuple, index: 0 } if tuple == select);
        let mut block = func.instr(select).block;
        loop {
            let Terminator::If { cond, then, els } = func.blocks[block].term else { break };
            let Op::Binary { x, y, .. } = func.instr(cond).op else { break };
            let Op::Const(number) = &func.instr(y).op else { break };
            if !chosen(x) {
                break;
            }
            if number.int64_val() == Some(i as i64) {
                return Some(then);
            }
            block = els;
        }
        // The last case needs no test when there is no default.
        let Op::Select { cases, blocking: true } = &func.instr(select).op else { return None };
        if i + 1 != cases.len() {
            return None;
        }
        match func.blocks[block].term {
            Terminator::Jump(to) if func.blocks[to].preds.len() == 1 => Some(to),
            _ if block != func.instr(select).block && func.blocks[block].preds.len() == 1 => {
                Some(block)
            }
            Terminator::Jump(to) => Some(to),
            _ => None,
        }
    }

    /// The key of a context value, from the value passed as key.
    pub fn context_key(&self, key: ValueId) -> Option<CtxKey> {
        let mut at = key;
        loop {
            let instr = self.func.instr(at);
            match &instr.op {
                Op::MakeInterface(x) | Op::Convert(x) => at = *x,
                Op::Load(x) => at = *x,
                Op::Global(obj) => return Some(CtxKey { obj: Some(*obj), text: base::sym::EMPTY }),
                Op::Const(value) => {
                    let text = match value {
                        ConstValue::Str(s) => Symbol::intern(&String::from_utf8_lossy(s.bytes())),
                        other => Symbol::intern(&format!("{other:?}")),
                    };
                    let obj = instr.ty.and_then(|t| named_obj(self.cx.store, t));
                    return Some(CtxKey { obj, text });
                }
                _ => {
                    let obj = instr.ty.and_then(|t| named_obj(self.cx.store, t))?;
                    return Some(CtxKey { obj: Some(obj), text: base::sym::EMPTY });
                }
            }
        }
    }

    /// The arguments of a call, in the order of the callee's `Param`s.
    pub fn call_args(&self, v: ValueId) -> Vec<Vals> {
        match &self.func.instr(v).op {
            Op::Call(c) | Op::Go(c) | Op::Defer(c) => c.args.iter().map(|&a| self.val(a)).collect(),
            _ => Vec::new(),
        }
    }

    /// The declared function or interface method that a call names.
    pub fn named_callee(&self, v: ValueId) -> Option<ObjId> {
        match &self.func.instr(v).op {
            Op::Call(c) | Op::Go(c) | Op::Defer(c) => match &c.callee {
                Callee::Static { obj, .. } | Callee::Interface { method: obj } => Some(*obj),
                Callee::Value(_) => None,
            },
            _ => None,
        }
    }

    /// Whether the function is a method with a value receiver.
    pub fn has_value_receiver(&self) -> bool {
        let Type::Signature(sig) = self.cx.store.ty(self.func.sig) else { return false };
        let Some(recv) = sig.recv.and_then(|r| self.cx.store.obj(r).typ.get()) else {
            return false;
        };
        let under = go_types::under::under(self.cx.store, recv);
        matches!(self.cx.store.ty(under), Type::Struct(_))
    }

    /// Analyses the function and makes its summary.
    pub fn run(mut self) -> (Summary, crate::FuncFacts) {
        self.find_values();
        self.find_locks();
        self.find_flags();
        self.find_steps();
        self.finish()
    }
}
