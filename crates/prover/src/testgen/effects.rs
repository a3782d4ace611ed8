//! What a function must not do to be called by a test that nobody has written: start processes, touch
//! files, open connections, end the program. Looked for in its body and in those of the program's own
//! functions that it calls; what is called through interfaces and function values is not known here.

use base::FxHashSet;
use go_syntax::ast::ExprKind;
use go_types::ObjId;

use super::calls::{How, Plan, callee_of};
use super::{Function, Sources};

/// Harmless functions of package os.
const OS: [&str; 14] = [
    "Getenv",
    "LookupEnv",
    "Environ",
    "ExpandEnv",
    "Expand",
    "Getpid",
    "Getppid",
    "Getuid",
    "Hostname",
    "Getwd",
    "IsNotExist",
    "IsExist",
    "IsPermission",
    "TempDir",
];
/// Functions of other packages that do such things, by the start of their names.
const OTHERS: [(&str, &[&str]); 8] = [
    ("os/exec", &[""]),
    ("syscall", &[""]),
    ("net", &["Dial", "Listen", "Lookup"]),
    ("net/http", &["Get", "Post", "Head", "ListenAndServe", "Serve", "Do"]),
    ("net/smtp", &[""]),
    ("database/sql", &[""]),
    ("io/ioutil", &["WriteFile", "ReadFile", "ReadDir", "TempDir", "TempFile"]),
    ("log", &["Fatal"]),
];

/// Refuses a plan that calls such a function, and says which.
pub(super) fn refuse(sources: &Sources<'_>, plan: &Plan<'_>) -> Result<(), String> {
    let roots: Vec<Function<'_>> = match &plan.how {
        How::Direct(calls) => calls.iter().map(|call| call.function).collect(),
        How::Serve { routes, .. } => vec![*routes],
    };
    let mut seen: FxHashSet<ObjId> = roots.iter().map(|f| f.obj).collect();
    let mut left = roots;
    while let Some(function) = left.pop() {
        let source = function.source;
        let ast = &source.info.ast;
        let span = ast.all_decls[function.decl].span;
        for (_, expr) in ast.exprs.iter_enumerated() {
            let ExprKind::Call { fun, .. } = expr.kind else { continue };
            if !span.contains(expr.span.start) {
                continue;
            }
            let Some(callee) = callee_of(source, fun) else { continue };
            if let Some(own) = sources.function(callee) {
                if seen.insert(callee) {
                    left.push(own);
                }
            } else if let Some(what) = effect(sources, callee) {
                let by = sources.store.obj(function.obj).name;
                return Err(format!("`{by}` calls {what}, which a test must not do unasked"));
            }
        }
    }
    Ok(())
}

fn effect(sources: &Sources<'_>, callee: ObjId) -> Option<String> {
    let object = sources.store.obj(callee);
    if !matches!(object.kind, go_types::ObjKind::Func { .. }) {
        return None;
    }
    let (path, name) = (sources.store.package(object.pkg?).path.as_str(), object.name.as_str());
    let is_method = object.typ.get().is_some_and(
        |t| matches!(sources.store.ty(t), go_types::Type::Signature(s) if s.recv.is_some()),
    );
    let harmful = match path {
        "os" => !is_method && !OS.contains(&name),
        _ => OTHERS.iter().any(|(other, starts)| {
            *other == path && starts.iter().any(|start| name.starts_with(start))
        }),
    };
    // Methods of the same names wrap what the test gives: `Handler.ServeHTTP`, `Header.Get`.
    let harmful = harmful && !(path == "net/http" && is_method && name != "Do");
    harmful.then(|| format!("{path}.{name}"))
}
