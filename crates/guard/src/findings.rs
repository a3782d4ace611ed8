//! The static findings for the build that runs (`unpanic check --format json`, one object a line),
//! and which of them explains a crash: the one with an access where a crashed stack was.

use std::path::Path;

use diag::FindingRecord;
use go_crash::{Frame, Report};
use incidents::Joined;

use crate::error::{Error, Result};

/// Larger files of findings are refused.
const MAX_FILE: u64 = 256 << 20;
/// So many innermost frames of own code are looked at.
const FRAMES: usize = 8;

/// All findings.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<FindingRecord>);

impl Findings {
    /// Reads a file of findings.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |reason: String| Error::File { path: path.to_owned(), reason };
        let size = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
        if size > MAX_FILE {
            return Err(failed(format!("it has {size} bytes; at most {MAX_FILE} are read")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        let mut findings = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let finding = serde_json::from_str(line).map_err(|e| {
                failed(format!(
                    "line {}: expected a finding as `unpanic check --format json` prints it: {e}",
                    number + 1
                ))
            })?;
            findings.push(finding);
        }
        Ok(Self(findings))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The finding that explains a crash best: line before function, inner frame before outer.
    pub fn explain(&self, report: &Report) -> Option<Joined> {
        let mut best: Option<(usize, Joined)> = None;
        for stack in &report.crashed {
            let own = stack.frames().filter(|f| f.ancestor == 0 && !f.is_std());
            for (depth, frame) in own.take(FRAMES).enumerate() {
                for finding in &self.0 {
                    let Some((access, line)) = fits(finding, &frame) else { continue };
                    let cost = depth + if line { 0 } else { FRAMES };
                    if best.as_ref().is_some_and(|(least, _)| *least <= cost) {
                        continue;
                    }
                    let place = format!("{}:{}", frame.file, frame.line);
                    let reason = if line {
                        format!("the crashed goroutine was at its access, {place}")
                    } else {
                        format!(
                            "the crashed goroutine was in the function of its access, {}",
                            frame.function
                        )
                    };
                    let finding = finding.clone();
                    best = Some((cost, Joined { finding, crashed_access: Some(access), reason }));
                }
            }
        }
        best.map(|(_, joined)| joined)
    }
}

/// The access of a finding at a frame, and whether its line is the frame's too.
fn fits(finding: &FindingRecord, frame: &Frame<'_>) -> Option<(usize, bool)> {
    let mut in_function = None;
    for (index, access) in finding.accesses.iter().enumerate() {
        if !same_file(&access.file, frame.file) {
            continue;
        }
        if access.line == frame.line {
            return Some((index, true));
        }
        if same_function(&access.function, frame.function) {
            in_function.get_or_insert(index);
        }
    }
    in_function.map(|index| (index, false))
}

/// Whether two paths are of one file: findings have them relative to where `check` ran, dumps
/// absolute, or by module with -trimpath. The shorter has to end the longer at a `/`; with only a
/// file's name that is not enough to tell files apart, so then the whole is compared.
fn same_file(finding: &str, dump: &str) -> bool {
    let (finding, dump) = (finding.replace('\\', "/"), dump.replace('\\', "/"));
    let finding = finding.trim_start_matches("./");
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    if ends(&dump, finding) {
        return true;
    }
    // -trimpath: example.com/m@v1/a/b.go; the finding may have more in front, such as cmd/../.
    let mut parts: Vec<&str> = dump.split('/').collect();
    if parts.len() > 2 {
        parts.remove(0);
        return finding.contains('/') && ends(finding, &parts[parts.len() - 2..].join("/"));
    }
    false
}

/// Function names are written alike, but for generics (`F[...]`) and closures.
fn same_function(finding: &str, dump: &str) -> bool {
    let plain = |name: &str| {
        let mut out = String::new();
        let mut depth = 0;
        for c in name.chars() {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                c if depth == 0 => out.push(c),
                _ => {}
            }
        }
        // A dump has `main.` where the finding may have the import path of the program.
        out
    };
    let (a, b) = (plain(finding), plain(dump));
    let local = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    a == b
        || (b.starts_with("main.")
            && local(&a).split_once('.').map(|x| x.1) == b.split_once('.').map(|x| x.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_one_by_their_longest_common_end() {
        assert!(same_file("hub/hub.go", "/build/src/hub/hub.go"));
        assert!(same_file("hub/hub.go", "example.com/m/hub/hub.go"));
        assert!(same_file("main.go", "/build/main.go"));
        assert!(same_file("examples/m/hub/hub.go", "example.com/m/hub/hub.go"));
        assert!(!same_file("hub/hub.go", "/build/other/hub.go"));
        assert!(!same_file("ub.go", "/build/hub.go"));
    }

    #[test]
    fn functions_are_one_without_type_arguments() {
        assert!(same_function("a.com/m.F[int]", "a.com/m.F[...]"));
        assert!(same_function("a.com/m/cmd.run", "main.run"));
        assert!(!same_function("a.com/m.F", "a.com/m.G"));
    }
}
