//! What a configuration means: names looked up, files read, defaults by kind, contradictions told.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderName, Method};

use crate::Error;
use crate::config::{Config, DrillConfig, EndpointConfig, Expect, Kind};
use crate::load::{
    Endpoint, LoadSpec, MAX_ENDPOINTS, Model, Payload, Profile, Protocol, Stage, Target, Template,
    Trust,
};
use crate::units::{Share, Span};

/// A run, ready to begin.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What was read.
    pub config: Config,
    /// The load without drills.
    pub load: LoadSpec,
    /// The drills.
    pub drills: Vec<Drill>,
    /// Program and arguments; empty when something runs at the URL already.
    pub command: Vec<String>,
    /// Where it runs.
    pub dir: PathBuf,
    /// Its environment, filled in.
    pub env: Vec<(String, String)>,
    /// Where our listener for the dependency is.
    pub dependency: Option<String>,
}

/// A drill, ready to be done.
#[derive(Clone, Debug)]
pub struct Drill {
    /// What it breaks.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// How it begins.
    pub trigger: Trigger,
    /// How many times.
    pub times: u32,
    /// How long a dependency misbehaves.
    pub length: Span,
    /// Address space in bytes.
    pub limit: Option<u64>,
    /// What the process must do.
    pub expect: Expect,
    /// How soon health must answer.
    pub recovery: Span,
    /// How soon a request must be answered well.
    pub first_good: Span,
    /// Whether the log line is asked for.
    pub log: bool,
    /// Whether the counter is asked for.
    pub metric: bool,
    /// Whether goroutines are compared.
    pub goroutines: bool,
    /// Failed requests, at most.
    pub max_failed: Option<Share>,
}

/// How a drill begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// A request.
    Request(Box<Endpoint>),
    /// A signal to the candidate's process.
    Signal(nix::sys::signal::Signal),
    /// A command.
    Command(Vec<String>),
    /// Our listener misbehaves.
    Dependency,
}

/// What comes from the command line and the machine.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Folder that paths in gate.toml start from.
    pub dir: PathBuf,
    /// Folder that `-- CMD` starts from.
    pub cwd: PathBuf,
    /// `--url`.
    pub url: Option<String>,
    /// `-- CMD`.
    pub command: Vec<String>,
    /// A port that was free a moment ago.
    pub port: u16,
    /// A second one, for the dependency.
    pub dependency_port: u16,
}

impl Plan {
    /// Works a configuration out.
    pub fn new(mut config: Config, given: &Given) -> Result<Self, Error> {
        let port = given.port.to_string();
        let listen = config
            .dependency
            .listen
            .clone()
            .unwrap_or_else(|| format!("127.0.0.1:{}", given.dependency_port));
        let fill = |text: &str| text.replace("{{port}}", &port).replace("{{dependency}}", &listen);
        let url = given.url.clone().or_else(|| config.url.take()).ok_or_else(|| {
            Error::Usage(
                "where does the candidate listen? Name it with --url http://127.0.0.1:8080 or `url` in gate.toml"
                    .to_owned(),
            )
        })?;
        let target = Target::parse(&fill(&url))?;
        let command: Vec<String> = if given.command.is_empty() {
            if given.url.is_some() { Vec::new() } else { config.candidate.command.clone() }
        } else {
            given.command.clone()
        };
        let command: Vec<String> = command.iter().map(|word| fill(word)).collect();
        let env =
            config.candidate.env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
        if config.endpoint.is_empty() {
            config
                .endpoint
                .push(EndpointConfig { path: String::new(), ..EndpointConfig::default() });
        }
        if config.endpoint.len() > MAX_ENDPOINTS {
            return Err(Error::Usage(format!(
                "at most {MAX_ENDPOINTS} endpoints, found {}",
                config.endpoint.len()
            )));
        }
        let endpoints = config
            .endpoint
            .iter()
            .map(|endpoint| endpoint_of(endpoint, &given.dir, config.load.protocol))
            .collect::<Result<Vec<_>, _>>()?;
        let load = load_of(&config, target, endpoints, &given.dir)?;
        let drills = config
            .drill
            .iter()
            .map(|drill| drill_of(drill, &config, given, !command.is_empty()))
            .collect::<Result<Vec<_>, _>>()?;
        let needs_process = |drill: &&Drill| {
            matches!(drill.trigger, Trigger::Signal(_)) || drill.kind == Kind::MemoryLimit
        };
        if command.is_empty()
            && let Some(drill) = drills.iter().find(needs_process)
        {
            return Err(Error::Usage(format!(
                "drill `{}` needs the process: start the candidate with `-- CMD` or `candidate.command`",
                drill.name
            )));
        }
        let dependency = drills.iter().any(|drill| drill.kind.is_dependency());
        let mentioned = config.candidate.env.values().any(|v| v.contains("{{dependency}}"))
            || given
                .command
                .iter()
                .chain(&config.candidate.command)
                .any(|w| w.contains("{{dependency}}"));
        let dependency = (dependency || mentioned).then_some(listen);
        let dir = match &config.candidate.dir {
            Some(dir) => given.dir.join(dir),
            None if given.command.is_empty() => given.dir.clone(),
            None => given.cwd.clone(),
        };
        Ok(Self { config, load, drills, command, dir, env, dependency })
    }

