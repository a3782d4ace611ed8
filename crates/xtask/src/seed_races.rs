//! `cargo xtask seed-races`: recall on real code. Clean modules are broken in one place at a time
//! (`oracle/seed_races` finds the places and the edits), and the public command is asked whether it
//! sees the race at the variable that is broken. The figures go to `scoreboards/seeded.md`.

mod figures;
mod proofs;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use diag::{Confidence, FindingRecord, Stability};
use serde::{Deserialize, Serialize};

use crate::toolchain::Go;
use crate::unpanic_command::Unpanic;
use crate::{root, run_command};
use figures::{Figures, Verdict};
pub use tree::Tree;

/// Arguments of `cargo xtask seed-races`.
#[derive(clap::Args)]
pub struct Args {
    /// A folder with a go.mod; its dependencies have to be there (vendor or module cache).
    #[arg(long = "module", value_name = "DIR", required = true)]
    modules: Vec<PathBuf>,
    /// How many seeds a module.
    #[arg(long, default_value_t = 40)]
    count: usize,
    /// Check only the seed's package and those that import it, not the whole module.
    #[arg(long)]
    near: bool,
    /// Take what an earlier run found out about a module (target/seed-races/NAME.jsonl) instead of
    /// measuring it again.
    #[arg(long)]
    resume: bool,
    /// Measure nothing: apply the seed with this number (from 0) to a copy of the first module,
    /// and print the seed and where the copy is.
    #[arg(long, value_name = "N")]
    apply: Option<usize>,
    /// Run the modules' tests under `prove`, with the race detector and plainly; writes another page.
    #[arg(long)]
    prove: bool,
}

/// A place that was broken, as `oracle/seed_races` prints it.
#[derive(Deserialize, Serialize, Clone, Debug)]
pub struct Seed {
    operator: String,
    package: String,
    file: PathBuf,
    function: String,
    variable: String,
    map: bool,
    edits: Vec<Edit>,
    places: Vec<Place>,
    near: Vec<PathBuf>,
}

#[derive(Deserialize, Serialize, Clone, Debug)]
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

#[derive(Deserialize, Serialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: PathBuf,
    line: u32,
}

/// The last line of the oracle's output.
#[derive(Deserialize)]
struct Summary {
    packages: usize,
    packages_not_checked: usize,
}

/// Measures all modules and writes the page; the missed seeds go to target/seed-races.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let go = Go::find()?;
    let unpanic = Unpanic::build(&go)?;
    let scratch = root().join("target/seed-races");
    std::fs::create_dir_all(&scratch)?;
    let oracle = scratch.join("oracle");
    let mut build = Command::new(&go.binary);
    go.setup(&mut build).args(["build", "-C", "oracle/seed_races", "-o"]).arg(&oracle).arg(".");
    run_command(&mut build)?;
    let mut figures = Figures::default();
    let mut proofs = proofs::Page::new();
    for module in &args.modules {
        let module = module.canonicalize().with_context(|| module.display().to_string())?;
        let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let results = scratch.join(format!("{name}.jsonl"));
        let judged = if !args.prove && args.resume && results.exists() {
            read_results(&results)?
        } else {
            let (seeds, summary) = find_seeds(&go, &oracle, &module, args.count)?;
            eprintln!(
                "{name}: {} seeds, {} packages, {} of them with errors",
                seeds.len(),
                summary.packages,
                summary.packages_not_checked
            );
            let tree = Tree::copy(&module, &scratch.join(&name))?;
            if let Some(index) = args.apply {
                let Some(seed) = seeds.get(index) else { bail!("there are {} seeds", seeds.len()) };
                tree.write(&seed.file, &seed.broken()?)?;
                println!("{}\n{}", serde_json::to_string(seed)?, tree.root.display());
                return Ok(());
            }
            if args.prove {
                proofs.module(&go, &unpanic, &tree, &name, &seeds)?;
                tree.remove()?;
                continue;
            }
            let judged = Judge::new(&unpanic, &tree, args.near).all(&name, seeds)?;
            tree.remove()?;
            write_results(&results, &judged)?;
            judged
        };
        for (number, Judged { seed, verdict }) in judged.iter().enumerate() {
            figures.add(&name, number, seed, *verdict);
        }
        // After each module: the whole takes long, and what is done is done.
        std::fs::write(scratch.join("missed.txt"), figures.misses().join("\n") + "\n")?;
        let page = root().join("scoreboards/seeded.md");
        std::fs::write(&page, figures.page(args.near))
            .with_context(|| page.display().to_string())?;
    }
    if args.prove {
        return Ok(());
    }
    eprintln!("the missed seeds are listed in {}", scratch.join("missed.txt").display());
    Ok(())
}

/// A seed with what was found out about it.
#[derive(Deserialize, Serialize)]
struct Judged {
    seed: Seed,
    verdict: Verdict,
}

fn read_results(path: &Path) -> anyhow::Result<Vec<Judged>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().with_context(|| path.display().to_string())
}

fn write_results(path: &Path, judged: &[Judged]) -> anyhow::Result<()> {
    let lines = judged.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    std::fs::write(path, lines.join("\n") + "\n").with_context(|| path.display().to_string())
}

fn find_seeds(
    go: &Go,
    oracle: &Path,
    module: &Path,
    count: usize,
) -> anyhow::Result<(Vec<Seed>, Summary)> {
    let mut command = Command::new(oracle);
    go.setup(&mut command).env("CGO_ENABLED", "0").arg("-dir").arg(module);
    let output = command
        .args(["-count", &count.to_string()])
        .output()
        .context("cannot run oracle/seed_races")?;
    let messages = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "oracle/seed_races failed\n{messages}");
    let text = String::from_utf8(output.stdout)?;
    let mut lines: Vec<&str> = text.lines().collect();
    let summary = serde_json::from_str(lines.pop().context("oracle/seed_races printed nothing")?)?;
    let seeds = lines.into_iter().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok((seeds, summary))
}

