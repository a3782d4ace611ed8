//! Prometheus Alertmanager, API v2: `POST /api/v2/alerts` with `postableAlerts` (api/v2/openapi.yaml).
//! An alert *is* its labels: sending it again is sending the same. So labels have only what never
//! changes of an incident, and everything else is an annotation.
//!
//! An alert without an end is taken for resolved a few minutes later; a crash is not over by itself.
//! So firing alerts end in thirty days, and resolved ones now.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Url};
use serde::Serialize;

use super::http::{self, Client};
use super::{Failure, Sending, limited};
use crate::config::Secret;
use crate::outbox::Event;
use crate::ticket::Notice;

/// How long an alert fires unless it is resolved.
const FIRES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Characters of a label and of an annotation.
const LABEL: usize = 200;
const ANNOTATION: usize = 2000;

/// An Alertmanager.
pub(super) struct Alertmanager {
    client: Client,
    url: Url,
    labels: BTreeMap<String, String>,
    token: Option<Secret>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    labels: BTreeMap<&'a str, String>,
    annotations: BTreeMap<&'a str, String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator: Option<&'a str>,
}

impl Alertmanager {
    pub fn new(
        client: Client,
        url: &str,
        labels: BTreeMap<String, String>,
        token: Option<Secret>,
    ) -> Result<Self, String> {
        for name in labels.keys() {
            let mut chars = name.chars();
            let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            if !first || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!(
                    "`{name}` is no name of a label: expected letters, digits and _"
                ));
            }
        }
        if let Some(token) = &token {
            token.read().map_err(|e| e.to_string())?;
        }
        let url = http::below(&http::url(url)?, &["api", "v2", "alerts"]);
        Ok(Self { client, url, labels, token })
    }

    pub fn render(&self, notice: &Notice) -> String {
        let incident = &notice.incident;
        let mut labels: BTreeMap<&str, String> = BTreeMap::from([
            ("alertname", "GoServiceCrash".to_owned()),
            ("service", limited(&incident.service, LABEL)),
            ("incident", incident.id.clone()),
            ("fingerprint", incident.fingerprint.clone()),
        ]);
        labels.extend(self.labels.iter().map(|(name, value)| (name.as_str(), value.clone())));
        // An empty label is no label.
        labels.retain(|_, value| !value.is_empty());
        let mut annotations = BTreeMap::from([
            ("summary", limited(&notice.headline(), ANNOTATION)),
            ("description", limited(&notice.news(), ANNOTATION)),
            ("count", incident.count.to_string()),
            ("class", incident.class.as_str().to_owned()),
        ]);
        if let Some(what) = notice.what() {
            if let Some(crash) = &what.crash {
                annotations.insert("recover", crash.recover.clone());
            }
            if let Some(correlated) = &what.request {
                let request = &correlated.request;
                let text = format!(
                    "{} {} ({}: {})",
                    request.method,
                    request.path,
                    correlated.confidence.as_str(),
                    correlated.reason
                );
                annotations.insert("request", limited(&text, ANNOTATION));
                annotations.extend(request.trace.clone().map(|trace| ("trace_id", trace)));
            }
            if let Some(other) = what.finding.as_ref().and_then(|joined| joined.other()) {
                let text = format!("{} at {}:{}", other.function, other.file, other.line);
                annotations.insert("other_side", limited(&text, ANNOTATION));
            }
        }
        annotations.extend(notice.page.clone().map(|page| ("runbook_url", page)));
        let now = Timestamp::now();
        let (starts_at, ends_at) = match notice.event {
            Event::Resolved => (incident.first_seen.min(now), now),
            // It began anew.
            Event::Regressed | Event::Reopened => (incident.state_since.min(now), now + FIRES),
            _ => (incident.first_seen.min(now), now + FIRES),
        };
        let generator = notice.page.as_deref();
        // Alertmanager's reader of times takes fractions of three digits in every version.
        let whole = |time: Timestamp| time.round(jiff::Unit::Millisecond).unwrap_or(time);
        let (starts_at, ends_at) = (whole(starts_at), whole(ends_at));
        let alert = Alert { labels, annotations, starts_at, ends_at, generator };
        serde_json::to_string(&[alert]).expect("strings and times always become JSON")
    }

    pub async fn send(&self, sending: &Sending<'_>) -> Result<(), Failure> {
        let mut request = self
            .client
            .request(Method::POST, self.url.clone())
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.read()?);
        }
        http::send(request.body(sending.body.to_owned())).await?.accepted().map(|_| ())
    }
}
