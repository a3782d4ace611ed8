//! Runs a program and says what it cost: wall time, processor time and peak memory, with those of
//! the processes that it starts. Linux only: it reads /proc.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// How often memory is looked at, and whether the run is over.
const INTERVAL: Duration = Duration::from_millis(10);

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Wall time in seconds.
    pub wall: f64,
    /// User and system time of the process and all it waited for, in seconds.
    pub cpu: f64,
    /// Peak resident memory in megabytes: of the whole process tree, as seen every 10 ms, and no
    /// less than the peak that the system recorded for one process of it.
    pub megabytes: f64,
    /// The exit code; none when the run was ended at the limit.
    pub code: Option<i32>,
}

/// Runs a command to its end or until `limit`, its output thrown away.
pub fn measure(command: &mut Command, limit: Duration) -> anyhow::Result<Cost> {
    let program = command.get_program().to_string_lossy().into_owned();
    let cpu = children_seconds()?;
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let root = child.id();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > limit {
            // What it started may live on for a moment; only a stuck run comes here.
            child.kill()?;
            child.wait()?;
            break None;
        }
        peak = peak.max(tree_kilobytes(root));
        std::thread::sleep(INTERVAL);
    };
    let wall = start.elapsed().as_secs_f64();
    let code = status.and_then(|status| status.code());
    ensure!(status.is_none() || code.is_some(), "{program} was killed");
    Ok(Cost { wall, cpu: children_seconds()? - cpu, megabytes: peak as f64 * 1024.0 / 1e6, code })
}

/// Processor time of all children that this process has waited for, and of theirs.
fn children_seconds() -> anyhow::Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").context("this needs Linux's /proc")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(13) + ticks(14)) / TICKS_PER_SECOND)
}

/// Resident memory of a process and its descendants; at least the peak of any one of them.
fn tree_kilobytes(root: u32) -> u64 {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or("");
        if let Some(parent) = after_name.split(' ').nth(1).and_then(|p| p.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut sum, mut largest) = (0, 0);
    let mut stack = vec![root];
    while let Some(pid) = stack.pop() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kilobytes = |name: &str| -> u64 {
            let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("");
            line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        sum += kilobytes("VmRSS:");
        largest = largest.max(kilobytes("VmHWM:"));
        stack.extend(children.get(&pid).into_iter().flatten());
    }
    sum.max(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_the_shell_and_its_child_costs_time() {
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sh -c 'sleep 0.1'; exit 3";
        let minute = Duration::from_secs(60);
        let cost = measure(Command::new("sh").args(["-c", script]), minute).unwrap();
        assert_eq!(cost.code, Some(3));
        assert!(cost.wall >= 0.1 && cost.cpu < cost.wall + 1.0, "{cost:?}");
        assert!(cost.megabytes > 0.1, "{cost:?}");
    }

    #[test]
    fn a_run_is_ended_at_its_limit() {
        let cost = measure(Command::new("sleep").arg("60"), Duration::from_millis(100)).unwrap();
        assert!(cost.code.is_none() && cost.wall < 30.0, "{cost:?}");
    }
}
