//! The courier: takes what is due out of the outbox and brings it to the sinks. A sink that is down
//! holds up itself only, the deliveries of one incident keep their order, and of what happened while
//! nobody could be told nothing is lost: it stands in the store until a sink has taken it.
//!
//! Whether a sink has got something that was sent when the connection broke or this process was
//! killed cannot be known. So it is sent again, in the same words, under a key by which the sink knows
//! it: see each sink.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::error::Result;
use crate::sink::{Failure, Sending, Sink};
use crate::store::{Claim, DeliveryOutcome, Store};
use crate::ticket::Notice;

/// How long a claim holds without being renewed: what a killed guard was about to send waits so long.
const LEASE: Duration = Duration::from_secs(6);
/// How often a delivery on its way renews its claim, so that nobody else sends while this process does.
const RENEW: Duration = Duration::from_secs(2);
/// How long one delivery may take.
const SEND: Duration = Duration::from_secs(30);
/// How often other guards' entries and leases that have run out are looked for.
const POLL: Duration = Duration::from_secs(1);
/// How often the store is tidied.
const PRUNE: Duration = Duration::from_hours(1);
/// A sink that is down is asked again at least this often.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// A delivery that fails by itself (a wrong token, say) is tried at least this often.
const MAX_DELAY: Duration = Duration::from_mins(10);

/// What an incident's ticket is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The first occurrence.
    Opened,
    /// More occurrences.
    Repeated,
    /// An occurrence after it was resolved.
    Regressed,
    /// Somebody is at it.
    Acknowledged,
    /// It is said to be fixed.
    Resolved,
    /// It was opened again by hand.
    Reopened,
}

impl Event {
    const ALL: [Self; 6] = [
        Self::Opened,
        Self::Repeated,
        Self::Regressed,
        Self::Acknowledged,
        Self::Resolved,
        Self::Reopened,
    ];

    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Repeated => "repeated",
            Self::Regressed => "regressed",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

/// Who is told about failures of sinks and of the store.
type Complain = Arc<dyn Fn(&str) + Send + Sync>;

/// Empties the outbox.
pub struct Courier {
    shared: Arc<Shared>,
    sinks: Vec<Arc<Sink>>,
}

struct Shared {
    store: Store,
    /// Names this process to others on the store.
    owner: String,
    page: Option<String>,
    complain: Complain,
}

impl Courier {
    /// Checks the sinks' configuration: addresses, secrets, names.
    pub fn new(store: Store, config: &Config) -> Result<Self> {
        let sinks = Sink::all(&config.sinks)?;
        let shared = Shared {
            store,
            owner: owner(),
            page: config.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            complain: Arc::new(|_| {}),
        };
        Ok(Self { shared: Arc::new(shared), sinks: sinks.into_iter().map(Arc::new).collect() })
    }

    /// Calls a function with each failure, in one line. No secret is in it.
    #[must_use]
    pub fn complaining(self, to: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let Shared { store, owner, page, .. } = &*self.shared;
        let shared = Shared {
            store: store.clone(),
            owner: owner.clone(),
            page: page.clone(),
            complain: Arc::new(to),
        };
        Self { shared: Arc::new(shared), ..self }
    }

    /// Delivers until `stop` is done; then finishes what it has begun. What is left stays in the
    /// store for the next one.
    pub fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, ()> {
        self.deliver(Box::pin(stop))
    }

    fn deliver(self, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (tell, told) = watch::channel(false);
            let mut tasks = JoinSet::new();
            for sink in &self.sinks {
                tasks.spawn(serve(Arc::clone(&self.shared), Arc::clone(sink), told.clone()));
            }
            tasks.spawn(tidy(Arc::clone(&self.shared), told));
            stop.await;
            tell.send_replace(true);
            while tasks.join_next().await.is_some() {}
        })
    }
}

