//! What fills a map first: where a finding's accesses read and delete only, a fresh receiver has nothing
//! that they would come to. A method that stores into the same field is called along with them.

use base::FxHashSet;
use diag::{AccessKind, FindingRecord};
use go_syntax::ast::{ExprId, ExprKind, StmtKind};
use go_types::{ObjId, Type, unalias};

use super::calls::{Call, callers, is_map, offset};
use super::generics::callable;
use super::{Function, Source, Sources};

/// A helper's callers' callers are followed so far, to a method that others may call.
const MAX_HEIGHT: usize = 3;

/// A method of a receiver that is called already, exported, that stores into the map of a finding which
/// stores nothing itself.
pub(super) fn filler<'a>(
    sources: &Sources<'a>,
    record: &FindingRecord,
    calls: &[Call<'a>],
    locate: &dyn Fn(&str) -> Option<Source<'a>>,
) -> Option<Call<'a>> {
    if record.accesses.iter().any(|access| access.kind == AccessKind::MapWrite) {
        return None;
    }
    let access = record.accesses.iter().find(|access| is_map(access))?;
    let source = locate(&access.file)?;
    let field = map_at(source, offset(source.file, access.line, access.column)?)?;
    let receivers: Vec<ObjId> =
        calls.iter().filter_map(|call| receiver(sources, &call.function)).collect();
    let mut level = stores(sources, source, field);
    let mut known: FxHashSet<ObjId> = level.iter().map(|f| f.obj).collect();
    for _ in 0..=MAX_HEIGHT {
        let fits = |function: &&Function<'a>| {
            let name = sources.store.obj(function.obj).name.as_str();
            super::names::is_exported(name)
                && receiver(sources, function).is_some_and(|own| receivers.contains(&own))
                && calls.iter().all(|call| call.function.obj != function.obj)
        };
        if let Some(&function) = level.iter().find(fits) {
            return Some(Call { function, innermost: false });
        }
        level = level.iter().flat_map(|f| callers(sources, f.obj, f.source)).collect();
        level.retain(|function| known.insert(function.obj));
    }
    None
}

/// The named type that a method belongs to, if it can be called.
fn receiver(sources: &Sources<'_>, function: &Function<'_>) -> Option<ObjId> {
    let store = sources.store;
    let own = callable(store, function)?.receiver?;
    let base = match store.ty(unalias(store, own)) {
        Type::Pointer(base) => *base,
        _ => own,
    };
    match store.ty(unalias(store, base)) {
        Type::Named(named) => Some(named.obj),
        _ => None,
    }
}

/// The field or variable of a map whose access begins at an offset.
fn map_at(source: Source<'_>, at: u32) -> Option<ObjId> {
    let exprs = source.info.ast.exprs.iter_enumerated();
    let begins = exprs.filter(|(_, e)| e.span.start == at);
    let indexed = |kind: &ExprKind| match *kind {
        ExprKind::Index { x, .. } => Some(x),
        _ => None,
    };
    // `h.items[k]`, else (`range h.items`, `delete(h.items, k)`) the longest name that begins there.
    let named = |id: ExprId| object(source, id);
    let mut longest: Option<(u32, ObjId)> = None;
    for (id, expr) in begins {
        if let Some(found) = indexed(&expr.kind).and_then(named) {
            return Some(found);
        }
        let found = match expr.kind {
            ExprKind::Call { args, .. } => {
                source.info.ast.expr_list(args).first().copied().and_then(named)
            }
            _ => named(id),
        };
        if let Some(found) = found
            && longest.is_none_or(|(end, _)| end < expr.span.end)
        {
            longest = Some((expr.span.end, found));
        }
    }
    longest.map(|(_, obj)| obj)
}

/// What an expression names: a field, or a variable.
fn object(source: Source<'_>, e: ExprId) -> Option<ObjId> {
    let info = source.info;
    let e = info.ast.unparen(e);
    match info.ast.expr(e).kind {
        ExprKind::Selector { .. } => info.selections.get(&e).map(|s| s.obj),
        ExprKind::Ident(_) => info.obj_of(e),
        _ => None,
    }
}

/// The functions of a package that store into a map, in the order of files.
fn stores<'a>(sources: &Sources<'a>, home: Source<'a>, map: ObjId) -> Vec<Function<'a>> {
    let place = |obj: ObjId| {
        let object = sources.store.obj(obj);
        (object.pkg, object.file, object.pos)
    };
    // A field of an instance is an object of its own, declared at the same place.
    let wanted = place(map);
    let mut found: Vec<Function<'a>> = Vec::new();
    for &source in sources.files.iter().filter(|s| s.pkg == home.pkg) {
        let ast = &source.info.ast;
        for stmt in ast.stmts.iter() {
            let targets = match stmt.kind {
                StmtKind::Assign { lhs, .. } => ast.expr_list(lhs).to_vec(),
                StmtKind::IncDec { x, .. } => vec![x],
                _ => continue,
            };
            let stores = targets.iter().any(|&target| {
                matches!(ast.expr(ast.unparen(target)).kind, ExprKind::Index { x, .. }
                    if object(source, x).is_some_and(|obj| place(obj) == wanted))
            });
            if stores
                && let Some(function) = sources.enclosing(source, stmt.span.start)
                && found.iter().all(|known| known.obj != function.obj)
            {
                found.push(function);
            }
        }
    }
    found
}
