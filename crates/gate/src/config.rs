//! gate.toml as it is written. What it means is worked out in `plan`; here are the keys, their defaults and
//! what is refused at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;
use crate::load::Protocol;
use crate::units::{Share, Size, Span};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the candidate listens: `http://127.0.0.1:8080`; `{{port}}` stands for a free port.
    pub url: Option<String>,
    /// How to start it.
    pub candidate: CandidateConfig,
    /// What it is asked about its state, and what it must log and count.
    pub checks: ChecksConfig,
    /// The load.
    pub load: LoadConfig,
    /// What to send; `GET /` when there is none.
    pub endpoint: Vec<EndpointConfig>,
    /// Thresholds.
    pub slo: SloConfig,
    /// Thresholds against a stored baseline.
    pub baseline: BaselineConfig,
    /// The dependency that is played.
    pub dependency: DependencyConfig,
    /// The drills, in this order.
    pub drill: Vec<DrillConfig>,
}

/// `[candidate]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CandidateConfig {
    /// Program and arguments; `-- CMD` on the command line comes before it.
    pub command: Vec<String>,
    /// Environment variables to set; `{{port}}` and `{{dependency}}` are filled in.
    pub env: BTreeMap<String, String>,
    /// Where it runs; the folder of gate.toml by default.
    pub dir: Option<PathBuf>,
    /// Start it again when it ends during a drill, as its supervisor in production would.
    pub restart: bool,
    /// How long the health check may take to answer after a start.
    pub start_timeout: Span,
    /// How long it may take to end after SIGTERM.
    pub stop_timeout: Span,
    /// Kill and start it again when health has not answered for so long, as a liveness probe would.
    pub liveness: Option<Span>,
}

impl Default for CandidateConfig {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            env: BTreeMap::new(),
            dir: None,
            restart: false,
            start_timeout: Span::millis(30_000),
            stop_timeout: Span::millis(10_000),
            liveness: None,
        }
    }
}

/// `[checks]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChecksConfig {
    /// Path or URL of the health check; `tcp`: that the port can be connected to.
    pub health: String,
    /// Path or URL of the readiness check.
    pub readiness: Option<String>,
    /// Path or URL of the metrics: Prometheus text or expvar.
    pub metrics: Option<String>,
    /// The counter of panics.
    pub metric: String,
    /// Labels that its series must have to be counted.
    pub metric_labels: BTreeMap<String, String>,
    /// The gauge of goroutines.
    pub goroutines: String,
    /// What the log line of a recovered panic calls itself (msg, message or event).
    pub log_event: String,
    /// What it must say: `stack`, `goroutine`, `trace_id`, `route`, or fields of your own.
    pub log_fields: Vec<String>,
    /// How soon health must answer again after the trigger of a drill.
    pub recovery: Span,
    /// How soon a request must be answered well again.
    pub first_good: Span,
    /// How long readiness may say ready while requests fail.
    pub readiness_lag: Span,
    /// So many goroutines more than before are no leak.
    pub goroutine_slack: u64,
    /// How long goroutines may take to end.
    pub goroutine_timeout: Span,
    /// How often a measurement is repeated that the machine was too noisy for.
    pub retries: u32,
}

impl Default for ChecksConfig {
    fn default() -> Self {
        Self {
            health: "/healthz".into(),
            readiness: None,
            metrics: None,
            metric: "go_panic_total".into(),
            metric_labels: BTreeMap::new(),
            goroutines: "go_goroutines".into(),
            log_event: "panic_recovered".into(),
            log_fields: ["stack", "goroutine", "trace_id", "route"].map(Into::into).into(),
            recovery: Span::millis(800),
            first_good: Span::millis(3000),
            readiness_lag: Span::millis(1000),
            goroutine_slack: 10,
            goroutine_timeout: Span::millis(5000),
            retries: 2,
        }
    }
}

/// `[load]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadConfig {
    /// Requests a second, in total.
    pub rate: f64,
    /// How long.
    pub time: Span,
    /// In place of `rate` and `time`: `10s:200` is constant, `10s:200..400` a ramp.
    pub stages: Vec<String>,
    /// Send the next request when the last one is answered.
    pub closed: bool,
    /// At most so many connections.
    pub connections: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: usize,
    /// How long an answer may take.
    pub timeout: Span,
    /// Requests at the beginning that count as nothing.
    pub warmup: Span,
    /// http1, http2 or grpc.
    pub protocol: Protocol,
    /// Requests a second while drills run; `rate` by default.
    pub drill_rate: Option<f64>,
    /// Accept any certificate.
    pub insecure: bool,
    /// Roots in PEM form.
    pub cacert: Option<PathBuf>,
}

impl Default for LoadConfig {
    fn default() -> Self {
        Self {
            rate: 200.0,
            time: Span::millis(10_000),
            stages: Vec::new(),
            closed: false,
            connections: 50,
            streams: 1,
            timeout: Span::millis(10_000),
            warmup: Span::millis(1000),
            protocol: Protocol::Http1,
            drill_rate: None,
            insecure: false,
            cacert: None,
        }
    }
}

/// `[[endpoint]]`, and the request of a drill.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointConfig {
    /// How reports call it; method and path by default.
    pub name: Option<String>,
    /// Its share of the requests, relative to the others; 1 by default.
    pub weight: Option<u32>,
    /// GET by default, POST when there is a body.
    pub method: Option<String>,
    /// Path and query; templates are filled in. For gRPC `/package.Service/Method`.
    pub path: String,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body, as text with templates.
    pub body: Option<String>,
    /// The body in hexadecimal.
    pub body_hex: Option<String>,
    /// The body, from a file.
    pub body_file: Option<PathBuf>,
    /// Good statuses; those below 400 by default.
    pub expect: Vec<u16>,
}

