//! Runs the scenarios of `crates/go_crash/testdata/corpus`, each a way to die or to report, with
//! several versions of Go at every `GOTRACEBACK` level, and compares what `go_crash` reads with an
//! independent count of what was printed. The figures go to `crash.md` of the output folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use go_crash::{Collector, Parser, Report, Section};

use crate::root;
use crate::scoreboard::Setup;
use crate::toolchain::Go;
use crate::unpanic_command::shipped_example;

/// The versions that are run: those between which the format changed.
const VERSIONS: [&str; 6] = ["1.21.13", "1.22.10", "1.23.9", "1.25.5", "1.26.6", "1.27.3"];
const LEVELS: [&str; 5] = ["none", "single", "all", "system", "crash"];
/// Test functions that do not pass, run under `go test`'s own program.
const TESTS: [&str; 4] = ["TestFails", "TestPanics", "TestHangs", "TestBubble"];
/// A program that has not died by then is ended; its output counts as it is.
const LIMIT: Duration = Duration::from_secs(20);
/// As many programs run at once.
const AT_ONCE: usize = 3;
/// What the dump for the speed has.
const GOROUTINES: usize = 100_000;

/// Measures and writes `crash.md`. Fails when a goroutine or a frame is not found.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let scratch = root().join("target/crash-corpus");
    std::fs::create_dir_all(&scratch)?;
    let mut page = String::from(HEAD);
    let (mut wrong, mut known) = (Vec::new(), Vec::new());
    let mut whole = Tally::default();
    let mut scenarios = BTreeSet::new();
    for version in VERSIONS {
        let go = Go::of_version(version)?;
        let programs = build(&go, version, &scratch)?;
        let mut levels: BTreeMap<&str, Tally> = BTreeMap::new();
        let mut jobs = jobs(&programs, version)?;
        scenarios.extend(jobs.iter().map(|job| format!("`{}`", job.name)));
        while !jobs.is_empty() {
            let batch: Vec<Job> = jobs.drain(..AT_ONCE.min(jobs.len())).collect();
            let outputs: Vec<anyhow::Result<Vec<u8>>> = std::thread::scope(|scope| {
                let running: Vec<_> =
                    batch.iter().map(|job| scope.spawn(|| job.output())).collect();
                running
                    .into_iter()
                    .map(|r| r.join().expect("running a program does not panic"))
                    .collect()
            });
            for (job, output) in batch.iter().zip(outputs) {
                let output = output?;
                let tally = Tally::of(&output, job.dies);
                if let Some((_, why)) = KNOWN.iter().find(|(known, _)| job.is(known, version)) {
                    known.push(format!("- {} at {} with {version}: {why}", job.name, job.level));
                    continue;
                }
                if !tally.perfect() {
                    let name = format!("{}-{}-{version}.txt", job.name, job.level);
                    std::fs::write(scratch.join(&name), &output)?;
                    wrong.push(format!("target/crash-corpus/{name}: {tally:?}"));
                }
                levels.entry(job.level).or_default().add(&tally);
                whole.add(&tally);
            }
        }
        for level in LEVELS {
            let tally = levels.remove(level).unwrap_or_default();
            writeln!(page, "| {version} | {level} | {} |", tally.cells())?;
        }
    }
    writeln!(page, "| all | all | {} |", whole.cells())?;
    let list = scenarios.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    writeln!(page, "\n## Scenarios\n\n{} in all: {list}.\n\n{UNMEASURED}", scenarios.len())?;
    writeln!(page, "\n## Not counted\n\n{}", known.join("\n"))?;
    page += &speed()?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("crash.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    if wrong.is_empty() { Ok(()) } else { bail!("not all was found:\n  {}", wrong.join("\n  ")) }
}

/// What cannot be read right, as scenario, level and version, with the reason.
const KNOWN: &[([&str; 3], &str)] =
    &[(["forged", "none", "1.21"], RAW), (["forged", "none", "1.22"], RAW)];
const RAW: &str = "Go up to 1.22 prints the lines of a panic's value raw; with GOTRACEBACK=none no true stack follows that \
    would give the forged ones away";

const UNMEASURED: &str = "`raced-` ones are built with `-race`, those that begin with `Test` are run by package testing. What is not \
    in this list is not measured: crashes in C code called through cgo, `checkptr`, other systems than Linux on amd64.";

