//! Functions: declarations, literals, the package initialiser; their parameters, results and
//! variables.

use base::{FxHashMap, IndexVec, Symbol, sym};
use go_syntax::ast::{DeclKind, ExprId, ExprKind, FuncDecl, StmtId};
use go_syntax::walk::Node;
use go_types::{ObjId, Type, TypeId};
use smallvec::SmallVec;
use source::{FileId, FileSpan, Span};

use super::Lowerer;
use super::jump::{Jump, Target};
use super::prepass::{self, signature_vars};
use crate::ir::{BlockId, CallInfo, Callee, Func, FuncId, FuncKind, Op, Terminator, ValueId};
use crate::ssa::{Ssa, VarId};

/// Where a variable lives.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    /// In values.
    Var(VarId),
    /// In memory, at this address.
    Addr(ValueId),
}

/// A function under construction.
pub(super) struct FnState {
    pub id: FuncId,
    pub kind: FuncKind,
    pub name: String,
    pub obj: Option<ObjId>,
    pub sig: TypeId,
    pub span: FileSpan,
    /// Its block; identifies the function in [`prepass::Facts`].
    pub body: Option<StmtId>,
    pub ssa: Ssa,
    pub slots: FxHashMap<ObjId, Slot>,
    pub free_vars: Vec<ObjId>,
    pub params: Vec<ValueId>,
    /// The results of its signature, whether named or not.
    pub results: Vec<ObjId>,
    pub has_defer: bool,
    /// Enclosing loops, switches and selects, innermost last.
    pub targets: Vec<Target>,
    pub labels: FxHashMap<Symbol, BlockId>,
    /// The label of the statement that comes next.
    pub label: Option<Symbol>,
    /// Of a range-over-func body: the ways out that lead past its loop, and the variable that
    /// tells the function around it which one was taken (its index here + 1).
    pub exits: Vec<Jump>,
    pub exit_flag: Option<ObjId>,
    /// How many literals and range-over-func bodies have been named.
    lits: u32,
    ranges: u32,
}

impl FnState {
    fn new(id: FuncId, kind: FuncKind, name: String, sig: TypeId, span: FileSpan) -> Self {
        Self {
            id,
            kind,
            name,
            obj: None,
            sig,
            span,
            body: None,
            ssa: Ssa::new(),
            slots: FxHashMap::default(),
            free_vars: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            has_defer: false,
            targets: Vec::new(),
            labels: FxHashMap::default(),
            label: None,
            exits: Vec::new(),
            exit_flag: None,
            lits: 0,
            ranges: 0,
        }
    }

    /// Stands where no function is being built.
    pub fn none(file: FileId, sig: TypeId) -> Self {
        let span = FileSpan { file, span: Span::default() };
        let id = <FuncId as base::Id>::from_index(0);
        Self::new(id, FuncKind::Declared, String::new(), sig, span)
    }
}

