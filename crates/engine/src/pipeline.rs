//! The stages of a run, from the request to what rules look at: load, types, IR, flow. Each stage
//! borrows from the ones before it, so they live in one function and the rest is handed a context.

use std::sync::Arc;
use std::time::Instant;

use base::FxHashSet;
use diag::{Problem, ProblemKind};
use go_project::{Package, PackageId, PackageKind, ParseLevel, Program};
use go_types::{CheckOptions, PackageInfo, Plan, ProgramTypes, Store, check_program};
use knowledge::Knowledge;
use rules::RuleContext;
use source::{FileSpan, SourceMap, Span};

use crate::load::{Loaded, load_parsed};
use crate::{CheckRequest, Progress, Stage, Statistics, Suppressions};

/// What came before the rules.
pub(crate) struct Prepared<T> {
    /// What the caller made of the context.
    pub outcome: T,
    /// What went wrong so far.
    pub problems: Vec<Problem>,
    /// The `//unpanic:ignore` comments of the program's own files.
    pub suppressions: Suppressions,
    /// Counts and times so far.
    pub statistics: Statistics,
    /// The files.
    pub sources: Arc<SourceMap>,
}

/// Most errors of one package's types that are reported.
const MAX_TYPE_ERRORS: usize = 10;

/// Runs all stages before the rules and gives `use_context` what they found.
pub(crate) fn prepare<T>(
    request: &CheckRequest<'_>,
    progress: &dyn Progress,
    use_context: impl FnOnce(&RuleContext<'_>) -> T,
) -> Prepared<T> {
    let mut statistics = Statistics::default();
    let mut problems = Vec::new();
    let mut clock = Instant::now();
    let mut lap = |statistics: &mut Statistics, stage| {
        statistics.stages.push((stage, clock.elapsed()));
        clock = Instant::now();
    };

    let knowledge = user_knowledge(request, &mut problems);
    progress.stage(Stage::Load, None);
    // What dependencies do is told by the knowledge models, unless they are analysed themselves.
    let parse = if request.deps { ParseLevel::Full } else { ParseLevel::OwnBodies };
    let Loaded { program, problems: load_problems } =
        load_parsed(request.system, &request.dir, &request.patterns, &request.target, parse);
    problems.extend(load_problems);
    // Whose bodies are analysed, and in whose files findings can be.
    let wanted = |p: &Package| {
        p.kind == PackageKind::Workspace
            || p.is_root
            || request.deps && p.kind == PackageKind::Dependency
    };
    let suppressions = suppressions(&program, wanted);
    statistics.packages = program.roots.len();
    statistics.packages_loaded = program.packages.len();
    statistics.files = program.sources.len();
    statistics.bytes = program
        .packages
        .iter()
        .flat_map(|p| &p.files)
        .map(|f| program.sources.file(f.file).text.len() as u64)
        .sum();
    lap(&mut statistics, Stage::Load);

    progress.stage(Stage::Types, Some(program.packages.len() as u64));
    let store = Store::default();
    let stubs = |path: &str| knowledge.stub(path);
    let options = CheckOptions { stubs: Some(&stubs), ..CheckOptions::default() };
    let plan = Plan::new(&program, &store, &options);
    let types = check_program(&plan, &store);
    let own: Vec<PackageId> =
        program.order.iter().copied().filter(|&id| wanted(&program.packages[id])).collect();
    types.check_all_bodies(&own);
    type_problems(&program, &types, &own, &mut problems);
    lap(&mut statistics, Stage::Types);

    progress.stage(Stage::Ir, Some(own.len() as u64));
    let infos: Vec<&PackageInfo> = own.iter().filter_map(|&id| types.info(id)).collect();
    let ir = go_ir::lower_program(&store, &program.sources, &infos);
    statistics.functions = ir.funcs.len();
    let crashes = ir.crashes.iter().map(|(name, panic)| (name.as_str(), panic.as_str()));
    crash_problems("lowering to IR", crashes, &mut problems);
    lap(&mut statistics, Stage::Ir);

    progress.stage(Stage::Flow, Some(ir.funcs.len() as u64));
    let nothing = go_ir::Program::default();
    let analysis = base::catch(|| flow::analyse(&store, &ir, &knowledge)).unwrap_or_else(|panic| {
        problems.push(Problem::bug("the flow analysis", "the program", &panic));
        flow::analyse(&store, &nothing, &knowledge)
    });
    let crashes = analysis
        .crashes
        .iter()
        .map(|(f, panic)| (analysis.context.func(*f).name.as_str(), panic.as_str()));
    crash_problems("the flow analysis", crashes, &mut problems);
    statistics.origins = analysis.origins();
    lap(&mut statistics, Stage::Flow);

    let context = RuleContext::new(&program.sources, &analysis);
    let outcome = use_context(&context);
    lap(&mut statistics, Stage::Rules);
    let sources = Arc::clone(&program.sources);
    Prepared { outcome, problems, suppressions, statistics, sources }
}

fn user_knowledge(request: &CheckRequest<'_>, problems: &mut Vec<Problem>) -> Knowledge {
    let mut files = Vec::new();
    for path in &request.knowledge {
        match request.system.read(path) {
            Ok(bytes) => files
                .push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) => {
                problems.push(Problem::error(ProblemKind::Config, format!("library models: {e}")))
            }
        }
    }
    let borrowed = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    match Knowledge::builtin().clone().with_files(borrowed) {
        Ok(knowledge) => knowledge,
        Err(e) => {
            problems.push(Problem::error(ProblemKind::Config, format!("library models: {e}")));
            Knowledge::builtin().clone()
        }
    }
}

fn suppressions(program: &Program, wanted: impl Fn(&Package) -> bool) -> Suppressions {
    let mut suppressions = Suppressions::default();
    let mut seen = FxHashSet::default();
    for package in program.packages.iter().filter(|p| wanted(p)) {
        for file in &package.files {
            if seen.insert(file.file) {
                suppressions.add_file(
                    file.file,
                    program.sources.file(file.file),
                    &file.ast.comments,
                );
            }
        }
    }
    suppressions
}

fn type_problems(
    program: &Program,
    types: &ProgramTypes<'_>,
    own: &[PackageId],
    problems: &mut Vec<Problem>,
) {
    for &id in own {
        let errors = types.errors(id);
        for error in errors.iter().filter(|e| !e.soft).take(MAX_TYPE_ERRORS) {
            let place = FileSpan { file: error.file, span: Span::at(error.pos) };
            problems.push(Problem::warning(ProblemKind::Type, error.message.clone()).at(place));
        }
        if errors.len() > MAX_TYPE_ERRORS {
            let path = &program.packages[id].import_path;
            let more = errors.len() - MAX_TYPE_ERRORS;
            problems.push(Problem::warning(
                ProblemKind::Type,
                format!("{path}: {more} more type errors"),
            ));
        }
    }
    for (package, panic) in types.crashes() {
        problems.push(Problem::bug("the type checker", &format!("package {package}"), &panic));
    }
}

/// Crashes of a stage on single functions: they are missing from what comes after.
fn crash_problems<'n>(
    stage: &str,
    crashes: impl Iterator<Item = (&'n str, &'n str)>,
    problems: &mut Vec<Problem>,
) {
    problems.extend(
        crashes.map(|(name, panic)| Problem::bug(stage, &format!("function {name}"), panic)),
    );
}