/// Brings one sink what is due.
async fn serve(shared: Arc<Shared>, sink: Arc<Sink>, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(sink.parallel()));
    let mut due = shared.store.due();
    let mut sending = JoinSet::new();
    while !*stop.borrow() {
        due.borrow_and_update();
        while sending.try_join_next().is_some() {}
        let permit = Arc::clone(&room).acquire_owned().await.expect("nobody closes it");
        let mut pause = POLL;
        match shared.store.claim(sink.name(), &shared.owner, LEASE).await {
            Ok(Some(claim)) => {
                let (shared, sink) = (Arc::clone(&shared), Arc::clone(&sink));
                sending.spawn(async move {
                    deliver(&shared, &sink, &claim).await;
                    drop(permit);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => {
                (shared.complain)(&format!("sink `{}`: {error}", sink.name()));
                pause *= 2;
            }
        }
        drop(permit);
        tokio::select! {
            _ = due.changed() => {}
            _ = stop.changed() => {}
            // One that has ended may have let the next of its incident become due.
            Some(_) = sending.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    while sending.join_next().await.is_some() {}
}

async fn deliver(shared: &Shared, sink: &Sink, claim: &Claim) {
    let outcome = match tokio::time::timeout(SEND, renewing(shared, sink, claim)).await {
        Ok(Ok(())) => DeliveryOutcome::Sent,
        Ok(Err(failure)) => outcome(shared, claim, failure).await,
        Err(_) => {
            let failure = Failure::Down(format!("no answer within {} s", SEND.as_secs()));
            outcome(shared, claim, failure).await
        }
    };
    let told = match &outcome {
        DeliveryOutcome::Sent => None,
        DeliveryOutcome::Later { error, .. } | DeliveryOutcome::Pause { error, .. } => {
            Some(format!("{error}; it will be tried again"))
        }
        DeliveryOutcome::Refused { error } => Some(format!("{error}; it will not be tried again")),
    };
    if let Some(told) = told {
        let about = format!("{} of {}", claim.event.as_str(), claim.incident);
        (shared.complain)(&format!("sink `{}`, {about}: {told}", claim.sink));
    }
    if let Err(error) = shared.store.settle(claim, &shared.owner, &outcome).await {
        // The lease runs out, and it is sent again under the same key.
        (shared.complain)(&error.to_string());
    }
}

/// One attempt, whose claim holds for as long as it takes.
async fn renewing(shared: &Shared, sink: &Sink, claim: &Claim) -> std::result::Result<(), Failure> {
    let mut attempt = std::pin::pin!(attempt(shared, sink, claim));
    loop {
        match tokio::time::timeout(RENEW, &mut attempt).await {
            Ok(done) => return done,
            Err(_) => {
                if let Err(error) = shared.store.renew(claim, &shared.owner, LEASE).await {
                    // Then another guard may send it too, under the same key.
                    (shared.complain)(&error.to_string());
                }
            }
        }
    }
}

/// One attempt to bring a delivery to its sink.
async fn attempt(shared: &Shared, sink: &Sink, claim: &Claim) -> std::result::Result<(), Failure> {
    let store = &shared.store;
    let body = match &claim.body {
        Some(body) => body.clone(),
        None => {
            let Some(notice) = notice(shared, claim).await? else {
                return Err(Failure::Refused("the incident is no longer in the store".to_owned()));
            };
            let body = sink.render(&notice);
            if !store.keep_body(claim, &shared.owner, &body).await? {
                return Err(Failure::Store("another guard has taken it over".to_owned()));
            }
            body
        }
    };
    let sending = Sending {
        id: &claim.id,
        incident: &claim.incident,
        event: claim.event,
        again: claim.attempts > 1,
        created: claim.created,
        ticket: store.ticket(&claim.incident, &claim.sink).await?,
        body: &body,
    };
    if let Some(ticket) = sink.send(&sending).await? {
        store.keep_ticket(&claim.incident, &ticket).await?;
    }
    Ok(())
}

async fn notice(shared: &Shared, claim: &Claim) -> Result<Option<Notice>> {
    let store = &shared.store;
    let Some(incident) = store.get(&claim.incident).await? else { return Ok(None) };
    let occurrence = match claim.occurrence.as_str() {
        "" => None,
        id => store.occurrence(id).await?,
    };
    let occurrence = match occurrence {
        // Retention may have taken it meanwhile.
        None => store.latest(&claim.incident).await?,
        occurrence => occurrence,
    };
    let page = shared.page.as_ref().map(|url| format!("{url}/incidents/{}", incident.id));
    Ok(Some(Notice { id: claim.id.clone(), event: claim.event, incident, occurrence, page }))
}

async fn outcome(shared: &Shared, claim: &Claim, failure: Failure) -> DeliveryOutcome {
    match failure {
        Failure::Down(error) => {
            let failures = shared.store.failures(&claim.sink).await.unwrap_or(0);
            let after = micros(delay(failures, MAX_PAUSE));
            DeliveryOutcome::Pause { after, error }
        }
        Failure::Wait(time, error) => DeliveryOutcome::Pause { after: micros(time), error },
        Failure::Setup(error) | Failure::Store(error) => {
            let after = micros(delay(claim.attempts.saturating_sub(1), MAX_DELAY));
            DeliveryOutcome::Later { after, error }
        }
        Failure::Refused(error) => DeliveryOutcome::Refused { error },
    }
}

/// How long to wait after so many failures: doubled each time, with jitter, so that several guards
/// do not come back together.
fn delay(failures: u32, max: Duration) -> Duration {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(max)
        .with_jitter()
        .without_max_times()
        .build();
    backoff.into_iter().nth(failures.min(32) as usize).unwrap_or(max).min(max)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2)
}

async fn tidy(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = shared.store.prune().await {
            (shared.complain)(&error.to_string());
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(PRUNE) => {}
        }
    }
}

/// A name that no other process on the store has.
fn owner() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    // Each `RandomState` has keys of its own from the system.
    let random = RandomState::new().build_hasher().finish();
    format!("{}-{random:016x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_their_limit() {
        assert!(delay(0, MAX_PAUSE) < Duration::from_millis(500));
        assert!(delay(3, MAX_PAUSE) >= Duration::from_millis(1600));
        assert_eq!(delay(u32::MAX, MAX_PAUSE), MAX_PAUSE);
    }
}
