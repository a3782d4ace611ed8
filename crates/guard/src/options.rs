//! What the guard is told, already typed: the command line of the binary and `unpanic.toml` become
//! this. Also how addresses are written, which both share.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};

/// Everything that decides what the guard does.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where the service listens.
    pub upstream: Upstream,
    /// The page and the metrics; none without it.
    pub admin: Option<AdminOptions>,
    /// Where incidents are kept: a file, or the URL of a PostgreSQL database. Nowhere without it.
    pub store: Option<String>,
    /// How long they are kept, and where tickets go.
    pub incidents: incidents::Config,
    /// Which part of all requests is to be good, for the error budget: 0.999.
    pub objective: f64,
    /// Program and arguments; `{port}` in them is replaced.
    pub command: Vec<OsString>,
    /// The variable that tells the service its port, when each child has its own.
    pub port_env: String,
    /// How many children serve at once.
    pub replicas: usize,
    /// How a child shows that it can serve.
    pub health: Health,
    /// How it is restarted and stopped.
    pub lifecycle: Lifecycle,
    /// What the proxy allows and adds.
    pub proxy: ProxyOptions,
    /// How much of what the service prints is read and kept.
    pub capture: CaptureOptions,
    /// Limits of the service's process: resource and value, as `setrlimit(2)` takes them.
    pub limits: Vec<(Limit, u64)>,
    /// `GOTRACEBACK` for the service unless its environment has one; `None` leaves it alone.
    pub traceback: Option<String>,
    /// What `unpanic check --format json` printed for this build.
    pub findings: Option<PathBuf>,
    /// The name of the service in incidents.
    pub service: String,
    /// Its version; read from the binary's build information when not given.
    pub version: Option<String>,
    /// A page of the child that tells its goroutines and memory: a path such as `/metrics`
    /// (Prometheus) or `/debug/vars` (expvar).
    pub scrape: Option<String>,
    /// The base address of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`.
    pub otlp: Option<String>,
    /// Of the requests whose client did not decide, the share that becomes spans there, from 0 to 1. Those that met
    /// trouble always do.
    pub otlp_share: f64,
    /// Say on standard error what the guard does.
    pub verbose: bool,
}

/// The admin address.
#[derive(Clone)]
pub struct AdminOptions {
    /// Where it listens.
    pub address: SocketAddr,
    /// The token that opens the page; one is made and printed without it.
    pub token: Option<String>,
    /// Names under which it is reached, beside `localhost` and addresses.
    pub hosts: Vec<String>,
    /// Whether `/metrics` needs no token.
    pub open_metrics: bool,
    /// Whether browsers reach it by HTTPS, through a proxy.
    pub secure: bool,
}

impl std::fmt::Debug for AdminOptions {
    // The token is nobody's to read.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminOptions").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Where the service listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upstream {
    /// The host.
    pub host: IpAddr,
    /// The port; `None` gives each child its own.
    pub port: Option<u16>,
    /// What it speaks.
    pub protocol: UpstreamProtocol,
}

/// What the service speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UpstreamProtocol {
    /// HTTP/2 without TLS for gRPC, HTTP/1.1 for the rest.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 without TLS only, with prior knowledge (RFC 9113, section 3.3).
    Http2,
}

/// How a child shows that it can serve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    /// What is asked.
    pub probe: Probe,
    /// How often, once it serves. While it starts it is asked every few milliseconds.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// So many failures in a row and the child is replaced.
    pub failures: u32,
    /// How long it may take to start.
    pub start: Duration,
}

/// A health check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probe {
    /// The port accepts connections.
    Tcp,
    /// `GET` of this path gives a status below 400.
    Http(String),
    /// `grpc.health.v1.Health/Check` of this service says SERVING; empty for the whole server.
    Grpc(String),
}

/// How children come and go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lifecycle {
    /// The longest pause before a restart, in the mean, of exponential backoff with full jitter.
    pub backoff_max: Duration,
    /// The unit of that backoff: the second restart in a row waits at most so long.
    pub backoff_base: Duration,
    /// A child that served so long counts as sound: the backoff starts anew.
    pub sound_after: Duration,
    /// So many deaths in a row of children that were not sound open the breaker.
    pub breaker_after: u32,
    /// How long the breaker stays open: requests are refused at once and nothing is started.
    pub breaker_pause: Duration,
    /// How long requests in flight may take when the guard or a child is stopped.
    pub drain: Duration,
    /// How long a child may take to end after SIGTERM, before SIGKILL.
    pub kill_after: Duration,
}

