//! Reads the files into one table. Later files win, so a user's model replaces a built-in one; two
//! models of one function in the same file are an error.

use std::borrow::Cow;
use std::sync::OnceLock;

use base::{FxHashMap, FxHashSet, Symbol};
use toml::Spanned;

use crate::model::{Interface, Model, Pattern, TypeFact};
use crate::schema::{RawFile, RawFunc, RawPackage};

/// Everything that is known about libraries.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    models: FxHashMap<Symbol, Model>,
    types: FxHashMap<Symbol, TypeFact>,
    /// In the order of the files, so that what is made from it is deterministic.
    interfaces: Vec<Interface>,
    patterns: Vec<Pattern>,
    /// Go source by import path.
    stubs: FxHashMap<Symbol, Cow<'static, str>>,
}

/// Why a file could not be used. Lines and columns count from 1.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// Not TOML, or a key or value that means nothing.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file, as given.
        file: String,
        /// Where.
        line: usize,
        /// Where, in bytes.
        column: usize,
        /// What the reader says.
        message: String,
    },
    /// A name that is neither `F`, `(T).M` nor `(*T).M`.
    #[error(
        "{file}:{line}: `{name}` is not a name: expected `Func`, `(Type).Method` or `(*Type).Method`"
    )]
    BadName {
        /// The file, as given.
        file: String,
        /// Where.
        line: usize,
        /// What stands there.
        name: String,
    },
    /// Two models of one function in one file.
    #[error("{file}:{line}: `{name}` is described twice in this file")]
    Twice {
        /// The file, as given.
        file: String,
        /// Where the second one is.
        line: usize,
        /// The full name.
        name: String,
    },
}

impl Knowledge {
    /// What unpanic ships with. Read once a process.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Knowledge> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let mut all = Self::default();
            for &(file, text) in BUILTIN_FILES {
                all.add(file, text).expect("the shipped files are read by this crate's tests");
            }
            for &(path, source) in BUILTIN_STUBS {
                all.stubs.insert(Symbol::intern(path), Cow::Borrowed(source));
            }
            all
        })
    }

    /// This and what the files (name for messages, text) add; they win over what is here.
    pub fn with_files<'a>(
        mut self,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, KnowledgeError> {
        for (file, text) in files {
            self.add(file, text)?;
        }
        Ok(self)
    }

    /// The model of a function, by its full name as go/types prints it, type parameters left out.
    pub fn lookup(&self, full_name: &str) -> Option<&Model> {
        self.models.get(&Symbol::intern(full_name))
    }

    /// The same for a name that is interned already.
    pub fn lookup_symbol(&self, full_name: Symbol) -> Option<&Model> {
        self.models.get(&full_name)
    }

    /// What is known about a type, by package path and name: `sync.Mutex`.
    pub fn type_fact(&self, name: &str) -> Option<&TypeFact> {
        self.types.get(&Symbol::intern(name))
    }

    /// Interfaces and function types that frameworks call.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The interface fact of a type, by package path and name: `net/http.Handler`.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        let name = Symbol::intern(name);
        self.interfaces.iter().rev().find(|i| i.name == name)
    }

    /// Functions known by their shape.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Go source that stands in for a package whose own source is absent: declarations, no bodies.
    pub fn stub(&self, import_path: &str) -> Option<&str> {
        self.stubs.get(&Symbol::intern(import_path)).map(AsRef::as_ref)
    }

    /// The import paths that have a stub, sorted.
    pub fn stub_paths(&self) -> Vec<&'static str> {
        let mut paths: Vec<_> = self.stubs.keys().map(|s| s.as_str()).collect();
        paths.sort_unstable();
        paths
    }

    /// All models, sorted by name.
    pub fn models(&self) -> Vec<&Model> {
        let mut all: Vec<_> = self.models.values().collect();
        all.sort_unstable_by_key(|m| m.name.as_str());
        all
    }

    /// All type facts, sorted by name.
    pub fn types(&self) -> Vec<&TypeFact> {
        let mut all: Vec<_> = self.types.values().collect();
        all.sort_unstable_by_key(|t| t.name.as_str());
        all
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), KnowledgeError> {
        let at = At { file, text };
        let raw: RawFile = toml::from_str(text).map_err(|error| at.syntax(&error))?;
        let mut seen = FxHashSet::default();
        for package in raw.packages {
            self.add_package(&at, &package, &mut seen)?;
        }
        for p in raw.patterns {
            let model = Model {
                name: Symbol::intern(&p.name),
                invokes: p.invokes,
                flows: p.flows,
                accesses: p.accesses,
                sync: p.sync,
                never_returns: false,
                serves: false,
                never_ends: false,
                cancels: false,
                analyse_body: true,
            };
            self.patterns.push(Pattern { name: p.name, params: p.params, model });
        }
        Ok(())
    }

    fn add_package(
        &mut self,
        at: &At<'_>,
        package: &RawPackage,
        seen: &mut FxHashSet<Symbol>,
    ) -> Result<(), KnowledgeError> {
        for path in &package.paths {
            for func in &package.funcs {
                for name in &func.names {
                    let full = at.full_name(path, name)?;
                    if !seen.insert(full) {
                        return Err(at.twice(name, full));
                    }
                    self.models.insert(full, model(full, func));
                }
            }
            for t in &package.types {
                for name in &t.names {
                    let full = qualified(path, name.get_ref());
                    let fact = TypeFact {
                        name: full,
                        kind: t.kind,
                        concurrent_safe: t.concurrent_safe,
                        per_request: t.per_request,
                    };
                    self.types.insert(full, fact);
                }
            }
            for i in &package.interfaces {
                for name in &i.names {
                    self.interfaces.push(Interface {
                        name: qualified(path, name.get_ref()),
                        methods: i.methods.clone(),
                        params: i.params.iter().map(|p| p.replace("{path}", path)).collect(),
                        on: i.on,
                        origin: i.origin,
                    });
                }
            }
            if let Some(source) = &package.source {
                self.stubs.insert(Symbol::intern(path), Cow::Owned(source.clone()));
            }
        }
        Ok(())
    }
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

