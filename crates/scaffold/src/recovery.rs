//! The Go package `recovery`: which files it has, and what of them a module needs.

use source::System;

use crate::newer_go::modernise;
use crate::{Error, Module, Place, PlannedFile};

/// The module of the gRPC interceptors.
pub const GRPC: &str = "google.golang.org/grpc";
/// The module of the metrics adapter.
pub const PROMETHEUS: &str = "github.com/prometheus/client_golang";
/// The module of the tracing adapter's spans; its attributes and codes are of `OTEL_API`.
pub const OTEL: &str = "go.opentelemetry.io/otel/trace";
/// The module of OpenTelemetry's attributes and codes.
pub const OTEL_API: &str = "go.opentelemetry.io/otel";

/// What to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// The gRPC interceptors, also when the module does not use gRPC yet.
    pub grpc: bool,
    /// The adapter for Prometheus.
    pub prometheus: bool,
    /// The adapter for OpenTelemetry.
    pub otel: bool,
}

/// Which part of the package a file belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Core,
    Grpc,
    Prometheus,
    Otel,
}

/// A template.
pub(crate) struct File {
    pub name: &'static str,
    part: Part,
    purpose: &'static str,
    pub template: &'static str,
}

macro_rules! file {
    ($name:literal, $part:ident, $purpose:literal) => {
        File {
            name: $name,
            part: Part::$part,
            purpose: $purpose,
            template: include_str!(concat!("../templates/recovery/", $name)),
        }
    };
}

pub(crate) const FILES: &[File] = &[
    file!(
        "recovery.go",
        Core,
        "Recoverer: catches, logs, counts and labels; Run for boundaries of your own"
    ),
    file!("trace.go", Core, "trace ids from traceparent headers"),
    file!("http.go", Core, "HTTP middleware"),
    file!("goroutine.go", Core, "Go: background goroutines"),
    file!("consumer.go", Core, "Consumer: handlers of messages"),
    file!("errors.go", Core, "transient, business and fatal errors; their HTTP statuses"),
    file!("retry.go", Core, "Retrier: backoff with full jitter, and a retry budget"),
    file!("counter.go", Core, "go_panic_total without a metrics library"),
    file!("grpc.go", Grpc, "gRPC interceptors; statuses of errors"),
    file!("prometheus.go", Prometheus, "go_panic_total in a Prometheus registry"),
    file!("otel.go", Otel, "trace ids from spans; panics recorded on them"),
    file!("recovery_test.go", Core, "tests"),
    file!("trace_test.go", Core, "tests"),
    file!("http_test.go", Core, "tests"),
    file!("goroutine_test.go", Core, "tests"),
    file!("consumer_test.go", Core, "tests"),
    file!("errors_test.go", Core, "tests"),
    file!("retry_test.go", Core, "tests"),
    file!("counter_test.go", Core, "tests"),
    file!("grpc_test.go", Grpc, "tests"),
    file!("prometheus_test.go", Prometheus, "tests"),
    file!("otel_test.go", Otel, "tests"),
];

/// The files to write, and the modules that have to be required or vendored for them first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The files, code before tests.
    pub files: Vec<PlannedFile>,
    /// Modules to `go get`.
    pub missing_modules: Vec<&'static str>,
    /// Whether `go mod vendor` has to run.
    pub vendor: bool,
}

/// Plans the package at its place in the module.
pub fn plan(
    system: &dyn System,
    module: &Module,
    place: &Place,
    options: Options,
) -> Result<Plan, Error> {
    let grpc = options.grpc || module.requires(GRPC) || module.imports(GRPC);
    let wanted = |part| match part {
        Part::Core => true,
        Part::Grpc => grpc,
        Part::Prometheus => options.prometheus,
        Part::Otel => options.otel,
    };
    let mut files = Vec::new();
    for file in FILES.iter().filter(|f| wanted(f.part)) {
        let text = modernise(file.name, file.template, module.file.go_version);
        let text = rename(&text, &place.name);
        files.push(PlannedFile::new(system, place.dir.join(file.name), file.purpose, text)?);
    }
    let mut needed = Vec::new();
    if grpc {
        needed.push(GRPC);
    }
    if options.prometheus {
        needed.push(PROMETHEUS);
    }
    if options.otel {
        needed.extend([OTEL_API, OTEL]);
    }
    let missing_modules: Vec<_> = needed.into_iter().filter(|m| !module.requires(m)).collect();
    // Of a vendored module only the packages that are imported somewhere are there.
    let packages = [
        (grpc, "google.golang.org/grpc"),
        (options.prometheus, "github.com/prometheus/client_golang/prometheus"),
        (options.otel, "go.opentelemetry.io/otel/trace"),
        (options.otel, "go.opentelemetry.io/otel/attribute"),
        (options.otel, "go.opentelemetry.io/otel/codes"),
    ];
    let vendor = module.file.vendored
        && packages.iter().any(|(wanted, path)| *wanted && !module.imports(path));
    Ok(Plan { files, missing_modules, vendor })
}

/// The text with the package's own name in its clause and its doc comment.
fn rename(text: &str, name: &str) -> String {
    let line = |line: &str| match line.strip_prefix("// Package recovery ") {
        Some(rest) => format!("// Package {name} {rest}"),
        None if line == "package recovery\n" => format!("package {name}\n"),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(line).collect()
}
