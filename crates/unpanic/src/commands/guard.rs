//! `unpanic guard`: options out of flags and `unpanic.toml`, then the guard runs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use diag::ExitClass;
use engine::GuardConfig;
use guard::options::{
    AdminOptions, CaptureOptions, Health, KeptHeader, Lifecycle, Limit, Network, Probe,
    ProxyOptions, Retry, Upstream, UpstreamProtocol, listen_address, size,
};
use guard::{Error, Options};

use crate::app::App;
use crate::cli::GuardArgs;
use crate::output;

/// Runs a service until the guard is told to stop.
pub fn run(app: &App, mut args: GuardArgs) -> anyhow::Result<ExitClass> {
    let command = std::mem::take(&mut args.command);
    let verbose = args.verbose.unwrap_or(false);
    let config = args.or(&app.config.guard);
    let mut options = options(&config, command)?;
    options.verbose = verbose;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("guard")
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(guard::run(options));
    // Whatever still hangs (a name that is being looked up, say) does not keep the guard alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => Ok(ExitClass::Clean),
        Err(error @ Error::Option(_)) => Err(error.into()),
        Err(error) => {
            eprintln!("error: {}", output::error_text(&error.into()));
            Ok(ExitClass::Input)
        }
    }
}

fn options(config: &GuardConfig, command: Vec<std::ffi::OsString>) -> anyhow::Result<Options> {
    let mut upstream = Upstream::parse(config.upstream.as_deref().unwrap_or("127.0.0.1:{port}"))?;
    upstream.protocol = match config.upstream_protocol.as_deref() {
        None | Some("auto") => UpstreamProtocol::Auto,
        Some("http1") => UpstreamProtocol::Http1,
        Some("http2") => UpstreamProtocol::Http2,
        Some(other) => bail!("--upstream-protocol: expected auto, http1 or http2, found {other:?}"),
    };
    let program = command.first().map(|program| Path::new(program).to_owned());
    let named = program.as_deref().and_then(Path::file_name);
    let service = named.map_or_else(|| "service".to_owned(), |n| n.to_string_lossy().into_owned());
    let dump = if upstream.port.is_some() { "150ms" } else { "700ms" };
    Ok(Options {
        listen: listen_address("--listen", config.listen.as_deref().unwrap_or(":8080"))?,
        upstream,
        admin: admin(config)?,
        store: match config.store.as_deref() {
            Some("none") => None,
            place => Some(place.unwrap_or("unpanic-incidents.db").to_owned()),
        },
        incidents: match &config.incidents {
            Some(table) => toml::from_str(&table.0)
                .map_err(|e| anyhow::anyhow!("[guard.incidents]: {}", e.message()))?,
            None => incidents::Config::default(),
        },
        objective: match config.objective.as_deref() {
            Some(text) => text.parse().ok().with_context(|| {
                format!("--objective: expected a part of all requests, as in 0.999, found {text:?}")
            })?,
            None => 0.999,
        },
        command,
        port_env: config.port_env.clone().unwrap_or_else(|| "PORT".to_owned()),
        replicas: number("--replicas", config.replicas, 1)?,
        health: health(config)?,
        lifecycle: Lifecycle {
            backoff_max: time("--backoff-max", config.backoff_max.as_ref(), "10s")?,
            backoff_base: Duration::from_millis(100),
            sound_after: time("--sound-after", config.sound_after.as_ref(), "1s")?,
            breaker_after: number("--breaker-after", config.breaker_after, 10)?,
            breaker_pause: time("--breaker-pause", config.breaker_pause.as_ref(), "30s")?,
            drain: time("--drain", config.drain.as_ref(), "30s")?,
            kill_after: time("--kill-after", config.kill_after.as_ref(), "10s")?,
        },
        proxy: proxy(config)?,
        capture: CaptureOptions {
            dump_time: time("--dump-time", config.dump_time.as_ref(), dump)?,
            dump_size: bytes("--dump-size", config.dump_size.as_ref(), "16M")? as usize,
            lines: number("--log-lines", config.log_lines, 50)?,
        },
        limits: all(config.limit.as_ref(), |text| Limit::parse(text))?,
        traceback: match config.traceback.as_deref() {
            Some("inherit") => None,
            level => Some(level.unwrap_or("all").to_owned()),
        },
        findings: config.findings.clone(),
        service: config.service.clone().unwrap_or(service),
        version: config.service_version.clone(),
        scrape: config.scrape.clone(),
        otlp: config.otlp.clone(),
        otlp_share: f64::from(config.otlp_share.unwrap_or(5).min(100)) / 100.0,
        verbose: false,
    })
}

fn admin(config: &GuardConfig) -> anyhow::Result<Option<AdminOptions>> {
    let address = match config.admin.as_deref() {
        Some("none") => return Ok(None),
        // Without a store there is nothing to show but the metrics, which the page serves.
        None if config.store.as_deref() == Some("none") => return Ok(None),
        address => listen_address("--admin", address.unwrap_or("127.0.0.1:9091"))?,
    };
    let token = match &config.admin_token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("--admin-token-file: cannot read {}", path.display()))?;
            Some(text.trim().to_owned())
        }
        None => std::env::var("UNPANIC_GUARD_ADMIN_TOKEN").ok().filter(|token| !token.is_empty()),
    };
    if token.as_ref().is_some_and(|token| token.chars().count() < guard::admin::MIN_TOKEN) {
        bail!(
            "the token of the admin page has to have at least {} characters",
            guard::admin::MIN_TOKEN
        );
    }
    Ok(Some(AdminOptions {
        address,
        token,
        hosts: config.admin_host.clone().unwrap_or_default(),
        open_metrics: config.open_metrics.unwrap_or(true),
        secure: config.admin_https.unwrap_or(false),
    }))
}

