//! Where output goes: standard output or a file, with colours or without, at what width.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anstream::ColorChoice;
use anyhow::Context;
use diag::render::terminal::{self, Style};
use diag::render::{self, Report};
use diag::{Problem, Resolver};
use source::SourceMap;

use crate::cli::{Color, Format};

/// Width of text when it does not go to a terminal.
const WIDTH: usize = 120;

/// The style for text on standard output.
pub fn stdout_style(color: Option<Color>) -> Style {
    style(color, &io::stdout())
}

/// Prints problems to standard error.
pub fn print_problems(
    problems: &[Problem],
    sources: &SourceMap,
    base: &Path,
    color: Option<Color>,
) -> io::Result<()> {
    let report = Report {
        findings: &[],
        problems,
        rules: &[],
        resolver: Resolver::new(sources, base),
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut out = BufWriter::new(io::stderr().lock());
    terminal::write_problems(&report, style(color, &io::stderr()), &mut out)?;
    out.flush()
}

/// An error with its causes, but for those whose text is already said.
pub fn error_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text += if text.is_empty() { "" } else { ": " };
            text += &cause;
        }
    }
    diag::clean(&text).into_owned()
}

/// Writes findings to `path`, or to standard output.
pub fn print_findings(
    report: &Report<'_>,
    format: Format,
    color: Option<Color>,
    path: Option<&Path>,
) -> anyhow::Result<()> {
    match path {
        Some(path) => {
            let plain = Style { color: color == Some(Color::Always), width: WIDTH };
            let mut text = Vec::new();
            write(report, format, plain, &mut text)?;
            crate::fixes::write_file(path, &text)
                .with_context(|| format!("cannot write {}", path.display()))
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            write(report, format, stdout_style(color), &mut out)?;
            Ok(out.flush()?)
        }
    }
}

fn write(report: &Report<'_>, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => terminal::write(report, style, out),
        Format::Json => render::json::write(report, out),
        Format::Sarif => render::sarif::write(report, out),
        Format::Github => render::github::write(report, out),
        Format::Junit => render::junit::write(report, out),
    }
}

/// `NO_COLOR`, `CLICOLOR_FORCE` and the like are anstream's business.
fn style(color: Option<Color>, stream: &(impl anstream::stream::RawStream + IsTerminal)) -> Style {
    let color = match color.unwrap_or(Color::Auto) {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(stream) != ColorChoice::Never,
    };
    Style { color, width: WIDTH }
}
