//! All of the Go standard library, and damaged versions of the snippets: nothing panics, and what
//! comes out is well formed.

use std::time::Instant;

use go_ir::{Op, verify};
use go_project::LoadOptions;
use source::OsSystem;

use crate::support::{lower, snippet};

#[test]
fn all_of_std_is_well_formed() {
    if std::env::var_os("UNPANIC_SLOW").is_none() {
        return;
    }
    let options = LoadOptions { patterns: vec!["std".into()], ..LoadOptions::default() };
    let start = Instant::now();
    lower(&OsSystem, &options, |_, program, infos, _| {
        let mut problems = Vec::new();
        let (mut values, mut unknown, mut blocks) = (0, 0, 0);
        for f in program.funcs.iter() {
            problems.extend(verify(f).into_iter().map(|p| format!("{}: {p}", f.name)));
            values += f.values.len();
            blocks += f.blocks.len();
            unknown += f.values.iter().filter(|v| matches!(v.op, Op::Unknown)).count();
        }
        eprintln!(
            "{} packages, {} functions, {blocks} blocks, {values} values, {unknown} unknown in {:?}",
            infos.len(),
            program.funcs.len(),
            start.elapsed()
        );
        assert_eq!(problems, Vec::<String>::new());
        assert!(infos.len() > 100, "std was not loaded");
    });
}

#[test]
fn truncated_files_are_lowered_as_far_as_they_go() {
    let whole = include_str!("../data/statements.go");
    for end in (0..whole.len()).step_by(97).filter(|&i| whole.is_char_boundary(i)) {
        let (system, options) = snippet(&whole[..end], "1.27");
        lower(&system, &options, |_, program, _, _| {
            for f in program.funcs.iter() {
                assert_eq!(verify(f), Vec::<String>::new(), "{} cut at {end}", f.name);
            }
        });
    }
}