fn health(config: &GuardConfig) -> anyhow::Result<Health> {
    let probe = match config.health.as_deref() {
        None | Some("tcp") => Probe::Tcp,
        Some("grpc") => Probe::Grpc(String::new()),
        Some(path) if path.starts_with('/') => Probe::Http(path.to_owned()),
        Some(other) => match other.strip_prefix("grpc:") {
            Some(service) => Probe::Grpc(service.to_owned()),
            None => bail!("--health: expected /PATH, tcp, grpc or grpc:SERVICE, found {other:?}"),
        },
    };
    Ok(Health {
        probe,
        interval: time("--health-interval", config.health_interval.as_ref(), "5s")?,
        timeout: time("--health-timeout", config.health_timeout.as_ref(), "2s")?,
        failures: number("--health-failures", config.health_failures, 3)?,
        start: time("--start-timeout", config.start_timeout.as_ref(), "60s")?,
    })
}

fn proxy(config: &GuardConfig) -> anyhow::Result<ProxyOptions> {
    let tls = match (&config.tls_cert, &config.tls_key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        (None, None) => None,
        (Some(_), None) => bail!("--tls-cert needs --tls-key"),
        (None, Some(_)) => bail!("--tls-key needs --tls-cert"),
    };
    let retry = match config.retry.as_deref() {
        Some("never") => Retry::Never,
        Some("safe") => Retry::Safe,
        None | Some("idempotent") => Retry::Idempotent,
        Some("idempotency-key") => Retry::IdempotencyKey,
        Some(other) => {
            bail!("--retry: expected never, safe, idempotent or idempotency-key, found {other:?}")
        }
    };
    let body_limit = config.body_limit.as_ref();
    Ok(ProxyOptions {
        tls,
        header_timeout: time("--header-timeout", config.header_timeout.as_ref(), "30s")?,
        header_limit: bytes("--header-limit", config.header_limit.as_ref(), "64K")? as usize,
        body_limit: body_limit.map(|text| bytes("--body-limit", Some(text), "")).transpose()?,
        idle_timeout: Some(time("--body-timeout", config.body_timeout.as_ref(), "60s")?),
        connections: number("--connections", config.connections, 10_000)?,
        retry,
        retry_body: bytes("--retry-body", config.retry_body.as_ref(), "64K")? as usize,
        retry_percent: number("--retry-percent", config.retry_percent, 20)?,
        retry_rate: number("--retry-rate", config.retry_rate, 10)?,
        queue: number("--queue", config.queue, 1000)?,
        queue_time: time("--queue-time", config.queue_time.as_ref(), "10s")?,
        trusted: all(config.trust_proxy.as_ref(), |text| Network::parse(text))?,
        keep_headers: all(config.keep_header.as_ref(), |text| KeptHeader::parse(text))?,
        traceparent: config.traceparent.unwrap_or(true),
    })
}

fn all<T>(
    texts: Option<&Vec<String>>,
    parse: impl Fn(&str) -> guard::Result<T>,
) -> anyhow::Result<Vec<T>> {
    Ok(texts.into_iter().flatten().map(|text| parse(text)).collect::<guard::Result<_>>()?)
}

fn number<T: TryFrom<u64>>(flag: &str, given: Option<u64>, default: u64) -> anyhow::Result<T> {
    let number = given.unwrap_or(default);
    let number = T::try_from(number).ok();
    number.with_context(|| format!("{flag}: the number is too large"))
}

fn bytes(flag: &str, text: Option<&String>, default: &str) -> anyhow::Result<u64> {
    let text = text.map_or(default, String::as_str);
    size(text).with_context(|| {
        format!("{flag}: expected a number of bytes, as in 4096, 64K or 16M, found {text:?}")
    })
}

/// `90s`, `500ms`, `2m`.
fn time(flag: &str, text: Option<&String>, default: &str) -> anyhow::Result<Duration> {
    let text = text.map_or(default, String::as_str);
    let nanoseconds = crate::cli_trace::duration(text).map_err(|_| {
        anyhow::anyhow!("{flag}: expected a time, as in 500ms, 10s or 2m, found {text:?}")
    })?;
    Ok(Duration::from_nanos(nanoseconds.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_make_sense_and_what_does_not_is_named() {
        let words = || vec!["./service".into()];
        let options = options(&GuardConfig::default(), words()).unwrap();
        options.check().unwrap();
        assert_eq!((options.service.as_str(), options.upstream.port), ("service", None));
        let wrong = |change: fn(&mut GuardConfig)| {
            let mut config = GuardConfig::default();
            change(&mut config);
            format!("{:#}", super::options(&config, words()).unwrap_err())
        };
        assert!(wrong(|c| c.drain = Some("5".into())).contains("--drain: expected a time"));
        assert!(wrong(|c| c.health = Some("up".into())).contains("--health: expected /PATH"));
        assert!(wrong(|c| c.body_limit = Some("big".into())).contains("--body-limit"));
        assert!(wrong(|c| c.tls_cert = Some("a".into())).contains("--tls-key"));
        assert!(wrong(|c| c.limit = Some(vec!["x".into()])).contains("--limit"));
    }

    #[test]
    fn the_fixed_port_gets_a_short_dump() {
        let config =
            GuardConfig { upstream: Some("127.0.0.1:9090".into()), ..GuardConfig::default() };
        let options = options(&config, vec!["x".into()]).unwrap();
        assert_eq!(options.capture.dump_time, Duration::from_millis(150));
    }
}
