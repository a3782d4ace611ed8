//! Live updates: a stream of server-sent events (WHATWG HTML, section 9.2) that says *that* something
//! has changed, not what. The page then asks for itself again, so that there is one way only in which
//! anything is shown.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;

use super::{App, Shared};

/// So many pages are kept up to date at once.
pub(super) const STREAMS: usize = 64;
/// How often the running guard is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often other guards' changes are looked for, in ticks.
const OTHERS: u32 = 3;

/// The stream: `incidents` when an incident was added or changed, `live` when the guard's own state did.
pub(super) async fn stream(State(shared): App) -> Response {
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        let told = "too many pages are open already\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "30")], told).into_response();
    };
    let watch = Watch {
        changes: shared.store.changes(),
        version: shared.store.version().await.unwrap_or_default(),
        live: digest(&shared),
        ticks: 0,
        shared,
    };
    let events = stream::unfold((watch, permit), async |(mut watch, permit)| {
        let event = watch.next().await;
        // A browser passes over events without data.
        let event = Event::default().event(event).data("changed");
        Some((Ok::<_, Infallible>(event), (watch, permit)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

struct Watch {
    shared: Arc<Shared>,
    changes: tokio::sync::broadcast::Receiver<String>,
    version: String,
    live: u64,
    ticks: u32,
}

impl Watch {
    async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        // What comes together is told together.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        self.changes = self.changes.resubscribe();
                        self.version = self.shared.store.version().await.unwrap_or_default();
                        return "incidents";
                    }
                    // The sender is in the store, which is ours.
                    Err(RecvError::Closed) => tokio::time::sleep(TICK).await,
                },
                () = tokio::time::sleep(TICK) => {
                    self.ticks += 1;
                    if self.ticks % OTHERS == 0 {
                        let version = self.shared.store.version().await.unwrap_or_default();
                        if version != self.version {
                            self.version = version;
                            return "incidents";
                        }
                    }
                    let live = digest(&self.shared);
                    if live != self.live {
                        self.live = live;
                        return "live";
                    }
                }
            }
        }
    }
}

/// A number that is another when the guard's state is another.
fn digest(shared: &Shared) -> u64 {
    let mut hasher = DefaultHasher::new();
    let snapshot = shared.live.snapshot();
    hasher.write(&serde_json::to_vec(&snapshot).unwrap_or_default());
    hasher.finish()
}
