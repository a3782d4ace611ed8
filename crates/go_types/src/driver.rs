//! Checks whole programs: packages in dependency order, independent ones in parallel. Declarations
//! first; function bodies when asked for. A package on which the checker panics becomes a problem
//! of its own, and its importers go on without it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use base::{FxHashMap, Id, IndexVec, LocalInterner, Symbol};
use go_project::{ImportTarget, LanguageVersion, PackageId, Program};
use go_syntax::ast::{self, SpecKind};
use go_syntax::{ParseMode, parse};
use parking_lot::Mutex;
use source::{FileId, SourceFile};

use crate::checker::{Checker, TypeError};
use crate::constant::unquote_string;
use crate::info::{FileInfo, PackageInfo};
use crate::object::ObjKind;
use crate::resolver::guessed_name;
use crate::sizes::Sizes;
use crate::store::{PkgId, Store};

/// Source text that stands in for a package that is not there, by import path.
pub type Stubs<'s> = dyn Fn(&str) -> Option<&'s str> + Sync + 's;

/// How to check a program.
#[derive(Clone, Copy, Default)]
pub struct CheckOptions<'s> {
    /// Stand-ins for missing packages.
    pub stubs: Option<&'s Stubs<'s>>,
    /// Whether `assert` and `trace`, which go/types' own test files call, are predeclared.
    pub test_builtins: bool,
}

/// A program whose declarations are checked, and those function bodies that were asked for.
pub struct ProgramTypes<'a> {
    /// What all ids point into.
    pub store: &'a Store,
    plan: &'a Plan,
    checks: Vec<Check<'a>>,
}

base::define_id! {
    /// A package of the program, or a stand-in for a missing one.
    struct UnitId;
}

/// What is to be checked as one package.
struct Unit {
    pkg: PkgId,
    path: String,
    files: Vec<UnitFile>,
    imports: FxHashMap<Symbol, PkgId>,
    deps: Vec<UnitId>,
}

struct UnitFile {
    file: FileId,
    ast: Arc<ast::File>,
    text: Arc<[u8]>,
    version: LanguageVersion,
}

/// How far the check of a unit is.
#[derive(Default)]
struct Check<'a> {
    checker: Mutex<Option<Box<Checker<'a>>>>,
    info: OnceLock<PackageInfo>,
    errors: Mutex<Vec<TypeError>>,
    crashes: Mutex<Vec<String>>,
}

/// A program taken apart into units, ready for [`check_program`]. It owns what a check borrows.
pub struct Plan {
    units: IndexVec<UnitId, Unit>,
    packages: FxHashMap<PackageId, UnitId>,
    sizes: Sizes,
    test_builtins: bool,
}

impl Plan {
    /// Makes a package id for every package of the program, and parses the stand-ins for missing
    /// ones.
    pub fn new(program: &Program, store: &Store, options: &CheckOptions<'_>) -> Self {
        let mut planner = Planner {
            program,
            store,
            stubs: options.stubs,
            stub_units: FxHashMap::default(),
            fakes: FxHashMap::default(),
            interner: LocalInterner::default(),
            plan: Self {
                units: IndexVec::new(),
                packages: FxHashMap::default(),
                sizes: Sizes::for_arch(&program.context.goarch).unwrap_or_default(),
                test_builtins: options.test_builtins,
            },
        };
        planner.packages();
        planner.plan
    }
}

struct Planner<'p, 's> {
    program: &'p Program,
    store: &'p Store,
    stubs: Option<&'s Stubs<'s>>,
    /// Stand-ins; `None` while (and when) there is none to be had.
    stub_units: FxHashMap<String, Option<UnitId>>,
    /// Packages that are neither there nor known: their names are opaque.
    fakes: FxHashMap<Symbol, PkgId>,
    interner: LocalInterner,
    plan: Plan,
}

