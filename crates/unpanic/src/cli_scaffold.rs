//! The command line of `unpanic scaffold`, apart from the rest for its size.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `unpanic scaffold …`.
#[derive(Subcommand, Debug)]
pub enum ScaffoldCommand {
    /// Write a Go package that catches panics at every boundary, and sorts and retries errors.
    Recovery(RecoveryArgs),
    /// Write Prometheus rules, Alertmanager routes, a dashboard, manifests and a Dockerfile.
    Monitoring(Box<MonitoringArgs>),
}

/// `unpanic scaffold recovery`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic scaffold recovery --dry-run          show what would be written, as a diff
  unpanic scaffold recovery                    write internal/recovery into the module here
  unpanic scaffold recovery --package pkg/safe --metrics prometheus --tracing otel
  unpanic scaffold recovery --grpc             the interceptors too, although nothing uses gRPC yet

The code is yours: small, standard library only but for what you ask for, in the Go version of your
go.mod (1.21 and later). Files that are there with another text are kept unless --force is given.
Exit codes: 0 written or nothing to do, 2 bad usage, 3 something could not be read or written.")]
pub struct RecoveryArgs {
    /// The module: a folder in it.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The package's path from the module's root; `recovery` in the internal folder by default.
    #[arg(long, value_name = "PATH")]
    pub package: Option<String>,
    /// Write the gRPC interceptors even when the module does not require google.golang.org/grpc.
    #[arg(long)]
    pub grpc: bool,
    /// The adapter for metrics.
    #[arg(long, value_enum, default_value_t = MetricsArg::None, value_name = "LIBRARY")]
    pub metrics: MetricsArg,
    /// The adapter for traces.
    #[arg(long, value_enum, default_value_t = TracingArg::None, value_name = "LIBRARY")]
    pub tracing: TracingArg,
    /// How files are written.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `unpanic scaffold monitoring`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  unpanic scaffold monitoring                              all of it, into monitoring/
  unpanic scaffold monitoring --only rules,grafana --out deploy/watch
  unpanic scaffold monitoring --service orders --objective 99.95 --latency 100ms
  unpanic scaffold monitoring --dry-run

The objectives come from unpanic.toml:

  [slo]
  objective = 99.9           # percent of requests that do not fail
  latency = \"250ms\"          # what counts as fast
  latency-objective = 99     # percent of requests that are

Files that are there with another text are kept unless --force is given.")]
pub struct MonitoringArgs {
    /// Where to write.
    #[arg(long, default_value = "monitoring", value_name = "DIR")]
    pub out: PathBuf,
    /// The service's name, which is the job of its metrics; that of the module here by default.
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Only these, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUPS")]
    pub only: Option<Vec<GroupArg>>,
    /// Percent of requests that do not fail; 99.9 by default.
    #[arg(long, env = "UNPANIC_OBJECTIVE", value_name = "PERCENT", help_heading = "Objectives")]
    pub objective: Option<f64>,
    /// What counts as a fast answer, a bucket of guard's histogram; 250ms by default.
    #[arg(long, env = "UNPANIC_LATENCY", value_name = "DURATION", help_heading = "Objectives")]
    pub latency: Option<String>,
    /// Percent of requests that are answered as fast; 99 by default.
    #[arg(
        long,
        env = "UNPANIC_LATENCY_OBJECTIVE",
        value_name = "PERCENT",
        help_heading = "Objectives"
    )]
    pub latency_objective: Option<f64>,
    /// More goroutines than this for five minutes make a ticket.
    #[arg(long, default_value_t = 5000, value_name = "N", help_heading = "Objectives")]
    pub goroutines: u32,
    /// The container image; SERVICE:latest by default.
    #[arg(long, value_name = "NAME", help_heading = "Deployment")]
    pub image: Option<String>,
    /// The service's health page.
    #[arg(long, default_value = "/healthz", value_name = "PATH", help_heading = "Deployment")]
    pub health_path: String,
    /// How files are written.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// How planned files get to disk.
#[derive(Args, Debug)]
pub struct WriteArgs {
    /// Print what would change, as a unified diff, and change nothing.
    #[arg(long, help_heading = "Writing")]
    pub dry_run: bool,
    /// Replace files that are there with another text.
    #[arg(long, help_heading = "Writing")]
    pub force: bool,
}

/// A library for metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum MetricsArg {
    /// github.com/prometheus/client_golang.
    Prometheus,
    /// None: the package has a counter of its own.
    None,
}

/// A library for traces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TracingArg {
    /// go.opentelemetry.io/otel.
    Otel,
    /// None: trace ids come from traceparent headers.
    None,
}

/// A group of monitoring files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum GroupArg {
    /// Prometheus rules and their tests.
    Rules,
    /// Alertmanager routes.
    Alertmanager,
    /// A Grafana dashboard.
    Grafana,
    /// Kubernetes manifests.
    Kubernetes,
    /// A Dockerfile.
    Docker,
}

impl From<GroupArg> for scaffold::monitoring::Group {
    fn from(arg: GroupArg) -> Self {
        match arg {
            GroupArg::Rules => Self::Rules,
            GroupArg::Alertmanager => Self::Alertmanager,
            GroupArg::Grafana => Self::Grafana,
            GroupArg::Kubernetes => Self::Kubernetes,
            GroupArg::Docker => Self::Docker,
        }
    }
}
