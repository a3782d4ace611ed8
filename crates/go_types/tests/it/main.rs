//! Errors of the checker on small programs: each line that ends in `// ERROR text` has an error
//! with that text, and no other line has one. (The test data of go/types is a scoreboard.)

use std::fmt::Write as _;

use go_project::LoadOptions;
use go_types::{CheckOptions, Plan, Store, check_program};
use source::MemorySystem;

/// Lines with what is reported there, without the lines that explain an error.
fn reported(text: &str) -> Vec<(u32, String)> {
    let mut system = MemorySystem::new();
    system.set_env("GOROOT", "/go").set_env("HOME", "/home").add("/go/VERSION", "go1.27.3\n");
    system.add("/w/go.mod", "module example.com/x\n\ngo 1.27\n").add("/w/a.go", text);
    let options = LoadOptions { dir: "/w".into(), cgo: Some(false), ..LoadOptions::default() };
    let program = go_project::load(&system, &options);
    let store = Store::new();
    let plan = Plan::new(&program, &store, &CheckOptions::default());
    let types = check_program(&plan, &store);
    types.check_all_bodies(&program.roots);
    assert_eq!(types.crashes(), []);
    let mut found = Vec::new();
    for &id in &program.roots {
        for error in types.errors(id).into_iter().filter(|e| !e.message.starts_with('\t')) {
            found.push((program.sources.file(error.file).line_col(error.pos).line, error.message));
        }
    }
    found
}

#[track_caller]
fn check(text: &str) {
    let wanted: Vec<(u32, &str)> = (1..)
        .zip(text.lines())
        .filter_map(|(line, text)| Some((line, text.split_once("// ERROR ")?.1)))
        .collect();
    let found = reported(text);
    let same = wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|(w, f)| w.0 == f.0 && f.1.contains(w.1));
    assert!(same, "wanted {wanted:#?}\nfound {found:#?}");
}

#[test]
fn a_cycle_through_an_instance_is_where_the_instance_is_written() {
    check(
        "package p
type Tree[P any] struct {
	left Tree[P] // ERROR invalid recursive type
}
type Wrap[P any] struct{ inner P }
type Box struct { // ERROR invalid recursive type
	w Wrap[Box]
}
type List[P any] struct{ next *List[P] }
type Rose[P any] struct{ children []Rose[P] }
",
    );
}

#[test]
fn the_size_of_a_type_that_is_being_declared() {
    check(
        "package p
import \"unsafe\"
type A struct { // ERROR invalid recursive type
	b [unsafe.Sizeof(B{})]byte // ERROR must be constant
}
type B struct{ a A }
type C struct {
	next *C
	pad  [64 - unsafe.Sizeof(uintptr(0))]byte
}
const size = unsafe.Sizeof(C{})
func F[T any](_ [unsafe.Sizeof(F[int])]T) {}
",
    );
}

/// Making an instance of an alias makes those of its right side: no lock may be held meanwhile. The table has 32
/// parts with a lock each, so that among so many aliases some meet.
#[test]
fn aliases_of_instances_of_aliases() {
    let mut text = "package p\ntype Pair[K, V any] struct { k K; v V }\n".to_owned();
    for n in 0..200 {
        let _ = writeln!(text, "type A{n}[T any] = map[string]Pair[T, [{n}]T]");
        let _ = writeln!(text, "type B{n}[T any] = *A{n}[Pair[T, T]]");
        let _ = writeln!(text, "var v{n} B{n}[[{n}]int]");
    }
    check(&text);
}

#[test]
fn instances_without_end() {
    check(
        "package p\nfunc grow[P any](n int) { // ERROR instantiation cycle\n\tgrow[*P](n - 1)\n}\n",
    );
    check(
        "package p
type Pair[A, B any] struct{ a A; b B }
func (p Pair[A, B]) Swap() Pair[B, A] { return Pair[B, A]{p.b, p.a} }
func walk[K comparable, V any](m map[K]V) { walk[K, V](m); walk[int, K](nil) }
",
    );
    check(
        "package p
func local[P any]() {
	type T int // ERROR instantiation cycle
	local[T]()
}
func flat[P any]() {
	type T int
	other[T]()
	flat[P]()
}
func other[P any]() { other[int]() }
",
    );
}

#[test]
fn unused_variables_of_each_function() {
    check(
        "package p
func f() {
	a := 1 // ERROR declared and not used: a
	{
		b := 2 // ERROR declared and not used: b
	}
	_ = func() {
		c := 3 // ERROR declared and not used: c
		d := 4
		_ = d
	}
}
func g(x int) (y int) { return }
var v = func() int {
	e := 5 // ERROR declared and not used: e
	return 6
}
",
    );
}
