//! The reverse proxy: what comes from clients goes to a child that is ready, and what a dying child
//! leaves unanswered is sent again where that cannot do harm, or answered honestly.
//!
//! - [`server`]: towards clients; `framing` refuses ambiguous requests.
//! - [`forward`]: one request, from its head to its answer.
//! - [`pool`]: connections to the children.
//! - `headers`, `body`, `answer`, `budget`, `seldom`: what each needs.

mod answer;
mod body;
mod budget;
mod forward;
mod framing;
mod headers;
mod pool;
mod seldom;
mod server;

use std::sync::Arc;

pub use pool::Pool;
pub use server::{serve, tls};

use crate::backend::Router;
use crate::flights::Flights;
use crate::metrics::Metrics;
use crate::options::{ProxyOptions, UpstreamProtocol};
use crate::otlp::Tracer;
use crate::recovery::Recovery;

/// Everything that requests share.
pub struct Proxy {
    pub(crate) options: ProxyOptions,
    pub(crate) protocol: UpstreamProtocol,
    pub(crate) router: Arc<Router>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recovery: Arc<Recovery>,
    tracer: Option<Arc<Tracer>>,
    budget: budget::Budget,
}

impl Proxy {
    /// A proxy to the children of `router`.
    pub fn new(
        options: ProxyOptions,
        protocol: UpstreamProtocol,
        router: Arc<Router>,
        flights: Arc<Flights>,
        metrics: Arc<Metrics>,
        recovery: Arc<Recovery>,
        tracer: Option<Arc<Tracer>>,
    ) -> Arc<Self> {
        let budget = budget::Budget::new(options.retry_percent, options.retry_rate);
        Arc::new(Self { options, protocol, router, flights, metrics, recovery, tracer, budget })
    }
}
