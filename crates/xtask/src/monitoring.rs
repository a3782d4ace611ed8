//! What the tests of scaffolded files need: promtool and amtool from Debian, and the oldest Go that
//! scaffolded code has to compile with.

use std::process::Command;

use anyhow::ensure;

use crate::run_command;

/// The oldest version that the templates are written for.
pub const OLDEST_GO: &str = "1.21.13";

/// Installs the tools with apt where they are not there yet.
pub fn install() -> anyhow::Result<()> {
    if is_there() {
        return Ok(());
    }
    // The lists may be absent or old; if they are merely old, the installation may work all the same.
    let _ = run_command(Command::new("apt-get").args(["update", "--quiet"]));
    run_command(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(["prometheus", "prometheus-alertmanager"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    ensure!(is_there(), "promtool and amtool are still not there");
    Ok(())
}

fn is_there() -> bool {
    let runs = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
    };
    runs("promtool") && runs("amtool")
}
