//! The rules: one `.rs` file and one `.md` page each in `src/rules`, nothing else to register.
//! A rule sees a [`RuleContext`] and returns findings; it never sees files, threads or other rules.
//!
//! What rules share: [`race`] turns a conflict into a finding and says which rule it belongs to,
//! [`memory_race`] does so for plain memory, [`names`] writes paths and locks as the code does, [`origin`] says
//! which goroutine runs a function, [`confidence`] says how sure a conflict is ([`elements`]: whether each
//! goroutine of a loop has an object of its own), [`convention`] finds the lock that
//! most accesses to a field hold, and those that do not, [`deferral`] says which functions are deferred, and
//! [`context_keys`] which keys of context values are set.

mod confidence;
mod context_keys;
mod convention;
mod deferral;
mod elements;
mod memory_race;
mod names;
mod origin;
mod race;
mod registry;

use std::sync::OnceLock;

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
pub struct RuleContext<'a> {
    /// The text of the files, for names and excerpts in messages.
    pub sources: &'a source::SourceMap,
    /// The concurrency analysis.
    pub analysis: &'a flow::Analysis<'a>,
    races: OnceLock<Vec<race::Race>>,
    origins: OnceLock<origin::Origins>,
    deferral: OnceLock<deferral::Deferral>,
    context_keys: OnceLock<context_keys::ContextKeys>,
}

impl<'a> RuleContext<'a> {
    /// The context of a run.
    pub fn new(sources: &'a source::SourceMap, analysis: &'a flow::Analysis<'a>) -> Self {
        Self {
            sources,
            analysis,
            races: OnceLock::new(),
            origins: OnceLock::new(),
            deferral: OnceLock::new(),
            context_keys: OnceLock::new(),
        }
    }

    /// Types and objects.
    pub fn store(&self) -> &'a go_types::Store {
        self.analysis.context.store
    }

    /// A function of the program.
    pub fn func(&self, id: go_ir::FuncId) -> &'a go_ir::Func {
        self.analysis.context.func(id)
    }

    /// All functions with what was found out about each.
    pub fn functions(
        &self,
    ) -> impl Iterator<Item = (go_ir::FuncId, &'a go_ir::Func, &'a flow::FuncFacts)> {
        let funcs = self.analysis.context.program.funcs.iter_enumerated();
        funcs.zip(self.analysis.facts.iter()).map(|((id, func), facts)| (id, func, facts))
    }

    /// The import path of a function's package.
    pub fn package(&self, id: go_ir::FuncId) -> &'static str {
        self.store().package(self.func(id).pkg).path.as_str()
    }

    /// The conflicts, each with the rule that it belongs to.
    pub(crate) fn races(&self) -> &[race::Race] {
        self.races.get_or_init(|| race::classify(self))
    }

    /// Which functions are deferred.
    pub(crate) fn deferral(&self) -> &deferral::Deferral {
        self.deferral.get_or_init(|| deferral::Deferral::new(self))
    }

    /// Which keys of context values are set.
    pub(crate) fn context_keys(&self) -> &context_keys::ContextKeys {
        self.context_keys.get_or_init(|| context_keys::ContextKeys::new(self))
    }

    /// Which goroutines run which functions.
    pub(crate) fn origins(&self) -> &origin::Origins {
        self.origins.get_or_init(|| origin::Origins::new(self.analysis))
    }
}