/// `[slo]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SloConfig {
    /// Limit of the median, from the intended time.
    pub p50: Option<Span>,
    /// Limit of the 95th percentile.
    pub p95: Option<Span>,
    /// Limit of the 99th percentile.
    pub p99: Option<Span>,
    /// At most this share of requests may fail.
    pub error_rate: Share,
    /// At least this share of the asked rate must be reached.
    pub rate: Share,
}

impl Default for SloConfig {
    fn default() -> Self {
        Self { p50: None, p95: None, p99: None, error_rate: Share(0.001), rate: Share(0.99) }
    }
}

/// `[baseline]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BaselineConfig {
    /// The stored figures; `--baseline` comes before it.
    pub file: Option<PathBuf>,
    /// Percentiles may be larger by this share.
    pub latency: Share,
    /// Differences below this are noise, whatever their share.
    pub slack: Span,
    /// The achieved rate may be lower by this share.
    pub rate: Share,
}

impl Default for BaselineConfig {
    fn default() -> Self {
        Self { file: None, latency: Share(0.25), slack: Span::millis(2), rate: Share(0.05) }
    }
}

/// `[dependency]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DependencyConfig {
    /// `host:port` of the true one; without it every HTTP request is answered with 200.
    pub upstream: Option<String>,
    /// Where to listen; a free port of 127.0.0.1 by default. `{{dependency}}` stands for it.
    pub listen: Option<String>,
}

/// What a drill breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A panic in a handler.
    HandlerPanic,
    /// A panic in a goroutine that no handler waits for.
    GoroutinePanic,
    /// A concurrent map write: a fatal error.
    MapWrite,
    /// A nil dereference in a handler.
    NilDereference,
    /// Goroutines that wait for each other.
    Deadlock,
    /// Memory runs out.
    MemoryLimit,
    /// SIGTERM while requests are in flight.
    Sigterm,
    /// A dependency accepts connections and says nothing.
    DependencyHang,
    /// A dependency refuses connections.
    DependencyRefuse,
}

impl Kind {
    /// As it is written in gate.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HandlerPanic => "handler-panic",
            Self::GoroutinePanic => "goroutine-panic",
            Self::MapWrite => "map-write",
            Self::NilDereference => "nil-dereference",
            Self::Deadlock => "deadlock",
            Self::MemoryLimit => "memory-limit",
            Self::Sigterm => "sigterm",
            Self::DependencyHang => "dependency-hang",
            Self::DependencyRefuse => "dependency-refuse",
        }
    }

    /// Whether a panic is expected that code of the candidate recovers.
    pub fn is_recoverable_panic(self) -> bool {
        matches!(self, Self::HandlerPanic | Self::GoroutinePanic | Self::NilDereference)
    }

    /// Whether it is our own listener that misbehaves.
    pub fn is_dependency(self) -> bool {
        matches!(self, Self::DependencyHang | Self::DependencyRefuse)
    }
}

/// What the process must do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Live on.
    Recovered,
    /// End, and be there again.
    Restarted,
    /// One of the two.
    Either,
}

/// `[[drill]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillConfig {
    /// What it breaks.
    pub kind: Kind,
    /// How reports call it; the kind by default.
    pub name: Option<String>,
    /// The request that triggers it.
    pub request: Option<EndpointConfig>,
    /// Or a path to GET.
    pub path: Option<String>,
    /// Or a signal: TERM, INT, QUIT, HUP, USR1, USR2, KILL, ABRT.
    pub signal: Option<String>,
    /// Or a command to run.
    pub command: Option<Vec<String>>,
    /// How many times it is triggered, one right after another.
    #[serde(default = "one")]
    pub times: u32,
    /// How long a dependency misbehaves; 2s by default.
    #[serde(rename = "for")]
    pub length: Option<Span>,
    /// With memory-limit: so much address space more than it has now.
    pub limit: Option<Size>,
    /// What the process must do; by kind.
    pub expect: Option<Expect>,
    /// In place of `checks.recovery`.
    pub recovery: Option<Span>,
    /// In place of `checks.first_good`.
    pub first_good: Option<Span>,
    /// Whether the log line is asked for; by kind.
    pub log: Option<bool>,
    /// Whether the counter is asked for; by kind.
    pub metric: Option<bool>,
    /// Whether the goroutines must come back to what they were; true.
    pub goroutines: Option<bool>,
    /// At most this share of the requests of the drill may fail.
    pub max_failed: Option<Share>,
}

impl DrillConfig {
    /// How reports call it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.as_str())
    }
}

impl Config {
    /// Keeps the drills with these names. Each has to be there.
    pub fn only(&mut self, names: &[String]) -> Result<(), Error> {
        let known: Vec<&str> = self.drill.iter().map(DrillConfig::name).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Error::Usage(format!(
                "--drill {}: no such drill; {}",
                diag::clean_line(name),
                if known.is_empty() {
                    "gate.toml has none".to_owned()
                } else {
                    format!("there are {}", diag::clean_line(&known.join(", ")))
                }
            )));
        }
        self.drill.retain(|drill| names.iter().any(|name| name == drill.name()));
        Ok(())
    }
}

fn one() -> u32 {
    1
}

/// Reads gate.toml.
pub fn read(path: &Path) -> Result<Config, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Input { path: path.to_owned(), why: error.to_string() })?;
    parse(&text).map_err(|error| Error::Usage(format!("{}: {error}", path.display())))
}

/// Reads the text of a gate.toml. The error has line, column and what is expected there.
pub fn parse(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}
