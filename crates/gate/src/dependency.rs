//! The dependency that the gate plays: a listener between the service and what it needs, or in its place,
//! that can be told to hang or to refuse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Error;

/// How it behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As it should.
    Normal,
    /// Connections are accepted and nothing is answered.
    Hang,
    /// Nobody listens.
    Refuse,
}

/// The listener. Dropping it ends it.
pub struct Dependency {
    mode: watch::Sender<Mode>,
    task: tokio::task::JoinHandle<()>,
}

impl Dependency {
    /// Listens.
    pub async fn start(listen: &str, upstream: Option<String>) -> Result<Self, Error> {
        let failed = |error: std::io::Error| {
            Error::Usage(format!("dependency: cannot listen at {listen}: {error}"))
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (mode, seen) = watch::channel(Mode::Normal);
        let upstream = upstream.map(Arc::from);
        let task = tokio::spawn(serve(listener, address, upstream, seen));
        Ok(Self { mode, task })
    }

    /// Tells it how to behave from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for Dependency {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    upstream: Option<Arc<str>>,
    mut mode: watch::Receiver<Mode>,
) {
    let mut listener = Some(listener);
    loop {
        let now = *mode.borrow_and_update();
        if now == Mode::Refuse {
            listener = None;
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            // Connections in TIME_WAIT do not keep the port; another program might, for a moment.
            match TcpListener::bind(address).await {
                Ok(bound) => listener = Some(bound),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, upstream.clone(), mode.clone()));
                }
                // Out of file descriptors, most likely: it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

/// Serves one connection until the dependency refuses.
async fn connection(
    stream: TcpStream,
    upstream: Option<Arc<str>>,
    mut mode: watch::Receiver<Mode>,
) {
    let mut refused = mode.clone();
    let refused = async move {
        until(&mut refused, |mode| mode == Mode::Refuse).await;
    };
    let work = async move {
        let Some(upstream) = upstream else { return answer(stream, mode).await };
        until(&mut mode, |mode| mode == Mode::Normal).await;
        let mut stream = stream;
        let Ok(mut behind) = TcpStream::connect(&*upstream).await else { return };
        let mut trouble = mode.clone();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut stream, &mut behind) => {}
            // What was cut in the middle cannot be continued: silence, and then a closed connection.
            () = until(&mut trouble, |mode| mode != Mode::Normal) => {
                until(&mut mode, |mode| mode != Mode::Hang).await;
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = refused => {}
    }
}

/// Waits for a mode, or for the end of the dependency.
async fn until(mode: &mut watch::Receiver<Mode>, wanted: impl Fn(Mode) -> bool) {
    let _ = mode.wait_for(|mode| wanted(*mode)).await;
}

/// Answers every request with 200, when it answers.
async fn answer(stream: TcpStream, mode: watch::Receiver<Mode>) {
    let service = service_fn(move |_: Request<Incoming>| {
        let mut mode = mode.clone();
        async move {
            until(&mut mode, |mode| mode == Mode::Normal).await;
            Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"ok\n"))))
        }
    });
    let io = TokioIo::new(stream);
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
}
