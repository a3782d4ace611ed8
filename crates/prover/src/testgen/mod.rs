//! Tests made for a finding: the functions that its accesses stand in are called from several
//! goroutines at once. The same text serves as a generated run, when no test and no command of the
//! user's gets to the accesses, and as the `_test.go` that `--emit-test` writes.
//!
//! ```text
//! finding ─▶ calls (which functions) ─▶ values (arguments, receivers) ─▶ text (Go)
//! ```
//!
//! What is called is what the finding names: a handler is served requests, a function or method gets
//! one receiver for all goroutines and arguments that can honestly be made (basic types, contexts,
//! functions that do nothing, constructors and composite literals; what is generic gets `string` and the
//! like for its type parameters). A map that the finding's functions only read and delete from is filled by
//! a method beside them. All else that has to be taken for
//! granted is told as an assumption. Functions that start processes, touch files or open connections
//! are not called.

mod calls;
mod effects;
mod fill;
mod generics;
mod names;
mod text;
mod values;

pub use names::listed;
pub use text::HEADER as TEST_HEADER;

use std::path::PathBuf;

use base::FxHashMap;
use diag::FindingRecord;
use go_project::PackageId;
use go_syntax::ast::{DeclId, DeclKind, FuncDecl};
use go_types::{FileInfo, ObjId, PkgId, Store};
use source::SourceFile;

/// A test for a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GeneratedTest {
    /// The place of the finding in the list that was given.
    pub finding: usize,
    /// The package's folder.
    pub dir: PathBuf,
    /// Its import path.
    pub package: String,
    /// The file's name.
    pub file: String,
    /// The test function.
    pub name: String,
    /// With this environment variable the calls are made by the process itself.
    pub child: String,
    /// The file's text.
    pub text: String,
    /// What is called.
    pub calls: Vec<String>,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// Whether only the race detector can see the race: the memory is no map.
    pub needs_race: bool,
}

/// A checked file of the program's own packages.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Its tables.
    pub info: &'a FileInfo,
    /// Its text.
    pub file: &'a SourceFile,
    /// The package, as the project has it.
    pub package: PackageId,
    /// The package, as the types have it.
    pub pkg: PkgId,
}

/// A declared function.
#[derive(Clone, Copy)]
pub(crate) struct Function<'a> {
    /// Where.
    pub source: Source<'a>,
    /// The declaration.
    pub decl: DeclId,
    /// What it declares.
    pub obj: ObjId,
}

impl<'a> Function<'a> {
    fn syntax(&self) -> Option<&'a FuncDecl> {
        match self.source.info.ast.all_decls[self.decl].kind {
            DeclKind::Func(function) => Some(&self.source.info.ast.func_decls[function]),
            _ => None,
        }
    }
}

/// The program's own functions.
pub(crate) struct Sources<'a> {
    /// All types and objects.
    pub store: &'a Store,
    /// The files, by path.
    pub files: Vec<Source<'a>>,
    functions: FxHashMap<ObjId, Function<'a>>,
}

impl<'a> Sources<'a> {
    /// Of the files of the program's own packages.
    pub fn new(store: &'a Store, files: Vec<Source<'a>>) -> Self {
        let mut functions = FxHashMap::default();
        for &source in &files {
            let ast = &source.info.ast;
            for &decl in &ast.decls {
                let DeclKind::Func(function) = ast.all_decls[decl].kind else { continue };
                let name = ast.func_decls[function].name;
                if let Some(&obj) = source.info.defs.get(&name.pos) {
                    functions.insert(obj, Function { source, decl, obj });
                }
            }
        }
        Self { store, files, functions }
    }

    /// The declaration of a function of the program's own.
    fn function(&self, obj: ObjId) -> Option<Function<'a>> {
        self.functions.get(&obj).copied()
    }

    /// The function whose declaration holds an offset of a file.
    fn enclosing(&self, source: Source<'a>, at: u32) -> Option<Function<'a>> {
        let ast = &source.info.ast;
        let holds = |decl: &&DeclId| {
            let span = ast.all_decls[**decl].span;
            span.start <= at && at < span.end
        };
        let decl = *ast.decls.iter().find(holds)?;
        let DeclKind::Func(function) = ast.all_decls[decl].kind else { return None };
        let obj = *source.info.defs.get(&ast.func_decls[function].name.pos)?;
        Some(Function { source, decl, obj })
    }
}

/// The package that a test goes into.
pub(crate) struct Home<'a> {
    /// Its folder.
    pub dir: &'a std::path::Path,
    /// Its import path.
    pub path: &'a str,
}

/// The tests that may show a finding, the best first; if there is none, why.
pub(crate) fn tests<'a>(
    sources: &Sources<'a>,
    finding: usize,
    record: &FindingRecord,
    locate: &dyn Fn(&str) -> Option<Source<'a>>,
    home: &dyn Fn(PackageId) -> Option<Home<'a>>,
) -> Result<Vec<GeneratedTest>, String> {
    let plans = calls::plans(sources, record, locate);
    let mut made: Vec<GeneratedTest> = Vec::new();
    let mut refused = None;
    // Without the race detector first; and a constructor that may fail is better than a literal,
    // but for one that does.
    let variants = [(false, true), (false, false), (true, true), (true, false)];
    let always = calls::needs_race(record);
    for (race, fallible) in variants.into_iter().filter(|(race, _)| *race || !always) {
        for plan in &plans {
            let Some(home) = home(plan.source.package) else {
                refused = refused.or(Some("its package is not one of the module's own".to_owned()));
                continue;
            };
            let built = effects::refuse(sources, plan).and_then(|()| {
                text::write(sources, plan, record, text::Variant { race, fallible })
            });
            match built {
                Ok(built) => {
                    let test = GeneratedTest {
                        finding,
                        dir: home.dir.to_owned(),
                        package: home.path.to_owned(),
                        file: built.file,
                        name: built.name,
                        child: built.child,
                        text: built.text,
                        calls: built.calls,
                        assumed: built.assumed,
                        needs_race: race,
                    };
                    if made.iter().all(|known| known.text != test.text) {
                        made.push(test);
                    }
                }
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
    }
    if made.is_empty() {
        return Err(refused.unwrap_or_else(|| {
            "no function that can be called from a test leads to its accesses".to_owned()
        }));
    }
    Ok(made)
}
