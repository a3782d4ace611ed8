//! A walk over a declaration before it is lowered: which variables need memory (captured by a
//! function literal, address taken, assigned in part), and what each function body contains that
//! must be known before its end (deferred calls, targets of `goto`).

use base::{FxHashMap, FxHashSet, Symbol, sym};
use go_syntax::ast::{
    AssignOp, BranchKind, DeclKind, ExprId, ExprKind, File, SpecId, SpecKind, StmtId, StmtKind,
    UnaryOp,
};
use go_syntax::walk::{Node, Visitor, walk};
use go_types::{FileInfo, ObjId, ObjKind, SelectionKind, Store, Type, TypeId};

use go_types::under::{core_type, under};

use super::types::is_local_var;

/// What is known of a declaration.
#[derive(Default)]
pub(super) struct Facts {
    /// Variables that live in memory.
    pub in_memory: FxHashSet<ObjId>,
    /// Bodies of functions with a `defer`, those of range-over-func loops inside them included.
    pub defers: FxHashSet<StmtId>,
    /// Labels that a `goto` jumps to, by the body that declares them.
    pub goto_labels: FxHashSet<(StmtId, Symbol)>,
    /// Bodies of range-over-func loops.
    pub range_bodies: FxHashSet<StmtId>,
}

/// Looks at a function body, or at the initialiser of a package-level variable. `params` are the
/// parameters and results of the function.
pub(super) fn facts(
    store: &Store,
    file: &FileInfo,
    root: Node,
    params: &[ObjId],
    results: &[ObjId],
) -> Facts {
    let mut pass = Prepass {
        store,
        file,
        regions: Vec::new(),
        owner: FxHashMap::default(),
        labels: FxHashSet::default(),
        gotos: Vec::new(),
        facts: Facts::default(),
    };
    let body = match root {
        Node::Stmt(body) => Some(body),
        _ => None,
    };
    pass.open(Region { body, is_range: false, results: results.to_vec() }, params);
    walk(&file.ast, root, &mut pass);
    pass.close();
    pass.resolve_gotos();
    pass.facts
}

struct Prepass<'a> {
    store: &'a Store,
    file: &'a FileInfo,
    /// The functions around the current node, range-over-func bodies included.
    regions: Vec<Region>,
    /// How many regions were open where a variable was declared. A variable used in a deeper one
    /// is captured; regions that are closed can no longer be confused with it.
    owner: FxHashMap<ObjId, u32>,
    labels: FxHashSet<(StmtId, Symbol)>,
    /// The bodies around each `goto`, up to that of the function, and its label.
    gotos: Vec<(Vec<StmtId>, Symbol)>,
    facts: Facts,
}

struct Region {
    body: Option<StmtId>,
    is_range: bool,
    results: Vec<ObjId>,
}

