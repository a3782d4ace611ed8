//! A day of `unpanic guard` in minutes: requests all the time, clients that go away, a crash every few seconds, little
//! retention. Memory, file descriptors and the store must stay as they were. The figures go to `guard-soak.md` of the
//! output folder.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::scoreboard::{Setup, number};
use crate::scoreboard_guard::{Running, WAYS, ask, free, wait_for};
use crate::unpanic_command::Unpanic;

/// How long, when `UNPANIC_MINUTES` does not say.
const MINUTES: u64 = 20;
/// The run is told in so many parts.
const PARTS: u64 = 5;
/// From one crash to the next.
const BETWEEN: Duration = Duration::from_secs(3);
/// Pause between the requests of a client.
const PAUSE: Duration = Duration::from_millis(20);
/// Of so many requests a client goes away before the answer of one.
const LEAVES: u64 = 20;
/// What may be more in the last part than in the second, which has warmed up: so many hundredths.
const GROWTH: u64 = 110;

const CONFIG: &str = "[guard.incidents.retention]\nincidents = 100\noccurrences = 10\n";

/// What the process has at a moment.
#[derive(Clone, Copy, Default)]
struct Sample {
    /// Kilobytes of memory that no file is behind.
    memory: u64,
    /// Open file descriptors.
    descriptors: u64,
    /// Kilobytes of the store's files.
    store: u64,
}

/// Counts of the load.
#[derive(Default)]
struct Load {
    asked: AtomicU64,
    failed: AtomicU64,
    left: AtomicU64,
}

/// Runs and writes `guard-soak.md`. Fails when something grows, or a read fails.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let minutes = number("UNPANIC_MINUTES", MINUTES)?;
    let unpanic = Unpanic::build(&setup.go)?;
    let folder = tempfile::tempdir()?;
    let service = folder.path().join("service");
    setup.go.program("crates/guard/testdata/service", &service)?;
    std::fs::write(folder.path().join("unpanic.toml"), CONFIG)?;
    let address = free()?;
    let upstream = "127.0.0.1:{port}";
    let guard = Command::new(unpanic.binary())
        .args(["guard", "--listen", &address.to_string(), "--upstream", upstream])
        .args(["--admin", "127.0.0.1:0", "--health", "/health", "--retry-rate", "100"])
        .args(["--breaker-after", "100000", "--sound-after", "50ms", "--store", "incidents.db"])
        .arg("--")
        .arg(&service)
        .args(["-addr", upstream])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let guard = Running(guard);
    wait_for(|| ask(address, "GET", "/pid", "").is_ok_and(|(status, _)| status == 200))?;
    let (load, stop) = (Load::default(), AtomicBool::new(false));
    let part = Duration::from_secs(minutes * 60) / PARTS as u32;
    let mut parts: Vec<(u64, u64, Sample)> = Vec::new();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        for _ in 0..2 {
            scope.spawn(|| client(address, &load, &stop));
        }
        let result = (0..PARTS).try_for_each(|_| {
            let (start, before) = (Instant::now(), load.asked.load(Ordering::Relaxed));
            let (mut crashes, mut most) = (0, Sample::default());
            while start.elapsed() < part {
                crash(address, crashes)?;
                crashes += 1;
                std::thread::sleep(BETWEEN);
                most = most.or(sample(guard.0.id(), folder.path())?);
            }
            parts.push((crashes, load.asked.load(Ordering::Relaxed) - before, most));
            eprintln!("  {crashes} crashes, {} kB, {} descriptors", most.memory, most.descriptors);
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        result
    })?;
    let mut page = format!(
        "# A day of `unpanic guard` in {minutes} minutes\n\n\
         One command regenerates this: `cargo xtask scoreboard guard-soak` (`UNPANIC_MINUTES=N` for another length).\n\n\
         Two clients send about {} requests a second, each on a connection of its own; one of {LEAVES} goes away before its answer.\n\
         Every {} seconds the service is crashed, in seven ways in turn. Ten occurrences of an incident are kept. The largest of each\n\
         part counts, seen after each crash: memory without what is mapped from files, open descriptors, the store with its log.\n\n\
         | part | crashes | requests | memory, MB | descriptors | store, MB |\n|---|---|---|---|---|---|\n",
        2000 / PAUSE.as_millis(),
        BETWEEN.as_secs(),
    );
    for (number, (crashes, asked, most)) in parts.iter().enumerate() {
        writeln!(
            page,
            "| {} | {crashes} | {asked} | {:.1} | {} | {:.1} |",
            number + 1,
            most.memory as f64 / 1e3,
            most.descriptors,
            most.store as f64 / 1e3
        )?;
    }
    let (asked, failed, left) =
        (load.asked.into_inner(), load.failed.into_inner(), load.left.into_inner());
    writeln!(page, "\nOf {asked} requests {failed} failed, {left} were left by their client.")?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("guard-soak.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(failed == 0, "{failed} reads failed");
    let (Some((.., warm)), Some((.., last))) = (parts.get(1), parts.last()) else { return Ok(()) };
    let pairs = [
        ("memory", warm.memory, last.memory),
        ("descriptors", warm.descriptors, last.descriptors),
        ("store", warm.store, last.store),
    ];
    for (what, warm, last) in pairs {
        ensure!(last * 100 <= warm * GROWTH, "{what} grew from {warm} to {last}");
    }
    Ok(())
}

impl Sample {
    /// The larger of each.
    fn or(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            descriptors: self.descriptors.max(other.descriptors),
            store: self.store.max(other.store),
        }
    }
}

fn client(address: SocketAddr, load: &Load, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let number = load.asked.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(LEAVES) {
            // Asks and goes away.
            let leave = || -> std::io::Result<()> {
                let mut stream = TcpStream::connect(address)?;
                stream.write_all(b"GET /slow?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n")
            };
            let _ = leave();
            load.left.fetch_add(1, Ordering::Relaxed);
        } else if !ask(address, "GET", "/slow?ms=5", "").is_ok_and(|(status, _)| status == 200) {
            load.failed.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(PAUSE);
    }
}

fn crash(address: SocketAddr, number: u64) -> anyhow::Result<()> {
    let way = WAYS[number as usize % WAYS.len()];
    let (status, _) = ask(address, "POST", &format!("/crash?mode={way}"), "")?;
    ensure!(status == 503, "the request that crashes was answered {status} ({way})");
    Ok(())
}

fn sample(process: u32, folder: &Path) -> anyhow::Result<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let memory = memory.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64;
    let store = ["incidents.db", "incidents.db-wal", "incidents.db-shm"]
        .iter()
        .filter_map(|name| std::fs::metadata(folder.join(name)).ok())
        .map(|file| file.len() / 1000)
        .sum();
    Ok(Sample { memory: memory.context("no RssAnon (Linux)")?, descriptors, store })
}
