//! Which functions a test for a finding calls.
//!
//! For an access, the chain of declared functions from the goroutine's start down to it. The innermost
//! is called when no lock is held on the way (the finding says so), otherwise the outermost: a helper
//! that is only called under a lock must not be called without. Where the goroutines are requests, the
//! handler that the finding names is served.

use diag::{AccessKind, AccessRecord, FindingRecord, GoroutineKind};
use go_syntax::ast::ExprKind;
use go_types::{ConstValue, ObjId};
use source::SourceFile;

use super::fill::filler;
use super::generics::callable;
use super::{Function, Source, Sources};

/// What to call.
pub(crate) struct Plan<'a> {
    /// A file of the package that the test goes into.
    pub source: Source<'a>,
    /// How.
    pub how: How<'a>,
}

/// How to get to the accesses.
pub(crate) enum How<'a> {
    /// Calls of functions, in turn.
    Direct(Vec<Call<'a>>),
    /// Requests to what a function returns.
    Serve {
        /// It returns the handler, or registers it with the `*http.ServeMux` that it is given.
        routes: Function<'a>,
        /// The patterns of the finding's handlers: `GET /cart/{id}`.
        patterns: Vec<String>,
    },
}

/// A function to call.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Which.
    pub function: Function<'a>,
    /// Whether the access stands in it, so that its parameters' names mean what the finding says.
    pub innermost: bool,
}

/// The chain of an access, outermost first.
struct Chain<'a> {
    functions: Vec<Function<'a>>,
    locked: bool,
}

/// The plans for a finding, the best first.
pub(crate) fn plans<'a>(
    sources: &Sources<'a>,
    record: &FindingRecord,
    locate: &dyn Fn(&str) -> Option<Source<'a>>,
) -> Vec<Plan<'a>> {
    let plain = unfilled(sources, record, locate);
    // What fills the map may be more than a test can call: without it is better than not at all.
    let filled = |plan: &Plan<'a>| {
        let How::Direct(calls) = &plan.how else { return None };
        let filler = filler(sources, record, calls, locate)?;
        let how = How::Direct(calls.iter().copied().chain([filler]).collect());
        Some(Plan { source: plan.source, how })
    };
    let mut plans: Vec<Plan<'a>> = plain.iter().filter_map(filled).collect();
    plans.extend(plain);
    plans
}

fn unfilled<'a>(
    sources: &Sources<'a>,
    record: &FindingRecord,
    locate: &dyn Fn(&str) -> Option<Source<'a>>,
) -> Vec<Plan<'a>> {
    let mut plans = Vec::new();
    plans.extend(serving(sources, record, locate));
    let chains: Vec<Chain<'a>> =
        record.accesses.iter().filter_map(|a| chain(sources, a, locate)).collect();
    if chains.is_empty() || chains.len() < record.accesses.len() {
        return plans;
    }
    // One access tells nothing of who else is there: its callers' callers may.
    if record.accesses.len() == 1 {
        if let Some(first) = chains[0].functions.iter().find(|f| is_callable(sources, f)) {
            for caller in callers(sources, first.obj, first.source) {
                plans.extend(direct(vec![Call { function: caller, innermost: false }]));
            }
            // Two calls of one function may meet as well.
            let innermost = chains[0].functions.last().is_some_and(|last| last.obj == first.obj);
            plans.extend(direct(vec![Call { function: *first, innermost }]));
        }
        return plans;
    }
    let innermost = chains.iter().map(|chain| {
        let mut callable = chain.functions.iter().filter(|f| is_callable(sources, f));
        let function = if chain.locked { callable.next() } else { callable.next_back() }?;
        let last = chain.functions.last().is_some_and(|last| last.obj == function.obj);
        Some(Call { function: *function, innermost: last })
    });
    plans.extend(innermost.collect::<Option<Vec<_>>>().and_then(direct));
    let outermost = chains.iter().map(|chain| {
        let function = chain.functions.iter().find(|f| is_callable(sources, f))?;
        let last = chain.functions.last().is_some_and(|last| last.obj == function.obj);
        Some(Call { function: *function, innermost: last })
    });
    plans.extend(outermost.collect::<Option<Vec<_>>>().and_then(direct));
    plans
}

fn direct(calls: Vec<Call<'_>>) -> Option<Plan<'_>> {
    let mut distinct: Vec<Call<'_>> = Vec::new();
    for call in calls {
        if distinct.iter().all(|known| known.function.obj != call.function.obj) {
            distinct.push(call);
        }
    }
    let source = distinct.first()?.function.source;
    let one = distinct.iter().all(|call| call.function.source.pkg == source.pkg);
    one.then_some(Plan { source, how: How::Direct(distinct) })
}

fn chain<'a>(
    sources: &Sources<'a>,
    access: &AccessRecord,
    locate: &dyn Fn(&str) -> Option<Source<'a>>,
) -> Option<Chain<'a>> {
    let mut functions: Vec<Function<'a>> = Vec::new();
    for frame in &access.path {
        let found = locate(&frame.file).and_then(|s| at_line(sources, s, frame.line));
        functions.extend(found);
    }
    let source = locate(&access.file)?;
    functions.push(sources.enclosing(source, offset(source.file, access.line, access.column)?)?);
    functions.dedup_by_key(|f| f.obj);
    Some(Chain { functions, locked: !access.locks.is_empty() })
}

