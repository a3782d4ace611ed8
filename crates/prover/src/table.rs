//! The file that unpanic and the program share: the plan in, the counts out. The layout is that of
//! `runtime/table.go`: a head and rows of eight 64-bit words in the machine's byte order.

use std::fs;
use std::io;
use std::path::Path;

use crate::Plan;
use crate::sites::Site;

const MAGIC: u64 = 0x756e_7061_6e69_6331;
const WORDS: usize = 8;

/// What was counted at a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Row {
    /// How often it was reached.
    pub reached: u64,
    /// How often a goroutine was held there.
    pub held: u64,
    /// For how many nanoseconds.
    pub nanos: u64,
    /// How often it was one of two that met.
    pub met: u64,
    /// What was learnt: how likely a delay is, in thousandths.
    pub weight: u64,
}

/// Writes the table of a run. Rows start with the weights that were learnt.
pub(crate) fn write(path: &Path, plan: &Plan, sites: &[Site], learnt: &[Row]) -> io::Result<()> {
    let nanos = |d: std::time::Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    let mut words = vec![
        MAGIC,
        sites.len() as u64,
        nanos(plan.delay),
        nanos(plan.grow),
        nanos(plan.longest),
        nanos(plan.free),
        plan.permille,
        nanos(plan.near),
    ];
    for (number, site) in sites.iter().enumerate() {
        let fresh = if site.findings.is_empty() { 0 } else { 1000 };
        let weight = learnt.get(number).map_or(fresh, |row| row.weight);
        let beside = plan.steers && site.findings.is_empty();
        words.extend([0, 0, 0, 0, weight, u64::from(beside), 0, 0]);
    }
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_ne_bytes()).collect();
    fs::write(path, bytes)
}

/// Reads the rows that a run has left.
pub(crate) fn read(path: &Path, sites: usize) -> io::Result<Vec<Row>> {
    let bytes = fs::read(path)?;
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|b| u64::from_ne_bytes(b.try_into().expect("chunks have eight bytes")))
        .collect();
    let row = |n: usize| {
        let at = WORDS * (n + 1);
        let word = |i: usize| words.get(at + i).copied().unwrap_or(0);
        Row { reached: word(0), held: word(1), nanos: word(2), met: word(3), weight: word(4) }
    };
    Ok((0..sites).map(row).collect())
}
