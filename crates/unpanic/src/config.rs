//! Finding and reading `unpanic.toml`.

use std::path::{Path, PathBuf};

use diag::{Problem, ProblemKind};
use engine::{Config, FILE_NAME, parse_config};
use source::{FileKind, System};

/// The configuration at `explicit`, or the nearest one upwards from `dir`; the defaults when there
/// is none.
pub fn read(
    system: &dyn System,
    dir: &Path,
    explicit: Option<&Path>,
) -> Result<Config, Vec<Problem>> {
    let found = explicit.map(|path| dir.join(path)).or_else(|| find(system, dir));
    let Some(path) = found else { return Ok(Config::default()) };
    let bytes =
        system.read(&path).map_err(|e| vec![Problem::error(ProblemKind::Config, e.to_string())])?;
    let text = String::from_utf8(bytes).map_err(|_| {
        vec![Problem::error(ProblemKind::Config, "the file is not UTF-8").at_path(&path, None)]
    })?;
    let folder = path.parent().unwrap_or(dir);
    parse_config(&text, folder).map_err(|errors| {
        let problem = |e: engine::ConfigError| Problem {
            help: e.help,
            ..Problem::error(ProblemKind::Config, e.message).at_path(&path, Some(e.line))
        };
        errors.into_iter().map(problem).collect()
    })
}

fn find(system: &dyn System, dir: &Path) -> Option<PathBuf> {
    let files = dir.ancestors().map(|folder| folder.join(FILE_NAME));
    files.into_iter().find(|path| system.kind(path) == Some(FileKind::File))
}
