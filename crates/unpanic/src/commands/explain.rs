//! `unpanic explain RULE`: the rule's documentation page.

use std::io::{self, IsTerminal, Write};

use diag::ExitClass;

use crate::app::App;
use crate::cli::ExplainArgs;
use crate::{markdown, output};

/// Prints the page: formatted on a terminal, as it is otherwise.
pub fn run(app: &App, args: &ExplainArgs) -> anyhow::Result<ExitClass> {
    let Some(rule) = rules::find(&args.rule) else {
        let all = rules::all();
        let names: Vec<&str> = all.iter().flat_map(|r| [r.meta.code, r.meta.name]).collect();
        let hint = match engine::nearest(&args.rule, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`unpanic rules` lists them".to_owned(),
        };
        anyhow::bail!("there is no rule `{}`; {hint}", diag::clean_line(&args.rule));
    };
    let style = output::stdout_style(app.global.color);
    let mut out = io::stdout().lock();
    if style.color || io::stdout().is_terminal() {
        out.write_all(markdown::render(rule.meta.page, style.color).as_bytes())?;
    } else {
        out.write_all(rule.meta.page.as_bytes())?;
    }
    Ok(ExitClass::Clean)
}
