//! The side towards clients: accepts, speaks TLS, tells HTTP/1.1 from HTTP/2, and closes gracefully.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Proxy;
use super::forward::Origin;
use super::framing::Inspected;
use super::headers::Client;
use super::seldom::Seldom;
use crate::error::{Error, Result};

/// How HTTP/2 begins (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Streams of one client connection.
const STREAMS: u32 = 250;
/// How long to wait when no connection can be accepted (no file descriptors).
const PAUSE: Duration = Duration::from_millis(50);

/// Serves a listener until `stop`; then no connection is accepted, and those that are open end with
/// the requests that they carry. Returns when all have ended or `end` is cancelled.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    proxy: Arc<Proxy>,
    stop: CancellationToken,
    end: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(proxy.options.connections));
    let tasks = TaskTracker::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&room).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !is_of_connection(&error) {
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            }
        };
        let (proxy, tls, stop, end) = (Arc::clone(&proxy), tls.clone(), stop.clone(), end.clone());
        tasks.spawn(async move {
            let connection = connection(stream, address, tls, proxy, &stop);
            tokio::select! {
                biased;
                () = Seldom::new(end.cancelled_owned()) => {}
                () = connection => {}
            }
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// Whether it is about the one connection that was to be accepted.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    proxy: Arc<Proxy>,
    stop: &CancellationToken,
) {
    let limit = proxy.options.header_timeout;
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match tls {
        Some(acceptor) => {
            let handshake = tokio::time::timeout(limit, acceptor.accept(stream));
            let Ok(Ok(stream)) = handshake.await else { return };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let client = Client::new(address, true);
            speak(stream, http2, client, proxy, stop).await;
        }
        None => {
            let Ok(Ok(http2)) = tokio::time::timeout(limit, begins_http2(&stream)).await else {
                return;
            };
            speak(stream, http2, Client::new(address, false), proxy, stop).await;
        }
    }
}

/// Looks at the first bytes without taking them.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut buffer = [0; PREFACE.len()];
    loop {
        let n = stream.peek(&mut buffer).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(&buffer[..n]) {
            return Ok(false);
        }
        if n == PREFACE.len() {
            return Ok(true);
        }
        // A client that sends its first line in pieces is rare; peek does not wait for more.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn speak<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: T,
    http2: bool,
    client: Client,
    proxy: Arc<Proxy>,
    stop: &CancellationToken,
) {
    let options = &proxy.options;
    let ambiguous = Arc::new(AtomicBool::new(false));
    let origin = Origin { client, ambiguous: Arc::clone(&ambiguous) };
    let mut stop = Seldom::new(stop.clone().cancelled_owned());
    let service = {
        let proxy = Arc::clone(&proxy);
        service_fn(move |request| {
            let answer = proxy.handle(&origin, request);
            async move { Ok::<_, Infallible>(answer.await) }
        })
    };
    // Errors of a connection are the client's, and it is gone.
    if http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(options.header_limit).unwrap_or(u32::MAX))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let _ = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = &mut stop => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
    } else {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(options.header_limit.max(64 << 10))
            .max_header_size(options.header_limit);
        let io = TokioIo::new(Inspected::new(stream, ambiguous));
        let connection = builder.serve_connection(io, service).with_upgrades();
        tokio::pin!(connection);
        let _ = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = &mut stop => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
    }
}

/// Reads certificate chain and key, PEM, for HTTP/2 and HTTP/1.1 by ALPN.
pub fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let file = |path: &Path, reason: String| Error::File { path: path.to_owned(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| file(certificate, format!("expected a certificate chain in PEM: {e}")))?;
    if chain.is_empty() {
        let reason = "expected a certificate chain in PEM, found no certificate".to_owned();
        return Err(file(certificate, reason));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| file(key, format!("expected a private key in PEM: {e}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|e| file(certificate, format!("not usable with the key: {e}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
