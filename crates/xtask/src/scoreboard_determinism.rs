//! Runs the public command again and again with different numbers of threads and compares the
//! output byte by byte. The figures go to `determinism.md` of the output folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::race_suite::Suite;
use crate::root;
use crate::scoreboard::Setup;
use crate::scoreboard_race_suite::FOLDER;
use crate::unpanic_command::Unpanic;

/// How often each program is checked with each number of threads.
const RUNS: usize = 20;
const THREADS: [&str; 3] = ["1", "2", "8"];

/// Measures examples/orders, Go's race-detector tests and each module, and writes
/// `determinism.md`. Fails when two outputs differ; both are then kept in target/determinism.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let unpanic = Unpanic::build(&setup.go)?;
    let mut page = String::from(HEAD);
    let mut differing = Vec::new();
    for subject in subjects(setup)? {
        let mut outputs: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for threads in THREADS {
            let options = ["--tests", "--preview", "--threads", threads];
            let arguments: Vec<&str> =
                options.into_iter().chain(subject.patterns.iter().map(String::as_str)).collect();
            for _ in 0..RUNS {
                *outputs.entry(unpanic.output(&subject.dir, &arguments)?).or_default() += 1;
            }
        }
        let first = outputs.keys().next().map(Vec::as_slice).unwrap_or_default();
        let findings = first.iter().filter(|&&byte| byte == b'\n').count();
        writeln!(
            page,
            "| {} | {} | {findings} | {} | {} |",
            subject.name,
            RUNS * THREADS.len(),
            first.len(),
            outputs.len()
        )?;
        if outputs.len() > 1 {
            differing.push(keep(&subject.name, outputs.keys())?);
        }
    }
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("determinism.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    if differing.is_empty() {
        Ok(())
    } else {
        bail!("outputs differ:\n  {}", differing.join("\n  "))
    }
}

const HEAD: &str = "# The same input gives the same bytes\n\n\
    `unpanic check --format json --tests --preview`, 20 times each with `--threads` 1, 2 and 8. \
    `different outputs` has to be 1.\n\n\
    | program | runs | findings | bytes | different outputs |\n|---|---|---|---|---|\n";

struct Subject {
    name: String,
    dir: PathBuf,
    patterns: Vec<String>,
}

fn subjects(setup: &Setup) -> anyhow::Result<Vec<Subject>> {
    let suite = setup.go.root.join(FOLDER);
    let mut subjects = vec![
        Subject {
            name: "examples/orders".to_owned(),
            dir: root().join("examples/orders"),
            patterns: vec!["./...".to_owned()],
        },
        Subject {
            name: "Go's race-detector tests".to_owned(),
            patterns: Suite::read(&suite)?.files,
            dir: suite,
        },
    ];
    subjects.extend(setup.modules.iter().map(|dir| Subject {
        name: dir.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        dir: dir.clone(),
        patterns: vec!["./...".to_owned()],
    }));
    Ok(subjects)
}

/// Keeps the first two outputs and says which line differs first.
fn keep<'o>(name: &str, outputs: impl Iterator<Item = &'o Vec<u8>>) -> anyhow::Result<String> {
    let folder = root().join("target/determinism");
    std::fs::create_dir_all(&folder)?;
    let base = name.replace(['/', ' ', '\''], "-");
    let mut texts = Vec::new();
    for (i, output) in outputs.take(2).enumerate() {
        std::fs::write(folder.join(format!("{base}-{i}.jsonl")), output)?;
        texts.push(String::from_utf8_lossy(output).into_owned());
    }
    let (first, second) = (texts[0].lines(), texts[1].lines());
    let line = first.zip(second).take_while(|(a, b)| a == b).count() + 1;
    Ok(format!("{name}: from line {line} on, see {}/{base}-*.jsonl", folder.display()))
}
