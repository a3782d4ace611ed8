//! A child as the proxy sees it: an address, the connections to it, and whether it is still there;
//! and the router, which knows the children that are ready. Separate from the supervisor, which
//! makes and unmakes them, so that the two share this and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::proxy::Pool;

/// Whether a child is gone, or as good as gone. Asked several times a request: so it is a flag beside
/// the token, whose every look takes a lock.
#[derive(Default)]
pub struct Gone {
    said: AtomicBool,
    token: CancellationToken,
}

impl Gone {
    /// It is.
    pub fn say(&self) {
        self.said.store(true, Ordering::Release);
        self.token.cancel();
    }
    /// Whether it is.
    pub fn is_said(&self) -> bool {
        self.said.load(Ordering::Acquire)
    }
    /// Waits until it is.
    pub async fn heard(&self) {
        self.token.cancelled().await;
    }
    /// The same for whoever waits long.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

/// One child.
pub struct Backend {
    /// Its number; never used again.
    pub id: u64,
    /// Which replica it is, from 0.
    pub slot: usize,
    /// Its process id.
    pub pid: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// Connections to it.
    pub pool: Pool,
    /// Said when its first line of a crash has come or it has ended: what it has not answered by then
    /// it will not.
    pub gone: Gone,
    active: AtomicUsize,
}

/// Counts a request on a child; it ends when this is dropped.
pub struct Active(Arc<Backend>);

impl Backend {
    /// A child that has just been started.
    pub fn new(id: u64, slot: usize, pid: u32, address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            id,
            slot,
            pid,
            address,
            pool: Pool::default(),
            gone: Gone::default(),
            active: AtomicUsize::new(0),
        })
    }

    /// How many requests it serves.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::Acquire)
    }

    /// Waits until it serves none, at most so long; whether it serves none.
    pub async fn drained(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.active() > 0 {
            if Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }
}

impl Active {
    /// The child.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.0
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Why no child can be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// Too many requests wait already.
    QueueFull,
    /// None became ready in time.
    Timeout,
    /// The breaker is open for so long still.
    Breaker(Duration),
    /// The guard is being stopped.
    Stopping,
}

/// The children that are ready.
pub struct Router {
    ready: RwLock<Vec<Arc<Backend>>>,
    turn: AtomicUsize,
    /// Changes with each change of `ready` and of the breaker.
    changed: watch::Sender<u64>,
    waiting: AtomicUsize,
    queue: usize,
    breaker: Mutex<Option<Instant>>,
    stopping: AtomicBool,
    /// When a child was last lost, until one is ready again.
    lost: Mutex<Option<Instant>>,
    /// How long the last gap between children was, in microseconds.
    gap: AtomicU64,
}

impl Router {
    /// Without children; `queue` requests may wait at once.
    pub fn new(queue: usize) -> Arc<Self> {
        Arc::new(Self {
            ready: RwLock::default(),
            turn: AtomicUsize::new(0),
            changed: watch::channel(0).0,
            waiting: AtomicUsize::new(0),
            queue,
            breaker: Mutex::new(None),
            stopping: AtomicBool::new(false),
            lost: Mutex::new(None),
            gap: AtomicU64::new(0),
        })
    }

    /// A child is ready; what it replaces goes.
    pub fn add(&self, backend: Arc<Backend>) {
        let mut ready = self.ready.write();
        ready.retain(|b| b.id != backend.id);
        ready.push(backend);
        drop(ready);
        if let Some(since) = self.lost.lock().take() {
            let gap = since.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
            self.gap.store(gap, Ordering::Relaxed);
        }
        self.changed.send_modify(|n| *n += 1);
    }

    /// No further requests for a child.
    pub fn remove(&self, id: u64) {
        let mut ready = self.ready.write();
        let before = ready.len();
        ready.retain(|b| b.id != id);
        let lost = ready.len() < before && ready.is_empty();
        drop(ready);
        if lost {
            self.lost.lock().get_or_insert_with(Instant::now);
        }
        self.changed.send_modify(|n| *n += 1);
    }

