//! The way out for what children print. A thread of its own writes, because a terminal or a pipe
//! may stand still; what it does not take is dropped and counted, so that the child does not stand
//! still too.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

/// So many bytes may wait.
const ROOM: usize = 4 << 20;
/// So many bytes more of the guard's own lines may wait, which a child that floods the way out must not drown.
const RESERVE: usize = 64 << 10;
/// So long a child may be stopped, once; after that bytes are dropped until half of the room is free.
const PATIENCE: Duration = Duration::from_millis(100);

impl Queue {
    fn push(&mut self, bytes: Bytes) {
        self.in_line = bytes.last().map_or(self.in_line, |&last| last != b'\n');
        self.bytes += bytes.len();
        self.pieces.push_back(bytes);
    }
}

/// A stream of the guard's own that children's output goes to.
pub struct Outlet {
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Notify,
}

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Taken out but not written yet.
    writing: bool,
    /// Whether what was added last did not end its line.
    in_line: bool,
    congested: bool,
    broken: bool,
}

impl Outlet {
    /// Starts the thread that writes to `to`.
    pub fn new(mut to: impl Write + Send + 'static) -> Arc<Self> {
        let outlet = Arc::new(Self {
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Notify::new(),
        });
        let writer = Arc::clone(&outlet);
        std::thread::spawn(move || {
            while let Some(piece) = writer.next() {
                let written = to.write_all(&piece).and_then(|()| to.flush());
                writer.wrote(piece.len(), written.is_err());
            }
        });
        outlet
    }

    fn next(&self) -> Option<Bytes> {
        let mut queue = self.queue.lock();
        loop {
            if queue.broken {
                return None;
            }
            if let Some(piece) = queue.pieces.pop_front() {
                queue.writing = true;
                return Some(piece);
            }
            self.filled.wait(&mut queue);
        }
    }

    fn wrote(&self, bytes: usize, failed: bool) {
        let mut queue = self.queue.lock();
        queue.writing = false;
        queue.bytes -= bytes;
        // Whoever read it has gone; the service runs on all the same.
        queue.broken |= failed;
        queue.congested &= queue.bytes > ROOM / 2;
        drop(queue);
        self.emptied.notify_waiters();
    }

    /// Adds a line of the guard's own, or drops it when there is no room. A line that a child has begun, and that a
    /// dead one never ends, is ended before it.
    pub fn line(&self, text: &str) {
        let mut queue = self.queue.lock();
        let start = if queue.in_line { "\n" } else { "" };
        let line = format!("{start}{text}\n");
        if !queue.broken && queue.bytes + line.len() <= ROOM + RESERVE {
            queue.push(line.into());
            self.filled.notify_one();
        }
    }

    /// Passes bytes on; how many were dropped.
    pub async fn pass(&self, bytes: Bytes) -> u64 {
        let end = Instant::now() + PATIENCE;
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            {
                let mut queue = self.queue.lock();
                if queue.broken || queue.congested {
                    return bytes.len() as u64;
                }
                if queue.bytes + bytes.len() <= ROOM || queue.pieces.is_empty() {
                    queue.push(bytes);
                    drop(queue);
                    self.filled.notify_one();
                    return 0;
                }
            }
            if tokio::time::timeout_at(end.into(), emptied).await.is_err() {
                self.queue.lock().congested = true;
                return bytes.len() as u64;
            }
        }
    }

    /// Waits until all is written, at most so long.
    pub async fn drained(&self, limit: Duration) {
        let end = Instant::now() + limit;
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            {
                let queue = self.queue.lock();
                if queue.broken || (queue.pieces.is_empty() && !queue.writing) {
                    return;
                }
            }
            if tokio::time::timeout_at(end.into(), emptied).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes nothing until it is told to.
    struct Stuck(std::sync::mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_line_that_was_cut_off_is_ended() {
        let kept = Kept::default();
        let outlet = Outlet::new(kept.clone());
        outlet.line("begin");
        outlet.pass(Bytes::from_static(b"goroutine 7 [run")).await;
        outlet.line("died");
        outlet.pass(Bytes::from_static(b"next\n")).await;
        outlet.line("end");
        outlet.drained(Duration::from_secs(60)).await;
        let text = String::from_utf8(kept.0.lock().clone()).unwrap();
        assert_eq!(text, "begin\ngoroutine 7 [run\ndied\nnext\nend\n");
    }

    #[tokio::test]
    async fn a_terminal_that_stands_still_stops_nobody() {
        let (go, stuck) = std::sync::mpsc::channel();
        let outlet = Outlet::new(Stuck(stuck));
        let piece = Bytes::from(vec![b'x'; 64 << 10]);
        let start = Instant::now();
        let mut dropped = 0;
        for _ in 0..1000 {
            dropped += outlet.pass(piece.clone()).await;
        }
        assert!(dropped > 0);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert!(outlet.queue.lock().bytes <= ROOM + piece.len());
        drop(go);
        outlet.drained(Duration::from_secs(60)).await;
        assert_eq!(outlet.pass(piece).await, 0, "it takes again");
    }
}
