//! Which build is analysed: flags over `[build]` of the configuration.

use engine::{Target, TestFiles};

use crate::app::App;
use crate::cli::BuildArgs;

/// The build that flags and configuration ask for.
pub fn target(app: &App, args: &BuildArgs) -> anyhow::Result<Target> {
    let config = &app.config.build;
    let tests = args.tests.or(config.tests).unwrap_or(false);
    let mod_mode = args.mod_mode.as_ref().or(config.mod_mode.as_ref());
    let mod_mode = mod_mode.map(|mode| {
        engine::parse_mod_mode(mode).ok_or_else(|| {
            anyhow::anyhow!(
                "`build.mod` is mod, readonly or vendor, not `{}`",
                diag::clean_line(mode)
            )
        })
    });
    Ok(Target {
        goos: args.goos.clone().or_else(|| config.goos.clone()),
        goarch: args.goarch.clone().or_else(|| config.goarch.clone()),
        tags: args.tags.clone().or_else(|| config.tags.clone()).unwrap_or_default(),
        mod_mode: mod_mode.transpose()?,
        tests: if tests { TestFiles::Include } else { TestFiles::Skip },
    })
}
