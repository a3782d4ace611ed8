//! `unpanic lab`: experiments in, a report out. What happens in between is the lab's.

use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use diag::ExitClass;
use go_exec::{Guard, Toolchain};
use lab::{LabError, Options, Report, Verdict};
use serde::Serialize;

use crate::app::App;
use crate::cli::{Color, ListFormat};
use crate::cli_lab::{LabArgs, LabCommand, LabFormat, LabOptions};
use crate::{fixes, output, progress};

/// How long an experiment may run with one toolchain.
const BUDGET: Duration = Duration::from_secs(20);
/// The same with `--quick`.
const QUICK_BUDGET: Duration = Duration::from_secs(5);

/// One object a line of `lab list`.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    topic: &'a str,
    title: &'a str,
    about: &'a str,
    variants: Vec<&'a str>,
    claims: Vec<&'a str>,
    sources: &'a [String],
}

/// Runs experiments, or lists them.
pub fn run(app: &App, args: &LabArgs) -> anyhow::Result<ExitClass> {
    match &args.command {
        None => experiments(app, &[], &args.options),
        Some(LabCommand::Run { names, options }) => experiments(app, names, options),
        Some(LabCommand::List { format }) => list(*format),
        Some(LabCommand::Show { name }) => {
            let chosen = lab::choose(std::slice::from_ref(name))?;
            let mut out = io::stdout().lock();
            for experiment in chosen {
                out.write_all(experiment.program.as_bytes())?;
            }
            Ok(ExitClass::Clean)
        }
    }
}

fn experiments(app: &App, names: &[String], args: &LabOptions) -> anyhow::Result<ExitClass> {
    match try_experiments(app, names, args) {
        Err(error) => match error.downcast_ref::<LabError>() {
            Some(LabError::Go(_) | LabError::Io { .. }) => {
                eprintln!("error: {}", output::error_text(&error));
                Ok(ExitClass::Input)
            }
            _ => Err(error),
        },
        class => class,
    }
}

fn try_experiments(app: &App, names: &[String], args: &LabOptions) -> anyhow::Result<ExitClass> {
    let chosen = lab::choose(names)?;
    let toolchains = args.go.iter().map(|go| Toolchain::find_alone(go));
    let toolchains: Vec<Toolchain> =
        toolchains.collect::<Result<_, _>>().map_err(LabError::from)?;
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    let guard = std::env::current_exe().context("where is this program?")?;
    let options = Options {
        experiments: chosen,
        toolchains,
        budget: args.budget.unwrap_or(if args.quick { QUICK_BUDGET } else { BUDGET }),
        quick: args.quick,
        race: args.race,
        keep: args.keep.as_ref().map(|keep| app.dir.join(keep)),
        guard: Some(Guard { program: guard, arguments: vec!["prove-guard".into()] }),
    };
    let steps = progress::Steps::new(quiet, options.experiments.len());
    let report = lab::run(&options, &mut |number, what| steps.tell(number, what))?;
    drop(steps);
    let mut unbuilt = report.outcomes.iter().flat_map(|outcome| &outcome.unbuilt).peekable();
    let broken = unbuilt.peek().is_some();
    for why in unbuilt {
        eprintln!("warning: {}", diag::clean(why));
    }
    print(app, args, &report)?;
    let refuted = report.count(Verdict::Disagrees) > 0;
    let class = if refuted { ExitClass::Findings } else { ExitClass::Clean };
    Ok(if broken { class.max(ExitClass::Input) } else { class })
}

fn print(app: &App, args: &LabOptions, report: &Report) -> anyhow::Result<()> {
    if let Some(path) = &args.out {
        let mut text = Vec::new();
        write(args.format, report, app.global.color == Some(Color::Always), &mut text)?;
        return fixes::write_file(&app.dir.join(path), &text)
            .with_context(|| format!("cannot write {}", path.display()));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    write(args.format, report, output::stdout_style(app.global.color).color, &mut out)?;
    Ok(out.flush()?)
}

fn write(
    format: LabFormat,
    report: &Report,
    color: bool,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        LabFormat::Text => lab::write_text(report, color, out),
        LabFormat::Json => lab::write_json(report, out),
        LabFormat::Html => out.write_all(lab::page(report).as_bytes()),
    }
}

fn list(format: ListFormat) -> anyhow::Result<ExitClass> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut topic = "";
    for experiment in lab::all() {
        if format == ListFormat::Json {
            let record = Record {
                name: &experiment.name,
                topic: &experiment.topic,
                title: &experiment.title,
                about: &experiment.about,
                variants: experiment.variants.iter().map(|v| v.name.as_str()).collect(),
                claims: experiment.claims.iter().map(|c| c.text.as_str()).collect(),
                sources: &experiment.sources,
            };
            serde_json::to_writer(&mut out, &record)?;
            writeln!(out)?;
            continue;
        }
        if experiment.topic != topic {
            topic = &experiment.topic;
            writeln!(out, "{topic}")?;
        }
        let claims = experiment.claims.len();
        writeln!(out, "  {:19} {} ({claims} claims)", experiment.name, experiment.title)?;
    }
    out.flush()?;
    Ok(ExitClass::Clean)
}
