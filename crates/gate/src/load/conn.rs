//! One connection and one exchange on it. An HTTP/1.1 connection is driven by the task that waits for the
//! answer: no second task, no hand-over. HTTP/2 connections have a task, since several streams share them.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::outcome::Failure;
use super::target::{Body, Protocol, Target};
use super::tls::Trust;
use crate::Error;

/// Opens connections to one target.
#[derive(Clone)]
pub struct Dialer {
    addresses: Arc<[SocketAddr]>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dialer {
    /// Looks the name up, once: every connection goes where the first one went.
    pub async fn new(target: &Target, protocol: Protocol, trust: &Trust) -> Result<Self, Error> {
        let unknown = |error: &dyn std::fmt::Display| {
            Error::Usage(format!("cannot find {}: {error}", diag::clean_line(&target.host)))
        };
        let name = (target.host.as_str(), target.port);
        let addresses: Arc<[SocketAddr]> =
            tokio::net::lookup_host(name).await.map_err(|error| unknown(&error))?.collect();
        if addresses.is_empty() {
            return Err(unknown(&"the name has no address"));
        }
        let tls = if target.tls {
            let name = ServerName::try_from(target.host.clone()).map_err(|e| unknown(&e))?;
            Some((trust.connector(protocol != Protocol::Http1)?, name))
        } else {
            None
        };
        Ok(Self { addresses, tls })
    }

    /// A new connection.
    pub async fn dial(&self) -> Result<Io, Failure> {
        let mut failure = Failure::Connect;
        for address in &*self.addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is one write; waiting for more would only add latency.
                    let _ = stream.set_nodelay(true);
                    let Some((connector, name)) = &self.tls else { return Ok(Io::Plain(stream)) };
                    let secured = connector.connect(name.clone(), stream).await;
                    return secured.map(|s| Io::Tls(Box::new(s))).map_err(|_| Failure::Tls);
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    failure = Failure::Refused;
                }
                Err(_) => {}
            }
        }
        Err(failure)
    }
}

/// A stream with or without TLS.
pub enum Io {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// What an answer said.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// gRPC status, where the answer has one.
    pub grpc: Option<u32>,
    /// Bytes of the body.
    pub bytes: u64,
}

/// An HTTP/2 connection that several streams share.
pub type Shared2 = Arc<tokio::sync::Mutex<Option<http2::SendRequest<Body>>>>;

/// The sending side of one worker.
pub enum Client {
    /// A connection of its own.
    Http1(Option<Http1>),
    /// Streams of a connection.
    Http2(Shared2),
}

/// What moves an HTTP/1.1 connection on.
type Connection1 = http1::Connection<TokioIo<Io>, Body>;

/// An open HTTP/1.1 connection.
pub struct Http1 {
    sender: http1::SendRequest<Body>,
    connection: Option<Pin<Box<Connection1>>>,
}

impl Http1 {
    async fn open(dialer: &Dialer) -> Result<Self, Failure> {
        let io = TokioIo::new(dialer.dial().await?);
        let (sender, connection) = http1::handshake(io).await.map_err(|error| failure(&error))?;
        Ok(Self { sender, connection: Some(Box::pin(connection)) })
    }

    /// Moves the connection on; it is gone when it has ended.
    fn turn(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(cx).is_ready()
        {
            self.connection = None;
        }
    }

    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.turn(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Whether the next request can be sent.
    async fn is_ready(&mut self) -> bool {
        poll_fn(|cx| {
            self.turn(cx);
            if self.connection.is_none() {
                return Poll::Ready(false);
            }
            self.sender.poll_ready(cx).map(|ready| ready.is_ok())
        })
        .await
    }

    /// Sends and reads the answer to its end. `Err(Ok(request))` gives back what was not sent.
    async fn exchange(
        &mut self,
        request: Request<Body>,
    ) -> Result<Answer, Result<Box<Request<Body>>, Failure>> {
        if !self.is_ready().await {
            return Err(Ok(Box::new(request)));
        }
        let sending = self.sender.try_send_request(request);
        let response = match self.drive(sending).await {
            Ok(response) => response,
            Err(mut error) => {
                let unsent = error.take_message();
                return Err(unsent.map(Box::new).ok_or_else(|| failure(error.error())));
            }
        };
        let (head, body) = response.into_parts();
        let (bytes, _) = self.drive(read(body)).await.map_err(Err)?;
        Ok(Answer { status: head.status.as_u16(), grpc: None, bytes })
    }
}

impl Client {
    /// Opens the connection ahead of the first request.
    pub async fn connect(&mut self, dialer: &Dialer) -> Result<(), Failure> {
        match self {
            Self::Http1(slot) => *slot = Some(Http1::open(dialer).await?),
            Self::Http2(shared) => {
                sender2(shared, dialer).await?;
            }
        }
        Ok(())
    }

