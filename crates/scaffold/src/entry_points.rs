//! Where work enters a program, by its syntax: HTTP servers, gRPC servers, `go` statements. Names are
//! resolved through imports only, which is enough to show a line to a person.

use base::Symbol;
use go_project::{Package, ParsedFile};
use go_syntax::ast::{self, ExprKind, SpecKind, StmtKind};
use source::Span;

use crate::Module;

/// What begins at an entry point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EntryKind {
    /// An HTTP server gets its handler.
    HttpServer,
    /// A mux is made, which some server gets later.
    HttpMux,
    /// A gRPC server is made.
    GrpcServer,
    /// A goroutine starts.
    Goroutine,
}

/// A line where work enters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EntryPoint {
    /// What begins there.
    pub kind: EntryKind,
    /// The file, absolute.
    pub file: std::path::PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The line's text, trimmed.
    pub text: String,
}

/// The entry points of a module outside of its tests and of generated files, by kind and place.
/// Packages below `skip`, where the scaffolded code itself lies, are left out.
pub fn entry_points(module: &Module, skip: &std::path::Path) -> Vec<EntryPoint> {
    let mut found = Vec::new();
    for package in module.packages().filter(|p| !p.dir.starts_with(skip)) {
        for file in package.files.iter().filter(|f| !f.is_test && !f.is_generated) {
            of_file(module, package, file, &mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

fn of_file(module: &Module, _: &Package, file: &ParsedFile, found: &mut Vec<EntryPoint>) {
    let sources = &module.program.sources;
    let source = sources.file(file.file);
    let tree = &*file.ast;
    let http = local_name(source, tree, "net/http", "http");
    let grpc = local_name(source, tree, crate::recovery::GRPC, "grpc");
    let mut add = |kind, span: Span| {
        let line = source.line_col(span.start).line;
        let text = source.line_text(line).trim().to_owned();
        found.push(EntryPoint { kind, file: source.path.clone(), line, text });
    };
    // `name.sel` where `name` is what the file calls the package.
    let member = |id: ast::ExprId, package: Option<Symbol>| match tree.expr(id).kind {
        ExprKind::Selector { x, sel } => match tree.expr(x).kind {
            ExprKind::Ident(name) if Some(name) == package => Some(sel.as_str()),
            _ => None,
        },
        _ => None,
    };
    for expr in tree.exprs.iter() {
        match expr.kind {
            ExprKind::CompositeLit { ty: Some(ty), .. } if member(ty, http) == Some("Server") => {
                add(EntryKind::HttpServer, expr.span);
            }
            ExprKind::Call { fun, .. } => match member(fun, http) {
                Some("ListenAndServe" | "ListenAndServeTLS" | "Serve" | "ServeTLS") => {
                    add(EntryKind::HttpServer, expr.span);
                }
                Some("NewServeMux") => add(EntryKind::HttpMux, expr.span),
                _ if member(fun, grpc) == Some("NewServer") => {
                    add(EntryKind::GrpcServer, expr.span);
                }
                _ => {}
            },
            _ => {}
        }
    }
    for stmt in tree.stmts.iter().filter(|s| matches!(s.kind, StmtKind::Go(_))) {
        add(EntryKind::Goroutine, stmt.span);
    }
}

/// What a file calls the package of an import path.
fn local_name(
    source: &source::SourceFile,
    tree: &ast::File,
    path: &str,
    usual: &str,
) -> Option<Symbol> {
    tree.specs.iter().find_map(|spec| match spec.kind {
        SpecKind::Import { name, path: literal } => {
            let text = source.slice(tree.expr(literal).span);
            let found = go_syntax::literal::string_text(text.as_bytes())?;
            (found == path).then(|| name.map_or_else(|| Symbol::intern(usual), |n| n.name))
        }
        _ => None,
    })
}
