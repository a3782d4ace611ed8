//! Sinks: who is told of incidents, each by its published API. `render` makes what is sent and touches
//! nothing; `send` sends it, and again after a failure, without making a second ticket.

mod alertmanager;
mod github;
mod http;
mod pagerduty;
mod webhook;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{SinkConfig, SinkKind};
use crate::error::{Error, Result};
use crate::incident::Ticket;
use crate::outbox::Event;
use crate::ticket::Notice;
use http::Client;

/// Why something could not be delivered, and with that, what to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The sink does not answer, or says that it is broken: everything for it waits.
    Down(String),
    /// The sink asks to wait so long: everything for it waits.
    Wait(Duration, String),
    /// The sink would not let us: a token, an address, a repository is wrong. Tried again at
    /// growing intervals, because people repair such things.
    Setup(String),
    /// The sink will never take this.
    Refused(String),
    /// Our own store failed.
    Store(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Secret { .. } => Self::Setup(error.to_string()),
            other => Self::Store(other.to_string()),
        }
    }
}

/// One delivery on its way.
pub(crate) struct Sending<'a> {
    /// The idempotency key.
    pub id: &'a str,
    pub incident: &'a str,
    pub event: Event,
    /// Whether an earlier attempt may have got through.
    pub again: bool,
    /// When it was put into the outbox: no earlier attempt is older.
    pub created: Timestamp,
    /// What the sink calls the incident, if it has it.
    pub ticket: Option<Ticket>,
    /// What [`Sink::render`] made.
    pub body: &'a str,
}

/// One configured sink.
pub(crate) struct Sink {
    name: String,
    kind: Kind,
}

enum Kind {
    Webhook(webhook::Webhook),
    Github(github::Github),
    Alertmanager(alertmanager::Alertmanager),
    Pagerduty(pagerduty::Pagerduty),
}

impl Sink {
    /// All sinks of a configuration.
    pub fn all(configs: &[SinkConfig]) -> Result<Vec<Self>> {
        let client = Client::new()?;
        let mut names = BTreeSet::new();
        configs
            .iter()
            .map(|config| {
                let fail = |reason: String| Error::Sink { sink: config.name.clone(), reason };
                if config.name.trim().is_empty() {
                    return Err(fail("expected a name".to_owned()));
                }
                if !names.insert(&config.name) {
                    return Err(fail(
                        "another sink has this name; deliveries are remembered by it".to_owned(),
                    ));
                }
                Self::new(config, &client).map_err(fail)
            })
            .collect()
    }

    fn new(config: &SinkConfig, client: &Client) -> std::result::Result<Self, String> {
        let name = config.name.clone();
        let client = client.clone();
        let kind = match &config.kind {
            SinkKind::Webhook { url, secret } => {
                Kind::Webhook(webhook::Webhook::new(client, url, secret.clone())?)
            }
            SinkKind::Github { repository, token, api, labels } => Kind::Github(
                github::Github::new(client, &name, repository, token, api.as_deref(), labels)?,
            ),
            SinkKind::Alertmanager { url, labels, token } => Kind::Alertmanager(
                alertmanager::Alertmanager::new(client, url, labels.clone(), token.clone())?,
            ),
            SinkKind::Pagerduty { routing_key, url, severity } => {
                Kind::Pagerduty(pagerduty::Pagerduty::new(
                    client,
                    &name,
                    routing_key,
                    url.as_deref(),
                    severity.as_deref(),
                )?)
            }
        };
        Ok(Self { name, kind })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many deliveries it may be sent at once.
    pub fn parallel(&self) -> usize {
        match self.kind {
            // GitHub asks for one request after another.
            Kind::Github(_) => 1,
            _ => 4,
        }
    }

    /// What is sent, without secrets: it stands in the store until it has arrived.
    pub fn render(&self, notice: &Notice) -> String {
        match &self.kind {
            Kind::Webhook(_) => webhook::render(notice),
            Kind::Github(sink) => sink.render(notice),
            Kind::Alertmanager(sink) => sink.render(notice),
            Kind::Pagerduty(sink) => sink.render(notice),
        }
    }

    /// Sends it; the ticket that the sink has made or has had, if it has such things.
    pub async fn send(
        &self,
        sending: &Sending<'_>,
    ) -> std::result::Result<Option<Ticket>, Failure> {
        match &self.kind {
            Kind::Webhook(sink) => sink.send(sending).await.map(|()| None),
            Kind::Github(sink) => sink.send(sending).await,
            Kind::Alertmanager(sink) => sink.send(sending).await.map(|()| None),
            Kind::Pagerduty(sink) => sink.send(sending).await.map(Some),
        }
    }
}

/// A text of at most so many characters, the rest as `…`.
fn limited(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}
