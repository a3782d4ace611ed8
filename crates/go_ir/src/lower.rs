//! Checked syntax trees to IR, package by package. The files below this one are the parts of one
//! walk, by what they lower; [`Lowerer`] is its state.
//!
//! | file | what it lowers |
//! |---|---|
//! | `func` | declarations, function literals, package initialisers |
//! | `expr` | values, operators, control flow of conditions |
//! | `place` | what has an address: selectors, indices, assignment targets |
//! | `lit` | composite literals |
//! | `call`, `builtin` | calls of all sorts; locks; calls that never return |
//! | `stmt`, `jump`, `loops`, `range`, `switch` | statements |
//!
//! Trees with errors are normal input: what has no type becomes `Op::Unknown`.

mod builtin;
mod call;
mod convert;
mod expr;
mod func;
mod jump;
mod library;
mod lit;
mod loops;
mod place;
mod prepass;
mod range;
mod stmt;
mod switch;
mod types;

use base::{Id, IndexVec};
use go_syntax::ast::{self, ExprId, StmtId};
use go_types::{Basic, FileInfo, Mode, ObjId, PackageInfo, Store, TypeId};
use rayon::prelude::*;
use source::{FileSpan, SourceMap, Span};

use crate::ir::{Func, FuncId, Op, Program, ValueId};
use func::FnState;
use prepass::Facts;
use types::TypeMaker;

/// How deep expressions and statements may nest. What is deeper is `Unknown`: hand-written code
/// stays far below, and a thread's stack holds it.
const MAX_DEPTH: u32 = 300;

/// Lowers packages, in parallel. Function ids follow the order of `packages` and of the source in
/// them, so they do not depend on the number of threads.
pub fn lower_program(store: &Store, sources: &SourceMap, packages: &[&PackageInfo]) -> Program {
    let lowered: Vec<LoweredPackage> =
        packages.par_iter().map(|info| caught_package(store, sources, info)).collect();
    let mut program = Program::default();
    for package in lowered {
        append(&mut program, package);
    }
    program
}

/// A package, or none of it when what is done to it as a whole panics.
fn caught_package(store: &Store, sources: &SourceMap, info: &PackageInfo) -> LoweredPackage {
    base::catch(|| lower_package(store, sources, info)).unwrap_or_else(|panic| LoweredPackage {
        crashes: vec![(format!("{}.*", store.package(info.pkg).path), panic)],
        ..LoweredPackage::empty(info.pkg)
    })
}

/// The functions of one package, numbered from 0.
#[derive(Debug)]
pub struct LoweredPackage {
    /// The package.
    pub pkg: go_types::PkgId,
    /// Its functions in source order, each before the literals in it; the initialiser comes
    /// after the declared ones.
    pub funcs: IndexVec<FuncId, Func>,
    /// Its initialiser; none when it has no files.
    pub init: Option<FuncId>,
    /// Functions on which lowering panicked: they are missing.
    pub crashes: Vec<(String, String)>,
}

impl LoweredPackage {
    fn empty(pkg: go_types::PkgId) -> Self {
        Self { pkg, funcs: IndexVec::new(), init: None, crashes: Vec::new() }
    }
}

/// Lowers one package.
pub fn lower_package(store: &Store, sources: &SourceMap, info: &PackageInfo) -> LoweredPackage {
    let Some(first) = info.files.first() else {
        return LoweredPackage::empty(info.pkg);
    };
    let mut lowerer = Lowerer::new(store, sources, info, first);
    for file in &info.files {
        lowerer.enter_file(file);
        lowerer.declarations();
    }
    let init = lowerer.caught("init", Lowerer::package_init);
    let Lowerer { mut funcs, crashes, .. } = lowerer;
    crate::simplify::fold_branches(store, &mut funcs);
    if cfg!(debug_assertions) {
        for f in funcs.iter() {
            let problems = crate::verify::verify(f);
            debug_assert!(
                problems.is_empty(),
                "{} is not well formed: {problems:?}\n{}",
                f.name,
                crate::print::print_func(store, f)
            );
        }
    }
    LoweredPackage { pkg: info.pkg, funcs, init, crashes }
}

fn append(program: &mut Program, package: LoweredPackage) {
    let base = program.funcs.len();
    let moved = |id: FuncId| FuncId::from_index(base + id.index());
    if let Some(init) = package.init {
        program.inits.insert(package.pkg, moved(init));
    }
    program.crashes.extend(package.crashes);
    let mut funcs = package.funcs;
    for mut f in std::mem::take(funcs.as_mut_vec()) {
        f.parent = f.parent.map(moved);
        for instr in f.values.as_mut_vec() {
            if let Op::MakeClosure { func, .. } = &mut instr.op {
                *func = moved(*func);
            }
        }
        let obj = f.obj;
        let id = program.funcs.push(f);
        if let Some(obj) = obj {
            program.by_obj.insert(obj, id);
        }
    }
}

