//! The stages of a run one by one, for the developer views of the binary (`unpanic debug`,
//! `unpanic layout`). A run itself is `pipeline`.

use go_project::{PackageId, PackageKind, Program};
use go_types::{CheckOptions, PackageInfo, Plan, ProgramTypes, Store, check_program};
use knowledge::Knowledge;

/// What the type checker made of a program.
pub struct Checked<'p, 't> {
    /// The program.
    pub program: &'p Program,
    /// Its types and objects.
    pub store: &'p Store,
    /// The results by package.
    pub types: &'t ProgramTypes<'p>,
    /// The packages that were asked for, dependencies first; of two variants of one package the
    /// one with more files.
    pub packages: &'t [PackageId],
}

/// Checks the declarations of a program and gives `view` the result. Bodies are checked when asked
/// for.
pub fn with_types<T>(program: &Program, view: impl FnOnce(&Checked<'_, '_>) -> T) -> T {
    let store = Store::default();
    let knowledge = Knowledge::builtin();
    let stubs = |path: &str| knowledge.stub(path);
    let options = CheckOptions { stubs: Some(&stubs), ..CheckOptions::default() };
    let plan = Plan::new(program, &store, &options);
    let types = check_program(&plan, &store);
    let wanted = |id: &PackageId| {
        let package = &program.packages[*id];
        package.is_root && package.superseded_by.is_none()
    };
    let packages: Vec<PackageId> = program.order.iter().copied().filter(wanted).collect();
    view(&Checked { program, store: &store, types: &types, packages: &packages })
}

/// The IR of the packages asked for, in text.
pub fn print_ir(checked: &Checked<'_, '_>) -> String {
    go_ir::print_program(checked.store, &lower(checked), |_| true)
}

/// A call, or the start of a goroutine, as the analysis sees it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallEdge {
    /// The calling function, as Go's stack traces name it.
    pub caller: String,
    /// The function that is called.
    pub callee: String,
    /// The call.
    pub place: source::FileSpan,
    /// Whether it runs on another goroutine.
    pub spawns: bool,
}

/// The calls between functions of the packages asked for, sorted by caller and position.
pub fn call_graph(checked: &Checked<'_, '_>) -> Vec<CallEdge> {
    let ir = lower(checked);
    let analysis = flow::analyse(checked.store, &ir, Knowledge::builtin());
    let name = |id| analysis.context.func(id).name.clone();
    let edge = |link: flow::Link| CallEdge {
        caller: name(link.caller),
        callee: name(link.callee),
        place: link.place,
        spawns: link.spawn.is_some(),
    };
    let mut edges: Vec<CallEdge> = analysis.context.links().into_iter().map(edge).collect();
    let sources = &checked.program.sources;
    edges.sort_by_cached_key(|e| {
        let path = sources.path(e.place.file).to_owned();
        (e.caller.clone(), path, e.place.span, e.callee.clone())
    });
    edges.dedup();
    edges
}

/// Lowers what belongs to the user's program: calls between its packages are to be seen.
fn lower(checked: &Checked<'_, '_>) -> go_ir::Program {
    let program = checked.program;
    let own = |id: &PackageId| {
        program.packages[*id].kind == PackageKind::Workspace || program.packages[*id].is_root
    };
    let own: Vec<PackageId> = program.order.iter().copied().filter(own).collect();
    checked.types.check_all_bodies(&own);
    let infos: Vec<&PackageInfo> = own.iter().filter_map(|&id| checked.types.info(id)).collect();
    go_ir::lower_program(checked.store, &program.sources, &infos)
}
