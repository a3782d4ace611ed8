//! `unpanic.toml`: its keys, and errors that name the wrong key, its line and the nearest right one.
//! Every key has a command-line flag of the same name; the flag wins, then `UNPANIC_*`, then this.

use std::ops::Range;
use std::path::{Path, PathBuf};

use diag::Confidence;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use crate::selection::nearest;

/// The file's name; it is looked for in the working directory and upwards.
pub const FILE_NAME: &str = "unpanic.toml";

/// Every key that the file may have: table (empty for the top level) and key.
pub const KEYS: &[(&str, &str)] = &[
    ("", "cache-dir"),
    ("", "cache-size"),
    ("", "color"),
    ("", "no-cache"),
    ("", "quiet"),
    ("", "threads"),
    ("build", "goarch"),
    ("build", "goos"),
    ("build", "mod"),
    ("build", "tags"),
    ("build", "tests"),
    ("check", "baseline"),
    ("check", "deps"),
    ("check", "disable"),
    ("check", "enable"),
    ("check", "exclude"),
    ("check", "exit-zero"),
    ("check", "format"),
    ("check", "knowledge"),
    ("check", "min-confidence"),
    ("check", "output"),
    ("check", "preview"),
    ("check", "rules"),
    ("check", "statistics"),
    ("guard", "admin"),
    ("guard", "admin-host"),
    ("guard", "admin-https"),
    ("guard", "admin-token-file"),
    ("guard", "backoff-max"),
    ("guard", "body-limit"),
    ("guard", "body-timeout"),
    ("guard", "breaker-after"),
    ("guard", "breaker-pause"),
    ("guard", "connections"),
    ("guard", "drain"),
    ("guard", "dump-size"),
    ("guard", "dump-time"),
    ("guard", "findings"),
    ("guard", "header-limit"),
    ("guard", "header-timeout"),
    ("guard", "health"),
    ("guard", "health-failures"),
    ("guard", "health-interval"),
    ("guard", "health-timeout"),
    ("guard", "incidents"),
    ("guard", "keep-header"),
    ("guard", "kill-after"),
    ("guard", "limit"),
    ("guard", "listen"),
    ("guard", "log-lines"),
    ("guard", "objective"),
    ("guard", "open-metrics"),
    ("guard", "otlp"),
    ("guard", "otlp-share"),
    ("guard", "port-env"),
    ("guard", "queue"),
    ("guard", "queue-time"),
    ("guard", "replicas"),
    ("guard", "retry"),
    ("guard", "retry-body"),
    ("guard", "retry-percent"),
    ("guard", "retry-rate"),
    ("guard", "scrape"),
    ("guard", "service"),
    ("guard", "service-version"),
    ("guard", "sound-after"),
    ("guard", "start-timeout"),
    ("guard", "store"),
    ("guard", "tls-cert"),
    ("guard", "tls-key"),
    ("guard", "traceback"),
    ("guard", "traceparent"),
    ("guard", "trust-proxy"),
    ("guard", "upstream"),
    ("guard", "upstream-protocol"),
    ("layout", "goarch"),
    ("slo", "latency"),
    ("slo", "latency-objective"),
    ("slo", "objective"),
];

/// The file's content. Paths are absolute once [`parse_config`] has resolved them against the
/// file's folder.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The folder in which results are remembered.
    pub cache_dir: Option<PathBuf>,
    /// How many MiB they may take.
    pub cache_size: Option<u64>,
    /// `auto`, `always` or `never`.
    pub color: Option<String>,
    /// Neither use nor keep results of earlier runs.
    pub no_cache: Option<bool>,
    /// Print findings and errors only.
    pub quiet: Option<bool>,
    /// Threads to use.
    pub threads: Option<usize>,
    /// What is analysed.
    pub build: BuildConfig,
    /// `unpanic check`.
    pub check: CheckConfig,
    /// `unpanic guard`.
    pub guard: GuardConfig,
    /// `unpanic layout`.
    pub layout: LayoutConfig,
    /// What the service promises.
    pub slo: SloConfig,
}

/// The table `[build]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildConfig {
    /// `GOARCH`.
    pub goarch: Option<String>,
    /// `GOOS`.
    pub goos: Option<String>,
    /// `mod`, `readonly` or `vendor`.
    #[serde(rename = "mod")]
    pub mod_mode: Option<String>,
    /// Build tags.
    pub tags: Option<Vec<String>>,
    /// Whether test files are analysed.
    pub tests: Option<bool>,
}

