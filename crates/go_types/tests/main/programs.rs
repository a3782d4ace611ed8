//! Programs of a few packages: no errors where there are none, and the right lines where there
//! are. A `// ERROR text` comment marks a line on which an error with that text is expected.

use std::sync::Arc;

use base::{Id, IndexVec, LocalInterner};
use go_project::{ImportTarget, Package, PackageId, PackageKind, ParsedFile, Program, TestVariant};
use go_syntax::{ParseMode, ast, parse};
use go_types::{CheckOptions, Plan, Store, check_program};
use source::{SourceFile, SourceMap};

/// A program of packages given as import path and source, dependencies first.
fn program(packages: &[(&str, &str)]) -> Program {
    let sources = Arc::new(SourceMap::new());
    let mut interner = LocalInterner::default();
    let mut program = Program { sources: sources.clone(), ..Program::default() };
    let mut made: IndexVec<PackageId, Package> = IndexVec::new();
    for (path, text) in packages {
        let tree = parse(text.as_bytes(), &mut interner, ParseMode::Full);
        assert!(tree.errors.is_empty(), "{path}: {:?}", tree.errors);
        let imports = tree
            .specs
            .iter()
            .filter_map(|s| match s.kind {
                ast::SpecKind::Import { path, .. } => {
                    let span = tree.expr(path).span.range();
                    Some(text[span].trim_matches('"').to_owned())
                }
                _ => None,
            })
            .map(|import| {
                let target = match (import.as_str(), program.by_path.get(&import)) {
                    ("unsafe", _) => ImportTarget::Unsafe,
                    ("C", _) => ImportTarget::C,
                    (_, Some(&id)) => ImportTarget::Package(id),
                    _ => ImportTarget::Missing("not there".to_owned()),
                };
                (import, target)
            })
            .collect();
        let id = PackageId::from_index(made.len());
        let file = sources.add(SourceFile::new(format!("/{path}/a.go"), text.as_bytes().to_vec()));
        let name = tree.package.name;
        let parsed = ParsedFile {
            file,
            ast: Arc::new(tree),
            go_version: (1, 27),
            is_test: false,
            is_cgo: false,
            is_generated: false,
            cgo_preamble: None,
        };
        made.push(Package {
            id,
            import_path: (*path).to_owned(),
            for_test: None,
            test_variant: TestVariant::None,
            name,
            dir: format!("/{path}").into(),
            module: None,
            go_version: (1, 27),
            files: vec![parsed],
            imports,
            implicit_deps: Vec::new(),
            kind: PackageKind::Workspace,
            is_root: true,
            superseded_by: None,
            errors: Vec::new(),
            embeds: Vec::new(),
            ignored_files: Vec::new(),
            other_files: Vec::new(),
            test_go_files: Vec::new(),
            xtest_go_files: Vec::new(),
        });
        program.by_path.insert((*path).to_owned(), id);
        program.order.push(id);
    }
    program.packages = made;
    program
}

/// Checks the packages with their bodies; the errors must be those that the source marks.
#[track_caller]
fn check(packages: &[(&str, &str)]) {
    check_with_stubs(packages, &|_| None);
}

/// As [`check`], with stand-ins for missing packages.
#[track_caller]
fn check_with_stubs<'s>(
    packages: &[(&str, &str)],
    stubs: &'s (dyn Fn(&str) -> Option<&'s str> + Sync + 's),
) {
    let program = program(packages);
    let store = Store::new();
    let options = CheckOptions { stubs: Some(stubs), ..CheckOptions::default() };
    let plan = Plan::new(&program, &store, &options);
    let types = check_program(&plan, &store);
    for (&id, (path, text)) in program.order.iter().zip(packages) {
        types.check_bodies(id);
        let mut found: Vec<(u32, String)> = types
            .errors(id)
            .into_iter()
            .filter(|e| !e.message.starts_with('\t'))
            .map(|e| (program.sources.file(e.file).line_col(e.pos).line, e.message))
            .collect();
        for (i, line) in text.lines().enumerate() {
            let Some((_, want)) = line.split_once("// ERROR ") else { continue };
            let at = found.iter().position(|f| f.0 == i as u32 + 1 && f.1.contains(want.trim()));
            match at {
                Some(at) => drop(found.remove(at)),
                None => panic!("{path}:{}: no error like {want:?} among {found:?}", i + 1),
            }
        }
        assert!(found.is_empty(), "{path}: unexpected {found:?}");
    }
    assert_eq!(types.crashes(), []);
}

