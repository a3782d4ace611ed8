//! A runtime that writes the trace out before a map conflict ends the process. Go does so before a
//! panic, but not before a fatal error: whatever is in memory is lost then, however often it was written
//! out before. The standard library is built anew for it, once a Go version: the build cache keeps it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// What is added to the runtime.
const FLUSH: &str = include_str!("flush.go");
/// Where it is called from.
const FATAL: &str = "\nfunc fatal(s string) {\n";
/// Conditions under which code may run that grows the stack, waits and allocates: the goroutine is on
/// its own stack and holds no lock of the runtime.
const CALL: &str = "\tif gp := getg(); unpanicConflict != nil && gp == gp.m.curg && gp.m.locks == 0 && \
     gp.m.mallocing == 0 && traceEnabled() {\n\t\tunpanicConflict(s)\n\t}\n";
/// Declarations that it needs, each in some file of the runtime.
const NEEDED: [&str; 3] = [
    "\nfunc traceAdvance(stopTrace bool) {",
    "\nfunc trace_userLog(id uint64, category, message string) {",
    "\nfunc timeSleep(ns int64) {",
];

/// Writes the changed file of the runtime into `folder`: which file of GOROOT it stands for, and where it
/// is. None for a Go whose runtime looks different.
pub fn patch(go: &str, dir: &Path, folder: &Path) -> anyhow::Result<Option<(PathBuf, PathBuf)>> {
    let output = Command::new(go).args(["env", "GOROOT"]).current_dir(dir).output();
    let output = output.with_context(|| format!("cannot run {go}"))?;
    let runtime = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("src/runtime");
    let mut needed = NEEDED.to_vec();
    for entry in std::fs::read_dir(&runtime).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "go") && !needed.is_empty() {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            needed.retain(|declaration| !text.contains(declaration));
        }
    }
    let file = runtime.join("panic.go");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    if !needed.is_empty() || text.matches(FATAL).count() != 1 {
        return Ok(None);
    }
    let patched = folder.join("panic.go");
    std::fs::write(&patched, text.replace(FATAL, &format!("{FATAL}{CALL}")) + FLUSH)
        .context("cannot write the changed runtime")?;
    Ok(Some((file, patched)))
}
