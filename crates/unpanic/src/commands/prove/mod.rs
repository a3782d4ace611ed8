//! `unpanic prove`: findings in, verdicts out. What happens in between is the prover's.

mod emit;
pub mod store;
mod text;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use diag::{Confidence, ExitClass, FindingRecord, Resolver, Severity, Status};
use engine::{CheckRequest, RuleSelection, check};
use go_exec::{guard_command, guard_folder};
use prover::{
    Guard, JobKind, Plan, ProveError, Prover, Request, RunLog, RunOptions, Toolchain, Verdict,
    VerdictKind, prepare,
};
use serde::Serialize;

use super::target::target;
use crate::app::App;
use crate::cli::{ListFormat, ProveArgs, ProveGuardArgs};
use crate::{fixes, output, progress};

/// So many of the last lines of a run that failed are shown.
const TAIL: usize = 12;

/// Findings with what reading and searching for them came to.
struct Suspects {
    findings: Vec<FindingRecord>,
    class: ExitClass,
}

/// One object a line.
#[derive(Serialize)]
struct Record<'a> {
    rule: &'a str,
    fingerprint: &'a str,
    variable: &'a str,
    message: &'a str,
    file: &'a str,
    line: u32,
    #[serde(flatten)]
    verdict: &'a Verdict,
    /// With `--emit-test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<&'a emit::Emitted>,
}

/// Searches or reads findings, runs the program with traps, prints the verdicts.
pub fn run(app: &App, args: ProveArgs) -> anyhow::Result<ExitClass> {
    match prove(app, &args) {
        Ok(class) => Ok(class),
        Err(error) => {
            let class = match error.downcast_ref::<ProveError>() {
                Some(ProveError::Instrumented(_)) => ExitClass::Bug,
                Some(_) => ExitClass::Input,
                None => return Err(error),
            };
            eprintln!("error: {}", output::error_text(&error));
            Ok(class)
        }
    }
}

/// The guard's own process.
pub fn guard(args: &ProveGuardArgs) -> ExitClass {
    let code = match &args.folder {
        Some(folder) => {
            guard_folder(folder);
            0
        }
        None => guard_command(args.memory, &args.command),
    };
    // The command's exit code is not one of ours.
    std::process::exit(i32::from(code))
}

fn prove(app: &App, args: &ProveArgs) -> anyhow::Result<ExitClass> {
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    // Before anything that takes time: without Go there is nothing to be done.
    let toolchain = Toolchain::find(&args.go, &app.dir).map_err(ProveError::from)?;
    let mut suspects = suspects(app, args, quiet)?;
    if suspects.findings.is_empty() && !args.all {
        if !quiet {
            eprintln!("there are no findings to prove");
        }
        return Ok(suspects.class);
    }
    let prepared = prepare(&Request {
        system: &app.system,
        dir: app.dir.clone(),
        module: toolchain.module.clone().unwrap_or_else(|| app.dir.clone()),
        target: target(app, &args.build)?,
        findings: &suspects.findings,
        all: args.all,
        deps: args.deps,
    });
    for problem in prepared.problems.iter().filter(|p| p.severity == Severity::Error) {
        eprintln!("error: {}", diag::clean_line(&problem.message));
    }
    let options = options(app, args)?;
    let mut prover = Prover::new(toolchain, &app.dir, prepared, suspects.findings.len(), options)?;
    if !quiet {
        let (sites, files) = (prover.prepared().sites.len(), prover.prepared().files.len());
        let (accesses, within) =
            (plural(sites, "access", "accesses"), plural(files, "file", "files"));
        eprintln!("watching {sites} {accesses} in {files} {within}");
    }
    let cache = super::cache::enabled(app).filter(|_| args.all);
    if let Some(cache) = &cache {
        prover.recall(&store::recall(cache.dir(), &app.dir));
    }
    let bar = progress::Spinner::new(quiet);
    let (verdicts, logs) = prover.run(&mut |what| bar.tell(what))?;
    drop(bar);
    if let Some(cache) = &cache {
        // A folder that cannot be written to costs the memory, nothing else.
        let _ = store::learn(cache.dir(), &app.dir, &prover.learnt());
    }
    for name in prover.unbuilt() {
        eprintln!("warning: {} does not build and was not run", diag::clean_line(name));
    }
    for log in &logs {
        tell_log(log, quiet);
    }
    for (finding, verdict) in suspects.findings.iter_mut().zip(&verdicts) {
        if verdict.verdict == VerdictKind::Proven {
            finding.status = Status::Proven;
        }
    }
    keep(app, args, &suspects.findings, &verdicts)?;
    let bar = progress::Spinner::new(quiet);
    let mut emitted = Vec::new();
    if let Some(place) = &args.emit_test {
        let write = place != "-";
        for (number, finding) in suspects.findings.iter().enumerate() {
            bar.tell(&format!("a test for {}", finding.rule));
            emitted.push(emit::emit(&prover, number, finding, &app.dir, write)?);
        }
    }
    drop(bar);
    print(app, args, &suspects.findings, &verdicts, &prover, &emitted)?;
    let is_proven =
        |v: &Verdict| matches!(v.verdict, VerdictKind::Proven | VerdictKind::ProvenIfCalled);
    let proven = verdicts.iter().any(is_proven) || args.all && prover.meetings().next().is_some();
    let class = if proven { ExitClass::Findings } else { ExitClass::Clean };
    Ok(class.max(suspects.class))
}

