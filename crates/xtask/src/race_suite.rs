//! A folder in the form of GOROOT/src/runtime/race/testdata: functions `TestRace…` that race and
//! `TestNoRace…` that do not, and which of them a list of findings flags.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use base::LocalInterner;
use diag::FindingRecord;
use go_syntax::ast::{DeclKind, ExprKind};
use go_syntax::{ParseMode, parse};
use source::Span;

/// A function of the suite.
pub struct TestFunction {
    /// Its name, which says whether it races.
    pub name: String,
    /// The name of its file.
    file: String,
    /// Its first and last line.
    lines: (u32, u32),
    /// Whether it races.
    pub racy: bool,
    /// Whether a map type is written in it.
    pub maps: bool,
}

impl TestFunction {
    /// The name of its file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether a line of its file is one of its own.
    pub fn holds(&self, line: u32) -> bool {
        (self.lines.0..=self.lines.1).contains(&line)
    }
}

/// The functions of all files of a folder.
pub struct Suite {
    /// In the order of files and lines.
    pub functions: Vec<TestFunction>,
    /// The names of the files that hold tests, sorted.
    pub files: Vec<String>,
}

impl Suite {
    /// Reads the `*_test.go` files of a folder.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
            .with_context(|| dir.display().to_string())?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
        paths.retain(|path| path.to_string_lossy().ends_with("_test.go"));
        paths.sort();
        let mut suite = Self { functions: Vec::new(), files: Vec::new() };
        for path in &paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read(path).with_context(|| path.display().to_string())?;
            read_file(&name, &text, &mut suite.functions);
            suite.files.push(name);
        }
        ensure!(!suite.functions.is_empty(), "no TestRace functions in {}", dir.display());
        Ok(suite)
    }

    /// Which functions the findings flag. A finding flags each function in whose lines it has an
    /// access; for an access outside of all of them, the function on its goroutine's way there
    /// counts (the `go` statement, or a call).
    pub fn attribute<'f>(&self, findings: impl IntoIterator<Item = &'f FindingRecord>) -> Outcome {
        let mut outcome = Outcome::default();
        for finding in findings {
            outcome.findings += 1;
            let primary = (finding.primary.file.as_str(), finding.primary.line);
            let mut hit: BTreeSet<&str> = self.at(primary).into_iter().collect();
            for access in &finding.accesses {
                if let Some(function) = self.at((&access.file, access.line)) {
                    hit.insert(function);
                    continue;
                }
                let start = access.goroutine.file.as_deref().zip(access.goroutine.line);
                let calls = access.path.iter().map(|frame| (frame.file.as_str(), frame.line));
                hit.extend(start.into_iter().chain(calls).filter_map(|place| self.at(place)));
            }
            match hit.len() {
                0 => outcome.outside.push(format!(
                    "{}:{} {} {}",
                    finding.primary.file, finding.primary.line, finding.rule, finding.message
                )),
                1 => {}
                _ => outcome.joined += 1,
            }
            outcome.flagged.extend(hit.into_iter().map(str::to_owned));
        }
        outcome
    }

    /// The functions of one kind.
    pub fn of_kind(&self, racy: bool) -> impl Iterator<Item = &TestFunction> {
        self.functions.iter().filter(move |f| f.racy == racy)
    }

    /// Counts of what is flagged and of what there is.
    pub fn tally(&self, outcome: &Outcome) -> Tally {
        let count = |racy: bool, maps: bool| {
            let all = self.of_kind(racy).filter(|f| f.maps || !maps);
            let (mut flagged, mut total) = (0, 0);
            for function in all {
                total += 1;
                flagged += usize::from(outcome.flagged.contains(&function.name));
            }
            Share { flagged, total }
        };
        Tally {
            racy: count(true, false),
            racy_maps: count(true, true),
            clean: count(false, false),
            clean_maps: count(false, true),
        }
    }

    fn at(&self, (file, line): (&str, u32)) -> Option<&str> {
        let (_, name) = file.rsplit_once('/').unwrap_or(("", file));
        let within = |f: &&TestFunction| f.file == name && (f.lines.0..=f.lines.1).contains(&line);
        self.functions.iter().find(within).map(|f| f.name.as_str())
    }
}

/// What a run says about a suite.
#[derive(Default)]
pub struct Outcome {
    /// The functions that a finding lies in.
    pub flagged: BTreeSet<String>,
    /// How many findings there are.
    pub findings: usize,
    /// Findings that lie in no function of the suite.
    pub outside: Vec<String>,
    /// How many findings lie in more than one function: tests run one after the other, so such a
    /// finding is wrong whatever it flags.
    pub joined: usize,
}

/// Some of so many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// How many are flagged.
    pub flagged: usize,
    /// Of how many.
    pub total: usize,
}

impl Share {
    /// In per cent.
    pub fn percent(self) -> f64 {
        100.0 * self.flagged as f64 / self.total.max(1) as f64
    }
}

