//! The store: one SQLite file that several guards of a host may share, or a PostgreSQL database that
//! several hosts share. Both are spoken to through sqlx's `Any`, in SQL that both understand.
//!
//! Whatever has to happen together is one transaction: recording a crash and putting what is to be
//! told about it into the outbox. Ids are made of what they stand for, so that doing it twice is
//! doing it once.
//!
//! What other crates await comes boxed: an `async fn` is compiled once more in each crate that awaits it, with
//! all of sqlx below it.

mod blob;
mod deliveries;
mod read;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, AnyPool, ConnectOptions as _, Executor as _, SqlSafeStr as _, Transaction};
use tokio::sync::{broadcast, watch};

pub(crate) use deliveries::{Claim, Outcome as DeliveryOutcome};
pub use deliveries::{DeliveryStatus, SinkStatus};
pub use read::OccurrenceHead;

use crate::config::{Config, SinkKind};
use crate::error::{Error, Result};
use crate::incident::Retention;
use crate::outbox::Event;

/// Versions of the tables: number, name, SQL for SQLite and for PostgreSQL. What is released is never changed,
/// only followed. Not `sqlx::migrate!`: sqlx's macros build both drivers a second time.
const MIGRATIONS: [(i64, &str, &str, &str); 1] = [(
    1,
    "incidents",
    include_str!("../../migrations/sqlite/0001_incidents.sql"),
    include_str!("../../migrations/postgres/0001_incidents.sql"),
)];

/// How long a writer waits for another process to finish with the file.
const BUSY: Duration = Duration::from_secs(10);
/// How long a write is tried again while the database cannot be reached.
const OUTAGE: Duration = Duration::from_mins(5);

/// A store of incidents. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pool: AnyPool,
    dialect: Dialect,
    place: String,
    retention: Retention,
    rules: Vec<Rule>,
    /// Microseconds between updates of one ticket.
    repeat: i64,
    /// So many new incidents of a service an hour.
    new_per_hour: i64,
    /// Something has been put into the outbox.
    due: watch::Sender<()>,
    changes: broadcast::Sender<String>,
}

/// What a sink wants to be told.
struct Rule {
    sink: String,
    deaths_only: bool,
    kind: Told,
}

/// By which events a sink is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    All,
    /// Alertmanager has no notion of an acknowledged alert.
    FiringAndResolved,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Rule {
    fn wants(&self, event: Event) -> bool {
        self.kind == Told::All || event != Event::Acknowledged
    }
}

