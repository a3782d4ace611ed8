//! Connections to one child. Of each the local address is known, because that is what the child
//! prints as its client's when a handler panics.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::body::Outbound;
use super::seldom::Seldom;
use crate::backend::Backend;

/// Idle connections of a child that are kept.
const MAX_IDLE: usize = 1024;
/// How long one may lie idle. Less than the 120 s and more at which services close theirs.
const IDLE: Duration = Duration::from_secs(60);
/// Requests on one HTTP/2 connection before another is opened; Go's server allows 250.
const STREAMS: usize = 100;
/// HTTP/2 connections to a child.
const MAX_HTTP2: usize = 64;
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The connections to one child.
#[derive(Default)]
pub struct Pool {
    idle: Mutex<Vec<(Instant, Http1)>>,
    http2: Mutex<Vec<Http2>>,
    opening: tokio::sync::Mutex<()>,
}

struct Http1 {
    sender: http1::SendRequest<Outbound>,
    port: u16,
    /// The child is gone.
    gone: Seldom<WaitForCancellationFutureOwned>,
}

#[derive(Clone)]
struct Http2 {
    sender: http2::SendRequest<Outbound>,
    port: u16,
    streams: Arc<AtomicUsize>,
}

/// A connection for one request.
pub(crate) struct Lease {
    backend: Arc<Backend>,
    kind: Connection,
}

enum Connection {
    Http1(Http1),
    Http2(Http2, #[expect(dead_code, reason = "held for its drop")] Stream),
}

/// Counts one request on a connection that speaks HTTP/2.
struct Stream(Arc<AtomicUsize>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What came of sending a request.
pub(crate) enum Sent {
    /// The head of the answer.
    Answered(http::Response<Incoming>),
    /// Nothing was written: it may be sent to another child, whatever it is.
    Unsent(Box<http::Request<Outbound>>),
    /// It may have reached the child.
    Failed,
}

impl Pool {
    /// Forgets all connections: the child is gone.
    pub fn clear(&self) {
        self.idle.lock().clear();
        self.http2.lock().clear();
    }

    fn idle(&self) -> Option<Http1> {
        let mut idle = self.idle.lock();
        while let Some((since, connection)) = idle.pop() {
            if since.elapsed() > IDLE {
                // Those below have lain longer.
                idle.clear();
                return None;
            }
            if !connection.sender.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn free_stream(&self) -> Option<(Http2, Stream)> {
        let mut open = self.http2.lock();
        open.retain(|c| !c.sender.is_closed());
        let least = open.iter().min_by_key(|c| c.streams.load(Ordering::Relaxed))?;
        let busy = least.streams.load(Ordering::Relaxed) >= STREAMS && open.len() < MAX_HTTP2;
        (!busy).then(|| (least.clone(), least.take()))
    }
}

impl Http2 {
    fn take(&self) -> Stream {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Stream(Arc::clone(&self.streams))
    }
}

impl Lease {
    /// A connection that speaks HTTP/1.1.
    pub async fn http1(backend: &Arc<Backend>) -> io::Result<Self> {
        while let Some(mut connection) = backend.pool.idle() {
            // It was given back at the end of an answer; the connection's task notices a moment later.
            if connection.sender.ready().await.is_ok() {
                return Ok(Self {
                    backend: Arc::clone(backend),
                    kind: Connection::Http1(connection),
                });
            }
        }
        // Boxed, as is what else is rare: a future is as large as the largest of its parts, and is
        // moved with each request.
        Box::pin(Self::new_http1(backend)).await
    }

    async fn new_http1(backend: &Arc<Backend>) -> io::Result<Self> {
        let (stream, port) = connect(backend).await?;
        let (sender, connection) = http1::Builder::new()
            .handshake::<_, Outbound>(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        let gone = Seldom::new(backend.gone.token().cancelled_owned());
        let kind = Connection::Http1(Http1 { sender, port, gone });
        Ok(Self { backend: Arc::clone(backend), kind })
    }

    /// A place on a connection that speaks HTTP/2.
    pub async fn http2(backend: &Arc<Backend>) -> io::Result<Self> {
        let (connection, stream) = match backend.pool.free_stream() {
            Some(open) => open,
            None => Box::pin(Self::new_http2(backend)).await?,
        };
        let kind = Connection::Http2(connection, stream);
        Ok(Self { backend: Arc::clone(backend), kind })
    }

    async fn new_http2(backend: &Arc<Backend>) -> io::Result<(Http2, Stream)> {
        // One at a time: who waits finds the connection that the other opened.
        let _opening = backend.pool.opening.lock().await;
        if let Some(open) = backend.pool.free_stream() {
            return Ok(open);
        }
        let (stream, port) = connect(backend).await?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(8 << 20)
            .max_header_list_size(1 << 20)
            .handshake::<_, Outbound>(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        let open = Http2 { sender, port, streams: Arc::default() };
        let stream = open.take();
        backend.pool.http2.lock().push(open.clone());
        Ok((open, stream))
    }

    /// The port of our end.
    pub fn port(&self) -> u16 {
        match &self.kind {
            Connection::Http1(c) => c.port,
            Connection::Http2(c, _) => c.port,
        }
    }

    /// Whether it speaks HTTP/2.
    pub fn is_http2(&self) -> bool {
        matches!(self.kind, Connection::Http2(..))
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(&mut self, request: http::Request<Outbound>) -> Sent {
        match &mut self.kind {
            Connection::Http1(c) => sent(c.sender.try_send_request(request).await),
            Connection::Http2(c, _) => sent(c.sender.try_send_request(request).await),
        }
    }

    /// The same, unless the child is gone before the head has come: that counts as a failure.
    pub async fn send_unless_gone(&mut self, request: http::Request<Outbound>) -> Sent {
        match &mut self.kind {
            Connection::Http1(c) => tokio::select! {
                biased;
                result = c.sender.try_send_request(request) => sent(result),
                () = &mut c.gone => Sent::Failed,
            },
            Connection::Http2(c, _) => tokio::select! {
                biased;
                result = c.sender.try_send_request(request) => sent(result),
                () = self.backend.gone.heard() => Sent::Failed,
            },
        }
    }

    /// The answer is over, the connection can serve another request.
    pub fn give_back(self) {
        let Self { backend, kind } = self;
        if let Connection::Http1(c) = kind
            && !c.sender.is_closed()
            && !backend.gone.is_said()
        {
            let mut idle = backend.pool.idle.lock();
            if idle.len() < MAX_IDLE {
                idle.push((Instant::now(), c));
            }
        }
    }
}

fn sent(result: Result<http::Response<Incoming>, TrySendError<http::Request<Outbound>>>) -> Sent {
    match result {
        Ok(answer) => Sent::Answered(answer),
        Err(mut error) => match error.take_message() {
            Some(request) => Sent::Unsent(Box::new(request)),
            None => Sent::Failed,
        },
    }
}

async fn connect(backend: &Backend) -> io::Result<(TcpStream, u16)> {
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(backend.address))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    let port = stream.local_addr()?.port();
    Ok((stream, port))
}
