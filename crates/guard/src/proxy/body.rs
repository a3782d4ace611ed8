//! Bodies on their way through: of requests, kept while they may have to be sent again, limited and
//! timed; of answers, counted, and with them everything that ends when the answer does.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::Sleep;

use super::pool::Lease;
use crate::backend::Active;
use crate::flights::InFlight;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client's side: its connection broke, or what it sent is no HTTP.
    #[error("request body: {0}")]
    Client(hyper::Error),
    /// Larger than allowed.
    #[error("request body is larger than {0} bytes")]
    TooLarge(u64),
    /// Nothing came for too long.
    #[error("nothing came for {0:?}")]
    Idle(Duration),
    /// The service's side.
    #[error("answer of the service: {0}")]
    Service(hyper::Error),
}

/// What became of a request's body, seen from outside.
#[derive(Default, Debug)]
pub(crate) struct Outcome {
    /// It was larger than allowed.
    pub too_large: AtomicBool,
    /// The client was too slow.
    pub idle: AtomicBool,
    /// The client's connection broke.
    pub broken: AtomicBool,
}

/// A request's body, which several attempts may read one after the other.
#[derive(Clone)]
pub(crate) struct Source(Option<Arc<Shared>>);

struct Shared {
    state: Mutex<State>,
    outcome: Arc<Outcome>,
    limit: u64,
    idle: Option<Duration>,
    keep: usize,
}

struct State {
    incoming: Incoming,
    /// What was read, while it may be needed again.
    kept: Vec<Bytes>,
    kept_bytes: usize,
    /// More was read than is kept.
    overflow: bool,
    read: u64,
    trailers: Option<HeaderMap>,
    ended: bool,
}

/// One attempt's view of a [`Source`].
pub(crate) struct Outbound {
    source: Source,
    next: usize,
    timer: Option<Pin<Box<Sleep>>>,
    trailers_given: bool,
}

impl Source {
    /// The body of a request; up to `keep` bytes of it can be read again.
    pub fn new(
        incoming: Incoming,
        keep: usize,
        limit: Option<u64>,
        idle: Option<Duration>,
        outcome: &Arc<Outcome>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self(None);
        }
        let state = State {
            incoming,
            kept: Vec::new(),
            kept_bytes: 0,
            overflow: keep == 0,
            read: 0,
            trailers: None,
            ended: false,
        };
        Self(Some(Arc::new(Shared {
            state: Mutex::new(state),
            outcome: Arc::clone(outcome),
            limit: limit.unwrap_or(u64::MAX),
            idle,
            keep,
        })))
    }

    /// Whether it can be read from its start again.
    pub fn can_repeat(&self) -> bool {
        self.0.as_ref().is_none_or(|shared| {
            let state = shared.state.lock();
            !state.overflow || state.read == 0
        })
    }

    /// Whether the client has more to send.
    pub fn is_unread(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| {
            let state = shared.state.lock();
            !state.ended && !state.incoming.is_end_stream()
        })
    }

    /// A reader from the start.
    pub fn outbound(&self) -> Outbound {
        Outbound { source: self.clone(), next: 0, timer: None, trailers_given: false }
    }
}

