//! Which module, which folder, which files, and what is refused, on trees in memory.

use std::path::{Path, PathBuf};

use scaffold::recovery::{self, Options};
use scaffold::{Change, EntryKind, Module, entry_points};
use source::MemorySystem;

fn tree(files: &[(&str, &str)]) -> MemorySystem {
    let mut system = MemorySystem::new();
    for (path, text) in files {
        system.add(Path::new("/w").join(path), *text);
    }
    system
}

const MOD: (&str, &str) = ("go.mod", "module example.com/app\n\ngo 1.24\n");

fn error(system: &MemorySystem, dir: &str, package: Option<&str>) -> String {
    let planned = Module::find(system, Path::new(dir)).and_then(|m| m.place(system, package));
    planned.unwrap_err().to_string()
}

fn place(system: &MemorySystem, dir: &str) -> PathBuf {
    let module = Module::find(system, Path::new(dir)).unwrap();
    module.place(system, None).unwrap().dir
}

#[test]
fn the_internal_folder_is_one_that_all_commands_may_import() {
    let main = "package main\n\nfunc main() {}\n";
    let system = tree(&[MOD, ("main.go", main)]);
    assert_eq!(place(&system, "/w"), Path::new("/w/internal/recovery"));
    let svc = [MOD, ("svc/cmd/a/main.go", main), ("svc/internal/b/b.go", "package b\n")];
    assert_eq!(place(&tree(&svc), "/w"), Path::new("/w/svc/internal/recovery"));
    assert_eq!(place(&tree(&svc), "/w/svc/internal"), Path::new("/w/svc/internal/recovery"));
    // A command beside svc could not import it from there.
    let two = [svc.as_slice(), &[("cmd/c/main.go", main)]].concat();
    assert_eq!(place(&tree(&two), "/w"), Path::new("/w/internal/recovery"));
}

#[test]
fn modules_that_cannot_be_written_into_say_why() {
    let none = error(&tree(&[("a.go", "package a\n")]), "/w", None);
    assert!(none.contains("/w is in no Go module") && none.contains("go mod init"), "{none}");
    let old = error(&tree(&[("go.mod", "module m\n\ngo 1.20\n")]), "/w", None);
    assert!(old.contains("/w/go.mod says go 1.20") && old.contains("1.21"), "{old}");
    let bare = error(&tree(&[("go.mod", "module m\n")]), "/w", None);
    assert!(bare.contains("says no go version"), "{bare}");
    let broken = error(&tree(&[("go.mod", "go 1.24\n")]), "/w", None);
    assert!(broken.contains("go.mod:1") && broken.contains("module"), "{broken}");
    let work = tree(&[
        ("go.work", "go 1.24\n\nuse (\n\t./a\n\t./b\n)\n"),
        ("a/go.mod", "module a\n\ngo 1.24\n"),
        ("b/go.mod", "module b\n\ngo 1.24\n"),
    ]);
    let which = error(&work, "/w", None);
    assert!(which.contains("2 modules") && which.contains("w/a, w/b"), "{which}");
    assert_eq!(place(&work, "/w/b"), Path::new("/w/b/internal/recovery"));
    let one = tree(&[("go.work", "go 1.24\n\nuse ./a\n"), ("a/go.mod", "module a\n\ngo 1.24\n")]);
    assert_eq!(place(&one, "/w"), Path::new("/w/a/internal/recovery"));
}

#[test]
fn paths_that_cannot_be_packages_say_why() {
    let system = tree(&[MOD, ("sub/go.mod", "module sub\n\ngo 1.24\n"), ("file", "")]);
    for (path, why) in [
        ("", "from the module's root"),
        ("/etc/recovery", "from the module's root"),
        ("../recovery", "from the module's root"),
        ("a//b", "from the module's root"),
        ("a/./b", "from the module's root"),
        ("pkg/go-recovery", "cannot name a package"),
        ("pkg/Recovery", "cannot name a package"),
        ("pkg/9", "cannot name a package"),
        ("pkg/x_test", "cannot name a package"),
        ("pkg/func", "that others import"),
        ("cmd/main", "that others import"),
        ("internal", "that others import"),
        ("a b/recovery", "import path"),
        ("a\n/recovery", "import path"),
        ("vendor/recovery", "ignores folders"),
        ("_x/recovery", "ignores folders"),
        ("sub/recovery", "a module of its own"),
        ("file/recovery", "not a folder"),
    ] {
        let error = error(&system, "/w", Some(path));
        assert!(error.contains(why) && !error.contains('\n'), "{path}: {error}");
    }
}

