//! Every Go file below the folder in `UNPANIC_CORPUS` (for instance GOROOT): no panic, no span
//! outside, and declarations alone agree with the whole tree. Without the variable, the files of
//! this workspace are the corpus.

use std::path::{Path, PathBuf};

use base::LocalInterner;
use go_syntax::{ParseMode, ast::File, parse};

use crate::{robust::check, with_large_stack};

#[test]
fn every_file_parses_and_so_do_its_parts() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = std::env::var_os("UNPANIC_CORPUS").map_or(workspace, PathBuf::from);
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 1, "Go files below {}", root.display());
    with_large_stack(|| {
        for path in files {
            let text = std::fs::read(&path).expect("a readable corpus");
            let full = check(&text);
            check(&text[..text.len() / 2]);
            check(&text[..text.len() / 3]);
            if full.errors.is_empty() {
                let part = parse(&text, &mut LocalInterner::default(), ParseMode::Declarations);
                assert_eq!(part.errors, [], "{}", path.display());
                assert_eq!(top_level(&part), top_level(&full), "{}", path.display());
                let part = parse(&text, &mut LocalInterner::default(), ParseMode::ImportsOnly);
                let imports = top_level(&part);
                assert_eq!(imports, top_level(&full)[..imports.len()], "{}", path.display());
            }
        }
    });
}

fn top_level(file: &File) -> Vec<source::Span> {
    file.decls.iter().map(|&d| file.all_decls[d].span).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !matches!(path.file_name().and_then(|n| n.to_str()), Some("target" | ".git")) {
                collect(&path, files);
            }
        } else if kind.is_file() && path.extension().is_some_and(|e| e == "go") {
            files.push(path);
        }
    }
}
