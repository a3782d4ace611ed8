//! `unpanic layout`: how structs lie in memory, and what a better order of fields would save.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::bail;
use diag::{ExitClass, Problem, Resolver};
use go_types::layout::{StructLayout, atomic64_fields, struct_layout, unknown_fields};
use go_types::sizes::Sizes;
use go_types::{ObjKind, Store, Type, TypeId, type_string};
use serde::Serialize;
use source::System;

use super::target::target;
use crate::app::App;
use crate::cli::{LayoutArgs, ListFormat};
use crate::output;

#[derive(Serialize)]
struct Line<'a> {
    r#type: String,
    file: String,
    line: u32,
    goarch: &'a str,
    size: i64,
    align: i64,
    padding: i64,
    cache_line: i64,
    fields: Vec<Field<'a>>,
    better_order: Option<Vec<&'a str>>,
    better_size: Option<i64>,
    shared_lines: Vec<Vec<&'a str>>,
}

#[derive(Serialize)]
struct Field<'a> {
    name: &'a str,
    r#type: &'a str,
    offset: i64,
    size: i64,
    align: i64,
    padding: i64,
    misaligned_atomic: bool,
}

/// Prints the structs that the packages asked for declare, by package and name.
pub fn run(app: &App, args: &LayoutArgs) -> anyhow::Result<ExitClass> {
    let mut wanted: Vec<Wanted> = args.build.patterns.iter().map(|p| split(p)).collect();
    let mut target = target(app, &args.build)?;
    if args.build.goarch.is_none() {
        target.goarch = app.config.layout.goarch.clone().or(target.goarch);
    }
    let patterns: Vec<String> = wanted.iter().map(|w| w.pattern.clone()).collect();
    let loaded = engine::load(&app.system, &app.dir, &patterns, &target);
    let program = &loaded.program;
    output::print_problems(&loaded.problems, &program.sources, &app.dir, app.global.color)?;
    let goarch = program.context.goarch.as_str();
    let Some(sizes) = Sizes::for_arch(goarch) else {
        bail!(
            "`{}` is no GOARCH; there are {}",
            diag::clean_line(goarch),
            Sizes::archs().collect::<Vec<_>>().join(", ")
        );
    };
    let resolver = Resolver::new(&program.sources, &app.dir);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut totals = Totals::default();
    engine::with_types(program, |checked| -> anyhow::Result<()> {
        let (store, types) = (checked.store, checked.types);
        types.check_all_bodies(checked.packages);
        let infos = checked.packages.iter().filter_map(|&id| types.info(id));
        let atomic64 = atomic64_fields(store, infos);
        for &id in checked.packages {
            let package = &program.packages[id];
            let Some(scope) = store.package(types.pkg(id)).scope.get() else { continue };
            let mut objs: Vec<_> = scope.values().map(|&o| store.obj(o)).collect();
            objs.sort_by_key(|o| o.name.as_str());
            objs.retain(|o| matches!(o.kind, ObjKind::TypeName));
            for obj in objs {
                let name = obj.name.as_str();
                let Some(t) = obj.typ.get() else { continue };
                let layout =
                    layout_of(store, t, || struct_layout(store, &sizes, goarch, t, &atomic64));
                if !is_asked_for(app, &mut wanted, package, name, &layout) {
                    continue;
                }
                let full = format!("{}.{name}", package.import_path);
                let (Ok(layout), Some(file)) = (layout, obj.file) else { continue };
                let unknown = unknown_fields(store, t);
                if !unknown.is_empty() {
                    totals.unknown.push(format!("{full} ({})", unknown.join(", ")));
                    continue;
                }
                totals.count(&layout);
                let place =
                    (resolver.path(file), program.sources.file(file).line_col(obj.pos).line);
                if args.format == ListFormat::Json {
                    let line = serde_json::to_string(&json(full, place, goarch, &layout))?;
                    writeln!(out, "{line}")?;
                } else {
                    text(&mut out, &full, place, goarch, &layout)?;
                }
            }
        }
        Ok(())
    })?;
    if args.format == ListFormat::Text && totals.structs > 1 {
        writeln!(out, "{}", totals.summary())?;
    }
    out.flush()?;
    if app.global.quiet != Some(true) {
        totals.warn();
    }
    let class =
        loaded.problems.iter().map(Problem::exit_class).fold(ExitClass::Clean, ExitClass::max);
    // Where loading failed, a type is missing for that reason.
    if class == ExitClass::Clean {
        wanted.iter().try_for_each(Wanted::check)?;
        if totals.is_empty() {
            eprintln!("no struct types there");
        }
    }
    Ok(class)
}