impl Planner<'_, '_> {
    fn packages(&mut self) {
        let program = self.program;
        for &id in &program.order {
            let package = &program.packages[id];
            let path = Symbol::intern(&package.import_path);
            let pkg = self.store.new_package(path, false);
            self.store.package(pkg).name.get_or_init(|| package.name);
            let files = package
                .files
                .iter()
                .map(|f| UnitFile {
                    file: f.file,
                    ast: f.ast.clone(),
                    text: program.sources.file(f.file).text.clone(),
                    version: f.go_version,
                })
                .collect();
            let unit = self.plan.units.push(Unit {
                pkg,
                path: package.display_path(),
                files,
                imports: FxHashMap::default(),
                deps: Vec::new(),
            });
            self.plan.packages.insert(id, unit);
        }
        for &id in &program.order {
            let unit = self.plan.packages[&id];
            let mut imports: Vec<(&String, &ImportTarget)> =
                program.packages[id].imports.iter().collect();
            imports.sort_by_key(|i| i.0);
            for (path, target) in imports {
                let dep = match target {
                    ImportTarget::Package(dep) => self.plan.packages.get(dep).copied(),
                    ImportTarget::Unsafe | ImportTarget::C => continue,
                    ImportTarget::Missing(_) => self.stub(path),
                };
                self.link(unit, path, dep);
            }
        }
    }

    /// Makes an import path of a unit mean another unit, or an opaque package.
    fn link(&mut self, unit: UnitId, path: &str, dep: Option<UnitId>) {
        let path = Symbol::intern(path);
        let pkg = match dep {
            Some(dep) => self.plan.units[dep].pkg,
            None => *self.fakes.entry(path).or_insert_with(|| {
                let pkg = self.store.new_package(path, true);
                self.store.package(pkg).name.get_or_init(|| guessed_name(path));
                pkg
            }),
        };
        let unit = &mut self.plan.units[unit];
        unit.imports.insert(path, pkg);
        unit.deps.extend(dep);
    }

    /// The stand-in for a missing package.
    fn stub(&mut self, path: &str) -> Option<UnitId> {
        if let Some(&known) = self.stub_units.get(path) {
            return known;
        }
        self.stub_units.insert(path.to_owned(), None);
        let text: Arc<[u8]> = self.stubs?(path)?.as_bytes().into();
        let tree = parse(&text, &mut self.interner, ParseMode::Full);
        let sources = &self.program.sources;
        let file = sources.add(SourceFile::new(format!("<model of {path}>"), text.clone()));
        let symbol = Symbol::intern(path);
        let pkg = self.store.new_package(symbol, false);
        let name = tree.package.name;
        self.store.package(pkg).name.get_or_init(|| name);
        let imports = import_paths(&tree, &text);
        let unit = self.plan.units.push(Unit {
            pkg,
            path: path.to_owned(),
            files: vec![UnitFile { file, ast: Arc::new(tree), text, version: (0, 0) }],
            imports: FxHashMap::default(),
            deps: Vec::new(),
        });
        self.stub_units.insert(path.to_owned(), Some(unit));
        for import in imports {
            let dep = match self.program.by_path.get(&import) {
                Some(id) => self.plan.packages.get(id).copied(),
                None => self.stub(&import),
            };
            if import != "unsafe" && import != "C" {
                self.link(unit, &import, dep);
            }
        }
        Some(unit)
    }
}

/// The paths that a file imports.
fn import_paths(tree: &ast::File, text: &[u8]) -> Vec<String> {
    tree.specs
        .iter()
        .filter_map(|spec| match spec.kind {
            SpecKind::Import { path, .. } => {
                let path = unquote_string(&text[tree.expr(path).span.range()])?;
                String::from_utf8(path).ok()
            }
            _ => None,
        })
        .collect()
}