/// The findings of a file, or of a search like `check`'s.
fn suspects(app: &App, args: &ProveArgs, quiet: bool) -> anyhow::Result<Suspects> {
    let preview = args.preview.or(app.config.check.preview).unwrap_or(false);
    let only = args.rules.clone().unwrap_or_default();
    let rules = RuleSelection::new(&only, &[], &[], preview)?;
    if let Some(path) = &args.findings {
        let mut findings = read_findings(&app.dir.join(path))?;
        findings.retain(|f| only.is_empty() || rules.contains(&f.rule));
        return Ok(Suspects { findings, class: ExitClass::Clean });
    }
    if args.all && args.rules.is_none() && args.build.patterns.is_empty() {
        return Ok(Suspects { findings: Vec::new(), class: ExitClass::Clean });
    }
    let request = CheckRequest {
        system: &app.system,
        dir: app.dir.clone(),
        patterns: args.build.patterns.clone(),
        target: target(app, &args.build)?,
        rules,
        min_confidence: args.min_confidence.map_or(Confidence::Medium, Confidence::from),
        knowledge: app.config.check.knowledge.clone().unwrap_or_default(),
        deps: args.deps,
        exclude: app.config.check.exclude.clone().unwrap_or_default(),
        baseline: None,
    };
    let report = check(&request, &progress::Bar::new(quiet));
    let problems: Vec<_> =
        report.problems.iter().filter(|p| p.severity == Severity::Error).cloned().collect();
    output::print_problems(&problems, &report.sources, &app.dir, app.global.color)?;
    let class = problems.iter().map(diag::Problem::exit_class).max().unwrap_or(ExitClass::Clean);
    let resolver = Resolver::new(&report.sources, &app.dir);
    let findings = report.findings.iter().map(|f| FindingRecord::new(f, &resolver)).collect();
    Ok(Suspects { findings, class })
}

fn read_findings(path: &Path) -> anyhow::Result<Vec<FindingRecord>> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ProveError::Io { what: path.display().to_string(), source })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{}: not a finding in JSON", path.display(), index + 1))
        })
        .collect()
}

fn options(app: &App, args: &ProveArgs) -> anyhow::Result<RunOptions> {
    let permille = u64::from(args.budget) * 10;
    let limit = Duration::from_secs(args.timeout.max(1));
    let guard = std::env::current_exe().context("where is this program?")?;
    Ok(RunOptions {
        runs: args.runs.max(1),
        plan: if args.all { Plan::learning(permille) } else { Plan::steering(permille) },
        test_limit: limit,
        program_limit: limit,
        race: args.race,
        generate: args.generate,
        amplify: args.amplify,
        tags: target(app, &args.build)?.tags,
        command: args.command.clone(),
        guard: Some(Guard { program: guard, arguments: vec!["prove-guard".into()] }),
    })
}

