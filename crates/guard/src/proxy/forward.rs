//! One request, from its head to its answer. What decides about a second try: whether anything may
//! have reached the child, whether the method promises that twice is like once (RFC 9110, section
//! 9.2.2), whether the client has seen anything of an answer, and whether the budget allows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use incidents::Fate;

use super::Proxy;
use super::answer::Problem;
use super::body::{Answer, Held, Outbound, Outcome, Source};
use super::headers::{self, Client};
use super::pool::{Lease, Sent};
use crate::backend::{Active, Backend, Unavailable};
use crate::flights::{Flight, InFlight, NewFlight, SpanContext, TraceId};
use crate::options::{Retry, UpstreamProtocol};

/// A request that was in flight at so many deaths of children is not sent again: it may be what
/// kills them.
const MAX_REPLAYS: u32 = 3;
/// How long a broken connection waits for word that its child is dead, before it counts as broken by
/// a child that lives.
const VERDICT: Duration = Duration::from_millis(300);

/// Where a request came from.
pub(crate) struct Origin {
    pub client: Client,
    /// Set when a request on the connection said its length twice.
    pub ambiguous: Arc<AtomicBool>,
}

/// A request on its way.
struct Trip {
    method: Method,
    uri: Uri,
    /// What the child gets; gone while an attempt that cannot be repeated has it.
    headers: Option<HeaderMap>,
    source: Source,
    outcome: Arc<Outcome>,
    grpc: bool,
    /// Whether the answer goes over HTTP/1.
    http1: bool,
    /// Whether it may be sent again although it may have reached a child.
    repeatable: bool,
    upgrade: Option<(HeaderValue, hyper::upgrade::OnUpgrade)>,
    in_flight: InFlight,
}

/// What came of an attempt.
enum Attempt {
    Answered(Response<Incoming>, Active, Lease),
    /// Nothing was written.
    Unsent,
    /// It may have reached the child, and no answer came.
    Failed,
}

