//! `unpanic guard` beside nothing, a bare proxy, nginx and HAProxy: requests a second and the 99th
//! percentile, HTTP/1.1 and gRPC, 50 and 500 connections, in one run; and the memory that each takes
//! before the load and after it. The figures go to `guard-throughput.md` of the output folder.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::scoreboard::{Setup, number};
use crate::scoreboard_guard::{Running, ask, free, wait_for};
use crate::unpanic_command::Unpanic;
use crate::{cargo, profile_of, run_command};

/// How long each load takes when `UNPANIC_SECONDS` does not say.
const SECONDS: u32 = 8;
/// Each way is loaded so often, in turn; the best counts.
const ROUNDS: usize = 3;
const CONNECTIONS: [u32; 2] = [50, 500];
/// How long after its first answer a program counts as idle.
const SETTLED: std::time::Duration = std::time::Duration::from_secs(15);

const HEAD: &str = "# Throughput of unpanic guard\n\n\
    One command regenerates this: `cargo xtask scoreboard guard-throughput` (`UNPANIC_SECONDS=N` for another length of each load).\n\n\
    One service (crates/guard/testdata/service) behind each proxy in turn, everything on one machine; the order is repeated three times and\n\
    the best of each counts. The bare proxy (crates/guard/examples/bare_proxy.rs) is the least that can be built from hyper: it adds no\n\
    header and notes nothing. *Of bare*: requests a second as a share of the bare proxy's. Bar: 85%, less than 15 MB idle. *Memory*: resident, code and\n\
    constants included, 15 seconds after the first answer and once more after the loads.\n";

/// What is spoken.
#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Http1,
    Grpc,
}

/// A proxy that runs.
struct Way {
    name: &'static str,
    address: SocketAddr,
    process: Option<Running>,
}