/// The figures of one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Functions that race.
    pub racy: Share,
    /// Of these, the ones in which a map type is written.
    pub racy_maps: Share,
    /// Functions that do not race: flagging one is a false alarm.
    pub clean: Share,
    /// Of these, the ones in which a map type is written.
    pub clean_maps: Share,
}

impl Tally {
    /// The heads of [`Self::cells`].
    pub const HEADS: &str = "racy, flagged | of | share | with maps | of | not racing, flagged | of \
        | share | with maps | of";
    /// As many as there are heads.
    pub const RULE: &str = "---|---|---|---|---|---|---|---|---|---";

    /// The cells of a table's row.
    pub fn cells(&self) -> String {
        let (racy, maps) = (self.racy, self.racy_maps);
        let (clean, clean_maps) = (self.clean, self.clean_maps);
        format!(
            "{} | {} | {:.1}% | {} | {} | {} | {} | {:.1}% | {} | {}",
            racy.flagged,
            racy.total,
            racy.percent(),
            maps.flagged,
            maps.total,
            clean.flagged,
            clean.total,
            clean.percent(),
            clean_maps.flagged,
            clean_maps.total
        )
    }

    /// What is worse than in the row of a page that was written with [`Self::cells`] and starts
    /// with `| NAME | `; nothing if there is no such row.
    pub fn worse_than(&self, page: &str, name: &str) -> Vec<String> {
        let start = format!("| {name} | ");
        let Some(row) = page.lines().find_map(|line| line.strip_prefix(&start)) else {
            return Vec::new();
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let before = |index: usize| cells.get(index).and_then(|cell| cell.parse::<usize>().ok());
        let mut worse = Vec::new();
        let mut compare = |what: &str, index: usize, now: usize, more_is_better: bool| {
            if let Some(before) = before(index)
                && (if more_is_better { now < before } else { now > before })
            {
                worse.push(format!("{name}: {what}: {before} before, {now} now"));
            }
        };
        compare("racy functions flagged", 0, self.racy.flagged, true);
        compare("racy map functions flagged", 3, self.racy_maps.flagged, true);
        compare("false alarms", 5, self.clean.flagged, false);
        compare("false alarms with maps", 8, self.clean_maps.flagged, false);
        worse
    }
}

fn read_file(name: &str, text: &[u8], functions: &mut Vec<TestFunction>) {
    let mut names = LocalInterner::default();
    let tree = parse(text, &mut names, ParseMode::Full);
    let line = |offset: u32| 1 + newlines(&text[..offset as usize]);
    let inside = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
    for &id in &tree.decls {
        let decl = &tree.all_decls[id];
        let DeclKind::Func(function) = decl.kind else { continue };
        let function = &tree.func_decls[function];
        let own = function.name.name.as_str().to_owned();
        let racy = own.starts_with("TestRace");
        if !function.recv.is_empty() || !(racy || own.starts_with("TestNoRace")) {
            continue;
        }
        let maps = tree
            .exprs
            .iter()
            .any(|e| matches!(e.kind, ExprKind::MapType { .. }) && inside(decl.span, e.span));
        functions.push(TestFunction {
            name: own,
            file: name.to_owned(),
            lines: (line(decl.span.start), line(decl.span.end)),
            racy,
            maps,
        });
    }
}

fn newlines(text: &[u8]) -> u32 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(flagged: usize, total: usize) -> Share {
        Share { flagged, total }
    }

    #[test]
    fn functions_with_lines_kinds_and_maps() {
        let mut functions = Vec::new();
        let text = "package p\n\nfunc TestRaceA(t *T) {\n\tm := map[int]int{}\n}\n\nfunc help() {}\n\
            func TestNoRaceB(t *T) {}\n";
        read_file("a_test.go", text.as_bytes(), &mut functions);
        let shown: Vec<_> =
            functions.iter().map(|f| (f.name.as_str(), f.lines, f.racy, f.maps)).collect();
        assert_eq!(
            shown,
            [("TestRaceA", (3, 5), true, true), ("TestNoRaceB", (8, 8), false, false)]
        );
    }

    #[test]
    fn a_row_read_back() {
        let tally = Tally {
            racy: share(10, 20),
            racy_maps: share(2, 3),
            clean: share(1, 9),
            clean_maps: share(0, 2),
        };
        let page = format!("# Page\n\n| all rules | {} | 7 |\n", tally.cells());
        assert_eq!(tally.worse_than(&page, "all rules"), Vec::<String>::new());
        let worse = Tally { racy: share(9, 20), clean: share(2, 9), ..tally };
        assert_eq!(worse.worse_than(&page, "all rules").len(), 2);
        let better = Tally { racy: share(11, 20), clean: share(0, 9), ..tally };
        assert_eq!(better.worse_than(&page, "all rules"), Vec::<String>::new());
    }
}
