//! The other side of a race. A map crash of Go 1.26 and later prints one goroutine only; the static
//! analysis of the source knows what else uses that map at the same time. Findings are matched with
//! the crashed stack by function and line.

use std::path::{Path, PathBuf};

use diag::{Confidence, FindingRecord, Resolver};
use engine::{CheckReport, CheckRequest, RuleSelection, Target, check};
use go_crash::{Class, Report};

use crate::app::App;
use crate::progress;

/// So many calls of a crashed stack are looked at, innermost first: a map may be used in a helper.
const DEPTH: usize = 6;

/// A checked module.
pub struct Checked {
    /// What `check` found, preview rules and low confidence included.
    pub report: CheckReport,
    /// The folder.
    pub dir: PathBuf,
    records: Vec<FindingRecord>,
}

/// A finding that the crash confirms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Collision {
    /// Index of the finding in the report.
    pub finding: usize,
    /// Index of its access that is the crashed one.
    pub access: usize,
    /// Whether file and line agree too, not only the function.
    pub exact: bool,
}

impl Checked {
    /// Checks the module in `dir` with every rule.
    pub fn run(app: &App, dir: &Path) -> Self {
        let build = &app.config.build;
        let request = CheckRequest {
            system: &app.system,
            dir: dir.to_owned(),
            patterns: Vec::new(),
            target: Target {
                goos: build.goos.clone(),
                goarch: build.goarch.clone(),
                tags: build.tags.clone().unwrap_or_default(),
                ..Target::default()
            },
            rules: RuleSelection::everything(),
            min_confidence: Confidence::Low,
            knowledge: Vec::new(),
            deps: false,
            exclude: Vec::new(),
            baseline: None,
        };
        let quiet = app.global.quiet.or(app.config.quiet).unwrap_or(false);
        let report = check(&request, &progress::Bar::new(quiet));
        let resolver = Resolver::new(&report.sources, dir);
        let records = report.findings.iter().map(|f| FindingRecord::new(f, &resolver)).collect();
        Self { report, dir: dir.to_owned(), records }
    }

    /// The findings about the access at which a report's stacks stand, best matches first.
    pub fn collisions(&self, report: &Report) -> Vec<Collision> {
        if !is_race(report) {
            return Vec::new();
        }
        let mut found: Vec<(usize, Collision)> = Vec::new();
        for stack in &report.crashed {
            let Some(site) = report.site(stack) else { continue };
            let calls: Vec<_> = stack.frames().skip_while(|f| *f != site).take(DEPTH).collect();
            for (finding, record) in self.records.iter().enumerate() {
                if report.class() == Class::ConcurrentMap && !is_map(record) {
                    continue;
                }
                for (depth, call) in calls.iter().enumerate() {
                    let access = record
                        .accesses
                        .iter()
                        .position(|access| bare(&access.function) == bare(call.function));
                    let Some(mut access) = access else { continue };
                    let here = |a: &diag::AccessRecord| {
                        a.line == call.line
                            && same_file(&a.file, call.file)
                            && bare(&a.function) == bare(call.function)
                    };
                    let exact = record.accesses.iter().position(here);
                    access = exact.unwrap_or(access);
                    let exact = exact.is_some();
                    found.push((depth, Collision { finding, access, exact }));
                    break;
                }
            }
        }
        // The exact ones say what happened; the others are told only when there are none.
        found.sort_by_key(|(depth, c)| (!c.exact, *depth, c.finding));
        let exact = found.iter().any(|(_, c)| c.exact);
        let mut collisions: Vec<Collision> = Vec::new();
        for (_, collision) in found.into_iter().filter(|(_, c)| c.exact == exact) {
            if collisions.iter().all(|c| c.finding != collision.finding) {
                collisions.push(collision);
            }
        }
        collisions
    }

    /// The findings of collisions, as `check --format json` prints them.
    pub fn records(&self, collisions: &[Collision]) -> Vec<FindingRecord> {
        collisions.iter().map(|c| self.records[c.finding].clone()).collect()
    }

    /// The finding of a collision.
    pub fn record(&self, collision: Collision) -> &FindingRecord {
        &self.records[collision.finding]
    }
}

/// Whether a report can be of two goroutines that used one thing at once.
pub fn is_race(report: &Report) -> bool {
    matches!(report.class(), Class::ConcurrentMap | Class::DataRace | Class::Fault)
}

/// Whether an access of a finding uses a map.
fn is_map(record: &FindingRecord) -> bool {
    record.accesses.iter().any(|access| access.kind.as_str().starts_with("map-"))
}

/// Whether a function of the source and one of a dump are the same.
pub fn same_function(own: &str, printed: &str) -> bool {
    bare(own) == bare(printed)
}

/// A function's name without what stands in brackets: Go prints `[...]` for type arguments.
fn bare(function: &str) -> String {
    let mut depth = 0;
    let mut out = String::new();
    for c in function.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// Whether a path of the module and a path of a dump (another machine's, `-trimpath`'s) can be one
/// file: the shorter one's elements are the other's last. A lone name is enough.
fn same_file(own: &str, printed: &str) -> bool {
    let printed = printed.replace('\\', "/");
    let mut own = own.rsplit('/').filter(|p| *p != ".." && *p != ".");
    let mut printed = printed.rsplit('/');
    let mut same = 0;
    loop {
        match (own.next(), printed.next()) {
            (Some(a), Some(b)) if a == b => same += 1,
            (None, _) | (_, None) => return same > 0,
            // Folders above the module have other names on another machine.
            _ => return same > 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_of_another_build() {
        assert_eq!(bare("x.io/s.(*Store[...]).Put"), bare("x.io/s.(*Store[K, V]).Put"));
        assert!(same_file("hub/hub.go", "/build/src/app/hub/hub.go"));
        assert!(same_file("main.go", "example.com/app/main.go"));
        assert!(!same_file("hub/hub.go", "/build/app/other/hub.go"));
    }
}
