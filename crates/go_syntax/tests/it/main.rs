//! What the parser makes of files: trees against go/parser's, errors against snapshots, and no
//! panic whatever the bytes.

mod corpus;
mod robust;
mod trees;

use base::LocalInterner;
use go_syntax::{ParseMode, ast::File};

fn parse(text: &[u8]) -> File {
    go_syntax::parse(text, &mut LocalInterner::default(), ParseMode::Full)
}

/// Runs `f` with the stack that [`go_syntax::STACK_BYTES`] promises to be enough.
fn with_large_stack<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(go_syntax::STACK_BYTES)
            .spawn_scoped(scope, f)
            .expect("a thread can be started")
            .join()
            .expect("no panic")
    })
}
