//! Bytes a second of the parser over all Go files of GOROOT/src (or of the folder in
//! `UNPANIC_CORPUS`), trees kept. Run as a test (`cargo test --benches`) it parses a few files once.

use std::path::{Path, PathBuf};

use base::LocalInterner;
use divan::counter::BytesCount;
use go_syntax::{ParseMode, ast::File, parse};

fn main() {
    divan::main();
}

#[divan::bench(args = ["full", "declarations", "imports"], sample_count = 5, sample_size = 1)]
fn goroot(bencher: divan::Bencher, mode: &str) {
    let texts = corpus();
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let mode = match mode {
        "full" => ParseMode::Full,
        "declarations" => ParseMode::Declarations,
        _ => ParseMode::ImportsOnly,
    };
    bencher.counter(BytesCount::new(bytes)).bench(|| -> Vec<File> {
        let mut names = LocalInterner::default();
        texts.iter().map(|text| parse(text, &mut names, mode)).collect()
    });
}

/// The texts to parse: everything when measuring, some megabytes when testing.
fn corpus() -> Vec<Vec<u8>> {
    let measuring = std::env::args().any(|arg| arg == "--bench");
    let limit = if measuring { usize::MAX } else { 2 << 20 };
    let mut texts = Vec::new();
    let mut bytes = 0;
    let mut dirs = vec![root()];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "go") && bytes < limit {
                let text = std::fs::read(&path).expect("a readable corpus");
                bytes += text.len();
                texts.push(text);
            }
        }
    }
    texts
}

fn root() -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let goroot = std::env::var_os("GOROOT").map(|root| Path::new(&root).join("src"));
    std::env::var_os("UNPANIC_CORPUS").map(PathBuf::from).or(goroot).unwrap_or(data)
}