/// Measures and writes `guard-throughput.md`.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let seconds = number("UNPANIC_SECONDS", SECONDS)?;
    for (tool, package) in [("wrk", "wrk"), ("h2load", "nghttp2-client")] {
        let found = Command::new(tool).arg("--version").output().is_ok();
        ensure!(found, "there is no {tool} (Debian: apt-get install {package})");
    }
    let unpanic = Unpanic::build(&setup.go)?;
    let profile = profile_of(unpanic.binary())?;
    run_command(
        cargo()
            .args(["build", "--quiet", "--package", "guard", "--example", "bare_proxy"])
            .args(["--profile", &profile]),
    )?;
    let folder = tempfile::tempdir()?;
    let service = folder.path().join("service");
    setup.go.program("crates/guard/testdata/service", &service)?;
    let mut page = String::from(HEAD);
    for protocol in [Protocol::Http1, Protocol::Grpc] {
        page += match protocol {
            Protocol::Http1 => "\n## HTTP/1.1\n\nwrk, two threads, `GET /health`, keep-alive.\n",
            Protocol::Grpc => {
                "\n## gRPC\n\nh2load, two threads, one unary call at a time on each connection, a message of one byte each way.\n"
            }
        };
        page += "\n| through | 50 connections | of bare | p99 | 500 connections | of bare | p99 | memory idle | after |\n\
            |---|---|---|---|---|---|---|---|---|\n";
        page += &table(protocol, &unpanic, &service, folder.path(), seconds)?;
    }
    let full = idle_in_full(&unpanic, &service, folder.path())?;
    writeln!(
        page,
        "\nIn these runs guard has no page and no store. With both, as it comes, it takes {:.1} MB idle, of which {:.1} MB are its own \
         and the rest is mapped from files.",
        full.0 as f64 / 1024.0,
        full.1 as f64 / 1024.0
    )?;
    let go = setup.go.version()?;
    writeln!(
        page,
        "\nMeasured with {go}; unpanic and the bare proxy were built in the profile `{profile}`. {}",
        versions()
    )?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("guard-throughput.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

fn table(
    protocol: Protocol,
    unpanic: &Unpanic,
    service: &Path,
    place: &Path,
    seconds: u32,
) -> anyhow::Result<String> {
    let grpc = protocol == Protocol::Grpc;
    let direct = free()?;
    let h2c = grpc.then_some("-h2c");
    let service_process =
        started(Command::new(service).args(["-addr", &direct.to_string()]).args(h2c))?;
    let mut ways = vec![Way { name: "nothing", address: direct, process: None }];
    let bare = unpanic.binary().with_file_name("examples").join("bare_proxy");
    let address = free()?;
    let mut command = Command::new(bare);
    command.args([address.to_string(), direct.to_string()]).args(grpc.then_some("--http2"));
    ways.push(Way { name: "a bare hyper proxy", address, process: Some(started(&mut command)?) });
    ways.extend(nginx(protocol, direct, place)?);
    ways.extend(haproxy(protocol, direct, place)?);
    let address = free()?;
    let mut command = Command::new(unpanic.binary());
    command
        .args([
            "guard",
            "--listen",
            &address.to_string(),
            "--admin",
            "none",
            "--store",
            "none",
            "--",
        ])
        .arg(service)
        .args(["-addr", "127.0.0.1:{port}"])
        .args(h2c);
    ways.push(Way { name: "unpanic guard", address, process: Some(started(&mut command)?) });
    for way in &ways {
        let up = || match protocol {
            Protocol::Http1 => {
                ask(way.address, "GET", "/health", "").is_ok_and(|(status, _)| status == 200)
            }
            Protocol::Grpc => h2load(way.address, 1, &["-n", "1"], place).is_ok(),
        };
        wait_for(up).with_context(|| way.name)?;
    }
    std::thread::sleep(SETTLED);
    let resident = |way: &Way| way.process.as_ref().map(|p| memory(p.0.id(), "VmRSS:"));
    let idle: Vec<Option<u64>> = ways.iter().map(resident).collect();
    let mut best = vec![[(0.0, 0.0); CONNECTIONS.len()]; ways.len()];
    for _ in 0..ROUNDS {
        for (way, best) in ways.iter().zip(&mut best) {
            for (connections, best) in CONNECTIONS.into_iter().zip(best) {
                let figures = match protocol {
                    Protocol::Http1 => wrk(way.address, connections, seconds),
                    Protocol::Grpc => {
                        h2load(way.address, connections, &["-D", &seconds.to_string()], place)
                    }
                };
                let figures = figures.with_context(|| way.name)?;
                if figures.0 > best.0 {
                    *best = figures;
                }
            }
        }
    }
    let after: Vec<Option<u64>> = ways.iter().map(resident).collect();
    drop(service_process);
    let mut rows = String::new();
    let bare = best[1];
    let megabytes = |kib: Option<u64>| {
        kib.map_or_else(|| "–".to_owned(), |kib| format!("{:.1} MB", kib as f64 / 1024.0))
    };
    for (i, (way, [few, many])) in ways.iter().zip(best).enumerate() {
        writeln!(
            rows,
            "| {} | {:.0}/s | {:.0}% | {:.1} ms | {:.0}/s | {:.0}% | {:.1} ms | {} | {} |",
            way.name,
            few.0,
            few.0 * 100.0 / bare[0].0,
            few.1,
            many.0,
            many.0 * 100.0 / bare[1].0,
            many.1,
            megabytes(idle[i]),
            megabytes(after[i])
        )?;
    }
    Ok(rows)
}

/// Resident and anonymous memory in KiB of a guard with its page and its store.
fn idle_in_full(unpanic: &Unpanic, service: &Path, place: &Path) -> anyhow::Result<(u64, u64)> {
    let address = free()?;
    let mut command = Command::new(unpanic.binary());
    command
        .args(["guard", "--listen", &address.to_string(), "--admin", "127.0.0.1:0", "--store"])
        .arg(place.join("incidents.db"))
        .arg("--")
        .arg(service)
        .args(["-addr", "127.0.0.1:{port}"]);
    let guard = started(&mut command)?;
    wait_for(|| ask(address, "GET", "/health", "").is_ok_and(|(status, _)| status == 200))?;
    std::thread::sleep(SETTLED);
    let pid = guard.0.id();
    Ok((memory(pid, "VmRSS:"), memory(pid, "RssAnon:")))
}

fn started(command: &mut Command) -> anyhow::Result<Running> {
    let process =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(Running(process))
}

/// A line of a process's status, in KiB.
fn memory(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn installed(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
        .map(|folder| Path::new(folder).join(name))
        .into_iter()
        .find(|path| path.exists())
}

fn versions() -> String {
    let first = |name: &str, argument: &str| {
        let output = Command::new(installed(name)?).arg(argument).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        Some(String::from_utf8_lossy(&text).lines().next()?.split(" - ").next()?.to_owned())
    };
    let found = [first("nginx", "-v"), first("haproxy", "-v")];
    found.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn nginx(protocol: Protocol, upstream: SocketAddr, place: &Path) -> anyhow::Result<Option<Way>> {
    let Some(program) = installed("nginx") else { return Ok(None) };
    let address = free()?;
    let config = place.join("nginx.conf");
    let folder = place.display();
    let (listen, pass) = match protocol {
        Protocol::Http1 => (
            "",
            "proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection \"\";",
        ),
        Protocol::Grpc => (" http2", "grpc_pass grpc://service;"),
    };
    std::fs::write(
        &config,
        format!(
            "daemon off; master_process off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n\
             events {{ worker_connections 4096; }}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n\
             fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder}; keepalive_requests 100000000;\n\
             upstream service {{ server {upstream}; keepalive 512; keepalive_requests 100000000; }}\n\
             server {{ listen {address}{listen}; location / {{ {pass} }} }} }}\n"
        ),
    )?;
    let process = Some(started(Command::new(program).arg("-c").arg(&config))?);
    Ok(Some(Way { name: "nginx", address, process }))
}

fn haproxy(protocol: Protocol, upstream: SocketAddr, place: &Path) -> anyhow::Result<Option<Way>> {
    let Some(program) = installed("haproxy") else { return Ok(None) };
    let address = free()?;
    let config = place.join("haproxy.cfg");
    let proto = if protocol == Protocol::Grpc { " proto h2" } else { "" };
    std::fs::write(
        &config,
        format!(
            "global\n  nbthread 2\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
             frontend in\n  bind {address}{proto}\n  default_backend out\nbackend out\n  server service {upstream}{proto}\n"
        ),
    )?;
    let process = Some(started(Command::new(program).args(["-db", "-f"]).arg(&config))?);
    Ok(Some(Way { name: "HAProxy", address, process }))
}

/// Requests a second and the 99th percentile in milliseconds.
fn wrk(address: SocketAddr, connections: u32, seconds: u32) -> anyhow::Result<(f64, f64)> {
    let output = Command::new("wrk")
        .args(["-t2", &format!("-c{connections}"), &format!("-d{seconds}s"), "--latency"])
        .arg(format!("http://{address}/health"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |name: &str| {
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
            .with_context(|| format!("wrk printed no {name}:\n{text}"))
    };
    let rate = value("Requests/sec:")?.parse()?;
    let slow = value("99%")?;
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let slow = units.iter().find_map(|(unit, factor)| {
        slow.strip_suffix(unit)?.parse::<f64>().ok().map(|value| value * factor)
    });
    ensure!(!text.contains("Non-2xx"), "requests failed:\n{text}");
    Ok((rate, slow.context("a time of wrk's has another unit")?))
}

/// The same for unary calls of gRPC.
fn h2load(
    address: SocketAddr,
    connections: u32,
    length: &[&str],
    place: &Path,
) -> anyhow::Result<(f64, f64)> {
    let (body, log) = (place.join("message"), place.join("h2load.log"));
    // A length-prefixed message, not compressed, of one byte.
    std::fs::write(&body, b"\0\0\0\0\x01x")?;
    let _ = std::fs::remove_file(&log);
    let threads = connections.min(2);
    let output = Command::new("h2load")
        .args([format!("-t{threads}"), format!("-c{connections}"), "-m1".to_owned()])
        .args(length)
        .arg("-d")
        .arg(&body)
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
        .arg(format!("--log-file={}", log.display()))
        .arg(format!("http://{address}/test.Test/Echo"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        text.contains(" 0 failed, 0 errored, 0 timeout") && text.contains(" 0 4xx, 0 5xx"),
        "calls failed:\n{text}"
    );
    let rate = text.lines().find_map(|line| {
        let words = line.strip_prefix("finished in ")?.split_once(", ")?.1;
        words.split(' ').next()?.parse().ok()
    });
    // Start, status and microseconds of each.
    let log = std::fs::read_to_string(&log)?;
    let mut micros: Vec<u64> =
        log.lines().filter_map(|line| line.split('\t').nth(2)?.parse().ok()).collect();
    ensure!(!micros.is_empty(), "h2load logged no call:\n{text}");
    micros.sort_unstable();
    let slow = micros[micros.len() * 99 / 100] as f64 / 1000.0;
    Ok((rate.with_context(|| format!("h2load printed no rate:\n{text}"))?, slow))
}
