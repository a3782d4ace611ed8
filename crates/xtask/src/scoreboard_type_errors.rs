//! Checks the programs of GOROOT/src/internal/types/testdata and compares the errors with those
//! that the files mark. The figures go to `type-errors.md` of the output folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use go_project::{LoadOptions, PackageId, Program};
use go_types::{CheckOptions, Plan, Store, check_program, with_large_stacks};
use source::OsSystem;

/// Checks every program of the four folders and writes `out_dir/type-errors.md`. A panic or an
/// error where none is marked is listed there. Fails when the figures are worse than they were.
pub fn run(goroot: &Path, out_dir: &Path) -> anyhow::Result<()> {
    let mut page = String::from(HEAD);
    let mut details = String::new();
    let (mut marked, mut found, mut elsewhere, mut crashes) = (0, 0, 0, 0);
    for folder in ["check", "examples", "fixedbugs", "spec"] {
        let dir = goroot.join("src/internal/types/testdata").join(folder);
        let mut score = Score::default();
        for unit in units(&dir)? {
            score.add(&check_unit(goroot, &unit));
        }
        writeln!(page, "{}", score.row(folder))?;
        marked += score.marked;
        found += score.found;
        elsewhere += score.elsewhere;
        crashes += score.crashes;
        if !score.lines.is_empty() {
            writeln!(details, "\n## {folder}\n\n{}", score.lines.join("\n"))?;
        }
    }
    std::fs::create_dir_all(out_dir)?;
    let path = out_dir.join("type-errors.md");
    std::fs::write(&path, page + &details).with_context(|| path.display().to_string())?;
    ensure!(crashes == 0, "{crashes} crashes");
    ensure!(found * 100 >= marked * LEAST_FOUND, "only {found} of {marked} errors found");
    ensure!(elsewhere == 0, "{elsewhere} errors where none is marked");
    Ok(())
}

/// In per cent of the marked errors.
const LEAST_FOUND: usize = 99;

const HEAD: &str = "# Errors against the test data of go/types\n\n\
    `marked`: errors that the files mark (ERROR comments); `found`: an error is reported on that \
    line; `elsewhere`: errors reported on lines without a mark; `crashes`: panics of the checker. \
    Errors of the parser and the loader count like those of the checker.\n\n\
    | folder | programs | marked | found | | elsewhere | crashes |\n|---|---|---|---|---|---|---|\n";

/// One program: a file, or a folder of files.
fn units(dir: &Path) -> anyhow::Result<Vec<Vec<PathBuf>>> {
    let is_go = |p: &PathBuf| p.extension().is_some_and(|e| e == "go");
    let list = |dir: &Path| -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(dir).with_context(|| dir.display().to_string())?;
        let mut paths = entries.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    let mut units = Vec::new();
    for path in list(dir)? {
        if path.is_dir() {
            let files: Vec<PathBuf> = list(&path)?.into_iter().filter(is_go).collect();
            if !files.is_empty() {
                units.push(files);
            }
        } else if is_go(&path) {
            units.push(vec![path]);
        }
    }
    Ok(units)
}

/// Lines with what is there, by file.
type Lines = BTreeMap<(PathBuf, u32), Vec<String>>;

#[derive(Default)]
struct Outcome {
    marked: Lines,
    reported: Lines,
    crashes: Vec<String>,
}

fn check_unit(goroot: &Path, files: &[PathBuf]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut flags = String::new();
    for (i, file) in files.iter().enumerate() {
        let Ok(text) = std::fs::read(file) else { continue };
        let text = String::from_utf8_lossy(&text).into_owned();
        if i == 0 {
            flags = first_line_flags(&text).to_owned();
        }
        marks(file, &text, &mut outcome.marked);
    }
    let options = LoadOptions {
        dir: files[0].parent().unwrap_or(Path::new("/")).to_owned(),
        patterns: files.iter().map(|f| f.to_string_lossy().into_owned()).collect(),
        goroot: Some(goroot.to_owned()),
        cgo: Some(true),
        ..LoadOptions::default()
    };
    let mut program = go_project::load(&OsSystem, &options);
    for &id in &program.roots.clone() {
        set_version(&mut program, id, &flags);
    }
    with_large_stacks(1, || report(&program, files, &mut outcome));
    outcome
}

/// The Go version of a `// -lang=go1.N` line.
fn set_version(program: &mut Program, id: PackageId, flags: &str) {
    let version = flags
        .split_whitespace()
        .find_map(|f| f.strip_prefix("-lang=go1."))
        .and_then(|minor| minor.parse().ok())
        .map_or((1, 27), |minor| (1, minor));
    let package = &mut program.packages[id];
    package.go_version = version;
    for file in &mut package.files {
        // A build constraint in the file counts more.
        if file.go_version.1 == 27 {
            file.go_version = version;
        }
    }
}

