//! Who is being served, and who just was: the table that a crash is joined with. Entries copy what
//! they keep, so that a finished request holds none of its connection's buffers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use http::Method;
use incidents::Fate;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// How long a finished request is remembered.
const REMEMBERED: Duration = Duration::from_secs(10);
/// How many finished requests are remembered at most; at higher rates the time is shorter.
const MAX_RECENT: usize = 32_768;
/// So many bytes of a path are kept.
const MAX_PATH: usize = 1024;
/// The table is cut into so many parts with a lock each.
const SHARDS: usize = 16;

/// What can become of a request, later ones outweighing earlier ones.
const FATES: [Fate; 5] = [Fate::Served, Fate::Held, Fate::Replayed, Fate::Refused, Fate::Cut];

/// A trace id (W3C Trace Context, section 3.2.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TraceId(pub [u8; 16]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The guard's own span of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpanContext {
    /// Its id; 0 when it has none.
    pub id: u64,
    /// That of the span that sent the request; 0 when there is none.
    pub parent: u64,
    /// Whether it is told in any case.
    pub sampled: bool,
}

/// One request, from its head to the end of its answer.
#[derive(Debug)]
pub struct Flight {
    /// Its number.
    pub id: u64,
    /// Its trace.
    pub trace: TraceId,
    /// The guard's own part of it.
    pub span: SpanContext,
    /// Its method.
    pub method: Method,
    /// Its path without the query, which may carry secrets.
    pub path: Box<str>,
    /// The configured headers, hashed where told so.
    pub headers: Box<[(Box<str>, Box<str>)]>,
    /// The value of `X-Request-Id`, to be found in labels.
    pub request_id: Option<Box<str>>,
    /// When its head had come.
    pub started: Instant,
    /// The same by the clock on the wall.
    pub started_at: SystemTime,
    /// The child that serves it; 0 while none does.
    child: AtomicU64,
    /// The local port of the connection to that child.
    port: AtomicU16,
    /// The status that was sent; 0 before.
    status: AtomicU16,
    /// How often it was sent again.
    replays: AtomicU32,
    /// Whether a crash was joined to it for certain.
    culprit: AtomicBool,
    /// What became of it, as an index of [`FATES`].
    fate: AtomicU8,
    /// Microseconds from start to end; 0 while in flight.
    micros: AtomicU64,
}

/// What the table is told of a new request.
pub struct NewFlight {
    /// See [`Flight`].
    pub trace: TraceId,
    /// See [`Flight`].
    pub span: SpanContext,
    /// See [`Flight`].
    pub method: Method,
    /// See [`Flight`]; cut here.
    pub path: String,
    /// See [`Flight`].
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// See [`Flight`].
    pub request_id: Option<Box<str>>,
}

impl Flight {
    /// It is given to a child, over the connection with this local port.
    pub fn goes_to(&self, child: u64, port: u16) {
        self.port.store(port, Ordering::Relaxed);
        self.child.store(child, Ordering::Release);
    }
    /// The child that serves it.
    pub fn child(&self) -> u64 {
        self.child.load(Ordering::Acquire)
    }
    /// The local port of the connection to that child.
    pub fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }
    /// Its answer begins.
    pub fn answers(&self, status: http::StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }
    /// The status that was sent, if any was.
    pub fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Relaxed)).filter(|&s| s != 0)
    }
    /// It is sent again.
    pub fn replayed(&self) {
        self.replays.fetch_add(1, Ordering::Relaxed);
        self.meets(Fate::Replayed);
    }
    /// How often it was sent again.
    pub fn replays(&self) -> u32 {
        self.replays.load(Ordering::Relaxed)
    }
    /// A crash is this request's for certain.
    pub fn blame(&self) {
        self.culprit.store(true, Ordering::Release);
    }
    /// Whether a crash is this request's for certain.
    pub fn is_culprit(&self) -> bool {
        self.culprit.load(Ordering::Acquire)
    }
    /// Something became of it.
    pub fn meets(&self, fate: Fate) {
        let index = FATES.iter().position(|f| *f == fate).unwrap_or(0);
        self.fate.fetch_max(index as u8, Ordering::Relaxed);
    }
    /// What became of it.
    pub fn fate(&self) -> Fate {
        FATES[usize::from(self.fate.load(Ordering::Relaxed)).min(FATES.len() - 1)]
    }
    /// How long it took, once it has ended.
    pub fn took(&self) -> Option<Duration> {
        Some(self.micros.load(Ordering::Relaxed)).filter(|&m| m != 0).map(Duration::from_micros)
    }
}

