//! What watches a service: Prometheus rules with their tests, Alertmanager routes, a Grafana dashboard,
//! Kubernetes manifests, a Dockerfile. All values come from the service's objectives. The metrics are
//! those that `unpanic guard` and the scaffolded `recovery` expose.

use std::path::Path;
use std::time::Duration;

use source::System;

use crate::fill::fill;
use crate::{Error, Module, PlannedFile};

/// Upper bounds of guard's `guard_request_duration_seconds`, in seconds: a latency objective has to be
/// one of them, for nothing in between is counted.
pub const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Percent of requests. At less than this, 14.4 times the error budget is more than all requests, and
/// the alert could never fire.
const LOWEST_OBJECTIVE: f64 = 93.1;
/// Above, the tests of the rules would need fractions of a request.
const HIGHEST_OBJECTIVE: f64 = 99.999;
/// What a service's name leaves of the 63 characters of a DNS label (RFC 1123, section 2.1) to what
/// Kubernetes appends for pods.
const LONGEST_NAME: usize = 46;
/// The longest identifier that Grafana takes, less the prefix.
const LONGEST_ID: usize = 40 - "unpanic-".len();

/// A group of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// Prometheus recording and alerting rules, and their unit tests.
    Rules,
    /// Alertmanager routes.
    Alertmanager,
    /// A Grafana dashboard.
    Grafana,
    /// Kubernetes manifests.
    Kubernetes,
    /// A Dockerfile.
    Docker,
}

/// What the files are made from.
#[derive(Clone, PartialEq, Debug)]
pub struct Values {
    /// The service's name: the job of its metrics, the name of its workloads.
    pub service: String,
    /// Percent of requests that do not fail.
    pub objective: f64,
    /// What counts as a fast answer.
    pub latency: Duration,
    /// Percent of requests that are answered as fast.
    pub latency_objective: f64,
    /// More goroutines than this for five minutes are a leak.
    pub goroutines: u32,
    /// The container image; the service's name with the tag `latest` if none.
    pub image: Option<String>,
    /// The service's health page.
    pub health_path: String,
}

struct File {
    group: Group,
    name: &'static str,
    purpose: &'static str,
    template: &'static str,
}

macro_rules! file {
    ($name:literal, $group:ident, $purpose:literal) => {
        File {
            group: Group::$group,
            name: $name,
            purpose: $purpose,
            template: include_str!(concat!("../templates/monitoring/", $name)),
        }
    };
}

const FILES: &[File] = &[
    file!("prometheus/rules.yml", Rules, "recording rules and alerts for Prometheus"),
    file!("prometheus/rules_test.yml", Rules, "their tests: promtool test rules rules_test.yml"),
    file!(
        "alertmanager/alertmanager.yml",
        Alertmanager,
        "routes: pages at once, tickets collected"
    ),
    file!("grafana/dashboard.json", Grafana, "dashboard: objectives, panics, recovery"),
    file!("kubernetes/deployment.yaml", Kubernetes, "the service behind guard, with probes"),
    file!("kubernetes/service.yaml", Kubernetes, "where clients come in"),
    file!("kubernetes/pdb.yaml", Kubernetes, "PodDisruptionBudget"),
    file!("kubernetes/podmonitor.yaml", Kubernetes, "what the Prometheus operator scrapes"),
    file!("kubernetes/kustomization.yaml", Kubernetes, "the list for kubectl apply -k"),
    file!("docker/Dockerfile", Docker, "image with guard as entry point, not root"),
];

