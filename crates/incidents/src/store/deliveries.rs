//! The outbox's tables: what is to be told to which sink, who is telling it right now, and how that
//! went. A delivery is claimed by a lease with a time limit, so that of several guards on one store
//! one sends it, and another takes over when that one dies.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Any, Row as _, Transaction};

use super::record::digest;
use super::{Store, micros, persist, timestamp};
use crate::error::Result;
use crate::incident::Ticket;
use crate::outbox::Event;

/// Errors of sinks are cut to so many characters.
const MAX_ERROR: usize = 500;

/// A delivery that this process may send until its lease ends.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// `dlv-…`: the idempotency key.
    pub id: String,
    pub incident: String,
    pub sink: String,
    pub event: Event,
    /// The occurrence that it is about; empty for changes of state.
    pub occurrence: String,
    /// How often it has been claimed, this time included.
    pub attempts: u32,
    /// What an earlier attempt sent or was about to send.
    pub body: Option<String>,
    /// When it was put into the outbox.
    pub created: Timestamp,
}

/// How an attempt ended.
pub(crate) enum Outcome {
    /// The sink has it.
    Sent,
    /// Try again after so many microseconds.
    Later { after: i64, error: String },
    /// The sink is down or wants a pause: nothing is sent to it for so many microseconds.
    Pause { after: i64, error: String },
    /// The sink will never take it.
    Refused { error: String },
}

/// A delivery, for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DeliveryStatus {
    /// The sink.
    pub sink: String,
    /// What is told: `opened`, `repeated`, …
    pub event: String,
    /// `pending`, `sent`, or `refused`.
    pub state: String,
    /// How often it has been tried.
    pub attempts: u64,
    /// When it was put into the outbox.
    pub created: Timestamp,
    /// When the sink had it.
    pub done: Option<Timestamp>,
    /// Why the latest attempt failed.
    pub error: String,
}

/// How a sink does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// How many deliveries wait for it.
    pub pending: u64,
    /// How many it has refused.
    pub refused: u64,
    /// When it last took one.
    pub last_ok: Option<Timestamp>,
    /// Until when nothing is sent to it, if that is not over.
    pub paused_until: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u64,
    /// The latest failure since the last success.
    pub error: String,
}

