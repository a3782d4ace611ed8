//! The store and the sinks from the outside: a real SQLite file, a real PostgreSQL, and HTTP servers
//! that take only what the published schemas of the sinks allow.

mod deliver;
mod kill;
mod postgres;
mod record;
mod sample;
mod servers;
mod text;