const HEAD: &str = "# What Go prints when it dies, and what of it is read\n\n\
    The scenarios of crates/go_crash/testdata/corpus (listed below: panics, fatal errors, signals, net/http, failed\n\
    and hanging tests, race reports) are run with each version of Go at each level of GOTRACEBACK.\n\
    `printed` is counted by a few lines of their own in xtask: lines that are goroutine headers (or\n\
    titles of a race report), and function lines with a place on the next line; text that the corpus forges in\n\
    panic values is left out of the count, and must be left out by the reader. `deaths told`: runs that printed\n\
    anything and died, of which kind and message were found.\n\n\
    | Go | GOTRACEBACK | runs | deaths told | goroutines found / printed | frames found / printed | wrong runs |\n\
    |---|---|---|---|---|---|---|\n";

/// Counts of one or more runs.
#[derive(Clone, Debug, Default)]
struct Tally {
    runs: usize,
    deaths: usize,
    told: usize,
    goroutines: (usize, usize),
    frames: (usize, usize),
    wrong: usize,
}

impl Tally {
    fn of(output: &[u8], dies: bool) -> Self {
        let reports = read(output);
        let stacks = || reports.iter().flat_map(|r| &r.goroutines);
        let goroutines = stacks().filter(|s| s.section != Section::RuntimeStack).count();
        let frames = stacks().map(|s| s.frames().len()).sum();
        let printed = count(output);
        let dies = dies && !output.is_empty();
        let told = reports.iter().any(|r| r.head.kind != go_crash::Kind::Goroutines);
        let mut tally = Self {
            runs: 1,
            deaths: usize::from(dies),
            told: usize::from(dies && told),
            goroutines: (goroutines, printed.0),
            frames: (frames, printed.1),
            wrong: 0,
        };
        tally.wrong = usize::from(!tally.perfect());
        tally
    }

    fn perfect(&self) -> bool {
        self.deaths == self.told
            && self.goroutines.0 == self.goroutines.1
            && self.frames.0 == self.frames.1
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.deaths += other.deaths;
        self.told += other.told;
        self.goroutines.0 += other.goroutines.0;
        self.goroutines.1 += other.goroutines.1;
        self.frames.0 += other.frames.0;
        self.frames.1 += other.frames.1;
        self.wrong += other.wrong;
    }

    fn cells(&self) -> String {
        format!(
            "{} | {} / {} | {} / {} | {} / {} | {}",
            self.runs,
            self.told,
            self.deaths,
            self.goroutines.0,
            self.goroutines.1,
            self.frames.0,
            self.frames.1,
            self.wrong
        )
    }
}

fn read(output: &[u8]) -> Vec<Report> {
    let (mut parser, mut collector) = (Parser::new(), Collector::keeping(1 << 30));
    let mut reports = Vec::new();
    parser.push(output, |event| reports.extend(collector.event(event)));
    parser.finish(|event| reports.extend(collector.event(event)));
    reports
}

/// The independent count: headers or race titles, and frames.
fn count(output: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| !l.contains("main.forged") && !l.contains("/forged/forged.go"))
        .filter(|l| !l.starts_with("goroutine 4242 [") && !l.starts_with("goroutine 4343 ["))
        .collect();
    let header = |l: &str| l.starts_with("goroutine ") && l.contains(" [") && l.ends_with(':');
    let title = |l: &str| {
        l.contains(" at 0x") && l.contains(" by ") && l.ends_with(':')
            || l.starts_with("Goroutine ") && l.ends_with("created at:")
    };
    let place = |l: &str| {
        (l.starts_with('\t') || l.starts_with("      "))
            && [".go:", ".s:", ".c:", "<autogenerated>:"].iter().any(|end| l.contains(end))
    };
    let function =
        |l: &str| l.ends_with(')') && !l.starts_with('\t') && !l.starts_with("created by ");
    let frames = lines.windows(2).filter(|w| function(w[0]) && place(w[1])).count();
    (lines.iter().filter(|l| header(l) || title(l)).count(), frames)
}

/// One run of a program.
struct Job {
    program: PathBuf,
    arguments: Vec<String>,
    name: String,
    level: &'static str,
    dies: bool,
    output: PathBuf,
}

impl Job {
    fn is(&self, [name, level, release]: &[&str; 3], version: &str) -> bool {
        self.name == *name && self.level == *level && version.starts_with(release)
    }

