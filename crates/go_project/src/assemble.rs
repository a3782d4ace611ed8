//! Units to a [`Program`]: test variants, numbers that are the same on each run, and errors. The
//! order of packages is found in `order.rs`.

use std::path::Path;
use std::sync::Arc;

use base::{FxHashMap, FxHashSet, Id, IndexVec, Symbol, sym};
use source::{FileId, SourceFile, SourceMap, System};

use crate::folder::{RawFile, line_of};
use crate::loader::{Unit, breaks_internal};
use crate::modules::Modules;
use crate::resolve::{Origin, Place, Resolution};
use crate::{
    BuildContext, EmbedPattern, ErrorClass, ImportTarget, LanguageVersion, LoadError, Module,
    ModuleId, Package, PackageId, PackageKind, ParsedFile, Program, TestVariant,
};

/// Puts the program together, without its order.
pub(crate) fn assemble(
    system: &dyn System,
    context: BuildContext,
    modules: &Modules,
    units: Vec<Unit>,
    all_are_roots: bool,
) -> Program {
    let sources = SourceMap::new();
    let files = register(&units, &sources);
    let numbers: FxHashMap<String, usize> =
        units.iter().enumerate().map(|(i, u)| (u.place.key(), i)).collect();
    let mut assembly = Assembly {
        system,
        modules,
        units: &units,
        files,
        numbers,
        all_are_roots,
        table: IndexVec::new(),
        by_origin: FxHashMap::default(),
        errors: Vec::new(),
    };
    let drafts = assembly.drafts();
    let ids: FxHashMap<(usize, TestVariant, Option<usize>), PackageId> =
        drafts.iter().enumerate().map(|(i, d)| (d.key(), PackageId::from_index(i))).collect();
    let mut packages: IndexVec<PackageId, Package> = IndexVec::with_capacity(drafts.len());
    for draft in &drafts {
        let package = assembly.package(draft, &ids, &context);
        packages.push(package);
    }
    let by_path = packages
        .iter()
        .filter(|p| p.for_test.is_none())
        .rev()
        .map(|p| (p.import_path.clone(), p.id))
        .collect();
    let roots = packages.iter().filter(|p| p.is_root).map(|p| p.id).collect();
    let (table, errors) = (assembly.table, assembly.errors);
    Program {
        packages,
        sources: Arc::new(sources),
        modules: table,
        roots,
        context,
        errors,
        by_path,
        ..Program::default()
    }
}

/// A package to be: a unit in a variant.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Draft {
    unit: usize,
    variant: TestVariant,
    /// The unit under test.
    for_test: Option<usize>,
    /// Units that this draft sees in the variant that was made for its test.
    recompiled: Arc<FxHashSet<usize>>,
    /// Whether the unit under test is seen with its test files.
    sees_tests: bool,
}

impl Draft {
    fn key(&self) -> (usize, TestVariant, Option<usize>) {
        (self.unit, self.variant, self.for_test)
    }
}

/// Ids of a unit's files, in the order of [`crate::folder::Folder::all_files`].
type FileIds = Vec<FileId>;

struct Assembly<'a> {
    system: &'a dyn System,
    modules: &'a Modules,
    units: &'a [Unit],
    files: Vec<FileIds>,
    numbers: FxHashMap<String, usize>,
    all_are_roots: bool,
    table: IndexVec<ModuleId, Module>,
    by_origin: FxHashMap<Origin, Option<ModuleId>>,
    errors: Vec<LoadError>,
}

fn register(units: &[Unit], sources: &SourceMap) -> Vec<FileIds> {
    let add = |unit: &Unit, file: &RawFile| {
        sources.add(SourceFile::new(unit.place.dir.join(&file.name), Arc::clone(&file.text)))
    };
    units.iter().map(|u| u.folder.all_files().map(|f| add(u, f)).collect()).collect()
}