/// The table `[check]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckConfig {
    /// A baseline file.
    pub baseline: Option<PathBuf>,
    /// Report findings in dependencies.
    pub deps: Option<bool>,
    /// Rules that do not run.
    pub disable: Option<Vec<String>>,
    /// Rules that run in addition.
    pub enable: Option<Vec<String>>,
    /// Globs of files in which nothing is reported.
    pub exclude: Option<Vec<String>>,
    /// Exit 0 even with findings.
    pub exit_zero: Option<bool>,
    /// The output format.
    pub format: Option<String>,
    /// Files with library models.
    pub knowledge: Option<Vec<PathBuf>>,
    /// The lowest confidence that is reported.
    pub min_confidence: Option<Confidence>,
    /// Where findings are written to.
    pub output: Option<PathBuf>,
    /// Whether preview rules run.
    pub preview: Option<bool>,
    /// The only rules that run.
    pub rules: Option<Vec<String>>,
    /// Whether the table of counts is printed.
    pub statistics: Option<bool>,
}

/// The table `[guard]`: the flags of `unpanic guard`, as they are written there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GuardConfig {
    /// `--listen`.
    pub listen: Option<String>,
    /// `--upstream`.
    pub upstream: Option<String>,
    /// `--upstream-protocol`.
    pub upstream_protocol: Option<String>,
    /// `--port-env`.
    pub port_env: Option<String>,
    /// `--tls-cert`.
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`.
    pub tls_key: Option<PathBuf>,
    /// `--replicas`.
    pub replicas: Option<u64>,
    /// `--health`.
    pub health: Option<String>,
    /// `--health-interval`.
    pub health_interval: Option<String>,
    /// `--health-timeout`.
    pub health_timeout: Option<String>,
    /// `--health-failures`.
    pub health_failures: Option<u64>,
    /// `--start-timeout`.
    pub start_timeout: Option<String>,
    /// `--backoff-max`.
    pub backoff_max: Option<String>,
    /// `--sound-after`.
    pub sound_after: Option<String>,
    /// `--breaker-after`.
    pub breaker_after: Option<u64>,
    /// `--breaker-pause`.
    pub breaker_pause: Option<String>,
    /// `--drain`.
    pub drain: Option<String>,
    /// `--kill-after`.
    pub kill_after: Option<String>,
    /// `--limit`.
    pub limit: Option<Vec<String>>,
    /// `--traceback`.
    pub traceback: Option<String>,
    /// `--retry`.
    pub retry: Option<String>,
    /// `--retry-body`.
    pub retry_body: Option<String>,
    /// `--retry-percent`.
    pub retry_percent: Option<u64>,
    /// `--retry-rate`.
    pub retry_rate: Option<u64>,
    /// `--queue`.
    pub queue: Option<u64>,
    /// `--queue-time`.
    pub queue_time: Option<String>,
    /// `--header-timeout`.
    pub header_timeout: Option<String>,
    /// `--header-limit`.
    pub header_limit: Option<String>,
    /// `--body-limit`.
    pub body_limit: Option<String>,
    /// `--body-timeout`.
    pub body_timeout: Option<String>,
    /// `--connections`.
    pub connections: Option<u64>,
    /// `--trust-proxy`.
    pub trust_proxy: Option<Vec<String>>,
    /// `--traceparent`.
    pub traceparent: Option<bool>,
    /// `--dump-time`.
    pub dump_time: Option<String>,
    /// `--dump-size`.
    pub dump_size: Option<String>,
    /// `--log-lines`.
    pub log_lines: Option<u64>,
    /// `--keep-header`.
    pub keep_header: Option<Vec<String>>,
    /// `--findings`.
    pub findings: Option<PathBuf>,
    /// `--service`.
    pub service: Option<String>,
    /// `--service-version`.
    pub service_version: Option<String>,
    /// `--store`.
    pub store: Option<String>,
    /// `--admin`.
    pub admin: Option<String>,
    /// `--admin-token-file`.
    pub admin_token_file: Option<PathBuf>,
    /// `--admin-host`.
    pub admin_host: Option<Vec<String>>,
    /// `--admin-https`.
    pub admin_https: Option<bool>,
    /// `--open-metrics`.
    pub open_metrics: Option<bool>,
    /// `--objective`.
    pub objective: Option<String>,
    /// `--scrape`.
    pub scrape: Option<String>,
    /// `--otlp`.
    pub otlp: Option<String>,
    /// `--otlp-share`.
    pub otlp_share: Option<u8>,
    /// How long incidents are kept and where tickets go: the crate `incidents` reads it.
    pub incidents: Option<Subtable>,
}

/// A table that another crate understands, as the text of TOML.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subtable(pub String);

impl<'de> Deserialize<'de> for Subtable {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(from)?;
        toml::to_string(&table).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Subtable {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let table: toml::Table = toml::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        table.serialize(to)
    }
}

/// The table `[layout]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayoutConfig {
    /// `GOARCH`, when it is not `[build]`'s.
    pub goarch: Option<String>,
}