impl Prepass<'_> {
    fn depth(&self) -> u32 {
        self.regions.len() as u32
    }

    fn open(&mut self, region: Region, params: &[ObjId]) {
        let depth = self.depth() + 1;
        for &obj in params.iter().chain(&region.results) {
            self.owner.insert(obj, depth);
        }
        self.regions.push(region);
    }

    fn close(&mut self) {
        let Some(region) = self.regions.pop() else { return };
        if region.is_range {
            return;
        }
        let has_defer = region.body.is_some_and(|b| self.facts.defers.contains(&b));
        if has_defer {
            // They are read again after the deferred calls, and after a recovered panic.
            let named = |&&r: &&ObjId| self.store.obj(r).name != sym::EMPTY;
            self.facts.in_memory.extend(region.results.iter().filter(named));
        }
    }

    fn resolve_gotos(&mut self) {
        for (bodies, label) in std::mem::take(&mut self.gotos) {
            let target = bodies.iter().find(|&&b| self.labels.contains(&(b, label)));
            if let Some(&body) = target {
                self.facts.goto_labels.insert((body, label));
            }
        }
    }

    /// The region of the function (not the range-over-func body) that we are in.
    fn function(&self) -> Option<&Region> {
        self.regions.iter().rev().find(|r| !r.is_range)
    }

    fn declare(&mut self, obj: ObjId, depth: u32) {
        self.owner.entry(obj).or_insert(depth);
    }

    fn declare_ident(&mut self, e: Option<ExprId>, depth: u32) {
        if let Some(obj) = e.and_then(|e| self.file.obj_of(e))
            && is_local_var(self.store, obj)
        {
            self.declare(obj, depth);
        }
    }

    fn under_of(&self, e: ExprId) -> Option<&Type> {
        let t = self.file.type_of(e)?;
        Some(self.store.ty(core(self.store, t)))
    }

    /// Marks the variable whose memory a place is part of: `x` of `x.f[0]`, for an array `x.f`.
    fn needs_memory(&mut self, mut e: ExprId) {
        let ast = &self.file.ast;
        loop {
            match ast.expr(e).kind {
                ExprKind::Paren(x) => e = x,
                ExprKind::Selector { x, .. } => match self.under_of(x) {
                    Some(Type::Pointer(_)) | None => return,
                    Some(_) => e = x,
                },
                ExprKind::Index { x, .. } => match self.under_of(x) {
                    Some(Type::Array { .. }) => e = x,
                    _ => return,
                },
                ExprKind::Ident(_) => {
                    if let Some(obj) = self.file.obj_of(e)
                        && is_local_var(self.store, obj)
                    {
                        self.facts.in_memory.insert(obj);
                    }
                    return;
                }
                _ => return,
            }
        }
    }

    /// An assignment to part of a variable is a store into its memory.
    fn assigned(&mut self, e: ExprId) {
        let e = self.file.ast.unparen(e);
        if !matches!(self.file.ast.expr(e).kind, ExprKind::Ident(_)) {
            self.needs_memory(e);
        }
    }

    fn used(&mut self, obj: ObjId) {
        let depth = self.depth();
        let owner = *self.owner.entry(obj).or_insert(depth);
        if owner < depth {
            self.facts.in_memory.insert(obj);
        }
    }

    fn is_func(&self, e: ExprId) -> bool {
        matches!(self.under_of(e), Some(Type::Signature(_)))
    }
}