impl Assembly<'_> {
    /// All packages in all variants, in the order of their ids.
    fn drafts(&mut self) -> Vec<Draft> {
        let none: Arc<FxHashSet<usize>> = Arc::default();
        let mut drafts = Vec::new();
        let importers = self.importers();
        for (index, unit) in self.units.iter().enumerate() {
            if unit.is_empty() {
                self.report_empty(unit);
                continue;
            }
            let draft = |variant, for_test, recompiled: &Arc<FxHashSet<usize>>, sees_tests| Draft {
                unit: index,
                variant,
                for_test,
                recompiled: Arc::clone(recompiled),
                sees_tests,
            };
            drafts.push(draft(TestVariant::None, None, &none, false));
            let sees_tests = !unit.folder.tests.is_empty();
            if sees_tests {
                drafts.push(draft(TestVariant::InPackage, Some(index), &none, true));
            }
            if unit.folder.xtests.is_empty() {
                continue;
            }
            let between =
                if sees_tests { self.between(index, &importers) } else { FxHashSet::default() };
            let between = Arc::new(between);
            drafts.push(draft(TestVariant::External, Some(index), &between, sees_tests));
            for &unit in between.iter() {
                let mut recompiled = draft(TestVariant::Recompiled, Some(index), &between, true);
                recompiled.unit = unit;
                drafts.push(recompiled);
            }
        }
        drafts.sort_by_cached_key(|d| {
            let tested = d.for_test.map(|t| self.units[t].place.key());
            (self.import_path(d), tested, self.units[d.unit].place.key(), d.variant as u8)
        });
        drafts
    }

    /// For each unit, the units whose own files import it.
    fn importers(&self) -> Vec<Vec<usize>> {
        let mut importers = vec![Vec::new(); self.units.len()];
        for (index, unit) in self.units.iter().enumerate() {
            for target in unit.targets(&self.numbers) {
                importers[target].push(index);
            }
        }
        importers
    }

    /// The units between the external test of a unit and the unit itself: those that import it,
    /// directly or not, and that its external test imports, directly or not.
    fn between(&self, tested: usize, importers: &[Vec<usize>]) -> FxHashSet<usize> {
        let mut above: FxHashSet<usize> = FxHashSet::default();
        let mut stack = vec![tested];
        while let Some(unit) = stack.pop() {
            stack.extend(importers[unit].iter().copied().filter(|&i| above.insert(i)));
        }
        let unit = &self.units[tested];
        let mut found: FxHashSet<usize> = FxHashSet::default();
        let mut stack: Vec<usize> =
            unit.targets_of(unit.folder.xtests.iter(), &self.numbers).collect();
        while let Some(unit) = stack.pop() {
            if unit != tested && above.contains(&unit) && found.insert(unit) {
                stack.extend(self.units[unit].targets(&self.numbers));
            }
        }
        found
    }

    fn import_path(&self, draft: &Draft) -> String {
        let path = &self.units[draft.unit].place.import_path;
        match draft.variant {
            TestVariant::External => format!("{path}_test"),
            _ => path.clone(),
        }
    }

    fn report_empty(&mut self, unit: &Unit) {
        self.errors.extend(unit.folder.errors.iter().cloned());
        if unit.is_root && unit.is_named && unit.folder.errors.is_empty() {
            let message = why_empty(unit);
            self.errors.push(LoadError::new(&unit.place.dir, ErrorClass::Usage, message));
        }
    }

    fn package(
        &mut self,
        draft: &Draft,
        ids: &FxHashMap<(usize, TestVariant, Option<usize>), PackageId>,
        context: &BuildContext,
    ) -> Package {
        let unit = &self.units[draft.unit];
        let folder = &unit.folder;
        let place = &unit.place;
        let module = self.module(place);
        let go_version = module.map_or(context.go_version, |id| self.table[id].go_version);
        let chosen = chosen_files(unit, draft.variant);
        let raw: Vec<(&RawFile, FileId)> = folder
            .all_files()
            .zip(self.files[draft.unit].iter().copied())
            .enumerate()
            .filter(|(i, _)| chosen.contains(i))
            .map(|(_, pair)| pair)
            .collect();
        let mut imports = FxHashMap::default();
        for (path, _) in raw.iter().flat_map(|(file, _)| &file.imports) {
            if !imports.contains_key(path) {
                imports.insert(path.clone(), self.target(draft, path, ids));
            }
        }
        let mut errors = match draft.variant {
            TestVariant::None => folder.errors.clone(),
            _ => Vec::new(),
        };
        // What the plain package has already reported is not said again in its variants.
        let fresh = raw.iter().filter(|(f, _)| draft.variant == TestVariant::None || f.is_test());
        if draft.variant != TestVariant::Recompiled {
            let mut said = FxHashSet::default();
            for (file, _) in fresh {
                self.import_errors(unit, file, &imports, &mut said, &mut errors);
            }
        }
        let id = ids[&draft.key()];
        let plain = || ids.get(&(draft.unit, TestVariant::InPackage, Some(draft.unit))).copied();
        let name = match draft.variant {
            TestVariant::External => folder.xtests[0].ast.package.name,
            _ => folder.name.unwrap_or(sym::BLANK),
        };
        let names = |files: &[RawFile]| files.iter().map(|f| f.name.clone()).collect();
        let asked_for = match draft.variant {
            TestVariant::None => unit.is_root || self.all_are_roots,
            TestVariant::InPackage | TestVariant::External => unit.is_root,
            TestVariant::Recompiled => false,
        };
        Package {
            id,
            import_path: self.import_path(draft),
            for_test: draft.for_test.map(|t| self.units[t].place.import_path.clone()),
            test_variant: draft.variant,
            name: name_or_test(name, draft.variant),
            dir: place.dir.clone(),
            module,
            go_version,
            imports,
            implicit_deps: match draft.variant {
                TestVariant::External => Vec::new(),
                _ => self.implicit(unit, ids),
            },
            kind: match place.origin {
                Origin::Std => PackageKind::Std,
                Origin::Main(_) | Origin::Loose => PackageKind::Workspace,
                Origin::Selected(_) | Origin::Vendored(_) => PackageKind::Dependency,
            },
            is_root: asked_for,
            superseded_by: if draft.variant == TestVariant::None { plain() } else { None },
            errors,
            embeds: raw
                .iter()
                .flat_map(|&(f, file)| {
                    f.embeds.iter().map(move |(span, patterns)| EmbedPattern {
                        file,
                        span: *span,
                        patterns: patterns.clone(),
                    })
                })
                .collect(),
            ignored_files: folder.ignored.clone(),
            other_files: folder.other.clone(),
            test_go_files: names(&folder.tests),
            xtest_go_files: names(&folder.xtests),
            files: raw.into_iter().map(|(f, file)| parsed(f, file, go_version)).collect(),
        }
    }

    fn implicit(
        &self,
        unit: &Unit,
        ids: &FxHashMap<(usize, TestVariant, Option<usize>), PackageId>,
    ) -> Vec<PackageId> {
        let number = |place: &Arc<Place>| self.numbers.get(&place.key()).copied();
        let mut found: Vec<PackageId> = unit
            .implicit
            .iter()
            .filter_map(number)
            .filter_map(|n| ids.get(&(n, TestVariant::None, None)).copied())
            .collect();
        found.sort_unstable();
        found
    }

    /// What an import means in a variant: the package itself, or its own variant for that test.
    fn target(
        &self,
        draft: &Draft,
        path: &str,
        ids: &FxHashMap<(usize, TestVariant, Option<usize>), PackageId>,
    ) -> ImportTarget {
        let unit = &self.units[draft.unit];
        let place = match &unit.imports[path] {
            Resolution::Unsafe => return ImportTarget::Unsafe,
            Resolution::C => return ImportTarget::C,
            Resolution::Missing(reason) => return ImportTarget::Missing(reason.clone()),
            Resolution::Package(place) => place,
        };
        let Some(&number) = self.numbers.get(&place.key()) else {
            return ImportTarget::Missing("dependencies were not asked for".to_owned());
        };
        if self.units[number].is_empty() {
            return ImportTarget::Missing(why_empty(&self.units[number]));
        }
        let tested = draft.for_test;
        let key = if draft.sees_tests && tested == Some(number) {
            (number, TestVariant::InPackage, tested)
        } else if draft.recompiled.contains(&number) {
            (number, TestVariant::Recompiled, tested)
        } else {
            (number, TestVariant::None, None)
        };
        ImportTarget::Package(ids[&key])
    }

    fn import_errors(
        &self,
        unit: &Unit,
        file: &RawFile,
        imports: &FxHashMap<String, ImportTarget>,
        said: &mut FxHashSet<String>,
        errors: &mut Vec<LoadError>,
    ) {
        let at = |class, message: String, offset| {
            let path = unit.place.dir.join(&file.name);
            LoadError::new(&path, class, message).at(line_of(&file.text, offset), 0)
        };
        for (path, span) in &file.imports {
            if let ImportTarget::Missing(reason) = &imports[path] {
                if said.insert(path.clone()) {
                    let class = ErrorClass::Missing;
                    errors.push(at(class, format!("import {path:?}: {reason}"), span.start));
                }
                continue;
            }
            if path == "C" && file.is_test() {
                let message = "cgo cannot be used in test files".to_owned();
                errors.push(at(ErrorClass::Source, message, span.start));
            }
            let Resolution::Package(place) = &unit.imports[path] else { continue };
            let Some(&number) = self.numbers.get(&place.key()) else { continue };
            let is_own_test = file.is_test() && place.key() == unit.place.key();
            let is_command = self.units[number].folder.name == Some(sym::MAIN);
            if is_command && !is_own_test && said.insert(path.clone()) {
                let message = format!("import {path:?} is a program, not an importable package");
                errors.push(at(ErrorClass::Source, message, span.start));
            }
            if breaks_internal(&unit.place, place) && said.insert(path.clone()) {
                let message = format!("use of internal package {path} not allowed");
                errors.push(at(ErrorClass::Source, message, span.start));
            }
        }
    }

    fn module(&mut self, place: &Place) -> Option<ModuleId> {
        if let Some(&known) = self.by_origin.get(&place.origin) {
            return known;
        }
        let module = match &place.origin {
            Origin::Std | Origin::Loose => None,
            Origin::Main(index) => {
                let main = &self.modules.mains[*index];
                Some(Module {
                    path: main.file.module.clone(),
                    version: String::new(),
                    dir: main.dir.clone(),
                    go_version: main.file.language(),
                    is_main: true,
                    replaced_by: None,
                })
            }
            Origin::Selected(path) => {
                let selected = &self.modules.selected[path];
                Some(Module {
                    path: path.clone(),
                    version: selected.version.clone(),
                    dir: selected.dir.clone().unwrap_or_default(),
                    go_version: selected.language(self.system),
                    is_main: false,
                    replaced_by: selected.replaced_by.clone(),
                })
            }
            Origin::Vendored(index) => self.modules.vendor.as_ref().map(|vendor| {
                let module = &vendor.modules[*index];
                Module {
                    path: module.path.clone(),
                    version: module.version.clone(),
                    dir: vendor.dir.join(&module.path),
                    go_version: module.go_version,
                    is_main: false,
                    replaced_by: module.replaced_by.clone(),
                }
            }),
        };
        let id = module.map(|m| self.table.push(m));
        self.by_origin.insert(place.origin.clone(), id);
        id
    }
}

