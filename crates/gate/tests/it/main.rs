//! The gate from the outside: loads against servers in this process, and runs against small programs.

mod load;
mod run;
mod server;