    /// Everything that it prints on standard output and standard error, in order.
    fn output(&self) -> anyhow::Result<Vec<u8>> {
        let file = std::fs::File::create(&self.output)?;
        let folder = self.output.parent().context("the output lies in a folder")?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(folder)
            .env("GOTRACEBACK", self.level)
            .env("GODEBUG", "tracebacklabels=1")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let start = Instant::now();
        while child.try_wait()?.is_none() {
            if start.elapsed() > LIMIT {
                child.kill()?;
                child.wait()?;
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = std::fs::read(&self.output)?;
        std::fs::remove_file(&self.output)?;
        Ok(output)
    }
}

/// The corpus built with one version: the program, its race-detector build, its tests.
struct Programs {
    plain: PathBuf,
    race: PathBuf,
    tests: PathBuf,
    scratch: PathBuf,
}

fn build(go: &Go, version: &str, scratch: &Path) -> anyhow::Result<Programs> {
    let corpus = root().join("crates/go_crash/testdata/corpus");
    let make = |name: &str, arguments: &[&str], cgo: &str| -> anyhow::Result<PathBuf> {
        let path = scratch.join(format!("{name}-{version}"));
        let mut command = Command::new(&go.binary);
        command.args(arguments).arg("-o").arg(&path).arg(".").current_dir(&corpus);
        // The runtime looks for deadlocks in programs without cgo only.
        let output = go.setup(&mut command).env("CGO_ENABLED", cgo).output()?;
        ensure!(
            output.status.success(),
            "building the corpus with Go {version}:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(path)
    };
    Ok(Programs {
        plain: make("corpus", &["build"], "0")?,
        race: make("race", &["build", "-race", "-trimpath"], "1")?,
        tests: make("tests", &["test", "-c"], "0")?,
        scratch: scratch.to_owned(),
    })
}

fn jobs(programs: &Programs, version: &str) -> anyhow::Result<Vec<Job>> {
    let list = Command::new(&programs.plain).output()?;
    let names =
        String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    ensure!(names.len() > 40, "the corpus names {} scenarios", names.len());
    let mut jobs = Vec::new();
    let mut add = |program: &Path, arguments: &[&str], name: &str, level, dies| {
        jobs.push(Job {
            program: program.to_owned(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            name: name.to_owned(),
            level,
            dies,
            output: programs.scratch.join(format!("{name}-{level}-{version}.out")),
        });
    };
    for level in LEVELS {
        for name in &names {
            let lives = matches!(&**name, "stack" | "all-stacks" | "race" | "map-race");
            add(&programs.plain, &[name], name, level, !lives);
        }
        for name in ["race", "map-race", "map-writes"] {
            add(&programs.race, &[name], &format!("raced-{name}"), level, true);
        }
        for test in TESTS {
            let old = ["1.21", "1.22", "1.23", "1.24"].iter().any(|v| version.starts_with(v));
            if test == "TestBubble" && old {
                continue;
            }
            let run = format!("-test.run=^{test}$");
            add(&programs.tests, &[&run, "-test.timeout=1s"], test, level, true);
        }
    }
    Ok(jobs)
}

/// How long speed is measured, in seconds: long enough to meet a quiet moment of a machine that others use.
const SPEED_SECONDS: u64 = 40;

/// Bytes a second on a generated dump, the best of many rounds, as what is shipped is built.
fn speed() -> anyhow::Result<String> {
    let program = shipped_example("go_crash", "speed")?;
    let arguments = [GOROUTINES.to_string(), SPEED_SECONDS.to_string()];
    let output = Command::new(program).args(arguments).output()?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "speed: {}", String::from_utf8_lossy(&output.stderr));
    let figures = text.split_whitespace().map(str::parse::<f64>).collect::<Result<Vec<_>, _>>()?;
    let &[bytes, rounds, lines, events, grouped] = figures.as_slice() else {
        bail!("five figures were expected of speed, found {text:?}");
    };
    let megabytes = bytes / 1e6;
    let [lines, events, grouped] = [lines, events, grouped].map(|seconds| megabytes / seconds);
    Ok(format!(
        "\n## Speed\n\nA generated dump of {GOROUTINES} goroutines, {megabytes:.1} MB, in pieces of 64 KiB on one core, best of \
         {rounds} rounds by turns, in\nprocessor time since others use the machine too, built as it is shipped (profile \
         `dist`). The first row is what the machine\ngives at that hour: the dump split at its line ends, byte by byte, and nothing \
         else.\n\n| what | MB/s | to the first row |\n|---|---|---|\n| lines alone | {lines:.0} | 1.00 |\n\
         | events | {events:.0} | {:.2} |\n| events, grouped, with locks and fingerprint | {grouped:.0} | {:.2} |\n",
        events / lines,
        grouped / lines
    ))
}
