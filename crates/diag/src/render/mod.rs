//! The ways to print a report, one file each. All text that comes from outside is escaped here and
//! nowhere earlier: findings hold it as it is.

mod excerpt;
pub mod github;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod statistics;
pub mod terminal;
mod wording;

use crate::{Finding, Problem, Resolver, RuleMeta};

/// What a renderer prints.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// Sorted, with fingerprints.
    pub findings: &'a [Finding],
    /// Sorted.
    pub problems: &'a [Problem],
    /// The rules that ran.
    pub rules: &'a [&'static RuleMeta],
    /// Where places are.
    pub resolver: Resolver<'a>,
    /// The version of unpanic.
    pub version: &'a str,
}

#[cfg(test)]
mod testing;
