//! Everything that changes incidents: recording, states, recovery times, retention. Each function is
//! one transaction that may be repeated.

use std::time::Duration;

use diag::clean_line;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::{Any, Row as _, Transaction};

use super::{Store, blob, micros, persist};
use crate::error::{Error, Result};
use crate::incident::{Novelty, Recorded, State};
use crate::model::{NewIncident, Outcome};
use crate::outbox::Event;

/// Names of services, hosts and people are cut to so many characters.
const MAX_NAME: usize = 200;
/// No incident has so many occurrences: SQLite wants a limit before an offset.
const ALL: i64 = 1 << 40;
/// In microseconds.
const HOUR: i64 = 3_600_000_000;

/// What is stored of a crash, ready to be written as often as it takes.
struct Row {
    incident: String,
    occurrence: String,
    service: String,
    fingerprint: String,
    title: String,
    class: Outcome,
    recoverable: Option<i64>,
    time: i64,
    search: String,
    version: String,
    host: String,
    instance: String,
    pid: i64,
    recovery: Option<i64>,
    what: Vec<u8>,
}

impl Row {
    fn new(new: &NewIncident, limit: usize) -> Self {
        let service = name(&new.service.name);
        let fingerprint = name(&new.fingerprint());
        let title = new.title();
        let time = micros(new.time);
        let incident = incident_id(&service, &fingerprint);
        let dead = new.crash.iter().flat_map(|crash| &crash.report.goroutines);
        let dead: Vec<String> = dead.map(|goroutine| goroutine.id.to_string()).collect();
        let parts = [
            &service,
            &fingerprint,
            &new.time.as_nanosecond().to_string(),
            &new.service.host,
            &new.service.instance,
            &new.service.pid.to_string(),
            &dead.join(","),
            &new.request.as_ref().map(|r| r.request.id.to_string()).unwrap_or_default(),
        ];
        Self {
            occurrence: format!("occ-{}", digest(&parts.map(String::as_str))),
            search: format!("{service} {title} {fingerprint}").to_lowercase(),
            class: new.class,
            recoverable: new
                .crash
                .as_ref()
                .and_then(|crash| crash.report.recoverable)
                .or_else(|| new.crash.is_none().then_some(false))
                .map(i64::from),
            version: name(new.service.version.as_deref().unwrap_or_default()),
            host: name(&new.service.host),
            instance: name(&new.service.instance),
            pid: i64::from(new.service.pid),
            recovery: new.recovery.map(millis),
            what: blob::pack(new, limit),
            incident,
            service,
            fingerprint,
            title,
            time,
        }
    }
}

impl Row {
    /// Makes it an occurrence of the incident for what is too much.
    fn join_flood(&mut self) {
        "flood".clone_into(&mut self.fingerprint);
        self.incident = incident_id(&self.service, &self.fingerprint);
        self.title = format!("many different crashes, the latest: {}", self.title);
        self.search = format!("{} {} flood", self.service, self.title).to_lowercase();
    }
}

impl Store {
    /// Records a crash and puts what is to be told about it into the outbox, in one transaction.
    /// Recording the same again changes nothing. While the database cannot be reached, it is tried
    /// for five minutes.
    pub fn record<'a>(&'a self, new: &'a NewIncident) -> BoxFuture<'a, Result<Recorded>> {
        Box::pin(async move {
            let mut row = Row::new(new, self.inner.retention.occurrence_bytes as usize);
            if persist(|| self.is_flood(&row)).await? {
                row.join_flood();
            }
            let row = &row;
            let novelty = persist(|| self.write(row)).await?;
            self.changed(&row.incident);
            Ok(Recorded {
                incident: row.incident.clone(),
                occurrence: row.occurrence.clone(),
                novelty,
            })
        })
    }

    /// Whether it would be a new incident where there are too many new ones.
    async fn is_flood(&self, row: &Row) -> Result<bool> {
        let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM incidents WHERE id = $1")
            .bind(&row.incident)
            .fetch_one(self.pool())
            .await?;
        if known > 0 {
            return Ok(false);
        }
        let sql = "SELECT COUNT(*) FROM incidents WHERE service = $1 AND first_seen > $2";
        let new: i64 = sqlx::query_scalar(sql)
            .bind(&row.service)
            .bind(row.time.saturating_sub(HOUR))
            .fetch_one(self.pool())
            .await?;
        Ok(new >= self.inner.new_per_hour)
    }

