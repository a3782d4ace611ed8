//! Reads all events of a trace and prints how many there are, the seconds of processor time that it
//! took, and the peak memory in kilobytes (Linux). `cargo xtask scoreboard trace` measures with it.

use go_trace::{Mode, Reader};

#[expect(clippy::disallowed_methods, reason = "a program of its own")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: read FILE")?;
    let mut reader = Reader::new(std::fs::File::open(path)?, Mode::Strict)?;
    let mut count = 0u64;
    while reader.next_event()?.is_some() {
        count += 1;
    }
    // Nanoseconds of this process, which has one thread.
    let used = std::fs::read_to_string("/proc/self/schedstat")?;
    let seconds = used.split(' ').next().unwrap_or("").parse::<f64>()? / 1e9;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
    println!("{count} {seconds} {}", peak.trim().trim_end_matches(" kB"));
    Ok(())
}