impl Shared {
    /// The next piece from the client, kept where it may be needed again.
    fn poll_client(
        &self,
        cx: &mut Context<'_>,
        next: &mut usize,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = self.state.lock();
        if let Some(piece) = state.kept.get(*next) {
            *next += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut state.incoming).poll_frame(cx)) {
            None => {
                state.ended = true;
                return Poll::Ready(None);
            }
            Some(Err(error)) => {
                self.outcome.broken.store(true, Ordering::Release);
                return Poll::Ready(Some(Err(BodyError::Client(error))));
            }
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(data) => {
                state.read = state.read.saturating_add(data.len() as u64);
                if state.read > self.limit {
                    self.outcome.too_large.store(true, Ordering::Release);
                    return Poll::Ready(Some(Err(BodyError::TooLarge(self.limit))));
                }
                if !state.overflow {
                    if state.kept_bytes + data.len() > self.keep {
                        state.overflow = true;
                        state.kept = Vec::new();
                    } else {
                        state.kept_bytes += data.len();
                        // Copied: a piece of the connection's buffer would keep all of it alive.
                        state.kept.push(Bytes::copy_from_slice(&data));
                        *next += 1;
                    }
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    state.trailers = Some(trailers);
                }
                state.ended = true;
                Poll::Ready(None)
            }
        }
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(shared) = &this.source.0 else { return Poll::Ready(None) };
        match shared.poll_client(cx, &mut this.next) {
            Poll::Ready(None) => {
                let trailers = shared.state.lock().trailers.clone();
                if let Some(trailers) = trailers.filter(|_| !this.trailers_given) {
                    this.trailers_given = true;
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Poll::Ready(None)
            }
            Poll::Ready(frame) => {
                this.timer = None;
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let Some(idle) = shared.idle else { return Poll::Pending };
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                ready!(timer.as_mut().poll(cx));
                shared.outcome.idle.store(true, Ordering::Release);
                Poll::Ready(Some(Err(BodyError::Idle(idle))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.0.as_ref().is_none_or(|shared| {
            let state = shared.state.lock();
            self.next >= state.kept.len()
                && (state.trailers.is_none() || self.trailers_given)
                && (state.ended || (state.incoming.is_end_stream() && state.trailers.is_none()))
        })
    }

    fn size_hint(&self) -> SizeHint {
        let Some(shared) = &self.source.0 else { return SizeHint::with_exact(0) };
        let state = shared.state.lock();
        let rest: u64 = state.kept.iter().skip(self.next).map(|piece| piece.len() as u64).sum();
        let ahead = state.incoming.size_hint();
        match ahead.exact() {
            Some(ahead) if state.trailers.is_none() => SizeHint::with_exact(rest + ahead),
            _ => SizeHint::default(),
        }
    }
}

/// What an answer's body holds until it ends.
pub(crate) struct Held {
    pub in_flight: InFlight,
    #[expect(dead_code, reason = "held for its drop")]
    pub active: Active,
    pub lease: Option<Lease>,
    /// Whether a body that breaks off can still say so, in trailers.
    pub grpc: bool,
}

/// An answer's body.
pub struct Answer(Kind);

enum Kind {
    /// Of the guard itself.
    Own(Option<Bytes>, #[expect(dead_code, reason = "held for its drop")] Option<InFlight>),
    /// Of the service.
    Service { incoming: Incoming, held: Box<Held>, ended: bool },
}

impl Answer {
    /// A text of the guard.
    pub(crate) fn own(text: Bytes, in_flight: Option<InFlight>) -> Self {
        Self(Kind::Own((!text.is_empty()).then_some(text), in_flight))
    }
    /// What the service answers.
    pub(crate) fn service(incoming: Incoming, mut held: Held) -> Self {
        let ended = incoming.is_end_stream();
        if ended && let Some(lease) = held.lease.take() {
            lease.give_back();
        }
        Self(Kind::Service { incoming, held: Box::new(held), ended })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Own(text, _) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Kind::Service { incoming, held, ended } => {
                match Pin::new(&mut *incoming).poll_frame(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(None) => {
                        *ended = true;
                        if let Some(lease) = held.lease.take() {
                            lease.give_back();
                        }
                        Poll::Ready(None)
                    }
                    Poll::Ready(Some(Err(error))) => {
                        held.in_flight.flight().meets(incidents::Fate::Cut);
                        if !held.grpc {
                            return Poll::Ready(Some(Err(BodyError::Service(error))));
                        }
                        // The connection is of no more use, and the stream has an end.
                        held.lease = None;
                        *ended = true;
                        Poll::Ready(Some(Ok(Frame::trailers(grpc_broken_off()))))
                    }
                    Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Own(text, _) => text.is_none(),
            Kind::Service { incoming, ended, .. } => *ended || incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Own(text, _) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Kind::Service { incoming, .. } => incoming.size_hint(),
        }
    }
}

/// What a client of gRPC is told when the service broke off within its answer: UNAVAILABLE, and not the INTERNAL that
/// it makes of a stream that is reset.
fn grpc_broken_off() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("14"));
    let message = HeaderValue::from_static("the service broke off within its answer");
    trailers.insert("grpc-message", message);
    trailers
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Whoever sends a body of known length does not ask for its end.
        if let Kind::Service { incoming, held, ended, .. } = &mut self.0
            && (*ended || incoming.is_end_stream())
            && let Some(lease) = held.lease.take()
        {
            lease.give_back();
        }
    }
}
