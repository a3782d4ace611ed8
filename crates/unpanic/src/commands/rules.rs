//! `unpanic rules`: the list of rules.

use std::io::{self, BufWriter, Write};

use diag::{ExitClass, Stability};
use serde::Serialize;

use crate::cli::{ListFormat, RulesArgs};

#[derive(Serialize)]
struct RuleLine {
    code: &'static str,
    name: &'static str,
    severity: diag::Severity,
    stability: Stability,
    summary: &'static str,
}

/// Prints the rules, sorted by code.
pub fn run(args: &RulesArgs) -> anyhow::Result<ExitClass> {
    let mut out = BufWriter::new(io::stdout().lock());
    let rules = rules::all();
    let width = rules.iter().map(|r| r.meta.name.len()).max().unwrap_or(0);
    for rule in &rules {
        let m = rule.meta;
        if args.format == ListFormat::Json {
            let line = RuleLine {
                code: m.code,
                name: m.name,
                severity: m.severity,
                stability: m.stability,
                summary: m.summary,
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        } else {
            let preview = if m.stability == Stability::Preview { " (preview)" } else { "" };
            let severity = m.severity.as_str();
            writeln!(
                out,
                "{:<7} {:<width$}  {severity:<7}  {}{preview}",
                m.code, m.name, m.summary
            )?;
        }
    }
    out.flush()?;
    Ok(ExitClass::Clean)
}
