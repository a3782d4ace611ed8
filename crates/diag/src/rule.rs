//! What a rule is, apart from its detection: the part that renderers, `explain` and `rules` need.

use serde::Serialize;

use crate::Severity;

/// A rule's identity and documentation. Each rule file has one as `META`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleMeta {
    /// The stable code that users write in configuration and suppressions: `MAP001`.
    pub code: &'static str,
    /// The stable name in words, kebab-case: `concurrent-map-access`. Accepted wherever the code is.
    pub name: &'static str,
    /// How bad the mistake is when it is one; a finding may lower it.
    pub severity: Severity,
    /// One line without a full stop: what goes wrong in the program.
    pub summary: &'static str,
    /// Whether it runs without `--preview`.
    pub stability: Stability,
    /// The documentation page (Markdown): `include_str!` of the file beside the rule.
    pub page: &'static str,
}

impl RuleMeta {
    /// Whether a user who wrote `selector` means this rule: its code or name in any case, a prefix
    /// of the code that ends before its digits (`MAP`), or `all`.
    pub fn matches(&self, selector: &str) -> bool {
        let family = self.code.trim_end_matches(|c: char| c.is_ascii_digit());
        [self.code, self.name, family, "all"].iter().any(|own| own.eq_ignore_ascii_case(selector))
    }
}

/// Whether a rule has earned its place (a report over real repositories says so).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stability {
    /// On by default.
    Stable,
    /// Runs only with `--preview` or when it is enabled by name.
    Preview,
}