    /// The breaker opens until then, or closes.
    pub fn breaker(&self, until: Option<Instant>) {
        *self.breaker.lock() = until;
        self.changed.send_modify(|n| *n += 1);
    }

    /// Until when the breaker is open.
    pub fn open_until(&self) -> Option<Instant> {
        *self.breaker.lock()
    }

    /// From now on nobody waits.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.changed.send_modify(|n| *n += 1);
    }

    /// All that are ready.
    pub fn ready(&self) -> Vec<Arc<Backend>> {
        self.ready.read().clone()
    }

    /// How many requests wait for a child.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The child with the fewest requests; of equals each in turn.
    pub fn pick(&self) -> Option<Active> {
        let ready = self.ready.read();
        let best = match ready.as_slice() {
            [] => return None,
            [only] => only,
            several => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed) % several.len();
                let (later, earlier) = several.split_at(turn);
                earlier.iter().chain(later).min_by_key(|b| b.active())?
            }
        };
        best.active.fetch_add(1, Ordering::AcqRel);
        Some(Active(Arc::clone(best)))
    }

    /// [`Router::pick`], or waits until there is one.
    pub async fn pick_or_wait(&self, end: Instant) -> Result<Active, Unavailable> {
        if let Some(active) = self.pick() {
            return Ok(active);
        }
        let _waiting = Waiting::enter(self).ok_or(Unavailable::QueueFull)?;
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(active) = self.pick() {
                return Ok(active);
            }
            if self.stopping.load(Ordering::Acquire) {
                return Err(Unavailable::Stopping);
            }
            if let Some(until) = self.open_until() {
                let left = until.saturating_duration_since(Instant::now());
                return Err(Unavailable::Breaker(left));
            }
            let wait = tokio::time::timeout_at(end.into(), changed.changed());
            if wait.await.is_err() {
                return Err(Unavailable::Timeout);
            }
        }
    }
}

/// Counts one who waits.
struct Waiting<'a>(&'a Router);

impl<'a> Waiting<'a> {
    fn enter(router: &'a Router) -> Option<Self> {
        let before = router.waiting.fetch_add(1, Ordering::AcqRel);
        let entered = Self(router);
        (before < router.queue).then_some(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(id: u64) -> Arc<Backend> {
        Backend::new(id, 0, 1, "127.0.0.1:1".parse().unwrap())
    }

    #[tokio::test]
    async fn the_least_busy_is_picked_and_waiting_is_bounded() {
        let router = Router::new(1);
        let end = Instant::now() + Duration::from_millis(20);
        assert_eq!(router.pick_or_wait(end).await.err(), Some(Unavailable::Timeout));
        router.add(backend(1));
        router.add(backend(2));
        let one = router.pick().unwrap();
        let two = router.pick().unwrap();
        assert_ne!(one.backend().id, two.backend().id);
        router.remove(1);
        router.remove(2);
        let far = Instant::now() + Duration::from_secs(60);
        let (first, second) = {
            let waits = router.pick_or_wait(far);
            let full = router.pick_or_wait(far);
            tokio::pin!(waits);
            let full = tokio::select! { biased; _ = &mut waits => panic!(), f = full => f.err() };
            router.add(backend(3));
            (full, waits.await.map(|a| a.backend().id))
        };
        assert_eq!(first, Some(Unavailable::QueueFull));
        assert_eq!(second, Ok(3));
    }

    #[tokio::test]
    async fn an_open_breaker_answers_at_once() {
        let router = Router::new(10);
        router.breaker(Some(Instant::now() + Duration::from_secs(30)));
        let end = Instant::now() + Duration::from_secs(60);
        assert!(matches!(router.pick_or_wait(end).await, Err(Unavailable::Breaker(_))));
    }
}