impl Unit {
    /// Whether there is nothing to make a package of.
    fn is_empty(&self) -> bool {
        self.folder.all_files().next().is_none()
    }

    /// The units that the package's own files import.
    fn targets<'a>(&'a self, numbers: &'a FxHashMap<String, usize>) -> impl Iterator<Item = usize> {
        self.targets_of(self.folder.files.iter(), numbers)
    }

    fn targets_of<'a>(
        &'a self,
        files: impl Iterator<Item = &'a RawFile>,
        numbers: &'a FxHashMap<String, usize>,
    ) -> impl Iterator<Item = usize> {
        files.flat_map(|f| &f.imports).filter_map(|(path, _)| match &self.imports[path] {
            Resolution::Package(place) => numbers.get(&place.key()).copied(),
            _ => None,
        })
    }
}

/// Positions in [`crate::folder::Folder::all_files`] of the files of a variant.
fn chosen_files(unit: &Unit, variant: TestVariant) -> std::ops::Range<usize> {
    let (own, tests) = (unit.folder.files.len(), unit.folder.tests.len());
    match variant {
        TestVariant::None | TestVariant::Recompiled => 0..own,
        TestVariant::InPackage => 0..own + tests,
        TestVariant::External => own + tests..own + tests + unit.folder.xtests.len(),
    }
}

