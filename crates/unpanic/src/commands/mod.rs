//! One file a command.

pub mod cache;
pub mod check;
pub mod crash;
pub mod debug;
pub mod explain;
pub mod guard;
pub mod layout;
pub mod prove;
pub mod rules;
mod target;
pub mod trace;
