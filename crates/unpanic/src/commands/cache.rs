//! Where results are remembered, and `unpanic cache`.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use cache::Store;
use diag::ExitClass;
use source::System;

use crate::app::App;
use crate::cli::CacheCommand;

/// How many MiB the entries may take when nobody says.
const DEFAULT_MIB: u64 = 1024;

/// Looks at the cache or empties it.
pub fn run(app: &App, command: &CacheCommand) -> anyhow::Result<ExitClass> {
    let store = store(app).context("there is no folder for caches; say one with --cache-dir")?;
    let mut out = io::stdout().lock();
    match command {
        CacheCommand::Path => writeln!(out, "{}", store.dir().display())?,
        CacheCommand::Size => writeln!(out, "{}", store.size())?,
        CacheCommand::Clean => {
            super::prove::store::clean(store.dir());
            let freed =
                store.clean().with_context(|| format!("cannot empty {}", store.dir().display()))?;
            writeln!(out, "removed {:.1} MB from {}", freed as f64 / 1e6, store.dir().display())?;
        }
    }
    Ok(ExitClass::Clean)
}

/// The entries, unless they are turned off or there is no place for them.
pub fn enabled(app: &App) -> Option<Store> {
    let off = app.global.no_cache.or(app.config.no_cache).unwrap_or(false);
    if off { None } else { store(app) }
}

fn store(app: &App) -> Option<Store> {
    let own = app.global.cache_dir.as_ref().or(app.config.cache_dir.as_ref());
    let dir = match own {
        Some(dir) => app.dir.join(dir),
        None => user_dir(&app.system)?.join("unpanic"),
    };
    let mib = app.global.cache_size.or(app.config.cache_size).unwrap_or(DEFAULT_MIB);
    Some(Store::new(dir, mib.saturating_mul(1 << 20)))
}

/// Where this system keeps what programs can make again (`os.UserCacheDir` of Go names the same).
fn user_dir(system: &dyn System) -> Option<PathBuf> {
    let absolute = |name| system.env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return absolute("LocalAppData");
    }
    if cfg!(target_os = "macos") {
        return Some(absolute("HOME")?.join("Library").join("Caches"));
    }
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}
