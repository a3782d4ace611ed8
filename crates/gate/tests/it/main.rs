//! The gate from the outside: loads against servers in this process, and runs against small programs.

#![expect(clippy::disallowed_methods, reason = "tests write files for themselves")]

mod load;
mod run;
mod server;