/// What the user should know of a run that did not just pass.
fn tell_log(log: &RunLog, quiet: bool) {
    if quiet || log.stopped || log.code == 0 {
        return;
    }
    let how = if log.timed_out {
        format!("was ended after {:.0} s", log.time.as_secs_f64())
    } else if log.code > 128 {
        format!("was killed by signal {}", log.code - 128)
    } else {
        format!("ended with exit code {}", log.code)
    };
    eprintln!("run {}: {} {how}", log.run, diag::clean_line(&log.job));
    if !log.timed_out {
        let lines: Vec<&str> = log.tail.lines().collect();
        for line in &lines[lines.len().saturating_sub(TAIL)..] {
            eprintln!("  | {}", diag::clean_line(line));
        }
    }
}

/// Tells `check` and the findings file what is proven.
fn keep(
    app: &App,
    args: &ProveArgs,
    findings: &[FindingRecord],
    verdicts: &[Verdict],
) -> anyhow::Result<()> {
    // What was proven under assumptions stays a suspicion.
    let proven = findings.iter().zip(verdicts).filter(|(_, v)| v.verdict == VerdictKind::Proven);
    let proven: Vec<_> = proven.filter_map(|(f, v)| Some((f, v.proof.as_ref()?))).collect();
    if let Some(cache) = super::cache::enabled(app) {
        let store = store::Proofs::new(cache.dir());
        for (finding, proof) in &proven {
            // A folder that cannot be written to costs the memory, not the proof.
            let _ = store.keep(&finding.fingerprint, proof);
        }
    }
    let Some(path) = &args.findings else { return Ok(()) };
    if proven.is_empty() {
        return Ok(());
    }
    let path: PathBuf = app.dir.join(path);
    let known: Vec<&str> = proven.iter().map(|(f, _)| f.fingerprint.as_str()).collect();
    let mut text = String::new();
    // Findings of other rules stay as they are.
    for mut finding in read_findings(&path)? {
        if known.contains(&finding.fingerprint.as_str()) {
            finding.status = Status::Proven;
        }
        text += &serde_json::to_string(&finding)?;
        text.push('\n');
    }
    fixes::write_file(&path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn print(
    app: &App,
    args: &ProveArgs,
    findings: &[FindingRecord],
    verdicts: &[Verdict],
    prover: &Prover,
    emitted: &[emit::Emitted],
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.format == ListFormat::Json {
        for (number, (finding, verdict)) in findings.iter().zip(verdicts).enumerate() {
            let record = Record {
                rule: &finding.rule,
                fingerprint: &finding.fingerprint,
                variable: &finding.variable,
                message: &finding.message,
                file: &finding.primary.file,
                line: finding.primary.line,
                verdict,
                test: emitted.get(number),
            };
            serde_json::to_writer(&mut out, &record)?;
            writeln!(out)?;
        }
        if args.all {
            for meeting in prover.meetings() {
                serde_json::to_writer(&mut out, &serde_json::json!({ "meeting": meeting }))?;
                writeln!(out)?;
            }
            let (reached, held) = prover.counts();
            let counts = serde_json::json!({ "reached": reached, "held": held });
            writeln!(out, "{counts}")?;
        }
        return Ok(out.flush()?);
    }
    let printer = text::Printer { style: output::stdout_style(app.global.color) };
    for (number, (finding, verdict)) in findings.iter().zip(verdicts).enumerate() {
        printer.verdict(finding, verdict, emitted.get(number), &mut out)?;
    }
    if args.all {
        printer.meetings(prover.meetings(), &mut out)?;
        let (reached, held) = prover.counts();
        writeln!(out, "{reached} accesses reached, a goroutine was held at {held}")?;
    }
    if !findings.is_empty() {
        printer.summary(verdicts, &mut out)?;
    }
    let programs = prover.prepared().jobs.iter().filter(|j| j.kind == JobKind::Program).count();
    let unreached = verdicts.iter().any(|v| v.verdict == VerdictKind::NotReached);
    if unreached && args.command.is_empty() && programs == 0 {
        writeln!(
            out,
            "what no test reaches can be run with its own load: `unpanic prove -- ./cmd/…`"
        )?;
    }
    if args.emit_test.as_deref() == Some("-") {
        for text in emitted.iter().filter_map(|e| e.text.as_ref()) {
            writeln!(out, "\n{}", text.trim_end())?;
        }
    }
    Ok(out.flush()?)
}

/// The word for so many.
fn plural(n: usize, one: &'static str, more: &'static str) -> &'static str {
    if n == 1 { one } else { more }
}
