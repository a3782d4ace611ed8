//! Our parser against go/parser: every node of every Go file in GOROOT/src, and the speed of both.
//! Separate from the other scoreboards because it needs no types, only `oracle/syntax`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base::LocalInterner;
use go_syntax::{ParseMode, dump};

/// Compares accept or reject, and the place, kind and names of every node, over all files of
/// `goroot`/src with Go in them (also below testdata, in txtar archives, and what `gofmt` and the
/// printer are tested with), and over mutations of them. Writes `out_dir`/syntax.md and fails if
/// anything disagrees.
pub fn run(goroot: &Path, go_binary: &Path, out_dir: &Path) -> anyhow::Result<()> {
    let oracle = Oracle::build(goroot, go_binary)?;
    let mut report = String::from(
        "# Syntax: this parser against go/parser\n\n\
         One command regenerates this: `cargo xtask scoreboard syntax`. A file agrees when both accept it\n\
         with the same kind, place and names of every node and the same places of comments, or both reject it.\n\n\
         | corpus | files | MB | nodes | rejected by go/parser | disagree |\n|---|---|---|---|---|---|\n",
    );
    let files = go_files(&goroot.join("src"))?;
    let scratch = oracle.dir.join("corpus");
    let sections = txtar_sections(&goroot.join("src"), &scratch.join("txtar"))?;
    let mutants = mutations(&files, &scratch.join("mutants"))?;
    let mut disagreements = Vec::new();
    for (name, files) in [
        ("GOROOT/src, with testdata", &files),
        ("Go files inside its txtar archives", &sections),
        ("mutations of its small files", &mutants),
    ] {
        let tally = compare(&oracle, files)?;
        writeln!(
            report,
            "| {name} | {} | {:.1} | {} | {} | {} |",
            files.len(),
            tally.bytes as f64 / 1e6,
            tally.nodes,
            tally.rejected,
            tally.disagreements.len()
        )?;
        disagreements.extend(tally.disagreements);
    }
    report.push_str("\n## Disagreements\n\n");
    if disagreements.is_empty() {
        report.push_str("None.\n");
    }
    for line in &disagreements {
        writeln!(report, "- {}", line.replace(&*goroot.to_string_lossy(), "GOROOT"))?;
    }
    let version = oracle.go_version()?;
    writeln!(report, "\nMeasured with {version}.")?;
    std::fs::create_dir_all(out_dir)?;
    std::fs::write(out_dir.join("syntax.md"), report)?;
    ensure!(disagreements.is_empty(), "{} files disagree with go/parser", disagreements.len());
    Ok(())
}

/// Times both parsers over `goroot`/src on one thread, trees and comments kept, and writes
/// `out_dir`/parse-speed.md. Means something in an optimised build only.
pub fn run_speed(goroot: &Path, go_binary: &Path, out_dir: &Path) -> anyhow::Result<()> {
    let oracle = Oracle::build(goroot, go_binary)?;
    let mut files = go_files(&goroot.join("src"))?;
    files.retain(|path| path.extension().is_some_and(|e| e == "go"));
    let texts = files.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let mut ours = Duration::MAX;
    let mut heap = 0;
    for _ in 0..3 {
        let mut names = LocalInterner::default();
        let start = thread_time();
        let trees: Vec<_> =
            texts.iter().map(|text| go_syntax::parse(text, &mut names, ParseMode::Full)).collect();
        ours = ours.min(thread_time().saturating_sub(start));
        heap = trees.iter().map(go_syntax::ast::File::heap_bytes).sum();
    }
    let theirs = oracle.run("-time", &files)?;
    let fields: Vec<&str> = theirs.trim().split('\t').collect();
    let [_, _, seconds, their_heap, scan] = fields[..] else {
        anyhow::bail!("the oracle printed {theirs:?}")
    };
    let (seconds, their_heap, scan): (f64, f64, f64) =
        (seconds.parse()?, their_heap.parse()?, scan.parse()?);
    let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
    let ours = ours.as_secs_f64();
    let mut report = String::from(
        "# Parse speed\n\n\
         One thread, all `.go` files of GOROOT/src, read before, trees and comments kept; CPU time, best of\n\
         three, one parser after the other. Compare the two: the machine is shared and its speed varies.\n\n\
         | parser | MB/s | bytes of tree a byte of source |\n|---|---|---|\n",
    );
    writeln!(report, "| unpanic | {:.0} | {:.2} |", rate(ours), heap as f64 / bytes as f64)?;
    writeln!(report, "| go/scanner, tokens only | {:.0} | – |", rate(scan))?;
    writeln!(report, "| go/parser | {:.0} | {:.2} |", rate(seconds), their_heap / bytes as f64)?;
    writeln!(
        report,
        "\n{} files, {:.1} MB; {:.1} times as fast, {:.0}% of the memory. Measured with {}.",
        files.len(),
        bytes as f64 / 1e6,
        seconds / ours,
        100.0 * heap as f64 / their_heap,
        oracle.go_version()?
    )?;
    std::fs::create_dir_all(out_dir)?;
    std::fs::write(out_dir.join("parse-speed.md"), report)?;
    Ok(())
}

