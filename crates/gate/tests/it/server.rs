//! Servers for tests: each on a thread of its own, so that a stall is one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// A server that runs until the tests end.
pub struct Server {
    /// Where.
    pub address: SocketAddr,
    /// Requests that came.
    pub requests: Arc<AtomicU64>,
}

impl Server {
    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Starts a server. Every `period` it answers nothing for `stall`. HTTP/1.1 and HTTP/2 are told apart by
/// their first bytes; gRPC gets trailers with the status that the path names.
pub fn start(period: Duration, stall: Duration) -> Server {
    let (sender, receiver) = std::sync::mpsc::channel();
    let requests = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&requests);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let start = Instant::now();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        count.fetch_add(1, Ordering::Relaxed);
                        async move {
                            if !stall.is_zero() {
                                let phase = start.elapsed().as_nanos() % period.as_nanos();
                                if phase < stall.as_nanos() {
                                    let left =
                                        stall.saturating_sub(Duration::from_nanos(phase as u64));
                                    tokio::time::sleep(left).await;
                                }
                            }
                            Ok::<_, Infallible>(answer(&request))
                        }
                    });
                    let io = TokioIo::new(stream);
                    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(io, service)
                        .await;
                });
            }
        });
    });
    Server { address: receiver.recv().unwrap(), requests }
}

type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

fn answer(request: &Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    if request.headers().get("content-type").is_some_and(|v| v == "application/grpc") {
        let code = path.rsplit('/').next().unwrap().to_owned();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_str(&code).unwrap());
        let frames = [
            Ok(Frame::data(Bytes::from_static(&[0, 0, 0, 0, 1, 7]))),
            Ok(Frame::trailers(trailers)),
        ];
        let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
        return Response::builder().header("content-type", "application/grpc").body(body).unwrap();
    }
    let status = path.strip_prefix("/status/").and_then(|s| s.parse().ok()).unwrap_or(200);
    Response::builder().status(status).body(Full::new(Bytes::from_static(b"ok")).boxed()).unwrap()
}
