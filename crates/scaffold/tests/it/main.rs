//! What is scaffolded is tried with the tools of those who get it: go, promtool, amtool.

#![expect(clippy::disallowed_methods, reason = "tests write modules and run Go in them")]

mod command;
mod go_layouts;
mod monitoring;
mod planning;