impl Visitor for Prepass<'_> {
    fn enter_expr(&mut self, ast: &File, id: ExprId) -> bool {
        match ast.expr(id).kind {
            ExprKind::Ident(_) => {
                if let Some(obj) = self.file.obj_of(id)
                    && is_local_var(self.store, obj)
                {
                    self.used(obj);
                }
            }
            ExprKind::FuncLit { body, .. } => {
                let (params, results) = signature_vars(self.store, self.file.type_of(id));
                self.open(Region { body: Some(body), is_range: false, results }, &params);
            }
            ExprKind::Unary { op: UnaryOp::Addr, x } => self.needs_memory(x),
            ExprKind::Slice { x, .. } => {
                if matches!(self.under_of(x), Some(Type::Array { .. })) {
                    self.needs_memory(x);
                }
            }
            ExprKind::Selector { x, .. } => {
                let method = self.file.selections.get(&id);
                if let Some(s) = method.filter(|s| s.kind == SelectionKind::MethodVal)
                    && has_pointer_receiver(self.store, s.obj)
                {
                    self.needs_memory(x);
                }
            }
            _ => {}
        }
        true
    }

    fn leave_expr(&mut self, ast: &File, id: ExprId) {
        if matches!(ast.expr(id).kind, ExprKind::FuncLit { .. }) {
            self.close();
        }
    }

    fn enter_stmt(&mut self, ast: &File, id: StmtId) -> bool {
        if self.facts.range_bodies.contains(&id) {
            self.open(Region { body: Some(id), is_range: true, results: Vec::new() }, &[]);
        }
        match ast.stmt(id).kind {
            StmtKind::Assign { lhs, op, .. } if op != AssignOp::Define => {
                ast.expr_list(lhs).iter().for_each(|&e| self.assigned(e));
            }
            StmtKind::IncDec { x, .. } => self.assigned(x),
            StmtKind::Range { clause, body } => {
                let clause = ast.ranges[clause as usize];
                let over_func = self.is_func(clause.x);
                let depth = self.depth();
                if over_func {
                    self.facts.range_bodies.insert(body);
                }
                for e in [clause.key, clause.value].into_iter().flatten() {
                    if clause.define {
                        self.declare_ident(Some(e), depth + u32::from(over_func));
                    } else if over_func {
                        // Assigned from inside the body.
                        self.needs_memory(e);
                    } else {
                        self.assigned(e);
                    }
                }
            }
            StmtKind::Defer(_) => {
                if let Some(body) = self.function().and_then(|r| r.body) {
                    self.facts.defers.insert(body);
                }
            }
            StmtKind::Return(_) if self.regions.last().is_some_and(|r| r.is_range) => {
                let results = self.function().map(|r| r.results.clone()).unwrap_or_default();
                self.facts.in_memory.extend(results);
            }
            StmtKind::Branch { kind: BranchKind::Goto, label: Some(label) } => {
                let mut bodies = Vec::new();
                for region in self.regions.iter().rev() {
                    bodies.extend(region.body);
                    if !region.is_range {
                        break;
                    }
                }
                self.gotos.push((bodies, label));
            }
            StmtKind::Labeled { label, .. } => {
                if let Some(body) = self.regions.last().and_then(|r| r.body) {
                    self.labels.insert((body, label.name));
                }
            }
            StmtKind::Case { .. } => {
                if let Some(&obj) = self.file.case_objs.get(&id) {
                    let depth = self.depth();
                    self.declare(obj, depth);
                }
            }
            _ => {}
        }
        true
    }

    fn leave_stmt(&mut self, _: &File, id: StmtId) {
        if self.facts.range_bodies.contains(&id) {
            self.close();
        }
    }

    fn enter_spec(&mut self, ast: &File, id: SpecId) -> bool {
        if let SpecKind::Value { names, .. } = ast.specs[id].kind {
            let depth = self.depth();
            for ident in ast.ident_list(names) {
                if let Some(&obj) = self.file.defs.get(&ident.pos) {
                    self.declare(obj, depth);
                }
            }
        }
        true
    }

    fn enter_decl(&mut self, ast: &File, id: go_syntax::ast::DeclId) -> bool {
        !matches!(ast.all_decls[id].kind, DeclKind::Type(_) | DeclKind::Const(_))
    }

    fn enter_func_type(&mut self, _: &File, _: go_syntax::ast::FuncTypeId) -> bool {
        false
    }
}

/// Whether a method is declared on the pointer type.
pub(super) fn has_pointer_receiver(store: &Store, method: ObjId) -> bool {
    let method = store.obj(method).origin().unwrap_or(method);
    let object = store.obj(method);
    let recv = object.typ.get().and_then(|t| match store.ty(t) {
        Type::Signature(sig) => sig.recv,
        _ => None,
    });
    match recv.and_then(|r| store.obj(r).typ.get()) {
        Some(t) => matches!(store.ty(go_types::under::unalias(store, t)), Type::Pointer(_)),
        None => match &object.kind {
            ObjKind::Func { ptr_recv, .. } => ptr_recv.load(std::sync::atomic::Ordering::Relaxed),
            _ => false,
        },
    }
}

/// Parameters (the receiver first) and results of a function type.
pub(super) fn signature_vars(store: &Store, t: Option<TypeId>) -> (Vec<ObjId>, Vec<ObjId>) {
    match t.map(|t| store.ty(under(store, t))) {
        Some(Type::Signature(sig)) => {
            (sig.recv.into_iter().chain(sig.params.iter().copied()).collect(), sig.results.to_vec())
        }
        _ => (Vec::new(), Vec::new()),
    }
}

fn core(store: &Store, t: TypeId) -> TypeId {
    match store.ty(go_types::under::unalias(store, t)) {
        Type::TypeParam(_) => core_type(store, t).unwrap_or_else(|| store.invalid()),
        _ => under(store, t),
    }
}
