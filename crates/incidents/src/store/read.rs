//! Reading incidents: lists with search and paging, one incident, its occurrences and its history.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Store, blob, timestamp};
use crate::error::{Error, Result};
use crate::incident::{Change, Incident, Occurrence, Page, Query, State};
use crate::model::Outcome;

/// So many words of a search count.
const MAX_WORDS: usize = 8;
/// A page has at most so many entries, and this many unless asked otherwise.
const MAX_PAGE: u64 = 200;
const PAGE: u64 = 50;

/// An occurrence without what happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OccurrenceHead {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub time: Timestamp,
    /// Whether the process died.
    pub class: Outcome,
    /// The version that ran; empty if it is not known.
    pub version: String,
    /// The machine.
    pub host: String,
    /// The replica.
    pub instance: String,
    /// The process.
    pub pid: u32,
    /// Milliseconds from the crash to the first good answer.
    pub recovery_ms: Option<u64>,
}

impl Store {
    /// A page of the incidents that a query asks for, those seen last first.
    pub fn list<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Page<Incident>>> {
        Box::pin(async move {
            let words: Vec<String> = query
                .text
                .to_lowercase()
                .split_whitespace()
                .take(MAX_WORDS)
                .map(|word| format!("%{}%", escaped(word)))
                .collect();
            let mut conditions: Vec<String> =
                (1..=words.len()).map(|n| format!("search LIKE ${n} ESCAPE '\\'")).collect();
            if !query.states.is_empty() {
                let states: Vec<String> =
                    query.states.iter().map(|state| format!("'{}'", state.as_str())).collect();
                conditions.push(format!("state IN ({})", states.join(", ")));
            }
            if query.service.is_some() {
                conditions.push(format!("service = ${}", words.len() + 1));
            }
            let mut filter = conditions.join(" AND ");
            if !filter.is_empty() {
                filter.insert_str(0, "WHERE ");
            }
            let size = if query.page_size == 0 { PAGE } else { query.page_size.min(MAX_PAGE) };
            let offset = query.page.saturating_mul(size).min(1 << 40);
            // The texts are this function's own; what was asked for is bound.
            let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM incidents {filter}"));
            let mut count = sqlx::query_scalar::<_, i64>(count);
            let sql = AssertSqlSafe(format!(
                "SELECT * FROM incidents {filter} ORDER BY last_seen DESC, id LIMIT {size} OFFSET {offset}"
            ));
            let mut rows = sqlx::query(sql);
            for word in words.iter().chain(&query.service) {
                count = count.bind(word);
                rows = rows.bind(word);
            }
            let total = count.fetch_one(self.pool()).await? as u64;
            let rows = rows.fetch_all(self.pool()).await?;
            let items = rows.iter().map(incident).collect::<Result<Vec<_>>>()?;
            Ok(Page { items, total, page: query.page, page_size: size })
        })
    }