/// The Go program under `oracle/syntax`, built.
struct Oracle {
    dir: PathBuf,
    go: PathBuf,
    goroot: PathBuf,
}

impl Oracle {
    fn build(goroot: &Path, go: &Path) -> anyhow::Result<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../oracle/syntax");
        let dir = std::env::temp_dir().join(format!("unpanic-syntax-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let oracle = Self { dir, go: go.to_owned(), goroot: goroot.to_owned() };
        let status = oracle
            .go_command()
            .args(["build", "-o"])
            .arg(oracle.dir.join("oracle"))
            .arg(".")
            .current_dir(source)
            .status()
            .with_context(|| format!("running {}", go.display()))?;
        ensure!(status.success(), "building oracle/syntax failed");
        Ok(oracle)
    }

    fn go_command(&self) -> Command {
        let mut command = Command::new(&self.go);
        command
            .env("GOROOT", &self.goroot)
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-buildvcs=false");
        command
    }

    fn go_version(&self) -> anyhow::Result<String> {
        let output = self.go_command().args(["env", "GOVERSION"]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Runs the oracle over a list of files and gives what it prints.
    fn run(&self, flag: &str, files: &[PathBuf]) -> anyhow::Result<String> {
        let mut child = Command::new(self.dir.join("oracle"))
            .arg(flag)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the syntax oracle")?;
        let mut list = String::new();
        for file in files {
            writeln!(list, "{}", file.display())?;
        }
        let mut stdin = child.stdin.take().context("the oracle has a standard input")?;
        let writer = std::thread::spawn(move || stdin.write_all(list.as_bytes()));
        let output = child.wait_with_output()?;
        writer.join().expect("writing a list does not panic")?;
        ensure!(output.status.success(), "the syntax oracle failed");
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // A temporary folder that stays behind does no harm.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[derive(Default)]
struct Tally {
    bytes: usize,
    nodes: usize,
    rejected: usize,
    disagreements: Vec<String>,
}

fn compare(oracle: &Oracle, files: &[PathBuf]) -> anyhow::Result<Tally> {
    let lines = oracle.run("-hash", files)?;
    let mut names = LocalInterner::default();
    let mut tally = Tally::default();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, verdict, nodes, hash] = fields[..] else {
            anyhow::bail!("the oracle printed {line:?}")
        };
        let text = std::fs::read(path)?;
        let file = go_syntax::parse(&text, &mut names, ParseMode::Full);
        tally.bytes += text.len();
        tally.nodes += nodes.parse::<usize>()?;
        tally.rejected += usize::from(verdict == "reject");
        match (verdict, file.errors.first()) {
            ("accept", Some(e)) => {
                tally
                    .disagreements
                    .push(format!("{path}: rejected here, at byte {}: {}", e.pos, e.message));
            }
            ("reject", None) => tally.disagreements.push(format!("{path}: accepted here")),
            ("accept", None) => {
                let ours = dump::fnv1a(dump::dump(&file).as_bytes());
                if format!("{ours:016x}") != hash {
                    tally.disagreements.push(format!("{path}: the trees differ"));
                }
            }
            _ => {}
        }
    }
    Ok(tally)
}

/// All files below `root` that hold a Go file, sorted.
fn go_files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    files_with(root, &["go", "go2", "src", "golden", "input"])
}

fn files_with(root: &Path, extensions: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in
            std::fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))?
        {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let extension = path.extension().and_then(|e| e.to_str());
            if kind.is_dir() {
                dirs.push(path);
            } else if kind.is_file() && extension.is_some_and(|e| extensions.contains(&e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the Go files inside the txtar archives below `root` to `out`.
fn txtar_sections(root: &Path, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(out)?;
    let mut sections = Vec::new();
    for archive in files_with(root, &["txt", "txtar"])? {
        let Ok(text) = std::fs::read_to_string(&archive) else { continue };
        let mut parts =
            format!("\n{text}").split("\n-- ").skip(1).map(str::to_owned).collect::<Vec<_>>();
        parts
            .retain(|part| part.split_once(" --\n").is_some_and(|(name, _)| name.ends_with(".go")));
        for part in parts {
            let body = part.split_once(" --\n").map_or("", |(_, body)| body);
            let path = out.join(format!("{:05}.go", sections.len()));
            std::fs::write(&path, format!("{body}\n"))?;
            sections.push(path);
        }
    }
    Ok(sections)
}

/// Writes small files with one or two tokens removed, doubled, replaced or swapped to `out`. The same
/// files give the same mutations.
fn mutations(files: &[PathBuf], out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    const COUNT: usize = 20_000;
    const WORDS: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        ":=",
        "=",
        ".",
        "...",
        "*",
        "<-",
        "chan",
        "func",
        "if",
        "for",
        "range",
        "switch",
        "select",
        "case",
        "default",
        "type",
        "var",
        "const",
        "struct",
        "interface",
        "map",
        "go",
        "defer",
        "return",
        "else",
        "x",
        "1",
        "\"s\"",
        "'a'",
        "~",
        "|",
        "+",
        "==",
        "\n",
        "import",
        "package",
        "goto",
        "break",
        "fallthrough",
        "!",
        "&",
        "++",
        "0x",
        "1_",
        "08",
        "1e",
        "//line x:0\n",
        "/*\n*/",
        "\\",
        "any",
        "(type)",
    ];
    std::fs::create_dir_all(out)?;
    let mut small = Vec::new();
    for path in files {
        if (100..8_000).contains(&path.metadata()?.len())
            && path.components().any(|c| c.as_os_str() == "testdata")
        {
            small.push(path);
        }
    }
    ensure!(!small.is_empty(), "GOROOT/src has small Go files under testdata");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut made = Vec::new();
    while made.len() < COUNT {
        let text = std::fs::read(small[random.below(small.len())])?;
        let mut words = split(&text);
        if words.len() < 10 {
            continue;
        }
        for _ in 0..=random.below(2) {
            let (at, other) = (random.below(words.len()), random.below(words.len()));
            let word = WORDS[random.below(WORDS.len())].as_bytes();
            match random.below(5) {
                0 => words[at].clear(),
                1 => words[at] = [&words[at], &b" "[..], &words[at]].concat(),
                2 => words[at] = [&words[at], &b" "[..], word, b" "].concat(),
                3 => words[at] = word.to_vec(),
                _ => words.swap(at, other),
            }
        }
        let path = out.join(format!("{:05}.go", made.len()));
        std::fs::write(&path, words.concat())?;
        made.push(path);
    }
    Ok(made)
}

/// Cuts a text into runs of name characters, runs of blanks, and single other bytes.
fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let class = |b: u8| match b {
        _ if b.is_ascii_alphanumeric() || b == b'_' => 1,
        _ if b.is_ascii_whitespace() => 2,
        _ => 0,
    };
    text.chunk_by(|&a, &b| class(a) != 0 && class(a) == class(b)).map(<[u8]>::to_vec).collect()
}

/// Marsaglia's xorshift: good enough to choose tokens.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// CPU time of this thread where the system tells it, wall time elsewhere.
fn thread_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let cpu = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = cpu.and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}