    /// The load that runs while a drill is done: constant, and ended by the drill.
    pub fn drill_load(&self) -> LoadSpec {
        let rate = self.config.load.drill_rate.unwrap_or(match &self.load.model {
            Model::Open(profile) => profile.stages()[0].from.max(1.0),
            Model::Closed(_) => self.config.load.rate,
        });
        // Longer than any drill is watched, and short enough for slices of a tenth of a second.
        let length = std::time::Duration::from_mins(1);
        let profile = Profile::new(vec![Stage::constant(rate, length)]);
        let model = profile.map_or_else(|_| self.load.model.clone(), Model::Open);
        // Connections that no request comes to would keep a Go server from ending for five seconds.
        let connections = self.load.connections.min((rate / 2.0).ceil().max(1.0) as usize);
        let warmup = std::time::Duration::ZERO;
        LoadSpec { model, warmup, connections, ..self.load.clone() }
    }
}

fn load_of(
    config: &Config,
    target: Target,
    endpoints: Vec<Endpoint>,
    dir: &Path,
) -> Result<LoadSpec, Error> {
    let load = &config.load;
    let usage = |why: String| Error::Usage(format!("load: {why}"));
    let stages = if load.stages.is_empty() {
        vec![Stage::constant(load.rate, load.time.0)]
    } else {
        load.stages.iter().map(|s| s.parse()).collect::<Result<_, _>>().map_err(usage)?
    };
    let profile = Profile::new(stages).map_err(usage)?;
    let model = if load.closed { Model::Closed(profile.length()) } else { Model::Open(profile) };
    if !(1..=100_000).contains(&load.connections) || !(1..=1000).contains(&load.streams) {
        return Err(usage(format!(
            "1 to 100000 connections and 1 to 1000 streams, found {} and {}",
            load.connections, load.streams
        )));
    }
    if load.timeout.0.is_zero() {
        return Err(usage("a timeout of nothing lets nothing be answered".to_owned()));
    }
    if let Some(rate) = load.drill_rate {
        Profile::new(vec![Stage::constant(rate, load.time.0)])
            .map_err(|why| usage(format!("drill_rate: {why}")))?;
    }
    let trust =
        Trust { roots: load.cacert.as_ref().map(|file| dir.join(file)), anyone: load.insecure };
    Ok(LoadSpec {
        target,
        protocol: load.protocol,
        trust,
        endpoints,
        model,
        warmup: load.warmup.0,
        connections: load.connections,
        streams: load.streams,
        timeout: load.timeout.0,
        threads: None,
    })
}

/// An endpoint as the load needs it.
pub fn endpoint_of(
    config: &EndpointConfig,
    dir: &Path,
    protocol: Protocol,
) -> Result<Endpoint, Error> {
    let label = config.name.clone().unwrap_or_else(|| config.path.clone());
    let wrong =
        |why: String| Error::Usage(format!("endpoint `{}`: {why}", diag::clean_line(&label)));
    let env = |name: &str| std::env::var(name).ok();
    let template = |text: &str| Template::parse(text, env).map_err(wrong);
    let bodies = [config.body.is_some(), config.body_hex.is_some(), config.body_file.is_some()];
    if bodies.iter().filter(|set| **set).count() > 1 {
        return Err(wrong("one of body, body_hex and body_file, not several".to_owned()));
    }
    let body = if let Some(hex) = &config.body_hex {
        Payload::Bytes(unhex(hex).ok_or_else(|| wrong("body_hex is not hexadecimal".to_owned()))?)
    } else if let Some(file) = &config.body_file {
        let path = dir.join(file);
        let bytes = std::fs::read(&path)
            .map_err(|error| Error::Input { path: path.clone(), why: error.to_string() })?;
        Payload::Bytes(bytes.into())
    } else {
        Payload::Template(template(config.body.as_deref().unwrap_or(""))?)
    };
    let default = if protocol == Protocol::Grpc || bodies.contains(&true) { "POST" } else { "GET" };
    let method = config.method.as_deref().unwrap_or(default);
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| wrong(format!("`{}` is no method", diag::clean_line(method))))?;
    let mut headers = Vec::new();
    for (name, value) in &config.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| wrong(format!("`{}` is no header's name", diag::clean_line(name))))?;
        headers.push((name, template(value)?));
    }
    if !config.path.is_empty() && !config.path.starts_with('/') {
        return Err(wrong("a path begins with a slash".to_owned()));
    }
    Ok(Endpoint {
        name: config.name.clone().unwrap_or_else(|| {
            let path = if config.path.is_empty() { "/" } else { config.path.as_str() };
            format!("{method} {path}")
        }),
        weight: config.weight.unwrap_or(1),
        method,
        path: template(&config.path)?,
        headers,
        body,
        expect: config.expect.clone(),
    })
}

