//! The [`System`] trait: everything that the analysis core may ask of the machine. The core takes
//! a `&dyn System`, so that tests run on a tree in memory and a language server on unsaved text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// What a path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A regular file (symbolic links are followed).
    File,
    /// A folder (symbolic links are followed).
    Dir,
    /// Anything else: sockets, devices, dangling links.
    Other,
}

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirEntry {
    /// The name without the folder.
    pub name: String,
    /// What it is, links followed.
    pub kind: FileKind,
    /// Whether the entry itself is a symbolic link: Go's `./...` does not walk into linked folders.
    pub is_symlink: bool,
}

/// What the file system says of a file or folder without reading it. While it stays the same, so
/// does the content (of a folder: the names in it).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// When the content last changed, in nanoseconds since 1970. Programs may set it.
    pub modified: i64,
    /// When anything about it last changed; only the system sets it. Zero where there is no such
    /// time.
    pub changed: i64,
    /// Which file it is.
    pub inode: u64,
    /// On which device.
    pub device: u64,
}

/// Why the machine would not answer.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is larger than spans can address.
    #[error("{}: file of {bytes} bytes is too large (4 GiB is the limit)", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// `go` is not installed, or said no.
    #[error("go {args}: {message}")]
    Go {
        /// The arguments given to `go`.
        args: String,
        /// What went wrong.
        message: String,
    },
}

/// The machine, as far as the analysis may see it.
pub trait System: Sync + Send {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, SystemError>;
    /// The entries of a folder, sorted by name.
    fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>, SystemError>;
    /// What a path is, or `None` when nothing is there.
    fn kind(&self, path: &Path) -> Option<FileKind>;
    /// The stamp of a file or folder, links followed. `None` when nothing is there, when the machine
    /// has no stamps, and when the last change is so recent that another one could leave the same
    /// stamp behind.
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let _ = path;
        None
    }
    /// The path with links resolved; the path itself when that fails.
    fn canonicalize(&self, path: &Path) -> PathBuf;
    /// The working directory.
    fn current_dir(&self) -> PathBuf;
    /// An environment variable; `None` when unset or empty.
    fn env(&self, name: &str) -> Option<String>;
    /// Runs `go` with these arguments in `dir` and gives its standard output.
    fn go(&self, dir: &Path, args: &[&str]) -> Result<String, SystemError>;
}

/// The real machine.
#[derive(Debug, Default)]
pub struct OsSystem;

#[expect(clippy::disallowed_methods, reason = "this is the door")]
impl System for OsSystem {
    fn read(&self, path: &Path) -> Result<Vec<u8>, SystemError> {
        let io = |source| SystemError::Io { path: path.to_owned(), source };
        // Opening a pipe would wait for somebody to write, and a device may never end.
        let what = std::fs::metadata(path).map_err(io)?.file_type();
        if !what.is_file() {
            let text = format!("it is {}, not a file", name_of(what));
            return Err(io(std::io::Error::other(text)));
        }
        let bytes = std::fs::read(path).map_err(io)?;
        if u32::try_from(bytes.len()).is_err() {
            return Err(SystemError::TooLarge { path: path.to_owned(), bytes: bytes.len() as u64 });
        }
        Ok(bytes)
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>, SystemError> {
        let io = |source| SystemError::Io { path: path.to_owned(), source };
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?;
            // Go's tools cannot name such a file either.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(own) = entry.file_type() else { continue };
            let kind = if own.is_symlink() {
                self.kind(&entry.path()).unwrap_or(FileKind::Other)
            } else {
                kind_of(own)
            };
            entries.push(DirEntry { name, kind, is_symlink: own.is_symlink() });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        std::fs::metadata(path).ok().map(|m| kind_of(m.file_type()))
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let now = nanoseconds(SystemTime::now())?;
        let stamp = stamp_of(&std::fs::metadata(path).ok()?)?;
        let is_settled = |time: i64| time < now - TIME_GRANULE;
        (is_settled(stamp.modified) && is_settled(stamp.changed)).then_some(stamp)
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    }

    fn current_dir(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|v| !v.is_empty())
    }

