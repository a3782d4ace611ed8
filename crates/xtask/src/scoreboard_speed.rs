//! Whole runs of `unpanic check` against `go vet` and staticcheck with empty caches, and what a run
//! costs as programs grow. The figures go to `speed.md` of the output folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use go_project::{LoadOptions, PackageKind, ParseLevel};
use source::OsSystem;

use crate::measure::{Cost, measure};
use crate::toolchain::Go;
use crate::unpanic_command::BINARY;
use crate::{cargo, root, run_command};

/// Names a staticcheck command; without it there is no comparison with it.
const STATICCHECK: &str = "UNPANIC_STATICCHECK";
/// How often `check` runs; the middle one by wall time counts.
const RUNS: usize = 3;
/// A run longer than this, in seconds, is not repeated.
const LONG: f64 = 30.0;
/// A run longer than this is ended, and its row says so.
const LIMIT: Duration = Duration::from_mins(20);

const HEAD: &str = "# Speed of whole runs\n\n\
    One command regenerates this (not in CI): `cargo xtask scoreboard speed --module DIR…`, with\n\
    `UNPANIC_STATICCHECK=…` for staticcheck. Everything is cold: `go vet` and staticcheck start with empty caches\n\
    (GOCACHE, STATICCHECK_CACHE), and unpanic has none; the files themselves have been read before. Without\n\
    cgo, on the same tree, one tool after the other. `CPU` is user and system time of the tool and all processes\n\
    that it starts; `peak` is the resident memory of all of them together, looked at every 10 ms. Of unpanic, the\n\
    middle of three runs (one, if it takes more than 30 s). Compare ratios: the machine is shared, and its speed varies.\n\n\
    ## Against other tools\n\n\
    | program | tool | wall s | CPU s | peak MB | wall, times ours | CPU, times ours | peak, times ours |\n\
    |---|---|---|---|---|---|---|---|\n";

const SIZE_HEAD: &str = "\n## Cost against size\n\n\
    `own` is what is analysed (the program's own packages), `all` what is loaded with it: declarations of\n\
    everything imported are read and checked.\n\n\
    | program | packages, own / all | lines, own / all | MB, all | wall s | CPU s | peak MB | CPU s a million own lines | CPU s a million lines |\n\
    |---|---|---|---|---|---|---|---|---|\n";

/// Compares on the first module and `std`, measures `check` on all, and writes `out_dir/speed.md`.
pub fn run(go: &Go, modules: &[PathBuf], out_dir: &Path) -> anyhow::Result<()> {
    let binary = binary()?;
    let staticcheck = std::env::var_os(STATICCHECK).filter(|v| !v.is_empty()).map(PathBuf::from);
    let subjects = subjects(go, modules);
    let mut page = String::from(HEAD);
    let mut sizes: Vec<(Size, String)> = Vec::new();
    for (i, subject) in subjects.iter().enumerate() {
        eprintln!("  {}", subject.name);
        let ours = check(go, &binary, subject)?;
        let size = size(go, subject);
        let line = size.row(&subject.name, &ours);
        eprintln!("    {line}");
        sizes.push((size, line));
        if i > 0 && subject.pattern != "std" {
            continue;
        }
        writeln!(page, "{}", row(&subject.name, "unpanic check", &ours, &ours))?;
        let caches = std::env::temp_dir().join(format!("unpanic-speed-{}", std::process::id()));
        let mut tools = vec![("go vet", go.binary.as_path(), vec!["vet"])];
        tools.extend(staticcheck.iter().map(|path| ("staticcheck", path.as_path(), Vec::new())));
        for (name, program, arguments) in tools {
            eprintln!("    {name}");
            let mut command = Command::new(program);
            command.args(arguments).arg(subject.pattern);
            set_up(go, &mut command, subject)
                .env("GOCACHE", caches.join("go"))
                .env("STATICCHECK_CACHE", caches.join("staticcheck"));
            std::fs::create_dir_all(caches.join("staticcheck"))?;
            let cost = measure(&mut command, LIMIT);
            std::fs::remove_dir_all(&caches).context("removing the caches of a run")?;
            let line = row(&subject.name, name, &cost?, &ours);
            eprintln!("    {line}");
            writeln!(page, "{line}")?;
        }
    }
    sizes.sort_by_key(|(size, _)| size.own_lines);
    page += SIZE_HEAD;
    for (_, line) in &sizes {
        writeln!(page, "{line}")?;
    }
    writeln!(page, "\n{}", conditions(go, staticcheck.as_deref())?)?;
    std::fs::create_dir_all(out_dir)?;
    let path = out_dir.join("speed.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

struct Subject {
    name: String,
    dir: PathBuf,
    pattern: &'static str,
}

fn subjects(go: &Go, modules: &[PathBuf]) -> Vec<Subject> {
    let std = Subject { name: "std".to_owned(), dir: go.root.join("src"), pattern: "std" };
    let module = |dir: &PathBuf| Subject {
        name: dir.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        dir: dir.clone(),
        pattern: "./...",
    };
    modules.iter().map(module).chain([std]).collect()
}

/// The binary to measure.
fn binary() -> anyhow::Result<PathBuf> {
    if let Some(given) = std::env::var_os(BINARY).filter(|v| !v.is_empty()) {
        return Ok(given.into());
    }
    run_command(cargo().args(["build", "--quiet", "--profile", "dist", "-p", "unpanic"]))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("dist/unpanic"))
}

/// Without cgo and, for all tools, in the folder of the subject.
fn set_up<'c>(go: &Go, command: &'c mut Command, subject: &Subject) -> &'c mut Command {
    go.setup(command).env("CGO_ENABLED", "0").current_dir(&subject.dir)
}

