//! Runs the binary in a folder made for the test.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A folder with files, and nothing of the caller's environment.
pub struct Place {
    folder: tempfile::TempDir,
    cache: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a run printed and exited with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    /// A folder with these files: path and content.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = Self { folder, cache, variables: Vec::new() };
        for (path, text) in files {
            place.write(path, text.as_bytes());
        }
        place
    }

    /// Sets an environment variable for the runs.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Runs `unpanic` with these arguments, split at spaces.
    pub fn run(&self, arguments: &str) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    /// The same, ready to be started.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unpanic"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("UNPANIC_") || name == "RUST_BACKTRACE" || name == "NO_COLOR" {
                command.env_remove(&name);
            }
        }
        command
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env("UNPANIC_CACHE_DIR", self.cache.path())
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null());
        command
    }

    /// Where the runs keep their results.
    pub fn cache(&self) -> &Path {
        self.cache.path()
    }
}

impl Outcome {
    /// What a run that has ended printed.
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("no signal ended it"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code and a part of standard error.
    #[track_caller]
    pub fn fails(&self, code: i32, part: &str) {
        assert!(
            self.code == code && self.err.contains(part),
            "exit {} and not {code}, or no {part:?} in:\n{}\n{}",
            self.code,
            self.err,
            self.out
        );
    }
}
