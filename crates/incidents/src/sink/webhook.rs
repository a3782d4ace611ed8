//! A POST of JSON to an address of the user's, signed as the Standard Webhooks specification says
//! (<https://www.standardwebhooks.com>, "Symmetric signatures"): `webhook-id`, `webhook-timestamp`, and
//! `webhook-signature: v1,` with the base64 of the HMAC-SHA256 of `id.timestamp.body`. The id is the
//! delivery's and the same at each attempt, so that a receiver can drop what it has had;
//! `Idempotency-Key` has it too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::Serialize;
use sha2::Sha256;

use super::http::{self, Client};
use super::{Failure, Sending};
use crate::config::Secret;
use crate::incident::Incident;
use crate::model::{BuildInfo, Correlated, Exit, NewIncident};
use crate::ticket::{self, Notice};

/// So many trace ids are sent.
const TRACES: usize = 100;

/// A webhook.
pub(super) struct Webhook {
    client: Client,
    url: Url,
    secret: Option<Secret>,
}

/// The body. Keys may be added without a new version.
#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    id: &'a str,
    event: &'a str,
    summary: String,
    url: Option<&'a str>,
    incident: &'a Incident,
    occurrence: Option<Happened<'a>>,
    /// The ticket as Markdown.
    markdown: String,
}

#[derive(Serialize)]
struct Happened<'a> {
    id: &'a str,
    time: Timestamp,
    class: &'a str,
    kind: Option<&'a str>,
    message: Option<&'a str>,
    recover: Option<&'a str>,
    exit: Option<&'a Exit>,
    service_version: Option<&'a str>,
    build: Option<&'a BuildInfo>,
    host: &'a str,
    instance: &'a str,
    pid: u32,
    goroutines: u64,
    request: Option<&'a Correlated>,
    in_flight: usize,
    traces: &'a [String],
    finding: Option<Finding<'a>>,
    recovery_ms: Option<u64>,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    message: &'a str,
    fingerprint: &'a str,
    other_side: Option<&'a diag::AccessRecord>,
    fix: Vec<&'a str>,
}

/// The JSON that is sent.
pub(super) fn render(notice: &Notice) -> String {
    let body = Body {
        version: 1,
        id: &notice.id,
        event: notice.event.as_str(),
        summary: notice.headline(),
        url: notice.page.as_deref(),
        incident: &notice.incident,
        occurrence: notice
            .occurrence
            .as_ref()
            .map(|occurrence| happened(&occurrence.id, &occurrence.what)),
        markdown: ticket::body(notice),
    };
    serde_json::to_string(&body).expect("strings and numbers always become JSON")
}

fn happened<'a>(id: &'a str, what: &'a NewIncident) -> Happened<'a> {
    let report = what.crash.as_ref().map(|crash| &crash.report);
    Happened {
        id,
        time: what.time,
        class: what.class.as_str(),
        kind: report.map(|report| report.kind.as_str()),
        message: report.map(|report| report.message.as_str()),
        recover: what.crash.as_ref().map(|crash| crash.recover.as_str()),
        exit: what.exit.as_ref(),
        service_version: what.service.version.as_deref(),
        build: what.service.build.as_ref(),
        host: &what.service.host,
        instance: &what.service.instance,
        pid: what.service.pid,
        goroutines: what.crash.as_ref().map_or(0, |crash| crash.total),
        request: what.request.as_ref(),
        in_flight: what.in_flight.len(),
        traces: &what.traces[..what.traces.len().min(TRACES)],
        finding: what.finding.as_ref().map(|joined| Finding {
            rule: &joined.finding.rule,
            message: &joined.finding.message,
            fingerprint: &joined.finding.fingerprint,
            other_side: joined.other(),
            fix: joined.fix(),
        }),
        recovery_ms: what.recovery.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    }
}

impl Webhook {
    pub fn new(client: Client, url: &str, secret: Option<Secret>) -> Result<Self, String> {
        if let Some(secret) = &secret {
            key(&secret.read().map_err(|e| e.to_string())?)?;
        }
        Ok(Self { client, url: http::url(url)?, secret })
    }

    pub async fn send(&self, sending: &Sending<'_>) -> Result<(), Failure> {
        let mut request = self
            .client
            .request(Method::POST, self.url.clone())
            .header("content-type", "application/json")
            .header("idempotency-key", sending.id)
            .header("x-unpanic-event", sending.event.as_str());
        // The time is that of the attempt: receivers refuse old ones.
        let time = Timestamp::now().as_second();
        request = request.header("webhook-id", sending.id).header("webhook-timestamp", time);
        if let Some(secret) = &self.secret {
            let key = key(&secret.read()?).map_err(Failure::Setup)?;
            let signature = sign(&key, sending.id, time, sending.body);
            request = request.header("webhook-signature", signature);
        }
        http::send(request.body(sending.body.to_owned())).await?.accepted().map(|_| ())
    }
}

/// The key of a secret: base64 behind `whsec_`, as the specification writes them, or its bytes.
fn key(secret: &str) -> Result<Vec<u8>, String> {
    match secret.strip_prefix("whsec_") {
        Some(encoded) => BASE64
            .decode(encoded)
            .map_err(|_| "the secret begins with whsec_, but what follows is no base64".to_owned()),
        None => Ok(secret.as_bytes().to_vec()),
    }
}

fn sign(key: &[u8], id: &str, time: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of the specification's libraries.
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
