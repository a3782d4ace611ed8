//! Recording and asking again, on a machine in memory whose stamps the test sets.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use source::{DirEntry, FileKind, MemorySystem, Stamp, System, SystemError};

use crate::{Hash, Inputs, Recorder, Renewal};

/// A tree whose files have all the same stamp, if any, and that counts what is read.
#[derive(Default)]
struct Machine {
    tree: MemorySystem,
    time: Option<i64>,
    reads: AtomicUsize,
    /// Whether a file has another content each time.
    is_fickle: bool,
}

impl System for Machine {
    fn read(&self, path: &Path) -> Result<Vec<u8>, SystemError> {
        let count = self.reads.fetch_add(1, Ordering::Relaxed);
        if self.is_fickle { Ok(count.to_string().into_bytes()) } else { self.tree.read(path) }
    }
    fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>, SystemError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.tree.read_dir(path)
    }
    fn kind(&self, path: &Path) -> Option<FileKind> {
        self.tree.kind(path)
    }
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.tree.kind(path)?;
        let modified = self.time?;
        Some(Stamp { size: 1, modified, changed: modified, inode: 1, device: 1 })
    }
    fn canonicalize(&self, path: &Path) -> PathBuf {
        self.tree.canonicalize(path)
    }
    fn current_dir(&self) -> PathBuf {
        self.tree.current_dir()
    }
    fn env(&self, name: &str) -> Option<String> {
        self.tree.env(name)
    }
    fn go(&self, dir: &Path, args: &[&str]) -> Result<String, SystemError> {
        self.tree.go(dir, args)
    }
}

fn machine(time: Option<i64>) -> Machine {
    let mut machine = Machine { time, ..Machine::default() };
    machine.tree.add("/w/a.go", "a").add("/w/b.go", "b").set_env("GOFLAGS", "-mod=mod");
    machine
}

/// What the machine is asked in these tests.
fn record(machine: &Machine) -> Inputs {
    let recorder = Recorder::new(machine);
    for path in ["/w/a.go", "/w/b.go", "/w/none.go"] {
        let _ = recorder.read(Path::new(path));
    }
    let _ = recorder.read_dir(Path::new("/w"));
    recorder.kind(Path::new("/w/go.mod"));
    recorder.env("GOFLAGS");
    recorder.env("GOOS");
    recorder.current_dir();
    recorder.canonicalize(Path::new("/w"));
    let _ = recorder.go(Path::new("/w"), &["env"]);
    recorder.finish(Hash::of(b"request")).expect("nothing changed meanwhile")
}

#[test]
fn what_has_its_stamp_is_not_read_again() {
    let mut machine = machine(Some(1));
    let mut inputs = record(&machine);
    let before = inputs.clone();
    machine.reads = AtomicUsize::new(0);
    assert_eq!(inputs.renew(&machine), Renewal::default());
    // The file that is not there has no stamp.
    assert_eq!(machine.reads.load(Ordering::Relaxed), 1);
    assert_eq!(inputs, before);

    // Touched: everything is read once, nothing has changed, and the new stamps are kept.
    machine.time = Some(2);
    assert_eq!(inputs.renew(&machine), Renewal { changed: 0, restamped: 3 });
    assert_eq!(inputs.digest(), before.digest());
    machine.reads = AtomicUsize::new(0);
    assert_eq!(inputs.renew(&machine), Renewal::default());
    assert_eq!(machine.reads.load(Ordering::Relaxed), 1);

    // Written so recently that the stamp tells nothing.
    machine.time = None;
    machine.tree.add("/w/b.go", "B");
    assert_eq!(inputs.renew(&machine), Renewal { changed: 1, restamped: 3 });
}

#[test]
fn every_sort_of_change_changes_the_digest_and_undoing_it_restores_it() {
    type Change = fn(&mut MemorySystem);
    let changes: &[(&str, Change)] = &[
        ("a file", |t| _ = t.add("/w/a.go", "x")),
        ("a file that was not there", |t| _ = t.add("/w/none.go", "")),
        ("a file in a folder", |t| _ = t.add("/w/c.go", "")),
        ("a folder in a folder", |t| _ = t.add("/w/d/e.txt", "")),
        ("a path that was looked for", |t| _ = t.add("/w/go.mod", "")),
        ("a variable", |t| _ = t.set_env("GOFLAGS", "-mod=vendor")),
        ("a variable that was not set", |t| _ = t.set_env("GOOS", "plan9")),
    ];
    let before = machine(None);
    let old = record(&before).digest().expect("it can be written down");
    for (what, change) in changes {
        let mut after = machine(None);
        change(&mut after.tree);
        let mut inputs = record(&before);
        assert!(inputs.renew(&after).changed > 0, "{what}");
        let new = inputs.digest().expect("it can be written down");
        assert!(new != old, "{what}");
        // A run that asked the same has the same digest.
        assert_eq!(record(&after).digest(), Some(new), "{what}");
        inputs.renew(&before);
        assert_eq!(inputs.digest(), Some(old), "{what}");
    }
}

#[test]
fn inputs_are_written_down_and_read_back() {
    let inputs = record(&machine(Some(5)));
    let bytes = inputs.to_bytes().expect("all paths are UTF-8");
    assert_eq!(Inputs::from_bytes(&bytes).as_ref(), Some(&inputs));
    for length in 0..bytes.len() {
        assert_eq!(Inputs::from_bytes(&bytes[..length]), None);
    }
    assert!(inputs.has_read(Path::new("/w/a.go"), b"a"));
    assert!(!inputs.has_read(Path::new("/w/a.go"), b"b"));
    assert!(!inputs.has_read(Path::new("/w/z.go"), b"a"));
}

#[test]
fn nothing_is_kept_of_a_run_that_read_two_contents() {
    let mut machine = machine(Some(1));
    machine.is_fickle = true;
    let recorder = Recorder::new(&machine);
    let _ = recorder.read(Path::new("/w/a.go"));
    let _ = recorder.read(Path::new("/w/b.go"));
    let _ = recorder.read(Path::new("/w/a.go"));
    assert_eq!(recorder.finish(Hash::of(b"request")), None);
}
