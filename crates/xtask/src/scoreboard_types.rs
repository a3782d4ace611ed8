//! Compares the type of every expression with go/types', and times both on one thread. The figures
//! go to `types.md` of the output folder.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use go_project::LoadOptions;
use go_types::{CheckOptions, Plan, Store, check_program, debug_types, with_large_stacks};
use source::OsSystem;

/// Checks `std` and each module folder (`./...` in it) with everything they import, bodies
/// included, and writes `out_dir/types.md`. `oracle` is the folder of the Go program that asks
/// go/types. Fails when Go cannot be run, or when too little agrees.
pub fn run(
    goroot: &Path,
    go_binary: &Path,
    oracle: &Path,
    modules: &[PathBuf],
    out_dir: &Path,
) -> anyhow::Result<()> {
    let subjects = subjects(goroot, modules);
    if let Some(asked) = child_request() {
        let subject = subjects.get(asked.subject).context("no such subject")?;
        let ours = check(goroot, subject, &asked.dump)?;
        println!("{} {} {} {}", ours.packages, ours.errors, ours.seconds, ours.megabytes);
        return Ok(());
    }
    let scratch = std::env::temp_dir().join(format!("unpanic-types-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let program = scratch.join("oracle");
    let go = Go { goroot, program: program.clone() };
    let built = Command::new(go_binary)
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(oracle)
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .status()
        .context("go build of the oracle")?;
    if !built.success() {
        bail!("the oracle does not build");
    }
    let mut page = String::from(HEAD);
    let mut details = String::new();
    let mut worse = Vec::new();
    for (i, subject) in subjects.iter().enumerate() {
        let dump = scratch.join("dump.jsonl");
        let ours = check_in_child(i, modules, &dump)?;
        let compared = go.run(subject, &["-show", "40", "-dump", &dump.to_string_lossy()])?;
        let timed = go.run(subject, &["-bench"])?;
        std::fs::remove_file(&dump)?;
        let (row, agreement) = row(&subject.name, &ours, &compared, &timed);
        writeln!(page, "{row}")?;
        if agreement < LEAST_AGREEMENT {
            worse.push(format!("{}: {agreement:.4}%", subject.name));
        }
        let lines: Vec<&str> = compared.lines().filter(|l| !l.starts_with("go/types:")).collect();
        if lines.len() > 2 {
            writeln!(details, "\n## {}\n\n```\n{}\n```", subject.name, lines.join("\n"))?;
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    std::fs::create_dir_all(out_dir)?;
    let path = out_dir.join("types.md");
    std::fs::write(&path, page + &details).with_context(|| path.display().to_string())?;
    if worse.is_empty() { Ok(()) } else { bail!("too little agrees: {}", worse.join(", ")) }
}

/// In per cent of the expressions of a program.
const LEAST_AGREEMENT: f64 = 99.95;

const HEAD: &str = "# Types against go/types\n\n\
    Every expression of the packages asked for and of everything they import: type (with full \
    package paths), mode and constant value as go/types records them. Both check from source, \
    bodies included, on one thread; `s` is processor time of the check alone (parsing excluded, \
    garbage collection included), `MB` is what the process holds at the end, trees and results \
    kept (for Go: obtained from the system).\n\n\
    | program | packages | expressions | agree | | errors | s | go/types s | times faster | MB | go/types MB | share |\n\
    |---|---|---|---|---|---|---|---|---|---|---|---|\n";

struct Subject {
    name: String,
    dir: PathBuf,
    pattern: &'static str,
}

fn subjects(goroot: &Path, modules: &[PathBuf]) -> Vec<Subject> {
    let std = Subject { name: "std".to_owned(), dir: goroot.join("src"), pattern: "std" };
    let module = |dir: &PathBuf| Subject {
        name: dir.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        dir: dir.clone(),
        pattern: "./...",
    };
    std::iter::once(std).chain(modules.iter().map(module)).collect()
}

/// Tells a child of this program which subject to check and where to write the dump.
const CHILD: &str = "UNPANIC_SCOREBOARD_TYPES_CHILD";

struct Request {
    subject: usize,
    dump: PathBuf,
}

fn child_request() -> Option<Request> {
    let value = std::env::var(CHILD).ok()?;
    let (subject, dump) = value.split_once(':')?;
    Some(Request { subject: subject.parse().ok()?, dump: dump.into() })
}

/// Checks a subject in a process of its own, so that its memory is measured alone.
fn check_in_child(subject: usize, modules: &[PathBuf], dump: &Path) -> anyhow::Result<Ours> {
    let output = Command::new(std::env::current_exe()?)
        .args(["scoreboard", "types"])
        .args(modules.iter().flat_map(|dir| [OsStr::new("--module"), dir.as_os_str()]))
        .env(CHILD, format!("{subject}:{}", dump.display()))
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> =
        text.lines().last().unwrap_or("").split(' ').filter_map(|n| n.parse().ok()).collect();
    let [packages, errors, seconds, megabytes] = figures[..] else {
        bail!("unexpected output of the check: {text}");
    };
    Ok(Ours { packages: packages as usize, errors: errors as usize, seconds, megabytes })
}

struct Ours {
    packages: usize,
    errors: usize,
    seconds: f64,
    megabytes: f64,
}

/// Checks a subject on one thread and writes what `unpanic debug types` would.
fn check(goroot: &Path, subject: &Subject, dump: &Path) -> anyhow::Result<Ours> {
    let options = LoadOptions {
        dir: subject.dir.clone(),
        patterns: vec![subject.pattern.to_owned()],
        cgo: Some(false),
        goroot: Some(goroot.to_owned()),
        ..LoadOptions::default()
    };
    let program = go_project::load(&OsSystem, &options);
    with_large_stacks(1, || {
        let store = Store::new();
        let before = processor_seconds();
        let plan = Plan::new(&program, &store, &CheckOptions::default());
        let types = check_program(&plan, &store);
        types.check_all_bodies(&program.order);
        let seconds = processor_seconds() - before;
        let megabytes = resident_megabytes();
        let mut out = std::io::BufWriter::new(std::fs::File::create(dump)?);
        debug_types(&program, &types, &program.order, &mut out)?;
        out.flush()?;
        let errors = program.order.iter().map(|&id| types.errors(id).len()).sum();
        Ok(Ours { packages: program.order.len(), errors, seconds, megabytes })
    })
}

/// User and system time of this process so far.
fn processor_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// Memory that this process holds.
fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("");
    let kilobytes: f64 = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
    kilobytes * 1024.0 / 1e6
}

struct Go<'a> {
    goroot: &'a Path,
    program: PathBuf,
}

impl Go<'_> {
    /// Runs the oracle on a subject.
    fn run(&self, subject: &Subject, flags: &[&str]) -> anyhow::Result<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(&self.program)
            .args(["-dir", &subject.dir.to_string_lossy()])
            .args(flags)
            .arg(subject.pattern)
            .env("GOROOT", self.goroot)
            .env("PATH", format!("{}:{path}", self.goroot.join("bin").display()))
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "0")
            .output()
            .context("running the oracle")?;
        if !output.status.success() {
            bail!("oracle: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A row of the table, and the per cent that agrees.
fn row(name: &str, ours: &Ours, compared: &str, timed: &str) -> (String, f64) {
    let line = |text: &'static str, of: &str| -> Vec<String> {
        let line = of.lines().rev().find_map(|l| l.strip_prefix(text)).unwrap_or("");
        let number = |c: char| !(c.is_ascii_digit() || c == '.');
        line.split(number).filter(|n| !n.is_empty()).map(str::to_owned).collect()
    };
    let get = |of: &[String], i: usize| of.get(i).and_then(|n| n.parse::<f64>().ok());
    let agree = line("agree:", compared);
    let bench = line("bench:", timed);
    let (agreed, all) = (get(&agree, 0).unwrap_or(0.0), get(&agree, 1).unwrap_or(0.0));
    let (their_seconds, their_megabytes) =
        (get(&bench, 0).unwrap_or(0.0), get(&bench, 2).unwrap_or(0.0));
    let agreement = 100.0 * agreed / all.max(1.0);
    let row = format!(
        "| {name} | {} | {all} | {agreed} | {:.4}% | {} | {:.2} | {their_seconds:.2} | {:.1} | {:.0} | {their_megabytes:.0} | {:.2} |",
        ours.packages,
        agreement,
        ours.errors,
        ours.seconds,
        their_seconds / ours.seconds.max(0.01),
        ours.megabytes,
        ours.megabytes / their_megabytes.max(1.0),
    );
    (row, agreement)
}
