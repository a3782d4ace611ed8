//! Running a tool, and whether slow tests are wanted.

use std::path::Path;
use std::process::Command;

/// What takes minutes runs when `UNPANIC_EXHAUSTIVE` is set, which CI does not do.
pub fn exhaustive() -> bool {
    std::env::var_os("UNPANIC_EXHAUSTIVE").is_some()
}

/// Slow tests run when `UNPANIC_SLOW` is set, which CI does.
pub fn slow() -> bool {
    std::env::var_os("UNPANIC_SLOW").is_some_and(|v| !v.is_empty() && v != "0")
}

/// Runs a command line in a folder and gives what it printed; it has to succeed.
#[track_caller]
pub fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let (success, text) = try_run(dir, program, arguments);
    assert!(success, "{program} {}\n{text}", arguments.join(" "));
    text
}

/// The same, with whether it succeeded.
pub fn try_run(dir: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir);
    command.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-buildvcs=false");
    // The toolchain that is called decides, not the one of whoever runs the tests.
    for name in ["GOROOT", "GOWORK", "GOOS", "GOARCH"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Whether a tool can be started.
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
