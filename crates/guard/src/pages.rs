//! A guard stands beside each service, so it takes little memory. Huge pages are for those who use all of them: the
//! allocator spreads a guard's three megabytes over a dozen, so it asks for small pages, for itself and not for the
//! service. And most of what it has mapped after a start is code that only a start runs: it is let go.

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

/// Lets go of what is mapped from files and was not changed: code and constants. What is used again is mapped again
/// from the page cache, 16 pages at a time and without reading the disk; what only a start needs (options,
/// migrations, templates) stays away. Returns how many bytes that concerned (Linux; `madvise(2)`, `MADV_DONTNEED`).
pub(crate) fn let_go_of_code() -> usize {
    #[cfg(target_os = "linux")]
    {
        let Ok(maps) = std::fs::read_to_string("/proc/self/smaps") else { return 0 };
        unchanged(&maps).filter(|range| let_go(range.clone())).map(|range| range.len()).sum()
    }
    #[cfg(not(target_os = "linux"))]
    0
}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "madvise can change what memory holds, so it has no safe form; here the kernel reads the same bytes from \
              the same file again"
)]
fn let_go(range: std::ops::Range<usize>) -> bool {
    use nix::sys::mman::{MmapAdvise, madvise};
    let start = std::ptr::with_exposed_provenance_mut(range.start);
    let Some(start) = std::ptr::NonNull::new(start) else { return false };
    // SAFETY: the range is a mapping of a file, cannot be written to, and holds no page that differs from the file
    // (`unchanged`), so each of its bytes is the same before and after.
    unsafe { madvise(start, range.len(), MmapAdvise::MADV_DONTNEED) }.is_ok()
}

/// The mappings of files in a text of the form of `/proc/PID/smaps` (proc(5)) that can be read, cannot be written to,
/// and have no page of their own: relocated constants have, and their file does not hold what they hold.
#[cfg(any(target_os = "linux", test))]
fn unchanged(smaps: &str) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut last = None;
    smaps.lines().filter_map(move |line| {
        let mut words = line.split_ascii_whitespace();
        let first = words.next()?;
        let Some(name) = first.strip_suffix(':') else {
            last = mapping(first, &mut words);
            return None;
        };
        let nothing = name == "Anonymous" && words.next() == Some("0");
        nothing.then(|| last.take()).flatten()
    })
}

/// The range of a line such as `55d0-55f0 r-xp 00001000 fe:00 123 /usr/bin/unpanic`, if its pages are a file's and
/// cannot be written to.
#[cfg(any(target_os = "linux", test))]
fn mapping<'a>(
    range: &str,
    words: &mut impl Iterator<Item = &'a str>,
) -> Option<std::ops::Range<usize>> {
    let read_only = matches!(words.next()?, "r-xp" | "r--p");
    let file = words.nth(3)?.starts_with('/');
    let (start, end) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    (read_only && file).then_some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_nobody_changed() {
        let smaps = "\
1000-3000 r--p 00000000 fe:00 11 /usr/bin/unpanic
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd mr mw me
3000-9000 r-xp 00002000 fe:00 11 /usr/bin/unpanic
Anonymous:             0 kB
9000-a000 r--p 00008000 fe:00 11 /usr/bin/unpanic
Anonymous:             4 kB
a000-b000 rw-p 00009000 fe:00 11 /usr/bin/unpanic
Anonymous:             0 kB
b000-c000 r--p 00000000 00:00 0
Anonymous:             0 kB
c000-d000 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
f000-g000 r-xp 00000000 fe:00 11 /usr/bin/odd
Anonymous:             0 kB
10000-20000 r-xp 00000000 fe:00 12 /usr/lib/a name with spaces.so (deleted)
Anonymous:             0 kB
";
        let found: Vec<_> = unchanged(smaps).collect();
        assert_eq!(found, [0x1000..0x3000, 0x3000..0x9000, 0x10000..0x20000]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_goes_on() {
        assert!(let_go_of_code() > 0);
        // Code runs, and constants are as they were.
        assert!(include_str!("pages.rs").contains("MADV_DONTNEED"));
    }
}
