//! `unpanic check`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use diag::render::{Report, statistics};
use diag::{
    Confidence, ExitClass, FindingRecord, Problem, ProblemKind, Resolver, Severity, Status,
};
use engine::{
    Baseline, CacheUse, CheckReport, CheckRequest, FixError, ResultCache, RuleSelection, check,
    check_cached, plan_fixes,
};

use super::prove::store::Proofs;
use super::target::target;
use crate::app::App;
use crate::cli::{CheckArgs, Color, Format};
use crate::{fixes, output, progress};

/// Analyses, fixes if asked to, prints.
pub fn run(app: &App, args: CheckArgs) -> anyhow::Result<ExitClass> {
    let settings = Settings::new(app, args)?;
    let mut report = {
        let bar = progress::Bar::new(settings.quiet);
        let request = settings.request(app);
        match cache(app) {
            Some(cache) => check_cached(&request, &bar, &cache),
            None => check(&request, &bar),
        }
    };
    note_proofs(app, &mut report);
    if let Some(path) = &settings.write_baseline {
        return write_baseline(app, &settings, &report, path);
    }
    if settings.fix {
        fix(app, &settings, &mut report)?;
    }
    print(app, &settings, &report)?;
    Ok(match report.exit_class() {
        ExitClass::Findings if settings.exit_zero => ExitClass::Clean,
        class => class,
    })
}

/// Findings that `prove` has made happen are shown as that.
fn note_proofs(app: &App, report: &mut CheckReport) {
    let Some(cache) = super::cache::enabled(app) else { return };
    let proofs = Proofs::new(cache.dir());
    for finding in report.findings.iter_mut().filter(|f| proofs.has(&f.fingerprint)) {
        finding.status = Status::Proven;
    }
}

/// Where results are remembered, if they are.
fn cache(app: &App) -> Option<ResultCache> {
    let tool = std::env::current_exe().ok()?;
    Some(ResultCache { store: super::cache::enabled(app)?, tool: Some(tool) })
}

/// Flags over environment over configuration over defaults.
#[expect(clippy::struct_excessive_bools, reason = "they are independent flags")]
struct Settings {
    patterns: Vec<String>,
    target: engine::Target,
    rules: RuleSelection,
    min_confidence: Confidence,
    knowledge: Vec<PathBuf>,
    deps: bool,
    exclude: Vec<String>,
    baseline: Option<Baseline>,
    write_baseline: Option<PathBuf>,
    fix: bool,
    dry_run: bool,
    format: Format,
    color: Option<Color>,
    output: Option<PathBuf>,
    statistics: bool,
    exit_zero: bool,
    quiet: bool,
}

impl Settings {
    fn new(app: &App, args: CheckArgs) -> anyhow::Result<Self> {
        let config = app.config.check.clone();
        let target = target(app, &args.build)?;
        let list = |flag: Option<Vec<String>>, key: Option<Vec<String>>| {
            let mut list = flag.or(key).unwrap_or_default();
            list.retain(|item| !item.is_empty());
            list
        };
        let rules = RuleSelection::new(
            &list(args.rules, config.rules),
            &list(args.enable, config.enable),
            &list(args.disable, config.disable),
            args.preview.or(config.preview).unwrap_or(false),
        )?;
        let baseline = args.baseline.or(config.baseline).map(|path| app.dir.join(path));
        let baseline = baseline.map(|path| Baseline::read(&app.system, &path)).transpose()?;
        Ok(Self {
            patterns: args.build.patterns,
            target,
            rules,
            min_confidence: args
                .min_confidence
                .map(Confidence::from)
                .or(config.min_confidence)
                .unwrap_or(Confidence::Medium),
            knowledge: args.knowledge.or(config.knowledge).unwrap_or_default(),
            deps: args.deps.or(config.deps).unwrap_or(false),
            exclude: list(args.exclude, config.exclude),
            baseline,
            write_baseline: args.write_baseline,
            fix: args.fix,
            dry_run: args.dry_run,
            format: one_of(args.format, config.format.as_deref(), "check.format")?
                .unwrap_or(Format::Text),
            color: one_of(app.global.color, app.config.color.as_deref(), "color")?,
            output: args.output.or(config.output),
            statistics: args.statistics.or(config.statistics).unwrap_or(false),
            exit_zero: args.exit_zero.or(config.exit_zero).unwrap_or(false),
            quiet: app.global.quiet.or(app.config.quiet).unwrap_or(false),
        })
    }

    fn request<'a>(&self, app: &'a App) -> CheckRequest<'a> {
        CheckRequest {
            system: &app.system,
            dir: app.dir.clone(),
            patterns: self.patterns.clone(),
            target: self.target.clone(),
            rules: self.rules.clone(),
            min_confidence: self.min_confidence,
            knowledge: self.knowledge.iter().map(|path| app.dir.join(path)).collect(),
            deps: self.deps,
            exclude: self.exclude.clone(),
            baseline: self.baseline.clone(),
        }
    }
}

/// A flag, or the value of a configuration key that takes the flag's values.
fn one_of<T: ValueEnum>(
    flag: Option<T>,
    key: Option<&str>,
    name: &str,
) -> anyhow::Result<Option<T>> {
    if flag.is_some() {
        return Ok(flag);
    }
    let Some(text) = key else { return Ok(None) };
    if let Ok(value) = T::from_str(text, false) {
        return Ok(Some(value));
    }
    let values = T::value_variants().iter().filter_map(T::to_possible_value);
    let values: Vec<String> = values.map(|v| v.get_name().to_owned()).collect();
    anyhow::bail!("`{name}` is one of {}, not `{}`", values.join(", "), diag::clean_line(text))
}

