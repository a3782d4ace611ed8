//! Requests as spans (OpenTelemetry semantic conventions, HTTP server spans). Of requests whose client decided, those
//! are sent that are sampled; of all others a share, and always those that met trouble: which they are is known when
//! they end, so that nothing has to wait for it.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use tokio::sync::mpsc;

use super::{Endpoint, attribute, text};
use crate::correlate::route;
use crate::error::Result;
use crate::flights::Flight;
use crate::options::Options;

/// Spans that may wait.
const QUEUE: usize = 4096;
/// So many are sent at once.
const BATCH: usize = 512;
/// So long is waited for more.
const LINGER: Duration = Duration::from_secs(1);

/// Sends spans to a collector.
pub(crate) struct Tracer {
    queue: mpsc::Sender<Span>,
    share: f64,
}

impl Tracer {
    /// Starts the task that sends to `base`, such as `http://127.0.0.1:4318`.
    pub fn new(base: &str, options: &Options) -> Result<Self> {
        let endpoint = Endpoint::new(base, "/v1/traces")?;
        let mut attributes = vec![text("service.name", format!("{}-guard", options.service))];
        attributes.extend(options.version.as_ref().map(|v| text("service.version", v)));
        let resource = Resource { attributes, ..Resource::default() };
        let (queue, mut receive) = mpsc::channel::<Span>(QUEUE);
        tokio::spawn(async move {
            let mut spans = Vec::new();
            while receive.recv_many(&mut spans, BATCH).await > 0 {
                let more = async {
                    loop {
                        let room = BATCH - spans.len();
                        if room == 0 || receive.recv_many(&mut spans, room).await == 0 {
                            break;
                        }
                    }
                };
                let _ = tokio::time::timeout(LINGER, more).await;
                let scope =
                    ScopeSpans { spans: std::mem::take(&mut spans), ..ScopeSpans::default() };
                let resource_spans = ResourceSpans {
                    resource: Some(resource.clone()),
                    scope_spans: vec![scope],
                    ..ResourceSpans::default()
                };
                endpoint
                    .send(&ExportTraceServiceRequest { resource_spans: vec![resource_spans] })
                    .await;
            }
        });
        Ok(Self { queue, share: options.otlp_share })
    }

    /// Whether a request whose client did not decide becomes a span in any case.
    pub fn chooses(&self) -> bool {
        fastrand::f64() < self.share
    }

    /// A request has ended.
    pub fn ended(&self, flight: &Flight) {
        let failed = flight.status().is_none_or(|status| status >= 500);
        let troubled = failed || flight.fate() != incidents::Fate::Served;
        if flight.span.sampled || troubled {
            // A full queue: the collector is slow or down.
            let _ = self.queue.try_send(span(flight, failed));
        }
    }
}

fn span(flight: &Flight, failed: bool) -> Span {
    let began = flight.started_at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let mut attributes = vec![
        text("http.request.method", flight.method.as_str()),
        text("url.path", &*flight.path),
        text("unpanic.fate", flight.fate().as_str()),
    ];
    if let Some(status) = flight.status() {
        attributes.push(attribute("http.response.status_code", Value::IntValue(status.into())));
    }
    if flight.replays() > 0 {
        let times = Value::IntValue(flight.replays().into());
        attributes.push(attribute("http.request.resend_count", times));
    }
    let id = |id: u64| if id == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
    Span {
        trace_id: flight.trace.0.to_vec(),
        span_id: id(flight.span.id),
        parent_span_id: id(flight.span.parent),
        name: format!("{} {}", flight.method, route(&flight.path)),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: nanos(began),
        end_time_unix_nano: nanos(began + flight.took().unwrap_or_default()),
        attributes,
        status: failed.then(|| Status { code: StatusCode::Error as i32, ..Status::default() }),
        ..Span::default()
    }
}