/// The layout of a declared type, or what it is instead of a struct with a layout of its own.
fn layout_of(
    store: &Store,
    t: TypeId,
    layout: impl FnOnce() -> Option<StructLayout>,
) -> Result<StructLayout, String> {
    match store.ty(t) {
        Type::Named(named) if named.tparams.get().is_some_and(|p| !p.is_empty()) => {
            Err("generic: its layout depends on the type arguments".to_owned())
        }
        Type::Named(_) => layout().ok_or_else(|| {
            let under = type_string(store, go_types::under(store, t));
            format!("no struct, but {}", shown_type(&under))
        }),
        _ => {
            let actual = type_string(store, go_types::unalias(store, t));
            Err(format!("another name for {}", shown_type(&actual)))
        }
    }
}

/// Whether some argument asks for this type; notes that it was found.
fn is_asked_for(
    app: &App,
    wanted: &mut [Wanted],
    package: &go_project::Package,
    name: &str,
    layout: &Result<StructLayout, String>,
) -> bool {
    let mut asked = wanted.is_empty();
    for w in wanted.iter_mut().filter(|w| w.is_of(app, package)) {
        match &w.name {
            None => asked = true,
            Some(n) if n == name => match layout {
                Ok(_) => {
                    w.found = true;
                    asked = true;
                }
                Err(why) => w.instead = Some(why.clone()),
            },
            Some(_) => w.others.push(name.to_owned()),
        }
    }
    asked
}

/// An argument: a package pattern, perhaps with the name of a type.
#[derive(PartialEq, Debug, Default)]
struct Wanted {
    pattern: String,
    name: Option<String>,
    found: bool,
    /// What the type is, when it is there and has no layout.
    instead: Option<String>,
    /// The other types of the packages.
    others: Vec<String>,
}

impl Wanted {
    /// Whether the pattern may have named this package.
    fn is_of(&self, app: &App, package: &go_project::Package) -> bool {
        let dir = || app.system.canonicalize(&app.dir.join(&self.pattern));
        let is_wild =
            self.pattern.contains("...") || matches!(&*self.pattern, "std" | "cmd" | "all");
        is_wild
            || self.pattern == package.import_path
            || Path::new(&self.pattern).extension().is_some_and(|e| e == "go")
            || dir() == app.system.canonicalize(&package.dir)
    }

    /// Fails when a type was asked for and is not there.
    fn check(&self) -> anyhow::Result<()> {
        let Some(name) = self.name.as_deref().filter(|_| !self.found) else { return Ok(()) };
        let pattern = diag::clean_line(&self.pattern);
        if let Some(instead) = &self.instead {
            bail!("`{name}` of {pattern} is {instead}");
        }
        let others: Vec<&str> = self.others.iter().map(String::as_str).collect();
        let hint = match engine::nearest(name, &others) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`unpanic layout {pattern}` shows its structs"),
        };
        bail!("there is no type `{name}` in {pattern}; {hint}");
    }
}

/// What all structs come to.
#[derive(Default)]
struct Totals {
    structs: usize,
    smaller: usize,
    saved: i64,
    misaligned: usize,
    sharing: usize,
    unknown: Vec<String>,
}

impl Totals {
    fn count(&mut self, l: &StructLayout) {
        self.structs += 1;
        if let Some((_, size)) = l.better {
            self.smaller += 1;
            self.saved += l.size - size;
        }
        self.misaligned += usize::from(l.fields.iter().any(|f| f.misaligned_atomic));
        self.sharing += usize::from(!l.shared_lines.is_empty());
    }

    fn summary(&self) -> String {
        let mut text = format!("{} structs", self.structs);
        if self.smaller > 0 {
            text += &format!(
                "; {} would be smaller in another order ({} bytes for one of each)",
                self.smaller, self.saved
            );
        }
        if self.misaligned > 0 {
            text += &format!("; {} with misaligned 64-bit atomics", self.misaligned);
        }
        if self.sharing > 0 {
            text += &format!("; {} with possible false sharing", self.sharing);
        }
        text
    }

