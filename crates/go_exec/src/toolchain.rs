//! The go command that builds and runs programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::GoError;

/// The oldest Go that the prover's runtime package and the lab's experiments compile with.
const OLDEST: u32 = 21;

/// A go command and what it says of itself in the module's folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toolchain {
    /// The command.
    pub go: PathBuf,
    /// Its GOROOT; in a module that asks for another toolchain, that one's.
    pub root: PathBuf,
    /// As `go1.27.3`.
    pub version: String,
    /// The folder of the module that it was asked in.
    pub module: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Environment {
    goroot: String,
    goversion: String,
    gomod: String,
}

impl Toolchain {
    /// Asks `go` in `dir`.
    pub fn find(go: &Path, dir: &Path) -> Result<Self, GoError> {
        Self::ask(go, Command::new(go).current_dir(dir))
    }

    /// Asks the toolchain at `path` itself, outside of any module, whatever the environment says of
    /// another: a go command, or a GOROOT or a folder with a GOROOT `go` in it.
    pub fn find_alone(path: &Path) -> Result<Self, GoError> {
        let go = command_at(path)?;
        let mut command = Command::new(&go);
        command.current_dir(std::env::temp_dir());
        command.env_remove("GOROOT").env_remove("GOFLAGS");
        for (name, value) in [("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("GOENV", "off")] {
            command.env(name, value);
        }
        Self::ask(&go, &mut command)
    }

    fn ask(go: &Path, command: &mut Command) -> Result<Self, GoError> {
        let output = command
            .args(["env", "-json", "GOROOT", "GOVERSION", "GOMOD"])
            .output()
            .map_err(|e| GoError::NoGo(format!("cannot run {}: {e}", go.display())))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(GoError::NoGo(format!("{} env failed: {text}", go.display())));
        }
        let environment: Environment = serde_json::from_slice(&output.stdout)
            .map_err(|e| GoError::NoGo(format!("{} env: {e}", go.display())))?;
        let version = environment.goversion;
        if minor(&version).is_some_and(|minor| minor < OLDEST) {
            return Err(GoError::OldGo { found: version.trim_start_matches("go").to_owned() });
        }
        // Outside of a module it is empty, or the null device.
        let module = Path::new(&environment.gomod);
        let module = module.ends_with("go.mod").then(|| module.parent().map(Path::to_owned));
        Ok(Self {
            go: go.to_owned(),
            root: PathBuf::from(environment.goroot),
            version,
            module: module.flatten(),
        })
    }
    /// The minor number: 27 of `go1.27.3`; `None` of a version that does not say.
    pub fn minor(&self) -> Option<u32> {
        minor(&self.version)
    }
}

/// The command that a path names. A name without a folder is looked for in `PATH` when it is run.
fn command_at(path: &Path) -> Result<PathBuf, GoError> {
    if path.components().count() == 1 && !path.exists() {
        return Ok(path.to_owned());
    }
    // What is run elsewhere needs its full path.
    let path = std::path::absolute(path)
        .map_err(|e| GoError::NoGo(format!("cannot run {}: {e}", path.display())))?;
    if !path.is_dir() {
        return Ok(path);
    }
    let name = if cfg!(windows) { "go.exe" } else { "go" };
    // Where pip installs Go, bin/go is a script that finds go/bin/go by itself only sometimes.
    let found = [path.join("go/bin"), path.join("bin")].map(|folder| folder.join(name));
    found.into_iter().find(|file| file.is_file()).ok_or_else(|| {
        GoError::NoGo(format!("{} has neither bin/go nor go/bin/go in it", path.display()))
    })
}

/// The minor number of `go1.27.3`, `go1.28rc1`, `devel go1.28-…`.
fn minor(version: &str) -> Option<u32> {
    let rest = &version[version.find("go1.")? + 4..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        assert_eq!(minor("go1.27.3"), Some(27));
        assert_eq!(minor("go1.28rc1"), Some(28));
        assert_eq!(minor("devel go1.29-abc Mon"), Some(29));
        assert_eq!(minor("weekly"), None);
    }

    #[test]
    fn a_path_may_be_a_command_or_a_goroot() {
        assert_eq!(command_at(Path::new("go")).unwrap(), Path::new("go"));
        let folder = tempfile::tempdir().unwrap();
        let refused = command_at(folder.path()).unwrap_err().to_string();
        assert!(refused.ends_with("has neither bin/go nor go/bin/go in it"), "{refused}");
        let name = if cfg!(windows) { "go.exe" } else { "go" };
        let file = folder.path().join("go/bin").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        assert_eq!(command_at(folder.path()).unwrap(), file);
        assert_eq!(command_at(&file).unwrap(), file);
    }
}
