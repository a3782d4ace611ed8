//! Sizes, alignments and field offsets of every struct type that std has, against go/types and
//! against the compiler. The figures go to `layout.md` of the output folder.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use base::{FxHashSet, Id as _};
use go_project::{LoadOptions, Program};
use go_syntax::ast::ExprKind;
use go_types::layout::struct_layout;
use go_types::sizes::Sizes;
use go_types::{
    CheckOptions, ObjKind, Plan, ProgramTypes, Store, Type, TypeId, check_program, under,
    with_large_stacks,
};
use serde::{Deserialize, Serialize};
use source::OsSystem;

use crate::root;
use crate::toolchain::Go;

/// What is compared. The compiler makes code for each of them on any machine.
const ARCHS: &[&str] = &["amd64", "arm64", "386"];

const HEAD: &str = "# Layout against go/types and the compiler\n\n\
    One command regenerates this: `cargo xtask scoreboard layout`. Size, alignment, and offset, size and\n\
    alignment of each field, of every struct type in the files of std and what it imports (without cgo):\n\n\
    - *declared*: type declarations whose underlying type is a struct, also those inside functions;\n\
    - *expressions*: every `struct{…}` in the text, wherever it stands;\n\
    - *instances*: every `T[args]` of a generic struct with concrete arguments, as often as it is written.\n\n\
    *Generic* ones mention a type parameter and have no layout of their own. *go/types* is how many differ\n\
    from go/types' sizes for the `gc` compiler. For *the compiler*, std is built (`go build -overlay`) with our\n\
    figures added as constant expressions of unsafe.Sizeof, Alignof and Offsetof that do not compile unless\n\
    they are equal; it has no offset for blank fields and for unexported fields of other packages.\n\n\
    | GOARCH | declared | expressions | instances | generic | go/types: differ | the compiler: structs | field offsets | no offset | differ |\n\
    |---|---|---|---|---|---|---|---|---|---|\n";

