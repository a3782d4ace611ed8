//! One run from request to report.

use std::path::Path;
use std::sync::Arc;

use diag::{Finding, Problem, ProblemKind, assign_fingerprints, relative_path, sort_findings};
use globset::{Glob, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use rules::RuleContext;
use source::SourceMap;

use crate::pipeline::prepare;
use crate::{CheckReport, CheckRequest, Progress, Stage, Statistics, Suppressions};

/// Analyses what the request names. Whatever goes wrong becomes a problem in the report; the rest
/// of the program is still analysed.
pub fn check(request: &CheckRequest<'_>, progress: &dyn Progress) -> CheckReport {
    let prepared = prepare(request, progress, |context| run_rules(request, context, progress));
    let (findings, mut problems) = prepared.outcome;
    problems.extend(prepared.problems);
    finish(
        request,
        findings,
        problems,
        prepared.suppressions,
        prepared.statistics,
        prepared.sources,
    )
}

/// Runs every chosen rule, each under `base::catch`: one that panics costs its own findings only.
fn run_rules(
    request: &CheckRequest<'_>,
    context: &RuleContext<'_>,
    progress: &dyn Progress,
) -> (Vec<Finding>, Vec<Problem>) {
    let rules = request.rules.rules();
    progress.stage(Stage::Rules, Some(rules.len() as u64));
    let outcomes: Vec<_> = rules
        .par_iter()
        .map(|rule| {
            let outcome = base::catch(|| (rule.check)(context));
            progress.step(rule.meta.code);
            outcome.map_err(|panic| {
                Problem::bug(&format!("rule {}", rule.meta.code), "the program", &panic)
            })
        })
        .collect();
    let (mut findings, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(found) => findings.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    (findings, problems)
}

/// Sorts, filters and numbers what the rules found.
fn finish(
    request: &CheckRequest<'_>,
    mut findings: Vec<Finding>,
    mut problems: Vec<Problem>,
    mut suppressions: Suppressions,
    mut statistics: Statistics,
    sources: Arc<SourceMap>,
) -> CheckReport {
    let excluded = excluded_files(&request.exclude, &mut problems);
    findings.retain(|f| {
        f.confidence >= request.min_confidence
            && !excluded.is_match(relative_path(sources.path(f.primary.file), &request.dir))
    });
    sort_findings(&mut findings, &sources);

    let before = findings.len();
    findings.retain(|f| !suppressions.suppresses(f, &sources));
    statistics.suppressed = before - findings.len();
    problems.append(&mut suppressions.take_problems());
    let unused = suppressions.unused(|code| request.rules.contains(code));
    statistics.unused_suppressions = unused.len();
    problems.extend(unused);

    assign_fingerprints(&mut findings);
    let fingerprints = findings.iter().map(|f| f.fingerprint.clone()).collect();
    if let Some(baseline) = &request.baseline {
        let before = findings.len();
        findings.retain(|f| !baseline.contains(&f.fingerprint));
        statistics.known = before - findings.len();
    }
    sort_problems(&mut problems, &sources);
    CheckReport { findings, fingerprints, problems, statistics, sources }
}

fn excluded_files(globs: &[String], problems: &mut Vec<Problem>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        match Glob::new(glob) {
            Ok(glob) => {
                set.add(glob);
            }
            Err(e) => problems.push(Problem::error(ProblemKind::Config, format!("exclude: {e}"))),
        }
    }
    set.build().unwrap_or_else(|e| {
        problems.push(Problem::error(ProblemKind::Config, format!("exclude: {e}")));
        GlobSet::empty()
    })
}

/// By path, position, kind and message; problems without a place come first.
fn sort_problems(problems: &mut Vec<Problem>, sources: &SourceMap) {
    let key = |p: &Problem| {
        let place = p.place.as_ref().map(|place| match place {
            diag::ProblemPlace::Span(at) => {
                let at_line = sources.file(at.file).line_col(at.span.start);
                (sources.path(at.file).to_owned(), at_line.line, at_line.column)
            }
            diag::ProblemPlace::Path { path, line, column } => {
                (Path::new(path).to_owned(), line.unwrap_or(0), column.unwrap_or(0))
            }
        });
        (place, p.kind, p.message.clone())
    };
    problems.sort_by_cached_key(key);
    problems.dedup_by_key(|p| key(p));
}