/// Plans the files of these groups below `out`. The Dockerfile builds the command of `module`.
pub fn plan(
    system: &dyn System,
    out: &Path,
    groups: &[Group],
    values: &Values,
    module: Option<&Module>,
) -> Result<Vec<PlannedFile>, Error> {
    check_service(&values.service)?;
    let budget = budget("--objective", values.objective)?;
    let latency_budget = self::budget("--latency-objective", values.latency_objective)?;
    let latency = bucket(values.latency)?;
    let image = match &values.image {
        Some(image) => checked("--image", image, "-_./:@", "such as example.com/shop/orders:1.4")?,
        None => format!("{}:latest", values.service),
    };
    if !values.health_path.starts_with('/') {
        return Err(value("--health-path", &values.health_path, "does not begin with `/`"));
    }
    let health = checked("--health-path", &values.health_path, "-_./~", "such as /healthz")?;
    let (go_version, main_package) = command(module, &values.service);
    let base = module.map_or_else(|| system.current_dir(), |m| m.file.dir.clone());
    let dockerfile = out.join("docker/Dockerfile");
    let dockerfile = diag::relative_path(&dockerfile, &base).to_string_lossy().into_owned();
    let dockerfile = diag::clean_line(&dockerfile).into_owned();

    let mut text: Vec<(&str, String)> = vec![
        ("SERVICE_ID", values.service.chars().take(LONGEST_ID).collect()),
        ("SERVICE", values.service.clone()),
        ("OBJECTIVE", number(values.objective)),
        ("ERROR_BUDGET", number(budget)),
        ("LATENCY_OBJECTIVE", number(values.latency_objective)),
        ("LATENCY_BUDGET", number(latency_budget)),
        ("LATENCY_RATIO", number(1.0 - latency_budget)),
        ("LATENCY", number(latency)),
        ("LE", le_pattern(latency)),
        ("LE_LABEL", format!("{latency:?}")),
        ("GOROUTINES", values.goroutines.to_string()),
        ("GOROUTINES_MORE", (u64::from(values.goroutines) + 1).to_string()),
        ("IMAGE", image),
        ("HEALTH_PATH", health),
        ("GO_VERSION", go_version),
        ("MAIN_PACKAGE", main_package),
        ("DOCKERFILE", dockerfile),
    ];
    // The tests: failures a minute of a million requests, at multiples of the budget.
    for (bad, good, factor) in [
        ("BAD_HALF", "GOOD_HALF", 0.5),
        ("BAD_1X", "GOOD_1X", 1.5),
        ("BAD_3X", "GOOD_3X", 4.0),
        ("BAD_6X", "GOOD_6X", 8.0),
    ] {
        let failures = (budget * factor * 1e6).round() as u64;
        text.push((bad, failures.to_string()));
        text.push((good, (1_000_000 - failures).to_string()));
    }
    let slow = (latency_budget * 0.5 * 1e6).round() as u64;
    text.push(("FAST_HALF", (1_000_000 - slow).to_string()));
    let text: Vec<(&str, &str)> = text.iter().map(|(k, v)| (*k, v.as_str())).collect();

    let wanted = FILES.iter().filter(|f| groups.contains(&f.group));
    let plan =
        |f: &File| PlannedFile::new(system, out.join(f.name), f.purpose, fill(f.template, &text));
    wanted.map(plan).collect()
}

/// The name that a module suggests for its service: the last element of its path, without a version.
pub fn suggested_service(module_path: &str) -> Option<String> {
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let last = module_path.rsplit('/').find(|part| !is_version(part))?;
    let name: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = name.trim_matches('-').to_owned();
    check_service(&name).is_ok().then_some(name)
}

/// Reads a duration as Go and Prometheus write simple ones: `250ms`, `1s`, `2.5s`.
pub fn parse_latency(text: &str) -> Result<Duration, Error> {
    let wrong = || value("--latency", text, "is no duration; expected such as 250ms or 1s");
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1e-3),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1.0),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(wrong());
    }
    let amount: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(amount * unit).map_err(|_| wrong())
}

/// A DNS label that begins with a letter: what all of Prometheus, Kubernetes and Grafana take.
fn check_service(name: &str) -> Result<(), Error> {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(letters)
        && name.len() <= LONGEST_NAME;
    if good {
        return Ok(());
    }
    Err(value(
        "--service",
        name,
        &format!(
            "cannot name a service; expected a lower-case letter, then lower-case letters, digits \
             and `-`, at most {LONGEST_NAME}, such as orders-api"
        ),
    ))
}

/// The share of requests that may fail.
fn budget(flag: &'static str, objective: f64) -> Result<f64, Error> {
    if (LOWEST_OBJECTIVE..=HIGHEST_OBJECTIVE).contains(&objective) {
        return Ok((100.0 - objective) / 100.0);
    }
    let why = format!(
        "is out of range; expected percent from {LOWEST_OBJECTIVE} (below, 14.4 times the error budget \
         is more than all requests) to {HIGHEST_OBJECTIVE}"
    );
    Err(value(flag, &objective.to_string(), &why))
}

