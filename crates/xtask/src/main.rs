//! Automation: scoreboards and checks that CI runs.

#[expect(dead_code, reason = "the command line is not wired yet")]
mod scoreboard_project;
#[expect(dead_code, reason = "the command line is not wired yet")]
mod scoreboard_syntax;

fn main() {}