#[test]
fn packages_see_each_others_declarations() {
    check(&[
        (
            "lib",
            "package lib
type Pair[K comparable, V any] struct { Key K; Val V }
func (p *Pair[K, V]) Set(k K, v V) { p.Key, p.Val = k, v }
func Map[T, U any](list []T, f func(T) U) []U {
	var out []U
	for _, x := range list { out = append(out, f(x)) }
	return out
}
type Shape interface { Area() float64 }
const Big = 1 << 62
var Table = map[string][]int{\"a\": {1, 2}}
",
        ),
        (
            "main",
            "package main
import \"lib\"
type square struct { side float64 }
func (s square) Area() float64 { return s.side * s.side }
func main() {
	p := &lib.Pair[string, int]{Key: \"a\"}
	p.Set(\"b\", 2)
	lens := lib.Map([]string{\"x\"}, func(s string) int { return len(s) })
	var s lib.Shape = square{2}
	for k, v := range lib.Table { println(k, len(v), lens[0], s.Area(), uint64(lib.Big)) }
	var x string = lens[0] // ERROR cannot use
	_ = x
	unused := 1 // ERROR declared and not used
}
",
        ),
    ]);
}

#[test]
fn missing_packages_are_opaque() {
    check(&[(
        "main",
        "package main
import (
	\"example.com/go-thing\"
	yaml \"gopkg.in/yaml.v3\"
	\"example.com/odd-path\"
)
type T struct { thing.Base; x yaml.Node }
func main() {
	t := T{}
	t.Foo(1)
	for i := range thing.All() { println(i) }
	strange.Call(strange.Value)
	if err := yaml.Unmarshal(nil, &t); err != nil { panic(err) }
}
",
    )]);
}

#[test]
fn cycles_are_found() {
    check(&[(
        "p",
        "package p
type A B // ERROR invalid recursive type
type B A
type S struct { s S } // ERROR invalid recursive type
type L struct { next *L }
type T[P any] struct { f *T[P] }
var x = f() // ERROR initialization cycle
func f() int { return x }
type I interface { m() I }
",
    )]);
}

#[test]
fn stubs_stand_in_for_missing_packages() {
    let stub = |path: &str| match path {
        "google.golang.org/grpc/metadata" => Some(
            "package metadata
import \"context\"
type MD map[string][]string
func FromIncomingContext(ctx context.Context) (MD, bool)
",
        ),
        "context" => Some("package context\ntype Context interface { Value(key any) any }\n"),
        _ => None,
    };
    check_with_stubs(
        &[(
            "main",
            "package main
import (
	\"context\"
	\"google.golang.org/grpc/metadata\"
)
func f(ctx context.Context) {
	md, ok := metadata.FromIncomingContext(ctx)
	md[\"k\"] = append(md[\"k\"], \"v\")
	var n int = md[\"k\"] // ERROR cannot use
	_, _ = ok, n
}
",
        )],
        &stub,
    );
}

#[test]
fn bodies_are_checked_only_when_asked_for() {
    let program = program(&[(
        "p",
        "package p
var typed int = \"no\"
var untyped = 1 << 3
func f() { undefined() }
",
    )]);
    let store = Store::new();
    let plan = Plan::new(&program, &store, &CheckOptions::default());
    let types = check_program(&plan, &store);
    let id = program.order[0];
    assert!(types.info(id).is_none() && types.errors(id).is_empty());
    let info = types.check_bodies(id).expect("checked");
    assert!(info.bodies && info.init_order.len() == 2);
    assert_eq!(types.errors(id).len(), 2);
}

#[test]
fn deep_nesting_and_endless_instances_end() {
    let parens = format!("package p\nvar x = {}1{}\n", "(".repeat(5_000), ")".repeat(5_000));
    check(&[("parens", &parens)]);
    let sum = format!("package p\nvar y int\nvar x = y{}\n", " + y".repeat(20_000));
    check(&[("sum", &sum)]);
    check(&[(
        "endless",
        "package p
type U[P any] struct { W[P] }
type W[P any] struct { *U[W[P]] }
var y U[int]
func f() { y.foo() } // ERROR undefined
func g[P any](n int) { if n > 0 { g[*P](n - 1) } }
func h() { g[int](3) }
",
    )]);
}
