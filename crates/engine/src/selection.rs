//! Which rules run: `--rules`, `--enable`, `--disable`, `--preview`.

use std::collections::BTreeSet;

use diag::{RuleMeta, Stability};

/// The rules chosen for a run, by code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleSelection {
    codes: BTreeSet<&'static str>,
}

/// A selector that means no rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no rule `{selector}`{}", nearest.as_ref().map_or(String::new(), |n| format!("; did you mean `{n}`?")))]
pub struct SelectionError {
    /// What was written.
    pub selector: String,
    /// The code or name that is most like it.
    pub nearest: Option<String>,
}

impl RuleSelection {
    /// Starts from `only` (or, when that is empty, from all stable rules, and the preview ones if
    /// `preview`), adds `enable`, takes away `disable`. A preview rule that `only` or `enable` names
    /// by its own code or name runs without `preview`; one that a family or `all` brings does not.
    pub fn new(
        only: &[String],
        enable: &[String],
        disable: &[String],
        preview: bool,
    ) -> Result<Self, SelectionError> {
        let runs = |m: &RuleMeta| preview || m.stability == Stability::Stable;
        let mut codes = BTreeSet::new();
        if only.is_empty() {
            codes.extend(rules::all().iter().map(|r| r.meta).filter(|m| runs(m)).map(|m| m.code));
        }
        for selector in only.iter().chain(enable) {
            let named = rules::find(selector).is_some();
            let chosen = matching(selector)?;
            codes.extend(chosen.iter().filter(|m| named || runs(m)).map(|m| m.code));
        }
        for selector in disable {
            for meta in matching(selector)? {
                codes.remove(meta.code);
            }
        }
        Ok(Self { codes })
    }

    /// Every rule, preview ones too.
    pub fn everything() -> Self {
        Self { codes: rules::all().iter().map(|r| r.meta.code).collect() }
    }

    /// Whether the rule of that code runs.
    pub fn contains(&self, code: &str) -> bool {
        self.codes.contains(code)
    }

    /// The chosen rules, sorted by code.
    pub fn rules(&self) -> Vec<rules::Rule> {
        rules::all().into_iter().filter(|r| self.contains(r.meta.code)).collect()
    }
}

fn matching(selector: &str) -> Result<Vec<&'static RuleMeta>, SelectionError> {
    let found: Vec<_> = rules::matching(selector).into_iter().map(|r| r.meta).collect();
    if !found.is_empty() || selector.eq_ignore_ascii_case("all") {
        return Ok(found);
    }
    let all = rules::all();
    let names: Vec<&str> = all.iter().flat_map(|r| [r.meta.code, r.meta.name]).collect();
    Err(SelectionError { selector: selector.to_owned(), nearest: nearest(selector, &names) })
}

/// The candidate most like `word`, if any is like it at all; case does not count.
pub fn nearest(word: &str, candidates: &[&str]) -> Option<String> {
    let word = word.to_lowercase();
    let lower: Vec<String> = candidates.iter().map(|c| c.to_lowercase()).collect();
    let refs: Vec<&str> = lower.iter().map(String::as_str).collect();
    let best = *similar::get_close_matches(word.as_str(), &refs, 1, 0.6).first()?;
    let index = refs.iter().position(|&r| r == best)?;
    Some(candidates[index].to_owned())
}