fn model(name: Symbol, raw: &RawFunc) -> Model {
    Model {
        name,
        invokes: raw.invokes.clone(),
        flows: raw.flows.clone(),
        accesses: raw.accesses.clone(),
        sync: raw.sync.clone(),
        never_returns: raw.never_returns,
        serves: raw.serves,
        never_ends: raw.never_ends,
        cancels: raw.cancels,
        analyse_body: raw.analyse_body,
    }
}

fn qualified(path: &str, name: &str) -> Symbol {
    Symbol::intern(&format!("{path}.{name}"))
}

/// A file, for messages.
struct At<'a> {
    file: &'a str,
    text: &'a str,
}

impl At<'_> {
    /// `(*T).M` in package `p/q` is `(*p/q.T).M`.
    fn full_name(&self, path: &str, name: &Spanned<String>) -> Result<Symbol, KnowledgeError> {
        let text = name.get_ref();
        let identifier =
            |s: &str| !s.is_empty() && s.chars().all(|c| c == '_' || c.is_alphanumeric());
        let full = match text.strip_prefix('(') {
            None if identifier(text) => format!("{path}.{text}"),
            Some(rest) => match rest.split_once(").") {
                Some((receiver, method)) if identifier(method) => {
                    let (star, base) = match receiver.strip_prefix('*') {
                        Some(base) => ("*", base),
                        None => ("", receiver),
                    };
                    if !identifier(base) {
                        return Err(self.bad_name(name));
                    }
                    format!("({star}{path}.{base}).{method}")
                }
                _ => return Err(self.bad_name(name)),
            },
            None => return Err(self.bad_name(name)),
        };
        Ok(Symbol::intern(&full))
    }

    fn syntax(&self, error: &toml::de::Error) -> KnowledgeError {
        let offset = error.span().map_or(0, |s| s.start);
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        KnowledgeError::Syntax {
            file: self.file.to_owned(),
            line: self.line(offset),
            column: before.len() - line_start + 1,
            message: error.message().to_owned(),
        }
    }

    fn bad_name(&self, name: &Spanned<String>) -> KnowledgeError {
        KnowledgeError::BadName {
            file: self.file.to_owned(),
            line: self.line(name.span().start),
            name: name.get_ref().clone(),
        }
    }

    fn twice(&self, name: &Spanned<String>, full: Symbol) -> KnowledgeError {
        KnowledgeError::Twice {
            file: self.file.to_owned(),
            line: self.line(name.span().start),
            name: full.as_str().to_owned(),
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset.min(self.text.len())].split(|&b| b == b'\n').count()
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
