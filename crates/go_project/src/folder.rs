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
use crate::{BuildContext, ErrorClass, IgnoredFile, LanguageVersion, LoadError, ParseLevel};

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
    pub parse: ParseLevel,
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
    /// first), and the others are left out with an error.
    fn agree_on_name(&mut self, dir: &Path) {
        let mut counts: FxHashMap<Symbol, usize> = FxHashMap::default();
        let named = |f: &&RawFile| !f.ast.package.name.is_blank();
        for file in self.files.iter().filter(named) {
            *counts.entry(file.ast.package.name).or_default() += 1;
        }
        let first_of = |files: &[RawFile]| files.iter().find(named).map(|f| f.ast.package.name);
        let mut best = first_of(&self.files);
        for file in self.files.iter().filter(named) {
            let name = file.ast.package.name;
            if best.is_some_and(|b| counts[&name] > counts[&b]) {
                best = Some(name);
            }
        }
        let from_xtests = || {
            let name = first_of(&self.xtests)?.as_str();
            Some(Symbol::intern(name.strip_suffix("_test").unwrap_or(name)))
        };
        let Some(name) = best.or_else(|| first_of(&self.tests)).or_else(from_xtests) else {
            return;
        };
        self.name = Some(name);
        let xtest = Symbol::intern(&format!("{name}_test"));
        for (files, wanted) in
            [(&mut self.files, name), (&mut self.tests, name), (&mut self.xtests, xtest)]
        {
            let (kept, odd): (Vec<RawFile>, Vec<RawFile>) = std::mem::take(files)
                .into_iter()
                .partition(|f| f.ast.package.name == wanted || f.ast.package.name.is_blank());
            *files = kept;
            for file in odd {
                let other = file.ast.package.name;
                let line = line_of(&file.text, file.ast.package_pos);
                let message = format!(
                    "package {other} in a folder of package {wanted}: the file is left out"
                );
                let path = dir.join(&file.name);
                self.errors.push(LoadError::new(&path, ErrorClass::Source, message).at(line, 0));
                let reason = format!("package {other}, not {wanted}");
                self.ignored.push(IgnoredFile { name: file.name, reason, by_constraint: false });
            }
        }
    }
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
            return Read::Failed(LoadError::new(&path, ErrorClass::Unreadable, reason(&error)));
        }
    };
    // Files given by name are taken whatever their constraints say.
    let go_version = match judge(reading.context, &path, &text) {
        Verdict::Included(version) => version,
        Verdict::Excluded(_) if place.only.is_some() => None,
        Verdict::Excluded(reason) => return Read::Ignored(reason),
        Verdict::Broken(error) => return Read::Failed(error),
    };
    let mode = match reading.parse {
        ParseLevel::Full => ParseMode::Full,
        ParseLevel::ImportsOnly => ParseMode::ImportsOnly,
    };
    let ast = INTERNER.with_borrow_mut(|names| go_syntax::parse(&text, names, mode));
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

fn reason(error: &source::SystemError) -> String {
    match error {
        source::SystemError::Io { source, .. } => format!("cannot be read: {source}"),
        other => other.to_string(),
    }
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
