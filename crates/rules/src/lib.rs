//! The rules: one `.rs` file and one `.md` page each in `src/rules`, nothing else to register.
//! A rule sees a [`RuleContext`] and returns findings; it never sees files, threads or other rules.

mod registry;

use diag::Finding;

pub use diag::{RuleMeta, Stability};
pub use registry::{all, find, matching};

/// A rule: what it is and how it looks.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Identity and documentation.
    pub meta: &'static RuleMeta,
    /// The detection. It may panic: the engine turns that into a diagnostic and goes on.
    pub check: fn(&RuleContext<'_>) -> Vec<Finding>,
}

/// What a rule may look at: the results of the analyses, for one run.
#[derive(Debug)]
pub struct RuleContext<'a> {
    /// The text of the files, for names and excerpts in messages.
    pub sources: &'a source::SourceMap,
}
