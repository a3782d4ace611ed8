//! The HTTP client of all sinks, and what their answers mean. Redirects are not followed: they would
//! carry a ticket, and perhaps a secret, to an address that nobody has configured.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode, Url, redirect};

use super::Failure;
use crate::error::{Error, Result};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// So much of an answer is read.
const MAX_ANSWER: usize = 4 << 20;
/// So many characters of an error are told.
const MAX_TOLD: usize = 200;
/// A sink that asks to wait is not waited for longer.
const MAX_WAIT: Duration = Duration::from_hours(2);

/// The client.
#[derive(Clone)]
pub(super) struct Client(reqwest::Client);

/// An answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new() -> Result<Self> {
        // Another part of the process may have chosen one; theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("unpanic/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(Error::Client)?;
        Ok(Self(client))
    }

    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.0.request(method, url)
    }
}

/// Sends a request and reads its answer, whatever it says.
pub(super) async fn send(request: RequestBuilder) -> std::result::Result<Answer, Failure> {
    // The address may hold a secret (webhooks' often do), so no error shows it.
    let down = |e: reqwest::Error| Failure::Down(chain(&e.without_url()));
    let mut answer = request.send().await.map_err(down)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(down)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::Down(format!("its answer is longer than {MAX_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

impl Answer {
    /// The answer if it says yes, else what the failure means.
    pub fn accepted(self) -> std::result::Result<Self, Failure> {
        if self.status.is_success() { Ok(self) } else { Err(self.failure()) }
    }

    /// What an answer that does not say yes means (RFC 9110, section 15; RFC 6585, section 4).
    pub fn failure(&self) -> Failure {
        let told = self.told();
        match self.status.as_u16() {
            429 => Failure::Wait(self.wait().unwrap_or(Duration::from_secs(30)), told),
            503 if self.wait().is_some() => Failure::Wait(self.wait().unwrap_or_default(), told),
            408 | 409 | 425 | 500..=599 => Failure::Down(told),
            400 | 405 | 406 | 411..=417 | 422 => Failure::Refused(told),
            300..=399 => Failure::Setup(format!(
                "{told}; redirects are not followed, configure the new address"
            )),
            _ => Failure::Setup(told),
        }
    }

    /// How long the sink asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
    pub fn wait(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let wait = match value.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => {
                let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
                let now = jiff::Timestamp::now();
                Duration::try_from(date.duration_since(now)).unwrap_or_default()
            }
        };
        Some(wait.min(MAX_WAIT))
    }

    /// How long until a moment in seconds since 1970 that a header names.
    pub fn until(&self, header: &str) -> Option<Duration> {
        let at: u64 = self.headers.get(header)?.to_str().ok()?.trim().parse().ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(Duration::from_secs(at.saturating_sub(now)).min(MAX_WAIT))
    }

    /// The status and the beginning of what the sink says, on one line.
    pub fn told(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = diag::clean_line(text.trim()).chars().take(MAX_TOLD).collect();
        if text.is_empty() { self.status.to_string() } else { format!("{}: {text}", self.status) }
    }
}

/// An address of the configuration that is to be sent to.
pub(super) fn url(text: &str) -> std::result::Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        // Not shown: it may hold a secret.
        _ => Err("expected a url like https://host/path".to_owned()),
    }
}

/// An address below another.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.path_segments_mut()
        .expect("only http and https pass `url`, and they have a path")
        .pop_if_empty()
        .extend(path);
    url
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
