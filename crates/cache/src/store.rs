//! Entries on disk. Each is one file that is written beside its place and then moved there, so that
//! a reader sees all of it or none, whatever other processes do. A checksum tells damage. When the
//! entries are more than the limit, the ones that were not used for longest go.

#![expect(clippy::disallowed_methods, reason = "entries are no input of the analysis")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::Hash;

/// What an entry starts with. The last byte is the version of the format: change it when an older
/// unpanic must not read what this one writes.
const MAGIC: &[u8; 8] = b"unpanic\x01";
/// What names a file that is not finished.
const UNFINISHED: &str = ".unfinished-";
/// A file that is unfinished for longer is what a killed process left.
const ABANDONED: Duration = Duration::from_hours(1);

/// The entries in a folder.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    limit: u64,
}

/// What an entry is, each kind in a folder of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// [`crate::Inputs`], by request.
    Inputs,
    /// What a run came to, by request and answers.
    Result,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Inputs, Self::Result];

    /// `./...` does not enter folders with such names: the cache may lie among what is analysed.
    fn folder(self) -> &'static str {
        match self {
            Self::Inputs => "_inputs",
            Self::Result => "_results",
        }
    }
}

/// A file of the store.
struct Entry {
    path: PathBuf,
    size: u64,
    used: SystemTime,
    is_finished: bool,
}

impl Store {
    /// The entries in `dir`, which is made when the first one is written. They will not take more
    /// than `limit` bytes.
    pub fn new(dir: impl Into<PathBuf>, limit: u64) -> Self {
        Self { dir: dir.into(), limit }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the folders, so that those who list the folder above see the same before and after the
    /// first entry is written. Whether that works shows when an entry is written.
    pub fn prepare(&self) {
        for kind in Kind::ALL {
            let _ = fs::create_dir_all(self.dir.join(kind.folder()));
        }
    }

    /// The content of an entry. One that is damaged, or of another version, is not there.
    pub fn get(&self, kind: Kind, key: &Hash) -> Option<Vec<u8>> {
        let mut file = File::open(self.path(kind, key)).ok()?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).ok()?;
        let (header, payload) = content.split_at_checked(MAGIC.len() + 32)?;
        if !header.starts_with(MAGIC) || header[MAGIC.len()..] != Hash::of(payload).0 {
            return None;
        }
        // Whoever may not change it may still read it.
        let _ = file.set_modified(SystemTime::now());
        content.drain(..MAGIC.len() + 32);
        Some(content)
    }

    /// Writes an entry, in place of the one that may be there.
    pub fn put(&self, kind: Kind, key: &Hash, payload: &[u8]) -> io::Result<()> {
        let path = self.path(kind, key);
        let folder = path.parent().expect("an entry lies in the folder of its kind");
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(MAGIC)?;
        file.write_all(&Hash::of(payload).0)?;
        file.write_all(payload)?;
        file.persist(&path).map_err(|e| e.error)?;
        self.evict();
        Ok(())
    }

    /// How many bytes the entries take.
    pub fn size(&self) -> u64 {
        self.entries().iter().map(|e| e.size).sum()
    }

    /// Removes all entries and gives how many bytes they took. Other files in the folder stay.
    pub fn clean(&self) -> io::Result<u64> {
        let mut freed = 0;
        for entry in self.entries() {
            match fs::remove_file(&entry.path) {
                Ok(()) => freed += entry.size,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        for kind in Kind::ALL {
            let _ = fs::remove_dir(self.dir.join(kind.folder()));
        }
        let _ = fs::remove_dir(&self.dir);
        Ok(freed)
    }

    fn path(&self, kind: Kind, key: &Hash) -> PathBuf {
        self.dir.join(kind.folder()).join(key.to_string())
    }

    /// Removes the entries that were not used for longest, until the rest is within the limit, and
    /// what killed processes left. Other processes may be doing the same.
    fn evict(&self) {
        let mut entries = self.entries();
        let abandoned = SystemTime::now().checked_sub(ABANDONED).unwrap_or(SystemTime::UNIX_EPOCH);
        entries.retain(|e| {
            let keep = e.is_finished || e.used > abandoned;
            if !keep {
                let _ = fs::remove_file(&e.path);
            }
            keep && e.is_finished
        });
        let mut size: u64 = entries.iter().map(|e| e.size).sum();
        entries.sort_by(|a, b| a.used.cmp(&b.used).then_with(|| a.path.cmp(&b.path)));
        for entry in entries {
            if size <= self.limit {
                break;
            }
            let _ = fs::remove_file(&entry.path);
            size -= entry.size;
        }
    }

    /// The files that have the name of an entry; nothing else in the folder is ours.
    fn entries(&self) -> Vec<Entry> {
        let folders = Kind::ALL.iter().filter_map(|k| fs::read_dir(self.dir.join(k.folder())).ok());
        let files = folders.flatten().flatten();
        files
            .filter_map(|file| {
                let is_finished = is_key(&file.file_name());
                let is_ours = is_finished || is_unfinished(&file.file_name());
                let metadata = file.metadata().ok().filter(|m| is_ours && m.is_file())?;
                Some(Entry {
                    path: file.path(),
                    size: metadata.len(),
                    used: metadata.modified().ok()?,
                    is_finished,
                })
            })
            .collect()
    }
}

fn is_key(name: &OsStr) -> bool {
    let digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    let name = name.as_encoded_bytes();
    name.len() == 64 && name.iter().all(digit)
}

fn is_unfinished(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(limit: u64) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("c"), limit);
        (dir, store)
    }

