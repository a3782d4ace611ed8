//! Writes an experiment's program and builds it with a toolchain, without a network.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use go_exec::{Execution, Guard, Toolchain};

use crate::LabError;
use crate::experiment::Experiment;

/// The first build with a toolchain compiles the standard library too.
const BUILD_LIMIT: Duration = Duration::from_mins(15);
/// So much of what a failed build prints is kept, in characters.
const MAX_TEXT: usize = 600;
/// What would change the build, or what the program does.
pub const ENVIRONMENT: &[&str] = &[
    "GOROOT",
    "GOENV",
    "GOOS",
    "GOARCH",
    "GOEXPERIMENT",
    "GODEBUG",
    "GOGC",
    "GOMEMLIMIT",
    "GOTRACEBACK",
    "GORACE",
    "GOFIPS140",
    "GOCOVERDIR",
];

/// What is built.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Build {
    /// The minor version in the `go` line.
    pub language: u32,
    /// With the race detector.
    pub race: bool,
}

/// Where and how.
pub struct Builder<'a> {
    /// The folder that goes with the run.
    pub workspace: &'a Path,
    /// The guard.
    pub guard: Option<&'a Guard>,
}

impl Builder<'_> {
    /// Writes the program, and a go.mod beside it.
    pub fn write(&self, experiment: &Experiment, language: u32) -> Result<PathBuf, LabError> {
        let folder = self.workspace.join(&experiment.name).join(format!("go1.{language}"));
        write(&folder, experiment, language)?;
        Ok(folder)
    }

    /// Builds it; what the compiler says when it does not build.
    pub fn build(
        &self,
        experiment: &Experiment,
        toolchain: &Toolchain,
        build: Build,
        number: usize,
    ) -> Result<Result<PathBuf, String>, LabError> {
        let dir = self.write(experiment, build.language)?;
        let race = if build.race { "-race" } else { "" };
        let suffix = if cfg!(windows) { ".exe" } else { "" };
        let binary = dir.join(format!("program-{number}{race}{suffix}"));
        let mut command: Vec<OsString> = vec![toolchain.go.clone().into(), "build".into()];
        if build.race {
            command.push(race.into());
        }
        command.extend(["-o".into(), binary.clone().into(), ".".into()]);
        let cgo = if build.race { "1" } else { "0" };
        let settings = [
            ("GOFLAGS", "-mod=mod"),
            ("GOPROXY", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOWORK", "off"),
            ("GO111MODULE", "on"),
            ("GOENV", "off"),
            ("CGO_ENABLED", cgo),
        ];
        let execution = Execution {
            guard: self.guard,
            workspace: self.workspace,
            command,
            dir: &dir,
            env: settings.iter().map(|(k, v)| ((*k).to_owned(), v.into())).collect(),
            env_remove: ENVIRONMENT,
            limit: BUILD_LIMIT,
            wanted: |_| false,
        };
        let what = format!("cannot run {}", toolchain.go.display());
        let built = execution.run(&mut || false).map_err(LabError::io(what))?;
        if built.timed_out {
            return Ok(Err(format!("the build did not end in {} s", BUILD_LIMIT.as_secs())));
        }
        if built.code == 0 && binary.exists() {
            return Ok(Ok(binary));
        }
        let text: String = built.tail().chars().take(MAX_TEXT).collect();
        Ok(Err(format!("it does not build: {}", text.trim())))
    }
}

/// Writes main.go and go.mod into a folder.
pub fn write(folder: &Path, experiment: &Experiment, language: u32) -> Result<(), LabError> {
    let failed = || format!("cannot write to {}", folder.display());
    fs::create_dir_all(folder).map_err(LabError::io(failed()))?;
    let module = format!("module unpanic.dev/lab/{}\n\ngo 1.{language}\n", experiment.name);
    let files = [("main.go", experiment.program), ("go.mod", module.as_str())];
    for (name, text) in files {
        fs::write(folder.join(name), text).map_err(LabError::io(failed()))?;
    }
    Ok(())
}