fn at_line<'a>(sources: &Sources<'a>, source: Source<'a>, line: u32) -> Option<Function<'a>> {
    let starts = source.file.line_starts();
    let start = *starts.get(line.checked_sub(1)? as usize)?;
    // The end of the line: one declaration may begin on it, another cannot end.
    let end = starts.get(line as usize).map_or(source.file.text.len() as u32, |&next| next);
    sources.enclosing(source, start).or_else(|| sources.enclosing(source, end.saturating_sub(2)))
}

pub(super) fn offset(file: &SourceFile, line: u32, column: u32) -> Option<u32> {
    let start = *file.line_starts().get(line.checked_sub(1)? as usize)?;
    start.checked_add(column.checked_sub(1)?)
}

/// Whether a test of the package can call it at all.
fn is_callable(sources: &Sources<'_>, function: &Function<'_>) -> bool {
    let Some(syntax) = function.syntax() else { return false };
    let is_test = function.source.file.path.to_string_lossy().ends_with("_test.go");
    let name = syntax.name.name.as_str();
    if syntax.body.is_none() || is_test || matches!(name, "init" | "_") {
        return false;
    }
    let callable = callable(sources.store, function);
    callable.is_some_and(|callable| name != "main" || callable.receiver.is_some())
}

/// Functions of the package that call a function, in the order of files.
pub(super) fn callers<'a>(
    sources: &Sources<'a>,
    callee: ObjId,
    home: Source<'a>,
) -> Vec<Function<'a>> {
    let mut found: Vec<Function<'a>> = Vec::new();
    for &source in sources.files.iter().filter(|s| s.pkg == home.pkg) {
        let ast = &source.info.ast;
        for (_, expr) in ast.exprs.iter_enumerated() {
            let ExprKind::Call { fun, .. } = expr.kind else { continue };
            if callee_of(source, fun) != Some(callee) {
                continue;
            }
            if let Some(function) = sources.enclosing(source, expr.span.start)
                && is_callable(sources, &function)
                && function.obj != callee
                && found.iter().all(|known| known.obj != function.obj)
            {
                found.push(function);
            }
        }
    }
    found
}

/// The function that a call names.
pub(super) fn callee_of(source: Source<'_>, fun: go_syntax::ast::ExprId) -> Option<ObjId> {
    let info = source.info;
    let fun = info.ast.unparen(fun);
    info.obj_of(fun).or_else(|| info.selections.get(&fun).map(|s| s.obj))
}

/// The handler that requests of the finding go to.
fn serving<'a>(
    sources: &Sources<'a>,
    record: &FindingRecord,
    locate: &dyn Fn(&str) -> Option<Source<'a>>,
) -> Option<Plan<'a>> {
    let mut routes: Option<Function<'a>> = None;
    let mut patterns: Vec<String> = Vec::new();
    for access in &record.accesses {
        if access.goroutine.kind != GoroutineKind::HttpHandler {
            // A goroutine that a handler starts comes along with it.
            if access.goroutine.kind == GoroutineKind::GoStatement {
                continue;
            }
            return None;
        }
        let (file, line) = access.goroutine.file.as_deref().zip(access.goroutine.line)?;
        let source = locate(file)?;
        let function = at_line(sources, source, line).filter(|f| is_callable(sources, f))?;
        if routes.is_some_and(|known| known.obj != function.obj) {
            return None;
        }
        routes = Some(function);
        let pattern = pattern_at(source, line)?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    let routes = routes?;
    Some(Plan { source: routes.source, how: How::Serve { routes, patterns } })
}

/// The path in the registration of a handler.
fn pattern_at(source: Source<'_>, line: u32) -> Option<String> {
    let ast = &source.info.ast;
    let is_path = |text: &str| text.contains('/') && text.len() < 1000;
    for (_, expr) in ast.exprs.iter_enumerated() {
        let ExprKind::Call { args, .. } = expr.kind else { continue };
        if source.file.line_col(expr.span.start).line != line {
            continue;
        }
        let Some(first) = ast.expr_list(args).first() else { continue };
        let value = source.info.consts.get(first).and_then(ConstValue::str_val);
        if let Some(text) = value
            && let Ok(text) = String::from_utf8(text.to_vec())
            && is_path(&text)
        {
            return Some(text);
        }
    }
    None
}

/// Whether only the race detector sees two of them meet.
pub(super) fn needs_race(record: &FindingRecord) -> bool {
    // The runtime itself looks at maps only.
    record.accesses.iter().any(|access| !is_map(access))
}

pub(super) fn is_map(access: &AccessRecord) -> bool {
    access.kind.is_in_memory() && !matches!(access.kind, AccessKind::Read | AccessKind::Write)
}
