//! Bytes a second of the type checker on one thread, function bodies included and excluded, over
//! packages of GOROOT/src with everything that they import. Needs GOROOT in the environment or
//! `go` on the path; without one there is nothing to check and the figures mean nothing. Run as a
//! test (`cargo test --benches`) it checks one small package once.

use base::Id;
use divan::counter::BytesCount;
use go_project::{LoadOptions, Program};
use go_types::{CheckOptions, Plan, Store, check_program, with_large_stacks};
use source::OsSystem;

fn main() {
    divan::main();
}

#[divan::bench(args = ["bodies", "declarations"], sample_count = 5, sample_size = 1)]
fn imports(bencher: divan::Bencher, mode: &str) {
    let program = program();
    let bytes: usize = program
        .packages
        .ids()
        .flat_map(|id| &program.packages[id].files)
        .map(|f| program.sources.file(f.file).text.len())
        .sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        with_large_stacks(1, || {
            let store = Store::new();
            let plan = Plan::new(&program, &store, &CheckOptions::default());
            let types = check_program(&plan, &store);
            if mode == "bodies" {
                types.check_all_bodies(&program.order);
            }
            program.order.last().map(|id| id.index())
        })
    });
}

/// What to check: net/http and all below it when measuring, package errors when testing.
fn program() -> Program {
    let measuring = std::env::args().any(|arg| arg == "--bench");
    let options = LoadOptions {
        dir: std::env::temp_dir(),
        patterns: vec![if measuring { "net/http" } else { "errors" }.to_owned()],
        cgo: Some(false),
        ..LoadOptions::default()
    };
    go_project::load(&OsSystem, &options)
}
