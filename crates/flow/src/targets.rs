//! What a call may run: declared functions, closures, methods behind interfaces, and what library
//! models say is invoked.

use std::sync::Arc;

use go_ir::{Callee, FuncId, Op, ValueId};
use go_types::{ObjId, Type, TypeId};
use knowledge::{
    Callee as ModelCallee, FlowHow, Goroutine, Invoke, Model, Operand, OriginKind, SyncOp,
};
use smallvec::{SmallVec, smallvec};

use crate::context::{Link, MAX_IMPLS, deref, method_names, named_obj, type_name};
use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root, Val, Vals, What, add_val};
use crate::summary::{Held, LockMode, MANY, Spawn, Token, Tokens, Via};

/// Something that a call may run.
#[derive(Clone, Debug)]
pub(crate) struct Target<'a> {
    /// What runs.
    pub code: Code,
    /// Its arguments, receiver first.
    pub args: Vec<Vals>,
    /// How it runs.
    pub run: Run,
    /// The model that says so, if one does.
    pub model: Option<&'a Model>,
    /// Whether the code was taken out of a container: each goroutine of one origin runs another.
    pub picked: bool,
}

impl Target<'_> {
    /// Whether the same runs with the same arguments.
    pub fn is_same(&self, other: &Self) -> bool {
        self.code == other.code && self.args == other.args
    }
}

/// The code of a [`Target`].
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Code {
    /// A function with the values of its captured variables.
    Func(FuncId, Arc<[Vals]>),
    /// A function value or interface value that callers know.
    Open { callee: Path, method: Option<ObjId> },
}

/// How a target runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// On other goroutines, or (`None`) here.
    pub spawn: Option<Spawn>,
    /// Waited for before it begins.
    pub begins: Tokens,
    /// Signalled when it ends.
    pub ends: Tokens,
    /// Held while it runs.
    pub held: Option<Held>,
    /// Whether whoever comes later finds it over: `sync.Once`.
    pub once: bool,
}

