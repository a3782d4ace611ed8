//! Reads all events of a trace and prints how many there are, the seconds that it took, and the
//! peak memory in kilobytes (Linux). `cargo xtask scoreboard trace` measures with it.

use std::time::Instant;

use go_trace::{Mode, Reader};

#[expect(clippy::disallowed_methods, reason = "a program of its own")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: read FILE")?;
    let start = Instant::now();
    let mut reader = Reader::new(std::fs::File::open(path)?, Mode::Strict)?;
    let mut count = 0u64;
    while reader.next_event()?.is_some() {
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
    println!("{count} {seconds} {}", peak.trim().trim_end_matches(" kB"));
    Ok(())
}
