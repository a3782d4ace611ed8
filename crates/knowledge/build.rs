//! Lists the files of `knowledge/` so that the crate can embed them: adding a file is enough.

#![expect(clippy::disallowed_methods, reason = "a build script has no System to ask")]
#![expect(clippy::unnecessary_debug_formatting, reason = "the paths become Rust string literals")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let crate_dir = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let data =
        crate_dir.join("../../knowledge").canonicalize().expect("knowledge/ is in the repository");
    let stubs = data.join("stubs");
    println!("cargo::rerun-if-changed={}", data.display());

    let mut out = String::from(
        "/// Name and text of every shipped file.\nconst BUILTIN_FILES: &[(&str, &str)] = &[\n",
    );
    for file in files_below(&data, "toml") {
        let name = file.strip_prefix(&data).expect("found below it").display().to_string();
        writeln!(out, "    ({:?}, include_str!({:?})),", format!("knowledge/{name}"), file)
            .expect("in memory");
    }
    out.push_str("];\n/// Import path and Go source of every shipped stub.\nconst BUILTIN_STUBS: &[(&str, &str)] = &[\n");
    for file in files_below(&stubs, "go") {
        let path = file.strip_prefix(&stubs).expect("found below it").with_extension("");
        let import_path = path.to_str().expect("import paths are UTF-8").replace('\\', "/");
        // `yaml.v3.go` is the stub of `gopkg.in/yaml.v3`: only the last extension goes.
        writeln!(out, "    ({import_path:?}, include_str!({file:?})),").expect("in memory");
    }
    out.push_str("];\n");
    let target =
        PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("builtin.rs");
    std::fs::write(target, out).expect("OUT_DIR is writable");
}

/// Files with this extension, sorted; folders below are walked too (but `stubs` holds no TOML).
fn files_below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                println!("cargo::rerun-if-changed={}", path.display());
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
