//! The public command as scoreboards run it: the binary built in the profile of this program, in a
//! process of its own, with nothing of the caller's configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use diag::FindingRecord;
use serde_json::Value;

use crate::toolchain::Go;
use crate::{cargo, profile, run_command};

/// Names a binary to use as it is.
pub const BINARY: &str = "UNPANIC_BINARY";

/// An example of a crate, built as what is shipped is: speeds are measured with it.
pub fn shipped_example(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    run_command(cargo().args([
        "build",
        "--quiet",
        "--profile",
        "dist",
        "--package",
        package,
        "--example",
        name,
    ]))?;
    let profiles = std::env::current_exe()?;
    let profiles = profiles.ancestors().nth(2).context("this program lies in no folder")?;
    Ok(profiles.join("dist/examples").join(name))
}

/// A built `unpanic`.
pub struct Unpanic {
    binary: PathBuf,
    goroot: PathBuf,
}

impl Unpanic {
    /// Builds the binary of this working tree in the profile that this program was built in, unless
    /// `UNPANIC_BINARY` names one that has been built.
    pub fn build(go: &Go) -> anyhow::Result<Self> {
        if let Some(binary) = std::env::var_os(BINARY).filter(|v| !v.is_empty()) {
            let binary = std::path::absolute(binary)?;
            ensure!(binary.exists(), "{BINARY}: {} is not there", binary.display());
            return Ok(Self { binary, goroot: go.root.clone() });
        }
        let profile = profile()?;
        run_command(cargo().args([
            "build",
            "--quiet",
            "--package",
            "unpanic",
            "--profile",
            &profile,
        ]))?;
        let binary = std::env::current_exe()?.with_file_name("unpanic");
        ensure!(binary.exists(), "{} was not built", binary.display());
        Ok(Self { binary, goroot: go.root.clone() })
    }

    /// Where it is.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// What `unpanic check --format json ARGUMENTS` prints when run in `dir`, byte for byte. Nothing
    /// is remembered from one run to the next.
    pub fn output(&self, dir: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let arguments: Vec<&str> = ["--no-cache"].iter().chain(arguments).copied().collect();
        Ok(self.run(dir, &arguments)?.stdout)
    }

    /// Runs `unpanic check --format json ARGUMENTS` in `dir`.
    pub fn run(&self, dir: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("UNPANIC_") {
                command.env_remove(name);
            }
        }
        command.env("GOROOT", &self.goroot).current_dir(dir);
        command.args(["check", "--quiet", "--exit-zero", "--format", "json"]).args(arguments);
        let output =
            command.output().with_context(|| format!("cannot run {}", self.binary.display()))?;
        let words = arguments.join(" ");
        ensure!(
            // 3: some input could not be read; the rest was analysed.
            matches!(output.status.code(), Some(0 | 3)),
            "check {words} in {} failed ({})\n{}",
            dir.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output)
    }

    /// What `unpanic prove --format json ARGUMENTS` prints when run in `dir`, line by line.
    pub fn prove(&self, go: &Go, dir: &Path, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut command = Command::new(&self.binary);
        go.setup(&mut command).current_dir(dir).env("ORDERS_LOAD", "1");
        command.args(["prove", "--quiet", "--no-cache", "--format", "json"]).args(arguments);
        let output =
            command.output().with_context(|| format!("cannot run {}", self.binary.display()))?;
        ensure!(
            matches!(output.status.code(), Some(0 | 1)),
            "prove in {} failed ({})\n{}",
            dir.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let stream = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        stream.collect::<Result<_, _>>().context("reading the verdicts")
    }

    /// What `unpanic lab --format json ARGUMENTS` prints with these toolchains, line by line. A claim that is
    /// refuted is no failure.
    pub fn lab(&self, toolchains: &[Go], arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut command = Command::new(&self.binary);
        command.args(["lab", "--quiet", "--format", "json"]).args(arguments);
        for go in toolchains {
            command.arg("--go").arg(&go.binary);
        }
        let output =
            command.output().with_context(|| format!("cannot run {}", self.binary.display()))?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(matches!(output.status.code(), Some(0 | 1)), "lab failed\n{error}");
        let stream = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        stream.collect::<Result<_, _>>().context("reading the report")
    }

    /// How many bytes the results in a cache take.
    pub fn cache_size(&self, cache: &Path) -> anyhow::Result<u64> {
        let mut command = Command::new(&self.binary);
        let output = command.args(["cache", "size", "--cache-dir"]).arg(cache).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    }

    /// The findings of `unpanic check ARGUMENTS` run in `dir`.
    pub fn check(&self, dir: &Path, arguments: &[&str]) -> anyhow::Result<Vec<FindingRecord>> {
        let output = self.output(dir, arguments)?;
        let stream = serde_json::Deserializer::from_slice(&output).into_iter();
        stream.collect::<Result<_, _>>().context("reading the findings")
    }
}
