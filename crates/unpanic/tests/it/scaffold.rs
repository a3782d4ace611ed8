//! `unpanic scaffold`: what it writes, keeps and refuses, and that `check` has nothing to say of it.

use crate::command::Place;

const MODULE: &str = "module example.com/shop/orders\n\ngo 1.24\n";
const MAIN: &str = "package main

import \"net/http\"

func main() {
\tmux := http.NewServeMux()
\tgo work()
\thttp.ListenAndServe(\":8080\", mux)
}

func work() {}
";

fn module() -> Place {
    Place::new(&[("go.mod", MODULE), ("cmd/orders/main.go", MAIN)])
}

#[test]
fn recovery_is_written_and_explained() {
    let place = module();
    let outcome = place.run("scaffold recovery");
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    assert!(place.read("internal/recovery/recovery.go").contains("\npackage recovery\n"));
    for line in [
        "new        internal/recovery/http.go",
        "HTTP middleware",
        "go test -race example.com/shop/orders/internal/recovery",
        "cmd/orders/main.go:8: http.ListenAndServe(\":8080\", mux)",
        "cmd/orders/main.go:7: go work()",
    ] {
        assert!(outcome.out.contains(line), "{line}\n{}", outcome.out);
    }
    // A second run has nothing to do.
    let again = place.run("scaffold recovery");
    assert!(
        again.out.contains("unchanged  internal/recovery/http.go") && !again.out.contains("new ")
    );
}

#[test]
fn check_is_silent_on_what_is_scaffolded() {
    let place = module();
    for command in [
        "scaffold recovery --metrics prometheus --tracing otel --grpc",
        "scaffold recovery --package internal/plain",
    ] {
        assert_eq!(place.run(command).code, 0);
    }
    let checked = place.run("check --preview --tests --min-confidence low ./internal/...");
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let place = module();
    let outcome = place.run("scaffold recovery --dry-run");
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.out.contains("--- /dev/null\n+++ b/internal/recovery/http.go\n"),
        "{}",
        outcome.out
    );
    assert!(!place.path().join("internal").exists());

    place.run("scaffold recovery");
    place.write("internal/recovery/http.go", b"package recovery\n");
    let outcome = place.run("scaffold recovery --dry-run --force");
    assert!(
        outcome.out.contains("--- a/internal/recovery/http.go\n+++ b/internal/recovery/http.go\n")
    );
    assert!(!outcome.out.contains("retry.go"), "what does not change is not shown");
    assert_eq!(place.read("internal/recovery/http.go"), "package recovery\n");
}

#[test]
fn what_is_there_is_kept_unless_forced() {
    let place = module();
    let own = "package recovery\n\n// Mine.\n";
    place.write("internal/recovery/http.go", own.as_bytes());
    let outcome = place.run("scaffold recovery");
    assert_eq!(outcome.code, 0);
    assert!(outcome.out.contains("kept       internal/recovery/http.go"), "{}", outcome.out);
    assert!(outcome.err.contains("--force replaces it"), "{}", outcome.err);
    assert_eq!(place.read("internal/recovery/http.go"), own);
    assert!(place.read("internal/recovery/retry.go").contains("Retrier"));

    let outcome = place.run("scaffold recovery --force");
    assert!(outcome.out.contains("replaced   internal/recovery/http.go"), "{}", outcome.out);
    assert!(place.read("internal/recovery/http.go").contains("responseWriter"));
}

#[test]
fn the_example_has_what_is_written_today() {
    let orders = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/orders");
    let outcome = module()
        .run(&format!("scaffold recovery --dir {orders} --dry-run --grpc --metrics prometheus"));
    assert_eq!((outcome.code, outcome.out.as_str()), (0, ""), "{}", outcome.err);
}

#[test]
fn usage_errors_are_one_line_with_what_to_do() {
    let place = Place::new(&[("a.go", "package a\n")]);
    let outcome = place.run("scaffold recovery");
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.err.contains("no go.mod") && outcome.err.contains("go mod init"),
        "{}",
        outcome.err
    );
    let outcome = module().run("scaffold recovery --package ../x");
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("--package ../x: expected a path"), "{}", outcome.err);
    let outcome = module().run("scaffold monitoring --service Orders");
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("--service: `Orders` cannot name a service"), "{}", outcome.err);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_input_error() {
    let place = module();
    // A file where a folder has to be: also root cannot write below it.
    place.write("monitoring", b"");
    let outcome = place.run("scaffold monitoring");
    assert_eq!(outcome.code, 3, "{}", outcome.err);
    assert!(outcome.err.contains("monitoring"), "{}", outcome.err);
}

#[test]
fn monitoring_takes_its_values_from_the_configuration() {
    let place = module();
    place.write(
        "unpanic.toml",
        b"[slo]\nobjective = 99.5\nlatency = \"100ms\"\nlatency-objective = 98\n",
    );
    let outcome = place.run("scaffold monitoring --only rules,docker");
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    let rules = place.read("monitoring/prometheus/rules.yml");
    for text in ["> 14.4 * 0.005", "> 14.4 * 0.02", "le=~\"0\\\\.1\"", "job=\"orders\""] {
        assert!(rules.contains(text), "{text}");
    }
    let docker = place.read("monitoring/docker/Dockerfile");
    assert!(
        docker.contains("golang:1.24-bookworm") && docker.contains("/out/service ./cmd/orders")
    );
    assert!(docker.contains("docker build -f monitoring/docker/Dockerfile -t orders:latest ."));
    assert!(!place.path().join("monitoring/grafana").exists());
    // Flags go first.
    place.run("scaffold monitoring --only rules --objective 99.99 --latency 1s --force");
    let rules = place.read("monitoring/prometheus/rules.yml");
    assert!(rules.contains("> 14.4 * 0.0001") && rules.contains("le=~\"1(\\\\.0)?\""));
}
