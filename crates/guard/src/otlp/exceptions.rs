//! Exceptions as log records (OpenTelemetry semantic conventions, `exception.*`). Incidents are kept by the store,
//! this is a copy for dashboards.

use incidents::NewIncident;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::sync::mpsc;

use super::{Endpoint, text};
use crate::error::Result;

/// Exceptions that may wait.
const QUEUE: usize = 256;

/// Sends exceptions to a collector.
pub(crate) struct Exporter {
    queue: mpsc::Sender<ExportLogsServiceRequest>,
}

impl Exporter {
    /// Starts the task that sends to `base`, such as `http://127.0.0.1:4318`.
    pub fn new(base: &str) -> Result<Self> {
        let endpoint = Endpoint::new(base, "/v1/logs")?;
        let (queue, mut receive) = mpsc::channel::<ExportLogsServiceRequest>(QUEUE);
        tokio::spawn(async move {
            while let Some(request) = receive.recv().await {
                endpoint.send(&request).await;
            }
        });
        Ok(Self { queue })
    }

    /// Sends an incident.
    pub fn exception(&self, new: &NewIncident) {
        // A full queue: the collector is slow or down.
        let _ = self.queue.try_send(request(new));
    }
}

fn request(new: &NewIncident) -> ExportLogsServiceRequest {
    let nanos = u64::try_from(new.time.as_nanosecond()).unwrap_or_default();
    let mut attributes = vec![
        text("event.name", "exception"),
        text("exception.message", new.title()),
        text("exception.type", new.crash.as_ref().map_or("exit", |c| c.report.kind.as_str())),
        text("unpanic.fingerprint", new.fingerprint()),
        text("unpanic.outcome", new.class.as_str()),
    ];
    if let Some(stack) = new.crash.as_ref().and_then(|crash| crash.report.goroutines.first()) {
        let frames =
            stack.frames.iter().map(|f| format!("{}\n\t{}:{}\n", f.function, f.file, f.line));
        attributes.push(text("exception.stacktrace", frames.collect::<String>()));
    }
    let mut trace_id = Vec::new();
    if let Some(found) = &new.request {
        attributes.push(text("http.request.method", &found.request.method));
        attributes.push(text("url.path", &found.request.path));
        attributes.push(text("unpanic.request.confidence", found.confidence.as_str()));
        let trace = found.request.trace.as_deref().unwrap_or_default();
        if let Ok(trace) = u128::from_str_radix(trace, 16) {
            trace_id = trace.to_be_bytes().to_vec();
        }
    }
    let record = LogRecord {
        time_unix_nano: nanos,
        observed_time_unix_nano: nanos,
        severity_number: SeverityNumber::Fatal as i32,
        severity_text: "FATAL".to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue(new.title())) }),
        event_name: "exception".to_owned(),
        attributes,
        trace_id,
        ..LogRecord::default()
    };
    let service = &new.service;
    let mut resource = vec![
        text("service.name", &service.name),
        text("service.instance.id", &service.instance),
        text("host.name", &service.host),
    ];
    if let Some(version) = &service.version {
        resource.push(text("service.version", version));
    }
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes: resource, ..Resource::default() }),
            scope_logs: vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }],
    }
}
