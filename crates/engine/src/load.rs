//! Loading a program and turning what went wrong on the way into problems.

use std::path::Path;

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
pub fn load(system: &dyn System, dir: &Path, patterns: &[String], target: &Target) -> Loaded {
    let options = LoadOptions {
        dir: dir.to_owned(),
        patterns: patterns.to_vec(),
        tests: target.tests == TestFiles::Include,
        mod_mode: target.mod_mode,
        goos: target.goos.clone(),
        goarch: target.goarch.clone(),
        tags: target.tags.clone(),
        parse: ParseLevel::OwnBodies,
        ..LoadOptions::default()
    };
    let program = go_project::load(system, &options);
    let mut problems: Vec<Problem> = program.errors.iter().map(load_problem).collect();
    problems.extend(
        program.missing.iter().map(|line| Problem::warning(ProblemKind::Missing, line.as_str())),
    );
    for (_, package) in program.packages.iter_enumerated() {
        let own = package.kind == PackageKind::Workspace || package.is_root;
        for error in &package.errors {
            let mut problem = load_problem(error);
            if !own {
                problem.severity = diag::Severity::Warning;
            }
            // What a dependency misses is summed up in `Program::missing`.
            if own || error.class != ErrorClass::Missing {
                problems.push(problem);
            }
        }
        if own {
            package.files.iter().for_each(|file| syntax_problems(file, &mut problems));
        }
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
