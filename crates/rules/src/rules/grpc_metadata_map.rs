//! `metadata.MD` is a `map[string][]string`; once another goroutine has it, writing it is a race.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;
use crate::race::{Mistake, RaceText, findings};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP005",
    name: "grpc-metadata-map",
    severity: Severity::Error,
    summary: "gRPC metadata is a map: writing it while it is shared races",
    stability: Stability::Stable,
    page: include_str!("grpc_metadata_map.md"),
};

/// The conflicts that come from this mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Mistake::Metadata, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, does, meanwhile } = race;
    let message = format!(
        "gRPC metadata `{variable}` is {does} while another goroutine {meanwhile}: metadata.MD is a map"
    );
    let help = "give each goroutine its own copy with md.Copy() and change only that".to_owned();
    (message, help)
}