impl Store {
    /// Opens the store at a file (made if it is not there) or at the URL of a PostgreSQL database
    /// (which must be there), and brings its tables up to date.
    pub fn open<'a>(location: &'a str, config: &'a Config) -> BoxFuture<'a, Result<Self>> {
        Box::pin(async move {
            sqlx::any::install_default_drivers();
            let postgres =
                location.starts_with("postgres://") || location.starts_with("postgresql://");
            let place = without_password(location);
            let (options, dialect) = if postgres {
                let parsed = location.parse::<AnyConnectOptions>();
                (parsed.map_err(|_| Error::Location { found: place.clone() })?, Dialect::Postgres)
            } else if location.is_empty() || location.contains("://") {
                return Err(Error::Location { found: place });
            } else {
                (file(Path::new(location)).map_err(|e| open_error(&place, e))?, Dialect::Sqlite)
            };
            // Statements of this crate are not secret, but neither are they anybody's log.
            let options = options.disable_statement_logging();
            let pool = AnyPoolOptions::new()
                .max_connections(if postgres { 8 } else { 4 })
                .acquire_timeout(Duration::from_secs(20))
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        if !postgres {
                            connection.execute(PRAGMAS).await?;
                        }
                        Ok(())
                    })
                })
                .connect_with(options)
                .await
                .map_err(|e| open_error(&place, e))?;
            migrate(&pool, dialect, &place).await?;
            let rules = config.sinks.iter().map(|sink| Rule {
                sink: sink.name.clone(),
                deaths_only: sink.deaths_only,
                kind: match sink.kind {
                    SinkKind::Alertmanager { .. } => Told::FiringAndResolved,
                    _ => Told::All,
                },
            });
            Ok(Self {
                inner: Arc::new(Inner {
                    pool,
                    dialect,
                    place,
                    retention: config.retention.clone(),
                    rules: rules.collect(),
                    repeat: i64::from(config.repeat_seconds) * 1_000_000,
                    new_per_hour: i64::from(config.new_per_hour.max(1)),
                    due: watch::Sender::new(()),
                    changes: broadcast::channel(256).0,
                }),
            })
        })
    }

    /// Where it is, without password.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// The ids of incidents that this process changed. Other guards' changes are seen by
    /// [`Store::version`] only.
    pub fn changes(&self) -> broadcast::Receiver<String> {
        self.inner.changes.subscribe()
    }

    /// Closes all connections; a write-ahead log is merged into its file.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.inner.pool.close().await;
        })
    }

    /// Changes when this process has put something into the outbox.
    pub(crate) fn due(&self) -> watch::Receiver<()> {
        self.inner.due.subscribe()
    }

    fn changed(&self, incident: &str) {
        self.inner.due.send_replace(());
        // Nobody listening is no failure.
        let _ = self.inner.changes.send(incident.to_owned());
    }

    fn pool(&self) -> &AnyPool {
        &self.inner.pool
    }

    /// A transaction that will write. SQLite has to know at once: a reader that becomes a writer is
    /// refused when another has written meanwhile.
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        match self.inner.dialect {
            Dialect::Sqlite => self.pool().begin_with("BEGIN IMMEDIATE").await,
            Dialect::Postgres => self.pool().begin().await,
        }
    }

    /// The time of leases, microseconds: of the database, where several hosts share it.
    async fn clock(&self) -> Result<i64> {
        if self.inner.dialect == Dialect::Sqlite {
            return Ok(Timestamp::now().as_microsecond());
        }
        let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";
        Ok(sqlx::query_scalar(sql).fetch_one(self.pool()).await?)
    }
}

/// Tries again while the database cannot be reached or is busy. What is tried must be one
/// transaction whose repetition does no harm.
async fn persist<T, F>(mut what: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(OUTAGE));
    (|| what()).retry(backoff).when(passes).await
}

/// Whether an error may be gone a moment later.
fn passes(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // SQLITE_BUSY and _LOCKED with their extended codes; PostgreSQL: serialization and
            // deadlock (40), connection (08), resources (53), shutdown and start (57).
            let sqlite = code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
            let postgres = ["40", "08", "53", "57"].iter().any(|class| code.starts_with(class));
            if code.len() == 5 { postgres } else { sqlite }
        }),
        _ => false,
    }
}

/// WAL lets readers go on while one writes. FULL, because a ticket that was made of an incident must
/// not outlive it. The limit keeps the log from staying as large as it once was.
const PRAGMAS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216";

fn file(path: &Path) -> sqlx::Result<AnyConnectOptions> {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Requests stand in it: nobody else's business.
    let mut create = std::fs::OpenOptions::new();
    create.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
    create.open(&path)?;
    let options = SqliteConnectOptions::new().filename(&path).busy_timeout(BUSY);
    AnyConnectOptions::from_url(&options.to_url_lossy())
}

async fn migrate(pool: &AnyPool, dialect: Dialect, place: &str) -> Result<()> {
    let migrations = MIGRATIONS.map(|(version, name, sqlite, postgres)| {
        let sql = match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.into());
    let mut tries = 0;
    loop {
        match migrator.run(pool).await {
            Ok(()) => return Ok(()),
            // Two guards that start together on a new SQLite file both want to make the tables.
            Err(_) if dialect == Dialect::Sqlite && tries < 5 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(100 * tries)).await;
            }
            Err(source) => return Err(Error::Migrate { place: place.to_owned(), source }),
        }
    }
}

fn open_error(place: &str, source: impl Into<sqlx::Error>) -> Error {
    Error::Open { place: place.to_owned(), source: source.into() }
}

/// A URL as it may be shown.
fn without_password(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

/// A time as it is stored.
fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A stored time.
fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_not_shown() {
        let shown = without_password("postgres://me:p@ss:w@db.example/x?password=secret");
        assert_eq!(shown, "postgres://me@db.example/x");
        assert_eq!(without_password("/var/lib/x.db"), "/var/lib/x.db");
    }
}
