//! Vendor folders: `vendor/modules.txt`, which says what module each vendored package came from, and
//! whether it still agrees with `go.mod` (<https://go.dev/ref/mod#vendoring>).

use std::path::{Path, PathBuf};

use base::FxHashMap;

use crate::modfile::{ModFile, Replacement};
use crate::{ErrorClass, LanguageVersion, LoadError, version};

/// A vendor folder with its list.
#[derive(Debug, Default)]
pub(crate) struct Vendor {
    /// The folder.
    pub dir: PathBuf,
    pub modules: Vec<VendoredModule>,
    /// Index into `modules` by import path of a package.
    pub packages: FxHashMap<String, usize>,
}

/// One `# path version` section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct VendoredModule {
    pub path: String,
    pub version: String,
    pub replaced_by: Option<String>,
    /// Whether `go.mod` requires it directly.
    pub explicit: bool,
    pub go_version: LanguageVersion,
}

impl Vendor {
    /// Reads `modules.txt`.
    pub fn parse(dir: &Path, text: &[u8]) -> Self {
        let mut vendor = Self { dir: dir.to_owned(), ..Self::default() };
        for line in String::from_utf8_lossy(text).lines() {
            if let Some(marks) = line.strip_prefix("## ") {
                let Some(module) = vendor.modules.last_mut() else { continue };
                for mark in marks.split(';').map(str::trim) {
                    if mark == "explicit" {
                        module.explicit = true;
                    } else if let Some(go) = mark.strip_prefix("go ") {
                        module.go_version = version::language(go).unwrap_or(module.go_version);
                    }
                }
            } else if let Some(head) = line.strip_prefix("# ") {
                let (module, replacement) = match head.split_once(" => ") {
                    Some((module, with)) => (module, Some(with.trim().to_owned())),
                    None => (head, None),
                };
                let mut words = module.split_ascii_whitespace();
                let path = words.next().unwrap_or("").to_owned();
                let version = words.next().unwrap_or("").to_owned();
                // `# path => replacement` without packages only records a replacement of go.mod.
                vendor.modules.push(VendoredModule {
                    path,
                    version,
                    replaced_by: replacement,
                    explicit: false,
                    go_version: (1, 16),
                });
            } else if !line.trim().is_empty() && !vendor.modules.is_empty() {
                vendor.packages.insert(line.trim().to_owned(), vendor.modules.len() - 1);
            }
        }
        vendor
    }

    /// The places where the list and `go.mod` disagree; the go command refuses to build then.
    pub fn disagreements(&self, file: &ModFile) -> Vec<LoadError> {
        let mut listed: FxHashMap<&str, &VendoredModule> = FxHashMap::default();
        for module in &self.modules {
            if !module.version.is_empty() || !listed.contains_key(module.path.as_str()) {
                listed.insert(&module.path, module);
            }
        }
        let mut found = Vec::new();
        for require in &file.requires {
            let problem = match listed.get(require.path.as_str()) {
                None => "is not in vendor/modules.txt".to_owned(),
                Some(m) if m.version != require.version => {
                    format!("is {} in vendor/modules.txt", m.version)
                }
                Some(m) => {
                    match (file.replacement(&require.path, &require.version), &m.replaced_by) {
                        (None, None) => continue,
                        (Some(want), Some(have)) if replacement_text(want) == *have => continue,
                        _ => "is replaced otherwise in vendor/modules.txt".to_owned(),
                    }
                }
            };
            let message = format!(
                "{} {} {problem}: the vendor folder is out of date, run `go mod vendor`",
                require.path, require.version
            );
            found.push(LoadError::new(&file.path, ErrorClass::Source, message).at(require.line, 0));
        }
        found
    }
}

/// A replacement as `modules.txt` and messages show it.
pub(crate) fn replacement_text(with: &Replacement) -> String {
    match with {
        Replacement::Dir(dir) => dir.clone(),
        Replacement::Module { path, version } => format!("{path} {version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modfile::{ModKind, parse};

    const LIST: &str = "# a.b/c v1.0.0\n## explicit; go 1.20\na.b/c\na.b/c/d\n# e.f/g v1.1.0 => ../g\n\
        ## explicit\ne.f/g\n# x.y/z v0.1.0\nx.y/z\n# e.f/g => ../g\n";

    #[test]
    fn packages_know_their_modules() {
        let vendor = Vendor::parse(Path::new("/m/vendor"), LIST.as_bytes());
        let module = &vendor.modules[vendor.packages["a.b/c/d"]];
        assert_eq!((module.version.as_str(), module.go_version), ("v1.0.0", (1, 20)));
        let module = &vendor.modules[vendor.packages["e.f/g"]];
        assert_eq!((module.replaced_by.as_deref(), module.go_version), (Some("../g"), (1, 16)));
    }

    #[test]
    fn disagreement_is_shown_by_line() {
        let vendor = Vendor::parse(Path::new("/m/vendor"), LIST.as_bytes());
        let go_mod =
            "module m\nrequire a.b/c v1.0.0\nrequire e.f/g v1.1.0\nreplace e.f/g => ../g\n";
        let read = |t: &str| parse(Path::new("/m/go.mod"), t.as_bytes(), ModKind::GoMod);
        assert_eq!(vendor.disagreements(&read(go_mod)), []);
        let newer = go_mod.replace("c v1.0.0", "c v1.2.0").replace("=> ../g", "=> ../h");
        let lines: Vec<u32> = vendor.disagreements(&read(&newer)).iter().map(|e| e.line).collect();
        assert_eq!(lines, [2, 3]);
    }
}
