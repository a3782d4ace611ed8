//! The command of `unpanic trace record`: which package it runs or tests, with which flags, and the
//! overlay that adds the recorder to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// What is added to the package.
const RECORDER: &str = include_str!("recorder.go");
/// The first file of a package by name: its `init` runs first.
const FILE: &str = "0_unpanic_trace";

/// Flags of `go build`, `go run` and `go test` that take no value.
const SWITCHES: &[&str] = &[
    "a",
    "asan",
    "benchmem",
    "buildvcs",
    "c",
    "cover",
    "failfast",
    "fullpath",
    "i",
    "json",
    "linkshared",
    "modcacherw",
    "msan",
    "n",
    "race",
    "short",
    "trimpath",
    "v",
    "work",
    "x",
];

/// What the user wants to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoLine {
    /// `go run` or `go test`.
    pub test: bool,
    /// The command that was called: `go`, or a path to one.
    pub go: String,
    /// Flags before the package.
    pub flags: Vec<String>,
    /// The package, or its files; empty for a test of the package here.
    pub packages: Vec<String>,
    /// What comes after it.
    pub rest: Vec<String>,
}

impl GoLine {
    /// Reads a command line: `go run …`, `go test …`, or a package with its arguments.
    pub fn parse(words: &[String]) -> anyhow::Result<Self> {
        let first = words.first().context("there is no command after --")?;
        if !is_go(first) {
            ensure!(
                first.starts_with('.') || first.starts_with('/') || first.contains('/'),
                "{first}: a command is `go run PACKAGE`, `go test PACKAGE` or the path of a package (./cmd/x)"
            );
            let (packages, rest) = (vec![first.clone()], words[1..].to_vec());
            return Ok(Self { test: false, go: "go".into(), flags: Vec::new(), packages, rest });
        }
        let test = match words.get(1).map(String::as_str) {
            Some("run") => false,
            Some("test") => true,
            other => {
                bail!("go {}: only `go run` and `go test` can be recorded", other.unwrap_or(""))
            }
        };
        let mut line =
            Self { test, go: first.clone(), flags: vec![], packages: vec![], rest: vec![] };
        let mut words = words[2..].iter().peekable();
        while let Some(word) = words.next() {
            if word == "-args" || word == "--args" {
                line.rest.push(word.clone());
                line.rest.extend(words.by_ref().cloned());
            } else if let Some(flag) = word.strip_prefix('-').filter(|flag| !flag.is_empty()) {
                let flag = flag.trim_start_matches('-');
                let name = flag.split('=').next().unwrap_or("");
                let name = name.strip_prefix("test.").unwrap_or(name);
                ensure!(
                    name != "overlay",
                    "-overlay: the recorder is added by an overlay of its own"
                );
                ensure!(
                    name != "trace",
                    "-trace: there can be one trace; `unpanic trace FILE` reads it"
                );
                ensure!(name != "exec", "-exec: the program is started by unpanic");
                line.flags.push(word.clone());
                if !flag.contains('=') && !SWITCHES.contains(&name) {
                    line.flags.extend(words.next().cloned());
                }
            } else if test || is_file(word) {
                line.packages.push(word.clone());
            } else if line.packages.is_empty() {
                line.packages.push(word.clone());
                line.rest.extend(words.by_ref().cloned());
            } else {
                line.rest.push(word.clone());
                line.rest.extend(words.by_ref().cloned());
            }
            let files = line.packages.first().is_some_and(|path| is_file(path));
            if !test && files && words.peek().is_some_and(|next| !is_file(next)) {
                line.rest.extend(words.by_ref().cloned());
            }
        }
        ensure!(test || !line.packages.is_empty(), "go run: name a package");
        Ok(line)
    }

