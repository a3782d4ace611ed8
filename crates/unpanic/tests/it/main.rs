//! The binary from the outside: what it prints where, and what it exits with.

mod bad_input;
mod browser;
mod cached;
mod command;
mod crash;
mod gate;
mod good_input;
mod lab;
mod layout;
mod prove;
mod scaffold;
mod story;
mod trace;
mod trace_record;
mod webdriver;