/// The table `[slo]`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SloConfig {
    /// Percent of requests that do not fail on the service's side.
    pub objective: Option<f64>,
    /// What counts as a fast answer, as `250ms` or `1s`.
    pub latency: Option<String>,
    /// Percent of requests that are answered as fast.
    pub latency_objective: Option<f64>,
}

/// Why the file is of no use. All errors of the file are in it, in order.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Line from 1.
    pub line: u32,
    /// What is wrong, naming the key.
    pub message: String,
    /// The nearest valid key, or what is expected.
    pub help: Option<String>,
}

/// Parses the text of `unpanic.toml`; `folder` is where it lies, absolute.
pub fn parse_config(text: &str, folder: &Path) -> Result<Config, Vec<ConfigError>> {
    let invalid = |e: &toml::de::Error| ConfigError {
        line: line_of(text, &e.span().unwrap_or_default()),
        message: first_line(e.message()),
        help: None,
    };
    let table = DeTable::parse(text).map_err(|e| vec![invalid(&e)])?;
    let unknown = unknown_keys(table.get_ref(), text);
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut config: Config = toml::from_str(text).map_err(|e| {
        let mut error = invalid(&e);
        if let Some(key) = key_at(table.get_ref(), &e.span().unwrap_or_default()) {
            error.message = format!("`{key}`: {}", error.message);
        }
        vec![error]
    })?;
    let check = &mut config.check;
    let paths = check.baseline.iter_mut().chain(&mut check.output).chain(&mut config.cache_dir);
    for path in paths.chain(check.knowledge.iter_mut().flatten()) {
        *path = folder.join(&*path);
    }
    let guard = &mut config.guard;
    let files =
        [&mut guard.tls_cert, &mut guard.tls_key, &mut guard.findings, &mut guard.admin_token_file];
    for path in files.into_iter().flatten() {
        *path = folder.join(&*path);
    }
    Ok(config)
}

fn unknown_keys(top: &DeTable<'_>, text: &str) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for (key, value) in top {
        let name: &str = key.get_ref();
        let is_table = KEYS.iter().any(|(table, _)| *table == name);
        if is_table && let DeValue::Table(inner) = value.get_ref() {
            for (key, _) in inner {
                if !KEYS.contains(&(name, key.get_ref())) {
                    errors.push(unknown(name, key.get_ref(), line_of(text, &key.span())));
                }
            }
        } else if !is_table && !KEYS.contains(&("", name)) {
            errors.push(unknown("", name, line_of(text, &key.span())));
        }
    }
    errors.sort_by_key(|e| e.line);
    errors
}