    /// Waits for `future` and sees meanwhile when the other side closes the connection.
    pub async fn idle_until<F: Future>(&mut self, future: F) -> F::Output {
        match self {
            Self::Http1(Some(http1)) => http1.drive(future).await,
            _ => future.await,
        }
    }

    /// Sends a request, on a new connection if there is none, and reads the answer. A request that a
    /// closing connection gave back unsent is sent once more; no other request is.
    pub async fn exchange(
        &mut self,
        dialer: &Dialer,
        request: Request<Body>,
    ) -> Result<Answer, Failure> {
        match self {
            Self::Http1(slot) => {
                let reused = slot.is_some();
                let mut http1 = match slot.take() {
                    Some(http1) => http1,
                    None => Http1::open(dialer).await?,
                };
                let result = match http1.exchange(request).await {
                    Err(Ok(request)) if reused => {
                        http1 = Http1::open(dialer).await?;
                        http1.exchange(*request).await
                    }
                    result => result,
                };
                match result {
                    Ok(answer) => {
                        *slot = Some(http1);
                        Ok(answer)
                    }
                    Err(Ok(_)) => Err(Failure::Cut),
                    Err(Err(failure)) => Err(failure),
                }
            }
            Self::Http2(shared) => {
                let mut sender = sender2(shared, dialer).await?;
                let request = match sender.try_send_request(request).await {
                    Ok(response) => return read2(response).await,
                    Err(mut error) => error.take_message().ok_or_else(|| failure(error.error()))?,
                };
                let mut sender = sender2(shared, dialer).await?;
                match sender.send_request(request).await {
                    Ok(response) => read2(response).await,
                    Err(error) => Err(failure(&error)),
                }
            }
        }
    }

    /// Forgets the connection: what it was doing was given up.
    pub fn reset(&mut self) {
        if let Self::Http1(slot) = self {
            *slot = None;
        }
    }
}

async fn sender2(shared: &Shared2, dialer: &Dialer) -> Result<http2::SendRequest<Body>, Failure> {
    let mut slot = shared.lock().await;
    if let Some(sender) = &mut *slot
        && sender.ready().await.is_ok()
    {
        return Ok(sender.clone());
    }
    *slot = None;
    let io = TokioIo::new(dialer.dial().await?);
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .handshake(io)
        .await
        .map_err(|error| failure(&error))?;
    // Ends with the connection; what went wrong is told to whoever waits for an answer.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    *slot = Some(sender.clone());
    Ok(sender)
}

async fn read2(response: http::Response<Incoming>) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    let (bytes, trailers) = read(body).await?;
    // An answer without a message has its status in the headers.
    let grpc = trailers.as_ref().and_then(grpc_status).or_else(|| grpc_status(&head.headers));
    Ok(Answer { status: head.status.as_u16(), grpc, bytes })
}

fn grpc_status(headers: &HeaderMap) -> Option<u32> {
    headers.get("grpc-status")?.to_str().ok()?.trim().parse().ok()
}

/// Reads a body to its end and keeps nothing of it.
async fn read(body: Incoming) -> Result<(u64, Option<HeaderMap>), Failure> {
    let mut body = pin!(body);
    let (mut bytes, mut trailers) = (0, None);
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|error| failure(&error))?;
        match frame.into_data() {
            Ok(data) => bytes += data.len() as u64,
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok((bytes, trailers))
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_timeout() {
        Failure::Timeout
    } else if error.is_parse() || error.is_parse_status() || error.is_parse_too_large() {
        Failure::Protocol
    } else {
        Failure::Cut
    }
}
