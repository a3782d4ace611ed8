//! The code that frames point at, if it is here: the path as printed, or a tail of it under the folder
//! of the module, since dumps come from other machines, other folders and `-trimpath` builds.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use go_crash::Frame;

/// Larger files are not read, in bytes.
const MAX_FILE: u64 = 4 << 20;
/// Longer lines are cut, in characters.
const MAX_LINE: usize = 140;

/// Finds and remembers files.
pub struct Code {
    root: PathBuf,
    files: RefCell<HashMap<PathBuf, Option<Rc<Vec<String>>>>>,
}

/// A few lines around a frame.
pub struct Excerpt {
    /// The file that was found.
    pub path: PathBuf,
    /// The number of the first line.
    pub first: u32,
    /// The lines, safe to print.
    pub lines: Vec<String>,
}

impl Code {
    /// `root`: the folder of the module.
    pub fn new(root: PathBuf) -> Self {
        Self { root, files: RefCell::default() }
    }

    /// The lines around a frame: three before, one behind.
    pub fn excerpt(&self, frame: &Frame<'_>) -> Option<Excerpt> {
        let (path, lines) = self.find(frame)?;
        let line = frame.line as usize;
        let (first, last) = (line.saturating_sub(3).max(1), (line + 1).min(lines.len()));
        Some(Excerpt { path, first: first as u32, lines: lines[first - 1..last].to_vec() })
    }

    /// The file of a frame, if it has that line.
    fn find(&self, frame: &Frame<'_>) -> Option<(PathBuf, Rc<Vec<String>>)> {
        if frame.line == 0 || frame.file.is_empty() {
            return None;
        }
        let printed = frame.file.replace('\\', "/");
        let has_line = |path: PathBuf| {
            let lines = self.lines(&path)?;
            (lines.len() >= frame.line as usize).then_some((path, lines))
        };
        if Path::new(&printed).is_absolute()
            && let Some(found) = has_line(PathBuf::from(&printed))
        {
            return Some(found);
        }
        // A file of the standard library may have the name of one of the module's.
        if frame.is_std() {
            return None;
        }
        let parts: Vec<&str> = printed.split('/').filter(|p| !p.is_empty()).collect();
        if parts.contains(&"..") {
            return None;
        }
        (0..parts.len()).find_map(|from| has_line(self.root.join(parts[from..].join("/"))))
    }

    fn lines(&self, path: &Path) -> Option<Rc<Vec<String>>> {
        let mut files = self.files.borrow_mut();
        let read = || {
            let metadata = std::fs::metadata(path).ok()?;
            if !metadata.is_file() || metadata.len() > MAX_FILE {
                return None;
            }
            let text = std::fs::read(path).ok()?;
            let text = String::from_utf8_lossy(&text);
            Some(Rc::new(text.lines().map(shown).collect()))
        };
        files.entry(path.to_owned()).or_insert_with(read).clone()
    }
}

/// A line safe to print, tabs as four spaces, cut when long.
fn shown(line: &str) -> String {
    let line = line.replace('\t', "    ");
    let line = diag::clean_line(&line);
    if line.chars().count() <= MAX_LINE {
        return line.into_owned();
    }
    line.chars().take(MAX_LINE).chain(['…']).collect()
}
