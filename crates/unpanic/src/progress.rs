//! A progress bar on standard error when that is a terminal; nothing otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use engine::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

/// The bar of a run.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar, hidden when `quiet` or when standard error is no terminal.
    pub fn new(quiet: bool) -> Self {
        Self(bar(quiet))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        let template = match total {
            Some(_) => "{spinner} {prefix} [{bar:30}] {pos}/{len} {wide_msg}",
            None => "{spinner} {prefix} {wide_msg}",
        };
        self.0.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        self.0.set_prefix(stage.label());
        self.0.set_message("");
        self.0.set_position(0);
        if let Some(total) = total {
            self.0.set_length(total);
        }
    }

    fn step(&self, what: &str) {
        self.0.inc(1);
        if !self.0.is_hidden() {
            self.0.set_message(diag::clean_line(what).into_owned());
        }
    }
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// What is being done, when nobody knows how much there is.
pub struct Spinner(ProgressBar);

impl Spinner {
    /// A spinner, hidden when `quiet` or when standard error is no terminal.
    pub fn new(quiet: bool) -> Self {
        Self(bar(quiet))
    }

    /// Says what is done now.
    pub fn tell(&self, what: &str) {
        self.0.set_message(diag::clean_line(what).into_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// So many of so many things are done.
pub struct Steps(ProgressBar);

impl Steps {
    /// A bar, hidden when `quiet` or when standard error is no terminal.
    pub fn new(quiet: bool, total: usize) -> Self {
        let steps = bar(quiet);
        let template = "{spinner} [{bar:30}] {pos}/{len} {wide_msg}";
        steps.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        steps.set_length(total as u64);
        Self(steps)
    }

    /// Says how many are done, and what is done now.
    pub fn tell(&self, done: usize, what: &str) {
        self.0.set_position(done as u64);
        if !self.0.is_hidden() {
            self.0.set_message(diag::clean_line(what).into_owned());
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