fn unknown(table: &str, key: &str, line: u32) -> ConfigError {
    let full = |t: &str, k: &str| if t.is_empty() { k.to_owned() } else { format!("{t}.{k}") };
    let here: Vec<&str> = KEYS.iter().filter(|(t, _)| *t == table).map(|(_, k)| *k).collect();
    let elsewhere = KEYS.iter().find(|(_, k)| *k == key).map(|(t, k)| full(t, k));
    let tables: Vec<&str> = KEYS.iter().map(|(t, _)| *t).filter(|t| !t.is_empty()).collect();
    let near = elsewhere
        .or_else(|| nearest(key, &here).map(|k| full(table, &k)))
        .or_else(|| nearest(key, &tables).filter(|_| table.is_empty()))
        .or_else(|| {
            let all: Vec<&str> = KEYS.iter().map(|(_, k)| *k).collect();
            let key = nearest(key, &all)?;
            KEYS.iter().find(|(_, k)| *k == key).map(|(t, k)| full(t, k))
        });
    let help = near.map_or_else(
        || format!("the keys here are {}", here.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    ConfigError {
        line,
        message: format!("unknown key `{}`", diag::clean_line(&full(table, key))),
        help: Some(help),
    }
}

/// The dotted name of the key whose value covers `span`.
fn key_at(top: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let covers = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    top.iter().find_map(|(key, value)| {
        if let DeValue::Table(inner) = value.get_ref() {
            return key_at(inner, span).map(|rest| format!("{}.{rest}", key.get_ref()));
        }
        covers(value.span()).then(|| key.get_ref().to_string())
    })
}

fn line_of(text: &str, span: &Range<usize>) -> u32 {
    let before = &text.as_bytes()[..span.start.min(text.len())];
    before.iter().filter(|&&b| b == b'\n').count() as u32 + 1
}

fn first_line(message: &str) -> String {
    diag::clean_line(message.lines().next().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        parse_config(text, Path::new("/w"))
            .unwrap_err()
            .into_iter()
            .map(|e| format!("{}: {e} ({})", e.line, e.help.as_deref().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn keys_are_exactly_the_fields() {
        let text = "cache-dir = ''\ncache-size = 1\ncolor = ''\nno-cache = true\nquiet = true\nthreads = 1\n\
            [build]\ngoarch = ''\ngoos = ''\nmod = ''\ntags = []\ntests = true\n\
            [check]\nbaseline = ''\ndeps = true\ndisable = []\nenable = []\nexclude = []\n\
            exit-zero = true\nformat = ''\nknowledge = []\nmin-confidence = 'low'\noutput = ''\n\
            preview = true\nrules = []\nstatistics = true\n\
            [guard]\nlisten = ''\nupstream = ''\nupstream-protocol = ''\nport-env = ''\ntls-cert = ''\ntls-key = ''\nreplicas = 1\nhealth = ''\nhealth-interval = ''\nhealth-timeout = ''\nhealth-failures = 1\nstart-timeout = ''\nbackoff-max = ''\nsound-after = ''\nbreaker-after = 1\nbreaker-pause = ''\ndrain = ''\nkill-after = ''\nlimit = []\ntraceback = ''\nretry = ''\nretry-body = ''\nretry-percent = 1\nretry-rate = 1\nqueue = 1\nqueue-time = ''\nheader-timeout = ''\nheader-limit = ''\nbody-limit = ''\nbody-timeout = ''\nconnections = 1\ntrust-proxy = []\ntraceparent = true\ndump-time = ''\ndump-size = ''\nlog-lines = 1\nkeep-header = []\nfindings = ''\nservice = ''\nservice-version = ''\nstore = ''\nadmin = ''\nadmin-token-file = ''\nadmin-host = []\nadmin-https = true\nopen-metrics = true\nobjective = ''\nscrape = ''\notlp = ''\notlp-share = 5\n[guard.incidents]\nretention = { days = 1 }\n\
            [layout]\ngoarch = ''\n\
            [slo]\nlatency = ''\nlatency-objective = 99\nobjective = 99.9\n";
        let config = parse_config(text, Path::new("/w")).unwrap();
        let table = toml::Table::try_from(&config).unwrap();
        let mut keys: Vec<(String, String)> = Vec::new();
        for (name, value) in &table {
            match value.as_table() {
                Some(inner) => keys.extend(inner.keys().map(|k| (name.clone(), k.clone()))),
                None => keys.push((String::new(), name.clone())),
            }
        }
        keys.sort();
        let declared: Vec<_> = KEYS.iter().map(|(t, k)| ((*t).into(), (*k).into())).collect();
        assert_eq!(keys, declared);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        assert_eq!(
            errors("threads = 1\n[check]\nmin-confidense = 'low'\n\n[biuld]\nx = 1\n"),
            [
                "3: unknown key `check.min-confidense` (did you mean `check.min-confidence`?)",
                "5: unknown key `biuld` (did you mean `build`?)"
            ]
        );
        assert_eq!(
            errors("tests = true"),
            ["1: unknown key `tests` (did you mean `build.tests`?)"]
        );
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        assert_eq!(
            errors("\n[build]\ntests = 3\n"),
            ["3: `build.tests`: invalid type: integer `3`, expected a boolean ()"]
        );
        assert!(errors("[check]\nmin-confidence = 'max'")[0].contains("`check.min-confidence`"));
        assert!(errors("threads = ")[0].starts_with("1: "));
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = parse_config("[check]\nbaseline = 'b.txt'\n", Path::new("/w/app")).unwrap();
        assert_eq!(config.check.baseline, Some(PathBuf::from("/w/app/b.txt")));
    }
}
