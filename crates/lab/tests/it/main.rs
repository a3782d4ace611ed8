//! Tests of the lab at its boundary: its programs, and runs of them with the Go that is installed.
#![expect(clippy::disallowed_methods, reason = "tests write files and run Go")]

mod programs;
mod runs;

use std::path::{Path, PathBuf};

use go_exec::Toolchain;

/// The Go that `cargo xtask test` names, or the one in the path.
pub fn toolchain() -> Toolchain {
    let go = std::env::var_os("UNPANIC_GO").map_or_else(|| PathBuf::from("go"), PathBuf::from);
    Toolchain::find_alone(Path::new(&go)).unwrap()
}
