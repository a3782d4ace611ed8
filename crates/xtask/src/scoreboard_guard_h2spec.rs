//! The conformance tests of h2spec against `unpanic guard`, without TLS and with it. The figures go to
//! `guard-h2spec.md` of the output folder.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::scoreboard::Setup;
use crate::scoreboard_guard::{Running, ask, free, wait_for};
use crate::unpanic_command::Unpanic;

/// What is run; the Go module proxy has it.
const H2SPEC: &str = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";

const HEAD: &str = "# h2spec against unpanic guard\n\n\
    One command regenerates this: `cargo xtask scoreboard guard-h2spec`.\n\n\
    h2spec's tests of HTTP/2 (RFC 7540) and HPACK (RFC 7541) against a guard before crates/guard/testdata/service. Without TLS one port\n\
    speaks HTTP/1.1 and HTTP/2: what does not begin with the preface of HTTP/2 is HTTP/1.1, and a broken preface is answered as a broken\n\
    request of HTTP/1.1 (400, and the connection is closed), where the test expects HTTP/2.\n\n\
    | connection | tests | passed | skipped | failed |\n|---|---|---|---|---|\n";

/// Runs and writes `guard-h2spec.md`. Fails when more fails than is explained.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let unpanic = Unpanic::build(&setup.go)?;
    let folder = tempfile::tempdir()?;
    let service = folder.path().join("service");
    setup.go.program("crates/guard/testdata/service", &service)?;
    let mut install = Command::new(&setup.go.binary);
    setup.go.setup(&mut install).env("GOBIN", folder.path()).args(["install", H2SPEC]);
    ensure!(install.status()?.success(), "{H2SPEC} cannot be installed");
    let mut generate = Command::new(&setup.go.binary);
    setup
        .go
        .setup(&mut generate)
        .arg("run")
        .arg(setup.go.root.join("src/crypto/tls/generate_cert.go"))
        .args(["--host", "127.0.0.1", "--ecdsa-curve", "P256"])
        .current_dir(folder.path());
    ensure!(generate.output()?.status.success(), "no certificate could be made");
    let (mut page, mut failures, mut wrong) = (String::from(HEAD), String::new(), 0);
    for (name, guard, spec, explained) in [
        ("without TLS", &[][..], &[][..], 1),
        ("TLS", &["--tls-cert", "cert.pem", "--tls-key", "key.pem"][..], &["-t", "-k"][..], 0),
    ] {
        let address = free()?;
        let process = Command::new(unpanic.binary())
            .args(["guard", "--listen", &address.to_string(), "--admin", "none", "--store", "none"])
            .args(guard)
            .arg("--")
            .arg(&service)
            .args(["-addr", "127.0.0.1:{port}"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let _guard = Running(process);
        match spec {
            [] => wait_for(|| ask(address, "GET", "/health", "").is_ok_and(|(s, _)| s == 200))?,
            _ => wait_for(|| std::net::TcpStream::connect(address).is_ok())?,
        }
        let output = Command::new(folder.path().join("h2spec"))
            .args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()])
            .args(["-P", "/health", "-o", "5"])
            .args(spec)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let figures = figures(&text).with_context(|| format!("h2spec printed no sum:\n{text}"))?;
        let [all, passed, skipped, failed] = figures;
        writeln!(page, "| {name} | {all} | {passed} | {skipped} | {failed} |")?;
        for line in text.lines().map(str::trim).filter(|line| line.starts_with('×')) {
            let line = format!("- {name}: {}\n", line.trim_start_matches(['×', ' ']));
            if !failures.contains(&line) {
                failures += &line;
            }
        }
        wrong += failed.saturating_sub(explained);
    }
    if !failures.is_empty() {
        writeln!(page, "\nFailed:\n\n{}", failures.trim_end())?;
    }
    writeln!(page, "\nMeasured with {}, {H2SPEC}.", setup.go.version()?)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("guard-h2spec.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong == 0, "{wrong} tests fail that are not explained; see {}", path.display());
    Ok(())
}

/// All, passed, skipped, failed, of `145 tests, 144 passed, 1 skipped, 0 failed`.
fn figures(text: &str) -> Option<[u64; 4]> {
    let line = text.lines().find(|line| line.contains(" tests, "))?;
    let numbers: Vec<u64> =
        line.split(", ").filter_map(|part| part.split_whitespace().next()?.parse().ok()).collect();
    numbers.try_into().ok()
}
