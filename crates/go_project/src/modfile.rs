//! `go.mod` and `go.work` files (<https://go.dev/ref/mod#go-mod-file>): a tolerant reader that keeps
//! what it understands and reports the rest by line.

use std::path::{Path, PathBuf};

use crate::{ErrorClass, LanguageVersion, LoadError, version};

/// What a `go.mod` or `go.work` file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ModFile {
    pub path: PathBuf,
    /// The module path; empty in `go.work` and when the line is missing.
    pub module: String,
    /// The version of the `go` line as written.
    pub go: Option<String>,
    /// The `toolchain` line as written: `go1.27.3`, `default`.
    pub toolchain: Option<String>,
    pub requires: Vec<Require>,
    pub replaces: Vec<Replace>,
    /// Excluded module versions.
    pub excludes: Vec<(String, String)>,
    /// Tool packages.
    pub tools: Vec<String>,
    /// `key=value` settings.
    pub godebugs: Vec<String>,
    /// Folders that patterns leave out: `./x` from the root, `x` anywhere (Go 1.25).
    pub ignores: Vec<String>,
    /// Module folders of a workspace, with their lines.
    pub uses: Vec<(String, u32)>,
    pub errors: Vec<LoadError>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Require {
    pub path: String,
    pub version: String,
    pub indirect: bool,
    pub line: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Replace {
    pub path: String,
    /// The version replaced; `None` for all.
    pub version: Option<String>,
    pub with: Replacement,
    pub line: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Replacement {
    /// A folder as written, relative to the file's.
    Dir(String),
    Module {
        path: String,
        version: String,
    },
}

/// Which grammar applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ModKind {
    GoMod,
    GoWork,
    /// The `go.mod` of a dependency: what is unknown there is none of the user's business.
    Dependency,
}

/// Reads the text of a file.
pub(crate) fn parse(path: &Path, text: &[u8], kind: ModKind) -> ModFile {
    let mut file = ModFile { path: path.to_owned(), ..ModFile::default() };
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = Reader { file: &mut file, kind, block: None };
    let mut number = 0;
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        number += 1;
        let start = number;
        let mut joined = line.to_owned();
        // A raw string may run over lines (retract rationales are comments, so this is rare).
        while joined.bytes().filter(|&b| b == b'`').count() % 2 == 1 && !joined.contains("//") {
            let Some(more) = lines.next() else { break };
            number += 1;
            joined.push('\n');
            joined.push_str(more);
        }
        match tokens(joined.trim()) {
            Ok((words, comment)) => reader.line(start, &words, comment),
            Err(message) => reader.error(start, message),
        }
    }
    if let Some((verb, line)) = reader.block.take() {
        reader.error(line, format!("the `{verb} (` block is never closed; expected `)`"));
    }
    if kind == ModKind::GoMod && file.module.is_empty() {
        let error =
            LoadError::new(path, ErrorClass::Usage, "no module line; expected `module PATH`");
        file.errors.push(error.at(1, 0));
    }
    if kind == ModKind::Dependency {
        file.errors.clear();
    }
    file
}

impl ModFile {
    /// The language version of the `go` line; Go 1.16 without one (<https://go.dev/ref/mod#go-mod-file-go>).
    pub fn language(&self) -> LanguageVersion {
        self.go.as_deref().and_then(version::language).unwrap_or((1, 16))
    }

    /// The replacement for a module version, if any; an exact version goes before all versions.
    pub fn replacement(&self, path: &str, version: &str) -> Option<&Replacement> {
        let of = |v: Option<&str>| {
            self.replaces.iter().rev().find(|r| r.path == path && r.version.as_deref() == v)
        };
        of(Some(version)).or_else(|| of(None)).map(|r| &r.with)
    }
}

struct Reader<'a> {
    file: &'a mut ModFile,
    kind: ModKind,
    /// The verb and line of the open `verb (` block.
    block: Option<(String, u32)>,
}

