//! The arguments of `unpanic guard`. All are optional and plain text, so that `unpanic.toml` can
//! have each under the same name; what they mean is checked where the two are put together.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use engine::GuardConfig;

/// `unpanic guard`.
#[derive(Args, Debug)]
#[command(
    override_usage = "unpanic guard [OPTIONS] -- PROGRAM [ARGUMENTS]",
    after_help = "\
Examples:
  unpanic guard -- ./service                              each child listens on $PORT; the proxy on :8080
  unpanic guard --listen :80 -- ./service -addr 127.0.0.1:{port}    the port as an argument
  unpanic guard --upstream 127.0.0.1:9090 -- ./service    a service that always listens on 9090
  unpanic guard --replicas 3 --health /healthz -- ./service
  unpanic guard --health grpc --upstream-protocol http2 -- ./grpc-service
  unpanic check --format json > findings.json             in CI, and beside the program:
  unpanic guard --findings findings.json --store postgres://db/incidents -- ./service

Ports. With {port} in --upstream each child gets a free port of its own, in its arguments ({port}) and
its environment (PORT). At the first line of a crash the next child starts, and it serves while the old
one still writes its dump. With a fixed port the next child cannot listen before the old process is
gone: so that is killed as soon as enough of its dump was read (--dump-time).

Signals. SIGTERM and SIGINT: no new connections, requests in flight finish, the service ends. SIGHUP
and SIGUSR2: start the program anew (a new binary, say) and put it in the place of the old one without
a request refused. SIGUSR1 and SIGQUIT are passed to the service. If the guard itself is killed, the
kernel kills the service: nothing is left that serves unguarded.

Requests that a dying child leaves behind are sent to the next one if their method is idempotent and
nothing of an answer has gone out; all others get 503 with Retry-After, or UNAVAILABLE for gRPC. A
request that may have had an effect is never sent twice.