/// What the proxy allows and adds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyOptions {
    /// Certificate chain and key, PEM; plain text without.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How long a client may take to send a request's header section, and to start the next request.
    pub header_timeout: Duration,
    /// How large a header section may be, in bytes.
    pub header_limit: usize,
    /// How large a request's body may be, in bytes.
    pub body_limit: Option<u64>,
    /// How long a body may stand still, in either direction, before the request is given up; none for
    /// long polls and streams without end.
    pub idle_timeout: Option<Duration>,
    /// How many connections may be open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Which requests may be sent a second time when the child dies under them.
    pub retry: Retry,
    /// Bodies up to so many bytes are kept for that.
    pub retry_body: usize,
    /// The share of requests that may be retried, in percent.
    pub retry_percent: u32,
    /// And so many a second besides.
    pub retry_rate: u32,
    /// How many requests wait while no child is ready.
    pub queue: usize,
    /// How long they wait.
    pub queue_time: Duration,
    /// Whose forwarding headers are believed.
    pub trusted: Vec<Network>,
    /// Which headers incidents carry, and how.
    pub keep_headers: Vec<KeptHeader>,
    /// Make a `traceparent` where there is none.
    pub traceparent: bool,
}

/// Which requests are replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Retry {
    /// None.
    Never,
    /// Safe methods (RFC 9110, section 9.2.1).
    Safe,
    /// Idempotent methods (RFC 9110, section 9.2.2).
    #[default]
    Idempotent,
    /// Those, and whatever carries an `Idempotency-Key`.
    IdempotencyKey,
}

/// Addresses with a common prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A header that incidents carry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptHeader {
    /// Its name.
    pub name: http::HeaderName,
    /// Whether its value is replaced by a hash.
    pub hashed: bool,
}

/// How much of what the service prints is read and kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptureOptions {
    /// How long a dying child may write its dump.
    pub dump_time: Duration,
    /// How many bytes of it are read.
    pub dump_size: usize,
    /// How many log lines before a crash are kept.
    pub lines: usize,
}

/// What a process may be limited in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Open files.
    Files,
    /// Bytes of memory that it may write (`RLIMIT_DATA`); `GOMEMLIMIT` is set to nine tenths of it.
    Memory,
    /// Bytes of a core file.
    Core,
    /// Processes and threads of the user.
    Processes,
    /// Bytes of a file that it writes.
    FileSize,
}

impl Upstream {
    /// Reads `HOST:PORT`, where `PORT` may be `{port}`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::Option(format!(
                "--upstream: expected HOST:PORT or HOST:{{port}}, as in 127.0.0.1:9090, found {text:?}"
            ))
        };
        let text_host = text.strip_suffix(":{port}");
        let address = match text_host {
            Some(host) => resolve(&format!("{host}:0")).ok_or_else(wrong)?,
            None => resolve(text).ok_or_else(wrong)?,
        };
        if text_host.is_none() && address.port() == 0 {
            return Err(wrong());
        }
        Ok(Self {
            host: if address.ip().is_unspecified() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                address.ip()
            },
            port: text_host.is_none().then_some(address.port()),
            protocol: UpstreamProtocol::Auto,
        })
    }
}

/// An address to listen on: `HOST:PORT`, or `:PORT` for all interfaces, IPv6 with IPv4.
pub fn listen_address(option: &str, text: &str) -> Result<SocketAddr> {
    resolve(text).ok_or_else(|| {
        Error::Option(format!(
            "{option}: expected HOST:PORT or :PORT, as in 127.0.0.1:8080 or :8080, found {text:?}"
        ))
    })
}

