//! What can go wrong with the store and with sinks.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The location of a store is neither a file nor the URL of a `PostgreSQL` database.
    #[error("`{found}` is no place for a store: expected a file, or postgres://USER@HOST/DATABASE")]
    Location {
        /// What was given, without password.
        found: String,
    },
    /// The store could not be opened.
    #[error("the incident store {place} could not be opened: {source}")]
    Open {
        /// Where it is, without password.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The store was made by a newer unpanic, or its migrations failed.
    #[error("the incident store {place} could not be brought up to date: {source}")]
    Migrate {
        /// Where it is, without password.
        place: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The database refused.
    #[error("the incident store: {0}")]
    Database(#[from] sqlx::Error),
    /// What stands in the store is not what this version writes.
    #[error("the incident store has a damaged {what}: {reason}")]
    Damaged {
        /// Which thing.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No incident has that id.
    #[error("there is no incident {0}")]
    Unknown(String),
    /// A secret is not where the configuration says.
    #[error("{place} has no secret: it is missing, unreadable or empty")]
    Secret {
        /// Where it was looked for.
        place: String,
    },
    /// A sink's configuration does not work.
    #[error("sink `{sink}`: {reason}")]
    Sink {
        /// Its name.
        sink: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client of the sinks could not be made: {0}")]
    Client(#[source] reqwest::Error),
}
