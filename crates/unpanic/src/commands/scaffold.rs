//! `unpanic scaffold`: writes what the crate `scaffold` plans, and says what to do with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use diag::{ExitClass, relative_path};
use scaffold::recovery::{self, Plan};
use scaffold::{Change, EntryKind, Error, Module, Place, PlannedFile, monitoring};

use crate::app::App;
use crate::cli::{
    MetricsArg, MonitoringArgs, RecoveryArgs, ScaffoldCommand, TracingArg, WriteArgs,
};
use crate::fixes::write_file;

/// How many places of one kind are shown.
const SHOWN: usize = 8;

/// Plans, writes and explains.
pub fn run(app: &App, command: &ScaffoldCommand) -> anyhow::Result<ExitClass> {
    match command {
        ScaffoldCommand::Recovery(args) => recovery(app, args),
        ScaffoldCommand::Monitoring(args) => monitoring(app, args),
    }
}

fn recovery(app: &App, args: &RecoveryArgs) -> anyhow::Result<ExitClass> {
    let dir = args.dir.as_ref().map_or_else(|| app.dir.clone(), |dir| app.dir.join(dir));
    let options = recovery::Options {
        grpc: args.grpc,
        prometheus: args.metrics == MetricsArg::Prometheus,
        otel: args.tracing == TracingArg::Otel,
    };
    let planned = (|| {
        let module = Module::find(&app.system, &dir)?;
        let place = module.place(&app.system, args.package.as_deref())?;
        let plan = recovery::plan(&app.system, &module, &place, options)?;
        Ok((module, place, plan))
    })();
    let (module, place, plan) = match planned {
        Ok(planned) => planned,
        Err(error) => return refuse(error),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if let Some(class) = carry_out(app, &plan.files, &args.write, &mut out)? {
        return Ok(class);
    }
    if !args.write.dry_run && !app.global.quiet.or(app.config.quiet).unwrap_or(false) {
        next_steps(app, &module, &place, &plan, options, &mut out)?;
    }
    out.flush()?;
    Ok(ExitClass::Clean)
}

fn monitoring(app: &App, args: &MonitoringArgs) -> anyhow::Result<ExitClass> {
    let slo = &app.config.slo;
    // Only the name and the command to build are taken from a module: there need not be one.
    let module = Module::find(&app.system, &app.dir).ok();
    let planned = (|| {
        let latency = args.latency.as_ref().or(slo.latency.as_ref());
        let values = monitoring::Values {
            service: match (&args.service, &module) {
                (Some(service), _) => service.clone(),
                (None, Some(module)) => monitoring::suggested_service(&module.file.path)
                    .unwrap_or_else(|| module.file.path.clone()),
                (None, None) => "service".to_owned(),
            },
            objective: args.objective.or(slo.objective).unwrap_or(99.9),
            latency: monitoring::parse_latency(latency.map_or("250ms", String::as_str))?,
            latency_objective: args.latency_objective.or(slo.latency_objective).unwrap_or(99.0),
            goroutines: args.goroutines,
            image: args.image.clone(),
            health_path: args.health_path.clone(),
        };
        let all = <crate::cli::GroupArg as clap::ValueEnum>::value_variants();
        let groups = args.only.as_deref().unwrap_or(all);
        let groups: Vec<_> = groups.iter().map(|g| monitoring::Group::from(*g)).collect();
        let out = app.dir.join(&args.out);
        monitoring::plan(&app.system, &out, &groups, &values, module.as_ref())
    })();
    let files = match planned {
        Ok(files) => files,
        Err(error) => return refuse(error),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if let Some(class) = carry_out(app, &files, &args.write, &mut out)? {
        return Ok(class);
    }
    out.flush()?;
    Ok(ExitClass::Clean)
}

/// Says why nothing was planned. What the machine would not give is exit class `Input`.
fn refuse(error: Error) -> anyhow::Result<ExitClass> {
    if let Error::System(error) = &error {
        eprintln!("error: {}", diag::clean_line(&error.to_string()));
        return Ok(ExitClass::Input);
    }
    Err(error.into())
}

/// Shows or writes the files, a line for each. `Some` when writing failed.
fn carry_out(
    app: &App,
    files: &[PlannedFile],
    args: &WriteArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Option<ExitClass>> {
    if args.dry_run {
        for file in files {
            show(app, file, args.force, out)?;
        }
        out.flush()?;
        return Ok(None);
    }
    let width = files.iter().map(|f| name(app, &f.path).chars().count()).max().unwrap_or(0);
    for file in files {
        let done = match &file.change {
            Change::New => "new      ",
            Change::None => "unchanged",
            Change::Replace(_) if args.force => "replaced ",
            Change::Replace(_) => "kept     ",
        };
        if file.change == Change::New || args.force && file.change != Change::None {
            let folder = file.path.parent().unwrap_or(Path::new("."));
            let written = fs::create_dir_all(folder)
                .and_then(|()| write_file(&file.path, file.text.as_bytes()))
                .with_context(|| format!("cannot write {}", file.path.display()));
            if let Err(error) = written {
                out.flush()?;
                eprintln!("error: {}", crate::output::error_text(&error));
                return Ok(Some(ExitClass::Input));
            }
        }
        let path = name(app, &file.path);
        writeln!(out, "{done}  {path:width$}  {}", file.purpose)?;
    }
    if !args.force && files.iter().any(|f| matches!(f.change, Change::Replace(_))) {
        out.flush()?;
        eprintln!(
            "note: what was kept differs from the scaffold; --dry-run --force shows how, --force replaces it"
        );
    }
    Ok(None)
}

/// One file of a dry run, as a diff.
fn show(app: &App, file: &PlannedFile, force: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = name(app, &file.path);
    let (old, from) = match &file.change {
        Change::None => return Ok(()),
        Change::Replace(_) if !force => {
            return Ok(writeln!(out, "# {path} is there with another text and would be kept")?);
        }
        Change::Replace(old) => (old.as_str(), format!("a/{path}")),
        Change::New => ("", "/dev/null".to_owned()),
    };
    writeln!(out, "# {path}: {}", file.purpose)?;
    let diff = similar::TextDiff::from_lines(old, &file.text);
    let diff = diff.unified_diff().header(&from, &format!("b/{path}")).to_string();
    Ok(out.write_all(diff.as_bytes())?)
}

/// What to run, and the lines of the module where the package is to be called.
fn next_steps(
    app: &App,
    module: &Module,
    place: &Place,
    plan: &Plan,
    options: recovery::Options,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let package = &place.name;
    let relative = name(app, &place.dir);
    writeln!(out, "\nNext, in {}:", name(app, &module.file.dir))?;
    if !plan.missing_modules.is_empty() {
        writeln!(out, "  go get {}", plan.missing_modules.join(" "))?;
    }
    if plan.vendor {
        writeln!(out, "  go mod vendor")?;
    }
    writeln!(out, "  go test -race {}", place.import_path)?;

    let metrics = if options.prometheus { "metrics" } else { "&panics" };
    let tracer =
        if options.otel { format!(", Tracer: {package}.OpenTelemetry{{}}") } else { String::new() };
    writeln!(out, "\nOnce, where the service is put together (import \"{}\"):", place.import_path)?;
    if options.prometheus {
        writeln!(out, "  metrics, err := {package}.NewPrometheus(prometheus.DefaultRegisterer)")?;
    } else {
        writeln!(
            out,
            "  var panics {package}.Counter // serve it as /metrics, it is a http.Handler"
        )?;
    }
    writeln!(
        out,
        "  guarded := {package}.New({package}.Config{{Logger: logger, Metrics: {metrics}{tracer}}})"
    )?;

    let mut places: BTreeMap<EntryKind, Vec<scaffold::EntryPoint>> = BTreeMap::new();
    for entry in scaffold::entry_points(module, &place.dir) {
        places.entry(entry.kind).or_default().push(entry);
    }
    // A mux reaches its server sooner or later: its line helps only where no server is seen.
    if places.contains_key(&EntryKind::HttpServer) {
        places.remove(&EntryKind::HttpMux);
    }
    if places.is_empty() {
        writeln!(out, "\nNo server and no go statement was found in {relative}'s module.")?;
    }
    for (kind, entries) in &places {
        let how = match kind {
            EntryKind::HttpServer | EntryKind::HttpMux => {
                format!("give the server guarded.HTTP(mux, {package}.MuxRoute(mux)) as its handler")
            }
            EntryKind::GrpcServer => {
                "add grpc.ChainUnaryInterceptor(guarded.UnaryServerInterceptor()), \
                 grpc.ChainStreamInterceptor(guarded.StreamServerInterceptor())"
                    .to_owned()
            }
            EntryKind::Goroutine => {
                "guarded.Go(ctx, \"name\", func(ctx context.Context) { … })".to_owned()
            }
        };
        writeln!(out, "\n{}: {how}", title(*kind))?;
        for entry in entries.iter().take(SHOWN) {
            let text: String = diag::clean_line(&entry.text).chars().take(100).collect();
            writeln!(out, "  {}:{}: {text}", name(app, &entry.file), entry.line)?;
        }
        if entries.len() > SHOWN {
            writeln!(out, "  and {} more", entries.len() - SHOWN)?;
        }
    }
    writeln!(
        out,
        "\nConsumers of messages: {package}.Consumer(guarded, \"queue\", handle). Calls that may fail for a\n\
         moment: {package}.Transient(err) at the source, Retrier.Do around the call."
    )?;
    Ok(())
}

fn title(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::HttpServer => "HTTP servers",
        EntryKind::HttpMux => "HTTP handlers",
        EntryKind::GrpcServer => "gRPC servers",
        EntryKind::Goroutine => "Goroutines",
    }
}

fn name(app: &App, path: &Path) -> String {
    let relative = relative_path(path, &app.dir);
    let text = relative.to_string_lossy();
    if text.is_empty() { ".".to_owned() } else { diag::clean_line(&text).into_owned() }
}