/// Runs the command on a module and remembers what it says about the unbroken one.
struct Judge<'a> {
    unpanic: &'a Unpanic,
    tree: &'a Tree,
    near: bool,
    /// By patterns.
    unbroken: BTreeMap<Vec<String>, Vec<FindingRecord>>,
}

impl<'a> Judge<'a> {
    fn new(unpanic: &'a Unpanic, tree: &'a Tree, near: bool) -> Self {
        Self { unpanic, tree, near, unbroken: BTreeMap::new() }
    }

    /// The verdicts on the seeds of a module, in their order.
    fn all(&mut self, module: &str, seeds: Vec<Seed>) -> anyhow::Result<Vec<Judged>> {
        let mut judged = Vec::new();
        for (number, seed) in seeds.into_iter().enumerate() {
            let verdict = self.verdict(&seed)?;
            eprintln!("{module} {number} {} {}: {verdict:?}", seed.operator, seed.shown());
            judged.push(Judged { seed, verdict });
        }
        Ok(judged)
    }

    /// What the command says about a seed, if the unbroken module is silent at its variable: the
    /// whole of it, and the part that is checked.
    fn verdict(&mut self, seed: &Seed) -> anyhow::Result<Verdict> {
        let whole = vec!["./...".to_owned()];
        if self.was_noisy(&whole, seed)? {
            return Ok(Verdict::Noisy);
        }
        let patterns = if self.near {
            let folders = seed.near.iter().map(|dir| self.tree.relative(dir));
            folders.map(|dir| format!("./{}", dir.display())).collect()
        } else {
            whole
        };
        self.tree.write(&seed.file, &seed.broken()?)?;
        let findings = self.check(&patterns);
        self.tree.restore(&seed.file)?;
        let stable = |code: &str| {
            let mut all = rules::all().into_iter().map(|rule| rule.meta);
            all.any(|meta| meta.code == code && meta.stability == Stability::Stable)
        };
        let mut verdict = Verdict::Missed;
        for finding in findings?.iter().filter(|f| seed.is_reported_by(f, self.tree)) {
            verdict = verdict.or(Verdict::Reported {
                stable: stable(&finding.rule),
                high: finding.confidence == Confidence::High,
            });
        }
        if self.near && verdict != Verdict::Missed && self.was_noisy(&patterns, seed)? {
            verdict = Verdict::Noisy;
        }
        Ok(verdict)
    }

    /// Whether the unbroken module has a finding that names the variable in the seed's package.
    fn was_noisy(&mut self, patterns: &[String], seed: &Seed) -> anyhow::Result<bool> {
        if !self.unbroken.contains_key(patterns) {
            let findings = self.check(patterns)?;
            self.unbroken.insert(patterns.to_vec(), findings);
        }
        let folder = self.tree.relative(seed.file.parent().unwrap_or(Path::new("/")));
        let inside = |f: &FindingRecord| Path::new(&f.primary.file).parent() == Some(&folder);
        Ok(self.unbroken[patterns].iter().any(|f| seed.names(f) && inside(f)))
    }

    fn check(&self, patterns: &[String]) -> anyhow::Result<Vec<FindingRecord>> {
        let patterns = patterns.iter().map(String::as_str);
        let arguments: Vec<&str> = std::iter::once("--preview").chain(patterns).collect();
        self.unpanic.check(&self.tree.root, &arguments)
    }
}

impl Seed {
    /// The text of its file with the edits.
    fn broken(&self) -> anyhow::Result<Vec<u8>> {
        let text = std::fs::read(&self.file).with_context(|| self.file.display().to_string())?;
        Ok(apply(&text, &self.edits))
    }

    /// Whether a finding speaks of the seed's variable.
    fn names(&self, finding: &FindingRecord) -> bool {
        is_part(&self.variable, &finding.variable)
    }

    /// Whether a finding names the variable and has an access in the seeded function or at
    /// another access to the variable in its package.
    fn is_reported_by(&self, finding: &FindingRecord, tree: &Tree) -> bool {
        let at = |file: &str, line: u32| {
            self.places.iter().any(|p| p.line == line && tree.relative(&p.file) == Path::new(file))
        };
        self.names(finding)
            && (at(&finding.primary.file, finding.primary.line)
                || finding.accesses.iter().any(|access| at(&access.file, access.line)))
    }

    fn shown(&self) -> String {
        format!("{} {} {}", self.package, self.function, self.variable)
    }
}

/// Whether a name is one of those in an expression: `clients` in `h.clients[…]`.
fn is_part(name: &str, expression: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    expression.split(|c| !word(c)).any(|part| part == name)
}

/// The text with the edits made, which do not overlap.
fn apply(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.start);
    let (mut out, mut at) = (Vec::new(), 0);
    for edit in sorted {
        out.extend_from_slice(&text[at..edit.start]);
        out.extend_from_slice(edit.text.as_bytes());
        at = edit.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_expressions() {
        assert!(is_part("clients", "h.clients[…]"));
        assert!(is_part("clients", "clients"));
        assert!(!is_part("client", "h.clients"));
    }

    #[test]
    fn edits_in_any_order() {
        let edit = |start, end, text: &str| Edit { start, end, text: text.to_owned() };
        let edits = [edit(8, 8, "R"), edit(0, 1, "q")];
        assert_eq!(apply(b"m.lock()Lock()", &edits), b"q.lock()RLock()");
    }
}