    /// Finds the package and writes the recorder and the overlay into `folder`; the overlay's path.
    /// `more` are other files that are to be seen differently: which, and what stands for it.
    pub fn overlay(
        &mut self,
        dir: &Path,
        folder: &Path,
        more: Option<(PathBuf, PathBuf)>,
    ) -> anyhow::Result<PathBuf> {
        let package = self.package(dir)?;
        let name = if self.test { format!("{FILE}_test.go") } else { format!("{FILE}.go") };
        ensure!(
            self.test || package.name == "main",
            "{} is package {}, not main: it cannot be run",
            package.import_path,
            package.name
        );
        let file = package.dir.join(&name);
        if let Some(first) = self.packages.first().filter(|path| is_file(path)) {
            // A package given as files is those files and no others, all named in one way.
            let named = Path::new(first).with_file_name(&name);
            self.packages.push(named.display().to_string());
        }
        let recorder = folder.join("recorder.go");
        let source = RECORDER.replace("package PACKAGE", &format!("package {}", package.name));
        std::fs::write(&recorder, source).context("cannot write the recorder")?;
        let overlay = folder.join("overlay.json");
        let files: BTreeMap<PathBuf, PathBuf> =
            more.into_iter().chain([(file, recorder)]).collect();
        let replace = serde_json::json!({ "Replace": files });
        std::fs::write(&overlay, replace.to_string()).context("cannot write the overlay")?;
        Ok(overlay)
    }

    fn package(&self, dir: &Path) -> anyhow::Result<Package> {
        let mut list = Command::new(&self.go);
        list.args(["list", "-e", "-json=Dir,Name,ImportPath,Error"]);
        let value = |flag: &str| {
            ["tags", "mod", "modfile", "C"].iter().any(|f| flag.trim_start_matches('-') == *f)
        };
        // Only flags that decide which files and modules count.
        let mut flags = self.flags.iter();
        while let Some(flag) = flags.next() {
            if value(flag) {
                list.arg(flag).args(flags.next());
            } else if flag.split_once('=').is_some_and(|(name, _)| value(name)) {
                list.arg(flag);
            }
        }
        list.args(&self.packages).current_dir(dir);
        let output = list.output().map_err(|error| {
            let hint = "recording builds the program: install Go 1.22 or later, or put it on PATH";
            anyhow::anyhow!("cannot run {}: {error} ({hint})", self.go)
        })?;
        let mut found = Vec::new();
        let stream = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Package>();
        for package in stream {
            found.push(package.context("go list printed no JSON")?);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(!found.is_empty(), "go list found no package: {}", errors.trim());
        ensure!(found.len() == 1, "{} packages match; record one at a time", found.len());
        let package = found.swap_remove(0);
        if let Some(error) = package.error {
            bail!("{}", error.err.trim());
        }
        Ok(package)
    }
}

/// What `go list` says of a package.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Package {
    #[serde(default)]
    dir: PathBuf,
    #[serde(default)]
    name: String,
    #[serde(default)]
    import_path: String,
    error: Option<PackageError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PackageError {
    #[serde(default)]
    err: String,
}

/// As for the go command, whose files end in small letters.
fn is_file(word: &str) -> bool {
    Path::new(word).extension().is_some_and(|extension| extension == "go")
}

fn is_go(word: &str) -> bool {
    let name = Path::new(word).file_stem().unwrap_or_default().to_string_lossy();
    name == "go"
        || name.strip_prefix("go1.").is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<GoLine> {
        GoLine::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn lines() {
        let check = |line: &str, test, flags: &[&str], packages: &[&str], rest: &[&str]| {
            let got = parse(line).unwrap();
            assert_eq!(got.test, test, "{line}");
            for (got, wanted) in [(got.flags, flags), (got.packages, packages), (got.rest, rest)] {
                assert_eq!(got, wanted, "{line}");
            }
        };
        check("go run ./x -v 1", false, &[], &["./x"], &["-v", "1"]);
        check("go run -race -tags a,b . y", false, &["-race", "-tags", "a,b"], &["."], &["y"]);
        check("go run a.go b.go c d.go", false, &[], &["a.go", "b.go"], &["c", "d.go"]);
        check("./cmd/x -go run", false, &[], &["./cmd/x"], &["-go", "run"]);
        check(
            "go test -run X -count=5 ./x -v",
            true,
            &["-run", "X", "-count=5", "-v"],
            &["./x"],
            &[],
        );
        check("go test . -args -x y", true, &[], &["."], &["-args", "-x", "y"]);
        check("/opt/go/bin/go test", true, &[], &[], &[]);
    }

    #[test]
    fn what_cannot_be_recorded() {
        for (line, part) in [
            ("", "no command"),
            ("make test", "a command is"),
            ("go vet ./x", "only `go run`"),
            ("go run", "name a package"),
            ("go run -overlay o.json ./x", "-overlay"),
            ("go test -trace=t.out", "-trace"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
