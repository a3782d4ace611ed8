//! The folder that a run works in. It goes when the run ends, when unpanic dies (its guard sees to
//! it), and if both are killed, when unpanic starts again.

use std::fs;
use std::io;
use std::path::Path;

use crate::guard::{Guard, Janitor};

const PREFIX: &str = "unpanic-run-";

/// The folder; removed on drop.
#[derive(Debug)]
pub struct Workspace {
    // Dropped first: it may still be removing what the next field looks for.
    _janitor: Option<Janitor>,
    dir: tempfile::TempDir,
}

impl Workspace {
    /// Makes one, after removing those of processes that are gone. Without a guard, it stays until the next
    /// one is made when this process is killed.
    pub fn new(guard: Option<&Guard>) -> io::Result<Self> {
        let above = std::env::temp_dir();
        remove_stale(&above);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(above)?;
        let janitor = guard.map(|guard| Janitor::start(guard, dir.path())).transpose()?;
        Ok(Self { _janitor: janitor, dir })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the folders of processes that are gone. What cannot be removed stays.
fn remove_stale(above: &Path) {
    let Ok(entries) = fs::read_dir(above) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if owner(&name.to_string_lossy()).is_some_and(|pid| !is_alive(pid)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process that a folder belongs to.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return true;
    };
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// Elsewhere folders are left to the system.
#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    true
}

/// Whether a folder is one of ours: the guard removes no other.
pub(crate) fn is_workspace(dir: &Path) -> bool {
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned());
    name.is_some_and(|n| owner(&n).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_dead_processes_go() {
        let above = tempfile::tempdir().unwrap();
        // No process has this number: Linux and macOS stop far below.
        let dead = above.path().join(format!("{PREFIX}2000000000-x"));
        let own = above.path().join(format!("{PREFIX}{}-x", std::process::id()));
        let other = above.path().join("unpanic-other");
        for dir in [&dead, &own, &other] {
            fs::create_dir(dir).unwrap();
        }
        remove_stale(above.path());
        assert!(!dead.exists() && own.exists() && other.exists());
    }
}
