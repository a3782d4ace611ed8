//! The files as written: one [`RawFile`] each. Names are relative to their package here; the loader
//! turns them into full names. Every table refuses unknown keys.

use serde::de::{self, Deserialize, Deserializer};
use toml::Spanned;

use crate::model::{Access, Flow, Goroutine, Invoke, Operand, OriginKind, Sync, TypeKind};

/// A whole file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFile {
    #[serde(default, rename = "package")]
    pub packages: Vec<RawPackage>,
    #[serde(default, rename = "pattern")]
    pub patterns: Vec<RawPattern>,
}

/// What is known about a package, under all of its import paths (major versions, forks).
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPackage {
    pub paths: Vec<String>,
    #[serde(default, rename = "func")]
    pub funcs: Vec<RawFunc>,
    #[serde(default, rename = "type")]
    pub types: Vec<RawType>,
    #[serde(default, rename = "interface")]
    pub interfaces: Vec<RawInterface>,
    /// Go source with declarations only, used when the package's source cannot be found.
    #[serde(default)]
    pub source: Option<String>,
}

/// One model under several names: `F`, `(T).M` (also for an interface's method), `(*T).M`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFunc {
    pub names: Vec<Spanned<String>>,
    #[serde(default)]
    pub invokes: Vec<Invoke>,
    #[serde(default)]
    pub flows: Vec<Flow>,
    #[serde(default)]
    pub accesses: Vec<Access>,
    #[serde(default)]
    pub sync: Vec<Sync>,
    #[serde(default)]
    pub never_returns: bool,
    #[serde(default)]
    pub serves: bool,
    #[serde(default)]
    pub never_ends: bool,
    #[serde(default)]
    pub cancels: bool,
    #[serde(default)]
    pub analyse_body: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawType {
    pub names: Vec<Spanned<String>>,
    #[serde(default)]
    pub kind: Option<TypeKind>,
    #[serde(default)]
    pub concurrent_safe: bool,
    #[serde(default)]
    pub per_request: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInterface {
    pub names: Vec<Spanned<String>>,
    #[serde(default)]
    pub methods: Vec<String>,
    #[serde(default)]
    pub params: Vec<String>,
    pub on: Goroutine,
    pub origin: OriginKind,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPattern {
    pub name: String,
    #[serde(default)]
    pub params: Vec<Vec<String>>,
    #[serde(default)]
    pub invokes: Vec<Invoke>,
    #[serde(default)]
    pub flows: Vec<Flow>,
    #[serde(default)]
    pub accesses: Vec<Access>,
    #[serde(default)]
    pub sync: Vec<Sync>,
}

impl std::str::FromStr for Operand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| digits.parse::<u8>().ok();
        let parsed = match text {
            "recv" => Some(Self::Recv),
            "callback" => Some(Self::Callback),
            _ => {
                if let Some(rest) = text.strip_prefix("arg") {
                    match rest.strip_suffix("..") {
                        Some(digits) => number(digits).map(Self::Args),
                        None => number(rest).map(Self::Arg),
                    }
                } else {
                    text.strip_prefix("result").and_then(number).map(Self::Result)
                }
            }
        };
        parsed.ok_or_else(|| {
            format!("`{text}` is no operand: expected recv, arg0, arg1.., result0 or callback")
        })
    }
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
