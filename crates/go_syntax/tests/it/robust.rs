//! No panic, no overflow, no hang, and no span outside the file, whatever the bytes.

use base::LocalInterner;
use go_syntax::ast::{DeclId, ExprId, File, FuncTypeId, SpecId, StmtId};
use go_syntax::walk::{Visitor, walk_file};
use go_syntax::{ParseMode, dump::dump, parse};
use proptest::prelude::*;
use source::Span;

use crate::with_large_stack;

const VALID: [&str; 2] =
    [include_str!("../data/valid/declarations.go"), include_str!("../data/valid/statements.go")];
const ERRORS: &str = include_str!("../data/errors.txt");

/// Checks that every span lies inside the file.
struct Bounds {
    len: u32,
}

impl Bounds {
    fn check(&self, span: Span) -> bool {
        assert!(span.start <= span.end && span.end <= self.len, "{span:?} of {} bytes", self.len);
        true
    }
}

impl Visitor for Bounds {
    fn enter_expr(&mut self, file: &File, id: ExprId) -> bool {
        self.check(file.expr(id).span) && self.check(file.selector_span(id))
    }
    fn enter_stmt(&mut self, file: &File, id: StmtId) -> bool {
        self.check(file.stmt(id).span)
    }
    fn enter_decl(&mut self, file: &File, id: DeclId) -> bool {
        self.check(file.all_decls[id].span)
    }
    fn enter_spec(&mut self, file: &File, id: SpecId) -> bool {
        self.check(file.specs[id].span)
    }
    fn enter_field(&mut self, file: &File, index: u32) -> bool {
        self.check(file.fields[index as usize].span)
    }
    fn enter_func_type(&mut self, file: &File, id: FuncTypeId) -> bool {
        self.check(file.func_types[id].span)
    }
}

/// Parses in every mode, checks the spans, and gives the full tree.
pub(crate) fn check(text: &[u8]) -> File {
    let mut names = LocalInterner::default();
    for mode in [ParseMode::ImportsOnly, ParseMode::Declarations, ParseMode::Full] {
        let file = parse(text, &mut names, mode);
        let mut bounds = Bounds { len: text.len() as u32 };
        walk_file(&file, &mut bounds);
        file.comments.iter().for_each(|&c| assert!(bounds.check(c)));
        if !text.is_empty() {
            file.idents.iter().for_each(|i| assert!(bounds.check(i.span())));
        }
        assert!(file.errors.iter().all(|e| e.pos <= bounds.len));
        assert!(file.errors.is_sorted_by_key(|e| e.pos));
        if mode == ParseMode::Full {
            return file;
        }
    }
    unreachable!("the last mode returns")
}

#[test]
fn every_truncation_parses() {
    for text in VALID.iter().chain(&[ERRORS]) {
        for end in 0..text.len() {
            check(&text.as_bytes()[..end]);
        }
    }
}

#[test]
fn every_tail_parses() {
    for text in VALID {
        for start in 0..text.len() {
            check(&[b"package p;", &text.as_bytes()[start..]].concat());
            check(&[b"package p; func f() {", &text.as_bytes()[start..]].concat());
        }
    }
}

/// What can be nested: what opens a level, and what closes it.
const NESTS: &[(&str, &str, &str)] = &[
    ("var x = ", "(", ")"),
    ("var x = ", "-", "1"),
    ("var x = ", "*", "x"),
    ("var x = ", "<-", "x"),
    ("var x = ", "f(", ")"),
    ("var x = ", "x[", "]"),
    ("var x = ", "x[:", "]"),
    ("var x = ", "T{", "}"),
    ("var x = ", "T{{", "}}"),
    ("var x = ", "func() { x = ", "}"),
    ("var x = ", "func(a func()) { if x {", "}}"),
    ("var x = ", "x.(struct { a [", "]int })"),
    ("var x = ", "1 + (2 * ", ")"),
    ("var x = x", ".y", ""),
    ("var x = x", "()", ""),
    ("var x = x", "[1]", ""),
    ("var x = x", ".(T)", ""),
    ("var x = T", "{}", ""),
    ("var x ", "[]", "int"),
    ("var x ", "[1", "]int"),
    ("var x ", "*", "int"),
    ("var x ", "(", "int)"),
    ("var x ", "map[", "]int"),
    ("var x ", "map[int]", "int"),
    ("var x ", "chan ", "int"),
    ("var x ", "<-chan ", "int"),
    ("var x = ", "<-chan ", "int"),
    ("var x = ", "<-", "chan int"),
    ("var x = <-", "chan<- ", "int"),
    ("var x ", "func(", ")"),
    ("var x ", "func() ", "int"),
    ("var x ", "func(a ", ")"),
    ("var x ", "struct { a ", "}"),
    ("var x ", "struct { T[", "] }"),
    ("var x ", "interface { m(", ") }"),
    ("var x ", "interface { ", "}"),
    ("var x ", "interface { T[", "] }"),
    ("var x ", "T[", "]"),
    ("type T", "[P interface { m(a [", "]P) }] int"),
    ("type T[P ", "(", "int)] int"),
    ("type T[P ", "*", "int] int"),
    ("type T[P ", "interface{ ~", "int }] int"),
    ("func f() { ", "{", "}"),
    ("func f() { ", "if x {", "}"),
    ("func f() { if x {} ", "else if x {}", ""),
    ("func f() { ", "for {", "}"),
    ("func f() { ", "for range x {", "}"),
    ("func f() { ", "switch { case x:", "}"),
    ("func f() { ", "select { case <-x:", "}"),
    ("func f() { ", "L: ", ""),
    ("func f() { ", "go func() {", "}()"),
    ("func f() { ", "var x = func() {", "}"),
    ("func f() { ", "type T struct { a [func() {", "}]int }"),
    ("", "func f() {", "}"),
    ("", "{", "}"),
    ("", "(", ")"),
];

