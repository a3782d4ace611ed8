//! What the configuration says of the store and of the sinks: the part of `[guard.incidents]` in
//! `unpanic.toml` that this crate understands. No secret stands in it, only where to find it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::incident::Retention;

/// Sinks, limits, retention.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// How long and how much is kept.
    pub retention: Retention,
    /// Where guard's page can be reached by those who read tickets: `https://guard.example.com`.
    /// Tickets link there if it is set.
    pub public_url: Option<String>,
    /// Repeats of an incident update its ticket at most once in so many seconds.
    pub repeat_seconds: u32,
    /// When so many new incidents of a service have come within an hour, further new ones are
    /// occurrences of one incident, so that a text from outside in a message cannot make tickets
    /// without end.
    pub new_per_hour: u32,
    /// Where tickets go.
    #[serde(rename = "sink")]
    pub sinks: Vec<SinkConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            public_url: None,
            repeat_seconds: 300,
            new_per_hour: 100,
            sinks: Vec::new(),
        }
    }
}

/// One sink.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SinkConfig {
    /// Its name, unique; the store remembers by it what was delivered.
    pub name: String,
    /// Only incidents of which the process died.
    #[serde(default)]
    pub deaths_only: bool,
    /// What it is.
    #[serde(flatten)]
    pub kind: SinkKind,
}

/// A kind of sink and what it needs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "kebab-case")]
pub enum SinkKind {
    /// A POST of JSON, signed.
    Webhook {
        /// Where to.
        url: String,
        /// The key of the HMAC-SHA256 signature; without it, nothing is signed.
        secret: Option<Secret>,
    },
    /// Issues of a repository on GitHub or GitHub Enterprise.
    Github {
        /// `owner/name`.
        repository: String,
        /// A token that may write issues.
        token: Secret,
        /// `https://api.github.com`, or `https://HOST/api/v3`.
        api: Option<String>,
        /// Labels that new issues get, beside `unpanic`.
        #[serde(default)]
        labels: Vec<String>,
    },
    /// Prometheus Alertmanager, API v2.
    Alertmanager {
        /// Without `/api/v2/alerts`: `http://alertmanager:9093`.
        url: String,
        /// Labels that all alerts get: `severity = "page"`.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// A bearer token, where a proxy asks for one.
        token: Option<Secret>,
    },
    /// `PagerDuty`, Events API v2.
    Pagerduty {
        /// The integration key.
        routing_key: Secret,
        /// `https://events.pagerduty.com`, or the one of the EU.
        url: Option<String>,
        /// `critical`, `error`, `warning` or `info` for deaths; crashes that were survived are a
        /// `warning` at most. `critical` if it is not set.
        severity: Option<String>,
    },
}

/// Where a secret is found. It is read each time that it is used, so that it can be rotated.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// An environment variable.
    Env(String),
    /// A file; white space around it does not count.
    File(PathBuf),
}

impl Secret {
    /// Reads it. The error names the place and never the value.
    pub fn read(&self) -> Result<String> {
        let (place, value) = match self {
            Self::Env(name) => {
                (format!("the environment variable {name}"), std::env::var(name).ok())
            }
            Self::File(path) => {
                (format!("the file {}", path.display()), std::fs::read_to_string(path).ok())
            }
        };
        let value = value.map(|value| value.trim().to_owned()).unwrap_or_default();
        if value.is_empty() { Err(Error::Secret { place }) } else { Ok(value) }
    }
}
