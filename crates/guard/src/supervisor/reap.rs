//! As process 1 of a container the guard inherits the orphans of others: what a child has started
//! and left. They are reaped here; the guard's own children are left to who waits for them.

use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};

/// How often to look.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reaps orphans, for as long as the guard runs; does nothing unless the guard is process 1.
pub(crate) async fn run(is_own: impl Fn(u32) -> bool) {
    if getpid().as_raw() != 1 {
        return;
    }
    let mut seen = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        // One that was started a moment ago may not be known as an own child yet: it is reaped when
        // it is still there the next time.
        while let Some(dead) = first_dead() {
            if u32::try_from(dead.as_raw()).is_ok_and(&is_own) || seen != Some(dead) {
                seen = Some(dead);
                break;
            }
            // Somebody else has reaped it: as well.
            let _ = waitpid(dead, Some(WaitPidFlag::WNOHANG));
            seen = first_dead();
        }
    }
}

/// A process that has ended and was not waited for, left as it is.
fn first_dead() -> Option<Pid> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, flags) {
        Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _)) => Some(pid),
        _ => None,
    }
}
