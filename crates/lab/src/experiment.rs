//! The experiments: what each claims, which variants of its program are run, and what is expected.
//! They are data beside their programs, so that a new one needs no Rust.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::LabError;

/// The minor version in the `go` line of go.mod, unless a variant has another.
const LANGUAGE: u32 = 21;

/// One experiment.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The name of its folder.
    #[serde(skip)]
    pub name: String,
    /// The Go program.
    #[serde(skip)]
    pub program: &'static str,
    /// A few words.
    pub title: String,
    /// What it belongs to: hazards, panics, semantics, memory, costs, godebug.
    pub topic: String,
    /// What happens and why, in a few sentences.
    pub about: String,
    /// Where it is said: a part of the project's list of facts about Go, or an address.
    pub sources: Vec<String>,
    /// Operating systems that it makes sense on; all if empty.
    #[serde(default)]
    pub os: Vec<String>,
    /// What the numbers that the program prints are, when all of them are to be shown.
    pub chart: Option<String>,
    /// The ways to run the program.
    pub variants: Vec<Variant>,
    /// What is claimed.
    pub claims: Vec<Claim>,
}

/// A way to run the program: its name is the only argument.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The name.
    pub name: String,
    /// What happens in it.
    pub about: String,
    /// Added to the environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The minor version in the `go` line of go.mod; older toolchains leave the variant out.
    #[serde(default = "language")]
    pub language: u32,
}

fn language() -> u32 {
    LANGUAGE
}

/// A claim about one variant.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The variant.
    pub variant: String,
    /// The claim as a sentence.
    pub text: String,
    /// What has to be seen.
    pub expect: Expect,
    /// Whether the program is built with the race detector.
    #[serde(default)]
    pub race: bool,
    /// The first minor version that it is said of.
    pub since: Option<u32>,
}

/// What has to be seen.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expect {
    /// Each run prints this.
    Prints {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Something happens in so many runs.
    Rate {
        /// What.
        event: Event,
        /// How often.
        is: Rate,
    },
    /// The median of a number that runs print.
    Number {
        /// The key.
        key: String,
        /// At least so much.
        at_least: Option<f64>,
        /// At most so much.
        at_most: Option<f64>,
        /// As it is written behind the number.
        unit: String,
    },
    /// The median of one number by another one of the same run.
    Ratio {
        /// The key of the first.
        key: String,
        /// The key of the second.
        over: String,
        /// At least so much.
        at_least: Option<f64>,
        /// At most so much.
        at_most: Option<f64>,
    },
}

/// What can happen in a run.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Event {
    /// It dies of a panic or a fatal error of any kind.
    Dies,
    /// It dies of a fatal map error.
    ConcurrentMap,
    /// It dies of a panic.
    Panic,
    /// It dies of a fatal error.
    Fatal,
    /// The race detector reports.
    Race,
    /// It prints a value for this key.
    Prints(String),
}

impl TryFrom<String> for Event {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(match text.as_str() {
            "dies" => Self::Dies,
            "concurrent-map" => Self::ConcurrentMap,
            "panic" => Self::Panic,
            "fatal" => Self::Fatal,
            "race" => Self::Race,
            other => match other.strip_prefix("prints:") {
                Some(key) => Self::Prints(key.to_owned()),
                None => return Err(format!("there is no event `{other}`")),
            },
        })
    }
}

/// How often something is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// In none of many runs.
    Never,
    /// In at most a tenth of the runs.
    Rarely,
    /// In one of a hundred runs at least.
    Sometimes,
    /// In half of the runs at least.
    Mostly,
    /// In no run, by design: a few runs are looked at.
    NoRun,
    /// In every run, by design: a few runs are looked at.
    EveryRun,
}

macro_rules! experiments {
    ($($name:literal)*) => {
        /// Name, page and program of each.
        const FILES: &[(&str, &str, &str)] = &[$((
            $name,
            include_str!(concat!("../experiments/", $name, "/experiment.toml")),
            include_str!(concat!("../experiments/", $name, "/main.go")),
        )),*];
    };
}

experiments! {
    "value-receiver" "context-value" "sync-pool" "http-middleware" "grpc-metadata" "metric-cache"
    "plugin-registry" "nil-map-write" "recover-fatal" "recover-panic" "value-semantics"
    "loop-variables" "layout" "false-sharing" "lock-costs" "map-guards" "gctrace" "madvdontneed"
    "traceadvanceperiod" "preemption"
}

/// All experiments, in the order in which they are shown.
pub fn all() -> &'static [Experiment] {
    static ALL: OnceLock<Vec<Experiment>> = OnceLock::new();
    ALL.get_or_init(|| {
        FILES.iter().map(|(name, page, program)| read(name, page, program)).collect()
    })
}

fn read(name: &str, page: &str, program: &'static str) -> Experiment {
    let mut experiment: Experiment =
        toml::from_str(page).expect("the pages are compiled in, and a test reads each of them");
    name.clone_into(&mut experiment.name);
    experiment.program = program;
    experiment
}

/// The experiments with these names; all without names.
pub fn choose(names: &[String]) -> Result<Vec<&'static Experiment>, LabError> {
    for name in names {
        if !all().iter().any(|e| e.name == *name) {
            let hint = nearest(name).map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
            return Err(LabError::Unknown { name: diag::clean_line(name).into_owned(), hint });
        }
    }
    Ok(all().iter().filter(|e| names.is_empty() || names.contains(&e.name)).collect())
}

/// The name that shares the most pairs of letters, if it shares some.
fn nearest(name: &str) -> Option<&'static str> {
    let pairs = |text: &str| -> Vec<[u8; 2]> {
        text.to_ascii_lowercase().as_bytes().windows(2).map(|w| [w[0], w[1]]).collect()
    };
    let asked = pairs(name.get(..64).unwrap_or(name));
    let shared = |e: &&Experiment| {
        let own = pairs(&e.name);
        asked.iter().filter(|pair| own.contains(pair)).count() * 100 / (own.len() + asked.len())
    };
    let best = all().iter().max_by_key(shared)?;
    (shared(&best) > 20).then_some(best.name.as_str())
}

impl Experiment {
    /// The variant with that name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|v| v.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_an_experiment_and_its_claims_name_variants() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments");
        let mut folders: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let mut names: Vec<&str> = all().iter().map(|e| e.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, folders);
        for experiment in all() {
            for claim in &experiment.claims {
                assert!(experiment.variant(&claim.variant).is_some(), "{claim:?}");
                let named = match &claim.expect {
                    Expect::Number { at_least, at_most, .. }
                    | Expect::Ratio { at_least, at_most, .. } => at_least.or(*at_most).is_some(),
                    Expect::Prints { .. } | Expect::Rate { .. } => true,
                };
                assert!(named, "{claim:?} expects nothing");
            }
            for variant in &experiment.variants {
                let claimed = experiment.claims.iter().any(|c| c.variant == variant.name);
                assert!(claimed, "{}: nothing is claimed of {}", experiment.name, variant.name);
            }
        }
    }

    #[test]
    fn a_wrong_name_has_a_near_one() {
        let error = choose(&["map-guard".into()]).unwrap_err().to_string();
        assert!(error.contains("did you mean `map-guards`?"), "{error}");
        let error = choose(&["Ω\u{1b}[31m".into()]).unwrap_err().to_string();
        assert!(!error.contains("did you mean") && !error.contains('\u{1b}'), "{error}");
        assert_eq!(choose(&[]).unwrap().len(), all().len());
    }
}
