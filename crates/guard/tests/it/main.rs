//! The guard as a process of its own, over real Go services that die; and the admin page, by HTTP and
//! in a browser.

#![expect(clippy::disallowed_methods, reason = "tests work on the disk and run programs")]

mod admin;
mod crashes;
mod guarded;
mod incidents_told;
mod lifecycle;
mod otlp;
mod page;
mod protocols;
mod proxying;
#[allow(dead_code, reason = "the store's tests use more of it")]
#[path = "../../../incidents/tests/it/sample.rs"]
mod sample;
#[allow(dead_code, reason = "the tests of other pages use more of it")]
#[path = "../../../unpanic/tests/it/webdriver.rs"]
mod webdriver;
