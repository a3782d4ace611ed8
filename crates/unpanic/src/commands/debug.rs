//! `unpanic debug …`: what a stage of the analysis sees, as JSON, for comparison with Go's tools.

use std::io::{self, BufWriter, Write};

use diag::{ExitClass, Problem, Resolver};
use engine::Loaded;
use go_project::{ImportTarget, PackageKind};
use go_syntax::ast::{self, DeclKind, SpecKind};
use serde::Serialize;

use super::target::target;
use crate::app::App;
use crate::cli::DebugArgs;
use crate::output;

#[derive(Serialize)]
struct PackageLine<'a> {
    import_path: String,
    name: &'a str,
    dir: String,
    kind: &'static str,
    root: bool,
    go_version: String,
    module: Option<&'a str>,
    files: Vec<String>,
    imports: Vec<&'a str>,
    missing: Vec<&'a str>,
}

/// Prints the packages in dependency order.
pub fn packages(app: &App, args: &DebugArgs) -> anyhow::Result<ExitClass> {
    let (loaded, class) = load(app, args)?;
    let program = &loaded.program;
    let resolver = Resolver::new(&program.sources, &app.dir);
    let mut out = BufWriter::new(io::stdout().lock());
    for &id in &program.order {
        let package = &program.packages[id];
        let wanted = |missing: bool| {
            let is = |t: &ImportTarget| matches!(t, ImportTarget::Missing(_)) == missing;
            let paths = package.imports.iter().filter(|(_, t)| is(t));
            let mut paths: Vec<&str> = paths.map(|(path, _)| path.as_str()).collect();
            paths.sort_unstable();
            paths
        };
        let line = PackageLine {
            import_path: package.display_path(),
            name: package.name.as_str(),
            dir: resolver.show(&package.dir),
            kind: match package.kind {
                PackageKind::Std => "std",
                PackageKind::Workspace => "workspace",
                PackageKind::Dependency => "dependency",
            },
            root: package.is_root,
            go_version: format!("{}.{}", package.go_version.0, package.go_version.1),
            module: package.module.map(|m| program.modules[m].path.as_str()),
            files: package.files.iter().map(|f| resolver.path(f.file)).collect(),
            imports: wanted(false),
            missing: wanted(true),
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    out.flush()?;
    Ok(class)
}

#[derive(Serialize)]
struct FileLine<'a> {
    file: String,
    package: &'a str,
    decls: Vec<DeclLine<'a>>,
    errors: Vec<ErrorLine<'a>>,
}

#[derive(Serialize)]
struct DeclLine<'a> {
    kind: &'static str,
    names: Vec<&'a str>,
    start: u32,
    end: u32,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    offset: u32,
    message: &'a str,
}

/// Prints the files of the packages asked for, by package and name.
pub fn parse(app: &App, args: &DebugArgs) -> anyhow::Result<ExitClass> {
    let (loaded, class) = load(app, args)?;
    let program = &loaded.program;
    let resolver = Resolver::new(&program.sources, &app.dir);
    let mut out = BufWriter::new(io::stdout().lock());
    for &id in &program.roots {
        let package = &program.packages[id];
        for file in package.files.iter().filter(|_| package.superseded_by.is_none()) {
            let tree = &*file.ast;
            let decls = tree.decls.iter().map(|&d| decl(tree, &tree.all_decls[d])).collect();
            let errors = tree.errors.iter();
            let line = FileLine {
                file: resolver.path(file.file),
                package: tree.package.name.as_str(),
                decls,
                errors: errors.map(|e| ErrorLine { offset: e.pos, message: &e.message }).collect(),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
    }
    out.flush()?;
    Ok(class)
}

/// Prints the type, mode and constant value of every expression of the packages asked for.
pub fn types(app: &App, args: &DebugArgs) -> anyhow::Result<ExitClass> {
    let (loaded, class) = load(app, args)?;
    let mut out = BufWriter::new(io::stdout().lock());
    engine::with_types(&loaded.program, |checked| {
        go_types::debug_types(checked.program, checked.types, checked.packages, &mut out)
    })?;
    out.flush()?;
    Ok(class)
}

/// Prints the functions of the program's own packages as SSA.
pub fn ir(app: &App, args: &DebugArgs) -> anyhow::Result<ExitClass> {
    let (loaded, class) = load(app, args)?;
    let text = engine::with_types(&loaded.program, engine::print_ir);
    io::stdout().lock().write_all(diag::clean(&text).as_bytes())?;
    Ok(class)
}

#[derive(Serialize)]
struct CallLine<'a> {
    caller: &'a str,
    callee: &'a str,
    file: String,
    line: u32,
    spawns: bool,
}

/// Prints the calls that the analysis resolved.
pub fn callgraph(app: &App, args: &DebugArgs) -> anyhow::Result<ExitClass> {
    let (loaded, class) = load(app, args)?;
    let resolver = Resolver::new(&loaded.program.sources, &app.dir);
    let mut out = BufWriter::new(io::stdout().lock());
    for edge in engine::with_types(&loaded.program, engine::call_graph) {
        let (file, line) = resolver.line(edge.place);
        let (caller, callee) = (&*edge.caller, &*edge.callee);
        let line = CallLine { caller, callee, file, line, spawns: edge.spawns };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    out.flush()?;
    Ok(class)
}

fn decl<'a>(tree: &'a ast::File, decl: &ast::Decl) -> DeclLine<'a> {
    let specs = |range| tree.spec_ids(range).flat_map(|id| spec_names(tree, tree.specs[id].kind));
    let (kind, names): (_, Vec<&str>) = match decl.kind {
        DeclKind::Bad => ("bad", Vec::new()),
        DeclKind::Import(range) => ("import", specs(range).collect()),
        DeclKind::Const(range) => ("const", specs(range).collect()),
        DeclKind::Type(range) => ("type", specs(range).collect()),
        DeclKind::Var(range) => ("var", specs(range).collect()),
        DeclKind::Func(id) => ("func", vec![tree.func_decls[id].name.name.as_str()]),
    };
    DeclLine { kind, names, start: decl.span.start, end: decl.span.end }
}

fn spec_names(tree: &ast::File, kind: SpecKind) -> Vec<&str> {
    match kind {
        SpecKind::Import { name, .. } => name.iter().map(|n| n.name.as_str()).collect(),
        SpecKind::Value { names, .. } => {
            tree.ident_list(names).iter().map(|n| n.name.as_str()).collect()
        }
        SpecKind::Type { name, .. } => vec![name.name.as_str()],
    }
}

fn load(app: &App, args: &DebugArgs) -> anyhow::Result<(Loaded, ExitClass)> {
    let target = target(app, &args.build)?;
    let loaded = engine::load(&app.system, &app.dir, &args.build.patterns, &target);
    let sources = &loaded.program.sources;
    output::print_problems(&loaded.problems, sources, &app.dir, app.global.color)?;
    let classes = loaded.problems.iter().map(Problem::exit_class);
    let class = classes.fold(ExitClass::Clean, ExitClass::max);
    Ok((loaded, class))
}