/// All requests in flight, and the last that ended.
pub struct Flights {
    shards: [Mutex<FxHashMap<u64, Arc<Flight>>>; SHARDS],
    recent: Mutex<VecDeque<(Instant, Arc<Flight>)>>,
    next: AtomicU64,
    ended: Box<dyn Fn(&Flight) + Send + Sync>,
}

/// A request in flight; it ends when this is dropped.
pub struct InFlight {
    flight: Arc<Flight>,
    flights: Arc<Flights>,
}

impl Flights {
    /// An empty table; `ended` is told of each request that is over.
    pub fn new(ended: impl Fn(&Flight) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            shards: Default::default(),
            recent: Mutex::default(),
            next: AtomicU64::new(0),
            ended: Box::new(ended),
        })
    }

    /// A request begins.
    pub fn begin(self: &Arc<Self>, new: NewFlight) -> InFlight {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut path = new.path;
        if path.len() > MAX_PATH {
            let end = (0..=MAX_PATH).rev().find(|&at| path.is_char_boundary(at)).unwrap_or(0);
            path.truncate(end);
        }
        let flight = Arc::new(Flight {
            id,
            trace: new.trace,
            span: new.span,
            method: new.method,
            path: path.into(),
            headers: new.headers.into(),
            request_id: new.request_id,
            started: Instant::now(),
            started_at: SystemTime::now(),
            child: AtomicU64::new(0),
            port: AtomicU16::new(0),
            status: AtomicU16::new(0),
            replays: AtomicU32::new(0),
            culprit: AtomicBool::new(false),
            fate: AtomicU8::new(0),
            micros: AtomicU64::new(0),
        });
        self.shard(id).lock().insert(id, Arc::clone(&flight));
        InFlight { flight, flights: Arc::clone(self) }
    }

    fn shard(&self, id: u64) -> &Mutex<FxHashMap<u64, Arc<Flight>>> {
        &self.shards[(id % SHARDS as u64) as usize]
    }

    /// How many are in flight.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All in flight, oldest first.
    pub fn all(&self) -> Vec<Arc<Flight>> {
        let mut all: Vec<Arc<Flight>> = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().cloned());
        }
        all.sort_by_key(|flight| flight.id);
        all
    }

    /// Those that a child serves, oldest first.
    pub fn of_child(&self, child: u64) -> Vec<Arc<Flight>> {
        let mut all = self.all();
        all.retain(|flight| flight.child() == child);
        all
    }

    /// Those that ended within `window`, oldest first.
    pub fn recent(&self, window: Duration) -> Vec<Arc<Flight>> {
        let recent = self.recent.lock();
        let now = Instant::now();
        let young = |at: &Instant| now.saturating_duration_since(*at) <= window;
        let start = recent.partition_point(|(at, _)| !young(at));
        recent.range(start..).map(|(_, flight)| Arc::clone(flight)).collect()
    }

    fn end(&self, flight: &Arc<Flight>) {
        let took = flight.started.elapsed().as_micros().max(1);
        flight.micros.store(took.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        self.shard(flight.id).lock().remove(&flight.id);
        let now = Instant::now();
        let mut recent = self.recent.lock();
        // Two at a time: the queue shrinks again after a burst, without a pause for all of it.
        for _ in 0..2 {
            let old = recent.front().is_some_and(|(at, _)| now.duration_since(*at) > REMEMBERED);
            if old || recent.len() >= MAX_RECENT {
                recent.pop_front();
            }
        }
        recent.push_back((now, Arc::clone(flight)));
    }
}

impl InFlight {
    /// The request.
    pub fn flight(&self) -> &Arc<Flight> {
        &self.flight
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.flights.end(&self.flight);
        (self.flights.ended)(&self.flight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(path: &str) -> NewFlight {
        NewFlight {
            span: SpanContext::default(),
            trace: TraceId([7; 16]),
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            request_id: None,
        }
    }

    #[test]
    fn a_flight_moves_from_the_table_to_the_recent_ones() {
        let flights = Flights::new(|_| {});
        let one = flights.begin(new("/a"));
        one.flight().goes_to(3, 4000);
        assert_eq!(flights.of_child(3).len(), 1);
        assert!(flights.of_child(4).is_empty());
        drop(one);
        assert!(flights.is_empty());
        let recent = flights.recent(Duration::from_secs(3));
        assert_eq!(&*recent[0].path, "/a");
        assert!(recent[0].took().is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let flights = Flights::new(|_| {});
        for _ in 0..MAX_RECENT + 10 {
            drop(flights.begin(new("/")));
        }
        assert!(flights.recent.lock().len() <= MAX_RECENT);
        let long = flights.begin(new(&"é".repeat(MAX_PATH)));
        assert!(long.flight().path.len() <= MAX_PATH);
    }
}
