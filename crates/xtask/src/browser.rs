//! The browser that the slow tests try pages in: Debian's Chromium and its driver.

use std::process::Command;

use anyhow::ensure;

use crate::run_command;

/// Installs them with apt where they are not there yet.
pub fn install() -> anyhow::Result<()> {
    if is_there() {
        return Ok(());
    }
    // The lists may be absent or old; if they are merely old, the installation may work all the same.
    let _ = run_command(Command::new("apt-get").args(["update", "--quiet"]));
    run_command(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(["chromium", "chromium-driver"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    ensure!(is_there(), "chromedriver is still not there");
    Ok(())
}

fn is_there() -> bool {
    let runs = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
    };
    runs("chromedriver") && runs("chromium")
}