fn resolve(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix(':') {
        return Some((Ipv6Addr::UNSPECIFIED, port.parse().ok()?).into());
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let found: Vec<SocketAddr> = text.to_socket_addrs().ok()?.collect();
    found.iter().find(|a| a.is_ipv4()).or(found.first()).copied()
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::Option(format!(
                "--trust-proxy: expected an address or a network such as 10.0.0.0/8, found {text:?}"
            ))
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        if bits > all {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let shift = width - u32::from(self.bits);
            shift >= width || a >> shift == b >> shift
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl KeptHeader {
    /// Reads `NAME` (its value is hashed) or `NAME=plain`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::Option(format!(
                "--keep-header: expected NAME, NAME=hash or NAME=plain, found {text:?}"
            ))
        };
        let (name, rule) = text.split_once('=').unwrap_or((text, "hash"));
        let name = http::HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
        let hashed = match rule {
            "hash" => true,
            "plain" => false,
            _ => return Err(wrong()),
        };
        Ok(Self { name, hashed })
    }
}

impl Limit {
    /// Reads `NAME=VALUE`; sizes may end in K, M or G (1024).
    pub fn parse(text: &str) -> Result<(Self, u64)> {
        let wrong = || {
            Error::Option(format!(
                "--limit: expected files=N, memory=SIZE, core=SIZE, processes=N or file-size=SIZE, as in \
                 memory=512M, found {text:?}"
            ))
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let limit = match name {
            "files" => Self::Files,
            "memory" => Self::Memory,
            "core" => Self::Core,
            "processes" => Self::Processes,
            "file-size" => Self::FileSize,
            _ => return Err(wrong()),
        };
        Ok((limit, size(value).ok_or_else(wrong)?))
    }
}

/// A number of bytes: digits, then perhaps K, M or G (1024), with or without `iB` or `B`.
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches("iB").trim_end_matches('B');
    let (digits, shift) = match text.chars().next_back()? {
        'K' | 'k' => (&text[..text.len() - 1], 10),
        'M' => (&text[..text.len() - 1], 20),
        'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

impl Options {
    /// Refuses what does not go together.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: &str| Err(Error::Option(text.to_owned()));
        if self.command.is_empty() {
            return wrong(
                "no service to run: give it behind `--`, as in `unpanic guard … -- ./service`",
            );
        }
        if self.replicas == 0 {
            return wrong("--replicas: expected at least 1");
        }
        if self.replicas > 1 && self.upstream.port.is_some() {
            return wrong(
                "--replicas needs a port for each child: give --upstream 127.0.0.1:{port} and let the \
                 service listen on the port in its arguments ({port}) or environment (PORT)",
            );
        }
        if let Some(port) = self.upstream.port
            && self.listen.port() == port
            && (self.listen.ip().is_unspecified() || self.listen.ip() == self.upstream.host)
        {
            return wrong("--listen and --upstream are one address: the service must have its own");
        }
        if self.admin.is_some() && self.store.is_none() {
            return wrong("--admin shows incidents: it needs a store, and --store is none");
        }
        if !(0.0..1.0).contains(&self.objective) {
            return wrong("--objective: expected a part of all requests below 1, as in 0.999");
        }
        if self.proxy.header_limit < 8192 {
            return wrong("--header-limit: expected at least 8192 bytes");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let all = listen_address("--listen", ":8080").unwrap();
        assert!(all.ip().is_unspecified() && all.port() == 8080);
        assert!(listen_address("--listen", "nonsense").is_err());
        assert_eq!(Upstream::parse("127.0.0.1:{port}").unwrap().port, None);
        assert_eq!(Upstream::parse("127.0.0.1:90").unwrap().port, Some(90));
        assert!(Upstream::parse("127.0.0.1:0").is_err());
        assert!(Upstream::parse("127.0.0.1").is_err());
    }

    #[test]
    fn networks() {
        let ten = Network::parse("10.0.0.0/8").unwrap();
        assert!(ten.contains("10.1.2.3".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!ten.contains("11.1.2.3".parse().unwrap()));
        assert!(Network::parse("::/0").unwrap().contains("fe80::1".parse().unwrap()));
        assert!(Network::parse("1.2.3.4/33").is_err());
        assert!(Network::parse("1.2.3.4").unwrap().contains("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn sizes() {
        assert_eq!(size("512M"), Some(512 << 20));
        assert_eq!(size("1GiB"), Some(1 << 30));
        assert_eq!(size("17"), Some(17));
        assert_eq!(size("x"), None);
        assert_eq!(size("99999999999G"), None);
        assert_eq!(Limit::parse("files=10").unwrap(), (Limit::Files, 10));
        assert!(Limit::parse("files").is_err());
    }
}