fn unhex(text: &str) -> Option<Bytes> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    if digits.len() % 2 == 1 {
        return None;
    }
    Some(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

fn drill_of(
    drill: &DrillConfig,
    config: &Config,
    given: &Given,
    has_process: bool,
) -> Result<Drill, Error> {
    let name = drill.name().to_owned();
    let wrong = |why: &str| Error::Usage(format!("drill `{}`: {why}", diag::clean_line(&name)));
    let kind = drill.kind;
    let ways = [
        drill.request.is_some(),
        drill.path.is_some(),
        drill.signal.is_some(),
        drill.command.is_some(),
    ];
    if ways.iter().filter(|set| **set).count() > 1 {
        return Err(wrong("one of request, path, signal and command, not several"));
    }
    let trigger = if let Some(request) = &drill.request {
        Trigger::Request(Box::new(endpoint_of(request, &given.dir, Protocol::Http1)?))
    } else if let Some(path) = &drill.path {
        let request = EndpointConfig { path: path.clone(), ..EndpointConfig::default() };
        Trigger::Request(Box::new(endpoint_of(&request, &given.dir, Protocol::Http1)?))
    } else if let Some(signal) = &drill.signal {
        let full = format!("SIG{}", signal.trim_start_matches("SIG"));
        Trigger::Signal(full.parse().map_err(|_| wrong("no such signal; try TERM or QUIT"))?)
    } else if let Some(command) = &drill.command {
        if command.is_empty() {
            return Err(wrong("a command has at least a program"));
        }
        Trigger::Command(command.clone())
    } else if kind == Kind::Sigterm {
        Trigger::Signal(nix::sys::signal::Signal::SIGTERM)
    } else if kind.is_dependency() {
        Trigger::Dependency
    } else {
        return Err(wrong("what triggers it? Give path, request, signal or command"));
    };
    if kind.is_dependency() && trigger != Trigger::Dependency {
        return Err(wrong("the dependency is played by the gate; it takes no other trigger"));
    }
    if drill.limit.is_some() && kind != Kind::MemoryLimit {
        return Err(wrong("`limit` belongs to memory-limit"));
    }
    if !(1..=10_000).contains(&drill.times) {
        return Err(wrong("`times` lies between 1 and 10000"));
    }
    let panics = kind.is_recoverable_panic();
    let expect = drill.expect.unwrap_or(match kind {
        Kind::MapWrite | Kind::Sigterm => Expect::Restarted,
        Kind::Deadlock | Kind::MemoryLimit => Expect::Either,
        _ => Expect::Recovered,
    });
    let metric = drill.metric.unwrap_or(panics && config.checks.metrics.is_some());
    if metric && config.checks.metrics.is_none() {
        return Err(wrong("a counter is asked for, and `checks.metrics` does not say where it is"));
    }
    if drill.log == Some(true) && !has_process {
        return Err(wrong(
            "a log line is asked for, and what runs at a URL is not heard: start it with `-- CMD`",
        ));
    }
    Ok(Drill {
        kind,
        trigger,
        times: drill.times,
        length: drill.length.unwrap_or(Span::millis(2000)),
        limit: drill.limit.map(|size| size.0),
        expect,
        recovery: drill.recovery.unwrap_or(config.checks.recovery),
        first_good: drill.first_good.unwrap_or(config.checks.first_good),
        log: drill.log.unwrap_or(panics && has_process),
        metric,
        goroutines: drill.goroutines.unwrap_or(config.checks.metrics.is_some()),
        max_failed: drill.max_failed,
        name,
    })
}
