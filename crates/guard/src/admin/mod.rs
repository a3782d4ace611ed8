//! The admin address: a web page, an API, and `/metrics`. It reads the store of incidents and, through
//! [`Live`], how the running guard stands; the only things that it changes are states of incidents.
//! Everything that came from a crash is text to it, never markup.

mod api;
mod auth;
mod events;
mod live;
mod pages;
mod security;
mod slo;
mod timeline;
mod view;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use incidents::Store;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use auth::{MIN_TOKEN, generate_token};
pub use live::{Child, ChildState, Live, Snapshot, Totals};
pub use slo::{Burn, SloCounter, SloReport};

use auth::Keys;

/// Connections that are served at once; more wait.
const CONNECTIONS: usize = 256;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// The largest body: forms.
const BODY: usize = 16 << 10;
/// How long open connections may go on after the end was asked for.
const DRAIN: Duration = Duration::from_secs(2);

/// How the page is reached.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// The token that opens it, at least [`MIN_TOKEN`] characters ([`generate_token`] makes one).
    pub token: String,
    /// Names under which it is reached, beside `localhost` and addresses: others are refused, so that
    /// no page of somebody else's can make a name of its own point here (DNS rebinding).
    pub hosts: Vec<String>,
    /// Whether `/metrics` is open to everybody who reaches the address.
    pub open_metrics: bool,
    /// Whether browsers reach it by HTTPS, through a proxy: the cookie is then for HTTPS only.
    pub secure: bool,
}

/// What all handlers share.
struct Shared {
    store: Store,
    live: Arc<dyn Live>,
    keys: Keys,
    config: AdminConfig,
    streams: Arc<Semaphore>,
}

type App = axum::extract::State<Arc<Shared>>;

/// Serves the page until `stop` is done. The address is refused if the token is too short for it.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    live: Arc<dyn Live>,
    config: AdminConfig,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    if config.token.chars().count() < MIN_TOKEN {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the token of the admin page has to have at least {MIN_TOKEN} characters"),
        ));
    }
    let app = router(store, live, config);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit.expect("nobody closes it"),
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: the next try would fail as well.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let service = TowerToHyperService::new(app.clone());
        connections.spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 << 10);
            // Whatever ends a connection is the client's business.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
    Ok(())
}

fn router(store: Store, live: Arc<dyn Live>, config: AdminConfig) -> Router {
    let shared = Arc::new(Shared {
        store,
        live,
        keys: Keys::new(&config.token),
        config,
        streams: Arc::new(Semaphore::new(events::STREAMS)),
    });
    Router::new()
        .route("/", get(pages::overview))
        .route("/incidents", get(pages::list))
        .route("/incidents/{id}", get(pages::incident))
        .route("/incidents/{id}/state", post(pages::set_state))
        .route("/logout", post(auth::logout))
        .route("/events", get(events::stream))
        .route("/api/live", get(api::live))
        .route("/api/incidents", get(api::list))
        .route("/api/incidents/{id}", get(api::incident))
        .route("/api/incidents/{id}/state", post(api::set_state))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), auth::require))
        // Open: what is needed to log in, and what machines ask for.
        .route("/login", get(auth::form).post(auth::login))
        .route("/assets/{name}", get(pages::asset))
        .route("/metrics", get(api::metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(pages::missing)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), security::guard))
        .with_state(shared)
}