    fn is_empty(&self) -> bool {
        self.structs == 0 && self.unknown.is_empty()
    }

    /// Says on standard error what could not be laid out.
    fn warn(&self) {
        if let [first, rest @ ..] = self.unknown.as_slice() {
            let more = match rest.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            eprintln!(
                "warning: left out, because the types of fields were not found: {}{more}",
                diag::clean_line(first)
            );
        }
    }
}

/// `PKG.Type` as pattern and name. A dot also stands in patterns (`./...`, `gopkg.in/yaml.v3`,
/// `main.go`): only one before an identifier in the last element that is no version separates.
fn split(pattern: &str) -> Wanted {
    let whole = || Wanted { pattern: pattern.to_owned(), ..Wanted::default() };
    let Some((package, name)) = pattern.rsplit_once('.') else { return whole() };
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_version = name.strip_prefix('v').is_some_and(|v| v.chars().all(|c| c.is_ascii_digit()));
    let is_parent = package.ends_with("..") && !package.ends_with("...");
    let ends = package.is_empty() || package.ends_with('/') || is_parent;
    if !is_name || is_version || name == "go" || (ends && !package.is_empty()) {
        return whole();
    }
    let package = if package.is_empty() { "." } else { package };
    Wanted { pattern: package.to_owned(), name: Some(name.to_owned()), ..Wanted::default() }
}

/// A type in one line that is not too long: anonymous structs can be.
fn shown_type(text: &str) -> String {
    const MAX: usize = 80;
    let line = diag::clean_line(text);
    match line.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.into_owned(),
    }
}

fn json<'a>(
    r#type: String,
    place: (String, u32),
    goarch: &'a str,
    l: &'a StructLayout,
) -> Line<'a> {
    let name = |&i: &usize| l.fields[i].name.as_str();
    Line {
        r#type,
        file: place.0,
        line: place.1,
        goarch,
        size: l.size,
        align: l.align,
        padding: l.padding,
        cache_line: l.cache_line,
        fields: l
            .fields
            .iter()
            .map(|f| Field {
                name: &f.name,
                r#type: &f.typ,
                offset: f.offset,
                size: f.size,
                align: f.align,
                padding: f.padding,
                misaligned_atomic: f.misaligned_atomic,
            })
            .collect(),
        better_order: l.better.as_ref().map(|(order, _)| order.iter().map(name).collect()),
        better_size: l.better.as_ref().map(|b| b.1),
        shared_lines: l.shared_lines.iter().map(|(_, m)| m.iter().map(name).collect()).collect(),
    }
}

fn text(
    out: &mut impl Write,
    full: &str,
    (file, line): (String, u32),
    goarch: &str,
    l: &StructLayout,
) -> io::Result<()> {
    let name = |&i: &usize| l.fields[i].name.as_str();
    writeln!(
        out,
        "{full}  {file}:{line}\n  {goarch}: {} bytes, align {}, padding {}",
        l.size, l.align, l.padding
    )?;
    let width = l.fields.iter().map(|f| f.name.chars().count()).max().unwrap_or(0);
    let mut at = -1;
    for f in &l.fields {
        if l.size > l.cache_line && f.offset / l.cache_line != at {
            at = f.offset / l.cache_line;
            writeln!(out, "  -- cache line {at} ({} bytes each)", l.cache_line)?;
        }
        let typ = shown_type(&f.short_type);
        writeln!(out, "  {:>6} {:>6}  {:<width$}  {typ}", f.offset, f.size, f.name)?;
        if f.padding > 0 {
            writeln!(out, "         {:>6}  (padding)", f.padding)?;
        }
        if f.misaligned_atomic {
            writeln!(
                out,
                "  warning: {} is used by 64-bit atomics, but not 8-aligned on {goarch}: they panic",
                f.name
            )?;
        }
    }
    if let Some((order, size)) = &l.better {
        let order: Vec<&str> = order.iter().map(name).collect();
        writeln!(
            out,
            "  better order, {size} bytes (saves {}): {}",
            l.size - size,
            order.join(", ")
        )?;
    }
    for (at, members) in &l.shared_lines {
        let members: Vec<&str> = members.iter().map(name).collect();
        writeln!(
            out,
            "  possible false sharing: {} lie in cache line {at}, and each is written on its own",
            members.join(", ")
        )?;
    }
    writeln!(out)
}
