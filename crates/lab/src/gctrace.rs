//! The lines that a program prints with `GODEBUG=gctrace=1`, as the documentation of package runtime
//! describes them (Environment Variables, gctrace) for Go 1.21 to 1.27:
//!
//! ```text
//! gc 5 @0.080s 4%: 0.15+6.2+0.067 ms clock, 0.31+0/0.081/0.16+0.13 ms cpu, 412->488->92 MB, 484 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use serde::Serialize;

/// More collections of one run are not kept.
const MAX_CYCLES: usize = 10_000;

/// One collection.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Cycle {
    /// Its number, from 1.
    pub number: u32,
    /// When it began, in seconds after the start.
    pub at: f64,
    /// Wall time of stopping, marking and stopping again, in milliseconds.
    pub clock: [f64; 3],
    /// The heap when it began, when it ended, and what was alive, in MB of 2^20 bytes.
    pub heap: [f64; 3],
    /// The heap that it was to stay below.
    pub goal: f64,
    /// Stacks and globals, which count towards the next goal.
    pub roots: f64,
}

/// The collections that are told of in what a program printed; other lines are skipped.
pub fn parse(text: &str) -> Vec<Cycle> {
    text.lines().filter_map(line).take(MAX_CYCLES).collect()
}

fn line(line: &str) -> Option<Cycle> {
    let rest = line.trim_end().strip_prefix("gc ")?;
    let (number, rest) = rest.split_once(" @")?;
    let (at, rest) = rest.split_once("s ")?;
    let (_, rest) = rest.split_once("%: ")?;
    let mut cycle = Cycle {
        number: number.parse().ok()?,
        at: at.parse().ok()?,
        clock: [0.0; 3],
        heap: [0.0; 3],
        goal: 0.0,
        roots: 0.0,
    };
    let (mut clock, mut heap, mut goal) = (false, false, false);
    for part in rest.split(", ") {
        // A collection that was asked for has ` (forced)` at the end.
        if let Some(times) = part.strip_suffix(" ms clock") {
            clock = three(times, "+", &mut cycle.clock);
        } else if let Some(megabytes) = part.strip_suffix(" MB goal") {
            cycle.goal = megabytes.parse().ok()?;
            goal = true;
        } else if let Some(megabytes) =
            part.strip_suffix(" MB stacks").or_else(|| part.strip_suffix(" MB globals"))
        {
            cycle.roots += megabytes.parse::<f64>().ok()?;
        } else if let Some(sizes) = part.strip_suffix(" MB").filter(|p| p.contains("->")) {
            heap = three(sizes, "->", &mut cycle.heap);
        }
    }
    let numbers = cycle.clock.iter().chain(&cycle.heap).chain([&cycle.at, &cycle.goal]);
    (clock && heap && goal && numbers.into_iter().all(|n| n.is_finite())).then_some(cycle)
}

fn three(text: &str, between: &str, out: &mut [f64; 3]) -> bool {
    let numbers: Vec<f64> = text.split(between).filter_map(|n| n.parse().ok()).collect();
    if let Ok(three) = <[f64; 3]>::try_from(numbers) {
        *out = three;
        return true;
    }
    false
}

/// The median of a collection's goal by what the one before left alive, with stacks and globals. The
/// goal is never below 4 MB (times GOGC/100), so small heaps do not count.
pub fn goal_over_live(cycles: &[Cycle]) -> Option<f64> {
    let mut ratios: Vec<f64> = cycles
        .windows(2)
        .filter(|pair| pair[0].heap[2] >= 8.0)
        .map(|pair| pair[1].goal / (pair[0].heap[2] + pair[0].roots))
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
gc 1 @0.012s 2%: 0.026+0.39+0.10 ms clock, 0.21+0.88/0.52/0+0.80 ms cpu, 4->5->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 8 P
something else
gc 2 @0.080s 4%: 0.15+6.2+0.067 ms clock, 0.31+0/0.081/0.16+0.13 ms cpu, 412->488->92 MB, 484 MB goal, 1 MB stacks, 1 MB globals, 2 P (forced)
gc 3 @1.5s 4%: 0.15+6.2+0.067 ms clock, 0.31+0/0.081/0.16+0.13 ms cpu, 180->190->90 MB, 188 MB goal, 1 MB stacks, 1 MB globals, 2 P
gc 4 @1e999s 4%: 0.15+6.2+0.067 ms clock, 0+0/0/0+0 ms cpu, 180->190->90 MB, 188 MB goal, 2 P
gc 5 @2s 4%: 0.15+6.2 ms clock, 180->190->90 MB, 188 MB goal
gc x @
";

    #[test]
    fn reads_lines_and_skips_what_is_none() {
        let cycles = parse(TEXT);
        assert_eq!(cycles.iter().map(|c| c.number).collect::<Vec<_>>(), [1, 2, 3]);
        let second = cycles[1];
        assert_eq!((second.at, second.goal, second.roots), (0.08, 484.0, 2.0));
        assert_eq!((second.clock, second.heap), ([0.15, 6.2, 0.067], [412.0, 488.0, 92.0]));
    }

    #[test]
    fn the_goal_is_compared_with_what_was_alive_before() {
        assert_eq!(goal_over_live(&parse(TEXT)), Some(2.0));
        assert_eq!(goal_over_live(&parse(TEXT)[..1]), None);
    }
}
