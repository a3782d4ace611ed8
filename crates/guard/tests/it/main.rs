//! The guard as a process of its own, over real Go services that die.

#![expect(clippy::disallowed_methods, reason = "tests work on the disk and run programs")]

mod crashes;
mod guarded;
mod incidents_told;
mod lifecycle;
mod protocols;
mod proxying;