    async fn write(&self, row: &Row) -> Result<Novelty> {
        let mut tx = self.begin().await?;
        let made = sqlx::query(
            "INSERT INTO incidents (id, service, fingerprint, title, class, recoverable, state, \
             state_by, state_since, first_seen, last_seen, count, events, search) \
             VALUES ($1, $2, $3, $4, $5, $6, 'open', '', $7, $7, $7, 0, 0, $8) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&row.incident)
        .bind(&row.service)
        .bind(&row.fingerprint)
        .bind(&row.title)
        .bind(row.class.as_str())
        .bind(row.recoverable)
        .bind(row.time)
        .bind(&row.search)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        // Locks the incident until the end of the transaction.
        let before = sqlx::query(
            "UPDATE incidents SET count = count + 1 WHERE id = $1 \
             RETURNING state, state_since, last_seen",
        )
        .bind(&row.incident)
        .fetch_one(&mut *tx)
        .await?;
        let added = sqlx::query(
            "INSERT INTO occurrences (id, incident, time, class, version, host, instance, pid, \
             recovery_ms, what) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&row.occurrence)
        .bind(&row.incident)
        .bind(row.time)
        .bind(row.class.as_str())
        .bind(&row.version)
        .bind(&row.host)
        .bind(&row.instance)
        .bind(row.pid)
        .bind(row.recovery)
        .bind(row.what.as_slice())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if added == 0 {
            tx.rollback().await?;
            return Ok(Novelty::Known);
        }
        let resolved = before.try_get::<String, _>("state")? == State::Resolved.as_str();
        // A crash from before it was resolved, recorded late, says nothing about the fix.
        let novelty = if made > 0 {
            Novelty::First
        } else if resolved && row.time > before.try_get::<i64, _>("state_since")? {
            Novelty::Regression
        } else {
            Novelty::Repeat
        };
        let latest = made > 0 || row.time >= before.try_get::<i64, _>("last_seen")?;
        let seen = if latest {
            "UPDATE incidents SET last_seen = $2, title = $3, class = $4, recoverable = $5 \
             WHERE id = $1"
        } else {
            "UPDATE incidents SET first_seen = CASE WHEN first_seen > $2 THEN $2 ELSE first_seen END \
             WHERE id = $1"
        };
        let mut query = sqlx::query(seen).bind(&row.incident).bind(row.time);
        if latest {
            query = query.bind(&row.title).bind(row.class.as_str()).bind(row.recoverable);
        }
        query.execute(&mut *tx).await?;
        if novelty == Novelty::Regression {
            state(&mut tx, &row.incident, State::Regressed, "", row.time).await?;
        }
        let event = match novelty {
            Novelty::First => Event::Opened,
            Novelty::Regression => Event::Regressed,
            _ => Event::Repeated,
        };
        for rule in &self.inner.rules {
            if !rule.deaths_only || row.class == Outcome::Died {
                self.enqueue(&mut tx, &row.incident, &rule.sink, event, &row.occurrence).await?;
            }
        }
        let beyond = i64::from(self.inner.retention.occurrences.max(1));
        sqlx::query(
            "DELETE FROM occurrences WHERE id IN (SELECT id FROM occurrences WHERE incident = $1 \
             ORDER BY time DESC, id DESC LIMIT $2 OFFSET $3)",
        )
        .bind(&row.incident)
        .bind(ALL)
        .bind(beyond)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(novelty)
    }

    /// Sets the state that somebody decided on: acknowledged, resolved, or open again. Whether it
    /// changed. Sinks are told.
    pub fn set_state<'a>(
        &'a self,
        incident: &'a str,
        to: State,
        by: &'a str,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let by = name(by);
            let by = by.as_str();
            let changed = persist(|| self.write_state(incident, to, by)).await?;
            if changed {
                self.changed(incident);
            }
            Ok(changed)
        })
    }

    async fn write_state(&self, incident: &str, to: State, by: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let before: Option<String> = sqlx::query_scalar(
            "UPDATE incidents SET events = events + 0 WHERE id = $1 RETURNING state",
        )
        .bind(incident)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(before) = before else { return Err(Error::Unknown(incident.to_owned())) };
        if before == to.as_str() {
            return Ok(false);
        }
        state(&mut tx, incident, to, by, micros(Timestamp::now())).await?;
        let event = match to {
            State::Acknowledged => Event::Acknowledged,
            State::Resolved => Event::Resolved,
            State::Open | State::Regressed => Event::Reopened,
        };
        for rule in self.inner.rules.iter().filter(|rule| rule.wants(event)) {
            // A sink that was never told of the incident has nothing to change.
            let told: Option<i64> = sqlx::query_scalar(
                "SELECT seq FROM deliveries WHERE incident = $1 AND sink = $2 LIMIT 1",
            )
            .bind(incident)
            .bind(&rule.sink)
            .fetch_optional(&mut *tx)
            .await?;
            if told.is_some() {
                self.enqueue(&mut tx, incident, &rule.sink, event, "").await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Adds how long it took from the crash to the first good answer.
    pub fn recovered<'a>(
        &'a self,
        occurrence: &'a str,
        after: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let incident: Option<String> = persist(|| async {
                let sql =
                    "UPDATE occurrences SET recovery_ms = $2 WHERE id = $1 RETURNING incident";
                let query = sqlx::query_scalar(sql).bind(occurrence).bind(millis(after));
                Ok(query.fetch_optional(self.pool()).await?)
            })
            .await?;
            if let Some(incident) = incident {
                self.changed(&incident);
            }
            Ok(())
        })
    }

    /// Deletes what is older or more than the configuration allows; how many occurrences and
    /// incidents went. Incidents of which something is still to be told stay.
    pub fn prune(&self) -> BoxFuture<'_, Result<(u64, u64)>> {
        Box::pin(async move {
            let retention = &self.inner.retention;
            let age = i64::try_from(retention.age().as_micros()).unwrap_or(i64::MAX);
            let cutoff = micros(Timestamp::now()).saturating_sub(age);
            persist(|| self.delete_old(cutoff)).await
        })
    }

    async fn delete_old(&self, cutoff: i64) -> Result<(u64, u64)> {
        let mut tx = self.begin().await?;
        let occurrences = sqlx::query(
            "DELETE FROM occurrences WHERE time < $1 AND EXISTS (SELECT 1 FROM incidents \
             WHERE incidents.id = occurrences.incident AND occurrences.time < incidents.last_seen)",
        )
        .bind(cutoff)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        // Also those that wait for a sink that was taken out of the configuration long ago.
        sqlx::query("DELETE FROM deliveries WHERE created < $1")
            .bind(cutoff)
            .execute(&mut *tx)
            .await?;
        let old = sqlx::query(
            "DELETE FROM incidents WHERE state = 'resolved' AND last_seen < $1 AND NOT EXISTS \
             (SELECT 1 FROM deliveries WHERE incident = incidents.id AND state = 'pending')",
        )
        .bind(cutoff)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let many = sqlx::query(
            "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents ORDER BY last_seen DESC, id \
             LIMIT $1 OFFSET $2) AND NOT EXISTS \
             (SELECT 1 FROM deliveries WHERE incident = incidents.id AND deliveries.state = 'pending')",
        )
        .bind(ALL)
        .bind(i64::from(self.inner.retention.incidents.max(1)))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok((occurrences, old + many))
    }
}

async fn state(
    tx: &mut Transaction<'static, Any>,
    incident: &str,
    to: State,
    by: &str,
    time: i64,
) -> Result<()> {
    sqlx::query("UPDATE incidents SET state = $2, state_by = $3, state_since = $4 WHERE id = $1")
        .bind(incident)
        .bind(to.as_str())
        .bind(by)
        .bind(time)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO changes (incident, time, state, by_whom) VALUES ($1, $2, $3, $4)")
        .bind(incident)
        .bind(time)
        .bind(to.as_str())
        .bind(by)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The id of the incident that a service and a fingerprint make.
fn incident_id(service: &str, fingerprint: &str) -> String {
    format!("inc-{}", digest(&[service, fingerprint]))
}

/// 16 hexadecimal digits of the hash of parts; their boundaries count.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

/// A text from outside as one clean line of bounded length (PostgreSQL takes no NUL).
fn name(text: &str) -> String {
    clean_line(text).chars().take(MAX_NAME).collect()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