Tickets (webhook, GitHub, Alertmanager, PagerDuty) are set up in unpanic.toml under [guard.incidents]."
)]
pub struct GuardArgs {
    /// The service: program and arguments, behind `--`.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
    /// Where clients connect; :8080 by default, on all interfaces.
    #[arg(long, value_name = "ADDRESS", env = "UNPANIC_GUARD_LISTEN", help_heading = "Addresses")]
    pub listen: Option<String>,
    /// Where the service listens: HOST:PORT, or HOST:{port} for a port of its own for each child (see above). 127.0.0.1:{port} by default.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "UNPANIC_GUARD_UPSTREAM",
        help_heading = "Addresses"
    )]
    pub upstream: Option<String>,
    /// What the service speaks: auto (HTTP/2 without TLS for gRPC, HTTP/1.1 for the rest), http1 or http2.
    #[arg(
        long,
        value_name = "PROTOCOL",
        env = "UNPANIC_GUARD_UPSTREAM_PROTOCOL",
        help_heading = "Addresses"
    )]
    pub upstream_protocol: Option<String>,
    /// The environment variable with a child's own port; PORT by default.
    #[arg(long, value_name = "NAME", env = "UNPANIC_GUARD_PORT_ENV", help_heading = "Addresses")]
    pub port_env: Option<String>,
    /// Serve HTTPS with this certificate chain (PEM); HTTP/2 and HTTP/1.1 by ALPN.
    #[arg(long, value_name = "FILE", env = "UNPANIC_GUARD_TLS_CERT", help_heading = "Addresses")]
    pub tls_cert: Option<PathBuf>,
    /// The private key to --tls-cert (PEM).
    #[arg(long, value_name = "FILE", env = "UNPANIC_GUARD_TLS_KEY", help_heading = "Addresses")]
    pub tls_key: Option<PathBuf>,
    /// How many children serve at once; 1 by default. More need {port} in --upstream.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_REPLICAS", help_heading = "Children")]
    pub replicas: Option<u64>,
    /// How a child shows that it can serve: /PATH (GET, status below 400), tcp, grpc or grpc:SERVICE; tcp by default.
    #[arg(long, value_name = "CHECK", env = "UNPANIC_GUARD_HEALTH", help_heading = "Children")]
    pub health: Option<String>,
    /// How often it is asked while it serves; 5s by default.
    #[arg(
        long,
        value_name = "TIME",
        env = "UNPANIC_GUARD_HEALTH_INTERVAL",
        help_heading = "Children"
    )]
    pub health_interval: Option<String>,
    /// How long an answer may take; 2s by default.
    #[arg(
        long,
        value_name = "TIME",
        env = "UNPANIC_GUARD_HEALTH_TIMEOUT",
        help_heading = "Children"
    )]
    pub health_timeout: Option<String>,
    /// So many failures in a row and it is replaced; 3 by default.
    #[arg(
        long,
        value_name = "N",
        env = "UNPANIC_GUARD_HEALTH_FAILURES",
        help_heading = "Children"
    )]
    pub health_failures: Option<u64>,
    /// How long starting may take; 60s by default.
    #[arg(
        long,
        value_name = "TIME",
        env = "UNPANIC_GUARD_START_TIMEOUT",
        help_heading = "Children"
    )]
    pub start_timeout: Option<String>,
    /// The longest random pause before a restart, a fourth of the time that the child served at most; 10s by default.
    #[arg(long, value_name = "TIME", env = "UNPANIC_GUARD_BACKOFF_MAX", help_heading = "Children")]
    pub backoff_max: Option<String>,
    /// A child that served so long was sound: the next one starts at once; 1s by default.
    #[arg(long, value_name = "TIME", env = "UNPANIC_GUARD_SOUND_AFTER", help_heading = "Children")]
    pub sound_after: Option<String>,
    /// So many deaths in a row of children that were not sound stop the restarts; 10 by default.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_BREAKER_AFTER", help_heading = "Children")]
    pub breaker_after: Option<u64>,
    /// For so long, in which requests get 503 at once; 30s by default.
    #[arg(
        long,
        value_name = "TIME",
        env = "UNPANIC_GUARD_BREAKER_PAUSE",
        help_heading = "Children"
    )]
    pub breaker_pause: Option<String>,
    /// How long requests in flight may take when the guard or a child is stopped; 30s by default.
    #[arg(long, value_name = "TIME", env = "UNPANIC_GUARD_DRAIN", help_heading = "Children")]
    pub drain: Option<String>,
    /// How long a child may take to end after SIGTERM; 10s by default.
    #[arg(long, value_name = "TIME", env = "UNPANIC_GUARD_KILL_AFTER", help_heading = "Children")]
    pub kill_after: Option<String>,
    /// Limit the service's process: files=N, memory=SIZE, core=SIZE, processes=N, file-size=SIZE. May be given several times.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        env = "UNPANIC_GUARD_LIMIT",
        help_heading = "Children",
        value_delimiter = ','
    )]
    pub limit: Vec<String>,
    /// GOTRACEBACK for the service, unless it is set: all by default, so that a dump has all goroutines; inherit leaves it alone.
    #[arg(long, value_name = "LEVEL", env = "UNPANIC_GUARD_TRACEBACK", help_heading = "Children")]
    pub traceback: Option<String>,
    /// What is sent again when a child dies under it: never, safe, idempotent (RFC 9110, section 9.2.2; the default), or idempotency-key (those and what carries that header).
    #[arg(long, value_name = "WHICH", env = "UNPANIC_GUARD_RETRY", help_heading = "Requests")]
    pub retry: Option<String>,
    /// Bodies up to this size are kept for that; 64K by default.
    #[arg(long, value_name = "SIZE", env = "UNPANIC_GUARD_RETRY_BODY", help_heading = "Requests")]
    pub retry_body: Option<String>,
    /// So many percent of requests may be sent again; 20 by default.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_RETRY_PERCENT", help_heading = "Requests")]
    pub retry_percent: Option<u64>,
    /// And so many a second besides; 10 by default.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_RETRY_RATE", help_heading = "Requests")]
    pub retry_rate: Option<u64>,
    /// So many requests wait while no child is ready; 1000 by default.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_QUEUE", help_heading = "Requests")]
    pub queue: Option<u64>,
    /// For so long; 10s by default.
    #[arg(long, value_name = "TIME", env = "UNPANIC_GUARD_QUEUE_TIME", help_heading = "Requests")]
    pub queue_time: Option<String>,
    /// How long a client may take to send a header section; 30s by default.
    #[arg(
        long,
        value_name = "TIME",
        env = "UNPANIC_GUARD_HEADER_TIMEOUT",
        help_heading = "Requests"
    )]
    pub header_timeout: Option<String>,
    /// How large it may be; 64K by default.
    #[arg(
        long,
        value_name = "SIZE",
        env = "UNPANIC_GUARD_HEADER_LIMIT",
        help_heading = "Requests"
    )]
    pub header_limit: Option<String>,
    /// How large a request's body may be; without a limit by default.
    #[arg(long, value_name = "SIZE", env = "UNPANIC_GUARD_BODY_LIMIT", help_heading = "Requests")]
    pub body_limit: Option<String>,
    /// How long a request's body may stand still, except gRPC's; 60s by default.
    #[arg(
        long,
        value_name = "TIME",
        env = "UNPANIC_GUARD_BODY_TIMEOUT",
        help_heading = "Requests"
    )]
    pub body_timeout: Option<String>,
    /// How many connections may be open at once; 10000 by default.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_CONNECTIONS", help_heading = "Requests")]
    pub connections: Option<u64>,
    /// Believe the forwarding headers of this address or network; those of others are replaced. May be given several times.
    #[arg(
        long,
        value_name = "NETWORK",
        env = "UNPANIC_GUARD_TRUST_PROXY",
        help_heading = "Requests",
        value_delimiter = ','
    )]
    pub trust_proxy: Vec<String>,
    /// Make a traceparent header where a request has none; true by default.
    #[arg(long, value_name = "BOOL", env = "UNPANIC_GUARD_TRACEPARENT", help_heading = "Requests", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub traceparent: Option<bool>,
    /// How long a dying child may write its dump: 700ms by default, 150ms with a fixed port, which is free only when it has ended.
    #[arg(long, value_name = "TIME", env = "UNPANIC_GUARD_DUMP_TIME", help_heading = "Crashes")]
    pub dump_time: Option<String>,
    /// How much of it is read; 16M by default.
    #[arg(long, value_name = "SIZE", env = "UNPANIC_GUARD_DUMP_SIZE", help_heading = "Crashes")]
    pub dump_size: Option<String>,
    /// So many lines before a crash are kept; 50 by default.
    #[arg(long, value_name = "N", env = "UNPANIC_GUARD_LOG_LINES", help_heading = "Crashes")]
    pub log_lines: Option<u64>,
    /// Incidents carry this header of the request, hashed unless =plain says otherwise. May be given several times.
    #[arg(
        long,
        value_name = "NAME[=plain]",
        env = "UNPANIC_GUARD_KEEP_HEADER",
        help_heading = "Crashes",
        value_delimiter = ','
    )]
    pub keep_header: Vec<String>,
    /// What `unpanic check --format json` printed for this build: crashes are joined with it.
    #[arg(long, value_name = "FILE", env = "UNPANIC_GUARD_FINDINGS", help_heading = "Crashes")]
    pub findings: Option<PathBuf>,
    /// The service's name in incidents; its program's by default.
    #[arg(long, value_name = "NAME", env = "UNPANIC_GUARD_SERVICE", help_heading = "Crashes")]
    pub service: Option<String>,
    /// Its version; read from the program's build information by default.
    #[arg(
        long,
        value_name = "VERSION",
        env = "UNPANIC_GUARD_SERVICE_VERSION",
        help_heading = "Crashes"
    )]
    pub service_version: Option<String>,
    /// Where incidents are kept: a file, postgres://…, or none; unpanic-incidents.db by default.
    #[arg(long, value_name = "PLACE", env = "UNPANIC_GUARD_STORE", help_heading = "Crashes")]
    pub store: Option<String>,
    /// Serve the web page and /metrics here; 127.0.0.1:9091 by default, none for no page.
    #[arg(long, value_name = "ADDRESS", env = "UNPANIC_GUARD_ADMIN", help_heading = "Watching")]
    pub admin: Option<String>,
    /// The file with the token that opens the page. UNPANIC_GUARD_ADMIN_TOKEN is the token itself; one is made and printed without either.
    #[arg(
        long,
        value_name = "FILE",
        env = "UNPANIC_GUARD_ADMIN_TOKEN_FILE",
        help_heading = "Watching"
    )]
    pub admin_token_file: Option<PathBuf>,
    /// A name under which the page is reached, beside localhost and addresses. May be given several times.
    #[arg(
        long,
        value_name = "NAME",
        env = "UNPANIC_GUARD_ADMIN_HOST",
        help_heading = "Watching",
        value_delimiter = ','
    )]
    pub admin_host: Vec<String>,
    /// Browsers reach the page by HTTPS, through a proxy: its cookie is for HTTPS only.
    #[arg(long, value_name = "BOOL", env = "UNPANIC_GUARD_ADMIN_HTTPS", help_heading = "Watching", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub admin_https: Option<bool>,
    /// Whether /metrics needs no token; true by default.
    #[arg(long, value_name = "BOOL", env = "UNPANIC_GUARD_OPEN_METRICS", help_heading = "Watching", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub open_metrics: Option<bool>,
    /// The part of all requests that is to be good, for the error budget; 0.999 by default.
    #[arg(long, value_name = "PART", env = "UNPANIC_GUARD_OBJECTIVE", help_heading = "Watching")]
    pub objective: Option<String>,
    /// A page of the service with its goroutines and memory: Prometheus text or expvar, such as /metrics or /debug/vars.
    #[arg(long, value_name = "PATH", env = "UNPANIC_GUARD_SCRAPE", help_heading = "Watching")]
    pub scrape: Option<String>,
    /// Send crashes as log records and requests as spans to this OTLP/HTTP collector, such as http://127.0.0.1:4318.
    #[arg(long, value_name = "URL", env = "UNPANIC_GUARD_OTLP", help_heading = "Watching")]
    pub otlp: Option<String>,
    /// Of the requests without a traceparent so many percent become spans; 5 by default. Those that met trouble always do.
    #[arg(
        long,
        value_name = "PERCENT",
        env = "UNPANIC_GUARD_OTLP_SHARE",
        help_heading = "Watching"
    )]
    pub otlp_share: Option<u8>,
    /// Say on standard error what the guard does.
    #[arg(long, short, env = "UNPANIC_GUARD_VERBOSE", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = "Watching")]
    pub verbose: Option<bool>,
}

