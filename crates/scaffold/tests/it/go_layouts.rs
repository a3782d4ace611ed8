//! The package compiles, is formatted, passes vet and its own tests, whatever the module looks like.

use std::path::{Path, PathBuf};

use scaffold::recovery::{self, Options, Plan};
use scaffold::{Module, Place};
use source::OsSystem;

use crate::command::{run, slow};

const ALL: Options = Options { grpc: true, prometheus: true, otel: true };

/// Requirements that Go 1.21 can still build, as the templates' own module has them.
const REQUIREMENTS: &str = include_str!("../../templates/recovery/go.mod");
const SUMS: &str = include_str!("../../templates/recovery/go.sum");

const MAIN: &str = "package main

import \"net/http\"

func main() {
\tmux := http.NewServeMux()
\t_ = http.ListenAndServe(\"127.0.0.1:0\", mux)
}
";

const MAIN_WITH_LIBRARIES: &str = "package main

import (
\t_ \"github.com/prometheus/client_golang/prometheus\"
\t_ \"go.opentelemetry.io/otel/attribute\"
\t_ \"go.opentelemetry.io/otel/codes\"
\t_ \"go.opentelemetry.io/otel/trace\"
\t_ \"google.golang.org/grpc\"
)

func main() {}
";

struct Layout {
    folder: tempfile::TempDir,
}

impl Layout {
    fn new(files: &[(&str, &str)]) -> Self {
        let layout = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            let path = layout.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        layout
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes the package into the module in `dir`.
    fn scaffold(&self, dir: &str, package: Option<&str>, options: Options) -> (Place, Plan) {
        let module = Module::find(&OsSystem, &self.path(dir)).unwrap();
        let place = module.place(&OsSystem, package).unwrap();
        let plan = recovery::plan(&OsSystem, &module, &place, options).unwrap();
        std::fs::create_dir_all(&place.dir).unwrap();
        for file in &plan.files {
            std::fs::write(&file.path, &file.text).unwrap();
        }
        (place, plan)
    }
}

/// The `go` command and `gofmt` beside it.
fn newest() -> (String, String) {
    tools(std::env::var_os("UNPANIC_GO").map(PathBuf::from))
}

fn tools(go: Option<PathBuf>) -> (String, String) {
    let Some(go) = go else { return ("go".to_owned(), "gofmt".to_owned()) };
    let gofmt = go.with_file_name("gofmt");
    (go.display().to_string(), gofmt.display().to_string())
}

fn good((go, gofmt): &(String, String), module: &Path, place: &Place, race: bool) {
    let unformatted = run(&place.dir, gofmt, &["-l", "."]);
    assert_eq!(unformatted, "", "gofmt -l");
    run(module, go, &["vet", "./..."]);
    let race: &[&str] = if race { &["-race"] } else { &[] };
    let tested = run(module, go, &[&["test"], race, &["./..."]].concat());
    assert!(tested.contains(&format!("ok  \t{}", place.import_path)), "{tested}");
    run(module, go, &["build", "./..."]);
}

/// A go.mod with the libraries, of this language version.
fn mod_file(version: &str) -> String {
    let rest = REQUIREMENTS.split_once("\nrequire").unwrap().1;
    format!("module example.com/app\n\ngo {version}\n\nrequire{rest}")
}

#[test]
fn a_single_package() {
    let layout =
        Layout::new(&[("go.mod", "module example.com/app\n\ngo 1.26\n"), ("main.go", MAIN)]);
    let (place, plan) = layout.scaffold("", None, Options::default());
    assert_eq!(place.import_path, "example.com/app/internal/recovery");
    assert!(plan.files.iter().all(|f| !f.path.ends_with("grpc.go")));
    good(&newest(), layout.folder.path(), &place, slow());
}

#[test]
fn commands_and_internal_packages_with_all_adapters() {
    if !slow() {
        return;
    }
    let layout = Layout::new(&[
        ("go.mod", &mod_file("1.26")),
        ("go.sum", SUMS),
        ("cmd/app/main.go", MAIN),
        ("internal/app/app.go", "// Package app is the application.\npackage app\n"),
    ]);
    let (place, plan) = layout.scaffold("cmd/app", Some("internal/safe"), ALL);
    assert_eq!(place.import_path, "example.com/app/internal/safe");
    assert!(plan.missing_modules.is_empty() && !plan.vendor);
    good(&newest(), layout.folder.path(), &place, true);
}

#[test]
fn a_module_of_a_workspace() {
    if !slow() {
        return;
    }
    let layout = Layout::new(&[
        ("go.work", "go 1.24\n\nuse (\n\t./shop\n\t./tools\n)\n"),
        ("shop/go.mod", "module example.com/shop\n\ngo 1.23\n"),
        ("shop/svc/cmd/shop/main.go", MAIN),
        ("shop/svc/internal/db/db.go", "// Package db is the store.\npackage db\n"),
        ("tools/go.mod", "module example.com/tools\n\ngo 1.22\n"),
        ("tools/main.go", MAIN),
    ]);
    let (place, _) = layout.scaffold("shop", None, Options::default());
    assert_eq!(place.import_path, "example.com/shop/svc/internal/recovery");
    good(&newest(), &layout.path("shop"), &place, true);
    let (place, _) = layout.scaffold("tools", None, Options::default());
    assert_eq!(place.import_path, "example.com/tools/internal/recovery");
    good(&newest(), &layout.path("tools"), &place, true);
}

#[test]
fn a_vendored_module() {
    if !slow() {
        return;
    }
    let layout = Layout::new(&[
        ("go.mod", &mod_file("1.25")),
        ("go.sum", SUMS),
        ("cmd/app/main.go", MAIN_WITH_LIBRARIES),
    ]);
    let tools = newest();
    run(layout.folder.path(), &tools.0, &["mod", "vendor"]);
    let (place, plan) = layout.scaffold("", None, Options { grpc: false, ..ALL });
    assert!(plan.files.iter().any(|f| f.path.ends_with("grpc.go")), "the module requires gRPC");
    assert!(!plan.vendor, "all that is imported is in the vendor folder");
    good(&tools, layout.folder.path(), &place, true);
}

/// The language of each version from 1.21 on, by the newest toolchain.
#[test]
fn each_language_version() {
    if !slow() {
        return;
    }
    let tools = newest();
    let version = run(Path::new("/"), &tools.0, &["env", "GOVERSION"]);
    let newest: u32 = version.trim().split('.').nth(1).unwrap().parse().unwrap();
    for minor in [21, 22, 23, 25, 26, 27] {
        if minor > newest {
            continue;
        }
        let layout = Layout::new(&[
            ("go.mod", &mod_file(&format!("1.{minor}"))),
            ("go.sum", SUMS),
            ("main.go", MAIN),
        ]);
        let (place, _) = layout.scaffold("", None, ALL);
        good(&tools, layout.folder.path(), &place, minor == newest);
    }
}

/// The oldest version, by its own toolchain: nothing newer is used by accident.
#[test]
fn the_oldest_toolchain() {
    let Some(go) = std::env::var_os("UNPANIC_GO_OLDEST").filter(|_| slow()) else { return };
    let layout = Layout::new(&[("go.mod", &mod_file("1.21")), ("go.sum", SUMS), ("main.go", MAIN)]);
    let (place, _) = layout.scaffold("", None, ALL);
    good(&tools(Some(go.into())), layout.folder.path(), &place, true);
}
