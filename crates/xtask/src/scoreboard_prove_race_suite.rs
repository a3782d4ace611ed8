//! `unpanic prove` on the map tests of Go's own race detector: which of the racy functions are proven
//! within two runs, and that none of the others ever is. The figures go to `prove-race-suite.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::race_suite::{Suite, TestFunction};
use crate::root;
use crate::scoreboard::Setup;
use crate::scoreboard_race_suite::FOLDER;
use crate::unpanic_command::Unpanic;

/// Runs of the racy functions, and of the others.
const RACY_RUNS: &str = "2";
const CLEAN_RUNS: &str = "20";

const HEAD: &str = "# Proofs on the map tests of Go's race detector\n\n\
    `cargo xtask scoreboard prove-race-suite`: the functions of GOROOT/src/runtime/race/testdata in whose text a \
    map type is written, run as ordinary tests, without -race. (Files that import internal packages of Go cannot \
    be built elsewhere and are left out, and so are two calls that exist with -race only.) *By findings*: `prove --tests --preview --runs 2`, traps at what `check` \
    reports. *By map operations*: `prove --all --runs 2`, traps at every map operation, which sees no races on \
    keys, values and variables. The functions whose name says that they do not race: `--all --runs 20`, in \
    which nothing may meet.\n\n\
    The functions of a kind run in one process, one after the other.\n";

/// Why functions are not proven, by name.
#[derive(Deserialize, Default)]
struct Causes {
    #[serde(default)]
    unproven: BTreeMap<String, String>,
}

/// Measures and writes `prove-race-suite.md`. Fails when a function that does not race is proven.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let unpanic = Unpanic::build(&setup.go)?;
    let dir = setup.go.root.join(FOLDER);
    let suite = Suite::read(&dir)?;
    let module = tempfile::tempdir()?;
    let files = copy_suite(&dir, module.path())?;
    let causes = root().join("oracle/race_suite/causes.toml");
    let causes: Causes = toml::from_str(&std::fs::read_to_string(causes)?)?;
    let maps = |f: &&TestFunction| f.maps && files.contains(f.file());
    let racy: Vec<&TestFunction> = suite.of_kind(true).filter(maps).collect();
    let clean: Vec<&TestFunction> = suite.of_kind(false).filter(maps).collect();

    let mut page = String::from(HEAD);
    let mut rows = String::new();
    let (mut by_findings, mut by_all, mut either) = (0, 0, 0);
    let found = prove(
        &unpanic,
        setup,
        module.path(),
        &racy,
        &["--tests", "--preview", "--runs", RACY_RUNS],
    )?;
    let all = prove(&unpanic, setup, module.path(), &racy, &["--all", "--runs", RACY_RUNS])?;
    for function in &racy {
        let (found, all) = (is_proven(&found, function), is_proven(&all, function));
        by_findings += usize::from(found);
        by_all += usize::from(all);
        either += usize::from(found || all);
        let word = |yes: bool| if yes { "yes" } else { "no" };
        let cause = if found || all {
            ""
        } else {
            causes.unproven.get(&function.name).map_or("not yet explained", String::as_str)
        };
        writeln!(rows, "| {} | {} | {} | {cause} |", function.name, word(found), word(all))?;
    }
    let mut wrong = Vec::new();
    let mut clean_rows = String::new();
    let lines = prove(&unpanic, setup, module.path(), &clean, &["--all", "--runs", CLEAN_RUNS])?;
    let reached: u64 = lines.iter().filter_map(|line| line["reached"].as_u64()).sum();
    for function in &clean {
        let proven = is_proven(&lines, function);
        writeln!(
            clean_rows,
            "| {} | {CLEAN_RUNS} | {} |",
            function.name,
            if proven { "yes" } else { "no" }
        )?;
        if proven {
            wrong.push(function.name.clone());
        }
    }
    let of = racy.len();
    writeln!(
        page,
        "\n| racy functions | proven by findings | by map operations | by either |\n|---|---|---|---|"
    )?;
    writeln!(page, "| {of} | {by_findings} | {by_all} | {either} |")?;
    writeln!(
        page,
        "\n| racy function | by findings | by map operations | why not |\n|---|---|---|---|\n{rows}"
    )?;
    writeln!(
        page,
        "| function that does not race | runs | together |\n|---|---|---|\n{clean_rows}\nIn these runs {reached} watched accesses were reached.\n"
    )?;
    writeln!(page, "Measured with {}.", setup.go.version()?)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("prove-race-suite.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "proven although they do not race: {}", wrong.join(", "));
    Ok(())
}

fn prove(
    unpanic: &Unpanic,
    setup: &Setup,
    dir: &Path,
    functions: &[&TestFunction],
    arguments: &[&str],
) -> anyhow::Result<Vec<Value>> {
    let names: Vec<&str> = functions.iter().map(|f| f.name.as_str()).collect();
    let only = format!("^({})$", names.join("|"));
    let go = setup.go.binary.to_string_lossy().into_owned();
    let mut all = arguments.to_vec();
    all.extend(["--", &go, "test", "-run", &only, "."]);
    unpanic.prove(&setup.go, dir, &all)
}

/// Whether a verdict or a meeting lies in the function's lines.
fn is_proven(lines: &[Value], function: &TestFunction) -> bool {
    let within = |place: &Value| {
        let line = place["line"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        place["file"].as_str() == Some(function.file()) && function.holds(line)
    };
    lines.iter().any(|line| {
        let verdict = line["verdict"] == "proven" && within(line);
        let side = &line["meeting"]["held"];
        verdict || side.is_object() && within(side)
    })
}

/// Copies what can be built outside of GOROOT, as a module.
fn copy_suite(from: &Path, to: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with("_test.go") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        if text.contains("\"internal/") {
            continue;
        }
        // These exist with -race only.
        let text = text
            .replace("runtime.RaceDisable()", "runtime.KeepAlive(nil)")
            .replace("runtime.RaceEnable()", "runtime.KeepAlive(nil)");
        std::fs::write(to.join(&name), text)?;
        names.insert(name);
    }
    std::fs::write(to.join("go.mod"), "module race\n\ngo 1.24\n")?;
    Ok(names)
}
