//! Whole runs of the binary on real modules: cold, with nothing changed, and after a one-line edit.
//! Each is a process of its own, as at a developer's desk. Works on a copy of the module.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};

use crate::root;
use crate::scoreboard::Setup;
use crate::unpanic_command::Unpanic;

/// Measures each module (examples/orders when there is none) and writes `cache.md`. Fails when output that comes from the cache
/// is not that of a cold run, byte for byte.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let example = [root().join("examples/orders")];
    let modules: &[PathBuf] = if setup.modules.is_empty() { &example } else { &setup.modules };
    let unpanic = Unpanic::build(&setup.go)?;
    let mut page = String::from(HEAD);
    for module in modules {
        writeln!(page, "{}", measure(&unpanic, module)?)?;
    }
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        let load = load.split(' ').next().unwrap_or_default();
        let cores = std::thread::available_parallelism()?;
        writeln!(page, "\nOn {cores} cores; the load average at the end was {load}.")?;
    }
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("cache.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

const HEAD: &str = "# Runs that remember earlier ones\n\n\
    `cargo xtask scoreboard cache --module DIR` regenerates this. Wall time of whole processes, best of \
    three in turn, on a shared\nmachine: compare within a line. *cold* has no cache; *keeping* writes \
    one; *warm* has nothing changed; *edit* is after a line\nof code was added to one file of the module, \
    which no earlier run has seen. Every output is compared with a cold run's.\nThe targets are 150 ms \
    for warm and 300 ms for edit.\n\n\
    | module | packages | files | MB | cold | keeping | warm | edit | cold / warm | cold / edit | peak MB cold | peak MB warm | cache MB |\n\
    |---|---|---|---|---|---|---|---|---|---|---|---|---|\n";

/// How often each run is repeated.
const ROUNDS: usize = 3;

/// What is measured of one module.
struct Runner<'a> {
    unpanic: &'a Unpanic,
    module: PathBuf,
    cache: PathBuf,
}

struct Outcome {
    seconds: f64,
    findings: Vec<u8>,
    /// The table of `--statistics`.
    table: String,
}

fn measure(unpanic: &Unpanic, module: &Path) -> anyhow::Result<String> {
    let scratch = std::env::temp_dir().join(format!("unpanic-cache-{}", std::process::id()));
    let runner = Runner { unpanic, module: scratch.join("module"), cache: scratch.join("cache") };
    let measured = copy(module, &runner.module).and_then(|()| runner.rounds());
    std::fs::remove_dir_all(&scratch)?;
    let name = module.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("| {name} | {} |", measured?))
}

impl Runner<'_> {
    fn rounds(&self) -> anyhow::Result<String> {
        let edited = self.file_to_edit()?;
        let original = std::fs::read_to_string(&edited)?;
        let mut best = [f64::INFINITY; 4];
        let mut note = |which: usize, outcome: &Outcome| {
            best[which] = f64::min(best[which], outcome.seconds);
        };
        let (mut cold_table, mut warm_table, mut megabytes) = (String::new(), String::new(), 0.0);
        for round in 0..ROUNDS {
            let cold = self.check(&["--no-cache"], "off")?;
            let keeping = self.check(&[], "kept for the next run")?;
            let warm = self.check(&[], "unchanged since an earlier run")?;
            megabytes = self.unpanic.cache_size(&self.cache)? as f64 / 1e6;
            std::fs::write(&edited, format!("{original}\nfunc _() {{ println({round}) }}\n"))?;
            let edit = self.check(&[], "kept for the next run")?;
            let edit_cold = self.check(&["--no-cache"], "off")?;
            std::fs::write(&edited, &original)?;
            let same = [&keeping, &warm].iter().all(|o| o.findings == cold.findings);
            ensure!(
                same && edit.findings == edit_cold.findings,
                "the cache changes what is printed"
            );
            [cold, keeping, warm, edit].iter().enumerate().for_each(|(which, o)| {
                note(which, o);
                match which {
                    0 => cold_table.clone_from(&o.table),
                    2 => warm_table.clone_from(&o.table),
                    _ => {}
                }
            });
            std::fs::remove_dir_all(&self.cache)?;
        }
        let [cold, keeping, warm, edit] = best;
        Ok(format!(
            "{} | {} | {} | {cold:.2} s | {keeping:.2} s | {:.0} ms | {edit:.2} s | {:.0} | {:.2} | {} | {} | {megabytes:.1}",
            row(&cold_table, "packages loaded"),
            row(&cold_table, "files read"),
            row(&cold_table, "source").trim_end_matches(" MB"),
            warm * 1e3,
            cold / warm,
            cold / edit,
            row(&cold_table, "peak memory").trim_end_matches(" MB"),
            row(&warm_table, "peak memory").trim_end_matches(" MB"),
        ))
    }

    /// Runs `check` and makes sure that the cache did what it should.
    fn check(&self, flags: &[&str], result: &str) -> anyhow::Result<Outcome> {
        let cache = self.cache.to_string_lossy();
        let arguments: Vec<&str> =
            ["--statistics", "--cache-dir", &cache].iter().chain(flags).copied().collect();
        let started = Instant::now();
        let output = self.unpanic.run(&self.module, &arguments)?;
        let seconds = started.elapsed().as_secs_f64();
        let table = String::from_utf8_lossy(&output.stderr).into_owned();
        if row(&table, "result") != result {
            bail!("the result should be `{result}`:\n{table}");
        }
        Ok(Outcome { seconds, findings: output.stdout, table })
    }

    /// The middle one of the module's own files, by path, that every build context has.
    fn file_to_edit(&self) -> anyhow::Result<PathBuf> {
        let mut files = Vec::new();
        own_files(&self.module, &mut files)?;
        files.retain(|path| std::fs::read_to_string(path).is_ok_and(|t| !t.contains("//go:build")));
        files.sort();
        let middle = files.len() / 2;
        files.into_iter().nth(middle).context("the module has no Go files")
    }
}

/// The value of a row of the statistics; empty when there is no such row.
fn row<'a>(table: &'a str, name: &str) -> &'a str {
    let rows = table.lines().filter_map(|line| line.strip_prefix(name));
    rows.into_iter().find(|rest| rest.starts_with("  ")).map_or("", str::trim)
}

fn own_files(dir: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            let other = entry.path().join("go.mod").exists();
            if !other && !name.starts_with(['.', '_']) && name != "vendor" && name != "testdata" {
                own_files(&entry.path(), files)?;
            }
        } else if name.ends_with(".go") && !name.contains('_') {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Copies a folder, without the history that version control keeps in it.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() && entry.file_name() != ".git" {
            copy(&source, &target)?;
        } else if kind.is_file() {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
