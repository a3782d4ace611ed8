//! `unpanic layout`: how structs lie in memory, and what a better order of fields would save.

use std::io::{self, BufWriter, Write};

use anyhow::bail;
use diag::{ExitClass, Problem, Resolver};
use go_types::layout::{StructLayout, atomic64_fields, struct_layout};
use go_types::sizes::Sizes;
use go_types::{ObjKind, Type};
use serde::Serialize;

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
    let wanted: Vec<(String, Option<String>)> =
        args.build.patterns.iter().map(|p| split(p)).collect();
    let mut target = target(app, &args.build)?;
    if args.build.goarch.is_none() {
        target.goarch = app.config.layout.goarch.clone().or(target.goarch);
    }
    let patterns: Vec<String> = wanted.iter().map(|w| w.0.clone()).collect();
    let names: Vec<&str> = wanted.iter().filter_map(|w| w.1.as_deref()).collect();
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
            for obj in objs.into_iter().filter(|o| matches!(o.kind, ObjKind::TypeName)) {
                let name = obj.name.as_str();
                if !names.is_empty() && !names.contains(&name) {
                    continue;
                }
                let (Some(t), Some(file)) = (obj.typ.get(), obj.file) else { continue };
                // The size of a generic type depends on its arguments; an alias is another's.
                let Type::Named(named) = store.ty(t) else { continue };
                if named.tparams.get().is_some_and(|p| !p.is_empty()) {
                    continue;
                }
                let Some(layout) = struct_layout(store, &sizes, goarch, t, &atomic64) else {
                    continue;
                };
                let place =
                    (resolver.path(file), program.sources.file(file).line_col(obj.pos).line);
                let full = format!("{}.{name}", package.import_path);
                if args.format == ListFormat::Json {
                    writeln!(
                        out,
                        "{}",
                        serde_json::to_string(&json(full, place, goarch, &layout))?
                    )?;
                } else {
                    text(&mut out, &full, place, goarch, &layout)?;
                }
            }
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(loaded.problems.iter().map(Problem::exit_class).fold(ExitClass::Clean, ExitClass::max))
}

/// `PKG.Type` as pattern and name. A dot also stands in patterns (`./...`, `gopkg.in/yaml.v3`,
/// `main.go`): only one before an identifier in the last element that is no version separates.
fn split(pattern: &str) -> (String, Option<String>) {
    let whole = || (pattern.to_owned(), None);
    let Some((package, name)) = pattern.rsplit_once('.') else { return whole() };
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_version = name.strip_prefix('v').is_some_and(|v| v.chars().all(|c| c.is_ascii_digit()));
    let ends = package.is_empty() || package.ends_with('/') || package.ends_with("..");
    if !is_name || is_version || name == "go" || (ends && !package.is_empty()) {
        return whole();
    }
    let package = if package.is_empty() { "." } else { package };
    (package.to_owned(), Some(name.to_owned()))
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
        let typ = diag::clean_line(&f.typ);
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
        writeln!(out, "  possible false sharing in cache line {at}: {}", members.join(", "))?;
    }
    writeln!(out)
}