impl Proxy {
    /// Answers a request; whatever goes wrong becomes an answer too. What can be done at once is done
    /// at once: the future is moved about, and this way it is small.
    pub(crate) fn handle(
        self: &Arc<Self>,
        origin: &Origin,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Answer>> + Send + use<> {
        let trip = self.depart(origin, request);
        let this = Arc::clone(self);
        async move {
            match trip {
                Ok(trip) => this.travel(trip).await,
                Err(refusal) => *refusal,
            }
        }
    }

    /// Everything before a child is looked for.
    fn depart(
        &self,
        origin: &Origin,
        mut request: Request<Incoming>,
    ) -> Result<Box<Trip>, Box<Response<Answer>>> {
        let version = request.version();
        let http1 = version < Version::HTTP_2;
        let grpc = is_grpc(request.headers());
        let tracer = self.tracer.as_deref();
        let (trace, span) = headers::trace(request.headers_mut(), self.options.traceparent, tracer);
        if let Err(problem) = self.check(origin, &request) {
            self.metrics.refused(problem.status);
            return Err(Box::new(problem.answer(grpc, http1, Some(trace), None)));
        }
        self.budget.earn();
        let upgrade = headers::wants_upgrade(request.headers(), version)
            .map(|protocol| (protocol, hyper::upgrade::on(&mut request)));
        let (mut parts, body) = request.into_parts();
        let in_flight = self.begin(&parts, trace, span);
        let repeatable = upgrade.is_none() && self.may_repeat(&parts.method, &parts.headers);
        headers::to_service(
            &mut parts.headers,
            &parts.uri,
            version,
            &origin.client,
            &self.options.trusted,
        );
        let outcome = Arc::new(Outcome::default());
        // A stream of gRPC may rest for as long as it likes.
        let idle = self.options.idle_timeout.filter(|_| !grpc && upgrade.is_none());
        let keep = if repeatable { self.options.retry_body } else { 0 };
        let source = Source::new(body, keep, self.options.body_limit, idle, &outcome);
        Ok(Box::new(Trip {
            method: parts.method,
            uri: parts.uri,
            headers: Some(parts.headers),
            source,
            outcome,
            grpc,
            http1,
            repeatable,
            upgrade,
            in_flight,
        }))
    }

    /// Refuses what no careful proxy passes on.
    fn check(&self, origin: &Origin, request: &Request<Incoming>) -> Result<(), Problem> {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        let headers = request.headers();
        if origin.ambiguous.load(Ordering::Acquire) {
            return Err(Problem::refused(
                BAD,
                "Ambiguous request",
                "expected Content-Length or Transfer-Encoding, found both",
            ));
        }
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        if let Some(coding) = codings.next()
            && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        {
            return Err(Problem::refused(
                StatusCode::NOT_IMPLEMENTED,
                "Transfer coding not supported",
                "expected Transfer-Encoding: chunked and no other coding",
            ));
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some()
            || (request.version() == Version::HTTP_11 && host.is_none())
            || host.is_some_and(|host| !is_host(host.as_bytes()))
        {
            return Err(Problem::refused(
                BAD,
                "Bad Host",
                "expected one Host header with a host and perhaps a port",
            ));
        }
        if request.method() == Method::CONNECT {
            return Err(Problem::refused(
                StatusCode::NOT_IMPLEMENTED,
                "CONNECT not supported",
                "this is a reverse proxy; it opens no tunnels",
            ));
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if let (Some(length), Some(limit)) = (length, self.options.body_limit)
            && length > limit
        {
            return Err(too_large());
        }
        Ok(())
    }

    fn begin(&self, parts: &http::request::Parts, trace: TraceId, span: SpanContext) -> InFlight {
        let request_id = parts
            .headers
            .get("x-request-id")
            .and_then(|v| v.to_str().ok())
            .filter(|v| (4..=128).contains(&v.len()))
            .map(Into::into);
        let new = NewFlight {
            trace,
            span,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            headers: headers::kept(&parts.headers, &self.options.keep_headers),
            request_id,
        };
        self.flights.begin(new)
    }

    fn may_repeat(&self, method: &Method, headers: &HeaderMap) -> bool {
        match self.options.retry {
            Retry::Never => false,
            Retry::Safe => method.is_safe(),
            Retry::Idempotent => method.is_idempotent(),
            Retry::IdempotencyKey => {
                method.is_idempotent() || headers.contains_key("idempotency-key")
            }
        }
    }

    async fn travel(self: Arc<Self>, mut trip: Box<Trip>) -> Response<Answer> {
        let give_up = Instant::now() + self.options.queue_time;
        let mut connects = 0;
        loop {
            let flight = Arc::clone(trip.in_flight.flight());
            let active = match self.router.pick() {
                Some(active) => active,
                None => {
                    flight.meets(Fate::Held);
                    match Box::pin(self.router.pick_or_wait(give_up)).await {
                        Ok(active) => active,
                        Err(why) => return trip.refuse(&unavailable(why)),
                    }
                }
            };
            // What is known of the crash may have come while this waited for a child.
            if flight.is_culprit() && flight.replays() > 0 {
                return trip.refuse(&died("the service crashed on this request"));
            }
            let backend = Arc::clone(active.backend());
            match self.attempt(&mut trip, active, &flight).await {
                Attempt::Answered(answer, active, lease) => {
                    return self.answered(*trip, answer, active, lease);
                }
                Attempt::Unsent => {
                    if let Some(problem) = trip.clients_fault() {
                        return trip.refuse(&problem);
                    }
                    connects += 1;
                    if Instant::now() >= give_up || connects > 200 {
                        return trip.refuse(&died("the service accepts no connection"));
                    }
                    // A child that has just died, or has not come to accept yet.
                    if !backend.gone.is_said() {
                        Box::pin(tokio::time::sleep(Duration::from_millis(5))).await;
                    }
                }
                Attempt::Failed => {
                    if let Some(problem) = trip.clients_fault() {
                        return trip.refuse(&problem);
                    }
                    if !Box::pin(verdict(&backend, &flight)).await {
                        let text = "the service closed the connection without an answer";
                        return trip.refuse(&Problem::bad_gateway(text));
                    }
                    if let Some(problem) = self.may_not_replay(&trip, &flight) {
                        return trip.refuse(&problem);
                    }
                    flight.replayed();
                    self.metrics.retries.inc();
                }
            }
        }
    }

    /// Why a request that a child has left unanswered is not sent to another.
    fn may_not_replay(&self, trip: &Trip, flight: &Flight) -> Option<Problem> {
        let text = if !trip.repeatable {
            "the service died while it handled this request; it was not sent again, since it may have had an effect"
        } else if !trip.source.can_repeat() {
            "the service died while it handled this request, whose body is too large to be sent again"
        } else if flight.is_culprit() {
            "the service crashed on this request"
        } else if flight.replays() >= MAX_REPLAYS {
            "the service died each time that it handled this request"
        } else if !self.budget.spend() {
            self.metrics.retries_refused.inc();
            "the service died, and too many requests were sent again already"
        } else {
            return None;
        };
        Some(died(text))
    }

    async fn attempt(&self, trip: &mut Trip, active: Active, flight: &Flight) -> Attempt {
        let backend = active.backend();
        let http2 = match self.protocol {
            UpstreamProtocol::Auto => trip.grpc && trip.upgrade.is_none(),
            UpstreamProtocol::Http1 => false,
            UpstreamProtocol::Http2 => true,
        };
        let lease =
            async { if http2 { Lease::http2(backend).await } else { Lease::http1(backend).await } };
        let lease = tokio::select! {
            biased;
            lease = lease => lease,
            () = backend.gone.heard() => return Attempt::Unsent,
        };
        let Ok(mut lease) = lease else { return Attempt::Unsent };
        let Some(request) = trip.request(&lease) else { return Attempt::Failed };
        flight.goes_to(backend.id, lease.port());
        let sent = if trip.repeatable {
            // Its first line of a crash may come: the answer would take as long as the dump.
            lease.send_unless_gone(request).await
        } else {
            lease.send(request).await
        };
        match sent {
            Sent::Answered(answer) => Attempt::Answered(answer, active, lease),
            Sent::Unsent(request) => {
                trip.headers.get_or_insert_with(|| request.into_parts().0.headers);
                Attempt::Unsent
            }
            Sent::Failed => Attempt::Failed,
        }
    }

    fn answered(
        &self,
        trip: Trip,
        mut answer: Response<Incoming>,
        active: Active,
        lease: Lease,
    ) -> Response<Answer> {
        let status = answer.status();
        trip.in_flight.flight().answers(status);
        if !status.is_server_error() && !active.backend().gone.is_said() {
            self.recovery.good_answer();
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switched(trip, answer, active, lease);
        }
        let version = answer.version();
        let headers = answer.headers_mut();
        headers::strip_hop_by_hop(headers);
        headers::via(headers, version);
        let (mut parts, incoming) = answer.into_parts();
        parts.version = if trip.http1 { Version::HTTP_11 } else { Version::HTTP_2 };
        parts.extensions = http::Extensions::new();
        let grpc = trip.grpc && !trip.http1;
        let held = Held { in_flight: trip.in_flight, active, lease: Some(lease), grpc };
        Response::from_parts(parts, Answer::service(incoming, held))
    }

    /// Both sides leave HTTP (RFC 9110, section 7.8): from here on bytes are passed on as they come.
    fn switched(
        &self,
        trip: Trip,
        mut answer: Response<Incoming>,
        active: Active,
        lease: Lease,
    ) -> Response<Answer> {
        let Trip { upgrade: Some((_, client)), in_flight, http1, grpc, .. } = trip else {
            let text = "the service changed the protocol unasked";
            return Problem::bad_gateway(text).answer(
                trip.grpc,
                trip.http1,
                None,
                Some(trip.in_flight),
            );
        };
        let Some(protocol) = answer.headers().get(UPGRADE).cloned() else {
            let text = "the service changed to a protocol that it does not name";
            return Problem::bad_gateway(text).answer(grpc, http1, None, Some(in_flight));
        };
        let service = hyper::upgrade::on(&mut answer);
        let headers = answer.headers_mut();
        headers::strip_hop_by_hop(headers);
        headers.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
        let (parts, _) = answer.into_parts();
        tokio::spawn(async move {
            let held = (in_flight, active, lease);
            if let (Ok(client), Ok(service)) = (client.await, service.await) {
                let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
                // An error is the end of one side, and with it of the other.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
            }
            drop(held);
        });
        let mut response = Response::from_parts(parts, Answer::own(bytes::Bytes::new(), None));
        response.extensions_mut().clear();
        response
    }
}

impl Trip {
    /// What is sent to the child; `None` if it was sent away already.
    fn request(&mut self, lease: &Lease) -> Option<Request<Outbound>> {
        let mut headers = if self.repeatable { self.headers.clone() } else { self.headers.take() }?;
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(self.source.outbound());
        *request.method_mut() = self.method.clone();
        if lease.is_http2() {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
            *request.uri_mut() = Uri::builder()
                .scheme("http")
                .authority(host)
                .path_and_query(if path == "*" { "/" } else { path })
                .build()
                .ok()?;
            *request.version_mut() = Version::HTTP_2;
        } else {
            *request.uri_mut() = path.parse().ok()?;
            if let Some((protocol, _)) = &self.upgrade {
                headers.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(UPGRADE, protocol.clone());
            }
            if !headers.contains_key(HOST) {
                // HTTP/1.0 may come without.
                headers.insert(HOST, HeaderValue::from_static("localhost"));
            }
        }
        *request.headers_mut() = headers;
        Some(request)
    }

    /// Whether it failed by the client's doing.
    fn clients_fault(&self) -> Option<Problem> {
        if self.outcome.too_large.load(Ordering::Acquire) {
            return Some(too_large());
        }
        if self.outcome.idle.load(Ordering::Acquire) {
            return Some(Problem::refused(
                StatusCode::REQUEST_TIMEOUT,
                "Request timeout",
                "the body of the request came too slowly",
            ));
        }
        self.outcome.broken.load(Ordering::Acquire).then(|| {
            Problem::refused(
                StatusCode::BAD_REQUEST,
                "Broken request",
                "the body of the request ended early or is no HTTP",
            )
        })
    }

    fn refuse(self, problem: &Problem) -> Response<Answer> {
        let trace = self.in_flight.flight().trace;
        let mut problem = problem.clone();
        // What is left of a body would be taken for the next request.
        problem.close |= self.http1 && self.source.is_unread();
        problem.answer(self.grpc, self.http1, Some(trace), Some(self.in_flight))
    }
}

/// Whether the child is dead that a connection broke to. It is not when it has said that a handler
/// panicked.
async fn verdict(backend: &Backend, flight: &Flight) -> bool {
    let end = Instant::now() + VERDICT;
    loop {
        let wait = tokio::time::timeout(Duration::from_millis(5), backend.gone.heard());
        if wait.await.is_ok() {
            return true;
        }
        if flight.is_culprit() || Instant::now() >= end {
            return backend.gone.is_said();
        }
    }
}

fn too_large() -> Problem {
    Problem::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Request body too large",
        "the body is larger than the limit of the proxy (--body-limit)",
    )
}

fn died(detail: &'static str) -> Problem {
    Problem::unavailable(detail, 1)
}

fn unavailable(why: Unavailable) -> Problem {
    match why {
        Unavailable::QueueFull => {
            Problem::unavailable("the service restarts, and too many requests wait for it", 1)
        }
        Unavailable::Timeout => Problem::unavailable("the service did not become ready in time", 2),
        Unavailable::Breaker(left) => Problem::unavailable(
            "the service kept crashing; it is started again after a pause",
            left.as_secs() + 1,
        ),
        Unavailable::Stopping => Problem::unavailable("the service is being stopped", 5),
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content.and_then(|c| c.strip_prefix(b"application/grpc")).is_some_and(|rest| {
        // Not application/grpc-web, which is HTTP/1 with another framing.
        rest.is_empty() || rest[0] == b'+' || rest[0] == b';'
    })
}

/// `uri-host [":" port]` (RFC 9110, section 7.2), without looking further than at its characters.
fn is_host(host: &[u8]) -> bool {
    host.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(b))
}
