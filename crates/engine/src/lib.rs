//! The driver: loads a program, runs the analyses and the rules over it in parallel, and decides
//! what is reported (rule selection, confidence, suppressions, baseline). Separate from the binary,
//! so that the prover, a language server and the tests drive the same code.

mod baseline;
mod cached;
mod check;
mod config;
mod fix;
mod inspect;
mod load;
mod pipeline;
mod request;
mod selection;
mod suppress;

pub use base::{install_panic_hook, panic_text};
pub use baseline::{Baseline, BaselineError};
pub use cached::{ResultCache, check_cached};
pub use check::check;
pub use config::{
    BuildConfig, CheckConfig, Config, ConfigError, FILE_NAME, GuardConfig, KEYS, LayoutConfig,
    Subtable, parse_config,
};
pub use fix::{FilePatch, FixError, FixPlan, plan_fixes};
pub use inspect::{CallEdge, Checked, call_graph, print_ir, with_types};
pub use load::{Loaded, load, load_with_deps, parse_mod_mode};
pub use request::{
    CacheUse, CheckReport, CheckRequest, NoProgress, Progress, Stage, Statistics, Target, TestFiles,
};
pub use selection::{RuleSelection, SelectionError, nearest};
pub use suppress::{Suppression, Suppressions};