    fn go(&self, dir: &Path, args: &[&str]) -> Result<String, SystemError> {
        let fail = |message| SystemError::Go { args: args.join(" "), message };
        let output = std::process::Command::new("go")
            .args(args)
            .current_dir(dir)
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|e| fail(e.to_string()))?;
        if !output.status.success() {
            return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Two changes within this time may get the same time stamp, in nanoseconds: two seconds on FAT,
/// less elsewhere.
const TIME_GRANULE: i64 = 2_000_000_000;

fn nanoseconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos()).ok()
}

#[cfg(unix)]
fn stamp_of(metadata: &std::fs::Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let changed =
        metadata.ctime().checked_mul(1_000_000_000)?.checked_add(metadata.ctime_nsec())?;
    Some(Stamp {
        size: metadata.len(),
        modified: nanoseconds(metadata.modified().ok()?)?,
        changed,
        inode: metadata.ino(),
        device: metadata.dev(),
    })
}

#[cfg(not(unix))]
fn stamp_of(metadata: &std::fs::Metadata) -> Option<Stamp> {
    let modified = nanoseconds(metadata.modified().ok()?)?;
    Some(Stamp { size: metadata.len(), modified, changed: 0, inode: 0, device: 0 })
}

fn kind_of(t: std::fs::FileType) -> FileKind {
    if t.is_file() {
        FileKind::File
    } else if t.is_dir() {
        FileKind::Dir
    } else {
        FileKind::Other
    }
}

/// What something that is no regular file is called.
fn name_of(t: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if t.is_fifo() {
            return "a named pipe";
        }
        if t.is_socket() {
            return "a socket";
        }
        if t.is_block_device() || t.is_char_device() {
            return "a device";
        }
    }
    if t.is_dir() { "a folder" } else { "something else" }
}

/// A tree in memory: no links, no `go`, the working directory is `/`.
#[derive(Clone, Debug, Default)]
pub struct MemorySystem {
    files: BTreeMap<PathBuf, Vec<u8>>,
    dirs: BTreeSet<PathBuf>,
    env: BTreeMap<String, String>,
}

impl MemorySystem {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file at an absolute path, with the folders above it.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> &mut Self {
        let path = path.into();
        for above in path.ancestors().skip(1) {
            self.dirs.insert(above.to_owned());
        }
        self.files.insert(path, text.into());
        self
    }

    /// Sets an environment variable.
    pub fn set_env(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl System for MemorySystem {
    fn read(&self, path: &Path) -> Result<Vec<u8>, SystemError> {
        self.files.get(path).cloned().ok_or_else(|| SystemError::Io {
            path: path.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>, SystemError> {
        if !self.dirs.contains(path) {
            return Err(SystemError::Io {
                path: path.to_owned(),
                source: std::io::ErrorKind::NotFound.into(),
            });
        }
        let inside = |p: &&PathBuf| p.parent() == Some(path);
        let entry = |p: &PathBuf, kind| DirEntry {
            name: p.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            kind,
            is_symlink: false,
        };
        let mut entries: Vec<DirEntry> =
            self.files.keys().filter(inside).map(|p| entry(p, FileKind::File)).collect();
        entries.extend(self.dirs.iter().filter(inside).map(|p| entry(p, FileKind::Dir)));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        if self.files.contains_key(path) {
            Some(FileKind::File)
        } else if self.dirs.contains(path) {
            Some(FileKind::Dir)
        } else {
            None
        }
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn current_dir(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn go(&self, _dir: &Path, args: &[&str]) -> Result<String, SystemError> {
        Err(SystemError::Go { args: args.join(" "), message: "there is no go in memory".into() })
    }
}
