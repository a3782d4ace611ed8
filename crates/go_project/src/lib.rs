//! From a folder and patterns to a [`Program`]: which packages there are, which files each has in
//! this build context, and what every import means. It knows `go.mod`, `go.work`, vendor folders,
//! GOROOT and the module cache, and needs no Go toolchain for that. No types and no analysis here.
//!
//! [`load`] never fails: what is wrong is inside the program, each error with its place and class.
//!
//! The way of a load: `environment` finds GOROOT and settings, `modules` the versions, `pattern` the
//! packages asked for; `loader` follows imports (`resolve` says what they mean, `folder` reads and
//! parses); `assemble` makes variants and numbers, `order` puts dependencies first.

mod assemble;
mod constraint;
mod context;
mod describe;
mod environment;
mod error;
mod folder;
mod loader;
mod main_module;
mod modfile;
mod modules;
mod order;
mod paths;
mod pattern;
mod program;
mod resolve;
mod setup;
mod targets;
mod vendoring;
mod version;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use source::System;

pub use context::{BuildContext, LanguageVersion, LoadOptions, ModMode, ParseLevel};
pub use describe::PackageListing;
pub use error::{ErrorClass, LoadError};
pub use main_module::{MainModule, MainModules, main_modules};
pub use program::{
    EmbedPattern, IgnoredFile, ImportTarget, Module, ModuleId, Package, PackageId, PackageKind,
    ParsedFile, Program, TestVariant,
};

use environment::Environment;
use modules::{Modules, Search};
use resolve::Resolver;

/// Loads what the patterns name, with everything that it imports.
pub fn load(system: &dyn System, options: &LoadOptions) -> Program {
    let base = if options.dir.is_absolute() {
        options.dir.clone()
    } else {
        system.current_dir().join(&options.dir)
    };
    let base = paths::clean(&base);
    let default = ["./...".to_owned()];
    let patterns =
        if options.patterns.is_empty() { default.as_slice() } else { options.patterns.as_slice() };

    let mut env = Environment::new(system);
    let mut goroot = environment::find_goroot(&env, options.goroot.as_deref());
    if let Ok(found) = &goroot {
        env.add_goroot(&found.dir);
    }
    let modcache = env.modcache();
    let starts = start_folders(system, &base, patterns);
    let std = goroot.as_ref().ok().map(|g| g.dir.join("src"));
    let mut modules = Modules::find(&Search {
        system,
        env: &env,
        starts: &starts,
        mod_mode: options.mod_mode,
        modcache: modcache.as_deref(),
        goroot_src: std.as_deref(),
    });
    if options.goroot.is_none()
        && let Some(newer) =
            newer_toolchain(&env, &modules, goroot.as_ref().ok(), modcache.as_deref())
    {
        goroot = Ok(newer);
    }
    let context = setup::build_context(system, &env, options, goroot.as_ref().ok());
    let std = context.goroot.as_ref().map(|dir| dir.join("src"));
    let mut errors = std::mem::take(&mut modules.errors);
    let resolver = Resolver::new(system, &modules, std, env.gopath());
    let mut roots = pattern::expand(&resolver, &base, patterns, context.cgo);
    errors.append(&mut roots.errors);
    let units = in_deep_threads(|| loader::traverse(system, &context, options, &resolver, &roots));
    let absent = resolver.absent_modules();
    let mut program = assemble::assemble(system, context, &modules, units, roots.all);
    order::order(&mut program);
    program.missing = assemble::missing_summary(
        goroot.as_ref().err().map(Vec::as_slice),
        &absent,
        modcache.as_deref(),
    );
    program.errors.append(&mut errors);
    assemble::sort_errors(&mut program.errors);
    program
}

/// The folders from which modules are looked for.
fn start_folders(
    system: &dyn System,
    base: &std::path::Path,
    patterns: &[String],
) -> Vec<(PathBuf, bool)> {
    let mut starts: Vec<(PathBuf, bool)> =
        patterns.iter().filter_map(|p| pattern::start_of(system, base, p)).collect();
    if starts.is_empty() {
        starts.push((base.to_owned(), false));
    }
    starts
}

/// The downloaded toolchain that the go command would switch to, if the one found is too old.
fn newer_toolchain(
    env: &Environment<'_>,
    modules: &Modules,
    goroot: Option<&environment::GoRoot>,
    modcache: Option<&std::path::Path>,
) -> Option<environment::GoRoot> {
    let wanted = modules.wanted_go.as_deref()?;
    let have = goroot.map_or("", |g| g.version.trim_start_matches("go"));
    let older = version::compare(&format!("v{have}"), &format!("v{wanted}")).is_lt();
    if older { environment::newer_toolchain(env, modcache?, wanted) } else { None }
}

/// Runs the work on threads whose stack is deep enough for the parser, as many as there are now.
fn in_deep_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .stack_size(go_syntax::STACK_BYTES)
        .thread_name(|i| format!("load-{i}"))
        .build();
    match pool {
        Ok(pool) => pool.install(work),
        // The system grants no more threads: the ones there are have to do.
        Err(_) => work(),
    }
}
