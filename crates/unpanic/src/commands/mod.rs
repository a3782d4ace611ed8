//! One file a command.

pub mod cache;
pub mod check;
pub mod crash;
pub mod debug;
pub mod explain;
pub mod gate;
pub mod guard;
pub mod lab;
pub mod layout;
pub mod prove;
pub mod rules;
pub mod scaffold;
mod target;
pub mod trace;