/// Checks all declarations of a program. Uses the threads of the current rayon pool, which should
/// have large stacks (deep nesting is walked by recursion): see [`with_large_stacks`].
pub fn check_program<'a>(plan: &'a Plan, store: &'a Store) -> ProgramTypes<'a> {
    let units = &plan.units;
    let mut users: IndexVec<UnitId, Vec<UnitId>> =
        IndexVec::from_vec(units.iter().map(|_| Vec::new()).collect());
    let mut waiting: IndexVec<UnitId, AtomicU32> = IndexVec::new();
    let ranks = ranks(units);
    for (id, unit) in units.iter_enumerated() {
        let mut deps = unit.deps.clone();
        deps.sort_unstable();
        deps.dedup();
        // In an import cycle (reported elsewhere) one import is not waited for.
        deps.retain(|&d| ranks[d] < ranks[id]);
        waiting.push(AtomicU32::new(deps.len() as u32));
        for d in deps {
            users[d].push(id);
        }
    }
    let checks: Vec<Check<'a>> = units.iter().map(|_| Check::default()).collect();
    let run = Run { plan, store, users: &users, waiting: &waiting, checks: &checks };
    let ready: Vec<UnitId> =
        units.ids().filter(|&id| waiting[id].load(Ordering::Relaxed) == 0).collect();
    rayon::scope(|scope| {
        for id in ready {
            scope.spawn(move |scope| run.unit(scope, id));
        }
    });
    ProgramTypes { store, plan, checks }
}

/// A rank for every unit such that imports have lower ranks, but for one in each cycle.
fn ranks(units: &IndexVec<UnitId, Unit>) -> IndexVec<UnitId, u32> {
    let mut ranks = IndexVec::from_vec(vec![0u32; units.len()]);
    let mut next = 1;
    let mut stack: Vec<(UnitId, usize)> = Vec::new();
    let mut entered = vec![false; units.len()];
    for root in units.ids() {
        if !std::mem::replace(&mut entered[root.index()], true) {
            stack.push((root, 0));
        }
        while let Some((id, tried)) = stack.last_mut() {
            if let Some(&dep) = units[*id].deps.get(*tried) {
                *tried += 1;
                if !std::mem::replace(&mut entered[dep.index()], true) {
                    stack.push((dep, 0));
                }
            } else {
                ranks[*id] = next;
                next += 1;
                stack.pop();
            }
        }
    }
    ranks
}

/// The state that the tasks of [`check_program`] share.
#[derive(Clone, Copy)]
struct Run<'r, 'a> {
    plan: &'a Plan,
    store: &'a Store,
    users: &'r IndexVec<UnitId, Vec<UnitId>>,
    waiting: &'r IndexVec<UnitId, AtomicU32>,
    checks: &'r [Check<'a>],
}

impl<'r> Run<'r, '_> {
    fn unit(self, scope: &rayon::Scope<'r>, id: UnitId)
    where
        Self: 'r,
    {
        let unit = &self.plan.units[id];
        let check = &self.checks[id.index()];
        let made = base::catch(|| {
            let mut checker = Box::new(unit.checker(self.store, self.plan.test_builtins));
            checker.sizes = self.plan.sizes;
            checker.check_declarations();
            checker
        });
        match made {
            Ok(mut checker) => {
                check.errors.lock().append(&mut checker.errors);
                *check.checker.lock() = Some(checker);
            }
            Err(panic) => check.crashes.lock().push(panic),
        }
        complete_scope(self.store, unit.pkg);
        for &user in &self.users[id] {
            if self.waiting[user].fetch_sub(1, Ordering::AcqRel) == 1 {
                scope.spawn(move |scope| self.unit(scope, user));
            }
        }
    }
}

/// Importers must find a type on every object, also after a crash.
fn complete_scope(store: &Store, pkg: PkgId) {
    let scope = store.package(pkg).scope.get_or_init(FxHashMap::default);
    for &obj in scope.values() {
        let o = store.obj(obj);
        if o.typ.get().is_none() {
            o.complete(match o.kind {
                ObjKind::Func { .. } => store.universe().empty_signature,
                _ => store.invalid(),
            });
        }
    }
}