impl Reader<'_> {
    fn error(&mut self, line: u32, message: impl Into<String>) {
        let error = LoadError::new(&self.file.path, ErrorClass::Usage, message).at(line, 0);
        self.file.errors.push(error);
    }

    fn line(&mut self, line: u32, words: &[String], comment: &str) {
        let Some(first) = words.first() else { return };
        if let Some((verb, _)) = &self.block {
            if first == ")" {
                if words.len() > 1 {
                    self.error(
                        line,
                        format!("expected the end of the line after `)`, found `{}`", words[1]),
                    );
                }
                self.block = None;
            } else {
                let verb = verb.clone();
                // An unknown block was reported where it starts.
                if self.knows(&verb) {
                    self.directive(line, &verb, words, comment);
                }
            }
        } else if words.len() == 2 && words[1] == "(" {
            self.block = Some((first.clone(), line));
            self.check_verb(line, first);
        } else if words.len() == 3 && words[1] == "(" && words[2] == ")" {
            self.check_verb(line, first);
        } else if self.check_verb(line, first) {
            self.directive(line, first, &words[1..], comment);
        }
    }

    fn knows(&self, verb: &str) -> bool {
        match self.kind {
            ModKind::GoWork => matches!(verb, "go" | "toolchain" | "use" | "replace" | "godebug"),
            _ => matches!(
                verb,
                "module"
                    | "go"
                    | "toolchain"
                    | "require"
                    | "replace"
                    | "exclude"
                    | "retract"
                    | "tool"
                    | "godebug"
                    | "ignore"
            ),
        }
    }

    fn check_verb(&mut self, line: u32, verb: &str) -> bool {
        let known = self.knows(verb);
        if !known {
            self.error(line, format!("unknown directive `{verb}`"));
        }
        known
    }

    fn directive(&mut self, line: u32, verb: &str, args: &[String], comment: &str) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match (verb, args.as_slice()) {
            ("module", [path]) => (*path).clone_into(&mut self.file.module),
            ("go", [version]) => {
                if version::language(version).is_none() {
                    self.error(
                        line,
                        format!("invalid Go version `{version}`; expected one like 1.22 or 1.22.3"),
                    );
                }
                self.file.go = Some((*version).to_owned());
            }
            ("toolchain", [name]) => self.file.toolchain = Some((*name).to_owned()),
            ("require", [path, version]) => {
                self.check_version(line, version);
                self.file.requires.push(Require {
                    path: (*path).to_owned(),
                    version: (*version).to_owned(),
                    indirect: comment.trim_start_matches('/').trim_start().starts_with("indirect"),
                    line,
                });
            }
            ("exclude", [path, version]) => {
                self.check_version(line, version);
                self.file.excludes.push(((*path).to_owned(), (*version).to_owned()));
            }
            ("replace", args) => self.replace(line, args),
            ("retract", _) => {}
            ("tool", [package]) => self.file.tools.push((*package).to_owned()),
            ("godebug", [setting]) => self.file.godebugs.push((*setting).to_owned()),
            ("ignore", [folder]) => self.file.ignores.push((*folder).to_owned()),
            ("use", [folder]) => {
                self.file.uses.push(((*folder).to_owned(), line));
            }
            _ => {
                let expected = match verb {
                    "module" => "module PATH",
                    "go" => "go VERSION",
                    "toolchain" => "toolchain NAME",
                    "require" => "require PATH VERSION",
                    "exclude" => "exclude PATH VERSION",
                    "tool" => "tool PACKAGE",
                    "godebug" => "godebug KEY=VALUE",
                    "ignore" => "ignore FOLDER",
                    _ => "use FOLDER",
                };
                let found = if args.is_empty() {
                    "nothing".to_owned()
                } else {
                    format!("`{}`", args.join(" "))
                };
                self.error(line, format!("expected `{expected}`, found {found} after `{verb}`"));
            }
        }
    }

    fn replace(&mut self, line: u32, args: &[&str]) {
        let (path, version, with) = match args {
            [path, "=>", with @ ..] => (*path, None, with),
            [path, version, "=>", with @ ..] => (*path, Some((*version).to_owned()), with),
            _ => (&"" as &str, None, &[] as &[&str]),
        };
        let is_folder = |p: &str| {
            p.starts_with("./")
                || p.starts_with("../")
                || p == "."
                || p == ".."
                || Path::new(p).is_absolute()
        };
        let with = match with {
            [folder] if is_folder(folder) => Replacement::Dir((*folder).to_owned()),
            [module] => {
                self.error(line, format!(
                    "replacement `{module}` has no version, and a folder must start with ./ or ../"
                ));
                return;
            }
            [path, version] => {
                Replacement::Module { path: (*path).to_owned(), version: (*version).to_owned() }
            }
            _ => {
                self.error(
                    line,
                    "expected `replace PATH [VERSION] => FOLDER` or `=> PATH VERSION`",
                );
                return;
            }
        };
        self.file.replaces.push(Replace { path: path.to_owned(), version, with, line });
    }

    fn check_version(&mut self, line: u32, version: &str) {
        // Branch names and the like are for `go get` to resolve; nothing can be found under them.
        if !version.starts_with('v') && self.kind == ModKind::GoMod {
            self.error(line, format!(
                "`{version}` is not a version; expected one like v1.2.3 (`go mod tidy` resolves others)"
            ));
        }
    }
}

