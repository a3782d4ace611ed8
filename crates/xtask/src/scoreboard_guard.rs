//! `unpanic guard` over a service that dies at random moments under load: what became of each
//! request, how long each recovery took, whether the incident names the right request. The figures go
//! to `guard.md` of the output folder.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::profile_of;
use crate::scoreboard::{Setup, number};
use crate::unpanic_command::Unpanic;

/// Crashes when `UNPANIC_TRIES` does not say.
const CRASHES: u32 = 200;
/// Ways of dying, in turn.
pub const WAYS: &[&str] = &["map", "nil", "panic", "unlock", "overflow", "exit", "kill"];
/// How guard names the requests that crash the services.
const HTTP_CRASH: &str = "request POST /crash (";
const GRPC_CRASH: &str = "request POST /shop.Shop/Crash (";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

const HEAD: &str = "# unpanic guard\n\n\
    One command regenerates this: `cargo xtask scoreboard guard` (`UNPANIC_TRIES=N` for another number of crashes).\n\n\
    *Crashes*: a service (crates/guard/testdata/service) is crashed in seven ways, in turn, at random moments, while four\n\
    clients read (`GET`, 20 ms each) and two write (`POST`, the key is on disk before the answer). *Recovery* is from the\n\
    sending of the request that crashes to the first good answer of another process, asked for every 2 ms; it includes the\n\
    time that the service takes to come to its crash. *Right request* counts crashes whose incident names the request that\n\
    crashed, at its confidence.\n";

/// A process that ends with this.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What came of requests.
#[derive(Default)]
struct Tally {
    /// By method and status; 0: no answer at all.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Keys of writes that were answered well.
    written: Mutex<Vec<String>>,
}

impl Tally {
    fn count(&self, method: &'static str, status: u16) {
        if let Ok(mut answers) = self.answers.lock() {
            *answers.entry((method, status)).or_default() += 1;
        }
    }
}

/// Measures and writes `guard.md`. Fails when a request is lost, a read fails, or a write comes twice.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let crashes = number("UNPANIC_TRIES", CRASHES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let folder = tempfile::tempdir()?;
    let service = folder.path().join("service");
    setup.go.program("crates/guard/testdata/service", &service)?;
    let mut page = String::from(HEAD);
    let mut wrong = Vec::new();
    writeln!(
        page,
        "\n## Crashes\n\n| ports | goroutines | crashes | reads | reads failed | writes | of them 503 | lost | \
         written twice | right request | recovery: median | 90% | worst |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    )?;
    let few = crashes / 10;
    for (fixed, goroutines, n) in
        [(false, 0, crashes), (true, 0, crashes), (false, 100_000, few), (true, 100_000, few)]
    {
        let place = folder.path().join(format!("{fixed}-{goroutines}"));
        std::fs::create_dir_all(&place)?;
        let row = crash(&unpanic, &service, &place, fixed, goroutines, n.max(1), &mut wrong)?;
        page += &row;
        eprint!("  {row}");
    }
    page += &grpc(setup, &unpanic, folder.path(), crashes, &mut wrong)?;
    let profile = profile_of(unpanic.binary())?;
    let go = setup.go.version()?;
    writeln!(page, "\nMeasured with {go}; unpanic was built in the profile `{profile}`.")?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("guard.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn crash(
    unpanic: &Unpanic,
    service: &Path,
    place: &Path,
    fixed: bool,
    goroutines: u32,
    crashes: u32,
    wrong: &mut Vec<String>,
) -> anyhow::Result<String> {
    let (address, ledger, log) = (free()?, place.join("ledger"), place.join("stderr"));
    let upstream = if fixed { free()?.to_string() } else { "127.0.0.1:{port}".to_owned() };
    let mut command = Command::new(unpanic.binary());
    command
        .args(["guard", "--listen", &address.to_string(), "--upstream", &upstream])
        .args([
            "--admin",
            "none",
            "--health",
            "/health",
            "--retry-rate",
            "100",
            "--breaker-after",
            "1000",
        ])
        .args(["--sound-after", "50ms", "--queue-time", "60s", "--start-timeout", "60s", "--store"])
        .arg(place.join("incidents.db"))
        .arg("--")
        .arg(service)
        .args(["-addr", &upstream, "-goroutines", &goroutines.to_string(), "-ledger"])
        .arg(&ledger)
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log)?);
    let guard = Running(command.spawn()?);
    wait_for(|| ask(address, "GET", "/pid", "").is_ok_and(|(status, _)| status == 200))?;
    let (tally, stop, keys) = (Tally::default(), AtomicBool::new(false), AtomicU64::new(0));
    let mut recoveries = Vec::new();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let status = ask(address, "GET", "/slow?ms=20", "").map_or(0, |(s, _)| s);
                    tally.count("GET", status);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let key = format!("k{}", keys.fetch_add(1, Ordering::Relaxed));
                    let path = format!("/effect?ms=20&key={key}");
                    let status = ask(address, "POST", &path, "").map_or(0, |(s, _)| s);
                    tally.count("POST", status);
                    if status == 200
                        && let Ok(mut written) = tally.written.lock()
                    {
                        written.push(key);
                    }
                }
            });
        }
        let result = (0..crashes).try_for_each(|number| {
            recoveries.push(one_crash(address, number)?);
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        result
    })?;
    // Processes that died may still be writing their dumps: each is told when its dump is over or cut off.
    let end = Instant::now();
    while end.elapsed() < PATIENCE && named(&log, HTTP_CRASH)?.0 < crashes {
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(guard);
    let answers = tally.answers.into_inner().unwrap_or_default();
    let sum = |method: &str, wanted: &dyn Fn(u16) -> bool| -> u64 {
        answers.iter().filter(|((m, s), _)| *m == method && wanted(*s)).map(|(_, n)| n).sum()
    };
    let (reads, writes) = (sum("GET", &|_| true), sum("POST", &|_| true));
    let failed = sum("GET", &|s| s != 200);
    let refused = sum("POST", &|s| s == 503);
    let lost = sum("GET", &|s| s == 0) + sum("POST", &|s| s == 0);
    let (twice, missing) = ledger_check(&ledger, &tally.written.into_inner().unwrap_or_default())?;
    let (incidents, right) = named(&log, HTTP_CRASH)?;
    let kind = if fixed { "one fixed" } else { "each its own" };
    let mut check = |good: bool, text: String| {
        if !good {
            wrong.push(format!("{kind}, {goroutines} goroutines: {text}"));
        }
    };
    check(lost == 0, format!("{lost} requests got no answer"));
    check(failed == 0, format!("{failed} of {reads} reads failed: {answers:?}"));
    check(twice == 0, format!("{twice} writes came twice"));
    check(missing == 0, format!("{missing} writes were answered and are not there"));
    check(incidents == crashes, format!("{incidents} incidents of {crashes} crashes"));
    recoveries.sort_unstable();
    let part = |of: usize| recoveries[(recoveries.len() * of / 100).min(recoveries.len() - 1)];
    Ok(format!(
        "| {kind} | {goroutines} | {crashes} | {reads} | {failed} | {writes} | {refused} | {lost} | {twice} | {} | {:.0} ms | {:.0} ms | {:.0} ms |\n",
        shown(&right),
        ms(part(50)),
        ms(part(90)),
        ms(part(100)),
    ))
}