fn bucket(latency: Duration) -> Result<f64, Error> {
    let seconds = latency.as_secs_f64();
    if let Some(found) = BUCKETS.iter().find(|b| (**b - seconds).abs() < 1e-9) {
        return Ok(*found);
    }
    let distance = |b: &f64| (b - seconds).abs();
    let nearest = BUCKETS.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let nearest = nearest.copied().unwrap_or_default();
    let all: Vec<String> = BUCKETS.iter().map(|b| number(*b)).collect();
    let why = format!(
        "is no bucket of guard's histogram, so that it cannot be watched; the nearest is {}s of {}",
        number(nearest),
        all.join(", ")
    );
    Err(value("--latency", &format!("{}s", number(seconds)), &why))
}

/// The label `le` of a bucket, as a pattern in a string of `PromQL`: whole numbers are written as `1` by
/// some libraries and as `1.0` by others.
fn le_pattern(seconds: f64) -> String {
    let plain = number(seconds);
    if plain.contains('.') { plain.replace('.', "\\\\.") } else { format!("{plain}(\\\\.0)?") }
}

/// Decimals, without the noise of binary fractions.
fn number(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn checked(flag: &'static str, text: &str, marks: &str, example: &str) -> Result<String, Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    match text.chars().find(|&c| !allowed(c)) {
        None if !text.is_empty() && text.len() <= 255 => Ok(text.to_owned()),
        None => {
            Err(value(flag, text, &format!("has no or too many characters; expected {example}")))
        }
        Some(c) => Err(value(flag, text, &format!("has `{c}` in it; expected {example}"))),
    }
}

fn value(flag: &'static str, found: &str, why: &str) -> Error {
    let clean = |text: &str| diag::clean_line(text).into_owned();
    Error::Value { flag, found: clean(found), why: clean(why) }
}

/// The Go version that the module asks for, and its command: the one named like the service, or the
/// first.
fn command(module: Option<&Module>, service: &str) -> (String, String) {
    let Some(module) = module else { return ("1.27".to_owned(), format!("./cmd/{service}")) };
    let (major, minor) = module.file.go_version;
    let mut folders: Vec<String> = module
        .packages()
        .filter(|p| p.is_main())
        .filter_map(|p| p.dir.strip_prefix(&module.file.dir).ok()?.to_str())
        .filter(|dir| dir.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)))
        .map(ToOwned::to_owned)
        .collect();
    folders.sort();
    let named = folders.iter().find(|dir| dir.rsplit('/').next() == Some(service));
    let package = match named.or(folders.first()) {
        Some(dir) if !dir.is_empty() => format!("./{dir}"),
        Some(_) => ".".to_owned(),
        None => format!("./cmd/{service}"),
    };
    (format!("{major}.{minor}"), package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(number((100.0 - 99.9) / 100.0), "0.001");
        assert_eq!(number((100.0 - 99.999) / 100.0), "0.00001");
        assert_eq!(number(99.0), "99");
        assert_eq!(le_pattern(1.0), "1(\\\\.0)?");
        assert_eq!(le_pattern(0.25), "0\\\\.25");
    }

    #[test]
    fn services_are_suggested_by_module_paths() {
        assert_eq!(
            suggested_service("example.com/shop/Orders_API/v2").as_deref(),
            Some("orders-api")
        );
        assert_eq!(suggested_service("orders").as_deref(), Some("orders"));
        assert_eq!(suggested_service("example.com/9"), None);
        assert_eq!(suggested_service("v2"), None);
    }

    #[test]
    fn latencies_are_read() {
        assert_eq!(parse_latency("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(parse_latency("2.5s").unwrap(), Duration::from_millis(2500));
        for wrong in ["", "s", "ms", "1", "1m", "-1s", "1e3s", "infs", "NaNs", ".s", "1.2.3s"] {
            assert!(parse_latency(wrong).is_err(), "{wrong}");
        }
    }
}
