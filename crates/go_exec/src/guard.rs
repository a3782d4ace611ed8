//! The processes that clean up when unpanic dies, by whatever it died of: they hold one end of a pipe,
//! which closes then. One is with a folder for as long as it is there and removes it; one is between
//! unpanic and each command that it runs, in a group of its own, and kills the group. That is not one
//! process for both: a command may end of unpanic's death before its guard has heard of it, as by writing
//! to a pipe that nobody reads.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::workspace::is_workspace;

/// Time for what was killed to stop writing into the folder.
const PATIENCE: u32 = 600;

/// What unpanic writes to have the command killed.
pub(crate) const KILL: u8 = b'k';

/// How to start a guard: this program with these arguments, and `--folder` with a folder or `--` with a
/// command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guard {
    /// The program.
    pub program: PathBuf,
    /// Its arguments before the folder.
    pub arguments: Vec<OsString>,
}

/// The guard of a folder. Dropped, it removes the folder, too.
#[derive(Debug)]
pub(crate) struct Janitor(Child);

impl Janitor {
    /// Starts it.
    pub fn start(guard: &Guard, folder: &Path) -> std::io::Result<Self> {
        let mut command = Command::new(&guard.program);
        command.args(&guard.arguments).arg("--folder").arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        own_group(&mut command).spawn().map(Self)
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Sets a command up to run in a process group of its own.
pub(crate) fn own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// Kills a process group. `leader` is a child that was started by [`own_group`].
pub(crate) fn kill_group(leader: u32) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = leader;
}

/// The guard of a folder itself: removes it once standard input is closed.
pub fn guard_folder(folder: &Path) {
    let _ = std::io::stdin().read(&mut [0]);
    remove(folder);
}

/// The guard of a command itself: runs it, kills it when standard input says so or is closed, and gives the
/// exit code to pass on. `memory` is how many bytes of data each process may have, where the system can
/// limit that.
pub fn guard_command(memory: Option<u64>, command: &[OsString]) -> u8 {
    let Some((program, arguments)) = command.split_first() else { return 127 };
    if let Some(bytes) = memory {
        limit_memory(bytes);
    }
    let started = own_group(Command::new(program).args(arguments).stdin(Stdio::null())).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            return 127;
        }
    };
    let leader = child.id();
    std::thread::spawn(move || {
        // `KILL`, or the end of unpanic.
        let _ = std::io::stdin().read(&mut [0]);
        kill_group(leader);
    });
    let status = child.wait();
    // Whatever the command has left behind goes with it.
    kill_group(leader);
    status.map_or(1, exit_code)
}

/// Limits this process and what it starts. Go reserves much address space and uses little of it, so it
/// is the data that is limited: what is only reserved does not count (setrlimit(2), `RLIMIT_DATA`).
fn limit_memory(bytes: u64) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // A lower limit that is there already stays; then this one is refused.
        let _ = setrlimit(Resource::Data, Rlimit { current: Some(bytes), maximum: Some(bytes) });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

/// What was started may still be writing into it for a moment.
fn remove(folder: &Path) {
    for _ in 0..PATIENCE {
        if !is_workspace(folder) || std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// As a shell gives it: 128 and the signal's number for one that was killed.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(255);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}
