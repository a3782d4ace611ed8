//! `unpanic layout`: text and JSON, other architectures, what is asked for and is not there.

use serde_json::{Value, json};

use crate::command::{Outcome, Place};

const STATS: &str = "package stats

import (
	\"sync\"
	\"sync/atomic\"
)

// Order is 24 bytes as it stands and 16 in another order.
type Order struct {
	Paid  bool
	Total int64
	Items int32
}

type Counter struct {
	ready int32
	hits  int64
	calls atomic.Int64
}

func (c *Counter) Hit() { atomic.AddInt64(&c.hits, 1) }

type Shared struct {
	reads  atomic.Uint64
	writes atomic.Uint64
	_      [112]byte
	mu     sync.Mutex
}

type Padded struct {
	small bool
	_     [7]byte
	other bool
	wide  int64
	last  bool
}

type Cache[K comparable, V any] struct{ m map[K]V }

type Index map[string]int

type Same = Order

type local struct{ o Order }
";

fn stats() -> Place {
    Place::new(&[
        ("go.mod", "module example.com/app\n\ngo 1.24\n"),
        ("stats/stats.go", STATS),
        ("empty/empty.go", "package empty\n\nfunc F() {}\n"),
        ("other/other.go", "package other\n\ntype Order struct{ n int }\n\ntype More struct{}\n"),
    ])
}

