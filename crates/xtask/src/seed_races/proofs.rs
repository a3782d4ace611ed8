//! `cargo xtask seed-races --prove`: which seeds are proven by the module's own tests, against the race
//! detector and plain runs of the same tests, run as often. The figures go to `scoreboards/prove-seeds.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use super::Seed;
use super::tree::Tree;
use crate::root;
use crate::toolchain::Go;
use crate::unpanic_command::Unpanic;

/// Runs of each kind.
const RUNS: u32 = 3;

const HEAD: &str = "# Seeded races, proven by the modules' own tests or by one that is made\n\n\
    `cargo xtask seed-races --prove --count N --module DIR …`: each module is broken in one place at a time, as for \
    the page on seeded races. The tests of the seed's package are run three times under `unpanic prove --preview \
    --min-confidence low`, three times with `go test -race` and three times plainly. *Reached*: a test of the \
    package comes to the variable in the file that was broken, by `go test -coverprofile`. *Proven*: a verdict `proven` \
    on a finding at the seed's variable, in a run of the module's own tests. *If called*: none of them, but the test that \
    `prove` makes itself, which calls the functions at once and says what that takes for granted. *-race*: a report of the race \
    detector that names a line of the variable. *Plain*: `fatal error: concurrent map …`. Seeds that no test reaches do \
    not count, nor do those with which the tests hang (they are deadlocks before they are races).\n\n\
    Bar: 80% of the seeds reached. A test that reaches the code from one goroutine alone cannot make a race \
    happen, whatever runs it: those seeds are in the figure all the same.\n\n\
    | module | seeds | reached | found by `check` | proven | if called | either | -race | plain |\n|---|---|---|---|---|---|---|---|---|\n";

/// What was seen of one seed.
#[derive(Clone, Copy, Default)]
struct Seen {
    reached: bool,
    found: bool,
    proven: bool,
    if_called: bool,
    hangs: bool,
    race: bool,
    plain: bool,
}

/// The page so far.
pub struct Page {
    text: String,
    details: String,
    all: Vec<Seen>,
    modules: usize,
}

impl Page {
    /// Without rows.
    pub fn new() -> Self {
        Self { text: HEAD.to_owned(), details: String::new(), all: Vec::new(), modules: 0 }
    }

    /// Measures a module and writes the page with it.
    pub fn module(
        &mut self,
        go: &Go,
        unpanic: &Unpanic,
        tree: &Tree,
        name: &str,
        seeds: &[Seed],
    ) -> anyhow::Result<()> {
        let mut all: Vec<Seen> = Vec::new();
        for (number, seed) in seeds.iter().enumerate() {
            tree.write(&seed.file, &seed.broken()?)?;
            let seen = look(go, unpanic, tree, seed);
            tree.restore(&seed.file)?;
            let seen = seen?;
            let mark = |yes: bool| if yes { "yes" } else { "no" };
            let how = if seen.proven {
                "proven"
            } else if seen.if_called {
                "proven if called"
            } else if seen.reached {
                "no"
            } else if seen.hangs {
                "the tests hang"
            } else {
                "not reached"
            };
            eprintln!("{name} {number} {}: {how}", seed.shown());
            if seen.reached {
                writeln!(
                    self.details,
                    "| {name} {number} | {} | {} | {} | {} | {} | {} | {} |",
                    seed.operator,
                    seed.shown(),
                    mark(seen.found),
                    mark(seen.proven),
                    mark(seen.if_called),
                    mark(seen.race),
                    mark(seen.plain)
                )?;
            }
            all.push(seen);
        }
        self.all.extend(&all);
        self.modules += 1;
        self.text += &row(name, &all);
        let mut table = self.text.clone();
        if self.modules > 1 {
            table += &row("**all**", &self.all);
        }
        let page = root().join("scoreboards/prove-seeds.md");
        let text = format!(
            "{table}\n| reached seed | operator | where | found | proven | if called | -race | plain |\n|---|---|---|---|---|---|---|---|\n{}",
            self.details
        );
        std::fs::write(&page, text).with_context(|| page.display().to_string())
    }
}

/// The counts of a module, or of all.
fn row(name: &str, all: &[Seen]) -> String {
    let count = |of: fn(&Seen) -> bool| all.iter().filter(|s| s.reached && of(s)).count();
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        all.len(),
        count(|_| true),
        count(|s| s.found),
        count(|s| s.proven),
        count(|s| s.if_called),
        count(|s| s.proven || s.if_called),
        count(|s| s.race),
        count(|s| s.plain)
    )
}

