//! From a crash to its ticket: a service that can die at many places, a sink that is down now and then, and a guard
//! that is killed at random moments. The figures go to `guard-tickets.md` of the output folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::scoreboard::{Setup, number};
use crate::scoreboard_guard::{Running, ask, free, wait_for};
use crate::unpanic_command::Unpanic;

/// Rounds of each kind, when `UNPANIC_TRIES` does not say.
const ROUNDS: usize = 100;
/// Of the rounds without a kill, every so manieth has a sink that is down.
const OUTAGE_EVERY: usize = 4;
/// How long it is down: from before the crash.
const OUTAGE: Duration = Duration::from_secs(2);
/// A guard is killed so long after the crash at the latest.
const KILL_WITHIN_MS: usize = 300;
/// After the last crash nothing more is waited for.
const LAST: Duration = Duration::from_secs(30);
/// What the bars say of the time from a crash to its ticket.
const USUAL: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(15);
/// For asking the guard what it has.
const TOKEN: &str = "a token of the scoreboard";

/// What came at the sink.
#[derive(Default)]
struct Sink {
    /// By the number of the crash: when it came first, and under which keys.
    tickets: Mutex<BTreeMap<usize, (Instant, Vec<String>)>>,
    down: AtomicBool,
}

/// One crash.
struct Round {
    kind: &'static str,
    crashed: Instant,
}

/// Measures and writes `guard-tickets.md`. Fails when an incident has no ticket or two.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let rounds = number("UNPANIC_TRIES", ROUNDS)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let folder = tempfile::tempdir()?;
    let service = folder.path().join("service");
    let source = folder.path().join("source");
    write_service(&source, 2 * rounds)?;
    setup.go.program(&source, &service)?;
    let sink = Arc::new(Sink::default());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let config = format!(
        "[guard.incidents]\nnew-per-hour = 100000\n\n[[guard.incidents.sink]]\nname = \"tickets\"\nkind = \"webhook\"\n\
         url = \"http://{}/\"\n",
        listener.local_addr()?
    );
    std::fs::write(folder.path().join("unpanic.toml"), config)?;
    std::fs::write(folder.path().join("token"), TOKEN)?;
    let taking = Arc::clone(&sink);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sink = Arc::clone(&taking);
            std::thread::spawn(move || take(stream, &sink));
        }
    });
    let (address, admin) = (free()?, free()?);
    let start = || guard(&unpanic, folder.path(), &service, address, admin);
    let mut running = start()?;
    let mut told: Vec<Round> = Vec::new();
    for n in 0..2 * rounds {
        wait_for(|| matches!(ask(address, "GET", "/health", ""), Ok((200, _))))?;
        let kills = n % 2 == 1;
        let outage = !kills && (n / 2).is_multiple_of(OUTAGE_EVERY);
        sink.down.store(outage, Ordering::Relaxed);
        let crashed = Instant::now();
        // The answer is none that counts: the service is gone, and maybe the guard.
        let fatal = std::thread::spawn(move || ask(address, "POST", &format!("/crash?n={n}"), ""));
        if kills {
            // A plain hash spreads the moments.
            let moment = n.wrapping_mul(0x9e37_79b9) / 7 % KILL_WITHIN_MS;
            std::thread::sleep(Duration::from_millis(moment as u64));
            drop(running);
            let _ = fatal.join();
            running = start()?;
        } else {
            let _ = fatal.join();
            if outage {
                std::thread::sleep(OUTAGE.saturating_sub(crashed.elapsed()));
                sink.down.store(false, Ordering::Relaxed);
            }
            // Else the kill of the next round would be one of this round, too.
            while crashed.elapsed() < MOST && !came(&sink, n) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let kind = match (kills, outage) {
            (true, _) => "guard killed",
            (_, true) => "sink down",
            _ => "nothing else",
        };
        told.push(Round { kind, crashed });
        if n % 20 == 19 {
            eprintln!("  {} crashes", n + 1);
        }
    }
    wait_for(|| matches!(ask(address, "GET", "/health", ""), Ok((200, _))))?;
    let recorded = recorded(admin)?;
    let waited = Instant::now();
    while waited.elapsed() < LAST && recorded.iter().any(|n| !came(&sink, *n)) {
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(running);
    let (page, wrong) = report(&told, &recorded, &sink)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("guard-tickets.md");
    std::fs::write(&path, page + &format!("\nMeasured with {}.\n", setup.go.version()?))
        .with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A service that dies at as many places as it is asked to: each has a function of its own, so that each is an
/// incident of its own.
fn write_service(folder: &Path, places: usize) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("go.mod"), "module tickets.test/service\n\ngo 1.21\n")?;
    let mut code = String::from(
        "package main\n\nimport (\n\t\"flag\"\n\t\"net/http\"\n\t\"strconv\"\n)\n\nfunc main() {\n\
         \taddr := flag.String(\"addr\", \"\", \"\")\n\tflag.Parse()\n\
         \thttp.HandleFunc(\"/health\", func(w http.ResponseWriter, r *http.Request) {})\n\
         \thttp.HandleFunc(\"/crash\", func(w http.ResponseWriter, r *http.Request) {\n\
         \t\tn, _ := strconv.Atoi(r.FormValue(\"n\"))\n\t\tgo places[n]()\n\t\tselect {}\n\t})\n\
         \thttp.ListenAndServe(*addr, nil)\n}\n\nvar places = []func(){\n",
    );
    (0..places).try_for_each(|n| writeln!(code, "\tplace{n},"))?;
    code += "}\n";
    for n in 0..places {
        writeln!(code, "\nfunc place{n}() {{ panic(\"crash number {n}.\") }}")?;
    }
    Ok(std::fs::write(folder.join("main.go"), code)?)
}