/// The JSON lines of a run, by type.
fn lines(outcome: &Outcome) -> Vec<Value> {
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    outcome.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn one(outcome: &Outcome) -> Value {
    let mut all = lines(outcome);
    assert_eq!(all.len(), 1, "{}", outcome.out);
    all.remove(0)
}

#[test]
fn text_shows_offsets_padding_and_a_better_order() {
    let outcome = stats().run("layout ./stats.Order");
    assert_eq!((outcome.code, &*outcome.err), (0, ""));
    let expected = "\
example.com/app/stats.Order  stats/stats.go:9
  amd64: 24 bytes, align 8, padding 11
       0      1  Paid   bool
              7  (padding)
       8      8  Total  int64
      16      4  Items  int32
              4  (padding)
  better order, 16 bytes (saves 8): Total, Items, Paid

";
    assert_eq!(stats().run("layout ./stats.Order --goarch amd64").out, expected);
}

#[test]
fn json_is_one_object_a_struct() {
    let line = one(&stats().run("layout --goarch amd64 --format json example.com/app/stats.Order"));
    let expected = json!({
        "type": "example.com/app/stats.Order", "file": "stats/stats.go", "line": 9,
        "goarch": "amd64", "size": 24, "align": 8, "padding": 11, "cache_line": 64,
        "fields": [
            {"name": "Paid", "type": "bool", "offset": 0, "size": 1, "align": 1, "padding": 7,
                "misaligned_atomic": false},
            {"name": "Total", "type": "int64", "offset": 8, "size": 8, "align": 8, "padding": 0,
                "misaligned_atomic": false},
            {"name": "Items", "type": "int32", "offset": 16, "size": 4, "align": 4, "padding": 4,
                "misaligned_atomic": false},
        ],
        "better_order": ["Total", "Items", "Paid"], "better_size": 16, "shared_lines": [],
    });
    assert_eq!(line, expected);
}

#[test]
fn another_architecture_has_other_offsets() {
    let line = one(&stats().run("layout --goarch 386 --format json ./stats.Order"));
    assert_eq!(
        (&line["goarch"], &line["size"], &line["align"]),
        (&json!("386"), &json!(16), &json!(4))
    );
    let place = stats();
    place.write("unpanic.toml", b"[layout]\ngoarch = \"arm64\"\n");
    let line = one(&place.run("layout --format json ./stats.Order"));
    assert_eq!((&line["goarch"], &line["cache_line"]), (&json!("arm64"), &json!(128)));
    stats().run("layout --goarch 387 ./stats").fails(2, "`387` is no GOARCH; there are 386, amd64");
}

#[test]
fn misaligned_atomics_of_32_bit_targets_are_shown() {
    let place = stats();
    let outcome = place.run("layout --goarch 386 ./stats.Counter");
    let warning = "warning: hits is used by 64-bit atomics, but not 8-aligned on 386: they panic";
    assert!(outcome.out.contains(warning), "{}", outcome.out);
    // The types of sync/atomic align themselves.
    assert!(!outcome.out.contains("warning: calls"), "{}", outcome.out);
    assert!(!place.run("layout --goarch amd64 ./stats.Counter").out.contains("warning"));
}

#[test]
fn false_sharing_is_shown() {
    let place = stats();
    let outcome = place.run("layout --goarch amd64 ./stats.Shared");
    let says = "possible false sharing: reads, writes lie in cache line 0";
    assert!(outcome.out.contains(says), "{}", outcome.out);
    assert!(outcome.out.contains("-- cache line 2 (64 bytes each)"), "{}", outcome.out);
    let line = one(&place.run("layout --goarch amd64 --format json ./stats.Shared"));
    assert_eq!(line["shared_lines"], json!([["reads", "writes"]]));
}

#[test]
fn padding_on_purpose_is_left_alone() {
    let line = one(&stats().run("layout --goarch amd64 --format json ./stats.Padded"));
    assert_eq!((&line["better_order"], &line["padding"]), (&Value::Null, &json!(14)));
}

#[test]
fn a_package_shows_all_its_structs_and_a_summary() {
    let outcome = stats().run("layout --goarch amd64 ./stats");
    let last = outcome.out.lines().last().unwrap();
    let expected = "5 structs; 1 would be smaller in another order (8 bytes for one of each); \
        2 with possible false sharing";
    assert_eq!(last, expected, "{}", outcome.out);
    let names = lines(&stats().run("layout --format json ./..."));
    assert_eq!(names.len(), 7);
    // Generic types have no layout of their own, and aliases are other types.
    for name in ["Cache", "Same", "Index"] {
        assert!(!outcome.out.contains(&format!("stats.{name}")), "{}", outcome.out);
    }
    let none = stats().run("layout ./empty");
    assert_eq!((none.code, &*none.out, &*none.err), (0, "", "no struct types there\n"));
}

#[test]
fn a_type_is_looked_for_in_its_package_only() {
    let types = |arguments: &str| -> Vec<String> {
        let all = lines(&stats().run(&format!("layout --format json {arguments}")));
        all.iter().map(|l| l["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(types("./stats.Order"), ["example.com/app/stats.Order"]);
    assert_eq!(
        types("./stats.Order ./other"),
        [
            "example.com/app/other.More",
            "example.com/app/other.Order",
            "example.com/app/stats.Order"
        ]
    );
    assert_eq!(
        types("./....Order"),
        ["example.com/app/other.Order", "example.com/app/stats.Order"]
    );
}

#[test]
fn what_is_not_there_is_said_with_the_nearest_name() {
    let place = stats();
    place
        .run("layout ./stats.Odrer")
        .fails(2, "there is no type `Odrer` in ./stats; did you mean `Order`?");
    place.run("layout ./stats.Zzz").fails(2, "`unpanic layout ./stats` shows its structs");
    place
        .run("layout ./stats.Index")
        .fails(2, "`Index` of ./stats is no struct, but map[string]int");
    place.run("layout ./stats.Cache").fails(2, "is generic");
    place.run("layout ./stats.Same").fails(2, "is another name for example.com/app/stats.Order");
    place.run("layout ./nowhere").fails(2, "nowhere");
}

#[test]
fn a_struct_with_a_field_of_unknown_type_has_no_layout() {
    let place = Place::new(&[
        ("go.mod", "module example.com/app\n\ngo 1.24\n"),
        (
            "a.go",
            "package app\n\nimport \"example.org/gone\"\n\ntype Holder struct {\n\tin [2]gone.T\n}\n\n\
             type Slice struct{ of []gone.T }\n",
        ),
    ]);
    let outcome = place.run("layout --format json --goarch amd64 .");
    assert_eq!(one(&outcome)["type"], "example.com/app.Slice");
    let says = "left out, because the types of fields were not found: example.com/app.Holder (in)";
    assert!(outcome.err.contains(says), "{}", outcome.err);
}