impl Store {
    /// Puts a delivery into the outbox. The caller's transaction holds the incident's row.
    pub(super) async fn enqueue(
        &self,
        tx: &mut Transaction<'static, Any>,
        incident: &str,
        sink: &str,
        event: Event,
        occurrence: &str,
    ) -> Result<()> {
        let now = micros(Timestamp::now());
        let mut not_before = 0;
        if event == Event::Repeated {
            // One that nobody has begun to send yet tells of this repeat as well. It is locked by
            // the update: whoever claims it afterwards reads this occurrence.
            let joined = sqlx::query(
                "UPDATE deliveries SET occurrence = $3 WHERE incident = $1 AND sink = $2 AND \
                 event = 'repeated' AND state = 'pending' AND attempts = 0",
            )
            .bind(incident)
            .bind(sink)
            .bind(occurrence)
            .execute(&mut **tx)
            .await?
            .rows_affected();
            if joined > 0 {
                return Ok(());
            }
            let latest: Option<i64> = sqlx::query_scalar(
                "SELECT created FROM deliveries WHERE incident = $1 AND sink = $2 \
                 ORDER BY seq DESC LIMIT 1",
            )
            .bind(incident)
            .bind(sink)
            .fetch_optional(&mut **tx)
            .await?;
            not_before = latest.map_or(0, |latest| latest.saturating_add(self.inner.repeat));
        }
        let seq: i64 = sqlx::query_scalar(
            "UPDATE incidents SET events = events + 1 WHERE id = $1 RETURNING events",
        )
        .bind(incident)
        .fetch_one(&mut **tx)
        .await?;
        // The time makes the key of an incident that was deleted and came again another one.
        let id = format!("dlv-{}", digest(&[incident, sink, &seq.to_string(), &now.to_string()]));
        sqlx::query(
            "INSERT INTO deliveries (id, incident, sink, seq, event, occurrence, created, state, \
             attempts, not_before, lease_until, lease_owner, last_error) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, 0, '', '')",
        )
        .bind(id)
        .bind(incident)
        .bind(sink)
        .bind(seq)
        .bind(event.as_str())
        .bind(occurrence)
        .bind(now)
        .bind(not_before)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Claims the next delivery to a sink for so long, if one is due: those of one incident in their
    /// order.
    pub(crate) async fn claim(
        &self,
        sink: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<Claim>> {
        let now = self.clock().await?;
        let row = sqlx::query(
            "UPDATE deliveries SET lease_until = $3, lease_owner = $4, attempts = attempts + 1 \
             WHERE lease_until <= $2 AND state = 'pending' AND id = (\
               SELECT d.id FROM deliveries d WHERE d.sink = $1 AND d.state = 'pending' \
               AND d.not_before <= $2 AND d.lease_until <= $2 \
               AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.incident = d.incident \
                 AND e.sink = d.sink AND e.state = 'pending' AND e.seq < d.seq) \
               AND NOT EXISTS (SELECT 1 FROM sinks s WHERE s.name = d.sink AND s.paused_until > $2) \
               ORDER BY d.created, d.seq LIMIT 1) \
             RETURNING id, incident, event, occurrence, attempts, body, created",
        )
        .bind(sink)
        .bind(now)
        .bind(until(now, lease))
        .bind(owner)
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let event: String = row.try_get("event")?;
        Ok(Some(Claim {
            id: row.try_get("id")?,
            incident: row.try_get("incident")?,
            sink: sink.to_owned(),
            event: Event::parse(&event).unwrap_or(Event::Repeated),
            occurrence: row.try_get("occurrence")?,
            attempts: row.try_get::<i64, _>("attempts")? as u32,
            body: row.try_get("body")?,
            created: timestamp(row.try_get("created")?),
        }))
    }

    /// Makes a claim that still holds hold for so long from now on.
    pub(crate) async fn renew(&self, claim: &Claim, owner: &str, lease: Duration) -> Result<()> {
        let now = self.clock().await?;
        sqlx::query(
            "UPDATE deliveries SET lease_until = $3 \
             WHERE id = $1 AND lease_owner = $2 AND state = 'pending'",
        )
        .bind(&claim.id)
        .bind(owner)
        .bind(until(now, lease))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Keeps what is about to be sent, so that another attempt sends the same. Whether the lease
    /// still holds.
    pub(crate) async fn keep_body(&self, claim: &Claim, owner: &str, body: &str) -> Result<bool> {
        let kept =
            sqlx::query("UPDATE deliveries SET body = $3 WHERE id = $1 AND lease_owner = $2")
                .bind(&claim.id)
                .bind(owner)
                .bind(body)
                .execute(self.pool())
                .await?;
        Ok(kept.rows_affected() > 0)
    }

    /// Writes down how an attempt ended.
    pub(crate) async fn settle(&self, claim: &Claim, owner: &str, outcome: &Outcome) -> Result<()> {
        persist(|| self.write_outcome(claim, owner, outcome)).await?;
        let _ = self.inner.changes.send(claim.incident.clone());
        Ok(())
    }

    async fn write_outcome(&self, claim: &Claim, owner: &str, outcome: &Outcome) -> Result<()> {
        let now = self.clock().await?;
        let (state, not_before, error) = match outcome {
            Outcome::Sent => ("sent", 0, ""),
            Outcome::Refused { error } => ("refused", 0, error.as_str()),
            Outcome::Later { after, error } => ("pending", now + after, error.as_str()),
            // The pause is the sink's; when it is over, the oldest goes first.
            Outcome::Pause { error, .. } => ("pending", 0, error.as_str()),
        };
        let error: String = diag::clean_line(error).chars().take(MAX_ERROR).collect();
        let done = (state != "pending").then_some(now);
        let mut tx = self.begin().await?;
        // A delivery that was sent is sent, even if the lease ended meanwhile.
        let sql = if matches!(outcome, Outcome::Sent) {
            "UPDATE deliveries SET state = $3, not_before = $4, lease_until = 0, last_error = $5, \
             done = $6, body = NULL WHERE id = $1 AND state = 'pending' AND $2 <> ''"
        } else {
            "UPDATE deliveries SET state = $3, not_before = $4, lease_until = 0, last_error = $5, \
             done = $6 WHERE id = $1 AND state = 'pending' AND lease_owner = $2"
        };
        sqlx::query(sql)
            .bind(&claim.id)
            .bind(owner)
            .bind(state)
            .bind(not_before)
            .bind(&error)
            .bind(done)
            .execute(&mut *tx)
            .await?;
        let (paused, failures, ok) = match outcome {
            Outcome::Sent => (0, 0, Some(now)),
            Outcome::Pause { after, .. } => (now + after, 1, None),
            Outcome::Later { .. } | Outcome::Refused { .. } => (0, 1, None),
        };
        sqlx::query(
            "INSERT INTO sinks (name, paused_until, failures, last_error, last_ok) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET \
             paused_until = CASE WHEN excluded.paused_until > sinks.paused_until OR \
               excluded.failures = 0 THEN excluded.paused_until ELSE sinks.paused_until END, \
             failures = CASE WHEN excluded.failures = 0 THEN 0 ELSE sinks.failures + 1 END, \
             last_error = excluded.last_error, \
             last_ok = COALESCE(excluded.last_ok, sinks.last_ok)",
        )
        .bind(&claim.sink)
        .bind(paused)
        .bind(failures)
        .bind(&error)
        .bind(ok)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// How often a sink has failed since its last success.
    pub(crate) async fn failures(&self, sink: &str) -> Result<u32> {
        let sql = "SELECT failures FROM sinks WHERE name = $1";
        let failures: Option<i64> =
            sqlx::query_scalar(sql).bind(sink).fetch_optional(self.pool()).await?;
        Ok(u32::try_from(failures.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// Remembers what a sink calls an incident.
    pub(crate) async fn keep_ticket(&self, incident: &str, ticket: &Ticket) -> Result<()> {
        persist(|| async {
            sqlx::query(
                "INSERT INTO tickets (incident, sink, reference, url) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (incident, sink) DO UPDATE SET reference = excluded.reference, \
                 url = excluded.url",
            )
            .bind(incident)
            .bind(&ticket.sink)
            .bind(&ticket.reference)
            .bind(ticket.url.as_deref().unwrap_or_default())
            .execute(self.pool())
            .await?;
            Ok(())
        })
        .await
    }

    /// The ticket of an incident in a sink.
    pub(crate) async fn ticket(&self, incident: &str, sink: &str) -> Result<Option<Ticket>> {
        let tickets = self.tickets(incident).await?;
        Ok(tickets.into_iter().find(|ticket| ticket.sink == sink))
    }

    pub(super) async fn tickets(&self, incident: &str) -> Result<Vec<Ticket>> {
        let rows = sqlx::query(
            "SELECT sink, reference, url FROM tickets WHERE incident = $1 ORDER BY sink",
        )
        .bind(incident)
        .fetch_all(self.pool())
        .await?;
        let ticket = |row: sqlx::any::AnyRow| {
            Ok(Ticket {
                sink: row.try_get("sink")?,
                reference: row.try_get("reference")?,
                url: Some(row.try_get::<String, _>("url")?).filter(|url| !url.is_empty()),
            })
        };
        rows.into_iter().map(ticket).collect()
    }

    /// What was told or is to be told about an incident, latest first, at most 100.
    pub fn deliveries<'a>(
        &'a self,
        incident: &'a str,
    ) -> BoxFuture<'a, Result<Vec<DeliveryStatus>>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT sink, event, state, attempts, created, done, last_error FROM deliveries \
             WHERE incident = $1 ORDER BY seq DESC LIMIT 100",
            )
            .bind(incident)
            .fetch_all(self.pool())
            .await?;
            let delivery = |row: sqlx::any::AnyRow| {
                Ok(DeliveryStatus {
                    sink: row.try_get("sink")?,
                    event: row.try_get("event")?,
                    state: row.try_get("state")?,
                    attempts: row.try_get::<i64, _>("attempts")? as u64,
                    created: timestamp(row.try_get("created")?),
                    done: row.try_get::<Option<i64>, _>("done")?.map(timestamp),
                    error: row.try_get("last_error")?,
                })
            };
            rows.into_iter().map(delivery).collect()
        })
    }

    /// How each configured sink does.
    pub fn sinks(&self) -> BoxFuture<'_, Result<Vec<SinkStatus>>> {
        Box::pin(async move {
            let now = self.clock().await?;
            let mut all = Vec::new();
            for rule in &self.inner.rules {
                let mut status = SinkStatus {
                    name: rule.sink.clone(),
                    pending: 0,
                    refused: 0,
                    last_ok: None,
                    paused_until: None,
                    failures: 0,
                    error: String::new(),
                };
                let counts = sqlx::query(
                    "SELECT state, COUNT(*) AS many FROM deliveries WHERE sink = $1 AND \
                 state <> 'sent' GROUP BY state",
                )
                .bind(&rule.sink)
                .fetch_all(self.pool())
                .await?;
                for row in counts {
                    let many = row.try_get::<i64, _>("many")? as u64;
                    match row.try_get::<String, _>("state")?.as_str() {
                        "pending" => status.pending = many,
                        _ => status.refused = many,
                    }
                }
                let row = sqlx::query(
                    "SELECT paused_until, failures, last_error, last_ok FROM sinks WHERE name = $1",
                )
                .bind(&rule.sink)
                .fetch_optional(self.pool())
                .await?;
                if let Some(row) = row {
                    let paused: i64 = row.try_get("paused_until")?;
                    status.paused_until = (paused > now).then(|| timestamp(paused));
                    status.failures = row.try_get::<i64, _>("failures")? as u64;
                    status.error = row.try_get("last_error")?;
                    status.last_ok = row.try_get::<Option<i64>, _>("last_ok")?.map(timestamp);
                }
                all.push(status);
            }
            Ok(all)
        })
    }

    /// How many deliveries are still to be made.
    pub fn pending(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let sql = "SELECT COUNT(*) FROM deliveries WHERE state = 'pending'";
            let many: i64 = sqlx::query_scalar(sql).fetch_one(self.pool()).await?;
            Ok(many as u64)
        })
    }
}

/// The microsecond at which a lease that begins now ends.
fn until(now: i64, lease: Duration) -> i64 {
    now.saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX))
}