#[test]
fn nesting_is_limited_not_fatal() {
    with_large_stack(|| {
        for (start, open, close) in NESTS {
            for depth in [50, 100_000] {
                for closing in [close.repeat(depth), String::new()] {
                    let text = format!("package p; {start}{}{closing}", open.repeat(depth));
                    let file = check(text.as_bytes());
                    let deep = file.errors.iter().any(|e| e.message.contains("nested more than"));
                    assert!(depth > 50 || !deep, "{start}{open}: {:?}", file.errors);
                    drop(dump(&file));
                }
            }
        }
    });
}

#[test]
fn deep_nesting_is_an_error_with_its_place() {
    let text = format!("package p\n\nvar x = {}1{}\n", "(".repeat(20_000), ")".repeat(20_000));
    let errors = with_large_stack(move || check(text.as_bytes()).errors);
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].message,
        "nested more than 10000 levels deep; the rest of the file is not read"
    );
}

#[test]
fn long_flat_files_are_no_danger() {
    let chain = format!("package p; var x = a{}", " + a".repeat(1_000_000));
    assert_eq!(check(chain.as_bytes()).errors, []);
    let logical = format!("package p; var x = a{}", " && b || c == d".repeat(200_000));
    assert_eq!(check(logical.as_bytes()).errors, []);
    let list = format!("package p; var x = []int{{{}}}", "1,".repeat(1_000_000));
    assert_eq!(check(list.as_bytes()).errors, []);
    // One line with an error at each token: looking for the line of an error must not be quadratic.
    for noise in [
        "x y ", "? ", ") ", "'", "case ", "func( ", "\u{fffd}", "package ", "if ", "x.", "[",
        "`a` ",
    ] {
        let text = format!("package p; func f() {{ {}", noise.repeat(300_000));
        assert!(!with_large_stack(|| check(text.as_bytes())).errors.is_empty(), "{noise}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_parse(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&text);
        check(&[b"package p; func f() {", &text[..]].concat());
    }

    #[test]
    fn mutations_of_go_parse(
        which in 0..VALID.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..20_usize, any::<prop::sample::Index>()), 1..6),
    ) {
        let mut text = VALID[which].as_bytes().to_vec();
        for (at, removed, from) in edits {
            // Replaces a few bytes with a few bytes from elsewhere in the file.
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            let from = from.index(text.len());
            let inserted = text[from..(from + removed / 2).min(text.len())].to_vec();
            text.splice(at..end, inserted);
        }
        check(&text);
    }

    #[test]
    fn token_soup_parses(words in proptest::collection::vec(prop::sample::select(WORDS), 0..200)) {
        let text = words.join(" ");
        check(text.as_bytes());
        check(format!("package p; {text}").as_bytes());
        check(format!("package p; func f() {{ {text}").as_bytes());
    }
}

const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    ":=",
    "=",
    ".",
    "...",
    "*",
    "<-",
    "chan",
    "func",
    "if",
    "for",
    "range",
    "switch",
    "select",
    "case",
    "default",
    "type",
    "var",
    "const",
    "struct",
    "interface",
    "map",
    "go",
    "defer",
    "return",
    "else",
    "x",
    "T",
    "1",
    "\"s\"",
    "'a'",
    "~",
    "|",
    "+",
    "==",
    "\n",
    "import",
    "package",
    "goto",
    "break",
    "fallthrough",
    "!",
    "&",
    "++",
    "/*\n*/",
    "// c\n",
    "any",
    "int",
    "(type)",
    "x.",
    "func()",
    "interface{",
    "struct{",
];
