//! One request on a connection of its own, answer and all: health and readiness checks, metrics, triggers.
//! Probes of an orchestrator come the same way, so a full accept queue is felt here too.

use std::pin::pin;
use std::time::Duration;

use http::Request;
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::Error;
use crate::load::{Body, Dialer, Failure, Prepared, Protocol, Target, Trust};

/// More of a body is not kept.
const MAX_BODY: usize = 16 << 20;

/// Where something is asked.
#[derive(Clone)]
pub enum Place {
    /// By HTTP.
    Http {
        /// The whole request, over and over.
        prepared: std::sync::Arc<Prepared>,
        /// How to get there.
        dialer: Dialer,
    },
    /// It is enough that the port accepts.
    Tcp(Dialer),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// HTTP status; 200 for a port that accepts.
    pub status: u16,
    /// The body's first 16 MiB.
    pub body: Vec<u8>,
}

impl Place {
    /// A path of the candidate, a URL, or `tcp`.
    pub async fn new(text: &str, base: &Target, trust: &Trust) -> Result<Self, Error> {
        if text == "tcp" {
            return Ok(Self::Tcp(Dialer::new(base, Protocol::Http1, trust).await?));
        }
        let (target, path) = if text.contains("://") {
            (Target::parse(text)?, String::new())
        } else {
            (base.clone(), text.to_owned())
        };
        let config = crate::config::EndpointConfig { path, ..Default::default() };
        let endpoint =
            crate::plan::endpoint_of(&config, std::path::Path::new("."), Protocol::Http1)?;
        Self::of(&endpoint, &target, trust).await
    }

    /// A request of its own form.
    pub async fn of(
        endpoint: &crate::load::Endpoint,
        target: &Target,
        trust: &Trust,
    ) -> Result<Self, Error> {
        let dialer = Dialer::new(target, Protocol::Http1, trust).await?;
        let prepared = Prepared::new(endpoint, target, Protocol::Http1)?;
        Ok(Self::Http { prepared: std::sync::Arc::new(prepared), dialer })
    }

    /// Asks.
    pub async fn ask(&self, limit: Duration) -> Result<Fetched, Failure> {
        self.ask_with(0, &[], limit).await
    }

    /// Asks with a number for templates and further headers.
    pub async fn ask_with(
        &self,
        number: u64,
        headers: &[(&'static str, String)],
        limit: Duration,
    ) -> Result<Fetched, Failure> {
        match self {
            Self::Tcp(dialer) => match tokio::time::timeout(limit, dialer.dial()).await {
                Ok(Ok(_)) => Ok(Fetched { status: 200, body: Vec::new() }),
                Ok(Err(failure)) => Err(failure),
                Err(_) => Err(Failure::Timeout),
            },
            Self::Http { prepared, dialer } => {
                let mut request = prepared.request(number).ok_or(Failure::Protocol)?;
                request
                    .headers_mut()
                    .insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
                for (name, value) in headers {
                    let value = value.parse().map_err(|_| Failure::Protocol)?;
                    request.headers_mut().insert(*name, value);
                }
                let exchange = exchange(dialer, request);
                tokio::time::timeout(limit, exchange).await.unwrap_or(Err(Failure::Timeout))
            }
        }
    }
}

async fn exchange(dialer: &Dialer, request: Request<Body>) -> Result<Fetched, Failure> {
    let io = TokioIo::new(dialer.dial().await?);
    let (mut sender, connection) = http1::handshake(io).await.map_err(|_| Failure::Cut)?;
    let mut connection = pin!(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| Failure::Cut)?;
        let (head, body) = response.into_parts();
        let mut body = pin!(body);
        let mut kept = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            if let Ok(data) = frame.map_err(|_| Failure::Cut)?.into_data() {
                let room = MAX_BODY.saturating_sub(kept.len());
                kept.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
        Ok(Fetched { status: head.status.as_u16(), body: kept })
    };
    let mut answer = pin!(answer);
    let mut open = true;
    std::future::poll_fn(|cx| {
        if open && connection.as_mut().poll(cx).is_ready() {
            open = false;
        }
        answer.as_mut().poll(cx)
    })
    .await
}
