//! One folder to the files of its packages: which Go files the build context admits, parsed, with
//! what they import and embed, and which it does not, with reasons.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use base::{FxHashMap, LocalInterner, Symbol, sym};
use go_syntax::ast::{self, DeclKind, SpecKind};
use go_syntax::directives::{directives, doc_comment, is_generated};
use go_syntax::{ParseMode, literal};
use rayon::prelude::*;
use source::{FileKind, Span, System};

use crate::constraint::{Verdict, judge, name_excluded_by};
use crate::resolve::Place;
use crate::{BuildContext, ErrorClass, IgnoredFile, LanguageVersion, LoadError};

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// The package's own files, by name.
    pub files: Vec<RawFile>,
    /// In-package test files.
    pub tests: Vec<RawFile>,
    /// Files of the external test package.
    pub xtests: Vec<RawFile>,
    pub ignored: Vec<IgnoredFile>,
    /// Other source files.
    pub other: Vec<String>,
    pub errors: Vec<LoadError>,
    /// The package name; `_` when no file has one.
    pub name: Option<Symbol>,
}

/// A parsed file that no variant owns yet.
#[derive(Clone, Debug)]
pub(crate) struct RawFile {
    pub name: String,
    pub text: Arc<[u8]>,
    pub ast: Arc<ast::File>,
    /// What a `//go:build` line implies.
    pub go_version: Option<LanguageVersion>,
    /// Import paths with the places of their literals.
    pub imports: Vec<(String, Span)>,
    pub is_generated: bool,
    /// The comment above `import "C"`; empty when there is none.
    pub cgo: Option<Span>,
    pub embeds: Vec<(Span, Vec<String>)>,
}

/// How to read a folder.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub system: &'a dyn System,
    pub context: &'a BuildContext,
    pub parse: ParseMode,
    /// Whether test files are wanted.
    pub tests: bool,
}

/// Reads and parses the Go files of a folder.
pub(crate) fn read_folder(reading: Reading<'_>, place: &Place) -> Folder {
    let mut folder = Folder::default();
    let mut names: Vec<&str> = Vec::new();
    for entry in place.entries.iter() {
        let name = entry.name.as_str();
        let is_named = place.only.as_ref().is_none_or(|only| only.iter().any(|n| n == name));
        if entry.kind == FileKind::Dir || !is_named {
            continue;
        }
        if !name.ends_with(".go") {
            if has_source_suffix(name) && name_excluded_by(reading.context, name).is_none() {
                folder.other.push(name.to_owned());
            }
            continue;
        }
        let is_test = name.ends_with("_test.go");
        if is_test && !reading.tests {
            continue;
        }
        if let Some(reason) = excluded_by_name(reading.context, place, name) {
            let by_constraint = !name.starts_with(['_', '.']);
            folder.ignored.push(IgnoredFile { name: name.to_owned(), reason, by_constraint });
            continue;
        }
        names.push(name);
    }
    let read: Vec<(&str, Read)> =
        names.par_iter().map(|&name| (name, read_file(reading, place, name))).collect();
    for (name, outcome) in read {
        match outcome {
            Read::File(file) => folder.sort_in(*file),
            Read::Ignored(reason) => {
                let name = name.to_owned();
                folder.ignored.push(IgnoredFile { name, reason, by_constraint: true });
            }
            Read::Failed(error) => folder.errors.push(error),
        }
    }
    folder.agree_on_name(&place.dir);
    folder.ignored.sort_by(|a, b| a.name.cmp(&b.name));
    folder
}

enum Read {
    File(Box<RawFile>),
    Ignored(String),
    Failed(LoadError),
}

impl Folder {
    fn sort_in(&mut self, file: RawFile) {
        if !file.name.ends_with("_test.go") {
            self.files.push(file);
        } else if file.ast.package.name.as_str().ends_with("_test") {
            self.xtests.push(file);
        } else {
            self.tests.push(file);
        }
    }

