//! One run of a program, as far as claims can ask about it.

use std::collections::BTreeMap;

use go_crash::{Class, Kind};
use go_exec::Executed;

use crate::experiment::Event;
use crate::gctrace::{self, Cycle};

/// More values of one run are not kept.
const MAX_VALUES: usize = 1000;

/// One run.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Observation {
    /// The time limit ended it: it says nothing.
    pub timed_out: bool,
    /// Of what it died.
    pub death: Option<Death>,
    /// Whether the race detector reported.
    pub race: bool,
    /// What it printed as `key=value`.
    pub values: BTreeMap<String, String>,
    /// The collections of `gctrace=1`.
    pub cycles: Vec<Cycle>,
}

/// Of what a run died.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Death {
    /// Whether it was a panic; a fatal error otherwise.
    pub panic: bool,
    /// Which mistake.
    pub class: Class,
}

impl Observation {
    /// Reads it from what was run.
    pub fn new(executed: &Executed) -> Self {
        let mut observation = Self { timed_out: executed.timed_out, ..Self::default() };
        for report in &executed.reports {
            match report.head.cause().0 {
                Kind::Race => observation.race = true,
                kind @ (Kind::Panic | Kind::FatalError | Kind::Signal) => {
                    let panic = kind == Kind::Panic;
                    observation.death.get_or_insert(Death { panic, class: report.class() });
                }
                Kind::HttpPanic | Kind::TestFailure | Kind::TestTimeout | Kind::Goroutines => {}
            }
        }
        // Whoever is killed in the middle of printing may have told nothing that can be read.
        if observation.death.is_none() && !executed.timed_out && !matches!(executed.code, 0 | 66) {
            observation.death = Some(Death { panic: false, class: Class::Runtime });
        }
        for line in String::from_utf8_lossy(&executed.stdout).lines().take(MAX_VALUES) {
            if let Some((key, value)) = line.split_once('=') {
                observation.values.insert(key.to_owned(), value.to_owned());
            }
        }
        observation.cycles = gctrace::parse(&String::from_utf8_lossy(&executed.stderr));
        observation.derive();
        observation
    }

    /// What follows from the collections stands beside what was printed.
    fn derive(&mut self) {
        let Some(last) = self.cycles.last() else { return };
        let lines = self.cycles.len();
        // The beginning of a long output may be gone; the numbers go on.
        let whole = usize::try_from(last.number).is_ok_and(|number| number == lines);
        let counted = self.values.get("collections").and_then(|n| n.parse::<u32>().ok());
        let each = whole && counted == Some(last.number);
        self.values.insert("gctrace_lines".into(), lines.to_string());
        self.values.insert("a_line_a_collection".into(), each.to_string());
        if let Some(ratio) = gctrace::goal_over_live(&self.cycles) {
            self.values.insert("goal_over_live".into(), ratio.to_string());
        }
    }

    /// Whether it happened in this run.
    pub fn has(&self, event: &Event) -> bool {
        let death = self.death;
        match event {
            Event::Dies => death.is_some(),
            Event::ConcurrentMap => death.is_some_and(|d| d.class == Class::ConcurrentMap),
            Event::Panic => death.is_some_and(|d| d.panic),
            Event::Fatal => death.is_some_and(|d| !d.panic),
            Event::Race => self.race,
            Event::Prints(key) => self.values.contains_key(key),
        }
    }

    /// The number that it printed for a key.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.values.get(key)?.parse().ok().filter(|n: &f64| n.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executed(stdout: &str, stderr: &str, code: u8) -> Executed {
        let mut parser = go_crash::Parser::new();
        let mut collector = go_crash::Collector::new();
        let mut reports = Vec::new();
        let mut sink = |event: go_crash::Event<'_>| reports.extend(collector.event(event));
        parser.push(stderr.as_bytes(), &mut sink);
        parser.finish(&mut sink);
        Executed {
            code,
            stdout: stdout.into(),
            stderr: stderr.into(),
            reports,
            ..Executed::default()
        }
    }

    #[test]
    fn values_deaths_and_collections_are_read() {
        let quiet = Observation::new(&executed("a=1\nb=x=y\nno value\n", "", 0));
        assert_eq!((quiet.number("a"), quiet.number("b")), (Some(1.0), None));
        assert_eq!(quiet.values["b"], "x=y");
        assert!(!quiet.has(&Event::Dies) && quiet.has(&Event::Prints("b".into())));

        let fatal = "fatal error: concurrent map writes\n\ngoroutine 6 [running]:\nmain.f()\n\t/a.go:1 +0x1\n";
        let fatal = Observation::new(&executed("", fatal, 2));
        assert!(fatal.has(&Event::ConcurrentMap) && fatal.has(&Event::Fatal));
        assert!(fatal.has(&Event::Dies) && !fatal.has(&Event::Panic) && !fatal.has(&Event::Race));

        let panic =
            "panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\nexit status 2\n";
        assert!(Observation::new(&executed("", panic, 2)).has(&Event::Panic));
        assert!(Observation::new(&executed("", "", 137)).has(&Event::Dies));
    }

    #[test]
    fn a_race_report_is_no_death() {
        let report = "==================\nWARNING: DATA RACE\nWrite at 0x00c0000140f0 by goroutine 7:\n  main.f()\n      /a.go:1 +0x1\n\nPrevious write at 0x00c0000140f0 by goroutine 8:\n  main.f()\n      /a.go:1 +0x1\n==================\nFound 1 data race(s)\n";
        let seen = Observation::new(&executed("", report, 66));
        assert!(seen.race && seen.death.is_none());
    }

    #[test]
    fn lines_of_the_collector_are_counted_against_the_program() {
        let line = "gc 1 @0.012s 2%: 0.026+0.39+0.10 ms clock, 0+0/0/0+0 ms cpu, 4->5->1 MB, 4 MB goal, 8 P\n";
        let seen = Observation::new(&executed("collections=1\n", line, 0));
        assert_eq!(seen.values["a_line_a_collection"], "true");
        let missed = Observation::new(&executed("collections=2\n", line, 0));
        assert_eq!(missed.values["a_line_a_collection"], "false");
    }
}
