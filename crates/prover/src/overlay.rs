//! What the go command is shown in place of the user's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// The files of the runtime package.
const RUNTIME: &[(&str, &str)] = &[
    ("unpanicrt.go", include_str!("../runtime/unpanicrt.go")),
    ("order.go", include_str!("../runtime/order.go")),
    ("table.go", include_str!("../runtime/table.go")),
    ("table_mmap.go", include_str!("../runtime/table_mmap.go")),
    ("table_read.go", include_str!("../runtime/table_read.go")),
    ("clock_linux.go", include_str!("../runtime/clock_linux.go")),
    ("clock_other.go", include_str!("../runtime/clock_other.go")),
    ("race_on.go", include_str!("../runtime/race_on.go")),
    ("race_off.go", include_str!("../runtime/race_off.go")),
];

#[derive(Serialize, Deserialize)]
struct Overlay {
    #[serde(rename = "Replace")]
    replace: std::collections::BTreeMap<PathBuf, PathBuf>,
}

/// A time of the last change that is the same for the same content, and long past: Go 1.21 takes a
/// folder below GOROOT/src for a package of the standard library only when its index knows it, and
/// leaves files that are younger than two seconds out of the index.
fn age(text: &str) -> SystemTime {
    let digits = diag::stable_hash(text.as_bytes());
    let number = digits.get(..6).and_then(|d| u64::from_str_radix(d, 16).ok()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + number)
}

/// Writes the new files into `dir` and gives the overlay's path.
pub(crate) fn write(
    dir: &Path,
    goroot: &Path,
    files: &[(PathBuf, Vec<u8>)],
) -> io::Result<PathBuf> {
    let mut replace = std::collections::BTreeMap::new();
    let (runtime, user) = (dir.join("runtime"), dir.join("files"));
    fs::create_dir(&runtime)?;
    fs::create_dir(&user)?;
    for (name, text) in RUNTIME {
        let path = runtime.join(name);
        fs::write(&path, text)?;
        fs::File::options().write(true).open(&path)?.set_modified(age(text))?;
        replace.insert(goroot.join("src").join(crate::RUNTIME).join(name), path);
    }
    for (index, (original, text)) in files.iter().enumerate() {
        let name = original.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = user.join(format!("{index:04}-{name}"));
        fs::write(&path, text)?;
        replace.insert(original.clone(), path);
    }
    let path = dir.join("overlay.json");
    store(&path, replace)?;
    Ok(path)
}

/// An overlay named `name` that has one more file than `base`, or nothing but that file.
pub(crate) fn extend(
    dir: &Path,
    name: &str,
    base: Option<&Path>,
    file: (PathBuf, &str),
) -> io::Result<PathBuf> {
    let mut replace = match base {
        Some(base) => {
            let overlay: Overlay =
                serde_json::from_slice(&fs::read(base)?).map_err(io::Error::other)?;
            overlay.replace
        }
        None => std::collections::BTreeMap::new(),
    };
    let text = dir.join(format!("{name}.go"));
    fs::write(&text, file.1)?;
    replace.insert(file.0, text);
    let path = dir.join(format!("{name}.json"));
    store(&path, replace)?;
    Ok(path)
}

fn store(path: &Path, replace: std::collections::BTreeMap<PathBuf, PathBuf>) -> io::Result<()> {
    let json = serde_json::to_vec(&Overlay { replace }).map_err(io::Error::other)?;
    fs::write(path, json)
}