/// Crashes a gRPC service under unary calls and streams of a grpc-go client.
fn grpc(
    setup: &Setup,
    unpanic: &Unpanic,
    folder: &Path,
    crashes: u32,
    wrong: &mut Vec<String>,
) -> anyhow::Result<String> {
    let place = folder.join("grpc");
    std::fs::create_dir_all(&place)?;
    for program in ["service", "client"] {
        let source = format!("crates/guard/testdata/grpc/{program}");
        setup.go.program(&source, &place.join(program))?;
    }
    let (address, log) = (free()?.to_string(), place.join("stderr"));
    let upstream = "127.0.0.1:{port}";
    let mut command = Command::new(unpanic.binary());
    command
        .args(["guard", "--listen", &address, "--upstream", upstream])
        .args(["--upstream-protocol", "http2", "--health", "grpc", "--admin", "none"])
        .args(["--breaker-after", "1000", "--sound-after", "50ms", "--store"])
        .arg(place.join("incidents.db"))
        .arg("--")
        .arg(place.join("service"))
        .args(["-addr", upstream])
        .current_dir(&place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log)?);
    let guard = Running(command.spawn()?);
    let output = Command::new(place.join("client"))
        .args(["-addr", &address, "-crashes", &crashes.to_string(), "-ways", &WAYS.join(",")])
        .output()?;
    ensure!(
        output.status.success(),
        "the client of the gRPC service: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let end = Instant::now();
    while end.elapsed() < PATIENCE && named(&log, GRPC_CRASH)?.0 < crashes {
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(guard);
    let found: GrpcTally = serde_json::from_slice(&output.stdout)?;
    let (incidents, right) = named(&log, GRPC_CRASH)?;
    let count = |method: &str, wanted: &dyn Fn(&str) -> bool| -> u64 {
        let codes = found.calls.get(method).into_iter().flatten();
        codes.filter(|(code, _)| wanted(code)).map(|(_, n)| n).sum()
    };
    let mut row = format!("| {crashes} ");
    for method in ["Read", "Watch"] {
        let all = count(method, &|_| true);
        let unavailable = count(method, &|code| code == "Unavailable");
        let other = count(method, &|code| code != "Unavailable" && code != "OK");
        write!(row, "| {all} | {unavailable} | {other} ")?;
        if other > 0 {
            wrong.push(format!(
                "gRPC: {other} calls of {method} ended otherwise: {:?}",
                found.calls
            ));
        }
    }
    let other = count("Crash", &|code| code != "Unavailable");
    if other > 0 {
        wrong.push(format!("gRPC: {other} calls that crash ended otherwise: {:?}", found.calls));
    }
    if incidents != crashes {
        wrong.push(format!("gRPC: {incidents} incidents of {crashes} crashes"));
    }
    let mut recoveries = found.recovery_ms;
    recoveries.sort_by(f64::total_cmp);
    let part = |of: usize| recoveries[(recoveries.len() * of / 100).min(recoveries.len() - 1)];
    ensure!(!recoveries.is_empty(), "the client crashed nothing");
    let row = format!(
        "{row}| {} | {:.0} ms | {:.0} ms | {:.0} ms |\n",
        shown(&right),
        part(50),
        part(90),
        part(100)
    );
    eprint!("  {row}");
    Ok(format!(
        "\n## Crashes of a gRPC service\n\n\
         crates/guard/testdata/grpc: grpc-go on both sides, one connection, four callers of a unary method (20 ms) and two of a\n\
         stream (100 ms). A call that a crash meets has to end with UNAVAILABLE; nothing is replayed.\n\n\
         | crashes | unary calls | UNAVAILABLE | otherwise | streams | UNAVAILABLE | otherwise | right call | recovery: median | 90% | worst |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n{row}"
    ))
}

/// What the client of the gRPC service prints.
#[derive(serde::Deserialize)]
struct GrpcTally {
    /// By method and code.
    calls: BTreeMap<String, BTreeMap<String, u64>>,
    /// Milliseconds from the call that crashed to the first answer of another process.
    recovery_ms: Vec<f64>,
}

/// How often each confidence was given, in words.
fn shown(right: &BTreeMap<String, u32>) -> String {
    let right: Vec<String> =
        right.iter().map(|(confidence, n)| format!("{n} {confidence}")).collect();
    right.join(", ")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Crashes the service once; how long until another process answered.
fn one_crash(address: SocketAddr, number: u32) -> anyhow::Result<Duration> {
    // Any moment of the 20 ms that requests take will do; a plain hash spreads them.
    let pause = 120 + u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 200;
    std::thread::sleep(Duration::from_millis(pause));
    let (_, before) = ask(address, "GET", "/pid", "")?;
    let way = WAYS[number as usize % WAYS.len()];
    let trace = format!("traceparent: 00-{:032x}-00f067aa0ba902b7-01\r\n", u128::from(number) + 1);
    let path = format!("/crash?mode={way}");
    let start = Instant::now();
    let fatal = std::thread::spawn(move || ask(address, "POST", &path, &trace));
    while start.elapsed() < PATIENCE {
        if let Ok((200, pid)) = ask(address, "GET", "/pid", "")
            && pid != before
        {
            let took = start.elapsed();
            let status = fatal.join().ok().and_then(Result::ok).map_or(0, |(status, _)| status);
            ensure!(status == 503, "the request that crashes was answered {status} ({way})");
            return Ok(took);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    bail!("no other process answers after {way}")
}

/// Keys that were written twice, and answered ones that are not there.
fn ledger_check(ledger: &Path, answered: &[String]) -> anyhow::Result<(usize, usize)> {
    let text = std::fs::read_to_string(ledger).unwrap_or_default();
    let mut seen: HashMap<&str, u32> = HashMap::new();
    text.lines().for_each(|key| *seen.entry(key).or_default() += 1);
    let there: HashSet<&str> = seen.keys().copied().collect();
    let twice = seen.values().filter(|&&n| n > 1).count();
    Ok((twice, answered.iter().filter(|key| !there.contains(key.as_str())).count()))
}

/// How many deaths the guard told, and how often it named the request that crashed, by confidence.
fn named(log: &Path, crash: &str) -> anyhow::Result<(u32, BTreeMap<String, u32>)> {
    let text = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
    let (mut deaths, mut right) = (0, BTreeMap::new());
    for line in text.lines().filter(|line| line.starts_with("unpanic guard: died: ")) {
        deaths += 1;
        if let Some((_, rest)) = line.split_once(crash)
            && let Some((confidence, _)) = rest.split_once(':')
        {
            *right.entry(confidence.to_owned()).or_default() += 1;
        } else {
            eprintln!("  not the request that crashed: {line}");
        }
    }
    Ok((deaths, right))
}

/// Sends a request on a connection of its own; status and body.
pub fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// An address that was free a moment ago.
pub fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until something is so, with patience.
pub fn wait_for(mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
    let start = Instant::now();
    while !done() {
        ensure!(start.elapsed() < PATIENCE, "it does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