fn guard(
    unpanic: &Unpanic,
    folder: &Path,
    service: &Path,
    address: SocketAddr,
    admin: SocketAddr,
) -> anyhow::Result<Running> {
    let upstream = "127.0.0.1:{port}";
    let child = Command::new(unpanic.binary())
        .args(["guard", "--listen", &address.to_string(), "--upstream", upstream])
        .args(["--admin", &admin.to_string(), "--admin-token-file", "token"])
        // By the name that `ask` asks for.
        .args(["--admin-host", "a"])
        .args(["--health", "/health", "--store", "incidents.db"])
        .args(["--breaker-after", "100000", "--sound-after", "50ms", "--"])
        .arg(service)
        .args(["-addr", upstream])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::options().append(true).create(true).open(folder.join("log"))?)
        .spawn()?;
    Ok(Running(child))
}

/// Takes one ticket, or refuses it while the sink is down.
fn take(stream: TcpStream, sink: &Sink) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut key) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.trim_end().split_once(':') else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "webhook-id" => value.trim().clone_into(&mut key),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let down = sink.down.load(Ordering::Relaxed);
        if !down
            && let Some(number) = crash_number(&String::from_utf8_lossy(&body))
            && let Ok(mut tickets) = sink.tickets.lock()
        {
            let keys = &mut tickets.entry(number).or_insert((Instant::now(), Vec::new())).1;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let status = if down { "503 Service Unavailable" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn crash_number(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("crash number ")?;
    rest.split_once('.')?.0.parse().ok()
}

fn came(sink: &Sink, number: usize) -> bool {
    sink.tickets.lock().is_ok_and(|tickets| tickets.contains_key(&number))
}

/// The crashes that the guard's store has an incident of.
fn recorded(admin: SocketAddr) -> anyhow::Result<Vec<usize>> {
    let mut found = Vec::new();
    for page in 0.. {
        let path = format!("/api/incidents?page={page}");
        let header = format!("Authorization: Bearer {TOKEN}\r\n");
        let (status, body) = ask(admin, "GET", &path, &header)?;
        ensure!(status == 200, "the guard answered {status}: {body}");
        let list: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        let items = list["items"].as_array().context("no list of incidents")?;
        if items.is_empty() {
            break;
        }
        found.extend(items.iter().filter_map(|item| crash_number(&item.to_string())));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The page, and what is wrong.
fn report(
    told: &[Round],
    recorded: &[usize],
    sink: &Sink,
) -> anyhow::Result<(String, Vec<String>)> {
    let tickets = sink.tickets.lock().map_err(|_| anyhow::anyhow!("a sink thread panicked"))?;
    let mut wrong = Vec::new();
    let mut page = format!(
        "# From a crash to its ticket\n\n\
         One command regenerates this: `cargo xtask scoreboard guard-tickets` (`UNPANIC_TRIES=N` for another number of rounds).\n\n\
         A service behind `unpanic guard` dies at another place in each round, so that each crash is an incident of its own, and a\n\
         sink takes a webhook for it. In every second round the guard gets SIGKILL up to {KILL_WITHIN_MS} ms after the request that\n\
         crashes was sent, and is started again at once; in others the sink refuses everything for {} s from before the crash on.\n\
         *Recorded*: incidents in the guard's store in the end; the dump of a crash that the guard had not read when it was killed is\n\
         gone with it. *Once*: of these, told under one key. Times are from the sending of that request to the first delivery.\n\n\
         | rounds | crashes | recorded | once | under {} s | median | 99% | worst |\n|---|---|---|---|---|---|---|---|\n",
        OUTAGE.as_secs(),
        USUAL.as_secs(),
    );
    for kind in ["nothing else", "sink down", "guard killed"] {
        let of_kind: Vec<usize> = (0..told.len()).filter(|&n| told[n].kind == kind).collect();
        let kept = of_kind.iter().filter(|n| recorded.contains(n));
        let (mut once, mut times) = (0, Vec::new());
        for n in kept.clone() {
            let Some((when, keys)) = tickets.get(n) else {
                wrong.push(format!("crash {n} ({kind}) has no ticket"));
                continue;
            };
            times.push(when.duration_since(told[*n].crashed));
            match keys.len() {
                1 => once += 1,
                more => wrong.push(format!("crash {n} ({kind}) was told under {more} keys")),
            }
        }
        times.sort_unstable();
        let at = |share: f64| {
            let place = (times.len() as f64 * share).ceil() as usize;
            let time = times.get(place.saturating_sub(1)).copied().unwrap_or_default();
            format!("{:.0} ms", time.as_secs_f64() * 1e3)
        };
        let soon = times.iter().filter(|&&time| time < USUAL).count();
        writeln!(
            page,
            "| {kind} | {} | {} | {once} | {soon} | {} | {} | {} |",
            of_kind.len(),
            kept.count(),
            at(0.5),
            at(0.99),
            at(1.0)
        )?;
        if times.last().is_some_and(|&time| time > MOST) {
            wrong.push(format!("{kind}: the last ticket came after more than {MOST:?}"));
        }
        if kind == "nothing else" && soon * 100 < times.len() * 99 {
            wrong.push(format!("{kind}: {soon} of {} under {USUAL:?}", times.len()));
        }
    }
    Ok((page, wrong))
}
