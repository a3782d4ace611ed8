//! `--amplify`: leaves detection to the Go runtime, whose check of concurrent map accesses has a window
//! of some nanoseconds: a write sets a flag, works, and clears it. An overlay of the runtime's map
//! package makes some writes linger there. Kept by structure, not by line: what sets the flag is found
//! in the source of the Go that is used, and when its shape is not the one known, nothing is built.

use std::path::{Path, PathBuf};

use crate::ProveError;

/// A shape of the runtime's map code.
struct Shape {
    /// The folder below GOROOT/src.
    folder: &'static str,
    /// Its package.
    package: &'static str,
    /// The start of the names of the files.
    prefix: &'static str,
    /// The statement that sets the flag, or sets and clears it.
    sets: &'static str,
    /// The statement that clears it.
    clears: &'static str,
    /// What stands two lines above a clearing statement, or more.
    checked: &'static str,
}

/// Go 1.24 and later; before.
const SHAPES: [Shape; 2] = [
    Shape {
        folder: "internal/runtime/maps",
        package: "maps",
        prefix: "",
        sets: "m.writing ^= 1",
        clears: "m.writing ^= 1",
        checked: "if m.writing == 0 {",
    },
    Shape {
        folder: "runtime",
        package: "runtime",
        prefix: "map",
        sets: "h.flags ^= hashWriting",
        clears: "h.flags &^= hashWriting",
        checked: "if h.flags&hashWriting == 0 {",
    },
];

/// One write in eight lingers, for some microseconds; all others cost a few instructions.
const LINGER: &str = "
var unpanicCount uint32

var unpanicSink uint32

// unpanicLinger keeps the writing flag set for a while. Counting races, and does not mind.
//
//go:noinline
func unpanicLinger() {
	unpanicCount++
	if unpanicCount%8 != 0 {
		return
	}
	x := unpanicCount
	for i := 0; i < 20000; i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
	}
	unpanicSink = x
}
";

/// The files to put in place of those of a Go.
pub(crate) fn files(goroot: &Path, version: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, ProveError> {
    let refuse =
        |why: &str| ProveError::Amplify { version: version.to_owned(), why: why.to_owned() };
    for shape in &SHAPES {
        let folder = goroot.join("src").join(shape.folder);
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        paths.sort();
        let mut files = Vec::new();
        let (mut sets, mut clears) = (0, 0);
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_go = Path::new(&name).extension().is_some_and(|e| e == "go");
            if !is_go || name.ends_with("_test.go") || !name.starts_with(shape.prefix) {
                continue;
            }
            let text = std::fs::read_to_string(&path)
                .map_err(ProveError::io(path.display().to_string()))?;
            let changed = change(&text, shape).map_err(|line| {
                refuse(&format!("{}:{line}: the flag is changed in an unknown way", path.display()))
            })?;
            if changed.sets > 0 {
                sets += changed.sets;
                files.push((path, changed.text.into_bytes()));
            }
            clears += changed.clears;
        }
        if sets == 0 {
            continue;
        }
        // Every write sets it once and clears it on one way out at least.
        if clears < sets {
            return Err(refuse(&format!("{sets} writes set the flag, {clears} places clear it")));
        }
        let text = format!("package {}\n{LINGER}", shape.package);
        files.push((folder.join("unpanic_linger.go"), text.into_bytes()));
        return Ok(files);
    }
    Err(refuse("no map code of a known shape was found"))
}

struct Changed {
    text: String,
    sets: usize,
    clears: usize,
}

/// Adds a call after each statement that sets the flag; the number of a line that is not understood.
fn change(text: &str, shape: &Shape) -> Result<Changed, usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut changed = Changed { text: String::with_capacity(text.len()), sets: 0, clears: 0 };
    for (number, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default().trim();
        let above = |n: usize| number.checked_sub(n).map_or("", |at| lines[at].trim());
        let is_checked = above(1) == "}" && above(3).starts_with(shape.checked);
        let touches = code == shape.sets || code == shape.clears;
        changed.text.push_str(line);
        if touches && code == shape.clears && (is_checked || shape.sets != shape.clears) {
            changed.clears += 1;
        } else if touches {
            changed.sets += 1;
            // On the same line, before a comment: line numbers stay.
            let at = changed.text.len() - line.len() + line.find(code).unwrap_or(0) + code.len();
            changed.text.insert_str(at, "; unpanicLinger()");
        } else if code.contains(shape.sets) || code.contains(shape.clears) {
            return Err(number + 1);
        }
        changed.text.push('\n');
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_linger_and_clears_do_not() {
        let text = "func a() {\n\tm.writing ^= 1 // toggle\n\tx()\n\tif m.writing == 0 {\n\t\tfatal()\n\t}\n\tm.writing ^= 1\n}\n";
        let changed = change(text, &SHAPES[0]).unwrap();
        assert_eq!((changed.sets, changed.clears), (1, 1));
        assert!(changed.text.contains("m.writing ^= 1; unpanicLinger() // toggle\n"));
        assert_eq!(changed.text.matches("unpanicLinger").count(), 1);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(change("\tif m.writing ^= 1; x {\n", &SHAPES[0]).is_err());
        let empty = tempfile::tempdir().unwrap();
        let refused = files(empty.path(), "go1.99.0").unwrap_err().to_string();
        assert!(refused.contains("go1.99.0"), "{refused}");
    }
}
