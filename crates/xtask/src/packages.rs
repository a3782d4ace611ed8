//! What the slow tests need of Debian's packages: the browser that pages are tried in, and the database
//! server that guards share.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use crate::run_command;

/// Installs what is not there yet.
pub fn install() -> anyhow::Result<()> {
    let mut wanted = Vec::new();
    if !browser() {
        wanted.extend(["chromium", "chromium-driver"]);
    }
    if !postgresql() {
        wanted.push("postgresql");
    }
    if wanted.is_empty() {
        return Ok(());
    }
    // The lists may be absent or old; if they are merely old, the installation may work all the same.
    let _ = run_command(Command::new("apt-get").args(["update", "--quiet"]));
    run_command(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(wanted)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    ensure!(browser(), "chromedriver is still not there");
    ensure!(postgresql(), "PostgreSQL's server is still not there");
    Ok(())
}

fn browser() -> bool {
    let runs = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
    };
    runs("chromedriver") && runs("chromium")
}

/// Debian keeps the programs of each version in a folder of their own.
fn postgresql() -> bool {
    let versions =
        std::fs::read_dir(Path::new("/usr/lib/postgresql")).into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.exists())
}