    /// All files of a package have one name. Where they do not, the most frequent wins (then the
    /// first), and the others are left out with an error. Test files may make an external test
    /// package of their own.
    fn agree_on_name(&mut self, dir: &Path) {
        let named = |f: &&RawFile| !f.ast.package.name.is_blank();
        let first_of = |files: &[RawFile]| files.iter().find(named).map(|f| f.ast.package.name);
        let from_xtests = || {
            let name = first_of(&self.xtests)?.as_str();
            Some(Symbol::intern(name.strip_suffix("_test").unwrap_or(name)))
        };
        let best = most_frequent_name(&self.files);
        let Some(name) = best.or_else(|| first_of(&self.tests)).or_else(from_xtests) else {
            return;
        };
        self.name = Some(name);
        let xtest = Symbol::intern(&format!("{name}_test"));
        let odd = take_odd(&mut self.files, name);
        let mut odd_tests = take_odd(&mut self.tests, name);
        odd_tests.extend(take_odd(&mut self.xtests, xtest));
        odd_tests.sort_by(|a, b| a.name.cmp(&b.name));
        if self.xtests.is_empty() {
            self.adopt_tests(dir, name, &mut odd_tests);
        }
        self.leave_out(dir, name, odd);
        self.leave_out(dir, name, odd_tests);
    }

    /// Test files whose package is neither that of the folder nor its `_test`: the go command
    /// refuses them, but there is one sensible way to read them, as the external test package.
    fn adopt_tests(&mut self, dir: &Path, name: Symbol, odd: &mut Vec<RawFile>) {
        let Some(other) = most_frequent_name(odd) else { return };
        let (mine, rest) =
            std::mem::take(odd).into_iter().partition(|f: &RawFile| f.ast.package.name == other);
        *odd = rest;
        self.xtests = mine;
        let message = format!(
            "package {other} fits neither package {name} of this folder nor its external test \
             {name}_test: {} read as the external test all the same",
            if self.xtests.len() == 1 {
                "the file is".to_owned()
            } else {
                file_list(&self.xtests) + " are"
            }
        );
        self.errors.push(error_at_clause(dir, &self.xtests[0], ErrorClass::Tolerated, message));
    }

    /// Leaves files out, with one error for each package name that they have.
    fn leave_out(&mut self, dir: &Path, name: Symbol, mut odd: Vec<RawFile>) {
        while let Some(first) = odd.first() {
            let other = first.ast.package.name;
            let (these, rest) = odd.into_iter().partition(|f| f.ast.package.name == other);
            odd = rest;
            let left_out = if these.len() == 1 {
                "the file is left out".to_owned()
            } else {
                file_list(&these) + " are left out"
            };
            let message = format!("package {other} in a folder of package {name}: {left_out}");
            self.errors.push(error_at_clause(dir, &these[0], ErrorClass::Source, message));
            let reason = format!("package {other}, not {name}");
            self.ignored.extend(these.into_iter().map(|file| IgnoredFile {
                name: file.name,
                reason: reason.clone(),
                by_constraint: false,
            }));
        }
    }
}

/// Takes out the files that name another package than `wanted`.
fn take_odd(files: &mut Vec<RawFile>, wanted: Symbol) -> Vec<RawFile> {
    let (kept, odd) = std::mem::take(files)
        .into_iter()
        .partition(|f| f.ast.package.name == wanted || f.ast.package.name.is_blank());
    *files = kept;
    odd
}

/// The package name that most of the files have; of several, the first.
fn most_frequent_name(files: &[RawFile]) -> Option<Symbol> {
    let mut counts: FxHashMap<Symbol, usize> = FxHashMap::default();
    let named = |f: &&RawFile| !f.ast.package.name.is_blank();
    for file in files.iter().filter(named) {
        *counts.entry(file.ast.package.name).or_default() += 1;
    }
    let mut best: Option<Symbol> = None;
    for file in files.iter().filter(named) {
        let name = file.ast.package.name;
        if best.is_none_or(|b| counts[&name] > counts[&b]) {
            best = Some(name);
        }
    }
    best
}

/// "24 files (a.go, b.go, c.go, …)"
fn file_list(files: &[RawFile]) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<&str> = files.iter().take(SHOWN).map(|f| f.name.as_str()).collect();
    if files.len() > SHOWN {
        names.push("…");
    }
    format!("{} files ({})", files.len(), names.join(", "))
}

/// An error at the package clause of a file.
fn error_at_clause(dir: &Path, file: &RawFile, class: ErrorClass, message: String) -> LoadError {
    let line = line_of(&file.text, file.ast.package_pos);
    LoadError::new(&dir.join(&file.name), class, message).at(line, 0)
}

