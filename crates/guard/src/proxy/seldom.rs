//! A future that is looked at only when it has asked for it. Waiting for a connection and for a token
//! in one task looks at both each time that either wakes the task; a token takes locks which all
//! connections share, for an answer that is the same for days.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Wraps a future; cheap to poll while nothing happens. After it has been ready, it is over.
pub(crate) struct Seldom<F> {
    inner: Pin<Box<F>>,
    bell: Arc<Bell>,
}

/// What the inner future rings.
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl<F> Seldom<F> {
    /// Not looked at yet.
    pub fn new(inner: F) -> Self {
        let bell = Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() };
        Self { inner: Box::pin(inner), bell: Arc::new(bell) }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F: Future> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // First the waker, then the look: a bell that rings in between wakes this task.
        self.bell.task.register(cx.waker());
        if !self.bell.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.bell.rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.bell));
        self.inner.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn it_is_polled_when_it_rang_and_not_before() {
        let mut polls = 0;
        let ring = parking_lot::Mutex::new(None::<Waker>);
        let mut seldom = Seldom::new(std::future::poll_fn(|cx: &mut Context<'_>| {
            *ring.lock() = Some(cx.waker().clone());
            polls += 1;
            if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
        }));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..5 {
            assert!(Pin::new(&mut seldom).poll(&mut cx).is_pending());
        }
        ring.lock().as_ref().unwrap().wake_by_ref();
        for _ in 0..5 {
            assert!(Pin::new(&mut seldom).poll(&mut cx).is_pending());
        }
        ring.lock().as_ref().unwrap().wake_by_ref();
        assert_eq!(Pin::new(&mut seldom).poll(&mut cx), Poll::Ready(3));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_token_is_heard_by_whoever_waits_last() {
        for _ in 0..200 {
            let token = CancellationToken::new();
            let mut seldom = Seldom::new(token.clone().cancelled_owned());
            // It is passed from task to task, as a connection of the pool is.
            for _ in 0..2 {
                let waits = tokio::time::timeout(Duration::from_micros(1), &mut seldom);
                assert!(waits.await.is_err());
            }
            let waits = tokio::spawn(seldom);
            token.cancel();
            tokio::time::timeout(Duration::from_secs(10), waits).await.unwrap().unwrap();
        }
    }
}