/// Compares on each architecture and writes `out_dir/layout.md`. Fails when anything differs.
pub fn run(go: &Go, out_dir: &Path) -> anyhow::Result<()> {
    let scratch = std::env::temp_dir().join(format!("unpanic-layout-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let outcome = compare(go, &scratch);
    // A temporary folder that stays behind does no harm.
    let _ = std::fs::remove_dir_all(&scratch);
    let (page, wrong) = outcome?;
    std::fs::create_dir_all(out_dir)?;
    let path = out_dir.join("layout.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "layouts differ:\n{}", wrong.join("\n"));
    Ok(())
}

fn compare(go: &Go, scratch: &Path) -> anyhow::Result<(String, Vec<String>)> {
    let oracle = scratch.join("oracle");
    let mut build = Command::new(&go.binary);
    build.args(["build", "-o"]).arg(&oracle).arg(".").current_dir(root().join("oracle/layout"));
    ensure!(go.setup(&mut build).status()?.success(), "oracle/layout does not build");
    let mut page = String::from(HEAD);
    let mut wrong = Vec::new();
    for goarch in ARCHS {
        eprintln!("  {goarch}");
        let overlay = scratch.join(goarch);
        std::fs::create_dir_all(&overlay)?;
        let dump = scratch.join("dump.jsonl");
        write_dump(&go.root, goarch, &dump)?;
        let figures = ask_go_types(go, &oracle, goarch, &overlay, &dump)?;
        let refused = compile(go, goarch, &overlay)?;
        writeln!(page, "{}", figures.row(goarch, refused.len()))?;
        ensure!(figures.types > 0 && figures.asserted > 0, "{goarch}: nothing was compared");
        if figures.differ > 0 {
            wrong.push(format!("{goarch}: {} differ from go/types", figures.differ));
        }
        wrong.extend(refused.into_iter().map(|line| format!("{goarch}: {line}")));
    }
    writeln!(page, "\nMeasured with {}.", go.version()?)?;
    Ok((page, wrong))
}

/// One struct, as `oracle/layout` reads it.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    at: u32,
    kind: &'static str,
    size: i64,
    align: i64,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    offset: i64,
    size: i64,
    align: i64,
}

/// What the oracle prints.
#[derive(Deserialize)]
struct Figures {
    types: usize,
    structs: usize,
    instances: usize,
    generic: usize,
    differ: usize,
    asserted: usize,
    offsets: usize,
    hidden: usize,
}

impl Figures {
    fn row(&self, goarch: &str, refused: usize) -> String {
        format!(
            "| {goarch} | {} | {} | {} | {} | {} | {} | {} | {} | {refused} |",
            self.types,
            self.structs,
            self.instances,
            self.generic,
            self.differ,
            self.asserted,
            self.offsets,
            self.hidden
        )
    }
}

/// Writes the layout of every struct of std, generic ones included (the oracle knows them).
fn write_dump(goroot: &Path, goarch: &str, dump: &Path) -> anyhow::Result<()> {
    let options = LoadOptions {
        dir: goroot.join("src"),
        patterns: vec!["std".to_owned()],
        goarch: Some(goarch.to_owned()),
        cgo: Some(false),
        goroot: Some(goroot.to_owned()),
        ..LoadOptions::default()
    };
    let program = go_project::load(&OsSystem, &options);
    let store = Store::new();
    with_large_stacks(0, || {
        let plan = Plan::new(&program, &store, &CheckOptions::default());
        let types = check_program(&plan, &store);
        types.check_all_bodies(&program.order);
        write_lines(&program, &store, &types, goarch, dump)
    })
}

fn write_lines(
    program: &Program,
    store: &Store,
    types: &ProgramTypes<'_>,
    goarch: &str,
    dump: &Path,
) -> anyhow::Result<()> {
    let sizes = Sizes::for_arch(goarch).context("an architecture without sizes")?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(dump)?);
    let atomics = FxHashSet::default();
    for file in
        program.order.iter().filter_map(|&id| types.info(id)).flat_map(|package| &package.files)
    {
        let path = program.sources.path(file.file).to_string_lossy();
        let mut found: Vec<(&'static str, u32, TypeId)> = Vec::new();
        for &obj in file.defs.values() {
            let obj = store.obj(obj);
            let declares = matches!(obj.kind, ObjKind::TypeName) && obj.name.as_str() != "_";
            if let Some(t) = obj.typ.get().filter(|_| declares)
                && matches!(store.ty(t), Type::Named(_))
            {
                found.push(("type", obj.pos, t));
            }
        }
        for (id, e) in file.ast.exprs.iter_enumerated() {
            if let (ExprKind::StructType(_), Some(t)) = (e.kind, file.type_of(id)) {
                found.push(("struct", e.span.start, t));
            }
        }
        for (&id, instance) in &file.instances {
            found.push(("instance", file.ast.exprs[id].span.end, instance.ty));
        }
        found.retain(|&(_, _, t)| matches!(store.ty(under(store, t)), Type::Struct(_)));
        found.sort_by_key(|&(kind, at, t)| (at, kind, t.index()));
        for (kind, at, t) in found {
            let Some(l) = struct_layout(store, &sizes, goarch, t, &atomics) else { continue };
            let fields = l.fields.into_iter();
            let fields = fields.map(|f| Field {
                name: f.name,
                offset: f.offset,
                size: f.size,
                align: f.align,
            });
            let line = Line {
                file: &path,
                at,
                kind,
                size: l.size,
                align: l.align,
                fields: fields.collect(),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
    }
    Ok(out.flush()?)
}

fn ask_go_types(
    go: &Go,
    oracle: &Path,
    goarch: &str,
    overlay: &Path,
    dump: &Path,
) -> anyhow::Result<Figures> {
    let mut command = Command::new(oracle);
    command.arg("-overlay").arg(overlay).arg(dump).arg("std").current_dir(go.root.join("src"));
    let output = target(go, &mut command, goarch).output().context("running oracle/layout")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    eprint!("{errors}");
    ensure!(output.status.success(), "oracle/layout: {errors}");
    serde_json::from_slice(&output.stdout).context("reading what oracle/layout printed")
}

/// Builds std with the assertions and gives the compiler's complaints about them.
fn compile(go: &Go, goarch: &str, overlay: &Path) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&go.binary);
    command.arg("build").arg("-overlay").arg(overlay.join("overlay.json"));
    command.args(["-gcflags=-e", "std"]).current_dir(go.root.join("src"));
    let output = target(go, &mut command, goarch).output().context("running go build")?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let is_refused = |line: &&str| line.contains("unpanic_unsafe") && line.contains("overflows");
    let lines = errors.lines().filter(|line| !line.starts_with("# "));
    let (refused, other): (Vec<&str>, Vec<&str>) = lines.partition(is_refused);
    ensure!(other.is_empty(), "go build of std with assertions: {}", other.join("\n"));
    Ok(refused.into_iter().map(str::to_owned).collect())
}

/// This toolchain, for this architecture, without cgo.
fn target<'c>(go: &Go, command: &'c mut Command, goarch: &str) -> &'c mut Command {
    go.setup(command).env("GOARCH", goarch).env("GOOS", "linux").env("CGO_ENABLED", "0")
}