/// The line (from 1) of a byte offset.
pub(crate) fn line_of(text: &[u8], offset: u32) -> u32 {
    let before = &text[..(offset as usize).min(text.len())];
    before.iter().filter(|&&b| b == b'\n').count() as u32 + 1
}

/// Files that the go command compiles or links next to Go files.
fn has_source_suffix(name: &str) -> bool {
    const SUFFIXES: &[&str] = &[
        "s", "S", "sx", "c", "cc", "cpp", "cxx", "m", "h", "hh", "hpp", "hxx", "f", "F", "for",
        "f90", "swig", "swigcxx", "syso",
    ];
    !name.starts_with(['_', '.'])
        && name.rsplit_once('.').is_some_and(|(_, suffix)| SUFFIXES.contains(&suffix))
}

fn excluded_by_name(context: &BuildContext, place: &Place, name: &str) -> Option<String> {
    if place.only.is_some() {
        return None;
    }
    if name.starts_with(['_', '.']) {
        return Some("the name starts with `_` or `.`".to_owned());
    }
    let suffix = name_excluded_by(context, name)?;
    Some(format!("file name suffix _{suffix} (target is {}/{})", context.goos, context.goarch))
}

thread_local! {
    static INTERNER: RefCell<LocalInterner> = RefCell::default();
}

fn read_file(reading: Reading<'_>, place: &Place, name: &str) -> Read {
    let path = place.dir.join(name);
    let text: Arc<[u8]> = match reading.system.read(&path) {
        Ok(text) => text.into(),
        Err(error) => {
            return Read::Failed(LoadError::unreadable(&path, &error));
        }
    };
    // Files given by name are taken whatever their constraints say.
    let go_version = match judge(reading.context, &path, &text) {
        Verdict::Included(version) => version,
        Verdict::Excluded(_) if place.only.is_some() => None,
        Verdict::Excluded(reason) => return Read::Ignored(reason),
        Verdict::Broken(error) => return Read::Failed(error),
    };
    let ast = INTERNER.with_borrow_mut(|names| go_syntax::parse(&text, names, reading.parse));
    let mut file = RawFile {
        name: name.to_owned(),
        go_version,
        imports: Vec::new(),
        is_generated: is_generated(&ast, &text),
        cgo: None,
        embeds: Vec::new(),
        ast: Arc::new(ast),
        text,
    };
    file.read_imports();
    if file.cgo.is_some() && !reading.context.cgo {
        return Read::Ignored("it uses cgo, and cgo is off".to_owned());
    }
    if file.ast.package.name.as_str() == "documentation" && place.only.is_none() {
        return Read::Ignored("package documentation".to_owned());
    }
    if file.imports.iter().any(|(path, _)| path == "embed") {
        let all = directives(&file.ast, &file.text).filter(|d| d.name == "embed");
        file.embeds = all.map(|d| (d.span, d.embed_patterns())).collect();
    }
    Read::File(Box::new(file))
}

impl RawFile {
    /// Whether it is a test file.
    pub fn is_test(&self) -> bool {
        self.name.ends_with("_test.go")
    }

    fn read_imports(&mut self) {
        let ast = Arc::clone(&self.ast);
        for &decl in &ast.decls {
            let DeclKind::Import(specs) = ast.all_decls[decl].kind else { continue };
            for id in ast.spec_ids(specs) {
                let SpecKind::Import { path, .. } = ast.specs[id].kind else { continue };
                let span = ast.expr(path).span;
                let Some(written) = self.text.get(span.range()) else { continue };
                let Some(written) = literal::string_text(written) else { continue };
                if written == sym::C.as_str() {
                    // The comment stands above the spec, or above the whole if it has no parentheses.
                    let of_spec = doc_comment(&ast, &self.text, ast.specs[id].span.start);
                    let of_decl = doc_comment(&ast, &self.text, ast.all_decls[decl].span.start);
                    let comments = if of_spec.is_empty() { of_decl } else { of_spec };
                    let group = &ast.comments[comments];
                    self.cgo = Some(match (group.first(), group.last()) {
                        (Some(first), Some(last)) => first.to(*last),
                        _ => Span::at(ast.all_decls[decl].span.start),
                    });
                }
                self.imports.push((written.into_owned(), span));
            }
        }
    }
}