impl Lowerer<'_> {
    /// Lowers the functions that the current file declares.
    pub(super) fn declarations(&mut self) {
        let ast = self.ast;
        for &decl in &ast.decls {
            let decl = ast.all_decls[decl];
            if let DeclKind::Func(func) = decl.kind {
                let span = self.file_span(decl.span);
                let func = &ast.func_decls[func];
                self.caught(func.name.name.as_str(), |l| l.func_decl(func, span));
            }
        }
    }

    fn func_decl(&mut self, decl: &FuncDecl, span: FileSpan) {
        let Some(&obj) = self.file.defs.get(&decl.name.pos) else { return };
        let is_init = decl.name.name == sym::INIT && decl.recv.is_empty();
        let mut name = self.declared_name(obj);
        if is_init {
            name += &format!(".{}", self.init_funcs.len());
            self.init_funcs.push(obj);
        }
        let sig = self.obj_type(obj);
        let (params, results) = signature_vars(self.store, Some(sig));
        let body = decl.body.filter(|_| self.info.bodies);
        if let Some(body) = body {
            let root = Node::Stmt(body);
            self.facts = prepass::facts(self.store, self.file, root, &params, &results);
        }
        let id = self.new_func();
        self.f = FnState::new(id, FuncKind::Declared, name, sig, span);
        self.f.obj = Some(obj);
        self.signature_and_body(&params, results, body);
        self.finish_func(body.is_none());
    }

    /// `f` as a stack trace names it: `pkg.F`, `pkg.(*T).M`, `pkg.F[...]`.
    fn declared_name(&self, obj: ObjId) -> String {
        let object = self.store.obj(obj);
        let mut name = self.package_name();
        name.push('.');
        let sig = self.signature(self.obj_type(obj));
        if let Some(recv) = sig.and_then(|s| s.recv) {
            let t = go_types::under::unalias(self.store, self.obj_type(recv));
            let (is_pointer, base) = match *self.store.ty(t) {
                Type::Pointer(elem) => (true, go_types::under::unalias(self.store, elem)),
                _ => (false, t),
            };
            let (base_name, generic) = match self.store.ty(base) {
                Type::Named(n) => {
                    let generic =
                        !n.targs.is_empty() || n.tparams.get().is_some_and(|p| !p.is_empty());
                    (self.store.obj(n.obj).name.as_str(), generic)
                }
                _ => ("?", false),
            };
            let generic = if generic { "[...]" } else { "" };
            name += &if is_pointer {
                format!("(*{base_name}{generic}).")
            } else {
                format!("{base_name}{generic}.")
            };
        }
        name += object.name.as_str();
        if sig.is_some_and(|s| !s.tparams.is_empty()) {
            name += "[...]";
        }
        name
    }

    fn package_name(&self) -> String {
        let package = self.store.package(self.info.pkg);
        match package.name.get() {
            Some(&name) if name == sym::MAIN => sym::MAIN.as_str().to_owned(),
            _ => package.path.as_str().to_owned(),
        }
    }

    /// Lowers a function literal where it stands.
    pub(super) fn func_lit(&mut self, e: ExprId) -> ValueId {
        let ExprKind::FuncLit { body, .. } = self.ast.expr(e).kind else {
            return self.unknown(self.type_of(e), self.span(e));
        };
        let sig = self.type_of(e);
        let (params, results) = signature_vars(self.store, Some(sig));
        let name = self.literal_name();
        self.enter_func(FuncKind::Literal, name, sig, self.span(e));
        self.signature_and_body(&params, results, Some(body));
        self.leave_func(sig, self.span(e))
    }

    /// `F.func1`; `F.func1.2` for a literal inside it.
    pub(super) fn literal_name(&mut self) -> String {
        self.f.lits += 1;
        let infix = if self.f.kind == FuncKind::Literal { "" } else { "func" };
        format!("{}.{infix}{}", self.f.name, self.f.lits)
    }
    /// `F-range1`
    pub(super) fn range_body_name(&mut self) -> String {
        self.f.ranges += 1;
        format!("{}-range{}", self.f.name, self.f.ranges)
    }

    /// Starts a function inside the current one.
    pub(super) fn enter_func(&mut self, kind: FuncKind, name: String, sig: TypeId, span: FileSpan) {
        let id = self.new_func();
        let inner = FnState::new(id, kind, name, sig, span);
        self.outer.push(std::mem::replace(&mut self.f, inner));
    }

    /// Finishes a function inside another one, which becomes current again and makes the closure.
    pub(super) fn leave_func(&mut self, ty: TypeId, span: FileSpan) -> ValueId {
        let func = self.f.id;
        let free_vars = self.f.free_vars.clone();
        self.finish_func(false);
        let bindings: SmallVec<[ValueId; 4]> =
            free_vars.iter().map(|&v| self.address_of_var(v, span)).collect();
        self.emit(Op::MakeClosure { func, bindings }, ty, span)
    }

    fn signature_and_body(&mut self, params: &[ObjId], results: Vec<ObjId>, body: Option<StmtId>) {
        let span = self.f.span;
        self.f.body = body;
        self.f.has_defer = body.is_some_and(|b| self.facts.defers.contains(&b));
        self.f.results = results;
        self.params(params);
        let Some(body) = body else { return };
        for r in self.f.results.clone() {
            // An unnamed result has a variable only when a range-over-func body returns.
            if self.store.obj(r).name != sym::EMPTY || self.facts.in_memory.contains(&r) {
                self.declare_zero(r, span);
            }
        }
        self.stmt(body);
        if !self.f.ssa.is_done() {
            let end = self.end_of(body);
            if self.f.results.is_empty() || self.has_named_results() {
                self.return_named(end);
            } else {
                self.f.ssa.terminate(Terminator::Unreachable);
            }
        }
    }

    /// Emits `Param`s for all parameters and declares the named ones.
    pub(super) fn params(&mut self, params: &[ObjId]) {
        let values: Vec<ValueId> = (0..params.len())
            .map(|i| {
                let ty = self.obj_type(params[i]);
                self.emit(Op::Param(i as u32), ty, self.obj_span(params[i]))
            })
            .collect();
        for (&obj, &value) in params.iter().zip(&values) {
            let name = self.store.obj(obj).name;
            if name != sym::EMPTY && !name.is_blank() {
                self.declare(obj, value, self.obj_span(obj));
            }
        }
        self.f.params = values;
    }

    fn obj_span(&self, obj: ObjId) -> FileSpan {
        let object = self.store.obj(obj);
        match object.file {
            Some(file) => {
                let end = object.pos + object.name.as_str().len() as u32;
                FileSpan { file, span: Span::new(object.pos, end) }
            }
            None => self.f.span,
        }
    }

    fn end_of(&self, body: StmtId) -> FileSpan {
        let end = self.ast.stmt(body).span.end;
        self.file_span(Span::new(end.saturating_sub(1), end))
    }

    pub(super) fn has_named_results(&self) -> bool {
        self.f.results.iter().any(|&r| self.store.obj(r).name != sym::EMPTY)
    }

    /// Lowers the initialiser of the package: its variables in order, then its `init` functions.
    pub(super) fn package_init(&mut self) -> FuncId {
        let info = self.info;
        let id = self.new_func();
        let name = format!("{}.init", self.package_name());
        let sig = self.store.universe().empty_signature;
        let start = self.file_span(self.ast.package.span());
        self.is_test = false;
        self.f = FnState::new(id, FuncKind::PackageInit, name, sig, start);
        for (vars, init) in &info.init_order {
            let Some(file) = info.files.get(init.file as usize) else { continue };
            self.enter_file(file);
            self.facts = prepass::facts(self.store, file, Node::Expr(init.id), &[], &[]);
            self.init_vars(vars, init.id);
        }
        if let Some(first) = info.files.first() {
            self.enter_file(first);
        }
        self.is_test = false;
        for obj in std::mem::take(&mut self.init_funcs) {
            let callee = Callee::Static { obj, targs: SmallVec::new() };
            let call = CallInfo { callee, args: SmallVec::new(), packed: false };
            let span = self.obj_span(obj);
            self.effect(Op::Call(call), span);
        }
        if !self.f.ssa.is_done() {
            self.f.ssa.terminate(Terminator::Return(SmallVec::new()));
        }
        self.finish_func(false);
        id
    }

    fn init_vars(&mut self, vars: &[ObjId], init: ExprId) {
        if let [var] = *vars {
            let (ty, span) = (self.obj_type(var), self.obj_span(var));
            if self.store.obj(var).name.is_blank() {
                self.expr_to(init, ty);
                return;
            }
            let pointer = self.pointer_to(ty);
            let addr = self.emit(Op::Global(var), pointer, span);
            self.init_memory(addr, ty, init, span);
            return;
        }
        let values = self.expr_list(&[init], vars.len());
        for (&var, value) in vars.iter().zip(values) {
            if self.store.obj(var).name.is_blank() {
                continue;
            }
            let (ty, span) = (self.obj_type(var), self.obj_span(var));
            let value = self.coerce(value, ty, span);
            let pointer = self.pointer_to(ty);
            let addr = self.emit(Op::Global(var), pointer, span);
            self.effect(Op::Store { addr, value }, span);
        }
    }

    /// Reserves the next function id.
    fn new_func(&mut self) -> FuncId {
        self.funcs.push(Func {
            name: String::new(),
            kind: FuncKind::Declared,
            obj: None,
            parent: None,
            pkg: self.info.pkg,
            sig: self.store.invalid(),
            span: self.f.span,
            params: Vec::new(),
            free_vars: Vec::new(),
            blocks: IndexVec::new(),
            values: IndexVec::new(),
            recover_block: None,
            external: true,
            is_test: self.is_test,
        })
    }

    fn finish_func(&mut self, external: bool) {
        let recover = self.f.has_defer.then(|| self.recover_block());
        if external {
            self.f.ssa.terminate(Terminator::Unreachable);
        }
        let outer = self.outer.pop();
        let parent = outer.as_ref().map(|o| o.id);
        let none = || FnState::none(self.file.file, self.store.invalid());
        let f = std::mem::replace(&mut self.f, outer.unwrap_or_else(none));
        let body = f.ssa.finish(recover);
        let new = |v: ValueId| body.value_map[<ValueId as base::Id>::index(v)];
        self.funcs[f.id] = Func {
            name: f.name,
            kind: f.kind,
            obj: f.obj,
            parent,
            pkg: self.info.pkg,
            sig: f.sig,
            span: f.span,
            params: f.params.into_iter().filter_map(new).collect(),
            free_vars: f.free_vars,
            blocks: body.blocks,
            values: body.values,
            recover_block: body.recover_block,
            external,
            is_test: self.is_test,
        };
    }

    /// Where a recovered panic resumes: returns the named results, or zero values.
    fn recover_block(&mut self) -> BlockId {
        let block = self.f.ssa.new_block();
        self.f.ssa.switch_to_sealed(block);
        let span = self.f.span;
        let results = self.f.results.clone();
        let values = results
            .iter()
            .map(|&r| match self.f.slots.get(&r) {
                Some(_) => self.read_var(r, span),
                None => self.emit(Op::Zero, self.obj_type(r), span),
            })
            .collect();
        self.f.ssa.terminate(Terminator::Return(values));
        block
    }

    /// Declares a variable with a value.
    pub(super) fn declare(&mut self, obj: ObjId, value: ValueId, span: FileSpan) {
        if self.facts.in_memory.contains(&obj) {
            let addr = self.declare_in_memory(obj, span);
            self.effect(Op::Store { addr, value }, span);
        } else {
            let var = self.f.ssa.new_var(self.obj_type(obj), span);
            self.f.ssa.write(var, value);
            self.f.slots.insert(obj, Slot::Var(var));
        }
    }

    /// Declares a variable with its zero value.
    pub(super) fn declare_zero(&mut self, obj: ObjId, span: FileSpan) {
        if self.facts.in_memory.contains(&obj) {
            self.declare_in_memory(obj, span);
        } else {
            let value = self.emit(Op::Zero, self.obj_type(obj), span);
            self.declare(obj, value, span);
        }
    }

    /// Makes memory for a variable.
    pub(super) fn declare_in_memory(&mut self, obj: ObjId, span: FileSpan) -> ValueId {
        let pointer = self.pointer_to(self.obj_type(obj));
        let addr = self.emit(Op::Alloc { var: Some(obj) }, pointer, span);
        self.f.slots.insert(obj, Slot::Addr(addr));
        addr
    }

    /// Where a local variable lives. One of a function around this one is captured.
    pub(super) fn slot(&mut self, obj: ObjId) -> Option<Slot> {
        if let Some(&slot) = self.f.slots.get(&obj) {
            return Some(slot);
        }
        if !self.outer.iter().any(|o| o.slots.contains_key(&obj)) {
            return None;
        }
        let index = self.f.free_vars.len() as u32;
        self.f.free_vars.push(obj);
        let pointer = self.pointer_to(self.obj_type(obj));
        let span = self.obj_span(obj);
        let addr = self.f.ssa.emit_leaf(Op::FreeVar(index), pointer, span);
        let slot = Slot::Addr(addr);
        self.f.slots.insert(obj, slot);
        Some(slot)
    }

    pub(super) fn read_var(&mut self, obj: ObjId, span: FileSpan) -> ValueId {
        let ty = self.obj_type(obj);
        match self.slot(obj) {
            Some(Slot::Var(var)) => self.f.ssa.read(var),
            Some(Slot::Addr(addr)) => self.emit(Op::Load(addr), ty, span),
            None => self.unknown(ty, span),
        }
    }

    /// Assigns to a declared variable; `value` has its type.
    pub(super) fn write_var(&mut self, obj: ObjId, value: ValueId, span: FileSpan) {
        match self.slot(obj) {
            Some(Slot::Var(var)) => self.f.ssa.write(var, value),
            Some(Slot::Addr(addr)) => self.effect(Op::Store { addr, value }, span),
            None => {}
        }
    }

    fn address_of_var(&mut self, obj: ObjId, span: FileSpan) -> ValueId {
        if let Some(Slot::Addr(addr)) = self.slot(obj) {
            return addr;
        }
        // Only for trees with errors: the walk before did not see the capture.
        let pointer = self.pointer_to(self.obj_type(obj));
        self.unknown(pointer, span)
    }
}
