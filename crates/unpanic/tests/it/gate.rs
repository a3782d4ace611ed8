//! `unpanic gate` through the binary: exit codes, what is printed, init and ci, and that nothing is left.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn unpanic(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unpanic"));
    command.current_dir(dir).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_short_run_against_nobody_fails_for_the_slo() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["gate", "--url", &url, "-z", "500ms", "-q", "20", "-c", "2", "--html", "r.html"];
    let output = unpanic(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("asked 20.0 requests/s") && printed.contains("connection refused"),
        "{printed}"
    );
    assert!(folder.path().join("r.html").exists());
}

#[test]
fn bad_usage_is_two_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = unpanic(folder.path(), &["gate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--url"));
    std::fs::write(folder.path().join("gate.toml"), "[load]\nrat = 1\n").unwrap();
    let output = unpanic(folder.path(), &["gate"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(message.contains("gate.toml") && message.contains("rate"), "{message}");
    let output = unpanic(folder.path(), &["gate", "--config", "none.toml"]);
    assert_eq!(output.status.code(), Some(3));
    let output = unpanic(folder.path(), &["gate", "--url", "http://127.0.0.1:1", "-z", "5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("30s"));
}

#[test]
fn init_writes_once_and_ci_prints_yaml() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("main.go"),
        "package main\nfunc main() {\n\tmux.HandleFunc(\"/healthz\", h)\n\tmux.HandleFunc(\"/work\", h)\n}\n",
    )
    .unwrap();
    assert_eq!(unpanic(folder.path(), &["gate", "init"]).status.code(), Some(0));
    let written = std::fs::read_to_string(folder.path().join("gate.toml")).unwrap();
    assert!(
        written.contains("health = \"/healthz\"") && written.contains("\"/work\""),
        "{written}"
    );
    assert_eq!(unpanic(folder.path(), &["gate", "init"]).status.code(), Some(2));
    assert_eq!(unpanic(folder.path(), &["gate", "init", "--force"]).status.code(), Some(0));
    let output = unpanic(
        folder.path(),
        &["gate", "ci", "--github", "--build", "go build -o service ./cmd/x"],
    );
    assert!(text(&output.stdout).contains("run: \"go build -o service ./cmd/x\""));
    assert_eq!(unpanic(folder.path(), &["gate", "ci"]).status.code(), Some(2));
}

/// The candidate does not outlive the gate, even when that is killed with SIGKILL.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_gate_leaves_no_candidate() {
    let folder = tempfile::tempdir().unwrap();
    // A candidate that is never healthy: the gate waits for it. Its child is of its group.
    let script = "echo $$ > pid; sleep 600 & wait";
    std::fs::write(
        folder.path().join("gate.toml"),
        format!("url = 'http://127.0.0.1:{{{{port}}}}'\n[candidate]\ncommand = ['sh', '-c', '{script}']\n"),
    )
    .unwrap();
    let mut gate = Command::new(env!("CARGO_BIN_EXE_unpanic"))
        .current_dir(folder.path())
        .args(["gate", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let pid = loop {
        let written = std::fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
        if let Ok(pid) = written.trim().parse::<u32>() {
            break pid;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "the candidate was not started");
        std::thread::sleep(Duration::from_millis(20));
    };
    gate.kill().unwrap();
    gate.wait().unwrap();
    let alive = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
        !status.is_empty() && state != Some('Z')
    };
    while alive() {
        assert!(start.elapsed() < Duration::from_secs(180), "the candidate outlives the gate");
        std::thread::sleep(Duration::from_millis(20));
    }
}
