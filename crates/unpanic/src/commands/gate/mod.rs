//! `unpanic gate`: from arguments to a run of [`gate`], and from its verdict to output and exit code.

mod ci;
mod init;

use std::io::{IsTerminal as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use anyhow::Context as _;
use diag::ExitClass;
use gate::config::{Config, EndpointConfig};
use gate::load::Protocol;
use gate::{Baseline, Error, Given, GuardCommand, Live, Options, Outcome, Plan, Verdict, report};

use crate::app::App;
use crate::cli_gate::{GateArgs, GateCommand, GateFormat, ProtocolArg};
use crate::fixes;

/// The file that is taken when none is named.
const DEFAULT: &str = "gate.toml";

/// Runs the gate, or one of its subcommands.
pub fn run(app: &App, args: &GateArgs) -> anyhow::Result<ExitClass> {
    match &args.command {
        Some(GateCommand::Init(init)) => return init::run(app, init),
        Some(GateCommand::Ci(ci)) => return ci::run(ci),
        None => {}
    }
    match judge(app, args) {
        Ok(verdict) => {
            show(app, args, &verdict)?;
            Ok(match verdict.exit_code {
                0 => ExitClass::Clean,
                code => ExitClass::Verdict(code),
            })
        }
        Err(error) => {
            eprintln!("error: {}", diag::clean(&error.to_string()));
            Ok(match error {
                Error::Usage(_) => ExitClass::Usage,
                Error::Input { .. } | Error::Output { .. } => ExitClass::Input,
                Error::Harness(_) => ExitClass::Verdict(gate::Class::Harness.code()),
                Error::Interrupted => ExitClass::Verdict(130),
            })
        }
    }
}

/// The process that cleans up when the gate is killed.
pub fn guard() -> ExitClass {
    match gate::guard_main() {
        0 => ExitClass::Clean,
        code => ExitClass::Verdict(code),
    }
}

fn judge(app: &App, args: &GateArgs) -> Result<Verdict, Error> {
    let (config, dir) = configuration(app, args)?;
    let baseline = args.baseline.clone().map(|file| app.dir.join(file));
    let baseline = baseline.or_else(|| config.baseline.file.as_ref().map(|file| dir.join(file)));
    let baseline = baseline.map(|file| Baseline::read(&file)).transpose()?;
    let given = Given {
        dir,
        cwd: app.dir.clone(),
        url: args.url.as_deref().map(|url| split(url).0.to_owned()),
        command: args.candidate.clone(),
        port: free_port()?,
        dependency_port: free_port()?,
    };
    let plan = Plan::new(config, &given)?;
    let program = std::env::current_exe()
        .map_err(|error| Error::Harness(format!("cannot find this program: {error}")))?;
    let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
    let terminal = std::io::stderr().is_terminal();
    let mut live = (!quiet).then(|| Live::new(terminal));
    let mut watch = |event: gate::Event<'_>| {
        if let Some(live) = &mut live {
            live.event(&event);
        }
    };
    gate::run(
        &plan,
        Options {
            baseline,
            guard: Some(GuardCommand { program, arguments: vec!["gate-guard".to_owned()] }),
            interruptible: true,
            watch: Some(&mut watch),
        },
    )
}