/// The words of a line and its comment.
fn tokens(line: &str) -> Result<(Vec<String>, &str), String> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok((words, "")) };
        if rest.starts_with("//") {
            return Ok((words, rest));
        }
        if rest.starts_with("/*") {
            return Err("block comments are not allowed here; expected `//`".to_owned());
        }
        match first {
            '"' | '`' => {
                let end = closing_quote(rest, first).ok_or("a string is never closed")?;
                words.push(unquote(&rest[1..end], first));
                rest = &rest[end + 1..];
            }
            '(' | ')' | '[' | ']' | ',' => {
                words.push(first.to_string());
                rest = &rest[1..];
            }
            _ if rest.starts_with("=>") => {
                words.push("=>".to_owned());
                rest = &rest[2..];
            }
            _ => {
                let stop = |c: char| {
                    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | ',' | '"' | '`')
                };
                let mut end = rest.find(stop).unwrap_or(rest.len());
                if let Some(at) = rest[..end].find("//") {
                    end = at;
                }
                if let Some(at) = rest[..end].find("=>") {
                    end = at;
                }
                words.push(rest[..end].to_owned());
                rest = &rest[end..];
            }
        }
    }
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if c == quote {
            return Some(i);
        }
    }
    None
}

fn unquote(inside: &str, quote: char) -> String {
    if quote == '`' || !inside.contains('\\') {
        return inside.to_owned();
    }
    let mut out = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        // Paths hold no control characters: an escape stands for the character after it.
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ModFile {
        parse(Path::new("/m/go.mod"), text.as_bytes(), ModKind::GoMod)
    }

    #[test]
    fn every_directive_is_read() {
        let file = read(
            "// Deprecated: no.\nmodule \"example.com/m\" // comment\n\ngo 1.25.1\ntoolchain go1.27.3\n\n\
             require (\n\ta.b/c v1.2.3\n\td.e/f v0.0.0-20200101000000-abcdefabcdef // indirect\n)\n\
             require x.y/z v2.0.0+incompatible\n\
             replace a.b/c => ../c\nreplace (\n\td.e/f v1.0.0 => g.h/i v1.1.0\n)\n\
             exclude a.b/c v1.0.0\nretract [v1.0.0, v1.9.9] // bad\nretract (\n\tv1.1.1\n)\n\
             tool a.b/c/cmd/t\ngodebug panicnil=1\nignore ./node_modules\nignore (\n\tstatic\n)\n",
        );
        assert_eq!(file.errors, []);
        assert_eq!(file.module, "example.com/m");
        assert_eq!(file.language(), (1, 25));
        assert_eq!(file.requires.len(), 3);
        assert!(file.requires[1].indirect && !file.requires[0].indirect);
        assert_eq!(file.requires[2].line, 11);
        assert_eq!(file.replacement("a.b/c", "v1.2.3"), Some(&Replacement::Dir("../c".into())));
        assert_eq!(file.replacement("d.e/f", "v2.0.0"), None);
        assert!(matches!(file.replacement("d.e/f", "v1.0.0"), Some(Replacement::Module { .. })));
        assert_eq!(file.ignores, ["./node_modules", "static"]);
        assert_eq!((file.tools.len(), file.godebugs.len(), file.excludes.len()), (1, 1, 1));
    }

    #[test]
    fn a_broken_file_says_where_and_what() {
        let file = read(
            "module m\ngo one\nrequire a.b/c\nrequired x v1\nreplace a => b\nrequire (\n\tq v1.0.0\n",
        );
        let shown: Vec<String> = file.errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "/m/go.mod:2: invalid Go version `one`; expected one like 1.22 or 1.22.3",
                "/m/go.mod:3: expected `require PATH VERSION`, found `a.b/c` after `require`",
                "/m/go.mod:4: unknown directive `required`",
                "/m/go.mod:5: replacement `b` has no version, and a folder must start with ./ or ../",
                "/m/go.mod:6: the `require (` block is never closed; expected `)`",
            ]
        );
        assert_eq!(file.requires.len(), 1, "what is good is kept");
        assert!(read("").errors[0].to_string().contains("no module line"));
    }

    #[test]
    fn workspaces_list_folders() {
        let text =
            b"go 1.22\nuse ./a\nuse (\n\t./b\n\t.\n)\nreplace x.y/z => ./z\nrequire a v1.0.0\n";
        let file = parse(Path::new("/w/go.work"), text, ModKind::GoWork);
        assert_eq!(file.uses.iter().map(|u| u.0.as_str()).collect::<Vec<_>>(), ["./a", "./b", "."]);
        assert_eq!(file.replaces.len(), 1);
        assert_eq!(file.errors.len(), 1);
    }
}