    /// One incident with its tickets.
    pub fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Incident>>> {
        Box::pin(async move {
            let row = sqlx::query("SELECT * FROM incidents WHERE id = $1")
                .bind(id)
                .fetch_optional(self.pool())
                .await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(Incident { tickets: self.tickets(id).await?, ..incident(&row)? }))
        })
    }

    /// How many incidents are in each state, and all services that have one, at most 200.
    pub fn overview(&self) -> BoxFuture<'_, Result<(Vec<(State, u64)>, Vec<String>)>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT state, COUNT(*) AS many FROM incidents GROUP BY state")
                .fetch_all(self.pool())
                .await?;
            let mut counts: Vec<(State, u64)> = State::ALL.map(|state| (state, 0)).to_vec();
            for row in rows {
                let name: String = row.try_get("state")?;
                let many: i64 = row.try_get("many")?;
                for (state, count) in &mut counts {
                    if state.as_str() == name {
                        *count = many as u64;
                    }
                }
            }
            let sql = "SELECT DISTINCT service FROM incidents ORDER BY service LIMIT 200";
            Ok((counts, sqlx::query_scalar(sql).fetch_all(self.pool()).await?))
        })
    }

    /// A page of an incident's occurrences, latest first, without what happened.
    pub fn occurrences<'a>(
        &'a self,
        incident: &'a str,
        page: u64,
    ) -> BoxFuture<'a, Result<Page<OccurrenceHead>>> {
        Box::pin(async move {
            let count = "SELECT COUNT(*) FROM occurrences WHERE incident = $1";
            let total: i64 =
                sqlx::query_scalar(count).bind(incident).fetch_one(self.pool()).await?;
            let rows = sqlx::query(
            "SELECT id, time, class, version, host, instance, pid, recovery_ms FROM occurrences \
             WHERE incident = $1 ORDER BY time DESC, id DESC LIMIT $2 OFFSET $3",
        )
        .bind(incident)
        .bind(PAGE as i64)
        .bind(page.saturating_mul(PAGE).min(1 << 40) as i64)
        .fetch_all(self.pool())
        .await?;
            let items = rows.iter().map(head).collect::<Result<Vec<_>>>()?;
            Ok(Page { items, total: total as u64, page, page_size: PAGE })
        })
    }

    /// One occurrence with everything that was known.
    pub fn occurrence<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Occurrence>>> {
        Box::pin(async move {
            let sql = "SELECT id, incident, recovery_ms, what FROM occurrences WHERE id = $1";
            let row = sqlx::query(sql).bind(id).fetch_optional(self.pool()).await?;
            row.map(|row| occurrence(&row)).transpose()
        })
    }

    /// The latest occurrence of an incident.
    pub fn latest<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Result<Option<Occurrence>>> {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT id, incident, recovery_ms, what FROM occurrences WHERE incident = $1 \
             ORDER BY time DESC, id DESC LIMIT 1",
            )
            .bind(incident)
            .fetch_optional(self.pool())
            .await?;
            row.map(|row| occurrence(&row)).transpose()
        })
    }

    /// What people (and regressions) did to an incident, latest first, at most 100.
    pub fn history<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Result<Vec<Change>>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT time, state, by_whom FROM changes WHERE incident = $1 \
             ORDER BY time DESC LIMIT 100",
            )
            .bind(incident)
            .fetch_all(self.pool())
            .await?;
            let change = |row: &AnyRow| {
                Ok(Change {
                    time: timestamp(row.try_get("time")?),
                    state: state(row)?,
                    by: row.try_get("by_whom")?,
                })
            };
            rows.iter().map(change).collect()
        })
    }

    /// Something that is another whenever an incident was added, seen again or changed, by any
    /// guard: to see other guards' changes without reading everything.
    pub fn version(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT COUNT(*) AS many, CAST(COALESCE(SUM(count), 0) AS BIGINT) AS seen, \
             COALESCE(MAX(state_since), 0) AS changed FROM incidents",
            )
            .fetch_one(self.pool())
            .await?;
            let get = |name| row.try_get::<i64, _>(name);
            Ok(format!("{}-{}-{}", get("many")?, get("seen")?, get("changed")?))
        })
    }
}

/// A word in which `%` and `_` mean themselves.
fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars().filter(|c| *c != '\0') {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn incident(row: &AnyRow) -> Result<Incident> {
    Ok(Incident {
        id: row.try_get("id")?,
        service: row.try_get("service")?,
        fingerprint: row.try_get("fingerprint")?,
        title: row.try_get("title")?,
        class: class(row)?,
        recoverable: row.try_get::<Option<i64>, _>("recoverable")?.map(|known| known != 0),
        state: state(row)?,
        state_by: row.try_get("state_by")?,
        state_since: timestamp(row.try_get("state_since")?),
        first_seen: timestamp(row.try_get("first_seen")?),
        last_seen: timestamp(row.try_get("last_seen")?),
        count: row.try_get::<i64, _>("count")? as u64,
        tickets: Vec::new(),
    })
}

fn head(row: &AnyRow) -> Result<OccurrenceHead> {
    Ok(OccurrenceHead {
        id: row.try_get("id")?,
        time: timestamp(row.try_get("time")?),
        class: class(row)?,
        version: row.try_get("version")?,
        host: row.try_get("host")?,
        instance: row.try_get("instance")?,
        pid: row.try_get::<i64, _>("pid")? as u32,
        recovery_ms: row.try_get::<Option<i64>, _>("recovery_ms")?.map(|ms| ms as u64),
    })
}

fn occurrence(row: &AnyRow) -> Result<Occurrence> {
    let packed: Vec<u8> = row.try_get("what")?;
    let (mut what, trimmed) = blob::unpack(&packed)?;
    let recovery: Option<i64> = row.try_get("recovery_ms")?;
    what.recovery = recovery.map(|ms| Duration::from_millis(ms as u64)).or(what.recovery);
    Ok(Occurrence { id: row.try_get("id")?, incident: row.try_get("incident")?, what, trimmed })
}

fn class(row: &AnyRow) -> Result<Outcome> {
    match row.try_get::<String, _>("class")?.as_str() {
        "died" => Ok(Outcome::Died),
        "lived" => Ok(Outcome::Lived),
        other => Err(Error::Damaged {
            what: "class of an incident".to_owned(),
            reason: format!("expected died or lived, found {other:?}"),
        }),
    }
}

fn state(row: &AnyRow) -> Result<State> {
    let name: String = row.try_get("state")?;
    State::parse(&name).ok_or_else(|| Error::Damaged {
        what: "state of an incident".to_owned(),
        reason: format!("expected open, acknowledged, resolved or regressed, found {name:?}"),
    })
}