/// The state of lowering one package.
struct Lowerer<'a> {
    store: &'a Store,
    sources: &'a SourceMap,
    info: &'a PackageInfo,
    /// The file at hand, and its tree.
    file: &'a FileInfo,
    ast: &'a ast::File,
    is_test: bool,
    funcs: IndexVec<FuncId, Func>,
    types: TypeMaker,
    /// What the walk before found out about the declaration at hand.
    facts: Facts,
    /// The function being built.
    f: FnState,
    /// The functions around it, outermost first.
    outer: Vec<FnState>,
    /// The `init` functions seen so far.
    init_funcs: Vec<ObjId>,
    depth: u32,
    crashes: Vec<(String, String)>,
}

impl<'a> Lowerer<'a> {
    fn new(
        store: &'a Store,
        sources: &'a SourceMap,
        info: &'a PackageInfo,
        file: &'a FileInfo,
    ) -> Self {
        Self {
            store,
            sources,
            info,
            file,
            ast: &file.ast,
            is_test: false,
            funcs: IndexVec::new(),
            types: TypeMaker::default(),
            facts: Facts::default(),
            f: FnState::none(file.file, store.invalid()),
            outer: Vec::new(),
            init_funcs: Vec::new(),
            depth: 0,
            crashes: Vec::new(),
        }
    }

    /// Lowers one function of the package. If that panics, the function and its literals are left
    /// out, and the rest goes on.
    fn caught<T>(&mut self, name: &str, lower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let before = self.funcs.len();
        match base::catch(|| lower(self)) {
            Ok(made) => Some(made),
            Err(panic) => {
                let package = self.store.package(self.info.pkg).path;
                self.crashes.push((format!("{package}.{name}"), panic));
                self.funcs.as_mut_vec().truncate(before);
                self.f = FnState::none(self.file.file, self.store.invalid());
                self.outer.clear();
                self.depth = 0;
                None
            }
        }
    }

    fn enter_file(&mut self, file: &'a FileInfo) {
        self.file = file;
        self.ast = &file.ast;
        self.is_test = self.sources.path(file.file).to_string_lossy().ends_with("_test.go");
    }

    /// The place of an expression.
    fn span(&self, e: ExprId) -> FileSpan {
        self.file_span(self.ast.expr(e).span)
    }
    fn stmt_span(&self, s: StmtId) -> FileSpan {
        self.file_span(self.ast.stmt(s).span)
    }
    fn file_span(&self, span: Span) -> FileSpan {
        FileSpan { file: self.file.file, span }
    }

    /// The type of an expression; the invalid type when there is none. Conditions, which stay
    /// untyped, are `bool`s.
    fn type_of(&self, e: ExprId) -> TypeId {
        match self.file.type_of(e) {
            Some(t) if t == self.store.basic(Basic::UntypedBool) => self.store.basic(Basic::Bool),
            Some(t) => t,
            None => self.store.invalid(),
        }
    }
    fn mode_of(&self, e: ExprId) -> Mode {
        self.file.mode_of(e)
    }
    /// What an identifier or qualified identifier denotes, without parentheses.
    fn obj_of(&self, e: ExprId) -> Option<ObjId> {
        self.file.obj_of(e)
    }
    /// The type of an object; the invalid type when there is none.
    fn obj_type(&self, obj: ObjId) -> TypeId {
        self.store.obj(obj).typ.get().unwrap_or_else(|| self.store.invalid())
    }
    /// The declared object behind one of an instance.
    fn origin(&self, obj: ObjId) -> ObjId {
        self.store.obj(obj).origin().unwrap_or(obj)
    }

    fn emit(&mut self, op: Op, ty: TypeId, span: FileSpan) -> ValueId {
        self.f.ssa.emit(op, Some(ty), span)
    }
    /// Emits an instruction that yields nothing.
    fn effect(&mut self, op: Op, span: FileSpan) {
        self.f.ssa.emit(op, None, span);
    }
    fn unknown(&mut self, ty: TypeId, span: FileSpan) -> ValueId {
        self.emit(Op::Unknown, ty, span)
    }
    /// The type of a value; the invalid type when it has none.
    fn value_type(&self, v: ValueId) -> TypeId {
        self.f.ssa.ty(v).unwrap_or_else(|| self.store.invalid())
    }

    /// Runs `lower` one level further down; `None` when that is too deep.
    fn deeper<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let result = lower(self);
        self.depth -= 1;
        Some(result)
    }
}