/// Runs `check` and takes the middle run.
fn check(go: &Go, binary: &Path, subject: &Subject) -> anyhow::Result<Cost> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let mut command = Command::new(binary);
        command.args(["check", "--no-cache", "--format", "json", subject.pattern]);
        let cost = measure(set_up(go, &mut command, subject), LIMIT)?;
        // Findings are 1, and parts that could not be loaded 3.
        ensure!(
            matches!(cost.code, None | Some(0 | 1 | 3)),
            "unpanic check exited with {:?}",
            cost.code
        );
        runs.push(cost);
        if cost.wall > LONG {
            break;
        }
    }
    runs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    Ok(runs[runs.len() / 2])
}

fn row(program: &str, tool: &str, cost: &Cost, ours: &Cost) -> String {
    let times = |theirs: f64, ours: f64| match tool {
        "unpanic check" => "–".to_owned(),
        _ => format!("{:.1}", theirs / ours.max(0.001)),
    };
    let ended = if cost.code.is_none() { " (ended at the limit)" } else { "" };
    format!(
        "| {program} | {tool}{ended} | {:.1} | {:.1} | {:.0} | {} | {} | {} |",
        cost.wall,
        cost.cpu,
        cost.megabytes,
        times(cost.wall, ours.wall),
        times(cost.cpu, ours.cpu),
        times(cost.megabytes, ours.megabytes),
    )
}

/// How large a program is.
#[derive(Default)]
struct Size {
    own_packages: usize,
    packages: usize,
    own_lines: usize,
    lines: usize,
    bytes: usize,
}

impl Size {
    fn row(&self, name: &str, cost: &Cost) -> String {
        let millions = |lines: usize| (lines as f64 / 1e6).max(0.001);
        format!(
            "| {name}{} | {} / {} | {} / {} | {:.1} | {:.2} | {:.2} | {:.0} | {:.1} | {:.2} |",
            if cost.code.is_none() { " (ended at the limit)" } else { "" },
            self.own_packages,
            self.packages,
            self.own_lines,
            self.lines,
            self.bytes as f64 / 1e6,
            cost.wall,
            cost.cpu,
            cost.megabytes,
            cost.cpu / millions(self.own_lines),
            cost.cpu / millions(self.lines),
        )
    }
}

fn size(go: &Go, subject: &Subject) -> Size {
    let options = LoadOptions {
        dir: subject.dir.clone(),
        patterns: vec![subject.pattern.to_owned()],
        cgo: Some(false),
        goroot: Some(go.root.clone()),
        parse: ParseLevel::ImportsOnly,
        ..LoadOptions::default()
    };
    let program = go_project::load(&OsSystem, &options);
    let mut size = Size::default();
    for package in program.packages.iter() {
        let is_own = package.kind == PackageKind::Workspace || package.is_root;
        size.packages += 1;
        size.own_packages += usize::from(is_own);
        for file in &package.files {
            let text = &program.sources.file(file.file).text;
            let lines = text.iter().filter(|&&b| b == b'\n').count();
            size.lines += lines;
            size.bytes += text.len();
            size.own_lines += if is_own { lines } else { 0 };
        }
    }
    size
}

/// What it was measured with, for the end of the page.
fn conditions(go: &Go, staticcheck: Option<&Path>) -> anyhow::Result<String> {
    let mut text = format!("Measured with {}", go.version()?);
    if let Some(path) = staticcheck {
        let output = Command::new(path).arg("-version").output();
        let output = output.with_context(|| format!("cannot run {}", path.display()))?;
        if !output.status.success() {
            bail!("{} -version failed", path.display());
        }
        write!(text, ", {}", String::from_utf8_lossy(&output.stdout).trim())?;
    }
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    write!(text, ", on {cores} cores; the load of the machine at the end was {load}.")?;
    Ok(text)
}