    #[test]
    fn gives_what_was_put_and_removes_only_its_own() {
        let (_dir, store) = store(1 << 20);
        let key = Hash::of(b"k");
        assert_eq!(store.get(Kind::Result, &key), None);
        assert_eq!(store.size(), 0);
        store.put(Kind::Result, &key, b"one").unwrap();
        store.put(Kind::Result, &key, b"two").unwrap();
        assert_eq!(store.get(Kind::Result, &key).as_deref(), Some(&b"two"[..]));
        assert_eq!(store.get(Kind::Inputs, &key), None);
        let other = store.dir().join("_results/notes.txt");
        fs::write(&other, "mine").unwrap();
        assert_eq!(store.size(), 8 + 32 + 3);
        assert_eq!(store.clean().unwrap(), 8 + 32 + 3);
        assert_eq!(store.get(Kind::Result, &key), None);
        assert!(other.exists());
    }

    #[test]
    fn damaged_entries_are_absent_until_they_are_written_again() {
        let (_dir, store) = store(1 << 20);
        let key = Hash::of(b"k");
        store.put(Kind::Inputs, &key, b"some content").unwrap();
        let path = store.path(Kind::Inputs, &key);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(store.get(Kind::Inputs, &key), None, "{length} bytes");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(store.get(Kind::Inputs, &key), None, "byte {at}");
        }
        store.put(Kind::Inputs, &key, b"again").unwrap();
        assert_eq!(store.get(Kind::Inputs, &key).as_deref(), Some(&b"again"[..]));
    }

    #[test]
    fn the_least_recently_used_go_first() {
        let (_dir, store) = store(1000);
        let key = |n: u8| Hash::of(&[n]);
        let age = |n: u8, seconds| {
            let file = File::open(store.path(Kind::Result, &key(n))).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
        };
        for n in 0..4 {
            store.put(Kind::Result, &key(n), &[n; 200]).unwrap();
            age(n, 100 - u64::from(n));
        }
        // The oldest is used again, so the next oldest has to go.
        assert!(store.get(Kind::Result, &key(0)).is_some());
        store.put(Kind::Result, &key(4), &[4; 200]).unwrap();
        assert!(store.size() <= 1000);
        let there: Vec<u8> =
            (0..5).filter(|&n| store.get(Kind::Result, &key(n)).is_some()).collect();
        assert_eq!(there, [0, 2, 3, 4]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_being_written_is_not() {
        let (_dir, store) = store(1000);
        store.put(Kind::Result, &Hash::of(b"k"), b"x").unwrap();
        let (old, new) = (
            store.dir().join("_results/.unfinished-a"),
            store.dir().join("_results/.unfinished-b"),
        );
        for path in [&old, &new] {
            fs::write(path, [0; 2000]).unwrap();
        }
        let long_ago = SystemTime::now() - 2 * ABANDONED;
        File::open(&old).unwrap().set_modified(long_ago).unwrap();
        store.put(Kind::Result, &Hash::of(b"l"), b"y").unwrap();
        assert!(!old.exists() && new.exists());
        assert!(store.get(Kind::Result, &Hash::of(b"k")).is_some());
    }
}