impl Unit {
    fn checker<'a>(&'a self, store: &'a Store, testing: bool) -> Checker<'a> {
        let mut checker = Checker::new(store, self.pkg, testing);
        checker.imports.clone_from(&self.imports);
        for f in &self.files {
            checker.asts.push(&f.ast);
            checker.texts.push(&f.text);
            checker.versions.push(f.version.1 as u16);
            let go_version = f.version.1 as u16;
            checker.files.push(FileInfo { go_version, ..FileInfo::new(f.file, f.ast.clone()) });
        }
        checker
    }
}

impl ProgramTypes<'_> {
    /// The package as the checker sees it.
    pub fn pkg(&self, id: PackageId) -> PkgId {
        self.plan.units[self.plan.packages[&id]].pkg
    }

    /// Checks the function bodies of a package, if that was not done before. Several threads may
    /// do so for different packages.
    pub fn check_bodies(&self, id: PackageId) -> Option<&PackageInfo> {
        self.unit_bodies(self.plan.packages.get(&id).copied()?)
    }

    /// Checks the function bodies of these packages, in parallel.
    pub fn check_all_bodies(&self, ids: &[PackageId]) {
        use rayon::prelude::*;
        ids.par_iter().for_each(|&id| {
            self.check_bodies(id);
        });
    }

    /// What was found out about a package, once its bodies have been checked.
    pub fn info(&self, id: PackageId) -> Option<&PackageInfo> {
        self.checks[self.plan.packages.get(&id)?.index()].info.get()
    }

    /// The stand-ins for missing packages that were used, by path, with their bodies checked.
    pub fn stub_infos(&self) -> Vec<(&str, &PackageInfo)> {
        let own: base::FxHashSet<UnitId> = self.plan.packages.values().copied().collect();
        let stubs = self.plan.units.iter_enumerated().filter(|(id, _)| !own.contains(id));
        stubs.filter_map(|(id, u)| Some((u.path.as_str(), self.unit_bodies(id)?))).collect()
    }

    /// What is wrong in a package as far as it was checked, in source order.
    pub fn errors(&self, id: PackageId) -> Vec<TypeError> {
        let Some(&unit) = self.plan.packages.get(&id) else { return Vec::new() };
        let files = &self.plan.units[unit].files;
        let place = |e: &TypeError| (files.iter().position(|f| f.file == e.file), e.pos);
        let mut errors = self.checks[unit.index()].errors.lock().clone();
        errors.sort_by_key(place);
        errors
    }

    /// Crashes of the checker itself: the package and what the panic said.
    pub fn crashes(&self) -> Vec<(&str, String)> {
        let mut all = Vec::new();
        for (id, unit) in self.plan.units.iter_enumerated() {
            let crashes = self.checks[id.index()].crashes.lock();
            all.extend(crashes.iter().map(|c| (unit.path.as_str(), c.clone())));
        }
        all.sort();
        all
    }

    fn unit_bodies(&self, id: UnitId) -> Option<&PackageInfo> {
        let check = &self.checks[id.index()];
        if let Some(done) = check.info.get() {
            return Some(done);
        }
        // Another thread that asks for the same package waits here.
        let mut slot = check.checker.lock();
        let Some(mut checker) = slot.take() else { return check.info.get() };
        let checked = base::catch(move || {
            checker.check_all_bodies();
            checker
        });
        match checked {
            Ok(mut checker) => {
                check.errors.lock().append(&mut checker.errors);
                check.info.get_or_init(|| checker.into_info());
            }
            Err(panic) => check.crashes.lock().push(panic),
        }
        check.info.get()
    }
}

/// Runs `f` in a thread pool whose stacks stand deeply nested source. `threads` 0 means one per
/// core.
pub fn with_large_stacks<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    const STACK: usize = 512 << 20;
    match rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build() {
        Ok(pool) => pool.install(f),
        Err(_) => f(),
    }
}
