//! Where incidents are kept: the store, or nowhere. A store that does not answer is asked again for a
//! while; what comes meanwhile waits in the queue of observations.

use std::time::{Duration, Instant};

use incidents::{NewIncident, Store};

/// How long an incident is tried to be stored.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest pause between two tries.
const PAUSE: Duration = Duration::from_secs(5);

/// Keeps incidents.
#[derive(Default)]
pub(crate) struct Keeper(Option<Store>);

impl Keeper {
    /// Keeps them in `store`, if there is one.
    pub fn new(store: Option<Store>) -> Self {
        Self(store)
    }

    /// Keeps one; gives the id of the occurrence. `complain` is told when it takes more than one try.
    pub async fn record(
        &self,
        new: &NewIncident,
        complain: impl Fn(&str),
    ) -> Result<Option<String>, String> {
        let Some(store) = &self.0 else { return Ok(None) };
        let (begun, mut pause) = (Instant::now(), Duration::from_millis(50));
        loop {
            // Recording twice what was recorded already is recording it once.
            match store.record(new).await {
                Ok(recorded) => return Ok(Some(recorded.occurrence)),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error.to_string()),
                Err(error) => {
                    if pause == PAUSE {
                        complain(&format!("the store does not take an incident: {error}"));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE);
                }
            }
        }
    }

    /// Adds how long the recovery took.
    pub async fn recovered(&self, occurrence: &str, took: Duration) -> Result<(), String> {
        let Some(store) = &self.0 else { return Ok(()) };
        store.recovered(occurrence, took).await.map(|_| ()).map_err(|e| e.to_string())
    }
}