impl<'a> FuncAnalysis<'a, '_> {
    /// Finds what the call instruction `v` may run.
    pub fn find_targets(&mut self, v: ValueId) {
        let func = self.func;
        let (info, is_go) = match &func.instr(v).op {
            Op::Go(info) => (info, true),
            Op::Call(info) | Op::Defer(info) => (info, false),
            _ => return,
        };
        let mut run = Run {
            spawn: is_go.then_some(Spawn { kind: OriginKind::GoStatement, many: false }),
            ..Run::default()
        };
        if is_go {
            // What `synctest.Wait` waits for.
            run.ends.extend(goroutine_end(v));
        }
        let mut out: Vec<Target<'a>> = Vec::new();
        let model = self.named_callee(v).and_then(|obj| self.cx.model(obj));
        if let Some(model) = model {
            for invoke in &model.invokes {
                self.invoke(v, model, invoke, is_go, &mut out);
            }
        }
        if model.is_none_or(|m| m.analyse_body) {
            let args = self.call_args(v);
            match &info.callee {
                Callee::Static { obj, .. } => self.static_target(*obj, args, &run, &mut out),
                Callee::Interface { method } => {
                    let recv = args.first().cloned().unwrap_or_default();
                    for val in &recv {
                        self.method_target(val, *method, &args, &run, &mut out);
                    }
                }
                Callee::Value(f) => {
                    for val in self.val(*f) {
                        self.callable(&val, args.clone(), &run, &mut out);
                    }
                }
            }
        }
        let is_known = |t: &Target<'_>| match t.code {
            Code::Func(f, _) => !self.cx.func(f).external,
            Code::Open { .. } => true,
        };
        if model.is_none() && !out.iter().any(is_known) {
            self.passed_functions(v, &run, &mut out);
        }
        for target in &out {
            self.note_link(target, func.instr(v).span);
        }
        self.targets.insert(v, out.into());
    }

    /// Functions that are passed to a callee whose code is not there: it is taken to call them
    /// before it returns, as most do.
    fn passed_functions(&self, v: ValueId, run: &Run, out: &mut Vec<Target<'a>>) {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return;
        };
        for val in info.args.iter().flat_map(|&a| self.val(a)) {
            if !matches!(val.what, What::Path(_)) {
                self.callable(&val, Vec::new(), run, out);
            }
        }
    }

    /// Tells the others that this function runs the target.
    pub fn note_link(&self, target: &Target<'a>, place: source::FileSpan) {
        if let Code::Func(callee, _) = target.code
            && callee != self.id
        {
            self.cx.consume(Link { callee, caller: self.id, place, spawn: target.run.spawn });
        }
    }

    fn static_target(&self, obj: ObjId, args: Vec<Vals>, run: &Run, out: &mut Vec<Target<'a>>) {
        if let Some(&func) = self.cx.program.by_obj.get(&obj) {
            let code = Code::Func(func, Arc::from([]));
            out.push(Target { code, args, run: run.clone(), model: None, picked: false });
        }
    }

    /// A function value is run.
    pub fn callable(&self, val: &Val, args: Vec<Vals>, run: &Run, out: &mut Vec<Target<'a>>) {
        let from = out.len();
        self.find_callable(val, args, run, out);
        out[from..].iter_mut().for_each(|target| target.picked |= val.picked);
    }

    fn find_callable(&self, val: &Val, args: Vec<Vals>, run: &Run, out: &mut Vec<Target<'a>>) {
        match &val.what {
            What::Closure(func, free) => {
                let code = Code::Func(*func, free.clone());
                out.push(Target { code, args, run: run.clone(), model: None, picked: false });
            }
            What::Func(obj) => self.static_target(*obj, args, run, out),
            What::Bound(method, recv) => {
                let mut all = vec![(**recv).clone()];
                all.extend(args);
                if self.cx.program.by_obj.contains_key(method) {
                    self.static_target(*method, all, run, out);
                } else {
                    for val in recv.iter() {
                        self.method_target(val, *method, &all, run, out);
                    }
                }
            }
            What::Path(path) => {
                if matches!(path.root, Root::Param(_) | Root::Free(_)) {
                    let code = Code::Open { callee: *path, method: None };
                    out.push(Target { code, args, run: run.clone(), model: None, picked: false });
                }
            }
        }
    }

    /// A method of an interface value is run; `args` has the receiver first.
    pub fn method_target(
        &self,
        recv: &Val,
        method: ObjId,
        args: &[Vals],
        run: &Run,
        out: &mut Vec<Target<'a>>,
    ) {
        let name = self.cx.store.obj(method).name;
        if let Some(t) = recv.dynamic {
            match &recv.what {
                // A method of a function type, such as `http.HandlerFunc`: it calls the function.
                What::Closure(..) | What::Func(_) | What::Bound(..) => {
                    let own = self.cx.method(t, name).map(|m| m.method);
                    if own.is_none_or(|m| !self.cx.program.by_obj.contains_key(&m)) {
                        let rest = args.get(1..).unwrap_or_default().to_vec();
                        self.callable(recv, rest, run, out);
                        return;
                    }
                }
                What::Path(_) => {}
            }
            self.dynamic_method(recv, t, method, args, run, out);
            return;
        }
        if let What::Closure(..) | What::Func(_) | What::Bound(..) = recv.what {
            let rest = args.get(1..).unwrap_or_default().to_vec();
            self.callable(recv, rest, run, out);
            return;
        }
        let implementations = self.cx.implementations(method);
        // An adapter such as `http.HandlerFunc` stands for any function.
        let all_here = implementations.iter().all(|&t| {
            let found = self.cx.method(t, name);
            found.is_some_and(|m| self.cx.program.by_obj.contains_key(&m.method))
        });
        if let [only] = implementations[..]
            && all_here
        {
            self.dynamic_method(recv, only, method, args, run, out);
        } else if let Some(path) = recv.as_path()
            && !implementations.is_empty()
        {
            // Callers may know the very type, but they do not see objects made here.
            let own = |v: &Val| v.as_path().is_some_and(|p| matches!(p.root, Root::Fresh(_)));
            let passes_own = args.iter().skip(1).flatten().any(own);
            let few = all_here && implementations.len() <= MAX_IMPLS;
            if matches!(path.root, Root::Param(_) | Root::Free(_)) && !(passes_own && few) {
                let code = Code::Open { callee: *path, method: Some(method) };
                out.push(Target {
                    code,
                    args: args.to_vec(),
                    run: run.clone(),
                    model: None,
                    picked: false,
                });
            } else if implementations.len() <= MAX_IMPLS {
                for &t in implementations.iter() {
                    self.dynamic_method(recv, t, method, args, run, out);
                }
            }
        }
    }

    fn dynamic_method(
        &self,
        recv: &Val,
        t: TypeId,
        method: ObjId,
        args: &[Vals],
        run: &Run,
        out: &mut Vec<Target<'a>>,
    ) {
        let name = self.cx.store.obj(method).name;
        let Some(found) = self.cx.method(t, name) else { return };
        let mut args = args.to_vec();
        let mut recv = smallvec![Val { dynamic: None, ..recv.clone() }];
        for &field in &found.through {
            recv = follow(&recv, field);
        }
        match args.first_mut() {
            Some(first) => *first = recv,
            None => args.push(recv),
        }
        self.static_target(found.method, args, run, out);
    }

    /// What one line of a model says is run.
    fn invoke(
        &self,
        v: ValueId,
        model: &'a Model,
        invoke: &Invoke,
        is_go: bool,
        out: &mut Vec<Target<'a>>,
    ) {
        let mut callees = self.operand(v, invoke.callee);
        if let Some(field) = &invoke.field {
            callees = self.named_field(v, invoke.callee, &callees, field);
        }
        let kind = invoke.origin.unwrap_or(OriginKind::Callback);
        let spawned = |on: Goroutine| match on {
            Goroutine::Caller if is_go => {
                Some(Spawn { kind: OriginKind::GoStatement, many: false })
            }
            Goroutine::Caller => None,
            Goroutine::New | Goroutine::NewSerial => Some(Spawn { kind, many: false }),
            Goroutine::Many => Some(Spawn { kind, many: true }),
        };
        let spawn = spawned(invoke.on);
        let mut run = Run { spawn, ..Run::default() };
        let after = invoke.after.map(|o| self.operand(v, o)).unwrap_or_default();
        run.begins.extend(after.iter().filter_map(Val::as_path).copied().map(end));
        if invoke.joined && spawn.is_some() {
            run.ends.push(end(Path::root(Root::Fresh(v))));
        }
        for sync in &model.sync {
            let on = self.operand(v, sync.on);
            let paths = on.iter().filter_map(Val::as_path);
            match sync.op {
                SyncOp::GroupGo => run.ends.extend(paths.copied().map(end)),
                SyncOp::Once | SyncOp::Locked => {
                    run.once = sync.op == SyncOp::Once;
                    run.held =
                        paths.copied().next().map(|path| Held { path, mode: LockMode::Write });
                }
                _ => {}
            }
        }
        let from = out.len();
        for val in &callees {
            self.invoke_value(v, val, invoke, &run, out);
        }
        for target in &mut out[from..] {
            // A parallel subtest runs when its parent's body is over.
            if target.run.spawn.is_some() && self.goes_parallel(target) {
                target.run.ends.clear();
            }
        }
        if let Some(on) = invoke.result_on {
            let run = Run { spawn: spawned(on), ..run };
            let handlers: Vec<Val> =
                out[from..].iter().flat_map(|t| self.target_result(v, t, 0)).collect();
            for val in &handlers {
                self.invoke_value(v, val, invoke, &run, out);
            }
        }
        for target in &mut out[from..] {
            target.model = Some(model);
        }
    }

    /// Whether a test's body makes it run beside others.
    fn goes_parallel(&self, target: &Target<'a>) -> bool {
        let Code::Func(f, _) = target.code else { return false };
        self.cx.func(f).values.iter().any(|instr| match &instr.op {
            Op::Call(call) => {
                let (Callee::Static { obj, .. } | Callee::Interface { method: obj }) = &call.callee
                else {
                    return false;
                };
                let model = self.cx.model(*obj);
                model.is_some_and(|m| m.sync.iter().any(|s| s.op == SyncOp::TestParallel))
            }
            _ => false,
        })
    }

    fn invoke_value(
        &self,
        v: ValueId,
        val: &Val,
        invoke: &Invoke,
        run: &Run,
        out: &mut Vec<Target<'a>>,
    ) {
        let bound = |skip: usize| {
            let n = invoke.binds.iter().map(|b| b.param as usize + 1).max().unwrap_or(0);
            let mut args = vec![Vals::new(); n + skip];
            for bind in &invoke.binds {
                let vals = self.operand(v, bind.from);
                args[bind.param as usize + skip] = match bind.how {
                    FlowHow::Alias => vals,
                    FlowHow::Load => self.items(&vals),
                    _ => Vals::new(),
                };
            }
            args
        };
        let methods: Vec<String> = match &invoke.methods {
            ModelCallee::Itself => {
                if !matches!(val.what, What::Path(_)) || val.dynamic.is_none() {
                    self.callable(val, bound(0), run, out);
                    return;
                }
                self.interface_methods(v, invoke.callee)
            }
            ModelCallee::Named(names) => names.clone(),
            ModelCallee::GrpcShaped => self.shaped_methods(val.dynamic, |sig| self.is_grpc(sig)),
            ModelCallee::Exported => self.shaped_methods(val.dynamic, |_| true),
        };
        let Some(t) = val.dynamic else { return };
        for name in methods {
            let Some(found) = self.cx.method(t, base::Symbol::intern(&name)) else { continue };
            let mut recv: Vals = smallvec![Val { dynamic: None, ..val.clone() }];
            for &field in &found.through {
                recv = follow(&recv, field);
            }
            let mut args = bound(1);
            args[0] = recv;
            self.static_target(found.method, args, run, out);
        }
    }

    /// The methods that a framework calls on a parameter of this interface type.
    fn interface_methods(&self, v: ValueId, operand: Operand) -> Vec<String> {
        let store = self.cx.store;
        let index = match operand {
            Operand::Arg(n) | Operand::Args(n) => n as usize,
            _ => return Vec::new(),
        };
        let Some(Type::Signature(sig)) =
            self.named_callee(v).and_then(|o| store.obj(o).typ.get()).map(|t| store.ty(t))
        else {
            return Vec::new();
        };
        let Some(t) = sig.params.get(index).and_then(|&p| store.obj(p).typ.get()) else {
            return Vec::new();
        };
        let Some(named) = named_obj(store, t) else { return Vec::new() };
        let fact = self.cx.knowledge.interface(&type_name(store, named));
        fact.map(|f| f.methods.clone()).unwrap_or_default()
    }

    fn shaped_methods(
        &self,
        t: Option<TypeId>,
        fits: impl Fn(&go_types::Signature) -> bool,
    ) -> Vec<String> {
        let store = self.cx.store;
        let Some(t) = t else { return Vec::new() };
        let mut names: Vec<String> = method_names(store, t, 0)
            .into_iter()
            .filter(|n| n.is_exported())
            .filter(|&n| {
                let found = self.cx.method(t, n);
                let ty = found.and_then(|m| store.obj(m.method).typ.get());
                matches!(ty.map(|t| store.ty(t)), Some(Type::Signature(sig)) if fits(sig))
            })
            .map(|n| n.as_str().to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// `(context.Context, *Req) (*Resp, error)`, or with a stream as last parameter.
    fn is_grpc(&self, sig: &go_types::Signature) -> bool {
        let store = self.cx.store;
        let type_of = |o: ObjId| store.obj(o).typ.get();
        let name_of =
            |o: ObjId| type_of(o).and_then(|t| named_obj(store, t)).map(|n| type_name(store, n));
        let unary = sig.params.len() == 2
            && sig.results.len() == 2
            && name_of(sig.params[0]).as_deref() == Some("context.Context");
        let stream = sig.results.len() == 1
            && sig.params.last().and_then(|&p| type_of(p)).is_some_and(|t| {
                let text = go_types::type_string(store, deref(store, t));
                text.contains("Server") && go_types::predicates::is_interface(store, t)
                    || text.contains("grpc.ServerStream")
            });
        unary || stream
    }

    /// Whether the first argument of the call is a receiver.
    pub fn is_method_call(&self, v: ValueId) -> bool {
        self.named_callee(v).is_some_and(|obj| {
            let ty = self.cx.store.obj(obj).typ.get();
            matches!(ty.map(|t| self.cx.store.ty(t)), Some(Type::Signature(s)) if s.recv.is_some())
        })
    }

    /// The values that a model's operand stands for at the call `v`.
    pub fn operand(&self, v: ValueId, operand: Operand) -> Vals {
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return Vals::new();
        };
        let first = usize::from(self.is_method_call(v));
        match operand {
            Operand::Recv => info.args.first().map(|&a| self.val(a)).unwrap_or_default(),
            Operand::Arg(n) => {
                info.args.get(first + n as usize).map(|&a| self.val(a)).unwrap_or_default()
            }
            Operand::Args(n) => {
                let mut out = Vals::new();
                for &arg in info.args.iter().skip(first + n as usize) {
                    let is_slice = self.func.instr(arg).ty.is_some_and(|t| {
                        let under = go_types::under::under(self.cx.store, t);
                        matches!(self.cx.store.ty(under), Type::Slice(_))
                    });
                    let vals = self.val(arg);
                    for val in if is_slice { self.items(&vals) } else { vals } {
                        add_val(&mut out, val);
                    }
                }
                out
            }
            Operand::Result(n) => result_root(v, u32::from(n)),
            Operand::Callback => {
                let targets = self.targets.get(&v).cloned();
                targets
                    .iter()
                    .flat_map(|t| t.iter())
                    .flat_map(|t| self.target_result(v, t, 0))
                    .collect()
            }
        }
    }

    /// What is stored inside the containers `vals`.
    pub fn items(&self, vals: &Vals) -> Vals {
        let mut out = Vals::new();
        for path in vals.iter().filter_map(Val::as_path) {
            if let Some(item) = path.then(Elem::Item) {
                for found in self.resolve(&item, None) {
                    add_val(&mut out, found);
                }
            }
        }
        out
    }

    /// The field of that name of what an operand points to.
    pub fn named_field(&self, v: ValueId, operand: Operand, vals: &Vals, field: &str) -> Vals {
        let store = self.cx.store;
        let (Op::Call(info) | Op::Go(info) | Op::Defer(info)) = &self.func.instr(v).op else {
            return Vals::new();
        };
        let arg = match operand {
            Operand::Recv => info.args.first(),
            Operand::Arg(n) | Operand::Args(n) => {
                info.args.get(usize::from(self.is_method_call(v)) + n as usize)
            }
            _ => None,
        };
        let mut types: SmallVec<[TypeId; 2]> = vals.iter().filter_map(|v| v.dynamic).collect();
        types.extend(arg.and_then(|&a| self.func.instr(a).ty));
        let name = base::Symbol::intern(field);
        for t in types {
            let under = go_types::under::under(store, deref(store, t));
            let Type::Struct(s) = store.ty(under) else { continue };
            if let Some(&f) = s.fields.iter().find(|&&f| store.obj(f).name == name) {
                let f = store.obj(f).origin().unwrap_or(f);
                let places = follow(vals, f);
                let mut out = Vals::new();
                for place in places.iter().filter_map(Val::as_path) {
                    for found in self.resolve(place, None) {
                        add_val(&mut out, found);
                    }
                }
                return out;
            }
        }
        Vals::new()
    }
}

/// The end of the goroutine that a `go` statement starts.
pub(crate) fn goroutine_end(go: ValueId) -> Option<Token> {
    Path::root(Root::Fresh(go)).then(Elem::Part(0)).map(end)
}

/// The end of a goroutine, which `path` waits for.
fn end(path: Path) -> Token {
    Token { path, via: Via::Broadcast, count: MANY }
}

/// The `n`th fresh result of the call `v`.
pub(crate) fn result_root(v: ValueId, n: u32) -> Vals {
    let root = Path::root(Root::Fresh(v));
    let path = if n == 0 { Some(root) } else { root.then(Elem::Part(n)) };
    path.map(Val::path).into_iter().collect()
}

/// The field of every path among `vals`.
pub(crate) fn follow(vals: &Vals, field: ObjId) -> Vals {
    let mut out = Vals::new();
    for val in vals {
        if let Some(path) = val.as_path().and_then(|p| p.then(Elem::Field(field))) {
            add_val(&mut out, Val { picked: val.picked, ..Val::path(path) });
        }
    }
    out
}
