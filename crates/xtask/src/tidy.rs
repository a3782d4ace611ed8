//! What the compiler does not check: who may depend on whom, that files say what they are, how long
//! they get, and that every rule has its page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::root;

/// The arrows of ARCHITECTURE.md: a crate may depend on these and on what they may depend on.
/// `unpanic` may use everything but xtask.
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("source", &["base"]),
    ("diag", &["source"]),
    ("go_syntax", &["source"]),
    ("go_project", &["go_syntax"]),
    ("go_types", &["go_project", "diag"]),
    ("go_ir", &["go_types"]),
    ("knowledge", &["base"]),
    ("flow", &["go_ir", "knowledge"]),
    ("rules", &["flow", "diag"]),
    ("cache", &["source"]),
    ("engine", &["rules", "cache"]),
    ("go_crash", &["diag"]),
    ("go_trace", &[]),
    ("go_exec", &["go_crash"]),
    ("prover", &["engine", "go_exec"]),
    ("lab", &["go_exec"]),
    ("timeline", &["go_crash", "go_trace"]),
    ("incidents", &["go_crash"]),
    ("guard", &["incidents"]),
    ("gate", &["go_crash"]),
    ("scaffold", &["go_project", "diag"]),
    ("unpanic", &["prover", "lab", "timeline", "guard", "gate", "scaffold"]),
    ("xtask", &["engine", "go_crash", "go_trace"]),
];

/// Longer source files are refused; generated files, tests and tables aside.
const MAX_LINES: usize = 800;
/// Longer than this, ARCHITECTURE.md is not read.
const MAX_ARCHITECTURE: usize = 400;
/// Longer than this, main.rs does more than start.
const MAX_MAIN: usize = 80;

/// Checks everything and fails with the list of what is wrong.
pub fn run() -> anyhow::Result<()> {
    let root = root();
    let mut wrong = Vec::new();
    let mut crates: Vec<PathBuf> = entries(&root.join("crates"))?;
    crates.retain(|path| path.join("Cargo.toml").exists());
    for folder in &crates {
        check_manifest(folder, &mut wrong)?;
        let mut files = Vec::new();
        rust_files(folder, &mut files)?;
        for file in files {
            check_file(&root, &file, &mut wrong)?;
        }
    }
    check_rules(&root, &mut wrong)?;
    check_length(&root.join("ARCHITECTURE.md"), MAX_ARCHITECTURE, &mut wrong)?;
    check_length(&root.join("crates/unpanic/src/main.rs"), MAX_MAIN, &mut wrong)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = wrong.iter().map(|w| format!("  {w}")).collect();
    bail!("tidy: {} complaints\n{}", wrong.len(), lines.join("\n"))
}

/// The part of a Cargo.toml that matters here.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
    #[serde(default, rename = "build-dependencies")]
    build: BTreeMap<String, toml::Value>,
}

fn check_manifest(folder: &Path, wrong: &mut Vec<String>) -> anyhow::Result<()> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path)?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("{} does not parse", path.display()))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !EDGES.iter().any(|(own, _)| *own == name) {
        wrong.push(format!("crates/{name}: the picture of crates does not know it"));
        return Ok(());
    }
    let allowed = allowed(&name);
    for dependency in manifest.dependencies.keys().chain(manifest.build.keys()) {
        let ours = EDGES.iter().any(|(own, _)| own == dependency);
        if ours && !allowed.contains(dependency.as_str()) {
            wrong.push(format!("crates/{name}: may not depend on {dependency}"));
        }
    }
    if !text.contains("[lints]\nworkspace = true") {
        wrong.push(format!("crates/{name}: does not take the workspace's lints"));
    }
    Ok(())
}

/// Everything that a crate may depend on.
fn allowed(name: &str) -> BTreeSet<&'static str> {
    let mut all = BTreeSet::new();
    let direct = |name: &str| EDGES.iter().find(|(own, _)| *own == name).map_or(&[][..], |e| e.1);
    let mut queue: Vec<&'static str> = direct(name).to_vec();
    while let Some(next) = queue.pop() {
        if all.insert(next) {
            queue.extend(direct(next));
        }
    }
    all
}

fn check_file(root: &Path, path: &Path, wrong: &mut Vec<String>) -> anyhow::Result<()> {
    let text = fs::read_to_string(path)?;
    let name = path.strip_prefix(root)?.display().to_string();
    // A generated file says so in its first lines and is as long as it has to be.
    let generated = text.lines().take(3).any(|l| l.contains("enerated"));
    if !text.starts_with("//!") && !generated {
        wrong.push(format!("{name}: does not open with `//!`"));
    }
    let test = name.contains("/tests/") || name.contains("/benches/") || name.ends_with("tests.rs");
    let lines = text.lines().count();
    if lines > MAX_LINES && !generated && !test {
        wrong.push(format!("{name}: {lines} lines, {MAX_LINES} is the limit"));
    }
    for (index, line) in text.lines().enumerate() {
        // Put together here, so that this file does not find itself.
        for mark in [concat!("to", "do!("), concat!("FIX", "ME"), concat!("db", "g!(")] {
            if line.contains(mark) {
                wrong.push(format!("{name}:{}: `{mark}`", index + 1));
            }
        }
    }
    Ok(())
}

fn check_rules(root: &Path, wrong: &mut Vec<String>) -> anyhow::Result<()> {
    for path in entries(&root.join("crates/rules/src/rules"))? {
        if path.extension().is_some_and(|e| e == "rs") && !path.with_extension("md").exists() {
            wrong.push(format!("{}: has no page beside it", path.strip_prefix(root)?.display()));
        }
    }
    for rule in rules::all() {
        for section in ["## Bad", "## Good"] {
            let has = rule.meta.page.lines().any(|line| line == section);
            if !has {
                wrong.push(format!("the page of {} has no section `{section}`", rule.meta.code));
            }
        }
        if !rule.meta.page.contains(&format!("// want \"{}\"", rule.meta.code)) {
            wrong.push(format!("the page of {} marks no line", rule.meta.code));
        }
    }
    Ok(())
}

fn check_length(path: &Path, limit: usize, wrong: &mut Vec<String>) -> anyhow::Result<()> {
    if !path.exists() {
        wrong.push(format!("{} is missing", path.display()));
        return Ok(());
    }
    let lines = fs::read_to_string(path)?.lines().count();
    if lines >= limit {
        wrong.push(format!("{}: {lines} lines, the limit is {limit}", path.display()));
    }
    Ok(())
}

/// The Rust files of a crate, sorted.
fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for path in entries(folder)? {
        if path.is_dir() && path.file_name().is_some_and(|n| n != "target" && n != "testdata") {
            rust_files(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
