//! One snapshot a file of `tests/data`. A first line `//go 1.21` sets the language version.

use std::path::Path;

use go_ir::{print_program, verify};

use crate::support::{lower, snippet};

#[test]
fn lowered_files_print_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("the folder is there")
        .map(|e| e.expect("readable").path())
        .collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text file");
        let version = text.strip_prefix("//go ").and_then(|t| t.lines().next());
        let (system, options) = snippet(&text, version.unwrap_or("1.27"));
        let printed = lower(&system, &options, |store, program, _, errors| {
            for f in program.funcs.iter() {
                assert_eq!(verify(f), Vec::<String>::new(), "{}", f.name);
            }
            let mut out: String = errors.iter().map(|e| format!("error {e}\n")).collect();
            out += &print_program(store, program, |_| true);
            out
        });
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, printed);
        });
    }
}
