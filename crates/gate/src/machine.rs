//! How strained the machine was while something was measured: a verdict on a noisy machine has to say so.
//! Linux tells it in /proc; elsewhere nothing is known and nothing is claimed.

use std::time::Instant;

use serde::Serialize;

/// A look at the machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    at: Instant,
    /// Ticks of all processors: busy, stolen, all.
    ticks: Option<[u64; 3]>,
    /// Microseconds that some runnable task waited for a processor.
    waited: Option<u64>,
}

/// What happened between two looks. Shares of the time, from 0 to 1.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Strain {
    /// Processors were busy, with whatever.
    pub busy: f64,
    /// The hypervisor gave the processors to somebody else.
    pub steal: f64,
    /// Some task was runnable and had no processor (pressure stall information), where it is told.
    pub pressure: Option<f64>,
}

impl Machine {
    /// Looks.
    pub fn now() -> Self {
        Self { at: Instant::now(), ticks: ticks(), waited: waited() }
    }

    /// What happened since this look.
    pub fn since(&self) -> Strain {
        let now = Self::now();
        let mut strain = Strain::default();
        if let (Some(before), Some(after)) = (self.ticks, now.ticks) {
            let part = |i: usize| after[i].saturating_sub(before[i]) as f64;
            let all = part(2).max(1.0);
            strain.busy = (part(0) / all).min(1.0);
            strain.steal = (part(1) / all).min(1.0);
        }
        if let (Some(before), Some(after)) = (self.waited, now.waited) {
            let wall = now.at.duration_since(self.at).as_micros().max(1) as f64;
            strain.pressure = Some((after.saturating_sub(before) as f64 / wall).min(1.0));
        }
        strain
    }
}

/// The first line of /proc/stat (`proc_stat(5)`): user nice system idle iowait irq softirq steal …
fn ticks() -> Option<[u64; 3]> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().filter_map(|f| f.parse().ok()).take(8).collect();
    let [user, nice, system, idle, iowait, irq, softirq, steal] = fields.as_slice() else {
        return None;
    };
    let busy = user + nice + system + irq + softirq + steal;
    Some([busy, *steal, busy + idle + iowait])
}

/// `some … total=MICROSECONDS` (the kernel's accounting/psi).
fn waited() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.rsplit("total=").next()?.trim().parse().ok()
}
