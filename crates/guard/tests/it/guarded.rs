//! Runs a guard over the service under testdata: this test program starts itself again, and in there
//! [`guard_process`] is the guard. And a small HTTP client that sends exactly what it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use guard::options::{
    CaptureOptions, Health, KeptHeader, Lifecycle, Limit, Network, Options, Probe, ProxyOptions,
    Retry, Upstream, UpstreamProtocol,
};
use serde_json::{Value, json};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// What the other process is told.
const ORDER: &str = "UNPANIC_TEST_GUARD";

/// Whether there is a Go to build with; `cargo xtask test` sees to it.
pub fn no_go() -> bool {
    let missing = Command::new("go").arg("version").output().is_err();
    if missing {
        eprintln!("skipped: there is no go command");
    }
    missing
}

/// The service, built once.
pub fn service() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("service");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/service");
        let output = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(source)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (folder, program)
    });
    path
}

/// The guard, when this program was started as one.
#[test]
fn guard_process() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let order: Value = serde_json::from_str(&order).unwrap();
    let options = options(&order);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(guard::run(options));
    if let Err(error) = &ended {
        eprintln!("error: {error}");
    }
    std::process::exit(i32::from(ended.is_err()) * 2);
}

fn options(order: &Value) -> Options {
    let text = |key: &str| order[key].as_str().map(str::to_owned);
    let number = |key: &str, default: u64| order[key].as_u64().unwrap_or(default);
    let millis = |key: &str, default: u64| Duration::from_millis(number(key, default));
    let list = |key: &str| -> Vec<String> {
        let items = order[key].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let mut upstream = Upstream::parse(&text("upstream").unwrap()).unwrap();
    if order["http2"] == true {
        upstream.protocol = UpstreamProtocol::Http2;
    }
    Options {
        listen: text("listen").unwrap().parse().unwrap(),
        upstream,
        admin: None,
        store: text("store"),
        incidents: incidents::Config::default(),
        objective: 0.999,
        command: list("command").into_iter().map(Into::into).collect(),
        port_env: "PORT".to_owned(),
        replicas: number("replicas", 1) as usize,
        health: Health {
            probe: text("health").map_or(Probe::Tcp, |path| match path.as_str() {
                "grpc" => Probe::Grpc(String::new()),
                _ => Probe::Http(path),
            }),
            interval: millis("health-interval", 60_000),
            timeout: millis("health-timeout", 20_000),
            failures: 2,
            start: millis("start", 60_000),
        },
        lifecycle: Lifecycle {
            backoff_max: millis("backoff-max", 1000),
            backoff_base: millis("backoff-base", 10),
            sound_after: millis("sound-after", 1),
            breaker_after: number("breaker-after", 10) as u32,
            breaker_pause: millis("breaker-pause", 60_000),
            drain: millis("drain", 30_000),
            kill_after: millis("kill-after", 30_000),
        },
        capture: CaptureOptions {
            dump_time: millis("dump-time", 10_000),
            dump_size: number("dump-size", 16 << 20) as usize,
            lines: 50,
        },
        proxy: ProxyOptions {
            tls: text("tls-cert").map(|cert| (cert.into(), text("tls-key").unwrap().into())),
            header_timeout: millis("header-timeout", 60_000),
            header_limit: number("header-limit", 64 << 10) as usize,
            body_limit: order["body-limit"].as_u64(),
            idle_timeout: Some(millis("idle-timeout", 60_000)),
            connections: 10_000,
            retry: if order["retry"] == "idempotency-key" {
                Retry::IdempotencyKey
            } else {
                Retry::Idempotent
            },
            retry_body: 64 << 10,
            retry_percent: 20,
            retry_rate: number("retry-rate", 1000) as u32,
            queue: number("queue", 1000) as usize,
            queue_time: millis("queue-time", 60_000),
            trusted: list("trusted").iter().map(|t| Network::parse(t).unwrap()).collect(),
            keep_headers: vec![KeptHeader::parse("x-user-id").unwrap()],
            traceparent: true,
        },
        limits: list("limits").iter().map(|l| Limit::parse(l).unwrap()).collect(),
        traceback: Some("all".to_owned()),
        findings: text("findings").map(Into::into),
        service: "service".to_owned(),
        version: None,
        scrape: None,
        otlp: text("otlp"),
        otlp_share: 0.0,
        verbose: true,
    }
}

/// A guard that runs.
pub struct Guarded {
    process: Child,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    said: Arc<Mutex<String>>,
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Guarded {
    /// With a port for each child, if `order` says no other; waits until it serves.
    pub fn start(order: Value) -> Self {
        let guarded = Self::spawn(order);
        guarded.wait_for("the first answer", || {
            guarded
                .try_send("GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .is_ok_and(|a| a.status == 200)
        });
        guarded
    }

    /// The same without waiting.
    pub fn spawn(mut order: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let ledger = folder.path().join("ledger").to_string_lossy().into_owned();
        order["listen"] = address.to_string().into();
        if order["upstream"].is_null() {
            order["upstream"] = "127.0.0.1:{port}".into();
        }
        if order["command"].is_null() {
            let mut command = vec![json!(service()), json!("-ledger"), json!(ledger)];
            let address = order["upstream"].as_str().unwrap().to_owned();
            command.extend([json!("-addr"), json!(address)]);
            command.extend(order["arguments"].as_array().cloned().unwrap_or_default());
            order["command"] = command.into();
        }
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "guarded::guard_process", "--nocapture"])
            .env(ORDER, order.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(process.stdout.take().unwrap()), Box::new(process.stderr.take().unwrap())];
        for mut stream in streams {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(n) = stream.read(&mut buffer) {
                    if n == 0 {
                        return;
                    }
                    said.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
                }
            });
        }
        Self { process, address, folder, said }
    }

    /// What it and the service have printed.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has printed something.
    #[track_caller]
    pub fn says(&self, part: &str) {
        self.wait_for(part, || self.said().contains(part));
    }

    /// Waits for something.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < end, "waited in vain for {what:?}:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends bytes and reads the answer to the end of the connection.
    pub fn try_send(&self, bytes: &str) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(bytes.as_bytes())?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        Answer::parse(&text).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }

    /// The same, which has to work.
    #[track_caller]
    pub fn send(&self, bytes: &str) -> Answer {
        self.try_send(bytes).unwrap_or_else(|e| panic!("{e}:\n{}", self.said()))
    }

    /// A request without a body.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ))
    }

    /// The child's process id.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.ask("GET", "/pid").body.parse().unwrap()
    }

    /// Sends the guard a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.process.id() as i32);
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits for the guard's end.
    #[track_caller]
    pub fn ended(&mut self) -> std::process::ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a process is there.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { unchunk(body) } else { body.to_owned() };
        Some(Self { status, head: head.to_owned(), body })
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

fn unchunk(mut text: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        if size == 0 || rest.len() < size {
            break;
        }
        out.push_str(&rest[..size]);
        text = rest[size..].trim_start_matches("\r\n");
    }
    out
}
