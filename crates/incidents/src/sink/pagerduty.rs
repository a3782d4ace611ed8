//! `PagerDuty`, Events API v2: `POST /v2/enqueue` with `trigger`, `acknowledge` or `resolve`. The
//! incident's id is the `dedup_key`: whatever is sent again joins the alert that is there.

use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::Value;

use super::http::{self, Client};
use super::{Failure, Sending, limited};
use crate::config::Secret;
use crate::incident::Ticket;
use crate::model::Outcome;
use crate::outbox::Event;
use crate::ticket::{self, Notice};

/// Limits of the API, in characters.
const SUMMARY: usize = 1024;
/// Of a payload 512 KB are taken; this is what the longest text of ours gets.
const DETAILS: usize = 60_000;

/// A service of `PagerDuty`.
pub(super) struct Pagerduty {
    client: Client,
    sink: String,
    url: Url,
    key: Secret,
    severity: String,
}

/// An event without its `routing_key`, which is a secret and stands in no store.
#[derive(Serialize)]
struct Body<'a> {
    event_action: &'a str,
    dedup_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link<'a>>,
    client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_url: Option<&'a str>,
}

#[derive(Serialize)]
struct Payload<'a> {
    summary: String,
    source: String,
    severity: &'a str,
    timestamp: Timestamp,
    component: &'a str,
    group: &'a str,
    class: String,
    custom_details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    incident: &'a str,
    fingerprint: &'a str,
    count: u64,
    news: String,
    report: String,
}

#[derive(Serialize)]
struct Link<'a> {
    href: &'a str,
    text: &'a str,
}

impl Pagerduty {
    pub fn new(
        client: Client,
        sink: &str,
        key: &Secret,
        url: Option<&str>,
        severity: Option<&str>,
    ) -> Result<Self, String> {
        let severity = severity.unwrap_or("critical");
        if !["critical", "error", "warning", "info"].contains(&severity) {
            return Err(format!(
                "severity is `{severity}`: expected critical, error, warning or info"
            ));
        }
        key.read().map_err(|e| e.to_string())?;
        let base = http::url(url.unwrap_or("https://events.pagerduty.com"))?;
        Ok(Self {
            client,
            sink: sink.to_owned(),
            url: http::below(&base, &["v2", "enqueue"]),
            key: key.clone(),
            severity: severity.to_owned(),
        })
    }

    pub fn render(&self, notice: &Notice) -> String {
        let incident = &notice.incident;
        let action = match notice.event {
            Event::Acknowledged => "acknowledge",
            Event::Resolved => "resolve",
            _ => "trigger",
        };
        let body = Body {
            event_action: action,
            dedup_key: &incident.id,
            payload: (action == "trigger").then(|| self.payload(notice)),
            links: notice
                .page
                .iter()
                .map(|href| Link { href, text: "Incident in unpanic guard" })
                .collect(),
            client: "unpanic guard",
            client_url: notice.page.as_deref(),
        };
        serde_json::to_string(&body).expect("strings and numbers always become JSON")
    }

    fn payload<'a>(&'a self, notice: &'a Notice) -> Payload<'a> {
        let incident = &notice.incident;
        let what = notice.what();
        let host = what.map_or("", |what| what.service.host.as_str());
        let class = what.and_then(|what| what.crash.as_ref());
        // Nobody is woken for what was survived.
        let survived = incident.class == Outcome::Lived
            && matches!(self.severity.as_str(), "critical" | "error");
        Payload {
            summary: limited(&notice.headline(), SUMMARY),
            source: limited(if host.is_empty() { &incident.service } else { host }, SUMMARY),
            severity: if survived { "warning" } else { &self.severity },
            timestamp: incident.last_seen,
            component: &incident.service,
            group: what.map_or("", |what| what.service.instance.as_str()),
            class: class.map_or("exit", |crash| crash.report.class.as_str()).to_owned(),
            custom_details: Details {
                incident: &incident.id,
                fingerprint: &incident.fingerprint,
                count: incident.count,
                news: notice.news(),
                report: limited(&ticket::body(notice), DETAILS),
            },
        }
    }

    pub async fn send(&self, sending: &Sending<'_>) -> Result<Ticket, Failure> {
        let mut body: Value = serde_json::from_str(sending.body)
            .map_err(|e| Failure::Refused(format!("the stored event is damaged: {e}")))?;
        body["routing_key"] = Value::String(self.key.read()?);
        let request = self
            .client
            .request(Method::POST, self.url.clone())
            .header("content-type", "application/json")
            .body(body.to_string());
        http::send(request).await?.accepted()?;
        Ok(Ticket { sink: self.sink.clone(), reference: sending.incident.to_owned(), url: None })
    }
}