fn look(go: &Go, unpanic: &Unpanic, tree: &Tree, seed: &Seed) -> anyhow::Result<Seen> {
    let folder = tree.relative(seed.file.parent().unwrap_or(Path::new("")));
    let package = format!("./{}", folder.display());
    let mut seen = Seen::default();
    match reaches(go, tree, seed, &package)? {
        Reach::No => return Ok(seen),
        Reach::Hangs => return Ok(Seen { hangs: true, ..seen }),
        Reach::Yes => seen.reached = true,
    }
    let runs = RUNS.to_string();
    let arguments = ["--preview", "--min-confidence", "low", "--runs", &runs, &package];
    let lines = unpanic.prove(go, &tree.root, &arguments)?;
    let own = |line: &&Value| {
        let place = line["file"].as_str().map(Path::new).and_then(Path::parent);
        let variable = line["variable"].as_str().unwrap_or_default();
        place == Some(folder.as_path()) && super::is_part(&seed.variable, variable)
    };
    seen.found = lines.iter().any(|line| own(&line));
    let told = |verdict: &str| lines.iter().filter(own).any(|line| line["verdict"] == verdict);
    seen.proven = told("proven");
    seen.if_called = !seen.proven && told("proven-if-called");
    for _ in 0..RUNS {
        let text = test(go, tree, &["test", "-race", "-count=1", "-timeout=120s", &package])?;
        let names = |place: &super::Place| {
            let file = place.file.file_name().unwrap_or_default().to_string_lossy();
            text.contains(&format!("{file}:{} ", place.line))
        };
        seen.race |= text.contains("WARNING: DATA RACE") && seed.places.iter().any(names);
        let text = test(go, tree, &["test", "-count=1", "-timeout=60s", &package])?;
        seen.plain |= text.contains("fatal error: concurrent map");
    }
    Ok(seen)
}

/// What a go command prints in the module's copy.
fn test(go: &Go, tree: &Tree, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(&go.binary);
    let output = go.setup(&mut command).current_dir(&tree.root).args(arguments).output()?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    Ok(text)
}

/// Whether a test comes to a seed.
enum Reach {
    Yes,
    No,
    /// With this seed the tests do not end: a lock is not given back, or asked for twice.
    Hangs,
}

/// Whether a test of the package comes to a line of the variable in the file that was broken.
fn reaches(go: &Go, tree: &Tree, seed: &Seed, package: &str) -> anyhow::Result<Reach> {
    let profile = tempfile::NamedTempFile::new()?;
    let to = format!("-coverprofile={}", profile.path().display());
    let printed = test(go, tree, &["test", "-count=1", "-timeout=60s", &to, package])?;
    if printed.contains("panic: test timed out") {
        return Ok(Reach::Hangs);
    }
    let text = std::fs::read_to_string(profile.path()).unwrap_or_default();
    let name = seed.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lines: Vec<u32> =
        seed.places.iter().filter(|p| p.file == seed.file).map(|p| p.line).collect();
    // path/file.go:12.3,14.2 statements count
    let reached = text
        .lines()
        .filter_map(|line| covered(line, &name))
        .any(|(from, to)| lines.iter().any(|line| (from..=to).contains(line)));
    Ok(if reached { Reach::Yes } else { Reach::No })
}

/// The lines of a block of the file that ran.
fn covered(line: &str, name: &str) -> Option<(u32, u32)> {
    let (path, rest) = line.rsplit_once(':')?;
    let mut words = rest.split(' ');
    let (from, to) = words.next()?.split_once(',')?;
    let count: u64 = words.nth(1)?.parse().ok()?;
    let number = |place: &str| place.split('.').next().and_then(|n| n.parse().ok());
    let own = path.rsplit('/').next() == Some(name) && count > 0;
    own.then_some((number(from)?, number(to)?))
}

#[cfg(test)]
mod tests {
    use super::covered;

    #[test]
    fn blocks_that_ran() {
        assert_eq!(covered("a.com/p/hub.go:12.3,14.2 2 1", "hub.go"), Some((12, 14)));
        assert_eq!(covered("a.com/p/hub.go:12.3,14.2 2 0", "hub.go"), None);
        assert_eq!(covered("a.com/p/other.go:12.3,14.2 2 1", "hub.go"), None);
        assert_eq!(covered("mode: set", "hub.go"), None);
    }
}