impl GuardArgs {
    /// Where a flag is not given, the file's value.
    pub fn or(self, file: &GuardConfig) -> GuardConfig {
        let list = |flag: Vec<String>, file: &Option<Vec<String>>| {
            if flag.is_empty() { file.clone() } else { Some(flag) }
        };
        GuardConfig {
            listen: self.listen.or_else(|| file.listen.clone()),
            upstream: self.upstream.or_else(|| file.upstream.clone()),
            upstream_protocol: self.upstream_protocol.or_else(|| file.upstream_protocol.clone()),
            port_env: self.port_env.or_else(|| file.port_env.clone()),
            tls_cert: self.tls_cert.or_else(|| file.tls_cert.clone()),
            tls_key: self.tls_key.or_else(|| file.tls_key.clone()),
            replicas: self.replicas.or(file.replicas),
            health: self.health.or_else(|| file.health.clone()),
            health_interval: self.health_interval.or_else(|| file.health_interval.clone()),
            health_timeout: self.health_timeout.or_else(|| file.health_timeout.clone()),
            health_failures: self.health_failures.or(file.health_failures),
            start_timeout: self.start_timeout.or_else(|| file.start_timeout.clone()),
            backoff_max: self.backoff_max.or_else(|| file.backoff_max.clone()),
            sound_after: self.sound_after.or_else(|| file.sound_after.clone()),
            breaker_after: self.breaker_after.or(file.breaker_after),
            breaker_pause: self.breaker_pause.or_else(|| file.breaker_pause.clone()),
            drain: self.drain.or_else(|| file.drain.clone()),
            kill_after: self.kill_after.or_else(|| file.kill_after.clone()),
            limit: list(self.limit, &file.limit),
            traceback: self.traceback.or_else(|| file.traceback.clone()),
            retry: self.retry.or_else(|| file.retry.clone()),
            retry_body: self.retry_body.or_else(|| file.retry_body.clone()),
            retry_percent: self.retry_percent.or(file.retry_percent),
            retry_rate: self.retry_rate.or(file.retry_rate),
            queue: self.queue.or(file.queue),
            queue_time: self.queue_time.or_else(|| file.queue_time.clone()),
            header_timeout: self.header_timeout.or_else(|| file.header_timeout.clone()),
            header_limit: self.header_limit.or_else(|| file.header_limit.clone()),
            body_limit: self.body_limit.or_else(|| file.body_limit.clone()),
            body_timeout: self.body_timeout.or_else(|| file.body_timeout.clone()),
            connections: self.connections.or(file.connections),
            trust_proxy: list(self.trust_proxy, &file.trust_proxy),
            traceparent: self.traceparent.or(file.traceparent),
            dump_time: self.dump_time.or_else(|| file.dump_time.clone()),
            dump_size: self.dump_size.or_else(|| file.dump_size.clone()),
            log_lines: self.log_lines.or(file.log_lines),
            keep_header: list(self.keep_header, &file.keep_header),
            findings: self.findings.or_else(|| file.findings.clone()),
            service: self.service.or_else(|| file.service.clone()),
            service_version: self.service_version.or_else(|| file.service_version.clone()),
            store: self.store.or_else(|| file.store.clone()),
            admin: self.admin.or_else(|| file.admin.clone()),
            admin_token_file: self.admin_token_file.or_else(|| file.admin_token_file.clone()),
            admin_host: list(self.admin_host, &file.admin_host),
            admin_https: self.admin_https.or(file.admin_https),
            open_metrics: self.open_metrics.or(file.open_metrics),
            objective: self.objective.or_else(|| file.objective.clone()),
            scrape: self.scrape.or_else(|| file.scrape.clone()),
            otlp: self.otlp.or_else(|| file.otlp.clone()),
            otlp_share: self.otlp_share.or(file.otlp_share),
            incidents: file.incidents.clone(),
        }
    }
}
