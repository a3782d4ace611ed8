//! The go command that builds and runs the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::ProveError;

/// The oldest Go whose compiler takes the runtime package.
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
    pub fn find(go: &Path, dir: &Path) -> Result<Self, ProveError> {
        let output = Command::new(go)
            .args(["env", "-json", "GOROOT", "GOVERSION", "GOMOD"])
            .current_dir(dir)
            .output()
            .map_err(|e| ProveError::NoGo(format!("cannot run {}: {e}", go.display())))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(ProveError::NoGo(format!("{} env failed: {text}", go.display())));
        }
        let environment: Environment = serde_json::from_slice(&output.stdout)
            .map_err(|e| ProveError::NoGo(format!("{} env: {e}", go.display())))?;
        let version = environment.goversion;
        if minor(&version).is_some_and(|minor| minor < OLDEST) {
            return Err(ProveError::OldGo { found: version.trim_start_matches("go").to_owned() });
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
}
