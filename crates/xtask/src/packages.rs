//! What the slow tests need of Debian's packages: the browser that pages are tried in, the database server
//! that guards share, and the tools that read monitoring files.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use crate::run_command;

/// How to see whether something is there, and the packages that bring it.
type Need = (&'static str, fn() -> bool, &'static [&'static str]);

const NEEDS: &[Need] = &[
    (
        "Chromium and its driver",
        || runs("chromedriver") && runs("chromium"),
        &["chromium", "chromium-driver"],
    ),
    ("PostgreSQL's server", postgresql, &["postgresql"]),
    (
        "promtool and amtool",
        || runs("promtool") && runs("amtool"),
        &["prometheus", "prometheus-alertmanager"],
    ),
];

/// Installs what is not there yet.
pub fn install() -> anyhow::Result<()> {
    let wanted: Vec<&Need> = NEEDS.iter().filter(|(_, is_there, _)| !is_there()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    // The lists may be absent or old; if they are merely old, the installation may work all the same.
    let _ = run_command(Command::new("apt-get").args(["update", "--quiet"]));
    run_command(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(wanted.iter().flat_map(|(_, _, packages)| *packages))
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    for (name, is_there, _) in wanted {
        ensure!(is_there(), "{name}: still not there");
    }
    Ok(())
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
}

/// Debian keeps the programs of each version in a folder of their own.
fn postgresql() -> bool {
    let versions =
        std::fs::read_dir(Path::new("/usr/lib/postgresql")).into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.exists())
}
