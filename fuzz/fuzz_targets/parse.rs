//! Whatever the bytes, every parse mode gives a tree that can be walked, dumped and asked for its
//! directives and doc comments, with all spans inside the file. Run with `cargo fuzz run parse`; Go
//! files make a good corpus.
#![no_main]

use base::LocalInterner;
use go_syntax::ast::ExprKind;
use go_syntax::{ParseMode, STACK_BYTES, directives, dump, literal, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    // Deep nesting is only promised to be safe on a stack of this size.
    if text.len() < 4096 {
        check(text);
        return;
    }
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || check(text));
        worker.expect("a thread can be started").join().expect("no panic");
    });
});

fn check(text: &[u8]) {
    let mut names = LocalInterner::default();
    for mode in [ParseMode::ImportsOnly, ParseMode::Declarations, ParseMode::Full] {
        let file = parse(text, &mut names, mode);
        // Slicing panics at a span that does not lie inside the file.
        for stmt in file.stmts.iter() {
            let _ = &text[stmt.span.range()];
        }
        for e in file.exprs.iter() {
            let literal = &text[e.span.range()];
            if let ExprKind::BasicLit(_) = e.kind {
                literal::string_value(literal);
                literal::rune_value(literal);
            }
        }
        for decl in file.all_decls.iter() {
            directives::doc_comment(&file, text, decl.span.start);
        }
        for directive in directives::directives(&file, text) {
            directive.embed_patterns();
            directive.linkname();
        }
        directives::is_generated(&file, text);
        dump::dump(&file);
    }
    let _ = directives::file_constraint(text);
}