fn write_baseline(
    app: &App,
    settings: &Settings,
    report: &CheckReport,
    path: &Path,
) -> anyhow::Result<ExitClass> {
    let resolver = Resolver::new(&report.sources, &app.dir);
    let records: Vec<FindingRecord> =
        report.findings.iter().map(|f| FindingRecord::new(f, &resolver)).collect();
    fixes::write_file(path, Baseline::write(&records).as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    print_problems(app, settings, report)?;
    if !settings.quiet {
        writeln!(io::stderr(), "wrote {} findings to {}", records.len(), path.display())?;
    }
    let class = report.exit_class();
    Ok(if class == ExitClass::Findings { ExitClass::Clean } else { class })
}

/// Applies the safe fixes, or shows them; fixed findings are not reported.
fn fix(app: &App, settings: &Settings, report: &mut CheckReport) -> anyhow::Result<()> {
    let (plan, errors) = plan_fixes(&report.findings, &report.sources);
    for error in errors {
        let (FixError::Overlap { place, .. } | FixError::Invalid { place, .. }) = &error;
        report
            .problems
            .push(Problem::warning(ProblemKind::Suppression, error.to_string()).at(*place));
    }
    if settings.dry_run {
        let mut out = io::stdout().lock();
        return Ok(fixes::diff(&plan.patches, &report.sources, &app.dir, &mut out)?);
    }
    fixes::apply(&plan.patches, &report.sources)?;
    let fixed = plan.fixed.len();
    let mut index = 0;
    report.findings.retain(|_| {
        index += 1;
        !plan.fixed.contains(&(index - 1))
    });
    if !settings.quiet && fixed > 0 {
        writeln!(io::stderr(), "fixed {fixed} findings in {} files", plan.patches.len())?;
    }
    Ok(())
}

fn print(app: &App, settings: &Settings, report: &CheckReport) -> anyhow::Result<()> {
    print_problems(app, settings, report)?;
    let rules: Vec<_> = settings.rules.rules().iter().map(|r| r.meta).collect();
    let printed = Report {
        findings: &report.findings,
        problems: &report.problems,
        rules: &rules,
        resolver: Resolver::new(&report.sources, &app.dir),
        version: env!("CARGO_PKG_VERSION"),
    };
    if !settings.dry_run {
        let summary = settings.format == Format::Text && !settings.quiet;
        output::print_findings(
            &printed,
            settings.format,
            settings.color,
            settings.output.as_deref(),
        )?;
        if summary {
            let mut line = diag::render::terminal::summary(&report.findings);
            if report.findings.is_empty() && report.exit_class() > ExitClass::Findings {
                line += " in what could be read";
            }
            writeln!(io::stdout(), "{line}{}", hidden(report))?;
        }
    }
    if settings.statistics {
        // Machine-readable formats have standard output to themselves.
        if settings.format == Format::Text {
            statistics::write(&printed, &counts(report), &mut io::stdout().lock())?;
        } else {
            statistics::write(&printed, &counts(report), &mut io::stderr().lock())?;
        }
    }
    Ok(())
}

/// Problems go to standard error in every format; quiet keeps the errors only.
fn print_problems(app: &App, settings: &Settings, report: &CheckReport) -> io::Result<()> {
    let problems: Vec<Problem> = report
        .problems
        .iter()
        .filter(|p| !settings.quiet || p.severity == Severity::Error)
        .cloned()
        .collect();
    output::print_problems(&problems, &report.sources, &app.dir, settings.color)
}

/// What was found and not shown, for the end of the summary.
fn hidden(report: &CheckReport) -> String {
    let mut parts = Vec::new();
    for (count, what) in [
        (report.statistics.suppressed, "suppressed by comments"),
        (report.statistics.known, "known to the baseline"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn counts(report: &CheckReport) -> Vec<(String, String)> {
    let s = &report.statistics;
    let mut counts: Vec<(String, String)> = [
        ("packages named", s.packages),
        ("packages loaded", s.packages_loaded),
        ("files read", s.files),
        ("functions analysed", s.functions),
        ("origins", s.origins),
        ("findings suppressed", s.suppressed),
        ("findings in the baseline", s.known),
        ("unused suppressions", s.unused_suppressions),
    ]
    .map(|(name, count)| (name.to_owned(), count.to_string()))
    .to_vec();
    counts.push(("source".into(), format!("{:.1} MB", s.bytes as f64 / 1e6)));
    if let Some(megabytes) = peak_memory() {
        counts.push(("peak memory".into(), format!("{megabytes:.0} MB")));
    }
    let cache = match &s.cache {
        CacheUse::Off => "off".to_owned(),
        CacheUse::Hit => "unchanged since an earlier run".to_owned(),
        CacheUse::Stored => "kept for the next run".to_owned(),
        CacheUse::NotStored(reason) => format!("not kept: {reason}"),
    };
    counts.push(("result".into(), cache));
    for (stage, time) in &s.stages {
        counts.push((stage.label().into(), format!("{:.2} s", time.as_secs_f64())));
    }
    counts
}

/// The most memory that this process has had, in MB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