fn report(program: &Program, files: &[PathBuf], outcome: &mut Outcome) {
    let store = Store::new();
    let options = CheckOptions { test_builtins: true, ..CheckOptions::default() };
    let plan = Plan::new(program, &store, &options);
    let types = check_program(&plan, &store);
    for &id in &program.roots {
        types.check_bodies(id);
        let syntax = program.packages[id]
            .files
            .iter()
            .flat_map(|f| f.ast.errors.iter().map(|e| (f.file, e.pos, e.message.clone())));
        let errors = types.errors(id).into_iter().map(|e| (e.file, e.pos, e.message));
        for (file, pos, message) in syntax.chain(errors) {
            if message.starts_with('\t') {
                continue;
            }
            let source = program.sources.file(file);
            let line = source.line_col(pos).line;
            outcome.reported.entry((source.path.clone(), line)).or_default().push(message);
        }
    }
    // Imports that cannot be resolved are told by the loader, with the line only.
    for error in program.packages.iter().flat_map(|p| &p.errors).chain(&program.errors) {
        if error.line > 0 && files.contains(&error.path) {
            let at = (error.path.clone(), error.line);
            outcome.reported.entry(at).or_default().push(error.message.clone());
        }
    }
    for (package, panic) in types.crashes() {
        outcome.crashes.push(format!("{}: {package}: {panic}", files[0].display()));
    }
}

/// The flags of a first line such as `// -lang=go1.17`.
fn first_line_flags(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("//").filter(|l| l.trim_start().starts_with('-')).unwrap_or_default()
}

/// Collects the `ERROR` comments; each counts for the line of the token before it.
fn marks(file: &Path, text: &str, marked: &mut Lines) {
    let mut last_token_line = 1;
    let mut line = 1;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if let Some(comment) = rest.strip_prefix("//") {
            let end = comment.find('\n').unwrap_or(comment.len());
            mark(file, &comment[..end], last_token_line, marked);
            2 + end
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").unwrap_or(comment.len());
            mark(file, &comment[..end], last_token_line, marked);
            (2 + end + 2).min(rest.len())
        } else if matches!(c, '"' | '`' | '\'') {
            let end = literal_end(rest, c);
            let newlines = rest[..end].matches('\n').count() as u32;
            last_token_line = line + newlines;
            end
        } else {
            if !c.is_whitespace() {
                last_token_line = line;
            }
            c.len_utf8()
        };
        line += rest[..skipped].matches('\n').count() as u32;
        rest = &rest[skipped..];
    }
}

/// Length of a string or rune literal; to the end of the line when it is not closed.
fn literal_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        if c == '\n' && quote != '`' {
            return i;
        }
        if escaped {
            escaped = false;
        } else if c == '\\' && quote != '`' {
            escaped = true;
        } else if c == quote {
            return i + c.len_utf8();
        }
    }
    text.len()
}

fn mark(file: &Path, comment: &str, line: u32, marked: &mut Lines) {
    let pattern = comment.strip_prefix(" ERROR ").or_else(|| comment.strip_prefix(" ERRORx "));
    if let Some(pattern) = pattern {
        marked.entry((file.to_owned(), line)).or_default().push(pattern.trim().to_owned());
    }
}

#[derive(Default)]
struct Score {
    programs: usize,
    marked: usize,
    found: usize,
    elsewhere: usize,
    crashes: usize,
    lines: Vec<String>,
}

impl Score {
    fn add(&mut self, outcome: &Outcome) {
        self.programs += 1;
        self.crashes += outcome.crashes.len();
        self.lines.extend(outcome.crashes.iter().map(|c| format!("- crash {c}")));
        for (at, marks) in &outcome.marked {
            self.marked += marks.len();
            let reported = outcome.reported.get(at).map_or(0, Vec::len);
            self.found += reported.min(marks.len());
            if reported < marks.len() {
                self.lines.push(format!("- not found {}: {}", place(at), marks.join(" ")));
            }
        }
        for (at, messages) in &outcome.reported {
            if !outcome.marked.contains_key(at) {
                self.elsewhere += messages.len();
                self.lines.push(format!("- elsewhere {}: {}", place(at), messages.join("; ")));
            }
        }
    }

    fn row(&self, folder: &str) -> String {
        format!(
            "| {folder} | {} | {} | {} | {:.1}% | {} | {} |",
            self.programs,
            self.marked,
            self.found,
            100.0 * self.found as f64 / self.marked.max(1) as f64,
            self.elsewhere,
            self.crashes
        )
    }
}

fn place(at: &(PathBuf, u32)) -> String {
    let name = at.0.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    format!("{name}:{}", at.1)
}