fn parsed(raw: &RawFile, file: FileId, package: LanguageVersion) -> ParsedFile {
    ParsedFile {
        file,
        ast: Arc::clone(&raw.ast),
        // Go 1.21 is the first version whose go command lets a file differ from its module.
        go_version: raw.go_version.map_or(package, |v| v.max((1, 21))),
        is_test: raw.is_test(),
        is_cgo: raw.cgo.is_some(),
        is_generated: raw.is_generated,
        cgo_preamble: raw.cgo.filter(|span| !span.is_empty()),
    }
}

/// An external test package is named `x_test` even when its files leave the name out.
fn name_or_test(name: Symbol, variant: TestVariant) -> Symbol {
    if variant == TestVariant::External && name.is_blank() {
        return Symbol::intern("_test");
    }
    name
}

fn why_empty(unit: &Unit) -> String {
    let dir = unit.place.dir.display();
    let excluded: Vec<String> = unit
        .folder
        .ignored
        .iter()
        .filter(|i| i.by_constraint)
        .take(3)
        .map(|i| format!("{}: {}", i.name, i.reason))
        .collect();
    if !excluded.is_empty() {
        return format!(
            "build constraints exclude all Go files in {dir} ({})",
            excluded.join("; ")
        );
    }
    if let Some(error) = unit.folder.errors.first() {
        return error.to_string();
    }
    let has_tests = unit.place.entries.iter().any(|e| e.name.ends_with("_test.go"));
    let what = if has_tests { "only test files" } else { "no Go files" };
    format!("{what} in {dir}")
}

/// Joins the file-independent errors of a load, in the order of places.
pub(crate) fn sort_errors(errors: &mut Vec<LoadError>) {
    let place = |e: &LoadError| (e.path.clone(), e.line, e.column, e.message.clone());
    errors.sort_by_cached_key(place);
    errors.dedup();
}

/// One line for each kind of thing that is not on this machine.
pub(crate) fn missing_summary(
    goroot_looked: Option<&[String]>,
    absent_modules: &[String],
    modcache: Option<&Path>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(looked) = goroot_looked {
        lines.push(format!(
            "GOROOT was not found ({}): the standard library is opaque, so that what passes through it \
             is not followed; install Go or set GOROOT",
            looked.join(", ")
        ));
    }
    if !absent_modules.is_empty() {
        const SHOWN: usize = 5;
        let mut names = absent_modules[..absent_modules.len().min(SHOWN)].join(", ");
        if absent_modules.len() > SHOWN {
            names += ", …";
        }
        let place = modcache.map_or("the module cache".to_owned(), |d| d.display().to_string());
        lines.push(format!(
            "{} required module(s) are not in {place} ({names}): what is imported from them is opaque; \
             run `go mod download`",
            absent_modules.len()
        ));
    }
    lines
}
