//! Loading a program and turning what went wrong on the way into problems.

use std::path::Path;

use base::FxHashSet;
use diag::{Problem, ProblemKind, ProblemPlace};
use go_project::{ErrorClass, LoadError, LoadOptions, ModMode, PackageKind, ParseLevel, Program};
use source::{FileSpan, Span, System};

use crate::{Target, TestFiles};

/// How many syntax errors of one file are reported: the later ones mostly follow from the first.
const MAX_SYNTAX_ERRORS: usize = 10;

/// A loaded program with its problems, unsorted.
#[derive(Debug)]
pub struct Loaded {
    /// The program; empty when nothing could be loaded.
    pub program: Program,
    /// What could not be read, found or parsed.
    pub problems: Vec<Problem>,
}

/// Loads the packages that `patterns` name, seen from `dir`, with everything that they import.
/// Of dependencies, function bodies are left out.
pub fn load(system: &dyn System, dir: &Path, patterns: &[String], target: &Target) -> Loaded {
    load_parsed(system, dir, patterns, target, ParseLevel::OwnBodies)
}

/// [`load`], with as much of each file as `parse` says.
/// As [`load`], with the function bodies of dependencies.
pub fn load_with_deps(
    system: &dyn System,
    dir: &Path,
    patterns: &[String],
    target: &Target,
) -> Loaded {
    load_parsed(system, dir, patterns, target, ParseLevel::Full)
}

pub(crate) fn load_parsed(
    system: &dyn System,
    dir: &Path,
    patterns: &[String],
    target: &Target,
    parse: ParseLevel,
) -> Loaded {
    let options = LoadOptions {
        dir: dir.to_owned(),
        patterns: patterns.to_vec(),
        tests: target.tests == TestFiles::Include,
        mod_mode: target.mod_mode,
        goos: target.goos.clone(),
        goarch: target.goarch.clone(),
        tags: target.tags.clone(),
        parse,
        ..LoadOptions::default()
    };
    let program = go_project::load(system, &options);
    let mut problems: Vec<Problem> = program.errors.iter().map(load_problem).collect();
    problems.extend(
        program.missing.iter().map(|line| Problem::warning(ProblemKind::Missing, line.as_str())),
    );
    let mut missing = MissingImports::default();
    for (_, package) in program.packages.iter_enumerated() {
        let own = package.kind == PackageKind::Workspace || package.is_root;
        for error in &package.errors {
            let mut problem = load_problem(error);
            if !own {
                problem.severity = diag::Severity::Warning;
            }
            // What a dependency misses is summed up in `Program::missing`.
            match error.class {
                ErrorClass::Missing if !own || !missing.is_new(&error.message) => {}
                _ => problems.push(problem),
            }
        }
        if own {
            package.files.iter().for_each(|file| syntax_problems(file, &mut problems));
        }
    }
    if missing.untold > 0 {
        let line = format!(
            "{} more imports cannot be found, for these or other reasons; `unpanic debug packages` lists them",
            missing.untold
        );
        problems.push(Problem::warning(ProblemKind::Missing, line));
    }
    if program.roots.is_empty() && problems.iter().all(|p| p.severity != diag::Severity::Error) {
        let wanted = if patterns.is_empty() { "./...".to_owned() } else { patterns.join(" ") };
        problems.push(
            Problem::error(ProblemKind::Load, format!("no Go packages match {wanted}"))
                .at_path(dir, None),
        );
    }
    Loaded { program, problems }
}

/// Imports that cannot be found: a module that is not downloaded is missed in hundreds of files.
#[derive(Default)]
struct MissingImports {
    reasons: FxHashSet<String>,
    untold: u32,
}

/// So many imports that cannot be found are told, each for another reason.
const MAX_MISSING_TOLD: usize = 5;

impl MissingImports {
    /// Whether an error, `import "a/b": why`, is the first with its reason, and among those that are told.
    fn is_new(&mut self, message: &str) -> bool {
        let reason = message.split_once("\": ").map_or(message, |(_, reason)| reason);
        let is_new =
            self.reasons.len() < MAX_MISSING_TOLD && self.reasons.insert(reason.to_owned());
        self.untold += u32::from(!is_new);
        is_new
    }
}

/// The `-mod` value of a flag or key.
pub fn parse_mod_mode(text: &str) -> Option<ModMode> {
    Some(match text {
        "mod" => ModMode::Mod,
        "readonly" => ModMode::ReadOnly,
        "vendor" => ModMode::Vendor,
        _ => return None,
    })
}

fn load_problem(error: &LoadError) -> Problem {
    let problem = match error.class {
        ErrorClass::Usage => Problem::error(ProblemKind::Config, error.message.as_str()),
        ErrorClass::Unreadable | ErrorClass::Source => {
            Problem::error(ProblemKind::Load, error.message.as_str())
        }
        ErrorClass::Tolerated => Problem::warning(ProblemKind::Load, error.message.as_str()),
        ErrorClass::Missing => Problem::warning(ProblemKind::Missing, error.message.as_str()),
    };
    let known = |n: u32| (n > 0).then_some(n);
    Problem {
        place: Some(ProblemPlace::Path {
            path: error.path.clone(),
            line: known(error.line),
            column: known(error.column),
        }),
        ..problem
    }
}

fn syntax_problems(file: &go_project::ParsedFile, problems: &mut Vec<Problem>) {
    let errors = &file.ast.errors;
    for error in errors.iter().take(MAX_SYNTAX_ERRORS) {
        let place = FileSpan { file: file.file, span: Span::at(error.pos) };
        problems.push(Problem::error(ProblemKind::Syntax, error.message.as_str()).at(place));
    }
    if let Some(next) = errors.get(MAX_SYNTAX_ERRORS) {
        let more = errors.len() - MAX_SYNTAX_ERRORS;
        let place = FileSpan { file: file.file, span: Span::at(next.pos) };
        let message = format!("{more} more syntax errors from here on");
        problems.push(Problem::error(ProblemKind::Syntax, message).at(place));
    }
}
