//! Huge pages are for those who use all of them. The allocator spreads a guard's three megabytes over a dozen, and
//! a guard stands beside each service: it asks for small pages, for itself and not for the service.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether they were off before.
static WERE_OFF: AtomicBool = AtomicBool::new(false);

/// Turns transparent huge pages off for this process (Linux; `prctl(2)`, `PR_SET_THP_DISABLE`). Call it early: what
/// has been touched stays as it is.
pub fn small_pages() {
    #[cfg(target_os = "linux")]
    {
        let were_off = nix::sys::prctl::get_thp_disable().unwrap_or(false);
        WERE_OFF.store(were_off, Ordering::Relaxed);
        // Without it a guard works all the same.
        let _ = nix::sys::prctl::set_thp_disable(true);
    }
}

/// Leaves them as they were when this process began: for other work, and, between fork and exec, for a child.
pub fn pages_as_before() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(WERE_OFF.load(Ordering::Relaxed));
}