#[test]
fn another_package_is_left_alone() {
    let system = tree(&[MOD, ("internal/recovery/x.go", "package other\n")]);
    let error = error(&system, "/w", None);
    assert!(
        error.contains("holds package other, not recovery") && error.contains("--package"),
        "{error}"
    );
}

#[test]
fn interceptors_come_with_the_requirement_or_on_request() {
    let has = |go_mod: &str, options: Options| {
        let system = tree(&[("go.mod", go_mod)]);
        let module = Module::find(&system, Path::new("/w")).unwrap();
        let place = module.place(&system, None).unwrap();
        let plan = recovery::plan(&system, &module, &place, options).unwrap();
        (plan.files.iter().any(|f| f.path.ends_with("grpc.go")), plan.missing_modules)
    };
    let plain = "module m\n\ngo 1.24\n";
    assert_eq!(has(plain, Options::default()), (false, vec![]));
    let asked = Options { grpc: true, ..Options::default() };
    assert_eq!(has(plain, asked), (true, vec!["google.golang.org/grpc"]));
    let required = format!("{plain}\nrequire google.golang.org/grpc v1.70.0\n");
    assert_eq!(has(&required, Options::default()), (true, vec![]));
    let indirect = format!("{plain}\nrequire google.golang.org/grpc v1.70.0 // indirect\n");
    assert_eq!(has(&indirect, Options::default()), (false, vec![]));
}

#[test]
fn what_is_there_is_seen() {
    let mut system = tree(&[MOD]);
    let changes = |system: &MemorySystem| {
        let module = Module::find(system, Path::new("/w")).unwrap();
        let place = module.place(system, None).unwrap();
        recovery::plan(system, &module, &place, Options::default()).unwrap().files
    };
    let files = changes(&system);
    assert!(files.iter().all(|f| f.change == Change::New && !f.purpose.is_empty()));
    for file in &files {
        system.add(&file.path, file.text.as_str());
    }
    assert!(changes(&system).iter().all(|f| f.change == Change::None));
    system.add(&files[0].path, "package recovery\n");
    assert_eq!(changes(&system)[0].change, Change::Replace("package recovery\n".to_owned()));
}

#[test]
fn the_package_has_the_name_of_its_folder() {
    let system = tree(&[MOD]);
    let module = Module::find(&system, Path::new("/w")).unwrap();
    let place = module.place(&system, Some("pkg/safe")).unwrap();
    assert_eq!(
        (place.name.as_str(), place.import_path.as_str()),
        ("safe", "example.com/app/pkg/safe")
    );
    for file in recovery::plan(&system, &module, &place, Options::default()).unwrap().files {
        assert!(file.text.lines().any(|l| l == "package safe"), "{}", file.path.display());
        assert!(!file.text.contains("package recovery"), "{}", file.path.display());
        assert!(!file.text.contains("Package recovery"), "{}", file.path.display());
    }
}

#[test]
fn entry_points_are_found_by_what_is_imported() {
    let system = tree(&[
        MOD,
        (
            "main.go",
            "package main\n\nimport (\n\tweb \"net/http\"\n\n\t\"google.golang.org/grpc\"\n)\n\n\
             func main() {\n\tgo work()\n\ts := web.Server{Addr: \":1\"}\n\tg := grpc.NewServer()\n\
             \tuse(s, g, web.NewServeMux())\n}\n",
        ),
        ("other.go", "package main\n\nfunc other() { http.ListenAndServe() }\n"),
        ("main_test.go", "package main\n\nfunc test() { go work() }\n"),
        ("internal/recovery/goroutine.go", "package recovery\n\nfunc f() { go f() }\n"),
    ]);
    let module = Module::find(&system, Path::new("/w")).unwrap();
    let found: Vec<_> = entry_points(&module, Path::new("/w/internal/recovery"))
        .into_iter()
        .map(|e| (e.kind, e.line, e.text))
        .collect();
    assert_eq!(
        found,
        [
            (EntryKind::HttpServer, 11, "s := web.Server{Addr: \":1\"}".to_owned()),
            (EntryKind::HttpMux, 13, "use(s, g, web.NewServeMux())".to_owned()),
            (EntryKind::GrpcServer, 12, "g := grpc.NewServer()".to_owned()),
            (EntryKind::Goroutine, 10, "go work()".to_owned()),
        ]
    );
}