/// The file and what flags say over it; and the folder that its paths start from.
fn configuration(app: &App, args: &GateArgs) -> Result<(Config, std::path::PathBuf), Error> {
    // UNPANIC_CONFIG means the unpanic.toml of all commands.
    let named = app.global.config.as_deref();
    let named = named.filter(|file| {
        std::env::var_os("UNPANIC_CONFIG").is_none_or(|env| env != file.as_os_str())
    });
    let found = app.dir.join(DEFAULT);
    let file = match named {
        Some(file) => Some(app.dir.join(file)),
        None => (args.url.is_none() && found.exists()).then_some(found),
    };
    let mut config = match &file {
        Some(file) => gate::config::read(file)?,
        None => Config::default(),
    };
    let dir = file.as_deref().and_then(Path::parent).unwrap_or(&app.dir).to_owned();
    let load = &mut config.load;
    if !args.stages.is_empty() {
        load.stages.clone_from(&args.stages);
    }
    if args.time.is_some() || args.rate.is_some() {
        load.stages.clear();
    }
    load.time = args.time.unwrap_or(load.time);
    load.connections = args.connections.unwrap_or(load.connections);
    load.rate = args.rate.unwrap_or(load.rate);
    if args.rate_per_connection {
        load.rate *= load.connections as f64;
    }
    load.closed |= args.closed;
    load.warmup = args.warmup.unwrap_or(load.warmup);
    load.timeout = args.timeout.unwrap_or(load.timeout);
    load.streams = args.streams.unwrap_or(load.streams);
    load.insecure |= args.insecure;
    if let Some(file) = &args.cacert {
        load.cacert = Some(app.dir.join(file));
    }
    load.protocol = match args.protocol {
        None => load.protocol,
        Some(ProtocolArg::Http1) => Protocol::Http1,
        Some(ProtocolArg::Http2) => Protocol::Http2,
        Some(ProtocolArg::Grpc) => Protocol::Grpc,
    };
    let slo = &mut config.slo;
    slo.p50 = args.p50.or(slo.p50);
    slo.p95 = args.p95.or(slo.p95);
    slo.p99 = args.p99.or(slo.p99);
    slo.error_rate = args.error_rate.unwrap_or(slo.error_rate);
    if let Some(health) = &args.health {
        config.checks.health.clone_from(health);
    }
    if !args.drills.is_empty() {
        config.only(&args.drills)?;
    }
    if let Some(url) = &args.url {
        asked(&mut config, args, split(url).1)?;
    }
    Ok((config, dir))
}

/// What `--url` and its flags ask for, when the file names no endpoints.
fn asked(config: &mut Config, args: &GateArgs, path: &str) -> Result<(), Error> {
    let flags = args.method.is_some() || args.body.is_some() || !args.headers.is_empty();
    if !config.endpoint.is_empty() {
        if flags || path.len() > 1 {
            return Err(Error::Usage(
                "gate.toml names endpoints: a path in --url, --method, --header and --body have no place"
                    .to_owned(),
            ));
        }
        return Ok(());
    }
    let mut endpoint = EndpointConfig {
        path: path.to_owned(),
        method: args.method.clone(),
        body: args.body.clone(),
        ..EndpointConfig::default()
    };
    for header in &args.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            Error::Usage(format!("`{header}` is no header: expected `Name: value`"))
        })?;
        endpoint.headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    config.endpoint.push(endpoint);
    Ok(())
}

/// `http://host:port` and the path: the path may hold templates, which are no URL.
fn split(url: &str) -> (&str, &str) {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..].find(['/', '?']).map_or(url.len(), |at| after + at);
    url.split_at(end)
}

/// A port that is free now. The candidate takes it a moment later.
fn free_port() -> Result<u16, Error> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Error::Harness(format!("there is no free port: {error}")))
}

fn show(app: &App, args: &GateArgs, verdict: &Verdict) -> anyhow::Result<()> {
    let write = |file: &Option<std::path::PathBuf>, text: &dyn Fn() -> String| match file {
        Some(file) => {
            let path = app.dir.join(file);
            fixes::write_file(&path, text().as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))
        }
        None => Ok(()),
    };
    write(&args.html, &|| report::html(verdict))?;
    write(&args.junit, &|| report::junit(verdict))?;
    write(&args.markdown, &|| report::markdown(verdict))?;
    if let (Some(load), Outcome::Passed) = (&verdict.load, verdict.outcome) {
        write(&args.save_baseline, &|| Baseline::of(load).text())?;
    } else if args.save_baseline.is_some() {
        eprintln!("warning: no baseline was stored: the gate did not pass");
    }
    let text = match args.format {
        GateFormat::Text => report::text(verdict),
        GateFormat::Json => report::json(verdict),
        GateFormat::Junit => report::junit(verdict),
        GateFormat::Markdown => report::markdown(verdict),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_before_its_path() {
        assert_eq!(split("http://h:1/a?b={{counter}}"), ("http://h:1", "/a?b={{counter}}"));
        assert_eq!(split("http://h:1"), ("http://h:1", ""));
        assert_eq!(split("h"), ("h", ""));
    }
}
