//! What an OpenTelemetry collector is sent over OTLP/HTTP, as protobuf: crashes as log records, requests as spans.
//! Both are copies: what the collector does not take at once is dropped.

mod exceptions;
mod spans;

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

use crate::error::{Error, Result};

pub(crate) use exceptions::Exporter;
pub(crate) use spans::Tracer;

/// How long an export may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where a signal is sent to.
struct Endpoint {
    client: reqwest::Client,
    url: String,
}

impl Endpoint {
    /// `path` at `base`, such as `/v1/logs` at `http://127.0.0.1:4318`.
    fn new(base: &str, path: &str) -> Result<Self> {
        // An error means that somebody has installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let wrong = |e: reqwest::Error| {
            Error::Option(format!("--otlp: expected an address such as http://127.0.0.1:4318: {e}"))
        };
        let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(wrong)?;
        client.post(&url).build().map_err(wrong)?;
        Ok(Self { client, url })
    }

    /// A collector that is down loses copies, no incident.
    async fn send(&self, message: &impl prost::Message) {
        let request = self.client.post(&self.url).header("content-type", "application/x-protobuf");
        let _ = request.body(message.encode_to_vec()).send().await;
    }
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
